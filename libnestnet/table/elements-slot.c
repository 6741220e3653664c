/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How elements are remembered. There may be hundreds of thousands, nearly all of them a few
 * bytes: so each takes what its set says and no more, one behind another in blocks that are
 * let go together, and what is zeros is not kept at all.
 */

#include "table/elements-slot.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The first is enough for what one exposure asks for, and not much to clear; the others are
 * few where there are many elements. */
#define FIRST_BLOCK_SIZE 2048
#define BLOCK_SIZE       65536

struct slot_block {
	struct slot_block *next;
	size_t used, size;
	uint64_t bytes[];
};

/* @return zeroed memory that lives as long as the view, or NULL */
static void *take(struct elements *elements, size_t len)
{
	struct slot_block *block = elements->blocks;
	void *taken;

	len = (len + 7) & ~(size_t)7;
	if (!block || block->used + len > block->size) {
		size_t size = block ? BLOCK_SIZE : FIRST_BLOCK_SIZE;

		block = calloc(1, sizeof(*block) + size);
		if (!block)
			return NULL;
		block->size = size;
		block->next = elements->blocks;
		elements->blocks = block;
	}
	taken = (char *)block->bytes + block->used;
	block->used += len;
	return taken;
}

void slots_free(struct elements *elements)
{
	while (elements->blocks) {
		struct slot_block *next = elements->blocks->next;

		free(elements->blocks);
		elements->blocks = next;
	}
}

struct slot *slot_new(struct elements *elements, enum ruleset_set set, int family,
		      const void *key)
{
	size_t len = ruleset_set_spec(set, family)->key_len;
	struct slot *slot = take(elements, sizeof(*slot) + len);

	if (!slot)
		return NULL;
	slot->set = (uint16_t)set;
	slot->family = (uint16_t)family;
	memcpy(slot->key, key, len);
	return slot;
}

/* ---- Elements without their keys ------------------------------------------------------------ */

/* Which of an element's fields its set has. */
struct shape {
	size_t key_len, end_len, data_len;
};

static struct shape shape_of(const struct slot *slot)
{
	const struct nft_set_spec *spec = ruleset_set_spec(slot->set, slot->family);
	struct shape shape = { .key_len = spec->key_len, .data_len = spec->data_len };

	if (spec->flags & NFT_SPEC_INTERVAL)
		shape.end_len = spec->key_len;
	if (slot->set == RULESET_GUARD_CHAIN)
		shape.data_len = NFT_DATA_MAX; /* no set, and no spec of its data */
	return shape;
}

/* An element of which nothing but the key is known. */
static const union {
	struct slot_value value;
	char bytes[sizeof(struct slot_value) + NFT_KEY_MAX + NFT_DATA_MAX + 1];
} plain;

static bool is_zero(const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[NFT_KEY_MAX + NFT_DATA_MAX];

	return memcmp(bytes, zeros, len) == 0;
}

const struct slot_value *slot_pack(struct elements *elements, const struct slot *slot,
				   const struct nft_element *element)
{
	struct shape shape = shape_of(slot);
	size_t comment_len = strnlen(element->comment, NFT_COMMENT_MAX);
	struct slot_value *value;

	if (!element->timeout_ms && !element->expires_ms && !element->packets &&
	    comment_len == 0 && is_zero(element->key_end, shape.end_len) &&
	    is_zero(element->data, shape.data_len))
		return &plain.value;
	value = take(elements,
		     sizeof(*value) + shape.end_len + shape.data_len + comment_len + 1);
	if (!value)
		return NULL;
	value->timeout_ms = element->timeout_ms;
	value->expires_ms = element->expires_ms;
	value->packets = element->packets;
	memcpy(value->bytes, element->key_end, shape.end_len);
	memcpy(value->bytes + shape.end_len, element->data, shape.data_len);
	memcpy(value->bytes + shape.end_len + shape.data_len, element->comment,
	       comment_len);
	return value;
}

void slot_unpack(const struct slot *slot, const struct slot_value *value,
		 struct nft_element *ret)
{
	struct shape shape = shape_of(slot);
	const uint8_t *data = value->bytes + shape.end_len;
	const char *comment = (const char *)data + shape.data_len;

	memset(ret, 0, offsetof(struct nft_element, comment) + 1);
	memcpy(ret->key, slot->key, shape.key_len);
	memcpy(ret->key_end, value->bytes, shape.end_len);
	memcpy(ret->data, data, shape.data_len);
	/* slot_pack() kept its NUL, and no more than NFT_COMMENT_MAX before it. */
	memcpy(ret->comment, comment, strnlen(comment, NFT_COMMENT_MAX) + 1);
	ret->timeout_ms = value->timeout_ms;
	ret->expires_ms = value->expires_ms;
	ret->packets = value->packets;
}

bool slot_value_equal(const struct slot *slot, const struct slot_value *a,
		      const struct slot_value *b)
{
	struct shape shape = shape_of(slot);
	size_t len = shape.end_len + shape.data_len;

	return a == b ||
	       (a->timeout_ms == b->timeout_ms && memcmp(a->bytes, b->bytes, len) == 0 &&
		strcmp((const char *)a->bytes + len, (const char *)b->bytes + len) == 0);
}

struct slot **slots_of(struct elements *elements, enum ruleset_set set, int family)
{
	return &elements->sets[set][family == AF_INET6];
}

void slots_add(struct elements *elements, struct slot *slot)
{
	struct slot **slots = slots_of(elements, slot->set, slot->family);
	size_t bit = (size_t)(slots - &elements->sets[0][0]);

	slot->next_in_set = *slots;
	*slots = slot;
	elements->used[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* ---- Going through ------------------------------------------------------------------------- */

struct walk {
	enum ruleset_set set;
	int family;
	bool is_before;
	elements_fn fn;
	void *userdata;
};

/* What fn asks for meanwhile comes before the first, and is not gone through. */
static int walk_elements(struct elements *elements, const struct walk *walk)
{
	const struct slot *slot = *slots_of(elements, walk->set, walk->family);
	int r = 0;

	for (; r == 0 && slot; slot = slot->next_in_set) {
		const struct slot_value *value =
			walk->is_before ? slot->before : slot->after;
		struct nft_element element;

		if (!value)
			continue;
		slot_unpack(slot, value, &element);
		r = walk->fn(walk->userdata, &element);
	}
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
	const struct walk walk = { .set = set,
				   .family = family,
				   .is_before = true,
				   .fn = fn,
				   .userdata = userdata };

	return walk_elements(elements, &walk);
}
