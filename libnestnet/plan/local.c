/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is local to L1 and is not primary. That is each further address of an interface, and
 * each local-table route that is not there on behalf of an address: a cloud's guest agent
 * makes those, for a whole prefix at once (procedure 3), and so does alias-change.c.
 */

#include "plan/local.h"

#include "kernel/address.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* While addresses of ours are added. */
struct own {
	struct locals *locals;
	size_t n_before; /* where they begin */
};

static int add_local(struct locals *locals, const struct nestnet_prefix *prefix,
		     uint32_t ifindex, enum nestnet_alias_origin origin)
{
	struct local *grown =
		reallocarray(locals->list, locals->n + 1, sizeof(*locals->list));

	if (!grown)
		return -ENOMEM;
	locals->list = grown;
	grown[locals->n++] =
		(struct local){ .prefix = *prefix, .ifindex = ifindex, .origin = origin };
	return 0;
}

/* ---- Addresses ---------------------------------------------------------------------------- */

int local_find_primary(struct nestnet *ctx, const struct inventory_link *link, int family,
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
		if (!best ||
		    (family == AF_INET6 && best->len == 128 && prefix->len < 128))
			best = prefix;
	}
	if (best)
		*ret = best->address;
	return best != NULL;
}

static int add_addresses(struct nestnet *ctx, struct locals *locals,
			 const struct inventory_link *link, int family)
{
	struct nestnet_address primary = { .family = AF_UNSPEC };
	int r = 0;

	if (link->n_addresses > 0)
		r = local_find_primary(ctx, link, family, &primary);
	for (size_t i = 0; r >= 0 && i < link->n_addresses; i++) {
		const struct nestnet_address *address = &link->addresses[i].address;
		struct nestnet_prefix one = prefix_of_address(address);

		if (address->family != family || address_equal(address, &primary) ||
		    address_why_not_unicast(address))
			continue;
		r = add_local(locals, &one, link->link.ifindex, NESTNET_ALIAS_ADDRESS);
	}
	return r < 0 ? r : 0;
}

/* Those of ours that are addresses, which the inventory leaves out. */
static int take_own(void *userdata, const struct interface_address *address)
{
	struct own *own = userdata;

	if (!address)
		own->locals->n = own->n_before;
	else if (address->is_alias)
		return add_local(own->locals, &address->prefix, address->ifindex,
				 NESTNET_ALIAS_NESTNET);
	return 0;
}

static int add_own_addresses(struct nestnet *ctx, struct netlink *nl,
			     struct locals *locals)
{
	struct own own = { .locals = locals, .n_before = locals->n };

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
	struct locals *locals = userdata;

	if (!route) {
		locals->n = 0; /* routes are read first */
		return 0;
	}
	if (route->protocol == ROUTE_PROTOCOL_KERNEL || route->ifindex == LINK_LOOPBACK)
		return 0;
	return add_local(locals, &route->destination, route->ifindex,
			 origin_of(route->protocol));
}

static int compare_locals(const void *a, const void *b)
{
	const struct local *x = a, *y = b;

	return address_compare(&x->prefix.address, &y->prefix.address);
}

int locals_read(struct nestnet *ctx, const struct inventory *inventory,
		struct locals *locals)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = route_list_local(nl, take_route, locals, &ctx->error);
	if (r == 0)
		r = add_own_addresses(ctx, nl, locals);
	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		r = add_addresses(ctx, locals, &inventory->links[i], AF_INET);
		if (r == 0)
			r = add_addresses(ctx, locals, &inventory->links[i], AF_INET6);
	}
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	if (r == 0 && locals->n)
		qsort(locals->list, locals->n, sizeof(*locals->list), compare_locals);
	return r;
}
