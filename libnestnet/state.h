/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_STATE_H
#define NESTNET_STATE_H

/* The noun: all that nestnet has on the host. */

#include "plan.h"

/** Plans our links and our table to be gone, and what was attached to be detached; the
 *  settings are forward_plan_restore()'s. */
int state_plan_clear(struct plan *plan);

#endif
