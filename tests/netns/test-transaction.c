/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions of several requests: all or none, planned without a change, and taken back
 * by clear. */

#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GUEST "192.168.122.89"

static void add_attach(struct nestnet_transaction *tx, const char *bridge,
		       const char *ifname)
{
	ok(nestnet_bridge_attach(tx, bridge, ifname, 0));
}

/* A bridge with a tap and an interface in it, its subnet, and two exposures. */
static struct nestnet_transaction *whole_network(void)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	add_tap(tx, "tap0", "br0");
	add_attach(tx, "br0", "vnet0");
	add_nat(tx, "192.168.122.0/24", 0);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.14:80", GUEST ":8000", NESTNET_EXPOSE_OPEN);
	return tx;
}

static void make_veth(void)
{
	sh("ip link add vnet0 address 02:00:00:00:00:77 type veth peer name far0");
}

START_TEST(a_whole_network_is_made_by_one_commit)
{
	make_veth();
	ok(commit(whole_network()));
	ck_assert_str_eq(bridges(),
			 "br0 mtu=1500 192.168.122.1/24 port=vnet0 port=tap0\n");
	ck_assert_str_eq(taps(),
			 "tap0 bridge=br0 mtu=1500 queues=1 up hairpin owner=0\n");
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n"
				      "10.128.0.14:80/tcp > 192.168.122.89:8000 open\n");
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	changes_nothing(ok(commit(whole_network())));
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
}
END_TEST

START_TEST(clear_takes_a_whole_network_back)
{
	char *before;

	make_veth();
	set_setting("ipv4/conf/all/accept_redirects", 0);
	before = snapshot();
	ok(commit(whole_network()));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	changes_nothing(ok(clear()));
	free(before);
}
END_TEST

START_TEST(clear_leaves_what_is_not_ours)
{
	char *before;

	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip addr add 192.168.1.1/24 dev virbr0 && ip tuntap add dev tap7 mode tap && "
	   "ip link set tap7 master virbr0 && nft add table inet other && "
	   "nft add table ip nestnet && nft add chain inet other c");
	make_veth();
	before = snapshot();
	ok(commit(whole_network()));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(one_request_that_is_refused_refuses_all)
{
	struct nestnet_transaction *tx;

	make_veth();
	ok(expose("10.128.0.14:80", GUEST, 0));
	tx = whole_network(); /* exposes it otherwise, last of all */
	changes_nothing(
		refused(commit(tx), EEXIST,
			"expose 10.128.0.14:80/tcp: already exposed to 192.168.122.89 "
			"(--replace changes it)"));
	tx = begin();
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_tap(tx, "tap0", "br7");
	changes_nothing(
		refused(commit(tx), ENODEV, "tap add tap0: bridge br7: No such device"));
}
END_TEST

/* What the kernel refuses when bridge and exposures have been made: a tap has no room for
 * its bridge's MTU. */
START_TEST(a_link_that_the_kernel_refuses_takes_all_back)
{
	struct nestnet_bridge_options options = { .size = sizeof(options), .mtu = 65535 };
	struct nestnet_transaction *tx;

	make_veth();
	tx = begin();
	ok(nestnet_bridge_add(tx, "br0", &options));
	add_tap(tx, "tap0", NULL);
	add_tap(tx, "tap1", "br0");
	add_nat(tx, "192.168.122.0/24", 0);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	/* Two batches: the exposure's, and its reversal. */
	changes_but_generation(refused(
		commit(tx), EIO,
		"tap add tap1: set the MTU to 65535: Invalid argument (mtu greater "
		"than device maximum)"));
}
END_TEST

/* ---- One thing after another -------------------------------------------------------------------- */

START_TEST(later_requests_see_what_earlier_ones_change)
{
	struct nestnet_endpoint alias = alias_of("10.128.0.13");
	struct nestnet_prefix subnet = prefix_of("192.168.122.0/24");
	struct nestnet_transaction *tx;

	ok(expose("10.128.0.13", GUEST, 0));
	ok(nat_add("192.168.122.0/24", NULL));
	tx = begin();
	ok(nestnet_unexpose(tx, &alias, 0));
	add_expose(tx, "10.128.0.13", "192.168.122.90", 0);
	ok(nestnet_nat_del(tx, &subnet, 0));
	add_nat(tx, "192.168.0.0/16", 0);
	ok(commit(tx));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.90\n");
	ck_assert_str_eq(elements_of("guest4"), "192.168.122.90");
	ck_assert_str_eq(nats(), "192.168.0.0/16\n");
}
END_TEST

START_TEST(what_is_done_and_undone_in_one_transaction_changes_nothing)
{
	struct nestnet_endpoint alias = alias_of("10.128.0.13");
	struct nestnet_transaction *tx;

	ok(expose("10.128.0.14", GUEST, 0));
	tx = begin();
	add_expose(tx, "10.128.0.13", GUEST, 0);
	ok(nestnet_unexpose(tx, &alias, 0));
	changes_nothing(ok(commit(tx)));
}
END_TEST

START_TEST(one_alias_said_twice_otherwise_is_refused)
{
	struct nestnet_transaction *tx = begin();

	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.13", "192.168.122.90", 0);
	changes_nothing(refused(commit(tx), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"(--replace changes it)"));
}
END_TEST

START_TEST(one_request_said_twice_is_made_once)
{
	struct nestnet_transaction *tx = begin();

	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_nat(tx, "192.168.122.0/24", 0);
	add_nat(tx, "192.168.122.0/24", 0);
	ok(commit(tx));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
	ck_assert_str_eq(elements_of("guest_more4"), "");
}
END_TEST

/* Idempotence within a transaction: links are as exposures are. */
START_TEST(a_bridge_that_is_deleted_and_added_is_there_or_untouched)
{
	struct nestnet_transaction *tx;

	ok(bridge_add("br0", NULL));
	tx = begin();
	ok(nestnet_bridge_del(tx, "br0", 0));
	add_bridge(tx, "br0", "192.168.122.1/24");
	if (commit(tx) == 0)
		ck_assert_str_eq(bridges(), "br0 mtu=1500 192.168.122.1/24\n");
	else
		ck_assert_str_eq(bridges(), "br0 mtu=1500\n");
}
END_TEST

/* The last word counts, as on a command line. */
START_TEST(a_transaction_that_is_committed_again_changes_nothing)
{
	struct nestnet_transaction *tx;

	make_veth();
	tx = whole_network();
	ok(nestnet_transaction_commit(tx));
	changes_nothing(ok(nestnet_transaction_commit(tx)));
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(an_empty_transaction_changes_nothing)
{
	changes_nothing(ok(commit(begin())));
}
END_TEST

static bool is_in(const char *set, const char *address)
{
	return strstr(elements_of(set), address) != NULL;
}

static void add_for(struct nestnet_transaction *tx, const char *alias, const char *target,
		    unsigned int flags, uint64_t timeout_ms)
{
	const struct nestnet_expose_options options = { .size = sizeof(options),
							.timeout_ms = timeout_ms,
							.flags = flags };
	struct nestnet_endpoint from = alias_of(alias), to = target_of(target);

	ok(nestnet_expose(tx, &from, &to, &options));
}

static void add_timed(struct nestnet_transaction *tx, const char *alias,
		      const char *target, unsigned int flags)
{
	add_for(tx, alias, target, flags, 3600000);
}

static void remove_all(struct nestnet_transaction *tx, const char *one, const char *other)
{
	struct nestnet_endpoint first = alias_of(one), second = alias_of(other);

	ok(nestnet_unexpose(tx, &first, 0));
	ok(nestnet_unexpose(tx, &second, 0));
}

/* Targets of exposures that end by themselves are counted by nobody in the kernel. */
START_TEST(a_target_stays_as_it_is_for_as_long_as_one_of_its_exposures)
{
	struct nestnet_transaction *tx = begin();

	add_timed(tx, "10.128.0.13:80", "192.168.122.89:80", NESTNET_EXPOSE_COEXIST);
	add_timed(tx, "10.128.0.14:80", "192.168.122.89:80", NESTNET_EXPOSE_COEXIST);
	add_timed(tx, "10.128.0.15:80", "192.168.122.90:80", 0);
	add_timed(tx, "10.128.0.15:81", "192.168.122.90:81", NESTNET_EXPOSE_OPEN);
	ok(commit(tx));
	tx = begin();
	remove_all(tx, "10.128.0.13:80", "10.128.0.15:80");
	ok(commit(tx));
	ck_assert(is_in("guest_timed4", "192.168.122.89"));
	ck_assert(is_in("coexist_timed4", "192.168.122.89"));
	ck_assert(!is_in("guest_timed4", "192.168.122.90"));
	ck_assert(is_in("guest_open_timed4", "192.168.122.90"));

	tx = begin();
	remove_all(tx, "10.128.0.14:80", "10.128.0.15:81");
	add_timed(tx, "10.128.0.13:80", "192.168.122.89:80", 0);
	add_timed(tx, "10.128.0.14:80", "192.168.122.89:80", 0);
	remove_all(tx, "10.128.0.14:80", "10.128.0.13:80");
	add_timed(tx, "10.128.0.14:80", "192.168.122.89:80", 0);
	ok(commit(tx));
	ck_assert(is_in("guest_timed4", "192.168.122.89"));
	ck_assert_str_eq(elements_of("coexist_timed4"), "");
	ck_assert_str_eq(elements_of("guest_open_timed4"), "");
	ok(unexpose("10.128.0.14:80", 0));
	ck_assert_str_eq(elements_of("guest_timed4"), "");
}
END_TEST

static void ends_after_the_longest(uint64_t first_ms, uint64_t second_ms)
{
	struct nestnet_transaction *tx = begin();

	add_for(tx, "10.128.0.13:80", "192.168.122.89:80", 0, first_ms);
	add_for(tx, "10.128.0.14:80", "192.168.122.89:80", 0, second_ms);
	ok(commit(tx));
	ck_assert_msg(is_in("guest_timed4", "timeout 2h2s"), "closed: %s",
		      elements_of("guest_timed4"));
	ok(clear());
}

START_TEST(a_target_is_closed_for_the_longest_of_its_exposures_in_any_order)
{
	ends_after_the_longest(3600000, 7200000);
	ends_after_the_longest(7200000, 3600000);
}
END_TEST

START_TEST(a_prefix_is_closed_for_as_long_as_what_is_left_of_its_exposures)
{
	struct nestnet_transaction *tx = begin();

	add_expose(tx, "10.128.0.16/30", "192.168.122.96/30", 0);
	add_timed(tx, "10.128.0.20/30", "192.168.122.96/30", 0);
	ok(commit(tx));
	ck_assert_str_eq(elements_of("guest_pref4"), "192.168.122.96/30");
	ok(unexpose("10.128.0.16/30", 0));
	ck_assert_msg(is_in("guest_pref4", "192.168.122.96/30 timeout 1h"), "closed: %s",
		      elements_of("guest_pref4"));
	ok(expose("10.128.0.16/30", "192.168.122.96/30", 0));
	ck_assert_str_eq(elements_of("guest_pref4"), "192.168.122.96/30");
	ok(unexpose("10.128.0.20/30", 0));
	ck_assert_str_eq(elements_of("guest_pref4"), "192.168.122.96/30");
	ok(unexpose("10.128.0.16/30", 0));
	ck_assert_str_eq(elements_of("guest_pref4"), "");
}
END_TEST

/* ---- What does not go together ---------------------------------------------------------- */

static void ask_link(struct nestnet_transaction *tx, const char *verb, const char *name)
{
	const struct nestnet_tap_options isolated = { .size = sizeof(isolated),
						      .flags = NESTNET_TAP_ISOLATED,
						      .bridge = "br0" };
	struct nestnet_prefix alias = prefix_of("10.128.0.13");

	if (strcmp(verb, "tap") == 0)
		add_tap(tx, name, "br0");
	else if (strcmp(verb, "isolated") == 0)
		ok(nestnet_tap_add(tx, name, &isolated));
	else if (strcmp(verb, "no tap") == 0)
		ok(nestnet_tap_del(tx, name, NESTNET_IF_EXISTS));
	else if (strcmp(verb, "bridge") == 0)
		add_bridge(tx, name, "192.168.7.1/24");
	else if (strcmp(verb, "no bridge") == 0)
		ok(nestnet_bridge_del(tx, name, 0));
	else if (strcmp(verb, "attach") == 0)
		add_attach(tx, "br0", name);
	else if (strcmp(verb, "detach") == 0)
		ok(nestnet_bridge_detach(tx, name, NESTNET_IF_EXISTS));
	else if (strcmp(verb, "alias") == 0)
		ok(nestnet_alias_add(tx, &alias, name, 0));
	else if (strcmp(verb, "no alias") == 0)
		ok(nestnet_alias_del(tx, &alias, NESTNET_IF_EXISTS));
	else
		ok(nestnet_forward_set(tx, name, AF_INET, strcmp(verb, "forward") == 0));
}

static const struct {
	const char *first, *first_name, *second, *second_name, *sentence, *why;
} opposites[] = {
	{ "tap", "tap1", "no tap", "tap1", "tap del tap1", "adds tap1" },
	{ "no tap", "tap0", "tap", "tap0", "tap add tap0", "takes away tap0" },
	{ "tap", "tap1", "isolated", "tap1", "tap add tap1", "adds tap1" },
	{ "tap", "tap1", "tap", "tap1", "tap add tap1", "adds tap1" },
	{ "bridge", "br1", "no bridge", "br1", "bridge del br1", "adds br1" },
	{ "tap", "tap1", "no bridge", "br0", "bridge del br0", "needs br0" },
	{ "no bridge", "br0", "attach", "vnet0", "bridge attach vnet0",
	  "takes away br0" },
	{ "no tap", "tap0", "attach", "tap0", "bridge attach tap0", "takes away tap0" },
	{ "attach", "vnet0", "detach", "vnet0", "bridge detach vnet0", "attaches vnet0" },
	{ "detach", "vnet0", "attach", "vnet0", "bridge attach vnet0", "detaches vnet0" },
	{ "alias", "vnet0", "no alias", "", "alias del 10.128.0.13", "adds 10.128.0.13" },
	{ "alias", "vnet0", "alias", "br0", "alias add 10.128.0.13", "adds 10.128.0.13" },
	{ "no bridge", "br0", "alias", "br0", "alias add 10.128.0.13", "takes away br0" },
	{ "forward", "vnet0", "no forward", "vnet0", "forward off vnet0",
	  "turns on vnet0" },
	{ "no bridge", "br0", "forward", "br0", "forward on br0", "takes away br0" },
};

START_TEST(requests_that_contradict_each_other_are_refused)
{
	char sentence[128];

	make_veth();
	ok(bridge_add("br0", NULL));
	ok(tap_add("tap0", NULL));
	for (size_t i = 0; i < sizeof(opposites) / sizeof(opposites[0]); i++) {
		struct nestnet_transaction *tx = begin();

		add_expose(tx, "10.128.0.14", GUEST, 0);
		ask_link(tx, opposites[i].first, opposites[i].first_name);
		ask_link(tx, opposites[i].second, opposites[i].second_name);
		snprintf(sentence, sizeof(sentence),
			 "%s: another request of the transaction %s",
			 opposites[i].sentence, opposites[i].why);
		changes_nothing(refused(nestnet_transaction_commit(tx), EBUSY, sentence));
		ck_assert_uint_eq(nestnet_transaction_culprit(tx), 2);
		nestnet_transaction_free(tx);
	}
}
END_TEST

START_TEST(what_is_said_twice_is_no_contradiction)
{
	struct nestnet_transaction *tx = begin();

	ok(bridge_add("br0", NULL));
	ok(tap_add("tap0", NULL));
	make_veth();
	for (unsigned int i = 0; i < 2; i++) {
		ask_link(tx, "no tap", "tap0");
		ask_link(tx, "attach", "vnet0");
		ask_link(tx, "forward", "vnet0");
	}
	ask_link(tx, "tap", "tap1");
	ask_link(tx, "tap", "tap2");
	ok(commit(tx));
	ck_assert_str_eq(bridges(), "br0 mtu=1500 port=vnet0 port=tap1 port=tap2\n");
}
END_TEST

START_TEST(ten_thousand_exposures_are_one_commit)
{
	struct nestnet_transaction *tx = begin();
	char alias[40];

	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(alias, sizeof(alias), "10.129.%u.%u:%u", i / 1000, i % 250 + 1,
			 1000 + i);
		add_expose(tx, alias, GUEST, 0);
	}
	ok(commit(tx));
	sh("test $(nft list map inet nestnet port4 | grep -c ': 192.168.122.89') -ge "
	   "5000");
	ok(unexpose_target(GUEST, 0));
	ck_assert_str_eq(exposures(), "");
	ck_assert_str_eq(elements_of("guest_more4"), "");
}
END_TEST

/* The header: nestnet_errmsg() gives "" where nothing failed. */
START_TEST(nothing_is_said_after_success)
{
	refused(unexpose("10.128.0.13", 0), ENOENT, "unexpose 10.128.0.13: not exposed");
	ok(tap_add("tap0", NULL));
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
	ok(bridge_add("br0", NULL));
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
	ok(expose("10.128.0.13", GUEST, 0));
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
}
END_TEST

/* ---- Plans ------------------------------------------------------------------------------------------ */

START_TEST(a_plan_lists_each_change_and_makes_none)
{
	struct nestnet_transaction *tx;

	make_veth();
	tx = whole_network();
	changes_nothing(ck_assert_str_eq(
		plan_of(tx), "+ bridge add br0 --address 192.168.122.1/24 --mac "
			     "02:00:00:00:00:b0\n"
			     "+ tap add tap0 --bridge br0\n"
			     "+ bridge attach br0 vnet0\n"
			     "+ nat add 192.168.122.0/24\n"
			     "+ forward on -4\n"
			     "+ expose 10.128.0.13 192.168.122.89\n"
			     "+ expose 10.128.0.14:80/tcp 192.168.122.89:8000 --open\n"));
	ok(nestnet_transaction_commit(tx));
	ck_assert_str_eq(plan_of(tx), "");
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(a_plan_says_what_clear_would_remove)
{
	struct nestnet_transaction *tx;

	make_veth();
	ok(commit(whole_network()));
	tx = begin();
	ok(nestnet_clear(tx));
	changes_nothing((void)plan_of(tx));
	ck_assert_ptr_nonnull(
		strstr(plan_of(tx), "- expose 10.128.0.13 192.168.122.89\n"));
	ck_assert_ptr_nonnull(strstr(plan_of(tx), "- nat add 192.168.122.0/24\n"));
	ck_assert_ptr_nonnull(strstr(plan_of(tx), "- bridge attach br0 vnet0\n"));
	ck_assert_ptr_nonnull(strstr(plan_of(tx), "- bridge add br0"));
	ck_assert_ptr_nonnull(strstr(plan_of(tx), "- tap add tap0"));
	ck_assert_ptr_nonnull(strstr(plan_of(tx), "+ forward off -4\n"));
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(a_plan_of_a_replacement_takes_away_and_adds)
{
	struct nestnet_transaction *tx;

	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	tx = begin();
	add_expose(tx, "10.128.0.13", "192.168.122.90", NESTNET_EXPOSE_REPLACE);
	ck_assert_str_eq(plan_of(tx), "- expose 10.128.0.13 192.168.122.89 --no-local\n"
				      "+ expose 10.128.0.13 192.168.122.90\n");
	nestnet_transaction_free(tx);
}
END_TEST

START_TEST(a_plan_is_refused_as_the_commit_would_be)
{
	struct nestnet_transaction *tx = begin();

	ok(expose("10.128.0.13", GUEST, 0));
	add_expose(tx, "10.128.0.13", "192.168.122.90", 0);
	changes_nothing(refused(nestnet_transaction_plan(tx, NULL, NULL), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"(--replace changes it)"));
	nestnet_transaction_free(tx);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transactions");
	TCase *whole = netns_case(suite, "all or none", 20);
	TCase *order = netns_case(suite, "one after another", 60);
	TCase *plans = netns_case(suite, "plans", 20);

	tcase_add_test(whole, a_whole_network_is_made_by_one_commit);
	tcase_add_test(whole, clear_takes_a_whole_network_back);
	tcase_add_test(whole, clear_leaves_what_is_not_ours);
	tcase_add_test(whole, one_request_that_is_refused_refuses_all);
	tcase_add_test(whole, a_link_that_the_kernel_refuses_takes_all_back);
	tcase_add_test(order, later_requests_see_what_earlier_ones_change);
	tcase_add_test(order, what_is_done_and_undone_in_one_transaction_changes_nothing);
	tcase_add_test(order, one_alias_said_twice_otherwise_is_refused);
	tcase_add_test(order, one_request_said_twice_is_made_once);
	tcase_add_test(order, a_bridge_that_is_deleted_and_added_is_there_or_untouched);
	tcase_add_test(order, a_transaction_that_is_committed_again_changes_nothing);
	tcase_add_test(order, an_empty_transaction_changes_nothing);
	tcase_add_test(order,
		       a_target_stays_as_it_is_for_as_long_as_one_of_its_exposures);
	tcase_add_test(order,
		       a_target_is_closed_for_the_longest_of_its_exposures_in_any_order);
	tcase_add_test(order,
		       a_prefix_is_closed_for_as_long_as_what_is_left_of_its_exposures);
	tcase_add_test(order, requests_that_contradict_each_other_are_refused);
	tcase_add_test(order, what_is_said_twice_is_no_contradiction);
	tcase_add_test(order, ten_thousand_exposures_are_one_commit);
	tcase_add_test(order, nothing_is_said_after_success);
	tcase_add_test(plans, a_plan_lists_each_change_and_makes_none);
	tcase_add_test(plans, a_plan_says_what_clear_would_remove);
	tcase_add_test(plans, a_plan_of_a_replacement_takes_away_and_adds);
	tcase_add_test(plans, a_plan_is_refused_as_the_commit_would_be);
	return netns_run(suite);
}
