/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_TRACE_H
#define NESTNET_KERNEL_TRACE_H

/* What nf_tables tells of packets that are traced, an event for each rule that had one and
 * for the end of each base chain. */

#include "kernel/foreign.h"

/** As much of a packet as the kernel tells: what IPv6's header takes, and TCP's. */
#define TRACE_NETWORK   40
#define TRACE_TRANSPORT 20

enum trace_type {
	TRACE_RULE,   /* a rule matched: handle, and what it did */
	TRACE_RETURN, /* a chain that was jumped to has ended */
	TRACE_POLICY, /* a base chain has ended, with its policy */
};

enum trace_verdict {
	TRACE_ACCEPT,
	TRACE_DROP,
	TRACE_QUEUE,
	TRACE_STOLEN, /* somebody else has it */
	TRACE_CONTINUE,
	TRACE_JUMP,
	TRACE_GOTO,
	TRACE_BACK, /* return */
	TRACE_UNKNOWN,
};

struct trace_event {
	enum foreign_family family; /* of the chain */
	const char *table, *chain;
	uint32_t id; /* of the packet, while it is on its way; used again for others */
	enum trace_type type;
	enum trace_verdict verdict;
	const char *target; /* JUMP, GOTO; else NULL */
	uint64_t handle;    /* of the rule; else 0 */
	uint32_t iif, oif;  /* 0: not known there */
	/* In a base chain's first event alone: 0 bytes in the others. */
	uint8_t network[TRACE_NETWORK], transport[TRACE_TRANSPORT];
	size_t network_len, transport_len;
};

/** Makes a socket one for these events, of every trace in the namespace.
 *  @return 0, or a negative errno */
int trace_subscribe(struct netlink *nl, struct error *error);

typedef int (*trace_fn)(void *userdata, const struct trace_event *event);

/** Takes what came with one datagram; what it cannot read it passes over.
 *  @return 1: one was taken; 0: none is there; -ENOBUFS: some were lost; what fn returned; or
 *          another negative errno */
int trace_take(struct netlink *nl, trace_fn fn, void *userdata, struct error *error);

#endif
