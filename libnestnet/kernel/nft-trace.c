/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions of rules that begin a trace. As in nft-expr.c, each is the sequence that nft
 * makes for the spelling in the header. */

#include "kernel/nft-trace.h"
#include "kernel/nft-message.h"
#include "kernel/nft-rule.h"

#include "base/address.h"

#include <arpa/inet.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>

/* Where fields are in their headers: RFC 791, 8200, 9293. */
#define IP_DADDR  16
#define IP6_DADDR 24
#define TH_DPORT  2

#ifndef NFT_TABLE_F_OWNER /* Linux 5.12 */
#define NFT_TABLE_F_OWNER 0x2
#endif

void nft_add_owned_table(struct nft_batch *batch, const struct nft_table *table)
{
	struct nftnl_table *nftnl = nftnl_table_alloc();
	struct nlmsghdr *message = NULL;

	if (nftnl && nftnl_table_set_str(nftnl, NFTNL_TABLE_NAME, table->name) >= 0)
		message = nft_message_begin(batch, NFT_MESSAGE_MAX, NFT_MSG_NEWTABLE,
					    table->family, NLM_F_CREATE | NLM_F_EXCL);
	else
		nft_batch_set_failed(batch);
	if (message) {
		nftnl_table_set_u32(nftnl, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
		nftnl_table_nlmsg_build_payload(message, nftnl);
		nft_message_end(batch, message);
	}
	if (nftnl)
		nftnl_table_free(nftnl);
}

/* ---- Ranges ------------------------------------------------------------------------ */

/* Goes on where the first word is within first to last, or is first. */
static void match_range(struct nft_rule *rule, const void *first, const void *last,
			size_t len)
{
	if (memcmp(first, last, len) == 0) {
		nft_rule_cmp(rule, 0, NFT_CMP_EQ, first, len);
		return;
	}
	nft_rule_cmp(rule, 0, NFT_CMP_GTE, first, len);
	nft_rule_cmp(rule, 0, NFT_CMP_LTE, last, len);
}

static void match_addresses(struct nft_rule *rule, const struct nestnet_prefix *prefix)
{
	struct nestnet_prefix network = prefix_network(prefix);
	struct nestnet_address last = prefix_last(prefix);

	match_range(rule, network.address.bytes, last.bytes, address_len(last.family));
}

static void match_port_range(struct nft_rule *rule, uint16_t first, uint16_t last)
{
	first = htons(first);
	last = htons(last);
	match_range(rule, &first, &last, sizeof(first));
}

void nft_rule_match_destination(struct nft_rule *rule,
				const struct nestnet_prefix *prefix)
{
	int family = prefix->address.family;

	nft_rule_payload(rule, 0, NFT_PAYLOAD_NETWORK_HEADER,
			 family == AF_INET ? IP_DADDR : IP6_DADDR,
			 (uint32_t)address_len(family));
	match_addresses(rule, prefix);
}

void nft_rule_match_ports(struct nft_rule *rule, uint16_t first, uint16_t last)
{
	nft_rule_payload(rule, 0, NFT_PAYLOAD_TRANSPORT_HEADER, TH_DPORT, sizeof(first));
	match_port_range(rule, first, last);
}

/* ---- Flows ------------------------------------------------------------------------- */

/* @param is_original  of the flow's first direction; else of the flow */
static void ct(struct nft_rule *rule, uint32_t key, bool is_original)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "ct");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_CT_DREG, 0);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
	if (is_original)
		nftnl_expr_set_u8(expr, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
}

void nft_rule_match_reply(struct nft_rule *rule)
{
	uint8_t reply = IP_CT_DIR_REPLY;

	ct(rule, NFT_CT_DIRECTION, false);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, &reply, sizeof(reply));
}

void nft_rule_match_original(struct nft_rule *rule, const struct nestnet_prefix *prefix)
{
	ct(rule, prefix->address.family == AF_INET ? NFT_CT_DST_IP : NFT_CT_DST_IP6,
	   true);
	match_addresses(rule, prefix);
}

void nft_rule_match_original_ports(struct nft_rule *rule, uint16_t first, uint16_t last)
{
	ct(rule, NFT_CT_PROTO_DST, true);
	match_port_range(rule, first, last);
}

/* ---- Others ------------------------------------------------------------------------ */

void nft_rule_match_input_not(struct nft_rule *rule, uint32_t ifindex)
{
	nft_rule_meta(rule, 0, NFT_META_IIF);
	nft_rule_cmp(rule, 0, NFT_CMP_NEQ, &ifindex, sizeof(ifindex));
}

void nft_rule_limit(struct nft_rule *rule, uint32_t packets_per_second)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "limit");

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, packets_per_second);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, packets_per_second);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

void nft_rule_trace(struct nft_rule *rule)
{
	static const uint8_t on = 1;
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "immediate");

	if (expr) {
		nft_rule_set_register(expr, NFTNL_EXPR_IMM_DREG, 0);
		nft_rule_set_bytes(rule, expr, NFTNL_EXPR_IMM_DATA, &on, sizeof(on));
	}
	expr = nft_rule_add_expr(rule, "meta");
	if (expr) {
		nft_rule_set_register(expr, NFTNL_EXPR_META_SREG, 0);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	}
}
