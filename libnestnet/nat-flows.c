/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Flows of subnets that are no longer translated. The kernel's filter knows no prefixes, so
 * the flows of the family are listed once. Those of a guest that an exposure still masquerades
 * go on.
 */

#include "nat-flows.h"

#include "table/exposure-key.h"

#include "kernel/conntrack.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>

struct ending {
	struct nestnet_prefix subnet;
	struct conntrack_flow *flows;
	size_t n;
};

/* @return whether the flow is one to look at: kept while the dump goes on */
static bool is_candidate(const struct ending *ending, const struct conntrack_flow *flow)
{
	bool is_from = prefix_contains(&ending->subnet, &flow->original.source);
	bool is_to = prefix_contains(&ending->subnet, &flow->original.destination);

	return is_from && !is_to &&
	       !address_equal(&flow->original.source, &flow->reply.destination);
}

static int keep_flow(void *userdata, const struct conntrack_flow *flow)
{
	struct ending *ending = userdata;
	struct conntrack_flow *grown;

	if (!flow) {
		ending->n = 0;
		return 0;
	}
	if (!is_candidate(ending, flow))
		return 0;
	if ((ending->n & (ending->n - 1)) == 0) {
		grown = reallocarray(ending->flows, ending->n ? ending->n * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ending->flows = grown;
	}
	ending->flows[ending->n++] = *flow;
	return 0;
}

/* @return 1 where an exposure still has the guest masqueraded or leave as its alias */
static int is_still_translated(struct plan *plan, const struct nestnet_address *guest)
{
	static const enum ruleset_set sets[] = { RULESET_GUEST, RULESET_GUEST_TIMED,
						 RULESET_GUEST_OPEN,
						 RULESET_GUEST_OPEN_TIMED, RULESET_EGRESS };
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;
	int r = 0;

	key_put_address(key, guest);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
		r = elements_get(plan->elements, sets[i], guest->family, key, &element,
				 plan_error(plan));
	return r;
}

static int end_flows(struct plan *plan, void *step)
{
	struct ending *ending = step;
	struct conntrack_filter filter = { .family = ending->subnet.address.family };
	struct netlink *nl;
	int r = context_filter(plan->ctx, &nl);

	if (r == 0)
		r = conntrack_list(nl, &filter, keep_flow, ending, plan_error(plan));
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	for (size_t i = 0; r >= 0 && i < ending->n; i++) {
		const struct conntrack_flow *flow = &ending->flows[i];

		r = is_still_translated(plan, &flow->original.source);
		if (r == 0)
			r = conntrack_delete_flow(nl, flow, plan_error(plan));
	}
	return r < 0 ? r : 0;
}

static void free_ending(void *step)
{
	struct ending *ending = step;

	free(ending->flows);
	free(ending);
}

static const struct plan_step_ops flows_ops = {
	.act = end_flows,
	.free = free_ending,
};

int nat_flows_removed(struct plan *plan, const struct nestnet_prefix *subnet)
{
	struct ending *ending = calloc(1, sizeof(*ending));

	if (ending)
		ending->subnet = *subnet;
	return plan_add(plan, PLAN_FLOWS, &flows_ops, ending);
}
