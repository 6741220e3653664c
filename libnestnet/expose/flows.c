/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending flows.
 *
 * A new exposure of an address or a port takes one filtered delete, and no list: that is
 * what every `expose` does. Where exposures were removed, the flows are listed once, by
 * the alias where it is one, and each is held against the exposures before and after: what
 * was given before and is not given now, or not to its source, is ended. So an alias that
 * moved to a port of its own keeps the port's flows, and nobody else's flows are looked at
 * twice.
 */

#include "expose/flows.h"

#include "table/exposure-resolve.h"

#include "kernel/conntrack.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* A filtered delete goes through the kernel's whole table, which takes it some 80 us: of a
 * whole state, whose elements are all read by then, more additions than this are looked for
 * in one list. */
#define FEW 16

struct change {
	struct nestnet_endpoint alias, target;
	bool is_removed;
	bool has_alias_egress;
	bool is_orphaned; /* what it was is not known any more */
};

/* All of a plan; and of these, what has to be known of each: of the orphaned, and of the
 * others as long as they are few. */
struct changes {
	size_t n;
	size_t n_listed; /* whose flows have to be looked at */
	size_t n_orphaned;
	struct change *list;
	size_t n_kept;
};

/* ---- New exposures -------------------------------------------------------------------------- */

static bool is_exact(const struct nestnet_endpoint *alias)
{
	enum endpoint_shape shape = endpoint_shape(alias);

	return shape == ENDPOINT_ADDRESS || shape == ENDPOINT_PORT;
}

/* Ends UDP flows to the alias that were not translated. */
static int end_bypassing(struct plan *plan, struct netlink *nl, const struct change *change)
{
	const struct nestnet_endpoint *alias = &change->alias;
	struct conntrack_filter filter = { .family = endpoint_family(alias),
					   .original_destination = alias->prefix.address,
					   .reply_source = alias->prefix.address,
					   .protocol = IPPROTO_UDP,
					   .original_destination_port = alias->first_port };

	if (alias->protocol != 0 && alias->protocol != IPPROTO_UDP)
		return 0;
	return conntrack_delete(nl, &filter, plan_error(plan));
}

/* ---- What was given ------------------------------------------------------------------------- */

struct flows {
	struct conntrack_flow *list;
	size_t n;
};

static int keep_flow(void *userdata, const struct conntrack_flow *flow)
{
	struct flows *flows = userdata;
	struct conntrack_flow *grown;

	if (!flow) {
		flows->n = 0;
		return 0;
	}
	if ((flows->n & (flows->n - 1)) == 0) {
		grown = reallocarray(flows->list, flows->n ? flows->n * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		flows->list = grown;
	}
	flows->list[flows->n++] = *flow;
	return 0;
}

static bool is_untranslated(const struct conntrack_flow *flow)
{
	return address_equal(&flow->original.destination, &flow->reply.source);
}

/* The alias is what the flow was opened to. */
static bool is_of(const struct conntrack_flow *flow, const struct nestnet_endpoint *alias)
{
	if (alias->prefix.address.family != AF_UNSPEC &&
	    !prefix_contains(&alias->prefix, &flow->original.destination))
		return false;
	if (alias->first_port == 0)
		return true;
	return flow->protocol == alias->protocol &&
	       flow->original.destination_port >= alias->first_port &&
	       flow->original.destination_port <= alias->last_port;
}

/* The exposure of an alias that it was opened to ended by itself. */
static bool is_orphan(const struct conntrack_flow *flow, const struct changes *changes)
{
	size_t left = changes->n_orphaned;

	for (size_t i = 0; left > 0; i++) {
		if (!changes->list[i].is_orphaned)
			continue;
		if (is_of(flow, &changes->list[i].alias))
			return true;
		left--;
	}
	return false;
}

/* Whether what the flow was given is still given, to its source too: L1 itself is exempt from
 * --from. @return 1, 0, or a negative errno */
static int is_given(struct plan *plan, const struct conntrack_flow *flow,
		    const struct resolve_question *question)
{
	struct resolve_question from = *question;
	struct netlink *nl;
	struct route route;
	int r;

	from.source = flow->original.source;
	r = exposure_resolve(plan->elements, &from, plan_error(plan));
	if (r != 0)
		return r;
	r = exposure_resolve(plan->elements, question, plan_error(plan));
	if (r != 1)
		return r;
	r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = route_get(nl, &flow->original.source, &route, plan_error(plan));
	return r != 1 ? r : route.is_local;
}

/* @return 1 where the flow is to end, 0 where it goes on, or a negative errno */
static int is_ended(struct plan *plan, const struct conntrack_flow *flow,
		    const struct changes *changes)
{
	struct elements *elements = plan->elements;
	struct error *error = plan_error(plan);
	struct resolve_question in = { .protocol = flow->protocol,
				       .port = flow->original.destination_port,
				       .alias = flow->original.destination };
	int before, now;

	if (is_untranslated(flow)) {
		if (flow->protocol == IPPROTO_UDP) {
			now = exposure_resolve(elements, &in, error);
			if (now != 0)
				return now;
		}
	} else {
		in.is_expected = true;
		in.target = flow->reply.source;
		in.target_port = flow->reply.source_port;
		now = is_given(plan, flow, &in);
		if (now == 0 && is_orphan(flow, changes))
			return 1;
		in.is_before = true;
		before = now == 0 ? exposure_resolve(elements, &in, error) : 0;
		if (now < 0 || before != 0)
			return now < 0 ? now : before;
	}
	return exposure_lost_egress(elements, &flow->original.source,
				    &flow->reply.destination, error);
}

static int end_listed(struct plan *plan, struct netlink *nl,
		      const struct conntrack_filter *filter,
		      const struct changes *changes)
{
	struct flows flows = { .n = 0 };
	int r = conntrack_list(nl, filter, keep_flow, &flows, plan_error(plan));

	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	for (size_t i = 0; r >= 0 && i < flows.n; i++) {
		r = is_ended(plan, &flows.list[i], changes);
		if (r == 1)
			r = conntrack_delete_flow(nl, &flows.list[i], plan_error(plan));
	}
	free(flows.list);
	return r < 0 ? r : 0;
}

/* One change: the lists are as small as the kernel's filter makes them. */
static int end_one(struct plan *plan, struct netlink *nl, const struct changes *changes,
		   const struct change *change)
{
	struct conntrack_filter in = { .family = endpoint_family(&change->target) };
	struct conntrack_filter out = in;
	int r;

	if (prefix_is_address(&change->alias.prefix) && change->alias.prefix.address.family)
		in.original_destination = change->alias.prefix.address;
	r = end_listed(plan, nl, &in, changes);
	if (r == 0 && change->has_alias_egress && prefix_is_address(&change->target.prefix)) {
		out.original_source = change->target.prefix.address;
		r = end_listed(plan, nl, &out, changes);
	}
	return r;
}

/* Of both families in one list, which takes as long as that of one. */
static int end_many(struct plan *plan, struct netlink *nl, const struct changes *changes)
{
	const struct conntrack_filter all = { .family = AF_UNSPEC };

	return end_listed(plan, nl, &all, changes);
}

/* ---- The step -------------------------------------------------------------------------------- */

static bool is_listed(const struct change *change)
{
	return change->is_removed || !is_exact(&change->alias);
}

/* Those of all flows are looked at, whatever each change was. */
static bool are_many(const struct plan *plan, const struct changes *changes)
{
	return changes->n_listed > 1 || (plan->wanted && changes->n > FEW);
}

static int end_flows(struct plan *plan, void *step)
{
	const struct changes *changes = step;
	struct netlink *nl;
	int r = context_filter(plan->ctx, &nl);

	if (r < 0)
		return r;
	if (are_many(plan, changes))
		return end_many(plan, nl, changes);
	for (size_t i = 0; r == 0 && i < changes->n_kept; i++) {
		if (is_listed(&changes->list[i]))
			r = end_one(plan, nl, changes, &changes->list[i]);
	}
	for (size_t i = 0; r == 0 && i < changes->n_kept; i++) {
		if (!is_listed(&changes->list[i]))
			r = end_bypassing(plan, nl, &changes->list[i]);
	}
	return r;
}

static void free_changes(void *step)
{
	struct changes *changes = step;

	free(changes->list);
	free(changes);
}

static const struct plan_step_ops flows_ops = {
	.act = end_flows,
	.free = free_changes,
};

static int add_change(struct plan *plan, const struct change *change)
{
	struct changes *changes = plan_find(plan, &flows_ops);
	struct change *grown;

	if (!changes) {
		int r;

		changes = calloc(1, sizeof(*changes));
		r = plan_add(plan, PLAN_FLOWS, &flows_ops, changes);
		if (r < 0)
			return r;
	}
	changes->n++;
	changes->n_listed += is_listed(change);
	changes->n_orphaned += change->is_orphaned;
	if (are_many(plan, changes) && !change->is_orphaned)
		return 0;
	if ((changes->n_kept & (changes->n_kept - 1)) == 0) {
		grown = reallocarray(changes->list,
				     changes->n_kept ? changes->n_kept * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return error_set_errno(plan_error(plan), ENOMEM);
		changes->list = grown;
	}
	changes->list[changes->n_kept++] = *change;
	return 0;
}

static struct change make_change(const struct exposure *exposure, bool is_removed)
{
	return (struct change){ .alias = exposure->alias,
				.target = exposure->target,
				.is_removed = is_removed,
				.has_alias_egress =
					exposure->egress == NESTNET_EGRESS_ALIAS };
}

int expose_flows_removed(struct plan *plan, const struct exposure *exposure)
{
	struct change change = make_change(exposure, true);

	return add_change(plan, &change);
}

int expose_flows_added(struct plan *plan, const struct exposure *exposure)
{
	struct change change = make_change(exposure, false);

	return add_change(plan, &change);
}

int expose_flows_orphaned(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct change change = { .alias = *alias, .is_removed = true, .is_orphaned = true };

	/* Any target, of the alias's family; a port of every address has no one family. */
	change.target.prefix.address.family = endpoint_family(alias);
	return add_change(plan, &change);
}
