/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_HANDOVER_H
#define NESTNET_HANDOVER_H

/* How descriptors get to whoever asked: one message over a socket of its. */

#include <stdbool.h>
#include <stddef.h>

/** The most descriptors that the kernel takes in one message (SCM_MAX_FD). */
#define HANDOVER_MAX 253

/** Whether fd is one end of a connected Unix stream socket. @return false: no, which was said */
bool handover_check(int fd);

/**
 * Sends n descriptors, 1 to HANDOVER_MAX, with one byte of no meaning, as QEMU's own helper
 * does; never waits.
 * @return false where they were not taken, which was said
 */
bool handover_send(int fd, const int *fds, size_t n);

#endif
