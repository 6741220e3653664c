/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULESET_H
#define NESTNET_RULESET_H

/*
 * The fixed skeleton of our nftables tables: `table inet nestnet`, and, from the first
 * guard on, `table netdev nestnet`. Their sets, chains and rules are made once and never
 * change; whatever nestnet is asked for is an element of one of the sets. (The one
 * exception is RULESET_GUARD_CHAIN.) nft list table inet nestnet shows all of it.
 *
 * Two parts of the main table are made when they are first needed, since the more there is
 * to make, the longer a namespace's first exposure takes: what IPv4 has besides exposures of
 * whole addresses, and all that is IPv6's. Chains that are there from the start jump to
 * theirs, which are empty until then; so a part is added, and taken back, without a touch of
 * any rule that is there.
 */

#include "kernel/nft.h"

/** The last number grows whenever the skeleton changes; kept in the tables' comments. An
 *  older table is read by the names of the sets and made anew (elements_renew()): so a set
 *  that gets other keys or values gets another name. */
#define RULESET_VERSION       "nestnet skeleton 5"
#define RULESET_GUARD_VERSION "nestnet guards 1"

/** What is made as a whole when it is first needed, in this order. */
enum ruleset_part {
	RULESET_MAIN,   /* table inet nestnet */
	RULESET_MORE,   /* in that table, what IPv4 has besides whole addresses */
	RULESET_SIX,    /* in that table, all that is IPv6's */
	RULESET_GUARDS, /* table netdev nestnet */
	RULESET_PARTS
};

/** The sets, each but FOUND once a family. X_TIMED are twins with timeouts, since the
 *  kernel walks a set with that flag once a second. */
enum ruleset_set {
	RULESET_FOUND, /* interface or "all": settings as found, in the comment */
	/* alias to target */
	RULESET_PORT,
	RULESET_PORT_TIMED,
	RULESET_SHIFT, /* a shifted range: an element a port (facts 23) */
	RULESET_RANGE,
	RULESET_ANY, /* a port of every address of L1 */
	RULESET_ADDR,
	RULESET_ADDR_TIMED,
	RULESET_PREF,
	RULESET_SHIFT_RANGE, /* the extent of what is in SHIFT; no rule reads it */
	/* --from: the restricted aliases, and alias . source */
	RULESET_PORT_FROM,
	RULESET_PORT_SRC, /* hosts; then prefixes of 8, 16, 24... bits, in this order */
	RULESET_PORT_SRC_8,
	RULESET_PORT_SRC_16,
	RULESET_PORT_SRC_24,
	RULESET_PORT_SRC_32,
	RULESET_PORT_SRC_40,
	RULESET_PORT_SRC_48,
	RULESET_PORT_SRC_56,
	RULESET_PORT_SRC_64,
	RULESET_PORT_SRC_72,
	RULESET_PORT_SRC_80,
	RULESET_PORT_SRC_88,
	RULESET_PORT_SRC_96,
	RULESET_PORT_SRC_104,
	RULESET_PORT_SRC_112,
	RULESET_PORT_SRC_120,
	RULESET_RANGE_FROM,
	RULESET_RANGE_SRC,
	RULESET_ADDR_FROM,
	RULESET_ADDR_SRC,
	RULESET_ADDR_SRC_8,
	RULESET_ADDR_SRC_16,
	RULESET_ADDR_SRC_24,
	RULESET_ADDR_SRC_32,
	RULESET_ADDR_SRC_40,
	RULESET_ADDR_SRC_48,
	RULESET_ADDR_SRC_56,
	RULESET_ADDR_SRC_64,
	RULESET_ADDR_SRC_72,
	RULESET_ADDR_SRC_80,
	RULESET_ADDR_SRC_88,
	RULESET_ADDR_SRC_96,
	RULESET_ADDR_SRC_104,
	RULESET_ADDR_SRC_112,
	RULESET_ADDR_SRC_120,
	RULESET_PREF_FROM,
	RULESET_PREF_SRC,
	RULESET_ANY_FROM,
	RULESET_ANY_SRC,
	/* --except; and which addresses have any, for list */
	RULESET_EXCEPT,
	RULESET_EXCEPT_RANGE,
	RULESET_ADDR_EXCEPT,
	/* --no-local, keyed by the alias */
	RULESET_PORT_NOLOCAL,
	RULESET_RANGE_NOLOCAL,
	RULESET_ANY_NOLOCAL,
	RULESET_ADDR_NOLOCAL,
	RULESET_PREF_NOLOCAL,
	/* --open and --egress none, keyed by the alias: no rule reads them, list does */
	RULESET_PORT_OPEN,
	RULESET_RANGE_OPEN,
	RULESET_ANY_OPEN,
	RULESET_ADDR_OPEN,
	RULESET_PREF_OPEN,
	RULESET_PORT_COEXIST, /* --coexist, likewise */
	RULESET_RANGE_COEXIST,
	RULESET_ANY_COEXIST,
	RULESET_ADDR_COEXIST,
	RULESET_PREF_COEXIST,
	/* the tap that an exposure goes with, in the comment (exposure-tap.h); no rule reads it */
	RULESET_PORT_TAP,
	RULESET_RANGE_TAP,
	RULESET_ANY_TAP,
	RULESET_ADDR_TAP,
	RULESET_PREF_TAP,
	RULESET_ADDR_KEEP,
	RULESET_PREF_KEEP,
	/* targets: closed and masqueraded; masqueraded alone; how many exposures more than
	 * one have them there, counted in elements: target . 2, target . 3 and so on */
	RULESET_GUEST,
	RULESET_GUEST_TIMED,
	RULESET_GUEST_PREF,
	RULESET_GUEST_MORE,
	RULESET_GUEST_OPEN,
	RULESET_GUEST_OPEN_TIMED,
	RULESET_GUEST_OPEN_PREF,
	RULESET_GUEST_OPEN_MORE,
	/* targets that other software's rules let by for our sake: closed whatever else is
	 * said of them. TIMED, for exposures that end by themselves, has no timeouts, since
	 * those rules have none. */
	RULESET_COEXIST,
	RULESET_COEXIST_TIMED,
	RULESET_COEXIST_PREF,
	RULESET_COEXIST_MORE,
	/* --egress, keyed by the target */
	RULESET_EGRESS,
	RULESET_EGRESS_PREF,
	RULESET_KEEP,
	RULESET_KEEP_PREF,
	/* nat */
	RULESET_CLOSED,
	RULESET_OPEN,
	RULESET_INSIDE,
	RULESET_MASQ,
	RULESET_MASQ_OUT,
	RULESET_SNAT,
	RULESET_SNAT_OUT,
	/* RULESET_GUARDS from here on (guard-element.h has the encoding): the taps that are
	 * guarded; MACs; MACs that may have any address; addresses, once a family */
	RULESET_GUARDED,
	RULESET_GUARD_MAC,
	RULESET_GUARD_ANY,
	RULESET_GUARD,
	/* no set: the base chain of each guarded tap, made of its elements of RULESET_GUARD.
	 * As a key it has the tap's name. Other data than it has makes it anew. */
	RULESET_GUARD_CHAIN,
	RULESET_SETS
};

/** The main table. */
extern const struct nft_table ruleset_table;

const struct nft_table *ruleset_part_table(enum ruleset_part part);

/** Of a part that is no table of its own a chain, which is there if the part is; NULL: it is
 *  a table. Older releases had it, too. */
const char *ruleset_part_chain(enum ruleset_part part);

/** How nft names the table, such as "inet nestnet". */
const char *ruleset_part_text(enum ruleset_part part);

/** Who made a table of ours. */
enum ruleset_maker {
	RULESET_THIS_RELEASE,
	RULESET_OLDER_RELEASE, /* its sets are some of ours: what is in them can be read */
	RULESET_NEWER_RELEASE,
	RULESET_SOMEBODY_ELSE,
};

/** Reads who made a table of this part from its comment. */
enum ruleset_maker ruleset_part_maker(enum ruleset_part part, const char *comment);

/** The table's comment, if this release made it. */
const char *ruleset_part_version(enum ruleset_part part);

/** The set's name, types and flags. @param family  AF_INET or AF_INET6 (any for a set that
 *  is not there once a family) */
const struct nft_set_spec *ruleset_set_spec(enum ruleset_set set, int family);

/** A source prefix that is hashed has a length of a multiple of so many bits. */
#define RULESET_SOURCE_STEP 8

/** IPv4 has fewer lengths of source prefixes than IPv6. */
bool ruleset_has_set(enum ruleset_set set, int family);

/**
 * Which set of a table of ours has this name.
 * @param table       the family of the table
 * @param ret_family  AF_INET or AF_INET6; AF_UNSPEC for one that is not there once a family
 * @return false where it is none of ours
 */
bool ruleset_find_set(enum nft_family table, const char *name, enum ruleset_set *ret,
		      int *ret_family);

/** The part that has the set. */
enum ruleset_part ruleset_set_part(enum ruleset_set set, int family);

/** Fills the batch with a whole part of the skeleton, a table first. */
void ruleset_create(struct nft_batch *batch, enum ruleset_part part);

/** Fills the batch with what takes a part away: with a table goes all that is in it. */
void ruleset_delete(struct nft_batch *batch, enum ruleset_part part);

/** Why our main table drops a packet. */
enum ruleset_drop {
	RULESET_DROP_FROM,    /* of none of the sources that --from allows */
	RULESET_DROP_CLOSED,  /* from outside to what is not exposed */
	RULESET_DROP_SPOOFED, /* from outside, with a source of inside */
	RULESET_DROPS
};

/** The base chain that drops for both families; all others have a digit behind their name. */
#define RULESET_INPUT_CHAIN "input"

/** @return why the chain of our main table drops; RULESET_DROPS: it does not */
enum ruleset_drop ruleset_drop_of(const char *chain);

#endif
