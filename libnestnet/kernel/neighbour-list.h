/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NEIGHBOUR_LIST_H
#define NESTNET_KERNEL_NEIGHBOUR_LIST_H

/* What the kernel knows of who is out there: neighbours by address, and the bridges'
 * forwarding tables by port. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

struct neighbour_entry {
	uint32_t ifindex;               /* a neighbour's interface; of a table the port */
	struct nestnet_address address; /* AF_UNSPEC: an entry of a forwarding table */
	uint8_t mac[6];
	const char *state; /* "reachable", "stale", "failed"...; static */
	bool has_mac;
	bool is_own; /* of a table: the port's own address */
};

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*neighbour_fn)(void *userdata, const struct neighbour_entry *entry);

/** @param family  AF_UNSPEC: neighbours of IPv4 and IPv6; AF_BRIDGE: forwarding tables */
int neighbour_list(struct netlink *nl, int family, neighbour_fn fn, void *userdata,
		   struct error *error);

#endif
