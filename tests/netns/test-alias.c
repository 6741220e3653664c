/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Aliases that nestnet makes: several in one transaction, all or none. */

#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What aliases are made of, less what the kernel adds by itself a moment later. */
#define STATE                                                                            \
	"(ip -4 route show table all; ip -6 route show table all; ip -o address) | "     \
	"sed -E '/fe80:|ff00::/d; s/ linkdown//; s/ tentative//' | sort"

/* eth0, up, with addresses; and eth1, down. */
static void make_links(void)
{
	sh("ip link add eth0 type veth peer name far0 && ip link set far0 up && "
	   "ip link set eth0 up && ip address add 10.128.0.2/24 dev eth0 && "
	   "ip address add fd10:128::2/64 dev eth0 nodad && "
	   "ip link add eth1 type veth peer name far1");
}

static void add(struct nestnet_transaction *tx, const char *prefix, const char *dev)
{
	struct nestnet_prefix value = prefix_of(prefix);

	ok(nestnet_alias_add(tx, &value, dev, 0));
}

static void del(struct nestnet_transaction *tx, const char *prefix, unsigned int flags)
{
	struct nestnet_prefix value = prefix_of(prefix);

	ok(nestnet_alias_del(tx, &value, flags));
}

static int add_one(const char *prefix, const char *dev)
{
	struct nestnet_transaction *tx = begin();

	add(tx, prefix, dev);
	return commit(tx);
}

static int print(void *userdata, const struct nestnet_alias *alias)
{
	char *text = userdata;
	size_t len = strlen(text);

	snprintf(text + len, 512 - len, "%s %s %d\n", alias->id, alias->dev,
		 (int)alias->origin);
	return 0;
}

/* Static, until the next call. */
static const char *aliases(void)
{
	static char text[512];

	text[0] = '\0';
	ok(nestnet_alias_list(ctx, print, text));
	return text;
}

START_TEST(aliases_of_both_families_are_made_by_one_commit)
{
	struct nestnet_transaction *tx = begin();

	make_links();
	add(tx, "10.128.0.20/30", "eth0");
	add(tx, "10.128.0.20/30", "eth0");
	add(tx, "fd10:128::20", "eth0");
	add(tx, "fd10:128:0:1::/64", "eth0");
	ck_assert_str_eq(plan_of(tx), "+ alias add 10.128.0.20/30 --dev eth0\n"
				      "+ alias add fd10:128::20 --dev eth0\n"
				      "+ alias add fd10:128:0:1::/64 --dev eth0\n");
	ok(commit(tx));
	ck_assert_str_eq(aliases(), "10.128.0.20/30 eth0 3\n"
				    "fd10:128::20 eth0 3\n"
				    "fd10:128:0:1::/64 eth0 3\n");
}
END_TEST

START_TEST(an_alias_moves_to_another_interface_by_one_commit)
{
	struct nestnet_transaction *tx;

	make_links();
	sh("ip link set eth1 up && ip link set far1 up");
	ok(add_one("10.128.0.20", "eth0"));
	refused(add_one("10.128.0.20", "eth1"), EEXIST,
		"alias add 10.128.0.20: exists already, on eth0");
	tx = begin();
	del(tx, "10.128.0.20", 0);
	add(tx, "10.128.0.20", "eth1");
	ok(commit(tx));
	ck_assert_str_eq(aliases(), "10.128.0.20 eth1 3\n");
}
END_TEST

START_TEST(an_alias_of_a_bridge_that_is_made_with_it)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	add(tx, "192.168.122.7", "br0");
	ok(commit(tx));
	ck_assert_str_eq(aliases(), "192.168.122.7 br0 3\n");
	ok(clear());
	ck_assert_str_eq(aliases(), "");
}
END_TEST

/* The kernel takes an interface's routes along with its last address of IPv4. */
START_TEST(aliases_stay_where_a_whole_state_takes_the_bridges_last_address_away)
{
	struct nestnet_transaction *tx = begin();
	static const char stay[] = "192.168.122.7 br0 3\nfd12:7::/64 br0 3\n";

	add_bridge(tx, "br0", "192.168.122.1/24");
	add(tx, "192.168.122.7", "br0");
	add(tx, "fd12:7::/64", "br0");
	ok(commit(tx));
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	add_bridge(tx, "br0", NULL);
	add(tx, "192.168.122.7", "br0");
	add(tx, "fd12:7::/64", "br0");
	ok(commit(tx));
	ck_assert_str_eq(aliases(), stay);
	ck_assert_int_ne(sh_status("ip -4 address show dev br0 | grep -q inet"), 0);
	tx = begin();
	ok(nestnet_transaction_set_exact(tx));
	add_bridge(tx, "br0", NULL);
	ok(commit(tx));
	ck_assert_str_eq(aliases(), "");
}
END_TEST

/* Where IPv6 is off no address of it can be. */
START_TEST(what_was_added_and_removed_is_as_before_when_the_next_one_fails)
{
	struct nestnet_transaction *tx;
	char *before, *after;

	make_links();
	ok(add_one("10.128.0.20", "eth0"));
	ok(add_one("fd10:128::20", "eth0"));
	before = sh_output(STATE);
	tx = begin();
	del(tx, "10.128.0.20", 0);
	del(tx, "fd10:128::20", 0);
	add(tx, "10.128.0.24/30", "eth0");
	add(tx, "fd10:128::21", "eth0");
	add(tx, "fd10:130::20", "eth1");
	set_setting("ipv6/conf/eth1/disable_ipv6", 1);
	ck_assert_int_eq(commit(tx), -EIO);
	ck_assert_ptr_nonnull(
		strstr(nestnet_errmsg(ctx), "alias add fd10:130::20: add an address: "));
	/* The kernel makes the route of an address that is back a moment later. */
	after = sh_output(STATE);
	for (int i = 0; i < 100 && strcmp(before, after) != 0; i++) {
		free(after);
		usleep(20000);
		after = sh_output(STATE);
	}
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(an_alias_is_no_address_of_its_interface_and_never_primary)
{
	struct nestnet_transaction *tx = begin();

	make_links();
	sh("ip link set eth1 up && ip link set far1 up");
	add_bridge(tx, "br0", NULL);
	add(tx, "fd10:128::20", "eth1");
	add(tx, "fd10:129::20", "br0");
	ok(commit(tx));
	ck_assert_str_eq(bridges(), "br0 mtu=1500\n");
	ck_assert_str_eq(aliases(), "fd10:128::20 eth1 3\nfd10:129::20 br0 3\n");
}
END_TEST

/* Nor may it be the broadcast address of a network, which has a route already. */
START_TEST(a_broadcast_address_is_no_alias)
{
	make_links();
	changes_nothing(refused(add_one("10.128.0.255/32", "eth0"), EADDRINUSE,
				"alias add 10.128.0.255: 10.128.0.255 is the broadcast "
				"address of 10.128.0.0/24, the network of eth0"));
	ok(add_one("10.128.0.254/32", "eth0"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alias");
	TCase *tcase = netns_case(suite, "alias", 20);

	tcase_add_test(tcase, aliases_of_both_families_are_made_by_one_commit);
	tcase_add_test(tcase, an_alias_moves_to_another_interface_by_one_commit);
	tcase_add_test(tcase, an_alias_of_a_bridge_that_is_made_with_it);
	tcase_add_test(tcase,
		       aliases_stay_where_a_whole_state_takes_the_bridges_last_address_away);
	tcase_add_test(tcase,
		       what_was_added_and_removed_is_as_before_when_the_next_one_fails);
	tcase_add_test(tcase, an_alias_is_no_address_of_its_interface_and_never_primary);
	tcase_add_test(tcase, a_broadcast_address_is_no_alias);
	return netns_run(suite);
}
