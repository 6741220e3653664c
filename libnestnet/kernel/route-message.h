/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ROUTE_MESSAGE_H
#define NESTNET_KERNEL_ROUTE_MESSAGE_H

/* rtnetlink messages built with libnl and sent over our socket; for the kernel room. */

#include "kernel/netlink-message.h"

#include "base/cleanup.h"

#include <netlink/msg.h>

/** A message with its fixed header. @return NULL where there is no memory */
static inline struct nl_msg *route_message_new(int type, int flags, void *header, size_t len)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);

	if (message && nlmsg_append(message, header, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/** As netlink_request(). */
static inline int route_message_send(struct netlink *nl, struct nl_msg *message,
				     netlink_reply_fn fn, void *userdata,
				     struct error *error)
{
	return netlink_request(nl, nlmsg_hdr(message), fn, userdata, error);
}

static inline void cleanup_message(struct nl_msg **message)
{
	nlmsg_free(*message);
}

#define _cleanup_message_ _cleanup_(cleanup_message)

#endif
