/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TRACE_H
#define NESTNET_TRACE_H

/* What the trace's files share: the packets that are on their way, and how they are told. */

#include "plan/context.h"

#include "table/ruleset-trace.h"

#include "kernel/link.h"
#include "kernel/trace.h"

#include "base/cleanup.h"

/** Packets on their way at once, as a bound; an older one then ends unknown. */
#define TRACE_PACKETS 128
/** Numbers of the kernel's that one packet had. */
#define TRACE_IDS 4
/** Room for a sentence. */
#define TRACE_TEXT 640

/** What a packet's headers say, as far as it is looked at. */
struct trace_header {
	int family;
	unsigned int protocol;
	struct nestnet_address source, destination;
	bool has_ports;
	uint16_t source_port, destination_port;
	uint8_t tcp_flags;
	uint32_t len;  /* bytes of the whole packet */
	bool is_whole; /* may not be fragmented */
	/* What no router and no translation changes: who has the same is the same packet. */
	uint8_t signature[16];
};

/** @return false where it is neither IPv4 nor IPv6 */
bool trace_header_read(const struct trace_event *event, struct trace_header *ret);
/** tcp 10.128.0.50:40000 > 10.128.0.13:80 syn */
void trace_header_format(const struct trace_header *header, char *ret, size_t size);

struct trace_packet {
	uint64_t number; /* 0: none is here */
	bool is_reply;
	bool is_told; /* that it has begun */
	bool is_done; /* it has got to where it is delivered to, and ends with the next */
	uint32_t ids[TRACE_IDS];
	unsigned int n_ids;
	enum ruleset_trace_place place;    /* the last that it came by */
	struct trace_header first, header; /* as it was seen first, and last */
	uint32_t iif, oif;
	uint32_t port;       /* of the bridge oif; 0: none yet */
	int64_t deadline_ms; /* when it is lost, if nothing is heard of it */
};

/** Texts of rules that were asked for. */
struct trace_rules;

struct nestnet_trace {
	struct nestnet *ctx;
	struct nestnet_endpoint alias;
	char table[RULESET_TRACE_NAME];
	struct netlink *owner;  /* whose the tables are, and that asks for rules */
	struct netlink *events; /* where packets are told of */
	int epoll, timer;
	bool has_bridge; /* bridges' ports are seen */
	struct trace_packet packets[TRACE_PACKETS];
	uint64_t n_packets; /* so far */
	struct trace_rules *rules;
	struct link links[8]; /* of this call */
	size_t n_links;
	/* of this call */
	nestnet_hop_fn fn;
	void *userdata;
	unsigned int n_told;
	int result; /* of fn: other than 0 ends it */
};

/** Tells a hop, unless the caller has had enough. */
void trace_tell(struct nestnet_trace *trace, const struct nestnet_hop *hop);

/** Tells what became of a packet, and forgets it (trace/end.c). */
void trace_end(struct nestnet_trace *trace, struct trace_packet *packet,
	       const char *verdict, const char *text);
/** It has got through. */
void trace_end_delivered(struct nestnet_trace *trace, struct trace_packet *packet);
/** Nothing was heard of it any more. */
void trace_end_lost(struct nestnet_trace *trace, struct trace_packet *packet);

/** Tells that a packet comes, unless that was told (trace/packet.c). */
void trace_tell_begin(struct nestnet_trace *trace, struct trace_packet *packet);

/** Takes an event. */
int trace_take_event(void *userdata, const struct trace_event *event);
/** Ends those that are done. */
void trace_end_done(struct nestnet_trace *trace);

int64_t trace_now_ms(void);

/** @return the link; NULL: it is gone, or 0 */
const struct link *trace_link(struct nestnet_trace *trace, uint32_t ifindex);

/** What is known of a rule, or of a policy (trace/rule.c); lives until the next call. */
struct trace_rule {
	const char *text;  /* NULL: not of a rule, or the rule has changed */
	const char *owner; /* NULL: not known */
	bool is_reject;
};

void trace_rule_get(struct nestnet_trace *trace, const struct trace_event *event,
		    struct trace_rule *ret);
/** The ruleset may have changed: asks once. */
void trace_rules_refresh(struct nestnet_trace *trace);
void trace_rules_free(struct trace_rules *rules);

#endif
