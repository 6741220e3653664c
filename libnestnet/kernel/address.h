/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ADDRESS_H
#define NESTNET_KERNEL_ADDRESS_H

/* Addresses of interfaces over rtnetlink. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

struct interface_address {
	uint32_t ifindex;
	struct nestnet_prefix prefix;
	bool is_alias;      /* of address_add_alias() */
	bool is_link_local; /* IPv6's own, which the kernel gives to each interface */
};

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*address_fn)(void *userdata, const struct interface_address *address);

/** Lists IPv4 and IPv6 addresses, each interface's in the order the kernel has them. */
int address_list(struct netlink *nl, address_fn fn, void *userdata, struct error *error);

/**
 * Gives an interface an IPv6 address that is for others to use and not for this host's own
 * flows (deprecated), at once (no duplicate address detection), with our mark.
 * @return 0; -EOPNOTSUPP: the kernel has no such marks; -EEXIST; or another negative errno.
 *         After any but -EEXIST the address may be there, for the caller to delete
 */
int address_add_alias(struct netlink *nl, uint32_t ifindex,
		      const struct nestnet_address *address, struct error *error);

/** Takes it back; one that is gone is no error. */
int address_delete_alias(struct netlink *nl, uint32_t ifindex,
			 const struct nestnet_address *address, struct error *error);

/** Gives an interface an address; one that it has already is no error. */
int address_add(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		struct error *error);

/** Takes an address from an interface; one that it has not is no error. */
int address_remove(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		   struct error *error);

#endif
