/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bridges. A bridge has its MAC address set at birth, a random one where none is asked
 * for: one that was set stays as ports come and go, and no dummy port is needed to hold it.
 */

#include "bridge.h"

#include "bridge-change.h"
#include "transaction.h"

#include "plan/command.h"
#include "plan/found.h"
#include "plan/inventory.h"
#include "plan/mark.h"
#include "plan/move-record.h"
#include "plan/mtu.h"
#include "plan/present.h"
#include "plan/uplinks.h"

#include "kernel/address.h"
#include "kernel/link.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/random.h>

/* ---- Making one ---------------------------------------------------------------------------- */

struct making {
	struct bridge_request request; /* borrows its addresses from the transaction */
	bool is_made;
	uint32_t ifindex;
};

static int choose_mac(struct plan *plan, struct bridge_request *request)
{
	if (request->has_mac)
		return 0;
	if (getrandom(request->mac, sizeof(request->mac), 0) != sizeof(request->mac))
		return error_set_errno(plan_error(plan), EIO);
	/* Locally administered, and of one interface. */
	request->mac[0] = (uint8_t)((request->mac[0] & ~1u) | 2u);
	return 0;
}

static int give_addresses(struct plan *plan, struct netlink *nl, const struct making *making)
{
	/* One that was set stays; see birth_mtu(). */
	struct link_change mtu = { .set_mtu = true, .mtu = making->request.mtu };
	char alias[LINK_ALIAS_MAX + 1];
	struct link_change finished = { .alias = alias };
	int r = link_change(nl, making->ifindex, &mtu, plan_error(plan));

	for (size_t i = 0; r == 0 && i < making->request.addresses.n; i++)
		r = address_add(nl, making->ifindex, &making->request.addresses.list[i],
				plan_error(plan));
	if (r < 0)
		return r;
	mark_write(alias, "bridge",
		   &(const struct mark){ .has_mac = making->request.has_mac,
					 .dhcp = making->request.dhcp });
	return link_change(nl, making->ifindex, &finished, plan_error(plan));
}

/* Its text comes last: without it a process was killed, or is still at it. */
static bool is_unfinished(const struct link *bridge)
{
	return bridge->kind == LINK_BRIDGE && bridge->is_managed && !bridge->alias[0];
}

static int destroy(struct plan *plan, void *step)
{
	struct making *making = step;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && making->is_made)
		r = link_delete_by_name(nl, making->request.name, plan_error(plan));
	return r;
}

/* An MTU that a bridge was born with is the kernel's to change as ports come and go. One
 * that was set stays, and to set what is there already sets nothing. */
static uint32_t birth_mtu(uint32_t wanted)
{
	return wanted == MTU_ETHERNET ? MTU_ETHERNET - 1 : MTU_ETHERNET;
}

static int make(struct plan *plan, struct making *making)
{
	struct bridge_request *request = &making->request;
	struct error *error = plan_error(plan);
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = choose_mac(plan, request);
	if (r == 0 && request->mtu == 0)
		r = mtu_auto(plan->ctx, &request->mtu);
	if (r == 0)
		r = link_add_bridge(nl, request->name, request->mac, birth_mtu(request->mtu),
				    request->flags & NESTNET_BRIDGE_STP, error);
	/* Somebody was faster, perhaps with the very same: it is compared with what is there. */
	if (r < 0)
		return r == -EEXIST ? -ERESTART : r;
	making->is_made = true;
	r = link_get(nl, request->name, &link, error);
	if (r <= 0)
		return r < 0 ? r : error_set_errno(error, ENODEV);
	making->ifindex = link.ifindex;
	return give_addresses(plan, nl, making);
}

static int create(struct plan *plan, void *step)
{
	struct making *making = step;
	int r = make(plan, making);

	if (r < 0) {
		struct error first = plan->ctx->error;

		if (destroy(plan, step) < 0) {
			error_append(&first, ", and the bridge is left");
			first.code = ENOTRECOVERABLE;
			r = -ENOTRECOVERABLE;
		}
		plan->ctx->error = first;
		error_prefix(plan_error(plan), "bridge add %s", making->request.name);
	}
	return r;
}

static const struct plan_step_ops create_ops = {
	.act = create,
	.undo = destroy,
	.free = free,
};

/* ---- Adding --------------------------------------------------------------------------------- */

static bool has_other_range(const struct link *link, const struct bridge_request *request,
			    char *what, size_t size)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];
	struct mark mark;

	mark_read(link, &mark);
	if (address_equal(&mark.dhcp.first, &request->dhcp.first) &&
	    address_equal(&mark.dhcp.last, &request->dhcp.last))
		return false;
	if (mark.dhcp.first.family)
		snprintf(what, size, "DHCP range %s-%s",
			 nestnet_address_format(&mark.dhcp.first, first),
			 nestnet_address_format(&mark.dhcp.last, last));
	else
		snprintf(what, size, "no DHCP range");
	return true;
}

bool bridge_is_different(const struct inventory_link *there,
			 const struct bridge_request *request, char *what, size_t size)
{
	const struct link *link = &there->link;
	char text[NESTNET_TEXT_MAX];

	if (!inventory_has_addresses(there, request->addresses.list, request->addresses.n)) {
		if (there->n_addresses == 1)
			snprintf(what, size, "address %s",
				 nestnet_prefix_format(&there->addresses[0], text));
		else
			snprintf(what, size, "%s addresses",
				 there->n_addresses ? "other" : "no");
	} else if (request->mtu && link->mtu != request->mtu) {
		snprintf(what, size, "MTU %u", link->mtu);
	} else if (request->has_mac &&
		   memcmp(link->mac, request->mac, sizeof(link->mac)) != 0) {
		snprintf(what, size, "MAC %s", nestnet_mac_format(link->mac, text));
	} else if (link->has_stp != !!(request->flags & NESTNET_BRIDGE_STP)) {
		snprintf(what, size, "STP %s", link->has_stp ? "on" : "off");
	} else {
		return has_other_range(link, request, what, size);
	}
	return true;
}

/* @return 0 where the bridge is as wanted, what was moved to it aside; or the refusal */
static int compare_own(struct plan *plan, const struct bridge_request *request,
		       const struct inventory_link *there)
{
	struct inventory_link own = *there;
	struct request present;
	char what[128];
	int r = present_link(plan, there, &present);

	if (r < 0)
		return r;
	own.addresses = present.bridge.addresses.list;
	own.n_addresses = present.bridge.addresses.n;
	if (bridge_is_different(&own, request, what, sizeof(what)))
		r = error_set(plan_error(plan), EEXIST, "exists already, with %s", what);
	request_clear(&present);
	return r;
}

/* @return 0 where the bridge is there just so, or the refusal */
static int compare_bridge(struct plan *plan, const struct bridge_request *request)
{
	const struct inventory *inventory;
	const struct inventory_link *there;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	there = inventory_find_name(inventory, request->name);
	if (!there)
		r = error_set(plan_error(plan), EAGAIN, "it was deleted meanwhile");
	else if (there->link.kind != LINK_BRIDGE)
		r = error_set(plan_error(plan), EEXIST,
			      "an interface of that name exists, which is no bridge");
	else if (!there->link.is_managed)
		r = error_set(plan_error(plan), EEXIST,
			      "a bridge of that name exists, which nestnet did not make");
	else
		r = compare_own(plan, request, there);
	return r;
}

static int plan_making(struct plan *plan, const struct bridge_request *request)
{
	const struct request whole = { .kind = REQUEST_BRIDGE_ADD, .bridge = *request };
	struct making *making = malloc(sizeof(*making));
	int r;

	if (making)
		*making = (struct making){ .request = *request };
	r = plan_add(plan, PLAN_LINKS, &create_ops, making);
	if (r == 0)
		r = plan_add_born(plan, request->name, request->addresses.list,
				  request->addresses.n);
	return r < 0 ? r : command_note(plan, '+', &whole);
}

int bridge_plan(struct plan *plan, const struct bridge_request *request)
{
	struct netlink *nl;
	struct link link;
	size_t index;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, request->name, &link, plan_error(plan));
	if (r == 1 && (plan->wanted || is_unfinished(&link)))
		r = bridge_plan_change(plan, request);
	else if (r == 1)
		r = compare_bridge(plan, request) < 0 ? -plan_error(plan)->code : 1;
	if (r == 0)
		r = plan_making(plan, request);
	if (r >= 0)
		r = plan_add_ifname(plan, request->name, &index);
	if (r < 0)
		return error_prefix(plan_error(plan), "bridge add %s", request->name);
	return 0;
}

/* ---- Removing --------------------------------------------------------------------------------- */

/* What was recorded of the ports goes with the bridge, which lets go of them. */
static int forget_ports(struct plan *plan, const struct inventory *inventory,
			uint32_t ifindex)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct link *port = &inventory->links[i].link;

		if (port->master == ifindex && !port->is_managed)
			r = found_set(plan, port->name, FOUND_ATTACHED, NULL);
	}
	return r;
}

/* With the bridge would go the addresses of the host that were moved to it. */
static int refuse_moved(struct plan *plan, const char *bridge)
{
	char port[NESTNET_IFNAMSIZ];
	int r = move_record_find_port(plan, bridge, port);

	if (r == 1)
		return error_set(plan_error(plan), EBUSY,
				 "it has the addresses of %s (bridge detach %s "
				 "--move-addresses)",
				 port, port);
	return r;
}

/* Who they came from is forgotten where somebody flushed the ruleset; but where L1's default
 * route is by the bridge, and a port that is not ours has no address, they are the port's. */
static int refuse_uplink(struct plan *plan, const struct inventory *inventory,
			 const struct inventory_link *bridge)
{
	struct uplinks uplinks;
	int r = uplinks_read(plan->ctx, &uplinks);

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct inventory_link *port = &inventory->links[i];

		if (port->link.master == bridge->link.ifindex && !port->link.is_managed &&
		    port->n_addresses == 0 && uplinks_have(&uplinks, bridge->link.ifindex))
			return error_set(plan_error(plan), EBUSY,
					 "the default route is by it, and its port %s has no "
					 "address (clear would give %s those of the bridge)",
					 port->link.name, port->link.name);
	}
	return r;
}

static int plan_deletion(struct plan *plan, const struct inventory *inventory,
			 const struct link_request *request)
{
	const struct inventory_link *there = inventory_find_name(inventory, request->name);
	struct error *error = plan_error(plan);
	int r;

	if (!there && (request->flags & NESTNET_IF_EXISTS))
		return 0;
	if (!there)
		return error_set(error, ENOENT, "%s", error_describe(ENODEV));
	if (there->link.kind != LINK_BRIDGE)
		return error_set(error, EBUSY, "not a bridge");
	if (!there->link.is_managed)
		return error_set(error, EBUSY, "nestnet did not make it");

	r = refuse_moved(plan, there->link.name);
	if (r == 0)
		r = refuse_uplink(plan, inventory, there);
	if (r == 0)
		r = forget_ports(plan, inventory, there->link.ifindex);
	if (r == 0)
		r = present_note(plan, '-', there);
	return r < 0 ? r : plan_unlink(plan, &there->link);
}

int bridge_plan_remove(struct plan *plan, const struct link_request *request)
{
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	if (r == 0)
		r = plan_deletion(plan, inventory, request);
	if (r < 0)
		return error_prefix(plan_error(plan), "bridge del %s", request->name);
	return 0;
}

/* ---- Public ------------------------------------------------------------------------------------ */

/* The network of the bridge that the range is in, without what is no guest's address. */
static const char *why_not_range(const struct nestnet_bridge_options *options)
{
	const struct nestnet_range *range = options->dhcp;

	if (range->first.family != AF_INET || range->last.family != AF_INET)
		return "a DHCP range is of IPv4 addresses";
	if (address_compare(&range->first, &range->last) > 0)
		return "the DHCP range ends before it begins";
	for (size_t i = 0; i < options->n_addresses; i++) {
		const struct nestnet_prefix *own = &options->addresses[i];
		struct nestnet_prefix network = prefix_network(own);
		struct nestnet_address last = prefix_last(own);

		if (!prefix_contains(own, &range->first) || !prefix_contains(own, &range->last))
			continue;
		if (address_compare(&own->address, &range->first) >= 0 &&
		    address_compare(&own->address, &range->last) <= 0)
			return "the DHCP range has the bridge's own address in it";
		if (own->len < 31 && (address_equal(&network.address, &range->first) ||
				      address_equal(&last, &range->last)))
			return "the DHCP range has the network's or the broadcast address in it";
		return NULL;
	}
	return "the DHCP range is in no network of the bridge's addresses";
}

static const char *why_not_bridge(const struct nestnet_bridge_options *options)
{
	const char *why = flags_why_not(options->flags, NESTNET_BRIDGE_STP);

	if (why)
		return why;
	if (options->mtu && (options->mtu < 68 || options->mtu > 65535))
		return "the MTU of a bridge is from 68 to 65535";
	why = options->mac ? name_why_not_mac(options->mac) : NULL;
	if (why)
		return why;
	for (size_t i = 0; i < options->n_addresses; i++) {
		why = address_why_not_own(&options->addresses[i]);
		if (why)
			return why;
	}
	return options->dhcp ? why_not_range(options) : NULL;
}

int nestnet_bridge_add(struct nestnet_transaction *tx, const char *name,
		       const struct nestnet_bridge_options *options)
{
	struct nestnet_bridge_options own;
	struct request request = { .kind = REQUEST_BRIDGE_ADD };
	struct bridge_request *bridge = &request.bridge;
	const char *why;
	int code;

	transaction_begin(tx);
	code = options_read(&own, sizeof(own), options, &why);
	options = &own;
	if (!code && (why = name_why_not_interface(name)))
		return transaction_refuse(tx, EINVAL, "bridge add '%s': %s", name, why);
	if (!code && (why = why_not_bridge(options)))
		code = EINVAL;
	if (code)
		return transaction_refuse(tx, code, "bridge add %s: %s", name, why);

	snprintf(bridge->name, sizeof(bridge->name), "%s", name);
	bridge->flags = options->flags;
	bridge->mtu = options->mtu;
	bridge->has_mac = options->mac;
	if (options->mac)
		memcpy(bridge->mac, options->mac, sizeof(bridge->mac));
	if (options->dhcp)
		bridge->dhcp = *options->dhcp;
	if (!prefixes_copy(options->addresses, options->n_addresses, &bridge->addresses))
		return transaction_refuse(tx, ENOMEM, "bridge add %s: %s", name,
					  error_describe(ENOMEM));
	return transaction_add(tx, &request);
}

int nestnet_bridge_del(struct nestnet_transaction *tx, const char *name, unsigned int flags)
{
	return transaction_add_link(tx, REQUEST_BRIDGE_DEL, "bridge del", name, flags,
				    NESTNET_IF_EXISTS);
}

static int report(struct nestnet *ctx, const struct inventory *inventory,
		  const struct inventory_link *from, nestnet_bridge_fn fn, void *userdata)
{
	const struct link *link = &from->link;
	_cleanup_free_ const char **ports = calloc(inventory->n, sizeof(*ports));
	struct nestnet_bridge bridge = { .name = link->name,
					 .ifindex = link->ifindex,
					 .addresses = from->addresses,
					 .n_addresses = from->n_addresses,
					 .mtu = link->mtu,
					 .has_stp = link->has_stp,
					 .ports = ports,
					 .is_managed = link->is_managed };
	struct mark mark;

	if (!ports)
		return error_set_errno(&ctx->error, ENOMEM);
	mark_read(link, &mark);
	bridge.dhcp = mark.dhcp.first.family ? &mark.dhcp : NULL;
	memcpy(bridge.mac, link->mac, sizeof(bridge.mac));
	for (size_t i = 0; i < inventory->n; i++) {
		if (inventory->links[i].link.master == link->ifindex)
			ports[bridge.n_ports++] = inventory->links[i].link.name;
	}
	return fn(userdata, &bridge);
}

int nestnet_bridge_list(struct nestnet *ctx, nestnet_bridge_fn fn, void *userdata)
{
	struct inventory inventory;
	int r;

	context_begin(ctx);
	r = inventory_load(ctx, &inventory);
	if (r < 0)
		return context_end(ctx, r);
	for (size_t i = 0; r == 0 && i < inventory.n; i++) {
		if (inventory.links[i].link.kind == LINK_BRIDGE)
			r = report(ctx, &inventory, &inventory.links[i], fn, userdata);
	}
	inventory_clear(&inventory);
	return r;
}
