/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Aliases that nestnet makes: requests, and what is refused; alias-step.c has the theory. */

#include "alias-step.h"
#include "alias.h"
#include "transaction.h"

#include "plan/command.h"
#include "plan/local.h"
#include "plan/found.h"
#include "plan/move-record.h"

#include "kernel/address.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Refusals ------------------------------------------------------------------------------- */

static int refuse_primary(struct plan *plan, const struct inventory *inventory,
			  const struct nestnet_prefix *prefix)
{
	struct nestnet_address primary;
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < inventory->n; i++) {
		const struct inventory_link *link = &inventory->links[i];
		int r = 0;

		if (link->n_addresses > 0 && link->link.ifindex != LINK_LOOPBACK)
			r = local_find_primary(plan->ctx, link, prefix->address.family,
					       &primary);
		if (r < 0)
			return r;
		if (r == 1 && prefix_contains(prefix, &primary))
			return error_set(plan_error(plan), EADDRINUSE,
					 "%s is the primary address of %s",
					 nestnet_address_format(&primary, text),
					 link->link.name);
	}
	return 0;
}

/* The kernel has a route for it, and says no more than that one exists. */
static int refuse_broadcast(struct plan *plan, const struct inventory *inventory,
			    const struct nestnet_prefix *prefix)
{
	char text[NESTNET_TEXT_MAX], net[NESTNET_TEXT_MAX];

	if (prefix->address.family != AF_INET || !prefix_is_address(prefix))
		return 0;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct inventory_link *link = &inventory->links[i];

		for (size_t j = 0; j < link->n_addresses; j++) {
			struct nestnet_prefix network =
				prefix_network(&link->addresses[j]);
			struct nestnet_address last = prefix_last(&network);

			if (network.len > 30 || !address_equal(&last, &prefix->address))
				continue;
			return error_set(
				plan_error(plan), EADDRINUSE,
				"%s is the broadcast address of %s, the network of %s",
				nestnet_address_format(&last, text),
				nestnet_prefix_format(&network, net), link->link.name);
		}
	}
	return 0;
}

/* Whom L1 would no longer reach. */
static int refuse_cut_off(struct plan *plan, const struct nestnet_prefix *prefix)
{
	struct alias_look *look = alias_look(plan);
	struct nestnet_address address;
	const char *what = "a gateway";
	char text[NESTNET_TEXT_MAX];
	int r = look ? alias_look_gateway(plan, look, prefix, &address) : -ENOMEM;

	if (r == 0) {
		what = "a neighbour";
		r = alias_look_neighbour(plan, look, prefix, &address);
	}
	if (r <= 0)
		return r;
	return error_set(plan_error(plan), EADDRINUSE,
			 "%s is %s of L1, which would be cut off from it",
			 nestnet_address_format(&address, text), what);
}

/* On a shared network a route of IPv6 is answered for by nobody. */
static int refuse_on_link(struct plan *plan, const struct inventory *inventory,
			  const struct nestnet_prefix *prefix)
{
	char text[NESTNET_TEXT_MAX];

	if (prefix->address.family != AF_INET6 || alias_is_address(prefix))
		return 0;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct inventory_link *link = &inventory->links[i];

		for (size_t j = 0; j < link->n_addresses; j++) {
			struct nestnet_prefix network =
				prefix_network(&link->addresses[j]);

			if (network.len == 128 || !prefix_overlaps(&network, prefix))
				continue;
			return error_set(
				plan_error(plan), EBUSY,
				"in %s, the network of %s, neighbour discovery is "
				"answered for addresses alone (add them one by one)",
				nestnet_prefix_format(&network, text), link->link.name);
		}
	}
	return 0;
}

/* ---- Adding --------------------------------------------------------------------------------- */

/* Where an alias for this interface goes: its bridge, where that has its addresses.
 * @param ret_ifindex  0: the plan makes it */
static int find_device(struct plan *plan, const char *dev, char *ret_name,
		       uint32_t *ret_ifindex)
{
	char bridge[FOUND_VALUE_MAX];
	struct netlink *nl;
	struct link link;
	int r = move_record_find(plan, dev, bridge);

	snprintf(ret_name, NESTNET_IFNAMSIZ, "%.15s", r == 1 ? bridge : dev);
	*ret_ifindex = 0;
	if (r >= 0)
		r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = link_get(nl, ret_name, &link, plan_error(plan));
	if (r < 0)
		return r;
	if (r == 0 || plan_unlinks(plan, &link))
		return plan_adds_ifname(plan, ret_name)
			       ? 0
			       : error_set(plan_error(plan), ENODEV, "interface %s: %s",
					   ret_name, error_describe(ENODEV));
	if (link.ifindex == LINK_LOOPBACK)
		return error_set(plan_error(plan), EBUSY,
				 "%s has no neighbours to answer", ret_name);
	*ret_ifindex = link.ifindex;
	return 0;
}

static int plan_removal(struct plan *plan, const struct nestnet_prefix *prefix,
			uint32_t ifindex)
{
	struct request request = { .kind = REQUEST_ALIAS_ADD, .alias = { .prefix = *prefix } };
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = link_get_by_index(nl, ifindex, &link, plan_error(plan));
	if (r <= 0)
		return r; /* gone with its interface */
	memcpy(request.alias.dev, link.name, sizeof(request.alias.dev));
	r = alias_add_change(plan, prefix, "");
	return r < 0 ? r : command_note(plan, '-', &request);
}

static int find_place(struct plan *plan, const struct nestnet_prefix *prefix,
		      struct alias_place *ret)
{
	struct alias_look *look = alias_look(plan);

	return look ? alias_look_place(plan, look, prefix, ret) : -ENOMEM;
}

/* @return 1: it is there just so; 0: it is not there; or the refusal */
static int compare(struct plan *plan, const struct inventory *inventory,
		   const struct nestnet_prefix *prefix, const char *dev, uint32_t ifindex)
{
	const struct alias_change *change = alias_find_change(plan, prefix);
	const struct inventory_link *link;
	struct alias_place place;
	int r;

	if (change && change->dev[0])
		return strcmp(change->dev, dev) == 0 ||
		       error_set(plan_error(plan), EEXIST, "it is to be on %s",
				 change->dev);
	r = change ? 0 : find_place(plan, prefix, &place);
	if (r <= 0 || place.ifindex == ifindex)
		return r;
	if (plan->wanted && place.is_own)
		return plan_removal(plan, prefix, place.ifindex); /* it moves */
	link = inventory_find(inventory, place.ifindex);
	return error_set(plan_error(plan), EEXIST, "exists already, on %s%s",
			 link ? link->link.name : "another interface",
			 place.is_own ? "" : ", where nestnet did not put it");
}

static int plan_addition(struct plan *plan, const struct inventory *inventory,
			 const struct alias_request *request)
{
	struct request placed = { .kind = REQUEST_ALIAS_ADD, .alias = *request };
	const struct nestnet_prefix *prefix = &request->prefix;
	char *dev = placed.alias.dev;
	uint32_t ifindex;
	int r = find_device(plan, request->dev, dev, &ifindex);

	if (r == 0)
		r = refuse_primary(plan, inventory, prefix);
	if (r == 0)
		r = refuse_broadcast(plan, inventory, prefix);
	if (r == 0)
		r = compare(plan, inventory, prefix, dev, ifindex);
	if (r != 0)
		return r < 0 ? r : 0;
	r = refuse_cut_off(plan, prefix);
	if (r == 0)
		r = refuse_on_link(plan, inventory, prefix);
	if (r == 0)
		r = alias_add_change(plan, prefix, dev);
	return r < 0 ? r : command_note(plan, '+', &placed);
}

/* In a whole state an interface that is not there is no error: it may come later.
 * @return 1: there is nothing to do; 0; or a negative errno */
static int passes_over(struct plan *plan, const struct inventory *inventory,
		       const struct alias_request *request)
{
	const struct inventory_link *link = inventory_find_name(inventory, request->dev);

	if (!plan->wanted || plan_adds_ifname(plan, request->dev) ||
	    (link && !plan_unlinks(plan, &link->link)))
		return 0;
	return plan_say(plan, "alias add --dev %s: %s, and so it is left out", request->dev,
			error_describe(ENODEV)) < 0
		       ? -plan_error(plan)->code
		       : 1;
}

int alias_plan(struct plan *plan, const struct alias_request *request)
{
	const struct inventory *inventory;
	char text[NESTNET_TEXT_MAX];
	int r = plan_inventory(plan, &inventory);

	if (r == 0)
		r = passes_over(plan, inventory, request);
	if (r == 0)
		r = plan_addition(plan, inventory, request);
	if (r < 0)
		return error_prefix(plan_error(plan), "alias add %s",
				    nestnet_prefix_format(&request->prefix, text));
	return 0;
}

/* ---- Removing ------------------------------------------------------------------------------- */

static int find_and_remove(struct plan *plan, const struct alias_request *request)
{
	const struct alias_change *change = alias_find_change(plan, &request->prefix);
	struct alias_place place = { .ifindex = 0 };
	int r = change ? 0 : find_place(plan, &request->prefix, &place);

	if (r < 0)
		return r;
	if (r == 0 && !(request->flags & NESTNET_IF_EXISTS))
		return error_set(plan_error(plan), ENOENT, "there is no such alias");
	if (r == 1 && !place.is_own)
		return error_set(plan_error(plan), EBUSY, "nestnet did not make it");
	return r == 1 ? plan_removal(plan, &request->prefix, place.ifindex) : 0;
}

int alias_plan_remove(struct plan *plan, const struct alias_request *request)
{
	char text[NESTNET_TEXT_MAX];
	int r = find_and_remove(plan, request);

	if (r < 0)
		return error_prefix(plan_error(plan), "alias del %s",
				    nestnet_prefix_format(&request->prefix, text));
	return 0;
}

/* What has our mark. */
struct own {
	struct nestnet_prefix prefix;
	uint32_t ifindex;
};

struct owns {
	struct own *list;
	size_t n;
	size_t n_before; /* of the dump under way */
};

static int add_own(struct owns *owns, const struct nestnet_prefix *prefix,
		   uint32_t ifindex)
{
	struct own *grown = reallocarray(owns->list, owns->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	owns->list = grown;
	grown[owns->n++] = (struct own){ .prefix = *prefix, .ifindex = ifindex };
	return 0;
}

static int take_route(void *userdata, const struct route *route)
{
	struct owns *owns = userdata;

	if (!route)
		owns->n = 0;
	else if (route->protocol == ROUTE_PROTOCOL_NESTNET)
		return add_own(owns, &route->destination, route->ifindex);
	return 0;
}

static int take_address(void *userdata, const struct interface_address *address)
{
	struct owns *owns = userdata;

	if (!address)
		owns->n = owns->n_before;
	else if (address->is_alias)
		return add_own(owns, &address->prefix, address->ifindex);
	return 0;
}

static int compare_owns(const void *a, const void *b)
{
	const struct own *x = a, *y = b;
	int r = address_compare(&x->prefix.address, &y->prefix.address);

	return r != 0 ? r : (int)x->prefix.len - (int)y->prefix.len;
}

/* All that nestnet made, sorted. @param ret  its list is to be freed in any case */
static int read_owns(struct plan *plan, struct owns *ret)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	*ret = (struct owns){ .n = 0 };
	if (r == 0)
		r = route_list_local(nl, take_route, ret, plan_error(plan));
	ret->n_before = ret->n;
	if (r == 0)
		r = address_list(nl, take_address, ret, plan_error(plan));
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (r == 0 && ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), compare_owns);
	return r;
}

int alias_plan_extra(struct plan *plan)
{
	struct owns owns;
	int r = read_owns(plan, &owns);

	for (size_t i = 0; r == 0 && i < owns.n; i++) {
		struct request like = { .kind = REQUEST_ALIAS_ADD,
					.alias = { .prefix = owns.list[i].prefix } },
			       buffer;

		if (!plan->wanted || !objects_find(plan->wanted, &like, &buffer))
			r = plan_removal(plan, &owns.list[i].prefix, owns.list[i].ifindex);
	}
	free(owns.list);
	return r;
}

int alias_plan_save(struct plan *plan)
{
	const struct inventory *inventory;
	struct owns owns;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	r = read_owns(plan, &owns);
	for (size_t i = 0; r == 0 && i < owns.n; i++) {
		const struct inventory_link *link =
			inventory_find(inventory, owns.list[i].ifindex);
		struct request request = { .kind = REQUEST_ALIAS_ADD,
					   .alias = { .prefix = owns.list[i].prefix } };

		if (!link)
			continue;
		memcpy(request.alias.dev, link->link.name, sizeof(request.alias.dev));
		r = command_note(plan, '+', &request);
	}
	free(owns.list);
	return r;
}

/* ---- Public --------------------------------------------------------------------------------- */

static const char *why_not_alias(const struct nestnet_prefix *prefix)
{
	int family = prefix->address.family;

	if ((family != AF_INET && family != AF_INET6) ||
	    prefix->len > address_bits(family))
		return "not an IPv4 or IPv6 prefix";
	if (prefix_has_host_bits(prefix))
		return "the prefix has host bits set";
	return prefix_why_not_unicast(prefix);
}

int nestnet_alias_add(struct nestnet_transaction *tx, const struct nestnet_prefix *prefix,
		      const char *dev, unsigned int flags)
{
	struct request request = { .kind = REQUEST_ALIAS_ADD,
				   .alias = { .prefix = *prefix } };
	const char *why = why_not_alias(prefix);
	char text[NESTNET_TEXT_MAX];

	transaction_begin(tx);
	if (!why)
		why = flags_why_not(flags, 0);
	if (why)
		return transaction_refuse(tx, EINVAL, "alias add %s: %s",
					  nestnet_prefix_format(prefix, text), why);
	why = name_why_not_interface(dev);
	if (why)
		return transaction_refuse(tx, EINVAL, "alias add %s: interface '%s': %s",
					  nestnet_prefix_format(prefix, text), dev, why);
	snprintf(request.alias.dev, NESTNET_IFNAMSIZ, "%s", dev);
	return transaction_add(tx, &request);
}

int nestnet_alias_del(struct nestnet_transaction *tx, const struct nestnet_prefix *prefix,
		      unsigned int flags)
{
	struct request request = { .kind = REQUEST_ALIAS_DEL,
				   .alias = { .prefix = *prefix, .flags = flags } };
	const char *why = why_not_alias(prefix);
	char text[NESTNET_TEXT_MAX];

	transaction_begin(tx);
	if (!why)
		why = flags_why_not(flags, NESTNET_IF_EXISTS);
	if (why)
		return transaction_refuse(tx, EINVAL, "alias del %s: %s",
					  nestnet_prefix_format(prefix, text), why);
	return transaction_add(tx, &request);
}
