/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ROUTE_H
#define NESTNET_KERNEL_ROUTE_H

/* Routes over rtnetlink: what the kernel would do with an address, and which there are. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

/** Google's guest agent writes its alias routes with this protocol (facts 34). */
#define ROUTE_PROTOCOL_GUEST_AGENT 66

struct route {
	struct nestnet_prefix destination;
	uint32_t ifindex;  /* of the first next hop; 0: none */
	uint8_t protocol;  /* who made it */
	bool is_local;     /* what is sent there is for this host itself */
	bool is_interface; /* it is there because an interface has the address */
};

/**
 * Asks which route an address has, without a dump.
 * @return 1: there is one; 0: there is none; or a negative errno
 */
int route_get(struct netlink *nl, const struct nestnet_address *address, struct route *ret,
	      struct error *error);

/**
 * Asks which source the kernel would pick for what leaves by an interface: of its default
 * route where it has one, else its first address.
 * @return 1: there is one; 0: there is none; or a negative errno
 */
int route_get_source(struct netlink *nl, int family, uint32_t ifindex,
		     struct nestnet_address *ret, struct error *error);

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*route_fn)(void *userdata, const struct route *route);

/** Lists the default routes of the main table, a call for each next hop. */
int route_list_default(struct netlink *nl, route_fn fn, void *userdata, struct error *error);

/** Lists what is local to this host, broadcasts and the like aside. */
int route_list_local(struct netlink *nl, route_fn fn, void *userdata, struct error *error);

#endif
