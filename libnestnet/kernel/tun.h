/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_TUN_H
#define NESTNET_KERNEL_TUN_H

/* Tap interfaces through /dev/net/tun, in the calling thread's namespace; rtnetlink cannot
 * make them (facts 8). */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

/**
 * Creates a tap, down, that lives as long as *ret_fd is open.
 * @param name     may end in %d
 * @param ret_fd   close-on-exec, the caller's
 * @param ret_name what the kernel called it; NESTNET_IFNAMSIZ bytes
 * @return 0; -EEXIST: there is an interface of that name; or another negative errno
 */
int tun_create(const char *name, bool has_vnet_hdr, bool has_multi_queue, int *ret_fd,
	       char *ret_name, struct error *error);

/** Who may open it besides CAP_NET_ADMIN; where both are set, both must match. */
int tun_set_owner(int fd, uint32_t uid, struct error *error);
int tun_set_group(int fd, uint32_t gid, struct error *error);

/** The tap outlives its descriptor, or not. */
int tun_set_persistent(int fd, bool is_persistent, struct error *error);

#endif
