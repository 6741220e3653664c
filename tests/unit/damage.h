/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_DAMAGE_H
#define NESTNET_TESTS_DAMAGE_H

/* Replies that are not what the kernel said; the same ones in every run. */

#include "kernel/netlink.h"

#include <stddef.h>
#include <stdint.h>

/** Starts the numbers that decide anew. @param seed  not 0 */
void damage_seed(uint32_t seed);
uint32_t damage_random(void);

/** Changes some bytes, or none: attributes' lengths and types more often. */
void damage_bytes(unsigned char *bytes, size_t len);

/** The real kernel, whose answers are damaged behind their headers. */
extern const struct netlink_transport damage_transport;

#endif
