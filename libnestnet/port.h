/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PORT_H
#define NESTNET_PORT_H

/* The noun: interfaces, foreign ones mostly, that are attached to bridges. */

#include "plan.h"
#include "request.h"

int port_plan(struct plan *plan, const struct attach_request *request);
int port_plan_remove(struct plan *plan, const struct link_request *request);
/** Plans every port that was attached to be out of its bridge. */
int port_plan_clear(struct plan *plan);

#endif
