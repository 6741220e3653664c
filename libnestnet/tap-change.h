/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TAP_CHANGE_H
#define NESTNET_TAP_CHANGE_H

/* A tap that is there and is wanted otherwise, in a whole state. */

#include "plan/plan.h"
#include "plan/request.h"

/** What of a tap that is there differs from the request, its guard aside.
 *  @param what  in words: what is there */
bool tap_is_different(const struct inventory *inventory, const struct inventory_link *there,
		      const struct tap_request *request, char *what, size_t size);

/** Has the link of that name become the tap.
 *  @return 1: it stays, but for its guard; 0: it makes room, and the tap is to be made; or
 *          the refusal */
int tap_plan_change(struct plan *plan, const struct tap_request *request);

#endif
