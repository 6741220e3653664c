/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures that go with a tap: which it is, and whether it is there. */

#include "expose/tap.h"

#include "table/exposure-tap.h"

#include "kernel/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct plan *plan, const char *name, const char *why)
{
	return error_set(plan_error(plan), ENODEV, "tap %s: %s", name, why);
}

static int take_link(struct plan *plan, const char *name, struct exposure *exposure)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, name, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 0)
		return refuse(plan, name, error_describe(ENODEV));
	if (link.kind != LINK_TAP)
		return refuse(plan, name, "it is no tap");
	exposure->tap = link.ifindex;
	snprintf(exposure->tap_name, sizeof(exposure->tap_name), "%s", link.name);
	return 0;
}

/* The last tap of the plan that was asked for by that name. @return whether there is one */
static bool find_planned(const struct plan *plan, const char *name, size_t *ret_index)
{
	for (size_t i = plan->n_ifnames; i-- > 0;) {
		if (strcmp(plan->ifnames[i], name) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

int tie_find(struct plan *plan, const char *name, struct exposure *exposure,
	     size_t *ret_index)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && !strchr(name, '%'))
		r = link_get(nl, name, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 0 && find_planned(plan, name, ret_index)) {
		exposure->tap = EXPOSURE_TAP_LATER;
		snprintf(exposure->tap_name, sizeof(exposure->tap_name), "%s", name);
		return 0;
	}
	if (strchr(name, '%'))
		return refuse(plan, name, "no tap of that name is added before");
	return take_link(plan, name, exposure);
}

/* ---- A tap that is made ------------------------------------------------------------------ */

struct later {
	struct exposure exposure; /* borrows from the transaction */
	size_t index;
};

static int tie(struct plan *plan, void *step)
{
	struct later *later = step;
	int r = take_link(plan, plan->ifnames[later->index], &later->exposure);

	if (r < 0)
		return r;
	return exposure_change_tap(plan->elements, &later->exposure, elements_put,
				   plan_error(plan));
}

/* What was wanted of the view goes with the view. */
static int forget(struct plan *plan, void *step)
{
	(void)plan;
	(void)step;
	return 0;
}

static const struct plan_step_ops later_ops = { .act = tie,
						.undo = forget,
						.free = free };

int tie_plan_later(struct plan *plan, const struct exposure *exposure, size_t index)
{
	struct later *later = malloc(sizeof(*later));

	if (later)
		*later = (struct later){ .exposure = *exposure, .index = index };
	/* Of the same phase as the tap's making, and behind it. */
	return plan_add(plan, PLAN_LINKS, &later_ops, later);
}

/* ---- A tap that was there ----------------------------------------------------------------- */

int tie_is_gone(struct plan *plan, uint32_t ifindex)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get_by_index(nl, ifindex, &link, plan_error(plan));
	if (r < 0)
		return r;
	return r == 0 || link.kind != LINK_TAP || plan_drops(plan, &link);
}
