/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accepts of ours in others' chains: written, and known again; pass.h has the shape. */

#include "kernel/pass.h"

#include "kernel/nft-rule.h"

#include "base/address.h"

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Where addresses are in their headers: RFC 791, 8200. */
#define IP_SADDR  12
#define IP_DADDR  16
#define IP6_SADDR 8
#define IP6_DADDR 24

/* ---- Reading -------------------------------------------------------------------------- */

/* A load, what may mask it, and the comparison, of which all other operations are made. */
struct match {
	const struct foreign_op *load, *mask, *compare;
};

/* @return how many operations it has; 0: it is none */
static size_t read_match(const struct foreign_rule *rule, size_t at, struct match *ret)
{
	const struct foreign_op *op = &rule->ops[at];
	size_t n = 1;

	if (op->kind != FOREIGN_LOAD)
		return 0;
	*ret = (struct match){ .load = op };
	if (at + n < rule->n && op[n].kind == FOREIGN_BITWISE && op[n].from == op->to &&
	    op[n].len == op->len) {
		ret->mask = &op[n];
		n++;
	}
	if (at + n >= rule->n || op[n].kind != FOREIGN_COMPARE ||
	    op[n].relation != FOREIGN_EQ ||
	    op[n].from != (ret->mask ? ret->mask->to : op->to) || op[n].len > op->len)
		return 0;
	ret->compare = &op[n];
	return n + 1;
}

/* The bits of a mask. @return false where it is none of a prefix */
static bool read_mask(const uint8_t *mask, size_t len, unsigned int *ret)
{
	unsigned int bit = 0;

	while (bit < len * 8 && mask[bit / 8] & 0x80 >> bit % 8)
		bit++;
	*ret = bit;
	for (; bit < len * 8; bit++) {
		if (mask[bit / 8] & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

static bool read_address(const struct match *match, struct pass *pass)
{
	bool is_6 = match->load->offset == IP6_SADDR || match->load->offset == IP6_DADDR;
	uint8_t len = match->compare->len;

	if (pass->guest.address.family != AF_UNSPEC || len != match->load->len ||
	    len > (is_6 ? 16 : 4) ||
	    (!is_6 && match->load->offset != IP_SADDR && match->load->offset != IP_DADDR))
		return false;
	pass->guest.address.family = is_6 ? AF_INET6 : AF_INET;
	memcpy(pass->guest.address.bytes, match->compare->data, len);
	pass->guest.len = len * 8u;
	pass->is_source = match->load->offset == (is_6 ? IP6_SADDR : IP_SADDR);
	return !match->mask || read_mask(match->mask->data, len, &pass->guest.len);
}

/* A name with its NUL: without, it is the beginning of one. */
static bool read_name(const struct match *match, char *name)
{
	size_t len = match->compare->len;

	if (name[0] || match->mask || len > NESTNET_IFNAMSIZ ||
	    strnlen((const char *)match->compare->data, len) == len)
		return false;
	memcpy(name, match->compare->data, len);
	return name[0];
}

static bool take_match(const struct match *match, struct pass *pass)
{
	switch (match->load->field) {
	case FOREIGN_NETWORK:
		return read_address(match, pass);
	case FOREIGN_IIFNAME:
		return read_name(match, pass->iifname);
	case FOREIGN_OIFNAME:
		return read_name(match, pass->oifname);
	case FOREIGN_NFPROTO:
		return !match->mask;
	case FOREIGN_UNKNOWN:
	case FOREIGN_IIF:
	case FOREIGN_OIF:
	case FOREIGN_PROTOCOL:
	case FOREIGN_L4PROTO:
	case FOREIGN_TRANSPORT:
	case FOREIGN_CT_STATE:
	case FOREIGN_CT_STATUS:
	case FOREIGN_CT_DIRECTION:
	case FOREIGN_WAY_BACK:
		break;
	}
	return false;
}

/* Not of what a guest sends to anywhere, and to a guest from anywhere but by its bridge. */
static bool is_complete(const struct pass *pass)
{
	int family = pass->guest.address.family;

	if (family == AF_UNSPEC || !pass->oifname[0] ||
	    (pass->family == FOREIGN_IP && family != AF_INET) ||
	    (pass->family == FOREIGN_IP6 && family != AF_INET6))
		return false;
	return !pass->is_source == !pass->iifname[0];
}

bool pass_read(const struct foreign_chain *chain, const struct foreign_rule *rule,
	       struct pass *ret)
{
	struct pass pass = { .family = chain->family };
	struct match match;
	size_t at = 0, n;

	if (!rule->has_our_comment || strlen(chain->table) >= sizeof(pass.table) ||
	    strlen(chain->name) >= sizeof(pass.chain))
		return false;
	for (; at < rule->n && rule->ops[at].kind != FOREIGN_END; at += n) {
		n = 1;
		if (rule->ops[at].kind == FOREIGN_NOTHING)
			continue;
		n = read_match(rule, at, &match);
		if (n == 0 || !take_match(&match, &pass))
			return false;
	}
	if (at + 1 != rule->n || rule->ops[at].verdict != FOREIGN_ACCEPT ||
	    !is_complete(&pass))
		return false;
	snprintf(pass.table, sizeof(pass.table), "%s", chain->table);
	snprintf(pass.chain, sizeof(pass.chain), "%s", chain->name);
	*ret = pass;
	return true;
}

bool pass_equal(const struct pass *a, const struct pass *b)
{
	return a->family == b->family && a->is_source == b->is_source &&
	       prefix_equal(&a->guest, &b->guest) &&
	       strcmp(a->iifname, b->iifname) == 0 &&
	       strcmp(a->oifname, b->oifname) == 0 && strcmp(a->table, b->table) == 0 &&
	       strcmp(a->chain, b->chain) == 0;
}

const char *pass_text(const struct pass *pass, char *ret)
{
	char guest[NESTNET_TEXT_MAX];

	nestnet_prefix_format(&pass->guest, guest);
	snprintf(ret, PASS_TEXT_MAX,
		 "nft insert rule %s %s %s %s %s %s%s%s oifname %s counter accept "
		 "comment " PASS_COMMENT,
		 foreign_family_name(pass->family), pass->table, pass->chain,
		 pass->guest.address.family == AF_INET6 ? "ip6" : "ip",
		 pass->is_source ? "saddr" : "daddr", guest,
		 pass->iifname[0] ? " iifname " : "", pass->iifname, pass->oifname);
	return ret;
}

/* ---- Writing -------------------------------------------------------------------------- */

static struct nft_table table_of(const struct pass *pass)
{
	struct nft_table table = { .family = NFT_FAMILY_INET, .name = pass->table };

	switch (pass->family) {
	case FOREIGN_IP:
		table.family = NFT_FAMILY_IP;
		break;
	case FOREIGN_IP6:
		table.family = NFT_FAMILY_IP6;
		break;
	case FOREIGN_INET:
	case FOREIGN_BRIDGE: /* there are none */
	case FOREIGN_NETDEV:
	case FOREIGN_OTHER:
		break;
	}
	return table;
}

/* iifname NAME, or oifname */
static void match_name(struct nft_rule *rule, uint32_t key, const char *name)
{
	char padded[NESTNET_IFNAMSIZ] = "";

	if (!name[0])
		return;
	snprintf(padded, sizeof(padded), "%s", name);
	nft_rule_meta(rule, 0, key);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, padded, sizeof(padded));
}

/* ip daddr GUEST, and so on */
static void match_guest(struct nft_rule *rule, const struct pass *pass)
{
	int family = pass->guest.address.family;

	nft_rule_load_address(rule, family,
			      pass->is_source ? NFT_SOURCE : NFT_DESTINATION);
	if (!prefix_is_address(&pass->guest))
		nft_rule_mask_address(rule, family, pass->guest.len);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, pass->guest.address.bytes, address_len(family));
}

static void set_comment(struct nft_rule *rule)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(64);

	if (!rule || !userdata ||
	    !nftnl_udata_put_strz(userdata, NFTNL_UDATA_RULE_COMMENT, PASS_COMMENT) ||
	    nftnl_rule_set_data(rule->nftnl, NFTNL_RULE_USERDATA,
				nftnl_udata_buf_data(userdata),
				nftnl_udata_buf_len(userdata)) < 0) {
		if (rule)
			rule->is_failed = true;
	}
	if (userdata)
		nftnl_udata_buf_free(userdata);
}

static struct nft_rule *make_rule(const struct pass *pass)
{
	const struct nft_table table = table_of(pass);
	struct nft_rule *rule = nft_rule_new(&table, pass->chain);

	if (pass->family == FOREIGN_INET)
		nft_rule_match_family(rule, pass->guest.address.family);
	match_guest(rule, pass);
	match_name(rule, NFT_META_IIFNAME, pass->iifname);
	match_name(rule, NFT_META_OIFNAME, pass->oifname);
	nft_rule_counter(rule);
	nft_rule_accept(rule);
	set_comment(rule);
	return rule;
}

void pass_insert(struct nft_batch *batch, const struct pass *pass, uint64_t before)
{
	nft_insert_rule(batch, make_rule(pass), before);
}

void pass_append(struct nft_batch *batch, const struct pass *pass)
{
	nft_add_rule(batch, make_rule(pass));
}

void pass_delete(struct nft_batch *batch, const struct pass *pass, uint64_t handle)
{
	const struct nft_table table = table_of(pass);

	nft_delete_rule(batch, &table, pass->chain, handle);
}
