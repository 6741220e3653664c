/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of a trace. They are there for as long as the trace is, and cost nothing when
 * there is none: each belongs to a socket of the process that traces, and the kernel takes it
 * away with that (flags owner), whatever the process dies of.
 *
 * A packet to the alias is marked (nftrace) before anything else has it, behind the
 * reassembly of fragments alone, and an answer as soon as its flow is known. From there on
 * the kernel tells of every rule that matches and of every base chain that ends. So chains
 * of ours without a rule, first or last on their hooks, say where a packet has got to, which
 * no chain of others needs to: they all accept.
 *
 * Marking is limited: a busy alias has more packets than anybody reads, and each has some
 * twenty events.
 */

#include "table/ruleset-trace.h"

#include "kernel/foreign.h"
#include "kernel/nft-trace.h"

#include "base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Before raw (-300), behind the reassembly of fragments (-400), in all that passes it. */
#define PRIORITY_FIRST (-399)
/* Behind connection tracking (-200). */
#define PRIORITY_TRACKED (-199)
/* Connection tracking confirms at INT_MAX, behind this. */
#define PRIORITY_LAST (INT_MAX - 1)

#define PACKETS_PER_SECOND 100 /* where nothing is said */

/* lo, in every network namespace: what L1 sends to itself was seen as it was sent. */
#define LOOPBACK_IFINDEX 1

static const struct place {
	const char *chain;
	enum nft_hook hook;
	int priority;
} places[RULESET_TRACE_PLACES] = {
	[RULESET_TRACE_ARRIVES] = { "arrives", NFT_HOOK_PREROUTING, PRIORITY_FIRST },
	[RULESET_TRACE_SENT] = { "sent", NFT_HOOK_OUTPUT, PRIORITY_FIRST },
	[RULESET_TRACE_ANSWER] = { "answer", NFT_HOOK_PREROUTING, PRIORITY_TRACKED },
	[RULESET_TRACE_ANSWERED] = { "answered", NFT_HOOK_OUTPUT, PRIORITY_TRACKED },
	[RULESET_TRACE_PREROUTING_END] = { "prerouting_end", NFT_HOOK_PREROUTING,
					   PRIORITY_LAST },
	[RULESET_TRACE_INPUT] = { "input_begin", NFT_HOOK_INPUT, INT_MIN },
	[RULESET_TRACE_INPUT_END] = { "input_end", NFT_HOOK_INPUT, PRIORITY_LAST },
	[RULESET_TRACE_FORWARD] = { "forward_begin", NFT_HOOK_FORWARD, INT_MIN },
	[RULESET_TRACE_FORWARD_END] = { "forward_end", NFT_HOOK_FORWARD, PRIORITY_LAST },
	[RULESET_TRACE_OUTPUT_END] = { "output_end", NFT_HOOK_OUTPUT, PRIORITY_LAST },
	[RULESET_TRACE_POSTROUTING_END] = { "postrouting_end", NFT_HOOK_POSTROUTING,
					    PRIORITY_LAST },
	[RULESET_TRACE_PORT] = { "port", NFT_HOOK_POSTROUTING, PRIORITY_LAST },
};

void ruleset_trace_name(uint32_t number, char ret[RULESET_TRACE_NAME])
{
	snprintf(ret, RULESET_TRACE_NAME, FOREIGN_TRACE "-%u", (unsigned int)number);
}

enum ruleset_trace_place ruleset_trace_place(const char *chain)
{
	unsigned int place = 0;

	while (place < RULESET_TRACE_PLACES && strcmp(places[place].chain, chain) != 0)
		place++;
	return place;
}

static bool is_any(const struct nestnet_endpoint *alias)
{
	return alias->prefix.address.family == AF_UNSPEC;
}

/* limit rate 100/second meta nftrace set 1 */
static void limit_and_trace(struct nft_batch *batch, struct nft_rule *rule, uint32_t rate)
{
	nft_rule_limit(rule, rate ? rate : PACKETS_PER_SECOND);
	nft_rule_trace(rule);
	nft_add_rule(batch, rule);
}

/* meta nfproto ipv4 ip daddr ALIAS meta l4proto tcp th dport PORTS ...; of every address
 * fib daddr type local in the place of ALIAS, in both families. */
static void add_to_alias(struct nft_batch *batch, const struct nft_table *table,
			 enum ruleset_trace_place place,
			 const struct nestnet_endpoint *alias, uint32_t rate)
{
	struct nft_rule *rule = nft_rule_new(table, places[place].chain);

	if (place == RULESET_TRACE_ARRIVES)
		nft_rule_match_input_not(rule, LOOPBACK_IFINDEX);
	if (is_any(alias)) {
		nft_rule_match_local(rule, NFT_DESTINATION);
	} else {
		nft_rule_match_family(rule, alias->prefix.address.family);
		nft_rule_match_destination(rule, &alias->prefix);
	}
	if (alias->first_port) {
		nft_rule_match_protocol(rule, (uint8_t)alias->protocol);
		nft_rule_match_ports(rule, alias->first_port, alias->last_port);
	}
	limit_and_trace(batch, rule, rate);
}

/* ct direction reply ct original ip daddr ALIAS meta l4proto tcp ct original proto-dst PORTS
 * ...; of every address ct status dnat in the place of ALIAS. */
static void add_from_alias(struct nft_batch *batch, const struct nft_table *table,
			   enum ruleset_trace_place place,
			   const struct nestnet_endpoint *alias, uint32_t rate)
{
	struct nft_rule *rule = nft_rule_new(table, places[place].chain);

	nft_rule_match_reply(rule);
	if (is_any(alias)) {
		nft_rule_match_dnat(rule);
	} else {
		nft_rule_match_family(rule, alias->prefix.address.family);
		nft_rule_match_original(rule, &alias->prefix);
	}
	if (alias->first_port) {
		nft_rule_match_protocol(rule, (uint8_t)alias->protocol);
		nft_rule_match_original_ports(rule, alias->first_port, alias->last_port);
	}
	limit_and_trace(batch, rule, rate);
}

static void add_place(struct nft_batch *batch, const struct nft_table *table,
		      enum ruleset_trace_place place)
{
	nft_add_chain(batch, table, places[place].chain, "filter", places[place].hook,
		      places[place].priority);
}

void ruleset_trace_create(struct nft_batch *batch, const char *name,
			  const struct nestnet_endpoint *alias, bool has_answers,
			  uint32_t rate)
{
	const struct nft_table table = { .family = NFT_FAMILY_INET, .name = name };

	nft_add_owned_table(batch, &table);
	for (unsigned int place = 0; place < RULESET_TRACE_PORT; place++)
		add_place(batch, &table, place);
	add_to_alias(batch, &table, RULESET_TRACE_ARRIVES, alias, rate);
	add_to_alias(batch, &table, RULESET_TRACE_SENT, alias, rate);
	if (!has_answers)
		return;
	add_from_alias(batch, &table, RULESET_TRACE_ANSWER, alias, rate);
	add_from_alias(batch, &table, RULESET_TRACE_ANSWERED, alias, rate);
}

void ruleset_trace_create_bridge(struct nft_batch *batch, const char *name)
{
	const struct nft_table table = { .family = NFT_FAMILY_BRIDGE, .name = name };

	nft_add_owned_table(batch, &table);
	add_place(batch, &table, RULESET_TRACE_PORT);
}
