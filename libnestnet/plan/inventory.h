/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_INVENTORY_H
#define NESTNET_INVENTORY_H

/* All links with their addresses, read by two dumps: for lists, and for what has to know
 * the ports of a bridge. */

#include "plan/context.h"

#include "kernel/link.h"

#include <stddef.h>

struct inventory_link {
	struct link link;
	struct nestnet_prefix *addresses; /* link-local ones and aliases aside */
	size_t n_addresses;
};

struct inventory {
	struct inventory_link *links; /* by ifindex */
	size_t n;
};

int inventory_load(struct nestnet *ctx, struct inventory *ret);
void inventory_clear(struct inventory *inventory);

/** @return NULL where there is none */
const struct inventory_link *inventory_find(const struct inventory *inventory,
					    uint32_t ifindex);
const struct inventory_link *inventory_find_name(const struct inventory *inventory,
						 const char *name);

/** The same addresses, in any order. */
bool inventory_has_addresses(const struct inventory_link *link,
			     const struct nestnet_prefix *addresses, size_t n);

#endif
