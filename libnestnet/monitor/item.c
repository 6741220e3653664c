/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Items: their memory, their order, and the difference of what was and what is. */

#include "monitor/item.h"

#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct item_block {
	struct item_block *next;
	_Alignas(8) char bytes[];
};

/* ---- One ---------------------------------------------------------------------------------- */

struct item *item_new(unsigned int kind)
{
	struct item *item = calloc(1, sizeof(*item));

	if (item)
		item->kind = kind;
	return item;
}

struct item *item_free(struct item *item)
{
	if (!item)
		return NULL;
	while (item->blocks) {
		struct item_block *next = item->blocks->next;

		free(item->blocks);
		item->blocks = next;
	}
	exposure_clear(&item->exposure);
	free(item);
	return NULL;
}

bool item_keep(struct item *item, const void *bytes, size_t len, void *ret)
{
	struct item_block *block;
	void *kept = NULL;

	if (bytes && len > 0) {
		block = malloc(sizeof(*block) + len);
		if (!block)
			return false;
		block->next = item->blocks;
		item->blocks = block;
		kept = memcpy(block->bytes, bytes, len);
	}
	memcpy(ret, &kept, sizeof(kept));
	return true;
}

bool item_keep_text(struct item *item, const char *text, const char **ret)
{
	return item_keep(item, text, text ? strlen(text) + 1 : 0, ret);
}

static int compare_items(const struct item *a, const struct item *b)
{
	int r;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind != NESTNET_MONITOR_EXPOSURES)
		return strcmp(a->id, b->id);
	r = endpoint_compare(&a->exposure.alias, &b->exposure.alias);
	if (r != 0)
		return r;
	/* A port of every address can be exposed once a family. */
	return endpoint_family(&a->exposure.target) -
	       endpoint_family(&b->exposure.target);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool has_same_command(const struct item *a, const struct item *b)
{
	return a->kind == NESTNET_MONITOR_EXPOSURES
		       ? exposure_equal(&a->exposure, &b->exposure)
		       : strcmp(a->command, b->command) == 0;
}

/* ---- Many --------------------------------------------------------------------------------- */

static bool reserve(struct items *items, size_t n)
{
	size_t size = items->size ? items->size : 16;
	struct item **grown;

	if (n <= items->size)
		return true;
	while (size < n)
		size *= 2;
	grown = reallocarray(items->list, size, sizeof(struct item *));
	if (!grown)
		return false;
	items->list = grown;
	items->size = size;
	return true;
}

int items_append(struct items *items, struct item *item)
{
	if (!item || !reserve(items, items->n + 1)) {
		item_free(item);
		return -ENOMEM;
	}
	items->list[items->n++] = item;
	return 0;
}

static int compare_pointers(const void *a, const void *b)
{
	return compare_items(*(const struct item *const *)a,
			     *(const struct item *const *)b);
}

void items_sort(struct items *items)
{
	if (items->n)
		qsort(items->list, items->n, sizeof(struct item *), compare_pointers);
}

void items_clear(struct items *items)
{
	for (size_t i = 0; i < items->n; i++)
		item_free(items->list[i]);
	free(items->list);
	*items = (struct items){ .n = 0 };
}

/* Less than nothing: before the item; 0: it is one of those that are looked for. */
typedef int (*place_fn)(const void *wanted, const struct item *item);

static size_t find(const struct items *items, place_fn place, const void *wanted,
		   size_t *ret_first)
{
	size_t low = 0, high = items->n, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place(wanted, items->list[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_first = low;
	high = items->n;
	for (end = low; end < high;) {
		size_t middle = end + (high - end) / 2;

		if (place(wanted, items->list[middle]) >= 0)
			end = middle + 1;
		else
			high = middle;
	}
	return end - low;
}

static int place_kind(const void *wanted, const struct item *item)
{
	unsigned int kind = *(const unsigned int *)wanted;

	return kind < item->kind ? -1 : kind > item->kind;
}

static int place_alias(const void *wanted, const struct item *item)
{
	if (item->kind != NESTNET_MONITOR_EXPOSURES)
		return -1; /* the first of all kinds */
	return endpoint_compare(wanted, &item->exposure.alias);
}

size_t items_find_kind(const struct items *items, unsigned int kind, size_t *ret_first)
{
	return find(items, place_kind, &kind, ret_first);
}

size_t items_find_alias(const struct items *items, const struct nestnet_endpoint *alias,
			size_t *ret_first)
{
	return find(items, place_alias, alias, ret_first);
}

/* ---- The difference ------------------------------------------------------------------------ */

/* What takes the place of the items that were: room for all that can be in it. */
struct merge {
	struct item **list;
	size_t n;
	item_change_fn fn;
	void *userdata;
	int result; /* other than 0: nothing is told any more, and all stays as it was */
};

/* One is in the place of the other, and the other is let go of; either may be NULL. */
static void settle(struct merge *merge, struct item *stays, struct item *goes)
{
	if (stays)
		merge->list[merge->n++] = stays;
	item_free(goes);
}

static void tell(struct merge *merge, char op, const struct item *item)
{
	if (merge->result == 0)
		merge->result = merge->fn(merge->userdata, op, item);
}

/* The object with this name, as it was and as it is; NULL where it was or is none. */
static void merge_one(struct merge *merge, struct item *before, struct item *now)
{
	bool is_told = merge->result == 0;

	if (before && now && has_same_command(before, now)) {
		if (!is_same_text(before->note, now->note))
			tell(merge, '~', now);
	} else {
		if (before)
			tell(merge, '-', before);
		/* Half of a change was told: the other half is then what is found. */
		if (before && now && is_told && merge->result != 0) {
			item_free(before);
			item_free(now);
			return;
		}
		if (now)
			tell(merge, '+', now);
	}
	/* What fn was called with was told, whatever it returned. */
	if (is_told)
		settle(merge, now, before);
	else
		settle(merge, before, now);
}

static void merge_all(struct merge *merge, struct item **before, size_t n_before,
		      struct item **now, size_t n_now)
{
	size_t i = 0, j = 0;

	while (i < n_before || j < n_now) {
		int order = i == n_before ? 1
			    : j == n_now  ? -1
					  : compare_items(before[i], now[j]);

		merge_one(merge, order <= 0 ? before[i] : NULL,
			  order >= 0 ? now[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

int items_replace(struct items *items, size_t first, size_t n, struct items *now,
		  item_change_fn fn, void *userdata)
{
	struct merge merge = { .fn = fn, .userdata = userdata };
	size_t behind = items->n - first - n;

	if (n + now->n == 0) {
		items_clear(now);
		return 0;
	}
	merge.list = reallocarray(NULL, n + now->n, sizeof(struct item *));
	if (!merge.list || !reserve(items, items->n + now->n)) {
		free(merge.list);
		items_clear(now);
		return -ENOMEM;
	}
	merge_all(&merge, items->list + first, n, now->list, now->n);
	memmove(items->list + first + merge.n, items->list + first + n,
		behind * sizeof(struct item *));
	memcpy(items->list + first, merge.list, merge.n * sizeof(struct item *));
	items->n = first + merge.n + behind;
	free(merge.list);
	now->n = 0; /* they are the items' */
	items_clear(now);
	return merge.result;
}
