/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The chains that base chains jump to, once a family, and the vocabulary that all rules
 * are written in. How they work together is told in ruleset-base.c.
 *
 * Rules are spelled as nft prints them, for IPv4; they are the same for IPv6, with 6 and
 * ip6. The key that a rule loads is that of the set it asks.
 */

#include "table/ruleset-rules.h"

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

/* Longer than any chain's name and its family's digit. */
#define CHAIN_NAME_SIZE 32

/* The protocols whose ports can be exposed; others have none where `th dport` reads. */
static const struct nft_set_spec with_ports = {
	.name = "with_ports",
	.key_type = NFT_TYPE_PROTO,
	.key_len = 1,
};

/* ---- What rules are made of -------------------------------------------------------- */

typedef void (*statement_fn)(struct nft_rule *rule);

/* The name of the half's chain, such as pre4. @return name */
static const char *chain_name(const struct ruleset_half *half, const char *base,
			      char name[CHAIN_NAME_SIZE])
{
	snprintf(name, CHAIN_NAME_SIZE, "%s%c", base,
		 half->family == AF_INET ? '4' : '6');
	return name;
}

static void add_chain(const struct ruleset_half *half, const char *base)
{
	char name[CHAIN_NAME_SIZE];

	nft_add_chain(half->batch, &ruleset_table, chain_name(half, base, name), NULL,
		      NFT_HOOK_NONE, 0);
}

/* A rule of a chain of the half, for any packet that gets there. */
static struct nft_rule *bare_rule(const struct ruleset_half *half, const char *chain)
{
	char name[CHAIN_NAME_SIZE];

	return nft_rule_new(&ruleset_table, chain_name(half, chain, name));
}

/* The same, that may read addresses. */
static struct nft_rule *new_rule(const struct ruleset_half *half, const char *chain)
{
	struct nft_rule *rule = bare_rule(half, chain);

	nft_rule_match_family(rule, half->family);
	return rule;
}

void ruleset_jump(const struct ruleset_half *half, struct nft_rule *rule,
		  const char *chain)
{
	char name[CHAIN_NAME_SIZE];

	nft_rule_jump(rule, chain_name(half, chain, name));
}

/* Loads a key field by field, as the set's type has them. The first address is that of
 * side, a second one the other. */
static void load_key(const struct ruleset_half *half, struct nft_rule *rule,
		     const struct nft_set_spec *spec, enum nft_side side)
{
	const bool is_in_ranges = spec->flags & NFT_SPEC_INTERVAL;
	int shift;

	for (shift = 18; shift >= 0; shift -= 6) {
		switch (spec->key_type >> shift & 0x3f) {
		case NFT_TYPE_IPV4:
		case NFT_TYPE_IPV6:
			nft_rule_load_address(rule, half->family, side);
			side = side == NFT_SOURCE ? NFT_DESTINATION : NFT_SOURCE;
			break;
		case NFT_TYPE_PROTO:
			nft_rule_load_protocol(rule, is_in_ranges);
			break;
		case NFT_TYPE_SERVICE:
			nft_rule_load_port(rule);
			break;
		case NFT_TYPE_IFNAME:
			nft_rule_load_output_name(rule);
			break;
		}
	}
}

void ruleset_match(const struct ruleset_half *half, struct nft_rule *rule,
		   enum nft_side side, enum ruleset_set set)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, half->family);

	load_key(half, rule, spec, side);
	nft_rule_lookup(rule, spec->name, false);
}

/* KEY != @set */
static void match_not(const struct ruleset_half *half, struct nft_rule *rule,
		      enum nft_side side, enum ruleset_set set)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, half->family);

	load_key(half, rule, spec, side);
	nft_rule_lookup(rule, spec->name, true);
}

/* KEY @set STATEMENT */
static void match_rule(const struct ruleset_half *half, const char *chain,
		       enum nft_side side, enum ruleset_set set, statement_fn statement)
{
	struct nft_rule *rule = new_rule(half, chain);

	ruleset_match(half, rule, side, set);
	statement(rule);
	nft_add_rule(half->batch, rule);
}

static enum nft_target target_of(const struct nft_set_spec *map)
{
	if (map->flags & NFT_SPEC_DATA_INTERVAL)
		return NFT_TARGET_PREFIX;
	if (map->data_type == NFT_TYPE_IPV4 || map->data_type == NFT_TYPE_IPV6)
		return NFT_TARGET_ADDRESS;
	return NFT_TARGET_ADDRESS_PORT;
}

/* dnat ip to KEY map @map, or snat; with a prefix as value, dnat ip prefix to. */
static void nat_rule(const struct ruleset_half *half, const char *chain,
		     enum nft_side side, enum ruleset_set map)
{
	const struct nft_set_spec *spec = ruleset_set_spec(map, half->family);
	struct nft_rule *rule = new_rule(half, chain);

	load_key(half, rule, spec, side);
	nft_rule_lookup_map(rule, spec->name);
	nft_rule_nat(rule, side, half->family, target_of(spec));
	nft_add_rule(half->batch, rule);
}

void ruleset_count_and_drop(struct nft_rule *rule)
{
	nft_rule_counter(rule);
	nft_rule_drop(rule);
}

void ruleset_stay_and_accept(struct nft_rule *rule)
{
	nft_rule_set_label(rule, RULESET_LABEL_STAYS);
	nft_rule_accept(rule);
}

static void clamp_and_return(struct nft_rule *rule)
{
	nft_rule_clamp_mss(rule);
	nft_rule_return(rule);
}

/* ---- Allow-lists (--from) ---------------------------------------------------------- */

/* ip daddr . ip saddr & 255.255.255.0 @addr_src4_24 return, for each length */
static void add_from_prefixes(const struct ruleset_half *half, const char *chain,
			      enum ruleset_set sources)
{
	unsigned int bits = half->family == AF_INET ? 32 : 128, len;

	for (len = RULESET_SOURCE_STEP; len < bits; len += RULESET_SOURCE_STEP) {
		const struct nft_set_spec *spec = ruleset_set_spec(
			sources + len / RULESET_SOURCE_STEP, half->family);
		struct nft_rule *rule = new_rule(half, chain);

		load_key(half, rule, spec, NFT_DESTINATION);
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
	match_rule(half, chain, NFT_DESTINATION, sources, nft_rule_return);
	add_from_prefixes(half, chain, sources);

	/* counter drop */
	rule = bare_rule(half, chain);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

/* Hashed keys: on to the chain whose rules are for one length of source prefix each. */
static void add_from_jump(const struct ruleset_half *half, const char *chain,
			  enum ruleset_set restricted, const char *from_chain)
{
	struct nft_rule *rule = new_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, restricted);
	ruleset_jump(half, rule, from_chain);
	nft_add_rule(half->batch, rule);
}

/* Interval keys: the sources are intervals in the same set. */
static void add_from_ranges(const struct ruleset_half *half, const char *chain,
			    enum ruleset_set restricted, enum ruleset_set sources)
{
	struct nft_rule *rule = new_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, restricted);
	match_not(half, rule, NFT_DESTINATION, sources);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

static void add_any_from(const struct ruleset_half *half, const char *chain)
{
	struct nft_rule *rule = new_rule(half, chain);

	ruleset_match(half, rule, NFT_DESTINATION, RULESET_ANY_FROM);
	nft_rule_match_local(rule, NFT_DESTINATION);
	match_not(half, rule, NFT_SOURCE, RULESET_ANY_SRC);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

/* ---- Alias to target --------------------------------------------------------------- */

static void add_port_maps(const struct ruleset_half *half, const char *chain)
{
	/* dnat ip to ip daddr . meta l4proto . th dport map @port4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_PORT);
	/* dnat ip to ip daddr . meta l4proto . th dport map @port_timed4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_PORT_TIMED);
}

static void add_range_maps(const struct ruleset_half *half, const char *chain)
{
	/* dnat ip to ip daddr . meta l4proto . th dport map @shift4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_SHIFT);
	/* dnat ip to ip daddr . meta l4proto . th dport map @range4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_RANGE);
}

/* Whatever address of L1 it is sent to; what its own loopback is asked stays there, since
 * an answer to 127.0.0.1 could never come back. */
static void add_any_map(const struct ruleset_half *half, const char *chain, bool is_own)
{
	const struct nft_set_spec *spec = ruleset_set_spec(RULESET_ANY, half->family);
	struct nft_rule *rule;

	if (is_own) {
		/* meta l4proto . th dport @any_nolocal4 fib daddr type local accept */
		rule = new_rule(half, chain);
		ruleset_match(half, rule, NFT_DESTINATION, RULESET_ANY_NOLOCAL);
		nft_rule_match_local(rule, NFT_DESTINATION);
		nft_rule_accept(rule);
		nft_add_rule(half->batch, rule);
		/* ip daddr 127.0.0.0/8 accept
		 * ip6 daddr ::1 accept */
		rule = new_rule(half, chain);
		nft_rule_match_loopback(rule, half->family);
		nft_rule_accept(rule);
		nft_add_rule(half->batch, rule);
	}
	/* fib daddr type local dnat ip to meta l4proto . th dport map @any4 */
	rule = new_rule(half, chain);
	nft_rule_match_local(rule, NFT_DESTINATION);
	load_key(half, rule, spec, NFT_DESTINATION);
	nft_rule_lookup_map(rule, spec->name);
	nft_rule_nat(rule, NFT_DESTINATION, half->family, target_of(spec));
	nft_add_rule(half->batch, rule);
}

static void add_excepts(const struct ruleset_half *half, const char *chain)
{
	/* ip daddr . meta l4proto . th dport @except4 accept */
	match_rule(half, chain, NFT_DESTINATION, RULESET_EXCEPT, nft_rule_accept);
	/* ip daddr . meta l4proto . th dport @except_range4 accept */
	match_rule(half, chain, NFT_DESTINATION, RULESET_EXCEPT_RANGE, nft_rule_accept);
}

static void add_address_maps(const struct ruleset_half *half, const char *chain)
{
	/* dnat ip to ip daddr map @addr4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_ADDR);
	/* dnat ip to ip daddr map @addr_timed4 */
	nat_rule(half, chain, NFT_DESTINATION, RULESET_ADDR_TIMED);
}

/* meta l4proto @with_ports jump PORT_CHAIN. It reads no address, so it tests no family:
 * the base chain did. */
static void add_ports_jump(const struct ruleset_half *half, const char *chain,
			   const char *port_chain)
{
	struct nft_rule *rule = bare_rule(half, chain);

	nft_rule_load_protocol(rule, false);
	nft_rule_lookup(rule, with_ports.name, false);
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
	add_ports_jump(half, "pre", "pre_port");
	/* ip daddr @addr_from4 jump from_addr4 */
	add_from_jump(half, "pre", RULESET_ADDR_FROM, "from_addr");
	add_address_maps(half, "pre");
	/* ip daddr @pref_from4 ip daddr . ip saddr != @pref_src4 counter drop */
	add_from_ranges(half, "pre", RULESET_PREF_FROM, RULESET_PREF_SRC);
	/* dnat ip prefix to ip daddr map @pref4 */
	nat_rule(half, "pre", NFT_DESTINATION, RULESET_PREF);
}

/* L1's own connections. */
static void add_loc(const struct ruleset_half *half)
{
	/* ip daddr . meta l4proto . th dport @port_nolocal4 accept */
	match_rule(half, "loc_port", NFT_DESTINATION, RULESET_PORT_NOLOCAL,
		   nft_rule_accept);
	add_port_maps(half, "loc_port");
	/* ip daddr . meta l4proto . th dport @range_nolocal4 accept */
	match_rule(half, "loc_port", NFT_DESTINATION, RULESET_RANGE_NOLOCAL,
		   nft_rule_accept);
	add_range_maps(half, "loc_port");
	add_any_map(half, "loc_port", true);
	add_excepts(half, "loc_port");

	/* meta l4proto @with_ports jump loc_port4 */
	add_ports_jump(half, "loc", "loc_port");
	/* ip daddr @addr_nolocal4 accept */
	match_rule(half, "loc", NFT_DESTINATION, RULESET_ADDR_NOLOCAL, nft_rule_accept);
	add_address_maps(half, "loc");
	/* ip daddr @pref_nolocal4 accept */
	match_rule(half, "loc", NFT_DESTINATION, RULESET_PREF_NOLOCAL, nft_rule_accept);
	/* dnat ip prefix to ip daddr map @pref4 */
	nat_rule(half, "loc", NFT_DESTINATION, RULESET_PREF);
}

/* ---- Guests and subnets ------------------------------------------------------------ */

/* Closed to others. */
static const enum ruleset_set guests[] = { RULESET_GUEST, RULESET_GUEST_TIMED,
					   RULESET_GUEST_PREF };
/* Not closed, for --open. */
static const enum ruleset_set open_guests[] = { RULESET_GUEST_OPEN,
						RULESET_GUEST_OPEN_TIMED,
						RULESET_GUEST_OPEN_PREF };

/* ip saddr @guest4 STATEMENT, and so on with @guest_timed4 and @guest_pref4 */
static void guest_rules(const struct ruleset_half *half, const char *chain,
			enum nft_side side, statement_fn statement)
{
	size_t i;

	for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		match_rule(half, chain, side, guests[i], statement);
}

/* ip saddr @guest_open4 STATEMENT, and so on with _timed4 and _pref4 */
static void open_guest_rules(const struct ruleset_half *half, const char *chain,
			     enum nft_side side, statement_fn statement)
{
	size_t i;

	for (i = 0; i < sizeof(open_guests) / sizeof(open_guests[0]); i++)
		match_rule(half, chain, side, open_guests[i], statement);
}

/* For the first packet of a TCP flow: both ends say what fits the smaller way. */
static void add_clamp(const struct ruleset_half *half)
{
	struct nft_rule *rule;

	/* ct status dnat tcp option maxseg size set rt mtu return */
	rule = bare_rule(half, "clamp");
	nft_rule_match_dnat(rule);
	clamp_and_return(rule);
	nft_add_rule(half->batch, rule);

	/* ip saddr @masq4 tcp option maxseg size set rt mtu return */
	match_rule(half, "clamp", NFT_SOURCE, RULESET_MASQ, clamp_and_return);
	/* ip daddr @masq4 tcp option maxseg size set rt mtu return */
	match_rule(half, "clamp", NFT_DESTINATION, RULESET_MASQ, clamp_and_return);
	/* ip saddr @guest4 tcp option maxseg size set rt mtu return */
	guest_rules(half, "clamp", NFT_SOURCE, clamp_and_return);
	/* ip saddr @guest_open4 tcp option maxseg size set rt mtu return */
	open_guest_rules(half, "clamp", NFT_SOURCE, clamp_and_return);
	/* ip daddr @guest4 tcp option maxseg size set rt mtu return */
	guest_rules(half, "clamp", NFT_DESTINATION, clamp_and_return);
	/* ip daddr @guest_open4 tcp option maxseg size set rt mtu return */
	open_guest_rules(half, "clamp", NFT_DESTINATION, clamp_and_return);
}

/* Comes here: a packet from an interface that its source is not behind. */
static void add_spoofed(const struct ruleset_half *half)
{
	/* ip saddr @closed4 counter drop */
	match_rule(half, "spoofed", NFT_SOURCE, RULESET_CLOSED, ruleset_count_and_drop);
	/* ip saddr @guest4 counter drop */
	guest_rules(half, "spoofed", NFT_SOURCE, ruleset_count_and_drop);
}

/* Comes here: a flow's first packet, not translated, not staying on its interface. */
static void add_closed(const struct ruleset_half *half)
{
	struct nft_rule *rule;

	/* ip saddr . ip daddr @inside4
	 * fib saddr . iif oif exists ct label set 127 accept */
	rule = new_rule(half, "closed");
	ruleset_match(half, rule, NFT_SOURCE, RULESET_INSIDE);
	nft_rule_match_returns(rule, NFT_SOURCE, true);
	ruleset_stay_and_accept(rule);
	nft_add_rule(half->batch, rule);

	/* ip daddr @coexist4 counter drop */
	match_rule(half, "closed", NFT_DESTINATION, RULESET_COEXIST,
		   ruleset_count_and_drop);
	/* ip daddr @coexist_timed4 counter drop */
	match_rule(half, "closed", NFT_DESTINATION, RULESET_COEXIST_TIMED,
		   ruleset_count_and_drop);
	/* ip daddr @coexist_pref4 counter drop */
	match_rule(half, "closed", NFT_DESTINATION, RULESET_COEXIST_PREF,
		   ruleset_count_and_drop);
	/* ip daddr @open4 accept */
	match_rule(half, "closed", NFT_DESTINATION, RULESET_OPEN, nft_rule_accept);
	/* ip daddr @closed4 counter drop */
	match_rule(half, "closed", NFT_DESTINATION, RULESET_CLOSED,
		   ruleset_count_and_drop);
	/* ip daddr @guest4 counter drop */
	guest_rules(half, "closed", NFT_DESTINATION, ruleset_count_and_drop);
}

/* What a guest's own flows leave as: --egress none, alias; then what `nat` says of the
 * subnet, --out and --to first; else every exposed guest is masqueraded. */
static void add_post(const struct ruleset_half *half)
{
	/* ip saddr @keep4 accept */
	match_rule(half, "post", NFT_SOURCE, RULESET_KEEP, nft_rule_accept);
	/* ip saddr @keep_pref4 accept */
	match_rule(half, "post", NFT_SOURCE, RULESET_KEEP_PREF, nft_rule_accept);
	/* snat ip to ip saddr map @egress4 */
	nat_rule(half, "post", NFT_SOURCE, RULESET_EGRESS);
	/* snat ip prefix to ip saddr map @egress_pref4 */
	nat_rule(half, "post", NFT_SOURCE, RULESET_EGRESS_PREF);
	/* snat ip to ip saddr . oifname map @snat_out4 */
	nat_rule(half, "post", NFT_SOURCE, RULESET_SNAT_OUT);
	/* ip saddr . oifname @masq_out4 masquerade */
	match_rule(half, "post", NFT_SOURCE, RULESET_MASQ_OUT, nft_rule_masquerade);
	/* snat ip to ip saddr map @snat4 */
	nat_rule(half, "post", NFT_SOURCE, RULESET_SNAT);
	/* ip saddr @masq4 masquerade */
	match_rule(half, "post", NFT_SOURCE, RULESET_MASQ, nft_rule_masquerade);
	/* ip saddr @guest4 masquerade */
	guest_rules(half, "post", NFT_SOURCE, nft_rule_masquerade);
	/* ip saddr @guest_open4 masquerade */
	open_guest_rules(half, "post", NFT_SOURCE, nft_rule_masquerade);
}

/* What base chains jump to, and what those jump to. */
static const char *const entries[] = {
	"pre", "loc", "clamp", "spoofed", "closed", "post"
};
static const char *const inner[] = { "from_port", "from_addr", "pre_port", "loc_port" };
#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))
#define N_INNER   (sizeof(inner) / sizeof(inner[0]))

void ruleset_add_entries(const struct ruleset_half *half)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		add_chain(half, entries[i]);
}

void ruleset_add_half(const struct ruleset_half *half)
{
	for (size_t i = 0; i < N_INNER; i++)
		add_chain(half, inner[i]);
	add_from(half, "from_port", RULESET_PORT_SRC);
	add_from(half, "from_addr", RULESET_ADDR_SRC);
	add_pre(half);
	add_loc(half);
	add_clamp(half);
	add_spoofed(half);
	add_closed(half);
	add_post(half);
}

/* A chain can go when nothing jumps to it, and a set when nothing asks it. */
void ruleset_delete_half(const struct ruleset_half *half)
{
	char name[CHAIN_NAME_SIZE];

	for (size_t i = 0; i < N_ENTRIES; i++)
		nft_empty_chain(half->batch, &ruleset_table,
				chain_name(half, entries[i], name));
	for (size_t i = N_INNER; i-- > 0;)
		nft_empty_chain(half->batch, &ruleset_table,
				chain_name(half, inner[i], name));
	for (size_t i = 0; i < N_INNER; i++)
		nft_delete_chain(half->batch, &ruleset_table,
				 chain_name(half, inner[i], name));
}

/* ---- The protocols ----------------------------------------------------------------- */

/* set with_ports { type inet_proto; elements = { tcp, udp, sctp } } */
void ruleset_add_with_ports(struct nft_batch *batch)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	size_t i;

	nft_add_set(batch, &ruleset_table, &with_ports);
	for (i = 0; i < sizeof(protocols); i++) {
		struct nft_element element = { .key = { protocols[i] } };

		nft_element_add(batch, &ruleset_table, &with_ports, &element);
	}
}
