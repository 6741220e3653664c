/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ELEMENTS_SLOT_H
#define NESTNET_ELEMENTS_SLOT_H

/* What a view is made of: for elements.c and elements-ask.c, which fill it, elements-batch.c,
 * which sends the difference, and elements-slot.c, where it is kept. */

#include "table/elements.h"

/** An element but for its key. */
struct slot_value {
	uint64_t timeout_ms, expires_ms, packets;
	uint8_t bytes[]; /* the last key of an interval, the data, the comment with its NUL */
};

/** One element: as read, and as wanted; NULL: it is not there. */
struct slot {
	struct slot *next; /* in its bucket */
	struct slot *next_in_set;
	const struct slot_value *before, *after;
	uint16_t set, family;
	bool is_dumped; /* known from a dump that may start over */
	bool is_put;    /* whatever it was: a time starts anew */
	uint8_t key[];  /* as long as the set says */
};

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

struct elements {
	struct netlink *nl;
	bool has_generation;
	uint32_t generation; /* of the first read */
	struct table_view tables[RULESET_PARTS];
	bool is_loaded[RULESET_SETS][2];
	struct slot **buckets;
	size_t n_buckets /* a power of two */, n_slots;
	struct slot_block *blocks;          /* the memory of all slots */
	struct slot *sets[RULESET_SETS][2]; /* the last known slot of each */
	/* a bit for each set that has one, in order */
	uint64_t used[RULESET_SETS * 2 / 64 + 1];
	struct pass_change *passes;
	size_t n_passes;
	struct cover cover;
};

/** A slot of nothing, which is in no list yet. @return NULL where there is no memory */
struct slot *slot_new(struct elements *elements, enum ruleset_set set, int family,
		      const void *key);

/** Lets go of all of them. */
void slots_free(struct elements *elements);

/** Keeps what an element of the slot's key has. @return NULL where there is no memory */
const struct slot_value *slot_pack(struct elements *elements, const struct slot *slot,
				   const struct nft_element *element);

/** The element that was kept. @param value  not NULL */
void slot_unpack(const struct slot *slot, const struct slot_value *value,
		 struct nft_element *ret);

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

bool slot_is_changed(const struct slot *slot);

/** Every element of the set has its slot: there is no need to ask the kernel. */
bool slots_are_known(struct elements *elements, enum ruleset_set set, int family);

/** Whether elements_ask() has asked for just that. */
bool cover_is_known(const struct elements *elements, enum ruleset_set set, int family,
		    const void *key);

/** Takes a slot into its set. */
void slots_add(struct elements *elements, struct slot *slot);

/** The slots of one set. */
struct slot **slots_of(struct elements *elements, enum ruleset_set set, int family);

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
