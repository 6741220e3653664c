/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_TRACE_H
#define NESTNET_KERNEL_NFT_TRACE_H

/* What rules that begin a trace are made of, beside kernel/nft-expr.h, whose words about
 * rules hold here too. */

#include "kernel/nft-expr.h"

#include <nestnet/nestnet.h>

/**
 * A table that lives as long as the socket that the batch is sent by, and that nobody else
 * can change: flags owner. Linux 5.12 and later; before, the kernel refuses the batch.
 */
void nft_add_owned_table(struct nft_batch *batch, const struct nft_table *table);

/** ip daddr FIRST-LAST; of one address ip daddr ADDRESS. nft_rule_match_family() must have
 *  come before. */
void nft_rule_match_destination(struct nft_rule *rule,
				const struct nestnet_prefix *prefix);

/** th dport FIRST-LAST, or th dport PORT. nft_rule_match_protocol() must have come before. */
void nft_rule_match_ports(struct nft_rule *rule, uint16_t first, uint16_t last);

/** ct direction reply */
void nft_rule_match_reply(struct nft_rule *rule);

/** ct original ip daddr FIRST-LAST: where the flow's first packet went to. */
void nft_rule_match_original(struct nft_rule *rule, const struct nestnet_prefix *prefix);

/** ct original proto-dst FIRST-LAST */
void nft_rule_match_original_ports(struct nft_rule *rule, uint16_t first, uint16_t last);

/** iif != INDEX */
void nft_rule_match_input_not(struct nft_rule *rule, uint32_t ifindex);

/** limit rate N/second burst N packets: matches no more often than that. */
void nft_rule_limit(struct nft_rule *rule, uint32_t packets_per_second);

/** meta nftrace set 1: from here on the kernel tells of the packet. */
void nft_rule_trace(struct nft_rule *rule);

#endif
