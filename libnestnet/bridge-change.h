/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BRIDGE_CHANGE_H
#define NESTNET_BRIDGE_CHANGE_H

/* A bridge that is there and is wanted otherwise, in a whole state. */

#include "plan/plan.h"
#include "plan/request.h"

/** What of a bridge that is there differs from the request.
 *  @param there  with the addresses that are its own @param what  in words: what is there */
bool bridge_is_different(const struct inventory_link *there,
			 const struct bridge_request *request, char *what, size_t size);

/** Has the link of that name become the bridge, in place.
 *  @return 1: it stays; 0: it makes room, and the bridge is to be made; or the refusal */
int bridge_plan_change(struct plan *plan, const struct bridge_request *request);

#endif
