/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A batch that the kernel refuses, and what is sent at all. Every other failure of every
 * verb is in test-fault.c, which takes longer than a check may. */

#include "faults.h"
#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

/* ---- The one that the design names ------------------------------------------------------------------ */

static struct nestnet_transaction *bridge_and_subnet(void)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	add_nat(tx, "192.168.122.0/24", 0);
	return tx;
}

START_TEST(commit_rolls_back_bridge_when_nat_fails)
{
	char *before;

	sh("ip link add eth0 type veth peer name ext0");
	before = snapshot();
	faults_arm(ctx, FAULT_BATCH, 1);
	refused(commit(bridge_and_subnet()), ENOENT,
		"bridge add br0 --address 192.168.122.1/24 --mac 02:00:00:00:00:b0 and 2 "
		"more: change table inet nestnet: No such file or directory");
	ck_assert(faults_disarm());
	snapshots_equal(before, NULL, "the commit");
	ok(commit(bridge_and_subnet()));
	ck_assert_str_eq(bridges(), "br0 mtu=1500 192.168.122.1/24\n");
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
	free(before);
}
END_TEST

START_TEST(the_half_of_ipv6_goes_again_where_its_first_exposure_fails)
{
	ok(expose("10.128.0.13", GUEST, 0));
	faults_arm(ctx, FAULT_WRITE, 1);
	changes_but_generation(ck_assert_int_lt(expose("fd10:128::13", "fd12::89", 0), 0));
	ck_assert(faults_disarm());
	ok(expose("fd10:128::13", "fd12::89", 0));
	ok(expose("10.128.0.14", GUEST2, 0));
	sh("nft list ruleset | nft -c -f -");
}
END_TEST

START_TEST(the_rest_of_ipv4_goes_again_where_its_first_exposure_fails)
{
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	faults_arm(ctx, FAULT_WRITE, 1);
	changes_but_generation(ck_assert_int_lt(expose("10.128.0.14:80", GUEST, 0), 0));
	ck_assert(faults_disarm());
	ok(expose("10.128.0.14:80", GUEST, 0));
	sh("nft list ruleset | nft -c -f -");
}
END_TEST

/* ---- What ends by itself ----------------------------------------------------------------- */

static void add_for_a_moment(struct nestnet_transaction *tx, const char *alias,
			     const char *target)
{
	const unsigned int flags = NESTNET_EXPOSE_NO_FORWARD;
	const struct nestnet_expose_options options = { .size = sizeof(options),
							.flags = flags,
							.timeout_ms = 200 };
	struct nestnet_endpoint from = alias_of(alias), to = target_of(target);

	ok(nestnet_expose(tx, &from, &to, &options));
}

/* Until it has ended. */
static void wait_once(void *userdata)
{
	bool *has_waited = userdata;

	if (!*has_waited)
		sh("sleep 0.3");
	*has_waited = true;
}

/* An end that comes by itself is no new generation: the kernel just does not find it. */
START_TEST(an_exposure_that_ends_by_itself_meanwhile_is_not_there)
{
	struct nestnet_transaction *tx = begin();
	bool has_waited = false;

	add_for_a_moment(tx, "10.128.0.13", GUEST);
	ok(commit(tx));
	faults_before_batch(ctx, wait_once, &has_waited);
	refused(unexpose("10.128.0.13", 0), ENOENT, "unexpose 10.128.0.13: not exposed");
	ok(expose("10.128.0.13", GUEST2, NESTNET_EXPOSE_NO_FORWARD));
}
END_TEST

START_TEST(what_ends_by_itself_meanwhile_is_replaced_all_the_same)
{
	const unsigned int flags = NESTNET_EXPOSE_REPLACE | NESTNET_EXPOSE_NO_FORWARD;
	struct nestnet_transaction *tx = begin();
	bool has_waited = false;

	add_for_a_moment(tx, "10.128.0.16/30", "192.168.122.16/30");
	ok(commit(tx));
	tx = begin();
	add_expose(tx, "10.128.0.13", GUEST2, 0);
	add_expose(tx, "10.128.0.16/30", "192.168.122.20/30", flags);
	faults_before_batch(ctx, wait_once, &has_waited);
	ok(commit(tx));
	ck_assert_uint_eq(faults_batches(), 2);
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.90\n"
				      "10.128.0.16/30 > 192.168.122.20/30\n");
}
END_TEST

/* ---- What another takes away -------------------------------------------------------------- */

static void clear_all(void)
{
	sh("ip link del tap0 2>/dev/null; nft flush ruleset");
}

static void add_guarded(struct nestnet_transaction *tx, uint32_t mtu)
{
	const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 1 } };
	const struct nestnet_tap_options options = {
		.size = sizeof(options), .guards = &guard, .n_guards = 1, .mtu = mtu
	};

	ok(nestnet_tap_add(tx, "tap0", &options));
	add_expose(tx, "10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD);
}

static void ask_to_add(struct nestnet_transaction *tx)
{
	add_guarded(tx, 1500);
}

static void ask_to_change(struct nestnet_transaction *tx)
{
	ok(nestnet_transaction_set_exact(tx));
	add_guarded(tx, 1400);
}

static void ask_to_delete(struct nestnet_transaction *tx)
{
	ok(nestnet_tap_del(tx, "tap0", NESTNET_IF_EXISTS));
	add_expose(tx, "10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD);
}

static void clear_before(unsigned int n, bool is_there,
			 void (*ask)(struct nestnet_transaction *tx))
{
	struct nestnet_transaction *tx = begin();

	if (is_there) {
		ask_to_add(tx);
		ok(commit(tx));
		tx = begin();
	}
	ask(tx);
	faults_before_send(ctx, n, clear_all);
	ok(commit(tx));
}

/* Somebody's clear, which takes a tap away meanwhile: before each of the last messages. */
static void meets_a_clear(bool is_there, void (*ask)(struct nestnet_transaction *tx))
{
	unsigned int last;

	clear_before(UINT32_MAX, is_there, ask);
	last = faults_sends();
	ck_assert(!faults_disarm());
	clear_all();
	ck_assert_uint_ge(last, 9);
	for (unsigned int n = last - 8; n <= last; n++) {
		clear_before(n, is_there, ask);
		ck_assert(faults_disarm());
		clear_all();
	}
}

START_TEST(a_tap_that_is_cleared_while_it_is_made_is_made_again)
{
	meets_a_clear(false, ask_to_add);
}
END_TEST

START_TEST(a_tap_that_is_cleared_while_it_is_looked_at_is_made_again)
{
	meets_a_clear(true, ask_to_add);
}
END_TEST

START_TEST(a_tap_that_is_cleared_while_it_is_changed_is_made_again)
{
	meets_a_clear(true, ask_to_change);
}
END_TEST

START_TEST(a_tap_that_is_cleared_while_it_is_deleted_is_deleted)
{
	meets_a_clear(true, ask_to_delete);
}
END_TEST

/* ---- What is sent ------------------------------------------------------------------------------------- */

START_TEST(one_expose_sends_one_batch_and_no_dump)
{
	ok(expose("10.128.0.13", GUEST, 0));
	faults_arm(ctx, FAULT_NONE, 0);
	ok(expose("10.128.0.14", GUEST, 0));
	ok(expose("10.128.0.14:80", GUEST2, 0));
	ck_assert_uint_eq(faults_batches(), 2);
	ck_assert_uint_eq(faults_dumps(), 0);
	ok(unexpose("10.128.0.14", 0));
	ck_assert_uint_eq(faults_batches(), 3);
	/* Of flows that it had let in, where any are tracked. */
	ck_assert_uint_eq(faults_dumps(), 0);
	faults_disarm();
}
END_TEST

/* What one more exposure sends. */
static unsigned int sends_of_expose(const char *alias, const char *target)
{
	unsigned int sends;

	faults_arm(ctx, FAULT_NONE, 0);
	ok(expose(alias, target, 0));
	sends = faults_sends();
	ck_assert_uint_eq(faults_batches(), 1);
	ck_assert_uint_eq(faults_dumps(), 0);
	faults_disarm();
	return sends;
}

START_TEST(one_expose_sends_no_more_where_there_are_10000)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX];
	struct nestnet_transaction *tx = begin();
	unsigned int sends;

	ok(expose("10.128.0.13", GUEST, 0));
	sends = sends_of_expose("10.128.0.14", GUEST2);
	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(alias, sizeof(alias), "100.64.%u.%u", i / 250, i % 250 + 1);
		snprintf(target, sizeof(target), "172.16.%u.%u", i / 250, i % 250 + 1);
		add_expose(tx, alias, target, 0);
	}
	ok(commit(tx));
	ck_assert_uint_eq(sends_of_expose("10.128.0.15", "192.168.122.91"), sends);
}
END_TEST

START_TEST(what_is_so_already_sends_no_batch)
{
	ok(expose("10.128.0.13", GUEST, 0));
	ok(nat_add("192.168.122.0/24", NULL));
	faults_arm(ctx, FAULT_NONE, 0);
	ok(expose("10.128.0.13", GUEST, 0));
	ok(nat_add("192.168.122.0/24", NULL));
	ck_assert_int_eq(expose("10.128.0.13", GUEST2, 0), -EEXIST);
	ck_assert_int_eq(unexpose("10.128.0.14", 0), -ENOENT);
	ck_assert_int_eq(nat_del("192.168.0.0/16", 0), -ENOENT);
	ck_assert_uint_eq(faults_batches(), 0);
	faults_disarm();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rollback");
	TCase *tcase = netns_case(suite, "rollback", 20);

	tcase_add_test(tcase, commit_rolls_back_bridge_when_nat_fails);
	tcase_add_test(tcase, the_half_of_ipv6_goes_again_where_its_first_exposure_fails);
	tcase_add_test(tcase,
		       the_rest_of_ipv4_goes_again_where_its_first_exposure_fails);
	tcase_add_test(tcase, an_exposure_that_ends_by_itself_meanwhile_is_not_there);
	tcase_add_test(tcase, what_ends_by_itself_meanwhile_is_replaced_all_the_same);
	tcase_add_test(tcase, a_tap_that_is_cleared_while_it_is_made_is_made_again);
	tcase_add_test(tcase, a_tap_that_is_cleared_while_it_is_looked_at_is_made_again);
	tcase_add_test(tcase, a_tap_that_is_cleared_while_it_is_changed_is_made_again);
	tcase_add_test(tcase, a_tap_that_is_cleared_while_it_is_deleted_is_deleted);
	tcase_add_test(tcase, one_expose_sends_one_batch_and_no_dump);
	tcase_add_test(tcase, one_expose_sends_no_more_where_there_are_10000);
	tcase_add_test(tcase, what_is_so_already_sends_no_batch);
	return netns_run(suite);
}
