/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_LOCAL_H
#define NESTNET_LOCAL_H

/* What is local to L1 and not primary, made by nestnet or by others. */

#include "plan/inventory.h"

struct local {
	struct nestnet_prefix prefix;
	uint32_t ifindex;
	enum nestnet_alias_origin origin;
};

struct locals {
	struct local *list; /* to be freed, by address */
	size_t n;
};

/** @param ret  empty; its list is to be freed on failure too
 *  @return 0, or a negative errno in ctx->error */
int locals_read(struct nestnet *ctx, const struct inventory *inventory,
		struct locals *ret);

/** The primary address of an interface: the source that the kernel would pick, else the
 *  first; of IPv6, never a /128 beside a shorter prefix (facts 10f).
 *  @return 1, 0 where it has none, or a negative errno */
int local_find_primary(struct nestnet *ctx, const struct inventory_link *link, int family,
		       struct nestnet_address *ret);

#endif
