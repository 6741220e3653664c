/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guards in a plan. A guarded tap is never up without its guard: it is born down, the
 * guard comes with the batch, and the port comes up last; and when it goes, it is down
 * before the batch takes the guard. So what a killed process leaves is a tap that is down,
 * or a guard of a tap that is gone, which the next tap of that name does not inherit.
 */

#include "guard.h"

#include "plan/updown.h"

#include "table/guard-element.h"

#include "kernel/link.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Whose guards there are ------------------------------------------------------------- */

struct names {
	struct guard_entries entries; /* of which only the names count */
};

static int take_name(void *userdata, const struct nft_element *element)
{
	struct guard_entry entry = { .ifname = "" };
	struct names *names = userdata;

	memcpy(entry.ifname, element->key, sizeof(entry.ifname) - 1);
	return guard_entries_add(&names->entries, &entry) ? 0 : -ENOMEM;
}

static int read_names(struct plan *plan, struct names *ret)
{
	struct error *error = plan_error(plan);
	int r = elements_load(plan->elements, RULESET_GUARDED, AF_UNSPEC, error);

	if (r == 0 &&
	    elements_each(plan->elements, RULESET_GUARDED, AF_UNSPEC, take_name, ret) < 0)
		r = error_set_errno(error, ENOMEM);
	return r;
}

/* Wants what is there of a guard, its chain too. */
static int put_again(struct plan *plan, const char *ifname)
{
	struct guard_entries entries;
	int r = guard_read(plan->elements, ifname, &entries, plan_error(plan));

	if (r < 0)
		return r;
	r = guard_put(plan->elements, ifname, &entries, plan_error(plan));
	free(entries.list);
	return r;
}

/* Takes away what ephemeral taps have left, which went without a word; with is_renewing the
 * guards of those that are there are wanted anew. Each name is asked for by itself, behind
 * the reading of the set: an older list of links would lack a tap that has been guarded
 * since. */
static int sweep(struct plan *plan, const struct names *names, bool is_renewing)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	for (size_t i = 0; r == 0 && i < names->entries.n; i++) {
		const char *ifname = names->entries.list[i].ifname;

		if (plan_adds_ifname(plan, ifname))
			continue;
		r = link_get(nl, ifname, &link, plan_error(plan));
		if (r == 0)
			r = guard_remove(plan->elements, ifname, plan_error(plan));
		else if (r == 1)
			r = is_renewing ? put_again(plan, ifname) : 0;
	}
	return r;
}

static int plan_sweep(struct plan *plan, bool is_renewing)
{
	struct names names = { .entries = { .n = 0 } };
	int r = read_names(plan, &names);

	if (r == 0)
		r = sweep(plan, &names, is_renewing);
	free(names.entries.list);
	return r;
}

int guard_plan_renew(struct plan *plan)
{
	return plan_sweep(plan, true);
}

/* ---- Guarding a tap that is made --------------------------------------------------------- */

/* Wants the guard for a name, whose tap is down, and nothing of an older one. */
static int want_guard(struct plan *plan, const char *ifname,
		      const struct guard_entries *entries)
{
	struct error *error = plan_error(plan);
	int r = guard_is_there(plan->elements, ifname, error);

	if (r == 1)
		r = guard_remove(plan->elements, ifname, error);
	if (r == 0 && entries->n > 0)
		r = guard_put(plan->elements, ifname, entries, error);
	return r < 0 ? error_prefix(error, "tap add %s", ifname) : 0;
}

/* A tap whose name the kernel chooses: known once it is made, which is before the batch. */
struct late {
	const struct guard_entries *entries;
	size_t name_index;
};

static int want_late(struct plan *plan, void *step)
{
	const struct late *late = step;

	return want_guard(plan, plan->ifnames[late->name_index], late->entries);
}

/* What was wanted of the view goes with the view. */
static int forget_late(struct plan *plan, void *step)
{
	(void)plan;
	(void)step;
	return 0;
}

static const struct plan_step_ops late_ops = {
	.act = want_late,
	.undo = forget_late,
	.free = free,
};

int guard_plan(struct plan *plan, const struct tap_request *request)
{
	struct late *late;
	int r = 0;

	if (request->flags & NESTNET_TAP_EPHEMERAL)
		r = plan_sweep(plan, false);
	if (r < 0)
		return error_prefix(plan_error(plan), "tap add %s", request->name);
	if (!strchr(request->name, '%'))
		return want_guard(plan, request->name, &request->guard);
	late = malloc(sizeof(*late));
	if (late)
		*late = (struct late){ .entries = &request->guard,
				       .name_index = plan->n_ifnames - 1 };
	/* Of the same phase as the tap's making, and behind it. */
	return plan_add(plan, PLAN_LINKS, &late_ops, late);
}

/* ---- A tap that is there ------------------------------------------------------------------ */

static int refuse_other(struct plan *plan, const struct guard_entries *there)
{
	_cleanup_free_ char *text = guard_format(there);
	int r = elements_are_whole(plan->elements, plan_error(plan));

	if (r <= 0) /* what was read may be of two moments */
		return r < 0 ? r : error_set_errno(plan_error(plan), ERESTART);
	if (!text)
		return error_set_errno(plan_error(plan), ENOMEM);
	return error_set(plan_error(plan), EEXIST, "exists already, with%s",
			 there->n ? text : " no guard");
}

static int compare_guard(struct plan *plan, const struct tap_request *request)
{
	struct guard_entries there;
	int r = guard_read(plan->elements, request->name, &there, plan_error(plan));

	if (r < 0)
		return r;
	if (!guard_entries_equal(&there, &request->guard) && plan->wanted)
		r = want_guard(plan, request->name, &request->guard);
	else if (!guard_entries_equal(&there, &request->guard))
		r = refuse_other(plan, &there);
	else if (there.n > 0) /* brings back what else somebody has deleted of it */
		r = guard_put(plan->elements, request->name, &request->guard,
			      plan_error(plan));
	free(there.list);
	return r;
}

/* A tap that is down can be given a guard: nothing got through it. It is what a deletion
 * that was killed leaves. */
static int guard_unguarded(struct plan *plan, const struct tap_request *request)
{
	const struct guard_entries none = { .n = 0 };
	struct netlink *nl;
	struct link link;
	int r;

	if (request->guard.n == 0)
		return 0;
	r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = link_get(nl, request->name, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 0) /* since it was found */
		return error_set(plan_error(plan), ERESTART, "it is deleted meanwhile");
	if (link.is_up && !plan->wanted)
		return refuse_other(plan, &none);
	return guard_put(plan->elements, request->name, &request->guard,
			 plan_error(plan));
}

static int plan_there(struct plan *plan, const struct tap_request *request)
{
	int r = guard_is_there(plan->elements, request->name, plan_error(plan));

	if (r < 0)
		return r;
	return r == 1 ? compare_guard(plan, request) : guard_unguarded(plan, request);
}

int guard_plan_there(struct plan *plan, const struct tap_request *request)
{
	int r = plan_there(plan, request);

	return r < 0 ? error_prefix(plan_error(plan), "tap add %s", request->name) : 0;
}

/* ---- Removing ------------------------------------------------------------------------------ */

/* Has the tap of a guard go down, where there is one that is up and ours. */
static int plan_down(struct plan *plan, const char *ifname)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, ifname, &link, plan_error(plan));
	if (r <= 0 || !link.is_up || !link.is_managed)
		return r < 0 ? r : 0;
	return updown_plan(plan, PLAN_LINKS, "tap del", link.ifindex, ifname, false);
}

int guard_plan_remove(struct plan *plan, const char *ifname)
{
	int r = guard_is_there(plan->elements, ifname, plan_error(plan));

	if (r == 1)
		r = guard_remove(plan->elements, ifname, plan_error(plan));
	else if (r == 0)
		return 0;
	if (r == 0)
		r = plan_down(plan, ifname);
	return r < 0 ? error_prefix(plan_error(plan), "tap del %s", ifname) : 0;
}

/* ---- All of them ---------------------------------------------------------------------------- */

/* Of a tap that the state has, or of a program's own. */
static bool is_others(const struct plan *plan, const char *ifname)
{
	const struct inventory_link *there = inventory_find_name(plan->inventory, ifname);

	return objects_find_link(plan->wanted, ifname) ||
	       (there && link_is_ephemeral(&there->link));
}

static int plan_extra(struct plan *plan, struct names *names)
{
	int r = read_names(plan, names);

	/* What a tap has is read too, so that all of it can be put back. */
	for (size_t i = 0; r == 0 && i < names->entries.n; i++) {
		const char *ifname = names->entries.list[i].ifname;

		if (plan->wanted && is_others(plan, ifname))
			continue;
		r = plan_down(plan, ifname);
		if (r == 0)
			r = guard_remove(plan->elements, ifname, plan_error(plan));
	}
	return r;
}

int guard_plan_extra(struct plan *plan)
{
	struct names names = { .entries = { .n = 0 } };
	int r = plan_extra(plan, &names);

	free(names.entries.list);
	return r;
}
