/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words as values and back: MAC addresses, times, ports, ranges. */

#include "unit/harness.h"

#include <nestnet/nestnet.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const char *const bad_macs[] = {
	"",
	"52:54:00:12:34",
	"52:54:00:12:34:5",
	"52:54:00:12:34:567",
	"52:54:00:12:34:56:",
	"52:54:00:12:34:56 ",
	" 52:54:00:12:34:56",
	"52-54-00-12-34-56",
	"525400123456",
	"5:54:00:12:34:56",
	"5g:54:00:12:34:56",
	"+5:54:00:12:34:56",
	"0x:54:00:12:34:56",
	"52::00:12:34:56:78",
};

START_TEST(a_mac_address_is_read_in_either_case_and_written_in_small_letters)
{
	static const uint8_t expected[6] = { 0x52, 0x54, 0, 0xab, 0xcd, 0xef };
	char text[NESTNET_TEXT_MAX];
	uint8_t mac[6];

	ck_assert_int_eq(nestnet_mac_parse("52:54:00:aB:Cd:EF", mac), 0);
	ck_assert_mem_eq(mac, expected, sizeof(mac));
	ck_assert_ptr_eq(nestnet_mac_format(mac, text), text);
	ck_assert_str_eq(text, "52:54:00:ab:cd:ef");
}
END_TEST

START_TEST(what_is_no_mac_address_is_refused)
{
	uint8_t mac[6] = { 1, 2, 3, 4, 5, 6 };
	static const uint8_t before[6] = { 1, 2, 3, 4, 5, 6 };

	ck_assert_int_eq(nestnet_mac_parse(bad_macs[_i], mac), -EINVAL);
	ck_assert_mem_eq(mac, before, sizeof(mac));
}
END_TEST

static const struct {
	const char *text;
	uint64_t ms; /* 0: refused */
} times[] = {
	{ "1s", 1000 },
	{ "90s", 90000 },
	{ "15m", 900000 },
	{ "2h", 7200000 },
	{ "7d", 604800000 },
	{ "007d", 604800000 },
	{ "999999999d", 86399999913600000 },
	{ "1000000000s", 0 },
	{ "0s", 0 },
	{ "", 0 },
	{ "s", 0 },
	{ "90", 0 },
	{ "90 s", 0 },
	{ "90S", 0 },
	{ "-1s", 0 },
	{ "+1s", 0 },
	{ "1.5h", 0 },
	{ "1h30m", 0 },
	{ "1ss", 0 },
};

START_TEST(a_time_has_a_number_and_a_unit)
{
	uint64_t ms = 77;

	ck_assert_int_eq(nestnet_time_parse(times[_i].text, &ms),
			 times[_i].ms ? 0 : -EINVAL);
	ck_assert_uint_eq(ms, times[_i].ms ? times[_i].ms : 77);
}
END_TEST

static const struct {
	const char *text;
	unsigned int protocol, first, last; /* 0: refused */
} ports[] = {
	{ "22", IPPROTO_TCP, 22, 22 },
	{ "22/tcp", IPPROTO_TCP, 22, 22 },
	{ "8000-8010/udp", IPPROTO_UDP, 8000, 8010 },
	{ "65535/sctp", IPPROTO_SCTP, 65535, 65535 },
	{ "", 0, 0, 0 },
	{ "0", 0, 0, 0 },
	{ "65536", 0, 0, 0 },
	{ "10-9", 0, 0, 0 },
	{ "22/icmp", 0, 0, 0 },
	{ "22/", 0, 0, 0 },
	{ "*:22", 0, 0, 0 },
	{ "22 ", 0, 0, 0 },
};

START_TEST(ports_are_read_or_refused_with_the_reason)
{
	struct nestnet_endpoint endpoint = { .protocol = 99 };
	const char *why = NULL;
	int r = nestnet_ports_parse(ports[_i].text, &endpoint, &why);

	ck_assert_int_eq(r, ports[_i].first ? 0 : -EINVAL);
	ck_assert(r == 0 ? !why : why && why[0]);
	ck_assert_int_eq(nestnet_ports_parse(ports[_i].text, &endpoint, NULL), r);
	if (r < 0) {
		ck_assert_uint_eq(endpoint.protocol, 99);
		return;
	}
	ck_assert_uint_eq(endpoint.protocol, ports[_i].protocol);
	ck_assert_uint_eq(endpoint.first_port, ports[_i].first);
	ck_assert_uint_eq(endpoint.last_port, ports[_i].last);
	ck_assert_int_eq(endpoint.prefix.address.family, AF_UNSPEC);
}
END_TEST

static const struct {
	const char *text;
	int r;
} ranges[] = {
	{ "192.168.122.100-192.168.122.200", 0 },
	{ "192.168.122.100-192.168.122.100", 0 },
	{ "2001:db8::1-2001:db8::ff", 0 },
	{ "192.168.122.200-192.168.122.100", 0 },
	{ "192.168.122.100-2001:db8::1", -EINVAL },
	{ "192.168.122.100", -EINVAL },
	{ "192.168.122.100-", -EINVAL },
	{ "-192.168.122.100", -EINVAL },
	{ "192.168.122.100-200", -EINVAL },
	{ "192.168.122.0/24-192.168.122.9", -EINVAL },
	{ "00000000000000000000000000000000000000000000000001-10.0.0.1", -EINVAL },
	{ "", -EINVAL },
};

START_TEST(a_range_is_two_addresses_of_one_family)
{
	struct nestnet_range range = { .first = { .family = 99 } };

	ck_assert_int_eq(nestnet_range_parse(ranges[_i].text, &range), ranges[_i].r);
	ck_assert(ranges[_i].r == 0 ? range.first.family == range.last.family
				    : range.first.family == 99);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = harness_case(suite, "words", 10);

	tcase_add_test(tcase,
		       a_mac_address_is_read_in_either_case_and_written_in_small_letters);
	add_table_test(tcase, what_is_no_mac_address_is_refused, bad_macs);
	add_table_test(tcase, a_time_has_a_number_and_a_unit, times);
	add_table_test(tcase, ports_are_read_or_refused_with_the_reason, ports);
	add_table_test(tcase, a_range_is_two_addresses_of_one_family,
		       ranges);
	return harness_run(suite);
}
