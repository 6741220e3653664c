/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bridge helper's ACL, as text: what it comes to, and that no text is read past its end. */

#include "harness.h"

#include "acl-file.h"
#include "acl.h"
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- In the place of the helper's own ------------------------------------------------------ */

static char complaint[512];

bool complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(complaint, sizeof(complaint), format, arguments);
	va_end(arguments);
	return false;
}

bool complain_errno(const char *format, ...)
{
	(void)format;
	return complain("errno");
}

/* The one file that there is, for which its own memory shows who reads beyond its end. */
static const char *file = "";

bool acl_file_read(const char *path, char **ret_text, size_t *ret_len)
{
	if (strcmp(path, "/acl") != 0)
		return complain("%s is not there", path);
	*ret_text = strdup(file);
	*ret_len = strlen(file);
	return *ret_text;
}

/* ---- What holds ------------------------------------------------------------------------------ */

static gid_t groups[] = { 27, 108 };
static const struct caller alice = {
	.uid = 1000, .gid = 1001, .groups = groups, .n_groups = 2
};

static bool decide(const char *text, struct acl *acl)
{
	*acl = (struct acl){ .bridge = "br0", .caller = &alice };
	file = text;
	return acl_decide(acl, "/acl");
}

/* clang-format off */
static const char *const allowing[] = {
	"allow br0", "allow all", "\tallow  br0 ", "#x\n\nallow br0 # y\n",
	"allow br0 user=1000", "allow br0 group=1001", "allow br0 group=108",
	"allow br0 user=1 group=2 user=1000", "deny br1\nallow br0",
	"deny br0 user=1001 group=1000\nallow br0", "deny all user=0\nallow all user=1000",
	"allow br0 user=4294967295\nallow br0", "allow br0 mtu=68", "allow br0 mtu=65521",
	"allow br0 guard=52:54:00:12:34:56,fd12::1,10.0.0.1",
};

static const char *const refusing[] = {
	"", "\n", "allow br1", "allow br", "allow br00", "deny br0", "deny all\nallow br0",
	"allow br0\ndeny all", "allow br0 user=1001", "allow br0 group=1000",
	"allow br0 user=65536001000", "allow br0 user=4294968296", "allow br0\ndeny br0 user=1000",
	"allow br0\ndeny br0 group=27", "allow", "allow br0 =", "allow br0 user", "allow br0 user==",
	"allow br0 guard=52:54:00:12:34:56,,", "allow br0 guard", "allow br0 mac=525400123456",
	"allow br0 mac=52:54:00:12:34:5", "allow br0 mac=:::::::::::::::::",
	"allow br0 mac=52-54-00-12-34-56", "allow br0 mtu=67", "allow br0 mtu=", "allow br0 queues=1e1",
	"include", "include /acl", "include /other", "include /acl /acl", "allow br0#",
	"allow br0\r", "allow br0\xff", "allow br0 deny", "include\nallow br0",
};
/* clang-format on */

START_TEST(these_allow)
{
	struct acl acl;

	ck_assert_msg(decide(allowing[_i], &acl), "'%s': %s", allowing[_i], complaint);
}
END_TEST

START_TEST(these_do_not)
{
	struct acl acl;

	complaint[0] = '\0';
	ck_assert_msg(!decide(refusing[_i], &acl), "'%s' allows", refusing[_i]);
	ck_assert_str_ne(complaint, "");
}
END_TEST

START_TEST(the_first_rule_that_allows_is_the_grant)
{
	struct acl acl;

	ck_assert(decide(
		"allow br0 user=1 mtu=1000\n"
		"allow br0 queues=3 mtu=1400 mac=02:00:00:00:0a:FF isolated "
		"guard=52:54:00:12:34:56 guard=52:54:00:12:34:57,10.0.0.1,10.0.0.2\n"
		"allow br0 mtu=1200",
		&acl));
	ck_assert_uint_eq(acl.grant.mtu, 1400);
	ck_assert_uint_eq(acl.grant.queues, 3);
	ck_assert_uint_eq(acl.grant.flags, NESTNET_TAP_ISOLATED);
	ck_assert(acl.grant.has_mac);
	ck_assert_int_eq(memcmp(acl.grant.mac, "\x02\0\0\0\x0a\xff", 6), 0);
	ck_assert_uint_eq(acl.grant.n_guards, 2);
	ck_assert_uint_eq(acl.grant.guards[0].n, 0);
	ck_assert_uint_eq(acl.grant.guards[1].first, 0);
	ck_assert_uint_eq(acl.grant.guards[1].n, 2);
	ck_assert_uint_eq(acl.grant.addresses[1].bytes[3], 2);
}
END_TEST

START_TEST(a_name_as_long_as_its_place_and_longer_stays_in_it)
{
	char text[400];
	struct acl acl;

	for (int n = 1; n < 300; n++) {
		snprintf(text, sizeof(text), "allow %s\nallow br0",
			 harness_repeat('b', (size_t)n));
		ck_assert_int_eq(decide(text, &acl), n <= 15);
		snprintf(text, sizeof(text), "allow br0 owner=%s",
			 harness_repeat('u', (size_t)n));
		ck_assert_int_eq(decide(text, &acl), n <= 63);
		ck_assert_uint_le(strlen(acl.grant.owner), 63);
	}
}
END_TEST

/* Pieces of rules in any order, some bytes of them changed: the sanitizers watch. What denies
 * at the end of a text that allows is never lost. */
START_TEST(no_text_is_read_past_its_end_or_allows_what_is_denied)
{
	static const char *const pieces[] = { "allow ",
					      "deny ",
					      "include ",
					      "br0 ",
					      "all ",
					      "user=",
					      "group=",
					      "1000 ",
					      "guard=",
					      "mac=",
					      "queues=",
					      "isolated ",
					      "owner=",
					      "mtu=",
					      "auto ",
					      "#",
					      "\n",
					      "52:54:00:12:34:56",
					      ",",
					      "fd12::1",
					      "9 ",
					      "/acl ",
					      "\nallow br0 ",
					      "=",
					      "\t",
					      " " };
	uint32_t state = 20190613;
	char text[512];
	struct acl acl;

	for (int round = 0; round < 20000; round++) {
		size_t len = 0, n = harness_random(&state) % 12;

		for (size_t i = 0; i < n; i++)
			len += (size_t)sprintf(
				text + len, "%s",
				pieces[harness_random(&state) % ARRAY_LEN(pieces)]);
		for (size_t i = harness_random(&state) % 3; len && i > 0; i--)
			text[harness_random(&state) % len] =
				(char)(harness_random(&state) % 255 + 1);
		strcpy(text + len, "\ndeny br0");
		ck_assert_msg(!decide(text, &acl), "allows: %s", text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acl");
	TCase *tcase = harness_case(suite, "acl", 30);

	add_table_test(tcase, these_allow, allowing);
	add_table_test(tcase, these_do_not, refusing);
	tcase_add_test(tcase, the_first_rule_that_allows_is_the_grant);
	tcase_add_test(tcase, a_name_as_long_as_its_place_and_longer_stays_in_it);
	tcase_add_test(tcase, no_text_is_read_past_its_end_or_allows_what_is_denied);
	return harness_run(suite);
}
