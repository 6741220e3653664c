/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NEIGHBOUR_H
#define NESTNET_KERNEL_NEIGHBOUR_H

/* Neighbours over rtnetlink: who is known to be on an interface's network. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

struct neighbour {
	uint32_t ifindex;
	bool has_mac; /* a failed one has none */
	struct nestnet_address address;
};

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*neighbour_fn)(void *userdata, const struct neighbour *neighbour);

/** Lists IPv4 and IPv6 neighbours of all interfaces, multicast and such aside. */
int neighbour_list(struct netlink *nl, neighbour_fn fn, void *userdata,
		   struct error *error);

#endif
