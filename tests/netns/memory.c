/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocations that fail, and that are counted, in front of glibc's; memory.h. */

#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* glibc's own, by the names under which it keeps them for such as us. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *piece, size_t size);
void __libc_free(void *piece);

/* Pieces that are held: open addressing, never full by far. */
#define PIECES (1u << 17)

static struct {
	bool is_counting, is_lasting, has_struck, is_overrun;
	unsigned int at, n;
	size_t n_held;
	struct {
		void *piece, *caller;
	} held[PIECES];
} memory;

#define TOMBSTONE ((void *)&memory)

static size_t place_of(const void *piece)
{
	return (size_t)(((uintptr_t)piece >> 4) * 2654435761u) % PIECES;
}

static void hold(void *piece, void *caller)
{
	size_t at = place_of(piece);

	if (!piece || !memory.is_counting)
		return;
	if (memory.n_held > PIECES / 2) {
		memory.is_overrun = true;
		return;
	}
	while (memory.held[at].piece && memory.held[at].piece != TOMBSTONE)
		at = (at + 1) % PIECES;
	memory.held[at].piece = piece;
	memory.held[at].caller = caller;
	memory.n_held++;
}

static void let_go(void *piece)
{
	if (!piece || memory.n_held == 0)
		return;
	for (size_t at = place_of(piece); memory.held[at].piece; at = (at + 1) % PIECES) {
		if (memory.held[at].piece == piece) {
			memory.held[at].piece = TOMBSTONE;
			memory.n_held--;
			return;
		}
	}
}

static bool fails(void)
{
	bool is_struck;

	if (!memory.is_counting)
		return false;
	memory.n++;
	is_struck = memory.at && (memory.n == memory.at ||
				  (memory.is_lasting && memory.n > memory.at));
	memory.has_struck = memory.has_struck || is_struck;
	if (is_struck)
		errno = ENOMEM;
	return is_struck;
}

void *malloc(size_t size)
{
	void *piece = fails() ? NULL : __libc_malloc(size);

	hold(piece, __builtin_return_address(0));
	return piece;
}

void *calloc(size_t n, size_t size)
{
	void *piece = fails() ? NULL : __libc_calloc(n, size);

	hold(piece, __builtin_return_address(0));
	return piece;
}

void *realloc(void *piece, size_t size)
{
	void *grown;

	if (fails())
		return NULL;
	grown = __libc_realloc(piece, size);
	if (!grown)
		return NULL;
	let_go(piece);
	hold(grown, __builtin_return_address(0));
	return grown;
}

void free(void *piece)
{
	let_go(piece);
	__libc_free(piece);
}

void memory_arm(unsigned int n, bool is_lasting)
{
	memset(&memory, 0, sizeof(memory));
	memory.at = n;
	memory.is_lasting = is_lasting;
	memory.is_counting = true;
}

bool memory_disarm(void)
{
	memory.is_counting = false;
	return memory.has_struck;
}

unsigned int memory_count(void)
{
	return memory.n;
}

size_t memory_held(void **ret_caller)
{
	*ret_caller = NULL;
	if (memory.is_overrun)
		return SIZE_MAX;
	for (size_t at = 0; memory.n_held && !*ret_caller && at < PIECES; at++) {
		if (memory.held[at].piece && memory.held[at].piece != TOMBSTONE)
			*ret_caller = memory.held[at].caller;
	}
	return memory.n_held;
}
