/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ELEMENTS_SLOT_H
#define NESTNET_ELEMENTS_SLOT_H

/* What a view is made of: for elements.c and elements-ask.c, which fill it, elements-batch.c,
 * which sends the difference, and elements-slot.c, where it is kept. */

#include "table/elements.h"

#include "base/arena.h"

#include <sys/socket.h>

/** An element but for its key: in bytes, its numbers where it has any; the last key of an
 *  interval, the data, the comment with its NUL. */
struct slot_value {
	bool has_numbers;
	uint8_t bytes[];
};

struct slot_numbers {
	uint64_t timeout_ms, expires_ms, packets;
};

/** One element: as read, and as wanted; 0: it is not there. Slots and values are known by
 *  their numbers in the view's memory. */
struct slot {
	uint32_t next; /* in its bucket */
	uint32_t next_in_set;
	uint32_t before, after;
	uint8_t set;
	bool is_six : 1;    /* of IPv6 */
	bool is_dumped : 1; /* known from a dump that may start over */
	bool is_put : 1;    /* whatever it was: a time starts anew */
	uint8_t key[];      /* as long as the set says */
};
_Static_assert(RULESET_SETS <= UINT8_MAX, "a slot has room for its set");

/** One of our tables. */
struct table_view {
	bool is_open;
	bool is_there; /* in the kernel, at the generation */
	bool is_wanted;
	bool is_old;     /* of an older release: some of our sets may not be in it */
	bool is_renewed; /* all of it is read, and the commit makes it anew */
};

/** A rule of ours in another's chain that comes or goes. */
struct pass_change {
	struct pass pass;
	bool is_insert;
	uint64_t handle, next; /* of one that goes; and of what comes behind it */
};

/** Whether an interval has a key: as it was asked for beforehand, of one key. */
struct cover {
	bool is_known, is_covered;
	enum ruleset_set set;
	int family;
	uint8_t key[NFT_KEY_MAX];
};

/** Targets of exposures that no element counts, sorted (exposure-guest-count.c). */
struct guest_counts {
	struct guest_count *list;
	size_t n, room;
	bool is_known;
};

struct elements {
	struct netlink *nl;
	bool has_generation;
	uint32_t generation; /* of the first read */
	struct table_view tables[RULESET_PARTS];
	bool is_loaded[RULESET_SETS][2];
	struct arena memory; /* of slots and their values */
	uint32_t plain;      /* the value of which nothing but the key is known */
	uint32_t *buckets;
	size_t n_buckets /* a power of two */, n_slots;
	uint32_t sets[RULESET_SETS][2]; /* the last known slot of each */
	/* a bit for each set that has one, in order */
	uint64_t used[RULESET_SETS * 2 / 64 + 1];
	struct pass_change *passes;
	size_t n_passes;
	struct cover cover;
	struct guest_counts guest_counts;
};

/** Makes the memory. @return false: there is none */
bool slots_begin(struct elements *elements);

/** A slot of nothing, which is in no bucket yet, and the last known of its set.
 *  @return its number; 0: no memory */
uint32_t slot_new(struct elements *elements, enum ruleset_set set, int family,
		  const void *key);

/** Keeps what an element of the slot's key has. @return its number; 0: no memory */
uint32_t slot_pack(struct elements *elements, const struct slot *slot,
		   const struct nft_element *element);

/** @return NULL where it has no number */
static inline struct slot *slot_at(const struct elements *elements, uint32_t number)
{
	return number ? arena_at(&elements->memory, number) : NULL;
}

/** As it was read, and as it is wanted; NULL: not there. */
static inline const struct slot_value *slot_before(const struct elements *elements,
						   const struct slot *slot)
{
	return slot->before ? arena_at(&elements->memory, slot->before) : NULL;
}

static inline const struct slot_value *slot_after(const struct elements *elements,
						  const struct slot *slot)
{
	return slot->after ? arena_at(&elements->memory, slot->after) : NULL;
}

static inline int slot_family(const struct slot *slot)
{
	return slot->is_six ? AF_INET6 : AF_INET;
}

static inline enum ruleset_part slot_part(const struct slot *slot)
{
	return ruleset_set_part(slot->set, slot_family(slot));
}

static inline const struct nft_set_spec *slot_spec(const struct slot *slot)
{
	return ruleset_set_spec(slot->set, slot_family(slot));
}

/** The element that was kept. @param value  not NULL */
void slot_unpack(const struct slot *slot, const struct slot_value *value,
		 struct nft_element *ret);

/** Zeros where it has none. */
struct slot_numbers slot_numbers_of(const struct slot_value *value);

/** The last key of an interval. */
const uint8_t *slot_value_end(const struct slot_value *value);

/** Whether two are the same, but for what runs: the time that remains, and the counter. */
bool slot_value_equal(const struct slot *slot, const struct slot_value *a,
		      const struct slot_value *b);

/** @return NULL where nothing is known of the key */
struct slot *slot_find(const struct elements *elements, enum ruleset_set set, int family,
		       const void *key);

/** Remembers that the kernel has before, or has no such element (NULL).
 *  @return NULL where there is no memory */
struct slot *slot_add(struct elements *elements, enum ruleset_set set, int family,
		      const void *key, const struct nft_element *before);

bool slot_is_changed(const struct elements *elements, const struct slot *slot);

/** Every element of the set has its slot: there is no need to ask the kernel. */
bool slots_are_known(struct elements *elements, enum ruleset_set set, int family);

/** Whether elements_ask() has asked for just that. */
bool cover_is_known(const struct elements *elements, enum ruleset_set set, int family,
		    const void *key);

/** The slots of one set, from the last known to the first. */
struct slot *slots_of(const struct elements *elements, enum ruleset_set set, int family);

static inline struct slot *slot_next(const struct elements *elements,
				     const struct slot *slot)
{
	return slot_at(elements, slot->next_in_set);
}

/** The last known slot of the next set that has any. @param at  0 at first
 *  @return NULL: there is none any more */
struct slot *slots_next(const struct elements *elements, size_t *at);

typedef bool (*slot_fn)(const struct elements *elements, const struct slot *slot);

/** @return the first slot of any set of which this is true; NULL: there is none */
const struct slot *slots_find(const struct elements *elements, slot_fn fn);

/** Asks the kernel for the slot's element, or chain, by the key of known.
 *  @return 1: it is there, in *ret; 0: it is not; or a negative errno */
int slot_read(struct elements *elements, enum ruleset_set set, int family,
	      const struct nft_element *known, struct nft_element *ret,
	      struct error *error);

/** Looks at a table or a part of one, once.
 *  @return 1: it is there; 0: it is not; or a negative errno */
int table_open(struct elements *elements, enum ruleset_part part, struct error *error);

/** Takes what was answered about a table: as table_open(). */
int table_take(struct elements *elements, enum ruleset_part part, bool is_there,
	       uint32_t generation, const char *version, struct error *error);

/** The same of a part of the main table, which is known. */
void table_take_part(struct elements *elements, enum ruleset_part part, bool is_there);

/* Passes (elements-pass.c). */

/** Puts them into the batch. */
void passes_put(const struct elements *elements, struct nft_batch *batch);

/** Puts their reverse, as far as what it takes is still there. @return 0 or -errno */
int passes_put_reverse(const struct elements *elements, struct nft_batch *batch,
		       struct error *error);

/** Whether the first of them is as wanted in the kernel. @return 1, 0, or -errno */
int passes_are_as_wanted(const struct elements *elements, struct error *error);

#endif
