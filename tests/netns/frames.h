/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_FRAMES_H
#define NESTNET_TESTS_FRAMES_H

/* Descriptors of taps, and frames through them: a guest that asks its bridge by ARP. */

#include "netns.h"

/** Descriptors that wait, and that do not. */
extern const struct nestnet_open_options waiting, nonblocking;

/** An ephemeral tap with descriptors that do not wait. @param bridge  NULL: none */
struct nestnet_tap_options ephemeral(const char *bridge);

/** Adds a tap and takes its descriptors. */
void add_open(const char *name, const struct nestnet_tap_options *options, int *fds);

void close_all(const int *fds, size_t n);

/** How many descriptors this process has. */
size_t count_fds(void);

/** There is an interface of that name. */
bool is_there(const char *name);

/** A bridge br0 that has 192.168.122.1. */
void arrange_bridge(void);

/** Sends a question for 192.168.122.1 from 02:00:00:00:00:LAST.
 *  @param header  bytes of the virtio-net header */
void ask(int fd, size_t header, uint8_t last);

/** Whether the bridge answers on one of the queues what is asked on fd. */
bool is_answered(int fd, const int *fds, size_t n, size_t header, uint8_t last);

/** How many answers each LAST got in is_answered() the last time. */
extern unsigned int answers[256];

#endif
