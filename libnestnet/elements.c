/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The view of our table that a plan reads and changes; elements.h has the model. */

#include "elements.h"

#include "kernel/netlink.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* One element: as read, and as wanted. */
struct slot {
	struct slot *next; /* in its bucket */
	enum ruleset_set set;
	int family;
	bool was_there, is_wanted;
	bool is_dumped; /* known from a dump that may start over */
	bool is_put; /* whatever it was: a time starts anew */
	struct nft_element before, after;
};

struct elements {
	struct netlink *nl;
	uint32_t generation;
	bool is_open;
	bool has_table; /* in the kernel, at the generation */
	bool is_table_wanted;
	bool is_loaded[RULESET_SETS][2];
	struct slot **buckets;
	size_t n_buckets, n_slots;
	bool is_walked; /* and must not move its slots */
};

/* ---- The memory --------------------------------------------------------------------------- */

struct elements *elements_new(struct netlink *nl)
{
	struct elements *elements = calloc(1, sizeof(*elements));

	if (!elements)
		return NULL;
	elements->nl = nl;
	elements->n_buckets = 64;
	elements->buckets = calloc(elements->n_buckets, sizeof(*elements->buckets));
	if (!elements->buckets)
		return elements_free(elements);
	return elements;
}

struct elements *elements_free(struct elements *elements)
{
	if (!elements)
		return NULL;
	for (size_t i = 0; elements->buckets && i < elements->n_buckets; i++) {
		struct slot *slot = elements->buckets[i];

		while (slot) {
			struct slot *next = slot->next;

			free(slot);
			slot = next;
		}
	}
	free(elements->buckets);
	free(elements);
	return NULL;
}

/* FNV-1a over set, family and key. */
static size_t hash_key(enum ruleset_set set, int family, const uint8_t *key, size_t len)
{
	uint64_t hash = 14695981039346656037u;

	hash = (hash ^ (uint64_t)set) * 1099511628211u;
	hash = (hash ^ (uint64_t)family) * 1099511628211u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ key[i]) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

static size_t slot_hash(const struct slot *slot)
{
	return hash_key(slot->set, slot->family, slot->before.key,
			ruleset_set_spec(slot->set, slot->family)->key_len);
}

static void grow(struct elements *elements)
{
	size_t n = elements->n_buckets * 2;
	struct slot **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return; /* longer chains, then */
	for (size_t i = 0; i < elements->n_buckets; i++) {
		struct slot *slot = elements->buckets[i];

		while (slot) {
			struct slot *next = slot->next;
			size_t at = slot_hash(slot) % n;

			slot->next = buckets[at];
			buckets[at] = slot;
			slot = next;
		}
	}
	free(elements->buckets);
	elements->buckets = buckets;
	elements->n_buckets = n;
}

static struct slot *find_slot(const struct elements *elements, enum ruleset_set set,
			      int family, const void *key)
{
	size_t len = ruleset_set_spec(set, family)->key_len;
	size_t at = hash_key(set, family, key, len) % elements->n_buckets;
	struct slot *slot;

	for (slot = elements->buckets[at]; slot; slot = slot->next) {
		if (slot->set == set && slot->family == family &&
		    memcmp(slot->before.key, key, len) == 0)
			return slot;
	}
	return NULL;
}

/* Remembers that the kernel has before, or has no such element (NULL). */
static struct slot *add_slot(struct elements *elements, enum ruleset_set set, int family,
			     const void *key, const struct nft_element *before)
{
	size_t len = ruleset_set_spec(set, family)->key_len, at;
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	if (elements->n_slots >= elements->n_buckets * 2 && !elements->is_walked)
		grow(elements);

	slot->set = set;
	slot->family = family;
	if (before) {
		slot->before = slot->after = *before;
		slot->was_there = slot->is_wanted = true;
	} else {
		memcpy(slot->before.key, key, len);
	}
	at = slot_hash(slot) % elements->n_buckets;
	slot->next = elements->buckets[at];
	elements->buckets[at] = slot;
	elements->n_slots++;
	return slot;
}

/* ---- Reading ------------------------------------------------------------------------------- */

int elements_open(struct elements *elements, struct error *error)
{
	char version[NFT_COMMENT_MAX + 1];
	int r;

	if (elements->is_open)
		return elements->has_table;

	r = nft_table_get(elements->nl, &ruleset_table, &elements->generation, version,
			  sizeof(version), error);
	if (r < 0)
		return r;
	if (r == 1 && strncmp(version, "nestnet ", 8) != 0)
		return error_set(error, EOPNOTSUPP,
				 "there is a table inet %s that nestnet did not make (nft delete "
				 "table inet %s would remove it)",
				 ruleset_table.name, ruleset_table.name);
	if (r == 1 && strcmp(version, RULESET_VERSION) != 0)
		return error_set(error, EOPNOTSUPP,
				 "table inet %s is '%s', made by another release of nestnet "
				 "(this one makes '%s')",
				 ruleset_table.name, version, RULESET_VERSION);

	elements->is_open = true;
	elements->has_table = elements->is_table_wanted = r == 1;
	return r;
}

/* Every element of the set has its slot: there is no need to ask the kernel. */
static bool is_known(const struct elements *elements, enum ruleset_set set, int family)
{
	return !elements->has_table || elements->is_loaded[set][family == AF_INET6];
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

/* Finds the slot of a key, and asks the kernel where it is not known yet. */
static int need_slot(struct elements *elements, enum ruleset_set set, int family,
		     const void *key, struct slot **ret, struct error *error)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, family);
	struct nft_element element = { .comment = "" };
	int r = elements_open(elements, error);

	if (r >= 0)
		r = load_intervals(elements, set, family, error);
	if (r < 0)
		return r;
	*ret = find_slot(elements, set, family, key);
	if (*ret)
		return 0;

	r = 0;
	if (!is_known(elements, set, family))
		r = nft_element_get(elements->nl, &ruleset_table, spec, key, NULL, &element,
				    error);
	if (r < 0)
		return r;
	*ret = add_slot(elements, set, family, key, r == 1 ? &element : NULL);
	return *ret ? 0 : error_set_errno(error, ENOMEM);
}

/* @return 1: *ret is the key's slot; 0: there is none, and nothing in the kernel either */
static int find_or_ask(struct elements *elements, enum ruleset_set set, int family,
		       const void *key, struct slot **ret, struct error *error)
{
	struct slot *slot;
	int r = elements_open(elements, error);

	if (r < 0)
		return r;
	r = load_intervals(elements, set, family, error);
	if (r < 0)
		return r;
	slot = find_slot(elements, set, family, key);
	if (!slot && is_known(elements, set, family))
		return 0;
	r = need_slot(elements, set, family, key, ret, error);
	return r < 0 ? r : 1;
}

int elements_get(struct elements *elements, enum ruleset_set set, int family,
		 const void *key, struct nft_element *ret, struct error *error)
{
	struct slot *slot;
	int r = find_or_ask(elements, set, family, key, &slot, error);

	if (r <= 0 || !slot->is_wanted)
		return r < 0 ? r : 0;
	*ret = slot->after;
	return 1;
}

int elements_get_before(struct elements *elements, enum ruleset_set set, int family,
			const void *key, struct nft_element *ret, struct error *error)
{
	struct slot *slot;
	int r = find_or_ask(elements, set, family, key, &slot, error);

	if (r <= 0 || !slot->was_there)
		return r < 0 ? r : 0;
	*ret = slot->before;
	return 1;
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
	for (size_t i = 0; i < loader->elements->n_buckets; i++) {
		struct slot *slot;

		for (slot = loader->elements->buckets[i]; slot; slot = slot->next) {
			if (slot->set == loader->set && slot->family == loader->family &&
			    slot->is_dumped)
				slot->was_there = slot->is_wanted = false;
		}
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
	slot = find_slot(loader->elements, loader->set, loader->family, element->key);
	if (slot && !slot->is_dumped)
		return 0;
	if (slot) {
		slot->before = slot->after = *element;
		slot->was_there = slot->is_wanted = true;
		return 0;
	}
	slot = add_slot(loader->elements, loader->set, loader->family, element->key, element);
	if (!slot)
		return -ENOMEM;
	slot->is_dumped = true;
	return 0;
}

int elements_load(struct elements *elements, enum ruleset_set set, int family,
		  struct error *error)
{
	struct loader loader = { .elements = elements, .set = set, .family = family };
	bool *is_loaded = &elements->is_loaded[set][family == AF_INET6];
	int r = elements_open(elements, error);

	if (r < 0)
		return r;
	if (*is_loaded || !elements->has_table) {
		*is_loaded = true;
		return 0;
	}
	r = nft_element_list(elements->nl, &ruleset_table, ruleset_set_spec(set, family),
			     keep_element, &loader, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	if (r < 0)
		return error_prefix(error, "list %s", ruleset_set_spec(set, family)->name);
	*is_loaded = true;
	return 0;
}

struct walk {
	enum ruleset_set set;
	int family;
	bool is_before;
	elements_fn fn;
	void *userdata;
};

static int walk_bucket(const struct slot *slot, const struct walk *walk)
{
	int r = 0;

	for (; r == 0 && slot; slot = slot->next) {
		bool is_there = walk->is_before ? slot->was_there : slot->is_wanted;

		if (slot->set == walk->set && slot->family == walk->family && is_there)
			r = walk->fn(walk->userdata,
				     walk->is_before ? &slot->before : &slot->after);
	}
	return r;
}

static int walk_elements(struct elements *elements, const struct walk *walk)
{
	bool was_walked = elements->is_walked;
	int r = 0;

	elements->is_walked = true;
	for (size_t i = 0; r == 0 && i < elements->n_buckets; i++)
		r = walk_bucket(elements->buckets[i], walk);
	elements->is_walked = was_walked;
	return r;
}

int elements_each(struct elements *elements, enum ruleset_set set, int family,
		  elements_fn fn, void *userdata)
{
	const struct walk walk = {
		.set = set, .family = family, .fn = fn, .userdata = userdata
	};

	return walk_elements(elements, &walk);
}

int elements_each_before(struct elements *elements, enum ruleset_set set, int family,
			 elements_fn fn, void *userdata)
{
	const struct walk walk = {
		.set = set, .family = family, .is_before = true, .fn = fn, .userdata = userdata
	};

	return walk_elements(elements, &walk);
}

/* ---- Changing ------------------------------------------------------------------------------ */

int elements_put(struct elements *elements, enum ruleset_set set, int family,
		 const struct nft_element *element, struct error *error)
{
	struct slot *slot;
	int r = need_slot(elements, set, family, element->key, &slot, error);

	if (r < 0)
		return r;
	slot->after = *element;
	slot->is_wanted = slot->is_put = true;
	elements->is_table_wanted = true;
	return 0;
}

int elements_remove(struct elements *elements, enum ruleset_set set, int family,
		    const void *key, struct error *error)
{
	struct slot *slot;
	int r = need_slot(elements, set, family, key, &slot, error);

	if (r < 0)
		return r;
	slot->is_wanted = false;
	return 0;
}

void elements_remove_table(struct elements *elements)
{
	elements->is_table_wanted = false;
}

bool elements_has_table(const struct elements *elements)
{
	return elements->is_table_wanted;
}

/* ---- The batch ------------------------------------------------------------------------------- */

static bool is_equal(const struct slot *slot)
{
	const struct nft_element *a = &slot->before, *b = &slot->after;

	return memcmp(a->key_end, b->key_end, sizeof(a->key_end)) == 0 &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0 &&
	       strcmp(a->comment, b->comment) == 0 && a->timeout_ms == b->timeout_ms;
}

static bool is_changed(const struct slot *slot)
{
	if (slot->was_there != slot->is_wanted)
		return true;
	if (!slot->is_wanted)
		return false;
	return !is_equal(slot) || (slot->is_put && slot->after.timeout_ms);
}

bool elements_is_changed(const struct elements *elements)
{
	if (elements->has_table != elements->is_table_wanted)
		return true;
	for (size_t i = 0; i < elements->n_buckets; i++) {
		for (struct slot *slot = elements->buckets[i]; slot; slot = slot->next) {
			if (is_changed(slot))
				return true;
		}
	}
	return false;
}

/* Deletes what is there and is to go or to change; or adds what is to be there. In the
 * batch all deletions come first, so that no interval meets one that is about to go. */
static void put_slots(const struct elements *elements, struct nft_batch *batch,
		      bool is_reverse, bool is_adding)
{
	for (size_t i = 0; i < elements->n_buckets; i++) {
		for (struct slot *slot = elements->buckets[i]; slot; slot = slot->next) {
			const struct nft_set_spec *spec =
				ruleset_set_spec(slot->set, slot->family);
			bool is_from = is_reverse ? slot->is_wanted : slot->was_there;
			bool is_to = is_reverse ? slot->was_there : slot->is_wanted;

			if (!is_changed(slot))
				continue;
			if (!is_adding && is_from)
				nft_element_delete(batch, &ruleset_table, spec,
						   is_reverse ? &slot->after
							      : &slot->before);
			if (is_adding && is_to)
				nft_element_add(batch, &ruleset_table, spec,
						is_reverse ? &slot->before : &slot->after);
		}
	}
}

/* The way from one state to the other; without a table there are no elements. */
static void put_difference(const struct elements *elements, struct nft_batch *batch,
			   bool is_reverse)
{
	bool has_from = is_reverse ? elements->is_table_wanted : elements->has_table;
	bool has_to = is_reverse ? elements->has_table : elements->is_table_wanted;

	if (has_from && !has_to) {
		nft_delete_table(batch, &ruleset_table);
		return;
	}
	if (!has_from && has_to)
		ruleset_create(batch);
	if (has_from)
		put_slots(elements, batch, is_reverse, false);
	put_slots(elements, batch, is_reverse, true);
}

static void cleanup_batch(struct nft_batch **batch)
{
	nft_batch_free(*batch);
}

static int send_difference(struct elements *elements, bool is_reverse, uint32_t generation,
			   struct error *error)
{
	_cleanup_(cleanup_batch) struct nft_batch *batch = nft_batch_new();
	int r;

	if (!batch)
		return error_set_errno(error, ENOMEM);
	put_difference(elements, batch, is_reverse);
	if (nft_batch_is_empty(batch))
		return 0;
	r = nft_batch_commit(elements->nl, batch, generation, error);
	return r < 0 ? error_prefix(error, "change table inet %s", ruleset_table.name) : 0;
}

/* A changed element that can be asked for by its key; NULL: there is none. */
static const struct slot *find_witness(const struct elements *elements)
{
	for (size_t i = 0; i < elements->n_buckets; i++) {
		const struct slot *slot;

		for (slot = elements->buckets[i]; slot; slot = slot->next) {
			const struct nft_set_spec *spec =
				ruleset_set_spec(slot->set, slot->family);

			if (is_changed(slot) && (!(spec->flags & NFT_SPEC_INTERVAL) ||
						 nft_set_spec_is_concat(spec)))
				return slot;
		}
	}
	return NULL;
}

/* Whether an element is in the kernel as wanted. @return 1, 0, or a negative errno */
static int is_as_wanted(struct elements *elements, const struct slot *slot,
			struct error *error)
{
	const struct nft_element *known = slot->is_wanted ? &slot->after : &slot->before;
	struct slot now = *slot;
	int r = nft_element_get(elements->nl, &ruleset_table,
				ruleset_set_spec(slot->set, slot->family), known->key,
				known->key_end, &now.before, error);

	if (r < 0)
		return r;
	return r == slot->is_wanted && (r == 0 || is_equal(&now));
}

/* After a batch whose answer was lost: was it done? @return 1, 0, or a negative errno */
static int is_committed(struct elements *elements, struct error *error)
{
	const struct slot *witness = find_witness(elements);
	char version[NFT_COMMENT_MAX + 1];
	uint32_t generation;
	int r = nft_table_get(elements->nl, &ruleset_table, &generation, version,
			      sizeof(version), error);

	if (r < 0)
		return r;
	if (generation == elements->generation || r != elements->is_table_wanted)
		return 0;
	return witness && r == 1 ? is_as_wanted(elements, witness, error) : 1;
}

int elements_commit(struct elements *elements, struct error *error)
{
	struct error lost;
	int r = send_difference(elements, false, elements->generation, error);

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

int elements_revert(struct elements *elements, struct error *error)
{
	return send_difference(elements, true, 0, error);
}
