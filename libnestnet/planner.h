/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PLANNER_H
#define NESTNET_PLANNER_H

/* From the requests of a transaction to its plan. */

#include "plan/plan.h"
#include "plan/request-list.h"

struct requests {
	const struct request_list *list;
	const struct objects *wanted; /* they are a whole state; else NULL */
};

/** @return 0; -ERESTART: a whole state was read torn, plan anew; or the refusal
 *  @param ret_culprit  the index of the request that was refused; untouched where none was */
int planner_make(struct nestnet *ctx, const struct requests *requests, struct plan **ret,
		 size_t *ret_culprit);

/** For exposures that were to be taken back and had ended by themselves: ends what they had
 *  let in. */
int planner_make_orphans(struct nestnet *ctx, const struct requests *requests,
			 struct plan **ret);

#endif
