/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The chains and rules of our table, which are made once and never change: how they work
 * together, and the base chains. The others, once a family, are in ruleset-rules.c.
 *
 * The way of a packet
 *	prerouting and output translate an alias to its target: the exact port first, then
 *	shifted ports, ranges, ports that stay L1's own (--except), the address, the
 *	prefix. What a map has is taken, and ends the chain; what it has not goes on. An
 *	allow-list (--from) comes before the map that it restricts, and so sees original
 *	addresses, and only a flow's first packet. L1's own connections skip the
 *	allow-lists, and instead leave out what is --no-local.
 *	forward clamps the MSS of what we translate, lets answers by, and closes guests
 *	and `nat` subnets to everything that was not translated. input closes L1's
 *	addresses in such a subnet to other interfaces.
 *	postrouting gives guests' own flows the address that they leave as.
 *
 * Label 127 is a flow that stays on the interface it came by: bridged under br_netfilter,
 * or hairpin. forward knows that (fib ... oif works there), postrouting needs it: such a
 * flow is never translated, but for the hairpin, whose answers must come back through us.
 *
 * Nothing is done here for a policy of other base chains: accept ends only our own, and a
 * drop in any is final (facts 28).
 */

#include "table/ruleset-rules.h"

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* lo, in every network namespace. */
#define LOOPBACK_IFINDEX 1

/* What comes before libvirt's and Docker's chains on the hook: who ties with them and
 * registers first loses (kernel review, 16). nft says dstnat - 10 and srcnat - 10. */
#define PRIORITY_DSTNAT (-100 - 10)
#define PRIORITY_SRCNAT (100 - 10)
#define PRIORITY_FILTER 0

static struct nft_rule *base_rule(const char *chain)
{
	return nft_rule_new(&ruleset_table, chain);
}

/* meta nfproto ipv4 jump CHAIN4 */
static void family_jump(const struct ruleset_half *half, const char *base,
			const char *chain)
{
	struct nft_rule *rule = base_rule(base);

	nft_rule_match_family(rule, half->family);
	ruleset_jump(half, rule, chain);
	nft_add_rule(half->batch, rule);
}

static void add_prerouting(const struct ruleset_half *half4,
			   const struct ruleset_half *half6)
{
	nft_add_chain(half4->batch, &ruleset_table, "prerouting", "nat",
		      NFT_HOOK_PREROUTING, PRIORITY_DSTNAT);
	/* meta nfproto ipv4 jump pre4 */
	family_jump(half4, "prerouting", "pre");
	/* meta nfproto ipv6 jump pre6 */
	family_jump(half6, "prerouting", "pre");
}

static void add_output(const struct ruleset_half *half4, const struct ruleset_half *half6)
{
	nft_add_chain(half4->batch, &ruleset_table, "output", "nat", NFT_HOOK_OUTPUT,
		      PRIORITY_DSTNAT);
	/* meta nfproto ipv4 jump loc4 */
	family_jump(half4, "output", "loc");
	/* meta nfproto ipv6 jump loc6 */
	family_jump(half6, "output", "loc");
}

/* ip daddr @closed4 fib daddr . iif type != local counter drop */
static void add_input_closed(const struct ruleset_half *half)
{
	struct nft_rule *rule = base_rule(RULESET_INPUT_CHAIN);

	nft_rule_match_family(rule, half->family);
	ruleset_match(half, rule, NFT_DESTINATION, RULESET_CLOSED);
	nft_rule_match_not_local_input(rule, NFT_DESTINATION);
	ruleset_count_and_drop(rule);
	nft_add_rule(half->batch, rule);
}

static void add_input(const struct ruleset_half *half4, const struct ruleset_half *half6)
{
	struct nft_batch *batch = half4->batch;
	struct nft_rule *rule;

	nft_add_chain(batch, &ruleset_table, RULESET_INPUT_CHAIN, "filter", NFT_HOOK_INPUT,
		      PRIORITY_FILTER);

	/* ct state != new accept */
	rule = base_rule(RULESET_INPUT_CHAIN);
	nft_rule_match_state_not(rule, NFT_STATE_NEW);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* iif "lo" accept */
	rule = base_rule(RULESET_INPUT_CHAIN);
	nft_rule_match_input(rule, LOOPBACK_IFINDEX);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* ct status dnat accept */
	rule = base_rule(RULESET_INPUT_CHAIN);
	nft_rule_match_dnat(rule);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	add_input_closed(half4);
	add_input_closed(half6);
}

/* tcp flags syn meta nfproto ipv4 jump clamp4 */
static void add_syn_jump(const struct ruleset_half *half)
{
	struct nft_rule *rule = base_rule("forward");

	nft_rule_match_protocol(rule, IPPROTO_TCP);
	nft_rule_match_syn(rule);
	nft_rule_match_family(rule, half->family);
	ruleset_jump(half, rule, "clamp");
	nft_add_rule(half->batch, rule);
}

/* meta nfproto ipv4 fib saddr . iif oif missing jump spoofed4 */
static void add_spoofed_jump(const struct ruleset_half *half)
{
	struct nft_rule *rule = base_rule("forward");

	nft_rule_match_family(rule, half->family);
	nft_rule_match_returns(rule, NFT_SOURCE, false);
	ruleset_jump(half, rule, "spoofed");
	nft_add_rule(half->batch, rule);
}

static void add_forward(const struct ruleset_half *half4,
			const struct ruleset_half *half6)
{
	struct nft_batch *batch = half4->batch;
	struct nft_rule *rule;

	nft_add_chain(batch, &ruleset_table, "forward", "filter", NFT_HOOK_FORWARD,
		      PRIORITY_FILTER);
	add_syn_jump(half4);
	add_syn_jump(half6);

	/* ct state established,related accept */
	rule = base_rule("forward");
	nft_rule_match_state(rule, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* fib daddr . iif oif exists ct label set 127 accept */
	rule = base_rule("forward");
	nft_rule_match_returns(rule, NFT_DESTINATION, true);
	ruleset_stay_and_accept(rule);
	nft_add_rule(batch, rule);

	add_spoofed_jump(half4);
	add_spoofed_jump(half6);

	/* ct status dnat accept */
	rule = base_rule("forward");
	nft_rule_match_dnat(rule);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* meta nfproto ipv4 jump closed4 */
	family_jump(half4, "forward", "closed");
	/* meta nfproto ipv6 jump closed6 */
	family_jump(half6, "forward", "closed");
}

static void add_postrouting(const struct ruleset_half *half4,
			    const struct ruleset_half *half6)
{
	struct nft_batch *batch = half4->batch;
	struct nft_rule *rule;

	nft_add_chain(batch, &ruleset_table, "postrouting", "nat", NFT_HOOK_POSTROUTING,
		      PRIORITY_SRCNAT);

	/* ct label 127 ct status dnat masquerade */
	rule = base_rule("postrouting");
	nft_rule_match_label(rule, RULESET_LABEL_STAYS);
	nft_rule_match_dnat(rule);
	nft_rule_masquerade(rule);
	nft_add_rule(batch, rule);

	/* ct label 127 accept */
	rule = base_rule("postrouting");
	nft_rule_match_label(rule, RULESET_LABEL_STAYS);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* fib saddr type local accept: else L1's own flows from a bridge's address, even
	 * those on lo, are masqueraded with its subnet */
	rule = base_rule("postrouting");
	nft_rule_match_local(rule, NFT_SOURCE);
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);

	/* meta nfproto ipv4 jump post4 */
	family_jump(half4, "postrouting", "post");
	/* meta nfproto ipv6 jump post6 */
	family_jump(half6, "postrouting", "post");
}

/* Clamps what a SYN of ours says that it can take: for both families. */
static void add_mss(struct nft_batch *batch)
{
	struct nft_rule *rule;

	nft_add_chain(batch, &ruleset_table, RULESET_CLAMP_CHAIN, NULL, NFT_HOOK_NONE, 0);
	/* tcp option maxseg size set rt mtu */
	rule = base_rule(RULESET_CLAMP_CHAIN);
	nft_rule_clamp_mss(rule);
	nft_add_rule(batch, rule);
}

void ruleset_add_chains(struct nft_batch *batch)
{
	const struct ruleset_half half4 = { .batch = batch, .family = AF_INET };
	const struct ruleset_half half6 = { .batch = batch, .family = AF_INET6 };

	ruleset_add_with_ports(batch);
	add_mss(batch);
	ruleset_add_entries(&half4);
	ruleset_add_entries(&half6);
	ruleset_add_core(&half4);
	add_prerouting(&half4, &half6);
	add_output(&half4, &half6);
	add_input(&half4, &half6);
	add_forward(&half4, &half6);
	add_postrouting(&half4, &half6);
}

void ruleset_add_more(struct nft_batch *batch)
{
	const struct ruleset_half half4 = { .batch = batch, .family = AF_INET };

	ruleset_add_rest(&half4);
}

void ruleset_delete_more(struct nft_batch *batch)
{
	const struct ruleset_half half4 = { .batch = batch, .family = AF_INET };

	ruleset_delete_rest(&half4);
}

void ruleset_add_six(struct nft_batch *batch)
{
	const struct ruleset_half half6 = { .batch = batch, .family = AF_INET6 };

	ruleset_add_core(&half6);
	ruleset_add_rest(&half6);
}

void ruleset_delete_six(struct nft_batch *batch)
{
	const struct ruleset_half half6 = { .batch = batch, .family = AF_INET6 };

	ruleset_delete_rest(&half6);
	ruleset_delete_core(&half6);
}
