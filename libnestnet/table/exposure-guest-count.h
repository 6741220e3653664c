/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_GUEST_COUNT_H
#define NESTNET_EXPOSURE_GUEST_COUNT_H

/* How many exposures that no element counts have a target, as a view has come to them. */

#include "table/exposure.h"

/** What a target is a member of: of one of the first two, and of the third beside it. */
enum guest_membership { GUEST_CLOSED, GUEST_OPEN, GUEST_COEXISTS, GUEST_MEMBERSHIPS };

/** Whether an exposure makes its target one. */
bool guest_is_of(const struct exposure *exposure, enum guest_membership membership);

/** Whether an element counts it: else it ends by itself, or is of a prefix. */
bool guest_is_counted(const struct exposure *exposure);

/** All exposures are looked at once, and afterwards their changes.
 *  @param ret_remains_ms  on 1: no less than the longest of them has left; 0: without end
 *  @return 1: one that no element counts wants the target so; 0; or a negative errno */
int guest_count_seek(struct elements *elements, const struct nestnet_prefix *target,
		     enum guest_membership membership, uint64_t *ret_remains_ms,
		     struct error *error);

/** One such exposure more, or (by -1) one less, which is no longer in the view. Before the first
 *  look there is nothing to change. @return 0 or a negative errno */
int guest_count_change(struct elements *elements, const struct exposure *exposure, int by,
		       struct error *error);

#endif
