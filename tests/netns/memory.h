/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_MEMORY_H
#define NESTNET_TESTS_MEMORY_H

/*
 * Memory that runs out. Every allocation of the process, ours and the libraries', goes by
 * functions that are defined here in front of libc's: the n-th can fail, alone or with all
 * behind it, and what was allocated while somebody counts is known until it is freed.
 */

#include <stdbool.h>
#include <stddef.h>

/** Counts from now on, and lets the n-th allocation (from 1) fail; 0: none.
 *  @param is_lasting  and all behind it */
void memory_arm(unsigned int n, bool is_lasting);

/** Ends it. @return whether an allocation failed */
bool memory_disarm(void);

/** How many allocations there were since memory_arm(). */
unsigned int memory_count(void);

/** What was allocated since then and is not freed yet: how many pieces.
 *  @param ret_caller  who asked for one of them, an address of code; or NULL */
size_t memory_held(void **ret_caller);

#endif
