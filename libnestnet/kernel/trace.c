/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of traced packets. Each is one message, which is held against the types that its
 * attributes must have: an event without a chain or a packet's number is none. */

#include "kernel/trace.h"
#include "kernel/foreign-message.h"
#include "kernel/netlink-message.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* Attributes above are of no interest here. */
#define TRACE_ATTRS (NFTA_TRACE_POLICY + 1)

int trace_subscribe(struct netlink *nl, struct error *error)
{
	const unsigned int group = NFNLGRP_NFTRACE;

	return netlink_join(nl, &group, 1, error);
}

/* ---- One event ------------------------------------------------------------------------ */

static const char *get_text(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0
		       ? mnl_attr_get_str(attr)
		       : NULL;
}

static uint32_t get_number(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0
		       ? ntohl(mnl_attr_get_u32(attr))
		       : 0;
}

/* @return the bytes that were there, at most size */
static size_t take_bytes(const struct nlattr *attr, uint8_t *ret, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len > size)
		len = size;
	if (len > 0)
		memcpy(ret, mnl_attr_get_payload(attr), len);
	return len;
}

static enum trace_verdict verdict_of(uint32_t code)
{
	switch ((int32_t)code) {
	case NFT_CONTINUE:
	case NFT_BREAK:
		return TRACE_CONTINUE;
	case NFT_JUMP:
		return TRACE_JUMP;
	case NFT_GOTO:
		return TRACE_GOTO;
	case NFT_RETURN:
		return TRACE_BACK;
	}
	if ((int32_t)code < 0)
		return TRACE_UNKNOWN;
	/* The upper bits are a queue's number, or why it was dropped. */
	switch (code & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		return TRACE_ACCEPT;
	case NF_DROP:
		return TRACE_DROP;
	case NF_QUEUE:
		return TRACE_QUEUE;
	case NF_STOLEN:
		return TRACE_STOLEN;
	}
	return TRACE_UNKNOWN;
}

static void take_verdict(const struct nlattr *nest, struct trace_event *event)
{
	const struct nlattr *attr;

	event->verdict = TRACE_UNKNOWN;
	if (!nest || mnl_attr_validate(nest, MNL_TYPE_NESTED) < 0)
		return;
	attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			event->verdict = verdict_of(ntohl(mnl_attr_get_u32(attr)));
		else if (mnl_attr_get_type(attr) == NFTA_VERDICT_CHAIN)
			event->target = get_text(attr);
	}
}

/* @return false where it is none of the three */
static bool take_type(const struct nlattr *const *attrs, struct trace_event *event)
{
	switch (get_number(attrs[NFTA_TRACE_TYPE])) {
	case NFT_TRACETYPE_RULE:
		event->type = TRACE_RULE;
		break;
	case NFT_TRACETYPE_RETURN:
		event->type = TRACE_RETURN;
		break;
	case NFT_TRACETYPE_POLICY:
		event->type = TRACE_POLICY;
		event->verdict = verdict_of(get_number(attrs[NFTA_TRACE_POLICY]));
		return true;
	default:
		return false;
	}
	take_verdict(attrs[NFTA_TRACE_VERDICT], event);
	return true;
}

struct taker {
	trace_fn fn;
	void *userdata;
};

static int take_event(void *userdata, const struct nlmsghdr *message)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[TRACE_ATTRS] = { NULL }, *attr;
	const struct taker *taker = userdata;
	struct trace_event event = { .id = 0 };

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*generic))
		return 0;
	attr_for_each (attr, message, sizeof(*generic)) {
		if (mnl_attr_get_type(attr) < TRACE_ATTRS)
			attrs[mnl_attr_get_type(attr)] = attr;
	}
	event.family = foreign_family_of(generic->nfgen_family);
	event.table = get_text(attrs[NFTA_TRACE_TABLE]);
	event.chain = get_text(attrs[NFTA_TRACE_CHAIN]);
	if (!event.table || !event.chain || !attrs[NFTA_TRACE_ID] ||
	    !take_type(attrs, &event))
		return 0;
	event.id = get_number(attrs[NFTA_TRACE_ID]);
	attr = attrs[NFTA_TRACE_RULE_HANDLE];
	if (attr && mnl_attr_validate(attr, MNL_TYPE_U64) >= 0)
		event.handle = be64toh(mnl_attr_get_u64(attr));
	/* Newer kernels tell of a chain's end as of a rule without a number. */
	if (event.type == TRACE_RULE && event.handle == 0)
		event.type = TRACE_RETURN;
	event.iif = get_number(attrs[NFTA_TRACE_IIF]);
	event.oif = get_number(attrs[NFTA_TRACE_OIF]);
	event.network_len = take_bytes(attrs[NFTA_TRACE_NETWORK_HEADER], event.network,
				       sizeof(event.network));
	event.transport_len = take_bytes(attrs[NFTA_TRACE_TRANSPORT_HEADER],
					 event.transport, sizeof(event.transport));
	return taker->fn(taker->userdata, &event);
}

int trace_take(struct netlink *nl, trace_fn fn, void *userdata, struct error *error)
{
	struct taker taker = { .fn = fn, .userdata = userdata };

	return netlink_take(nl, take_event, &taker, error);
}
