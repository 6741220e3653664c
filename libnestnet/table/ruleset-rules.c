/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The chains that base chains jump to, once a family, and the vocabulary that all rules
 * are written in. What is in those chains is in ruleset-address.c and ruleset-more.c; how
 * they work together is told in ruleset-base.c.
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

struct nft_rule *ruleset_bare_rule(const struct ruleset_half *half, const char *chain)
{
	char name[CHAIN_NAME_SIZE];

	return nft_rule_new(&ruleset_table, chain_name(half, chain, name));
}

struct nft_rule *ruleset_rule(const struct ruleset_half *half, const char *chain)
{
	struct nft_rule *rule = ruleset_bare_rule(half, chain);

	nft_rule_match_family(rule, half->family);
	return rule;
}

void ruleset_jump(const struct ruleset_half *half, struct nft_rule *rule,
		  const char *chain)
{
	char name[CHAIN_NAME_SIZE];

	nft_rule_jump(rule, chain_name(half, chain, name));
}

void ruleset_load_key(const struct ruleset_half *half, struct nft_rule *rule,
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

	ruleset_load_key(half, rule, spec, side);
	nft_rule_lookup(rule, spec->name, false);
}

void ruleset_match_not(const struct ruleset_half *half, struct nft_rule *rule,
		       enum nft_side side, enum ruleset_set set)
{
	const struct nft_set_spec *spec = ruleset_set_spec(set, half->family);

	ruleset_load_key(half, rule, spec, side);
	nft_rule_lookup(rule, spec->name, true);
}

void ruleset_match_rule(const struct ruleset_half *half, const char *chain,
			enum nft_side side, enum ruleset_set set,
			ruleset_statement_fn statement)
{
	struct nft_rule *rule = ruleset_rule(half, chain);

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

void ruleset_translate(const struct ruleset_half *half, struct nft_rule *rule,
		       enum nft_side side, enum ruleset_set map)
{
	const struct nft_set_spec *spec = ruleset_set_spec(map, half->family);

	ruleset_load_key(half, rule, spec, side);
	nft_rule_lookup_map(rule, spec->name);
	nft_rule_nat(rule, side, half->family, target_of(spec));
}

void ruleset_nat_rule(const struct ruleset_half *half, const char *chain,
		      enum nft_side side, enum ruleset_set map)
{
	struct nft_rule *rule = ruleset_rule(half, chain);

	ruleset_translate(half, rule, side, map);
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

void ruleset_add_jump(const struct ruleset_half *half, const char *chain, const char *to)
{
	struct nft_rule *rule = ruleset_bare_rule(half, chain);

	ruleset_jump(half, rule, to);
	nft_add_rule(half->batch, rule);
}

void ruleset_clamp(struct nft_rule *rule)
{
	nft_rule_goto(rule, RULESET_CLAMP_CHAIN);
}

/* ---- The chains ---------------------------------------------------------------------- */

/* What base chains jump to, what those jump to, and what these jump to in turn. */
static const char *const entries[] = { "pre",    "loc",  "clamp", "spoofed",
				       "closed", "post", NULL };
static const char *const more[] = { "pre_more",    "pre_pref",   "loc_more",
				    "loc_pref",    "clamp_more", "spoofed_more",
				    "closed_more", "post_more",  NULL };
static const char *const inner[] = { "from_port", "from_addr", "pre_port", "loc_port",
				     NULL };

static void add_chains(const struct ruleset_half *half, const char *const *bases)
{
	for (; *bases; bases++)
		add_chain(half, *bases);
}

static void empty_chains(const struct ruleset_half *half, const char *const *bases)
{
	char name[CHAIN_NAME_SIZE];

	for (; *bases; bases++)
		nft_empty_chain(half->batch, &ruleset_table,
				chain_name(half, *bases, name));
}

static void delete_chains(const struct ruleset_half *half, const char *const *bases)
{
	char name[CHAIN_NAME_SIZE];

	for (; *bases; bases++)
		nft_delete_chain(half->batch, &ruleset_table,
				 chain_name(half, *bases, name));
}

void ruleset_add_entries(const struct ruleset_half *half)
{
	add_chains(half, entries);
}

void ruleset_add_core(const struct ruleset_half *half)
{
	add_chains(half, more);
	ruleset_add_address_rules(half);
}

void ruleset_delete_core(const struct ruleset_half *half)
{
	empty_chains(half, entries);
	delete_chains(half, more);
}

void ruleset_add_rest(const struct ruleset_half *half)
{
	add_chains(half, inner);
	ruleset_add_more_rules(half);
}

void ruleset_delete_rest(const struct ruleset_half *half)
{
	empty_chains(half, more);
	empty_chains(half, inner);
	delete_chains(half, inner);
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

void ruleset_match_ports(struct nft_rule *rule)
{
	nft_rule_load_protocol(rule, false);
	nft_rule_lookup(rule, with_ports.name, false);
}
