/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_FORWARD_H
#define NESTNET_FORWARD_H

/* The noun: forwarding, of the host or of what arrives on one interface. */

#include "plan/plan.h"
#include "plan/request.h"

/** Plans forwarding to be so; nothing where it is. */
int forward_plan(struct plan *plan, const struct forward_request *request);

/** Notes what was turned on and is asked for by nothing else (plan->forwarding). */
int forward_plan_save(struct plan *plan);

/** Plans every setting to be as it was found. */
int forward_plan_restore(struct plan *plan);

#endif
