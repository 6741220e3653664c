/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Neighbours and forwarding tables over rtnetlink. */

#include "kernel/neighbour-list.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/error.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct lister {
	int family;
	neighbour_fn fn;
	void *userdata;
};

static const char *state_name(uint16_t state)
{
	static const struct {
		uint16_t state;
		const char *name;
	} names[] = {
		{ NUD_PERMANENT, "permanent" }, { NUD_REACHABLE, "reachable" },
		{ NUD_STALE, "stale" },		{ NUD_DELAY, "delay" },
		{ NUD_PROBE, "probe" },		{ NUD_INCOMPLETE, "incomplete" },
		{ NUD_FAILED, "failed" },	{ NUD_NOARP, "noarp" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (state & names[i].state)
			return names[i].name;
	}
	return "none";
}

/* @return whether the reply is an entry of the family */
static bool read_entry(const struct nlmsghdr *reply, int family, struct neighbour_entry *ret)
{
	struct nlattr *tb[NDA_MAX + 1] = { 0 };
	const struct ndmsg *info = NLMSG_DATA(reply);
	bool is_table = family == AF_BRIDGE;

	if (reply->nlmsg_type != RTM_NEWNEIGH ||
	    (info->ndm_family == AF_BRIDGE) != is_table || (info->ndm_flags & NTF_PROXY) ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, NDA_MAX, NULL) < 0)
		return false;

	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)info->ndm_ifindex;
	ret->state = state_name(info->ndm_state);
	ret->is_own = info->ndm_state & NUD_PERMANENT;
	if (tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == (int)sizeof(ret->mac)) {
		memcpy(ret->mac, nla_data(tb[NDA_LLADDR]), sizeof(ret->mac));
		ret->has_mac = true;
	}
	if (is_table)
		return ret->has_mac;
	return tb[NDA_DST] && route_value_read(info->ndm_family, nla_data(tb[NDA_DST]),
					       (size_t)nla_len(tb[NDA_DST]), &ret->address);
}

static int take_entry(void *userdata, const struct nlmsghdr *reply)
{
	struct lister *lister = userdata;
	struct neighbour_entry entry;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	return read_entry(reply, lister->family, &entry)
		       ? lister->fn(lister->userdata, &entry)
		       : 0;
}

int neighbour_list(struct netlink *nl, int family, neighbour_fn fn, void *userdata,
		   struct error *error)
{
	struct ndmsg info = { .ndm_family = (uint8_t)family };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof(info));
	struct lister lister = { .family = family, .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_entry, &lister, error);
	return r < 0 ? error_prefix(error, "list neighbours") : r;
}
