/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitor as a program has it: what is told, what is told later, and that nothing is told
 * twice or not at all, whatever happens while it looks. */

#include "netns.h"

#include "kernel/netlink.h"

#include "monitor/monitor.h"

#include "plan/context.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

static struct nestnet_monitor *monitor;
static char told[65536];
static int answer; /* what the callback returns */

static void watch(unsigned int kinds)
{
	struct nestnet_monitor_options options = { .size = sizeof(options),
						   .kinds = kinds };

	told[0] = '\0';
	answer = 0;
	ok(nestnet_monitor_new(ctx, &options, &monitor));
}

static void stop(void)
{
	monitor = nestnet_monitor_free(monitor);
}

static int tell(void *userdata, const struct nestnet_event *event)
{
	size_t len = strlen(told);

	(void)userdata;
	ck_assert_uint_lt(len, sizeof(told) - 512);
	snprintf(told + len, sizeof(told) - len, "%c %.300s%s%s\n", event->op,
		 event->command ? event->command : "", event->note ? " # " : "",
		 event->note ? event->note : "");
	return answer;
}

/* Whether it tells something or not. */
static void next(int timeout_ms)
{
	int r = nestnet_monitor_next(monitor, timeout_ms, tell, NULL);

	ck_assert_msg(r == 0 || r == 1, "%d: %s", r, nestnet_errmsg(ctx));
}

/* Nothing is to be looked at: a notice is there when the change is made, and was read. */
static bool is_settled(void)
{
	return monitor->settled_at == MONITOR_NEVER &&
	       monitor->guests_at == MONITOR_NEVER;
}

/* What is told until there is nothing more. What has been noticed is looked at at once. */
static const char *events(void)
{
	bool was_settled;
	size_t before;

	told[0] = '\0';
	do {
		before = strlen(told);
		was_settled = is_settled();
		if (monitor->settled_at != MONITOR_NEVER)
			monitor->settled_at = 0;
		if (monitor->guests_at != MONITOR_NEVER)
			monitor->guests_at = 0;
		next(0);
	} while (!was_settled || !is_settled() || strlen(told) != before);
	return told;
}

/* ---- What is told -------------------------------------------------------------------------- */

START_TEST(what_was_there_before_is_no_event)
{
	ok(expose("10.128.0.13", GUEST, 0));
	ok(bridge_add("br0", NULL));
	watch(0);
	ck_assert_str_eq(events(), "");
	stop();
}
END_TEST

START_TEST(an_exposure_is_told_with_all_its_options_as_one)
{
	struct nestnet_prefix from = prefix_of("10.128.0.0/24");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_NO_LOCAL |
							   NESTNET_EXPOSE_OPEN,
						  .egress = NESTNET_EGRESS_ALIAS,
						  .comment = "web",
						  .from = &from,
						  .n_from = 1 };

	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose_with("10.128.0.13", GUEST, &options));
	ck_assert_str_eq(events(),
			 "+ expose 10.128.0.13 192.168.122.89 --egress alias "
			 "--no-local --open --from 10.128.0.0/24 --comment 'web'\n");
	ok(unexpose("10.128.0.13", 0));
	ck_assert_str_eq(events(),
			 "- expose 10.128.0.13 192.168.122.89 --egress alias "
			 "--no-local --open --from 10.128.0.0/24 --comment 'web'\n");
	stop();
}
END_TEST

/* Of each shape, by nestnet and by somebody's hand. */
static const struct {
	const char *alias, *target, *text, *hand, *by_hand;
} shapes[] = {
	{ "10.128.0.13", GUEST, "expose 10.128.0.13 192.168.122.89",
	  "nft add element inet nestnet addr_nolocal4 '{ 10.128.0.13 }'", " --no-local" },
	{ "10.128.0.13:80", GUEST, "expose 10.128.0.13:80/tcp 192.168.122.89",
	  "nft add element inet nestnet port_open4 '{ 10.128.0.13 . tcp . 80 }'",
	  " --open" },
	{ "10.128.0.13:80-90/udp", GUEST, "expose 10.128.0.13:80-90/udp 192.168.122.89",
	  "nft add element inet nestnet range_nolocal4 '{ 10.128.0.13 . udp . 80-90 }'",
	  " --no-local" },
	{ "10.128.0.13:80-81", GUEST ":90-91",
	  "expose 10.128.0.13:80-81/tcp 192.168.122.89:90-91",
	  "nft add element inet nestnet range_open4 '{ 10.128.0.13 . tcp . 80-81 }'",
	  " --open" },
	{ "*:80", GUEST, "expose *:80/tcp 192.168.122.89",
	  "nft add element inet nestnet any_open4 '{ tcp . 80 }'", " --open" },
	{ "10.128.0.12/30", "192.168.122.88/30",
	  "expose 10.128.0.12/30 192.168.122.88/30",
	  "nft add element inet nestnet pref_open4 '{ 10.128.0.12/30 }'", " --open" },
	{ "fd00::13", "fd01::89", "expose fd00::13 fd01::89",
	  "nft add element inet nestnet addr_nolocal6 '{ fd00::13 }'", " --no-local" },
	{ "[fd00::13]:80", "fd01::89", "expose [fd00::13]:80/tcp fd01::89",
	  "nft add element inet nestnet port_nolocal6 '{ fd00::13 . tcp . 80 }'",
	  " --no-local" },
};

START_TEST(an_exposure_of_each_shape_is_told_and_what_a_hand_makes_of_it)
{
	char want[1024];

	/* All sets are there, for the hand. */
	ok(expose("10.128.0.99:80", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	ok(unexpose("10.128.0.99:80", 0));
	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose(shapes[_i].alias, shapes[_i].target, NESTNET_EXPOSE_NO_FORWARD));
	snprintf(want, sizeof(want), "+ %s\n", shapes[_i].text);
	ck_assert_str_eq(events(), want);
	sh("%s", shapes[_i].hand);
	snprintf(want, sizeof(want), "- %s\n+ %s%s\n", shapes[_i].text, shapes[_i].text,
		 shapes[_i].by_hand);
	ck_assert_str_eq(events(), want);
	sh("nft flush ruleset");
	snprintf(want, sizeof(want), "- %s%s\n", shapes[_i].text, shapes[_i].by_hand);
	ck_assert_str_eq(events(), want);
	stop();
}
END_TEST

START_TEST(only_what_is_asked_for_is_told)
{
	watch(NESTNET_MONITOR_NAT | NESTNET_MONITOR_BRIDGES);
	ok(expose("10.128.0.13", GUEST, 0));
	ok(tap_add("tap0", NULL));
	ok(nat_add("192.168.122.0/24", NULL));
	ok(bridge_add("br0", NULL));
	ck_assert_str_eq(events(), "+ bridge add br0\n+ nat add 192.168.122.0/24\n");
	stop();
}
END_TEST

START_TEST(what_comes_and_goes_between_two_looks_is_not_told)
{
	watch(0);
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	ok(unexpose("10.128.0.13", 0));
	ck_assert_str_eq(events(), "");
	stop();
}
END_TEST

START_TEST(an_exposure_for_a_time_is_told_to_end)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .timeout_ms = 700 };

	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose_with("10.128.0.13", GUEST, &options));
	ok(expose("10.128.0.14", GUEST, 0));
	next(5000);
	ck_assert_str_eq(told, "+ expose 10.128.0.13 192.168.122.89 --timeout 1s\n"
			       "+ expose 10.128.0.14 192.168.122.89\n");
	told[0] = '\0';
	next(5000);
	ck_assert_str_eq(told, "- expose 10.128.0.13 192.168.122.89 --timeout 1s\n");
	ck_assert_str_eq(exposures(), "10.128.0.14 > 192.168.122.89\n");
	stop();
}
END_TEST

START_TEST(a_clock_that_is_started_anew_runs_anew)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_REPLACE,
						  .timeout_ms = 500 };

	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose_with("10.128.0.13", GUEST, &options));
	next(5000);
	options.timeout_ms = 60000;
	ok(expose_with("10.128.0.13", GUEST, &options));
	told[0] = '\0';
	/* Until the first clock would have run down. */
	next(700);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(nestnet_monitor_next(monitor, 0, tell, NULL), 0);
	ok(unexpose("10.128.0.13", 0));
	next(5000);
	ck_assert_str_eq(told, "- expose 10.128.0.13 192.168.122.89 --timeout 60s\n");
	stop();
}
END_TEST

/* ---- The descriptor ------------------------------------------------------------------------ */

static bool is_readable(int timeout_ms)
{
	struct pollfd fd = { .fd = nestnet_monitor_fd(monitor), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

START_TEST(the_descriptor_alone_says_when_there_is_something)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .timeout_ms = 500 };
	unsigned int n = 0;

	watch(NESTNET_MONITOR_EXPOSURES);
	ck_assert(!is_readable(300));
	ok(expose_with("10.128.0.13", GUEST, &options));
	while (!strstr(told, "- expose")) {
		ck_assert_uint_lt(n++, 50);
		ck_assert(is_readable(5000));
		next(0);
	}
	/* Afterwards the kernel tells of what ends with a delay, and then nothing is left. */
	while (is_readable(100)) {
		ck_assert_uint_lt(n++, 100);
		next(0);
	}
	stop();
}
END_TEST

START_TEST(what_was_not_told_is_told_by_the_next_call)
{
	watch(NESTNET_MONITOR_EXPOSURES | NESTNET_MONITOR_BRIDGES);
	ok(bridge_add("br0", NULL));
	ok(expose("10.128.0.13", GUEST, 0));
	ok(expose("10.128.0.14", GUEST, 0));
	answer = 7;
	ck_assert_int_eq(nestnet_monitor_next(monitor, 5000, tell, NULL), 7);
	ck_assert_str_eq(told, "+ bridge add br0\n");
	answer = -3;
	ck_assert_int_eq(nestnet_monitor_next(monitor, 5000, tell, NULL), -3);
	answer = 0;
	next(5000);
	ck_assert_str_eq(told, "+ bridge add br0\n+ expose 10.128.0.13 192.168.122.89\n"
			       "+ expose 10.128.0.14 192.168.122.89\n");
	ck_assert_str_eq(events(), "");
	stop();
}
END_TEST

START_TEST(of_a_change_that_was_told_by_half_the_other_half_is_told_later)
{
	ok(expose("10.128.0.13", GUEST, 0));
	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose("10.128.0.13", GUEST2, NESTNET_EXPOSE_REPLACE));
	answer = 1;
	ck_assert_int_eq(nestnet_monitor_next(monitor, 5000, tell, NULL), 1);
	ck_assert_str_eq(told, "- expose 10.128.0.13 192.168.122.89\n");
	answer = 0;
	ck_assert_str_eq(events(), "+ expose 10.128.0.13 192.168.122.90\n");
	stop();
}
END_TEST

START_TEST(options_that_are_wrong_are_refused)
{
	struct nestnet_monitor_options options = { .size = 3 };

	monitor = NULL;
	ck_assert_int_eq(nestnet_monitor_new(ctx, &options, &monitor), -EINVAL);
	options = (struct nestnet_monitor_options){ .size = sizeof(options),
						    .kinds = 1u << 8 };
	refused(nestnet_monitor_new(ctx, &options, &monitor), EINVAL,
		"monitor: no such kind");
	options = (struct nestnet_monitor_options){ .size = sizeof(options), .flags = 1 };
	ck_assert_int_eq(nestnet_monitor_new(ctx, &options, &monitor), -EINVAL);
	ck_assert_ptr_null(monitor);
}
END_TEST

/* ---- Losses -------------------------------------------------------------------------------- */

static bool is_overrun;

/* Takes what the kernel has sent, and says that it was lost. */
static ssize_t lose(void *userdata, int fd, void *bytes, size_t size)
{
	(void)userdata;
	if (is_overrun) {
		is_overrun = false;
		while (recv(fd, bytes, size, MSG_DONTWAIT) > 0)
			continue;
		errno = ENOBUFS;
		return -1;
	}
	return recv(fd, bytes, size, MSG_DONTWAIT);
}

static const struct netlink_transport losing = { .receive = lose };

START_TEST(what_was_lost_is_said_and_what_changed_is_told)
{
	ok(expose("10.128.0.13", GUEST, 0));
	ok(bridge_add("br0", NULL));
	watch(NESTNET_MONITOR_EXPOSURES | NESTNET_MONITOR_BRIDGES);
	netlink_set_transport(monitor->filter, &losing, NULL);
	is_overrun = true;
	ok(unexpose("10.128.0.13", 0));
	ok(expose("10.128.0.14", GUEST, 0));
	ck_assert_str_eq(events(),
			 "!  # notifications were lost; the state was read anew\n"
			 "- expose 10.128.0.13 192.168.122.89\n"
			 "+ expose 10.128.0.14 192.168.122.89\n");
	ok(expose("10.128.0.15", GUEST, 0));
	ck_assert_str_eq(events(), "+ expose 10.128.0.15 192.168.122.89\n");
	stop();
}
END_TEST

/* ---- While it looks ------------------------------------------------------------------------ */

static struct stepping_in {
	unsigned int n; /* before the n-th message from now; 0: never again */
	const char *command;
} stepping_in;

static ssize_t step_in(void *userdata, int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	(void)userdata;
	if (stepping_in.n > 0 && --stepping_in.n == 0)
		sh("%s", stepping_in.command);
	return sendto(fd, bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

static ssize_t receive(void *userdata, int fd, void *bytes, size_t size)
{
	(void)userdata;
	return recv(fd, bytes, size, MSG_DONTWAIT);
}

static const struct netlink_transport stepping = { .send = step_in, .receive = receive };

/* The events since the beginning come to just what is there. */
static void adds_up(const char *before)
{
	struct {
		char text[128];
		int n;
	} sums[16] = { { "", 0 } };
	char *copy = strdup(before), *at = copy, *line;
	size_t n = 0;

	while ((line = strsep(&at, "\n"))) {
		size_t i = 0;

		if (line[0] != '+' && line[0] != '-')
			continue;
		while (i < n && strcmp(sums[i].text, line + 2) != 0)
			i++;
		ck_assert_uint_lt(i, ARRAY_LEN(sums));
		snprintf(sums[i].text, sizeof(sums[i].text), "%s", line + 2);
		n = i == n ? n + 1 : n;
		sums[i].n += line[0] == '+' ? 1 : -1;
		ck_assert_msg(sums[i].n == 0 || sums[i].n == 1, "%s", before);
	}
	for (size_t i = 0; i < n; i++) {
		char alias[64] = "";

		(void)sscanf(sums[i].text, "expose %63s", alias);
		ck_assert_msg((strstr(exposures(), alias) != NULL) == (sums[i].n == 1),
			      "%s of %s", sums[i].text, before);
	}
	free(copy);
}

/* As many messages as a look of this kind has, and some more. */
START_TEST(a_change_while_it_looks_is_told_once)
{
	static const char *const commands[] = {
		"nft flush ruleset",
		"nft delete element inet nestnet addr4 '{ 10.128.0.14 }'",
		("nft 'add element inet nestnet addr4 { 10.128.0.15 : 192.168.122.89 }; "
		 "delete element inet nestnet addr4 { 10.128.0.13 }'"),
	};

	for (unsigned int n = 1; n < 24; n += 1 + n / 6) {
		static char all[sizeof(told)];

		netns_fresh();
		watch(NESTNET_MONITOR_EXPOSURES);
		ok(expose("10.128.0.13", GUEST, 0));
		snprintf(all, sizeof(all), "%s", events());
		ok(expose("10.128.0.14", GUEST, 0));
		netlink_set_transport(ctx->filter, &stepping, NULL);
		stepping_in = (struct stepping_in){ .n = n, .command = commands[_i] };
		strncat(all, events(), sizeof(all) - strlen(all) - 1);
		stepping_in.n = 0;
		adds_up(all);
		ck_assert_ptr_nonnull(strstr(all, "+ expose 10.128.0.13 "));
		stop();
	}
}
END_TEST

START_TEST(of_two_monitors_each_is_told_all)
{
	struct nestnet_monitor *first;

	watch(NESTNET_MONITOR_EXPOSURES);
	first = monitor;
	watch(NESTNET_MONITOR_EXPOSURES);
	ok(expose("10.128.0.13", GUEST, 0));
	ck_assert_str_eq(events(), "+ expose 10.128.0.13 192.168.122.89\n");
	stop();
	monitor = first;
	ck_assert_str_eq(events(), "+ expose 10.128.0.13 192.168.122.89\n");
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("monitor");
	TCase *told_case = netns_case(suite, "told", 30);
	TCase *descriptor = netns_case(suite, "descriptor", 30);
	TCase *losses = netns_case(suite, "losses", 60);

	tcase_add_test(told_case, what_was_there_before_is_no_event);
	tcase_add_test(told_case, an_exposure_is_told_with_all_its_options_as_one);
	add_table_test(told_case,
		       an_exposure_of_each_shape_is_told_and_what_a_hand_makes_of_it,
		       shapes);
	tcase_add_test(told_case, only_what_is_asked_for_is_told);
	tcase_add_test(told_case, what_comes_and_goes_between_two_looks_is_not_told);
	tcase_add_test(told_case, an_exposure_for_a_time_is_told_to_end);
	tcase_add_test(told_case, a_clock_that_is_started_anew_runs_anew);
	tcase_add_test(told_case, of_two_monitors_each_is_told_all);
	tcase_add_test(descriptor, the_descriptor_alone_says_when_there_is_something);
	tcase_add_test(descriptor, what_was_not_told_is_told_by_the_next_call);
	tcase_add_test(descriptor,
		       of_a_change_that_was_told_by_half_the_other_half_is_told_later);
	tcase_add_test(descriptor, options_that_are_wrong_are_refused);
	tcase_add_test(losses, what_was_lost_is_said_and_what_changed_is_told);
	tcase_add_loop_test(losses, a_change_while_it_looks_is_told_once, 0, 3);
	return netns_run(suite);
}
