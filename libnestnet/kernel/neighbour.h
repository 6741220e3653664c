/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NEIGHBOUR_H
#define NESTNET_KERNEL_NEIGHBOUR_H

/* Who is behind an interface: neighbours by address, and what bridges have learned. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

struct neighbour {
	uint32_t ifindex; /* of a bridge's entry: the port */
	uint32_t bridge;  /* 0: no bridge's entry */
	uint8_t mac[6];
	bool has_mac;                   /* a failed one has none */
	struct nestnet_address address; /* AF_UNSPEC: a bridge's entry */
	unsigned int state;             /* NUD_* of the kernel's */
};

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*neighbour_fn)(void *userdata, const struct neighbour *neighbour);

/** Lists IPv4 and IPv6 neighbours of all interfaces, multicast and proxied ones aside. */
int neighbour_list(struct netlink *nl, neighbour_fn fn, void *userdata, struct error *error);

/** Lists the addresses that bridges have learned, their own and their ports' aside. */
int neighbour_list_learned(struct netlink *nl, neighbour_fn fn, void *userdata,
			   struct error *error);

/** What `ip neighbour` calls a neighbour of that state. */
enum nestnet_neighbour_state neighbour_state(const struct neighbour *neighbour);

#endif
