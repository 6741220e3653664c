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
	struct nestnet_address address;
};

/** Whether a neighbour in this state (NUD_*) is known, so that something can be sent to it. */
bool neighbour_is_known(uint16_t state);

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*neighbour_fn)(void *userdata, const struct neighbour *neighbour);

/** Lists the known neighbours of a family, proxied ones aside. */
int neighbour_list(struct netlink *nl, int family, neighbour_fn fn, void *userdata,
		   struct error *error);

#endif
