/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PRESENT_H
#define NESTNET_PRESENT_H

/* Links and exposures that are there, as the requests that would make them: for notes, for save, and to
 * hold against what is wanted. What is at its default is not asked for. */

#include "plan/plan.h"
#include "plan/request.h"

#include "table/exposure.h"

/** @param ret  for request_clear(); of a bridge without what was moved to it */
int present_link(struct plan *plan, const struct inventory_link *link, struct request *ret);

/** Says that the plan makes (+) the link that is there, or takes it away (-). */
int present_note(struct plan *plan, char op, const struct inventory_link *link);

/** The exposure as the request that makes it, with the time that remains; borrows what the
 *  exposure has. */
struct request present_exposure(const struct exposure *exposure);

/** The exposure as lists show it; borrows what it has, and id of NESTNET_TEXT_MAX bytes. A
 *  tap that it goes with is called as it was then. */
struct nestnet_exposure present_row(const struct exposure *exposure, char *id);

#endif
