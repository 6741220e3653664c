/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tracked flows over ctnetlink. For IPv4 the kernel filters (Linux 5.8): one message, one
 * pass over the table. Of IPv6 it compares a filter's addresses the wrong way round and
 * gives just the flows that do not have them (seen on 6.18): so those are all listed, told
 * apart here, and deleted one by one.
 */

#include "kernel/conntrack.h"
#include "kernel/netlink-message.h"

#include "base/address.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's CTA_FILTER_F_*, which no installed header has
 * (nf_conntrack_netlink.c, struct ctnetlink_filter). */
#define FILTER_SOURCE           (1u << 0)
#define FILTER_DESTINATION      (1u << 1)
#define FILTER_PROTOCOL         (1u << 3)
#define FILTER_SOURCE_PORT      (1u << 4)
#define FILTER_DESTINATION_PORT (1u << 5)

/* One direction of a flow. */
struct tuple {
	const struct nestnet_address *source, *destination;
	unsigned int protocol;
	uint16_t source_port, destination_port;
};

static uint32_t tuple_flags(const struct tuple *tuple)
{
	uint32_t flags = 0;

	if (tuple->source->family)
		flags |= FILTER_SOURCE;
	if (tuple->destination->family)
		flags |= FILTER_DESTINATION;
	if (tuple->protocol)
		flags |= FILTER_PROTOCOL;
	if (tuple->source_port)
		flags |= FILTER_SOURCE_PORT;
	if (tuple->destination_port)
		flags |= FILTER_DESTINATION_PORT;
	return flags;
}

static void put_address(struct nlmsghdr *message, const struct nestnet_address *address,
			uint16_t v4, uint16_t v6)
{
	if (address->family)
		mnl_attr_put(message, address->family == AF_INET ? v4 : v6,
			     address_len(address->family), address->bytes);
}

static void put_tuple(struct nlmsghdr *message, uint16_t type, const struct tuple *tuple)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type), *part;

	part = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	put_address(message, tuple->source, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
	put_address(message, tuple->destination, CTA_IP_V4_DST, CTA_IP_V6_DST);
	mnl_attr_nest_end(message, part); /* CTA_TUPLE_IP */
	if (tuple->protocol) {
		part = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
		mnl_attr_put_u8(message, CTA_PROTO_NUM, (uint8_t)tuple->protocol);
		if (tuple->source_port)
			mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT,
					 htons(tuple->source_port));
		if (tuple->destination_port)
			mnl_attr_put_u16(message, CTA_PROTO_DST_PORT,
					 htons(tuple->destination_port));
		mnl_attr_nest_end(message, part); /* CTA_TUPLE_PROTO */
	}
	mnl_attr_nest_end(message, nest); /* CTA_TUPLE_ORIG, CTA_TUPLE_REPLY */
}

static void put_filter(struct nlmsghdr *message, const struct conntrack_filter *filter)
{
	struct tuple original = { .source = &filter->original_source,
				  .destination = &filter->original_destination,
				  .protocol = filter->protocol,
				  .destination_port = filter->original_destination_port };
	struct tuple reply = { .source = &filter->reply_source,
			       .destination = &filter->reply_destination,
			       .protocol = filter->protocol,
			       .source_port = filter->reply_source_port };
	struct nlattr *nest;

	if (tuple_flags(&original))
		put_tuple(message, CTA_TUPLE_ORIG, &original);
	if (tuple_flags(&reply))
		put_tuple(message, CTA_TUPLE_REPLY, &reply);
	if (!tuple_flags(&original) && !tuple_flags(&reply))
		return;
	nest = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, tuple_flags(&original));
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, tuple_flags(&reply));
	mnl_attr_nest_end(message, nest); /* CTA_FILTER */
}

static struct nlmsghdr *put_header(char *buffer, uint16_t type, int family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = (uint8_t)family;
	return message;
}

/* EOPNOTSUPP or EINVAL: nfnetlink has no ctnetlink here, and so nothing tracked by us.
 * ENOENT: there was no such flow. */
static bool is_nothing(int r)
{
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EINVAL;
}

/* ---- Flows one by one --------------------------------------------------------------------- */

static void read_address(const struct nlattr *attr, struct nestnet_address *ret, int family)
{
	if (mnl_attr_get_payload_len(attr) != address_len(family))
		return;
	ret->family = family;
	memcpy(ret->bytes, mnl_attr_get_payload(attr), address_len(family));
}

static void read_addresses(const struct nlattr *nest, struct conntrack_tuple *ret)
{
	const struct nlattr *attr;

	attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_IP_V4_SRC:
			read_address(attr, &ret->source, AF_INET);
			break;
		case CTA_IP_V4_DST:
			read_address(attr, &ret->destination, AF_INET);
			break;
		case CTA_IP_V6_SRC:
			read_address(attr, &ret->source, AF_INET6);
			break;
		case CTA_IP_V6_DST:
			read_address(attr, &ret->destination, AF_INET6);
			break;
		}
	}
}

static uint16_t read_port(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U16) < 0 ? 0 : ntohs(mnl_attr_get_u16(attr));
}

static void read_protocol(const struct nlattr *nest, struct conntrack_tuple *ret,
			  unsigned int *ret_protocol)
{
	const struct nlattr *attr;

	attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_PROTO_NUM:
			if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
				*ret_protocol = mnl_attr_get_u8(attr);
			break;
		case CTA_PROTO_SRC_PORT:
			ret->source_port = read_port(attr);
			break;
		case CTA_PROTO_DST_PORT:
			ret->destination_port = read_port(attr);
			break;
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
				ret->icmp_id = mnl_attr_get_u16(attr);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
				ret->icmp_type = mnl_attr_get_u8(attr);
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE:
			if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
				ret->icmp_code = mnl_attr_get_u8(attr);
			break;
		}
	}
}

static void read_tuple(const struct nlattr *nest, struct conntrack_tuple *ret,
		       unsigned int *ret_protocol)
{
	const struct nlattr *attr;

	attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
			read_addresses(attr, ret);
		else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
			read_protocol(attr, ret, ret_protocol);
	}
}

struct lister {
	const struct conntrack_filter *filter;
	conntrack_fn fn;
	void *userdata;
};

static bool is_address(const struct nestnet_address *wanted,
		       const struct nestnet_address *address)
{
	return wanted->family == AF_UNSPEC || address_equal(wanted, address);
}

/* What the kernel's filter does, and does right for IPv4 alone. */
static bool is_match(const struct conntrack_filter *filter, const struct conntrack_flow *flow)
{
	if (!is_address(&filter->original_source, &flow->original.source) ||
	    !is_address(&filter->original_destination, &flow->original.destination) ||
	    !is_address(&filter->reply_source, &flow->reply.source) ||
	    !is_address(&filter->reply_destination, &flow->reply.destination))
		return false;
	if (filter->protocol == 0)
		return true;
	return filter->protocol == flow->protocol &&
	       (!filter->original_destination_port ||
		filter->original_destination_port == flow->original.destination_port) &&
	       (!filter->reply_source_port ||
		filter->reply_source_port == flow->reply.source_port);
}

static int take_flow(void *userdata, const struct nlmsghdr *reply)
{
	struct conntrack_flow flow = { .protocol = 0 };
	struct lister *lister = userdata;
	const struct nlattr *attr;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			read_tuple(attr, &flow.original, &flow.protocol);
			break;
		case CTA_TUPLE_REPLY:
			read_tuple(attr, &flow.reply, &flow.protocol);
			break;
		}
	}
	if (flow.original.destination.family == 0 || flow.reply.source.family == 0 ||
	    !is_match(lister->filter, &flow))
		return 0;
	return lister->fn(lister->userdata, &flow);
}

static int take_count(void *userdata, const struct nlmsghdr *reply)
{
	const struct nlattr *attr;
	uint32_t *count = userdata;

	if (!reply)
		return 0;
	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			*count = ntohl(mnl_attr_get_u32(attr));
	}
	return 0;
}

/* A list goes through every bucket of the kernel's table, 12 ms however few flows there are;
 * how many the namespace has is told at once. @return false where there are none for sure */
static bool has_flows(struct netlink *nl, struct error *error)
{
	char buffer[64] = { 0 };
	struct nlmsghdr *message = put_header(buffer, IPCTNL_MSG_CT_GET_STATS, AF_UNSPEC);
	struct error before = *error;
	uint32_t count = 1;

	if (netlink_request(nl, message, take_count, &count, error) < 0) {
		*error = before; /* the list will say what is wrong */
		return true;
	}
	return count > 0;
}

int conntrack_list(struct netlink *nl, const struct conntrack_filter *filter,
		   conntrack_fn fn, void *userdata, struct error *error)
{
	char buffer[512] = { 0 };
	struct nlmsghdr *message = put_header(buffer, IPCTNL_MSG_CT_GET, filter->family);
	struct lister lister = { .filter = filter, .fn = fn, .userdata = userdata };
	int r;

	if (!has_flows(nl, error))
		return 0;
	message->nlmsg_flags = NLM_F_DUMP;
	if (filter->family == AF_INET)
		put_filter(message, filter);
	r = netlink_request(nl, message, take_flow, &lister, error);
	if (is_nothing(r))
		return 0;
	return r < 0 ? error_prefix(error, "list flows") : r;
}

static void put_icmp(struct nlmsghdr *message, const struct conntrack_tuple *tuple, bool is_v6)
{
	mnl_attr_put_u16(message, is_v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
			 tuple->icmp_id);
	mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
			tuple->icmp_type);
	mnl_attr_put_u8(message, is_v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
			tuple->icmp_code);
}

/* The whole original direction, as the kernel told it: it names one flow. */
static void put_flow(struct nlmsghdr *message, const struct conntrack_flow *flow)
{
	const struct conntrack_tuple *tuple = &flow->original;
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_ORIG), *part;

	part = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	put_address(message, &tuple->source, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
	put_address(message, &tuple->destination, CTA_IP_V4_DST, CTA_IP_V6_DST);
	mnl_attr_nest_end(message, part); /* CTA_TUPLE_IP */
	part = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, (uint8_t)flow->protocol);
	if (flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6) {
		put_icmp(message, tuple, flow->protocol == IPPROTO_ICMPV6);
	} else if (tuple->source_port || tuple->destination_port) {
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(tuple->source_port));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT,
				 htons(tuple->destination_port));
	}
	mnl_attr_nest_end(message, part); /* CTA_TUPLE_PROTO */
	mnl_attr_nest_end(message, nest); /* CTA_TUPLE_ORIG */
}

static int delete_message(struct netlink *nl, struct nlmsghdr *message, struct error *error)
{
	int r = netlink_request(nl, message, NULL, NULL, error);

	if (is_nothing(r))
		return 0;
	return r < 0 ? error_prefix(error, "end flows") : 0;
}

int conntrack_delete_flow(struct netlink *nl, const struct conntrack_flow *flow,
			  struct error *error)
{
	char buffer[512] = { 0 };
	struct nlmsghdr *message =
		put_header(buffer, IPCTNL_MSG_CT_DELETE, flow->original.source.family);

	put_flow(message, flow);
	return delete_message(nl, message, error);
}

/* ---- By filter ------------------------------------------------------------------------------ */

struct flows {
	struct conntrack_flow *list;
	size_t n;
};

/* Kept until the dump is over: the socket is busy with it. */
static int keep_flow(void *userdata, const struct conntrack_flow *flow)
{
	struct flows *flows = userdata;
	struct conntrack_flow *grown;

	if (!flow) {
		flows->n = 0;
		return 0;
	}
	grown = reallocarray(flows->list, flows->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	flows->list = grown;
	grown[flows->n++] = *flow;
	return 0;
}

static int delete_listed(struct netlink *nl, const struct conntrack_filter *filter,
			 struct error *error)
{
	struct flows flows = { .n = 0 };
	int r = conntrack_list(nl, filter, keep_flow, &flows, error);

	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	for (size_t i = 0; r == 0 && i < flows.n; i++)
		r = conntrack_delete_flow(nl, &flows.list[i], error);
	free(flows.list);
	return r;
}

int conntrack_delete(struct netlink *nl, const struct conntrack_filter *filter,
		     struct error *error)
{
	char buffer[512] = { 0 };
	struct nlmsghdr *message;

	if (filter->family != AF_INET)
		return delete_listed(nl, filter, error);
	message = put_header(buffer, IPCTNL_MSG_CT_DELETE, filter->family);
	put_filter(message, filter);
	return delete_message(nl, message, error);
}
