/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_TUN_H
#define NESTNET_KERNEL_TUN_H

/* Tap interfaces through /dev/net/tun, in the calling thread's namespace; rtnetlink cannot
 * make them (facts 8). */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;

/** How a queue is opened: the first two are the tap's, and the same for all its queues. */
struct tun_mode {
	bool has_vnet_hdr;
	bool has_multi_queue;
	bool is_blocking;
};

/**
 * Creates a tap, down, that lives as long as *ret_fd is open.
 * @param name     may end in %d
 * @param ret_fd   its first queue; close-on-exec, the caller's
 * @param ret_name what the kernel called it; NESTNET_IFNAMSIZ bytes
 * @return 0; -EEXIST: there is an interface of that name; or another negative errno
 */
int tun_create(const char *name, const struct tun_mode *mode, int *ret_fd, char *ret_name,
	       struct error *error);

/** Opens a queue of the tap of that name. Where there is none any more, a program that may
 *  gets a new tap: look at tun_get_name() and at the ifindex. */
int tun_attach(const char *name, const struct tun_mode *mode, int *ret_fd,
	       struct error *error);

/** What the tap of a descriptor is called by now. @param ret_name  NESTNET_IFNAMSIZ bytes */
int tun_get_name(int fd, char *ret_name, struct error *error);

/** Who may open it besides CAP_NET_ADMIN; where both are set, both must match. */
int tun_set_owner(int fd, uint32_t uid, struct error *error);
int tun_set_group(int fd, uint32_t gid, struct error *error);

/**
 * The tap has no carrier, open as it is: where it is brought up, and into a bridge, the kernel
 * leaves what takes it longest (IPv6's routes, the bridge's port) until somebody opens it. Who
 * opens it next has the carrier on again. A kernel that does not know this leaves it on.
 */
int tun_drop_carrier(int fd, struct error *error);

/** The tap outlives its descriptor, or not. */
int tun_set_persistent(int fd, bool is_persistent, struct error *error);

/** Bytes of the virtio-net header before each frame, on every queue of the tap. */
int tun_set_header_len(int fd, unsigned int len, struct error *error);

/** What the readers of the tap take on: NESTNET_OFFLOAD_*, which are TUN_F_*.
 *  @return 0; -EOPNOTSUPP: the kernel does not know one of them; or another negative errno */
int tun_set_offloads(int fd, unsigned int offloads, struct error *error);

#endif
