/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_CONNTRACK_H
#define NESTNET_KERNEL_CONNTRACK_H

/* Ending tracked flows over ctnetlink. A NAT rule decides a flow's first packet only, so
 * the flows outlive the rule (facts 33). */

#include <nestnet/nestnet.h>
#include <stdint.h>

struct error;
struct netlink;

/**
 * Which flows: those that match everything that is set. A flow's original direction is
 * what its first packet said; its reply direction is what the answers say, and so after
 * DNAT the reply's source is the target, and without it the original destination.
 */
struct conntrack_filter {
	int family; /* AF_UNSPEC: of both, in a list */
	/* AF_UNSPEC: any */
	struct nestnet_address original_source, original_destination;
	struct nestnet_address reply_source, reply_destination;
	unsigned int protocol;              /* 0: any, and no port either */
	uint16_t original_destination_port; /* host order; 0: any */
	uint16_t reply_source_port;
};

/** One direction of a flow. */
struct conntrack_tuple {
	struct nestnet_address source, destination;
	uint16_t source_port, destination_port; /* host order; 0 where there are none */
	uint16_t icmp_id;                       /* of a ping, network order */
	uint8_t icmp_type, icmp_code;
};

/** A tracked flow. */
struct conntrack_flow {
	struct conntrack_tuple original, reply;
	unsigned int protocol;
};

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*conntrack_fn)(void *userdata, const struct conntrack_flow *flow);

/** Lists the flows that match. */
int conntrack_list(struct netlink *nl, const struct conntrack_filter *filter,
		   conntrack_fn fn, void *userdata, struct error *error);

/** Ends exactly this flow. One that has ended is no error. */
int conntrack_delete_flow(struct netlink *nl, const struct conntrack_flow *flow,
			  struct error *error);

/** Ends the flows. None, or no connection tracking at all, is success.
 *  @return 0, or a negative errno */
int conntrack_delete(struct netlink *nl, const struct conntrack_filter *filter,
		     struct error *error);

#endif
