/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_HASH_H
#define NESTNET_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** What bytes hash to, in all bits, by four at a time. Names and keys of ours alone: nobody
 *  gains by a collision but longer waits for himself. @param len  a multiple of 4 */
static inline uint32_t hash_bytes(uint32_t seed, const void *bytes, size_t len)
{
	uint64_t hash = seed;

	/* The golden ratio's bits; the upper half of a product depends on all of both. */
	for (size_t at = 0; at + sizeof(uint32_t) <= len; at += sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, (const char *)bytes + at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

#endif
