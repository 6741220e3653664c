/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taps that are wanted otherwise. What a tap's port, addresses, MTU and MAC are changes in
 * place, under a guest that has it open. Who may open it and how many queues it has are for
 * life: such a tap is made anew, unless a guest would lose it.
 */

#include "tap-change.h"

#include "reshape.h"

#include "plan/command.h"
#include "plan/mark.h"
#include "plan/mtu.h"
#include "plan/present.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has_other_owner(const struct link *link, const struct tap_request *request)
{
	bool has_owner = request->flags & NESTNET_TAP_HAS_OWNER;
	bool has_group = request->flags & NESTNET_TAP_HAS_GROUP;

	return link->has_owner != has_owner || (has_owner && link->owner != request->owner) ||
	       link->has_group != has_group || (has_group && link->group != request->group);
}

static int make_room(struct plan *plan, const struct inventory_link *there)
{
	int r;

	if (there->link.kind == LINK_TAP && there->link.has_carrier)
		return error_set(plan_error(plan), EBUSY,
				 "a program has it open, and its owner and its queues are for "
				 "life (end that program first)");
	r = present_note(plan, '-', there);
	return r < 0 ? r : reshape_set_aside(plan, "tap add", &there->link);
}

/* A bridge's, as it will be. */
static int read_bridge_mtu(struct plan *plan, const char *name, uint32_t *ret)
{
	const struct request *made = objects_find_link(plan->wanted, name);
	const struct inventory_link *there;
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	if (made && made->kind == REQUEST_BRIDGE_ADD) {
		*ret = made->bridge.mtu;
		return *ret ? 0 : plan_auto_mtu(plan, ret);
	}
	there = inventory_find_name(inventory, name);
	*ret = there ? there->link.mtu : MTU_ETHERNET;
	return 0;
}

/* A state that says nothing of the MTU says that it is as for a new tap. */
static int read_wanted_mtu(struct plan *plan, const struct tap_request *request,
			   uint32_t *ret)
{
	*ret = request->mtu ? request->mtu : MTU_ETHERNET;
	if (request->flags & NESTNET_TAP_MTU_AUTO)
		return plan_auto_mtu(plan, ret);
	if (request->mtu || !request->bridge[0])
		return 0;
	return read_bridge_mtu(plan, request->bridge, ret);
}

static int make_shape(struct plan *plan, const struct tap_request *request,
		      const struct inventory_link *there, struct link_shape *ret)
{
	int r = reshape_read(plan, there, ret);
	struct mark mark;

	if (r < 0)
		return r;
	mark_read(&there->link, &mark);
	memcpy(ret->master, request->bridge, sizeof(ret->master));
	ret->has_hairpin = request->bridge[0] && !(request->flags & NESTNET_TAP_NO_HAIRPIN);
	ret->is_isolated = request->flags & NESTNET_TAP_ISOLATED;
	ret->is_up = true;
	ret->addresses = request->addresses;
	if (request->has_mac) {
		memcpy(ret->mac, request->mac, sizeof(ret->mac));
		mark.has_mac = true;
	}
	mark.lease = request->lease;
	mark_write(ret->alias, "tap", &mark);
	return read_wanted_mtu(plan, request, &ret->mtu);
}

/* @return 1: the guard is another; 0: it is the same; or a negative errno */
static int has_other_guard(struct plan *plan, const struct tap_request *request,
			   const struct inventory_link *there)
{
	struct request present;
	int r = present_link(plan, there, &present);

	if (r < 0)
		return r;
	r = !guard_entries_equal(&present.tap.guard, &request->guard);
	request_clear(&present);
	return r;
}

static int change(struct plan *plan, const struct tap_request *request,
		  const struct inventory_link *there)
{
	const struct request wanted = { .kind = REQUEST_TAP_ADD, .tap = *request };
	struct link_shape shape;
	int r = present_note(plan, '-', there);

	if (r == 0)
		r = command_note(plan, '+', &wanted);
	if (r == 0)
		r = make_shape(plan, request, there, &shape);
	return r < 0 ? r : reshape_plan(plan, "tap add", there, &shape);
}

static int plan_ours(struct plan *plan, const struct inventory *inventory,
		     const struct tap_request *request, const struct inventory_link *there)
{
	const struct link *link = &there->link;
	struct mark mark;
	uint32_t mtu;
	char what[64];
	int r;

	mark_read(link, &mark);
	if (link->kind != LINK_TAP || link_is_ephemeral(link) ||
	    has_other_owner(link, request) ||
	    mark.queues != request->queues)
		return make_room(plan, there);
	r = read_wanted_mtu(plan, request, &mtu);
	if (r == 0)
		r = has_other_guard(plan, request, there);
	if (r < 0)
		return r;
	if (r == 1 || !link->is_up ||
	    tap_is_different(inventory, there, request, what, sizeof(what)) ||
	    mtu != link->mtu) {
		r = change(plan, request, there);
		if (r < 0)
			return r;
	}
	return 1;
}

int tap_plan_change(struct plan *plan, const struct tap_request *request)
{
	const struct inventory_link *there;
	const struct inventory *inventory;
	size_t index;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	r = reshape_find(plan, inventory, request->name, LINK_TAP, &there);
	if (r < 0)
		return r;
	r = plan_ours(plan, inventory, request, there);
	if (r == 1 && plan_add_ifname(plan, request->name, &index) < 0)
		return -plan_error(plan)->code;
	return r;
}
