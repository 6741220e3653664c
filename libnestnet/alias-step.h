/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ALIAS_STEP_H
#define NESTNET_ALIAS_STEP_H

/* Aliases that nestnet makes: where they are, and the step that makes and removes them. */

#include "alias-look.h"

/** What the plan has read of the kernel for its aliases. @return NULL: no memory */
struct alias_look *alias_look(struct plan *plan);

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
