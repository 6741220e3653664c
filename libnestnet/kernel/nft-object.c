/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables, sets and chains, built with libnftnl behind the headers that nft-message.h
 * puts. There are few of them, made once; rules are in nft-expr.c, elements in
 * nft-element.c.
 *
 * Userdata is what nft keeps beside an object to print it by. An nft that is older than a
 * piece may crash on it, so a set has the two that nothing prints right without, and no
 * other (facts 21).
 */

#include "kernel/nft-message.h"
#include "kernel/nft.h"

#include "base/cleanup.h"

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* Room for one piece of userdata: two bytes of header, at most 255 of value. */
#define USERDATA_SIZE 512

/* nft's own number for a key in host order, such as an interface's name. */
#define NFT_BYTEORDER_HOST 1

/* What a rule of the same batch could name a set by before it has a name of its own. Ours
 * have one from the start, but the kernel wants a number with each. */
#define SET_ID 1

static void cleanup_table(struct nftnl_table **table)
{
	if (*table)
		nftnl_table_free(*table);
}

static void cleanup_set(struct nftnl_set **set)
{
	if (*set)
		nftnl_set_free(*set);
}

static void cleanup_chain(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

static void cleanup_userdata(struct nftnl_udata_buf **userdata)
{
	if (*userdata)
		nftnl_udata_buf_free(*userdata);
}

/* ---- Tables ------------------------------------------------------------------------ */

static bool set_table_comment(struct nftnl_table *nftnl, const char *comment)
{
	_cleanup_(cleanup_userdata) struct nftnl_udata_buf *userdata = NULL;

	userdata = nftnl_udata_buf_alloc(USERDATA_SIZE);
	return userdata &&
	       nftnl_udata_put_strz(userdata, NFTNL_UDATA_TABLE_COMMENT, comment) &&
	       nftnl_table_set_data(nftnl, NFTNL_TABLE_USERDATA,
				    nftnl_udata_buf_data(userdata),
				    nftnl_udata_buf_len(userdata)) >= 0;
}

static void put_table(struct nft_batch *batch, const struct nft_table *table,
		      uint16_t type, uint16_t flags, const char *comment)
{
	_cleanup_(cleanup_table) struct nftnl_table *nftnl = nftnl_table_alloc();
	struct nlmsghdr *message;

	if (!nftnl || nftnl_table_set_str(nftnl, NFTNL_TABLE_NAME, table->name) < 0 ||
	    (comment && !set_table_comment(nftnl, comment))) {
		nft_batch_set_failed(batch);
		return;
	}

	message = nft_message_begin(batch, NFT_MESSAGE_MAX, type, table->family, flags);
	if (!message)
		return;
	nftnl_table_nlmsg_build_payload(message, nftnl);
	nft_message_end(batch, message);
}

void nft_add_table(struct nft_batch *batch, const struct nft_table *table,
		   const char *comment)
{
	put_table(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, comment);
}

void nft_delete_table(struct nft_batch *batch, const struct nft_table *table)
{
	put_table(batch, table, NFT_MSG_DELTABLE, 0, NULL);
}

/* ---- Sets -------------------------------------------------------------------------- */

static bool is_pipapo(const struct nft_set_spec *spec)
{
	return (spec->flags & NFT_SPEC_INTERVAL) && nft_set_spec_is_concat(spec);
}

static uint32_t set_flags(const struct nft_set_spec *spec)
{
	uint32_t flags = 0;

	if (spec->data_type)
		flags |= NFT_SET_MAP;
	if (spec->flags & NFT_SPEC_INTERVAL)
		flags |= NFT_SET_INTERVAL;
	if (spec->flags & NFT_SPEC_TIMEOUT)
		flags |= NFT_SET_TIMEOUT;
	if (is_pipapo(spec))
		flags |= NFT_SET_CONCAT;
	return flags;
}

static void set_types(struct nftnl_set *nftnl, const struct nft_set_spec *spec)
{
	nftnl_set_set_u32(nftnl, NFTNL_SET_ID, SET_ID);
	nftnl_set_set_u32(nftnl, NFTNL_SET_FLAGS, set_flags(spec));
	nftnl_set_set_u32(nftnl, NFTNL_SET_KEY_TYPE, spec->key_type);
	nftnl_set_set_u32(nftnl, NFTNL_SET_KEY_LEN, spec->key_len);
	if (spec->data_type) {
		nftnl_set_set_u32(nftnl, NFTNL_SET_DATA_TYPE, spec->data_type);
		nftnl_set_set_u32(nftnl, NFTNL_SET_DATA_LEN, spec->data_len);
	}
}

static bool set_userdata(struct nftnl_set *nftnl, const struct nft_set_spec *spec)
{
	_cleanup_(cleanup_userdata) struct nftnl_udata_buf *userdata = NULL;

	userdata = nftnl_udata_buf_alloc(USERDATA_SIZE);
	if (!userdata)
		return false;
	/* Without this, nft prints an interface's name as "". */
	if (spec->key_type == NFT_TYPE_IFNAME &&
	    !nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER,
				 NFT_BYTEORDER_HOST))
		return false;
	/* Without this, nft aborts. */
	if ((spec->flags & NFT_SPEC_DATA_INTERVAL) &&
	    !nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_DATA_INTERVAL, 1))
		return false;
	return nftnl_udata_buf_len(userdata) == 0 ||
	       nftnl_set_set_data(nftnl, NFTNL_SET_USERDATA,
				  nftnl_udata_buf_data(userdata),
				  nftnl_udata_buf_len(userdata)) >= 0;
}

static bool set_counter(struct nftnl_set *nftnl)
{
	struct nftnl_expr *counter = nftnl_expr_alloc("counter");

	if (!counter)
		return false;
	nftnl_set_add_expr(nftnl, counter);
	return true;
}

/* @return false where there is no memory */
static bool fill_set(struct nftnl_set *nftnl, const struct nft_table *table,
		     const struct nft_set_spec *spec)
{
	set_types(nftnl, spec);
	if (nftnl_set_set_str(nftnl, NFTNL_SET_TABLE, table->name) < 0 ||
	    nftnl_set_set_str(nftnl, NFTNL_SET_NAME, spec->name) < 0 ||
	    !set_userdata(nftnl, spec))
		return false;
	if (is_pipapo(spec) && nftnl_set_set_data(nftnl, NFTNL_SET_DESC_CONCAT,
						  spec->fields, sizeof(spec->fields)) < 0)
		return false;
	return !(spec->flags & NFT_SPEC_COUNTER) || set_counter(nftnl);
}

void nft_add_set(struct nft_batch *batch, const struct nft_table *table,
		 const struct nft_set_spec *spec)
{
	_cleanup_(cleanup_set) struct nftnl_set *nftnl = nftnl_set_alloc();
	struct nlmsghdr *message;

	if (!nftnl || !fill_set(nftnl, table, spec)) {
		nft_batch_set_failed(batch);
		return;
	}

	message = nft_message_begin(batch, NFT_MESSAGE_MAX, NFT_MSG_NEWSET, table->family,
				    NLM_F_CREATE | NLM_F_EXCL);
	if (!message)
		return;
	nftnl_set_nlmsg_build_payload(message, nftnl);
	nft_message_end(batch, message);
}

void nft_delete_set(struct nft_batch *batch, const struct nft_table *table,
		    const struct nft_set_spec *spec)
{
	struct nlmsghdr *message = nft_message_begin(batch, NFT_MESSAGE_MAX,
						     NFT_MSG_DELSET, table->family, 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_SET_TABLE, table->name);
	mnl_attr_put_strz(message, NFTA_SET_NAME, spec->name);
	nft_message_end(batch, message);
}

/* ---- Chains ------------------------------------------------------------------------ */

static uint32_t hook_number(enum nft_hook hook)
{
	switch (hook) {
	case NFT_HOOK_NONE:
	case NFT_HOOK_INGRESS:
	case NFT_HOOK_EGRESS:
		break;
	case NFT_HOOK_PREROUTING:
		return NF_INET_PRE_ROUTING;
	case NFT_HOOK_INPUT:
		return NF_INET_LOCAL_IN;
	case NFT_HOOK_FORWARD:
		return NF_INET_FORWARD;
	case NFT_HOOK_OUTPUT:
		return NF_INET_LOCAL_OUT;
	case NFT_HOOK_POSTROUTING:
		return NF_INET_POST_ROUTING;
	}
	return NF_INET_NUMHOOKS;
}

static bool set_base(struct nftnl_chain *nftnl, const char *type, enum nft_hook hook,
		     int priority)
{
	nftnl_chain_set_u32(nftnl, NFTNL_CHAIN_HOOKNUM, hook_number(hook));
	nftnl_chain_set_s32(nftnl, NFTNL_CHAIN_PRIO, priority);
	nftnl_chain_set_u32(nftnl, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	return nftnl_chain_set_str(nftnl, NFTNL_CHAIN_TYPE, type) >= 0;
}

/* A chain with its names, or NULL: out of memory. */
static struct nftnl_chain *make_chain(const struct nft_table *table, const char *name)
{
	struct nftnl_chain *nftnl = nftnl_chain_alloc();

	if (!nftnl)
		return NULL;
	if (nftnl_chain_set_str(nftnl, NFTNL_CHAIN_TABLE, table->name) < 0 ||
	    nftnl_chain_set_str(nftnl, NFTNL_CHAIN_NAME, name) < 0) {
		nftnl_chain_free(nftnl);
		return NULL;
	}
	return nftnl;
}

/* Puts the message; a chain that could not be filled (NULL) fails the batch. */
static void put_chain(struct nft_batch *batch, const struct nft_table *table,
		      const struct nftnl_chain *nftnl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message;

	if (!nftnl) {
		nft_batch_set_failed(batch);
		return;
	}
	message = nft_message_begin(batch, NFT_MESSAGE_MAX, type, table->family, flags);
	if (!message)
		return;
	nftnl_chain_nlmsg_build_payload(message, nftnl);
	nft_message_end(batch, message);
}

void nft_add_chain(struct nft_batch *batch, const struct nft_table *table,
		   const char *name, const char *type, enum nft_hook hook, int priority)
{
	_cleanup_(cleanup_chain) struct nftnl_chain *nftnl = make_chain(table, name);
	bool is_filled =
		nftnl && (hook == NFT_HOOK_NONE || set_base(nftnl, type, hook, priority));

	put_chain(batch, table, is_filled ? nftnl : NULL, NFT_MSG_NEWCHAIN,
		  NLM_F_CREATE | NLM_F_EXCL);
}

static bool set_device(struct nftnl_chain *nftnl, const char *device, int priority)
{
	nftnl_chain_set_u32(nftnl, NFTNL_CHAIN_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_chain_set_s32(nftnl, NFTNL_CHAIN_PRIO, priority);
	nftnl_chain_set_u32(nftnl, NFTNL_CHAIN_POLICY, NF_DROP);
	return nftnl_chain_set_str(nftnl, NFTNL_CHAIN_TYPE, "filter") >= 0 &&
	       nftnl_chain_set_str(nftnl, NFTNL_CHAIN_DEV, device) >= 0;
}

void nft_add_device_chain(struct nft_batch *batch, const struct nft_table *table,
			  const char *name, const char *device, int priority)
{
	_cleanup_(cleanup_chain) struct nftnl_chain *nftnl = make_chain(table, name);
	bool is_filled = nftnl && set_device(nftnl, device, priority);

	put_chain(batch, table, is_filled ? nftnl : NULL, NFT_MSG_NEWCHAIN,
		  NLM_F_CREATE | NLM_F_EXCL);
}

void nft_delete_chain(struct nft_batch *batch, const struct nft_table *table,
		      const char *name)
{
	_cleanup_(cleanup_chain) struct nftnl_chain *nftnl = make_chain(table, name);

	put_chain(batch, table, nftnl, NFT_MSG_DELCHAIN, 0);
}

void nft_empty_chain(struct nft_batch *batch, const struct nft_table *table,
		     const char *name)
{
	struct nlmsghdr *message = nft_message_begin(batch, NFT_MESSAGE_MAX,
						     NFT_MSG_DELRULE, table->family, 0);

	if (!message)
		return;
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table->name);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, name);
	nft_message_end(batch, message);
}
