/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bridges and their ports, ours and others'. */

#include "faults.h"
#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_foreign_bridge(const char *name)
{
	sh("ip link add %s address 02:00:00:00:00:99 type bridge && ip link set %s up",
	   name, name);
}

static void make_veth(const char *name)
{
	sh("ip link add %s type veth peer name %s-far && ip link set %s up", name, name,
	   name);
}

static struct nestnet_bridge_options with_mtu(uint32_t mtu)
{
	return (struct nestnet_bridge_options){
		.size = sizeof(struct nestnet_bridge_options), .mtu = mtu
	};
}

/* ---- Bridges ---------------------------------------------------------------------------------- */

START_TEST(a_bridge_has_every_option_that_it_was_given)
{
	struct nestnet_prefix addresses[] = { prefix_of("192.168.122.1/24"),
					      prefix_of("2001:db8::1/64") };
	struct nestnet_bridge_options options = with_mtu(1400);
	char *text;

	options.flags = NESTNET_BRIDGE_STP;
	options.addresses = addresses;
	options.n_addresses = 2;
	options.mac = mac_of(0x21);
	ok(bridge_add("br0", &options));
	ck_assert_str_eq(bridges(), "br0 mtu=1400 stp 192.168.122.1/24 2001:db8::1/64\n");
	text = sh_output("ip -d -o link show dev br0");
	ck_assert_ptr_nonnull(strstr(text, "link/ether 02:00:00:00:00:21"));
	ck_assert_ptr_nonnull(strstr(text, ",UP"));
	ck_assert_ptr_nonnull(strstr(text, "alias nestnet bridge"));
	free(text);
	changes_nothing(ok(bridge_add("br0", &options)));
}
END_TEST

START_TEST(a_bridge_keeps_its_mac_address_as_ports_come_and_go)
{
	char *before, *after;

	ok(bridge_add("br0", NULL));
	before = sh_output("ip -o link show dev br0 | grep -o 'link/ether [^ ]*'");
	sh("ip link add vnet0 address 02:00:00:00:00:01 type veth peer name far0");
	ok(attach("br0", "vnet0", 0));
	after = sh_output("ip -o link show dev br0 | grep -o 'link/ether [^ ]*'");
	ck_assert_str_eq(after, before);
	free(after);
	ok(detach("vnet0", 0));
	after = sh_output("ip -o link show dev br0 | grep -o 'link/ether [^ ]*'");
	ck_assert_str_eq(after, before);
	free(after);
	free(before);
}
END_TEST

START_TEST(a_bridge_with_other_options_is_refused_and_names_what_is_there)
{
	struct nestnet_prefix address = prefix_of("192.168.122.1/24");
	struct nestnet_prefix other = prefix_of("192.168.123.1/24");
	struct nestnet_bridge_options options = with_mtu(1400);

	options.addresses = &address;
	options.n_addresses = 1;
	options.mac = mac_of(1);
	ok(bridge_add("br0", &options));
	options.addresses = &other;
	changes_nothing(refused(bridge_add("br0", &options), EEXIST,
				"bridge add br0: exists already, with address "
				"192.168.122.1/24"));
	options.addresses = &address;
	options.mtu = 1500;
	changes_nothing(refused(bridge_add("br0", &options), EEXIST,
				"bridge add br0: exists already, with MTU 1400"));
	options.mtu = 0;
	options.mac = mac_of(2);
	changes_nothing(
		refused(bridge_add("br0", &options), EEXIST,
			"bridge add br0: exists already, with MAC 02:00:00:00:00:01"));
	options.mac = NULL;
	options.flags = NESTNET_BRIDGE_STP;
	changes_nothing(refused(bridge_add("br0", &options), EEXIST,
				"bridge add br0: exists already, with STP off"));
	options.flags = 0;
	changes_nothing(ok(bridge_add("br0", &options)));
}
END_TEST

START_TEST(a_bridge_goes_with_its_addresses_and_lets_its_ports_go)
{
	struct nestnet_tap_options tap = { .size = sizeof(tap), .bridge = "br0" };
	char *before;

	make_veth("vnet0");
	before = snapshot();
	ok(bridge_add("br0", NULL));
	ok(tap_add("tap0", &tap));
	ok(attach("br0", "vnet0", 0));
	ok(bridge_del("br0", 0));
	ck_assert_str_eq(bridges(), "");
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=1 up owner=0\n");
	ck_assert_str_eq(elements_of("found"), "");
	ok(clear());
	snapshots_equal(before, NULL, "clear");
	free(before);
}
END_TEST

START_TEST(a_bridge_that_is_not_ours_is_left_alone)
{
	make_foreign_bridge("virbr0");
	make_veth("vnet0");
	changes_nothing(refused(bridge_add("virbr0", NULL), EEXIST,
				"bridge add virbr0: a bridge of that name exists, which "
				"nestnet did not make"));
	changes_nothing(
		refused(bridge_add("vnet0", NULL), EEXIST,
			"bridge add vnet0: an interface of that name exists, which is "
			"no bridge"));
	changes_nothing(refused(bridge_del("virbr0", 0), EBUSY,
				"bridge del virbr0: nestnet did not make it"));
	changes_nothing(
		refused(bridge_del("vnet0", 0), EBUSY, "bridge del vnet0: not a bridge"));
	changes_nothing(
		refused(bridge_del("br7", 0), ENOENT, "bridge del br7: No such device"));
	changes_nothing(ok(bridge_del("br7", NESTNET_IF_EXISTS)));
}
END_TEST

/* ---- Ports ------------------------------------------------------------------------------------- */

START_TEST(a_foreign_port_is_recorded_and_put_back)
{
	char *before;

	make_foreign_bridge("virbr0");
	make_veth("vnet0");
	ok(expose("10.128.0.13", "192.168.122.89", NESTNET_EXPOSE_NO_FORWARD));
	before = snapshot();
	ok(attach("virbr0", "vnet0", 0));
	ck_assert_str_eq(bridges(), "virbr0 mtu=1500 foreign port=vnet0\n");
	ck_assert_str_eq(elements_of("found"), "\"vnet0\" comment \"attached=virbr0\"");
	changes_nothing(ok(attach("virbr0", "vnet0", 0)));
	ok(detach("vnet0", 0));
	snapshots_equal(before, NULL, "detach");
	changes_nothing(refused(detach("vnet0", 0), ENOENT,
				"bridge detach vnet0: a port of no bridge"));
	changes_nothing(ok(detach("vnet0", NESTNET_IF_EXISTS)));
	free(before);
}
END_TEST

START_TEST(a_port_has_the_hairpin_mode_that_was_asked_for)
{
	char *text;

	ok(bridge_add("br0", NULL));
	make_veth("vnet0");
	make_veth("vnet1");
	ok(attach("br0", "vnet0", 0));
	ok(attach("br0", "vnet1", NESTNET_ATTACH_NO_HAIRPIN));
	text = sh_output("ip -d -o link show dev vnet0");
	ck_assert_ptr_nonnull(strstr(text, "hairpin on"));
	free(text);
	text = sh_output("ip -d -o link show dev vnet1");
	ck_assert_ptr_nonnull(strstr(text, "hairpin off"));
	free(text);
	changes_nothing(
		refused(attach("br0", "vnet0", NESTNET_ATTACH_NO_HAIRPIN), EEXIST,
			"bridge attach vnet0: a port already, with hairpin mode on"));
}
END_TEST

START_TEST(a_port_of_another_bridge_is_refused)
{
	make_foreign_bridge("virbr0");
	make_veth("vnet0");
	sh("ip link set vnet0 master virbr0");
	ok(bridge_add("br0", NULL));
	changes_nothing(
		refused(attach("br0", "vnet0", 0), EEXIST,
			"bridge attach vnet0: a port of virbr0 already (detach it "
			"first)"));
	changes_nothing(refused(detach("vnet0", 0), EBUSY,
				"bridge detach vnet0: nestnet did not attach it"));
	/* Attached by another program: it is so, and stays that program's. */
	changes_nothing(ok(attach("virbr0", "vnet0", 0)));
	changes_nothing(refused(detach("vnet0", 0), EBUSY,
				"bridge detach vnet0: nestnet did not attach it"));
}
END_TEST

START_TEST(what_cannot_be_a_port_is_refused)
{
	ok(bridge_add("br0", NULL));
	ok(bridge_add("br1", NULL));
	changes_nothing(refused(attach("br0", "lo", 0), EBUSY,
				"bridge attach lo: not an Ethernet interface"));
	changes_nothing(refused(attach("br0", "br1", 0), EBUSY,
				"bridge attach br1: a bridge cannot be a bridge's port"));
	changes_nothing(refused(attach("br0", "eth7", 0), ENODEV,
				"bridge attach eth7: No such device"));
	make_veth("vnet0");
	changes_nothing(refused(attach("br7", "vnet0", 0), ENODEV,
				"bridge attach vnet0: bridge br7: No such device"));
	changes_nothing(refused(attach("vnet0-far", "vnet0", 0), ENODEV,
				"bridge attach vnet0: vnet0-far is not a bridge"));
	changes_nothing(
		refused(detach("eth7", 0), ENOENT, "bridge detach eth7: No such device"));
}
END_TEST

START_TEST(a_port_that_somebody_took_out_is_no_port)
{
	ok(bridge_add("br0", NULL));
	make_veth("vnet0");
	ok(attach("br0", "vnet0", 0));
	sh("ip link set vnet0 nomaster");
	refused(detach("vnet0", 0), ENOENT, "bridge detach vnet0: a port of no bridge");
	ok(attach("br0", "vnet0", 0));
	ck_assert_str_eq(elements_of("found"), "\"vnet0\" comment \"attached=br0\"");
	sh("ip link set vnet0 nomaster");
	ok(detach("vnet0", NESTNET_IF_EXISTS));
	ck_assert_str_eq(elements_of("found"), "");
}
END_TEST

/* A text is what comes last, with what save says of the bridge. */
START_TEST(a_bridge_that_was_not_finished_is_finished_by_either_way)
{
	struct nestnet_bridge_options options = { .size = sizeof(options),
						  .mac = mac_of(0x12) };
	struct nestnet_transaction *tx;
	char *alias;

	for (int is_whole = 0; is_whole < 2; is_whole++) {
		ok(bridge_add("br0", &options));
		/* An empty one takes it away. */
		sh("ip link set br0 %salias ''", is_whole ? "" : "down ");
		tx = begin();
		if (is_whole)
			ok(nestnet_transaction_set_exact(tx));
		ok(nestnet_bridge_add(tx, "br0", &options));
		ok(commit(tx));
		alias = sh_output("ip -d link show br0");
		ck_assert_msg(strstr(alias, "nestnet bridge mac"), "%s", alias);
		free(alias);
	}
}
END_TEST

/* What nobody knows to be ours nobody takes out again. */
START_TEST(a_port_that_leaves_is_remembered_until_it_has_left)
{
	uint32_t at = 0;

	make_veth("vnet0");
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge");
	for (unsigned int n = 1; at == 0; n++) {
		ok(attach("virbr0", "vnet0", 0));
		/* As if it were killed there: nothing is sent any more, to undo it either. */
		faults_arm(ctx, FAULT_SENDS, n);
		at = detach("vnet0", 0) == 0 ? n : 0;
		(void)faults_disarm();
		nestnet_free(ctx);
		ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
		if (strstr(bridges(), "port=vnet0"))
			ck_assert_str_eq(elements_of("found"),
					 "\"vnet0\" comment \"attached=virbr0\"");
	}
	ck_assert_uint_gt(at, 3);
}
END_TEST

/* Wherever somebody else moved it to, it stays. */
START_TEST(a_port_that_somebody_moved_is_left_where_it_is)
{
	ok(bridge_add("br0", NULL));
	make_foreign_bridge("virbr0");
	make_veth("vnet0");
	ok(attach("br0", "vnet0", 0));
	sh("ip link set vnet0 master virbr0");
	changes_nothing(refused(detach("vnet0", 0), ENOENT,
				"bridge detach vnet0: a port of virbr0 by now, to which "
				"nestnet did not attach it"));
	changes_nothing(ok(detach("vnet0", NESTNET_IF_EXISTS)));
	ok(clear());
	ck_assert_str_eq(bridges(), "virbr0 mtu=1500 foreign port=vnet0\n");
}
END_TEST

START_TEST(a_tap_of_ours_is_detached_and_attached)
{
	struct nestnet_tap_options tap = { .size = sizeof(tap), .bridge = "br0" };

	ok(bridge_add("br0", NULL));
	ok(bridge_add("br1", NULL));
	ok(tap_add("tap0", &tap));
	ok(detach("tap0", 0));
	ok(attach("br1", "tap0", NESTNET_ATTACH_NO_HAIRPIN));
	ck_assert_str_eq(taps(), "tap0 bridge=br1 mtu=1500 queues=1 up owner=0\n");
	/* What is ours by its mark needs no record, and so no table. */
	ck_assert_int_ne(sh_status("nft list table inet nestnet 2>/dev/null"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bridges");
	TCase *own = netns_case(suite, "bridges", 20);
	TCase *ports = netns_case(suite, "ports", 20);

	tcase_add_test(own, a_bridge_has_every_option_that_it_was_given);
	tcase_add_test(own, a_bridge_keeps_its_mac_address_as_ports_come_and_go);
	tcase_add_test(own,
		       a_bridge_with_other_options_is_refused_and_names_what_is_there);
	tcase_add_test(own, a_bridge_goes_with_its_addresses_and_lets_its_ports_go);
	tcase_add_test(own, a_bridge_that_is_not_ours_is_left_alone);
	tcase_add_test(ports, a_foreign_port_is_recorded_and_put_back);
	tcase_add_test(ports, a_port_has_the_hairpin_mode_that_was_asked_for);
	tcase_add_test(ports, a_port_of_another_bridge_is_refused);
	tcase_add_test(ports, what_cannot_be_a_port_is_refused);
	tcase_add_test(ports, a_port_that_somebody_took_out_is_no_port);
	tcase_add_test(ports, a_bridge_that_was_not_finished_is_finished_by_either_way);
	tcase_add_test(ports, a_port_that_leaves_is_remembered_until_it_has_left);
	tcase_add_test(ports, a_port_that_somebody_moved_is_left_where_it_is);
	tcase_add_test(ports, a_tap_of_ours_is_detached_and_attached);
	return netns_run(suite);
}
