/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taps. A tap is made in two steps: born, down and with our mark, while its descriptor is
 * open; and at last, when the rules are in place, put into its bridge, brought up and made
 * persistent. Until then closing the descriptor is the whole undo, and what a killed
 * process leaves is nothing.
 */

#include "tap.h"

#include "inventory.h"
#include "mtu.h"
#include "transaction.h"

#include "kernel/address.h"
#include "kernel/link.h"
#include "kernel/tun.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- The alias text: for people, and for the number of queues, which no attribute has ---- */

static void write_alias(unsigned int queues, char *buf, size_t size)
{
	if (queues > 1)
		snprintf(buf, size, "nestnet tap queues=%u", queues);
	else
		snprintf(buf, size, "nestnet tap");
}

static unsigned int read_queues(const struct link *link)
{
	unsigned int queues;

	if (!link->has_multi_queue)
		return 1;
	if (sscanf(link->alias, "nestnet tap queues=%u", &queues) == 1 &&
	    queues <= NESTNET_QUEUES_MAX)
		return queues;
	return NESTNET_QUEUES_MAX;
}

/* ---- Making one --------------------------------------------------------------------------- */

struct making {
	struct tap_request request; /* borrows its addresses from the transaction */
	size_t name_index;
	int fd;
	uint32_t ifindex;
};

static int set_owners(struct plan *plan, const struct making *making)
{
	const struct tap_request *request = &making->request;
	struct error *error = plan_error(plan);
	int r = 0;

	/* Without an owner any local user could open it; with both, both must match. */
	if (request->flags & NESTNET_TAP_HAS_OWNER)
		r = tun_set_owner(making->fd, request->owner, error);
	if (r == 0 && (request->flags & NESTNET_TAP_HAS_GROUP))
		r = tun_set_group(making->fd, request->group, error);
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
	write_alias(making->request.queues, alias, sizeof(alias));
	change.alias = alias;
	change.set_mac = making->request.has_mac;
	change.mac = making->request.mac;
	return link_change(nl, link.ifindex, &change, plan_error(plan));
}

static int create_device(struct plan *plan, struct making *making, char *name)
{
	const struct tap_request *request = &making->request;
	int back, r = context_enter(plan->ctx, &back);

	if (r < 0)
		return r;
	r = tun_create(request->name, request->flags & NESTNET_TAP_VNET_HDR,
		       request->queues > 1, &making->fd, name, plan_error(plan));
	return context_leave(plan->ctx, back, r);
}

static int create(struct plan *plan, void *step)
{
	struct making *making = step;
	char name[NESTNET_IFNAMSIZ];
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = create_device(plan, making, name);
	if (r == 0)
		r = set_owners(plan, making);
	if (r == 0)
		r = mark(plan, nl, making, name);
	if (r < 0) {
		cleanup_close_fd(&making->fd);
		making->fd = -1;
		return error_prefix(plan_error(plan), "tap add %s", making->request.name);
	}
	plan_set_ifname(plan, making->name_index, name);
	return 0;
}

static int destroy(struct plan *plan, void *step)
{
	struct making *making = step;

	(void)plan;
	cleanup_close_fd(&making->fd);
	making->fd = -1;
	return 0;
}

static void free_making(void *step)
{
	struct making *making = step;

	cleanup_close_fd(&making->fd);
	free(making);
}

static const struct plan_step_ops create_ops = {
	.act = create,
	.undo = destroy,
	.free = free_making,
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

	if (r < 0 || change.mtu == 0)
		return r;
	if (link_change(nl, making->ifindex, &change, plan_error(plan)) < 0)
		return error_prefix(plan_error(plan), "set the MTU to %u", change.mtu);
	return 0;
}

static int enslave(struct plan *plan, struct netlink *nl, const struct making *making,
		   const struct link *bridge)
{
	struct link_change master = { .set_master = true, .master = bridge->ifindex };
	unsigned int flags = making->request.flags;

	if (link_change(nl, making->ifindex, &master, plan_error(plan)) < 0)
		return error_prefix(plan_error(plan), "attach to bridge %s", bridge->name);
	return link_set_port(nl, making->ifindex, !(flags & NESTNET_TAP_NO_HAIRPIN),
			     flags & NESTNET_TAP_ISOLATED, plan_error(plan));
}

static int find_bridge(struct plan *plan, struct netlink *nl, const char *name,
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
	struct link_change up = { .set_up = true, .is_up = true };
	const struct tap_request *request = &making->request;
	struct error *error = plan_error(plan);
	struct link bridge;
	int r = 0;

	if (request->bridge[0])
		r = find_bridge(plan, nl, request->bridge, &bridge);
	if (r == 0)
		r = set_mtu(plan, nl, making, request->bridge[0] ? &bridge : NULL);
	if (r == 0 && request->bridge[0])
		r = enslave(plan, nl, making, &bridge);
	for (size_t i = 0; r == 0 && i < request->addresses.n; i++)
		r = address_add(nl, making->ifindex, &request->addresses.list[i], error);
	if (r == 0 && link_change(nl, making->ifindex, &up, error) < 0)
		r = error_prefix(error, "bring it up");
	return r < 0 ? r : tun_set_persistent(making->fd, true, error);
}

static int bring_up(struct plan *plan, void *step)
{
	struct making *making = step;
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = set_up(plan, nl, making);
	if (r < 0)
		return error_prefix(plan_error(plan), "tap add %s",
				    plan->ifnames[making->name_index]);
	return 0;
}

static int let_go(struct plan *plan, void *step)
{
	struct making *making = step;

	return tun_set_persistent(making->fd, false, plan_error(plan));
}

static void free_nothing(void *step)
{
	(void)step; /* of the step that created it */
}

static const struct plan_step_ops up_ops = {
	.act = bring_up,
	.undo = let_go,
	.free = free_nothing,
};

/* ---- As commands -------------------------------------------------------------------------- */

static int note_tap(struct plan *plan, char op, const char *name, const char *bridge,
		    unsigned int flags, unsigned int queues)
{
	char many[24] = "";

	if (queues > 1)
		snprintf(many, sizeof(many), " --queues %u", queues);
	return plan_note(plan, op, "tap add %s%s%s%s%s%s%s", name,
			 bridge[0] ? " --bridge " : "", bridge, many,
			 flags & NESTNET_TAP_VNET_HDR ? " --vnet-hdr" : "",
			 flags & NESTNET_TAP_ISOLATED ? " --isolated" : "",
			 flags & NESTNET_TAP_NO_HAIRPIN ? " --no-hairpin" : "");
}

/* ---- Adding ----------------------------------------------------------------------------------- */

static void describe_owner(char *what, size_t size, const char *kind, bool has, uint32_t id)
{
	if (!has)
		snprintf(what, size, "no %s", kind);
	else if (id == 0)
		snprintf(what, size, "%s root", kind);
	else
		snprintf(what, size, "%s %u", kind, id);
}

static bool has_other_owner(const struct link *link, const struct tap_request *request,
			    char *what, size_t size)
{
	bool has_owner = request->flags & NESTNET_TAP_HAS_OWNER;
	bool has_group = request->flags & NESTNET_TAP_HAS_GROUP;

	if (link->has_owner != has_owner || (has_owner && link->owner != request->owner))
		describe_owner(what, size, "owner", link->has_owner, link->owner);
	else if (link->has_group != has_group ||
		 (has_group && link->group != request->group))
		describe_owner(what, size, "group", link->has_group, link->group);
	else
		return false;
	return true;
}

static bool has_other_port(const struct link *link, const struct tap_request *request,
			   char *what, size_t size)
{
	if (!link->is_port)
		return false;
	if (link->is_isolated != !!(request->flags & NESTNET_TAP_ISOLATED))
		snprintf(what, size, "isolation %s", link->is_isolated ? "on" : "off");
	else if (link->has_hairpin != !(request->flags & NESTNET_TAP_NO_HAIRPIN))
		snprintf(what, size, "hairpin mode %s", link->has_hairpin ? "on" : "off");
	else
		return false;
	return true;
}

/* What of a tap that is there differs from the request, in words: what is there. */
static bool is_different(const struct inventory *inventory,
			 const struct inventory_link *there,
			 const struct tap_request *request, char *what, size_t size)
{
	const struct inventory_link *bridge = inventory_find(inventory, there->link.master);
	const struct link *link = &there->link;

	if (strcmp(bridge ? bridge->link.name : "", request->bridge) != 0)
		snprintf(what, size, "%s %s", bridge ? "bridge" : "no bridge",
			 bridge ? bridge->link.name : "");
	else if (!request->bridge[0] &&
		 !inventory_has_addresses(there, request->addresses.list,
					  request->addresses.n))
		snprintf(what, size, "other addresses");
	else if (read_queues(link) != request->queues)
		snprintf(what, size, "queues %u", read_queues(link));
	else if (request->has_mac && memcmp(link->mac, request->mac, sizeof(link->mac)) != 0)
		snprintf(what, size, "MAC %02x:%02x:%02x:%02x:%02x:%02x", link->mac[0],
			 link->mac[1], link->mac[2], link->mac[3], link->mac[4],
			 link->mac[5]);
	else if (request->mtu && link->mtu != request->mtu)
		snprintf(what, size, "MTU %u", link->mtu);
	else
		return has_other_owner(link, request, what, size) ||
		       has_other_port(link, request, what, size);
	return true;
}

/* @return 0 where the tap is there just so, or the refusal */
static int compare_tap(struct plan *plan, const struct tap_request *request)
{
	struct inventory inventory;
	const struct inventory_link *there;
	char what[64];
	int r = inventory_load(plan->ctx, &inventory);

	if (r < 0)
		return r;
	there = inventory_find_name(&inventory, request->name);
	if (!there)
		r = error_set(plan_error(plan), EAGAIN, "it was deleted meanwhile");
	else if (there->link.kind != LINK_TAP)
		r = error_set(plan_error(plan), EEXIST,
			      "an interface of that name exists, which is no tap");
	else if (!there->link.is_managed)
		r = error_set(plan_error(plan), EEXIST,
			      "a tap of that name exists, which nestnet did not make");
	else if (is_different(&inventory, there, request, what, sizeof(what)))
		r = error_set(plan_error(plan), EEXIST, "exists already, with %s", what);
	inventory_clear(&inventory);
	return r;
}

static int plan_making(struct plan *plan, const struct tap_request *request)
{
	struct making *making = malloc(sizeof(*making));
	int r;

	if (making)
		*making = (struct making){ .request = *request, .fd = -1 };
	r = plan_add(plan, PLAN_LINKS, &create_ops, making);
	if (r == 0)
		r = plan_add_ifname(plan, request->name, &making->name_index);
	if (r == 0)
		r = plan_add(plan, PLAN_PORTS, &up_ops, making);
	if (r == 0)
		r = note_tap(plan, '+', request->name, request->bridge, request->flags,
			     request->queues);
	return r;
}

static int plan_tap(struct plan *plan, const struct tap_request *request)
{
	struct netlink *nl;
	struct link link;
	size_t index;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && !strchr(request->name, '%'))
		r = link_get(nl, request->name, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 1) {
		r = compare_tap(plan, request);
		return r < 0 ? r : plan_add_ifname(plan, request->name, &index);
	}
	/* A bridge that this transaction adds is looked for when its time has come. */
	if (request->bridge[0] && !plan_adds_ifname(plan, request->bridge))
		r = find_bridge(plan, nl, request->bridge, &link);
	return r < 0 ? r : plan_making(plan, request);
}

int tap_plan(struct plan *plan, const struct tap_request *request)
{
	int r = plan_tap(plan, request);

	return r < 0 ? error_prefix(plan_error(plan), "tap add %s", request->name) : 0;
}

/* ---- Removing --------------------------------------------------------------------------------- */

static int plan_removal(struct plan *plan, const struct link_request *request)
{
	struct link link, bridge = { .name = "" };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get(nl, request->name, &link, plan_error(plan));
	if (r == 0 && !(request->flags & NESTNET_IF_EXISTS))
		return error_set(plan_error(plan), ENOENT, "%s", error_describe(ENODEV));
	if (r <= 0)
		return r;
	if (link.kind != LINK_TAP)
		return error_set(plan_error(plan), EBUSY, "not a tap");
	if (!link.is_managed)
		return error_set(plan_error(plan), EBUSY, "nestnet did not make it");

	r = link.master ? link_get_by_index(nl, link.master, &bridge, plan_error(plan)) : 0;
	if (r >= 0)
		r = note_tap(plan, '-', link.name, bridge.name, 0, read_queues(&link));
	return r < 0 ? r : plan_unlink(plan, link.ifindex);
}

int tap_plan_remove(struct plan *plan, const struct link_request *request)
{
	int r = plan_removal(plan, request);

	return r < 0 ? error_prefix(plan_error(plan), "tap del %s", request->name) : 0;
}

/* ---- Public ------------------------------------------------------------------------------------ */

static const char *why_not_tap(const char *name, const struct nestnet_tap_options *options)
{
	const char *why = name_why_not_pattern(name);

	if (why)
		return why;
	if (options->size < sizeof(*options))
		return "the options' size is not set";
	if (options->queues > NESTNET_QUEUES_MAX)
		return "a tap has at most 256 queues";
	if (options->mtu && (options->mtu < 68 || options->mtu > 65521))
		return "the MTU of a tap is from 68 to 65521";
	why = options->mac ? name_why_not_mac(options->mac) : NULL;
	if (why)
		return why;
	if (options->bridge && options->n_addresses)
		return "a tap in a bridge has no address of its own";
	if (!options->bridge && (options->flags & NESTNET_TAP_ISOLATED))
		return "isolation is for a bridge's ports";
	return options->bridge ? name_why_not_interface(options->bridge) : NULL;
}

int nestnet_tap_add(struct nestnet_transaction *tx, const char *name,
		    const struct nestnet_tap_options *options)
{
	static const struct nestnet_tap_options none = { .size = sizeof(none) };
	struct request request = { .kind = REQUEST_TAP_ADD };
	struct tap_request *tap = &request.tap;
	const char *why;

	transaction_begin(tx);
	if (!options)
		options = &none;
	why = why_not_tap(name, options);
	if (why)
		return transaction_refuse(tx, EINVAL, "tap add '%s': %s", name, why);

	snprintf(tap->name, sizeof(tap->name), "%s", name);
	snprintf(tap->bridge, sizeof(tap->bridge), "%s",
		 options->bridge ? options->bridge : "");
	tap->flags = options->flags;
	tap->owner = options->owner;
	tap->group = options->group;
	tap->queues = options->queues ? options->queues : 1;
	tap->mtu = options->mtu;
	tap->has_mac = options->mac;
	if (options->mac)
		memcpy(tap->mac, options->mac, sizeof(tap->mac));
	if (!(tap->flags & (NESTNET_TAP_HAS_OWNER | NESTNET_TAP_HAS_GROUP))) {
		tap->flags |= NESTNET_TAP_HAS_OWNER; /* root */
		tap->owner = 0;
	}
	if (!prefixes_copy(options->addresses, options->n_addresses, &tap->addresses))
		return transaction_refuse(tx, ENOMEM, "tap add %s: %s", name,
					  error_describe(ENOMEM));
	return transaction_add(tx, &request);
}

int nestnet_tap_del(struct nestnet_transaction *tx, const char *name, unsigned int flags)
{
	struct request request = { .kind = REQUEST_TAP_DEL, .link = { .flags = flags } };
	const char *why = name_why_not_interface(name);

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "tap del '%s': %s", name, why);
	snprintf(request.link.name, sizeof(request.link.name), "%s", name);
	return transaction_add(tx, &request);
}

static void fill_tap(const struct inventory *inventory, const struct inventory_link *from,
		     struct nestnet_tap *ret)
{
	const struct inventory_link *bridge = inventory_find(inventory, from->link.master);
	const struct link *link = &from->link;

	*ret = (struct nestnet_tap){ .name = link->name,
				     .ifindex = link->ifindex,
				     .bridge = bridge ? bridge->link.name : NULL,
				     .addresses = from->addresses,
				     .n_addresses = from->n_addresses,
				     .owner = link->owner,
				     .group = link->group,
				     .queues = read_queues(link),
				     .mtu = link->mtu,
				     .is_up = link->is_up,
				     .has_carrier = link->has_carrier,
				     .is_managed = link->is_managed };
	memcpy(ret->mac, link->mac, sizeof(ret->mac));
	ret->flags = (link->has_vnet_hdr ? NESTNET_TAP_VNET_HDR : 0) |
		     (link->is_isolated ? NESTNET_TAP_ISOLATED : 0) |
		     (link->has_hairpin ? 0 : NESTNET_TAP_NO_HAIRPIN) |
		     (link->has_owner ? NESTNET_TAP_HAS_OWNER : 0) |
		     (link->has_group ? NESTNET_TAP_HAS_GROUP : 0);
}

int nestnet_tap_list(struct nestnet *ctx, nestnet_tap_fn fn, void *userdata)
{
	struct inventory inventory;
	int r;

	context_begin(ctx);
	r = inventory_load(ctx, &inventory);
	if (r < 0)
		return context_end(ctx, r);
	for (size_t i = 0; r == 0 && i < inventory.n; i++) {
		struct nestnet_tap tap;

		if (inventory.links[i].link.kind != LINK_TAP)
			continue;
		fill_tap(&inventory, &inventory.links[i], &tap);
		r = fn(userdata, &tap);
	}
	inventory_clear(&inventory);
	return r;
}
