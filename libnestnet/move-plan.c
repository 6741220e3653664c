/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be moved, and what is then recorded and set; move.c has the theory. */

#include "move-state.h"

#include "plan/found.h"
#include "plan/move-record.h"
#include "plan/setting.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- What may be moved -------------------------------------------------------------------- */

static bool is_empty(const struct move *move)
{
	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);

		if (move_has(item, COPY_ADDRESS) || move_has(item, COPY_ROUTE))
			return false;
	}
	return true;
}

/* A nexthop object belongs to whoever made it, and names the interface itself. */
static int check_nexthops(struct plan *plan, const struct move *move)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);

		if (move_has(item, COPY_ROUTE) && item->nexthop)
			return error_set(plan_error(plan), EBUSY,
					 "route %s uses nexthop object %u, which is not ours "
					 "to move (make it a plain route first)",
					 nestnet_prefix_format(&item->prefix, text),
					 item->nexthop);
	}
	return 0;
}

static int check_address(struct plan *plan, const struct move *move, const char *bridge,
			 const struct nestnet_prefix *own)
{
	char text[NESTNET_TEXT_MAX], other[NESTNET_TEXT_MAX];
	struct nestnet_prefix network = prefix_network(own);

	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);
		struct nestnet_prefix theirs = prefix_network(&item->prefix);

		if (move_has(item, COPY_ADDRESS) && prefix_overlaps(&theirs, &network))
			return error_set(plan_error(plan), EEXIST,
					 "%s has %s, in the same network as %s", bridge,
					 nestnet_prefix_format(own, text),
					 nestnet_prefix_format(&item->prefix, other));
	}
	return 0;
}

/* Two routes to one destination could not be told apart on the way back. */
static int check_route(struct plan *plan, const struct move *move, const char *bridge,
		       const struct nestnet_prefix *own)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);

		if (move_has(item, COPY_ROUTE) && prefix_equal(&item->prefix, own))
			return error_set(plan_error(plan), EEXIST,
					 "%s has a route to %s of its own", bridge,
					 nestnet_prefix_format(own, text));
	}
	return 0;
}

static int check_own(struct plan *plan, const struct move *move, const char *bridge,
		     const struct copy_item *own, struct move_keep *keep)
{
	int r = 0;

	switch (own->kind) {
	case COPY_ADDRESS:
		r = check_address(plan, move, bridge, &own->prefix);
		return r < 0 ? r : move_keep_add(plan, keep, &own->prefix);
	case COPY_ROUTE:
		r = check_route(plan, move, bridge, &own->prefix);
		if (r < 0 || move_keep_has(keep, &own->prefix) ||
		    move_keep_has_network(keep, &own->prefix))
			return r;
		return move_keep_add(plan, keep, &own->prefix);
	case COPY_NEIGHBOUR:
		break;
	}
	return r;
}

/* What a bridge that this plan makes or changes will have. */
static int check_born(struct plan *plan, const struct move *move, const char *bridge,
		      struct move_keep *keep)
{
	const struct plan_born *born = plan_find_born(plan, bridge);
	int r = 0;

	for (size_t i = 0; r == 0 && born && i < born->n; i++) {
		struct copy_item own = { .kind = COPY_ADDRESS,
					 .prefix = born->addresses[i] };

		if (!move_keep_has(keep, &own.prefix))
			r = check_own(plan, move, bridge, &own, keep);
	}
	return r;
}

static int check_present(struct plan *plan, struct netlink *nl, const struct move *move,
			 const struct link *bridge, struct move_keep *keep)
{
	struct copy_end end = move_end(bridge);
	struct copies *own;
	int r;

	if (!bridge->is_up)
		return error_set(plan_error(plan), EBUSY, "%s is down (ip link set %s up)",
				 bridge->name, bridge->name);
	r = copies_read(nl, &end, &own, plan_error(plan));
	if (r < 0)
		return r;
	/* Addresses come first, which the routes are held against. */
	for (size_t i = 0; r == 0 && i < copies_count(own); i++)
		r = check_own(plan, move, bridge->name, copies_item(own, i), keep);
	copies_free(own);
	if (r == 0 && bridge->has_stp)
		r = plan_say(plan,
			     "bridge attach %s: %s runs the spanning tree protocol: nothing "
			     "passes until its forward delay is over, up to 30 s",
			     move->port.name, bridge->name);
	return r;
}

static int check_bridge(struct plan *plan, struct netlink *nl, const struct move *move,
			const char *bridge, struct move_keep *keep)
{
	char port[NESTNET_IFNAMSIZ];
	struct link link;
	int r = move_record_find_port(plan, bridge, port);

	if (r == 1)
		return error_set(plan_error(plan), EEXIST,
				 "%s has the addresses of %s already", bridge, port);
	if (r == 0)
		r = link_get(nl, bridge, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 1)
		r = check_present(plan, nl, move, &link, keep);
	return r < 0 ? r : check_born(plan, move, bridge, keep);
}

/* ---- Router advertisements ------------------------------------------------------------------ */

static bool has_advertised(const struct move *move)
{
	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);

		if (move_has(item, COPY_ROUTE) && item->is_advertised)
			return true;
	}
	return false;
}

static int plan_accept_ra(struct plan *plan, enum plan_phase phase, const char *interface,
			  int before, int after)
{
	struct setting_change *change = setting_change_new("bridge attach");
	int r;

	if (!change)
		return error_set_errno(plan_error(plan), ENOMEM);
	r = setting_change_add(plan, change, AF_INET6, interface, "accept_ra", before, after);
	if (r < 0) {
		setting_change_free(change);
		return r;
	}
	return setting_change_plan(plan, phase, change);
}

/* Where the host forwards, the side that gets the routes must go on taking advertisements,
 * as the other did (facts 12). */
static int carry_accept_ra(struct plan *plan, const struct move *move, const char *from,
			   const char *to)
{
	int theirs, own, r;

	if (!has_advertised(move))
		return 0;
	r = setting_read(plan, AF_INET6, from, "accept_ra", &theirs);
	if (r <= 0 || theirs != 2)
		return r < 0 ? r : 0;
	r = setting_read(plan, AF_INET6, to, "accept_ra", &own);
	if (r <= 0 || own != 1)
		return r < 0 ? r : 0;
	r = found_note(plan, to, "ipv6.accept_ra", own, theirs);
	return r < 0 ? r : plan_accept_ra(plan, PLAN_SETTINGS, to, own, theirs);
}

static int restore_accept_ra(struct plan *plan, const char *bridge)
{
	char value[FOUND_VALUE_MAX];
	int present, r = found_get(plan, bridge, "ipv6.accept_ra", value);

	if (r == 1)
		r = setting_read(plan, AF_INET6, bridge, "accept_ra", &present);
	if (r <= 0)
		return r;
	r = plan_accept_ra(plan, PLAN_SETTINGS_BACK, bridge, present,
			   (int)strtol(value, NULL, 10));
	return r < 0 ? r : found_set(plan, bridge, "ipv6.accept_ra", NULL);
}

/* ---- Planning --------------------------------------------------------------------------------- */

static int read_move(struct plan *plan, const struct link *port, const struct link *from,
		     struct move **ret)
{
	struct move *move = calloc(1, sizeof(*move));
	struct netlink *nl;
	int r;

	if (!move)
		return error_set_errno(plan_error(plan), ENOMEM);
	move->port = *port;
	move->from = move_end(from);
	r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = copies_read(nl, &move->from, &move->copies, plan_error(plan));
	if (r < 0) {
		move_free(move);
		return r;
	}
	*ret = move;
	return 0;
}

/* @return 1: move it; 0: there is nothing to move; or the refusal */
static int check_move(struct plan *plan, const struct move *move, const char *bridge)
{
	struct move_keep keep = { .n = 0 };
	char recorded[FOUND_VALUE_MAX];
	struct netlink *nl;
	int r;

	if (is_empty(move))
		return 0;
	if (!move->from.is_up)
		return error_set(plan_error(plan), EBUSY, "it is down (ip link set %s up)",
				 move->from.name);
	r = check_nexthops(plan, move);
	if (r == 0)
		r = move_record_find(plan, move->from.name, recorded);
	if (r == 1 && strcmp(recorded, bridge) == 0)
		return 1; /* begun before, and to be finished */
	if (r == 1)
		return error_set(plan_error(plan), EEXIST,
				 "its addresses are on %s (bridge detach %s --move-addresses)",
				 recorded, move->from.name);
	if (r == 0)
		r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = check_bridge(plan, nl, move, bridge, &keep);
	if (r == 0)
		r = move_record_write(plan, move->from.name, bridge, &keep);
	return r < 0 ? r : 1;
}

int move_plan(struct plan *plan, const struct link *port, const char *bridge,
	      struct move **ret)
{
	struct move *move;
	int r = read_move(plan, port, port, &move);

	if (r < 0)
		return r;
	r = check_move(plan, move, bridge);
	if (r == 1 && carry_accept_ra(plan, move, port->name, bridge) < 0)
		r = -plan_error(plan)->code;
	if (r == 1)
		*ret = move;
	else
		move_free(move);
	return r;
}

/* A neighbour on the bridge is of the port's network where that leads to it. */
static bool is_beyond(const struct move *move, const struct nestnet_address *neighbour)
{
	for (size_t i = 0; i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);
		struct nestnet_prefix network = prefix_network(&item->prefix);

		if ((move_has(item, COPY_ADDRESS) || move_has(item, COPY_ROUTE)) &&
		    network.len > 0 && prefix_contains(&network, neighbour))
			return true;
	}
	return false;
}

static void mark_own(struct move *move, const struct move_keep *keep)
{
	for (size_t i = 0; i < copies_count(move->copies); i++) {
		struct copy_item *item = copies_item(move->copies, i);

		switch (item->kind) {
		case COPY_ADDRESS:
			item->stays = move_keep_has(keep, &item->prefix);
			break;
		case COPY_ROUTE:
			item->stays = move_keep_has(keep, &item->prefix) ||
				      move_keep_has_network(keep, &item->prefix);
			break;
		case COPY_NEIGHBOUR:
			/* These come last, so that all else is marked. */
			item->stays = !is_beyond(move, &item->prefix.address);
			break;
		}
	}
}

static int plan_return(struct plan *plan, struct move *move, const struct link *bridge)
{
	struct move_keep keep;
	int r = move_record_read(plan, move->port.name, &keep);

	move->is_back = true;
	move->to = move_end(&move->port);
	if (r < 0)
		return r;
	mark_own(move, &keep);
	r = check_nexthops(plan, move);
	if (r == 0 && !move->to.is_up && !is_empty(move))
		r = error_set(plan_error(plan), EBUSY, "it is down (ip link set %s up)",
			      move->to.name);
	if (r == 0)
		r = carry_accept_ra(plan, move, bridge->name, move->port.name);
	if (r == 0)
		r = restore_accept_ra(plan, bridge->name);
	return r;
}

int move_plan_back(struct plan *plan, const struct link *port, const char *bridge,
		   struct move **ret)
{
	struct move *move = NULL;
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, bridge, &link, plan_error(plan));
	if (r <= 0)
		return r < 0 ? r : move_record_forget(plan, port->name);
	r = read_move(plan, port, &link, &move);
	if (r == 0)
		r = plan_return(plan, move, &link);
	if (r == 0)
		r = move_record_forget(plan, port->name);
	if (r < 0) {
		move_free(move);
		return r;
	}
	*ret = move;
	return 1;
}
