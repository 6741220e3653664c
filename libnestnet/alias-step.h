/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ALIAS_STEP_H
#define NESTNET_ALIAS_STEP_H

/* Aliases that nestnet makes: where they are, and the step that makes and removes them. */

#include "plan/plan.h"

/** Where a prefix is local to L1. */
struct alias_place {
	uint32_t ifindex; /* 0: nowhere */
	bool is_own;      /* nestnet made it so */
};

/** @return 1: it is local, at *ret, by nestnet if that is one of several; 0; or -errno */
int alias_find_place(struct plan *plan, const struct nestnet_prefix *prefix,
		     struct alias_place *ret);

/** Its form is an address, not a route. */
bool alias_is_address(const struct nestnet_prefix *prefix);

struct alias_change {
	struct nestnet_prefix prefix;
	char dev[NESTNET_IFNAMSIZ]; /* to add it on; "": it is removed */
	uint32_t ifindex; /* where it was added or removed; 0: nothing was done */
};

/** Adds a change to the plan's step. @param dev  "": the alias is removed */
int alias_add_change(struct plan *plan, const struct nestnet_prefix *prefix,
		     const char *dev);

/** What the plan has come to of a prefix so far; NULL: nothing. */
const struct alias_change *alias_find_change(const struct plan *plan,
					     const struct nestnet_prefix *prefix);

#endif
