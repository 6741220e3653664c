/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The MTU that fits the way out; a cloud's is often 1460 (facts 34). */

#include "plan/mtu.h"

#include "plan/uplinks.h"

#include "kernel/link.h"

int mtu_auto(struct nestnet *ctx, uint32_t *ret)
{
	struct uplinks uplinks;
	struct netlink *nl;
	uint32_t least = 0;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = uplinks_read(ctx, &uplinks);
	for (size_t i = 0; r >= 0 && i < uplinks.n; i++) {
		struct link link;

		r = link_get_by_index(nl, uplinks.ifindexes[i], &link, &ctx->error);
		if (r == 1 && (least == 0 || link.mtu < least))
			least = link.mtu;
	}
	if (r < 0)
		return r;
	*ret = least ? least : MTU_ETHERNET;
	return 0;
}
