/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_COPY_MESSAGE_H
#define NESTNET_KERNEL_COPY_MESSAGE_H

/* The messages of kernel/copy.c: read from dumps, and built anew; for the kernel room. */

#include "kernel/copy.h"
#include "kernel/route-message.h"

/** One thing that an interface has. */
struct copy {
	struct copy_item item;
	struct nlmsghdr *message; /* owned, as it was in the dump */
	unsigned char family;
	uint32_t flags;     /* of an address: IFA_F_*; of a neighbour: NUD_* */
	bool is_via;        /* a route by a gateway: after those that lead to it */
	struct nestnet_prefix network; /* of an address, or of its peer */
	bool no_network;    /* no route leads to it */
	bool is_onlink;     /* a route: its gateway is to be taken for a neighbour */
	bool was_given, was_taken;
};

/** What to do with it. */
enum copy_act {
	COPY_ADD,
	COPY_SETTLE,
	COPY_REMOVE,
};

/**
 * Reads a message of a dump.
 * @return 1: *ret is it, its message borrowed; 0: it is not of from, or of no interest
 */
int copy_parse(const struct nlmsghdr *reply, const struct copy_end *from, struct copy *ret);

/** Builds the message that does act to a copy of what from has, on the interface to.
 *  @return NULL where there is no memory */
struct nl_msg *copy_build(const struct copy *copy, enum copy_act act,
			  const struct copy_end *from, const struct copy_end *to);

#endif
