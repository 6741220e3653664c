/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forwarding, and all that it takes along: what was found is what is put back. */

#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void make_interfaces(void)
{
	sh("ip link add eth0 type veth peer name ext0 && "
	   "ip link add eth.1 type veth peer name ext1");
}

START_TEST(turning_on_is_undone_by_clear_with_all_that_it_took_along)
{
	char *before;

	make_interfaces();
	set_setting("ipv4/conf/all/accept_redirects", 0);
	set_setting("ipv4/conf/eth0/forwarding", 1);
	set_setting("ipv4/conf/default/forwarding", 1);
	set_setting("ipv6/conf/eth.1/forwarding", 1);
	before = snapshot();
	ok(forward_set(NULL, AF_UNSPEC, 1));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	ck_assert_int_eq(setting("ipv4/conf/eth.1/forwarding"), 1);
	ck_assert_int_eq(setting("ipv6/conf/all/forwarding"), 1);
	changes_nothing(ok(forward_set(NULL, AF_UNSPEC, 1)));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(accept_redirects_is_put_back_whatever_it_was)
{
	for (int value = 0; value < 2; value++) {
		set_setting("ipv4/conf/all/accept_redirects", value);
		ok(expose("10.128.0.13", "192.168.122.89", 0));
		ok(clear());
		ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
		ck_assert_int_eq(setting("ipv4/conf/all/accept_redirects"), value);
	}
}
END_TEST

START_TEST(turning_off_by_hand_puts_back_what_differed)
{
	char *before;

	make_interfaces();
	set_setting("ipv4/conf/eth0/forwarding", 1);
	ok(expose("10.128.0.13", "192.168.122.89", NESTNET_EXPOSE_NO_FORWARD));
	before = snapshot();
	ok(forward_set(NULL, AF_INET, 1));
	ok(forward_set(NULL, AF_INET, 0));
	snapshots_equal(before, NULL, "on and off");
	free(before);
}
END_TEST

/* As it is where who turns it off is killed after the switch, before the rest is back. */
START_TEST(turning_off_what_is_off_and_still_recorded_puts_back_the_rest)
{
	char *before;

	make_interfaces();
	set_setting("ipv4/conf/all/accept_redirects", 1);
	set_setting("ipv4/conf/eth0/forwarding", 1);
	before = snapshot();
	ok(forward_set(NULL, AF_INET, 1));
	sh("echo 0 >/proc/sys/net/ipv4/ip_forward");
	set_setting("ipv4/conf/all/accept_redirects", 0);
	ok(forward_set(NULL, AF_INET, 0));
	ck_assert_str_eq(elements_of("found"), "");
	ck_assert_int_eq(setting("ipv4/conf/all/accept_redirects"), 1);
	ck_assert_int_eq(setting("ipv4/conf/eth0/forwarding"), 1);
	changes_nothing(ok(forward_set(NULL, AF_INET, 0)));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(what_was_on_stays_on_at_clear)
{
	char *before;

	set_setting("ipv4/ip_forward", 1);
	before = snapshot();
	ok(expose("10.128.0.13", "192.168.122.89", 0));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(what_was_on_and_turned_off_is_on_again_after_clear)
{
	char *before;

	make_interfaces();
	set_setting("ipv4/ip_forward", 1);
	set_setting("ipv4/conf/eth0/forwarding", 0);
	before = snapshot();
	ok(forward_set(NULL, AF_INET, 0));
	ck_assert_int_eq(setting("ipv4/conf/eth.1/forwarding"), 0);
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(the_first_value_that_was_found_is_kept)
{
	ok(forward_set(NULL, AF_INET, 1));
	set_setting("ipv4/ip_forward", 0);
	ok(forward_set(NULL, AF_INET, 1));
	ok(clear());
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
}
END_TEST

START_TEST(an_interface_alone_is_turned_on_and_put_back)
{
	char *before;

	make_interfaces();
	before = snapshot();
	ok(forward_set("eth.1", AF_UNSPEC, 1));
	ck_assert_int_eq(setting("ipv4/conf/eth.1/forwarding"), 1);
	ck_assert_int_eq(setting("ipv6/conf/eth.1/forwarding"), 1);
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
	ck_assert_int_eq(setting("ipv4/conf/eth0/forwarding"), 0);
	changes_nothing(ok(forward_set("eth.1", AF_UNSPEC, 1)));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(an_interface_that_was_turned_on_first_is_put_back_after_the_hosts_switch)
{
	char *before;

	make_interfaces();
	before = snapshot();
	ok(forward_set("eth0", AF_INET, 1));
	ok(forward_set(NULL, AF_INET, 1));
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(an_interface_that_is_gone_by_then_hinders_nothing)
{
	make_interfaces();
	set_setting("ipv4/conf/eth0/forwarding", 1);
	ok(forward_set(NULL, AF_INET, 1));
	sh("ip link del eth0");
	ok(clear());
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
	ck_assert_int_eq(setting("ipv4/conf/eth.1/forwarding"), 0);
}
END_TEST

START_TEST(an_interface_that_is_absent_is_refused)
{
	changes_nothing(refused(forward_set("eth7", AF_INET, 1), ENODEV,
				"forward on eth7: No such device"));
	changes_nothing(refused(forward_set("eth7", AF_UNSPEC, 0), ENODEV,
				"forward off eth7: No such device"));
}
END_TEST

/* The default route that router advertisements gave, without a router. */
START_TEST(an_uplink_that_lives_from_advertisements_goes_on_taking_them)
{
	make_interfaces();
	sh("ip link set eth0 up && ip link set ext0 up && "
	   "ip -6 addr add 2001:db8::2/64 dev eth0 nodad && "
	   "ip -6 route add default via 2001:db8::1 dev eth0 proto ra");
	ok(forward_set(NULL, AF_INET6, 1));
	ck_assert_int_eq(setting("ipv6/conf/eth0/accept_ra"), 2);
	ck_assert_int_eq(setting("ipv6/conf/eth.1/accept_ra"), 1);
	ok(clear());
	ck_assert_int_eq(setting("ipv6/conf/eth0/accept_ra"), 1);
	ck_assert_int_eq(setting("ipv6/conf/all/forwarding"), 0);
}
END_TEST

static int take_status(void *userdata, const struct nestnet_forwarding *forwarding)
{
	char *text = userdata;

	snprintf(text, 64, "%s %d %d", forwarding->ifname ? forwarding->ifname : "-",
		 forwarding->ipv4, forwarding->ipv6);
	return 5;
}

/* In one transaction: what is exposed is forwarded, whichever comes first. */
START_TEST(who_wants_it_on_and_off_at_once_is_refused)
{
	for (int is_first = 0; is_first < 2; is_first++) {
		for (int is_on = 0; is_on < 2; is_on++) {
			struct nestnet_transaction *tx = begin();

			set_setting("ipv4/ip_forward", is_on);
			if (is_first)
				ok(nestnet_forward_set(tx, NULL, AF_INET, 0));
			add_expose(tx, "10.128.0.13", "192.168.122.89", 0);
			if (!is_first)
				ok(nestnet_forward_set(tx, NULL, AF_UNSPEC, 0));
			changes_nothing(refused(
				nestnet_transaction_commit(tx), EBUSY,
				is_first ? "forward on: another request of the transaction "
					   "wants it off"
					 : "forward off: another request of the transaction "
					   "wants it on"));
			nestnet_transaction_free(tx);
		}
	}
}
END_TEST

START_TEST(the_status_is_the_kernels)
{
	char text[64];

	make_interfaces();
	ck_assert_int_eq(nestnet_forward_status(ctx, NULL, take_status, text), 5);
	ck_assert_str_eq(text, "- 0 0");
	set_setting("ipv4/ip_forward", 1);
	set_setting("ipv6/conf/eth.1/forwarding", 1);
	nestnet_forward_status(ctx, NULL, take_status, text);
	ck_assert_str_eq(text, "- 1 0");
	nestnet_forward_status(ctx, "eth.1", take_status, text);
	ck_assert_str_eq(text, "eth.1 1 1");
	refused(nestnet_forward_status(ctx, "eth7", take_status, text), ENODEV,
		"forward status eth7: No such device");
	ck_assert_int_eq(nestnet_forward_status(ctx, "../all", take_status, text),
			 -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forwarding");
	TCase *tcase = netns_case(suite, "forwarding", 20);

	tcase_add_test(tcase, turning_on_is_undone_by_clear_with_all_that_it_took_along);
	tcase_add_test(tcase, accept_redirects_is_put_back_whatever_it_was);
	tcase_add_test(tcase, turning_off_by_hand_puts_back_what_differed);
	tcase_add_test(
		tcase, turning_off_what_is_off_and_still_recorded_puts_back_the_rest);
	tcase_add_test(tcase, what_was_on_stays_on_at_clear);
	tcase_add_test(tcase, what_was_on_and_turned_off_is_on_again_after_clear);
	tcase_add_test(tcase, the_first_value_that_was_found_is_kept);
	tcase_add_test(tcase, an_interface_alone_is_turned_on_and_put_back);
	tcase_add_test(
		tcase,
		an_interface_that_was_turned_on_first_is_put_back_after_the_hosts_switch);
	tcase_add_test(tcase, an_interface_that_is_gone_by_then_hinders_nothing);
	tcase_add_test(tcase, an_interface_that_is_absent_is_refused);
	tcase_add_test(tcase,
		       an_uplink_that_lives_from_advertisements_goes_on_taking_them);
	tcase_add_test(tcase, who_wants_it_on_and_off_at_once_is_refused);
	tcase_add_test(tcase, the_status_is_the_kernels);
	return netns_run(suite);
}
