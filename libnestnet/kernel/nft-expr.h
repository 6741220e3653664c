/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_EXPR_H
#define NESTNET_KERNEL_NFT_EXPR_H

/*
 * Rules, an expression at a time, in plain values.
 *
 * A rule has one key, in the kernel's registers from the first on: each nft_rule_load_*()
 * appends a field to it, padded to 4 bytes, as the sets store it. A lookup takes the
 * whole key, and the next load starts another. A lookup in a map leaves the value where
 * the key was, and nft_rule_nat() translates to it. A nft_rule_match_*() needs no key and
 * spoils it. All are evaluated in the order of the calls; the first that does not match
 * ends the rule.
 *
 * Running out of memory is remembered by the rule, and by the batch that it is added to;
 * every function here takes the NULL that nft_rule_new() may have returned.
 *
 * Where a function names a family, it is AF_INET or AF_INET6, and in an inet table
 * nft_rule_match_family() must have come before: payload has no family of its own.
 */

#include "kernel/nft.h"

enum nft_side {
	NFT_SOURCE,
	NFT_DESTINATION,
};

/** What a map's value is, and so what nft_rule_nat() translates to. */
enum nft_target {
	NFT_TARGET_ADDRESS,
	NFT_TARGET_ADDRESS_PORT,
	NFT_TARGET_PREFIX, /* first and last address: host bits are kept */
};

/** States of a flow, as nft_rule_match_state() takes them; the kernel's numbers. */
#define NFT_STATE_ESTABLISHED (1u << 1)
#define NFT_STATE_RELATED     (1u << 2)
#define NFT_STATE_NEW         (1u << 3)

/** The highest label of a flow; each is a bit that nothing but rules gives a meaning. */
#define NFT_LABEL_MAX 127

/**
 * Starts a rule at the end of a chain; nft_add_rule() takes it. table must outlive it,
 * chain is copied.
 * @return the rule, or NULL where there is no memory
 */
struct nft_rule *nft_rule_new(const struct nft_table *table, const char *chain);

/** Frees a rule that was not added; NULL is allowed. @return NULL */
struct nft_rule *nft_rule_free(struct nft_rule *rule);

/* ---- Loads: a field of the key ----------------------------------------------------- */

/** ip saddr, ip6 daddr and so on: 4 or 16 bytes. */
void nft_rule_load_address(struct nft_rule *rule, int family, enum nft_side side);

/** & MASK of the address that was loaded last, to its first len bits. */
void nft_rule_mask_address(struct nft_rule *rule, int family, unsigned int len);

/** meta l4proto: one byte, padded. @param is_in_ranges  the set that the key is for has
 *  intervals, and nft spells it so */
void nft_rule_load_protocol(struct nft_rule *rule, bool is_in_ranges);

/** th dport, of every protocol that has it there: 2 bytes, padded. */
void nft_rule_load_port(struct nft_rule *rule);

/** oifname: 16 bytes. Known from the output and forward hooks on. */
void nft_rule_load_output_name(struct nft_rule *rule);

/* ---- Lookups: take the key --------------------------------------------------------- */

/** @set, or != @set where is_inverted. */
void nft_rule_lookup(struct nft_rule *rule, const char *set, bool is_inverted);

/** map @map: matches where the key is there, and leaves its value for nft_rule_nat(). */
void nft_rule_lookup_map(struct nft_rule *rule, const char *map);

/* ---- Matches ----------------------------------------------------------------------- */

/** meta nfproto ipv4 or ipv6. */
void nft_rule_match_family(struct nft_rule *rule, int family);

/** meta l4proto PROTOCOL. @param protocol  IPPROTO_* */
void nft_rule_match_protocol(struct nft_rule *rule, uint8_t protocol);

/** tcp flags syn; nft_rule_match_protocol(rule, IPPROTO_TCP) must have come before. */
void nft_rule_match_syn(struct nft_rule *rule);

/** iif INDEX. */
void nft_rule_match_input(struct nft_rule *rule, uint32_t ifindex);

/** ct state A,B: any of them. @param states  NFT_STATE_* */
void nft_rule_match_state(struct nft_rule *rule, uint32_t states);

/** ct state != STATE. @param state  one NFT_STATE_* */
void nft_rule_match_state_not(struct nft_rule *rule, uint32_t state);

/** ct status dnat: the flow's destination was translated, by us or another. */
void nft_rule_match_dnat(struct nft_rule *rule);

/** ct label LABEL: the flow carries it. @param label  at most NFT_LABEL_MAX */
void nft_rule_match_label(struct nft_rule *rule, unsigned int label);

/** fib saddr . iif oif exists (or missing): the route to the packet's source (or
 *  destination) goes out where the packet came in. */
void nft_rule_match_returns(struct nft_rule *rule, enum nft_side side, bool exists);

/** fib saddr type local: the address is L1's own, on any interface. */
void nft_rule_match_local(struct nft_rule *rule, enum nft_side side);

/** ip daddr 127.0.0.0/8, or ip6 daddr ::1. */
void nft_rule_match_loopback(struct nft_rule *rule, int family);

/** fib saddr . iif type != local: the address is not one of the arrival interface. */
void nft_rule_match_not_local_input(struct nft_rule *rule, enum nft_side side);

/* ---- Statements -------------------------------------------------------------------- */

/** counter */
void nft_rule_counter(struct nft_rule *rule);

/** ct label set LABEL: replaces the labels that the flow had. At most NFT_LABEL_MAX. */
void nft_rule_set_label(struct nft_rule *rule, unsigned int label);

/** tcp option maxseg size set rt mtu: never raises what the packet says. After
 *  nft_rule_match_syn(). */
void nft_rule_clamp_mss(struct nft_rule *rule);

/** snat or dnat to the value that nft_rule_lookup_map() left; ends the chain. */
void nft_rule_nat(struct nft_rule *rule, enum nft_side side, int family,
		  enum nft_target target);

/** masquerade; ends the chain. */
void nft_rule_masquerade(struct nft_rule *rule);

/* ---- Verdicts ---------------------------------------------------------------------- */

/** accept: ends the base chain. Others on the hook still see the packet (facts 28). */
void nft_rule_accept(struct nft_rule *rule);

/** drop: final. */
void nft_rule_drop(struct nft_rule *rule);

/** return: to the chain that jumped here. */
void nft_rule_return(struct nft_rule *rule);

/** jump CHAIN. */
void nft_rule_jump(struct nft_rule *rule, const char *chain);

/** goto CHAIN: a jump that does not come back. */
void nft_rule_goto(struct nft_rule *rule, const char *chain);

#endif
