/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULESET_RULES_H
#define NESTNET_RULESET_RULES_H

/* What the files of the skeleton share: the vocabulary of its rules, and the steps of
 * ruleset_create(). For ruleset*.c alone. */

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

/* A flow that stays on the interface it came by. */
#define RULESET_LABEL_STAYS NFT_LABEL_MAX

/** One family's half of the rules; its chains have names that end in 4 or 6. */
struct ruleset_half {
	struct nft_batch *batch;
	int family;
};

/** jump CHAIN4, or 6. @param chain  its name without the digit */
void ruleset_jump(const struct ruleset_half *half, struct nft_rule *rule,
		  const char *chain);

/** KEY @set: loads the key that the set has, field by field, and looks it up. The first
 *  address is that of side, a second one the other. */
void ruleset_match(const struct ruleset_half *half, struct nft_rule *rule,
		   enum nft_side side, enum ruleset_set set);

/** counter drop */
void ruleset_count_and_drop(struct nft_rule *rule);

/** ct label set 127 accept */
void ruleset_stay_and_accept(struct nft_rule *rule);

/** Adds the set of the protocols that have ports, with its elements. */
void ruleset_add_with_ports(struct nft_batch *batch);

/** Adds the half's chains that base chains jump to, empty. */
void ruleset_add_entries(const struct ruleset_half *half);

/** Adds the half's other chains, and the rules of all. */
void ruleset_add_half(const struct ruleset_half *half);

/** Takes back what ruleset_add_half() added. */
void ruleset_delete_half(const struct ruleset_half *half);

/** Adds the chains of RULESET_MAIN with their rules, to a batch that has its sets. */
void ruleset_add_chains(struct nft_batch *batch);

/** The same of RULESET_SIX. */
void ruleset_add_six(struct nft_batch *batch);
void ruleset_delete_six(struct nft_batch *batch);

#endif
