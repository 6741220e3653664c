/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The view of our tables that a plan reads and changes; elements.h has the model. It is gone
 * through in elements-slot.c, several elements are read at once in elements-ask.c, and the
 * difference is sent by elements-batch.c. */

#include "table/elements-slot.h"
#include "table/ruleset-guard.h"

#include "base/error.h"
#include "base/hash.h"

#include <errno.h>
#include <nestnet/nestnet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- The memory --------------------------------------------------------------------------- */

struct elements *elements_new(struct netlink *nl)
{
	struct elements *elements = calloc(1, sizeof(*elements));

	if (!elements)
		return NULL;
	elements->nl = nl;
	elements->n_buckets = 64;
	elements->buckets = calloc(elements->n_buckets, sizeof(*elements->buckets));
	if (!elements->buckets || !slots_begin(elements))
		return elements_free(elements);
	return elements;
}

struct elements *elements_free(struct elements *elements)
{
	if (!elements)
		return NULL;
	arena_clear(&elements->memory);
	free(elements->buckets);
	free(elements->passes);
	free(elements->guest_counts.list);
	free(elements);
	return NULL;
}

static size_t hash_key(enum ruleset_set set, bool is_six, const uint8_t *key, size_t len)
{
	return hash_bytes((uint32_t)set << 1 | is_six, key, len);
}

static size_t slot_hash(const struct slot *slot)
{
	size_t len = slot_spec(slot)->key_len;

	return hash_key(slot->set, slot->is_six, slot->key, len);
}

/* Puts a slot into its bucket. */
static void insert(const struct elements *elements, uint32_t *buckets, size_t n,
		   uint32_t number)
{
	struct slot *slot = slot_at(elements, number);
	size_t at = slot_hash(slot) & (n - 1);

	slot->next = buckets[at];
	buckets[at] = number;
}

static void grow(struct elements *elements)
{
	size_t n = elements->n_buckets * 2;
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return; /* longer chains, then */
	for (size_t i = 0; i < elements->n_buckets; i++) {
		uint32_t number = elements->buckets[i];

		while (number) {
			uint32_t next = slot_at(elements, number)->next;

			insert(elements, buckets, n, number);
			number = next;
		}
	}
	free(elements->buckets);
	elements->buckets = buckets;
	elements->n_buckets = n;
}

struct slot *slot_find(const struct elements *elements, enum ruleset_set set, int family,
		       const void *key)
{
	size_t len = ruleset_set_spec(set, family)->key_len;
	bool is_six = family == AF_INET6;
	size_t at = hash_key(set, is_six, key, len) & (elements->n_buckets - 1);
	struct slot *slot = slot_at(elements, elements->buckets[at]);

	for (; slot; slot = slot_at(elements, slot->next)) {
		if (slot->set == set && slot->is_six == is_six &&
		    memcmp(slot->key, key, len) == 0)
			return slot;
	}
	return NULL;
}

/* Takes what was read for what is there, and wanted. @return false: no memory */
static bool set_before(struct elements *elements, struct slot *slot,
		       const struct nft_element *before)
{
	slot->before = slot->after = slot_pack(elements, slot, before);
	return slot->before;
}

struct slot *slot_add(struct elements *elements, enum ruleset_set set, int family,
		      const void *key, const struct nft_element *before)
{
	uint32_t number = slot_new(elements, set, family, key);
	struct slot *slot = slot_at(elements, number);

	if (!slot || (before && !set_before(elements, slot, before)))
		return NULL;
	if (elements->n_slots >= elements->n_buckets * 2)
		grow(elements);
	insert(elements, elements->buckets, elements->n_buckets, number);
	elements->n_slots++;
	return slot;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* @return 1, or -EOPNOTSUPP where the table is not one that we can read */
static int take_version(struct table_view *table, enum ruleset_part part,
			const char *version, struct error *error)
{
	const char *text = ruleset_part_text(part);

	switch (ruleset_part_maker(part, version)) {
	case RULESET_THIS_RELEASE:
		return 1;
	case RULESET_OLDER_RELEASE:
		table->is_old = true;
		return 1;
	case RULESET_NEWER_RELEASE:
		return error_set(
			error, EOPNOTSUPP,
			"table %s is '%s', made by a later release of nestnet (this "
			"one makes '%s')",
			text, version, ruleset_part_version(part));
	case RULESET_SOMEBODY_ELSE:
		break;
	}
	return error_set(
		error, EOPNOTSUPP,
		"there is a table %s that nestnet did not make (nft delete table %s "
		"would remove it)",
		text, text);
}

/* The generation is that which the main table was looked at in. */
static int open_part_of_main(struct elements *elements, enum ruleset_part part,
			     struct error *error)
{
	int r = table_open(elements, RULESET_MAIN, error);

	if (r == 1)
		r = nft_chain_get(elements->nl, &ruleset_table, ruleset_part_chain(part),
				  error);
	if (r >= 0)
		table_take_part(elements, part, r == 1);
	return r;
}

void table_take_part(struct elements *elements, enum ruleset_part part, bool is_there)
{
	struct table_view *view = &elements->tables[part];

	view->is_open = true;
	view->is_there = view->is_wanted = is_there;
	view->is_old = elements->tables[RULESET_MAIN].is_old;
}

int table_take(struct elements *elements, enum ruleset_part part, bool is_there,
	       uint32_t generation, const char *version, struct error *error)
{
	struct table_view *table = &elements->tables[part];
	int r = is_there ? take_version(table, part, version, error) : 0;

	if (r < 0)
		return r;
	/* Later ones may be newer: the commit is then refused, on the oldest. */
	if (!elements->has_generation) {
		elements->has_generation = true;
		elements->generation = generation;
	}
	table->is_open = true;
	table->is_there = table->is_wanted = is_there;
	return r;
}

/* @return 1: the table, or the part of one, is there; 0: it is not; or a negative errno */
int table_open(struct elements *elements, enum ruleset_part part, struct error *error)
{
	struct table_view *table = &elements->tables[part];
	char version[NFT_COMMENT_MAX + 1];
	uint32_t generation;
	int r;

	if (table->is_open)
		return table->is_there;
	if (ruleset_part_chain(part))
		return open_part_of_main(elements, part, error);

	r = nft_table_get(elements->nl, ruleset_part_table(part), &generation, version,
			  sizeof(version), error);
	return r < 0 ? r : table_take(elements, part, r == 1, generation, version, error);
}

int elements_open(struct elements *elements, struct error *error)
{
	return table_open(elements, RULESET_MAIN, error);
}

static struct table_view *table_of(struct elements *elements, enum ruleset_set set,
				   int family)
{
	return &elements->tables[ruleset_set_part(set, family)];
}

static int open_table_of(struct elements *elements, enum ruleset_set set, int family,
			 struct error *error)
{
	return table_open(elements, ruleset_set_part(set, family), error);
}

bool slots_are_known(struct elements *elements, enum ruleset_set set, int family)
{
	return !table_of(elements, set, family)->is_there ||
	       elements->is_loaded[set][family == AF_INET6];
}

static int read_chain(struct elements *elements, const uint8_t *ifname,
		      struct nft_element *ret, struct error *error)
{
	char name[RULESET_CHAIN_MAX];
	int r = nft_chain_get(elements->nl, &ruleset_guard_table,
			      ruleset_guard_chain_name(ifname, name), error);

	if (r == 1) {
		*ret = (struct nft_element){ .comment = "" };
		memcpy(ret->key, ifname, NESTNET_IFNAMSIZ);
	}
	return r;
}

int slot_read(struct elements *elements, enum ruleset_set set, int family,
	      const struct nft_element *known, struct nft_element *ret,
	      struct error *error)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, family);
	const uint8_t *key_end = spec->flags & NFT_SPEC_INTERVAL ? known->key_end : NULL;

	if (set == RULESET_GUARD_CHAIN)
		return read_chain(elements, known->key, ret, error);
	return nft_element_get(elements->nl,
			       ruleset_part_table(ruleset_set_part(set, family)), spec,
			       known->key, key_end, ret, error);
}

/* An interval cannot be asked for by its first key: such sets, which are small, are read
 * whole. */
static int load_intervals(struct elements *elements, enum ruleset_set set, int family,
			  struct error *error)
{
	if (!(ruleset_set_spec(set, family)->flags & NFT_SPEC_INTERVAL))
		return 0;
	return elements_load(elements, set, family, error);
}

/* A slot for a key that has none: the kernel is asked where it might have it. */
static int ask_slot(struct elements *elements, enum ruleset_set set, int family,
		    const void *key, struct slot **ret, struct error *error)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, family);
	struct nft_element element = { .comment = "" }, known = element;
	int r;

	memcpy(known.key, key, spec->key_len);
	memcpy(known.key_end, key, spec->key_len);
	r = slot_read(elements, set, family, &known, &element, error);
	if (r < 0)
		return r;
	*ret = slot_add(elements, set, family, key, r == 1 ? &element : NULL);
	return *ret ? 0 : error_set_errno(error, ENOMEM);
}

/* @return 1: *ret is the key's slot; 0: there is none, and nothing in the kernel either */
static int find_or_ask(struct elements *elements, enum ruleset_set set, int family,
		       const void *key, struct slot **ret, struct error *error)
{
	int r;

	/* All of it is known, and it is empty: so are those of most options. */
	if (elements->is_loaded[set][family == AF_INET6] &&
	    !slots_of(elements, set, family))
		return 0;
	r = open_table_of(elements, set, family, error);
	if (r < 0)
		return r;
	r = load_intervals(elements, set, family, error);
	if (r < 0)
		return r;
	*ret = slot_find(elements, set, family, key);
	if (*ret || slots_are_known(elements, set, family))
		return *ret != NULL;
	r = ask_slot(elements, set, family, key, ret, error);
	return r < 0 ? r : 1;
}

/* The same, and there is one afterwards. */
static int need_slot(struct elements *elements, enum ruleset_set set, int family,
		     const void *key, struct slot **ret, struct error *error)
{
	int r = find_or_ask(elements, set, family, key, ret, error);

	if (r != 0)
		return r < 0 ? r : 0;
	*ret = slot_add(elements, set, family, key, NULL);
	return *ret ? 0 : error_set_errno(error, ENOMEM);
}

int elements_get(struct elements *elements, enum ruleset_set set, int family,
		 const void *key, struct nft_element *ret, struct error *error)
{
	struct slot *slot;
	int r = find_or_ask(elements, set, family, key, &slot, error);

	if (r <= 0 || !slot->after)
		return r < 0 ? r : 0;
	slot_unpack(slot, slot_after(elements, slot), ret);
	return 1;
}

int elements_get_before(struct elements *elements, enum ruleset_set set, int family,
			const void *key, struct nft_element *ret, struct error *error)
{
	struct slot *slot;
	int r = find_or_ask(elements, set, family, key, &slot, error);

	if (r <= 0 || !slot->before)
		return r < 0 ? r : 0;
	slot_unpack(slot, slot_before(elements, slot), ret);
	return 1;
}

/* Of a set whose elements are all known. */
static bool covers(struct elements *elements, enum ruleset_set set, int family,
		   const void *key)
{
	size_t len = ruleset_set_spec(set, family)->key_len;
	const struct slot *slot = slots_of(elements, set, family);

	for (; slot; slot = slot_next(elements, slot)) {
		if (slot->before && memcmp(slot->key, key, len) <= 0 &&
		    memcmp(slot_value_end(slot_before(elements, slot)), key, len) >= 0)
			return true;
	}
	return false;
}

int elements_cover(struct elements *elements, enum ruleset_set set, int family,
		   const void *key, struct error *error)
{
	int r = open_table_of(elements, set, family, error);

	if (r <= 0)
		return r;
	if (slots_are_known(elements, set, family))
		return covers(elements, set, family, key);
	if (cover_is_known(elements, set, family, key))
		return elements->cover.is_covered;
	return nft_interval_covers(elements->nl,
				   ruleset_part_table(ruleset_set_part(set, family)),
				   ruleset_set_spec(set, family), key, error);
}

int elements_are_whole(struct elements *elements, struct error *error)
{
	char version[NFT_COMMENT_MAX + 1];
	uint32_t generation;
	int r = nft_table_get(elements->nl, &ruleset_table, &generation, version,
			      sizeof(version), error);

	return r < 0 ? r : generation == elements->generation;
}

struct loader {
	struct elements *elements;
	enum ruleset_set set;
	int family;
};

/* A torn dump starts over: what it said is not known any more. What the plan has asked for
 * by key, or wants, stays. */
static void forget_dump(const struct loader *loader)
{
	struct slot *slot = slots_of(loader->elements, loader->set, loader->family);

	for (; slot; slot = slot_next(loader->elements, slot)) {
		if (slot->is_dumped)
			slot->before = slot->after = 0;
	}
}

static int keep_element(void *userdata, const struct nft_element *element)
{
	struct loader *loader = userdata;
	struct slot *slot;

	if (!element) {
		forget_dump(loader);
		return 0;
	}
	slot = slot_find(loader->elements, loader->set, loader->family, element->key);
	if (slot && !slot->is_dumped)
		return 0;
	if (slot)
		return set_before(loader->elements, slot, element) ? 0 : -ENOMEM;
	slot = slot_add(loader->elements, loader->set, loader->family, element->key,
			element);
	if (!slot)
		return -ENOMEM;
	slot->is_dumped = true;
	return 0;
}

/* A set that is not there, of a table that is: an older release did not have it, or somebody
 * has flushed the ruleset since. Then there is nothing in it any more, and the generation is
 * over, as whoever has to know is told in the end.
 * @return 0, or -ENOENT where somebody took just the set */
static int take_absence(const struct loader *loader, struct error *error)
{
	struct elements *elements = loader->elements;
	int r = 0;

	if (!table_of(elements, loader->set, loader->family)->is_old)
		r = elements_are_whole(elements, error);
	if (r == 0)
		forget_dump(loader);
	return r > 0 ? error_set_errno(error, ENOENT) : r;
}

int elements_load(struct elements *elements, enum ruleset_set set, int family,
		  struct error *error)
{
	struct loader loader = { .elements = elements, .set = set, .family = family };
	bool *is_loaded = &elements->is_loaded[set][family == AF_INET6];
	int r = open_table_of(elements, set, family, error);

	if (r < 0)
		return r;
	if (*is_loaded || !table_of(elements, set, family)->is_there) {
		*is_loaded = true;
		return 0;
	}
	r = nft_element_list(elements->nl,
			     ruleset_part_table(ruleset_set_part(set, family)),
			     ruleset_set_spec(set, family), keep_element, &loader, error);
	if (r == -ENOENT)
		r = take_absence(&loader, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	if (r < 0)
		return error_prefix(error, "list %s",
				    ruleset_set_spec(set, family)->name);
	*is_loaded = true;
	return 0;
}

/* Chains are no set: they are asked for by name. */
int elements_load_all(struct elements *elements, struct error *error)
{
	int r = 0;

	for (unsigned int set = 0; r == 0 && set < RULESET_GUARD_CHAIN; set++) {
		bool is_guards = set >= RULESET_GUARDED && set != RULESET_GUARD;
		bool has_twin = set != RULESET_FOUND && !is_guards;
		int family = is_guards ? AF_UNSPEC : AF_INET;

		if (is_guards || ruleset_has_set(set, AF_INET))
			r = elements_load(elements, set, family, error);
		if (r == 0 && has_twin)
			r = elements_load(elements, set, AF_INET6, error);
	}
	return r;
}

bool elements_has_old_table(const struct elements *elements)
{
	for (unsigned int part = 0; part < RULESET_PARTS; part++) {
		if (elements->tables[part].is_old && elements->tables[part].is_wanted)
			return true;
	}
	return false;
}

int elements_renew(struct elements *elements, struct error *error)
{
	int r = elements_load_all(elements, error);

	for (unsigned int part = 0; r == 0 && part < RULESET_PARTS; part++)
		elements->tables[part].is_renewed = elements->tables[part].is_old;
	return r;
}

/* ---- Changing ------------------------------------------------------------------------------ */

int elements_put(struct elements *elements, enum ruleset_set set, int family,
		 const struct nft_element *element, struct error *error)
{
	struct slot *slot;
	uint32_t value;
	int r = need_slot(elements, set, family, element->key, &slot, error);

	if (r < 0)
		return r;
	value = slot_pack(elements, slot, element);
	if (!value)
		return error_set_errno(error, ENOMEM);
	slot->after = value;
	slot->is_put = true;
	table_of(elements, set, family)->is_wanted = true;
	if (ruleset_part_chain(ruleset_set_part(set, family)))
		elements->tables[RULESET_MAIN].is_wanted = true;
	return 0;
}

int elements_remove(struct elements *elements, enum ruleset_set set, int family,
		    const void *key, struct error *error)
{
	struct slot *slot;
	int r = need_slot(elements, set, family, key, &slot, error);

	if (r < 0)
		return r;
	slot->after = 0;
	return 0;
}

int elements_remove_tables(struct elements *elements, struct error *error)
{
	for (unsigned int part = 0; part < RULESET_PARTS; part++) {
		int r = table_open(elements, part, error);

		if (r < 0)
			return r;
		elements->tables[part].is_wanted = false;
	}
	return 0;
}
