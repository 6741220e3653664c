/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TAP_H
#define NESTNET_TAP_H

/* The noun: tap interfaces. */

#include "plan/plan.h"
#include "plan/request.h"

/** Adds the tap, and its name to the plan's. @return 1: it is there, just so, but for its
 *  guard; 0: it will be made; or a negative errno */
int tap_plan(struct plan *plan, const struct tap_request *request);
/** @param ret_ifindex  untouched where there is no such tap */
int tap_plan_remove(struct plan *plan, const struct link_request *request,
		    uint32_t *ret_ifindex);

#endif
