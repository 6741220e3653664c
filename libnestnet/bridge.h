/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BRIDGE_H
#define NESTNET_BRIDGE_H

/* The noun: bridges, and the ports that are attached to them. */

#include "plan/plan.h"
#include "plan/request.h"

int bridge_plan(struct plan *plan, const struct bridge_request *request);
int bridge_plan_remove(struct plan *plan, const struct link_request *request);

#endif
