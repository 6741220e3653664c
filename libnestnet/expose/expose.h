/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_H
#define NESTNET_EXPOSE_H

/* The noun: what is exposed through which alias. */

#include "plan/plan.h"
#include "plan/request.h"

int expose_plan(struct plan *plan, const struct expose_request *request);
int expose_plan_remove(struct plan *plan, const struct unexpose_request *request);

/** Where the alias is not exposed, plans the end of what its exposure had let in before it
 *  ended by itself, and nothing else. */
int expose_plan_orphans(struct plan *plan, const struct unexpose_request *request);
int expose_plan_remove_target(struct plan *plan,
			      const struct unexpose_target_request *request);

/** Takes back what goes with taps that are gone.
 *  @param ifindex  of a tap that goes now; 0: none */
int expose_plan_sweep(struct plan *plan, uint32_t ifindex);

/** Takes out what nobody wants, or wants otherwise; all where nothing is wanted. Before
 *  anything is put in, so that what moves from one to another meets nothing. */
int expose_plan_extra(struct plan *plan);

/** Notes what is there, as commands; that what was found on is wanted on is remembered in
 *  plan->forwarding. */
int expose_plan_save(struct plan *plan);

#endif
