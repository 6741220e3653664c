/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_TAP_H
#define NESTNET_EXPOSE_TAP_H

/*
 * Exposures that go with a tap.
 *
 * A tap may end without a word, with the process that had it. Nobody is there to take its
 * exposures back at that moment; so they say which tap they go with, and whoever has to do
 * with taps next takes back those whose tap is gone: a transaction that adds an ephemeral
 * tap or such an exposure, deletes a tap, or is of a whole state. Whoever exposes something
 * else pays nothing for it; who exposes the very alias finds it free.
 */

#include "plan/plan.h"

#include "table/exposure.h"

/**
 * Finds the tap that an exposure is to go with: one that is there, or that the plan makes.
 * @param name       as the request has it; a pattern is that of a tap of the same plan
 * @param exposure   is given its tap, or EXPOSURE_TAP_LATER
 * @param ret_index  in the latter case, of its name in the plan
 */
int tie_find(struct plan *plan, const char *name, struct exposure *exposure,
	     size_t *ret_index);

/** Has the exposure go with a tap that the plan makes. */
int tie_plan_later(struct plan *plan, const struct exposure *exposure, size_t index);

/** @return 1: no tap of that number is there, or will be; 0: one is; or a negative errno */
int tie_is_gone(struct plan *plan, uint32_t ifindex);

#endif
