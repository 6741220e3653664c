/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ctnetlink's filtered delete (Linux 5.8): one message, one pass over the table. */

#include "kernel/conntrack.h"
#include "kernel/netlink-message.h"

#include "base/address.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

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
	nest = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, tuple_flags(&original));
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, tuple_flags(&reply));
	mnl_attr_nest_end(message, nest); /* CTA_FILTER */
}

int conntrack_delete(struct netlink *nl, const struct conntrack_filter *filter,
		     struct error *error)
{
	char buffer[512];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;
	int r;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = (uint8_t)filter->family;
	put_filter(message, filter);

	r = netlink_request(nl, message, NULL, NULL, error);
	/* EOPNOTSUPP or EINVAL: nfnetlink has no ctnetlink here, and so nothing tracked by
	 * us. ENOENT: there was no such flow. */
	if (r == -ENOENT || r == -EOPNOTSUPP || r == -EINVAL)
		return 0;
	return r < 0 ? error_prefix(error, "end flows") : 0;
}
