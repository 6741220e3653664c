/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MONITOR_ITEM_H
#define NESTNET_MONITOR_ITEM_H

/*
 * What a monitor has seen: objects of all kinds, each as it was last told, sorted by kind
 * and name. What is read anew is held against them, and the differences are the events.
 */

#include "table/exposure.h"

#include <nestnet/nestnet.h>

struct item_block; /* memory of an item */

struct item {
	unsigned int kind; /* NESTNET_MONITOR_* */
	struct exposure exposure;
	/* of an exposure for a time, monotonic; 0: it has no end */
	uint64_t expires_at_ms;
	/* of all other kinds, in the item's own memory */
	const char *id, *command;
	const char *note; /* NULL: none */
	union {
		struct nestnet_tap *tap;
		struct nestnet_bridge *bridge;
		struct nestnet_attachment *attachment;
		struct nestnet_nat *nat;
		struct nestnet_forwarding *forwarding;
		struct nestnet_alias *alias;
		struct nestnet_guest *guest;
		void *object;
	};
	struct item_block *blocks;
};

struct items {
	struct item **list; /* sorted; each owned */
	size_t n, size;
};

/** @return NULL where there is no memory */
struct item *item_new(unsigned int kind);
struct item *item_free(struct item *item);

/** Copies bytes, or text, into the item's memory. NULL stays NULL, and nothing (len 0) is
 *  NULL. @return false where there is no memory */
bool item_keep(struct item *item, const void *bytes, size_t len, void *ret);
bool item_keep_text(struct item *item, const char *text, const char **ret);

/** Appends, and takes the item; NULL is no memory. @return 0 or -ENOMEM */
int items_append(struct items *items, struct item *item);
void items_sort(struct items *items);
void items_clear(struct items *items);

/** The items of one kind, or of one alias: *ret_first, and how many there are. */
size_t items_find_kind(const struct items *items, unsigned int kind, size_t *ret_first);
size_t items_find_alias(const struct items *items, const struct nestnet_endpoint *alias,
			size_t *ret_first);

/** Is told of a difference: '+' of new, '-' of old, '~' of new. @return 0 or what ends it */
typedef int (*item_change_fn)(void *userdata, char op, const struct item *item);

/**
 * Puts what is there now in the place of some of the items, and tells the differences. What
 * fn ends before stays as it was, to be found different again.
 * @param first  and n: the items that are replaced, a whole kind or alias
 * @param now    sorted; emptied
 * @return 0; what fn returned; or -ENOMEM, and nothing was told
 */
int items_replace(struct items *items, size_t first, size_t n, struct items *now,
		  item_change_fn fn, void *userdata);

#endif
