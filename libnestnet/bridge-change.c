/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bridges that are wanted otherwise: all that a bridge has changes in place, under its
 * ports. */

#include "bridge-change.h"

#include "reshape.h"

#include "plan/command.h"
#include "plan/mark.h"
#include "plan/move-record.h"
#include "plan/present.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_address(const struct bridge_request *present,
			const struct nestnet_prefix *prefix)
{
	for (size_t i = 0; i < present->addresses.n; i++) {
		if (prefix_equal(&present->addresses.list[i], prefix))
			return true;
	}
	return false;
}

/* What is wanted, and what was moved to the bridge, which is not the bridge's own.
 * @return false: out of memory */
static bool join_addresses(const struct bridge_request *wanted,
			   const struct bridge_request *present,
			   const struct inventory_link *there, struct prefixes *ret)
{
	struct nestnet_prefix *list =
		reallocarray(NULL, wanted->addresses.n + there->n_addresses + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < wanted->addresses.n; i++)
		list[n++] = wanted->addresses.list[i];
	for (size_t i = 0; list && i < there->n_addresses; i++) {
		if (!has_address(present, &there->addresses[i]))
			list[n++] = there->addresses[i];
	}
	*ret = (struct prefixes){ list, n };
	return list;
}

/* What is wanted is the bridge's own from now on, where it has been given a port's. */
static int record_own(struct plan *plan, const struct bridge_request *request,
		      const struct bridge_request *present)
{
	struct move_keep before, keep = { .n = 0 };
	char port[NESTNET_IFNAMSIZ];
	int r = move_record_find_port(plan, request->name, port);

	if (r == 1)
		r = move_record_read(plan, port, &before);
	else
		return r;
	for (size_t i = 0; r == 0 && i < before.n; i++) {
		if (!has_address(present, &before.list[i]))
			r = move_keep_add(plan, &keep, &before.list[i]);
	}
	for (size_t i = 0; r == 0 && i < request->addresses.n; i++)
		r = move_keep_add(plan, &keep, &request->addresses.list[i]);
	return r < 0 ? r : move_record_write(plan, port, request->name, &keep);
}

static int change(struct plan *plan, const struct bridge_request *request,
		  const struct request *present, const struct inventory_link *there,
		  uint32_t mtu)
{
	const struct request wanted = { .kind = REQUEST_BRIDGE_ADD, .bridge = *request };
	struct link_shape shape;
	struct mark mark;
	int r = command_note(plan, '-', present);

	if (r == 0)
		r = command_note(plan, '+', &wanted);
	if (r == 0)
		r = record_own(plan, request, &present->bridge);
	if (r == 0)
		r = plan_add_born(plan, request->name, request->addresses.list,
				  request->addresses.n);
	if (r == 0)
		r = reshape_read(plan, there, &shape);
	if (r < 0)
		return r;
	if (!join_addresses(request, &present->bridge, there, &shape.addresses))
		return error_set_errno(plan_error(plan), ENOMEM);
	mark_read(&there->link, &mark);
	shape.is_up = true;
	shape.has_stp = request->flags & NESTNET_BRIDGE_STP;
	shape.mtu = mtu;
	/* One that was killed had perhaps the address, and not yet the text that says so. */
	if (request->has_mac) {
		memcpy(shape.mac, request->mac, sizeof(shape.mac));
		mark.has_mac = true;
	}
	mark.dhcp = request->dhcp;
	mark_write(shape.alias, "bridge", &mark);
	r = reshape_plan(plan, "bridge add", there, &shape);
	free(shape.addresses.list);
	return r;
}

static int plan_ours(struct plan *plan, const struct bridge_request *request,
		     const struct inventory_link *there)
{
	struct bridge_request wanted = *request;
	struct inventory_link own = *there;
	struct request present;
	char what[128];
	int r = 0;

	/* A state that says nothing of the MTU says that it is as for a new bridge. */
	if (wanted.mtu == 0)
		r = plan_auto_mtu(plan, &wanted.mtu);
	if (r == 0)
		r = present_link(plan, there, &present);
	if (r < 0)
		return r;
	own.addresses = present.bridge.addresses.list;
	own.n_addresses = present.bridge.addresses.n;
	/* One without a text was not finished by who made it. */
	if (!there->link.is_up || !there->link.alias[0] ||
	    bridge_is_different(&own, &wanted, what, sizeof(what)))
		r = change(plan, request, &present, there, wanted.mtu);
	request_clear(&present);
	return r < 0 ? r : 1;
}

int bridge_plan_change(struct plan *plan, const struct bridge_request *request)
{
	const struct inventory_link *there;
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	r = reshape_find(plan, inventory, request->name, LINK_BRIDGE, &there);
	if (r < 0)
		return r;
	if (there->link.kind == LINK_BRIDGE)
		return plan_ours(plan, request, there);
	if (there->link.has_carrier)
		return error_set(plan_error(plan), EBUSY,
				 "a tap has that name, and a program has it open");
	r = present_note(plan, '-', there);
	return r < 0 ? r : reshape_set_aside(plan, "bridge add", &there->link);
}
