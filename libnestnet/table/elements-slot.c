/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How elements are remembered. There may be hundreds of thousands, nearly all of them a few
 * bytes: so each takes what its set says and no more, and what is zeros is not kept at all.
 */

#include "table/elements-slot.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool slots_begin(struct elements *elements)
{
	/* Zeros, as long as those of any set. */
	elements->plain =
		arena_take(&elements->memory,
			   sizeof(struct slot_value) + NFT_KEY_MAX + NFT_DATA_MAX + 1);
	return elements->plain != 0;
}

uint32_t slot_new(struct elements *elements, enum ruleset_set set, int family,
		  const void *key)
{
	size_t bit = (size_t)set * 2 + (family == AF_INET6);
	uint32_t *last = &elements->sets[bit / 2][bit % 2];
	size_t len = ruleset_set_spec(set, family)->key_len;
	uint32_t number = arena_take(&elements->memory, offsetof(struct slot, key) + len);
	struct slot *slot = slot_at(elements, number);

	if (!slot)
		return 0;
	slot->set = (uint8_t)set;
	slot->is_six = family == AF_INET6;
	memcpy(slot->key, key, len);
	slot->next_in_set = *last;
	*last = number;
	elements->used[bit / 64] |= (uint64_t)1 << bit % 64;
	return number;
}

/* ---- Elements without their keys ------------------------------------------------------------ */

/* Which of an element's fields its set has. */
struct shape {
	size_t key_len, end_len, data_len;
};

static struct shape shape_of(const struct slot *slot)
{
	const struct nft_set_spec *spec = slot_spec(slot);
	struct shape shape = { .key_len = spec->key_len, .data_len = spec->data_len };

	if (spec->flags & NFT_SPEC_INTERVAL)
		shape.end_len = spec->key_len;
	if (slot->set == RULESET_GUARD_CHAIN)
		shape.data_len = NFT_DATA_MAX; /* no set, and no spec of its data */
	return shape;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[NFT_KEY_MAX + NFT_DATA_MAX];

	return memcmp(bytes, zeros, len) == 0;
}

uint32_t slot_pack(struct elements *elements, const struct slot *slot,
		   const struct nft_element *element)
{
	const struct slot_numbers numbers = { element->timeout_ms, element->expires_ms,
					      element->packets };
	bool has_numbers = numbers.timeout_ms || numbers.expires_ms || numbers.packets;
	size_t comment_len = strnlen(element->comment, NFT_COMMENT_MAX);
	struct shape shape = shape_of(slot);
	struct slot_value *value;
	uint32_t number;
	uint8_t *at;

	if (!has_numbers && comment_len == 0 &&
	    is_zero(element->key_end, shape.end_len) &&
	    is_zero(element->data, shape.data_len))
		return elements->plain;
	number = arena_take(&elements->memory,
			    sizeof(*value) + (has_numbers ? sizeof(numbers) : 0) +
				    shape.end_len + shape.data_len + comment_len + 1);
	if (!number)
		return 0;
	value = arena_at(&elements->memory, number);
	value->has_numbers = has_numbers;
	at = value->bytes;
	if (has_numbers)
		at = (uint8_t *)mempcpy(at, &numbers, sizeof(numbers));
	at = (uint8_t *)mempcpy(at, element->key_end, shape.end_len);
	at = (uint8_t *)mempcpy(at, element->data, shape.data_len);
	memcpy(at, element->comment, comment_len);
	return number;
}

const uint8_t *slot_value_end(const struct slot_value *value)
{
	return value->bytes + (value->has_numbers ? sizeof(struct slot_numbers) : 0);
}

struct slot_numbers slot_numbers_of(const struct slot_value *value)
{
	struct slot_numbers numbers = { .packets = 0 };

	if (value->has_numbers)
		memcpy(&numbers, value->bytes, sizeof(numbers));
	return numbers;
}

void slot_unpack(const struct slot *slot, const struct slot_value *value,
		 struct nft_element *ret)
{
	struct slot_numbers numbers = slot_numbers_of(value);
	struct shape shape = shape_of(slot);
	const uint8_t *end = slot_value_end(value), *data = end + shape.end_len;
	const char *comment = (const char *)data + shape.data_len;

	memset(ret, 0, offsetof(struct nft_element, comment) + 1);
	memcpy(ret->key, slot->key, shape.key_len);
	memcpy(ret->key_end, end, shape.end_len);
	memcpy(ret->data, data, shape.data_len);
	/* slot_pack() kept its NUL, and no more than NFT_COMMENT_MAX before it. */
	if (*comment)
		memcpy(ret->comment, comment, strnlen(comment, NFT_COMMENT_MAX) + 1);
	ret->timeout_ms = numbers.timeout_ms;
	ret->expires_ms = numbers.expires_ms;
	ret->packets = numbers.packets;
}

bool slot_value_equal(const struct slot *slot, const struct slot_value *a,
		      const struct slot_value *b)
{
	struct shape shape = shape_of(slot);
	size_t len = shape.end_len + shape.data_len;
	const uint8_t *x = slot_value_end(a), *y = slot_value_end(b);

	return a == b ||
	       (slot_numbers_of(a).timeout_ms == slot_numbers_of(b).timeout_ms &&
		memcmp(x, y, len) == 0 &&
		strcmp((const char *)x + len, (const char *)y + len) == 0);
}

struct slot *slots_of(const struct elements *elements, enum ruleset_set set, int family)
{
	return slot_at(elements, elements->sets[set][family == AF_INET6]);
}

struct slot *slots_next(const struct elements *elements, size_t *at)
{
	while (*at < (size_t)RULESET_SETS * 2) {
		uint64_t left = elements->used[*at / 64] >> *at % 64;
		size_t bit = *at + (left ? (size_t)__builtin_ctzll(left) : 0);

		*at = left ? bit + 1 : (*at / 64 + 1) * 64;
		if (left)
			return slot_at(elements, elements->sets[bit / 2][bit % 2]);
	}
	return NULL;
}

const struct slot *slots_find(const struct elements *elements, slot_fn fn)
{
	const struct slot *slot;
	size_t at = 0;

	while ((slot = slots_next(elements, &at))) {
		for (; slot; slot = slot_next(elements, slot)) {
			if (fn(elements, slot))
				return slot;
		}
	}
	return NULL;
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
	const struct slot *slot = slots_of(elements, walk->set, walk->family);
	int r = 0;

	for (; r == 0 && slot; slot = slot_next(elements, slot)) {
		const struct slot_value *value = walk->is_before
							 ? slot_before(elements, slot)
							 : slot_after(elements, slot);
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
