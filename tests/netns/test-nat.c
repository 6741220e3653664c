/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NAT of subnets. */

#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nestnet_nat_options with(unsigned int flags, const char *out,
				       const struct nestnet_address *to)
{
	return (struct nestnet_nat_options){ .size = sizeof(struct nestnet_nat_options),
					     .flags = flags,
					     .out = out,
					     .to = to };
}

START_TEST(subnets_are_listed_in_order_as_they_were_added)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options;

	ck_assert_str_eq(nats(), "");
	ok(nat_add("192.168.122.0/24", NULL));
	options = with(NESTNET_NAT_OPEN, "eth0", NULL);
	ok(nat_add("192.168.50.0/24", &options));
	options = with(0, NULL, &to);
	ok(nat_add("10.0.0.0/9", &options));
	options = with(NESTNET_NAT_OPEN, "0123456789.-_ab", &to);
	ok(nat_add("192.168.51.1", &options));
	ck_assert_str_eq(nats(), "10.0.0.0/9 to=10.128.0.12\n"
				 "192.168.50.0/24 out=eth0 open\n"
				 "192.168.51.1 out=0123456789.-_ab to=10.128.0.12 open\n"
				 "192.168.122.0/24\n");
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
}
END_TEST

/* Neighbours touch, and so do the ends of their intervals in the kernel. */
START_TEST(subnets_side_by_side_are_kept_apart)
{
	static const char *const subnets[] = { "192.168.0.0/24", "192.168.1.0/24",
					       "192.168.2.0/23", "192.168.4.0",
					       "192.168.4.1",    "192.168.4.2/31" };

	for (size_t i = 0; i < ARRAY_LEN(subnets); i++)
		ok(nat_add(subnets[(i * 5 + 2) % ARRAY_LEN(subnets)], NULL));
	ck_assert_str_eq(nats(), "192.168.0.0/24\n192.168.1.0/24\n192.168.2.0/23\n"
				 "192.168.4.0\n192.168.4.1\n192.168.4.2/31\n");
	ok(nat_del("192.168.1.0/24", 0));
	ok(nat_del("192.168.4.1", 0));
	ck_assert_str_eq(nats(), "192.168.0.0/24\n192.168.2.0/23\n192.168.4.0\n"
				 "192.168.4.2/31\n");
	ok(nat_add("192.168.1.0/24", NULL));
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
}
END_TEST

START_TEST(the_widest_subnets_are_taken)
{
	ok(nat_add("128.0.0.0/2", NULL));
	ok(nat_add("1.0.0.0/8", NULL));
	ck_assert_str_eq(nats(), "1.0.0.0/8\n128.0.0.0/2\n");
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
	ok(nat_del("128.0.0.0/2", 0));
	ok(nat_del("1.0.0.0/8", 0));
	ck_assert_str_eq(nats(), "");
}
END_TEST

START_TEST(adding_the_same_again_changes_nothing)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options = with(NESTNET_NAT_OPEN, "eth0", &to);

	ok(nat_add("192.168.122.0/24", NULL));
	changes_nothing(ok(nat_add("192.168.122.0/24", NULL)));
	ok(nat_add("192.168.50.0/24", &options));
	changes_nothing(ok(nat_add("192.168.50.0/24", &options)));
}
END_TEST

START_TEST(other_options_and_overlaps_are_refused)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options = with(NESTNET_NAT_OPEN, NULL, NULL);

	ok(nat_add("192.168.122.0/24", NULL));
	changes_nothing(
		refused(nat_add("192.168.122.0/24", &options), EEXIST,
			"nat add 192.168.122.0/24: exists already, without options"));
	options = with(0, "eth0", &to);
	changes_nothing(
		refused(nat_add("192.168.122.0/24", &options), EEXIST,
			"nat add 192.168.122.0/24: exists already, without options"));
	changes_nothing(refused(nat_add("192.168.0.0/16", NULL), EEXIST,
				"nat add 192.168.0.0/16: overlaps with 192.168.122.0/24, "
				"which is there already"));
	changes_nothing(
		refused(nat_add("192.168.122.128/25", NULL), EEXIST,
			"nat add 192.168.122.128/25: overlaps with 192.168.122.0/24, "
			"which is there already"));
	ok(nat_add("192.168.50.0/24", &options));
	changes_nothing(
		refused(nat_add("192.168.50.0/24", NULL), EEXIST,
			"nat add 192.168.50.0/24: exists already, with --out eth0 "
			"--to 10.128.0.12"));
}
END_TEST

START_TEST(deleting_a_subnet_leaves_the_empty_skeleton)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options = with(NESTNET_NAT_OPEN, "eth0", &to);
	char *before;

	ok(nat_add("192.168.122.0/24", NULL));
	ok(nat_del("192.168.122.0/24", 0));
	before = snapshot();
	ok(nat_add("192.168.122.0/24", &options));
	options = with(0, NULL, &to);
	ok(nat_add("192.168.50.0/24", &options));
	options = with(0, "eth0", NULL);
	ok(nat_add("192.168.51.0/24", &options));
	ok(nat_del("192.168.51.0/24", 0));
	ok(nat_del("192.168.122.0/24", 0));
	ok(nat_del("192.168.50.0/24", 0));
	snapshots_equal(before, NULL, "deleting all");
	changes_nothing(refused(nat_del("192.168.122.0/24", 0), ENOENT,
				"nat del 192.168.122.0/24: there is no such subnet"));
	changes_nothing(ok(nat_del("192.168.122.0/24", NESTNET_IF_EXISTS)));
	free(before);
}
END_TEST

START_TEST(a_subnet_is_deleted_exactly_as_it_was_added)
{
	ok(nat_add("192.168.122.0/24", NULL));
	changes_nothing(refused(nat_del("192.168.122.0/25", 0), ENOENT,
				"nat del 192.168.122.0/25: there is no such subnet"));
	changes_nothing(refused(nat_del("192.168.0.0/16", 0), ENOENT,
				"nat del 192.168.0.0/16: there is no such subnet"));
	changes_nothing(refused(nat_del("2001:db8::/64", 0), ENOENT,
				"nat del 2001:db8::/64: there is no such subnet"));
}
END_TEST

START_TEST(nat_turns_forwarding_on_unless_told_not_to)
{
	struct nestnet_nat_options options = with(NESTNET_NAT_NO_FORWARD, NULL, NULL);

	ok(nat_add("192.168.50.0/24", &options));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
	ok(nat_add("192.168.122.0/24", NULL));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	ck_assert_int_eq(setting("ipv6/conf/all/forwarding"), 0);
}
END_TEST

START_TEST(a_hundred_subnets_come_and_go)
{
	struct nestnet_transaction *tx = begin();
	unsigned int n = 0;
	char subnet[40];

	for (unsigned int i = 0; i < 100; i++) {
		snprintf(subnet, sizeof(subnet), "10.%u.0.0/16", (i * 37 + 5) % 100 + 1);
		add_nat(tx, subnet, i % 2 ? NESTNET_NAT_OPEN : 0);
	}
	ok(commit(tx));
	for (const char *c = nats(); *c; c++)
		n += *c == '\n';
	ck_assert_uint_eq(n, 100);
	for (unsigned int i = 0; i < 100; i += 7) {
		snprintf(subnet, sizeof(subnet), "10.%u.0.0/16", i + 1);
		ok(nat_del(subnet, 0));
	}
	n = 0;
	for (const char *c = nats(); *c; c++)
		n += *c == '\n';
	ck_assert_uint_eq(n, 85);
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
}
END_TEST

/* No rule matches it. */
START_TEST(another_name_of_an_interface_is_refused)
{
	struct nestnet_nat_options options = with(0, "other0", NULL);

	sh("ip link add eth0 type veth peer name far0 && "
	   "ip link property add dev eth0 altname other0");
	changes_nothing(
		refused(nat_add("192.168.50.0/24", &options), ENODEV,
			"nat add 192.168.50.0/24: other0 is another name of eth0"));
	options = with(0, "later0", NULL);
	ok(nat_add("192.168.50.0/24", &options));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("subnets");
	TCase *tcase = netns_case(suite, "subnets", 20);

	tcase_add_test(tcase, subnets_are_listed_in_order_as_they_were_added);
	tcase_add_test(tcase, subnets_side_by_side_are_kept_apart);
	tcase_add_test(tcase, the_widest_subnets_are_taken);
	tcase_add_test(tcase, adding_the_same_again_changes_nothing);
	tcase_add_test(tcase, other_options_and_overlaps_are_refused);
	tcase_add_test(tcase, deleting_a_subnet_leaves_the_empty_skeleton);
	tcase_add_test(tcase, a_subnet_is_deleted_exactly_as_it_was_added);
	tcase_add_test(tcase, nat_turns_forwarding_on_unless_told_not_to);
	tcase_add_test(tcase, a_hundred_subnets_come_and_go);
	tcase_add_test(tcase, another_name_of_an_interface_is_refused);
	return netns_run(suite);
}
