/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLOSING_H
#define NESTNET_CLOSING_H

/* Closed means closed: what had come in from outside before is ended. */

#include "plan/plan.h"

/**
 * The plan closes a guest, or a prefix of them: flows that were opened to it from other
 * interfaces than its own, untranslated, end. L1's own go on.
 */
int closing_plan(struct plan *plan, const struct nestnet_prefix *prefix);

/** The same of what an exposure closes. Of a whole state, whose view has all of them, they are
 *  not kept. */
int closing_plan_target(struct plan *plan, const struct nestnet_prefix *target);

#endif
