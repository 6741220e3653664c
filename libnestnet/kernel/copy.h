/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_COPY_H
#define NESTNET_KERNEL_COPY_H

/*
 * What an interface has on top of its link - addresses, routes, neighbours - as copies of
 * the kernel's own messages, which can be sent back with another interface in them. So
 * nothing is lost that this library has no name for: metrics, protocols, lifetimes, tables.
 *
 * Left out is what the kernel makes by itself for every interface: IPv6 link-local
 * addresses with their routes, and what is in the local table because of an address.
 */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copies;
struct error;
struct netlink;

enum copy_kind {
	COPY_ADDRESS,
	COPY_ROUTE,
	COPY_NEIGHBOUR, /* one in use: copied, so that nobody waits for ARP; or permanent */
};

/** What is told of each. */
struct copy_item {
	enum copy_kind kind;
	struct nestnet_prefix prefix; /* an address and its network, a route's destination,
				       * or a neighbour's address */
	bool is_local;                /* a route: what it leads to is the host's own */
	bool is_advertised;           /* a route: learned from a router's advertisement */
	uint32_t nexthop;             /* a route: by this nexthop object; 0: none */
	bool stays;                   /* to be set by the caller: is not given or taken */
};

/** An interface, and what to call it. */
struct copy_end {
	uint32_t ifindex;
	char name[NESTNET_IFNAMSIZ];
	bool is_up; /* down, its addresses have no routes */
};

/** Reads what an interface has. @return 0, or a negative errno; *ret is the caller's */
int copies_read(struct netlink *nl, const struct copy_end *from, struct copies **ret,
		struct error *error);
struct copies *copies_free(struct copies *copies);

size_t copies_count(const struct copies *copies);

/** The index-th, from 0, in the order in which they can be added; lives with copies. */
struct copy_item *copies_item(struct copies *copies, size_t index);

/**
 * Adds to another interface all of a kind; what it has already is no error. IPv6 addresses
 * are usable at once, without duplicate address detection: they were in use before.
 */
int copies_give(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		const struct copy_end *to, struct error *error);

/** Some address on an interface waits for duplicate address detection or for the kernel's
 *  worker. @return 1, 0, or a negative errno */
int copies_are_tentative(struct netlink *nl, const struct copy_end *to, struct error *error);

/** Gives the IPv6 addresses on the other interface the very flags that they had. */
int copies_settle(struct netlink *nl, struct copies *copies, const struct copy_end *to,
		  struct error *error);

/** Removes all of a kind where they were read; what is gone is no error. Of neighbours
 *  only the permanent ones: the others age. */
int copies_take(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		struct error *error);

/** The undo of copies_take(): adds what was taken where it was read. */
int copies_restore(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		   struct error *error);

/** The undo of copies_give(): removes from the other interface what was given to it. */
int copies_revoke(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		  const struct copy_end *to, struct error *error);

#endif
