/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures that go with a tap, whichever way it ends. */

#include "faults.h"
#include "frames.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A tap and exposures that go with it, in one transaction; the name may be a pattern. */
static void open_exposed(const char *name, const char *alias, const char *target, int *fd)
{
	struct nestnet_endpoint from = alias_of(alias), to = target_of(target);
	struct nestnet_expose_options options = { .size = sizeof(options), .tap = name };
	struct nestnet_tap_options tap = ephemeral(NULL);
	struct nestnet_transaction *tx = begin();

	ok(nestnet_tap_add(tx, name, &tap));
	ok(nestnet_expose(tx, &from, &to, &options));
	ok(nestnet_transaction_commit(tx));
	ok(nestnet_transaction_take_fds(tx, 0, fd, 1));
	nestnet_transaction_free(tx);
}

static int expose_by(const char *alias, const char *target, const char *tap)
{
	struct nestnet_expose_options options = { .size = sizeof(options), .tap = tap };

	return expose_with(alias, target, &options);
}

static int print_tap(void *userdata, const struct nestnet_exposure *exposure)
{
	char *text = userdata;
	size_t len = strlen(text);

	snprintf(text + len, 400 - len, "%s%s %s", len ? ", " : "", exposure->id,
		 exposure->tap ? exposure->tap : "-");
	return 0;
}

/* "ALIAS TAP, ALIAS TAP" */
static const char *ties(void)
{
	static char text[400];

	text[0] = '\0';
	ok(nestnet_exposure_list(ctx, NULL, print_tap, text));
	return text;
}

START_TEST(an_exposure_says_which_tap_it_goes_with)
{
	int fd;

	open_exposed("vm%d", "10.128.0.13", "192.168.122.89", &fd);
	ok(expose_by("10.128.0.14:80", "192.168.122.89", "vm0"));
	ok(expose("10.128.0.15", "192.168.122.90", 0));
	ck_assert_str_eq(ties(),
			 "10.128.0.13 vm0, 10.128.0.14:80/tcp vm0, 10.128.0.15 -");
	sh("nft list set inet nestnet addr_tap4 | "
	   "grep -qE '10.128.0.13 comment \"[0-9]+ vm0\"'");
	sh("nft list table inet nestnet | nft -c -f -");
	changes_nothing(ok(expose_by("10.128.0.14:80", "192.168.122.89", "vm0")));
	/* Kernels before 6.2 rename no interface that is up. */
	sh("ip link set vm0 down; ip link set vm0 name other");
	ck_assert_str_eq(ties(),
			 "10.128.0.13 other, 10.128.0.14:80/tcp other, 10.128.0.15 -");
	changes_nothing(ok(expose_by("10.128.0.14:80", "192.168.122.89", "other")));
	close_all(&fd, 1);
}
END_TEST

START_TEST(who_exposes_something_else_reads_none_of_them)
{
	unsigned int sends;
	char alias[40];
	int fd;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	faults_arm(ctx, FAULT_NONE, 0);
	ok(expose("10.128.0.14", "192.168.122.90", 0));
	sends = faults_sends();
	for (int i = 0; i < 50; i++) {
		snprintf(alias, sizeof(alias), "10.128.1.%d", i);
		ok(expose_by(alias, "192.168.122.89", "vm0"));
	}
	close_all(&fd, 1);
	faults_arm(ctx, FAULT_NONE, 0);
	ok(expose("10.128.0.15", "192.168.122.90", 0));
	ck_assert_uint_le(faults_sends(), sends);
	ck_assert_uint_eq(faults_dumps(), 0);
	faults_disarm();
}
END_TEST

/* What a tap's end leaves, until somebody has to do with taps. */
START_TEST(its_exposures_go_with_the_next_ephemeral_tap)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	int fd, other, next;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	open_exposed("vm1", "10.128.0.14", "192.168.122.90", &other);
	ok(expose("10.128.0.15", "192.168.122.91", 0));
	close_all(&fd, 1);
	ck_assert_str_eq(ties(), "10.128.0.13 , 10.128.0.14 vm1, 10.128.0.15 -");
	ok(expose("10.128.0.16", "192.168.122.91", 0));
	ck_assert_str_eq(ties(), "10.128.0.13 , 10.128.0.14 vm1, 10.128.0.15 -, "
				 "10.128.0.16 -"); /* it costs nothing */
	add_open("vm2", &options, &next);
	ck_assert_str_eq(ties(), "10.128.0.14 vm1, 10.128.0.15 -, 10.128.0.16 -");
	sh("! nft list table inet nestnet | grep -q 192.168.122.89");
	close_all(&next, 1);
	close_all(&other, 1);
}
END_TEST

START_TEST(its_exposures_go_with_the_next_of_the_kind)
{
	int fd, other;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	open_exposed("vm1", "10.128.0.14", "192.168.122.90", &other);
	close_all(&fd, 1);
	ok(expose_by("10.128.0.15", "192.168.122.90", "vm1"));
	ck_assert_str_eq(ties(), "10.128.0.14 vm1, 10.128.0.15 vm1");
	close_all(&other, 1);
}
END_TEST

START_TEST(its_exposures_go_at_once_where_the_tap_is_deleted)
{
	int fd;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	ok(expose_by("[2001:db8::13]:80", "2001:db8:1::89", "vm0"));
	close_all(&fd, 1);
	ok(tap_del("vm0", NESTNET_IF_EXISTS));
	ck_assert_str_eq(ties(), "");

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	ok(tap_del("vm0", 0)); /* while it is open */
	ck_assert_str_eq(ties(), "");
	close_all(&fd, 1);

	ok(tap_add("tap0", NULL)); /* a persistent one */
	ok(expose_by("10.128.0.13", "192.168.122.89", "tap0"));
	ok(tap_del("tap0", 0));
	ck_assert_str_eq(ties(), "");
}
END_TEST

START_TEST(each_shape_of_alias_goes_with_a_tap)
{
	static const char *const pairs[][2] = {
		{ "10.128.0.13", "192.168.122.89" },
		{ "10.128.0.14:80", "192.168.122.89:8080" },
		{ "10.128.0.14:8000-8010/udp", "192.168.122.89" },
		{ "10.128.0.14:9000-9002", "192.168.122.89:7000-7002" },
		{ "*:8080", "192.168.122.89:80" },
		{ "10.128.1.0/30", "192.168.123.0/30" },
		{ "2001:db8::13", "2001:db8:1::89" },
		{ "[2001:db8::14]:80", "2001:db8:1::89" },
		{ "*:8080", "[2001:db8:1::89]:80" },
		{ "2001:db8:2::/64", "2001:db8:3::/64" },
	};
	struct nestnet_tap_options options = ephemeral(NULL);
	int fd;

	/* These make the tables, and turn forwarding on. */
	ok(expose("10.128.0.99", "192.168.122.99", 0));
	ok(expose("10.128.0.99:80", "192.168.122.99", 0));
	ok(unexpose("10.128.0.99:80", 0));
	ok(expose("2001:db8::99", "2001:db8:1::99", 0));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *before = snapshot();

		add_open("vm0", &options, &fd);
		ok(expose_by(pairs[i][0], pairs[i][1], "vm0"));
		ck_assert_ptr_nonnull(strstr(ties(), " vm0"));
		changes_nothing(ok(expose_by(pairs[i][0], pairs[i][1], "vm0")));
		close_all(&fd, 1);
		ok(tap_del("vm0", NESTNET_IF_EXISTS));
		ck_assert_str_eq(ties(), "10.128.0.99 -, 2001:db8::99 -");
		snapshots_equal(before, NULL, pairs[i][0]);
		free(before);
	}
}
END_TEST

START_TEST(the_alias_of_a_tap_that_is_gone_is_free)
{
	int fd;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	changes_nothing(refused(expose("10.128.0.13", "192.168.122.90", 0), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"(--replace changes it)"));
	changes_nothing(refused(
		expose("10.128.0.13", "192.168.122.89", 0), EEXIST,
		"expose 10.128.0.13: already exposed to 192.168.122.89 with --tap vm0 "
		"(--replace changes it)"));
	close_all(&fd, 1);
	ok(expose("10.128.0.13", "192.168.122.90", 0));
	ck_assert_str_eq(ties(), "10.128.0.13 -");
	sh("! nft list table inet nestnet | grep -q 192.168.122.89");
	/* Another tap of that name is another tap. */
	open_exposed("vm0", "10.128.0.14", "192.168.122.89", &fd);
	close_all(&fd, 1);
	open_exposed("vm0", "10.128.0.15", "192.168.122.89", &fd);
	ck_assert_str_eq(ties(), "10.128.0.13 -, 10.128.0.15 vm0");
	close_all(&fd, 1);
}
END_TEST

/* To the namespace of a child, which ends with it. */
static void move_away(const char *name)
{
	int ready[2];
	char c;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	sh("ip link set %s netns %d", name, (int)child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

START_TEST(a_tap_that_moves_to_another_namespace_is_gone_from_this_one)
{
	int fd;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	move_away("vm0");
	ck_assert_str_eq(ties(), "10.128.0.13 ");
	ok(tap_del("vm0", NESTNET_IF_EXISTS));
	ck_assert_str_eq(ties(), "");
	close_all(&fd, 1);
}
END_TEST

START_TEST(a_tap_that_there_is_not_is_refused)
{
	struct nestnet_endpoint from = alias_of("10.128.0.13"),
				to = target_of("192.168.122.89");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .tap = "vm%d" };
	struct nestnet_transaction *tx;

	ok(expose("10.128.0.20", "192.168.122.20", 0));
	changes_nothing(refused(expose_by("10.128.0.13", "192.168.122.89", "vm0"), ENODEV,
				"expose 10.128.0.13: tap vm0: No such device"));
	changes_nothing(refused(expose_by("10.128.0.13", "192.168.122.89", "lo"), ENODEV,
				"expose 10.128.0.13: tap lo: it is no tap"));
	changes_nothing(refused(
		expose_by("10.128.0.13", "192.168.122.89", "vm%d"), ENODEV,
		"expose 10.128.0.13: tap vm%d: no tap of that name is added before"));
	tx = begin();
	options.tap = "x;$(id)";
	refused(nestnet_expose(tx, &from, &to, &options), EINVAL,
		"expose 10.128.0.13: tap 'x;$(id)': an interface name is of letters, digits and _ . -");
	nestnet_transaction_free(tx);
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	options.tap = "vm0";
	refused(nestnet_expose(tx, &from, &to, &options), EINVAL,
		"expose 10.128.0.13 192.168.122.89 --tap vm0: no exposure of a whole "
		"state "
		"goes with a tap");
	nestnet_transaction_free(tx);
}
END_TEST

static int count(void *userdata, char op, const char *command)
{
	(void)op;
	(void)command;
	(*(int *)userdata)++;
	return 0;
}

START_TEST(a_whole_state_leaves_what_goes_with_a_tap_until_it_is_gone)
{
	struct nestnet_transaction *tx;
	int fd, n = 0;

	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	ok(nestnet_save(ctx, count, &n));
	ck_assert_int_eq(n, 1); /* forwarding */
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	ok(commit(tx));
	ck_assert_str_eq(ties(), "10.128.0.13 vm0");
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	add_expose(tx, "10.128.0.13", "192.168.122.90", 0);
	refused(commit(tx), EEXIST,
		"expose 10.128.0.13: exposed to 192.168.122.89 by a program, for as long "
		"as "
		"its tap vm0 is there");
	close_all(&fd, 1);
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	ok(commit(tx));
	ck_assert_str_eq(ties(), "");
	open_exposed("vm0", "10.128.0.13", "192.168.122.89", &fd);
	ok(clear());
	ck_assert_str_eq(ties(), "");
	close_all(&fd, 1);
}
END_TEST

START_TEST(a_commit_that_fails_leaves_neither_tap_nor_exposure)
{
	struct nestnet_endpoint from = alias_of("10.128.0.13"),
				to = target_of("192.168.122.89");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .tap = "vm%d" };
	struct nestnet_tap_options tap = ephemeral("br9");
	struct nestnet_transaction *tx = begin();

	ok(expose("10.128.0.20", "192.168.122.20", 0));
	ok(nestnet_tap_add(tx, "vm%d", &tap));
	ok(nestnet_expose(tx, &from, &to, &options));
	changes_nothing(
		refused(commit(tx), ENODEV, "tap add vm%d: bridge br9: No such device"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exposures of taps");
	TCase *tcase = netns_case(suite, "exposures of taps", 20);

	tcase_add_test(tcase, an_exposure_says_which_tap_it_goes_with);
	tcase_add_test(tcase, who_exposes_something_else_reads_none_of_them);
	tcase_add_test(tcase, its_exposures_go_with_the_next_ephemeral_tap);
	tcase_add_test(tcase, its_exposures_go_with_the_next_of_the_kind);
	tcase_add_test(tcase, its_exposures_go_at_once_where_the_tap_is_deleted);
	tcase_add_test(tcase, each_shape_of_alias_goes_with_a_tap);
	tcase_add_test(tcase, the_alias_of_a_tap_that_is_gone_is_free);
	tcase_add_test(tcase,
		       a_tap_that_moves_to_another_namespace_is_gone_from_this_one);
	tcase_add_test(tcase, a_tap_that_there_is_not_is_refused);
	tcase_add_test(tcase, a_whole_state_leaves_what_goes_with_a_tap_until_it_is_gone);
	tcase_add_test(tcase, a_commit_that_fails_leaves_neither_tap_nor_exposure);
	return netns_run(suite);
}
