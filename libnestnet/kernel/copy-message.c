/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages that say again what the kernel said, of another interface.
 *
 * All attributes are passed on as they are, but for those that only the kernel sets, and
 * those that name the interface. A multipath route of IPv4 is one thing, and is said again
 * whole; in IPv6 each next hop is a route of its own, and only those of the interface are
 * said again.
 */

#include "kernel/copy-message.h"
#include "kernel/route-value.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

/* What the kernel lets others set of an address's flags. */
#define ADDRESS_FLAGS                                                                       \
	(IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |    \
	 IFA_F_MCAUTOJOIN)

/* Neighbours that are known, so that something can be sent to them. */
#define NEIGHBOUR_KNOWN (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

/* ---- Reading ---------------------------------------------------------------------------- */

static bool read_value(int family, struct nlattr *attr, struct nestnet_address *ret)
{
	return attr && route_value_read(family, nla_data(attr), (size_t)nla_len(attr), ret);
}

/* fe80::/10 and ff00::/8: every interface has its own. */
static bool is_of_the_link(const struct nestnet_address *address)
{
	return address->family == AF_INET6 &&
	       (address->bytes[0] == 0xff ||
		(address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80));
}

static int parse_address(const struct nlmsghdr *reply, const struct copy_end *from,
			 struct copy *ret)
{
	struct nlattr *tb[IFA_MAX + 1] = { 0 };
	const struct ifaddrmsg *info = NLMSG_DATA(reply);
	struct copy_item *item = &ret->item;

	if (nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, IFA_MAX, NULL) < 0 ||
	    info->ifa_index != from->ifindex ||
	    !read_value(info->ifa_family, tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS],
			&item->prefix.address) ||
	    is_of_the_link(&item->prefix.address))
		return 0;

	item->kind = COPY_ADDRESS;
	item->prefix.len = info->ifa_prefixlen;
	ret->network = item->prefix;
	(void)read_value(info->ifa_family, tb[IFA_ADDRESS], &ret->network.address);
	ret->network = prefix_network(&ret->network);
	ret->family = info->ifa_family;
	ret->flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : info->ifa_flags;
	/* One that another host has stays where it cannot do harm. */
	return !(ret->flags & IFA_F_DADFAILED);
}

/* Goes through next hops as the kernel does, each aligned as attributes are.
 * @return NULL at the end */
static struct rtnexthop *next_hop(struct nlattr *attr, struct rtnexthop *hop)
{
	char *end = (char *)nla_data(attr) + nla_len(attr);
	void *at = hop ? (char *)hop + RTNH_ALIGN(hop->rtnh_len) : nla_data(attr);

	hop = at;
	if ((char *)at + sizeof(*hop) > end || hop->rtnh_len < sizeof(*hop) ||
	    (char *)at + hop->rtnh_len > end)
		return NULL;
	return hop;
}

static bool uses_interface(struct nlattr **tb, uint32_t ifindex, bool *ret_via)
{
	bool is_used = tb[RTA_OIF] && nla_get_u32(tb[RTA_OIF]) == ifindex;

	*ret_via = tb[RTA_GATEWAY] || tb[RTA_VIA];
	if (!tb[RTA_MULTIPATH])
		return is_used;
	for (struct rtnexthop *hop = next_hop(tb[RTA_MULTIPATH], NULL); hop;
	     hop = next_hop(tb[RTA_MULTIPATH], hop)) {
		is_used = is_used || hop->rtnh_ifindex == (int)ifindex;
		*ret_via = *ret_via || hop->rtnh_len > sizeof(*hop);
	}
	return is_used;
}

/* What is there because an interface has an address, and goes with it. */
static bool is_by_itself(const struct rtmsg *info, const struct nestnet_prefix *to)
{
	return (info->rtm_protocol == RTPROT_KERNEL &&
		(info->rtm_type != RTN_UNICAST || is_of_the_link(&to->address))) ||
	       info->rtm_protocol == RTPROT_REDIRECT || (info->rtm_flags & RTM_F_CLONED);
}

static int parse_route(const struct nlmsghdr *reply, const struct copy_end *from,
		       struct copy *ret)
{
	struct nlattr *tb[RTA_MAX + 1] = { 0 };
	const struct rtmsg *info = NLMSG_DATA(reply);
	struct copy_item *item = &ret->item;
	struct nestnet_prefix *to = &item->prefix;

	if (nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, RTA_MAX, NULL) < 0 ||
	    (info->rtm_family != AF_INET && info->rtm_family != AF_INET6) ||
	    !uses_interface(tb, from->ifindex, &ret->is_via))
		return 0;
	to->address.family = info->rtm_family;
	to->len = info->rtm_dst_len;
	if ((tb[RTA_DST] && !read_value(info->rtm_family, tb[RTA_DST], &to->address)) ||
	    is_by_itself(info, to))
		return 0;

	item->kind = COPY_ROUTE;
	item->is_local = info->rtm_type == RTN_LOCAL;
	item->is_advertised = info->rtm_protocol == RTPROT_RA;
	item->nexthop = tb[RTA_NH_ID] ? nla_get_u32(tb[RTA_NH_ID]) : 0;
	ret->family = info->rtm_family;
	return 1;
}

static int parse_neighbour(const struct nlmsghdr *reply, const struct copy_end *from,
			   struct copy *ret)
{
	struct nlattr *tb[NDA_MAX + 1] = { 0 };
	const struct ndmsg *info = NLMSG_DATA(reply);
	struct nestnet_prefix *prefix = &ret->item.prefix;

	if (nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, NDA_MAX, NULL) < 0 ||
	    info->ndm_ifindex != (int)from->ifindex || !tb[NDA_LLADDR] ||
	    !(info->ndm_state & NEIGHBOUR_KNOWN) || (info->ndm_flags & NTF_PROXY) ||
	    !read_value(info->ndm_family, tb[NDA_DST], &prefix->address))
		return 0;

	ret->item.kind = COPY_NEIGHBOUR;
	prefix->len = address_bits(info->ndm_family);
	ret->family = info->ndm_family;
	ret->flags = info->ndm_state;
	return 1;
}

int copy_parse(const struct nlmsghdr *reply, const struct copy_end *from, struct copy *ret)
{
	*ret = (struct copy){ .message = (struct nlmsghdr *)reply };
	switch (reply->nlmsg_type) {
	case RTM_NEWADDR:
		return parse_address(reply, from, ret);
	case RTM_NEWROUTE:
		return parse_route(reply, from, ret);
	case RTM_NEWNEIGH:
		return parse_neighbour(reply, from, ret);
	}
	return 0;
}

/* ---- Addresses -------------------------------------------------------------------------- */

static int copy_attribute(struct nl_msg *message, const struct nlattr *attr)
{
	return nla_put(message, nla_type(attr), nla_len(attr), nla_data(attr));
}

/* "eth0" becomes "br0", and "eth0:1" "br0:1"; another label, or one that then is too long,
 * stays, as the kernel lets it. */
static int put_label(struct nl_msg *message, struct nlattr *attr, const struct copy_end *from,
		     const struct copy_end *to)
{
	size_t len = strlen(from->name);
	const char *label = nla_get_string(attr);
	char renamed[2 * NESTNET_IFNAMSIZ];

	if (strncmp(label, from->name, len) != 0 || (label[len] && label[len] != ':'))
		return copy_attribute(message, attr);
	(void)snprintf(renamed, sizeof(renamed), "%s%.15s", to->name, label + len);
	if (strlen(renamed) >= NESTNET_IFNAMSIZ)
		return copy_attribute(message, attr);
	return nla_put_string(message, IFA_LABEL, renamed);
}

static int put_address_flags(struct nl_msg *message, const struct copy *copy,
			     enum copy_act act)
{
	uint32_t flags = copy->flags & ADDRESS_FLAGS;

	if (copy->family == AF_INET6 && act == COPY_ADD && !(copy->flags & IFA_F_TENTATIVE))
		flags |= IFA_F_NODAD;
	if (copy->no_network)
		flags |= IFA_F_NOPREFIXROUTE;
	return nla_put_u32(message, IFA_FLAGS, flags);
}

static int put_address(struct nl_msg *message, const struct copy *copy, enum copy_act act,
		       const struct copy_end *from, const struct copy_end *to)
{
	struct nlattr *attr;
	int r = 0, left;

	nlmsg_for_each_attr (attr, copy->message, sizeof(struct ifaddrmsg), left) {
		int type = nla_type(attr);

		if (r < 0)
			return r;
		if (type == IFA_LOCAL || type == IFA_ADDRESS)
			r = copy_attribute(message, attr);
		else if (act == COPY_REMOVE || type == IFA_FLAGS)
			continue; /* the kernel would compare, or they come below */
		else if (type == IFA_LABEL)
			r = put_label(message, attr, from, to);
		else
			r = copy_attribute(message, attr);
	}
	if (r == 0 && act != COPY_REMOVE)
		r = put_address_flags(message, copy, act);
	return r;
}

static struct nl_msg *build_address(const struct copy *copy, enum copy_act act,
				    const struct copy_end *from, const struct copy_end *to)
{
	struct ifaddrmsg info = *(struct ifaddrmsg *)NLMSG_DATA(copy->message);
	struct nl_msg *message;

	info.ifa_index = to->ifindex;
	info.ifa_flags = 0;
	message = route_message_new(act == COPY_REMOVE ? RTM_DELADDR : RTM_NEWADDR,
				    act == COPY_SETTLE ? NLM_F_REPLACE
				    : act == COPY_ADD  ? NLM_F_CREATE
						       : 0,
				    &info, sizeof(info));
	if (message && put_address(message, copy, act, from, to) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* ---- Routes ----------------------------------------------------------------------------- */

static int put_hops(struct nl_msg *message, const struct copy *copy, struct nlattr *attr,
		    const struct copy_end *from, const struct copy_end *to)
{
	struct nlattr *nest = nla_nest_start(message, RTA_MULTIPATH);

	if (!nest)
		return -ENOMEM;
	for (struct rtnexthop *hop = next_hop(attr, NULL); hop; hop = next_hop(attr, hop)) {
		struct rtnexthop *put;

		if (hop->rtnh_ifindex != (int)from->ifindex && copy->family == AF_INET6)
			continue;
		put = nlmsg_reserve(message, hop->rtnh_len, NLMSG_ALIGNTO);
		if (!put)
			return -ENOMEM;
		memcpy(put, hop, hop->rtnh_len);
		put->rtnh_flags &= RTNH_F_ONLINK;
		if (put->rtnh_ifindex == (int)from->ifindex)
			put->rtnh_ifindex = (int)to->ifindex;
	}
	nla_nest_end(message, nest); /* RTA_MULTIPATH */
	return 0;
}

/* What is told as a time in the kernel's ticks is set in seconds. */
static int put_expiry(struct nl_msg *message, const struct copy *copy, struct nlattr *attr)
{
	const struct rta_cacheinfo *info = nla_data(attr);
	long ticks = sysconf(_SC_CLK_TCK);

	if (copy->family != AF_INET6 || nla_len(attr) < (int)sizeof(*info) ||
	    info->rta_expires <= 0)
		return 0;
	return nla_put_u32(message, RTA_EXPIRES,
			   (uint32_t)((info->rta_expires + ticks - 1) / ticks));
}

static int put_route_attribute(struct nl_msg *message, const struct copy *copy,
			       enum copy_act act, struct nlattr *attr,
			       const struct copy_end *from, const struct copy_end *to)
{
	switch (nla_type(attr)) {
	case RTA_OIF:
		return nla_put_u32(message, RTA_OIF, to->ifindex);
	case RTA_MULTIPATH:
		return put_hops(message, copy, attr, from, to);
	case RTA_CACHEINFO:
		return act == COPY_ADD ? put_expiry(message, copy, attr) : 0;
	case RTA_IIF:
	case RTA_EXPIRES:
		return 0;
	}
	return copy_attribute(message, attr);
}

static struct nl_msg *build_route(const struct copy *copy, enum copy_act act,
				  const struct copy_end *from, const struct copy_end *to)
{
	struct rtmsg info = *(struct rtmsg *)NLMSG_DATA(copy->message);
	struct nl_msg *message;
	struct nlattr *attr;
	int r = 0, left;

	info.rtm_flags &= RTNH_F_ONLINK;
	if (copy->is_onlink)
		info.rtm_flags |= RTNH_F_ONLINK;
	/* Behind the same route by another interface, which is used until it is taken. */
	message = route_message_new(act == COPY_REMOVE ? RTM_DELROUTE : RTM_NEWROUTE,
				    act == COPY_REMOVE ? 0 : NLM_F_CREATE | NLM_F_APPEND,
				    &info, sizeof(info));
	if (!message)
		return NULL;
	nlmsg_for_each_attr (attr, copy->message, sizeof(info), left) {
		if (r == 0)
			r = put_route_attribute(message, copy, act, attr, from, to);
	}
	if (r < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* ---- Neighbours ------------------------------------------------------------------------- */

/* One in use is asked at once, by its Ethernet address: it learns ours from the question. */
static struct nl_msg *build_neighbour(const struct copy *copy, enum copy_act act,
				      const struct copy_end *to)
{
	struct ndmsg info = *(struct ndmsg *)NLMSG_DATA(copy->message);
	struct nl_msg *message;
	struct nlattr *attr;
	int left;

	info.ndm_ifindex = (int)to->ifindex;
	if (!(info.ndm_state & NUD_PERMANENT))
		info.ndm_state = NUD_PROBE;
	message = route_message_new(act == COPY_REMOVE ? RTM_DELNEIGH : RTM_NEWNEIGH,
				    act == COPY_REMOVE ? 0 : NLM_F_CREATE | NLM_F_REPLACE,
				    &info, sizeof(info));
	if (!message)
		return NULL;
	nlmsg_for_each_attr (attr, copy->message, sizeof(info), left) {
		if ((nla_type(attr) == NDA_DST || nla_type(attr) == NDA_LLADDR) &&
		    copy_attribute(message, attr) < 0) {
			nlmsg_free(message);
			return NULL;
		}
	}
	return message;
}

struct nl_msg *copy_build(const struct copy *copy, enum copy_act act,
			  const struct copy_end *from, const struct copy_end *to)
{
	switch (copy->item.kind) {
	case COPY_ADDRESS:
		return build_address(copy, act, from, to);
	case COPY_ROUTE:
		return build_route(copy, act, from, to);
	case COPY_NEIGHBOUR:
		return build_neighbour(copy, act, to);
	}
	return NULL;
}
