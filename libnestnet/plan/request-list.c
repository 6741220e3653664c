/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests in little memory. What is kept of an exposure are the words that are not zero,
 * behind a mask that says which these are. Of another request it is a mask of none and a
 * pointer.
 */

#include "plan/request-list.h"

#include <stdlib.h>
#include <string.h>

typedef uint32_t word;

#define WORDS (sizeof(struct expose_request) / sizeof(word))
_Static_assert(sizeof(struct expose_request) % sizeof(word) == 0 &&
		       WORDS <= 8 * sizeof(word),
	       "a mask has room for an exposure");

struct packed {
	word mask;
	word words[];
};

static uint32_t pack(struct arena *memory, const struct expose_request *expose)
{
	word words[WORDS], mask = 0;
	struct packed *packed;
	size_t n = 0;
	uint32_t number;

	memcpy(words, expose, sizeof(words));
	for (size_t i = 0; i < WORDS; i++) {
		if (words[i]) {
			mask |= (word)1 << i;
			words[n++] = words[i];
		}
	}
	number = arena_take(memory, sizeof(*packed) + n * sizeof(word));
	if (!number)
		return 0;
	packed = arena_at(memory, number);
	packed->mask = mask;
	memcpy(packed->words, words, n * sizeof(word));
	return number;
}

static void unpack(const struct packed *packed, struct expose_request *ret)
{
	const word *next = packed->words;

	memset(ret, 0, sizeof(*ret));
	for (word mask = packed->mask; mask; mask &= mask - 1) {
		size_t at = sizeof(word) * (size_t)__builtin_ctz(mask);

		memcpy((char *)ret + at, next++, sizeof(word));
	}
}

static uint32_t keep_whole(struct arena *memory, const struct request *request)
{
	struct request *copy = malloc(sizeof(*copy));
	struct packed *packed;
	uint32_t number;

	if (!copy)
		return 0;
	number = arena_take(memory, sizeof(*packed) + sizeof(copy));
	if (!number) {
		free(copy);
		return 0;
	}
	packed = arena_at(memory, number);
	*copy = *request;
	memcpy(packed->words, &copy, sizeof(copy));
	// cppcheck-suppress memleak ; the words have its address
	return number;
}

static const struct packed *packed_at(const struct request_list *list, size_t index)
{
	return arena_at(&list->memory, list->numbers[index]);
}

static struct request *whole_at(const struct request_list *list, size_t index)
{
	const struct packed *packed = packed_at(list, index);
	struct request *whole = NULL;

	if (!packed->mask)
		memcpy(&whole, packed->words, sizeof(whole));
	return whole;
}

bool request_list_add(struct request_list *list, const struct request *request)
{
	uint32_t *grown = list->numbers, number;
	size_t n = list->n;

	if ((n & (n - 1)) == 0)
		grown = reallocarray(grown, n ? n * 2 : 1, sizeof(*grown));
	if (!grown)
		return false;
	list->numbers = grown;
	number = request->kind == REQUEST_EXPOSE ? pack(&list->memory, &request->expose)
						 : keep_whole(&list->memory, request);
	if (!number)
		return false;
	grown[list->n++] = number;
	list->kinds |= 1u << request->kind;
	return true;
}

const struct request *request_list_at(const struct request_list *list, size_t index,
				      struct request *buffer)
{
	const struct request *whole = whole_at(list, index);

	if (whole)
		return whole;
	buffer->kind = REQUEST_EXPOSE;
	unpack(packed_at(list, index), &buffer->expose);
	return buffer;
}

const struct request *request_list_whole(const struct request_list *list, size_t index)
{
	return whole_at(list, index);
}

enum request_kind request_list_kind(const struct request_list *list, size_t index)
{
	const struct request *whole = whole_at(list, index);

	return whole ? whole->kind : REQUEST_EXPOSE;
}

bool request_list_has(const struct request_list *list, enum request_kind kind)
{
	return list->kinds & 1u << kind;
}

void request_list_clear(struct request_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct request buffer, *whole = whole_at(list, i);

		if (!whole)
			(void)request_list_at(list, i, &buffer);
		request_clear(whole ? whole : &buffer);
		free(whole);
	}
	arena_clear(&list->memory);
	free(list->numbers);
	*list = (struct request_list){ .n = 0 };
}
