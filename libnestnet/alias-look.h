/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ALIAS_LOOK_H
#define NESTNET_ALIAS_LOOK_H

/*
 * What the kernel has to do with aliases, read once for as many as there are: where prefixes
 * are local, and whom L1 reaches.
 */

#include "plan/plan.h"

/** Where a prefix is local to L1. */
struct alias_place {
	uint32_t ifindex; /* 0: nowhere */
	bool is_own;      /* nestnet made it so */
};

/** Something that has a prefix, or an address, sorted by it. */
struct alias_known {
	struct nestnet_prefix prefix;
	struct alias_place place;
};

struct alias_knowns {
	struct alias_known *list;
	size_t n;
	bool is_read;
};

/** Zeros are one that has read nothing. */
struct alias_look {
	struct alias_knowns routes, addresses; /* what is local */
	struct alias_knowns gateways[2];       /* of IPv4 and IPv6 */
	struct alias_knowns neighbours;
};

/** @return 1: the prefix is local, at *ret, by nestnet if that is one of several; 0; or
 *          -errno */
int alias_look_place(struct plan *plan, struct alias_look *look,
		     const struct nestnet_prefix *prefix, struct alias_place *ret);

/** @return 1: a gateway is in the prefix, in *ret; 0; or -errno */
int alias_look_gateway(struct plan *plan, struct alias_look *look,
		       const struct nestnet_prefix *prefix, struct nestnet_address *ret);

/** The same of a neighbour whose MAC address is known. */
int alias_look_neighbour(struct plan *plan, struct alias_look *look,
			 const struct nestnet_prefix *prefix,
			 struct nestnet_address *ret);

void alias_look_clear(struct alias_look *look);

#endif
