/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flows that came in before the rules that would have dropped them.
 *
 * The rules let pass what is established: a host outside that had opened a stream straight
 * to a guest keeps it when the guest is closed, unless the kernel forgets the flow. Then the
 * next packet is that of a new flow, and dropped.
 *
 * One address, which is what an exposure closes, takes one filtered delete: the kernel passes
 * over its table, in 0.2 ms where that is empty, and in some 20 ms with 50,000 flows; a list,
 * which locks each of 262,144 buckets, takes 12 ms in any case. That ends L1's own flows and
 * those of the guest's neighbours too; their next packet makes them anew, as the rules allow
 * these at any time. A subnet, and several targets at once, are told apart by a list, and
 * there such flows are left alone.
 */

#include "plan/closing.h"

#include "table/exposure-guest.h"

#include "kernel/conntrack.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct closing {
	struct nestnet_prefix *prefixes;
	size_t n;
	bool is_sorted;     /* from the first flow on: mostly there are none */
	size_t n_addresses; /* the first so many, once sorted, are single addresses */
	bool has_targets[2]; /* of IPv4 and IPv6, that are not among these */
	struct plan *plan;
	struct conntrack_flow *flows;
	size_t n_flows;
};

/* Single addresses before wider prefixes. */
static int compare_prefixes(const void *a, const void *b)
{
	const struct nestnet_prefix *x = a, *y = b;
	bool x_is_wide = !prefix_is_address(x), y_is_wide = !prefix_is_address(y);

	if (x_is_wide != y_is_wide)
		return x_is_wide - y_is_wide;
	return address_compare(&x->address, &y->address);
}

static void sort(struct closing *closing)
{
	if (closing->is_sorted)
		return;
	closing->is_sorted = true;
	qsort(closing->prefixes, closing->n, sizeof(*closing->prefixes),
	      compare_prefixes);
	while (closing->n_addresses < closing->n &&
	       prefix_is_address(&closing->prefixes[closing->n_addresses]))
		closing->n_addresses++;
}

/* @return the prefix that has the address, or NULL */
static const struct nestnet_prefix *find_prefix(const struct closing *closing,
						const struct nestnet_address *address)
{
	struct nestnet_prefix one = prefix_of_address(address);

	for (size_t i = closing->n_addresses; i < closing->n; i++) {
		if (prefix_contains(&closing->prefixes[i], address))
			return &closing->prefixes[i];
	}
	if (closing->n_addresses == 0)
		return NULL;
	return bsearch(&one, closing->prefixes, closing->n_addresses, sizeof(one),
		       compare_prefixes);
}

/* @return 1, 0, or a negative errno */
static int is_candidate(const struct closing *closing, const struct conntrack_flow *flow)
{
	const struct nestnet_address *guest = &flow->original.destination;
	const struct nestnet_prefix *prefix;

	if (!address_equal(guest, &flow->reply.source))
		return 0;
	prefix = find_prefix(closing, guest);
	if (prefix)
		return !prefix_contains(prefix, &flow->original.source);
	if (!closing->has_targets[guest->family == AF_INET6] ||
	    address_equal(guest, &flow->original.source))
		return 0;
	return guest_becomes_closed(closing->plan->elements, guest,
				    plan_error(closing->plan));
}

static int keep_flow(void *userdata, const struct conntrack_flow *flow)
{
	struct closing *closing = userdata;
	struct conntrack_flow *grown;
	int r;

	if (!flow) {
		closing->n_flows = 0;
		return 0;
	}
	sort(closing);
	r = is_candidate(closing, flow);
	if (r <= 0)
		return r;
	if ((closing->n_flows & (closing->n_flows - 1)) == 0) {
		grown = reallocarray(closing->flows,
				     closing->n_flows ? closing->n_flows * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		closing->flows = grown;
	}
	closing->flows[closing->n_flows++] = *flow;
	return 0;
}

/* @return 1 where the rules let the flow in, closed or not: it is L1's own, or stays on the
 *         guest's interface; 0; or a negative errno */
static int is_allowed(struct plan *plan, const struct conntrack_flow *flow)
{
	struct route from, to;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = route_get(nl, &flow->original.source, &from, plan_error(plan));
	if (r <= 0 || from.is_local)
		return r;
	r = route_get(nl, &flow->original.destination, &to, plan_error(plan));
	return r <= 0 ? r : from.ifindex == to.ifindex;
}

static int end_family(struct plan *plan, struct closing *closing, int family)
{
	struct conntrack_filter filter = { .family = family };
	struct netlink *nl;
	int r = context_filter(plan->ctx, &nl);

	if (r == 0)
		r = conntrack_list(nl, &filter, keep_flow, closing, plan_error(plan));
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	for (size_t i = 0; r >= 0 && i < closing->n_flows; i++) {
		r = is_allowed(plan, &closing->flows[i]);
		if (r == 0)
			r = conntrack_delete_flow(nl, &closing->flows[i],
						  plan_error(plan));
	}
	closing->n_flows = 0;
	return r < 0 ? r : 0;
}

static bool has_family(const struct closing *closing, int family)
{
	for (size_t i = 0; i < closing->n; i++) {
		if (closing->prefixes[i].address.family == family)
			return true;
	}
	return closing->has_targets[family == AF_INET6];
}

static int end_address(struct plan *plan, const struct nestnet_address *address)
{
	struct conntrack_filter filter = { .family = address->family,
					   .original_destination = *address,
					   .reply_source = *address };
	struct netlink *nl;
	int r = context_filter(plan->ctx, &nl);

	return r < 0 ? r : conntrack_delete(nl, &filter, plan_error(plan));
}

static int end_flows(struct plan *plan, void *step)
{
	struct closing *closing = step;

	if (closing->n == 1 && prefix_is_address(&closing->prefixes[0]) &&
	    !closing->has_targets[0] && !closing->has_targets[1])
		return end_address(plan, &closing->prefixes[0].address);
	/* One list of both takes as long as that of one. */
	if (has_family(closing, AF_INET) && has_family(closing, AF_INET6))
		return end_family(plan, closing, AF_UNSPEC);
	return end_family(plan, closing,
			  has_family(closing, AF_INET) ? AF_INET : AF_INET6);
}

static void free_closing(void *step)
{
	struct closing *closing = step;

	free(closing->prefixes);
	free(closing->flows);
	free(closing);
}

static const struct plan_step_ops closing_ops = {
	.act = end_flows,
	.free = free_closing,
};

/* The plan's. @return NULL: no memory */
static struct closing *closing_of(struct plan *plan)
{
	struct closing *closing = plan_find(plan, &closing_ops);

	if (closing)
		return closing;
	closing = calloc(1, sizeof(*closing));
	if (closing)
		closing->plan = plan;
	return plan_add(plan, PLAN_FLOWS, &closing_ops, closing) == 0 ? closing : NULL;
}

int closing_plan(struct plan *plan, const struct nestnet_prefix *prefix)
{
	struct closing *closing = closing_of(plan);

	if (!closing)
		return -ENOMEM;
	if ((closing->n & (closing->n - 1)) == 0) {
		struct nestnet_prefix *grown =
			reallocarray(closing->prefixes, closing->n ? closing->n * 2 : 1,
				     sizeof(*grown));

		if (!grown)
			return error_set_errno(plan_error(plan), ENOMEM);
		closing->prefixes = grown;
	}
	closing->prefixes[closing->n++] = *prefix;
	return 0;
}

int closing_plan_target(struct plan *plan, const struct nestnet_prefix *target)
{
	struct closing *closing = closing_of(plan);

	if (!closing)
		return -ENOMEM;
	/* One alone takes no list. */
	if (!plan->wanted || !prefix_is_address(target) || closing->n == 0)
		return closing_plan(plan, target);
	closing->has_targets[target->address.family == AF_INET6] = true;
	return 0;
}
