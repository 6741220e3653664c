/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links that change in place, or make room; reshape.h has the model. */

#include "reshape.h"

#include "tap-make.h"

#include "kernel/address.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct reshape {
	const char *command; /* static */
	char name[NESTNET_IFNAMSIZ];
	uint32_t ifindex;
	struct link_shape from; /* borrows the plan's addresses */
	struct link_shape to;   /* owns its addresses */
};

int reshape_find(struct plan *plan, const struct inventory *inventory, const char *name,
		 enum link_kind wanted, const struct inventory_link **ret)
{
	const struct inventory_link *there = inventory_find_name(inventory, name);
	const char *what = "an interface";

	if (!there)
		return error_set(plan_error(plan), EAGAIN, "it was deleted meanwhile");
	if (there->link.kind == wanted)
		what = wanted == LINK_TAP ? "a tap" : "a bridge";
	if (!there->link.is_managed)
		return error_set(plan_error(plan), EEXIST,
				 "%s of that name exists, which nestnet did not make", what);
	*ret = there;
	return 0;
}

int reshape_read(struct plan *plan, const struct inventory_link *from,
		 struct link_shape *ret)
{
	const struct inventory_link *master;
	const struct inventory *inventory;
	const struct link *link = &from->link;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	*ret = (struct link_shape){ .has_hairpin = link->has_hairpin,
				    .is_isolated = link->is_isolated,
				    .has_stp = link->has_stp,
				    .is_up = link->is_up,
				    .mtu = link->mtu,
				    .addresses = { from->addresses, from->n_addresses } };
	master = inventory_find(inventory, link->master);
	if (master)
		memcpy(ret->master, master->link.name, sizeof(ret->master));
	memcpy(ret->mac, link->mac, sizeof(ret->mac));
	memcpy(ret->alias, link->alias, sizeof(ret->alias));
	return 0;
}

/* ---- In place ------------------------------------------------------------------------------ */

static bool has_address(const struct link_shape *shape, const struct nestnet_prefix *prefix)
{
	for (size_t i = 0; i < shape->addresses.n; i++) {
		if (prefix_equal(&shape->addresses.list[i], prefix))
			return true;
	}
	return false;
}

static int add_addresses(struct plan *plan, struct netlink *nl,
			 const struct reshape *reshape, const struct link_shape *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < to->addresses.n; i++)
		r = address_add(nl, reshape->ifindex, &to->addresses.list[i],
				plan_error(plan));
	return r;
}

/* Aliases of ours that are routes of the interface. */
struct own_routes {
	uint32_t ifindex;
	struct prefixes prefixes;
};

static int keep_route(void *userdata, const struct route *route)
{
	struct own_routes *own = userdata;
	struct nestnet_prefix *grown;

	if (!route)
		own->prefixes.n = 0;
	if (!route || route->ifindex != own->ifindex ||
	    route->protocol != ROUTE_PROTOCOL_NESTNET)
		return 0;
	grown = reallocarray(own->prefixes.list, own->prefixes.n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	own->prefixes.list = grown;
	grown[own->prefixes.n++] = route->destination;
	return 0;
}

static bool has_ipv4(const struct prefixes *addresses)
{
	for (size_t i = 0; i < addresses->n; i++) {
		if (addresses->list[i].address.family == AF_INET)
			return true;
	}
	return false;
}

/* With an interface's last address of IPv4 the kernel takes all its routes of IPv4. */
static int read_routes(struct plan *plan, struct netlink *nl,
		       const struct link_shape *from, const struct link_shape *to,
		       struct own_routes *ret)
{
	int r = 0;

	if (has_ipv4(&from->addresses) && !has_ipv4(&to->addresses))
		r = route_list_local(nl, keep_route, ret, plan_error(plan));
	return r == -ENOMEM ? error_set_errno(plan_error(plan), ENOMEM) : r;
}

static int put_routes(struct plan *plan, struct netlink *nl, const struct own_routes *own)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < own->prefixes.n; i++) {
		r = route_add_local(nl, &own->prefixes.list[i], own->ifindex,
				    plan_error(plan));
		if (r == -EEXIST)
			r = 0; /* one of IPv6, which stayed */
	}
	return r;
}

static int remove_addresses(struct plan *plan, struct netlink *nl,
			    const struct reshape *reshape, const struct link_shape *from,
			    const struct link_shape *to)
{
	struct own_routes own = { .ifindex = reshape->ifindex };
	int r = read_routes(plan, nl, from, to, &own);

	for (size_t i = 0; r == 0 && i < from->addresses.n; i++) {
		if (!has_address(to, &from->addresses.list[i]))
			r = address_remove(nl, reshape->ifindex, &from->addresses.list[i],
					   plan_error(plan));
	}
	if (r == 0)
		r = put_routes(plan, nl, &own);
	free(own.prefixes.list);
	return r;
}

/* New ones first. With an address go those that the kernel calls its secondary ones, which
 * a new one of the same network is: so what is wanted is added once more. */
static int change_addresses(struct plan *plan, struct netlink *nl,
			    const struct reshape *reshape, const struct link_shape *from,
			    const struct link_shape *to)
{
	bool is_changed = from->addresses.n != to->addresses.n;
	int r;

	for (size_t i = 0; i < to->addresses.n; i++)
		is_changed = is_changed || !has_address(from, &to->addresses.list[i]);
	if (!is_changed)
		return 0;
	r = add_addresses(plan, nl, reshape, to);
	if (r == 0)
		r = remove_addresses(plan, nl, reshape, from, to);
	return r < 0 ? r : add_addresses(plan, nl, reshape, to);
}

/* A bridge that this plan makes has its name by now. */
static int change_master(struct plan *plan, struct netlink *nl,
			 const struct reshape *reshape, const struct link_shape *from,
			 const struct link_shape *to)
{
	struct link_change change = { .set_master = true };
	struct link bridge;
	int r = 0;

	if (to->master[0])
		r = tap_find_bridge(plan, nl, to->master, &bridge);
	if (r < 0)
		return r;
	if (strcmp(from->master, to->master) != 0) {
		change.master = to->master[0] ? bridge.ifindex : 0;
		r = link_change(nl, reshape->ifindex, &change, plan_error(plan));
	}
	if (r < 0 || !to->master[0])
		return r;
	return link_set_port(nl, reshape->ifindex, to->has_hairpin, to->is_isolated,
			     plan_error(plan));
}

/* What needs no more than one message: the MTU before the master, which would take it on. */
static int change_plain(struct plan *plan, struct netlink *nl, const struct reshape *reshape,
			const struct link_shape *from, const struct link_shape *to)
{
	struct link_change change = { .set_mtu = from->mtu != to->mtu,
				      .mtu = to->mtu,
				      .set_mac = memcmp(from->mac, to->mac, 6) != 0,
				      .mac = to->mac,
				      .alias = to->alias };
	int r;

	if (change.set_mtu || change.set_mac || strcmp(from->alias, to->alias) != 0) {
		r = link_change(nl, reshape->ifindex, &change, plan_error(plan));
		if (r < 0)
			return r;
	}
	if (from->has_stp == to->has_stp)
		return 0;
	return link_set_stp(nl, reshape->ifindex, to->has_stp, plan_error(plan));
}

static int go(struct plan *plan, const struct reshape *reshape,
	      const struct link_shape *from, const struct link_shape *to)
{
	struct link_change up = { .set_up = true, .is_up = to->is_up };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = change_plain(plan, nl, reshape, from, to);
	if (r == 0 && (strcmp(from->master, to->master) != 0 ||
		       from->has_hairpin != to->has_hairpin ||
		       from->is_isolated != to->is_isolated))
		r = change_master(plan, nl, reshape, from, to);
	if (r == 0)
		r = change_addresses(plan, nl, reshape, from, to);
	if (r == 0 && from->is_up != to->is_up)
		r = link_change(nl, reshape->ifindex, &up, plan_error(plan));
	return r;
}

/* Somebody has deleted it meanwhile. */
static bool is_gone(struct plan *plan, const struct reshape *reshape)
{
	struct netlink *nl;

	return context_route(plan->ctx, &nl) == 0 && link_is_gone(nl, reshape->ifindex);
}

static int undo(struct plan *plan, void *step)
{
	const struct reshape *reshape = step;
	int r = go(plan, reshape, &reshape->to, &reshape->from);

	return r == -ENODEV && is_gone(plan, reshape) ? 0 : r;
}

/* Tells the failure; what was changed before it goes back. */
static int undo_failed(struct plan *plan, struct reshape *reshape, int result)
{
	struct error first = plan->ctx->error;

	if (undo(plan, reshape) < 0) {
		error_prefix(&first, "could not be undone (%s) after",
			     plan_error(plan)->text);
		first.code = ENOTRECOVERABLE;
		result = -ENOTRECOVERABLE;
	}
	plan->ctx->error = first;
	return result;
}

static int act(struct plan *plan, void *step)
{
	struct reshape *reshape = step;
	int r = go(plan, reshape, &reshape->from, &reshape->to);

	if (r == -ENODEV && is_gone(plan, reshape))
		return error_set(plan_error(plan), ERESTART, "it is deleted meanwhile");
	if (r < 0) {
		undo_failed(plan, reshape, r);
		return error_prefix(plan_error(plan), "%s %s", reshape->command,
				    reshape->name);
	}
	return 0;
}

static void free_reshape(void *step)
{
	struct reshape *reshape = step;

	free(reshape->to.addresses.list);
	free(reshape);
}

static const struct plan_step_ops reshape_ops = {
	.act = act,
	.undo = undo,
	.free = free_reshape,
};

int reshape_plan(struct plan *plan, const char *command, const struct inventory_link *link,
		 const struct link_shape *wanted)
{
	struct reshape *reshape = malloc(sizeof(*reshape));
	int r;

	if (!reshape)
		return error_set_errno(plan_error(plan), ENOMEM);
	*reshape = (struct reshape){ .command = command,
				     .ifindex = link->link.ifindex,
				     .to = *wanted };
	memcpy(reshape->name, link->link.name, sizeof(reshape->name));
	r = reshape_read(plan, link, &reshape->from);
	if (!prefixes_copy(wanted->addresses.list, wanted->addresses.n,
			   &reshape->to.addresses))
		r = error_set_errno(plan_error(plan), ENOMEM);
	if (r < 0) {
		free_reshape(reshape);
		return r;
	}
	return plan_add(plan, PLAN_PORTS, &reshape_ops, reshape);
}

/* ---- Aside ----------------------------------------------------------------------------------- */

struct aside {
	const char *command; /* static */
	char name[NESTNET_IFNAMSIZ];
	uint32_t ifindex;
	bool was_up, is_down;
};

static int rename_link(struct plan *plan, const struct aside *aside, const char *name)
{
	struct link_change change = { .name = name };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	return r < 0 ? r : link_change(nl, aside->ifindex, &change, plan_error(plan));
}

static int set_up(struct plan *plan, const struct aside *aside, bool is_up)
{
	struct link_change change = { .set_up = true, .is_up = is_up };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	return r < 0 ? r : link_change(nl, aside->ifindex, &change, plan_error(plan));
}

static int come_back(struct plan *plan, void *step)
{
	struct aside *aside = step;
	int r = rename_link(plan, aside, aside->name);

	if (r == 0 && aside->is_down)
		r = set_up(plan, aside, true);
	return r;
}

/* It keeps our mark, so that what is left of a killed process can be found. Kernels before
 * 6.2 rename no interface that is up. */
static int step_aside(struct plan *plan, void *step)
{
	struct aside *aside = step;
	char name[NESTNET_IFNAMSIZ];
	int r;

	snprintf(name, sizeof(name), "old-%u", aside->ifindex);
	r = rename_link(plan, aside, name);
	if (r == -EBUSY && aside->was_up) {
		r = set_up(plan, aside, false);
		aside->is_down = r == 0;
		if (r == 0)
			r = rename_link(plan, aside, name);
	}
	if (r < 0)
		return error_prefix(plan_error(plan), "%s %s: rename the one that is there",
				    aside->command, aside->name);
	return 0;
}

static const struct plan_step_ops aside_ops = {
	.act = step_aside,
	.undo = come_back,
	.free = free,
};

int reshape_set_aside(struct plan *plan, const char *command, const struct link *link)
{
	struct aside *aside = malloc(sizeof(*aside));
	int r;

	if (aside) {
		*aside = (struct aside){ .command = command,
					 .ifindex = link->ifindex,
					 .was_up = link->is_up };
		memcpy(aside->name, link->name, sizeof(aside->name));
	}
	r = plan_add(plan, PLAN_LINKS, &aside_ops, aside);
	return r < 0 ? r : plan_unlink(plan, link);
}
