/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_COEXIST_H
#define NESTNET_EXPOSE_COEXIST_H

/* Exposures that other software's rules are to let by. */

#include "plan/plan.h"

#include "table/exposure.h"

/** The exposure comes, goes, or was asked for again: if it is one of --coexist, its target
 *  is looked at. */
int coexist_touch(struct plan *plan, const struct exposure *exposure);

/** Plans what all requests together want of others' chains; behind the last of them. */
int coexist_plan(struct plan *plan);

#endif
