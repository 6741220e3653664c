/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Neighbours and bridges' forwarding tables over rtnetlink: one kind of message. */

#include "kernel/neighbour.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

struct lister {
	neighbour_fn fn;
	void *userdata;
};

static bool is_one(const struct ndmsg *info, const struct neighbour *neighbour)
{
	if (info->ndm_family == AF_BRIDGE)
		return neighbour->bridge && neighbour->has_mac &&
		       !(info->ndm_state & NUD_PERMANENT) && !(info->ndm_flags & NTF_SELF);
	return neighbour->address.family != AF_UNSPEC && !(info->ndm_state & NUD_NOARP) &&
	       !(info->ndm_flags & NTF_PROXY);
}

/* @return whether the reply is a neighbour that somebody is */
static bool read_neighbour(const struct nlmsghdr *reply, struct neighbour *ret)
{
	struct nlattr *tb[NDA_MAX + 1] = { 0 };
	const struct ndmsg *info = NLMSG_DATA(reply);

	if (reply->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, NDA_MAX, NULL) < 0)
		return false;

	*ret = (struct neighbour){ .ifindex = (uint32_t)info->ndm_ifindex,
				   .state = info->ndm_state };
	if (tb[NDA_MASTER] && nla_len(tb[NDA_MASTER]) >= (int)sizeof(ret->bridge))
		ret->bridge = nla_get_u32(tb[NDA_MASTER]);
	if (tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == (int)sizeof(ret->mac)) {
		memcpy(ret->mac, nla_data(tb[NDA_LLADDR]), sizeof(ret->mac));
		ret->has_mac = true;
	}
	if (tb[NDA_DST])
		(void)route_value_read(info->ndm_family, nla_data(tb[NDA_DST]),
				       (size_t)nla_len(tb[NDA_DST]), &ret->address);
	return is_one(info, ret);
}

static int take_neighbour(void *userdata, const struct nlmsghdr *reply)
{
	struct lister *lister = userdata;
	struct neighbour neighbour;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	return read_neighbour(reply, &neighbour) ? lister->fn(lister->userdata, &neighbour)
						 : 0;
}

static int list(struct netlink *nl, int family, neighbour_fn fn, void *userdata,
		struct error *error)
{
	struct ndmsg info = { .ndm_family = (unsigned char)family };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof(info));
	struct lister lister = { .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_neighbour, &lister, error);
	return r < 0 ? error_prefix(error, "list neighbours") : r;
}

int neighbour_list(struct netlink *nl, neighbour_fn fn, void *userdata, struct error *error)
{
	return list(nl, AF_UNSPEC, fn, userdata, error);
}

int neighbour_list_learned(struct netlink *nl, neighbour_fn fn, void *userdata,
			   struct error *error)
{
	return list(nl, AF_BRIDGE, fn, userdata, error);
}

enum nestnet_neighbour_state neighbour_state(const struct neighbour *neighbour)
{
	switch (neighbour->state) {
	case NUD_REACHABLE:
		return NESTNET_NEIGHBOUR_REACHABLE;
	case NUD_STALE:
		return NESTNET_NEIGHBOUR_STALE;
	case NUD_DELAY:
		return NESTNET_NEIGHBOUR_DELAY;
	case NUD_PROBE:
		return NESTNET_NEIGHBOUR_PROBE;
	case NUD_INCOMPLETE:
		return NESTNET_NEIGHBOUR_INCOMPLETE;
	case NUD_FAILED:
		return NESTNET_NEIGHBOUR_FAILED;
	case NUD_PERMANENT:
		return NESTNET_NEIGHBOUR_PERMANENT;
	}
	return NESTNET_NEIGHBOUR_NONE;
}
