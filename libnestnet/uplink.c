/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uplinks, by which L1 reaches the rest of the world; and where an address leads. */

#include "plan/inventory.h"
#include "plan/uplinks.h"

#include "kernel/route.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int report(const struct inventory *inventory, uint32_t ifindex, nestnet_uplink_fn fn,
		  void *userdata)
{
	const struct inventory_link *from = inventory_find(inventory, ifindex);
	struct nestnet_uplink uplink;

	if (!from)
		return 0;
	uplink = (struct nestnet_uplink){ .name = from->link.name,
					  .ifindex = ifindex,
					  .addresses = from->addresses,
					  .n_addresses = from->n_addresses,
					  .mtu = from->link.mtu,
					  .is_up = from->link.is_up,
					  .has_carrier = from->link.has_carrier };
	memcpy(uplink.mac, from->link.mac, sizeof(uplink.mac));
	return fn(userdata, &uplink);
}

int nestnet_uplink_list(struct nestnet *ctx, nestnet_uplink_fn fn, void *userdata)
{
	struct inventory inventory = { .n = 0 };
	struct uplinks uplinks;
	int r;

	context_begin(ctx);
	r = uplinks_read(ctx, &uplinks);
	if (r == 0)
		r = inventory_load(ctx, &inventory);
	if (r < 0)
		return context_end(ctx, error_prefix(&ctx->error, "list uplinks"));
	for (size_t i = 0; r == 0 && i < uplinks.n; i++)
		r = report(&inventory, uplinks.ifindexes[i], fn, userdata);
	inventory_clear(&inventory);
	return r;
}

int nestnet_route_get(struct nestnet *ctx, const struct nestnet_address *address,
		      struct nestnet_route *ret)
{
	struct link link = { .name = "" };
	struct route route;
	struct netlink *nl;
	int r;

	context_begin(ctx);
	r = context_route(ctx, &nl);
	if (r == 0)
		r = route_get(nl, address, &route, &ctx->error);
	if (r == 1 && route.ifindex &&
	    link_get_by_index(nl, route.ifindex, &link, &ctx->error) < 0)
		r = -ctx->error.code;
	if (r == 1) {
		ret->is_local = route.is_local;
		ret->is_on_link = !route.is_local &&
				  route.gateway.family == AF_UNSPEC &&
				  route.destination.len > 0;
		snprintf(ret->ifname, sizeof(ret->ifname), "%s", link.name);
	}
	return context_end(ctx, r);
}
