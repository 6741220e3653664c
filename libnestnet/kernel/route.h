/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ROUTE_H
#define NESTNET_KERNEL_ROUTE_H

/* Routes over rtnetlink: what the kernel would do with an address, and which there are. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

/** Routes that the kernel makes by itself (RTPROT_KERNEL): for addresses. */
#define ROUTE_PROTOCOL_KERNEL 2

/** Google's guest agent writes its alias routes with this protocol (facts 34). */
#define ROUTE_PROTOCOL_GUEST_AGENT 66

/** With this protocol nestnet writes its own: "n" in ASCII, which nobody has registered. */
#define ROUTE_PROTOCOL_NESTNET 0x6e

struct route {
	struct nestnet_prefix destination;
	uint32_t ifindex;  /* of the first next hop; 0: none */
	struct nestnet_address gateway; /* of the next hop; AF_UNSPEC: none */
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

/** Lists the routes of a family by gateways, of every table, a call for each next hop. */
int route_list_gateways(struct netlink *nl, int family, route_fn fn, void *userdata,
			struct error *error);

/** Makes a prefix local to this host, which then answers ARP for it on the interface, as a
 *  cloud's guest agent does; with our protocol. @return 0, or a negative errno */
int route_add_local(struct netlink *nl, const struct nestnet_prefix *prefix,
		    uint32_t ifindex, struct error *error);

/** Takes it back; one that is gone is no error. */
int route_delete_local(struct netlink *nl, const struct nestnet_prefix *prefix,
		       uint32_t ifindex, struct error *error);

#endif
