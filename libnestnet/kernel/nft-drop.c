/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rules have counted before they drop: `counter drop` at the end of a rule of ours. */

#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"
#include "kernel/nft.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* What is known of one rule. */
struct rule {
	const char *chain;
	uint64_t packets, bytes;
	bool is_counted, is_drop;
};

static uint64_t read_u64(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U64) < 0
		       ? 0
		       : be64toh(mnl_attr_get_u64(attr));
}

/* The attribute of a type within another. @return NULL where there is none */
static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (!nest)
		return NULL;
	attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static void read_counter(const struct nlattr *data, struct rule *ret)
{
	const struct nlattr *packets = find_in(data, NFTA_COUNTER_PACKETS);
	const struct nlattr *bytes = find_in(data, NFTA_COUNTER_BYTES);

	ret->is_counted = packets && bytes;
	if (ret->is_counted) {
		ret->packets = read_u64(packets);
		ret->bytes = read_u64(bytes);
	}
}

static void read_verdict(const struct nlattr *data, struct rule *ret)
{
	const struct nlattr *verdict =
		find_in(find_in(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT);
	const struct nlattr *code = find_in(verdict, NFTA_VERDICT_CODE);

	ret->is_drop = code && mnl_attr_validate(code, MNL_TYPE_U32) >= 0 &&
		       ntohl(mnl_attr_get_u32(code)) == NF_DROP;
}

static void read_expr(const struct nlattr *expr, struct rule *ret)
{
	const struct nlattr *name = find_in(expr, NFTA_EXPR_NAME);
	const struct nlattr *data = find_in(expr, NFTA_EXPR_DATA);

	if (!name || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0)
		return;
	if (strcmp(mnl_attr_get_str(name), "counter") == 0)
		read_counter(data, ret);
	else if (strcmp(mnl_attr_get_str(name), "immediate") == 0)
		read_verdict(data, ret);
}

struct reader {
	nft_drop_fn fn;
	void *userdata;
};

static int take_rule(void *userdata, const struct nlmsghdr *reply)
{
	const struct reader *reader = userdata;
	const struct nlattr *attr, *expr;
	struct rule rule = { .chain = NULL };

	if (!reply)
		return reader->fn(reader->userdata, NULL, 0, 0);
	if (NFNL_MSG_TYPE(reply->nlmsg_type) != NFT_MSG_NEWRULE ||
	    mnl_nlmsg_get_payload_len(reply) < sizeof(struct nfgenmsg))
		return 0;
	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_RULE_CHAIN &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			rule.chain = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) != NFTA_RULE_EXPRESSIONS)
			continue;
		attr_for_each_nested (expr, attr)
			read_expr(expr, &rule);
	}
	if (!rule.chain || !rule.is_counted || !rule.is_drop)
		return 0;
	return reader->fn(reader->userdata, rule.chain, rule.packets, rule.bytes);
}

int nft_drop_list(struct netlink *nl, const struct nft_table *table, nft_drop_fn fn,
		  void *userdata, struct error *error)
{
	struct reader reader = { .fn = fn, .userdata = userdata };
	char buffer[256] = { 0 };
	struct nlmsghdr *question = nft_question_begin(
		buffer, NFT_MSG_GETRULE, nft_family_number(table->family), NLM_F_DUMP);
	int r;

	mnl_attr_put_strz(question, NFTA_RULE_TABLE, table->name);
	r = netlink_request(nl, question, take_rule, &reader, error);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(error, "list rules of %s", table->name) : r;
}
