/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_GUARD_H
#define NESTNET_BASE_GUARD_H

/*
 * The guards of taps as values: one entry for each tap, MAC and address, the link-local
 * addresses that are implied among them. Sorted, with no entry twice, they are equal
 * exactly where the guards are.
 */

#include <nestnet/nestnet.h>
#include <stdbool.h>

struct guard_entry {
	char ifname[NESTNET_IFNAMSIZ]; /* "" in a request: its name is the tap's */
	uint8_t mac[6];
	struct nestnet_address address; /* AF_UNSPEC: any, the MAC's only entry then */
};

struct guard_entries {
	struct guard_entry *list; /* owned */
	size_t n;
};

/** The guards as struct nestnet_guard has them. */
struct guard_array {
	struct nestnet_guard *list;        /* owned */
	struct nestnet_address *addresses; /* owned: of all of them */
	size_t n;
};

/** @return NULL where the guards can be asked for, or a static phrase */
const char *guard_why_not(const struct nestnet_guard *guards, size_t n);

/** Makes entries of guards; ret->list is to be freed. @return false: out of memory */
bool guard_entries_make(const struct nestnet_guard *guards, size_t n,
			struct guard_entries *ret);

/** Appends an entry. @return false: out of memory */
bool guard_entries_add(struct guard_entries *entries, const struct guard_entry *entry);

/** Sorts them by tap, MAC and address, and leaves out what is twice. */
void guard_entries_sort(struct guard_entries *entries);

/** Those of one tap, which stay the sorted entries'. */
struct guard_entries guard_entries_of(const struct guard_entries *entries,
				      const char *ifname);

/** The same guards, whichever tap's they are. */
bool guard_entries_equal(const struct guard_entries *a, const struct guard_entries *b);

/** Of one tap's entries; to be cleared. @return false: out of memory */
bool guard_array_make(const struct guard_entries *entries, struct guard_array *ret);
void guard_array_clear(struct guard_array *array);

/** As the command line says it: " --guard MAC,ADDRESS" for each, or "".
 *  @return allocated, or NULL: out of memory */
char *guard_format(const struct guard_entries *entries);

#endif
