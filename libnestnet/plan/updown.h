/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_UPDOWN_H
#define NESTNET_UPDOWN_H

/* A link that is there goes up or down, as a step of a plan. */

#include "plan/plan.h"

/** Adds the step. A failure is told as that of "command name". */
int updown_plan(struct plan *plan, enum plan_phase phase, const char *command,
		uint32_t ifindex, const char *name, bool is_up);

#endif
