/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TAP_OPEN_H
#define NESTNET_TAP_OPEN_H

/* Taps that are opened: how it is asked for, and those that are there. queues.c opens. */

#include "plan/plan.h"
#include "plan/request.h"

/** Why a tap of these options cannot be opened as they say; NULL: it can. */
const char *tap_why_not_open(const struct nestnet_tap_options *options);

/** What they ask for, in plain values. */
struct tap_opening tap_opening_of(const struct nestnet_tap_options *options);

/** Opens a tap that is there, whose name has that place in the plan. */
int tap_plan_opening(struct plan *plan, const struct tap_request *request,
		     const struct link *link, size_t name_index);

#endif
