/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_RULE_H
#define NESTNET_KERNEL_NFT_RULE_H

/* What the files of expressions share: the rule under construction, and the expressions
 * that most matches are made of. For the kernel room alone; nft-expr.c has them.
 *
 * A word is one of the kernel's registers of 32 bits, counted from NFT_REG32_00. */

#include "kernel/nft-expr.h"

#include <stdio.h> /* libnftnl's headers want FILE, and do not say so */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

struct nft_rule {
	struct nftnl_rule *nftnl;
	enum nft_family family;
	unsigned int key_words; /* of the key loaded so far */
	bool is_failed;         /* no memory */
};

/** @return a new last expression of the rule, or NULL: no memory, now or before */
struct nftnl_expr *nft_rule_add_expr(struct nft_rule *rule, const char *name);

void nft_rule_set_bytes(struct nft_rule *rule, struct nftnl_expr *expr, uint16_t attr,
			const void *bytes, size_t len);
void nft_rule_set_register(struct nftnl_expr *expr, uint16_t attr, unsigned int word);

/** Loads len bytes of a header into the word. @param base  NFT_PAYLOAD_*_HEADER */
void nft_rule_payload(struct nft_rule *rule, unsigned int word, uint32_t base,
		      uint32_t offset, uint32_t len);

/** Loads what is known about the packet. @param key  NFT_META_* */
void nft_rule_meta(struct nft_rule *rule, unsigned int word, uint32_t key);

/** Goes on where the word compares so. @param op  NFT_CMP_* */
void nft_rule_cmp(struct nft_rule *rule, unsigned int word, uint32_t op,
		  const void *bytes, size_t len);

/** @return the word where a field of the key starts; the next field is count behind it */
unsigned int nft_rule_take_words(struct nft_rule *rule, unsigned int count);

#endif
