/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The MTU that fits the way out; a cloud's is often 1460 (facts 34). */

#include "mtu.h"

#include "kernel/link.h"
#include "kernel/route.h"

/* Next hops of default routes, as a bound; a host has one or two. */
#define HOPS_MAX 64

struct hops {
	uint32_t ifindexes[HOPS_MAX];
	size_t n;
};

static int take_hop(void *userdata, const struct route *route)
{
	struct hops *hops = userdata;

	if (!route)
		hops->n = 0;
	else if (hops->n < HOPS_MAX)
		hops->ifindexes[hops->n++] = route->ifindex;
	return 0;
}

int mtu_auto(struct nestnet *ctx, uint32_t *ret)
{
	struct hops hops = { .n = 0 };
	struct netlink *nl;
	uint32_t least = 0;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = route_list_default(nl, take_hop, &hops, &ctx->error);
	for (size_t i = 0; r >= 0 && i < hops.n; i++) {
		struct link link;

		r = link_get_by_index(nl, hops.ifindexes[i], &link, &ctx->error);
		if (r == 1 && (least == 0 || link.mtu < least))
			least = link.mtu;
	}
	if (r < 0)
		return r;
	*ret = least ? least : MTU_ETHERNET;
	return 0;
}
