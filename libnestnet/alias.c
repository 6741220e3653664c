/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Aliases: what is local to L1 and is not primary. That is each further address of an
 * interface, and each local-table route that is not there on behalf of an address: a
 * cloud's guest agent makes those, for a whole prefix at once (procedure 3), and so does
 * alias-change.c.
 */

#include "alias.h"

#include "table/exposure.h"

#include "kernel/address.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct alias {
	struct nestnet_prefix prefix;
	uint32_t ifindex;
	enum nestnet_alias_origin origin;
};

struct aliases {
	struct alias *list;
	size_t n;
};

/* While addresses of ours are added. */
struct own {
	struct aliases *aliases;
	size_t n_before; /* where they begin */
};

static int add_alias(struct aliases *aliases, const struct nestnet_prefix *prefix,
		     uint32_t ifindex, enum nestnet_alias_origin origin)
{
	struct alias *grown =
		reallocarray(aliases->list, aliases->n + 1, sizeof(*aliases->list));

	if (!grown)
		return -ENOMEM;
	aliases->list = grown;
	grown[aliases->n++] = (struct alias){
		.prefix = *prefix, .ifindex = ifindex, .origin = origin
	};
	return 0;
}

/* ---- Addresses ---------------------------------------------------------------------------- */

int alias_find_primary(struct nestnet *ctx, const struct inventory_link *link, int family,
		       struct nestnet_address *ret)
{
	const struct nestnet_prefix *best = NULL;
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = route_get_source(nl, family, link->link.ifindex, ret, &ctx->error);
	if (r != 0)
		return r;
	for (size_t i = 0; i < link->n_addresses; i++) {
		const struct nestnet_prefix *prefix = &link->addresses[i];

		if (prefix->address.family != family)
			continue;
		if (!best || (family == AF_INET6 && best->len == 128 && prefix->len < 128))
			best = prefix;
	}
	if (best)
		*ret = best->address;
	return best != NULL;
}

static int add_addresses(struct nestnet *ctx, struct aliases *aliases,
			 const struct inventory_link *link, int family)
{
	struct nestnet_address primary = { .family = AF_UNSPEC };
	int r = 0;

	if (link->n_addresses > 0)
		r = alias_find_primary(ctx, link, family, &primary);
	for (size_t i = 0; r >= 0 && i < link->n_addresses; i++) {
		const struct nestnet_address *address = &link->addresses[i].address;
		struct nestnet_prefix one = prefix_of_address(address);

		if (address->family != family || address_equal(address, &primary) ||
		    address_why_not_unicast(address))
			continue;
		r = add_alias(aliases, &one, link->link.ifindex, NESTNET_ALIAS_ADDRESS);
	}
	return r < 0 ? r : 0;
}

/* Those of ours that are addresses, which the inventory leaves out. */
static int take_own(void *userdata, const struct interface_address *address)
{
	struct own *own = userdata;

	if (!address)
		own->aliases->n = own->n_before;
	else if (address->is_alias)
		return add_alias(own->aliases, &address->prefix, address->ifindex,
				 NESTNET_ALIAS_NESTNET);
	return 0;
}

static int add_own_addresses(struct nestnet *ctx, struct netlink *nl,
			     struct aliases *aliases)
{
	struct own own = { .aliases = aliases, .n_before = aliases->n };

	return address_list(nl, take_own, &own, &ctx->error);
}

/* ---- Routes ---------------------------------------------------------------------------------- */

static enum nestnet_alias_origin origin_of(uint8_t protocol)
{
	switch (protocol) {
	case ROUTE_PROTOCOL_NESTNET:
		return NESTNET_ALIAS_NESTNET;
	case ROUTE_PROTOCOL_GUEST_AGENT:
		return NESTNET_ALIAS_GUEST_AGENT;
	}
	return NESTNET_ALIAS_ROUTE;
}

static int take_route(void *userdata, const struct route *route)
{
	struct aliases *aliases = userdata;

	if (!route) {
		aliases->n = 0; /* routes are read first */
		return 0;
	}
	if (route->protocol == ROUTE_PROTOCOL_KERNEL || route->ifindex == LINK_LOOPBACK)
		return 0;
	return add_alias(aliases, &route->destination, route->ifindex,
			 origin_of(route->protocol));
}

static int compare_aliases(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;

	return address_compare(&x->prefix.address, &y->prefix.address);
}

static int read_aliases(struct nestnet *ctx, const struct inventory *inventory,
			struct aliases *aliases)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = route_list_local(nl, take_route, aliases, &ctx->error);
	if (r == 0)
		r = add_own_addresses(ctx, nl, aliases);
	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		r = add_addresses(ctx, aliases, &inventory->links[i], AF_INET);
		if (r == 0)
			r = add_addresses(ctx, aliases, &inventory->links[i], AF_INET6);
	}
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	if (r == 0 && aliases->n)
		qsort(aliases->list, aliases->n, sizeof(*aliases->list), compare_aliases);
	return r;
}

/* ---- What is exposed of them ----------------------------------------------------------------- */

struct ids {
	const struct nestnet_prefix *prefix;
	const char **list; /* each owned */
	size_t n;
};

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	char text[NESTNET_TEXT_MAX];
	struct ids *ids = userdata;
	const char **grown;
	char *id;

	if (!prefix_contains(ids->prefix, &exposure->alias.prefix.address))
		return 0;
	grown = reallocarray(ids->list, ids->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ids->list = grown;
	id = strdup(nestnet_endpoint_format(&exposure->alias, text));
	if (!id)
		return -ENOMEM;
	ids->list[ids->n++] = id;
	return 0;
}

static void free_ids(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free((char *)ids->list[i]);
	free(ids->list);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int report(struct plan *plan, const struct inventory *inventory,
		  const struct alias *from, nestnet_alias_fn fn, void *userdata)
{
	const struct inventory_link *link = inventory_find(inventory, from->ifindex);
	struct ids ids = { .prefix = &from->prefix };
	char id[NESTNET_TEXT_MAX];
	struct nestnet_alias alias = { .id = nestnet_prefix_format(&from->prefix, id),
				       .prefix = from->prefix,
				       .dev = link ? link->link.name : "",
				       .origin = from->origin };
	int r = exposure_each(plan->elements, take_exposure, &ids, plan_error(plan));

	if (r == 0) {
		if (ids.n)
			qsort(ids.list, ids.n, sizeof(*ids.list), compare_ids);
		alias.exposed = ids.list;
		alias.n_exposed = ids.n;
		r = fn(userdata, &alias);
	}
	free_ids(&ids);
	return r;
}

int nestnet_alias_list(struct nestnet *ctx, nestnet_alias_fn fn, void *userdata)
{
	struct aliases aliases = { .n = 0 };
	struct inventory inventory;
	struct plan *plan;
	int r;

	context_begin(ctx);
	r = plan_new(ctx, &plan);
	if (r < 0)
		return context_end(ctx, r);
	r = inventory_load(ctx, &inventory);
	if (r == 0) {
		r = read_aliases(ctx, &inventory, &aliases);
		if (r == 0)
			r = exposure_load(plan->elements, &ctx->error);
		if (r < 0)
			r = context_end(ctx, error_prefix(&ctx->error, "list aliases"));
		for (size_t i = 0; r == 0 && i < aliases.n; i++)
			r = report(plan, &inventory, &aliases.list[i], fn, userdata);
		inventory_clear(&inventory);
	}
	free(aliases.list);
	plan_free(plan);
	return r;
}
