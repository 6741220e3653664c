/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MONITOR_H
#define NESTNET_MONITOR_H

/* A monitor, for its own files: what it has seen, and what it is to look at. */

#include "monitor/item.h"
#include "monitor/read.h"
#include "monitor/tell.h"

/* The kernel's clock for timeouts has ticks of up to 10 ms. */
#define MONITOR_TICK_MS 10

#define MONITOR_NEVER UINT64_MAX

#define MONITOR_ALL (NESTNET_MONITOR_GUESTS * 2 - 1)

struct nestnet_monitor {
	struct nestnet *ctx;
	unsigned int kinds;   /* that are told */
	unsigned int watched; /* that are read: an alias says what is exposed of it */
	struct netlink *route, *filter;
	int epoll, timer;
	struct items items;
	/* what is to be looked at: whole kinds, and aliases */
	unsigned int dirty;
	struct nestnet_endpoint *aliases;
	size_t n_aliases, size;
	bool is_lost;
	unsigned int n_torn;
	/* when; monotonic, or MONITOR_NEVER */
	uint64_t settled_at, latest_at, guests_at, expiry_at;
	uint64_t guests_read_at;
	uint64_t noticed_ms; /* since 1970: the first notice of what is to be looked at */
	/* while it is told */
	struct tell tell;
	size_t n_told;
	int told; /* what the last call of fn returned */
};

static inline uint64_t monitor_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t monitor_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Takes the notices that are there, and marks what they are about.
 *  @return 0, or a negative errno */
int monitor_take_notices(struct nestnet_monitor *m);

/** Marks what ends by itself and whose time has come by now, to be looked at at once; and
 *  guests, if their time has. */
void monitor_mark_due(struct nestnet_monitor *m, uint64_t now);

/** Has what is marked looked at once it has settled. */
void monitor_wait_to_settle(struct nestnet_monitor *m);

/** Sorts the marked aliases, each once: the first in order is the last in the list. */
void monitor_sort_aliases(struct nestnet_monitor *m);

#endif
