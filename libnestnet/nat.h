/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_NAT_H
#define NESTNET_NAT_H

/* The noun: subnets that are translated when they leave, and closed from outside. */

#include "plan.h"
#include "request.h"

int nat_plan(struct plan *plan, const struct nat_request *request);
/** Plans every subnet to be gone. */
int nat_plan_clear(struct plan *plan);

int nat_plan_remove(struct plan *plan, const struct nat_del_request *request);

#endif
