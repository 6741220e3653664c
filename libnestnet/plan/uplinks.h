/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_UPLINKS_H
#define NESTNET_UPLINKS_H

/* The interfaces that hold a default route of IPv4 or IPv6. */

#include "plan/context.h"

#include <stdbool.h>
#include <stdint.h>

/** As a bound; a host has one or two. */
#define UPLINKS_MAX 64

struct uplinks {
	uint32_t ifindexes[UPLINKS_MAX];
	size_t n;
};

/** @return 0, or a negative errno in ctx->error */
int uplinks_read(struct nestnet *ctx, struct uplinks *ret);

/** Only those that live from router advertisements. */
int uplinks_read_advertised(struct nestnet *ctx, struct uplinks *ret);

bool uplinks_have(const struct uplinks *uplinks, uint32_t ifindex);

#endif
