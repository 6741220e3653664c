/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of interfaces over rtnetlink: added with libnl-route's address objects, and
 * listed with libnl's attributes. */

#include "kernel/address.h"
#include "kernel/route-library.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/address.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Who made an address (IFA_PROTO, Linux 5.18): "n" in ASCII, as our routes have it. */
#define ADDRESS_PROTOCOL 0x6e

/* That it lives for ever. */
#define LIFETIME_INFINITE 0xffffffff

/* @return the request, to be freed, or NULL where there is no memory */
static struct nl_msg *make_request(const struct route_library *library, int type,
				   uint32_t ifindex, const struct nestnet_prefix *prefix)
{
	_cleanup_(cleanup_value) struct nl_addr *local = route_value_new(prefix);
	struct rtnl_addr *addr = library->rtnl_addr_alloc();
	struct nl_msg *message = NULL;

	if (addr && local && library->rtnl_addr_set_local(addr, local) == 0) {
		library->rtnl_addr_set_ifindex(addr, (int)ifindex);
		library->rtnl_addr_set_prefixlen(addr, (int)prefix->len);
		if (type == RTM_NEWADDR)
			(void)library->rtnl_addr_build_add_request(
				addr, NLM_F_CREATE | NLM_F_REPLACE, &message);
		else
			(void)library->rtnl_addr_build_delete_request(addr, 0, &message);
	}
	library->rtnl_addr_put(addr);
	return message;
}

/* Sends one of the two. */
static int change_address(struct netlink *nl, int type, uint32_t ifindex,
			  const struct nestnet_prefix *prefix, struct error *error)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	struct route_library library;
	int r = route_library_load(&library, error);

	if (r < 0)
		return r;
	message = make_request(&library, type, ifindex, prefix);
	if (!message)
		return error_set_errno(error, ENOMEM);
	return route_message_send(nl, message, NULL, NULL, error);
}

int address_add(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		struct error *error)
{
	char text[NESTNET_TEXT_MAX];

	if (change_address(nl, RTM_NEWADDR, ifindex, prefix, error) < 0)
		return error_prefix(error, "add address %s",
				    nestnet_prefix_format(prefix, text));
	return 0;
}

int address_remove(struct netlink *nl, uint32_t ifindex, const struct nestnet_prefix *prefix,
		   struct error *error)
{
	char text[NESTNET_TEXT_MAX];
	int r = change_address(nl, RTM_DELADDR, ifindex, prefix, error);

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
	ret->is_alias = tb[IFA_PROTO] && nla_get_u8(tb[IFA_PROTO]) == ADDRESS_PROTOCOL;
	ret->is_link_local = info->ifa_family == AF_INET6 && info->ifa_scope == RT_SCOPE_LINK;
	return value && ret->prefix.len <= address_bits(info->ifa_family) &&
	       route_value_read(info->ifa_family, nla_data(value), (size_t)nla_len(value),
				&ret->prefix.address);
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

/* ---- Aliases ------------------------------------------------------------------------------ */

static struct nl_msg *alias_message(int type, int flags, uint32_t ifindex,
				    const struct nestnet_address *address)
{
	struct ifaddrmsg info = { .ifa_family = AF_INET6,
				  .ifa_prefixlen = 128,
				  .ifa_index = ifindex };
	struct nl_msg *message = route_message_new(type, flags, &info, sizeof(info));

	if (message && nla_put(message, IFA_LOCAL, 16, address->bytes) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

struct mark {
	uint32_t ifindex;
	const struct nestnet_address *address;
	bool is_there;
};

static int find_mark(void *userdata, const struct interface_address *address)
{
	struct mark *mark = userdata;

	if (!address)
		mark->is_there = false;
	else if (address->ifindex == mark->ifindex && address->is_alias &&
		 address_equal(&address->prefix.address, mark->address))
		mark->is_there = true;
	return 0;
}

/* A kernel without marks passes over ours, and nobody would know whose it is. */
static int check_mark(struct netlink *nl, uint32_t ifindex,
		      const struct nestnet_address *address, struct error *error)
{
	struct mark mark = { .ifindex = ifindex, .address = address };
	int r = address_list(nl, find_mark, &mark, error);

	if (r < 0 || mark.is_there)
		return r;
	return error_set(error, EOPNOTSUPP,
			 "this kernel cannot say whose an address is (Linux 5.18 can)");
}

int address_add_alias(struct netlink *nl, uint32_t ifindex,
		      const struct nestnet_address *address, struct error *error)
{
	const struct ifa_cacheinfo cache = { .ifa_prefered = 0,
					     .ifa_valid = LIFETIME_INFINITE };
	_cleanup_message_ struct nl_msg *message =
		alias_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
	int r;

	if (!message || nla_put(message, IFA_CACHEINFO, sizeof(cache), &cache) < 0 ||
	    nla_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE) < 0 ||
	    nla_put_u8(message, IFA_PROTO, ADDRESS_PROTOCOL) < 0)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, NULL, NULL, error);
	if (r < 0)
		return error_prefix(error, "add an address");
	return check_mark(nl, ifindex, address, error);
}

int address_delete_alias(struct netlink *nl, uint32_t ifindex,
			 const struct nestnet_address *address, struct error *error)
{
	_cleanup_message_ struct nl_msg *message =
		alias_message(RTM_DELADDR, 0, ifindex, address);
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, NULL, NULL, error);
	if (r == -EADDRNOTAVAIL || r == -ENODEV)
		return 0;
	return r < 0 ? error_prefix(error, "delete an address") : 0;
}
