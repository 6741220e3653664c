/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traces of packets that nobody sent: events as the kernel tells them, in an order or of a
 * shape that is hard to come by, and damaged ones. What is told must be hops of packets that
 * the trace itself marked, each with a beginning before and an end behind.
 */

#include "damage.h"
#include "harness.h"
#include "script.h"

#include "trace/trace.h"

#include "kernel/netlink-message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define OURS   "nestnet-trace-7"
#define ROUNDS 20000

static struct nestnet_trace *trace;
static struct nestnet *ctx;
static struct script *events, *owner;
static char told[8192]; /* a line a hop */
static int result;      /* of the callback */

/* ---- Events --------------------------------------------------------------------------- */

struct forged {
	uint8_t family;
	const char *table, *chain;
	uint32_t id, type, verdict;
	uint64_t handle;
	const char *target;
	uint16_t ip_id; /* 0: without headers */
};

static void put_headers(struct nlmsghdr *message, uint16_t ip_id)
{
	uint8_t network[20] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, IPPROTO_TCP };
	uint8_t transport[20] = { 0x9c, 0x40, 0, 80, [13] = 2 };

	network[4] = (uint8_t)(ip_id >> 8);
	network[5] = (uint8_t)ip_id;
	memcpy(network + 12, "\x0a\x80\x00\x32\x0a\x80\x00\x0d", 8);
	mnl_attr_put(message, NFTA_TRACE_NETWORK_HEADER, sizeof(network), network);
	mnl_attr_put(message, NFTA_TRACE_TRANSPORT_HEADER, sizeof(transport), transport);
}

static void put_event(struct nlmsghdr *message, const struct forged *event)
{
	struct nfgenmsg *generic;
	struct nlattr *nest;

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = event->family ? event->family : NFPROTO_INET;
	mnl_attr_put_strz(message, NFTA_TRACE_TABLE, event->table);
	mnl_attr_put_strz(message, NFTA_TRACE_CHAIN, event->chain);
	mnl_attr_put_u32(message, NFTA_TRACE_ID, htonl(event->id));
	mnl_attr_put_u32(message, NFTA_TRACE_TYPE, htonl(event->type));
	if (event->handle)
		mnl_attr_put_u64(message, NFTA_TRACE_RULE_HANDLE, htobe64(event->handle));
	if (event->type == NFT_TRACETYPE_POLICY) {
		mnl_attr_put_u32(message, NFTA_TRACE_POLICY, htonl(event->verdict));
	} else {
		nest = mnl_attr_nest_start(message, NFTA_TRACE_VERDICT);
		mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(event->verdict));
		if (event->target)
			mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, event->target);
		mnl_attr_nest_end(message, nest);
	}
	if (event->ip_id)
		put_headers(message, event->ip_id);
}

static void forge(const struct forged *event)
{
	char buffer[1024] = "";
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	put_event(message, event);
	script_bytes(events, message, message->nlmsg_len);
}

/* A rule of a trace's own table marks a packet. */
static void forge_begin(const char *table, uint32_t id, uint16_t ip_id)
{
	forge(&(struct forged){ .table = table,
				.chain = "arrives",
				.id = id,
				.type = NFT_TRACETYPE_RULE,
				.verdict = (uint32_t)NFT_CONTINUE,
				.handle = 3,
				.ip_id = ip_id });
}

/* A base chain ends; one of ours, or another. */
static void forge_policy(const char *table, const char *chain, uint32_t id,
			 uint16_t ip_id, uint32_t policy)
{
	forge(&(struct forged){ .table = table,
				.chain = chain,
				.id = id,
				.type = NFT_TRACETYPE_POLICY,
				.verdict = policy,
				.ip_id = ip_id });
}

static void forge_rule(uint32_t id, uint64_t handle, uint32_t verdict, const char *target)
{
	forge(&(struct forged){ .family = NFPROTO_IPV4,
				.table = "filter",
				.chain = "LIBVIRT_FWI",
				.id = id,
				.type = NFT_TRACETYPE_RULE,
				.verdict = verdict,
				.handle = handle,
				.target = target });
}

/* ---- The trace ------------------------------------------------------------------------ */

static void set_up(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	events = script_new(NETLINK_BUS_NETFILTER);
	owner = script_new(NETLINK_BUS_NETFILTER);
	trace = calloc(1, sizeof(*trace));
	ck_assert_ptr_nonnull(trace);
	trace->ctx = ctx;
	trace->epoll = epoll_create1(EPOLL_CLOEXEC);
	trace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(trace->epoll, EPOLL_CTL_ADD, trace->timer, &event), 0);
	trace->events = script_socket(events);
	trace->owner = script_socket(owner);
	ck_assert_int_eq(nestnet_alias_parse("10.128.0.13", &trace->alias, NULL), 0);
	strcpy(trace->table, OURS);
	told[0] = '\0';
	result = 0;
}

static void tear_down(void)
{
	trace->events = trace->owner = NULL; /* the scripts' */
	trace = nestnet_trace_free(trace);
	events = script_free(events);
	owner = script_free(owner);
	ctx = nestnet_free(ctx);
}

static int tell(void *userdata, const struct nestnet_hop *hop)
{
	size_t len = strlen(told);

	(void)userdata;
	snprintf(told + len, sizeof(told) - len, "%llu %s %s%s\n",
		 (unsigned long long)hop->packet, hop->chain ? hop->chain : "-",
		 hop->verdict ? hop->verdict : "-",
		 hop->kind == NESTNET_HOP_PACKET ? " begins"
		 : hop->kind == NESTNET_HOP_END  ? " ends"
						 : "");
	return result;
}

static void tells(const char *wanted)
{
	told[0] = '\0';
	ck_assert_int_eq(nestnet_trace_next(trace, 0, tell, NULL), wanted[0] != '\0');
	ck_assert_str_eq(told, wanted);
}

START_TEST(a_rule_that_drops_ends_the_packet)
{
	forge_begin(OURS, 1, 100);
	forge_rule(1, 5, (uint32_t)NFT_JUMP, "next");
	forge_rule(1, 6, NF_DROP, NULL);
	forge_rule(1, 7, NF_ACCEPT, NULL);
	tells("1 - - begins\n1 LIBVIRT_FWI jump next\n1 LIBVIRT_FWI drop\n"
	      "1 - dropped ends\n");
}
END_TEST

START_TEST(a_drop_with_a_reason_in_its_upper_bits_is_a_drop)
{
	forge_begin(OURS, 1, 100);
	forge_rule(1, 6, NF_DROP | EPERM << 16, NULL);
	tells("1 - - begins\n1 LIBVIRT_FWI drop\n1 - dropped ends\n");
}
END_TEST

START_TEST(a_policy_that_drops_ends_the_packet)
{
	forge_begin(OURS, 1, 100);
	forge_policy("filter", "FORWARD", 1, 0, NF_DROP);
	tells("1 - - begins\n1 FORWARD drop\n1 - dropped ends\n");
}
END_TEST

START_TEST(what_has_come_to_input_is_delivered)
{
	forge_begin(OURS, 1, 100);
	forge_policy(OURS, "prerouting_end", 1, 100, NF_ACCEPT);
	forge_policy(OURS, "input_begin", 1, 100, NF_ACCEPT);
	forge_policy(OURS, "input_end", 1, 100, NF_ACCEPT);
	tells("1 - - begins\n1 - delivered ends\n");
}
END_TEST

START_TEST(a_number_that_comes_again_is_another_packet)
{
	forge_begin(OURS, 1, 100);
	forge_policy(OURS, "input_end", 1, 100, NF_ACCEPT);
	forge_begin(OURS, 1, 101);
	forge_policy(OURS, "input_end", 1, 101, NF_ACCEPT);
	tells("1 - - begins\n1 - delivered ends\n2 - - begins\n2 - delivered ends\n");
}
END_TEST

START_TEST(a_number_that_comes_again_ends_who_had_it)
{
	forge_begin(OURS, 1, 100);
	forge_begin(OURS, 1, 101);
	forge_rule(1, 6, NF_DROP, NULL);
	tells("1 - - begins\n1 - lost ends\n2 - - begins\n2 LIBVIRT_FWI drop\n"
	      "2 - dropped ends\n");
}
END_TEST

START_TEST(a_packet_goes_on_under_another_number)
{
	forge_begin(OURS, 1, 100);
	forge_policy(OURS, "forward_begin", 2, 100, NF_ACCEPT);
	forge_rule(2, 6, NF_DROP, NULL);
	tells("1 - - begins\n1 LIBVIRT_FWI drop\n1 - dropped ends\n");
}
END_TEST

START_TEST(packets_that_others_mark_are_passed_over)
{
	forge_begin("nestnet-trace-8", 1, 100);
	forge_rule(1, 6, NF_DROP, NULL);
	forge_policy(OURS, "input_end", 1, 100, NF_ACCEPT);
	tells("");
}
END_TEST

START_TEST(the_end_of_a_chain_is_no_rule)
{
	forge_begin(OURS, 1, 100);
	forge_rule(1, 0, (uint32_t)NFT_CONTINUE, NULL);
	forge_policy(OURS, "input_end", 1, 100, NF_ACCEPT);
	tells("1 - - begins\n1 - delivered ends\n");
}
END_TEST

START_TEST(events_that_are_lost_are_told_and_the_trace_goes_on)
{
	forge_begin(OURS, 1, 100);
	forge_rule(1, 5, NF_ACCEPT, NULL);
	script_fail_receive(events, ENOBUFS);
	forge_rule(1, 6, NF_DROP, NULL);
	forge_begin(OURS, 2, 101);
	forge_policy(OURS, "input_end", 2, 101, NF_ACCEPT);
	tells("1 - - begins\n1 LIBVIRT_FWI accept\n0 - -\n1 - unknown ends\n"
	      "2 - - begins\n2 - delivered ends\n");
}
END_TEST

START_TEST(a_packet_of_which_nothing_is_heard_is_lost_in_time)
{
	forge_begin(OURS, 1, 100);
	forge_policy(OURS, "forward_begin", 1, 100, NF_ACCEPT);
	tells("1 - - begins\n");
	told[0] = '\0';
	ck_assert_int_eq(nestnet_trace_next(trace, 5000, tell, NULL), 1);
	ck_assert_str_eq(told, "1 - lost ends\n");
	tells("");
}
END_TEST

START_TEST(what_the_caller_returns_is_returned)
{
	forge_begin(OURS, 1, 100);
	forge_policy("filter", "FORWARD", 1, 0, NF_ACCEPT);
	result = 77;
	ck_assert_int_eq(nestnet_trace_next(trace, 0, tell, NULL), 77);
	ck_assert_str_eq(told, "1 - - begins\n");
	result = -5;
	forge_policy("filter", "FORWARD", 1, 0, NF_DROP);
	ck_assert_int_eq(nestnet_trace_next(trace, 0, tell, NULL), -5);
}
END_TEST

START_TEST(a_socket_that_fails_is_an_error)
{
	script_fail_receive(events, EBADF);
	ck_assert_int_eq(nestnet_trace_next(trace, 0, tell, NULL), -EIO);
	ck_assert_str_eq(nestnet_errmsg(ctx),
			 "trace: receive from kernel: Bad file descriptor");
}
END_TEST

START_TEST(more_packets_than_are_followed_end_the_oldest)
{
	for (uint32_t i = 1; i <= TRACE_PACKETS + 1; i++) {
		struct trace_event event = { .family = FOREIGN_INET,
					     .table = OURS,
					     .chain = "arrives",
					     .id = i,
					     .type = TRACE_RULE,
					     .handle = 3,
					     .network = { 0x45, [9] = IPPROTO_UDP },
					     .network_len = 20 };

		event.network[4] = (uint8_t)i;
		trace->fn = tell;
		ck_assert_int_eq(trace_take_event(trace, &event), 0);
	}
	ck_assert_str_eq(told, "1 - - begins\n1 - unknown ends\n");
}
END_TEST

/* ---- Headers -------------------------------------------------------------------------- */

START_TEST(headers_of_any_bytes_are_read_within_their_length)
{
	char text[TRACE_TEXT];

	damage_seed(5);
	for (unsigned int i = 0; i < 5 * ROUNDS; i++) {
		struct trace_event *event = malloc(sizeof(*event));
		struct trace_header header;

		if (!event)
			ck_abort_msg("no memory");
		for (size_t at = 0; at < TRACE_NETWORK; at++)
			event->network[at] = (uint8_t)damage_random();
		for (size_t at = 0; at < TRACE_TRANSPORT; at++)
			event->transport[at] = (uint8_t)damage_random();
		event->network[0] = damage_random() % 2 ? 0x45 : 0x60;
		event->network[9] = event->network[6] =
			damage_random() % 2 ? IPPROTO_TCP : 0;
		event->network_len = damage_random() % (TRACE_NETWORK + 1);
		event->transport_len = damage_random() % (TRACE_TRANSPORT + 1);
		if (trace_header_read(event, &header)) {
			trace_header_format(&header, text, sizeof(text));
			/* Each assertion of check's that holds is a write. */
			if (event->transport_len < 4 && header.has_ports)
				ck_abort_msg("ports from nowhere: %s", text);
		}
		free(event);
	}
}
END_TEST

/* ---- Damaged events ------------------------------------------------------------------- */

static bool is_given;
static uint64_t n_begun, n_ended;

static ssize_t receive_forged(void *userdata, int fd, void *buffer, size_t size)
{
	static const char *const chains[] = {
		"arrives",         "prerouting_end", "forward_begin", "forward_end",
		"postrouting_end", "port",           "mine"
	};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct forged event = {
		.table = damage_random() % 4 ? OURS : "filter",
		.chain = chains[damage_random() % ARRAY_LEN(chains)],
		.id = damage_random() % 8,
		.type = 1 + damage_random() % 3,
		.verdict = damage_random() % 3 - 1,
		.handle = damage_random() % 3,
		.target = damage_random() % 2 ? "next" : NULL,
		.ip_id = (uint16_t)(damage_random() % 16),
	};

	(void)userdata;
	(void)fd;
	ck_assert_uint_gt(size, 4096);
	is_given = !is_given;
	if (!is_given) {
		errno = EAGAIN;
		return -1;
	}
	if (damage_random() % 500 == 0) {
		errno = ENOBUFS;
		return -1;
	}
	put_event(message, &event);
	damage_bytes(mnl_nlmsg_get_payload(message), mnl_nlmsg_get_payload_len(message));
	return (ssize_t)message->nlmsg_len;
}

/* Each packet begins, has its hops, and ends, once. */
static int check_hop(void *userdata, const struct nestnet_hop *hop)
{
	static uint8_t states[16 * ROUNDS]; /* 0, 1: begun, 2: ended */
	uint8_t *state = &states[hop->packet % sizeof(states)];

	(void)userdata;
	switch (hop->kind) {
	case NESTNET_HOP_PACKET:
		ck_assert_uint_eq(*state, 0);
		*state = 1;
		n_begun++;
		break;
	case NESTNET_HOP_RULE:
	case NESTNET_HOP_POLICY:
		ck_assert_uint_eq(*state, 1);
		ck_assert_ptr_nonnull(hop->family);
		ck_assert_ptr_nonnull(hop->verdict);
		ck_assert_uint_lt(strlen(hop->table) + strlen(hop->chain), 4096);
		break;
	case NESTNET_HOP_END:
		ck_assert_uint_eq(*state, 1);
		ck_assert_ptr_nonnull(hop->text);
		*state = 2;
		n_ended++;
		break;
	case NESTNET_HOP_LOST:
		ck_assert_uint_eq(hop->packet, 0);
		break;
	}
	return 0;
}

static ssize_t send_fails(void *userdata, int fd, const void *bytes, size_t len)
{
	(void)userdata;
	(void)fd;
	(void)bytes;
	(void)len;
	errno = EPERM;
	return -1;
}

START_TEST(damaged_events_are_hops_of_packets_or_nothing)
{
	static const struct netlink_transport forged = { .send = send_fails,
							 .receive = receive_forged };

	netlink_set_transport(trace->events, &forged, NULL);
	netlink_set_transport(trace->owner, &forged, NULL);
	damage_seed(7);
	for (unsigned int i = 0; i < ROUNDS; i++)
		ck_assert_int_ge(nestnet_trace_next(trace, 0, check_hop, NULL), 0);
	ck_assert_uint_gt(n_begun, ROUNDS / 100);
	ck_assert_uint_gt(n_ended, ROUNDS / 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = harness_case(suite, "packets", 60);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_rule_that_drops_ends_the_packet);
	tcase_add_test(tcase, a_drop_with_a_reason_in_its_upper_bits_is_a_drop);
	tcase_add_test(tcase, a_policy_that_drops_ends_the_packet);
	tcase_add_test(tcase, what_has_come_to_input_is_delivered);
	tcase_add_test(tcase, a_number_that_comes_again_is_another_packet);
	tcase_add_test(tcase, a_number_that_comes_again_ends_who_had_it);
	tcase_add_test(tcase, a_packet_goes_on_under_another_number);
	tcase_add_test(tcase, packets_that_others_mark_are_passed_over);
	tcase_add_test(tcase, the_end_of_a_chain_is_no_rule);
	tcase_add_test(tcase, events_that_are_lost_are_told_and_the_trace_goes_on);
	tcase_add_test(tcase, a_packet_of_which_nothing_is_heard_is_lost_in_time);
	tcase_add_test(tcase, what_the_caller_returns_is_returned);
	tcase_add_test(tcase, a_socket_that_fails_is_an_error);
	tcase_add_test(tcase, more_packets_than_are_followed_end_the_oldest);
	tcase_add_test(tcase, headers_of_any_bytes_are_read_within_their_length);
	tcase_add_test(tcase, damaged_events_are_hops_of_packets_or_nothing);
	return harness_run(suite);
}
