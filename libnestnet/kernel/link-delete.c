/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deleting links. One goes by its index. Several are put into a link group of their own,
 * which the kernel then deletes whole: all or none, and in one grace period rather than one
 * each, which is the difference between eight seconds and a fraction of one for 500 taps.
 */

#include "kernel/link.h"
#include "kernel/netlink-message.h"
#include "kernel/route-message.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/random.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

/* Few enough that the answers of one send fit a socket's buffer. */
#define GROUP_MANY 64

/* @param attr  IFLA_IFNAME or IFLA_GROUP, with its value; NULL: by index */
static int delete(struct netlink *nl, uint32_t ifindex, int attr, const void *value, size_t len,
		  struct error *error)
{
	struct ifinfomsg info = { .ifi_index = (int)ifindex };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_DELLINK, 0, &info, sizeof(info));
	int r;

	if (!message || (value && nla_put(message, attr, (int)len, value) < 0))
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, NULL, NULL, error);
	return r == -ENODEV ? 0 : r;
}

int link_delete_by_name(struct netlink *nl, const char *name, struct error *error)
{
	if (delete(nl, 0, IFLA_IFNAME, name, strlen(name) + 1, error) < 0)
		return error_prefix(error, "delete link %s", name);
	return 0;
}

/* ---- Groups ------------------------------------------------------------------------------ */

/* One of ours, so that a killed process leaves nothing that nobody knows; and of nobody else,
 * by chance: another's links in it would be deleted along, but they are to be deleted too. */
static int choose_group(uint32_t *ret, struct error *error)
{
	uint16_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return error_set_errno(error, EIO);
	*ret = (LINK_GROUP & LINK_GROUP_MASK) | random;
	if (*ret == LINK_GROUP)
		*ret ^= 1;
	return 0;
}

struct group_message {
	struct nlmsghdr header;
	struct ifinfomsg info;
	struct nlattr attr;
	uint32_t group;
};

static int set_some(struct netlink *nl, const struct link_id *links, size_t count,
		    uint32_t group, struct error *error)
{
	struct group_message messages[GROUP_MANY];
	int codes[GROUP_MANY], r;

	for (size_t i = 0; i < count; i++) {
		messages[i] = (struct group_message){
			.header = { .nlmsg_len = sizeof(messages[i]),
				    .nlmsg_type = RTM_SETLINK,
				    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
			.info = { .ifi_index = (int)links[i].ifindex },
			.attr = { .nla_len = sizeof(messages->attr) + sizeof(group),
				  .nla_type = IFLA_GROUP },
			.group = group,
		};
	}
	r = netlink_request_many(nl, messages, count * sizeof(*messages), count, codes, NULL,
				 NULL, error);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (codes[i] < 0 && codes[i] != -ENODEV)
			r = error_set_errno(error, -codes[i]);
	}
	return r;
}

static int set_group(struct netlink *nl, const struct link_id *links, size_t count,
		     uint32_t group, struct error *error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i += GROUP_MANY)
		r = set_some(nl, &links[i], count - i < GROUP_MANY ? count - i : GROUP_MANY,
			     group, error);
	return r;
}

/* ---- Deleting ---------------------------------------------------------------------------- */

/* With no answer they may be gone all the same; the error stays if they are not. */
static int settle(struct netlink *nl, const struct link_id *links, size_t count,
		  struct error *error)
{
	struct error other;
	struct link link;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = link_get_by_index(nl, links[i].ifindex, &link, &other);
	if (r < 0)
		return error_set(error, ENOTRECOVERABLE,
				 "it may be gone, the kernel does not say (%s)", other.text);
	return r == 0 ? 0 : -error->code;
}

static int delete_many(struct netlink *nl, const struct link_id *links, size_t count,
		       struct error *error)
{
	struct error other;
	uint32_t group;
	int r = choose_group(&group, error);

	if (r < 0)
		return r;
	r = set_group(nl, links, count, group, error);
	if (r == 0)
		r = delete(nl, 0, IFLA_GROUP, &group, sizeof(group), error);
	if (r == -NETLINK_LOST)
		r = settle(nl, links, count, error);
	if (r < 0 && r != -ENOTRECOVERABLE)
		(void)set_group(nl, links, count, LINK_GROUP, &other); /* ours either way */
	return r;
}

int link_delete(struct netlink *nl, const struct link_id *links, size_t count,
		struct error *error)
{
	int r;

	if (count == 1) {
		r = delete(nl, links->ifindex, 0, NULL, 0, error);
		if (r == -NETLINK_LOST)
			r = settle(nl, links, 1, error);
	} else {
		r = delete_many(nl, links, count, error);
	}
	if (r < 0 && count == 1)
		return error_prefix(error, "delete link %s", links->name);
	return r < 0 ? error_prefix(error, "delete link %s and %zu more", links->name,
				    count - 1)
		     : 0;
}
