/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attaching interfaces to bridges. Both may be foreign: then what was attached is recorded
 * in `found`, and only that is ever detached again. With its addresses (move.c) is the same
 * with their parts around the change of the master.
 */

#include "port.h"

#include "move.h"
#include "transaction.h"

#include "plan/found.h"
#include "plan/move-record.h"

#include "kernel/link.h"

#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An interface that becomes a bridge's port, or no longer is one. */
struct change {
	char ifname[NESTNET_IFNAMSIZ];
	char to[NESTNET_IFNAMSIZ]; /* the bridge; "": out */
	bool has_hairpin;          /* in the bridge */
	bool keeps_master;         /* it is there already: only addresses move */
	struct link before;
	struct move *move; /* its addresses and routes; NULL: they stay */
};

static void free_change(void *step)
{
	struct change *change = step;

	move_free(change->move);
	free(change);
}

static int restore_master(struct plan *plan, const struct change *change)
{
	struct link_change link = { .set_master = true, .master = change->before.master };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (change->keeps_master || change->before.ifindex == 0)
		return 0;
	if (r == 0)
		r = link_change(nl, change->before.ifindex, &link, plan_error(plan));
	if (r == 0 && change->before.is_port)
		r = link_set_port(nl, change->before.ifindex, change->before.has_hairpin,
				  change->before.is_isolated, plan_error(plan));
	return r;
}

/* What leaves goes straight out of the port while its master changes, either way. */
static int put_back(struct plan *plan, void *step)
{
	struct change *change = step;
	struct move *move = change->move;
	int r = 0;

	if (move && !move_is_back(move))
		r = move_undo_routes(plan, move);
	if (r == 0)
		r = restore_master(plan, change);
	if (r == 0 && move && move_is_back(move))
		r = move_undo_routes(plan, move);
	if (r == 0 && move)
		r = move_undo_addresses(plan, move);
	if (move && !move_is_back(move))
		move_announce(plan, move);
	return r;
}

/* Finds the interface and the bridge, which this transaction may have made meanwhile. */
static int find_ends(struct plan *plan, struct netlink *nl, struct change *change,
		     struct link_change *link)
{
	struct error *error = plan_error(plan);
	struct link bridge;
	int r = link_get(nl, change->ifname, &change->before, error);

	if (r <= 0)
		return r < 0 ? r : error_set_errno(error, ENODEV);
	if (!change->to[0])
		return 0;
	r = link_get(nl, change->to, &bridge, error);
	if (r == 0)
		return error_set(error, ENODEV, "bridge %s: %s", change->to,
				 error_describe(ENODEV));
	link->master = bridge.ifindex;
	if (r == 1 && change->move)
		move_set_bridge(change->move, &bridge);
	return r < 0 ? r : 0;
}

static int change_master(struct plan *plan, struct netlink *nl, const struct change *change,
			 const struct link_change *link)
{
	int r;

	if (change->keeps_master)
		return 0;
	r = link_change(nl, change->before.ifindex, link, plan_error(plan));
	if (r < 0 || !change->to[0])
		return r;
	return link_set_port(nl, change->before.ifindex, change->has_hairpin,
			     change->before.is_isolated, plan_error(plan));
}

/* The order is move.c's. */
static int change_and_move(struct plan *plan, struct netlink *nl,
			   const struct change *change, const struct link_change *link)
{
	struct move *move = change->move;
	bool is_back = move_is_back(move);
	int r = move_give_addresses(plan, move);

	if (r == 0 && is_back)
		move_announce(plan, move);
	if (r == 0 && is_back)
		r = move_routes(plan, move);
	if (r == 0)
		r = change_master(plan, nl, change, link);
	if (r == 0 && !is_back)
		r = move_routes(plan, move);
	if (r == 0)
		r = move_take_addresses(plan, move);
	if (r == 0 && is_back)
		move_announce(plan, move);
	return r;
}

static int act(struct plan *plan, void *step)
{
	struct link_change link = { .set_master = true };
	struct change *change = step;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = find_ends(plan, nl, change, &link);
	if (r == 0) {
		r = change->move ? change_and_move(plan, nl, change, &link)
				 : change_master(plan, nl, change, &link);
		if (r < 0) {
			struct error first = plan->ctx->error;

			if (put_back(plan, step) < 0) {
				error_prefix(&first, "could not be undone (%s) after",
					     plan_error(plan)->text);
				first.code = ENOTRECOVERABLE;
				r = -ENOTRECOVERABLE;
			}
			plan->ctx->error = first;
		}
	}
	if (r < 0)
		return error_prefix(plan_error(plan), "bridge %s %s",
				    change->to[0] ? "attach" : "detach", change->ifname);
	return 0;
}

static const struct plan_step_ops change_ops = {
	.act = act,
	.undo = put_back,
	.free = free_change,
};

/* Takes the move. What leaves does so while it is still recorded: who is killed in between
 * leaves a record too many, and not a port that nobody knows to be ours. */
static int plan_change(struct plan *plan, const struct change *wanted)
{
	enum plan_phase phase = wanted->to[0] ? PLAN_PORTS : PLAN_PORTS_BACK;
	struct change *change = malloc(sizeof(*change));

	if (change)
		*change = *wanted;
	else
		move_free(wanted->move);
	return plan_add(plan, phase, &change_ops, change);
}

/* ---- Attaching ---------------------------------------------------------------------------- */

/* What nestnet attached itself it can attach otherwise, in a whole state.
 * @return 1: it is so already; 0: it is to be changed; or the refusal */
static int port_is_as_wanted(struct plan *plan, const struct link *port,
			     const struct link *master, const struct attach_request *request)
{
	bool has_hairpin = !(request->flags & NESTNET_ATTACH_NO_HAIRPIN);
	bool is_moved = request->flags & NESTNET_ATTACH_MOVE_ADDRESSES;
	bool is_there = strcmp(master->name, request->bridge) == 0;
	char bridge[FOUND_VALUE_MAX];
	int r = move_record_find(plan, port->name, bridge);

	if (r == 1 && (!is_there || !is_moved))
		return error_set(plan_error(plan), EEXIST,
				 "its addresses are on %s (bridge detach %s "
				 "--move-addresses)",
				 bridge, port->name);
	if (r < 0 || (is_there && port->has_hairpin == has_hairpin))
		return r < 0 ? r : 1;
	r = plan_note(plan, '-', "bridge attach %s %s%s%s", master->name, port->name,
		      is_moved ? " --move-addresses" : "",
		      port->has_hairpin ? "" : " --no-hairpin");
	return r < 0 ? r : 0;
}

/* @return 1: it is a port of the bridge already; 0: it can become one; or the refusal */
static int check_port(struct plan *plan, struct netlink *nl, const struct link *port,
		      const struct attach_request *request)
{
	struct error *error = plan_error(plan);
	char value[FOUND_VALUE_MAX];
	struct link master;
	int r;

	if (port->master == 0)
		return 0;
	r = link_get_by_index(nl, port->master, &master, error);
	if (r < 0)
		return r;
	if (plan->wanted && found_get(plan, port->name, FOUND_ATTACHED, value) == 1)
		return port_is_as_wanted(plan, port, &master, request);
	if (r == 0 || strcmp(master.name, request->bridge) != 0)
		return error_set(error, EEXIST, "a port of %s already (detach it first)",
				 r == 1 ? master.name : "another bridge");
	if (port->has_hairpin == !(request->flags & NESTNET_ATTACH_NO_HAIRPIN))
		return 1;
	/* One that was killed before it set them is to be finished, not refused. */
	if (request->flags & NESTNET_ATTACH_MOVE_ADDRESSES)
		return 1;
	/* What another program attached has the modes that it chose. */
	r = port->is_managed ? 1 : found_get(plan, port->name, FOUND_ATTACHED, value);
	if (r != 1)
		return r < 0 ? r : 1;
	return error_set(error, EEXIST, "a port already, with hairpin mode %s",
			 port->has_hairpin ? "on" : "off");
}

static int check_bridge(struct plan *plan, struct netlink *nl, const char *name)
{
	struct error *error = plan_error(plan);
	struct link bridge;
	int r;

	if (plan_adds_ifname(plan, name))
		return 0;
	r = link_get(nl, name, &bridge, error);
	if (r == 0)
		return error_set(error, ENODEV, "bridge %s: %s", name,
				 error_describe(ENODEV));
	if (r == 1 && bridge.kind != LINK_BRIDGE)
		return error_set(error, ENODEV, "%s is not a bridge", name);
	if (r == 1 && plan_drops(plan, &bridge))
		return error_set(error, ENODEV, "bridge %s: %s", name,
				 error_describe(ENODEV));
	return r < 0 ? r : 0;
}

static int refuse_bridge(struct plan *plan)
{
	return error_set(plan_error(plan), EBUSY, "a bridge cannot be a bridge's port");
}

/* What the kernel would refuse, said before anything was changed. */
static int check_kind(struct plan *plan, const struct link *port)
{
	if (!port->is_ethernet)
		return error_set(plan_error(plan), EBUSY, "not an Ethernet interface");
	return port->kind == LINK_BRIDGE ? refuse_bridge(plan) : 0;
}

/* @return 1: there is such an interface, and it can be a port; or the refusal */
static int find_port(struct plan *plan, struct netlink *nl, const char *ifname,
		     struct link *ret)
{
	int r = link_get(nl, ifname, ret, plan_error(plan));

	if (r == 0)
		return error_set_errno(plan_error(plan), ENODEV);
	if (r == 1)
		r = check_kind(plan, ret);
	return r < 0 ? r : 1;
}

static int plan_attaching(struct plan *plan, const struct attach_request *request,
			  const struct link *port, struct change *change)
{
	int r = 0;

	if (!change->keeps_master && !port->is_managed)
		r = found_set(plan, request->ifname, FOUND_ATTACHED, request->bridge);
	if (r == 0)
		r = plan_note(plan, '+', "bridge attach %s %s%s%s", request->bridge,
			      request->ifname, change->move ? " --move-addresses" : "",
			      change->has_hairpin ? "" : " --no-hairpin");
	if (r == 0)
		return plan_change(plan, change);
	move_free(change->move);
	return r;
}

static int plan_attach(struct plan *plan, const struct attach_request *request)
{
	struct change change = { .has_hairpin =
					 !(request->flags & NESTNET_ATTACH_NO_HAIRPIN) };
	struct netlink *nl;
	struct link port;
	int r = context_route(plan->ctx, &nl);

	snprintf(change.ifname, sizeof(change.ifname), "%s", request->ifname);
	snprintf(change.to, sizeof(change.to), "%s", request->bridge);
	if (r == 0)
		r = check_bridge(plan, nl, request->bridge);
	if (r == 0)
		r = find_port(plan, nl, request->ifname, &port);
	if (r == 1)
		r = check_port(plan, nl, &port, request);
	if (r < 0)
		return r;
	change.keeps_master = r == 1;
	if (request->flags & NESTNET_ATTACH_MOVE_ADDRESSES)
		r = move_plan(plan, &port, request->bridge, &change.move);
	if (r < 0 || (change.keeps_master && !change.move))
		return r < 0 ? r : 0;
	return plan_attaching(plan, request, &port, &change);
}

/* In a whole state an interface that is not there is no error: it may come later. A tap of
 * the state is attached by its own request, and a bridge by none.
 * @return 1: there is nothing to attach; 0; or a negative errno */
static int passes_over(struct plan *plan, const struct attach_request *request)
{
	const struct inventory_link *port;
	const struct inventory *inventory;
	const struct request *made;
	int r;

	if (!plan->wanted)
		return 0;
	made = objects_find_link(plan->wanted, request->ifname);
	if (made && made->kind == REQUEST_BRIDGE_ADD)
		return refuse_bridge(plan);
	if (made)
		return 1;
	r = plan_inventory(plan, &inventory);
	if (r < 0)
		return r;
	port = inventory_find_name(inventory, request->ifname);
	if (port && !plan_drops(plan, &port->link))
		return 0;
	r = plan_say(plan, "bridge attach %s: %s, and so it is left out", request->ifname,
		     error_describe(ENODEV));
	return r < 0 ? r : 1;
}

int port_plan(struct plan *plan, const struct attach_request *request)
{
	int r = passes_over(plan, request);

	if (r == 0)
		r = plan_attach(plan, request);
	if (r < 0)
		return error_prefix(plan_error(plan), "bridge attach %s", request->ifname);
	return 0;
}

/* ---- Detaching ------------------------------------------------------------------------------ */

/* Where a port is, and whether nestnet put it there. */
struct place {
	char bridge[NESTNET_IFNAMSIZ]; /* "": a port of none */
	bool is_elsewhere;             /* somebody moved it since */
};

static int find_place(struct plan *plan, struct netlink *nl, const struct link *port,
		      struct place *ret)
{
	struct link bridge;
	int r;

	*ret = (struct place){ .bridge = "" };
	if (port->master == 0)
		return 0;
	r = link_get_by_index(nl, port->master, &bridge, plan_error(plan));
	if (r == 1)
		snprintf(ret->bridge, sizeof(ret->bridge), "%s", bridge.name);
	return r < 0 ? r : 0;
}

/* @return 1: nestnet attached it; 0: it is not a port; or the refusal */
static int check_attached(struct plan *plan, const struct link *port, struct place *place)
{
	char value[FOUND_VALUE_MAX];
	int r = port->is_managed ? 1 : found_get(plan, port->name, FOUND_ATTACHED, value);

	if (r == 0 && port->master == 0)
		return 0;
	if (r == 0)
		return error_set(plan_error(plan), EBUSY, "nestnet did not attach it");
	if (r == 1 && !port->is_managed && port->master)
		place->is_elsewhere = strcmp(value, place->bridge) != 0;
	return r;
}

/* @return 1: its addresses are on a bridge, and come back; 0: they are not; or -errno */
static int plan_moving_back(struct plan *plan, const struct link_request *request,
			    const struct link *port, struct change *change, char *bridge)
{
	int r = move_record_find(plan, port->name, bridge);

	if (r == 1 && !(request->flags & NESTNET_DETACH_MOVE_ADDRESSES))
		return error_set(plan_error(plan), EBUSY,
				 "its addresses are on %s (--move-addresses takes them back)",
				 bridge);
	return r == 1 ? move_plan_back(plan, port, bridge, &change->move) : r;
}

static int plan_detaching(struct plan *plan, const struct link *port, struct change *change,
			  const char *bridge)
{
	int r = found_set(plan, port->name, FOUND_ATTACHED, NULL);

	if (r == 0)
		r = plan_note(plan, '-', "bridge attach %s %s%s", bridge, port->name,
			      change->move ? " --move-addresses" : "");
	if (r == 0)
		return plan_change(plan, change);
	move_free(change->move);
	return r;
}

/* Out of its bridge, or its addresses alone out of the one they were moved to. */
static int plan_leaving(struct plan *plan, const struct link_request *request,
			const struct link *port, const struct place *place)
{
	char recorded[FOUND_VALUE_MAX];
	struct change change = { .to = "" };
	int r = plan_moving_back(plan, request, port, &change, recorded);

	if (r < 0)
		return r;
	snprintf(change.ifname, sizeof(change.ifname), "%s", port->name);
	change.keeps_master = port->master == 0 || place->is_elsewhere;
	if (!change.keeps_master)
		return plan_detaching(plan, port, &change, place->bridge);
	if (change.move)
		return plan_detaching(plan, port, &change, recorded);
	/* It was, where a process was killed on the way, or somebody took it out by hand. */
	if (request->flags & NESTNET_IF_EXISTS)
		return port->master ? 0 : found_set(plan, port->name, FOUND_ATTACHED, NULL);
	if (port->master == 0)
		return error_set(plan_error(plan), ENOENT, "a port of no bridge%s",
				 port->kind == LINK_BRIDGE
					 ? ", but one itself (name its ports alone)"
					 : "");
	return error_set(plan_error(plan), ENOENT,
			 "a port of %s by now, to which nestnet did not attach it",
			 place->bridge);
}

static int plan_detach(struct plan *plan, const struct link_request *request)
{
	struct netlink *nl;
	struct place place;
	struct link port;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, request->name, &port, plan_error(plan));
	if (r == 0 && (request->flags & NESTNET_IF_EXISTS))
		return 0;
	if (r == 0)
		return error_set(plan_error(plan), ENOENT, "%s", error_describe(ENODEV));
	if (r == 1)
		r = find_place(plan, nl, &port, &place);
	if (r == 0)
		r = check_attached(plan, &port, &place);
	return r < 0 ? r : plan_leaving(plan, request, &port, &place);
}

int port_plan_remove(struct plan *plan, const struct link_request *request)
{
	int r = plan_detach(plan, request);

	if (r < 0)
		return error_prefix(plan_error(plan), "bridge detach %s", request->name);
	return 0;
}

/* ---- Public ---------------------------------------------------------------------------------- */

int nestnet_bridge_attach(struct nestnet_transaction *tx, const char *bridge,
			  const char *ifname, unsigned int flags)
{
	struct request request = { .kind = REQUEST_ATTACH, .attach = { .flags = flags } };
	const char *why = name_why_not_interface(ifname);

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge attach '%s': %s", ifname,
					  why);
	why = name_why_not_interface(bridge);
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge attach %s: bridge '%s': %s",
					  ifname, bridge, why);
	if (strcmp(bridge, ifname) == 0)
		why = "a bridge cannot be its own port";
	if (!why)
		why = flags_why_not(flags, NESTNET_ATTACH_NO_HAIRPIN |
						   NESTNET_ATTACH_MOVE_ADDRESSES);
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge attach %s: %s", ifname,
					  why);
	snprintf(request.attach.bridge, NESTNET_IFNAMSIZ, "%s", bridge);
	snprintf(request.attach.ifname, NESTNET_IFNAMSIZ, "%s", ifname);
	return transaction_add(tx, &request);
}

int nestnet_bridge_detach(struct nestnet_transaction *tx, const char *ifname,
			  unsigned int flags)
{
	return transaction_add_link(tx, REQUEST_DETACH, "bridge detach", ifname, flags,
				    NESTNET_IF_EXISTS | NESTNET_DETACH_MOVE_ADDRESSES);
}
