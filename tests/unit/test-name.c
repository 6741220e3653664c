/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interface names, patterns, MAC addresses and comments: what would hurt the kernel, nft or
 * sysctl paths does not get that far. */

#include "harness.h"

#include "base/name.h"

#include <nestnet/nestnet.h>
#include <string.h>

static const char *const good_names[] = {
	"a", "0", "eth0", "tap0", "virbr0", "br-guest", "eth0.100", "veth_1", "A", "Z9",
	"012345678901234", "alls", "defaults", "al", "a..b", "a-", "enp0s31f6",
};

START_TEST(a_plain_name_is_an_interface_name)
{
	const char *why = name_why_not_interface(good_names[_i]);

	ck_assert_msg(!why, "'%s': %s", good_names[_i], why);
	ck_assert_ptr_null(name_why_not_pattern(good_names[_i]));
}
END_TEST

static const char *const bad_names[] = {
	"", " ", "all", "default", ".", "..", "-", "-dash", "--help", "_a", ".hidden",
	"0123456789012345", "a/b", "../x", "a b", "a\n", "a\t", "a:1", "a\"b", "a'b", "a;b",
	"x;$(id)", "a\\b", "a*", "tap%s", "tap%n", "%d%d", "%dtap", "ta%dp", "\xc3\xa4",
	"a\x7f", "a\x01", "a|b", "a&b", "a@b", "a#b", "a+b", "a,b", "a=b", "{a}",
};

START_TEST(what_is_no_plain_name_is_refused)
{
	ck_assert_msg(name_why_not_interface(bad_names[_i]), "'%s' is taken", bad_names[_i]);
	ck_assert_msg(name_why_not_pattern(bad_names[_i]), "'%s' is taken", bad_names[_i]);
}
END_TEST

START_TEST(a_name_has_at_most_15_characters)
{
	ck_assert_ptr_null(name_why_not_interface(harness_repeat('a', 15)));
	for (size_t n = 16; n < 60000; n = n < 300 ? n + 1 : n * 2)
		ck_assert_ptr_nonnull(name_why_not_interface(harness_repeat('a', n)));
}
END_TEST

START_TEST(every_byte_is_either_allowed_in_a_name_or_refused)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	for (unsigned int byte = 1; byte < 256; byte++) {
		const char text[3] = { 'a', (char)byte, '\0' };
		int is_allowed = strchr(allowed, (char)byte) != NULL;
		int is_taken = name_why_not_interface(text) == NULL;

		ck_assert_msg(is_taken == is_allowed, "byte %u", byte);
	}
}
END_TEST

START_TEST(a_pattern_ends_in_percent_d_and_leaves_room_for_numbers)
{
	ck_assert_ptr_null(name_why_not_pattern("tap%d"));
	ck_assert_ptr_null(name_why_not_pattern("a%d"));
	ck_assert_ptr_null(name_why_not_pattern("012345678901%d"));
	ck_assert_ptr_nonnull(name_why_not_pattern("0123456789012%d"));
	ck_assert_ptr_nonnull(name_why_not_pattern("%d"));
	ck_assert_ptr_nonnull(name_why_not_pattern("-%d"));
	ck_assert_ptr_nonnull(name_why_not_pattern("tap%D"));
	ck_assert_ptr_nonnull(name_why_not_pattern("tap%"));
	ck_assert_ptr_nonnull(name_why_not_pattern("tap%d "));
	ck_assert_ptr_nonnull(name_why_not_pattern("tap%%d"));
	ck_assert_ptr_nonnull(name_why_not_interface("tap%d"));
}
END_TEST

START_TEST(a_mac_address_is_of_one_interface)
{
	static const uint8_t good[][6] = { { 0x02, 0, 0, 0x12, 0x34, 0x56 },
					   { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff },
					   { 0, 0, 0, 0, 0, 1 } };
	static const uint8_t bad[][6] = { { 0 },
					  { 1 },
					  { 0x01, 0, 0x5e, 0, 0, 0xfb },
					  { 0x33, 0x33, 0, 0, 0, 1 },
					  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_ptr_null(name_why_not_mac(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_ptr_nonnull(name_why_not_mac(bad[i]));
}
END_TEST

static const char *const bad_comments[] = {
	"", "\"", "a\"b", "x\"\n}\n}\ntable inet evil {", "a\nb", "a\tb", "a'b", "a\\b",
	"{a}", "a;b", "a#b", "$(id)", "a`id`", "a*b", "a<b", "a>b", "a|b", "a&b", "a!b",
	"a?b", "a~b", "a^b", "a%sb", "a(b", "a)b", "a[b", "a]b", "caf\xc3\xa9", "\x01",
	"a\x7f",
};

START_TEST(a_comment_that_nft_would_not_print_back_is_refused)
{
	ck_assert_msg(name_why_not_comment(bad_comments[_i]), "'%s' is taken",
		      bad_comments[_i]);
}
END_TEST

START_TEST(a_comment_has_every_character_that_is_promised)
{
	ck_assert_ptr_null(name_why_not_comment("azAZ09 _.:/@+=,-"));
	ck_assert_ptr_null(name_why_not_comment(" "));
	ck_assert_ptr_null(name_why_not_comment("-"));
	ck_assert_ptr_null(name_why_not_comment(harness_repeat('a', NESTNET_COMMENT_MAX)));
	for (size_t n = NESTNET_COMMENT_MAX + 1; n < 60000; n = n < 300 ? n + 1 : n * 2)
		ck_assert_ptr_nonnull(name_why_not_comment(harness_repeat('a', n)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *names = harness_case(suite, "names", 10);
	TCase *comments = harness_case(suite, "comments", 10);

	add_table_test(names, a_plain_name_is_an_interface_name, good_names);
	add_table_test(names, what_is_no_plain_name_is_refused, bad_names);
	tcase_add_test(names, a_name_has_at_most_15_characters);
	tcase_add_test(names, every_byte_is_either_allowed_in_a_name_or_refused);
	tcase_add_test(names, a_pattern_ends_in_percent_d_and_leaves_room_for_numbers);
	tcase_add_test(names, a_mac_address_is_of_one_interface);
	add_table_test(comments, a_comment_that_nft_would_not_print_back_is_refused,
		       bad_comments);
	tcase_add_test(comments, a_comment_has_every_character_that_is_promised);
	return harness_run(suite);
}
