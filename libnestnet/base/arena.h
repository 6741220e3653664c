/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_ARENA_H
#define NESTNET_BASE_ARENA_H

/*
 * Memory for what there are hundreds of thousands of, each a few bytes: one behind another
 * in blocks that stay where they are and are let go together. What is in it is also known by
 * a number half as long as a pointer.
 */

#include <stddef.h>
#include <stdint.h>

/* A number is a block's, and within it that of a word. */
#define ARENA_WORD      4
#define ARENA_WORD_BITS 14
#define ARENA_BLOCK     (ARENA_WORD << ARENA_WORD_BITS)

/** Zeros are an empty one. */
struct arena {
	char **blocks;
	size_t n, used /* of the last block */, size /* of that block */;
};

/** Takes zeroed memory, aligned to ARENA_WORD. @param len  at most ARENA_BLOCK / 2
 *  @return its number, never 0; 0: no memory */
uint32_t arena_take(struct arena *arena, size_t len);

/** What has the number. @param number  not 0 */
static inline void *arena_at(const struct arena *arena, uint32_t number)
{
	return arena->blocks[number >> ARENA_WORD_BITS] +
	       (size_t)ARENA_WORD * (number & ((1u << ARENA_WORD_BITS) - 1));
}

/** Lets go of all that was taken. */
void arena_clear(struct arena *arena);

#endif
