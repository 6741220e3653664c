/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RESHAPE_H
#define NESTNET_RESHAPE_H

/*
 * A link of ours that is there becomes another, as a step of a plan: in place, so that who
 * has a tap open keeps it, and ports stay in their bridge. Or it makes room for one of its
 * name, is deleted at the end, and takes its name back should the plan fail before.
 */

#include "plan/plan.h"
#include "plan/request.h"

/** What of a tap or a bridge can change in place. */
struct link_shape {
	char master[NESTNET_IFNAMSIZ]; /* "": none */
	bool has_hairpin, is_isolated; /* as a port */
	bool has_stp;
	bool is_up;
	uint32_t mtu;
	uint8_t mac[6];
	char alias[LINK_ALIAS_MAX + 1]; /* text for people */
	struct prefixes addresses;
};

/** Finds a link of that name, which is to be ours. @param wanted  LINK_TAP or LINK_BRIDGE, for
 *  the sentence of a refusal @return 0, -EAGAIN: it has gone; -EEXIST: somebody else's */
int reshape_find(struct plan *plan, const struct inventory *inventory, const char *name,
		 enum link_kind wanted, const struct inventory_link **ret);

/** The shape of a link that is there, whose addresses stay the plan's; what it is asked to
 *  be is changed in that. */
int reshape_read(struct plan *plan, const struct inventory_link *link,
		 struct link_shape *ret);

/** Adds the step, which copies what it needs. A failure is told as that of "command
 *  name". */
int reshape_plan(struct plan *plan, const char *command, const struct inventory_link *link,
		 const struct link_shape *wanted);

/** Has the link give up its name before links are made, and deletes it behind all that can
 *  fail. */
int reshape_set_aside(struct plan *plan, const char *command, const struct link *link);

#endif
