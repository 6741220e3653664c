/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes over rtnetlink, with libnl's attributes. */

#include "kernel/route.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/address.h"
#include "base/error.h"

#include <errno.h>
#include <linux/rtnetlink.h>

/* An address that no one has (RFC 7600) and no route is for: it takes the default route. */
#define NOBODY_IPV4 "192.0.0.8"
/* In the discard-only prefix (RFC 6666), likewise. */
#define NOBODY_IPV6 "100::8"

static struct nl_msg *route_message(int type, int flags, int family, unsigned char table)
{
	struct rtmsg info = { .rtm_family = (unsigned char)family, .rtm_table = table };

	return route_message_new(type, flags, &info, sizeof(info));
}

/* ---- Reading ---------------------------------------------------------------------------- */

static bool read_destination(int family, unsigned int len, struct nlattr *value,
			     struct nestnet_prefix *ret)
{
	if ((family != AF_INET && family != AF_INET6) || len > address_bits(family))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->address.family = family;
	ret->len = len;
	if (!value)
		return len == 0; /* the default route */
	return route_value_read(family, nla_data(value), (size_t)nla_len(value),
				&ret->address);
}

/* RTA_OIF; a route with several next hops has it in the first of them instead. */
static uint32_t read_interface(struct nlattr *const *tb)
{
	struct rtnexthop hop;

	if (tb[RTA_OIF])
		return nla_len(tb[RTA_OIF]) >= (int)sizeof(uint32_t)
			       ? nla_get_u32(tb[RTA_OIF])
			       : 0;
	if (!tb[RTA_MULTIPATH] || nla_len(tb[RTA_MULTIPATH]) < (int)sizeof(hop))
		return 0;
	memcpy(&hop, nla_data(tb[RTA_MULTIPATH]), sizeof(hop));
	return (uint32_t)hop.rtnh_ifindex;
}

/* IPv4 may go by a gateway of IPv6, which is said in another attribute. */
static void read_gateway(int family, struct nlattr *const *tb,
			 struct nestnet_address *ret)
{
	struct nlattr *via = tb[RTA_VIA];

	*ret = (struct nestnet_address){ .family = AF_UNSPEC };
	if (tb[RTA_GATEWAY]) {
		(void)route_value_read(family, nla_data(tb[RTA_GATEWAY]),
				       (size_t)nla_len(tb[RTA_GATEWAY]), ret);
	} else if (via && nla_len(via) > (int)sizeof(struct rtvia)) {
		const struct rtvia *value = nla_data(via);

		(void)route_value_read(value->rtvia_family, value->rtvia_addr,
				       (size_t)nla_len(via) - sizeof(*value), ret);
	}
}

/* @param tb  RTA_MAX + 1 of them, for what is not in a struct route
 * @return whether the reply is a route of IPv4 or IPv6 */
static bool read_route(const struct nlmsghdr *reply, struct nlattr **tb,
		       struct route *ret)
{
	const struct rtmsg *info = NLMSG_DATA(reply);

	if (reply->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, RTA_MAX, NULL) < 0 ||
	    !read_destination(info->rtm_family, info->rtm_dst_len, tb[RTA_DST],
			      &ret->destination))
		return false;
	ret->ifindex = read_interface(tb);
	read_gateway(info->rtm_family, tb, &ret->gateway);
	ret->protocol = info->rtm_protocol;
	ret->is_local = info->rtm_type == RTN_LOCAL;
	ret->is_interface = ret->is_local && ret->protocol == RTPROT_KERNEL &&
			    prefix_is_address(&ret->destination);
	return true;
}

/* ---- One route -------------------------------------------------------------------------- */

struct answer {
	struct route route;
	bool is_there;
};

static int take_answer(void *userdata, const struct nlmsghdr *reply)
{
	struct nlattr *tb[RTA_MAX + 1];
	struct answer *answer = userdata;
	struct route route;

	if (read_route(reply, tb, &route)) {
		answer->route = route;
		answer->is_there = true;
	}
	return 0;
}

static bool is_no_route(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -ENODEV || r == -EINVAL ||
	       r == -EACCES;
}

/* Puts the question for the route to an address at the buffer's start, which is zeroed: each
 * exposure asks it, and a message of libnl's is a page to be cleared. */
#define QUESTION_SIZE 128
static struct nlmsghdr *put_question(char *buffer, const struct nestnet_address *address,
				     unsigned int flags)
{
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct rtmsg *info;

	question->nlmsg_type = RTM_GETROUTE;
	info = mnl_nlmsg_put_extra_header(question, sizeof(*info));
	info->rtm_family = (unsigned char)address->family;
	info->rtm_dst_len = (unsigned char)address_bits(address->family);
	info->rtm_flags = flags;
	mnl_attr_put(question, RTA_DST, address_len(address->family), address->bytes);
	return question;
}

int route_get(struct netlink *nl, const struct nestnet_address *address,
	      struct route *ret, struct error *error)
{
	char buffer[QUESTION_SIZE] = { 0 }, text[NESTNET_TEXT_MAX];
	struct answer answer = { .is_there = false };
	int r;

	/* The route as it stands in its table, not what it came to for this address. */
	r = netlink_request(nl, put_question(buffer, address, RTM_F_FIB_MATCH),
			    take_answer, &answer, error);
	if (is_no_route(r))
		return 0;
	if (r < 0)
		return error_prefix(error, "get the route to %s",
				    nestnet_address_format(address, text));
	*ret = answer.route;
	return answer.is_there;
}

struct source_answer {
	int family;
	struct nestnet_address address;
	bool is_there;
};

static int take_source(void *userdata, const struct nlmsghdr *reply)
{
	struct nlattr *tb[RTA_MAX + 1] = { 0 };
	struct source_answer *answer = userdata;

	if (reply->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(struct rtmsg), tb, RTA_MAX,
			NULL) < 0 ||
	    !tb[RTA_PREFSRC])
		return 0;
	answer->is_there =
		route_value_read(answer->family, nla_data(tb[RTA_PREFSRC]),
				 (size_t)nla_len(tb[RTA_PREFSRC]), &answer->address);
	return 0;
}

int route_get_source(struct netlink *nl, int family, uint32_t ifindex,
		     struct nestnet_address *ret, struct error *error)
{
	struct source_answer answer = { .family = family };
	char buffer[QUESTION_SIZE] = { 0 };
	struct nestnet_address nobody;
	struct nlmsghdr *question;
	int r;

	(void)nestnet_address_parse(family == AF_INET ? NOBODY_IPV4 : NOBODY_IPV6,
				    &nobody);
	/* With an interface and no route by it, the kernel takes the destination to be on
	 * the link, and picks the interface's first address. */
	question = put_question(buffer, &nobody, 0);
	mnl_attr_put_u32(question, RTA_OIF, ifindex);
	r = netlink_request(nl, question, take_source, &answer, error);
	if (is_no_route(r))
		return 0;
	if (r < 0)
		return error_prefix(error, "get the source address of interface %u",
				    ifindex);
	*ret = answer.address;
	return answer.is_there;
}

/* ---- Lists -------------------------------------------------------------------------------- */

enum list_kind {
	LIST_DEFAULT,
	LIST_LOCAL,
	LIST_GATEWAYS,
};

struct lister {
	enum list_kind kind;
	route_fn fn;
	void *userdata;
};

static int tell_hop(const struct lister *lister, const struct route *route)
{
	if (route->ifindex == 0 ||
	    (lister->kind == LIST_GATEWAYS && !route->gateway.family))
		return 0;
	return lister->fn(lister->userdata, route);
}

/* A route with several next hops is told once for each: their attributes stand behind a
 * header of 8 bytes. */
static int tell_hops(const struct lister *lister, struct route *route,
		     struct nlattr *multipath)
{
	struct rtnexthop *hop = nla_data(multipath);
	int left = nla_len(multipath), r = 0;

	while (r == 0 && RTNH_OK(hop, left)) {
		struct nlattr *tb[RTA_MAX + 1];

		if (nla_parse(tb, RTA_MAX, (struct nlattr *)(hop + 1),
			      hop->rtnh_len - (int)sizeof(*hop), NULL) < 0)
			return 0;
		route->ifindex = (uint32_t)hop->rtnh_ifindex;
		read_gateway(route->destination.address.family, tb, &route->gateway);
		r = tell_hop(lister, route);
		left -= RTNH_ALIGN(hop->rtnh_len);
		// RTNH_NEXT has a cast that clang warns of; the kernel aligns them.
		hop = (void *)((char *)hop + RTNH_ALIGN(hop->rtnh_len));
	}
	return r;
}

/* Told apart before anything is parsed, since a table may hold a million. */
static bool is_wanted(enum list_kind kind, const struct rtmsg *info)
{
	switch (kind) {
	case LIST_DEFAULT:
		return info->rtm_dst_len == 0 && info->rtm_type == RTN_UNICAST;
	case LIST_LOCAL:
		return info->rtm_type == RTN_LOCAL;
	case LIST_GATEWAYS:
		return info->rtm_type == RTN_UNICAST;
	}
	return false;
}

static int take_route(void *userdata, const struct nlmsghdr *reply)
{
	struct nlattr *tb[RTA_MAX + 1];
	struct lister *lister = userdata;
	struct route route;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	if (nlmsg_datalen(reply) < (int)sizeof(struct rtmsg) ||
	    !is_wanted(lister->kind, NLMSG_DATA(reply)) || !read_route(reply, tb, &route))
		return 0;
	if (tb[RTA_MULTIPATH] && lister->kind != LIST_LOCAL)
		return tell_hops(lister, &route, tb[RTA_MULTIPATH]);
	return tell_hop(lister, &route);
}

static int list_routes(struct netlink *nl, int family, unsigned char table,
		       struct lister *lister, struct error *error)
{
	_cleanup_message_ struct nl_msg *message =
		route_message(RTM_GETROUTE, NLM_F_DUMP, family, table);
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_route, lister, error);
	/* A strict kernel says so where the table does not exist, or the family. */
	if (r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
		return 0;
	return r < 0 ? error_prefix(error, "list routes") : r;
}

static int list_both(struct netlink *nl, unsigned char table, struct lister *lister,
		     struct error *error)
{
	int r = list_routes(nl, AF_INET, table, lister, error);

	return r != 0 ? r : list_routes(nl, AF_INET6, table, lister, error);
}

int route_list_default(struct netlink *nl, route_fn fn, void *userdata,
		       struct error *error)
{
	struct lister lister = { .kind = LIST_DEFAULT, .fn = fn, .userdata = userdata };

	return list_both(nl, RT_TABLE_MAIN, &lister, error);
}

int route_list_local(struct netlink *nl, route_fn fn, void *userdata, struct error *error)
{
	struct lister lister = { .kind = LIST_LOCAL, .fn = fn, .userdata = userdata };

	return list_both(nl, RT_TABLE_LOCAL, &lister, error);
}

int route_list_gateways(struct netlink *nl, int family, route_fn fn, void *userdata,
			struct error *error)
{
	struct lister lister = { .kind = LIST_GATEWAYS, .fn = fn, .userdata = userdata };

	return list_routes(nl, family, RT_TABLE_UNSPEC, &lister, error);
}

/* ---- Local routes ------------------------------------------------------------------------- */

static int send_local(struct netlink *nl, int type, int flags,
		      const struct nestnet_prefix *prefix, uint32_t ifindex,
		      struct error *error)
{
	int family = prefix->address.family;
	struct rtmsg info = { .rtm_family = (unsigned char)family,
			      .rtm_dst_len = (unsigned char)prefix->len,
			      .rtm_table = RT_TABLE_LOCAL,
			      .rtm_protocol = ROUTE_PROTOCOL_NESTNET,
			      .rtm_scope = family == AF_INET ? RT_SCOPE_HOST
							     : RT_SCOPE_UNIVERSE,
			      .rtm_type = RTN_LOCAL };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(type, flags, &info, sizeof(info));

	if (!message ||
	    nla_put(message, RTA_DST, (int)address_len(family), prefix->address.bytes) <
		    0 ||
	    nla_put_u32(message, RTA_OIF, ifindex) < 0)
		return error_set_errno(error, ENOMEM);
	return route_message_send(nl, message, NULL, NULL, error);
}

int route_add_local(struct netlink *nl, const struct nestnet_prefix *prefix,
		    uint32_t ifindex, struct error *error)
{
	int r = send_local(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, prefix, ifindex,
			   error);

	return r < 0 ? error_prefix(error, "add a local route") : 0;
}

int route_delete_local(struct netlink *nl, const struct nestnet_prefix *prefix,
		       uint32_t ifindex, struct error *error)
{
	int r = send_local(nl, RTM_DELROUTE, 0, prefix, ifindex, error);

	if (r == -ESRCH || r == -ENODEV)
		return 0;
	return r < 0 ? error_prefix(error, "delete a local route") : 0;
}
