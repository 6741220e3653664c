/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of all else than whole addresses, made when it is first needed: ports, prefixes,
 * allow-lists, times, ways out, subnets. */

#include "table/ruleset-rules.h"

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

#include <sys/socket.h>

/* ---- Allow-lists (--from) ---------------------------------------------------------- */

/* ip daddr . ip saddr & 255.255.255.0 @addr_src4_24 return, for each length */
static void add_from_prefixes(const struct ruleset_half *half, const char *chain,
			      enum ruleset_set sources)
{
	unsigned int bits = half->family == AF_INET ? 32 : 128, len;

	for (len = RULESET_SOURCE_STEP; len < bits; len += RULESET_SOURCE_STEP) {
		const struct nft_set_spec *spec = ruleset_set_spec(
			sources + len / RULESET_SOURCE_STEP, half->family);
		struct nft_rule *rule = ruleset_rule(half, chain);

		ruleset_load_key(half, rule, spec, NFT_DESTINATION);
		nft_rule_mask_address(rule, half->family, len);
		nft_rule_lookup(rule, spec->name, false);
		nft_rule_return(rule);
		nft_add_rule(half->batch, rule);
	}
}

static void add_from(const struct ruleset_half *half, const char *chain,
		     enum ruleset_set sources)
{
	struct nft_rule *rule;

	/* ip daddr . meta l4proto . th dport . ip saddr @port_src4 return
	 * ip daddr . ip saddr @addr_src4 return */
	ruleset_match_rule(half, chain, NFT_DESTINATION, sources, nft_rule_return);
	add_from_prefixes(half, chain, sources);

	/* counter drop */
	rule = ruleset_bare_rule(half, chain);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

/* Hashed keys: on to the chain whose rules are for one length of source prefix each. */
static void add_from_jump(const struct ruleset_half *half, const char *chain,
			  enum ruleset_set restricted, const char *from_chain)
{
	struct nft_rule *rule = ruleset_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, restricted);
	ruleset_jump(half, rule, from_chain);
	nft_add_rule(half->batch, rule);
}

/* Interval keys: the sources are intervals in the same set. */
static void add_from_ranges(const struct ruleset_half *half, const char *chain,
			    enum ruleset_set restricted, enum ruleset_set sources)
{
	struct nft_rule *rule = ruleset_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, restricted);
	ruleset_match_not(half, rule, NFT_DESTINATION, sources);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

static void add_any_from(const struct ruleset_half *half, const char *chain)
{
	struct nft_rule *rule = ruleset_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, RULESET_ANY_FROM);
	nft_rule_match_local(rule, NFT_DESTINATION);
	ruleset_match_not(half, rule, NFT_SOURCE, RULESET_ANY_SRC);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

/* ---- Alias to target --------------------------------------------------------------- */

static void add_port_maps(const struct ruleset_half *half, const char *chain)
{
	/* dnat ip to ip daddr . meta l4proto . th dport map @port4 */
	ruleset_nat_rule(half, chain, NFT_DESTINATION, RULESET_PORT);
	/* dnat ip to ip daddr . meta l4proto . th dport map @port_timed4 */
	ruleset_nat_rule(half, chain, NFT_DESTINATION, RULESET_PORT_TIMED);
}

static void add_range_maps(const struct ruleset_half *half, const char *chain)
{
	/* dnat ip to ip daddr . meta l4proto . th dport map @shift4 */
	ruleset_nat_rule(half, chain, NFT_DESTINATION, RULESET_SHIFT);
	/* dnat ip to ip daddr . meta l4proto . th dport map @range4 */
	ruleset_nat_rule(half, chain, NFT_DESTINATION, RULESET_RANGE);
}

/* Whatever address of L1 it is sent to; what its own loopback is asked stays there, since
 * an answer to 127.0.0.1 could never come back. */
static void add_any_map(const struct ruleset_half *half, const char *chain, bool is_own)
{
	struct nft_rule *rule;

	if (is_own) {
		/* meta l4proto . th dport @any_nolocal4 fib daddr type local accept */
		rule = ruleset_rule(half, chain);
		ruleset_match(half, rule, NFT_DESTINATION, RULESET_ANY_NOLOCAL);
		nft_rule_match_local(rule, NFT_DESTINATION);
		nft_rule_accept(rule);
		nft_add_rule(half->batch, rule);
		/* ip daddr 127.0.0.0/8 accept
		 * ip6 daddr ::1 accept */
		rule = ruleset_rule(half, chain);
		nft_rule_match_loopback(rule, half->family);
		nft_rule_accept(rule);
		nft_add_rule(half->batch, rule);
	}
	/* fib daddr type local dnat ip to meta l4proto . th dport map @any4 */
	rule = ruleset_rule(half, chain);
	nft_rule_match_local(rule, NFT_DESTINATION);
	ruleset_translate(half, rule, NFT_DESTINATION, RULESET_ANY);
	nft_add_rule(half->batch, rule);
}

static void add_excepts(const struct ruleset_half *half, const char *chain)
{
	/* ip daddr . meta l4proto . th dport @except4 accept */
	ruleset_match_rule(half, chain, NFT_DESTINATION, RULESET_EXCEPT, nft_rule_accept);
	/* ip daddr . meta l4proto . th dport @except_range4 accept */
	ruleset_match_rule(half, chain, NFT_DESTINATION, RULESET_EXCEPT_RANGE,
			   nft_rule_accept);
}

/* meta l4proto @with_ports jump PORT_CHAIN. It reads no address, so it tests no family:
 * the base chain did. */
static void add_ports_jump(const struct ruleset_half *half, const char *chain,
			   const char *port_chain)
{
	struct nft_rule *rule = ruleset_bare_rule(half, chain);

	ruleset_match_ports(rule);
	ruleset_jump(half, rule, port_chain);
	nft_add_rule(half->batch, rule);
}

/* From outside and from guests. */
static void add_pre(const struct ruleset_half *half)
{
	/* ip daddr . meta l4proto . th dport @port_from4 jump from_port4 */
	add_from_jump(half, "pre_port", RULESET_PORT_FROM, "from_port");
	add_port_maps(half, "pre_port");
	/* ip daddr . meta l4proto . th dport @range_from4
	 * ip daddr . meta l4proto . th dport . ip saddr != @range_src4 counter drop */
	add_from_ranges(half, "pre_port", RULESET_RANGE_FROM, RULESET_RANGE_SRC);
	add_range_maps(half, "pre_port");
	/* meta l4proto . th dport @any_from4 fib daddr type local
	 * meta l4proto . th dport . ip saddr != @any_src4 counter drop */
	add_any_from(half, "pre_port");
	add_any_map(half, "pre_port", false);
	add_excepts(half, "pre_port");

	/* meta l4proto @with_ports jump pre_port4 */
	add_ports_jump(half, "pre_more", "pre_port");
	/* ip daddr @addr_from4 jump from_addr4 */
	add_from_jump(half, "pre_more", RULESET_ADDR_FROM, "from_addr");
	/* dnat ip to ip daddr map @addr_timed4 */
	ruleset_nat_rule(half, "pre_more", NFT_DESTINATION, RULESET_ADDR_TIMED);

	/* ip daddr @pref_from4 ip daddr . ip saddr != @pref_src4 counter drop */
	add_from_ranges(half, "pre_pref", RULESET_PREF_FROM, RULESET_PREF_SRC);
	/* dnat ip prefix to ip daddr map @pref4 */
	ruleset_nat_rule(half, "pre_pref", NFT_DESTINATION, RULESET_PREF);
}

/* L1's own connections. */
static void add_loc(const struct ruleset_half *half)
{
	/* ip daddr . meta l4proto . th dport @port_nolocal4 accept */
	ruleset_match_rule(half, "loc_port", NFT_DESTINATION, RULESET_PORT_NOLOCAL,
			   nft_rule_accept);
	add_port_maps(half, "loc_port");
	/* ip daddr . meta l4proto . th dport @range_nolocal4 accept */
	ruleset_match_rule(half, "loc_port", NFT_DESTINATION, RULESET_RANGE_NOLOCAL,
			   nft_rule_accept);
	add_range_maps(half, "loc_port");
	add_any_map(half, "loc_port", true);
	add_excepts(half, "loc_port");

	/* meta l4proto @with_ports jump loc_port4 */
	add_ports_jump(half, "loc_more", "loc_port");
	/* ip daddr @addr_nolocal4 accept */
	ruleset_match_rule(half, "loc_more", NFT_DESTINATION, RULESET_ADDR_NOLOCAL,
			   nft_rule_accept);
	/* dnat ip to ip daddr map @addr_timed4 */
	ruleset_nat_rule(half, "loc_more", NFT_DESTINATION, RULESET_ADDR_TIMED);

	/* ip daddr @pref_nolocal4 accept */
	ruleset_match_rule(half, "loc_pref", NFT_DESTINATION, RULESET_PREF_NOLOCAL,
			   nft_rule_accept);
	/* dnat ip prefix to ip daddr map @pref4 */
	ruleset_nat_rule(half, "loc_pref", NFT_DESTINATION, RULESET_PREF);
}

/* ---- Guests and subnets ------------------------------------------------------------ */

/* Targets beside RULESET_GUEST: closed to others, too; and not closed, for --open. */
static const enum ruleset_set closed_guests[] = { RULESET_GUEST_TIMED,
						  RULESET_GUEST_PREF };
static const enum ruleset_set open_guests[] = { RULESET_GUEST_OPEN,
						RULESET_GUEST_OPEN_TIMED,
						RULESET_GUEST_OPEN_PREF };

/* ip saddr @guest_timed4 STATEMENT, and so on with @guest_pref4 */
static void closed_guest_rules(const struct ruleset_half *half, const char *chain,
			       enum nft_side side, ruleset_statement_fn statement)
{
	for (size_t i = 0; i < sizeof(closed_guests) / sizeof(closed_guests[0]); i++)
		ruleset_match_rule(half, chain, side, closed_guests[i], statement);
}

/* ip saddr @guest_open4 STATEMENT, and so on with _timed4 and _pref4 */
static void open_guest_rules(const struct ruleset_half *half, const char *chain,
			     enum nft_side side, ruleset_statement_fn statement)
{
	for (size_t i = 0; i < sizeof(open_guests) / sizeof(open_guests[0]); i++)
		ruleset_match_rule(half, chain, side, open_guests[i], statement);
}

static void add_clamp(const struct ruleset_half *half)
{
	/* ip saddr @masq4 goto mss */
	ruleset_match_rule(half, "clamp_more", NFT_SOURCE, RULESET_MASQ, ruleset_clamp);
	/* ip daddr @masq4 goto mss */
	ruleset_match_rule(half, "clamp_more", NFT_DESTINATION, RULESET_MASQ,
			   ruleset_clamp);
	/* ip saddr @guest_timed4 goto mss */
	closed_guest_rules(half, "clamp_more", NFT_SOURCE, ruleset_clamp);
	/* ip saddr @guest_open4 goto mss */
	open_guest_rules(half, "clamp_more", NFT_SOURCE, ruleset_clamp);
	/* ip daddr @guest_timed4 goto mss */
	closed_guest_rules(half, "clamp_more", NFT_DESTINATION, ruleset_clamp);
	/* ip daddr @guest_open4 goto mss */
	open_guest_rules(half, "clamp_more", NFT_DESTINATION, ruleset_clamp);
}

static void add_closed(const struct ruleset_half *half)
{
	struct nft_rule *rule;

	/* ip saddr . ip daddr @inside4
	 * fib saddr . iif oif exists ct label set 127 accept */
	rule = ruleset_rule(half, "closed_more");
	ruleset_match(half, rule, NFT_SOURCE, RULESET_INSIDE);
	nft_rule_match_returns(rule, NFT_SOURCE, true);
	ruleset_stay_and_accept(rule);
	nft_add_rule(half->batch, rule);

	/* ip daddr @coexist4 counter drop */
	ruleset_match_rule(half, "closed_more", NFT_DESTINATION, RULESET_COEXIST,
			   ruleset_count_and_drop);
	/* ip daddr @coexist_timed4 counter drop */
	ruleset_match_rule(half, "closed_more", NFT_DESTINATION, RULESET_COEXIST_TIMED,
			   ruleset_count_and_drop);
	/* ip daddr @coexist_pref4 counter drop */
	ruleset_match_rule(half, "closed_more", NFT_DESTINATION, RULESET_COEXIST_PREF,
			   ruleset_count_and_drop);
	/* ip daddr @open4 accept */
	ruleset_match_rule(half, "closed_more", NFT_DESTINATION, RULESET_OPEN,
			   nft_rule_accept);
	/* ip daddr @guest_timed4 counter drop */
	closed_guest_rules(half, "closed_more", NFT_DESTINATION, ruleset_count_and_drop);
}

/* What a guest's own flows leave as: --egress none, alias; then what `nat` says of the
 * subnet, --out and --to first; else every exposed guest is masqueraded. */
static void add_post(const struct ruleset_half *half)
{
	/* ip saddr @keep4 accept */
	ruleset_match_rule(half, "post_more", NFT_SOURCE, RULESET_KEEP, nft_rule_accept);
	/* ip saddr @keep_pref4 accept */
	ruleset_match_rule(half, "post_more", NFT_SOURCE, RULESET_KEEP_PREF,
			   nft_rule_accept);
	/* snat ip to ip saddr map @egress4 */
	ruleset_nat_rule(half, "post_more", NFT_SOURCE, RULESET_EGRESS);
	/* snat ip prefix to ip saddr map @egress_pref4 */
	ruleset_nat_rule(half, "post_more", NFT_SOURCE, RULESET_EGRESS_PREF);
	/* snat ip to ip saddr . oifname map @snat_out4 */
	ruleset_nat_rule(half, "post_more", NFT_SOURCE, RULESET_SNAT_OUT);
	/* ip saddr . oifname @masq_out4 masquerade */
	ruleset_match_rule(half, "post_more", NFT_SOURCE, RULESET_MASQ_OUT,
			   nft_rule_masquerade);
	/* snat ip to ip saddr map @snat4 */
	ruleset_nat_rule(half, "post_more", NFT_SOURCE, RULESET_SNAT);
	/* ip saddr @masq4 masquerade */
	ruleset_match_rule(half, "post_more", NFT_SOURCE, RULESET_MASQ,
			   nft_rule_masquerade);
	/* ip saddr @guest_timed4 masquerade */
	closed_guest_rules(half, "post_more", NFT_SOURCE, nft_rule_masquerade);
	/* ip saddr @guest_open4 masquerade */
	open_guest_rules(half, "post_more", NFT_SOURCE, nft_rule_masquerade);
}

void ruleset_add_more_rules(const struct ruleset_half *half)
{
	add_from(half, "from_port", RULESET_PORT_SRC);
	add_from(half, "from_addr", RULESET_ADDR_SRC);
	add_pre(half);
	add_loc(half);
	add_clamp(half);
	/* ip saddr @guest_timed4 counter drop */
	closed_guest_rules(half, "spoofed_more", NFT_SOURCE, ruleset_count_and_drop);
	add_closed(half);
	add_post(half);
}
