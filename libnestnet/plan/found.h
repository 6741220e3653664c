/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_FOUND_H
#define NESTNET_FOUND_H

/*
 * What must one day be put back: the set `found` of our table. An element's key is an
 * interface, or "all" for the host; its comment has what nestnet found there before it
 * changed it, as "ipv4.forwarding=0 ipv4.accept_redirects=1 attached=br0". It is part of
 * the batch that goes with the change, and is gone with the table: whoever flushes our
 * table takes the memory along.
 */

#include "plan/plan.h"

/** Bytes of a value and its NUL: of a whole comment. */
#define FOUND_VALUE_MAX 128

/** The record of a foreign port: its bridge. Before, it was a port of none. */
#define FOUND_ATTACHED "attached"

/** @return 1: it was recorded, in value (FOUND_VALUE_MAX bytes); 0; or a negative errno */
int found_get(struct plan *plan, const char *interface, const char *name, char *value);

/** Records value, or forgets (NULL). */
int found_set(struct plan *plan, const char *interface, const char *name,
	      const char *value);

/**
 * For a number that is about to change: records what it is, the first time, and forgets
 * the record when the number goes back to it.
 */
int found_note(struct plan *plan, const char *interface, const char *name, int present,
	       int wanted);

typedef int (*found_fn)(void *userdata, const char *interface, const char *name,
			const char *value);

/** Goes through all records. */
int found_each(struct plan *plan, found_fn fn, void *userdata);

#endif
