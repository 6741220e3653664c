/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MTU_H
#define NESTNET_MTU_H

#include "plan/context.h"

/** Ethernet's own, and what a new interface has. */
#define MTU_ETHERNET 1500

/**
 * The smallest MTU of the interfaces that hold a default route, so that what comes from a
 * guest fits the way out; 1500, Ethernet's own, where there is none.
 */
int mtu_auto(struct nestnet *ctx, uint32_t *ret);

#endif
