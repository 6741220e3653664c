/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading other software's chains, and the rules of one table at a time, so that our own,
 * which are many, are never dumped. What an expression means is in foreign-expr.c and
 * foreign-xt.c.
 */

#include "kernel/foreign-message.h"
#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"
#include "kernel/pass.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tables that are not foreign: of exposures and guards, and of traces that are on. */
static bool is_ours(const char *table)
{
	return strcmp(table, "nestnet") == 0 ||
	       strncmp(table, FOREIGN_TRACE, strlen(FOREIGN_TRACE)) == 0;
}

/* Attributes by their number; what is above is not of interest. */
static void read_attrs(const struct nlattr *attr, const struct nlattr **ret)
{
	if (mnl_attr_get_type(attr) < FOREIGN_ATTRS)
		ret[mnl_attr_get_type(attr)] = attr;
}

static uint32_t get_number(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0
		       ? ntohl(mnl_attr_get_u32(attr))
		       : 0;
}

static const char *get_text(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0
		       ? mnl_attr_get_str(attr)
		       : NULL;
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
	case FOREIGN_NETDEV:
		return "netdev";
	case FOREIGN_OTHER:
		break;
	}
	return "arp";
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
	case FOREIGN_NETDEV:
		return NFPROTO_NETDEV;
	case FOREIGN_OTHER:
		break;
	}
	return NFPROTO_ARP;
}

enum foreign_family foreign_family_of(uint8_t number)
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
	case NFPROTO_NETDEV:
		return FOREIGN_NETDEV;
	}
	return FOREIGN_OTHER;
}

/* The five hooks have the same numbers in the families of IP and in the bridge's; those of
 * a device begin anew, and inet has one behind the five. */
static enum nft_hook hook_of(enum foreign_family family, uint32_t number)
{
	if (family == FOREIGN_OTHER)
		return NFT_HOOK_NONE;
	if (family == FOREIGN_NETDEV)
		return number == NF_NETDEV_INGRESS  ? NFT_HOOK_INGRESS
		       : number == NF_NETDEV_EGRESS ? NFT_HOOK_EGRESS
						    : NFT_HOOK_NONE;
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
	case NF_INET_INGRESS:
		return family == FOREIGN_INET ? NFT_HOOK_INGRESS : NFT_HOOK_NONE;
	}
	return NFT_HOOK_NONE;
}

bool foreign_is_our_comment(const void *bytes, size_t len)
{
	return strnlen(bytes, len) == strlen(PASS_COMMENT) && len > strlen(PASS_COMMENT) &&
	       memcmp(bytes, PASS_COMMENT, strlen(PASS_COMMENT)) == 0;
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
		free(foreign->chains[i].devices);
	}
	free(foreign->chains);
	*foreign = (struct foreign){ .n = 0 };
}

struct foreign_chain *foreign_find(const struct foreign *foreign,
				   enum foreign_family family, const char *table,
				   const char *name)
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

/* A device that a chain is bound to; since 6.18 also the beginning of some names. */
static int add_device(struct foreign_chain *chain, const char *name, bool is_prefix)
{
	size_t len = chain->devices ? strlen(chain->devices) : 0;
	size_t size = len + strlen(name) + sizeof(" *");
	char *grown = realloc(chain->devices, size);

	if (!grown)
		return -ENOMEM;
	chain->devices = grown;
	snprintf(grown + len, size - len, " %s%s", name, is_prefix ? "*" : "");
	return 0;
}

static int take_devices(struct foreign_chain *chain, const struct nlattr *const *hook)
{
	const char *name = get_text(hook[NFTA_HOOK_DEV]);
	const struct nlattr *attr;
	int r = 0;

	if (!hook[NFTA_HOOK_DEVS])
		return name ? add_device(chain, name, false) : 0;
	attr_for_each_nested (attr, hook[NFTA_HOOK_DEVS]) {
		name = get_text(attr);
		if (r == 0 && name)
			r = add_device(chain, name,
				       mnl_attr_get_type(attr) != NFTA_DEVICE_NAME);
	}
	return r;
}

static int take_base(struct foreign_chain *chain, const struct nlattr *const *attrs)
{
	const char *type = get_text(attrs[NFTA_CHAIN_TYPE]);
	const struct nlattr *hook[FOREIGN_ATTRS] = { NULL }, *attr;

	attr_for_each_nested (attr, attrs[NFTA_CHAIN_HOOK])
		read_attrs(attr, hook);
	chain->is_base = true;
	chain->hook =
		hook[NFTA_HOOK_HOOKNUM]
			? hook_of(chain->family, get_number(hook[NFTA_HOOK_HOOKNUM]))
			: NFT_HOOK_NONE;
	chain->priority = (int)get_number(hook[NFTA_HOOK_PRIORITY]);
	chain->is_nat = type && strcmp(type, "nat") == 0;
	chain->is_drop = attrs[NFTA_CHAIN_POLICY] &&
			 get_number(attrs[NFTA_CHAIN_POLICY]) == NF_DROP;
	return take_devices(chain, hook);
}

static int add_chain(struct foreign *foreign, uint8_t family,
		     const struct nlattr *const *attrs)
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
		.family = foreign_family_of(family),
		.table = strdup(get_text(attrs[NFTA_CHAIN_TABLE])),
		.name = strdup(get_text(attrs[NFTA_CHAIN_NAME])),
	};
	if (!chain->table || !chain->name)
		return -ENOMEM;
	return attrs[NFTA_CHAIN_HOOK] ? take_base(chain, attrs) : 0;
}

/* @return the family of a message of this type; -1: it is none */
static int read_message(const struct nlmsghdr *reply, uint16_t type,
			const struct nlattr **ret_attrs)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(reply);
	const struct nlattr *attr;

	if (reply->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | type) ||
	    mnl_nlmsg_get_payload_len(reply) < sizeof(*generic))
		return -1;
	attr_for_each (attr, reply, sizeof(*generic))
		read_attrs(attr, ret_attrs);
	return generic->nfgen_family;
}

static int take_chain(void *userdata, const struct nlmsghdr *reply)
{
	const struct nlattr *attrs[FOREIGN_ATTRS] = { NULL };
	struct foreign *foreign = userdata;
	const char *table;
	int family;

	if (!reply) {
		foreign_clear(foreign);
		return 0;
	}
	family = read_message(reply, NFT_MSG_NEWCHAIN, attrs);
	table = get_text(attrs[NFTA_CHAIN_TABLE]);
	if (family < 0 || !table || !get_text(attrs[NFTA_CHAIN_NAME]) || is_ours(table))
		return 0;
	return add_chain(foreign, (uint8_t)family, attrs);
}

/* @param table  NULL: of all of them */
static struct nlmsghdr *put_question(char *buffer, uint16_t type, uint8_t family,
				     const char *table)
{
	struct nlmsghdr *question = nft_question_begin(buffer, type, family, NLM_F_DUMP);

	if (table)
		mnl_attr_put_strz(question, NFTA_RULE_TABLE, table);
	return question;
}

/* Where those that a host is likely to have let forwarded packets by, or do not. */
static const struct {
	uint8_t family;
	const char *table, *chain;
} known[] = {
	{ NFPROTO_IPV4, "filter", "FORWARD" }, /* of iptables: libvirt, Docker, ufw */
	{ NFPROTO_IPV6, "filter", "FORWARD" },
	{ NFPROTO_INET, "firewalld", "filter_FORWARD" },
	{ NFPROTO_INET, "filter", "forward" }, /* of Debian's nftables.conf */
	{ NFPROTO_IPV4, "libvirt_network", "forward" },
	{ NFPROTO_IPV6, "libvirt_network", "forward" },
	{ NFPROTO_IPV4, "docker-bridges", "filter-FORWARD" },
};

static int ignore_answer(void *userdata, const struct nlmsghdr *reply)
{
	(void)userdata;
	(void)reply;
	return 0;
}

int foreign_is_known(struct netlink *nl, struct error *error)
{
	char buffer[ARRAY_SIZE(known) * 96] = { 0 };
	int codes[ARRAY_SIZE(known)], r;
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct nlmsghdr *question = put_question(buffer + len, NFT_MSG_GETCHAIN,
							 known[i].family, NULL);

		question->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		mnl_attr_put_strz(question, NFTA_CHAIN_TABLE, known[i].table);
		mnl_attr_put_strz(question, NFTA_CHAIN_NAME, known[i].chain);
		len += NLMSG_ALIGN(question->nlmsg_len);
	}
	r = netlink_request_many(nl, buffer, len, ARRAY_SIZE(known), codes, ignore_answer,
				 NULL, error);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(known); i++) {
		if (codes[i] != -ENOENT)
			r = codes[i] == 0 ? 1 : error_set_errno(error, -codes[i]);
	}
	return r < 0 ? error_prefix(error, "get chains") : r;
}

int foreign_read_chains(struct netlink *nl, struct foreign *ret, struct error *error)
{
	char buffer[64] = { 0 };
	int r;

	*ret = (struct foreign){ .n = 0 };
	r = netlink_request(nl, put_question(buffer, NFT_MSG_GETCHAIN, AF_UNSPEC, NULL),
			    take_chain, ret, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
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

static int add_expr(struct foreign_rule *rule, const struct nlattr *nest)
{
	const struct nlattr *attrs[FOREIGN_ATTRS] = { NULL }, *attr;
	struct foreign_expr expr;

	attr_for_each_nested (attr, nest)
		read_attrs(attr, attrs);
	expr = (struct foreign_expr){ .name = get_text(attrs[NFTA_EXPR_NAME]) };
	if (!expr.name)
		expr.name = "?"; /* which then may match, or not */
	if (attrs[NFTA_EXPR_DATA]) {
		attr_for_each_nested (attr, attrs[NFTA_EXPR_DATA])
			read_attrs(attr, expr.attrs);
	}
	return foreign_add_expr(rule, &expr);
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

static struct foreign_chain *find_chain(struct rules *rules, const char *name)
{
	if (!rules->last || strcmp(rules->last->name, name) != 0)
		rules->last =
			foreign_find(rules->foreign, rules->family, rules->table, name);
	return rules->last;
}

static int fill_rule(struct foreign_rule *rule, const struct nlattr *expressions)
{
	const struct nlattr *attr;
	int r = 0;

	if (!expressions)
		return 0;
	attr_for_each_nested (attr, expressions) {
		if (r == 0)
			r = add_expr(rule, attr);
	}
	return r;
}

/* Of a rule as nft keeps it: type, length and value a piece. */
static bool has_our_comment(const struct nlattr *userdata)
{
	const uint8_t *bytes = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t len = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	for (size_t at = 0; len - at >= 2 && len - at - 2 >= bytes[at + 1];
	     at += 2 + (size_t)bytes[at + 1]) {
		if (bytes[at] == 0 /* NFTNL_UDATA_RULE_COMMENT */)
			return foreign_is_our_comment(bytes + at + 2, bytes[at + 1]);
	}
	return false;
}

static int take_rule(void *userdata, const struct nlmsghdr *reply)
{
	const struct nlattr *attrs[FOREIGN_ATTRS] = { NULL }, *handle;
	struct rules *rules = userdata;
	struct foreign_chain *chain;
	struct foreign_rule *rule;
	const char *table, *name;
	struct pass pass;

	if (!reply) {
		forget_rules(rules);
		return 0;
	}
	/* A kernel that does not know the filter sends every table's. */
	if (read_message(reply, NFT_MSG_NEWRULE, attrs) < 0)
		return 0;
	table = get_text(attrs[NFTA_RULE_TABLE]);
	name = get_text(attrs[NFTA_RULE_CHAIN]);
	chain = table && name && strcmp(table, rules->table) == 0
			? find_chain(rules, name)
			: NULL;
	if (!chain)
		return 0; /* one that was made since */
	handle = attrs[NFTA_RULE_HANDLE];
	rule = add_rule(chain, handle && mnl_attr_validate(handle, MNL_TYPE_U64) >= 0
				       ? be64toh(mnl_attr_get_u64(handle))
				       : 0);
	if (!rule || fill_rule(rule, attrs[NFTA_RULE_EXPRESSIONS]) < 0)
		return -ENOMEM;
	rule->has_our_comment |= has_our_comment(attrs[NFTA_RULE_USERDATA]);
	rule->is_pass = pass_read(chain, rule, &pass);
	return 0;
}

int foreign_read_rules(struct netlink *nl, struct foreign *foreign,
		       enum foreign_family family, const char *table, struct error *error)
{
	struct rules rules = { .foreign = foreign, .family = family, .table = table };
	char buffer[512] = { 0 };
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

/* ---- One rule ------------------------------------------------------------------------- */

/* A chain of which nothing but its name is known. */
static int add_named_chain(struct foreign *foreign, enum foreign_family family,
			   const char *table, const char *name)
{
	foreign->chains = calloc(1, sizeof(*foreign->chains));
	if (!foreign->chains)
		return -ENOMEM;
	foreign->n = foreign->size = 1;
	foreign->chains[0] = (struct foreign_chain){ .family = family,
						     .table = strdup(table),
						     .name = strdup(name) };
	return foreign->chains[0].table && foreign->chains[0].name ? 0 : -ENOMEM;
}

static int ask_rule(struct netlink *nl, struct rules *rules, const char *chain,
		    uint64_t handle, struct error *error)
{
	/* Names come from the kernel, which bounds them. */
	char buffer[NFT_TABLE_MAXNAMELEN + NFT_CHAIN_MAXNAMELEN + 128] = { 0 };
	struct nlmsghdr *question;

	if (strlen(rules->table) >= NFT_TABLE_MAXNAMELEN ||
	    strlen(chain) >= NFT_CHAIN_MAXNAMELEN)
		return error_set(error, EIO, "a name is too long");
	question = put_question(buffer, NFT_MSG_GETRULE,
				foreign_family_number(rules->family), rules->table);
	question->nlmsg_flags = 0;
	mnl_attr_put_strz(question, NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(question, NFTA_RULE_HANDLE, htobe64(handle));
	return netlink_request(nl, question, take_rule, rules, error);
}

int foreign_read_rule(struct netlink *nl, enum foreign_family family, const char *table,
		      const char *chain, uint64_t handle, struct foreign *ret,
		      struct error *error)
{
	struct rules rules = { .foreign = ret, .family = family, .table = table };
	int r;

	*ret = (struct foreign){ .n = 0 };
	r = add_named_chain(ret, family, table, chain);
	if (r == 0)
		r = ask_rule(nl, &rules, chain, handle, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	if (r == 0 && ret->chains[0].n > 0)
		return 1;
	foreign_clear(ret);
	if (r == 0 || r == -ENOENT)
		return 0;
	return error_prefix(error, "get rule %" PRIu64 " of %s", handle, table);
}
