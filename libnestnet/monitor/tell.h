/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MONITOR_TELL_H
#define NESTNET_MONITOR_TELL_H

/* Items as events. */

#include "monitor/item.h"

struct tell {
	const struct items *items; /* all there are, for what is exposed of an alias */
	uint64_t time_ms;          /* since 1970 */
	uint64_t now_ms;           /* monotonic */
	nestnet_event_fn fn;
	void *userdata;
};

/** Tells of one item. @return what fn returned, or -ENOMEM */
int tell_item(const struct tell *tell, char op, const struct item *item);

/** Tells that notifications were lost. */
int tell_lost(const struct tell *tell);

#endif
