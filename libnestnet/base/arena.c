/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory in blocks; arena.h says for what. */

#include "base/arena.h"

#include <stdbool.h>
#include <stdlib.h>

/* The first is enough for what one request takes, and not much to clear; the others are few
 * where there is much. */
#define FIRST_BLOCK 2048

#define BLOCKS_MAX ((size_t)1 << (32 - ARENA_WORD_BITS))

/* The table of blocks grows at the powers of two. */
static bool add_block(struct arena *arena)
{
	size_t n = arena->n, size = n > 0 ? ARENA_BLOCK : FIRST_BLOCK;
	char **grown = arena->blocks;

	if (n == BLOCKS_MAX)
		return false;
	if ((n & (n - 1)) == 0)
		grown = reallocarray(grown, n ? n * 2 : 1, sizeof(*grown));
	if (!grown)
		return false;
	arena->blocks = grown;
	grown[n] = calloc(1, size);
	if (!grown[n])
		return false;
	arena->n++;
	arena->size = size;
	arena->used = n > 0 ? 0 : ARENA_WORD; /* nothing has the number 0 */
	return true;
}

uint32_t arena_take(struct arena *arena, size_t len)
{
	size_t number;

	len = (len + ARENA_WORD - 1) & ~(size_t)(ARENA_WORD - 1);
	if (arena->size - arena->used < len && !add_block(arena))
		return 0;
	number = (arena->n - 1) << ARENA_WORD_BITS | arena->used / ARENA_WORD;
	arena->used += len;
	return (uint32_t)number;
}

void arena_clear(struct arena *arena)
{
	for (size_t i = 0; i < arena->n; i++)
		free(arena->blocks[i]);
	free(arena->blocks);
	*arena = (struct arena){ .n = 0 };
}
