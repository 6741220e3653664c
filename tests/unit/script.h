/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_SCRIPT_H
#define NESTNET_TESTS_SCRIPT_H

/*
 * A kernel that says what a test wrote down: a transport for a netlink socket whose answers
 * are a list of datagrams, taken one a receive. When the list is at its end the queue is
 * empty, as the kernel's would be (EAGAIN).
 *
 * Sequence numbers are given as the distance from that of the first message that was sent
 * last, and are filled in when the datagram is received.
 */

#include "kernel/netlink.h"

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;

/** A script on a socket of its own. */
struct script *script_new(enum netlink_bus bus);
struct script *script_free(struct script *script);

/** Puts the script under a socket that something else has opened. */
struct script *script_under(struct netlink *nl);

struct netlink *script_socket(struct script *script);

/* ---- What is answered --------------------------------------------------------------- */

/** The next datagram; the messages that follow are in it. */
void script_datagram(struct script *script);

/** A message in it. @param offset  of its sequence number */
void script_message(struct script *script, uint16_t type, uint16_t flags, int offset,
		    const void *payload, size_t len);

/** What follows answers the n-th send (from 1) whenever it is received; 0: the last. */
void script_of_send(struct script *script, unsigned int n);

/** Datagrams of one message each. @param error  0 or a negative errno */
void script_ack(struct script *script, int offset, int error);
void script_ack_text(struct script *script, int offset, int error, const char *text);
void script_done(struct script *script, uint16_t flags, int32_t code);
void script_data(struct script *script, uint16_t type, uint16_t flags, const char *text);

/** A datagram of any bytes, as they are. */
void script_bytes(struct script *script, const void *bytes, size_t len);

/** A receive, or a send, that fails. */
void script_fail_receive(struct script *script, int code);
void script_fail_send(struct script *script, int code);

/** The next send takes only so many bytes. */
void script_short_send(struct script *script, size_t len);

/** Starts over at the first answer when the last was taken, for ever. A socket that takes
 *  more than most of them is hanging, and fails the test. */
void script_repeat(struct script *script, unsigned int most);

/* ---- What was done ------------------------------------------------------------------ */

unsigned int script_sends(const struct script *script);
unsigned int script_receives(const struct script *script);

/** Answers that nobody took. */
unsigned int script_left(const struct script *script);

/** The bytes that were sent last. */
const struct nlmsghdr *script_sent(const struct script *script, size_t *ret_len);

#endif
