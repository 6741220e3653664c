/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links over rtnetlink. Messages are built and read with libnl's message and attribute
 * functions rather than with its link objects: those know no bridge options in Debian 12's
 * release, and turn an unknown interface into success (facts 2, 7).
 */

#include "kernel/link.h"
#include "kernel/netlink-message.h"
#include "kernel/route-message.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

/* ---- Reading ------------------------------------------------------------------------- */

static void read_text(const struct nlattr *attr, char *ret, size_t size)
{
	if (attr)
		nla_strlcpy(ret, attr, size);
}

static uint32_t read_u32(struct nlattr *attr, uint32_t absent)
{
	return attr && nla_len(attr) >= (int)sizeof(uint32_t) ? nla_get_u32(attr) : absent;
}

static bool read_flag(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 1 && nla_get_u8(attr) != 0;
}

static void read_tun(struct nlattr *data, struct link *link)
{
	struct nlattr *tb[IFLA_TUN_MAX + 1] = { 0 };

	/* IFLA_TUN_TYPE is IFF_TUN (1) or IFF_TAP (2). */
	if (nla_parse_nested(tb, IFLA_TUN_MAX, data, NULL) < 0 || !tb[IFLA_TUN_TYPE])
		return;
	link->kind = nla_get_u8(tb[IFLA_TUN_TYPE]) == 2 ? LINK_TAP : LINK_TUN;
	if (link->kind == LINK_TUN)
		return;
	link->has_owner = tb[IFLA_TUN_OWNER] != NULL;
	link->owner = read_u32(tb[IFLA_TUN_OWNER], 0);
	link->has_group = tb[IFLA_TUN_GROUP] != NULL;
	link->group = read_u32(tb[IFLA_TUN_GROUP], 0);
	link->has_vnet_hdr = read_flag(tb[IFLA_TUN_VNET_HDR]);
	link->has_multi_queue = read_flag(tb[IFLA_TUN_MULTI_QUEUE]);
	link->is_persistent = read_flag(tb[IFLA_TUN_PERSIST]);
}

static void read_bridge(struct nlattr *data, struct link *link)
{
	struct nlattr *tb[IFLA_BR_MAX + 1] = { 0 };

	link->kind = LINK_BRIDGE;
	if (nla_parse_nested(tb, IFLA_BR_MAX, data, NULL) < 0)
		return;
	link->has_stp = read_u32(tb[IFLA_BR_STP_STATE], 0) != 0;
}

static void read_port(struct nlattr *data, struct link *link)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1] = { 0 };

	link->is_port = true;
	if (nla_parse_nested(tb, IFLA_BRPORT_MAX, data, NULL) < 0)
		return;
	link->has_hairpin = read_flag(tb[IFLA_BRPORT_MODE]);
	link->is_isolated = read_flag(tb[IFLA_BRPORT_ISOLATED]);
	link->is_forwarding = tb[IFLA_BRPORT_STATE] && nla_len(tb[IFLA_BRPORT_STATE]) >= 1 &&
			      nla_get_u8(tb[IFLA_BRPORT_STATE]) == BR_STATE_FORWARDING;
}

static void read_linkinfo(struct nlattr *linkinfo, struct link *link)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1] = { 0 };

	if (nla_parse_nested(tb, IFLA_INFO_MAX, linkinfo, NULL) < 0)
		return;
	if (tb[IFLA_INFO_KIND] && tb[IFLA_INFO_DATA]) {
		if (nla_strcmp(tb[IFLA_INFO_KIND], "tun") == 0)
			read_tun(tb[IFLA_INFO_DATA], link);
		else if (nla_strcmp(tb[IFLA_INFO_KIND], "bridge") == 0)
			read_bridge(tb[IFLA_INFO_DATA], link);
	}
	if (tb[IFLA_INFO_KIND] && nla_strcmp(tb[IFLA_INFO_KIND], "veth") == 0)
		link->kind = LINK_VETH;
	if (tb[IFLA_INFO_SLAVE_KIND] && tb[IFLA_INFO_SLAVE_DATA] &&
	    nla_strcmp(tb[IFLA_INFO_SLAVE_KIND], "bridge") == 0)
		read_port(tb[IFLA_INFO_SLAVE_DATA], link);
}

/* @return whether the reply is a link */
static bool read_link(const struct nlmsghdr *reply, struct link *link)
{
	struct nlattr *tb[IFLA_MAX + 1] = { 0 };
	const struct ifinfomsg *info = NLMSG_DATA(reply);

	if (reply->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_IFNAME])
		return false;

	memset(link, 0, sizeof(*link));
	link->ifindex = (uint32_t)info->ifi_index;
	link->is_ethernet = info->ifi_type == ARPHRD_ETHER;
	link->is_up = info->ifi_flags & IFF_UP;
	link->has_carrier = info->ifi_flags & IFF_LOWER_UP;
	link->is_running = info->ifi_flags & IFF_RUNNING;
	read_text(tb[IFLA_IFNAME], link->name, sizeof(link->name));
	read_text(tb[IFLA_IFALIAS], link->alias, sizeof(link->alias));
	link->mtu = read_u32(tb[IFLA_MTU], 0);
	link->master = read_u32(tb[IFLA_MASTER], 0);
	link->is_managed = link_group_is_ours(read_u32(tb[IFLA_GROUP], 0));
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == (int)sizeof(link->mac))
		memcpy(link->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(link->mac));
	if (tb[IFLA_LINKINFO])
		read_linkinfo(tb[IFLA_LINKINFO], link);
	return true;
}

static int keep_link(void *userdata, const struct nlmsghdr *reply)
{
	struct link *link = userdata;
	struct link read;

	if (read_link(reply, &read))
		*link = read;
	return 0;
}

static struct nl_msg *link_message(int type, int flags, uint32_t ifindex)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	return route_message_new(type, flags, &info, sizeof(info));
}

/* Statistics, which nobody here reads, are most of a link's description. */
static void put_filter(struct nl_msg *message)
{
	NLA_PUT_U32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
nla_put_failure:
	return; /* it only saves time */
}

static int get_link(struct netlink *nl, struct nl_msg *message, struct link *ret,
		    struct error *error)
{
	struct link link = { .ifindex = 0 };
	int r = route_message_send(nl, message, keep_link, &link, error);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	if (link.ifindex == 0)
		return error_set(error, EIO, "no link in the kernel's answer");
	*ret = link;
	return 1;
}

int link_get(struct netlink *nl, const char *name, struct link *ret, struct error *error)
{
	_cleanup_message_ struct nl_msg *message = link_message(RTM_GETLINK, 0, 0);
	int r;

	if (!message || nla_put_string(message, IFLA_IFNAME, name) < 0)
		return error_set_errno(error, ENOMEM);
	put_filter(message);
	r = get_link(nl, message, ret, error);
	/* The kernel takes alternative names too, which no rule matches and no setting has. */
	if (r == 1 && strcmp(ret->name, name) != 0)
		return error_set(error, ENODEV, "%s is another name of %s", name, ret->name);
	return r < 0 ? error_prefix(error, "get link %s", name) : r;
}

int link_get_by_index(struct netlink *nl, uint32_t ifindex, struct link *ret,
		      struct error *error)
{
	_cleanup_message_ struct nl_msg *message = link_message(RTM_GETLINK, 0, ifindex);
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	put_filter(message);
	r = get_link(nl, message, ret, error);
	return r < 0 ? error_prefix(error, "get link %u", ifindex) : r;
}

bool link_is_gone(struct netlink *nl, uint32_t ifindex)
{
	struct error ignored;
	struct link link;

	return link_get_by_index(nl, ifindex, &link, &ignored) == 0;
}

struct lister {
	link_fn fn;
	void *userdata;
};

static int take_link(void *userdata, const struct nlmsghdr *reply)
{
	struct lister *lister = userdata;
	struct link link;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	return read_link(reply, &link) ? lister->fn(lister->userdata, &link) : 0;
}

int link_list(struct netlink *nl, link_fn fn, void *userdata, struct error *error)
{
	_cleanup_message_ struct nl_msg *message = link_message(RTM_GETLINK, NLM_F_DUMP, 0);
	struct lister lister = { .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	put_filter(message);
	r = route_message_send(nl, message, take_link, &lister, error);
	return r < 0 ? error_prefix(error, "list links") : r;
}

/* ---- Counters ---------------------------------------------------------------------------- */

struct counters_lister {
	link_counters_fn fn;
	void *userdata;
};

/* Older kernels have fewer counters: what is not told is 0. */
static void read_counters(const struct nlmsghdr *reply, struct link_counters *ret)
{
	const struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)reply,
						    sizeof(struct ifinfomsg), IFLA_STATS64);
	struct rtnl_link_stats64 stats = { .rx_packets = 0 };

	if (attr)
		memcpy(&stats, nla_data(attr),
		       nla_len(attr) < (int)sizeof(stats) ? (size_t)nla_len(attr)
							  : sizeof(stats));
	*ret = (struct link_counters){ .rx_packets = stats.rx_packets,
				       .tx_packets = stats.tx_packets,
				       .rx_bytes = stats.rx_bytes,
				       .tx_bytes = stats.tx_bytes,
				       .rx_errors = stats.rx_errors,
				       .tx_errors = stats.tx_errors,
				       .rx_dropped = stats.rx_dropped,
				       .tx_dropped = stats.tx_dropped };
}

static int take_counters(void *userdata, const struct nlmsghdr *reply)
{
	const struct counters_lister *lister = userdata;
	struct link_counters counters;
	struct link link;

	if (!reply)
		return lister->fn(lister->userdata, NULL, NULL);
	if (!read_link(reply, &link))
		return 0;
	read_counters(reply, &counters);
	return lister->fn(lister->userdata, &link, &counters);
}

int link_list_counters(struct netlink *nl, link_counters_fn fn, void *userdata,
		       struct error *error)
{
	_cleanup_message_ struct nl_msg *message = link_message(RTM_GETLINK, NLM_F_DUMP, 0);
	struct counters_lister lister = { .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_counters, &lister, error);
	return r < 0 ? error_prefix(error, "list links") : r;
}

/* ---- Changing ------------------------------------------------------------------------- */

static int put_stp(struct nl_msg *message, bool has_stp)
{
	struct nlattr *info, *data;

	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info)
		return -ENOMEM;
	NLA_PUT_STRING(message, IFLA_INFO_KIND, "bridge");
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (!data)
		return -ENOMEM;
	NLA_PUT_U32(message, IFLA_BR_STP_STATE, has_stp);
	nla_nest_end(message, data); /* IFLA_INFO_DATA */
	nla_nest_end(message, info); /* IFLA_LINKINFO */
	return 0;
nla_put_failure:
	return -ENOMEM;
}

static int put_bridge(struct nl_msg *message, const char *name, const uint8_t *mac,
		      uint32_t mtu, bool has_stp)
{
	NLA_PUT_STRING(message, IFLA_IFNAME, name);
	NLA_PUT_U32(message, IFLA_GROUP, LINK_GROUP);
	/* A bridge whose address was set keeps it as ports come and go (facts 3). */
	NLA_PUT(message, IFLA_ADDRESS, 6, mac);
	NLA_PUT_U32(message, IFLA_MTU, mtu);
	return put_stp(message, has_stp);
nla_put_failure:
	return -ENOMEM;
}

/* Where answers were lost: the bridge that we sent has our MAC address. The error stays as it
 * is if there is no such bridge. @param r  what the kernel said, or that it said nothing */
static int settle_bridge(struct netlink *nl, const char *name, const uint8_t *mac, int r,
			 struct error *error)
{
	struct error other;
	struct link link;
	int found = link_get(nl, name, &link, &other);

	if (found == 1 && link.is_managed && memcmp(link.mac, mac, sizeof(link.mac)) == 0)
		return 0;
	if (found < 0 && r == -NETLINK_LOST)
		return error_set(error, ENOTRECOVERABLE,
				 "it may have been made, the kernel does not say (%s)",
				 other.text);
	return r;
}

int link_add_bridge(struct netlink *nl, const char *name, const uint8_t *mac, uint32_t mtu,
		    bool has_stp, struct error *error)
{
	struct ifinfomsg info = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	_cleanup_message_ struct nl_msg *message = route_message_new(
		RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	int r;

	if (!message || put_bridge(message, name, mac, mtu, has_stp) < 0)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, NULL, NULL, error);
	if (r == -EEXIST || r == -NETLINK_LOST)
		r = settle_bridge(nl, name, mac, r, error);
	return r < 0 ? error_prefix(error, "create the bridge") : 0;
}

static int put_port(struct nl_msg *message, const struct link_change *change)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO), *data;

	data = info ? nla_nest_start(message, IFLA_INFO_SLAVE_DATA) : NULL;
	if (!data)
		return -ENOMEM;
	NLA_PUT_U8(message, IFLA_BRPORT_MODE, change->has_hairpin);
	NLA_PUT_U8(message, IFLA_BRPORT_ISOLATED, change->is_isolated);
	nla_nest_end(message, data); /* IFLA_INFO_SLAVE_DATA */
	nla_nest_end(message, info); /* IFLA_LINKINFO */
	return 0;
nla_put_failure:
	return -ENOMEM;
}

static int put_change(struct nl_msg *message, const struct link_change *change)
{
	if (change->set_group)
		NLA_PUT_U32(message, IFLA_GROUP, change->group);
	if (change->set_mac)
		NLA_PUT(message, IFLA_ADDRESS, 6, change->mac);
	if (change->set_mtu)
		NLA_PUT_U32(message, IFLA_MTU, change->mtu);
	if (change->set_master)
		NLA_PUT_U32(message, IFLA_MASTER, change->master);
	if (change->alias)
		NLA_PUT_STRING(message, IFLA_IFALIAS, change->alias);
	if (change->name)
		NLA_PUT_STRING(message, IFLA_IFNAME, change->name);
	return change->set_port ? put_port(message, change) : 0;
nla_put_failure:
	return -ENOMEM;
}

int link_change(struct netlink *nl, uint32_t ifindex, const struct link_change *change,
		struct error *error)
{
	struct ifinfomsg info = { .ifi_index = (int)ifindex,
				  .ifi_flags = change->is_up ? IFF_UP : 0,
				  .ifi_change = change->set_up ? IFF_UP : 0 };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_NEWLINK, 0, &info, sizeof(info));

	if (!message || put_change(message, change) < 0)
		return error_set_errno(error, ENOMEM);
	return route_message_send(nl, message, NULL, NULL, error);
}

int link_set_stp(struct netlink *nl, uint32_t ifindex, bool has_stp, struct error *error)
{
	_cleanup_message_ struct nl_msg *message = link_message(RTM_NEWLINK, 0, ifindex);

	if (!message || put_stp(message, has_stp) < 0)
		return error_set_errno(error, ENOMEM);
	if (route_message_send(nl, message, NULL, NULL, error) < 0)
		return error_prefix(error, "turn STP %s", has_stp ? "on" : "off");
	return 0;
}

int link_set_port(struct netlink *nl, uint32_t ifindex, bool has_hairpin, bool is_isolated,
		  struct error *error)
{
	struct ifinfomsg info = { .ifi_family = AF_BRIDGE, .ifi_index = (int)ifindex };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_SETLINK, 0, &info, sizeof(info));
	struct nlattr *port;

	if (!message)
		return error_set_errno(error, ENOMEM);
	port = nla_nest_start(message, IFLA_PROTINFO | NLA_F_NESTED);
	if (!port)
		return error_set_errno(error, ENOMEM);
	NLA_PUT_U8(message, IFLA_BRPORT_MODE, has_hairpin);
	NLA_PUT_U8(message, IFLA_BRPORT_ISOLATED, is_isolated);
	nla_nest_end(message, port); /* IFLA_PROTINFO */

	if (route_message_send(nl, message, NULL, NULL, error) < 0)
		return error_prefix(error, "set the bridge port's modes");
	return 0;
nla_put_failure:
	return error_set_errno(error, ENOMEM);
}
