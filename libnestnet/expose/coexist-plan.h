/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_COEXIST_PLAN_H
#define NESTNET_EXPOSE_COEXIST_PLAN_H

/* What the files of --coexist share: the passes that are wanted, and for which targets. */

#include "expose/coexist.h"

#include "plan/uplinks.h"

#include "rules/walk.h"

#include "kernel/pass.h"

struct coexist_pass {
	struct pass pass;
	bool is_there;
};

struct coexist {
	struct plan *plan;
	struct walker *walker;
	const struct inventory *inventory;
	struct uplinks uplinks;
	struct coexist_pass *wanted; /* owned */
	size_t n;
	struct nestnet_prefix *waiting; /* targets of which nothing is known; owned */
	size_t n_waiting;
};

/** Whether packets that are forwarded meet the chain, and a pass can be in it. */
bool coexist_is_met(const struct foreign_chain *chain);

/** @param targets  sorted */
bool coexist_has_target(const struct nestnet_prefix *targets, size_t n,
			const struct nestnet_prefix *target);

/** Wants the passes that the target needs; where no bridge leads to it yet, it waits.
 *  @return 0 or a negative errno */
int coexist_want(struct coexist *coexist, const struct nestnet_prefix *target);

/** Plans the difference between the passes that are there and those that are wanted. */
int coexist_plan_difference(struct coexist *coexist);

#endif
