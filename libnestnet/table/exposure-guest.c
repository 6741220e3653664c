/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Targets, and how long they stay closed.
 *
 * A target that several exposures share is counted in elements, and not in a comment: to
 * change a comment is to delete and add, and after a deletion the socket takes a grace
 * period of the kernel, some 12 ms, to close (facts 32c). So adding only ever adds: the
 * first exposure is the target itself, the second is target . 2, and so on.
 *
 * Exposures that end by themselves cannot count. Their targets are in sets of their own,
 * for as long as the longest of them; and so are prefixes. Whether another one still wants the
 * target is found by looking at all of them, once (exposure-guest-count.c).
 */

#include "table/exposure-guest.h"

#include "table/exposure-guest-count.h"
#include "table/exposure-key.h"

#include "base/address.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

/* The most exposures of one target: what counts them is as wide as a port. */
#define COUNT_MAX 65535

struct guest_sets {
	enum ruleset_set guest, more;
};

/* ---- Counted ---------------------------------------------------------------------------- */

static struct guest_sets counted_sets(enum guest_membership membership)
{
	switch (membership) {
	case GUEST_CLOSED:
	case GUEST_MEMBERSHIPS:
		break;
	case GUEST_OPEN:
		return (struct guest_sets){ RULESET_GUEST_OPEN, RULESET_GUEST_OPEN_MORE };
	case GUEST_COEXISTS:
		return (struct guest_sets){ RULESET_COEXIST, RULESET_COEXIST_MORE };
	}
	return (struct guest_sets){ RULESET_GUEST, RULESET_GUEST_MORE };
}

static int has_count(struct elements *elements, enum ruleset_set more,
		     const struct nestnet_address *target, uint32_t number,
		     struct error *error)
{
	struct nft_element element;
	uint8_t key[NFT_KEY_MAX] = { 0 };

	if (number > COUNT_MAX)
		return 0;
	key_put_number(key, target, (uint16_t)number);
	return elements_get(elements, more, target->family, key, &element, error);
}

/* How many exposures have the target: doubles until there is no such number, and then
 * halves the gap. Most targets have one, and cost one question. */
static int read_count(struct elements *elements, struct guest_sets sets,
		      const struct nestnet_address *target, uint32_t *ret,
		      struct error *error)
{
	uint32_t there = 1, absent = 2;
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;
	int r;

	key_put_address(key, target);
	*ret = 0;
	r = elements_get(elements, sets.guest, target->family, key, &element, error);
	if (r <= 0)
		return r;
	while ((r = has_count(elements, sets.more, target, absent, error)) == 1) {
		there = absent;
		absent *= 2;
	}
	while (r >= 0 && absent - there > 1) {
		uint32_t middle = there + (absent - there) / 2;

		r = has_count(elements, sets.more, target, middle, error);
		if (r == 1)
			there = middle;
		else
			absent = middle;
	}
	*ret = there;
	return r < 0 ? r : 0;
}

/* One exposure more has the target, or (by -1) one less. */
static int count_guest(struct elements *elements, const struct exposure *exposure,
		       enum guest_membership membership, int by, struct error *error)
{
	const struct nestnet_address *target = &exposure->target.prefix.address;
	struct guest_sets sets = counted_sets(membership);
	struct nft_element element = { .comment = "" };
	enum ruleset_set set;
	uint32_t count;
	int r = read_count(elements, sets, target, &count, error);

	if (r < 0)
		return r;
	if (by > 0 && count == COUNT_MAX)
		return error_set(error, EBUSY, "a target has at most %u exposures", count);
	if (by > 0)
		count++;
	if (count == 0)
		return 0; /* somebody's own hand took it out */

	set = count == 1 ? sets.guest : sets.more;
	if (count == 1)
		key_put_address(element.key, target);
	else
		key_put_number(element.key, target, (uint16_t)count);
	return by > 0 ? elements_put(elements, set, target->family, &element, error)
		      : elements_remove(elements, set, target->family, element.key, error);
}

/* ---- For a time, and prefixes ------------------------------------------------------------- */

static enum ruleset_set uncounted_set(const struct exposure *exposure,
				      enum guest_membership membership)
{
	bool is_prefix = !prefix_is_address(&exposure->target.prefix);

	switch (membership) {
	case GUEST_CLOSED:
	case GUEST_MEMBERSHIPS:
		break;
	case GUEST_OPEN:
		return is_prefix ? RULESET_GUEST_OPEN_PREF : RULESET_GUEST_OPEN_TIMED;
	case GUEST_COEXISTS:
		return is_prefix ? RULESET_COEXIST_PREF : RULESET_COEXIST_TIMED;
	}
	return is_prefix ? RULESET_GUEST_PREF : RULESET_GUEST_TIMED;
}

/* What the clock of one that is there has left: all of it where this plan has put it in. */
static uint64_t remains_ms(const struct nft_element *there)
{
	return there->expires_ms ? there->expires_ms : there->timeout_ms;
}

/* The guest is there for as long as the longest of its exposures, and a moment more; where
 * others' rules let it by, until somebody takes these back. */
static int add_uncounted(struct elements *elements, const struct exposure *exposure,
			 enum guest_membership membership, struct error *error)
{
	enum ruleset_set set = uncounted_set(exposure, membership);
	int family = endpoint_family(&exposure->target), r;
	struct nft_element element = { .comment = "" }, there;

	key_put_prefix(&element, &exposure->target.prefix);
	r = elements_get(elements, set, family, element.key, &there, error);
	if (r < 0)
		return r;
	if (exposure->timeout_ms && membership != GUEST_COEXISTS)
		element.timeout_ms = exposure->timeout_ms + EXPOSURE_GRACE_MS;
	if (r == 1 && (there.timeout_ms == 0 ||
		       (element.timeout_ms && remains_ms(&there) >= element.timeout_ms)))
		return 0;
	return elements_put(elements, set, family, &element, error);
}

/* Where one without an end was among others, the guest is there for as long as these. */
static int remove_uncounted(struct elements *elements, const struct exposure *exposure,
			    enum guest_membership membership, struct error *error)
{
	enum ruleset_set set = uncounted_set(exposure, membership);
	const struct nestnet_prefix *target = &exposure->target.prefix;
	struct nft_element element = { .comment = "" };
	int family = endpoint_family(&exposure->target);
	uint64_t remains_ms = 0;
	int r = guest_count_seek(elements, target, membership, &remains_ms, error);

	if (r < 0)
		return r;
	key_put_prefix(&element, target);
	if (r == 0)
		return elements_remove(elements, set, family, element.key, error);
	if (exposure->timeout_ms || remains_ms == 0 || membership == GUEST_COEXISTS)
		return 0;
	element.timeout_ms = remains_ms + EXPOSURE_GRACE_MS;
	return elements_put(elements, set, family, &element, error);
}

/* ---- Both ----------------------------------------------------------------------------------- */

static int add(struct elements *elements, const struct exposure *exposure,
	       enum guest_membership membership, struct error *error)
{
	if (!guest_is_of(exposure, membership))
		return 0;
	if (guest_is_counted(exposure))
		return count_guest(elements, exposure, membership, 1, error);
	return add_uncounted(elements, exposure, membership, error);
}

static int take_out(struct elements *elements, const struct exposure *exposure,
		    enum guest_membership membership, struct error *error)
{
	if (!guest_is_of(exposure, membership))
		return 0;
	if (guest_is_counted(exposure))
		return count_guest(elements, exposure, membership, -1, error);
	return remove_uncounted(elements, exposure, membership, error);
}

int guest_add(struct elements *elements, const struct exposure *exposure,
	      struct error *error)
{
	int r = guest_count_change(elements, exposure, 1, error);

	if (r == 0)
		r = add(elements, exposure, GUEST_CLOSED, error);
	if (r == 0)
		r = add(elements, exposure, GUEST_OPEN, error);
	return r < 0 ? r : add(elements, exposure, GUEST_COEXISTS, error);
}

int guest_remove(struct elements *elements, const struct exposure *exposure,
		 struct error *error)
{
	int r = guest_count_change(elements, exposure, -1, error);

	if (r == 0)
		r = take_out(elements, exposure, GUEST_CLOSED, error);
	if (r == 0)
		r = take_out(elements, exposure, GUEST_OPEN, error);
	return r < 0 ? r : take_out(elements, exposure, GUEST_COEXISTS, error);
}

/* Exposures that ended by themselves have left their target behind: it goes now. */
static int coexists_uncounted(struct elements *elements, const struct nestnet_prefix *target,
			      struct error *error)
{
	struct nft_element key = { .comment = "" }, element;
	enum ruleset_set set = prefix_is_address(target) ? RULESET_COEXIST_TIMED
							 : RULESET_COEXIST_PREF;
	int family = target->address.family, r;
	uint64_t remains_ms;

	key_put_prefix(&key, target);
	r = elements_get(elements, set, family, key.key, &element, error);
	if (r <= 0 || memcmp(element.key_end, key.key_end, sizeof(key.key_end)) != 0)
		return r < 0 ? r : 0;
	r = guest_count_seek(elements, target, GUEST_COEXISTS, &remains_ms, error);
	return r == 0 ? elements_remove(elements, set, family, key.key, error) : r;
}

int guest_coexists(struct elements *elements, const struct nestnet_prefix *target,
		   struct error *error)
{
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;
	int family = target->address.family, r = coexists_uncounted(elements, target, error);

	if (r != 0 || !prefix_is_address(target))
		return r;
	key_put_address(key, &target->address);
	return elements_get(elements, RULESET_COEXIST, family, key, &element, error);
}

typedef int (*get_fn)(struct elements *elements, enum ruleset_set set, int family,
		      const void *key, struct nft_element *ret, struct error *error);

/* @return 1: an exposure closes it; 0; or a negative errno */
static int is_guest(struct elements *elements, int family, const uint8_t *key, get_fn get,
		    struct error *error)
{
	struct nft_element element;
	int r = get(elements, RULESET_GUEST, family, key, &element, error);

	return r == 0 ? get(elements, RULESET_GUEST_TIMED, family, key, &element, error)
		      : r;
}

int guest_is_target(struct elements *elements, const struct nestnet_address *address,
		    struct error *error)
{
	static const enum ruleset_set sets[] = { RULESET_GUEST, RULESET_GUEST_TIMED,
						 RULESET_GUEST_OPEN,
						 RULESET_GUEST_OPEN_TIMED };
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;
	int r = 0;

	key_put_address(key, address);
	for (size_t i = 0; r == 0 && i < sizeof(sets) / sizeof(sets[0]); i++)
		r = elements_get(elements, sets[i], address->family, key, &element, error);
	return r;
}

int guest_is_closed(struct elements *elements, const struct nestnet_prefix *target,
		    struct error *error)
{
	int family = target->address.family, r;
	uint8_t key[NFT_KEY_MAX] = { 0 };

	if (!prefix_is_address(target))
		return 0;
	key_put_address(key, &target->address);
	r = is_guest(elements, family, key, elements_get, error);
	return r != 0 ? r : elements_cover(elements, RULESET_CLOSED, family, key, error);
}

int guest_becomes_closed(struct elements *elements, const struct nestnet_address *target,
			 struct error *error)
{
	uint8_t key[NFT_KEY_MAX] = { 0 };
	int r;

	key_put_address(key, target);
	r = is_guest(elements, target->family, key, elements_get, error);
	if (r <= 0)
		return r;
	r = is_guest(elements, target->family, key, elements_get_before, error);
	if (r == 0)
		r = elements_cover(elements, RULESET_CLOSED, target->family, key, error);
	return r < 0 ? r : r == 0;
}
