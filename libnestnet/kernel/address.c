/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of interfaces over rtnetlink, with libnl-route's address objects. */

#include "kernel/address.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/address.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <netlink/route/addr.h>

static void cleanup_addr(struct rtnl_addr **addr)
{
	rtnl_addr_put(*addr);
}

/* @return NULL where there is no memory */
static struct rtnl_addr *make_addr(uint32_t ifindex, const struct nestnet_prefix *prefix)
{
	_cleanup_(cleanup_value) struct nl_addr *local = route_value_new(prefix);
	struct rtnl_addr *addr = rtnl_addr_alloc();

	if (!addr || !local || rtnl_addr_set_local(addr, local) < 0) {
		rtnl_addr_put(addr);
		return NULL;
	}
	rtnl_addr_set_ifindex(addr, (int)ifindex);
	rtnl_addr_set_prefixlen(addr, (int)prefix->len);
	return addr;
}

int address_add(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		struct error *error)
{
	_cleanup_(cleanup_addr) struct rtnl_addr *addr = make_addr(ifindex, prefix);
	_cleanup_message_ struct nl_msg *message = NULL;
	char text[NESTNET_TEXT_MAX];

	if (!addr ||
	    rtnl_addr_build_add_request(addr, NLM_F_CREATE | NLM_F_REPLACE, &message) < 0)
		return error_set_errno(error, ENOMEM);

	if (route_message_send(nl, message, NULL, NULL, error) < 0)
		return error_prefix(error, "add address %s",
				    nestnet_prefix_format(prefix, text));
	return 0;
}

int address_remove(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		   struct error *error)
{
	_cleanup_(cleanup_addr) struct rtnl_addr *addr = make_addr(ifindex, prefix);
	_cleanup_message_ struct nl_msg *message = NULL;
	char text[NESTNET_TEXT_MAX];
	int r;

	if (!addr || rtnl_addr_build_delete_request(addr, 0, &message) < 0)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, NULL, NULL, error);
	if (r < 0 && r != -EADDRNOTAVAIL)
		return error_prefix(error, "delete address %s",
				    nestnet_prefix_format(prefix, text));
	return 0;
}

/* ---- Listing -------------------------------------------------------------------------- */

struct lister {
	address_fn fn;
	void *userdata;
};

/* @return whether the reply is an IPv4 or IPv6 address */
static bool read_address(const struct nlmsghdr *reply, struct interface_address *ret)
{
	struct nlattr *tb[IFA_MAX + 1] = { 0 }, *value;
	const struct ifaddrmsg *info = NLMSG_DATA(reply);

	if (reply->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, IFA_MAX, NULL) < 0)
		return false;

	/* On a point-to-point link IFA_ADDRESS is the peer's; IPv6 has mostly that alone. */
	value = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = info->ifa_index;
	ret->prefix.len = info->ifa_prefixlen;
	ret->is_link_local = info->ifa_family == AF_INET6 && info->ifa_scope == RT_SCOPE_LINK;
	return value && ret->prefix.len <= address_bits(info->ifa_family) && route_value_read(info->ifa_family, nla_data(value),
					 (size_t)nla_len(value), &ret->prefix.address);
}

static int take_address(void *userdata, const struct nlmsghdr *reply)
{
	struct lister *lister = userdata;
	struct interface_address address;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	return read_address(reply, &address) ? lister->fn(lister->userdata, &address) : 0;
}

int address_list(struct netlink *nl, address_fn fn, void *userdata, struct error *error)
{
	struct ifaddrmsg info = { .ifa_family = AF_UNSPEC };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info));
	struct lister lister = { .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_address, &lister, error);
	return r < 0 ? error_prefix(error, "list addresses") : r;
}
