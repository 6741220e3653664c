/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications: which are of interest, and that nothing a message says or leaves out is
 * taken for more than it is. */

#include "damage.h"
#include "harness.h"
#include "script.h"

#include "kernel/netlink-message.h"
#include "kernel/notice.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <linux/netconf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define NFT(type) (NFNL_SUBSYS_NFTABLES << 8 | (type))

static struct script *script;
static struct error error;
static char seen[4096];

static void set_up(void)
{
	script = script_new(NETLINK_BUS_NETFILTER);
	memset(&error, 0, sizeof(error));
	seen[0] = '\0';
}

static void tear_down(void)
{
	script = script_free(script);
}

static void see(void *userdata, const struct notice *notice)
{
	static const char *const words[] = { "link",       "route", "neighbour",
					     "forwarding", "table", "element" };
	size_t len = strlen(seen);

	(void)userdata;
	ck_assert_uint_lt(len, sizeof(seen) - 256);
	if (notice->kind == NOTICE_ELEMENT)
		snprintf(seen + len, sizeof(seen) - len, "%s/%.100s/%zu/%02x/%02x/%02x ",
			 notice->family == NFT_FAMILY_NETDEV ? "netdev" : "inet",
			 notice->set, notice->key_len, notice->element->key[0],
			 notice->element->key_end[0], notice->element->data[0]);
	else
		snprintf(seen + len, sizeof(seen) - len, "%s ", words[notice->kind]);
}

static int read_all(void)
{
	return notice_read(script_socket(script), "nestnet", see, NULL, &error);
}

static void put(uint16_t type, const void *payload, size_t len)
{
	script_datagram(script);
	script_message(script, type, 0, 12345, payload, len); /* of no question of ours */
}

/* ---- rtnetlink ----------------------------------------------------------------------------- */

static void put_route(unsigned char table, unsigned char len, size_t size)
{
	struct rtmsg route = { .rtm_table = table, .rtm_dst_len = len };

	put(RTM_NEWROUTE, &route, size);
}

START_TEST(links_addresses_and_neighbours_are_told)
{
	static const uint16_t types[] = { RTM_NEWLINK, RTM_DELLINK,  RTM_NEWADDR,
					  RTM_DELADDR, RTM_NEWNEIGH, RTM_DELNEIGH };
	struct ifinfomsg info = { .ifi_index = 1 };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		put(types[i], &info, sizeof(info));
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "link link link link neighbour neighbour ");
}
END_TEST

START_TEST(of_routes_local_and_default_ones_are_told)
{
	put_route(RT_TABLE_LOCAL, 30, sizeof(struct rtmsg));
	put_route(RT_TABLE_MAIN, 0, sizeof(struct rtmsg));
	put_route(RT_TABLE_MAIN, 24, sizeof(struct rtmsg));
	put_route(RT_TABLE_LOCAL, 32, sizeof(struct rtmsg) - 1);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "route route ");
}
END_TEST

START_TEST(forwarding_is_told_where_the_setting_is_named)
{
	struct {
		struct netconfmsg fixed;
		char pad[3];
		struct nlattr attr;
		int32_t value;
	} message = { .attr = { .nla_len = 8, .nla_type = NETCONFA_FORWARDING } };

	put(RTM_NEWNETCONF, &message, sizeof(message));
	message.attr.nla_type = NETCONFA_RP_FILTER;
	put(RTM_NEWNETCONF, &message, sizeof(message));
	put(RTM_NEWNETCONF, &message, 0);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "forwarding ");
}
END_TEST

/* ---- nf_tables ----------------------------------------------------------------------------- */

static char buffer[1024];
static struct nlmsghdr *message;

static void begin(uint8_t family, const char *table)
{
	struct nfgenmsg *generic;

	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = family;
	if (table)
		mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
}

static void put_data(uint16_t type, const void *bytes, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put(message, NFTA_DATA_VALUE, len, bytes);
	mnl_attr_nest_end(message, nest);
}

static void put_element(const void *key, size_t key_len)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

	if (key)
		put_data(NFTA_SET_ELEM_KEY, key, key_len);
	put_data(NFTA_SET_ELEM_KEY_END, "\x22", 1);
	put_data(NFTA_SET_ELEM_DATA, "\x33", 1);
	mnl_attr_nest_end(message, element);
}

static void send_it(uint16_t type)
{
	put(NFT(type), mnl_nlmsg_get_payload(message),
	    mnl_nlmsg_get_payload_len(message));
}

static void put_elements(uint8_t family, const char *table, const char *set,
			 unsigned int n)
{
	struct nlattr *list;

	begin(family, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	while (n-- > 0)
		put_element("\x11\0\0\0", 4);
	mnl_attr_nest_end(message, list);
}

START_TEST(elements_of_our_tables_are_told_one_by_one)
{
	put_elements(NFPROTO_INET, "nestnet", "addr4", 2);
	send_it(NFT_MSG_NEWSETELEM);
	put_elements(NFPROTO_NETDEV, "nestnet", "guarded", 1);
	send_it(NFT_MSG_DELSETELEM);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "inet/addr4/4/11/22/33 inet/addr4/4/11/22/33 "
			       "netdev/guarded/4/11/22/33 ");
}
END_TEST

START_TEST(what_others_do_to_their_tables_is_not_told)
{
	put_elements(NFPROTO_INET, "other", "addr4", 1);
	send_it(NFT_MSG_NEWSETELEM);
	put_elements(NFPROTO_IPV4, "nestnet", "addr4", 1);
	send_it(NFT_MSG_NEWSETELEM);
	begin(NFPROTO_INET, "nestnets");
	send_it(NFT_MSG_DELTABLE);
	begin(NFPROTO_INET, NULL);
	send_it(NFT_MSG_DELTABLE);
	begin(NFPROTO_INET, "nestnet");
	send_it(NFT_MSG_NEWRULE);
	put(NFNL_SUBSYS_CTNETLINK << 8, "\0\0\0\0", 4);
	put(NFT(NFT_MSG_DELTABLE), "", 0);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(tables_and_sets_that_go_are_told_as_a_whole)
{
	static const uint16_t types[] = { NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE,
					  NFT_MSG_DELSET };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		begin(NFPROTO_INET, "nestnet");
		send_it(types[i]);
	}
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "table table table ");
}
END_TEST

START_TEST(elements_of_which_nothing_is_said_may_be_any)
{
	begin(NFPROTO_INET, "nestnet");
	send_it(NFT_MSG_DELSETELEM);
	begin(NFPROTO_INET, "nestnet");
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, "addr4");
	send_it(NFT_MSG_DELSETELEM);
	begin(NFPROTO_INET, "nestnet");
	mnl_attr_put(message, NFTA_SET_ELEM_LIST_SET, 5, "addr4"); /* no NUL */
	mnl_attr_nest_end(message,
			  mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS));
	send_it(NFT_MSG_DELSETELEM);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "table table table ");
}
END_TEST

START_TEST(a_key_that_is_longer_than_any_is_none)
{
	static const char key[NFT_KEY_MAX + 4] = "x";
	struct nlattr *list;

	begin(NFPROTO_INET, "nestnet");
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, "addr4");
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	put_element(key, sizeof(key));
	put_element(NULL, 0);
	mnl_attr_nest_end(message, list);
	send_it(NFT_MSG_NEWSETELEM);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_str_eq(seen, "inet/addr4/0/00/22/33 inet/addr4/0/00/22/33 ");
}
END_TEST

/* ---- The socket ---------------------------------------------------------------------------- */

static void put_link(void)
{
	struct ifinfomsg info = { .ifi_index = 1 };

	put(RTM_NEWLINK, &info, sizeof(info));
}

START_TEST(what_is_behind_an_overrun_is_read_all_the_same)
{
	put_link();
	script_fail_receive(script, ENOBUFS);
	put_link();
	script_fail_receive(script, EMSGSIZE);
	put_link();
	ck_assert_int_eq(read_all(), -ENOBUFS);
	ck_assert_str_eq(seen, "link link link ");
	ck_assert_int_eq(read_all(), 0);
}
END_TEST

START_TEST(a_socket_that_breaks_is_an_error)
{
	put_link();
	script_fail_receive(script, EIO);
	ck_assert_int_eq(read_all(), -EIO);
	ck_assert_str_eq(error.text, "receive from kernel: Input/output error");
}
END_TEST

static void see_nothing(void *userdata, const struct notice *notice)
{
	(void)userdata;
	(void)notice;
}

START_TEST(a_stream_without_end_is_left_for_a_while)
{
	put_link();
	script_repeat(script, 100000);
	ck_assert_int_eq(
		notice_read(script_socket(script), "nestnet", see_nothing, NULL, &error),
		0);
	ck_assert_uint_gt(script_receives(script), 1000);
}
END_TEST

START_TEST(what_is_cut_short_is_passed_over)
{
	put_elements(NFPROTO_INET, "nestnet", "addr4", 3);
	for (size_t len = 0; len < mnl_nlmsg_get_payload_len(message); len++) {
		tear_down();
		set_up();
		put(NFT(NFT_MSG_NEWSETELEM), mnl_nlmsg_get_payload(message), len);
		ck_assert_int_eq(read_all(), 0);
	}
	script_bytes(script, "\x40\0\0\0", 4);
	ck_assert_int_eq(read_all(), 0);
}
END_TEST

START_TEST(damaged_notices_are_notices_or_nothing)
{
	damage_seed(7);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned char payload[512];
		size_t len;

		put_elements(NFPROTO_INET, "nestnet", "addr4", 3);
		len = mnl_nlmsg_get_payload_len(message);
		memcpy(payload, mnl_nlmsg_get_payload(message), len);
		damage_bytes(payload, len);
		tear_down();
		set_up();
		put(NFT(NFT_MSG_NEWSETELEM), payload, len);
		ck_assert_int_eq(read_all(), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notices");
	TCase *tcase = harness_case(suite, "notices", 30);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, links_addresses_and_neighbours_are_told);
	tcase_add_test(tcase, of_routes_local_and_default_ones_are_told);
	tcase_add_test(tcase, forwarding_is_told_where_the_setting_is_named);
	tcase_add_test(tcase, elements_of_our_tables_are_told_one_by_one);
	tcase_add_test(tcase, what_others_do_to_their_tables_is_not_told);
	tcase_add_test(tcase, tables_and_sets_that_go_are_told_as_a_whole);
	tcase_add_test(tcase, elements_of_which_nothing_is_said_may_be_any);
	tcase_add_test(tcase, a_key_that_is_longer_than_any_is_none);
	tcase_add_test(tcase, what_is_behind_an_overrun_is_read_all_the_same);
	tcase_add_test(tcase, a_socket_that_breaks_is_an_error);
	tcase_add_test(tcase, a_stream_without_end_is_left_for_a_while);
	tcase_add_test(tcase, what_is_cut_short_is_passed_over);
	tcase_add_test(tcase, damaged_notices_are_notices_or_nothing);
	return harness_run(suite);
}
