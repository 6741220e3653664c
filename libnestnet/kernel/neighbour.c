/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Neighbours over rtnetlink. */

#include "kernel/neighbour.h"
#include "kernel/route-message.h"
#include "kernel/route-value.h"

#include "base/error.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

struct lister {
	neighbour_fn fn;
	void *userdata;
};

static int take_neighbour(void *userdata, const struct nlmsghdr *reply)
{
	struct nlattr *tb[NDA_MAX + 1] = { 0 };
	struct neighbour neighbour = { .ifindex = 0 };
	struct lister *lister = userdata;
	const struct ndmsg *info;

	if (!reply)
		return lister->fn(lister->userdata, NULL);
	info = NLMSG_DATA(reply);
	if (reply->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse((struct nlmsghdr *)reply, sizeof(*info), tb, NDA_MAX, NULL) < 0 ||
	    (info->ndm_state & NUD_NOARP) || !tb[NDA_DST] ||
	    !route_value_read(info->ndm_family, nla_data(tb[NDA_DST]),
			      (size_t)nla_len(tb[NDA_DST]), &neighbour.address))
		return 0;
	neighbour.has_mac = tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) > 0;
	neighbour.ifindex = (uint32_t)info->ndm_ifindex;
	return lister->fn(lister->userdata, &neighbour);
}

int neighbour_list(struct netlink *nl, neighbour_fn fn, void *userdata,
		   struct error *error)
{
	struct ndmsg info = { .ndm_family = AF_UNSPEC };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof(info));
	struct lister lister = { .fn = fn, .userdata = userdata };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_neighbour, &lister, error);
	return r < 0 ? error_prefix(error, "list neighbours") : r;
}
