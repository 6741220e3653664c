/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table itself: its skeleton to the letter, what becomes of it at other hands, and
 * tables that are not ours to touch. */

#include "netns.h"

#include "table/ruleset.h"

#include "kernel/nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GUEST "192.168.122.89"

static char *read_file(const char *path)
{
	FILE *stream = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_msg(stream, "%s", path);
	ck_assert_int_gt(getdelim(&text, &size, '\0', stream), 0);
	fclose(stream);
	return text;
}

static void expose_once(const char *alias, const char *target)
{
	ok(expose(alias, target, NESTNET_EXPOSE_NO_FORWARD));
	ok(unexpose(alias, 0));
}

/* All that is IPv4's. */
static void make_skeleton(void)
{
	expose_once("10.128.0.13:80", GUEST);
}

static void make_both_halves(void)
{
	make_skeleton();
	expose_once("fd10:128::13", "fd12::89");
}

static bool has_set(const char *name)
{
	return sh_status("nft list table inet nestnet | grep -qE '(set|map) %s '", name) == 0;
}

START_TEST(the_skeleton_is_what_the_file_says)
{
	char *expected = read_file(SKELETON), *present;

	make_both_halves();
	present = sh_output("nft list table inet nestnet");
	snapshots_equal(expected, present, SKELETON);
	free(expected);
	free(present);
}
END_TEST

/* What there is after one, then the other, is what the other alone makes. */
static void make_in_turn(const char *alias, const char *target, const char *next_alias,
			 const char *next_target)
{
	char *later, *at_once;

	netns_fresh();
	expose_once(alias, target);
	expose_once(next_alias, next_target);
	later = sh_output("nft list table inet nestnet");
	netns_fresh();
	expose_once(next_alias, next_target);
	at_once = sh_output("nft list table inet nestnet");
	ck_assert_str_eq(at_once, later);
	free(later);
	free(at_once);
}

START_TEST(an_exposed_address_has_only_what_it_needs)
{
	expose_once("10.128.0.13", GUEST);
	ck_assert(has_set("addr4") && has_set("guest4"));
	ck_assert(!has_set("port4") && !has_set("masq4") && !has_set("addr6"));
}
END_TEST

START_TEST(the_rest_of_ipv4_is_made_when_it_is_first_needed)
{
	make_in_turn("10.128.0.13", GUEST, "10.128.0.13:80", GUEST);
	ck_assert(has_set("port4") && has_set("masq4") && !has_set("addr6"));
}
END_TEST

START_TEST(ipv6_has_its_half_from_the_first_exposure_on_that_needs_it)
{
	make_in_turn("10.128.0.13", GUEST, "fd10:128::13", "fd12::89");
	ck_assert(has_set("addr6") && !has_set("port4"));
	ok(expose("fd10:128::13", "fd12::89", NESTNET_EXPOSE_NO_FORWARD));
	ck_assert_str_eq(elements_of("addr6"),
			 "fd10:128::13 counter packets 0 bytes 0 : fd12::89");
}
END_TEST

START_TEST(the_skeleton_is_the_same_whoever_makes_it_first)
{
	char *by_expose, *by_nat, *by_attach;

	make_skeleton();
	by_expose = sh_output("nft list table inet nestnet");
	netns_fresh();
	ok(nat_add("192.168.122.0/24", &(struct nestnet_nat_options){
					       .size = sizeof(struct nestnet_nat_options),
					       .flags = NESTNET_NAT_NO_FORWARD }));
	ok(nat_del("192.168.122.0/24", 0));
	by_nat = sh_output("nft list table inet nestnet");
	netns_fresh();
	sh("ip link add br0 type bridge && ip link add vnet0 type veth peer name far0");
	ok(attach("br0", "vnet0", 0));
	ok(detach("vnet0", 0));
	make_skeleton();
	by_attach = sh_output("nft list table inet nestnet");
	ck_assert_str_eq(by_nat, by_expose);
	ck_assert_str_eq(by_attach, by_expose);
	free(by_expose);
	free(by_nat);
	free(by_attach);
}
END_TEST

START_TEST(the_ruleset_loads_again_with_elements_in_every_set_that_is_used)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options nat = { .size = sizeof(nat),
					   .out = "eth0",
					   .to = &to };
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .egress = NESTNET_EGRESS_NONE,
						  .comment = "a b:c/d@e+f=g,h-i_j.k" };
	char *before;

	ok(expose_with("10.128.0.13", GUEST, &options));
	options.egress = NESTNET_EGRESS_ALIAS;
	options.flags = NESTNET_EXPOSE_OPEN | NESTNET_EXPOSE_NO_LOCAL;
	ok(expose_with("10.128.0.14", "192.168.122.90", &options));
	ok(expose("10.128.0.15:80", GUEST ":8000", NESTNET_EXPOSE_OPEN));
	ok(expose("10.128.0.15:53/udp", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	ok(expose("10.128.0.15:9/sctp", GUEST, 0));
	ok(nat_add("192.168.122.0/24", NULL));
	ok(nat_add("192.168.50.0/24", &nat));
	nat.out = NULL;
	nat.flags = NESTNET_NAT_OPEN;
	ok(nat_add("192.168.51.0/24", &nat));
	nat.to = NULL;
	nat.out = "eth0.7-x";
	ok(nat_add("192.168.52.0/24", &nat));
	sh("ip link add br0 type bridge && ip link add vnet0 type veth peer name far0");
	ok(attach("br0", "vnet0", 0));
	sh("nft list ruleset | nft -c -f -");

	/* What was saved is the state: nothing is left in places that do not print. */
	before = snapshot();
	sh("nft list ruleset > /tmp/nestnet-test-$$ && nft flush ruleset && "
	   "nft -f /tmp/nestnet-test-$$; s=$?; rm /tmp/nestnet-test-$$; exit $s");
	snapshots_equal(before, NULL, "saved and loaded");
	free(before);
	ck_assert_str_eq(nats(), "192.168.50.0/24 out=eth0 to=10.128.0.12\n"
				 "192.168.51.0/24 to=10.128.0.12 open\n"
				 "192.168.52.0/24 out=eth0.7-x open\n"
				 "192.168.122.0/24\n");
	options.flags = NESTNET_EXPOSE_OPEN | NESTNET_EXPOSE_NO_LOCAL;
	changes_nothing(ok(expose_with("10.128.0.14", "192.168.122.90", &options)));
	ok(clear());
	ck_assert_int_eq(sh_status("test -z \"$(nft list ruleset)\""), 0);
}
END_TEST

/* ---- At other hands ------------------------------------------------------------------------------ */

START_TEST(a_table_that_was_flushed_is_made_again)
{
	char *first, *second;

	ok(expose("10.128.0.13", GUEST, 0));
	first = sh_output("nft list map inet nestnet addr4");
	sh("nft flush ruleset");
	ck_assert_str_eq(exposures(), "");
	refused(unexpose("10.128.0.13", 0), ENOENT, "unexpose 10.128.0.13: not exposed");
	ok(expose("10.128.0.13", GUEST, 0));
	second = sh_output("nft list map inet nestnet addr4");
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

static char heard[600];

static void hear(void *userdata, int level, const char *line)
{
	(void)userdata;
	if (level == NESTNET_LOG_NOTICE)
		snprintf(heard, sizeof(heard), "%s", line);
}

START_TEST(after_a_flush_clear_says_that_forwarding_stays)
{
	ok(expose("10.128.0.13", GUEST, 0));
	ok(tap_add("tap0", NULL));
	sh("nft flush ruleset");
	nestnet_set_log(ctx, hear, NULL);
	ok(clear());
	ck_assert_ptr_nonnull(strstr(heard, "forwarding stays on"));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	ck_assert_str_eq(taps(), "");
}
END_TEST

START_TEST(a_table_that_is_flushed_while_it_is_planned_for_is_made_again)
{
	struct nestnet_transaction *tx = begin();

	ok(expose("10.128.0.13", GUEST, 0));
	add_expose(tx, "10.128.0.14", GUEST, 0);
	ck_assert_str_eq(plan_of(tx), "+ expose 10.128.0.14 192.168.122.89\n");
	sh("nft flush ruleset");
	ok(commit(tx));
	ck_assert_str_eq(exposures(), "10.128.0.14 > 192.168.122.89\n");
}
END_TEST

START_TEST(elements_that_somebody_took_out_are_no_error)
{
	ok(expose("10.128.0.13", GUEST, 0));
	sh("nft delete element inet nestnet guest4 '{ " GUEST " }'");
	ok(unexpose("10.128.0.13", 0));
	ok(expose("10.128.0.13:80", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	sh("nft flush set inet nestnet port_nolocal4");
	ck_assert_str_eq(exposures(), "10.128.0.13:80/tcp > 192.168.122.89:80\n");
	ok(unexpose("10.128.0.13:80", 0));
	ck_assert_str_eq(elements_of("guest4"), "");
}
END_TEST

START_TEST(elements_that_somebody_put_in_are_listed)
{
	make_skeleton();
	sh("nft add element inet nestnet addr4 '{ 10.128.0.77 comment \"by hand\" "
	   ": " GUEST " }' && nft add element inet nestnet port4 "
	   "'{ 10.128.0.78 . tcp . 80 : " GUEST " . 8000 }'");
	ck_assert_str_eq(exposures(), "10.128.0.77 > 192.168.122.89 # by hand\n"
				      "10.128.0.78:80/tcp > 192.168.122.89:8000\n");
	ok(unexpose("10.128.0.77", 0));
	ok(unexpose("10.128.0.78:80", 0));
	ck_assert_str_eq(exposures(), "");
}
END_TEST

START_TEST(subnets_that_no_prefix_says_are_passed_over)
{
	make_skeleton();
	sh("nft add element inet nestnet inside4 "
	   "'{ 10.0.0.1-10.0.0.6 . 10.0.0.1-10.0.0.6 }' && "
	   "nft add element inet nestnet masq4 '{ 10.0.0.1-10.0.0.6 }'");
	ok(nat_add("192.168.122.0/24", NULL));
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
}
END_TEST

/* What overlaps with it by hand is the kernel's to refuse; then nothing is changed. */
START_TEST(a_subnet_that_the_kernel_refuses_changes_nothing)
{
	make_skeleton();
	sh("nft add element inet nestnet closed4 '{ 192.168.0.0/16 }'");
	changes_but_generation(ck_assert_int_lt(nat_add("192.168.122.0/24", NULL), 0));
	ck_assert_str_ne(nestnet_errmsg(ctx), "");
}
END_TEST

/* ---- Other tables ---------------------------------------------------------------------------------- */

static void check_untouched(const char *sentence)
{
	changes_nothing(refused(expose("10.128.0.13", GUEST, 0), EOPNOTSUPP, sentence));
	changes_nothing(ck_assert_int_eq(unexpose("10.128.0.13", 0), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(unexpose_target(NULL, 0), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(nat_add("192.168.122.0/24", NULL), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(nat_del("192.168.122.0/24", 0), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(forward_set(NULL, AF_INET, 1), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(clear(), -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(nestnet_exposure_list(ctx, NULL, NULL, NULL),
					 -EOPNOTSUPP));
	changes_nothing(ck_assert_int_eq(nestnet_nat_list(ctx, NULL, NULL), -EOPNOTSUPP));
}

START_TEST(a_table_of_a_later_release_is_left_alone)
{
	/* A comment's alone: a later release may have changed anything else. */
	sh("nft add table inet nestnet '{ comment \"nestnet skeleton 999\"; }' && "
	   "nft add set inet nestnet addr4 '{ type ether_addr; }'");
	check_untouched(
		"expose 10.128.0.13: table inet nestnet is 'nestnet skeleton 999', "
		"made by a later release of nestnet (this one makes '" RULESET_VERSION
		"')");
}
END_TEST

START_TEST(a_table_of_our_name_that_somebody_else_made_is_left_alone)
{
	sh("nft add table inet nestnet && nft add chain inet nestnet mine");
	check_untouched(
		"expose 10.128.0.13: there is a table inet nestnet that nestnet did not "
		"make (nft delete table inet nestnet would remove it)");
	sh("nft delete table inet nestnet && nft add table inet nestnet "
	   "'{ comment \"my own\"; }'");
	check_untouched(
		"expose 10.128.0.13: there is a table inet nestnet that nestnet did not "
		"make (nft delete table inet nestnet would remove it)");
}
END_TEST

/* ---- Tables of an older release ------------------------------------------------------------- */

/* What there is becomes what an older release might have made: without a set and the rules
 * that read it, with another rule more, and the version's number less. */
static void make_older(void)
{
	sh("f=$(mktemp) && nft list ruleset > $f && nft flush ruleset && "
	   "sed -Ei -e 's/\"nestnet (skeleton|guards) [0-9]+\"/\"nestnet \\1 0\"/' "
	   "-e '/@addr_nolocal4/d' -e '/set addr_nolocal4/,/}/d' "
	   "-e 's/^(\t\tip saddr @keep4 accept)$/\t\tcounter\\n\\1/' $f && "
	   "nft -f $f; s=$?; rm $f; exit $s");
	ck_assert_int_ne(sh_status("nft list set inet nestnet addr_nolocal4 2>/dev/null"), 0);
}

/* But for elements, and for the chain of the tap that is gone. */
static char *tables_made_now(void)
{
	return sh_output("nft -s list ruleset | sed -E -e '/expires|elements|^\t\t\t  /d' "
			 "-e '/chain guard_gone0/,/}/d' | sed '/^$/d'");
}

static void make_state(void)
{
	struct nestnet_prefix from = prefix_of("10.2.0.0/16");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .egress = NESTNET_EGRESS_ALIAS,
						  .comment = "kept",
						  .from = &from,
						  .n_from = 1 };
	const struct nestnet_guard guard = { .mac = { 0x52, 0x54, 0, 0, 0, 1 } };
	struct nestnet_tap_options tap = { .size = sizeof(tap),
					   .guards = &guard,
					   .n_guards = 1 };

	ok(expose_with("10.128.0.13", GUEST, &options));
	ok(expose("10.128.0.14:8000-8010", GUEST, 0));
	ok(expose("fd10::/120", "fd12::/120", NESTNET_EXPOSE_FORCE));
	ok(nat_add("192.168.122.0/24", NULL));
	ok(tap_add("tap0", &tap));
	ok(tap_add("gone0", &tap));
	sh("ip link del gone0");
	options = (struct nestnet_expose_options){ .size = sizeof(options),
						   .timeout_ms = 100000 };
	ok(expose_with("10.128.0.15", "192.168.122.90", &options));
}

static const char *before_and_after(void)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s%s%s", exposures(), nats(), taps());
	return text;
}

START_TEST(a_table_of_an_older_release_is_read_and_the_next_commit_makes_it_anew)
{
	char *skeleton, *now, *state;

	make_state();
	skeleton = tables_made_now();
	make_older();
	state = strdup(before_and_after());
	ck_assert_ptr_nonnull(strstr(state, "10.128.0.13 > " GUEST));
	changes_nothing(refused(unexpose("10.128.0.99", 0), ENOENT,
				"unexpose 10.128.0.99: not exposed"));

	ok(expose("10.128.0.16", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	ok(unexpose("10.128.0.16", 0));
	now = tables_made_now();
	snapshots_equal(skeleton, now, "the skeleton");
	ck_assert_str_eq(before_and_after(), state);
	sh("nft list ruleset | nft -c -f -");
	ok(clear());
	ck_assert_int_eq(sh_status("test -z \"$(nft list ruleset)\""), 0);
	free(skeleton);
	free(now);
	free(state);
}
END_TEST

static uint64_t remaining_ms;

static int take_remaining(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)userdata;
	remaining_ms = exposure->expires_ms;
	ck_assert_uint_eq(exposure->timeout_ms, 100000);
	return 0;
}

START_TEST(a_table_that_is_made_anew_lets_clocks_go_on)
{
	struct nestnet_endpoint alias = alias_of("10.128.0.15");

	make_state();
	sh("nft delete element inet nestnet addr_timed4 '{ 10.128.0.15 }' && "
	   "nft add element inet nestnet addr_timed4 "
	   "'{ 10.128.0.15 timeout 100s expires 50s : 192.168.122.90 }'");
	make_older();
	ok(expose("10.128.0.16", GUEST, 0));
	ok(nestnet_exposure_list(ctx, &alias, take_remaining, NULL));
	ck_assert_uint_le(remaining_ms, 50000);
	ck_assert_uint_gt(remaining_ms, 30000);
}
END_TEST

START_TEST(a_guard_goes_on_in_tables_that_are_made_anew_and_that_of_no_tap_ends)
{
	const struct nestnet_guard guard = { .mac = { 0x52, 0x54, 0, 0, 0, 1 } };
	struct nestnet_tap_options tap = { .size = sizeof(tap),
					   .guards = &guard,
					   .n_guards = 1 };

	make_state();
	make_older();
	ok(tap_add("tap1", &tap));
	sh("nft list chain netdev nestnet guard_tap0 && nft list chain netdev nestnet "
	   "guard_tap1");
	ck_assert_int_eq(sh_status("nft list table netdev nestnet | grep -q gone0"), 1);
	ok(tap_del("tap0", 0));
	ok(tap_del("tap1", 0));
}
END_TEST

START_TEST(a_table_that_could_not_be_made_anew_is_as_it_was)
{
	make_state();
	make_older();
	/* An overlap that the kernel refuses, in what is put beside what was there. */
	sh("nft add element inet nestnet closed4 '{ 10.9.0.0/16 }'");
	changes_but_generation(ck_assert_int_lt(nat_add("10.9.1.0/24", NULL), 0));
	ck_assert_str_eq(nestnet_errmsg(ctx), "nat add 10.9.1.0/24: change table inet "
					      "nestnet: File exists");
	sh("nft list table inet nestnet | grep -q 'skeleton 0'");
}
END_TEST

START_TEST(a_whole_state_makes_an_older_table_anew_though_nothing_else_changes)
{
	struct nestnet_transaction *tx;
	char *state;

	ok(expose("10.128.0.13", GUEST, 0));
	state = strdup(exposures());
	make_older();
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	add_expose(tx, "10.128.0.13", GUEST, 0);
	ck_assert_str_eq(plan_of(tx), "");
	ok(commit(tx));
	sh("nft list table inet nestnet | grep -q '" RULESET_VERSION "'");
	ck_assert_str_eq(exposures(), state);
	free(state);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("the table");
	TCase *skeleton = netns_case(suite, "skeleton", 20);
	TCase *hands = netns_case(suite, "other hands", 20);
	TCase *other = netns_case(suite, "other tables", 20);
	TCase *older = netns_case(suite, "older tables", 20);

	tcase_add_test(skeleton, the_skeleton_is_what_the_file_says);
	tcase_add_test(skeleton, an_exposed_address_has_only_what_it_needs);
	tcase_add_test(skeleton, the_rest_of_ipv4_is_made_when_it_is_first_needed);
	tcase_add_test(skeleton,
		       ipv6_has_its_half_from_the_first_exposure_on_that_needs_it);
	tcase_add_test(skeleton, the_skeleton_is_the_same_whoever_makes_it_first);
	tcase_add_test(skeleton,
		       the_ruleset_loads_again_with_elements_in_every_set_that_is_used);
	tcase_add_test(hands, a_table_that_was_flushed_is_made_again);
	tcase_add_test(hands, after_a_flush_clear_says_that_forwarding_stays);
	tcase_add_test(hands,
		       a_table_that_is_flushed_while_it_is_planned_for_is_made_again);
	tcase_add_test(hands, elements_that_somebody_took_out_are_no_error);
	tcase_add_test(hands, elements_that_somebody_put_in_are_listed);
	tcase_add_test(hands, subnets_that_no_prefix_says_are_passed_over);
	tcase_add_test(hands, a_subnet_that_the_kernel_refuses_changes_nothing);
	tcase_add_test(other, a_table_of_a_later_release_is_left_alone);
	tcase_add_test(other, a_table_of_our_name_that_somebody_else_made_is_left_alone);
	tcase_add_test(older,
		       a_table_of_an_older_release_is_read_and_the_next_commit_makes_it_anew);
	tcase_add_test(older, a_table_that_is_made_anew_lets_clocks_go_on);
	tcase_add_test(older,
		       a_guard_goes_on_in_tables_that_are_made_anew_and_that_of_no_tap_ends);
	tcase_add_test(older, a_table_that_could_not_be_made_anew_is_as_it_was);
	tcase_add_test(older,
		       a_whole_state_makes_an_older_table_anew_though_nothing_else_changes);
	return netns_run(suite);
}
