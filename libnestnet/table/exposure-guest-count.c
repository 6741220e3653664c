/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Targets of exposures that no element counts, sorted: to take back thousands of these is
 * not to go through all of them for each. */

#include "table/exposure-guest-count.h"

#include "table/elements-slot.h"

#include "base/address.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct guest_count {
	struct nestnet_prefix target;
	unsigned int n[GUEST_MEMBERSHIPS], n_lasting[GUEST_MEMBERSHIPS];
	uint64_t remains_ms[GUEST_MEMBERSHIPS]; /* of the longest there was */
};

bool guest_is_counted(const struct exposure *exposure)
{
	return exposure->timeout_ms == 0 && prefix_is_address(&exposure->target.prefix);
}

bool guest_is_of(const struct exposure *exposure, enum guest_membership membership)
{
	bool is_open = exposure->flags & NESTNET_EXPOSE_OPEN;

	switch (membership) {
	case GUEST_CLOSED:
		return !is_open;
	case GUEST_OPEN:
		return is_open;
	case GUEST_COEXISTS:
	case GUEST_MEMBERSHIPS:
		break;
	}
	return exposure->flags & NESTNET_EXPOSE_COEXIST;
}

static int compare_targets(const void *a, const void *b)
{
	const struct guest_count *x = a, *y = b;
	int order = address_compare(&x->target.address, &y->target.address);

	return order ? order : (int)x->target.len - (int)y->target.len;
}

static bool make_room(struct guest_counts *counts)
{
	size_t room = counts->room ? counts->room * 2 : 1;
	struct guest_count *grown;

	if (counts->n < counts->room)
		return true;
	grown = reallocarray(counts->list, room, sizeof(*grown));
	if (!grown)
		return false;
	counts->list = grown;
	counts->room = room;
	return true;
}

static void change(struct guest_count *count, const struct exposure *exposure, int by)
{
	uint64_t remains_ms =
		exposure->expires_ms ? exposure->expires_ms : exposure->timeout_ms;

	for (unsigned int i = 0; i < GUEST_MEMBERSHIPS; i++) {
		if (!guest_is_of(exposure, i))
			continue;
		count->n[i] += (unsigned int)by;
		if (exposure->timeout_ms == 0)
			count->n_lasting[i] += (unsigned int)by;
		if (count->remains_ms[i] < remains_ms)
			count->remains_ms[i] = remains_ms;
	}
}

/* ---- The first look --------------------------------------------------------------------- */

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	struct guest_counts *counts = userdata;
	struct guest_count *count;

	if (guest_is_counted(exposure))
		return 0;
	if (!make_room(counts))
		return -ENOMEM;
	count = &counts->list[counts->n++];
	*count = (struct guest_count){ .target = exposure->target.prefix };
	change(count, exposure, 1);
	return 0;
}

/* Makes one of those of the same target, which are side by side. */
static void merge(struct guest_counts *counts)
{
	struct guest_count *list = counts->list;
	size_t n = 0;

	for (size_t i = 0; i < counts->n; i++) {
		if (n == 0 || compare_targets(&list[n - 1], &list[i]) != 0) {
			list[n++] = list[i];
			continue;
		}
		for (unsigned int m = 0; m < GUEST_MEMBERSHIPS; m++) {
			list[n - 1].n[m] += list[i].n[m];
			list[n - 1].n_lasting[m] += list[i].n_lasting[m];
			if (list[n - 1].remains_ms[m] < list[i].remains_ms[m])
				list[n - 1].remains_ms[m] = list[i].remains_ms[m];
		}
	}
	counts->n = n;
}

static int look(struct elements *elements, struct error *error)
{
	struct guest_counts *counts = &elements->guest_counts;
	int r = exposure_load_uncounted(elements, error);

	counts->n = 0;
	if (r == 0)
		r = exposure_each_uncounted(elements, take_exposure, counts, error);
	if (r < 0)
		return r == -ENOMEM ? error_set_errno(error, ENOMEM) : r;
	if (counts->n)
		qsort(counts->list, counts->n, sizeof(*counts->list), compare_targets);
	merge(counts);
	counts->is_known = true;
	return 0;
}

/* ---- Counts ----------------------------------------------------------------------------- */

/* The place of a target, or where it would be. */
static size_t find(const struct guest_counts *counts, const struct nestnet_prefix *target)
{
	const struct guest_count key = { .target = *target };
	size_t first = 0, n = counts->n;

	while (n > 0) {
		size_t half = n / 2;

		if (compare_targets(&counts->list[first + half], &key) < 0) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

static bool has(const struct guest_counts *counts, size_t at,
		const struct nestnet_prefix *target)
{
	return at < counts->n && prefix_equal(&counts->list[at].target, target);
}

int guest_count_seek(struct elements *elements, const struct nestnet_prefix *target,
		     enum guest_membership membership, uint64_t *ret_remains_ms,
		     struct error *error)
{
	const struct guest_counts *counts = &elements->guest_counts;
	int r = counts->is_known ? 0 : look(elements, error);
	size_t at = find(counts, target);
	const struct guest_count *count;

	if (r < 0)
		return r;
	if (!has(counts, at, target))
		return 0;
	count = &counts->list[at];
	*ret_remains_ms = 0;
	if (count->n_lasting[membership] == 0)
		*ret_remains_ms = count->remains_ms[membership];
	return count->n[membership] > 0;
}

int guest_count_change(struct elements *elements, const struct exposure *exposure, int by,
		       struct error *error)
{
	struct guest_counts *counts = &elements->guest_counts;
	const struct nestnet_prefix *target = &exposure->target.prefix;
	size_t at;

	if (!counts->is_known || guest_is_counted(exposure))
		return 0;
	at = find(counts, target);
	if (!has(counts, at, target)) {
		if (!make_room(counts))
			return error_set_errno(error, ENOMEM);
		memmove(&counts->list[at + 1], &counts->list[at],
			(counts->n - at) * sizeof(*counts->list));
		counts->list[at] = (struct guest_count){ .target = *target };
		counts->n++;
	}
	change(&counts->list[at], exposure, by);
	return 0;
}
