/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of what was found, which are words in a comment: read, added to, taken out of
 * again, and read where somebody else's hand wrote them. */

#include "harness.h"
#include "script.h"

#include "plan/found.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

static struct nestnet *ctx;
static struct plan *plan;
static struct script *script;

static void answer_generation(void)
{
	struct {
		struct nfgenmsg generic;
		struct nlattr attr;
		uint32_t id;
	} reply = { .attr = { .nla_len = 8, .nla_type = NFTA_GEN_ID }, .id = htonl(7) };

	script_datagram(script);
	script_message(script, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0, 0, &reply,
		       sizeof(reply));
	script_ack(script, 0, 0);
}

static void answer_no_table(void)
{
	answer_generation();
	script_ack(script, 1, -ENOENT);
}

static void answer_table(void)
{
	struct {
		struct nfgenmsg generic;
		struct nlattr attr;
		unsigned char type, len;
		char comment[64];
	} reply = { .attr = { .nla_type = NFTA_TABLE_USERDATA } };

	snprintf(reply.comment, sizeof(reply.comment), "%s", RULESET_VERSION);
	reply.len = (unsigned char)(strlen(RULESET_VERSION) + 1);
	reply.attr.nla_len = (uint16_t)(NLA_HDRLEN + 2 + reply.len);
	answer_generation();
	script_datagram(script);
	script_message(script, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, 0, 1, &reply,
		       sizeof(struct nfgenmsg) + reply.attr.nla_len);
	script_ack(script, 1, 0);
}

/* A message with one element of the set `found`. */
static void answer_element(const char *interface, const char *comment)
{
	unsigned char buffer[1024] = { 0 }, key[16] = { 0 }, userdata[300] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *list, *element, *value;

	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	value = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	memcpy(key, interface, strlen(interface));
	mnl_attr_put(message, NFTA_DATA_VALUE, sizeof(key), key);
	mnl_attr_nest_end(message, value);
	userdata[1] = (unsigned char)(strlen(comment) + 1);
	memcpy(userdata + 2, comment, strlen(comment));
	mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, 2 + strlen(comment) + 1, userdata);
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, list);
	script_datagram(script);
	script_message(script, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, 0, 0,
		       mnl_nlmsg_get_payload(message),
		       mnl_nlmsg_get_payload_len(message));
}

static void set_up(void)
{
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ck_assert_int_eq(plan_new(ctx, &plan), 0);
	script = script_under(ctx->filter);
}

static void tear_down(void)
{
	plan = plan_free(plan);
	ctx = nestnet_free(ctx);
	script = script_free(script);
}

/* ---- Without a table --------------------------------------------------------------------- */

START_TEST(what_was_recorded_is_found)
{
	char value[FOUND_VALUE_MAX] = "#";

	answer_no_table();
	ck_assert_int_eq(found_get(plan, "all", "ipv4.forwarding", value), 0);
	ck_assert_str_eq(value, "#");
	ck_assert_int_eq(found_set(plan, "all", "ipv4.forwarding", "0"), 0);
	ck_assert_int_eq(found_set(plan, "eth0", "master", "none"), 0);
	ck_assert_int_eq(found_get(plan, "all", "ipv4.forwarding", value), 1);
	ck_assert_str_eq(value, "0");
	ck_assert_int_eq(found_get(plan, "eth0", "master", value), 1);
	ck_assert_str_eq(value, "none");
	ck_assert_int_eq(found_get(plan, "eth1", "master", value), 0);
	ck_assert_int_eq(found_get(plan, "eth0", "ipv4.forwarding", value), 0);
	ck_assert_uint_eq(script_sends(script), 1);
}
END_TEST

START_TEST(records_of_one_interface_do_not_disturb_each_other)
{
	char value[FOUND_VALUE_MAX];

	answer_no_table();
	ck_assert_int_eq(found_set(plan, "all", "a", "1"), 0);
	ck_assert_int_eq(found_set(plan, "all", "ab", "2"), 0);
	ck_assert_int_eq(found_set(plan, "all", "b", "3"), 0);
	ck_assert_int_eq(found_set(plan, "all", "ab", "4"), 0);
	ck_assert_int_eq(found_get(plan, "all", "a", value), 1);
	ck_assert_str_eq(value, "1");
	ck_assert_int_eq(found_get(plan, "all", "ab", value), 1);
	ck_assert_str_eq(value, "4");
	ck_assert_int_eq(found_set(plan, "all", "a", NULL), 0);
	ck_assert_int_eq(found_get(plan, "all", "a", value), 0);
	ck_assert_int_eq(found_get(plan, "all", "ab", value), 1);
	ck_assert_int_eq(found_get(plan, "all", "b", value), 1);
	ck_assert_str_eq(value, "3");
}
END_TEST

START_TEST(forgetting_the_last_record_leaves_nothing_to_change)
{
	answer_no_table();
	ck_assert_int_eq(found_set(plan, "all", "a", "1"), 0);
	ck_assert(elements_is_changed(plan->elements));
	ck_assert_int_eq(found_set(plan, "all", "b", NULL), 0);
	ck_assert_int_eq(found_set(plan, "all", "a", NULL), 0);
	ck_assert_int_eq(found_get(plan, "all", "a", (char[FOUND_VALUE_MAX]){ "" }), 0);
}
END_TEST

START_TEST(a_number_is_noted_once_and_forgotten_when_it_is_back)
{
	char value[FOUND_VALUE_MAX];

	answer_no_table();
	ck_assert_int_eq(found_note(plan, "all", "n", 1, 1), 0); /* no change */
	ck_assert_int_eq(found_get(plan, "all", "n", value), 0);
	ck_assert_int_eq(found_note(plan, "all", "n", 0, 1), 0);
	ck_assert_int_eq(found_note(plan, "all", "n", 1, 2), 0); /* 0 was found, not 1 */
	ck_assert_int_eq(found_get(plan, "all", "n", value), 1);
	ck_assert_str_eq(value, "0");
	ck_assert_int_eq(found_note(plan, "all", "n", 2, 0), 0);
	ck_assert_int_eq(found_get(plan, "all", "n", value), 0);
}
END_TEST

START_TEST(what_has_no_room_is_an_error_and_changes_nothing)
{
	char name[16], value[FOUND_VALUE_MAX];
	unsigned int n = 0;
	int r = 0;

	answer_no_table();
	while (r == 0 && n < 100) {
		snprintf(name, sizeof(name), "setting%u", n++);
		r = found_set(plan, "all", name, "1234567");
	}
	ck_assert_int_eq(r, -EIO);
	ck_assert_str_ne(nestnet_errmsg(ctx), "");
	/* Seven of "setting0=1234567" and their spaces are 118 characters of 127. */
	ck_assert_uint_eq(n, 8);
	for (unsigned int i = 0; i < n - 1; i++) {
		snprintf(name, sizeof(name), "setting%u", i);
		ck_assert_int_eq(found_get(plan, "all", name, value), 1);
		ck_assert_str_eq(value, "1234567");
	}
	ck_assert_int_eq(found_get(plan, "all", "setting7", value), 0);
}
END_TEST

START_TEST(values_of_every_length_are_kept_whole_or_refused)
{
	answer_no_table();
	for (size_t n = 1; n < 300; n++) {
		char value[FOUND_VALUE_MAX];
		int r = found_set(plan, "eth0", "v", harness_repeat('x', n));

		ck_assert_int_eq(r, n <= 125 ? 0 : -EIO);
		if (r == 0 && n < FOUND_VALUE_MAX) {
			ck_assert_int_eq(found_get(plan, "eth0", "v", value), 1);
			ck_assert_uint_eq(strlen(value), n);
		}
	}
}
END_TEST

START_TEST(an_interfaces_name_is_kept_whole)
{
	char value[FOUND_VALUE_MAX];

	answer_no_table();
	ck_assert_int_eq(found_set(plan, "012345678901234", "a", "1"), 0);
	ck_assert_int_eq(found_get(plan, "012345678901234", "a", value), 1);
	ck_assert_int_eq(found_get(plan, "01234567890123", "a", value), 0);
}
END_TEST

/* ---- As somebody else's hand wrote them ------------------------------------------------------- */

static int write_down(void *userdata, const char *interface, const char *name,
		      const char *value)
{
	char *text = userdata;
	size_t len = strlen(text);

	ck_assert_uint_lt(len, 900);
	snprintf(text + len, 1024 - len, "%s|%s|%s;", interface, name, value);
	return 0;
}

static const struct {
	const char *comment, *records;
} comments[] = {
	{ "a=1", "all|a|1;" },
	{ "a=1 b=2", "all|a|1;all|b|2;" },
	{ "  a=1   b=2  ", "all|a|1;all|b|2;" },
	{ "", "" },
	{ " ", "" },
	{ "a", "" },
	{ "a b=2", "all|b|2;" },
	{ "=", "all||;" },
	{ "a=", "all|a|;" },
	{ "=1", "all||1;" },
	{ "a=b=c", "all|a|b=c;" },
};

START_TEST(records_are_read_from_any_comment)
{
	char text[1024] = "";

	answer_table();
	answer_element("all", comments[_i].comment);
	script_done(script, 0, 0);
	ck_assert_int_eq(found_each(plan, write_down, text), 0);
	ck_assert_str_eq(text, comments[_i].records);
}
END_TEST

START_TEST(a_record_is_rewritten_in_the_comment_that_is_there)
{
	char text[1024] = "", value[FOUND_VALUE_MAX];

	answer_table();
	answer_element("all", "a=1 bb=2 c=3");
	script_ack(script, 0, 0);
	answer_element("all", "a=1 bb=2 c=3");
	script_done(script, 0, 0);
	ck_assert_int_eq(found_get(plan, "all", "b", value), 0);
	ck_assert_int_eq(found_get(plan, "all", "bb", value), 1);
	ck_assert_str_eq(value, "2");
	ck_assert_int_eq(found_set(plan, "all", "bb", "9"), 0);
	ck_assert_int_eq(found_set(plan, "all", "a", NULL), 0);
	ck_assert(elements_is_changed(plan->elements));
	ck_assert_int_eq(found_each(plan, write_down, text), 0);
	ck_assert_str_eq(text, "all|c|3;all|bb|9;");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("found");
	TCase *own = harness_case(suite, "own", 10);
	TCase *foreign = harness_case(suite, "foreign", 10);

	tcase_add_checked_fixture(own, set_up, tear_down);
	tcase_add_test(own, what_was_recorded_is_found);
	tcase_add_test(own, records_of_one_interface_do_not_disturb_each_other);
	tcase_add_test(own, forgetting_the_last_record_leaves_nothing_to_change);
	tcase_add_test(own, a_number_is_noted_once_and_forgotten_when_it_is_back);
	tcase_add_test(own, what_has_no_room_is_an_error_and_changes_nothing);
	tcase_add_test(own, values_of_every_length_are_kept_whole_or_refused);
	tcase_add_test(own, an_interfaces_name_is_kept_whole);
	tcase_add_checked_fixture(foreign, set_up, tear_down);
	add_table_test(foreign, records_are_read_from_any_comment, comments);
	tcase_add_test(foreign, a_record_is_rewritten_in_the_comment_that_is_there);
	return harness_run(suite);
}
