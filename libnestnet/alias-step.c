/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Aliases that nestnet makes.
 *
 * In IPv4 an alias is a route in the local table, of a whole prefix at once: L1 takes what
 * is for it and answers ARP for each of its addresses. In IPv6 nobody answers neighbour
 * discovery for a route (facts 10f): so one address is an address of the interface, and
 * deprecated, or L1's own flows and its masquerading would pick it; and what is wider has to
 * be routed to L1, which leaves it a local route.
 *
 * Both have our mark in the kernel, the protocol of who made them, and that is all the
 * memory there is: what has it can be removed, and clear removes it. They go with their
 * interface, and the routes also when it goes down.
 *
 * All changes of a plan are one step, in the order of the requests, behind new links, which
 * take no route before they are up, and behind the moves of addresses: an alias belongs where
 * the other addresses are.
 */

#include "alias-step.h"

#include "kernel/address.h"
#include "kernel/link.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- The step ------------------------------------------------------------------------------- */

/* All of a plan. */
struct changes {
	struct alias_change *list;
	size_t n;
	struct alias_look look; /* of when it was planned */
};

bool alias_is_address(const struct nestnet_prefix *prefix)
{
	return prefix->address.family == AF_INET6 && prefix_is_address(prefix);
}

static int put(struct plan *plan, const struct nestnet_prefix *prefix, uint32_t ifindex)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	return alias_is_address(prefix)
		       ? address_add_alias(nl, ifindex, &prefix->address,
					   plan_error(plan))
		       : route_add_local(nl, prefix, ifindex, plan_error(plan));
}

static int take(struct plan *plan, const struct nestnet_prefix *prefix, uint32_t ifindex)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	return alias_is_address(prefix)
		       ? address_delete_alias(nl, ifindex, &prefix->address,
					      plan_error(plan))
		       : route_delete_local(nl, prefix, ifindex, plan_error(plan));
}

/* Another nestnet may have made the very same meanwhile, and that is not to be undone. */
static int accept_twin(struct plan *plan, const struct alias_change *change,
		       uint32_t ifindex)
{
	struct error first = plan->ctx->error;
	struct alias_look now = { .routes = { .n = 0 } };
	struct alias_place place;
	int r = alias_look_place(plan, &now, &change->prefix, &place);

	alias_look_clear(&now);
	if (r == 1 && place.is_own && place.ifindex == ifindex)
		return 0;
	plan->ctx->error = first;
	return -EEXIST;
}

/* @param now  what was so when the step began */
static int act_on(struct plan *plan, struct alias_look *now, struct alias_change *change)
{
	struct alias_place place = { .ifindex = 0 };
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && change->dev[0]) {
		r = link_get(nl, change->dev, &link, plan_error(plan));
		if (r == 0)
			r = error_set_errno(plan_error(plan), ENODEV);
		place.ifindex = link.ifindex;
	} else if (r == 0) {
		/* Where it is by now: its interface's addresses may have moved. */
		r = alias_look_place(plan, now, &change->prefix, &place);
		if (r == 0 || !place.is_own)
			return r < 0 ? r : 0;
	}
	if (r < 0)
		return r;
	if (!change->dev[0]) {
		change->ifindex = place.ifindex;
		return take(plan, &change->prefix, place.ifindex);
	}
	r = put(plan, &change->prefix, place.ifindex);
	/* A failure whose answer was lost may have been none: undone in any case. */
	if (r != -EEXIST)
		change->ifindex = place.ifindex;
	return r == -EEXIST ? accept_twin(plan, change, place.ifindex) : r;
}

static int undo(struct plan *plan, void *step)
{
	const struct changes *changes = step;
	int r = 0;

	for (size_t i = changes->n; r == 0 && i-- > 0;) {
		const struct alias_change *change = &changes->list[i];

		if (!change->ifindex)
			continue;
		r = change->dev[0] ? take(plan, &change->prefix, change->ifindex)
				   : put(plan, &change->prefix, change->ifindex);
		if (r == -EEXIST)
			r = 0; /* it had not gone yet */
	}
	return r;
}

static int fail(struct plan *plan, struct changes *changes,
		const struct alias_change *change, int r)
{
	struct error first = plan->ctx->error;
	char text[NESTNET_TEXT_MAX];

	if (undo(plan, changes) < 0) {
		error_prefix(&first, "could not be undone (%s) after",
			     plan_error(plan)->text);
		first.code = ENOTRECOVERABLE;
		r = -ENOTRECOVERABLE;
	}
	plan->ctx->error = first;
	error_prefix(plan_error(plan), "alias %s %s", change->dev[0] ? "add" : "del",
		     nestnet_prefix_format(&change->prefix, text));
	return r;
}

static int act(struct plan *plan, void *step)
{
	struct alias_look now = { .routes = { .n = 0 } };
	struct changes *changes = step;
	int r = 0;

	for (size_t i = 0; r == 0 && i < changes->n; i++) {
		r = act_on(plan, &now, &changes->list[i]);
		if (r < 0)
			r = fail(plan, changes, &changes->list[i], r);
	}
	alias_look_clear(&now);
	return r;
}

static void free_changes(void *step)
{
	struct changes *changes = step;

	free(changes->list);
	alias_look_clear(&changes->look);
	free(changes);
}

static const struct plan_step_ops changes_ops = {
	.act = act,
	.undo = undo,
	.free = free_changes,
};

/* The plan's. @return NULL: no memory */
static struct changes *changes_of(struct plan *plan)
{
	struct changes *changes = plan_find(plan, &changes_ops);

	if (changes)
		return changes;
	changes = calloc(1, sizeof(*changes));
	return plan_add(plan, PLAN_ALIASES, &changes_ops, changes) == 0 ? changes : NULL;
}

struct alias_look *alias_look(struct plan *plan)
{
	struct changes *changes = changes_of(plan);

	return changes ? &changes->look : NULL;
}

int alias_add_change(struct plan *plan, const struct nestnet_prefix *prefix,
		     const char *dev)
{
	struct changes *changes = changes_of(plan);
	struct alias_change *grown;

	if (!changes)
		return -ENOMEM;
	grown = reallocarray(changes->list, changes->n + 1, sizeof(*grown));
	if (!grown)
		return error_set_errno(plan_error(plan), ENOMEM);
	changes->list = grown;
	grown[changes->n] = (struct alias_change){ .prefix = *prefix };
	snprintf(grown[changes->n].dev, sizeof(grown->dev), "%s", dev);
	changes->n++;
	return 0;
}

const struct alias_change *alias_find_change(const struct plan *plan,
					     const struct nestnet_prefix *prefix)
{
	const struct changes *changes = plan_find(plan, &changes_ops);

	for (size_t i = changes ? changes->n : 0; i-- > 0;) {
		if (prefix_equal(&changes->list[i].prefix, prefix))
			return &changes->list[i];
	}
	return NULL;
}
