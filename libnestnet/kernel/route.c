/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes over rtnetlink, read with libnl-route's route objects. */

#include "kernel/route.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/address.h"
#include "base/error.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

/* An address that no one has (RFC 7600) and no route is for: it takes the default route. */
#define NOBODY_IPV4 "192.0.0.8"
/* In the discard-only prefix (RFC 6666), likewise. */
#define NOBODY_IPV6 "100::8"

static void cleanup_route(struct rtnl_route **route)
{
	rtnl_route_put(*route);
}

static struct nl_msg *route_message(int type, int flags, int family, unsigned char table)
{
	struct rtmsg info = { .rtm_family = (unsigned char)family, .rtm_table = table };

	return route_message_new(type, flags, &info, sizeof(info));
}

/* ---- Reading ---------------------------------------------------------------------------- */

static bool read_prefix(struct nl_addr *value, int family, struct nestnet_prefix *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family != AF_INET && family != AF_INET6)
		return false;
	ret->address.family = family;
	if (!value || nl_addr_get_len(value) == 0)
		return true; /* the default route */
	ret->len = (unsigned int)nl_addr_get_prefixlen(value);
	return ret->len <= address_bits(family) &&
	       route_value_read(family, nl_addr_get_binary_addr(value),
				nl_addr_get_len(value), &ret->address);
}

static bool read_route(struct rtnl_route *from, struct route *ret)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(from, 0);
	int family = rtnl_route_get_family(from);

	ret->ifindex = hop ? (uint32_t)rtnl_route_nh_get_ifindex(hop) : 0;
	ret->protocol = rtnl_route_get_protocol(from);
	ret->is_local = rtnl_route_get_type(from) == RTN_LOCAL;
	if (!read_prefix(rtnl_route_get_dst(from), family, &ret->destination))
		return false;
	ret->is_interface = ret->is_local && ret->protocol == RTPROT_KERNEL &&
			    prefix_is_address(&ret->destination);
	return true;
}

/* @return the route of a reply, to be put back, or NULL where it is none */
static struct rtnl_route *parse_route(const struct nlmsghdr *reply)
{
	struct rtnl_route *route = NULL;

	if (reply->nlmsg_type != RTM_NEWROUTE ||
	    rtnl_route_parse((struct nlmsghdr *)reply, &route) < 0)
		return NULL;
	return route;
}

/* ---- One route -------------------------------------------------------------------------- */

struct answer {
	struct route route;
	bool is_there;
};

static int take_answer(void *userdata, const struct nlmsghdr *reply)
{
	_cleanup_(cleanup_route) struct rtnl_route *route = parse_route(reply);
	struct answer *answer = userdata;

	if (route)
		answer->is_there = read_route(route, &answer->route);
	return 0;
}

static bool is_no_route(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -ENODEV || r == -EINVAL ||
	       r == -EACCES;
}

int route_get(struct netlink *nl, const struct nestnet_address *address, struct route *ret,
	      struct error *error)
{
	/* The route as it stands in its table, not what it came to for this address. */
	struct rtmsg info = { .rtm_family = (unsigned char)address->family,
			      .rtm_dst_len = (unsigned char)address_bits(address->family),
			      .rtm_flags = RTM_F_FIB_MATCH };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETROUTE, 0, &info, sizeof(info));
	struct answer answer = { .is_there = false };
	char text[NESTNET_TEXT_MAX];
	int r;

	if (!message || nla_put(message, RTA_DST, (int)address_len(address->family),
				address->bytes) < 0)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_answer, &answer, error);
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
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(struct rtmsg), tb, RTA_MAX, NULL) <
		    0 ||
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
	struct rtmsg info = { .rtm_family = (unsigned char)family,
			      .rtm_dst_len = (unsigned char)address_bits(family) };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETROUTE, 0, &info, sizeof(info));
	struct source_answer answer = { .family = family };
	struct nestnet_address nobody;
	int r;

	(void)nestnet_address_parse(family == AF_INET ? NOBODY_IPV4 : NOBODY_IPV6, &nobody);
	/* With an interface and no route by it, the kernel takes the destination to be on
	 * the link, and picks the interface's first address. */
	if (!message ||
	    nla_put(message, RTA_DST, (int)address_len(family), nobody.bytes) < 0 ||
	    nla_put_u32(message, RTA_OIF, ifindex) < 0)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_source, &answer, error);
	if (is_no_route(r))
		return 0;
	if (r < 0)
		return error_prefix(error, "get the source address of interface %u", ifindex);
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

struct hop {
	struct lister *lister;
	struct route *route;
	int result;
};

/* IPv4 may go by a gateway of IPv6, which libnl has apart. */
static void read_gateway(struct rtnl_nexthop *nexthop, struct nestnet_address *ret)
{
	struct nl_addr *value = rtnl_route_nh_get_gateway(nexthop);

	*ret = (struct nestnet_address){ .family = AF_UNSPEC };
	if (!value)
		value = rtnl_route_nh_get_via(nexthop);
	if (value)
		(void)route_value_read(nl_addr_get_family(value),
				       nl_addr_get_binary_addr(value),
				       nl_addr_get_len(value), ret);
}

/* Told apart before libnl builds its object, since a table may hold a million. */
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

static void take_hop(struct rtnl_nexthop *nexthop, void *userdata)
{
	struct hop *hop = userdata;

	hop->route->ifindex = (uint32_t)rtnl_route_nh_get_ifindex(nexthop);
	read_gateway(nexthop, &hop->route->gateway);
	if (hop->lister->kind == LIST_GATEWAYS && !hop->route->gateway.family)
		return;
	if (hop->result == 0 && hop->route->ifindex != 0)
		hop->result = hop->lister->fn(hop->lister->userdata, hop->route);
}

static int take_route(void *userdata, const struct nlmsghdr *reply)
{
	_cleanup_(cleanup_route) struct rtnl_route *from = NULL;
	struct lister *lister = userdata;
	struct route route;
	struct hop hop = { .lister = lister, .route = &route };
	const struct rtmsg *info;

	if (!reply)
		return lister->fn(lister->userdata, NULL);

	info = NLMSG_DATA(reply);
	if (nlmsg_datalen(reply) < (int)sizeof(*info) || !is_wanted(lister->kind, info))
		return 0;

	from = parse_route(reply);
	if (!from || !read_route(from, &route))
		return 0;
	if (lister->kind == LIST_LOCAL)
		return lister->fn(lister->userdata, &route);
	rtnl_route_foreach_nexthop(from, take_hop, &hop);
	return hop.result;
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

int route_list_default(struct netlink *nl, route_fn fn, void *userdata, struct error *error)
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
