/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MONITOR_READ_H
#define NESTNET_MONITOR_READ_H

/* What is there now, as items of a monitor. */

#include "monitor/item.h"

#include "plan/plan.h"

/** Milliseconds of the clock by which the kernel's timeouts go. */
uint64_t monitor_now_ms(void);

/**
 * Reads all of one kind, sorted.
 * @param plan  new; may serve several kinds, which then are of one reading of the links
 * @param ret   to be cleared, on failure too
 * @return 0; -EAGAIN: it changed meanwhile, and what was read is torn; or another negative
 *         errno in the context
 */
int monitor_read(struct plan *plan, unsigned int kind, struct items *ret);

/** Reads the exposures of one alias. */
int monitor_read_alias(struct plan *plan, const struct nestnet_endpoint *alias,
		       struct items *ret);

#endif
