/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions that are a whole state, and what save says of it. */

#include "netns.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GUEST "192.168.122.89"

static struct nestnet_transaction *whole(void)
{
	struct nestnet_transaction *tx = begin();

	ok(nestnet_transaction_set_exact(tx));
	return tx;
}

static struct nestnet_transaction *network(void)
{
	struct nestnet_transaction *tx = whole();

	add_expose(tx, "10.128.0.14:80", GUEST ":8000", NESTNET_EXPOSE_OPEN);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_nat(tx, "192.168.122.0/24", 0);
	add_tap(tx, "tap0", "br0");
	add_bridge(tx, "br0", "192.168.122.1/24");
	return tx;
}

/* ---- Requests ---------------------------------------------------------------------------------- */

START_TEST(it_begins_before_the_first_request)
{
	struct nestnet_transaction *tx = begin();

	add_expose(tx, "10.128.0.13", GUEST, 0);
	refused(nestnet_transaction_set_exact(tx), EINVAL,
		"a whole state begins before its first request");
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(what_removes_is_no_part_of_it)
{
	struct nestnet_transaction *tx = whole();
	struct nestnet_endpoint alias = alias_of("10.128.0.13");

	ck_assert_int_eq(nestnet_unexpose(tx, &alias, 0), -EINVAL);
	ck_assert_int_eq(nestnet_unexpose_target(tx, NULL, 0), -EINVAL);
	ck_assert_int_eq(nestnet_tap_del(tx, "tap0", 0), -EINVAL);
	ck_assert_int_eq(nestnet_bridge_del(tx, "br0", 0), -EINVAL);
	ck_assert_int_eq(nestnet_bridge_detach(tx, "vnet0", 0), -EINVAL);
	ck_assert_int_eq(nestnet_clear(tx), -EINVAL);
	ck_assert_int_eq(nestnet_forward_set(tx, NULL, AF_INET, 0), -EINVAL);
	ck_assert_int_eq(nestnet_tap_add(tx, "tap%d", NULL), -EINVAL);
	ck_assert_uint_eq(nestnet_transaction_size(tx), 0);
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(an_object_is_said_once_and_who_contradicts_is_named)
{
	struct nestnet_endpoint alias = alias_of("10.128.0.13"), other = target_of("192.168.122.90");
	struct nestnet_transaction *tx = whole();

	add_tap(tx, "tap0", NULL);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.13", GUEST, NESTNET_EXPOSE_REPLACE);
	ck_assert_uint_eq(nestnet_transaction_size(tx), 2);
	refused(nestnet_expose(tx, &alias, &other, NULL), EINVAL,
		"expose 10.128.0.13 192.168.122.90: one object said in two ways");
	ck_assert_uint_eq(nestnet_transaction_culprit(tx), 1);
	ck_assert_uint_eq(nestnet_transaction_size(tx), 2);
	ck_assert_int_eq(nestnet_bridge_add(tx, "tap0", NULL), -EINVAL);
	ck_assert_uint_eq(nestnet_transaction_culprit(tx), 0);
	ok(commit(tx));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
}
END_TEST

START_TEST(a_thousand_objects_are_told_apart)
{
	struct nestnet_transaction *tx = whole();
	char alias[32];

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < 1000; i++) {
			snprintf(alias, sizeof(alias), "10.1.%u.%u", i / 250, i % 250 + 1);
			add_expose(tx, alias, GUEST, 0);
		}
	}
	ck_assert_uint_eq(nestnet_transaction_size(tx), 1000);
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(a_refused_commit_names_its_request)
{
	struct nestnet_transaction *tx = whole();

	sh("ip link add far type bridge");
	add_tap(tx, "tap0", NULL);
	add_bridge(tx, "far", "10.0.0.1/24");
	changes_nothing(refused(nestnet_transaction_commit(tx), EEXIST,
				"bridge add far: a bridge of that name exists, which nestnet did "
				"not make"));
	ck_assert_uint_eq(nestnet_transaction_culprit(tx), 1);
	nestnet_transaction_free(tx);
}
END_TEST

/* ---- Commits ----------------------------------------------------------------------------------- */

START_TEST(it_is_made_in_any_order_and_changes_nothing_again)
{
	ok(commit(network()));
	ck_assert_str_eq(bridges(), "br0 mtu=1500 192.168.122.1/24 port=tap0\n");
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n"
				      "10.128.0.14:80/tcp > 192.168.122.89:8000 open\n");
	changes_nothing(ok(commit(network())));
}
END_TEST

START_TEST(all_else_of_nestnets_goes_and_nothing_of_others)
{
	sh("ip link add far type bridge; nft add table inet other; ip tuntap add tap7 mode tap");
	ok(tap_add("tap1", NULL));
	ok(bridge_add("br1", NULL));
	ok(expose("10.9.0.0/24", "10.8.0.0/24", 0));
	ok(nat_add("192.168.99.0/24", NULL));
	ok(commit(network()));
	ck_assert_int_ne(sh_status("ip link show br1 2>&1"), 0);
	ck_assert_int_ne(sh_status("ip link show tap1 2>&1"), 0);
	ck_assert_int_eq(sh_status("ip link show tap7 >&2 && ip link show far >&2"), 0);
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
	ok(commit(whole()));
	ck_assert_str_eq(exposures(), "");
	ck_assert_int_eq(sh_status("ip link show tap7 >&2 && nft list table inet other >&2"), 0);
}
END_TEST

START_TEST(a_plan_of_it_says_what_the_commit_does)
{
	struct nestnet_transaction *tx = whole();

	ok(commit(network()));
	add_bridge(tx, "br0", "192.168.122.1/24");
	add_tap(tx, "tap0", NULL);
	changes_nothing(ck_assert_str_eq(
		plan_of(tx), "- expose 10.128.0.13 192.168.122.89\n"
			     "- expose 10.128.0.14:80/tcp 192.168.122.89:8000 --open\n"
			     "- nat add 192.168.122.0/24\n"
			     "- tap add tap0 --bridge br0\n"
			     "+ tap add tap0\n"));
	nestnet_transaction_free(tx);
}
END_TEST

/* ---- Saving ------------------------------------------------------------------------------------ */

static int gather(void *userdata, char op, const char *command)
{
	char *text = userdata;

	ck_assert_int_eq(op, '+');
	snprintf(text + strlen(text), 1024 - strlen(text), "%s\n", command);
	return 0;
}

static int stop(void *userdata, char op, const char *command)
{
	(void)op;
	(void)command;
	return ++*(int *)userdata == 2 ? 7 : 0;
}

START_TEST(save_says_all_in_one_order)
{
	char text[1024] = "";
	int n = 0;

	ok(commit(network()));
	changes_nothing(ok(nestnet_save(ctx, gather, text)));
	ck_assert_str_eq(text, "bridge add br0 --address 192.168.122.1/24 --mac "
			       "02:00:00:00:00:b0\n"
			       "nat add 192.168.122.0/24\n"
			       "tap add tap0 --bridge br0\n"
			       "expose 10.128.0.13 192.168.122.89\n"
			       "expose 10.128.0.14:80/tcp 192.168.122.89:8000 --open\n");
	ck_assert_int_eq(nestnet_save(ctx, stop, &n), 7);
	ck_assert_int_eq(n, 2);
}
END_TEST

START_TEST(save_says_that_forwarding_was_left_off)
{
	char text[1024] = "";

	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	ok(nestnet_save(ctx, gather, text));
	ck_assert_str_eq(text, "expose 10.128.0.13 192.168.122.89 --no-forward\n");
}
END_TEST

START_TEST(save_says_force_of_what_is_l1s_own)
{
	char text[1024] = "";

	sh("ip link add eth7 type bridge; ip link set eth7 up; ip addr add 10.128.0.2/24 dev eth7");
	ok(expose("10.128.0.2", GUEST, NESTNET_EXPOSE_FORCE));
	ok(nestnet_save(ctx, gather, text));
	ck_assert_str_eq(text, "expose 10.128.0.2 192.168.122.89 --force\n");
}
END_TEST

START_TEST(save_cuts_no_long_command)
{
	struct nestnet_prefix from[64];
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .from = from,
						  .n_from = 64 };
	struct nestnet_transaction *tx;
	size_t len = 0;

	for (unsigned int i = 0; i < 64; i++) {
		char text[64];

		snprintf(text, sizeof(text), "2001:db8:%x::1234:5678/128", i * 2);
		from[i] = prefix_of(text);
	}
	ok(expose_with("fd10::13", "fd12::89", &options));
	tx = whole();
	for (const char *at = plan_of(tx); (at = strstr(at, " --from 2001:db8:")) != NULL; at++)
		len++;
	ck_assert_uint_eq(len, 64);
	nestnet_transaction_free(tx);
}
END_TEST

/* ---- Others at the same time ------------------------------------------------------------------- */

static void *write_meanwhile(void *stop_flag)
{
	while (!*(volatile bool *)stop_flag)
		(void)sh_status("nft add table inet other; nft delete table inet other");
	return NULL;
}

START_TEST(it_is_whole_while_others_write)
{
	bool is_over = false;
	pthread_t other;

	ck_assert_int_eq(pthread_create(&other, NULL, write_meanwhile, &is_over), 0);
	for (unsigned int i = 0; i < 20; i++) {
		ok(commit(network()));
		ok(commit(whole()));
	}
	ok(commit(network()));
	is_over = true;
	pthread_join(other, NULL);
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n"
				      "10.128.0.14:80/tcp > 192.168.122.89:8000 open\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whole states");
	TCase *requests = netns_case(suite, "requests", 20);
	TCase *commits = netns_case(suite, "commits", 20);
	TCase *saving = netns_case(suite, "saving", 20);
	TCase *others = netns_case(suite, "others", 60);

	tcase_add_test(requests, it_begins_before_the_first_request);
	tcase_add_test(requests, what_removes_is_no_part_of_it);
	tcase_add_test(requests, an_object_is_said_once_and_who_contradicts_is_named);
	tcase_add_test(requests, a_thousand_objects_are_told_apart);
	tcase_add_test(requests, a_refused_commit_names_its_request);
	tcase_add_test(commits, it_is_made_in_any_order_and_changes_nothing_again);
	tcase_add_test(commits, all_else_of_nestnets_goes_and_nothing_of_others);
	tcase_add_test(commits, a_plan_of_it_says_what_the_commit_does);
	tcase_add_test(saving, save_says_all_in_one_order);
	tcase_add_test(saving, save_says_that_forwarding_was_left_off);
	tcase_add_test(saving, save_says_force_of_what_is_l1s_own);
	tcase_add_test(saving, save_cuts_no_long_command);
	tcase_add_test(others, it_is_whole_while_others_write);
	return netns_run(suite);
}
