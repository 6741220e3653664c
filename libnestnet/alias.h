/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ALIAS_H
#define NESTNET_ALIAS_H

/* The noun: what is local to L1 and not primary, made by nestnet or by others. */

#include "plan/inventory.h"
#include "plan/plan.h"
#include "plan/request.h"

int alias_plan(struct plan *plan, const struct alias_request *request);
int alias_plan_remove(struct plan *plan, const struct alias_request *request);

/** Removes what nestnet made and nobody wants; all where nothing is wanted. */
int alias_plan_extra(struct plan *plan);

/** Notes what nestnet made, as commands. */
int alias_plan_save(struct plan *plan);

#endif
