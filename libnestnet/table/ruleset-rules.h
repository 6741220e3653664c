/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULESET_RULES_H
#define NESTNET_RULESET_RULES_H

/* What the files of the skeleton share: the vocabulary of its rules, and the steps of
 * ruleset_create(). For ruleset*.c alone. */

#include "table/ruleset.h"

#include "kernel/nft-expr.h"

/* A flow that stays on the interface it came by. */
#define RULESET_LABEL_STAYS NFT_LABEL_MAX

/* Clamps the MSS; for `goto`, since once is enough. */
#define RULESET_CLAMP_CHAIN "mss"

/** One family's half of the rules; its chains have names that end in 4 or 6. */
struct ruleset_half {
	struct nft_batch *batch;
	int family;
};

/** A rule of a chain of the half. @param chain  its name without the digit */
struct nft_rule *ruleset_rule(const struct ruleset_half *half, const char *chain);

/** The same that reads no address, and so tests no family: the base chain did. */
struct nft_rule *ruleset_bare_rule(const struct ruleset_half *half, const char *chain);

/** jump CHAIN4, or 6. @param chain  its name without the digit */
void ruleset_jump(const struct ruleset_half *half, struct nft_rule *rule,
		  const char *chain);

/** Loads a key field by field, as the set's type has them. The first address is that of
 *  side, a second one the other. */
void ruleset_load_key(const struct ruleset_half *half, struct nft_rule *rule,
		      const struct nft_set_spec *spec, enum nft_side side);

/** KEY @set, with that key; and KEY != @set */
void ruleset_match(const struct ruleset_half *half, struct nft_rule *rule,
		   enum nft_side side, enum ruleset_set set);
void ruleset_match_not(const struct ruleset_half *half, struct nft_rule *rule,
		       enum nft_side side, enum ruleset_set set);

/** meta l4proto @with_ports */
void ruleset_match_ports(struct nft_rule *rule);

/** dnat ip to KEY map @map, or snat; with a prefix as value, dnat ip prefix to. */
void ruleset_translate(const struct ruleset_half *half, struct nft_rule *rule,
		       enum nft_side side, enum ruleset_set map);

typedef void (*ruleset_statement_fn)(struct nft_rule *rule);

/* Whole rules: KEY @set STATEMENT; the translation; jump TO4. */
void ruleset_match_rule(const struct ruleset_half *half, const char *chain,
			enum nft_side side, enum ruleset_set set,
			ruleset_statement_fn statement);
void ruleset_nat_rule(const struct ruleset_half *half, const char *chain,
		      enum nft_side side, enum ruleset_set map);
void ruleset_add_jump(const struct ruleset_half *half, const char *chain, const char *to);

/** goto mss: of what we translate, both ends say what fits the smaller way. */
void ruleset_clamp(struct nft_rule *rule);

/** counter drop */
void ruleset_count_and_drop(struct nft_rule *rule);

/** ct label set 127 accept */
void ruleset_stay_and_accept(struct nft_rule *rule);

/** Adds the set of the protocols that have ports, with its elements. */
void ruleset_add_with_ports(struct nft_batch *batch);

/** Adds the half's chains that base chains jump to, empty. */
void ruleset_add_entries(const struct ruleset_half *half);

/** Adds what exposures of whole addresses need: rules of those chains, and empty chains. */
void ruleset_add_core(const struct ruleset_half *half);
void ruleset_add_address_rules(const struct ruleset_half *half);

/** Adds all else: the rules of those empty chains, and what they jump to. */
void ruleset_add_rest(const struct ruleset_half *half);
void ruleset_add_more_rules(const struct ruleset_half *half);

/** Take back what these two added; first the rest. */
void ruleset_delete_rest(const struct ruleset_half *half);
void ruleset_delete_core(const struct ruleset_half *half);

/** Adds the chains of RULESET_MAIN with their rules, to a batch that has its sets. */
void ruleset_add_chains(struct nft_batch *batch);

/** The same of RULESET_MORE and RULESET_SIX. */
void ruleset_add_more(struct nft_batch *batch);
void ruleset_delete_more(struct nft_batch *batch);
void ruleset_add_six(struct nft_batch *batch);
void ruleset_delete_six(struct nft_batch *batch);

#endif
