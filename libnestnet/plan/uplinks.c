/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Default routes, by their interfaces. */

#include "plan/uplinks.h"

#include "kernel/route.h"

/* Routes from router advertisements (RTPROT_RA). */
#define PROTOCOL_RA 9

bool uplinks_have(const struct uplinks *uplinks, uint32_t ifindex)
{
	for (size_t i = 0; i < uplinks->n; i++) {
		if (uplinks->ifindexes[i] == ifindex)
			return true;
	}
	return false;
}

static int take_hop(void *userdata, const struct route *route)
{
	struct uplinks *uplinks = userdata;

	if (!route)
		uplinks->n = 0;
	else if (uplinks->n < UPLINKS_MAX && !uplinks_have(uplinks, route->ifindex))
		uplinks->ifindexes[uplinks->n++] = route->ifindex;
	return 0;
}

static int take_advertised(void *userdata, const struct route *route)
{
	return route && route->protocol != PROTOCOL_RA ? 0 : take_hop(userdata, route);
}

static int read_routes(struct nestnet *ctx, route_fn fn, struct uplinks *ret)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	ret->n = 0;
	return r < 0 ? r : route_list_default(nl, fn, ret, &ctx->error);
}

int uplinks_read(struct nestnet *ctx, struct uplinks *ret)
{
	return read_routes(ctx, take_hop, ret);
}

int uplinks_read_advertised(struct nestnet *ctx, struct uplinks *ret)
{
	return read_routes(ctx, take_advertised, ret);
}
