/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of a packet, in one sentence. Where no chain of nf_tables dropped it, the
 * kernel says nothing: then it is told between which hooks it was lost, and what lies there
 * is asked for.
 */

#include "trace/trace.h"

#include "plan/setting.h"

#include "kernel/host.h"
#include "kernel/neighbour.h"
#include "kernel/route.h"

#include "base/address.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void trace_end(struct nestnet_trace *trace, struct trace_packet *packet,
	       const char *verdict, const char *text)
{
	struct nestnet_hop hop = { .kind = NESTNET_HOP_END,
				   .packet = packet->number,
				   .is_reply = packet->is_reply,
				   .verdict = verdict,
				   .text = text };
	char in[NESTNET_IFNAMSIZ], out[NESTNET_IFNAMSIZ];
	const struct link *link = trace_link(trace, packet->iif);

	trace_tell_begin(trace, packet);
	if (link)
		hop.in = memcpy(in, link->name, sizeof(in));
	link = trace_link(trace, packet->port ? packet->port : packet->oif);
	if (link)
		hop.out = memcpy(out, link->name, sizeof(out));
	*packet = (struct trace_packet){ .number = 0 };
	trace_tell(trace, &hop);
}

void trace_end_done(struct nestnet_trace *trace)
{
	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		if (trace->packets[i].number && trace->packets[i].is_done)
			trace_end_delivered(trace, &trace->packets[i]);
	}
}

/* ---- Delivered ------------------------------------------------------------------------ */

static const char *link_name(struct nestnet_trace *trace, uint32_t ifindex)
{
	const struct link *link = trace_link(trace, ifindex);

	return link ? link->name : "?";
}

static bool is_of_alias(const struct nestnet_trace *trace,
			const struct trace_packet *packet)
{
	return !packet->is_reply &&
	       prefix_contains(&trace->alias.prefix, &packet->header.destination);
}

void trace_end_delivered(struct nestnet_trace *trace, struct trace_packet *packet)
{
	const struct link *link =
		trace_link(trace, packet->port ? packet->port : packet->oif);
	char text[TRACE_TEXT];

	if (packet->place == RULESET_TRACE_INPUT_END) {
		snprintf(text, sizeof(text), "delivered to this host itself%s",
			 is_of_alias(trace, packet) ? ": it was not translated" : "");
	} else if (link && !link->has_carrier) {
		snprintf(text, sizeof(text), "lost at %s: it has no carrier", link->name);
		trace_end(trace, packet, "lost", text);
		return;
	} else if (packet->port) {
		snprintf(text, sizeof(text), "delivered to %s/",
			 link_name(trace, packet->oif ? packet->oif : packet->iif));
		strncat(text, link_name(trace, packet->port), NESTNET_IFNAMSIZ);
	} else {
		snprintf(text, sizeof(text), "delivered to %s",
			 link_name(trace, packet->oif));
	}
	trace_end(trace, packet, "delivered", text);
}

/* ---- Lost ----------------------------------------------------------------------------- */

static void __attribute__((format(printf, 4, 5)))
end_lost(struct nestnet_trace *trace, struct trace_packet *packet, const char *where,
	 const char *format, ...)
{
	char text[TRACE_TEXT];
	size_t len = (size_t)snprintf(text, sizeof(text), "lost %s: ", where);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
	trace_end(trace, packet, "lost", text);
}

/* No chain that is seen has it: another can be. */
static void end_unseen(struct nestnet_trace *trace, struct trace_packet *packet,
		       const char *where, const char *else_by)
{
	int family = packet->header.family, back, r = -1;
	char tables[128];

	if (context_enter(trace->ctx, &back) >= 0) {
		r = host_legacy_tables(family, tables, sizeof(tables));
		(void)context_leave(trace->ctx, back, 0);
	}
	if (r == 1)
		end_lost(trace, packet, where,
			 "%s has tables (%s), whose rules cannot be seen",
			 family == AF_INET ? "iptables-legacy" : "ip6tables-legacy",
			 tables);
	else
		end_lost(trace, packet, where, "%s", else_by);
}

static int ask_route(struct nestnet_trace *trace, const struct nestnet_address *address,
		     struct route *ret)
{
	struct error ignored = { .code = 0 };
	struct netlink *nl;

	if (context_route(trace->ctx, &nl) < 0)
		return -1;
	return route_get(nl, address, ret, &ignored);
}

static bool is_strict(struct nestnet_trace *trace, const char *interface)
{
	int all = setting_get(trace->ctx, AF_INET, "all", "rp_filter");
	int own = setting_get(trace->ctx, AF_INET, interface, "rp_filter");

	return (all > own ? all : own) == 1;
}

/* The source is held against the way back: rp_filter, and our own addresses never come in
 * from outside. @return whether that is told */
static bool end_at_source(struct nestnet_trace *trace, struct trace_packet *packet,
			  const char *in, const char *source)
{
	struct route route;
	int r = ask_route(trace, &packet->header.source, &route);

	if (r == 1 && route.is_local) {
		end_lost(trace, packet, "in routing",
			 "its source, %s, is this host's own, which cannot come in by %s",
			 source, in);
		return true;
	}
	if (packet->header.family == AF_INET && r >= 0 &&
	    (r == 0 || route.ifindex != packet->iif) && is_strict(trace, in)) {
		end_lost(trace, packet, "in routing",
			 "rp_filter of %s is strict, and the way back to %s is %s", in,
			 source, r == 0 ? "none" : link_name(trace, route.ifindex));
		return true;
	}
	return false;
}

static void end_in_routing(struct nestnet_trace *trace, struct trace_packet *packet)
{
	char source[NESTNET_TEXT_MAX], destination[NESTNET_TEXT_MAX];
	char in[NESTNET_IFNAMSIZ];
	int family = packet->header.family, r;
	struct route route;

	snprintf(in, sizeof(in), "%s", link_name(trace, packet->iif));
	nestnet_address_format(&packet->header.source, source);
	nestnet_address_format(&packet->header.destination, destination);
	r = ask_route(trace, &packet->header.destination, &route);
	if (r == 0) {
		end_lost(trace, packet, "in routing", "no route to %s", destination);
		return;
	}
	if (packet->iif && in[0] != '?' && end_at_source(trace, packet, in, source))
		return;
	if (r == 1 && !route.is_local && packet->iif &&
	    setting_get(trace->ctx, family, family == AF_INET ? in : "all",
			"forwarding") == 0)
		end_lost(trace, packet, "in routing", "forwarding is off for %s on %s",
			 family == AF_INET ? "IPv4" : "IPv6", in);
	else
		end_unseen(trace, packet, "in routing",
			   "behind prerouting, and in no chain that is seen");
}

struct search {
	const struct trace_packet *packet;
	enum nestnet_neighbour_state state;
};

static int take_neighbour(void *userdata, const struct neighbour *neighbour)
{
	struct search *search = userdata;

	if (!neighbour)
		search->state = NESTNET_NEIGHBOUR_NONE;
	else if (neighbour->ifindex == search->packet->oif &&
		 address_equal(&neighbour->address, &search->packet->header.destination))
		search->state = neighbour_state(neighbour);
	return 0;
}

/* It was handed to a bridge, which sent it by no port. */
static void end_at_bridge(struct nestnet_trace *trace, struct trace_packet *packet)
{
	struct search search = { .packet = packet };
	struct error ignored = { .code = 0 };
	char address[NESTNET_TEXT_MAX], where[NESTNET_IFNAMSIZ + 8];
	struct netlink *nl;

	snprintf(where, sizeof(where), "at %s", link_name(trace, packet->oif));
	nestnet_address_format(&packet->header.destination, address);
	if (context_route(trace->ctx, &nl) == 0)
		(void)neighbour_list(nl, take_neighbour, &search, &ignored);
	switch (search.state) {
	case NESTNET_NEIGHBOUR_NONE:
	case NESTNET_NEIGHBOUR_INCOMPLETE:
	case NESTNET_NEIGHBOUR_FAILED:
		end_lost(
			trace, packet, where, "nobody there answers for %s (%s)", address,
			packet->header.family == AF_INET ? "ARP" : "neighbour discovery");
		break;
	case NESTNET_NEIGHBOUR_PERMANENT:
	case NESTNET_NEIGHBOUR_REACHABLE:
	case NESTNET_NEIGHBOUR_DELAY:
	case NESTNET_NEIGHBOUR_PROBE:
	case NESTNET_NEIGHBOUR_STALE:
		end_lost(trace, packet, where, "no port of it sent it on");
		break;
	}
}

static void end_behind_forward(struct nestnet_trace *trace, struct trace_packet *packet)
{
	const struct link *link = trace_link(trace, packet->oif);

	if (link && packet->header.is_whole && packet->header.len > link->mtu)
		end_lost(trace, packet, "behind forward",
			 "its %u bytes are more than the MTU of %s, %u, and it must not "
			 "be "
			 "fragmented",
			 packet->header.len, link->name, link->mtu);
	else
		end_unseen(trace, packet, "behind forward",
			   "on postrouting, in no chain that is seen");
}

void trace_end_lost(struct nestnet_trace *trace, struct trace_packet *packet)
{
	switch (packet->place) {
	case RULESET_TRACE_ARRIVES:
	case RULESET_TRACE_ANSWER:
		end_unseen(
			trace, packet, "on prerouting",
			"in no chain that is seen: connection tracking may have refused "
			"it (is its table full?)");
		return;
	case RULESET_TRACE_SENT:
	case RULESET_TRACE_ANSWERED:
		end_unseen(trace, packet, "on output", "in no chain that is seen");
		return;
	case RULESET_TRACE_PREROUTING_END:
	case RULESET_TRACE_OUTPUT_END:
		end_in_routing(trace, packet);
		return;
	case RULESET_TRACE_INPUT:
		end_unseen(trace, packet, "on input", "in no chain that is seen");
		return;
	case RULESET_TRACE_FORWARD:
		end_unseen(trace, packet, "on forward", "in no chain that is seen");
		return;
	case RULESET_TRACE_FORWARD_END:
		end_behind_forward(trace, packet);
		return;
	case RULESET_TRACE_POSTROUTING_END:
		if (packet->oif == LINK_LOOPBACK)
			break;
		end_at_bridge(trace, packet);
		return;
	case RULESET_TRACE_INPUT_END:
	case RULESET_TRACE_PORT:
	case RULESET_TRACE_PLACES:
		break;
	}
	trace_end_delivered(trace, packet);
}
