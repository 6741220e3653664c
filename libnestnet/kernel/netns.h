/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NETNS_H
#define NESTNET_KERNEL_NETNS_H

/* Network namespaces: found by name, entered by the calling thread for moments. */

struct error;

/**
 * Opens a namespace: a name under /run/netns, a path (with a slash), or a pid (digits).
 * @param ret_fd  close-on-exec, the caller's
 * @return 0, or a negative errno
 */
int netns_open(const char *name, int *ret_fd, struct error *error);

/**
 * Moves the calling thread into a namespace.
 * @param ret_back  descriptor of the one it was in, for netns_leave()
 */
int netns_enter(int fd, int *ret_back, struct error *error);

/** Moves the thread back, and closes the descriptor. */
int netns_leave(int back, struct error *error);

#endif
