/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links and exposures that are there, as requests. */

#include "plan/present.h"

#include "plan/command.h"
#include "plan/mark.h"
#include "plan/move-record.h"
#include "plan/mtu.h"

#include "table/guard-element.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_tap(struct plan *plan, const struct inventory *inventory,
		    const struct inventory_link *from, struct tap_request *ret)
{
	const struct inventory_link *bridge = inventory_find(inventory, from->link.master);
	const struct link *link = &from->link;
	uint32_t default_mtu = bridge ? bridge->link.mtu : MTU_ETHERNET;
	struct mark mark;
	int r;

	mark_read(link, &mark);
	memcpy(ret->name, link->name, sizeof(ret->name));
	if (bridge)
		memcpy(ret->bridge, bridge->link.name, sizeof(ret->bridge));
	ret->owner = link->owner;
	ret->group = link->group;
	ret->queues = mark.queues;
	ret->lease = mark.lease;
	ret->mtu = link->mtu == default_mtu ? 0 : link->mtu;
	ret->has_mac = mark.has_mac;
	memcpy(ret->mac, link->mac, sizeof(ret->mac));
	ret->flags = (link->has_owner ? NESTNET_TAP_HAS_OWNER : 0) |
		     (link->has_group ? NESTNET_TAP_HAS_GROUP : 0) |
		     (link->has_vnet_hdr ? NESTNET_TAP_VNET_HDR : 0) |
		     (link->is_isolated ? NESTNET_TAP_ISOLATED : 0) |
		     (bridge && !link->has_hairpin ? NESTNET_TAP_NO_HAIRPIN : 0);
	if (!bridge && !prefixes_copy(from->addresses, from->n_addresses, &ret->addresses))
		return error_set_errno(plan_error(plan), ENOMEM);
	r = guard_is_there(plan->elements, link->name, plan_error(plan));
	return r <= 0 ? r
		      : guard_read(plan->elements, link->name, &ret->guard, plan_error(plan));
}

static int read_bridge(struct plan *plan, const struct inventory_link *from,
		       struct bridge_request *ret)
{
	const struct link *link = &from->link;
	uint32_t default_mtu;
	struct mark mark;
	int r = plan_auto_mtu(plan, &default_mtu);

	if (r < 0)
		return r;
	mark_read(link, &mark);
	memcpy(ret->name, link->name, sizeof(ret->name));
	ret->flags = link->has_stp ? NESTNET_BRIDGE_STP : 0;
	ret->mtu = link->mtu == default_mtu ? 0 : link->mtu;
	ret->has_mac = mark.has_mac;
	ret->dhcp = mark.dhcp;
	memcpy(ret->mac, link->mac, sizeof(ret->mac));
	if (!prefixes_copy(from->addresses, from->n_addresses, &ret->addresses))
		return error_set_errno(plan_error(plan), ENOMEM);
	return move_record_filter_own(plan, ret->name, ret->addresses.list,
				      &ret->addresses.n);
}

int present_link(struct plan *plan, const struct inventory_link *link, struct request *ret)
{
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	memset(ret, 0, sizeof(*ret));
	ret->kind = link->link.kind == LINK_BRIDGE ? REQUEST_BRIDGE_ADD : REQUEST_TAP_ADD;
	if (r == 0 && ret->kind == REQUEST_BRIDGE_ADD)
		r = read_bridge(plan, link, &ret->bridge);
	else if (r == 0)
		r = read_tap(plan, inventory, link, &ret->tap);
	if (r < 0)
		request_clear(ret);
	return r < 0 ? r : 0;
}

int present_note(struct plan *plan, char op, const struct inventory_link *link)
{
	struct request present;
	int r;

	if (!plan_wants_words(plan)) {
		plan_count(plan);
		return 0;
	}
	r = present_link(plan, link, &present);
	if (r < 0)
		return r;
	r = command_note(plan, op, &present);
	request_clear(&present);
	return r;
}

struct request present_exposure(const struct exposure *exposure)
{
	return (struct request){
		.kind = REQUEST_EXPOSE,
		.expose = { .alias = exposure->alias,
			    .target = exposure->target,
			    .flags = exposure->flags,
			    .egress = exposure->egress,
			    .except = { exposure->except, exposure->n_except },
			    .from = { exposure->from, exposure->n_from },
			    .timeout_ms = exposure->expires_ms ? exposure->expires_ms
							       : exposure->timeout_ms,
			    .comment = exposure->comment[0] ? exposure->comment : NULL,
			    .tap = exposure->tap_name[0] ? exposure->tap_name : NULL },
	};
}

struct nestnet_exposure present_row(const struct exposure *exposure, char *id)
{
	return (struct nestnet_exposure){
		.id = nestnet_endpoint_format(&exposure->alias, id),
		.alias = exposure->alias,
		.target = exposure->target,
		.flags = exposure->flags,
		.egress = exposure->egress,
		.comment = exposure->comment[0] ? exposure->comment : NULL,
		.from = exposure->from,
		.n_from = exposure->n_from,
		.except = exposure->except,
		.n_except = exposure->n_except,
		.flows = exposure->flows,
		.timeout_ms = exposure->timeout_ms,
		.expires_ms = exposure->expires_ms,
		.tap = exposure->tap ? exposure->tap_name : NULL,
	};
}
