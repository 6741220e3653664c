/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TAP_MAKE_H
#define NESTNET_TAP_MAKE_H

/* How a tap is made: the steps of tap.c's plans. */

#include "plan/plan.h"
#include "plan/request.h"

#include "kernel/link.h"

/** Adds the steps that make the tap; the request is borrowed until the plan is over. */
int tap_plan_making(struct plan *plan, const struct tap_request *request);

/** @return 0; -ENODEV: no bridge of that name; or another negative errno */
int tap_find_bridge(struct plan *plan, struct netlink *nl, const char *name,
		    struct link *ret);

#endif
