/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and prefixes: what is read, what is refused, and the arithmetic on their bits,
 * which is held against a second, slow way of saying the same. */

#include "harness.h"

#include "base/address.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Addresses as text ------------------------------------------------------------------ */

static const struct {
	const char *text, *canonical; /* NULL: the same */
	int family;
} good_addresses[] = {
	{ "0.0.0.0", NULL, AF_INET },
	{ "10.128.0.13", NULL, AF_INET },
	{ "127.0.0.1", NULL, AF_INET },
	{ "224.0.0.251", NULL, AF_INET },
	{ "255.255.255.255", NULL, AF_INET },
	{ "::", NULL, AF_INET6 },
	{ "::1", NULL, AF_INET6 },
	{ "2001:db8::13", NULL, AF_INET6 },
	{ "2001:DB8::AB", "2001:db8::ab", AF_INET6 },
	{ "2001:0db8:0000:0000:0000:0000:0000:0013", "2001:db8::13", AF_INET6 },
	{ "1:2:3:4:5:6:7:8", NULL, AF_INET6 },
	{ "1:0:0:2::", NULL, AF_INET6 },
	{ "fe80::1", NULL, AF_INET6 },
	{ "ff02::1", NULL, AF_INET6 },
	{ "::ffff:10.0.0.1", NULL, AF_INET6 },
	{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201", AF_INET6 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, AF_INET6 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AF_INET6 },
};

START_TEST(an_address_is_read_and_written_in_its_canonical_form)
{
	const char *text = good_addresses[_i].text, *canonical = good_addresses[_i].canonical;
	struct nestnet_address address, again;
	char buf[NESTNET_TEXT_MAX];

	ck_assert_msg(nestnet_address_parse(text, &address) == 0, "'%s' is refused", text);
	ck_assert_int_eq(address.family, good_addresses[_i].family);
	ck_assert_ptr_eq(nestnet_address_format(&address, buf), buf);
	ck_assert_str_eq(buf, canonical ? canonical : text);
	ck_assert_int_eq(nestnet_address_parse(buf, &again), 0);
	ck_assert(address_equal(&address, &again));
}
END_TEST

START_TEST(the_bytes_behind_an_ipv4_address_are_zero)
{
	struct nestnet_address address;

	memset(&address, 0xff, sizeof(address));
	ck_assert_int_eq(nestnet_address_parse("10.128.0.13", &address), 0);
	for (size_t i = 4; i < sizeof(address.bytes); i++)
		ck_assert_uint_eq(address.bytes[i], 0);
	ck_assert_mem_eq(address.bytes, "\x0a\x80\x00\x0d", 4);
}
END_TEST

static const char *const bad_addresses[] = {
	"", " ", "\t", "10", "10.0", "10.0.0", "10.0.0.0.0", "10.0.0.256", "10.0.0.1000",
	"10.0.0.-1", "10.0.0.+1", "10.0.0.1 ", " 10.0.0.1", "10.0.0.1\n", "10.0.0.1\r",
	"10.0.0.01", "010.0.0.1", "0x0a.0.0.1", "10.0.0.0x1", "1e1.0.0.1", "10.0.0.1/24",
	"10.0.0.1:80", "10..0.1", ".10.0.0.1", "10.0.0.1.", "10,0,0,1", "4294967295",
	"\xd9\xa1\xd9\xa0.0.0.1", "*", "any", "localhost", "10.0.0.1;id", "$(id)", "%s%n",
	":", ":::", "1::2::3", "12345::", "g::1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1::2:3:4:5:6:7:8", "fe80::1%eth0", "fe80::1%1",
	"[::1]", "::1/128", "::10.0.0", "::10.0.0.256", "::ffff:010.0.0.1", "::1 ", " ::1",
	"2001:db8::13\n", "2001-db8--13", "0:0:0:0:0:0:0:0:", "1:2:3:4:5:6:7:10.0.0.1",
};

START_TEST(what_is_no_address_is_refused_and_leaves_the_output)
{
	struct nestnet_address address, before;

	memset(&before, 0xa5, sizeof(before));
	address = before;
	ck_assert_msg(nestnet_address_parse(bad_addresses[_i], &address) == -EINVAL,
		      "'%s' is taken", bad_addresses[_i]);
	ck_assert_mem_eq(&address, &before, sizeof(address));
}
END_TEST

START_TEST(text_of_any_length_is_refused_and_not_run_over)
{
	static const char characters[] = { '1', 'a', ':', '.', '/', '[', '*', ' ', '\xff' };
	struct nestnet_endpoint endpoint;
	struct nestnet_address address;
	struct nestnet_prefix prefix;

	for (size_t i = 0; i < sizeof(characters); i++) {
		for (size_t n = 9; n < 60000; n = n < 200 ? n + 1 : n * 3) {
			const char *text = harness_repeat(characters[i], n);

			ck_assert_int_eq(nestnet_address_parse(text, &address), -EINVAL);
			ck_assert_int_eq(nestnet_prefix_parse(text, &prefix), -EINVAL);
			ck_assert_int_eq(nestnet_alias_parse(text, &endpoint, NULL), -EINVAL);
			ck_assert_int_eq(nestnet_target_parse(text, &endpoint, NULL), -EINVAL);
		}
	}
}
END_TEST

START_TEST(any_address_is_written_as_a_star)
{
	const struct nestnet_address any = { .family = AF_UNSPEC };
	const struct nestnet_prefix prefix = { .address = any };
	char buf[NESTNET_TEXT_MAX];

	ck_assert_str_eq(nestnet_address_format(&any, buf), "*");
	ck_assert_str_eq(nestnet_prefix_format(&prefix, buf), "*");
}
END_TEST

/* ---- Prefixes as text --------------------------------------------------------------------- */

static const struct {
	const char *text, *canonical; /* NULL: the same */
	unsigned int len;
	bool has_host_bits;
} good_prefixes[] = {
	{ "0.0.0.0/0", NULL, 0, false },
	{ "10.0.0.0/8", NULL, 8, false },
	{ "10.128.0.0/9", NULL, 9, false },
	{ "10.128.0.0/10", NULL, 10, false },
	{ "10.192.0.0/9", NULL, 9, true },
	{ "192.168.122.1/24", NULL, 24, true },
	{ "192.168.122.0/31", NULL, 31, false },
	{ "192.168.122.1/31", NULL, 31, true },
	{ "10.128.0.13/32", "10.128.0.13", 32, false },
	{ "10.128.0.13", NULL, 32, false },
	{ "::/0", NULL, 0, false },
	{ "2001:db8::/32", NULL, 32, false },
	{ "2001:db8::1/64", NULL, 64, true },
	{ "2001:DB8::/127", "2001:db8::/127", 127, false },
	{ "2001:db8::1/128", "2001:db8::1", 128, false },
	{ "2001:db8::1", NULL, 128, false },
};

START_TEST(a_prefix_is_read_and_written_with_its_host_bits)
{
	const char *text = good_prefixes[_i].text, *canonical = good_prefixes[_i].canonical;
	struct nestnet_prefix prefix, again;
	char buf[NESTNET_TEXT_MAX];

	ck_assert_msg(nestnet_prefix_parse(text, &prefix) == 0, "'%s' is refused", text);
	ck_assert_uint_eq(prefix.len, good_prefixes[_i].len);
	ck_assert_int_eq(prefix_has_host_bits(&prefix), good_prefixes[_i].has_host_bits);
	ck_assert_ptr_eq(nestnet_prefix_format(&prefix, buf), buf);
	ck_assert_str_eq(buf, canonical ? canonical : text);
	ck_assert_int_eq(nestnet_prefix_parse(buf, &again), 0);
	ck_assert(prefix_equal(&prefix, &again));
}
END_TEST

static const char *const bad_prefixes[] = {
	"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0",
	"10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/00", "10.0.0.0/8 ", "10.0.0.0/ 8",
	"10.0.0.0 /8", "10.0.0.0/8/8", "10.0.0.0//8", "10.0.0.0/255.0.0.0", "10.0.0.0/0x8",
	"10.0.0.0/4294967304", "10.0.0.0/18446744073709551624", "10.0.0.0/999",
	"10.0.0.0/8a", "10.0.0.0/a", "10.0.0.0/8\n", "10.0.0/24", "10/8", "*", "*/0",
	"2001:db8::/129", "2001:db8::/-1", "2001:db8::/032", "[2001:db8::]/32", "::/",
	"fe80::1%eth0/64", "10.0.0.0\\8", "10.0.0.0/8,10.1.0.0/16", "10.0.0.0-10.0.0.255",
};

START_TEST(what_is_no_prefix_is_refused_and_leaves_the_output)
{
	struct nestnet_prefix prefix, before;

	memset(&before, 0xa5, sizeof(before));
	prefix = before;
	ck_assert_msg(nestnet_prefix_parse(bad_prefixes[_i], &prefix) == -EINVAL,
		      "'%s' is taken", bad_prefixes[_i]);
	ck_assert_mem_eq(&prefix, &before, sizeof(prefix));
}
END_TEST

/* ---- Arithmetic, held against one bit at a time --------------------------------------------- */

static unsigned int get_bit(const struct nestnet_address *address, unsigned int bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void set_bit(struct nestnet_address *address, unsigned int bit, unsigned int value)
{
	uint8_t mask = (uint8_t)(1u << (7 - bit % 8));

	if (value)
		address->bytes[bit / 8] |= mask;
	else
		address->bytes[bit / 8] &= (uint8_t)~mask;
}

static struct nestnet_address random_address(int family, uint32_t *state)
{
	struct nestnet_address address = { .family = family };

	for (size_t i = 0; i < address_len(family); i++)
		address.bytes[i] = (uint8_t)harness_random(state);
	return address;
}

static const int families[] = { AF_INET, AF_INET6 };

START_TEST(a_prefix_ends_at_its_length_for_every_length)
{
	uint32_t state = 1;

	for (unsigned int len = 0; len <= address_bits(families[_i]); len++) {
		struct nestnet_prefix prefix = { .len = len };
		struct nestnet_address first, last, network;

		prefix.address = first = last = random_address(families[_i], &state);
		for (unsigned int bit = len; bit < address_bits(families[_i]); bit++) {
			set_bit(&first, bit, 0);
			set_bit(&last, bit, 1);
		}
		network = prefix_network(&prefix).address;
		ck_assert(address_equal(&network, &first));
		ck_assert_uint_eq(prefix_network(&prefix).len, len);
		network = prefix_last(&prefix);
		ck_assert(address_equal(&network, &last));
		ck_assert_int_eq(prefix_has_host_bits(&prefix),
				 !address_equal(&prefix.address, &first));
		ck_assert_int_eq(prefix_is_address(&prefix),
				 len == address_bits(families[_i]));
	}
}
END_TEST

START_TEST(a_prefix_contains_what_has_its_first_bits_and_nothing_else)
{
	unsigned int bits = address_bits(families[_i]);
	uint32_t state = 2;

	for (unsigned int round = 0; round < 20000; round++) {
		struct nestnet_prefix prefix = { .len = harness_random(&state) % (bits + 1) };
		unsigned int flipped = harness_random(&state) % bits;
		struct nestnet_address other;

		prefix.address = random_address(families[_i], &state);
		other = prefix.address;
		set_bit(&other, flipped, !get_bit(&other, flipped));
		ck_assert(prefix_contains(&prefix, &prefix.address));
		ck_assert_int_eq(prefix_contains(&prefix, &other), flipped >= prefix.len);
	}
}
END_TEST

START_TEST(prefixes_overlap_when_the_longer_is_within_the_shorter)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "11.0.0.0/8", false },
		{ "10.0.0.0/24", "10.0.1.0/24", false },
		{ "10.0.0.0/23", "10.0.1.0/24", true },
		{ "0.0.0.0/0", "192.168.122.89", true },
		{ "192.168.122.89", "192.168.122.89", true },
		{ "192.168.122.89", "192.168.122.90", false },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "2001:db8::1", true },
		{ "2001:db8::/33", "2001:db8:8000::/33", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nestnet_prefix a, b;

		ck_assert_int_eq(nestnet_prefix_parse(cases[i].a, &a), 0);
		ck_assert_int_eq(nestnet_prefix_parse(cases[i].b, &b), 0);
		ck_assert_msg(prefix_overlaps(&a, &b) == cases[i].overlap &&
				      prefix_overlaps(&b, &a) == cases[i].overlap,
			      "%s and %s", cases[i].a, cases[i].b);
	}
}
END_TEST

START_TEST(a_range_is_a_prefix_only_where_one_has_these_ends)
{
	uint32_t state = 3;

	for (unsigned int len = 0; len <= address_bits(families[_i]); len++) {
		struct nestnet_prefix wanted = { .len = len }, got;
		struct nestnet_address last;

		wanted.address = random_address(families[_i], &state);
		wanted = prefix_network(&wanted);
		last = prefix_last(&wanted);
		ck_assert(prefix_from_range(&wanted.address, &last, &got));
		ck_assert(prefix_equal(&got, &wanted));

		/* One address less at the end is no prefix, but for a pair. */
		if (len >= address_bits(families[_i]) - 1)
			continue;
		set_bit(&last, address_bits(families[_i]) - 1, 0);
		memset(&got, 0xa5, sizeof(got));
		ck_assert(!prefix_from_range(&wanted.address, &last, &got));
	}
}
END_TEST

START_TEST(addresses_have_one_order_by_family_and_then_bytes)
{
	static const char *const ordered[] = { "0.0.0.0",	 "9.255.255.255", "10.0.0.0",
					       "10.0.0.127",	 "10.0.0.128",	  "200.0.0.0",
					       "255.255.255.255", "::",		  "::1",
					       "2001:db8::13",	 "ff02::1" };

	for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
		for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
			struct nestnet_address a, b;
			int order;

			ck_assert_int_eq(nestnet_address_parse(ordered[i], &a), 0);
			ck_assert_int_eq(nestnet_address_parse(ordered[j], &b), 0);
			order = address_compare(&a, &b);
			ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
			ck_assert_int_eq(address_equal(&a, &b), i == j);
		}
	}
}
END_TEST

static const struct {
	const char *text, *why; /* NULL: it is unicast */
} unicasts[] = {
	{ "0.0.0.0", "not a host's address" },
	{ "0.255.255.255", "not a host's address" },
	{ "1.0.0.0", NULL },
	{ "126.255.255.255", NULL },
	{ "127.0.0.0", "a loopback address" },
	{ "127.255.255.255", "a loopback address" },
	{ "128.0.0.0", NULL },
	{ "169.254.169.254", NULL },
	{ "223.255.255.255", NULL },
	{ "224.0.0.0", "a multicast address" },
	{ "239.255.255.255", "a multicast address" },
	{ "240.0.0.0", "a reserved address" },
	{ "255.255.255.254", "a reserved address" },
	{ "255.255.255.255", "the broadcast address" },
	{ "::", "not a host's address" },
	{ "::1", "a loopback address" },
	{ "::2", NULL },
	{ "::ffff:10.0.0.1", "an IPv4-mapped address" },
	{ "2001:db8::", NULL },
	{ "fc00::1", NULL },
	{ "fe7f::1", NULL },
	{ "fe80::", "a link-local address" },
	{ "febf:ffff::", "a link-local address" },
	{ "fec0::", NULL },
	{ "ff00::", "a multicast address" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "a multicast address" },
};

START_TEST(only_what_a_host_can_have_is_unicast)
{
	struct nestnet_address address;
	const char *why;

	ck_assert_int_eq(nestnet_address_parse(unicasts[_i].text, &address), 0);
	why = address_why_not_unicast(&address);
	if (unicasts[_i].why)
		ck_assert_pstr_eq(why, unicasts[_i].why);
	else
		ck_assert_msg(!why, "%s: %s", unicasts[_i].text, why);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addresses");
	TCase *text = harness_case(suite, "text", 10);
	TCase *bits = harness_case(suite, "bits", 20);

	add_table_test(text, an_address_is_read_and_written_in_its_canonical_form,
		       good_addresses);
	tcase_add_test(text, the_bytes_behind_an_ipv4_address_are_zero);
	add_table_test(text, what_is_no_address_is_refused_and_leaves_the_output,
		       bad_addresses);
	tcase_add_test(text, text_of_any_length_is_refused_and_not_run_over);
	tcase_add_test(text, any_address_is_written_as_a_star);
	add_table_test(text, a_prefix_is_read_and_written_with_its_host_bits, good_prefixes);
	add_table_test(text, what_is_no_prefix_is_refused_and_leaves_the_output,
		       bad_prefixes);
	add_table_test(bits, a_prefix_ends_at_its_length_for_every_length, families);
	add_table_test(bits, a_prefix_contains_what_has_its_first_bits_and_nothing_else,
		       families);
	tcase_add_test(bits, prefixes_overlap_when_the_longer_is_within_the_shorter);
	add_table_test(bits, a_range_is_a_prefix_only_where_one_has_these_ends, families);
	tcase_add_test(bits, addresses_have_one_order_by_family_and_then_bytes);
	add_table_test(bits, only_what_a_host_can_have_is_unicast, unicasts);
	return harness_run(suite);
}
