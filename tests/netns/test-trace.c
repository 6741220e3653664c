/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traces on a real kernel, as a program has them: its own poll(), its own signals. */

#include "netns.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALIAS "10.9.0.1"

static struct nestnet_trace *begin_trace(const char *alias)
{
	struct nestnet_endpoint endpoint = alias_of(alias);
	struct nestnet_trace *trace = NULL;
	int r = nestnet_trace_new(ctx, &endpoint, NULL, &trace);

	ck_assert_msg(r == 0, "%s", nestnet_errmsg(ctx));
	return trace;
}

static void arrange(void)
{
	sh("ip link set lo up && ip address add " ALIAS "/32 dev lo");
}

static void send_datagram(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct nestnet_address address = address_of(ALIAS);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(&to.sin_addr, address.bytes, sizeof(to.sin_addr));
	ck_assert_int_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	close(fd);
}

static char told[4096];

static int tell(void *userdata, const struct nestnet_hop *hop)
{
	size_t len = strlen(told);

	(void)userdata;
	if (hop->kind == NESTNET_HOP_END)
		snprintf(told + len, sizeof(told) - len, "%s\n", hop->text);
	return 0;
}

/* As an event loop does: it waits for the descriptor, and never within the library. */
static void follow(struct nestnet_trace *trace)
{
	struct pollfd fd = { .fd = nestnet_trace_fd(trace), .events = POLLIN };

	told[0] = '\0';
	for (int i = 0; i < 100 && !told[0]; i++) {
		ck_assert_int_eq(poll(&fd, 1, 5000), 1);
		ck_assert_int_ge(nestnet_trace_next(trace, 0, tell, NULL), 0);
	}
}

START_TEST(a_program_that_polls_is_told_where_packets_end)
{
	struct nestnet_trace *trace;
	struct pollfd fd;
	char *before;

	arrange();
	before = snapshot();
	trace = begin_trace(ALIAS ":99/udp");
	fd = (struct pollfd){ .fd = nestnet_trace_fd(trace), .events = POLLIN };
	ck_assert_int_eq(poll(&fd, 1, 0), 0);
	ck_assert_int_eq(nestnet_trace_next(trace, 0, tell, NULL), 0);
	send_datagram(98);
	send_datagram(99);
	follow(trace);
	ck_assert_str_eq(told, "delivered to this host itself: it was not translated\n");
	ck_assert_ptr_null(nestnet_trace_free(trace));
	snapshots_equal(before, NULL, "after the trace");
	free(before);
}
END_TEST

/* Its tables go without a new generation, so that a snapshot would not look again. */
START_TEST(a_trace_that_nobody_frees_ends_with_its_process)
{
	char *rules;
	pid_t child;

	arrange();
	child = fork();
	if (child == 0) {
		(void)begin_trace(ALIAS);
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	sh("for i in $(seq 500); do nft list tables | grep -q 'bridge nestnet-trace' && "
	   "exit 0; sleep 0.01; done; exit 1");
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	rules = sh_output("nft list ruleset");
	ck_assert_str_eq(rules, "");
	free(rules);
}
END_TEST

static void ignore_alarm(int signal)
{
	(void)signal;
}

START_TEST(a_signal_ends_waiting)
{
	struct itimerval soon = { .it_value.tv_usec = 20000,
				  .it_interval.tv_usec = 20000 };
	struct sigaction action = { .sa_handler = ignore_alarm };
	struct nestnet_trace *trace;

	arrange();
	trace = begin_trace(ALIAS);
	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert_int_eq(nestnet_trace_next(trace, -1, tell, NULL), -EAGAIN);
	soon = (struct itimerval){ .it_value.tv_usec = 0 };
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	nestnet_trace_free(trace);
}
END_TEST

START_TEST(no_more_packets_are_followed_than_is_asked_for)
{
	struct nestnet_trace_options options = { .size = sizeof(options),
						 .packets_per_second = 2 };
	struct nestnet_endpoint alias = alias_of(ALIAS);
	struct nestnet_trace *trace;
	unsigned int n = 0;

	arrange();
	ck_assert_int_eq(nestnet_trace_new(ctx, &alias, &options, &trace), 0);
	for (int i = 0; i < 20; i++)
		send_datagram(99);
	told[0] = '\0';
	while (nestnet_trace_next(trace, 50, tell, NULL) > 0)
		;
	for (const char *end = told; (end = strchr(end, '\n')); end++)
		n++;
	ck_assert_uint_ge(n, 2);
	ck_assert_uint_le(n, 4);
	nestnet_trace_free(trace);
}
END_TEST

START_TEST(what_is_no_alias_is_refused)
{
	struct nestnet_trace_options options = { .size = sizeof(options), .flags = 1 };
	struct nestnet_endpoint alias = alias_of(ALIAS), bad = alias;
	struct nestnet_trace *trace = NULL;
	uint32_t before = generation();

	bad.prefix.len = 40;
	ck_assert_int_eq(nestnet_trace_new(ctx, &bad, NULL, &trace), -EINVAL);
	bad = alias;
	bad.first_port = 80;
	ck_assert_int_eq(nestnet_trace_new(ctx, &bad, NULL, &trace), -EINVAL);
	ck_assert_int_eq(nestnet_trace_new(ctx, &alias, &options, &trace), -EINVAL);
	options = (struct nestnet_trace_options){ .size = 0 };
	ck_assert_int_eq(nestnet_trace_new(ctx, &alias, &options, &trace), -EINVAL);
	ck_assert_ptr_null(trace);
	ck_assert_uint_eq(generation(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = netns_case(suite, "trace", 30);

	tcase_add_test(tcase, a_program_that_polls_is_told_where_packets_end);
	tcase_add_test(tcase, a_trace_that_nobody_frees_ends_with_its_process);
	tcase_add_test(tcase, a_signal_ends_waiting);
	tcase_add_test(tcase, no_more_packets_are_followed_than_is_asked_for);
	tcase_add_test(tcase, what_is_no_alias_is_refused);
	return netns_run(suite);
}
