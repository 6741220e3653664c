/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules that an exposed address needs: there from the start. */

#include "table/ruleset-rules.h"

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

static void add_translation(const struct ruleset_half *half)
{
	/* jump pre_more4
	 * dnat ip to ip daddr map @addr4
	 * jump pre_pref4 */
	ruleset_add_jump(half, "pre", "pre_more");
	ruleset_nat_rule(half, "pre", NFT_DESTINATION, RULESET_ADDR);
	ruleset_add_jump(half, "pre", "pre_pref");
	/* jump loc_more4
	 * dnat ip to ip daddr map @addr4
	 * jump loc_pref4 */
	ruleset_add_jump(half, "loc", "loc_more");
	ruleset_nat_rule(half, "loc", NFT_DESTINATION, RULESET_ADDR);
	ruleset_add_jump(half, "loc", "loc_pref");
	/* jump post_more4
	 * ip saddr @guest4 masquerade */
	ruleset_add_jump(half, "post", "post_more");
	ruleset_match_rule(half, "post", NFT_SOURCE, RULESET_GUEST, nft_rule_masquerade);
}

static void add_filter(const struct ruleset_half *half)
{
	struct nft_rule *rule;

	/* ct status dnat goto mss */
	rule = ruleset_bare_rule(half, "clamp");
	nft_rule_match_dnat(rule);
	ruleset_clamp(rule);
	nft_add_rule(half->batch, rule);
	/* ip saddr @guest4 goto mss */
	ruleset_match_rule(half, "clamp", NFT_SOURCE, RULESET_GUEST, ruleset_clamp);
	/* ip daddr @guest4 goto mss */
	ruleset_match_rule(half, "clamp", NFT_DESTINATION, RULESET_GUEST, ruleset_clamp);
	/* jump clamp_more4 */
	ruleset_add_jump(half, "clamp", "clamp_more");

	/* Comes here: a packet from an interface that its source is not behind.
	 * ip saddr @closed4 counter drop */
	ruleset_match_rule(half, "spoofed", NFT_SOURCE, RULESET_CLOSED,
			   ruleset_count_and_drop);
	/* ip saddr @guest4 counter drop */
	ruleset_match_rule(half, "spoofed", NFT_SOURCE, RULESET_GUEST,
			   ruleset_count_and_drop);
	/* jump spoofed_more4 */
	ruleset_add_jump(half, "spoofed", "spoofed_more");

	/* Comes here: a flow's first packet, not translated, not staying on its interface.
	 * jump closed_more4 */
	ruleset_add_jump(half, "closed", "closed_more");
	/* ip daddr @closed4 counter drop */
	ruleset_match_rule(half, "closed", NFT_DESTINATION, RULESET_CLOSED,
			   ruleset_count_and_drop);
	/* ip daddr @guest4 counter drop */
	ruleset_match_rule(half, "closed", NFT_DESTINATION, RULESET_GUEST,
			   ruleset_count_and_drop);
}

void ruleset_add_address_rules(const struct ruleset_half *half)
{
	add_translation(half);
	add_filter(half);
}
