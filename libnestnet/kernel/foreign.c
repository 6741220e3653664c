/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading other software's chains, and the rules of one table at a time, so that our own,
 * which are many, are never dumped. libnftnl takes the messages apart; what an expression
 * means is in foreign-expr.c and foreign-xt.c.
 */

#include "kernel/foreign-message.h"
#include "kernel/netlink-message.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <string.h>

/* The tables that are not foreign. */
#define OURS "nestnet"

static void cleanup_chain(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

static void cleanup_rule(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

/* ---- Values --------------------------------------------------------------------------- */

const char *foreign_family_name(enum foreign_family family)
{
	switch (family) {
	case FOREIGN_INET:
		return "inet";
	case FOREIGN_IP:
		return "ip";
	case FOREIGN_IP6:
		return "ip6";
	case FOREIGN_BRIDGE:
		return "bridge";
	case FOREIGN_OTHER:
		break;
	}
	return "netdev";
}

uint8_t foreign_family_number(enum foreign_family family)
{
	switch (family) {
	case FOREIGN_INET:
		return NFPROTO_INET;
	case FOREIGN_IP:
		return NFPROTO_IPV4;
	case FOREIGN_IP6:
		return NFPROTO_IPV6;
	case FOREIGN_BRIDGE:
		return NFPROTO_BRIDGE;
	case FOREIGN_OTHER:
		break;
	}
	return NFPROTO_NETDEV;
}

static enum foreign_family family_of(uint8_t number)
{
	switch (number) {
	case NFPROTO_INET:
		return FOREIGN_INET;
	case NFPROTO_IPV4:
		return FOREIGN_IP;
	case NFPROTO_IPV6:
		return FOREIGN_IP6;
	case NFPROTO_BRIDGE:
		return FOREIGN_BRIDGE;
	}
	return FOREIGN_OTHER;
}

/* The five hooks have the same numbers in the families of IP and in the bridge's. */
static enum nft_hook hook_of(uint32_t number)
{
	switch (number) {
	case NF_INET_PRE_ROUTING:
		return NFT_HOOK_PREROUTING;
	case NF_INET_LOCAL_IN:
		return NFT_HOOK_INPUT;
	case NF_INET_FORWARD:
		return NFT_HOOK_FORWARD;
	case NF_INET_LOCAL_OUT:
		return NFT_HOOK_OUTPUT;
	case NF_INET_POST_ROUTING:
		return NFT_HOOK_POSTROUTING;
	}
	return NFT_HOOK_NONE;
}

void foreign_clear_op(struct foreign_op *op)
{
	free((char *)op->what);
	free(op->name);
	*op = (struct foreign_op){ .kind = FOREIGN_NOTHING };
}

static void clear_rules(struct foreign_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++) {
		for (size_t o = 0; o < chain->rules[i].n; o++)
			foreign_clear_op(&chain->rules[i].ops[o]);
		free(chain->rules[i].ops);
	}
	free(chain->rules);
	chain->rules = NULL;
	chain->n = chain->size = 0;
}

void foreign_clear(struct foreign *foreign)
{
	for (size_t i = 0; i < foreign->n; i++) {
		clear_rules(&foreign->chains[i]);
		free(foreign->chains[i].table);
		free(foreign->chains[i].name);
	}
	free(foreign->chains);
	*foreign = (struct foreign){ .n = 0 };
}

struct foreign_chain *foreign_find(const struct foreign *foreign, enum foreign_family family,
				   const char *table, const char *name)
{
	for (size_t i = 0; i < foreign->n; i++) {
		struct foreign_chain *chain = &foreign->chains[i];

		if (chain->family == family && strcmp(chain->name, name) == 0 &&
		    strcmp(chain->table, table) == 0)
			return chain;
	}
	return NULL;
}

/* ---- Chains --------------------------------------------------------------------------- */

static void take_base(struct foreign_chain *chain, const struct nftnl_chain *nftnl)
{
	const char *type = nftnl_chain_get_str(nftnl, NFTNL_CHAIN_TYPE);

	chain->is_base = true;
	chain->hook = hook_of(nftnl_chain_get_u32(nftnl, NFTNL_CHAIN_HOOKNUM));
	chain->priority = nftnl_chain_get_s32(nftnl, NFTNL_CHAIN_PRIO);
	chain->is_nat = type && strcmp(type, "nat") == 0;
	chain->is_drop = nftnl_chain_is_set(nftnl, NFTNL_CHAIN_POLICY) &&
			 nftnl_chain_get_u32(nftnl, NFTNL_CHAIN_POLICY) == NF_DROP;
}

static int add_chain(struct foreign *foreign, const struct nftnl_chain *nftnl)
{
	struct foreign_chain *grown = foreign->chains, *chain;

	if (foreign->n == foreign->size) {
		size_t size = foreign->size ? foreign->size * 2 : 16;

		grown = reallocarray(grown, size, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		foreign->chains = grown;
		foreign->size = size;
	}
	chain = &grown[foreign->n++];
	*chain = (struct foreign_chain){
		.family = family_of(
			(uint8_t)nftnl_chain_get_u32(nftnl, NFTNL_CHAIN_FAMILY)),
		.table = strdup(nftnl_chain_get_str(nftnl, NFTNL_CHAIN_TABLE)),
		.name = strdup(nftnl_chain_get_str(nftnl, NFTNL_CHAIN_NAME)),
	};
	if (!chain->table || !chain->name)
		return -ENOMEM;
	if (nftnl_chain_is_set(nftnl, NFTNL_CHAIN_HOOKNUM))
		take_base(chain, nftnl);
	if (chain->family == FOREIGN_OTHER)
		chain->hook = NFT_HOOK_NONE;
	return 0;
}

static int take_chain(void *userdata, const struct nlmsghdr *reply)
{
	_cleanup_(cleanup_chain) struct nftnl_chain *nftnl = NULL;
	struct foreign *foreign = userdata;

	if (!reply) {
		foreign_clear(foreign);
		return 0;
	}
	if (reply->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN))
		return 0;
	nftnl = nftnl_chain_alloc();
	if (!nftnl)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(reply, nftnl) < 0 ||
	    !nftnl_chain_is_set(nftnl, NFTNL_CHAIN_TABLE) ||
	    !nftnl_chain_is_set(nftnl, NFTNL_CHAIN_NAME))
		return 0;
	if (strcmp(nftnl_chain_get_str(nftnl, NFTNL_CHAIN_TABLE), OURS) == 0)
		return 0;
	return add_chain(foreign, nftnl);
}

/* @param table  NULL: of all of them */
static struct nlmsghdr *put_question(char *buffer, uint16_t type, uint8_t family,
				     const char *table)
{
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;

	question->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	question->nlmsg_flags = NLM_F_DUMP;
	generic = mnl_nlmsg_put_extra_header(question, sizeof(*generic));
	generic->nfgen_family = family;
	if (table)
		mnl_attr_put_strz(question, NFTA_RULE_TABLE, table);
	return question;
}

int foreign_read_chains(struct netlink *nl, struct foreign *ret, struct error *error)
{
	char buffer[64];
	int r;

	*ret = (struct foreign){ .n = 0 };
	r = netlink_request(nl, put_question(buffer, NFT_MSG_GETCHAIN, AF_UNSPEC, NULL),
			    take_chain, ret, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	if (r == -EPERM)
		error_append(error, " (CAP_NET_ADMIN is needed)");
	if (r < 0) {
		foreign_clear(ret);
		return error_prefix(error, "list chains");
	}
	return 0;
}

/* ---- Rules ---------------------------------------------------------------------------- */

struct rules {
	struct foreign *foreign;
	enum foreign_family family;
	const char *table;
	struct foreign_chain *last; /* rules come chain by chain */
};

struct foreign_op *foreign_add_op(struct foreign_rule *rule, enum foreign_kind kind)
{
	struct foreign_op *grown = rule->ops;

	/* Grows at the powers of two. */
	if ((rule->n & (rule->n - 1)) == 0)
		grown = reallocarray(grown, rule->n ? rule->n * 2 : 1, sizeof(*grown));
	if (!grown)
		return NULL;
	rule->ops = grown;
	grown += rule->n++;
	*grown = (struct foreign_op){ .kind = kind };
	return grown;
}

static struct foreign_rule *add_rule(struct foreign_chain *chain, uint64_t handle)
{
	struct foreign_rule *grown = chain->rules;

	if (chain->n == chain->size) {
		size_t size = chain->size ? chain->size * 2 : 8;

		grown = reallocarray(grown, size, sizeof(*grown));
		if (!grown)
			return NULL;
		chain->rules = grown;
		chain->size = size;
	}
	grown += chain->n++;
	*grown = (struct foreign_rule){ .handle = handle };
	return grown;
}

struct filling {
	struct foreign_rule *rule;
	int result;
};

static int fill_rule(struct nftnl_expr *expr, void *userdata)
{
	struct filling *filling = userdata;

	filling->result = foreign_add_expr(filling->rule, expr);
	return filling->result < 0 ? -1 : 0;
}

static void forget_rules(const struct rules *rules)
{
	for (size_t i = 0; i < rules->foreign->n; i++) {
		struct foreign_chain *chain = &rules->foreign->chains[i];

		if (chain->family == rules->family &&
		    strcmp(chain->table, rules->table) == 0)
			clear_rules(chain);
	}
}

static int add_nftnl_rule(struct rules *rules, const struct nftnl_rule *nftnl)
{
	const char *name = nftnl_rule_get_str(nftnl, NFTNL_RULE_CHAIN);
	struct filling filling = { .result = 0 };

	if (!rules->last || strcmp(rules->last->name, name) != 0)
		rules->last = foreign_find(rules->foreign, rules->family, rules->table, name);
	if (!rules->last)
		return 0; /* a chain that was made since */
	filling.rule = add_rule(rules->last, nftnl_rule_get_u64(nftnl, NFTNL_RULE_HANDLE));
	if (!filling.rule)
		return -ENOMEM;
	nftnl_expr_foreach((struct nftnl_rule *)nftnl, fill_rule, &filling);
	return filling.result;
}

static int take_rule(void *userdata, const struct nlmsghdr *reply)
{
	_cleanup_(cleanup_rule) struct nftnl_rule *nftnl = NULL;
	struct rules *rules = userdata;
	const char *table;

	if (!reply) {
		forget_rules(rules);
		return 0;
	}
	if (reply->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		return 0;
	nftnl = nftnl_rule_alloc();
	if (!nftnl)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(reply, nftnl) < 0 ||
	    !nftnl_rule_is_set(nftnl, NFTNL_RULE_CHAIN))
		return 0;
	/* A kernel that does not know the filter sends every table's. */
	table = nftnl_rule_get_str(nftnl, NFTNL_RULE_TABLE);
	if (!table || strcmp(table, rules->table) != 0)
		return 0;
	return add_nftnl_rule(rules, nftnl);
}

int foreign_read_rules(struct netlink *nl, struct foreign *foreign,
		       enum foreign_family family, const char *table, struct error *error)
{
	struct rules rules = { .foreign = foreign, .family = family, .table = table };
	char buffer[512];
	int r;

	if (strlen(table) >= NFT_TABLE_MAXNAMELEN)
		return error_set(error, EIO, "list rules: the table's name is too long");
	r = netlink_request(nl,
			    put_question(buffer, NFT_MSG_GETRULE,
					 foreign_family_number(family), table),
			    take_rule, &rules, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	return r < 0 ? error_prefix(error, "list rules of %s", table) : 0;
}
