/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps: with every option, alone and in bridges, ours and others'. */

#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nestnet_tap_options in_bridge(const char *bridge)
{
	return (struct nestnet_tap_options){ .size = sizeof(struct nestnet_tap_options),
					     .bridge = bridge };
}

/* Whether ip's description of a link has these words. */
static void link_has(const char *name, const char *words)
{
	char *text = sh_output("ip -d -o link show dev %s", name);

	ck_assert_msg(strstr(text, words), "%s: no '%s' in: %s", name, words, text);
	free(text);
}

START_TEST(a_tap_is_persistent_up_and_roots)
{
	ok(tap_add("tap0", NULL));
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=1 up owner=0\n");
	link_has("tap0", "persist on");
	link_has("tap0", "alias nestnet tap");
}
END_TEST

START_TEST(a_tap_has_every_option_that_it_was_given)
{
	struct nestnet_tap_options options = in_bridge("br0");

	ok(bridge_add("br0", NULL));
	options.flags = NESTNET_TAP_VNET_HDR | NESTNET_TAP_ISOLATED |
			NESTNET_TAP_NO_HAIRPIN | NESTNET_TAP_HAS_OWNER |
			NESTNET_TAP_HAS_GROUP;
	options.owner = 1000;
	options.group = 1001;
	options.queues = 4;
	options.mac = mac_of(0x42);
	options.mtu = 1400;
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(taps(), "tap0 bridge=br0 mtu=1400 queues=4 up vnet-hdr isolated "
				 "owner=1000 group=1001\n");
	link_has("tap0", "link/ether 02:00:00:00:00:42");
	link_has("tap0", "multi_queue");
	link_has("tap0", "vnet_hdr on");
	link_has("tap0", "hairpin off");
	link_has("tap0", "isolated on");
	link_has("tap0", "master br0");
	changes_nothing(ok(tap_add("tap0", &options)));
}
END_TEST

START_TEST(a_tap_takes_its_bridges_mtu_and_hairpin_mode)
{
	struct nestnet_bridge_options bridge = { .size = sizeof(bridge), .mtu = 1460 };
	struct nestnet_tap_options options = in_bridge("br0");

	ok(bridge_add("br0", &bridge));
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(taps(),
			 "tap0 bridge=br0 mtu=1460 queues=1 up hairpin owner=0\n");
	ck_assert_str_eq(bridges(), "br0 mtu=1460 port=tap0\n");
}
END_TEST

START_TEST(an_automatic_mtu_is_the_way_outs)
{
	struct nestnet_tap_options options = in_bridge(NULL);

	options.flags = NESTNET_TAP_MTU_AUTO;
	ok(tap_add("tap0", &options));
	sh("ip link add eth0 type veth peer name ext0; ip link set eth0 mtu 1460 up; "
	   "ip addr add 10.128.0.2/24 dev eth0; ip route add default via 10.128.0.1");
	ok(tap_add("tap1", &options));
	ok(bridge_add("br0", NULL));
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=1 up owner=0\n"
				 "tap1 bridge=- mtu=1460 queues=1 up owner=0\n");
	ck_assert_str_eq(bridges(), "br0 mtu=1460\n");
}
END_TEST

START_TEST(a_routed_tap_has_addresses)
{
	struct nestnet_prefix addresses[] = { prefix_of("192.168.50.1/24"),
					      prefix_of("192.168.51.1/32"),
					      prefix_of("2001:db8::1/64") };
	struct nestnet_tap_options options = in_bridge(NULL);

	options.addresses = addresses;
	options.n_addresses = 3;
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(taps(),
			 "tap0 bridge=- mtu=1500 queues=1 up owner=0 192.168.50.1/24 "
			 "192.168.51.1 2001:db8::1/64\n");
	changes_nothing(ok(tap_add("tap0", &options)));
}
END_TEST

START_TEST(a_group_alone_makes_no_owner)
{
	struct nestnet_tap_options options = in_bridge(NULL);

	options.flags = NESTNET_TAP_HAS_GROUP;
	options.group = 7;
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=1 up group=7\n");
	changes_nothing(ok(tap_add("tap0", &options)));
}
END_TEST

START_TEST(a_pattern_becomes_the_first_free_name)
{
	struct nestnet_transaction *tx;

	ok(tap_add("tap0", NULL));
	ok(tap_add("tap2", NULL));
	tx = begin();
	add_tap(tx, "tap%d", NULL);
	add_tap(tx, "tap%d", NULL);
	add_tap(tx, "tap2", NULL);
	ck_assert_ptr_null(nestnet_transaction_ifname(tx, 0));
	ok(nestnet_transaction_commit(tx));
	ck_assert_str_eq(nestnet_transaction_ifname(tx, 0), "tap1");
	ck_assert_str_eq(nestnet_transaction_ifname(tx, 1), "tap3");
	ck_assert_str_eq(nestnet_transaction_ifname(tx, 2), "tap2");
	ck_assert_ptr_null(nestnet_transaction_ifname(tx, 3));
	nestnet_transaction_free(tx);
}
END_TEST

/* ---- Conflicts ------------------------------------------------------------------------------- */

static const struct {
	const char *what; /* is there */
	struct nestnet_tap_options options;
} others[] = {
	{ "queues 1", { .bridge = "br0", .queues = 2 } },
	{ "MTU 1500", { .bridge = "br0", .mtu = 1400 } },
	{ "MAC 02:00:00:00:00:01",
	  { .bridge = "br0", .mac = (const uint8_t *)"\2\0\0\0\0\2" } },
	{ "bridge br0", { .bridge = NULL } },
	{ "bridge br0", { .bridge = "br1" } },
	{ "owner root", { .bridge = "br0", .flags = NESTNET_TAP_HAS_OWNER, .owner = 5 } },
	{ "owner root", { .bridge = "br0", .flags = NESTNET_TAP_HAS_GROUP, .group = 5 } },
	{ "isolation off", { .bridge = "br0", .flags = NESTNET_TAP_ISOLATED } },
	{ "hairpin mode on", { .bridge = "br0", .flags = NESTNET_TAP_NO_HAIRPIN } },
};

START_TEST(a_tap_with_other_options_is_refused_and_names_what_is_there)
{
	struct nestnet_tap_options options = in_bridge("br0"), other = others[_i].options;
	char sentence[200];

	ok(bridge_add("br0", NULL));
	ok(bridge_add("br1", NULL));
	options.mac = mac_of(1);
	ok(tap_add("tap0", &options));
	other.size = sizeof(other);
	snprintf(sentence, sizeof(sentence), "tap add tap0: exists already, with %s",
		 others[_i].what);
	changes_nothing(refused(tap_add("tap0", &other), EEXIST, sentence));
}
END_TEST

START_TEST(an_interface_that_is_not_ours_is_left_alone)
{
	sh("ip tuntap add dev tap0 mode tap; ip link add eth0 type veth peer name ext0");
	changes_nothing(
		refused(tap_add("tap0", NULL), EEXIST,
			"tap add tap0: a tap of that name exists, which nestnet did "
			"not make"));
	changes_nothing(
		refused(tap_add("eth0", NULL), EEXIST,
			"tap add eth0: an interface of that name exists, which is no "
			"tap"));
	changes_nothing(refused(tap_del("tap0", 0), EBUSY,
				"tap del tap0: nestnet did not make it"));
	changes_nothing(refused(tap_del("eth0", NESTNET_IF_EXISTS), EBUSY,
				"tap del eth0: not a tap"));
	ck_assert_ptr_nonnull(strstr(taps(), "tap0 bridge=- mtu=1500 queues=1 foreign"));
}
END_TEST

START_TEST(a_bridge_that_is_absent_or_none_is_refused)
{
	struct nestnet_tap_options options = in_bridge("br0");

	changes_nothing(refused(tap_add("tap0", &options), ENODEV,
				"tap add tap0: bridge br0: No such device"));
	sh("ip link add br0 type veth peer name ext0");
	changes_nothing(refused(tap_add("tap0", &options), ENODEV,
				"tap add tap0: br0 is not a bridge"));
}
END_TEST

/* ---- Removal ------------------------------------------------------------------------------------ */

START_TEST(a_tap_is_deleted_and_a_missing_one_refused)
{
	char *before = snapshot();

	ok(tap_add("tap0", NULL));
	ok(tap_del("tap0", 0));
	snapshots_equal(before, NULL, "adding and deleting");
	changes_nothing(
		refused(tap_del("tap0", 0), ENOENT, "tap del tap0: No such device"));
	changes_nothing(ok(tap_del("tap0", NESTNET_IF_EXISTS)));
	free(before);
}
END_TEST

START_TEST(a_tap_that_is_there_for_a_foreign_bridge_is_its_port)
{
	struct nestnet_tap_options options = in_bridge("virbr0");

	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge; ip link set virbr0 "
	   "up; "
	   "ip addr add 192.168.122.1/24 dev virbr0");
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(bridges(),
			 "virbr0 mtu=1500 foreign 192.168.122.1/24 port=tap0\n");
	changes_nothing(ok(tap_add("tap0", &options)));
	ok(tap_del("tap0", 0));
	ck_assert_str_eq(bridges(), "virbr0 mtu=1500 foreign 192.168.122.1/24\n");
}
END_TEST

START_TEST(a_tap_of_256_queues_is_made)
{
	struct nestnet_tap_options options = in_bridge(NULL);

	options.queues = NESTNET_QUEUES_MAX;
	ok(tap_add("tap0", &options));
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=256 up owner=0\n");
}
END_TEST

/* What a VMM does: it opens the tap, and carrier follows. */
START_TEST(an_attached_mtu_does_not_lower_the_bridges)
{
	struct nestnet_bridge_options bridge = { .size = sizeof(bridge), .mtu = 1500 };
	struct nestnet_tap_options options = in_bridge("br0");

	ok(bridge_add("br0", &bridge));
	options.mtu = 1400;
	ok(tap_add("tap0", &options));
	ok(tap_del("tap0", 0));
	ck_assert_str_eq(bridges(), "br0 mtu=1500\n");
}
END_TEST

/* More answers than a socket's buffer takes. */
START_TEST(five_hundred_taps_are_cleared)
{
	sh("for i in $(seq 500); do "
	   "echo tuntap add tap$i mode tap; echo link set tap$i group 1852142452; "
	   "done | ip -batch -");
	ok(clear());
	ck_assert_str_eq(taps(), "");
}
END_TEST

/* A process that was killed between marking and deleting them. */
START_TEST(taps_that_were_about_to_be_deleted_are_still_ours)
{
	ok(tap_add("tap0", NULL));
	ok(tap_add("tap1", NULL));
	sh("ip link set tap0 group 0x6e650001; ip link set tap1 group 0x6e650001");
	changes_nothing(ok(tap_add("tap0", NULL)));
	ok(tap_del("tap0", 0));
	ok(clear());
	ck_assert_str_eq(taps(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("taps");
	TCase *adding = netns_case(suite, "adding", 20);
	TCase *conflicts = netns_case(suite, "conflicts", 20);
	TCase *removal = netns_case(suite, "removal", 20);

	tcase_add_test(adding, a_tap_is_persistent_up_and_roots);
	tcase_add_test(adding, a_tap_has_every_option_that_it_was_given);
	tcase_add_test(adding, a_tap_takes_its_bridges_mtu_and_hairpin_mode);
	tcase_add_test(adding, an_automatic_mtu_is_the_way_outs);
	tcase_add_test(adding, a_routed_tap_has_addresses);
	tcase_add_test(adding, a_group_alone_makes_no_owner);
	tcase_add_test(adding, a_pattern_becomes_the_first_free_name);
	tcase_add_test(adding, a_tap_of_256_queues_is_made);
	add_table_test(conflicts,
		       a_tap_with_other_options_is_refused_and_names_what_is_there,
		       others);
	tcase_add_test(conflicts, an_interface_that_is_not_ours_is_left_alone);
	tcase_add_test(conflicts, a_bridge_that_is_absent_or_none_is_refused);
	tcase_add_test(removal, a_tap_is_deleted_and_a_missing_one_refused);
	tcase_add_test(removal, a_tap_that_is_there_for_a_foreign_bridge_is_its_port);
	tcase_add_test(removal, an_attached_mtu_does_not_lower_the_bridges);
	tcase_add_test(adding, five_hundred_taps_are_cleared);
	tcase_add_test(adding, taps_that_were_about_to_be_deleted_are_still_ours);
	return netns_run(suite);
}
