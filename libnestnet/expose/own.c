/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an exposure would take from L1 itself. */

#include "expose/own.h"

#include "kernel/listener.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <sys/socket.h>

/* A whole alias that is an interface's primary address would take L1's own traffic. */
static int refuse_primary(struct plan *plan, const struct nestnet_address *alias,
			  const struct route *route)
{
	struct error *error = plan_error(plan);
	struct nestnet_address source;
	char text[NESTNET_TEXT_MAX];
	struct netlink *nl;
	struct link link;
	int r;

	/* What is on the loopback interface is nobody's primary address. */
	if (!route->is_interface || route->ifindex <= 1)
		return 0;
	r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = route_get_source(nl, alias->family, route->ifindex, &source, error);
	if (r <= 0 || !address_equal(&source, alias))
		return r < 0 ? r : 0;

	r = link_get_by_index(nl, route->ifindex, &link, error);
	if (r < 0)
		return r;
	return error_set(error, EADDRINUSE,
			 "%s is the primary address of %s, by which L1 itself is reached "
			 "(--force exposes it all the same)",
			 nestnet_address_format(alias, text), r == 1 ? link.name : "L1");
}

static int refuse_listening(struct plan *plan, const struct nestnet_endpoint *alias,
			    const struct route *route)
{
	struct netlink *nl;
	int r;

	if (!route->is_local)
		return 0;
	r = context_sockets(plan->ctx, &nl);
	if (r == 0)
		r = listener_get(nl, &alias->prefix.address, alias->protocol,
				 alias->first_port, plan_error(plan));
	if (r <= 0)
		return r;
	return error_set(plan_error(plan), EADDRINUSE,
			 "a program on L1 listens there (--force exposes it all the same)");
}

static int refuse_own_address(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct netlink *nl;
	struct route route;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = route_get(nl, &alias->prefix.address, &route, plan_error(plan));
	if (r <= 0)
		return r;
	return alias->first_port ? refuse_listening(plan, alias, &route)
				 : refuse_primary(plan, &alias->prefix.address, &route);
}

/* A range may be of many ports: those of an address that is L1's are asked for each. */
static int refuse_own_range(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct nestnet_endpoint one = *alias;
	struct netlink *nl;
	struct route route;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = route_get(nl, &alias->prefix.address, &route, plan_error(plan));
	if (r <= 0 || !route.is_local)
		return r < 0 ? r : 0;
	for (unsigned int port = alias->first_port; port <= alias->last_port; port++) {
		one.first_port = one.last_port = (uint16_t)port;
		r = refuse_listening(plan, &one, &route);
		if (r < 0)
			return error_prefix(plan_error(plan), "port %u", port);
	}
	return 0;
}

/* A prefix takes whatever address of an interface is in it. */
static int refuse_own_prefix(struct plan *plan, const struct nestnet_prefix *prefix)
{
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct inventory_link *link = &inventory->links[i];

		for (size_t j = 0; r == 0 && j < link->n_addresses; j++) {
			const struct nestnet_address *address = &link->addresses[j].address;
			const struct nestnet_endpoint one = {
				.prefix = prefix_of_address(address)
			};

			if (prefix_contains(prefix, address))
				r = refuse_own_address(plan, &one);
		}
	}
	return r;
}

/* A port of every address: L1 listens there on the wildcard, or on its primary address. */
static int refuse_own_port(struct plan *plan, const struct nestnet_endpoint *alias, int family)
{
	struct nestnet_endpoint one = *alias;
	const struct route local = { .is_local = true };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	one.prefix.address = (struct nestnet_address){ .family = family };
	if (r == 0)
		r = refuse_listening(plan, &one, &local);
	if (r == 0)
		r = route_get_source(nl, family, 0, &one.prefix.address, plan_error(plan));
	return r == 1 ? refuse_listening(plan, &one, &local) : r;
}

/* No interface has the address, as far as the plan has read that already: it need not ask
 * for each of ten thousand. */
static bool is_foreign(const struct plan *plan, const struct nestnet_address *address)
{
	const struct inventory *inventory = plan->inventory;

	if (!inventory || address_is_link_local(address))
		return false;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct inventory_link *link = &inventory->links[i];

		for (size_t j = 0; j < link->n_addresses; j++) {
			if (address_equal(&link->addresses[j].address, address))
				return false;
		}
	}
	return true;
}

int own_refuse(struct plan *plan, const struct nestnet_endpoint *alias, int family)
{
	switch (endpoint_shape(alias)) {
	case ENDPOINT_ADDRESS:
		if (is_foreign(plan, &alias->prefix.address))
			return 0;
		return refuse_own_address(plan, alias);
	case ENDPOINT_PORT:
		return refuse_own_address(plan, alias);
	case ENDPOINT_PREFIX:
		return refuse_own_prefix(plan, &alias->prefix);
	case ENDPOINT_ANY:
		return refuse_own_port(plan, alias, family);
	case ENDPOINT_RANGE:
		break;
	}
	return refuse_own_range(plan, alias);
}
