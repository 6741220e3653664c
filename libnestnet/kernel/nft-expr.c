/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one place that knows how a rule's expressions are encoded. What nft prints a rule
 * as is decoded from exactly these sequences, so each is the one that nft itself makes
 * for the spelling in the header: compare with nft --debug=netlink list ruleset.
 *
 * Registers are counted here in words of 32 bits, from NFT_REG32_00. The kernel says reg
 * 1, 2, 3 and 4 for the words 0, 4, 8 and 12.
 */

#include "kernel/nft-expr.h"
#include "kernel/nft-message.h"
#include "kernel/nft-rule.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(NFT_STATE_ESTABLISHED == NF_CT_STATE_BIT(IP_CT_ESTABLISHED), "ct state");
_Static_assert(NFT_STATE_RELATED == NF_CT_STATE_BIT(IP_CT_RELATED), "ct state");
_Static_assert(NFT_STATE_NEW == NF_CT_STATE_BIT(IP_CT_NEW), "ct state");

/* Where fields are in their headers, and the TCP option's kind: RFC 791, 8200, 9293. */
#define IP_SADDR     12
#define IP_DADDR     16
#define IP6_SADDR    8
#define IP6_DADDR    24
#define TH_DPORT     2
#define TCP_FLAGS    13
#define TCP_FLAG_SYN 0x02
#define TCPOPT_MSS   2
#define MSS_OFFSET   2
#define MSS_LEN      2

struct nft_rule *nft_rule_new(const struct nft_table *table, const char *chain)
{
	struct nft_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->family = table->family;
	rule->nftnl = nftnl_rule_alloc();
	if (!rule->nftnl ||
	    nftnl_rule_set_str(rule->nftnl, NFTNL_RULE_TABLE, table->name) < 0 ||
	    nftnl_rule_set_str(rule->nftnl, NFTNL_RULE_CHAIN, chain) < 0)
		return nft_rule_free(rule);
	return rule;
}

struct nft_rule *nft_rule_free(struct nft_rule *rule)
{
	if (rule) {
		if (rule->nftnl)
			nftnl_rule_free(rule->nftnl);
		free(rule);
	}
	return NULL;
}

/* Takes the rule. */
static void put_rule(struct nft_batch *batch, struct nft_rule *rule, uint16_t type,
		     uint16_t flags)
{
	struct nlmsghdr *message;

	if (!rule || rule->is_failed) {
		nft_batch_set_failed(batch);
		nft_rule_free(rule);
		return;
	}

	message = nft_message_begin(batch, NFT_MESSAGE_MAX, type, rule->family, flags);
	if (message) {
		nftnl_rule_nlmsg_build_payload(message, rule->nftnl);
		nft_message_end(batch, message);
	}
	nft_rule_free(rule);
}

void nft_add_rule(struct nft_batch *batch, struct nft_rule *rule)
{
	put_rule(batch, rule, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
}

void nft_insert_rule(struct nft_batch *batch, struct nft_rule *rule, uint64_t before)
{
	if (rule && before != 0)
		nftnl_rule_set_u64(rule->nftnl, NFTNL_RULE_POSITION, before);
	put_rule(batch, rule, NFT_MSG_NEWRULE, NLM_F_CREATE);
}

void nft_delete_rule(struct nft_batch *batch, const struct nft_table *table,
		     const char *chain, uint64_t handle)
{
	struct nft_rule *rule = nft_rule_new(table, chain);

	if (rule)
		nftnl_rule_set_u64(rule->nftnl, NFTNL_RULE_HANDLE, handle);
	put_rule(batch, rule, NFT_MSG_DELRULE, 0);
}

struct nftnl_expr *nft_rule_add_expr(struct nft_rule *rule, const char *name)
{
	struct nftnl_expr *expr;

	if (!rule || rule->is_failed)
		return NULL;
	expr = nftnl_expr_alloc(name);
	if (!expr) {
		rule->is_failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(rule->nftnl, expr);
	return expr;
}

static void set_string(struct nft_rule *rule, struct nftnl_expr *expr, uint16_t attr,
		       const char *string)
{
	if (nftnl_expr_set_str(expr, attr, string) < 0)
		rule->is_failed = true;
}

void nft_rule_set_bytes(struct nft_rule *rule, struct nftnl_expr *expr, uint16_t attr,
			const void *bytes, size_t len)
{
	if (nftnl_expr_set(expr, attr, bytes, (uint32_t)len) < 0)
		rule->is_failed = true;
}

void nft_rule_set_register(struct nftnl_expr *expr, uint16_t attr, unsigned int word)
{
	nftnl_expr_set_u32(expr, attr, NFT_REG32_00 + word);
}

/* ---- Expressions, into and from the word that is named ----------------------------- */

void nft_rule_payload(struct nft_rule *rule, unsigned int word, uint32_t base,
		      uint32_t offset, uint32_t len)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "payload");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_PAYLOAD_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, len);
}

void nft_rule_meta(struct nft_rule *rule, unsigned int word, uint32_t key)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "meta");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_META_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
}

static void ct(struct nft_rule *rule, unsigned int word, uint32_t key)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "ct");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_CT_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
}

static void rt(struct nft_rule *rule, unsigned int word, uint32_t key)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "rt");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_RT_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_RT_KEY, key);
}

static void fib(struct nft_rule *rule, unsigned int word, uint32_t flags, uint32_t result)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "fib");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_FIB_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, flags);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, result);
}

void nft_rule_cmp(struct nft_rule *rule, unsigned int word, uint32_t op,
		  const void *bytes, size_t len)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "cmp");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_CMP_SREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nft_rule_set_bytes(rule, expr, NFTNL_EXPR_CMP_DATA, bytes, len);
}

static void cmp_u8(struct nft_rule *rule, uint32_t op, uint8_t value)
{
	nft_rule_cmp(rule, 0, op, &value, sizeof(value));
}

static void cmp_u32(struct nft_rule *rule, uint32_t op, uint32_t value)
{
	nft_rule_cmp(rule, 0, op, &value, sizeof(value));
}

static void bitwise_and(struct nft_rule *rule, unsigned int word, const void *mask,
			size_t len)
{
	static const uint8_t none[NFT_REG_SIZE];
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "bitwise");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_BITWISE_SREG, word);
	nft_rule_set_register(expr, NFTNL_EXPR_BITWISE_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	nft_rule_set_bytes(rule, expr, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nft_rule_set_bytes(rule, expr, NFTNL_EXPR_BITWISE_XOR, none, len);
}

/* Matches where any bit of the mask is set in what was loaded. */
static void match_bits(struct nft_rule *rule, const void *mask, size_t len)
{
	static const uint8_t none[NFT_REG_SIZE];

	bitwise_and(rule, 0, mask, len);
	nft_rule_cmp(rule, 0, NFT_CMP_NEQ, none, len);
}

/* From host to network order, in pieces of size bytes. */
static void byteorder_hton(struct nft_rule *rule, unsigned int word, uint32_t len,
			   uint32_t size)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "byteorder");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_BYTEORDER_SREG, word);
	nft_rule_set_register(expr, NFTNL_EXPR_BYTEORDER_DREG, word);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, len);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SIZE, size);
}

static void write_tcp_option(struct nft_rule *rule, unsigned int word, uint8_t kind,
			     uint32_t offset, uint32_t len)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "exthdr");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_EXTHDR_SREG, word);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, kind);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_LEN, len);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
}

static void immediate(struct nft_rule *rule, unsigned int word, const void *bytes,
		      size_t len)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "immediate");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_IMM_DREG, word);
	nft_rule_set_bytes(rule, expr, NFTNL_EXPR_IMM_DATA, bytes, len);
}

static void verdict(struct nft_rule *rule, int code, const char *chain)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "immediate");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, (uint32_t)code);
	if (chain)
		set_string(rule, expr, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* ---- Loads ------------------------------------------------------------------------- */

static unsigned int address_words(int family)
{
	return family == AF_INET ? 1 : 4;
}

unsigned int nft_rule_take_words(struct nft_rule *rule, unsigned int count)
{
	unsigned int word;

	if (!rule)
		return 0;
	word = rule->key_words;
	rule->key_words += count;
	return word;
}

void nft_rule_load_address(struct nft_rule *rule, int family, enum nft_side side)
{
	unsigned int words = address_words(family);
	uint32_t offset;

	if (family == AF_INET)
		offset = side == NFT_SOURCE ? IP_SADDR : IP_DADDR;
	else
		offset = side == NFT_SOURCE ? IP6_SADDR : IP6_DADDR;
	nft_rule_payload(rule, nft_rule_take_words(rule, words),
			 NFT_PAYLOAD_NETWORK_HEADER, offset, words * 4);
}

void nft_rule_mask_address(struct nft_rule *rule, int family, unsigned int len)
{
	unsigned int words = address_words(family), bit;
	uint8_t mask[NFT_REG_SIZE] = { 0 };

	for (bit = 0; bit < len; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	if (rule)
		bitwise_and(rule, rule->key_words - words, mask, words * 4);
}

void nft_rule_load_protocol(struct nft_rule *rule, bool is_in_ranges)
{
	unsigned int word = nft_rule_take_words(rule, 1);

	nft_rule_meta(rule, word, NFT_META_L4PROTO);
	/* Swaps no byte, there being one: but nft makes it, and a table that was saved
	 * and loaded is then the same as ours. */
	if (is_in_ranges)
		byteorder_hton(rule, word, 1, 2);
}

void nft_rule_load_port(struct nft_rule *rule)
{
	nft_rule_payload(rule, nft_rule_take_words(rule, 1), NFT_PAYLOAD_TRANSPORT_HEADER,
			 TH_DPORT, 2);
}

void nft_rule_load_output_name(struct nft_rule *rule)
{
	nft_rule_meta(rule, nft_rule_take_words(rule, 4), NFT_META_OIFNAME);
}

/* ---- Lookups ----------------------------------------------------------------------- */

static struct nftnl_expr *lookup(struct nft_rule *rule, const char *set)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "lookup");

	if (!expr)
		return NULL;
	nft_rule_set_register(expr, NFTNL_EXPR_LOOKUP_SREG, 0);
	set_string(rule, expr, NFTNL_EXPR_LOOKUP_SET, set);
	rule->key_words = 0;
	return expr;
}

void nft_rule_lookup(struct nft_rule *rule, const char *set, bool is_inverted)
{
	struct nftnl_expr *expr = lookup(rule, set);

	if (expr && is_inverted)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

void nft_rule_lookup_map(struct nft_rule *rule, const char *map)
{
	struct nftnl_expr *expr = lookup(rule, map);

	if (expr)
		nft_rule_set_register(expr, NFTNL_EXPR_LOOKUP_DREG, 0);
}

/* ---- Matches ----------------------------------------------------------------------- */

void nft_rule_match_family(struct nft_rule *rule, int family)
{
	nft_rule_meta(rule, 0, NFT_META_NFPROTO);
	cmp_u8(rule, NFT_CMP_EQ, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

void nft_rule_match_protocol(struct nft_rule *rule, uint8_t protocol)
{
	nft_rule_meta(rule, 0, NFT_META_L4PROTO);
	cmp_u8(rule, NFT_CMP_EQ, protocol);
}

void nft_rule_match_syn(struct nft_rule *rule)
{
	uint8_t syn = TCP_FLAG_SYN;

	nft_rule_payload(rule, 0, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
	match_bits(rule, &syn, sizeof(syn));
}

void nft_rule_match_input(struct nft_rule *rule, uint32_t ifindex)
{
	nft_rule_meta(rule, 0, NFT_META_IIF);
	cmp_u32(rule, NFT_CMP_EQ, ifindex);
}

void nft_rule_match_state(struct nft_rule *rule, uint32_t states)
{
	ct(rule, 0, NFT_CT_STATE);
	match_bits(rule, &states, sizeof(states));
}

void nft_rule_match_state_not(struct nft_rule *rule, uint32_t state)
{
	ct(rule, 0, NFT_CT_STATE);
	cmp_u32(rule, NFT_CMP_NEQ, state);
}

void nft_rule_match_dnat(struct nft_rule *rule)
{
	uint32_t status = IPS_DST_NAT;

	ct(rule, 0, NFT_CT_STATUS);
	match_bits(rule, &status, sizeof(status));
}

/* The 128 labels of a flow are a bitmap of the kernel's longs. */
struct labels {
	unsigned long words[16 / sizeof(unsigned long)];
};

static struct labels make_labels(unsigned int label)
{
	const unsigned int bits = sizeof(unsigned long) * CHAR_BIT;
	struct labels labels = { { 0 } };

	if (label <= NFT_LABEL_MAX)
		labels.words[label / bits] = 1ul << label % bits;
	return labels;
}

void nft_rule_match_label(struct nft_rule *rule, unsigned int label)
{
	struct labels labels = make_labels(label);

	ct(rule, 0, NFT_CT_LABELS);
	match_bits(rule, &labels, sizeof(labels));
}

static uint32_t fib_address(enum nft_side side)
{
	return side == NFT_SOURCE ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR;
}

void nft_rule_match_returns(struct nft_rule *rule, enum nft_side side, bool exists)
{
	fib(rule, 0, fib_address(side) | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT,
	    NFT_FIB_RESULT_OIF);
	/* The register has a whole word, and one byte of it prints as "exists/8", which
	 * nft does not read back. */
	cmp_u32(rule, NFT_CMP_EQ, exists);
}

void nft_rule_match_local(struct nft_rule *rule, enum nft_side side)
{
	fib(rule, 0, fib_address(side), NFT_FIB_RESULT_ADDRTYPE);
	cmp_u32(rule, NFT_CMP_EQ, RTN_LOCAL);
}

void nft_rule_match_loopback(struct nft_rule *rule, int family)
{
	static const uint8_t one[16] = { [15] = 1 };
	static const uint8_t net = 127;

	/* nft shows a load of the first byte as the prefix /8. */
	if (family == AF_INET) {
		nft_rule_payload(rule, 0, NFT_PAYLOAD_NETWORK_HEADER, IP_DADDR, sizeof(net));
		nft_rule_cmp(rule, 0, NFT_CMP_EQ, &net, sizeof(net));
	} else {
		nft_rule_payload(rule, 0, NFT_PAYLOAD_NETWORK_HEADER, IP6_DADDR, sizeof(one));
		nft_rule_cmp(rule, 0, NFT_CMP_EQ, one, sizeof(one));
	}
}

void nft_rule_match_not_local_input(struct nft_rule *rule, enum nft_side side)
{
	fib(rule, 0, fib_address(side) | NFTA_FIB_F_IIF, NFT_FIB_RESULT_ADDRTYPE);
	cmp_u32(rule, NFT_CMP_NEQ, RTN_LOCAL);
}

/* ---- Statements -------------------------------------------------------------------- */

void nft_rule_counter(struct nft_rule *rule)
{
	nft_rule_add_expr(rule, "counter");
}

void nft_rule_set_label(struct nft_rule *rule, unsigned int label)
{
	struct labels labels = make_labels(label);
	struct nftnl_expr *expr;

	immediate(rule, 0, &labels, sizeof(labels));
	expr = nft_rule_add_expr(rule, "ct");
	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_CT_SREG, 0);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, NFT_CT_LABELS);
}

void nft_rule_clamp_mss(struct nft_rule *rule)
{
	rt(rule, 0, NFT_RT_TCPMSS);
	byteorder_hton(rule, 0, MSS_LEN, 2);
	write_tcp_option(rule, 0, TCPOPT_MSS, MSS_OFFSET, MSS_LEN);
}

void nft_rule_nat(struct nft_rule *rule, enum nft_side side, int family,
		  enum nft_target target)
{
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "nat");
	unsigned int behind = address_words(family);

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_TYPE,
			   side == NFT_SOURCE ? NFT_NAT_SNAT : NFT_NAT_DNAT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_FAMILY,
			   family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nft_rule_set_register(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, 0);

	switch (target) {
	case NFT_TARGET_ADDRESS:
		break;
	case NFT_TARGET_ADDRESS_PORT:
		nft_rule_set_register(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN, behind);
		break;
	case NFT_TARGET_PREFIX:
		nft_rule_set_register(expr, NFTNL_EXPR_NAT_REG_ADDR_MAX, behind);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_NETMAP);
		break;
	}
}

void nft_rule_masquerade(struct nft_rule *rule)
{
	nft_rule_add_expr(rule, "masq");
}

/* ---- Verdicts ---------------------------------------------------------------------- */

void nft_rule_accept(struct nft_rule *rule)
{
	verdict(rule, NF_ACCEPT, NULL);
}

void nft_rule_drop(struct nft_rule *rule)
{
	verdict(rule, NF_DROP, NULL);
}

void nft_rule_return(struct nft_rule *rule)
{
	verdict(rule, NFT_RETURN, NULL);
}

void nft_rule_jump(struct nft_rule *rule, const char *chain)
{
	verdict(rule, NFT_JUMP, chain);
}

void nft_rule_goto(struct nft_rule *rule, const char *chain)
{
	verdict(rule, NFT_GOTO, chain);
}
