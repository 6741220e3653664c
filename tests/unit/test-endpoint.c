/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of ALIAS and TARGET, what is said where it is broken, and the order of
 * endpoints. */

#include "harness.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define NOT_ADDRESS "not an IPv4 or IPv6 address"
#define NOT_PREFIX  "not an IPv4 or IPv6 prefix"
#define TAKES_IN "the prefix takes in addresses that no host can have"
#define NOT_PORT    "a port is a number from 1 to 65535"
#define NOT_PROTO   "the protocol is tcp, udp or sctp"

/* ---- Good ones --------------------------------------------------------------------------- */

struct good {
	const char *text, *canonical; /* NULL: the same */
	enum endpoint_shape shape;
	int family;
	unsigned int len, protocol;
	uint16_t first, last;
};

static const struct good good_aliases[] = {
	{ "10.128.0.13", NULL, ENDPOINT_ADDRESS, AF_INET, 32, 0, 0, 0 },
	{ "10.128.0.13/32", "10.128.0.13", ENDPOINT_ADDRESS, AF_INET, 32, 0, 0, 0 },
	{ "10.128.0.12/30", NULL, ENDPOINT_PREFIX, AF_INET, 30, 0, 0, 0 },
	{ "192.0.0.0/3", NULL, ENDPOINT_PREFIX, AF_INET, 3, 0, 0, 0 },
	{ "10.128.0.13:80", "10.128.0.13:80/tcp", ENDPOINT_PORT, AF_INET, 32, IPPROTO_TCP,
	  80, 80 },
	{ "10.128.0.13:80/tcp", NULL, ENDPOINT_PORT, AF_INET, 32, IPPROTO_TCP, 80, 80 },
	{ "10.128.0.13:53/udp", NULL, ENDPOINT_PORT, AF_INET, 32, IPPROTO_UDP, 53, 53 },
	{ "10.128.0.13:9/sctp", NULL, ENDPOINT_PORT, AF_INET, 32, IPPROTO_SCTP, 9, 9 },
	{ "10.128.0.13:1", "10.128.0.13:1/tcp", ENDPOINT_PORT, AF_INET, 32, IPPROTO_TCP,
	  1, 1 },
	{ "10.128.0.13:65535", "10.128.0.13:65535/tcp", ENDPOINT_PORT, AF_INET, 32,
	  IPPROTO_TCP, 65535, 65535 },
	{ "10.128.0.13:8000-8010", "10.128.0.13:8000-8010/tcp", ENDPOINT_RANGE, AF_INET,
	  32, IPPROTO_TCP, 8000, 8010 },
	{ "10.128.0.13:1-65535/udp", NULL, ENDPOINT_RANGE, AF_INET, 32, IPPROTO_UDP, 1,
	  65535 },
	{ "10.128.0.13:80-80", "10.128.0.13:80/tcp", ENDPOINT_PORT, AF_INET, 32,
	  IPPROTO_TCP, 80, 80 },
	{ "*:80", "*:80/tcp", ENDPOINT_ANY, AF_UNSPEC, 0, IPPROTO_TCP, 80, 80 },
	{ "*:80-90/udp", NULL, ENDPOINT_ANY, AF_UNSPEC, 0, IPPROTO_UDP, 80, 90 },
	{ "2001:db8::13", NULL, ENDPOINT_ADDRESS, AF_INET6, 128, 0, 0, 0 },
	{ "2001:DB8::13", "2001:db8::13", ENDPOINT_ADDRESS, AF_INET6, 128, 0, 0, 0 },
	{ "2001:db8::/64", NULL, ENDPOINT_PREFIX, AF_INET6, 64, 0, 0, 0 },
	{ "2000::/3", NULL, ENDPOINT_PREFIX, AF_INET6, 3, 0, 0, 0 },
	{ "[2001:db8::13]", "2001:db8::13", ENDPOINT_ADDRESS, AF_INET6, 128, 0, 0, 0 },
	{ "[2001:db8::13]:80", "[2001:db8::13]:80/tcp", ENDPOINT_PORT, AF_INET6, 128,
	  IPPROTO_TCP, 80, 80 },
	{ "[2001:db8::13]:80-81/udp", NULL, ENDPOINT_RANGE, AF_INET6, 128, IPPROTO_UDP,
	  80, 81 },
	{ "2001:db8::13:80", NULL, ENDPOINT_ADDRESS, AF_INET6, 128, 0, 0, 0 },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888]:10000-65535/sctp", NULL,
	  ENDPOINT_RANGE, AF_INET6, 128, IPPROTO_SCTP, 10000, 65535 },
};

static const struct good good_targets[] = {
	{ "192.168.122.89", NULL, ENDPOINT_ADDRESS, AF_INET, 32, 0, 0, 0 },
	{ "192.168.122.88/30", NULL, ENDPOINT_PREFIX, AF_INET, 30, 0, 0, 0 },
	{ "192.168.122.89:8000", NULL, ENDPOINT_PORT, AF_INET, 32, 0, 8000, 8000 },
	{ "192.168.122.89:8000-8001", NULL, ENDPOINT_RANGE, AF_INET, 32, 0, 8000, 8001 },
	{ "2001:db8::89", NULL, ENDPOINT_ADDRESS, AF_INET6, 128, 0, 0, 0 },
	{ "[2001:db8::89]:8000", NULL, ENDPOINT_PORT, AF_INET6, 128, 0, 8000, 8000 },
	{ "fd00::/8", NULL, ENDPOINT_PREFIX, AF_INET6, 8, 0, 0, 0 },
};

static void check_good(const struct good *good,
		       int (*parse)(const char *, struct nestnet_endpoint *,
				    const char **))
{
	const char *why = "nothing";
	struct nestnet_endpoint endpoint, again;
	char buf[NESTNET_TEXT_MAX];

	ck_assert_msg(parse(good->text, &endpoint, &why) == 0, "'%s': %s", good->text,
		      why);
	ck_assert_int_eq(endpoint_shape(&endpoint), good->shape);
	ck_assert_int_eq(endpoint_family(&endpoint), good->family);
	ck_assert_uint_eq(endpoint.prefix.len, good->len);
	ck_assert_uint_eq(endpoint.protocol, good->protocol);
	ck_assert_uint_eq(endpoint.first_port, good->first);
	ck_assert_uint_eq(endpoint.last_port, good->last);

	ck_assert_ptr_eq(nestnet_endpoint_format(&endpoint, buf), buf);
	ck_assert_str_eq(buf, good->canonical ? good->canonical : good->text);
	ck_assert_int_eq(parse(buf, &again, NULL), 0);
	ck_assert(endpoint_equal(&endpoint, &again));
}

START_TEST(an_alias_is_read_and_written_in_its_canonical_form)
{
	check_good(&good_aliases[_i], nestnet_alias_parse);
}
END_TEST

START_TEST(a_target_is_read_and_written_in_its_canonical_form)
{
	check_good(&good_targets[_i], nestnet_target_parse);
}
END_TEST

/* ---- Bad ones, with what is said ------------------------------------------------------------ */

struct bad {
	const char *text, *why;
};

static const struct bad bad_aliases[] = {
	{ "", NOT_ADDRESS },
	{ " ", NOT_ADDRESS },
	{ "web", NOT_ADDRESS },
	{ "10.128.0", NOT_ADDRESS },
	{ "10.128.0.13 ", NOT_ADDRESS },
	{ "10.128.0.013", NOT_ADDRESS },
	{ "10.128.0.13\n", NOT_ADDRESS },
	{ "10.128.0.13;id", NOT_ADDRESS },
	{ "10.128.0.13\"\n}", NOT_ADDRESS },
	{ "-10.128.0.13", NOT_ADDRESS },
	{ "--help", NOT_ADDRESS },
	{ "10.128.0.13/", NOT_PREFIX },
	{ "10.128.0.13/33", NOT_PREFIX },
	{ "10.128.0.12/030", NOT_PREFIX },
	{ "10.128.0.13/tcp", NOT_PREFIX },
	{ "10.128.0.13/30", "the prefix has host bits set" },
	{ "2001:db8::1/64", "the prefix has host bits set" },
	{ "10.128.0.12/30:80", "ports go with one address, not with a prefix" },
	{ "[2001:db8::/64]:80", "ports go with one address, not with a prefix" },
	{ "10.128.0.13:", NOT_PORT },
	{ "10.128.0.13:0", NOT_PORT },
	{ "10.128.0.13:080", NOT_PORT },
	{ "10.128.0.13:65536", NOT_PORT },
	{ "10.128.0.13:99999", NOT_PORT },
	{ "10.128.0.13:4294967376", NOT_PORT },
	{ "10.128.0.13:18446744073709551696", NOT_PORT },
	{ "10.128.0.13:-80", NOT_PORT },
	{ "10.128.0.13:+80", NOT_PORT },
	{ "10.128.0.13: 80", NOT_PORT },
	{ "10.128.0.13:80 ", NOT_PORT },
	{ "10.128.0.13:80x", NOT_PORT },
	{ "10.128.0.13:0x50", NOT_PORT },
	{ "10.128.0.13:http", NOT_PORT },
	{ "10.128.0.13:80,81", NOT_PORT },
	{ "10.128.0.13:80-", NOT_PORT },
	{ "10.128.0.13:-81", NOT_PORT },
	{ "10.128.0.13:80-0", NOT_PORT },
	{ "10.128.0.13:80-65536", NOT_PORT },
	{ "10.128.0.13:80-81-82", NOT_PORT },
	{ "10.128.0.13:81-80", "the port range is backwards" },
	{ "10.128.0.13:80/", NOT_PROTO },
	{ "10.128.0.13:80/TCP", NOT_PROTO },
	{ "10.128.0.13:80/icmp", NOT_PROTO },
	{ "10.128.0.13:80/6", NOT_PROTO },
	{ "10.128.0.13:80/tcp ", NOT_PROTO },
	{ "10.128.0.13:80/tcp/udp", NOT_PROTO },
	{ "10.128.0.13:80/tcpx", NOT_PROTO },
	{ "*", "* takes a port: *:PORT" },
	{ "*/24", NOT_PREFIX },
	{ "*:", NOT_PORT },
	{ "*:0", NOT_PORT },
	{ "**:80", NOT_ADDRESS },
	{ "[*]:80", "brackets are for IPv6 addresses" },
	{ "[10.128.0.13]:80", "brackets are for IPv6 addresses" },
	{ "[]:80", "brackets are for IPv6 addresses" },
	{ "[2001:db8::13", "the bracket is not closed" },
	{ "[", "the bracket is not closed" },
	{ "[2001:db8::13]80", "after the bracket comes :PORT" },
	{ "[2001:db8::13]]:80", "after the bracket comes :PORT" },
	{ "[2001:db8::13]:", NOT_PORT },
	{ "[2001:db8::13]:0", NOT_PORT },
	{ "[[2001:db8::13]]:80", "after the bracket comes :PORT" },
	{ "[2001:db8::g]:80", NOT_ADDRESS },
	{ "2001:db8::13]:80", NOT_ADDRESS },
	{ "2001:db8::13%eth0", NOT_ADDRESS },
	{ "0.0.0.0", "not a host's address" },
	{ "0.0.0.0/0", "not a host's address" },
	{ "0.0.0.0:80", "not a host's address" },
	{ "127.0.0.1", "a loopback address" },
	{ "127.0.0.1:80", "a loopback address" },
	{ "64.0.0.0/2", TAKES_IN },
	{ "224.0.0.1", "a multicast address" },
	{ "224.0.0.0/4", "a multicast address" },
	{ "240.0.0.1", "a reserved address" },
	{ "255.255.255.255", "the broadcast address" },
	{ "128.0.0.0/1", TAKES_IN },
	{ "::", "not a host's address" },
	{ "[::]:80", "not a host's address" },
	{ "::1", "a loopback address" },
	{ "ff02::1", "a multicast address" },
	{ "8000::/1", TAKES_IN },
	{ "fe80::1", "a link-local address" },
	{ "[fe80::1]:80", "a link-local address" },
	{ "::ffff:10.128.0.13", "an IPv4-mapped address" },
	/* Prefixes that have such addresses in their midst. */
	{ "fe00::/8", TAKES_IN },
	{ "fc00::/6", TAKES_IN },
	{ "::ff00:0:0/88", TAKES_IN },
	{ "126.0.0.0/7", TAKES_IN },
	{ "192.0.0.0/2", TAKES_IN },
};

static const struct bad bad_targets[] = {
	{ "", NOT_ADDRESS },
	{ "*:80", NOT_ADDRESS },
	{ "*", NOT_ADDRESS },
	{ "192.168.122.89:80/tcp", "a target takes its protocol from the alias" },
	{ "192.168.122.89:80-81/udp", "a target takes its protocol from the alias" },
	{ "192.168.122.89:0", NOT_PORT },
	{ "192.168.122.89:81-80", "the port range is backwards" },
	{ "192.168.122.89/24", "the prefix has host bits set" },
	{ "192.168.122.88/30:80", "ports go with one address, not with a prefix" },
	{ "127.0.0.1", "a loopback address" },
	{ "0.0.0.0", "not a host's address" },
	{ "255.255.255.255", "the broadcast address" },
	{ "fe80::89", "a link-local address" },
	{ "fe00::/8", TAKES_IN },
	{ "126.0.0.0/7", TAKES_IN },
};

static void check_bad(const struct bad *bad,
		      int (*parse)(const char *, struct nestnet_endpoint *,
				   const char **))
{
	struct nestnet_endpoint endpoint, before;
	const char *why = NULL;

	memset(&before, 0xa5, sizeof(before));
	endpoint = before;
	ck_assert_msg(parse(bad->text, &endpoint, &why) == -EINVAL, "'%s' is taken",
		      bad->text);
	ck_assert_pstr_eq(why, bad->why);
	ck_assert_mem_eq(&endpoint, &before, sizeof(endpoint));
	ck_assert_int_eq(parse(bad->text, &endpoint, NULL), -EINVAL);
}

START_TEST(what_is_no_alias_is_refused_with_the_reason)
{
	check_bad(&bad_aliases[_i], nestnet_alias_parse);
}
END_TEST

START_TEST(what_is_no_target_is_refused_with_the_reason)
{
	check_bad(&bad_targets[_i], nestnet_target_parse);
}
END_TEST

START_TEST(every_port_is_read_and_written)
{
	for (unsigned int port = 1; port <= 65535; port++) {
		char text[NESTNET_TEXT_MAX], buf[NESTNET_TEXT_MAX];
		struct nestnet_endpoint endpoint;

		snprintf(text, sizeof(text), "10.128.0.13:%u/tcp", port);
		ck_assert_int_eq(nestnet_alias_parse(text, &endpoint, NULL), 0);
		ck_assert_uint_eq(endpoint.first_port, port);
		ck_assert_str_eq(nestnet_endpoint_format(&endpoint, buf), text);
	}
}
END_TEST

START_TEST(what_is_read_at_all_is_written_so_that_it_reads_the_same)
{
	/* Words of the grammar in any order: few are an alias, and none may break the
	 * parser. */
	static const char *const words[] = {
		"10.128.0.13", "2001:db8::13", "[",  "]",  ":",   "/",   "-",
		"*",           "80",           "81", "32", "tcp", "udp", "2001:db8::",
		"10.128.0.0",  "24",           "0",  ""
	};
	unsigned int n_good = 0;
	uint32_t state = 7;

	for (unsigned int round = 0; round < 200000; round++) {
		char text[200] = "", buf[NESTNET_TEXT_MAX];
		struct nestnet_endpoint endpoint, again;
		unsigned int n = 1 + harness_random(&state) % 7;

		while (n-- > 0)
			strcat(text, words[harness_random(&state) % ARRAY_LEN(words)]);
		if (nestnet_alias_parse(text, &endpoint, NULL) < 0)
			continue;
		n_good++;
		nestnet_endpoint_format(&endpoint, buf);
		ck_assert_msg(nestnet_alias_parse(buf, &again, NULL) == 0 &&
				      endpoint_equal(&endpoint, &again),
			      "'%s' is written as '%s'", text, buf);
	}
	ck_assert_uint_gt(n_good, 1000);
}
END_TEST

/* ---- Values ----------------------------------------------------------------------------------- */

START_TEST(endpoints_have_one_order)
{
	static const char *const ordered[] = {
		"*:80/tcp",
		"10.128.0.13",
		"10.128.0.13:80/tcp",
		"10.128.0.13:80-81/tcp",
		"10.128.0.13:81/tcp",
		"10.128.0.13:53/udp",
		"10.128.0.14",
		"10.130.0.0/16",
		"10.130.0.0/15",
		"2001:db8::13",
		"[2001:db8::13]:80/tcp",
	};

	for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
		for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
			struct nestnet_endpoint a, b;
			int order;

			ck_assert_int_eq(nestnet_alias_parse(ordered[i], &a, NULL), 0);
			ck_assert_int_eq(nestnet_alias_parse(ordered[j], &b, NULL), 0);
			order = endpoint_compare(&a, &b);
			ck_assert_msg((order > 0) - (order < 0) == (i > j) - (i < j),
				      "%s and %s", ordered[i], ordered[j]);
			ck_assert_int_eq(endpoint_equal(&a, &b), i == j);
		}
	}
}
END_TEST

START_TEST(protocols_have_names)
{
	ck_assert_str_eq(protocol_name(IPPROTO_TCP), "tcp");
	ck_assert_str_eq(protocol_name(IPPROTO_UDP), "udp");
	ck_assert_str_eq(protocol_name(IPPROTO_SCTP), "sctp");
	ck_assert_str_eq(protocol_name(0), "");
	ck_assert_str_eq(protocol_name(IPPROTO_ICMP), "");
	ck_assert_uint_eq(protocol_from_name("sctp"), IPPROTO_SCTP);
	ck_assert_uint_eq(protocol_from_name(""), 0);
	ck_assert_uint_eq(protocol_from_name("tc"), 0);
}
END_TEST

START_TEST(the_longest_text_fits_its_buffer)
{
	struct nestnet_endpoint endpoint = {
		.prefix = { .address = { .family = AF_INET6 }, .len = 128 },
		.protocol = IPPROTO_SCTP,
		.first_port = 65534,
		.last_port = 65535,
	};
	char buf[NESTNET_TEXT_MAX + 1];

	memset(endpoint.prefix.address.bytes, 0xff,
	       sizeof(endpoint.prefix.address.bytes));
	memset(buf, '#', sizeof(buf));
	nestnet_endpoint_format(&endpoint, buf);
	ck_assert_str_eq(buf,
			 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65534-65535/sctp");
	ck_assert_int_eq(buf[NESTNET_TEXT_MAX], '#');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endpoints");
	TCase *text = harness_case(suite, "text", 20);
	TCase *values = harness_case(suite, "values", 10);

	add_table_test(text, an_alias_is_read_and_written_in_its_canonical_form,
		       good_aliases);
	add_table_test(text, a_target_is_read_and_written_in_its_canonical_form,
		       good_targets);
	add_table_test(text, what_is_no_alias_is_refused_with_the_reason, bad_aliases);
	add_table_test(text, what_is_no_target_is_refused_with_the_reason, bad_targets);
	tcase_add_test(text, every_port_is_read_and_written);
	tcase_add_test(text, what_is_read_at_all_is_written_so_that_it_reads_the_same);
	tcase_add_test(values, endpoints_have_one_order);
	tcase_add_test(values, protocols_have_names);
	tcase_add_test(values, the_longest_text_fits_its_buffer);
	return harness_run(suite);
}
