/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ANNOUNCE_H
#define NESTNET_KERNEL_ANNOUNCE_H

/*
 * Telling the neighbours where an address is: gratuitous ARP for IPv4, an unsolicited
 * neighbour advertisement for IPv6. Those who know the address already take it over at
 * once; the others ignore it.
 */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Opens a socket for announcements in the calling thread's network namespace.
 * @return a descriptor, the caller's; -EPERM without CAP_NET_RAW; or another negative errno
 */
int announce_open(void);

/**
 * Says on the wire of an interface that address is at mac (6 bytes).
 * @param is_router  this host forwards IPv6: who uses it as a router would else stop
 * @return 0, or a negative errno
 */
int announce_address(int fd, uint32_t ifindex, const uint8_t *mac,
		     const struct nestnet_address *address, bool is_router);

#endif
