/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_STATE_H
#define NESTNET_STATE_H

/* The noun: all that nestnet has on the host. */

#include "plan/plan.h"

/** Plans links that nestnet made and nobody wants to be gone; all where nothing is wanted. */
int state_plan_extra(struct plan *plan);

/** Plans our tables to be gone; the settings are forward_plan_restore()'s. */
int state_plan_clear(struct plan *plan);

/** Note our bridges and our taps, by name, as commands. */
int state_plan_save_bridges(struct plan *plan);
int state_plan_save_taps(struct plan *plan);

#endif
