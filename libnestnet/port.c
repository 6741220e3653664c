/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attaching interfaces to bridges. Both may be foreign: then what was attached is recorded
 * in `found`, and only that is ever detached again.
 */

#include "port.h"

#include "found.h"
#include "transaction.h"

#include "kernel/link.h"

#include "base/cleanup.h"
#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A port that moves into a bridge, or out of one. */
struct move {
	char ifname[NESTNET_IFNAMSIZ];
	char to[NESTNET_IFNAMSIZ]; /* the bridge; "": out */
	bool has_hairpin;          /* in the bridge */
	struct link before;
};

static int put_back(struct plan *plan, void *step)
{
	const struct move *move = step;
	struct link_change change = { .set_master = true, .master = move->before.master };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_change(nl, move->before.ifindex, &change, plan_error(plan));
	if (r == 0 && move->before.is_port)
		r = link_set_port(nl, move->before.ifindex, move->before.has_hairpin,
				  move->before.is_isolated, plan_error(plan));
	return r;
}

/* Finds the interface and the bridge, which this transaction may have made meanwhile. */
static int find_ends(struct plan *plan, struct netlink *nl, struct move *move,
		     struct link_change *change)
{
	struct error *error = plan_error(plan);
	struct link bridge;
	int r = link_get(nl, move->ifname, &move->before, error);

	if (r <= 0)
		return r < 0 ? r : error_set_errno(error, ENODEV);
	if (!move->to[0])
		return 0;
	r = link_get(nl, move->to, &bridge, error);
	if (r == 0)
		return error_set(error, ENODEV, "bridge %s: %s", move->to,
				 error_describe(ENODEV));
	change->master = bridge.ifindex;
	return r < 0 ? r : 0;
}

static int change_master(struct plan *plan, struct netlink *nl, const struct move *move,
			 const struct link_change *change)
{
	int r = link_change(nl, move->before.ifindex, change, plan_error(plan));

	if (r < 0 || !move->to[0])
		return r;
	return link_set_port(nl, move->before.ifindex, move->has_hairpin,
			     move->before.is_isolated, plan_error(plan));
}

static int act(struct plan *plan, void *step)
{
	struct link_change change = { .set_master = true };
	struct move *move = step;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = find_ends(plan, nl, move, &change);
	if (r == 0) {
		r = change_master(plan, nl, move, &change);
		if (r < 0) {
			struct error first = plan->ctx->error;

			(void)put_back(plan, step);
			plan->ctx->error = first;
		}
	}
	if (r < 0)
		return error_prefix(plan_error(plan), "bridge %s %s",
				    move->to[0] ? "attach" : "detach", move->ifname);
	return 0;
}

static const struct plan_step_ops move_ops = {
	.act = act,
	.undo = put_back,
	.free = free,
};

static int plan_move(struct plan *plan, const char *ifname, const char *to, bool has_hairpin)
{
	struct move *move = calloc(1, sizeof(*move));

	if (move) {
		snprintf(move->ifname, sizeof(move->ifname), "%s", ifname);
		snprintf(move->to, sizeof(move->to), "%s", to);
		move->has_hairpin = has_hairpin;
	}
	return plan_add(plan, PLAN_PORTS, &move_ops, move);
}

/* ---- Attaching ---------------------------------------------------------------------------- */

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
	if (r == 0 || strcmp(master.name, request->bridge) != 0)
		return error_set(error, EEXIST, "a port of %s already (detach it first)",
				 r == 1 ? master.name : "another bridge");
	if (port->has_hairpin == !(request->flags & NESTNET_ATTACH_NO_HAIRPIN))
		return 1;
	/* What another program attached has the modes that it chose. */
	r = port->is_managed ? 1 : found_get(plan, port->name, "master", value);
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
	return r < 0 ? r : 0;
}

/* What the kernel would refuse, said before anything was changed. */
static int check_kind(struct plan *plan, const struct link *port)
{
	if (!port->is_ethernet)
		return error_set(plan_error(plan), EBUSY, "not an Ethernet interface");
	if (port->kind == LINK_BRIDGE)
		return error_set(plan_error(plan), EBUSY,
				 "a bridge cannot be a bridge's port");
	return 0;
}

static int plan_attach(struct plan *plan, const struct attach_request *request)
{
	bool has_hairpin = !(request->flags & NESTNET_ATTACH_NO_HAIRPIN);
	struct netlink *nl;
	struct link port;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = check_bridge(plan, nl, request->bridge);
	if (r == 0)
		r = link_get(nl, request->ifname, &port, plan_error(plan));
	if (r == 0)
		return error_set_errno(plan_error(plan), ENODEV);
	if (r == 1)
		r = check_kind(plan, &port);
	if (r == 0)
		r = check_port(plan, nl, &port, request);
	if (r != 0)
		return r < 0 ? r : 0;

	if (!port.is_managed)
		r = found_set(plan, request->ifname, "master", "none");
	if (r == 0)
		r = plan_note(plan, '+', "bridge attach %s %s%s", request->bridge,
			      request->ifname, has_hairpin ? "" : " --no-hairpin");
	return r < 0 ? r : plan_move(plan, request->ifname, request->bridge, has_hairpin);
}

int port_plan(struct plan *plan, const struct attach_request *request)
{
	int r = plan_attach(plan, request);

	if (r < 0)
		return error_prefix(plan_error(plan), "bridge attach %s", request->ifname);
	return 0;
}

/* ---- Detaching ------------------------------------------------------------------------------ */

static int plan_detach(struct plan *plan, const struct link_request *request)
{
	char value[FOUND_VALUE_MAX];
	struct link port, bridge = { .name = "" };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, request->name, &port, plan_error(plan));
	if (r == 0 || (r == 1 && port.master == 0)) {
		const char *why = r == 0 ? error_describe(ENODEV) : "a port of no bridge";

		if (request->flags & NESTNET_IF_EXISTS)
			return 0;
		return error_set(plan_error(plan), ENOENT, "%s", why);
	}
	if (r < 0)
		return r;

	r = port.is_managed ? 1 : found_get(plan, request->name, "master", value);
	if (r == 0)
		return error_set(plan_error(plan), EBUSY, "nestnet did not attach it");
	if (r == 1)
		r = link_get_by_index(nl, port.master, &bridge, plan_error(plan));
	if (r >= 0)
		r = found_set(plan, request->name, "master", NULL);
	if (r == 0)
		r = plan_note(plan, '-', "bridge attach %s %s", bridge.name, port.name);
	return r < 0 ? r : plan_move(plan, request->name, "", false);
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
	const char *why = name_why_not_interface(bridge);

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge attach '%s': %s", bridge, why);
	why = name_why_not_interface(ifname);
	if (!why && strcmp(bridge, ifname) == 0)
		why = "a bridge cannot be its own port";
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge attach '%s': %s", ifname, why);
	snprintf(request.attach.bridge, NESTNET_IFNAMSIZ, "%s", bridge);
	snprintf(request.attach.ifname, NESTNET_IFNAMSIZ, "%s", ifname);
	return transaction_add(tx, &request);
}

int nestnet_bridge_detach(struct nestnet_transaction *tx, const char *ifname,
			  unsigned int flags)
{
	struct request request = { .kind = REQUEST_DETACH, .link = { .flags = flags } };
	const char *why = name_why_not_interface(ifname);

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "bridge detach '%s': %s", ifname, why);
	snprintf(request.link.name, NESTNET_IFNAMSIZ, "%s", ifname);
	return transaction_add(tx, &request);
}
