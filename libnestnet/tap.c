/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps: requests, what is there already, and lists. tap-make.c makes them, guard.c guards
 * them. */

#include "tap.h"

#include "tap-change.h"
#include "tap-make.h"
#include "tap-open.h"
#include "transaction.h"

#include "plan/command.h"
#include "plan/inventory.h"
#include "plan/mark.h"
#include "plan/present.h"
#include "plan/updown.h"

#include "table/guard-element.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

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

static bool has_other_mark(const struct link *link, const struct tap_request *request,
			   char *what, size_t size)
{
	char text[NESTNET_TEXT_MAX];
	struct mark mark;

	mark_read(link, &mark);
	if (mark.queues != request->queues)
		snprintf(what, size, "queues %u", mark.queues);
	else if (link_is_ephemeral(link) != !!(request->flags & NESTNET_TAP_EPHEMERAL))
		snprintf(what, size, "persistence %s", link->is_persistent ? "on" : "off");
	else if (!address_equal(&mark.lease, &request->lease))
		snprintf(what, size, "%s%s", mark.lease.family ? "lease " : "no lease",
			 mark.lease.family ? nestnet_address_format(&mark.lease, text) : "");
	else
		return false;
	return true;
}

bool tap_is_different(const struct inventory *inventory, const struct inventory_link *there,
		      const struct tap_request *request, char *what, size_t size)
{
	const struct inventory_link *bridge = inventory_find(inventory, there->link.master);
	const struct link *link = &there->link;
	char mac[NESTNET_TEXT_MAX];

	if (strcmp(bridge ? bridge->link.name : "", request->bridge) != 0)
		snprintf(what, size, "%s%s", bridge ? "bridge " : "no bridge",
			 bridge ? bridge->link.name : "");
	else if (!request->bridge[0] &&
		 !inventory_has_addresses(there, request->addresses.list,
					  request->addresses.n))
		snprintf(what, size, "other addresses");
	else if (request->has_mac && memcmp(link->mac, request->mac, sizeof(link->mac)) != 0)
		snprintf(what, size, "MAC %s", nestnet_mac_format(link->mac, mac));
	else if (request->mtu && link->mtu != request->mtu)
		snprintf(what, size, "MTU %u", link->mtu);
	else
		return has_other_mark(link, request, what, size) ||
		       has_other_owner(link, request, what, size) ||
		       has_other_port(link, request, what, size);
	return true;
}

/* @return 0 where the tap is there just so, or the refusal */
static int compare_tap(struct plan *plan, const struct tap_request *request)
{
	const struct inventory *inventory;
	const struct inventory_link *there;
	char what[64];
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	there = inventory_find_name(inventory, request->name);
	if (!there)
		r = error_set(plan_error(plan), EAGAIN, "it was deleted meanwhile");
	else if (there->link.kind != LINK_TAP)
		r = error_set(plan_error(plan), EEXIST,
			      "an interface of that name exists, which is no tap");
	else if (!there->link.is_managed)
		r = error_set(plan_error(plan), EEXIST,
			      "a tap of that name exists, which nestnet did not make");
	else if (tap_is_different(inventory, there, request, what, sizeof(what)))
		r = error_set(plan_error(plan), EEXIST, "exists already, with %s", what);
	return r;
}

static int note_tap(struct plan *plan, const struct tap_request *request)
{
	const struct request whole = { .kind = REQUEST_TAP_ADD, .tap = *request };

	return command_note(plan, '+', &whole);
}

/* One that somebody has set down, or a deletion that was killed. */
static int bring_up(struct plan *plan, const struct tap_request *request,
		    const struct link *link)
{
	int r;

	if (link->is_up)
		return 0;
	r = note_tap(plan, request);
	return r < 0 ? r
		     : updown_plan(plan, PLAN_PORTS, "tap add", link->ifindex, link->name,
				   true);
}

/* What is another's to finish, in a few milliseconds or never: a tap that is being made is open,
 * and persistent at last. A program's own, which goes with it, is up. */
static bool is_unfinished(const struct link *link)
{
	return link_is_ephemeral(link) && (link->is_managed || !link->is_up);
}

#define WAIT_MS 100

/* @return 1: it is as it was; 0: it is another by now, or gone; or a negative errno */
static int wait_for_other(struct plan *plan, struct netlink *nl, const char *name)
{
	static const struct timespec one_ms = { .tv_nsec = 1000000 };
	struct link link;
	int r = 1;

	for (unsigned int i = 0; r == 1 && i < WAIT_MS; i++) {
		(void)nanosleep(&one_ms, NULL);
		r = link_get(nl, name, &link, plan_error(plan));
		if (r == 1 && !is_unfinished(&link))
			return 0;
	}
	return r;
}

/* Of two that add the same tap at once, the second finds what the first has finished. And a
 * tap that was given up, by this plan's last try too, may be open in a process that another
 * thread is about to start.
 * @return 1: it is there; -ERESTART: it is another by now; or another negative errno */
static int wait_for_twin(struct plan *plan, const struct tap_request *request,
			 const struct link *link)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	if (!is_unfinished(link) || (request->flags & NESTNET_TAP_EPHEMERAL))
		return 1;
	r = wait_for_other(plan, nl, request->name);
	if (r == 0)
		return error_set(plan_error(plan), ERESTART, "it is made meanwhile");
	return r;
}

static int plan_there(struct plan *plan, const struct tap_request *request,
		      const struct link *link)
{
	size_t index;
	int r = compare_tap(plan, request);

	if (r == 0)
		r = plan_add_ifname(plan, request->name, &index);
	if (r == 0)
		r = bring_up(plan, request, link);
	if (r == 0 && request->opening.is_wanted)
		r = tap_plan_opening(plan, request, link, index);
	return r < 0 ? r : 1;
}

/* A bridge that this transaction adds is looked for when its time has come. */
static int check_bridge(struct plan *plan, const char *name)
{
	struct netlink *nl;
	struct link bridge;
	int r = context_route(plan->ctx, &nl);

	if (r < 0 || !name[0] || plan_adds_ifname(plan, name))
		return r;
	r = tap_find_bridge(plan, nl, name, &bridge);
	if (r == 0 && plan_drops(plan, &bridge))
		return error_set(plan_error(plan), ENODEV, "bridge %s: %s", name,
				 error_describe(ENODEV));
	return r;
}

static int plan_tap(struct plan *plan, const struct tap_request *request)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && !strchr(request->name, '%'))
		r = link_get(nl, request->name, &link, plan_error(plan));
	if (r == 1)
		r = wait_for_twin(plan, request, &link);
	if (r == 1 && !plan->wanted)
		return plan_there(plan, request, &link);
	if (r >= 0)
		r = check_bridge(plan, request->bridge) < 0 ? -plan_error(plan)->code : r;
	if (r == 1)
		r = tap_plan_change(plan, request);
	if (r != 0)
		return r;
	r = tap_plan_making(plan, request);
	return r < 0 ? r : note_tap(plan, request);
}

int tap_plan(struct plan *plan, const struct tap_request *request)
{
	int r = plan_tap(plan, request);

	return r < 0 ? error_prefix(plan_error(plan), "tap add %s", request->name) : r;
}

/* ---- Removing --------------------------------------------------------------------------------- */

/* More are looked up in one list of all links, which takes as long as some questions. */
#define FEW 32

/* @return 1: it is there, to be told with what belongs to it where that is wanted; 0: it is
 *         not; or a negative errno */
static int find_link(struct plan *plan, const char *name, struct inventory_link *ret)
{
	const struct inventory_link *there;
	const struct inventory *inventory;
	struct netlink *nl;
	int r;

	if (plan->inventory || plan_wants_words(plan) || plan->n_unlinks >= FEW) {
		r = plan_inventory(plan, &inventory);
		there = r == 0 ? inventory_find_name(inventory, name) : NULL;
		if (there)
			*ret = *there;
		return r < 0 ? r : there != NULL;
	}
	r = context_route(plan->ctx, &nl);
	*ret = (struct inventory_link){ .n_addresses = 0 };
	if (r == 0)
		r = link_get(nl, name, &ret->link, plan_error(plan));
	return r == -ENODEV ? 0 : r; /* an alternative name is none of ours */
}

static int plan_deletion(struct plan *plan, const struct link_request *request,
			 uint32_t *ret_ifindex)
{
	struct error *error = plan_error(plan);
	struct inventory_link there;
	int r = find_link(plan, request->name, &there);

	if (r < 0)
		return r;
	if (r == 0 && (request->flags & NESTNET_IF_EXISTS))
		return 0;
	if (r == 0)
		return error_set(error, ENOENT, "%s", error_describe(ENODEV));
	if (there.link.kind != LINK_TAP)
		return error_set(error, EBUSY, "not a tap");
	if (!there.link.is_managed)
		return error_set(error, EBUSY, "nestnet did not make it");
	*ret_ifindex = there.link.ifindex;
	r = present_note(plan, '-', &there);
	return r < 0 ? r : plan_unlink(plan, &there.link);
}

int tap_plan_remove(struct plan *plan, const struct link_request *request,
		    uint32_t *ret_ifindex)
{
	int r = plan_deletion(plan, request, ret_ifindex);

	return r < 0 ? error_prefix(plan_error(plan), "tap del %s", request->name) : 0;
}

/* ---- Public ------------------------------------------------------------------------------------ */

static const char *why_not_guarded(const struct nestnet_tap_options *options)
{
	/* A bridge takes a frame to its port's own MAC for itself (facts 10c). */
	for (size_t i = 0; options->mac && i < options->n_guards; i++) {
		if (memcmp(options->mac, options->guards[i].mac, 6) == 0)
			return "the tap's own MAC address and its guest's must differ";
	}
	return guard_why_not(options->guards, options->n_guards);
}

static bool guard_has(const struct nestnet_guard *guard, const struct nestnet_address *address)
{
	for (size_t i = 0; i < guard->n_addresses; i++) {
		if (address_equal(&guard->addresses[i], address))
			return true;
	}
	return guard->n_addresses == 0;
}

static const char *why_not_leased(const struct nestnet_tap_options *options)
{
	if (!options->lease)
		return NULL;
	if (options->lease->family != AF_INET || address_why_not_unicast(options->lease))
		return "a lease is the IPv4 address of a host";
	if (!options->bridge)
		return "a lease is for a guest of a bridge";
	if (options->n_guards != 1)
		return "a lease is for the one guest whose MAC address --guard names";
	if (!guard_has(options->guards, options->lease))
		return "the guard does not let the guest use its lease";
	return NULL;
}

#define FLAGS                                                                   \
	(NESTNET_TAP_VNET_HDR | NESTNET_TAP_ISOLATED | NESTNET_TAP_NO_HAIRPIN | \
	 NESTNET_TAP_HAS_OWNER | NESTNET_TAP_HAS_GROUP | NESTNET_TAP_MTU_AUTO | \
	 NESTNET_TAP_EPHEMERAL)

static const char *why_not_tap(const struct nestnet_tap_options *options)
{
	const char *why = flags_why_not(options->flags, FLAGS);

	if (why)
		return why;
	if (options->queues > NESTNET_QUEUES_MAX)
		return "a tap has at most 256 queues";
	if (options->mtu && (options->mtu < 68 || options->mtu > 65521))
		return "the MTU of a tap is from 68 to 65521";
	why = options->mac ? name_why_not_mac(options->mac) : NULL;
	if (!why)
		why = why_not_guarded(options);
	if (!why)
		why = why_not_leased(options);
	if (!why)
		why = tap_why_not_open(options);
	if (why)
		return why;
	for (size_t i = 0; i < options->n_addresses; i++) {
		why = address_why_not_own(&options->addresses[i]);
		if (why)
			return why;
	}
	if (options->bridge && options->n_addresses)
		return "a tap in a bridge has no address of its own";
	if (!options->bridge && (options->flags & NESTNET_TAP_ISOLATED))
		return "isolation is for a bridge's ports";
	return NULL;
}

/* Both structures have their own size. */
static int read_options(const struct nestnet_tap_options *options,
			struct nestnet_tap_options *ret, struct nestnet_open_options *ret_open,
			const char **ret_why)
{
	int code = options_read(ret, sizeof(*ret), options, ret_why);

	if (code || !ret->open)
		return code;
	code = options_read(ret_open, sizeof(*ret_open), ret->open, ret_why);
	ret->open = ret_open;
	return code;
}

int nestnet_tap_add(struct nestnet_transaction *tx, const char *name,
		    const struct nestnet_tap_options *options)
{
	struct nestnet_tap_options own;
	struct nestnet_open_options open;
	struct request request = { .kind = REQUEST_TAP_ADD };
	struct tap_request *tap = &request.tap;
	const char *why;
	int code;

	transaction_begin(tx);
	code = read_options(options, &own, &open, &why);
	options = &own;
	if (!code && (why = name_why_not_pattern(name)))
		return transaction_refuse(tx, EINVAL, "tap add '%s': %s", name, why);
	if (!code && (why = why_not_tap(options)))
		code = EINVAL;
	if (code)
		return transaction_refuse(tx, code, "tap add %s: %s", name, why);
	if (options->bridge && (why = name_why_not_interface(options->bridge)))
		return transaction_refuse(tx, EINVAL, "tap add %s: bridge '%s': %s", name,
					  options->bridge, why);

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
	tap->opening = tap_opening_of(options);
	if (options->lease)
		tap->lease = *options->lease;
	if (!(tap->flags & (NESTNET_TAP_HAS_OWNER | NESTNET_TAP_HAS_GROUP))) {
		tap->flags |= NESTNET_TAP_HAS_OWNER; /* root */
		tap->owner = 0;
	}
	if (!guard_entries_make(options->guards, options->n_guards, &tap->guard) ||
	    !prefixes_copy(options->addresses, options->n_addresses, &tap->addresses)) {
		free(tap->guard.list);
		return transaction_refuse(tx, ENOMEM, "tap add %s: %s", name,
					  error_describe(ENOMEM));
	}
	return transaction_add(tx, &request);
}

int nestnet_tap_del(struct nestnet_transaction *tx, const char *name, unsigned int flags)
{
	return transaction_add_link(tx, REQUEST_TAP_DEL, "tap del", name, flags,
				    NESTNET_IF_EXISTS);
}

/* @param mark  of the tap, which it borrows */
static void fill_tap(const struct inventory *inventory, const struct inventory_link *from,
		     const struct mark *mark, struct nestnet_tap *ret)
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
				     .queues = mark->queues,
				     .lease = mark->lease.family ? &mark->lease : NULL,
				     .mtu = link->mtu,
				     .is_up = link->is_up,
				     .has_carrier = link->has_carrier,
				     .is_managed = link->is_managed };
	memcpy(ret->mac, link->mac, sizeof(ret->mac));
	ret->flags = (link_is_ephemeral(link) ? NESTNET_TAP_EPHEMERAL : 0) |
		     (link->has_vnet_hdr ? NESTNET_TAP_VNET_HDR : 0) |
		     (link->is_isolated ? NESTNET_TAP_ISOLATED : 0) |
		     (link->has_hairpin ? 0 : NESTNET_TAP_NO_HAIRPIN) |
		     (link->has_owner ? NESTNET_TAP_HAS_OWNER : 0) |
		     (link->has_group ? NESTNET_TAP_HAS_GROUP : 0);
}

struct tap_lister {
	struct inventory inventory;
	struct guard_entries guards; /* of all taps */
	nestnet_tap_fn fn;
	void *userdata;
};

static int list_tap(struct nestnet *ctx, const struct tap_lister *lister,
		    const struct inventory_link *link)
{
	struct guard_entries entries = guard_entries_of(&lister->guards, link->link.name);
	struct guard_array guards;
	struct nestnet_tap tap;
	struct mark mark;
	int r;

	mark_read(&link->link, &mark);
	if (!guard_array_make(&entries, &guards))
		return error_set_errno(&ctx->error, ENOMEM);
	fill_tap(&lister->inventory, link, &mark, &tap);
	tap.guards = guards.list;
	tap.n_guards = guards.n;
	r = lister->fn(lister->userdata, &tap);
	guard_array_clear(&guards);
	return r;
}

/* Whoever may not read the ruleset still sees the taps, with no guards. */
static int load_guards(struct nestnet *ctx, struct guard_entries *ret)
{
	struct elements *elements;
	struct netlink *filter;
	int r = context_filter(ctx, &filter);

	if (r < 0)
		return r;
	elements = elements_new(filter);
	if (!elements)
		return error_set_errno(&ctx->error, ENOMEM);
	r = guard_read(elements, NULL, ret, &ctx->error);
	elements_free(elements);
	return r == -EPERM ? 0 : r;
}

int nestnet_tap_list(struct nestnet *ctx, nestnet_tap_fn fn, void *userdata)
{
	struct tap_lister lister = { .fn = fn, .userdata = userdata };
	int r;

	context_begin(ctx);
	r = inventory_load(ctx, &lister.inventory);
	if (r < 0)
		return context_end(ctx, r);
	r = load_guards(ctx, &lister.guards);
	if (r < 0)
		r = context_end(ctx, r);
	for (size_t i = 0; r == 0 && i < lister.inventory.n; i++) {
		if (lister.inventory.links[i].link.kind == LINK_TAP)
			r = list_tap(ctx, &lister, &lister.inventory.links[i]);
	}
	free(lister.guards.list);
	inventory_clear(&lister.inventory);
	return r;
}
