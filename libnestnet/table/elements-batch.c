/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The difference that a view has gathered, as one batch; and its reverse. Both tables are
 * in the same batch: there is one moment at which everything changes.
 */

#include "table/elements-slot.h"
#include "table/ruleset-guard.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <nestnet/nestnet.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Differences ------------------------------------------------------------------------- */

bool slot_is_changed(const struct elements *elements, const struct slot *slot)
{
	const struct slot_value *before = slot_before(elements, slot);
	const struct slot_value *after = slot_after(elements, slot);

	if (!before != !after)
		return true;
	if (!after)
		return false;
	return !slot_value_equal(slot, before, after) ||
	       (slot->is_put && slot_numbers_of(after).timeout_ms);
}

bool elements_is_changed(const struct elements *elements)
{
	if (elements->n_passes > 0)
		return true;
	for (size_t part = 0; part < RULESET_PARTS; part++) {
		const struct table_view *table = &elements->tables[part];

		if (table->is_there != table->is_wanted || table->is_renewed)
			return true;
	}
	return slots_find(elements, slot_is_changed) != NULL;
}

/* The way that a batch goes: from what was read to what is wanted, or back. */
struct way {
	const struct elements *elements;
	struct nft_batch *batch;
	bool is_reverse;
	bool keeps_tables; /* that were made: others have put something into them */
};

/* One that is renewed comes with all that is in it; on the way back it stays as it is. */
static bool has_table_before(const struct way *way, enum ruleset_part part)
{
	const struct table_view *table = &way->elements->tables[part];

	return way->is_reverse ? table->is_wanted : table->is_there && !table->is_renewed;
}

static bool has_table_after(const struct way *way, enum ruleset_part part)
{
	const struct table_view *table = &way->elements->tables[part];

	if (way->keeps_tables && table->is_wanted)
		return true;
	return way->is_reverse ? table->is_there : table->is_wanted;
}

static const struct slot_value *value_before(const struct way *way,
					     const struct slot *slot)
{
	return way->is_reverse ? slot_after(way->elements, slot)
			       : slot_before(way->elements, slot);
}

static const struct slot_value *value_after(const struct way *way, const struct slot *slot)
{
	return way->is_reverse ? slot_before(way->elements, slot)
			       : slot_after(way->elements, slot);
}

/* ---- The batch ------------------------------------------------------------------------------- */

/* @return the key of a tap's next address behind that key, in their order; NULL: the last it was */
static const uint8_t *next_address(const struct way *way, const uint8_t *ifname,
				   const uint8_t *behind)
{
	size_t len = ruleset_set_spec(RULESET_GUARD, AF_INET6)->key_len;
	const struct slot *slot = slots_of(way->elements, RULESET_GUARD, AF_INET6);
	const uint8_t *least = NULL;

	for (; slot; slot = slot_next(way->elements, slot)) {
		if (value_after(way, slot) &&
		    memcmp(slot->key, ifname, NESTNET_IFNAMSIZ) == 0 &&
		    (!behind || memcmp(slot->key, behind, len) > 0) &&
		    (!least || memcmp(slot->key, least, len) < 0))
			least = slot->key;
	}
	return least;
}

/* A tap's chain has rules for each of its IPv6 addresses, which have slots of their own. Those
 * come as they were wanted, or as the kernel's hash had them: the same state is the same rules. */
static void add_chain(const struct way *way, const uint8_t *ifname)
{
	const uint8_t *address = NULL;

	ruleset_guard_chain_begin(way->batch, ifname);
	while ((address = next_address(way, ifname, address)))
		ruleset_guard_chain_address(way->batch, address);
	ruleset_guard_chain_end(way->batch, ifname);
}

static void add_slot(const struct way *way, const struct slot *slot)
{
	struct nft_element element;

	if (slot->set == RULESET_GUARD_CHAIN) {
		add_chain(way, slot->key);
		return;
	}
	slot_unpack(slot, value_after(way, slot), &element);
	nft_element_add(way->batch, ruleset_part_table(slot_part(slot)), slot_spec(slot),
			&element);
}

static void delete_slot(const struct way *way, const struct slot *slot)
{
	const struct nft_table *table = ruleset_part_table(slot_part(slot));
	char name[RULESET_CHAIN_MAX];
	struct nft_element element;

	if (slot->set == RULESET_GUARD_CHAIN) {
		nft_delete_chain(way->batch, table,
				 ruleset_guard_chain_name(slot->key, name));
		return;
	}
	slot_unpack(slot, value_before(way, slot), &element);
	nft_element_delete(way->batch, table, slot_spec(slot), &element);
}

/* Of one set, part of a table that is there afterwards. */
static void put_set(const struct way *way, const struct slot *slot, bool is_adding)
{
	bool has_before = slot && has_table_before(way, slot_part(slot));

	for (; slot; slot = slot_next(way->elements, slot)) {
		/* What is unchanged came and went with its table. */
		if (has_before ? !slot_is_changed(way->elements, slot) : !is_adding)
			continue;
		if (!is_adding && value_before(way, slot))
			delete_slot(way, slot);
		if (is_adding && value_after(way, slot))
			add_slot(way, slot);
	}
}

/* Deletes what is there and is to go or to change; or adds what is to be there. In the
 * batch all deletions come first, so that no interval meets one that is about to go. A
 * table that goes takes its elements along. Set by set, since elements of one share
 * messages: each has the kernel look for the set by its name. */
static void put_slots(const struct way *way, bool is_adding)
{
	const struct slot *slot;
	size_t at = 0;

	while ((slot = slots_next(way->elements, &at))) {
		if (has_table_after(way, slot_part(slot)))
			put_set(way, slot, is_adding);
	}
}

/* Whether a table goes, or a part of one that stays. */
static bool is_deleted(const struct way *way, unsigned int part)
{
	bool is_renewed = way->elements->tables[part].is_renewed && !way->is_reverse;

	if (ruleset_part_chain(part) &&
	    !(has_table_before(way, RULESET_MAIN) && has_table_after(way, RULESET_MAIN)))
		return false;
	return is_renewed || (has_table_before(way, part) && !has_table_after(way, part));
}

/* The way from one state to the other; without a table there are no elements. */
static int put_difference(const struct way *way, struct error *error)
{
	for (unsigned int part = 0; part < RULESET_PARTS; part++) {
		if (is_deleted(way, part))
			ruleset_delete(way->batch, part);
		if (!has_table_before(way, part) && has_table_after(way, part))
			ruleset_create(way->batch, part);
	}
	put_slots(way, false);
	put_slots(way, true);
	if (way->is_reverse)
		return passes_put_reverse(way->elements, way->batch, error);
	passes_put(way->elements, way->batch);
	return 0;
}

static void cleanup_batch(struct nft_batch **batch)
{
	nft_batch_free(*batch);
}

/* The table to name where the kernel refuses: the one that something is changed in, and of
 * two the main one. */
static const char *changed_table(const struct elements *elements)
{
	/* The sets of guards come last. */
	const struct slot *slot = slots_find(elements, slot_is_changed);

	return ruleset_part_text(slot ? slot_part(slot) : RULESET_MAIN);
}

static int send_way(struct elements *elements, struct way way, uint32_t generation,
		    struct error *error)
{
	_cleanup_(cleanup_batch) struct nft_batch *batch = NULL;
	int r;

	if (!elements_is_changed(elements))
		return 0;
	way.batch = batch = nft_batch_new(elements->n_slots);
	if (!batch)
		return error_set_errno(error, ENOMEM);
	r = put_difference(&way, error);
	if (r < 0 || nft_batch_is_empty(batch))
		return r;
	r = nft_batch_commit(elements->nl, batch, generation, error);
	return r < 0 ? error_prefix(error, "change table %s", changed_table(elements))
		     : 0;
}

/* ---- Lost answers ------------------------------------------------------------------------- */

/* A changed element that can be asked for by its key. */
static bool is_witness(const struct elements *elements, const struct slot *slot)
{
	const struct nft_set_spec *spec = slot_spec(slot);

	return slot_is_changed(elements, slot) &&
	       (!(spec->flags & NFT_SPEC_INTERVAL) || nft_set_spec_is_concat(spec));
}

/* Whether an element is in the kernel as wanted. @return 1, 0, or a negative errno */
static int is_as_wanted(struct elements *elements, const struct slot *slot,
			struct error *error)
{
	const struct slot_value *after = slot_after(elements, slot);
	struct nft_element known, found;
	uint32_t now;
	int r;

	slot_unpack(slot, after ? after : slot_before(elements, slot), &known);
	r = slot_read(elements, slot->set, slot_family(slot), &known, &found, error);
	if (r < 0)
		return r;
	if (r != (after != NULL))
		return 0;
	if (r == 0 || slot->set == RULESET_GUARD_CHAIN)
		return 1;
	now = slot_pack(elements, slot, &found);
	return now ? slot_value_equal(slot, arena_at(&elements->memory, now), after)
		   : error_set_errno(error, ENOMEM);
}

/* Whether the tables that were looked at are there as wanted, on another generation.
 * @return 1, 0, or a negative errno */
static int has_wanted_tables(struct elements *elements, struct error *error)
{
	char version[NFT_COMMENT_MAX + 1];
	uint32_t generation;
	int r;

	for (unsigned int part = 0; part < RULESET_PARTS; part++) {
		const struct table_view *table = &elements->tables[part];

		if (!table->is_open || ruleset_part_chain(part)) /* it is in the main one */
			continue;
		r = nft_table_get(elements->nl, ruleset_part_table(part), &generation,
				  version, sizeof(version), error);
		if (r < 0)
			return r;
		if (generation == elements->generation || r != table->is_wanted)
			return 0;
		if (table->is_renewed && strcmp(version, ruleset_part_version(part)) != 0)
			return 0;
	}
	return 1;
}

/* After a batch whose answer was lost: was it done? @return 1, 0, or a negative errno */
static int is_committed(struct elements *elements, struct error *error)
{
	const struct slot *witness = slots_find(elements, is_witness);
	int r = has_wanted_tables(elements, error);

	if (r <= 0)
		return r;
	if (!witness && elements->n_passes > 0)
		return passes_are_as_wanted(elements, error);
	if (!witness || !elements->tables[slot_part(witness)].is_wanted)
		return 1;
	return is_as_wanted(elements, witness, error);
}

/* ---- What ends by itself ------------------------------------------------------------------ */

/* Whether it is still there. @return 1, 0, or a negative errno */
static int is_left(struct elements *elements, const struct slot *slot,
		   struct error *error)
{
	const struct nft_set_spec *spec = slot_spec(slot);
	struct nft_element known, found;

	if ((spec->flags & NFT_SPEC_INTERVAL) && !nft_set_spec_is_concat(spec))
		return nft_interval_covers(elements->nl,
					   ruleset_part_table(slot_part(slot)), spec,
					   slot->key, error);
	slot_unpack(slot, slot_before(elements, slot), &known);
	return slot_read(elements, slot->set, slot_family(slot), &known, &found, error);
}

/* Whether something that was to be deleted was there when it was read, and has come to its
 * end since, which is no new generation. */
static bool has_ended(struct elements *elements)
{
	struct error error;
	const struct slot *slot;
	size_t at = 0;

	while ((slot = slots_next(elements, &at))) {
		for (; slot; slot = slot_next(elements, slot)) {
			if (slot->before && slot_is_changed(elements, slot) &&
			    slot_numbers_of(slot_before(elements, slot)).timeout_ms &&
			    is_left(elements, slot, &error) == 0)
				return true;
		}
	}
	return false;
}

int elements_commit(struct elements *elements, struct error *error)
{
	struct error lost;
	const struct way way = { .elements = elements };
	int r = send_way(elements, way, elements->generation, error);

	if (r == -ENOENT && has_ended(elements))
		return error_set_errno(error, ERESTART);
	if (r != -ECOMM)
		return r;
	lost = *error;
	r = is_committed(elements, error);
	if (r == 1)
		return 0;
	if (r == 0) {
		*error = lost;
		return -lost.code;
	}
	return error_set(error, ENOTRECOVERABLE,
			 "%s, and so it is not known whether it was done", lost.text);
}

static bool made_table(const struct elements *elements)
{
	for (size_t part = 0; part < RULESET_PARTS; part++) {
		if (elements->tables[part].is_wanted && !elements->tables[part].is_there)
			return true;
	}
	return false;
}

/* Somebody has taken all that there was of ours: nothing is left of a commit. */
static bool are_gone(struct elements *elements)
{
	char version[NFT_COMMENT_MAX + 1];
	struct error ignored;
	uint32_t generation;

	for (unsigned int part = 0; part < RULESET_PARTS; part++) {
		if (!ruleset_part_chain(part) &&
		    nft_table_get(elements->nl, ruleset_part_table(part), &generation,
				  version, sizeof(version), &ignored) != 0)
			return false;
	}
	return true;
}

static int revert(struct elements *elements, struct error *error)
{
	struct way way = { .elements = elements, .is_reverse = true };
	int r;

	if (!made_table(elements))
		return send_way(elements, way, 0, error);
	/* A table that we made goes, if nobody has written since our own commit. */
	r = send_way(elements, way, elements->generation + 1, error);
	if (r != -ERESTART)
		return r;
	way.keeps_tables = true;
	return send_way(elements, way, 0, error);
}

int elements_revert(struct elements *elements, struct error *error)
{
	int r = revert(elements, error);

	return r == -ENOENT && are_gone(elements) ? 0 : r;
}
