/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NETLINK_MESSAGE_H
#define NESTNET_KERNEL_NETLINK_MESSAGE_H

/*
 * How messages go over a socket; for the kernel room alone.
 *
 * Netlink answers within the call that sends: when sendmsg() returns, the replies are in
 * the socket's queue, and the next part of a dump is made when the last was taken. So
 * nothing here ever waits: a queue that is empty before the answer was complete is an
 * error (a lost message), never a hang.
 */

#include "kernel/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What is returned where something was sent and its answer was lost: nobody knows whether
 * it was done. No kernel answers with it.
 */
#define NETLINK_LOST ECOMM

/** A message's length with its padding: MNL_ALIGN() without its mask of int. */
static inline size_t netlink_align(size_t len)
{
	return (len + MNL_ALIGNTO - 1) & ~((size_t)MNL_ALIGNTO - 1);
}

/** Whether a whole attribute is at attr, before end: one that is longer ends the list. */
static inline bool attr_is_before(const struct nlattr *attr, const void *end)
{
	ptrdiff_t left = (const char *)end - (const char *)attr;

	return left >= (ptrdiff_t)sizeof(*attr) && attr->nla_len >= sizeof(*attr) &&
	       attr->nla_len <= left;
}

/** Those of a message behind its fixed part, and those of a nest. libmnl's count as int. */
#define attr_for_each(attr, message, fixed_len)                             \
	for ((attr) = mnl_nlmsg_get_payload_offset((message), (fixed_len)); \
	     attr_is_before((attr), mnl_nlmsg_get_payload_tail(message));   \
	     (attr) = mnl_attr_next(attr))

#define attr_for_each_nested(attr, nest)                                       \
	for ((attr) = mnl_attr_get_payload(nest);                              \
	     attr_is_before((attr), (const char *)mnl_attr_get_payload(nest) + \
					    mnl_attr_get_payload_len(nest));   \
	     (attr) = mnl_attr_next(attr))

/** Receives one reply; other than 0 ends the exchange (its rest is drained). */
typedef int (*netlink_reply_fn)(void *userdata, const struct nlmsghdr *reply);

/** The sequence number for the next message; never 0. */
uint32_t netlink_next_sequence(struct netlink *nl);

/**
 * Sends one message, whose sequence and NLM_F_REQUEST | NLM_F_ACK are set here, and
 * takes its replies up to its ack. With NLM_F_DUMP set, takes the whole dump instead; one
 * that was interrupted is repeated, at most 5 times, with fn told by a NULL reply. Where
 * the answer was lost, the message is sent again, and so it must be one that can be: what
 * fn was given by then comes again too.
 * @param fn  may be NULL where only the ack matters
 * @return 0; what fn returned; or a negative errno with the kernel's sentence in error
 */
int netlink_request(struct netlink *nl, struct nlmsghdr *request, netlink_reply_fn fn,
		    void *userdata, struct error *error);

/**
 * Sends several messages at once, numbers them, and collects the errno of each. All have
 * NLM_F_ACK, or none has: then each is a question, which the kernel answers by one message
 * or by an error, and acks would be as many messages more. It refuses all by one -EPERM,
 * which is returned.
 * @param ret_codes  count of them: 0 or a negative errno each
 * @return 0 where all were answered, or a negative errno
 */
int netlink_request_many(struct netlink *nl, void *bytes, size_t len, size_t count,
			 int *ret_codes, netlink_reply_fn fn, void *userdata,
			 struct error *error);

/**
 * Sends an nfnetlink batch and takes its outcome.
 * @param first  sequence number of the begin message, whose error is the whole batch's
 * @param last   of the message that asked for an ack
 * @return 0; the first error; or -NETLINK_LOST: it is not known whether it was committed
 */
int netlink_batch(struct netlink *nl, const void *bytes, size_t len, uint32_t first,
		  uint32_t last, struct error *error);

/* ---- What nobody asked for ------------------------------------------------------------ */

/**
 * Subscribes a socket to groups of notifications. It then is for those alone: answers to
 * requests would be among them.
 * @return 0; or a negative errno (-EPERM: not for everybody)
 */
int netlink_join(struct netlink *nl, const unsigned int *groups, size_t n,
		 struct error *error);

/**
 * Takes one datagram of notifications, if one is there.
 * @param fn  other than 0 passes over the rest of the datagram, and is returned
 * @return 1: one was taken; 0: none is there; -ENOBUFS: some were lost; or another
 *         negative errno
 */
int netlink_take(struct netlink *nl, netlink_reply_fn fn, void *userdata,
		 struct error *error);

#endif
