/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications of rtnetlink and nf_tables, as far as they are of interest here. What is not
 * as it should be is passed over: it is of another kernel, and says nothing. */

#include "kernel/notice.h"
#include "kernel/netlink-message.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* What is read at once: then others have their turn, and the rest is still there. */
#define DATAGRAMS_MAX 4096

int notice_subscribe(struct netlink *nl, enum netlink_bus bus, bool has_neighbours,
		     struct error *error)
{
	static const unsigned int route[] = {
		RTNLGRP_LINK,         RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE,   RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_NETCONF,
		RTNLGRP_IPV6_NETCONF, RTNLGRP_NEIGH, /* the last */
	};
	static const unsigned int filter[] = { NFNLGRP_NFTABLES };

	if (bus == NETLINK_BUS_ROUTE)
		return netlink_join(nl, route, ARRAY_SIZE(route) - !has_neighbours,
				    error);
	return netlink_join(nl, filter, ARRAY_SIZE(filter), error);
}

int notice_fd(const struct netlink *nl)
{
	return netlink_fd(nl);
}

struct reader {
	const char *name; /* of our tables */
	notice_fn fn;
	void *userdata;
};

static void tell(const struct reader *reader, enum notice_kind kind)
{
	const struct notice notice = { .kind = kind };

	reader->fn(reader->userdata, &notice);
}

/* ---- rtnetlink ------------------------------------------------------------------------- */

/* The first attribute of a type. @return NULL where there is none */
static const struct nlattr *find_attr(const struct nlmsghdr *message, size_t fixed,
				      uint16_t type)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(message) < fixed)
		return NULL;
	attr_for_each (attr, message, (unsigned int)fixed) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* A router has many routes: those of interest are few. */
static bool is_route_of_interest(const struct nlmsghdr *message)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	return mnl_nlmsg_get_payload_len(message) >= sizeof(*route) &&
	       (route->rtm_table == RT_TABLE_LOCAL || route->rtm_dst_len == 0);
}

static void take_route(const struct reader *reader, const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		tell(reader, NOTICE_LINK);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (is_route_of_interest(message))
			tell(reader, NOTICE_ROUTE);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		tell(reader, NOTICE_NEIGHBOUR);
		break;
	case RTM_NEWNETCONF:
		if (find_attr(message, sizeof(struct netconfmsg), NETCONFA_FORWARDING))
			tell(reader, NOTICE_FORWARDING);
		break;
	}
}

/* ---- nf_tables ------------------------------------------------------------------------- */

/* Copies a value of any length that there is room for. @return its length, or 0 */
static size_t read_value(const struct nlattr *attr, uint8_t *ret, size_t size)
{
	const struct nlattr *inner;

	attr_for_each_nested (inner, attr) {
		size_t len = mnl_attr_get_payload_len(inner);

		if (mnl_attr_get_type(inner) != NFTA_DATA_VALUE || len > size)
			continue;
		memcpy(ret, mnl_attr_get_payload(inner), len);
		return len;
	}
	return 0;
}

static void take_element(const struct reader *reader, struct notice *notice,
			 const struct nlattr *nest)
{
	struct nft_element element = { .comment = "" };
	const struct nlattr *attr;

	notice->key_len = 0;
	notice->element = &element;
	attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			notice->key_len = read_value(attr, element.key, NFT_KEY_MAX);
			break;
		case NFTA_SET_ELEM_KEY_END:
			(void)read_value(attr, element.key_end, NFT_KEY_MAX);
			break;
		case NFTA_SET_ELEM_DATA:
			(void)read_value(attr, element.data, NFT_DATA_MAX);
			break;
		}
	}
	reader->fn(reader->userdata, notice);
}

static void take_elements(const struct reader *reader, const struct nlmsghdr *message,
			  enum nft_family family)
{
	const struct nlattr *nest, *set, *list;
	struct notice notice = { .kind = NOTICE_ELEMENT, .family = family };

	set = find_attr(message, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_SET);
	list = find_attr(message, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
	if (!set || mnl_attr_validate(set, MNL_TYPE_NUL_STRING) < 0 || !list) {
		tell(reader, NOTICE_TABLE);
		return;
	}
	notice.set = mnl_attr_get_str(set);
	attr_for_each_nested (nest, list)
		take_element(reader, &notice, nest);
}

/* The name of the table is the first attribute of tables, sets and elements alike. */
static bool is_ours(const struct reader *reader, const struct nlmsghdr *message)
{
	const struct nlattr *name =
		find_attr(message, sizeof(struct nfgenmsg), NFTA_TABLE_NAME);

	return name && mnl_attr_validate(name, MNL_TYPE_NUL_STRING) >= 0 &&
	       strcmp(mnl_attr_get_str(name), reader->name) == 0;
}

static void take_filter(const struct reader *reader, const struct nlmsghdr *message)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);
	enum nft_family family = NFT_FAMILY_INET;

	if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*generic) ||
	    !is_ours(reader, message))
		return;
	if (generic->nfgen_family == NFPROTO_NETDEV)
		family = NFT_FAMILY_NETDEV;
	else if (generic->nfgen_family != NFPROTO_INET)
		return;
	switch (NFNL_MSG_TYPE(message->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELSET:
		tell(reader, NOTICE_TABLE);
		break;
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
		take_elements(reader, message, family);
		break;
	}
}

/* ---- Reading --------------------------------------------------------------------------- */

/* The types of the two buses are disjoint: nf_tables' begin at 2560. */
static int take_message(void *userdata, const struct nlmsghdr *message)
{
	if (message->nlmsg_type <= RTM_MAX)
		take_route(userdata, message);
	else
		take_filter(userdata, message);
	return 0;
}

int notice_read(struct netlink *nl, const char *name, notice_fn fn, void *userdata,
		struct error *error)
{
	struct reader reader = { .name = name, .fn = fn, .userdata = userdata };
	bool is_lost = false;

	for (unsigned int n = 0; n < DATAGRAMS_MAX; n++) {
		int r = netlink_take(nl, take_message, &reader, error);

		/* It is told once, and what is in the queue is there all the same. */
		is_lost |= r == -ENOBUFS;
		if (r == 0 || (r < 0 && r != -ENOBUFS))
			return r == 0 && is_lost ? -ENOBUFS : r;
	}
	return is_lost ? -ENOBUFS : 0;
}
