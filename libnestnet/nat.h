/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_NAT_H
#define NESTNET_NAT_H

/* The noun: subnets that are translated when they leave, and closed from outside. */

#include "plan/plan.h"
#include "plan/request.h"

int nat_plan(struct plan *plan, const struct nat_request *request);
int nat_plan_remove(struct plan *plan, const struct nat_del_request *request);

/** Takes out what nobody wants, or wants otherwise; all where nothing is wanted. */
int nat_plan_extra(struct plan *plan);

/** Notes what is there, as commands; as expose_plan_save(). */
int nat_plan_save(struct plan *plan);

#endif
