/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of the kernel's, sorted, so that a thousand aliases ask no more than one does. */

#include "alias-look.h"

#include "kernel/address.h"
#include "kernel/neighbour.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static int compare_known(const void *a, const void *b)
{
	const struct alias_known *x = a, *y = b;
	int order = address_compare(&x->prefix.address, &y->prefix.address);

	return order ? order : (int)x->prefix.len - (int)y->prefix.len;
}

static int add(struct alias_knowns *knowns, const struct nestnet_prefix *prefix,
	       const struct alias_place *place)
{
	struct alias_known *grown = knowns->list;
	size_t n = knowns->n;

	if ((n & (n - 1)) == 0)
		grown = reallocarray(grown, n ? n * 2 : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	knowns->list = grown;
	grown[knowns->n++] = (struct alias_known){ .prefix = *prefix, .place = *place };
	return 0;
}

/* ---- Reading ---------------------------------------------------------------------------- */

static int take_route(void *userdata, const struct route *route)
{
	struct alias_knowns *knowns = userdata;

	if (!route)
		knowns->n = 0;
	else if (route->protocol != ROUTE_PROTOCOL_KERNEL)
		return add(knowns, &route->destination,
			   &(struct alias_place){ route->ifindex,
						  route->protocol ==
							  ROUTE_PROTOCOL_NESTNET });
	return 0;
}

static int take_address(void *userdata, const struct interface_address *address)
{
	struct alias_knowns *knowns = userdata;
	struct nestnet_prefix one;

	if (!address) {
		knowns->n = 0;
		return 0;
	}
	one = prefix_of_address(&address->prefix.address);
	return add(knowns, &one,
		   &(struct alias_place){ address->ifindex, address->is_alias });
}

static int take_gateway(void *userdata, const struct route *route)
{
	struct alias_knowns *knowns = userdata;
	struct nestnet_prefix one;

	if (!route) {
		knowns->n = 0;
		return 0;
	}
	one = prefix_of_address(&route->gateway);
	return add(knowns, &one, &(struct alias_place){ .ifindex = route->ifindex });
}

static int take_neighbour(void *userdata, const struct neighbour *neighbour)
{
	struct alias_knowns *knowns = userdata;
	struct nestnet_prefix one;

	if (!neighbour) {
		knowns->n = 0;
		return 0;
	}
	if (!neighbour->has_mac)
		return 0;
	one = prefix_of_address(&neighbour->address);
	return add(knowns, &one, &(struct alias_place){ .ifindex = neighbour->ifindex });
}

enum source {
	ROUTES,
	ADDRESSES,
	GATEWAYS,
	NEIGHBOURS,
};

static int list(struct plan *plan, enum source source, int family,
		struct alias_knowns *knowns)
{
	struct error *error = plan_error(plan);
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	switch (source) {
	case ROUTES:
		return route_list_local(nl, take_route, knowns, error);
	case ADDRESSES:
		return address_list(nl, take_address, knowns, error);
	case GATEWAYS:
		return route_list_gateways(nl, family, take_gateway, knowns, error);
	case NEIGHBOURS:
		break;
	}
	return neighbour_list(nl, take_neighbour, knowns, error);
}

static int need(struct plan *plan, enum source source, int family,
		struct alias_knowns *knowns)
{
	int r = knowns->is_read ? 0 : list(plan, source, family, knowns);

	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (r < 0 || knowns->is_read)
		return r;
	if (knowns->n)
		qsort(knowns->list, knowns->n, sizeof(*knowns->list), compare_known);
	knowns->is_read = true;
	return 0;
}

/* ---- Looking ---------------------------------------------------------------------------- */

/* The first that is not before the key. */
static size_t find_first(const struct alias_knowns *knowns, const struct alias_known *key)
{
	size_t first = 0, n = knowns->n;

	while (n > 0) {
		size_t half = n / 2;

		if (compare_known(&knowns->list[first + half], key) < 0) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

static struct alias_place find_place(const struct alias_knowns *knowns,
				     const struct nestnet_prefix *prefix)
{
	const struct alias_known key = { .prefix = *prefix };
	struct alias_place place = { .ifindex = 0 };
	size_t i = find_first(knowns, &key);

	for (; i < knowns->n && compare_known(&knowns->list[i], &key) == 0; i++) {
		if (!place.is_own)
			place = knowns->list[i].place;
	}
	return place;
}

int alias_look_place(struct plan *plan, struct alias_look *look,
		     const struct nestnet_prefix *prefix, struct alias_place *ret)
{
	struct alias_place by_address = { .ifindex = 0 };
	int r = need(plan, ROUTES, AF_UNSPEC, &look->routes);

	if (r == 0 && prefix_is_address(prefix)) {
		r = need(plan, ADDRESSES, AF_UNSPEC, &look->addresses);
		by_address = find_place(&look->addresses, prefix);
	}
	if (r < 0)
		return r;
	*ret = find_place(&look->routes, prefix);
	if (!ret->is_own && by_address.ifindex)
		*ret = by_address;
	return ret->ifindex != 0;
}

/* @return 1: an address of these is in the prefix, in *ret; 0 */
static int find_within(const struct alias_knowns *knowns,
		       const struct nestnet_prefix *prefix, struct nestnet_address *ret)
{
	const struct alias_known key = {
		.prefix = { .address = prefix_network(prefix).address }
	};
	size_t i = find_first(knowns, &key);

	if (i == knowns->n || !prefix_contains(prefix, &knowns->list[i].prefix.address))
		return 0;
	*ret = knowns->list[i].prefix.address;
	return 1;
}

int alias_look_gateway(struct plan *plan, struct alias_look *look,
		       const struct nestnet_prefix *prefix, struct nestnet_address *ret)
{
	int family = prefix->address.family;
	struct alias_knowns *gateways = &look->gateways[family == AF_INET6];
	int r = need(plan, GATEWAYS, family, gateways);

	return r < 0 ? r : find_within(gateways, prefix, ret);
}

int alias_look_neighbour(struct plan *plan, struct alias_look *look,
			 const struct nestnet_prefix *prefix, struct nestnet_address *ret)
{
	int r = need(plan, NEIGHBOURS, AF_UNSPEC, &look->neighbours);

	return r < 0 ? r : find_within(&look->neighbours, prefix, ret);
}

void alias_look_clear(struct alias_look *look)
{
	free(look->routes.list);
	free(look->addresses.list);
	free(look->gateways[0].list);
	free(look->gateways[1].list);
	free(look->neighbours.list);
	*look = (struct alias_look){ .routes = { .n = 0 } };
}
