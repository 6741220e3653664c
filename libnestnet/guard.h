/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_GUARD_H
#define NESTNET_GUARD_H

/* The noun: guards, which are asked for and go with their taps. */

#include "plan/plan.h"
#include "plan/request.h"

/** For the tap that the plan added last: guards it before it is up, and takes away what an
 *  earlier tap of its name has left. Borrows the request until the plan is over. */
int guard_plan(struct plan *plan, const struct tap_request *request);

/** For a tap that is there: holds its guard against the request's. -EEXIST names what is
 *  there; in a whole state it changes, in the one batch. One that is down and has none gets
 *  the request's. */
int guard_plan_there(struct plan *plan, const struct tap_request *request);

/** For a tap that goes, or has gone by another hand: it is down before its guard goes. */
int guard_plan_remove(struct plan *plan, const char *ifname);

/** For tables that are made anew (elements_renew()): a tap that is there keeps its guard, and
 *  one that is gone leaves none, since a chain wants its device. */
int guard_plan_renew(struct plan *plan);

/** For those of links that nobody wants; for all where nothing is wanted. */
int guard_plan_extra(struct plan *plan);

#endif
