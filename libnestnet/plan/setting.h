/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_SETTING_H
#define NESTNET_SETTING_H

/*
 * Sysctls of interfaces as a step of a plan. One write can change others (ip_forward does,
 * facts 11 and 11a); those are named too, so that an undo puts all of them back.
 */

#include "plan/plan.h"

/** Settings that change together; write order is the order of adding. */
struct setting_change;

/** The value of one that is not written, only put back by an undo. */
#define SETTING_KEEP (-1)

/** @return 1: *ret is its number; 0: there is no such setting; or a negative errno */
int setting_read(struct plan *plan, int family, const char *interface, const char *key,
		 int *ret);

/** Of a context alone. @return the number, or -1: it cannot be read, or is not there */
int setting_get(struct nestnet *ctx, int family, const char *interface, const char *key);

/** @param what  what is attempted, for the sentence of a failure: "forward on"
 *  @return NULL where there is no memory */
struct setting_change *setting_change_new(const char *what);
void setting_change_free(void *change);

/** Adds a setting with what it is now, and what to write (or SETTING_KEEP). */
int setting_change_add(struct plan *plan, struct setting_change *change, int family,
		       const char *interface, const char *key, int before, int after);

/** Makes a step of the change, and takes it. */
int setting_change_plan(struct plan *plan, enum plan_phase phase,
			struct setting_change *change);

#endif
