/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events become packets on their way.
 *
 * The kernel numbers a packet by its buffer: a later one of the same flow can have the number
 * again, and a packet gets another number where a bridge hands it to IP. So a packet begins
 * where a rule of this trace's own table marks it, whatever the number, and one that comes
 * along unmarked is known by its number, or else by what nobody changes in its headers.
 * Packets that another trace marked never begin here, and are passed over.
 *
 * A packet ends where a rule or a policy drops it; where it has got to the last that it can
 * be seen at, with the next packet's beginning or when all that has come was taken; or
 * where nothing is heard of it any more.
 */

#include "trace/trace.h"

#include "table/ruleset.h"

#include "base/error.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* From one hook to the next a packet takes microseconds, unless somebody has to be asked for
 * his Ethernet address: then it is told that he does not answer. */
#define LOST_AFTER_MS 300

int64_t trace_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct link *trace_link(struct nestnet_trace *trace, uint32_t ifindex)
{
	struct error ignored = { .code = 0 };
	struct netlink *nl;
	struct link *link;

	for (size_t i = 0; i < trace->n_links; i++) {
		if (trace->links[i].ifindex == ifindex)
			return &trace->links[i];
	}
	if (trace->n_links == ARRAY_SIZE(trace->links))
		trace->n_links = 0;
	link = &trace->links[trace->n_links];
	if (ifindex == 0 || context_route(trace->ctx, &nl) < 0 ||
	    link_get_by_index(nl, ifindex, link, &ignored) != 1)
		return NULL;
	trace->n_links++;
	return link;
}

static const char *name_of(struct nestnet_trace *trace, uint32_t ifindex,
			   char ret[NESTNET_IFNAMSIZ])
{
	const struct link *link = trace_link(trace, ifindex);

	if (!link)
		return NULL;
	snprintf(ret, NESTNET_IFNAMSIZ, "%s", link->name);
	return ret;
}

/* ---- Which packet --------------------------------------------------------------------- */

static bool has_id(const struct trace_packet *packet, uint32_t id)
{
	for (unsigned int i = 0; i < packet->n_ids && i < TRACE_IDS; i++) {
		if (packet->ids[i] == id)
			return true;
	}
	return false;
}

static struct trace_packet *find_id(struct nestnet_trace *trace, uint32_t id)
{
	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		if (trace->packets[i].number && has_id(&trace->packets[i], id))
			return &trace->packets[i];
	}
	return NULL;
}

/* Of several, the youngest: a packet that is sent twice has the same headers. */
static struct trace_packet *find_same(struct nestnet_trace *trace,
				      const struct trace_header *header)
{
	struct trace_packet *found = NULL;

	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		struct trace_packet *packet = &trace->packets[i];

		if (packet->number && (!found || packet->number > found->number) &&
		    packet->header.family == header->family &&
		    memcmp(packet->header.signature, header->signature,
			   sizeof(header->signature)) == 0)
			found = packet;
	}
	return found;
}

/* @return NULL: of no packet of this trace */
static struct trace_packet *find_packet(struct nestnet_trace *trace,
					const struct trace_event *event)
{
	struct trace_packet *packet = find_id(trace, event->id);
	struct trace_header header;
	bool has_header = trace_header_read(event, &header);

	if (!packet && has_header) {
		packet = find_same(trace, &header);
		if (packet)
			packet->ids[packet->n_ids++ % TRACE_IDS] = event->id;
	}
	if (!packet)
		return NULL;
	if (has_header)
		packet->header = header;
	if (event->iif)
		packet->iif = event->iif;
	if (event->oif && event->family != FOREIGN_BRIDGE)
		packet->oif = event->oif;
	packet->deadline_ms = trace_now_ms() + LOST_AFTER_MS;
	return packet;
}

/* ---- A packet begins ------------------------------------------------------------------ */

/* A free place; where there is none, the oldest's. */
static struct trace_packet *make_room(struct nestnet_trace *trace)
{
	struct trace_packet *oldest = &trace->packets[0];

	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		if (trace->packets[i].number < oldest->number)
			oldest = &trace->packets[i];
	}
	if (oldest->number)
		trace_end(trace, oldest, "unknown",
			  "more packets are on their way than are followed");
	return oldest;
}

/* Not before the next that is known of it: whether a packet to an address of L1's own is an
 * answer shows where its flow is known. */
void trace_tell_begin(struct nestnet_trace *trace, struct trace_packet *packet)
{
	char text[TRACE_TEXT], in[NESTNET_IFNAMSIZ], out[NESTNET_IFNAMSIZ];
	struct nestnet_hop hop = { .kind = NESTNET_HOP_PACKET,
				   .packet = packet->number,
				   .is_reply = packet->is_reply,
				   .in = name_of(trace, packet->iif, in),
				   .out = name_of(trace, packet->oif, out),
				   .text = text };

	if (packet->is_told)
		return;
	packet->is_told = true;
	trace_header_format(&packet->first, text, sizeof(text));
	trace_tell(trace, &hop);
}

/* L1 would tell neighbours a shorter way, which translation never lets out: it is no part of
 * what anybody asks about. */
static bool is_redirect(const struct trace_event *event,
			const struct trace_header *header)
{
	return event->transport_len > 0 && ((header->protocol == IPPROTO_ICMP &&
					     event->transport[0] == ICMP_REDIRECT) ||
					    (header->protocol == IPPROTO_ICMPV6 &&
					     event->transport[0] == ND_REDIRECT));
}

static void begin(struct nestnet_trace *trace, enum ruleset_trace_place place,
		  const struct trace_event *event)
{
	struct trace_packet *packet, *same;
	struct trace_header header;

	trace_end_done(trace);
	if (!trace_header_read(event, &header) || is_redirect(event, &header))
		return;
	same = find_id(trace, event->id);
	/* An answer to the alias itself is marked twice. */
	if (same && same->place <= RULESET_TRACE_SENT && place > RULESET_TRACE_SENT) {
		same->is_reply = true;
		same->place = place;
		return;
	}
	if (same)
		trace_end_lost(trace, same);
	packet = make_room(trace);
	*packet = (struct trace_packet){
		.number = ++trace->n_packets,
		.is_reply =
			place == RULESET_TRACE_ANSWER || place == RULESET_TRACE_ANSWERED,
		.ids = { event->id },
		.n_ids = 1,
		.place = place,
		.header = header,
		.first = header,
		.iif = event->iif,
		.oif = event->oif,
		.deadline_ms = trace_now_ms() + LOST_AFTER_MS,
	};
}

/* ---- It goes on ----------------------------------------------------------------------- */

static bool is_to_bridge(struct nestnet_trace *trace, const struct trace_packet *packet)
{
	const struct link *link = trace_link(trace, packet->oif);

	return link && link->kind == LINK_BRIDGE;
}

/* It has come by a chain of ours that says where it is. */
static void pass(struct nestnet_trace *trace, enum ruleset_trace_place place,
		 const struct trace_event *event)
{
	struct trace_packet *packet = find_packet(trace, event);

	if (!packet)
		return;
	trace_tell_begin(trace, packet);
	if (place != RULESET_TRACE_PORT)
		packet->place = place;
	else if (event->oif)
		packet->port = event->oif;
	switch (place) {
	case RULESET_TRACE_INPUT_END:
		packet->is_done = true;
		break;
	case RULESET_TRACE_POSTROUTING_END:
		/* What L1 sends to itself comes in again. */
		packet->is_done = packet->port ||
				  (packet->oif != LINK_LOOPBACK &&
				   !(trace->has_bridge && is_to_bridge(trace, packet)));
		break;
	case RULESET_TRACE_PORT:
		/* With br_netfilter, IP's chains come after a bridge's. */
		packet->is_done = true;
		break;
	case RULESET_TRACE_ARRIVES:
	case RULESET_TRACE_SENT:
	case RULESET_TRACE_ANSWER:
	case RULESET_TRACE_ANSWERED:
	case RULESET_TRACE_PREROUTING_END:
	case RULESET_TRACE_INPUT:
	case RULESET_TRACE_FORWARD:
	case RULESET_TRACE_FORWARD_END:
	case RULESET_TRACE_OUTPUT_END:
	case RULESET_TRACE_PLACES:
		packet->is_done = false;
		break;
	}
}

static void take_own(struct nestnet_trace *trace, const struct trace_event *event)
{
	enum ruleset_trace_place place = ruleset_trace_place(event->chain);

	if (place == RULESET_TRACE_PLACES)
		return;
	if (place > RULESET_TRACE_ANSWERED)
		pass(trace, place, event);
	else if (event->type == TRACE_RULE)
		begin(trace, place, event);
}

/* ---- Others' chains ------------------------------------------------------------------- */

static const char *verdict_text(const struct trace_event *event,
				const struct trace_rule *rule, char *ret, size_t size)
{
	static const char *const words[] = {
		[TRACE_ACCEPT] = "accept",   [TRACE_DROP] = "drop",
		[TRACE_QUEUE] = "queue",     [TRACE_STOLEN] = "stolen",
		[TRACE_JUMP] = "jump",       [TRACE_GOTO] = "goto",
		[TRACE_BACK] = "return",     [TRACE_CONTINUE] = "continue",
		[TRACE_UNKNOWN] = "unknown",
	};

	if (event->verdict == TRACE_DROP && rule->is_reject)
		return "reject";
	if (!event->target)
		return words[event->verdict];
	snprintf(ret, size, "%s %s", words[event->verdict], event->target);
	return ret;
}

/* What a drop of our own is for. */
static const char *why_dropped(const struct nestnet_hop *hop)
{
	if (strcmp(hop->table, ruleset_table.name) != 0)
		return "";
	switch (ruleset_drop_of(hop->chain)) {
	case RULESET_DROP_FROM:
		return ", as its source is not in --from";
	case RULESET_DROP_CLOSED:
		return ", as it comes from outside to what is not exposed";
	case RULESET_DROP_SPOOFED:
		return ", as it comes from outside with a source of inside";
	case RULESET_DROPS:
		break;
	}
	return "";
}

static void end_dropped(struct nestnet_trace *trace, struct trace_packet *packet,
			const struct nestnet_hop *hop)
{
	char text[TRACE_TEXT], by[64] = "the policy";

	if (hop->kind == NESTNET_HOP_RULE)
		snprintf(by, sizeof(by), "rule handle %llu",
			 (unsigned long long)hop->handle);
	snprintf(text, sizeof(text), "dropped by %s of %s %s %s%s%s%s: %s%s", by,
		 hop->family, hop->table, hop->chain, hop->owner ? " (" : "",
		 hop->owner ? hop->owner : "", hop->owner ? ")" : "", hop->verdict,
		 why_dropped(hop));
	trace_end(trace, packet, "dropped", text);
}

static void take_hop(struct nestnet_trace *trace, const struct trace_event *event)
{
	struct trace_packet *packet = find_packet(trace, event);
	char verdict[NESTNET_TEXT_MAX], in[NESTNET_IFNAMSIZ], out[NESTNET_IFNAMSIZ];
	struct trace_rule rule;
	struct nestnet_hop hop;

	/* The end of a chain says nothing of its own. */
	if (!packet || event->type == TRACE_RETURN)
		return;
	trace_tell_begin(trace, packet);
	packet->is_done = false;
	trace_rule_get(trace, event, &rule);
	hop = (struct nestnet_hop){
		.kind = event->type == TRACE_RULE ? NESTNET_HOP_RULE : NESTNET_HOP_POLICY,
		.packet = packet->number,
		.is_reply = packet->is_reply,
		.family = foreign_family_name(event->family),
		.table = event->table,
		.chain = event->chain,
		.owner = rule.owner,
		.rule = rule.text,
		.handle = event->type == TRACE_RULE ? event->handle : 0,
		.verdict = verdict_text(event, &rule, verdict, sizeof(verdict)),
		.in = name_of(trace, packet->iif, in),
		.out = name_of(trace, event->oif ? event->oif : packet->oif, out),
	};
	trace_tell(trace, &hop);
	if (event->verdict == TRACE_DROP)
		end_dropped(trace, packet, &hop);
	else if (packet->port || packet->place == RULESET_TRACE_INPUT_END)
		packet->is_done = true;
}

int trace_take_event(void *userdata, const struct trace_event *event)
{
	struct nestnet_trace *trace = userdata;

	if (strcmp(event->table, trace->table) == 0)
		take_own(trace, event);
	else if (strncmp(event->table, FOREIGN_TRACE, strlen(FOREIGN_TRACE)) != 0)
		take_hop(trace, event);
	return trace->result;
}
