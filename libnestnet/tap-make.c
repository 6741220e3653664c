/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a tap, as two steps of a plan. It is born, down and with our mark, while its
 * descriptors are open; and at last, when the rules are in place, put into its bridge,
 * brought up and made persistent, unless it is to end with its descriptors. Until then
 * closing them is the whole undo, and what a killed process leaves is nothing.
 */

#include "tap-make.h"

#include "plan/mark.h"
#include "plan/mtu.h"

#include "kernel/address.h"
#include "kernel/tun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Making one --------------------------------------------------------------------------- */

struct making {
	struct tap_request request; /* borrows its addresses from the transaction */
	size_t name_index;
	size_t queues_index;
	uint32_t ifindex;
	uint32_t mtu; /* that it was born with */
};

static int first_fd(const struct plan *plan, const struct making *making)
{
	return plan->queues[making->queues_index].fds[0];
}

static int set_owners(struct plan *plan, const struct making *making)
{
	const struct tap_request *request = &making->request;
	struct error *error = plan_error(plan);
	int fd = first_fd(plan, making), r = 0;

	/* Without an owner any local user could open it; with both, both must match. */
	if (request->flags & NESTNET_TAP_HAS_OWNER)
		r = tun_set_owner(fd, request->owner, error);
	if (r == 0 && (request->flags & NESTNET_TAP_HAS_GROUP))
		r = tun_set_group(fd, request->group, error);
	return r;
}

static int mark(struct plan *plan, struct netlink *nl, struct making *making,
		const char *name)
{
	struct link_change change = { .set_group = true, .group = LINK_GROUP };
	char alias[LINK_ALIAS_MAX + 1];
	struct link link;
	int r = link_get(nl, name, &link, plan_error(plan));

	if (r == 0)
		return error_set_errno(plan_error(plan), ENODEV);
	if (r < 0)
		return r;
	making->ifindex = link.ifindex;
	making->mtu = link.mtu;
	mark_write(alias, "tap",
		   &(const struct mark){ .queues = making->request.queues,
					 .has_mac = making->request.has_mac,
					 .lease = making->request.lease });
	change.alias = alias;
	change.set_mac = making->request.has_mac;
	change.mac = making->request.mac;
	return link_change(nl, link.ifindex, &change, plan_error(plan));
}

/* Whoever clears meanwhile takes it for one that is left over; before its number is known. */
static bool is_gone(struct netlink *nl, const char *name)
{
	struct error ignored;
	struct link link;

	return link_get(nl, name, &link, &ignored) == 0;
}

static int create(struct plan *plan, void *step)
{
	struct making *making = step;
	struct queues *queues = &plan->queues[making->queues_index];
	char name[NESTNET_IFNAMSIZ];
	struct netlink *nl;
	bool is_made;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = queues_create(plan->ctx, &making->request, queues, name);
	/* Somebody was faster, perhaps with the very same: it is compared with what is there. */
	if (r == -EEXIST)
		return error_set(plan_error(plan), ERESTART, "it exists already");
	is_made = r == 0;
	if (r == 0)
		r = set_owners(plan, making);
	if (r == 0 && !making->request.opening.is_wanted)
		r = tun_drop_carrier(first_fd(plan, making), plan_error(plan));
	if (r == 0)
		r = mark(plan, nl, making, name);
	if (r == -ENODEV && is_made && is_gone(nl, name))
		r = error_set(plan_error(plan), ERESTART, "it is deleted meanwhile");
	if (r < 0) {
		queues_close(queues);
		return error_prefix(plan_error(plan), "tap add %s", making->request.name);
	}
	plan_set_ifname(plan, making->name_index, name);
	return 0;
}

static int destroy(struct plan *plan, void *step)
{
	struct making *making = step;

	queues_close(&plan->queues[making->queues_index]);
	return 0;
}

static const struct plan_step_ops create_ops = {
	.act = create,
	.undo = destroy,
	.free = free,
};

/* ---- Bringing it up -------------------------------------------------------------------------- */

static int choose_mtu(struct plan *plan, const struct tap_request *request,
		      const struct link *bridge, uint32_t *ret)
{
	*ret = request->mtu;
	if (request->flags & NESTNET_TAP_MTU_AUTO)
		return mtu_auto(plan->ctx, ret);
	if (*ret == 0 && bridge)
		*ret = bridge->mtu;
	return 0;
}

/* A smaller port's MTU would become the bridge's; so it is set before (facts 9). */
static int set_mtu(struct plan *plan, struct netlink *nl, const struct making *making,
		   const struct link *bridge)
{
	struct link_change change = { .set_mtu = true };
	int r = choose_mtu(plan, &making->request, bridge, &change.mtu);

	if (r < 0 || change.mtu == 0 || change.mtu == making->mtu)
		return r;
	if (link_change(nl, making->ifindex, &change, plan_error(plan)) < 0)
		return error_prefix(plan_error(plan), "set the MTU to %u", change.mtu);
	return 0;
}

static int enslave(struct plan *plan, struct netlink *nl, const struct making *making,
		   const struct link *bridge)
{
	struct link_change master = { .set_master = true, .master = bridge->ifindex };

	if (link_change(nl, making->ifindex, &master, plan_error(plan)) < 0)
		return error_prefix(plan_error(plan), "attach to bridge %s", bridge->name);
	return 0;
}

int tap_find_bridge(struct plan *plan, struct netlink *nl, const char *name,
		       struct link *ret)
{
	int r = link_get(nl, name, ret, plan_error(plan));

	if (r == 0)
		return error_set(plan_error(plan), ENODEV, "bridge %s: %s", name,
				 error_describe(ENODEV));
	if (r == 1 && ret->kind != LINK_BRIDGE)
		return error_set(plan_error(plan), ENODEV, "%s is not a bridge", name);
	return r < 0 ? r : 0;
}

static int set_up(struct plan *plan, struct netlink *nl, struct making *making)
{
	const struct tap_request *request = &making->request;
	struct link_change up = {
		.set_up = true,
		.is_up = true,
		.set_port = request->bridge[0],
		.has_hairpin = !(request->flags & NESTNET_TAP_NO_HAIRPIN),
		.is_isolated = request->flags & NESTNET_TAP_ISOLATED,
	};
	struct error *error = plan_error(plan);
	struct link bridge;
	int r = 0;

	if (request->bridge[0])
		r = tap_find_bridge(plan, nl, request->bridge, &bridge);
	if (r == 0)
		r = set_mtu(plan, nl, making, request->bridge[0] ? &bridge : NULL);
	if (r == 0 && request->bridge[0])
		r = enslave(plan, nl, making, &bridge);
	for (size_t i = 0; r == 0 && i < request->addresses.n; i++)
		r = address_add(nl, making->ifindex, &request->addresses.list[i], error);
	if (r == 0 && link_change(nl, making->ifindex, &up, error) < 0)
		r = error_prefix(error, "bring it up");
	if (r < 0 || (request->flags & NESTNET_TAP_EPHEMERAL))
		return r;
	return tun_set_persistent(first_fd(plan, making), true, error);
}

static int bring_up(struct plan *plan, void *step)
{
	struct making *making = step;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = set_up(plan, nl, making);
	if (r == -ENODEV && link_is_gone(nl, making->ifindex))
		return error_set(plan_error(plan), ERESTART, "it is deleted meanwhile");
	if (r < 0)
		return error_prefix(plan_error(plan), "tap add %s",
				    plan->ifnames[making->name_index]);
	return 0;
}

static int let_go(struct plan *plan, void *step)
{
	struct making *making = step;
	int r;

	if (making->request.flags & NESTNET_TAP_EPHEMERAL)
		return 0;
	r = tun_set_persistent(first_fd(plan, making), false, plan_error(plan));
	return r == -ENODEV ? 0 : r;
}

static const struct plan_step_ops up_ops = {
	.act = bring_up,
	.undo = let_go,
	.free = plan_free_nothing, /* of the step that created it */
};

int tap_plan_making(struct plan *plan, const struct tap_request *request)
{
	struct making *making = malloc(sizeof(*making));
	int r;

	if (making)
		*making = (struct making){ .request = *request };
	r = plan_add(plan, PLAN_LINKS, &create_ops, making);
	if (r == 0)
		r = plan_add_ifname(plan, request->name, &making->name_index);
	if (r == 0)
		r = plan_add_queues(plan, making->name_index, request->opening.is_wanted,
				    &making->queues_index);
	if (r == 0)
		r = plan_add(plan, PLAN_PORTS, &up_ops, making);
	return r;
}
