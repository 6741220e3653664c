/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What our table is made of: its sets, which is where all state is kept. The key of a set
 * is exactly what its rule in ruleset-rules.c loads, and the shape of an exposure chooses
 * the set: hashes (a lookup and a change cost the same at any size) for exact addresses
 * and ports, interval sets apart from them for what is a range (facts 24).
 *
 * Both families have the same sets: an array each, from one macro. What nft prints of all
 * this is tests/netns/skeleton.nft.
 */

#include "table/ruleset.h"

#include "table/ruleset-guard.h"
#include "table/ruleset-rules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const struct nft_table ruleset_table = { .family = NFT_FAMILY_INET, .name = "nestnet" };

/* ---- Keys and values: ip is NFT_TYPE_IPV4 or _IPV6, len its bytes ------------------ */

/* a . b, a . b . c and so on have each field padded to 4 bytes. */
#define KEY_ADDRESS(ip, len) .key_type = (ip), .key_len = (len)
#define KEY_PORT(ip, len)                                                      \
	.key_type = NFT_TYPE3(ip, NFT_TYPE_PROTO, NFT_TYPE_SERVICE),           \
	.key_len = (len) + 4 + 4, .fields = { (len), 1, 2 }
#define KEY_ANY_PORT(ip, len)                                                  \
	.key_type = NFT_TYPE2(NFT_TYPE_PROTO, NFT_TYPE_SERVICE),               \
	.key_len = 4 + 4, .fields = { 1, 2 }
#define KEY_ANY_PORT_ADDRESS(ip, len)                                          \
	.key_type = NFT_TYPE3(NFT_TYPE_PROTO, NFT_TYPE_SERVICE, ip),           \
	.key_len = 4 + 4 + (len), .fields = { 1, 2, (len) }
#define KEY_PORT_ADDRESS(ip, len)                                              \
	.key_type = NFT_TYPE4(ip, NFT_TYPE_PROTO, NFT_TYPE_SERVICE, ip),       \
	.key_len = (len) + 4 + 4 + (len), .fields = { (len), 1, 2, (len) }
#define KEY_ADDRESSES(ip, len)                                                 \
	.key_type = NFT_TYPE2(ip, ip), .key_len = (len) + (len),               \
	.fields = { (len), (len) }
#define KEY_ADDRESS_NUMBER(ip, len)                                            \
	.key_type = NFT_TYPE2(ip, NFT_TYPE_SERVICE), .key_len = (len) + 4,     \
	.fields = { (len), 2 }
#define KEY_ADDRESS_NAME(ip, len)                                              \
	.key_type = NFT_TYPE2(ip, NFT_TYPE_IFNAME), .key_len = (len) + 16,     \
	.fields = { (len), 16 }

#define TO_ADDRESS(ip, len) .data_type = (ip), .data_len = (len)
#define TO_PORT(ip, len)                                                       \
	.data_type = NFT_TYPE2(ip, NFT_TYPE_SERVICE), .data_len = (len) + 4
#define TO_PREFIX(ip, len) .data_type = (ip), .data_len = 2 * (len)

#define INTERVAL NFT_SPEC_INTERVAL
#define TIMEOUT  NFT_SPEC_TIMEOUT
#define COUNTER  NFT_SPEC_COUNTER
#define PREFIX   (NFT_SPEC_INTERVAL | NFT_SPEC_DATA_INTERVAL)

/* ---- The sets ---------------------------------------------------------------------- */

#define SET(n, set, set_flags, ...) \
	{ .name = set #n, .flags = (set_flags), __VA_ARGS__ }

/* Sources that are prefixes: a hash of masked addresses for each length, since an interval
 * set of two fields takes 100 ms to delete from at 10,000 (facts 32f). A prefix of another
 * length is as many of the next longer one, at most 128. */
#define PREFIX_SOURCE(n, SHAPE, shape, bits, ...)                              \
	[RULESET_##SHAPE##_SRC_##bits] = { .name = shape "_src" #n "_" #bits,  \
					   .flags = TIMEOUT, __VA_ARGS__ }
#define PREFIX_SOURCES(n, SHAPE, shape, ...)                                   \
	PREFIX_SOURCE(n, SHAPE, shape, 8, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 16, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 24, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 32, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 40, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 48, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 56, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 64, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 72, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 80, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 88, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 96, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 104, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 112, __VA_ARGS__),                        \
	PREFIX_SOURCE(n, SHAPE, shape, 120, __VA_ARGS__)

/* One line a set, in the order of enum ruleset_set; n is 4 or 6. */
/* clang-format off */
#define SETS(n, ip, len) { \
[RULESET_FOUND] = { .name = "found", .key_type = NFT_TYPE_IFNAME, .key_len = 16 }, \
[RULESET_PORT]       = SET(n, "port", COUNTER, KEY_PORT(ip, len), TO_PORT(ip, len)), \
[RULESET_PORT_TIMED] = SET(n, "port_timed", TIMEOUT | COUNTER, \
	KEY_PORT(ip, len), TO_PORT(ip, len)), \
[RULESET_SHIFT]      = SET(n, "shift", TIMEOUT | COUNTER, \
	KEY_PORT(ip, len), TO_PORT(ip, len)), \
[RULESET_RANGE]      = SET(n, "range", INTERVAL | TIMEOUT | COUNTER, \
	KEY_PORT(ip, len), TO_ADDRESS(ip, len)), \
[RULESET_ANY]        = SET(n, "any", TIMEOUT | COUNTER, \
	KEY_ANY_PORT(ip, len), TO_PORT(ip, len)), \
[RULESET_ADDR]       = SET(n, "addr", COUNTER, \
	KEY_ADDRESS(ip, len), TO_ADDRESS(ip, len)), \
[RULESET_ADDR_TIMED] = SET(n, "addr_timed", TIMEOUT | COUNTER, \
	KEY_ADDRESS(ip, len), TO_ADDRESS(ip, len)), \
[RULESET_PREF]       = SET(n, "pref", PREFIX | TIMEOUT | COUNTER, \
	KEY_ADDRESS(ip, len), TO_PREFIX(ip, len)), \
[RULESET_SHIFT_RANGE] = SET(n, "shift_range", INTERVAL | TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_PORT_FROM]  = SET(n, "port_from", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_PORT_SRC]   = SET(n, "port_src", TIMEOUT, KEY_PORT_ADDRESS(ip, len)), \
PREFIX_SOURCES(n, PORT, "port", KEY_PORT_ADDRESS(ip, len)), \
[RULESET_RANGE_FROM] = SET(n, "range_from", INTERVAL | TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_RANGE_SRC]  = SET(n, "range_src", INTERVAL | TIMEOUT, \
	KEY_PORT_ADDRESS(ip, len)), \
[RULESET_ADDR_FROM]  = SET(n, "addr_from", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_ADDR_SRC]   = SET(n, "addr_src", TIMEOUT, KEY_ADDRESSES(ip, len)), \
PREFIX_SOURCES(n, ADDR, "addr", KEY_ADDRESSES(ip, len)), \
[RULESET_PREF_FROM]  = SET(n, "pref_from", INTERVAL | TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_SRC]   = SET(n, "pref_src", INTERVAL | TIMEOUT, KEY_ADDRESSES(ip, len)), \
[RULESET_ANY_FROM]   = SET(n, "any_from", INTERVAL | TIMEOUT, KEY_ANY_PORT(ip, len)), \
[RULESET_ANY_SRC]    = SET(n, "any_src", INTERVAL | TIMEOUT, \
	KEY_ANY_PORT_ADDRESS(ip, len)), \
[RULESET_EXCEPT]        = SET(n, "except", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_EXCEPT_RANGE]  = SET(n, "except_range", INTERVAL | TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_ADDR_EXCEPT]   = SET(n, "addr_except", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PORT_NOLOCAL]  = SET(n, "port_nolocal", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_RANGE_NOLOCAL] = SET(n, "range_nolocal", INTERVAL | TIMEOUT, \
	KEY_PORT(ip, len)), \
[RULESET_ANY_NOLOCAL]   = SET(n, "any_nolocal", TIMEOUT, KEY_ANY_PORT(ip, len)), \
[RULESET_ADDR_NOLOCAL]  = SET(n, "addr_nolocal", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_NOLOCAL]  = SET(n, "pref_nolocal", INTERVAL | TIMEOUT, \
	KEY_ADDRESS(ip, len)), \
[RULESET_PORT_OPEN]  = SET(n, "port_open", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_RANGE_OPEN] = SET(n, "range_open", INTERVAL | TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_ANY_OPEN]   = SET(n, "any_open", TIMEOUT, KEY_ANY_PORT(ip, len)), \
[RULESET_ADDR_OPEN]  = SET(n, "addr_open", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_OPEN]  = SET(n, "pref_open", INTERVAL | TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PORT_TAP]  = SET(n, "port_tap", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_RANGE_TAP] = SET(n, "range_tap", INTERVAL | TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_ANY_TAP]   = SET(n, "any_tap", TIMEOUT, KEY_ANY_PORT(ip, len)), \
[RULESET_ADDR_TAP]  = SET(n, "addr_tap", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_TAP]  = SET(n, "pref_tap", INTERVAL | TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PORT_COEXIST]  = SET(n, "port_coexist", TIMEOUT, KEY_PORT(ip, len)), \
[RULESET_RANGE_COEXIST] = SET(n, "range_coexist", INTERVAL | TIMEOUT, \
	KEY_PORT(ip, len)), \
[RULESET_ANY_COEXIST]   = SET(n, "any_coexist", TIMEOUT, KEY_ANY_PORT(ip, len)), \
[RULESET_ADDR_COEXIST]  = SET(n, "addr_coexist", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_COEXIST]  = SET(n, "pref_coexist", INTERVAL | TIMEOUT, \
	KEY_ADDRESS(ip, len)), \
[RULESET_ADDR_KEEP]  = SET(n, "addr_keep", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_PREF_KEEP]  = SET(n, "pref_keep", INTERVAL | TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_GUEST]           = SET(n, "guest", 0, KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_TIMED]     = SET(n, "guest_timed", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_PREF]      = SET(n, "guest_pref", INTERVAL | TIMEOUT, \
	KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_MORE]      = SET(n, "guest_more", 0, KEY_ADDRESS_NUMBER(ip, len)), \
[RULESET_GUEST_OPEN]      = SET(n, "guest_open", 0, KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_OPEN_TIMED] = SET(n, "guest_open_timed", TIMEOUT, \
	KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_OPEN_PREF] = SET(n, "guest_open_pref", INTERVAL | TIMEOUT, \
	KEY_ADDRESS(ip, len)), \
[RULESET_GUEST_OPEN_MORE] = SET(n, "guest_open_more", 0, \
	KEY_ADDRESS_NUMBER(ip, len)), \
[RULESET_COEXIST]      = SET(n, "coexist", 0, KEY_ADDRESS(ip, len)), \
[RULESET_COEXIST_TIMED] = SET(n, "coexist_timed", 0, KEY_ADDRESS(ip, len)), \
[RULESET_COEXIST_PREF] = SET(n, "coexist_pref", INTERVAL, KEY_ADDRESS(ip, len)), \
[RULESET_COEXIST_MORE] = SET(n, "coexist_more", 0, KEY_ADDRESS_NUMBER(ip, len)), \
[RULESET_EGRESS]      = SET(n, "egress", TIMEOUT, \
	KEY_ADDRESS(ip, len), TO_ADDRESS(ip, len)), \
[RULESET_EGRESS_PREF] = SET(n, "egress_pref", PREFIX | TIMEOUT, \
	KEY_ADDRESS(ip, len), TO_PREFIX(ip, len)), \
[RULESET_KEEP]        = SET(n, "keep", TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_KEEP_PREF]   = SET(n, "keep_pref", INTERVAL | TIMEOUT, KEY_ADDRESS(ip, len)), \
[RULESET_CLOSED]   = SET(n, "closed", INTERVAL, KEY_ADDRESS(ip, len)), \
[RULESET_OPEN]     = SET(n, "open", INTERVAL, KEY_ADDRESS(ip, len)), \
[RULESET_INSIDE]   = SET(n, "inside", INTERVAL, KEY_ADDRESSES(ip, len)), \
[RULESET_MASQ]     = SET(n, "masq", INTERVAL, KEY_ADDRESS(ip, len)), \
[RULESET_MASQ_OUT] = SET(n, "masq_out", INTERVAL, KEY_ADDRESS_NAME(ip, len)), \
[RULESET_SNAT]     = SET(n, "snat", INTERVAL, \
	KEY_ADDRESS(ip, len), TO_ADDRESS(ip, len)), \
[RULESET_SNAT_OUT] = SET(n, "snat_out", INTERVAL, \
	KEY_ADDRESS_NAME(ip, len), TO_ADDRESS(ip, len)), \
}
/* clang-format on */

static const struct nft_set_spec sets4[RULESET_GUARDED] = SETS(4, NFT_TYPE_IPV4, 4);
static const struct nft_set_spec sets6[RULESET_GUARDED] = SETS(6, NFT_TYPE_IPV6, 16);

const struct nft_set_spec *ruleset_set_spec(enum ruleset_set set, int family)
{
	if (set >= RULESET_GUARDED)
		return ruleset_guard_spec(set, family);
	return family == AF_INET6 ? &sets6[set] : &sets4[set];
}

bool ruleset_has_set(enum ruleset_set set, int family)
{
	/* Of 32 bits there are 8, 16 and 24 to mask. */
	if (family == AF_INET6)
		return true;
	return !(set > RULESET_PORT_SRC_24 && set <= RULESET_PORT_SRC_120) &&
	       !(set > RULESET_ADDR_SRC_24 && set <= RULESET_ADDR_SRC_120);
}

bool ruleset_find_set(enum nft_family table, const char *name, enum ruleset_set *ret,
		      int *ret_family)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };

	for (unsigned int set = 0; set < RULESET_GUARD_CHAIN; set++) {
		bool is_guards = set >= RULESET_GUARDED;
		bool is_single = set == RULESET_FOUND || (is_guards && set != RULESET_GUARD);

		if (is_guards != (table == NFT_FAMILY_NETDEV))
			continue;
		for (size_t f = is_single ? 0 : 1; f < (is_single ? 1 : 3); f++) {
			if (!is_single && !ruleset_has_set(set, families[f]))
				continue;
			if (strcmp(ruleset_set_spec(set, families[f])->name, name) != 0)
				continue;
			*ret = set;
			*ret_family = families[f];
			return true;
		}
	}
	return false;
}

/* What an exposure of a whole address needs, and what a base chain asks. */
static bool is_early(enum ruleset_set set)
{
	switch ((unsigned int)set) {
	case RULESET_FOUND:
	case RULESET_ADDR:
	case RULESET_GUEST:
	case RULESET_GUEST_MORE:
	case RULESET_CLOSED:
		return true;
	}
	return false;
}

enum ruleset_part ruleset_set_part(enum ruleset_set set, int family)
{
	if (set >= RULESET_GUARDED)
		return RULESET_GUARDS;
	if (family == AF_INET6 && set != RULESET_FOUND)
		return RULESET_SIX;
	return is_early(set) ? RULESET_MAIN : RULESET_MORE;
}

/* ---- The tables -------------------------------------------------------------------- */

const struct nft_table *ruleset_part_table(enum ruleset_part part)
{
	return part == RULESET_GUARDS ? &ruleset_guard_table : &ruleset_table;
}

const char *ruleset_part_chain(enum ruleset_part part)
{
	switch (part) {
	case RULESET_MORE:
		return "pre_port4";
	case RULESET_SIX:
		return "pre_port6";
	case RULESET_MAIN:
	case RULESET_GUARDS:
	case RULESET_PARTS:
		break;
	}
	return NULL;
}

const char *ruleset_part_text(enum ruleset_part part)
{
	return part == RULESET_GUARDS ? "netdev nestnet" : "inet nestnet";
}

const char *ruleset_part_version(enum ruleset_part part)
{
	return part == RULESET_GUARDS ? RULESET_GUARD_VERSION : RULESET_VERSION;
}

/* @return the number behind the version's words; -1: other words, or no number */
static long number_of(const char *version, const char *words, size_t len)
{
	long number;
	char *end;

	if (strncmp(version, words, len) != 0 || version[len] < '0' || version[len] > '9')
		return -1;
	number = strtol(version + len, &end, 10);
	return *end ? -1 : number;
}

enum ruleset_maker ruleset_part_maker(enum ruleset_part part, const char *comment)
{
	const char *version = ruleset_part_version(part);
	size_t len = (size_t)(strrchr(version, ' ') - version) + 1;
	long number = number_of(comment, version, len);
	long ours = number_of(version, version, len);

	if (number < 0)
		return RULESET_SOMEBODY_ELSE;
	if (number == ours)
		return RULESET_THIS_RELEASE;
	return number < ours ? RULESET_OLDER_RELEASE : RULESET_NEWER_RELEASE;
}

/* ---- The skeleton ------------------------------------------------------------------ */

typedef void (*set_fn)(struct nft_batch *batch, const struct nft_table *table,
		       const struct nft_set_spec *spec);

/* The sets of a part. A base chain asks one of IPv6's, which so is there from the start. */
static void each_set(struct nft_batch *batch, enum ruleset_part part, set_fn fn)
{
	int family = part == RULESET_SIX ? AF_INET6 : AF_INET;

	for (unsigned int set = 0; set < RULESET_GUARDED; set++) {
		bool is_base = family == AF_INET6 && set == RULESET_CLOSED;

		if (ruleset_set_part(set, family) == part && !is_base &&
		    ruleset_has_set(set, family))
			fn(batch, &ruleset_table, ruleset_set_spec(set, family));
	}
}

void ruleset_create(struct nft_batch *batch, enum ruleset_part part)
{
	switch (part) {
	case RULESET_MAIN:
		nft_add_table(batch, &ruleset_table, RULESET_VERSION);
		each_set(batch, part, nft_add_set);
		nft_add_set(batch, &ruleset_table, &sets6[RULESET_CLOSED]);
		ruleset_add_chains(batch);
		return;
	case RULESET_MORE:
		each_set(batch, part, nft_add_set);
		ruleset_add_more(batch);
		return;
	case RULESET_SIX:
		each_set(batch, part, nft_add_set);
		ruleset_add_six(batch);
		return;
	case RULESET_GUARDS:
		ruleset_guard_create(batch);
		return;
	case RULESET_PARTS:
		return;
	}
}

/* A chain can go when nothing jumps to it, and a set when nothing asks it. */
void ruleset_delete(struct nft_batch *batch, enum ruleset_part part)
{
	switch (part) {
	case RULESET_MORE:
		ruleset_delete_more(batch);
		each_set(batch, part, nft_delete_set);
		return;
	case RULESET_SIX:
		ruleset_delete_six(batch);
		each_set(batch, part, nft_delete_set);
		return;
	case RULESET_MAIN:
	case RULESET_GUARDS:
		nft_delete_table(batch, ruleset_part_table(part));
		return;
	case RULESET_PARTS:
		return;
	}
}
