/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A link goes up or down, and back. */

#include "plan/updown.h"

#include "kernel/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct updown {
	const char *command; /* static */
	char name[NESTNET_IFNAMSIZ];
	uint32_t ifindex;
	bool is_up;
};

/* @return 0; 1: somebody else has deleted it since it was looked at; or a negative errno */
static int set_up(struct plan *plan, const struct updown *updown, bool is_up)
{
	struct link_change change = { .set_up = true, .is_up = is_up };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	r = link_change(nl, updown->ifindex, &change, plan_error(plan));
	if (r == -ENODEV && link_is_gone(nl, updown->ifindex))
		return 1;
	if (r < 0)
		return error_prefix(plan_error(plan), "%s %s: set it %s", updown->command,
				    updown->name, is_up ? "up" : "down");
	return 0;
}

/* One that is gone is looked at again. */
static int act(struct plan *plan, void *step)
{
	const struct updown *updown = step;
	int r = set_up(plan, updown, updown->is_up);

	return r == 1 ? error_set(plan_error(plan), ERESTART, "it is deleted meanwhile") : r;
}

static int undo(struct plan *plan, void *step)
{
	const struct updown *updown = step;
	int r = set_up(plan, updown, !updown->is_up);

	return r < 0 ? r : 0;
}

static const struct plan_step_ops updown_ops = {
	.act = act,
	.undo = undo,
	.free = free,
};

int updown_plan(struct plan *plan, enum plan_phase phase, const char *command,
		uint32_t ifindex, const char *name, bool is_up)
{
	struct updown *updown = malloc(sizeof(*updown));

	if (updown) {
		*updown = (struct updown){ .command = command,
					   .ifindex = ifindex,
					   .is_up = is_up };
		snprintf(updown->name, sizeof(updown->name), "%s", name);
	}
	return plan_add(plan, phase, &updown_ops, updown);
}
