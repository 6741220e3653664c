/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests as they are queued: what is wrong in itself is refused there, with the reason,
 * and before the kernel was asked for anything. */

#include "harness.h"

#include "plan/context.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

static struct nestnet *ctx;
static struct nestnet_transaction *tx;

static void set_up(void)
{
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ck_assert_int_eq(nestnet_transaction_new(ctx, &tx), 0);
}

static void tear_down(void)
{
	ck_assert_ptr_null(ctx->route);
	ck_assert_ptr_null(ctx->filter);
	tx = nestnet_transaction_free(tx);
	ctx = nestnet_free(ctx);
}

static struct nestnet_endpoint alias(const char *text)
{
	struct nestnet_endpoint endpoint;

	ck_assert_msg(nestnet_alias_parse(text, &endpoint, NULL) == 0, "%s", text);
	return endpoint;
}

static struct nestnet_endpoint target(const char *text)
{
	struct nestnet_endpoint endpoint;

	ck_assert_msg(nestnet_target_parse(text, &endpoint, NULL) == 0, "%s", text);
	return endpoint;
}

static struct nestnet_prefix prefix(const char *text)
{
	struct nestnet_prefix value;

	ck_assert_msg(nestnet_prefix_parse(text, &value) == 0, "%s", text);
	return value;
}

static void check_refused(int r, int code)
{
	ck_assert_int_eq(r, -code);
	ck_assert_str_ne(nestnet_errmsg(ctx), "");
}

/* ---- Exposures ---------------------------------------------------------------------------- */

static const struct {
	const char *alias, *target;
	enum nestnet_egress egress;
	const char *comment;
	int code;
	const char *sentence; /* NULL: it is taken */
} exposures[] = {
	{ "10.128.0.13", "192.168.122.89", 0, NULL, 0, NULL },
	{ "10.128.0.13:80", "192.168.122.89", 0, NULL, 0, NULL },
	{ "10.128.0.13:80", "192.168.122.89:8000", 0, NULL, 0, NULL },
	{ "10.128.0.13:53/udp", "192.168.122.89:8053", 0, "dns", 0, NULL },
	{ "10.128.0.13", "192.168.122.89", NESTNET_EGRESS_ALIAS, NULL, 0, NULL },
	{ "10.128.0.13", "192.168.122.89", NESTNET_EGRESS_NONE, "a b", 0, NULL },
	{ "10.128.0.13", "2001:db8::89", 0, NULL, EINVAL,
	  "expose 10.128.0.13: alias and target are not of one family" },
	{ "2001:db8::13", "192.168.122.89", 0, NULL, EINVAL,
	  "expose 2001:db8::13: alias and target are not of one family" },
	{ "10.128.0.13", "192.168.122.89:80", 0, NULL, EINVAL,
	  "expose 10.128.0.13: the target has a port and the alias has none" },
	{ "10.128.0.13", "192.168.122.88/30", 0, NULL, EINVAL,
	  "expose 10.128.0.13: alias and target are not of one prefix length" },
	{ "10.128.0.12/30", "192.168.122.89", 0, NULL, EINVAL,
	  "expose 10.128.0.12/30: alias and target are not of one prefix length" },
	{ "10.128.0.13:80", "192.168.122.88/30", 0, NULL, EINVAL,
	  "expose 10.128.0.13:80/tcp: ports are exposed to one address, not to a "
	  "prefix" },
	{ "10.128.0.13:80", "192.168.122.89:80-81", 0, NULL, EINVAL,
	  "expose 10.128.0.13:80/tcp: alias and target have not as many ports" },
	{ "10.128.0.13:80-82", "192.168.122.89:80-81", 0, NULL, EINVAL,
	  "expose 10.128.0.13:80-82/tcp: alias and target have not as many ports" },
	{ "10.128.0.13", "10.128.0.13", 0, NULL, EINVAL,
	  "expose 10.128.0.13: alias and target are one address" },
	{ "10.128.0.13:80", "10.128.0.13:81", 0, NULL, EINVAL,
	  "expose 10.128.0.13:80/tcp: alias and target are one address" },
	{ "10.128.0.13:80", "192.168.122.89", NESTNET_EGRESS_ALIAS, NULL, EINVAL,
	  "expose 10.128.0.13:80/tcp: --egress alias and none want an alias without a "
	  "port" },
	{ "10.128.0.13:80", "192.168.122.89", NESTNET_EGRESS_NONE, NULL, EINVAL,
	  "expose 10.128.0.13:80/tcp: --egress alias and none want an alias without a "
	  "port" },
	{ "10.128.0.13", "192.168.122.89", 0, "", EINVAL,
	  "expose 10.128.0.13: a comment is not empty" },
	{ "10.128.0.13", "192.168.122.89", 0, "a\"b", EINVAL,
	  "expose 10.128.0.13: a comment is of letters, digits, spaces and _ . : / @ + = "
	  ", -" },
};

START_TEST(an_exposure_is_taken_or_refused_with_the_reason)
{
	struct nestnet_endpoint from = alias(exposures[_i].alias);
	struct nestnet_endpoint to = target(exposures[_i].target);
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .egress = exposures[_i].egress,
						  .comment = exposures[_i].comment };

	ck_assert_int_eq(nestnet_expose(tx, &from, &to, &options), -exposures[_i].code);
	ck_assert_str_eq(nestnet_errmsg(ctx),
			 exposures[_i].sentence ? exposures[_i].sentence : "");
}
END_TEST

START_TEST(a_flag_that_there_is_not_is_refused)
{
	const unsigned int bad = 1u << 31;
	struct nestnet_endpoint from = alias("10.128.0.13"),
				to = target("192.168.122.89");
	struct nestnet_expose_options expose = { .size = sizeof(expose), .flags = bad };
	struct nestnet_tap_options tap = { .size = sizeof(tap), .flags = bad };
	struct nestnet_bridge_options bridge = { .size = sizeof(bridge), .flags = bad };
	struct nestnet_nat_options nat = { .size = sizeof(nat), .flags = bad };
	struct nestnet_prefix subnet = prefix("192.168.122.0/24");

	check_refused(nestnet_expose(tx, &from, &to, &expose), EINVAL);
	check_refused(nestnet_unexpose(tx, &from, bad), EINVAL);
	check_refused(nestnet_unexpose_target(tx, NULL, bad), EINVAL);
	check_refused(nestnet_tap_add(tx, "tap0", &tap), EINVAL);
	check_refused(nestnet_tap_del(tx, "tap0", bad), EINVAL);
	check_refused(nestnet_bridge_add(tx, "br0", &bridge), EINVAL);
	check_refused(nestnet_bridge_del(tx, "br0", bad), EINVAL);
	check_refused(nestnet_bridge_attach(tx, "br0", "eth0", bad), EINVAL);
	check_refused(nestnet_bridge_detach(tx, "eth0", bad), EINVAL);
	check_refused(nestnet_nat_add(tx, &subnet, &nat), EINVAL);
	check_refused(nestnet_nat_del(tx, &subnet, bad), EINVAL);
	check_refused(nestnet_alias_add(tx, &subnet, "eth0", bad), EINVAL);
	check_refused(nestnet_alias_del(tx, &subnet, bad), EINVAL);
	ck_assert_uint_eq(nestnet_transaction_size(tx), 0);
}
END_TEST

START_TEST(what_is_removed_is_something_that_could_have_been_added)
{
	struct nestnet_endpoint from = alias("10.128.0.13:80");
	struct nestnet_prefix subnet = prefix("192.168.122.0/24");

	from.protocol = 999;
	check_refused(nestnet_unexpose(tx, &from, 0), EINVAL);
	subnet.len = 200;
	check_refused(nestnet_nat_del(tx, &subnet, 0), EINVAL);
	subnet = prefix("192.168.122.1/24");
	check_refused(nestnet_nat_del(tx, &subnet, 0), EINVAL);
}
END_TEST

/* What a program fills in by itself, past the parsers, is input too. */
static struct nestnet_endpoint filled(unsigned int kind)
{
	struct nestnet_endpoint endpoint = alias("10.128.0.13:80");

	switch (kind) {
	case 0: /* the address of nobody */
		memset(endpoint.prefix.address.bytes, 0, 4);
		break;
	case 1: /* loopback */
		endpoint.prefix.address.bytes[0] = 127;
		break;
	case 2: /* multicast */
		endpoint.prefix.address.bytes[0] = 224;
		break;
	case 3: /* no such protocol */
		endpoint.protocol = 999;
		break;
	case 4: /* a protocol without ports */
		endpoint.protocol = IPPROTO_ICMP;
		break;
	case 5: /* a port of no protocol */
		endpoint.protocol = 0;
		break;
	case 6: /* a last port without a first */
		endpoint.first_port = 0;
		break;
	case 7: /* a range that is backwards */
		endpoint.last_port = 79;
		break;
	case 8: /* longer than an address */
		endpoint.prefix.len = 33;
		break;
	case 9: /* a prefix with a port */
		endpoint.prefix.len = 24;
		break;
	case 10: /* a protocol without a port */
		endpoint.first_port = endpoint.last_port = 0;
		break;
	case 11: /* no such family */
		endpoint.prefix.address.family = 999;
		break;
	}
	return endpoint;
}
#define FILLED_KINDS 12

START_TEST(an_alias_that_no_parser_gives_is_refused)
{
	struct nestnet_endpoint from = filled((unsigned int)_i);
	struct nestnet_endpoint to = target("192.168.122.89");
	int r = nestnet_expose(tx, &from, &to, NULL);

	/* What looks like a range may be told to be one. */
	ck_assert_msg(r == -EINVAL || r == -EOPNOTSUPP, "it is taken");
	ck_assert_str_ne(nestnet_errmsg(ctx), "");
}
END_TEST

START_TEST(a_target_that_no_parser_gives_is_refused)
{
	struct nestnet_endpoint from = alias("10.128.0.13"),
				to = target("192.168.122.89");

	memset(to.prefix.address.bytes, 0, 4);
	check_refused(nestnet_expose(tx, &from, &to, NULL), EINVAL);
	to.prefix.address.bytes[0] = 127;
	check_refused(nestnet_expose(tx, &from, &to, NULL), EINVAL);
	to.prefix.address.bytes[0] = 224;
	check_refused(nestnet_expose(tx, &from, &to, NULL), EINVAL);
	from = alias("10.128.0.13:80");
	to = target("192.168.122.89");
	to.prefix.len = 33;
	check_refused(nestnet_expose(tx, &from, &to, NULL), EINVAL);
}
END_TEST

START_TEST(an_egress_that_there_is_not_is_refused)
{
	struct nestnet_endpoint from = alias("10.128.0.13"),
				to = target("192.168.122.89");
	struct nestnet_expose_options options = { .size = sizeof(options) };

	options.egress = (enum nestnet_egress)77;
	check_refused(nestnet_expose(tx, &from, &to, &options), EINVAL);
}
END_TEST

/* ---- Taps ------------------------------------------------------------------------------------ */

static const uint8_t good_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t multicast_mac[6] = { 1, 0, 0x5e, 0, 0, 1 };
static const uint8_t zero_mac[6];

static const struct {
	const char *name;
	struct nestnet_tap_options options; /* size aside */
	const char *sentence;               /* NULL: it is taken */
} taps[] = {
	{ "tap0", { .queues = 0 }, NULL },
	{ "tap%d", { .queues = 256, .mac = good_mac, .mtu = 1460 }, NULL },
	{ "tap0", { .bridge = "br0", .flags = NESTNET_TAP_ISOLATED }, NULL },
	{ "", { .queues = 0 }, "tap add '': an interface name is not empty" },
	{ "-x",
	  { .queues = 0 },
	  "tap add '-x': an interface name starts with a letter or a digit" },
	{ "all",
	  { .queues = 0 },
	  "tap add 'all': not an interface name: sysctls use it for something else" },
	{ "0123456789012345",
	  { .queues = 0 },
	  "tap add '0123456789012345': an interface name has at most 15 characters" },
	{ "x;$(id)",
	  { .queues = 0 },
	  "tap add 'x;$(id)': an interface name is of letters, digits and _ . -" },
	{ "tap0", { .queues = 257 }, "tap add tap0: a tap has at most 256 queues" },
	{ "tap0", { .queues = UINT_MAX }, "tap add tap0: a tap has at most 256 queues" },
	{ "tap0", { .mtu = 67 }, "tap add tap0: the MTU of a tap is from 68 to 65521" },
	{ "tap0",
	  { .mtu = 65522 },
	  "tap add tap0: the MTU of a tap is from 68 to 65521" },
	{ "tap0",
	  { .mac = multicast_mac },
	  "tap add tap0: the MAC address is a multicast address" },
	{ "tap0", { .mac = zero_mac }, "tap add tap0: the MAC address is zero" },
	{ "tap0",
	  { .flags = NESTNET_TAP_ISOLATED },
	  "tap add tap0: isolation is for a bridge's ports" },
	{ "tap0",
	  { .bridge = "br%d" },
	  "tap add tap0: bridge 'br%d': an interface name is of letters, digits and _ . "
	  "-" },
	{ "tap0",
	  { .bridge = "" },
	  "tap add tap0: bridge '': an interface name is not empty" },
};

START_TEST(a_tap_is_taken_or_refused_with_the_reason)
{
	struct nestnet_tap_options options = taps[_i].options;

	options.size = sizeof(options);
	ck_assert_int_eq(nestnet_tap_add(tx, taps[_i].name, &options),
			 taps[_i].sentence ? -EINVAL : 0);
	ck_assert_str_eq(nestnet_errmsg(ctx), taps[_i].sentence ? taps[_i].sentence : "");
}
END_TEST

START_TEST(a_tap_in_a_bridge_has_no_address)
{
	struct nestnet_prefix address = prefix("192.168.122.1/24");
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .bridge = "br0",
					       .addresses = &address,
					       .n_addresses = 1 };

	check_refused(nestnet_tap_add(tx, "tap0", &options), EINVAL);
	options.bridge = NULL;
	ck_assert_int_eq(nestnet_tap_add(tx, "tap0", &options), 0);
}
END_TEST

START_TEST(an_address_that_no_interface_can_have_is_refused)
{
	static const char *const texts[] = { "0.0.0.0/0", "224.0.0.1/24",
					     "255.255.255.255", "::/64", "ff02::1/64" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct nestnet_prefix address = prefix(texts[i]);
		struct nestnet_tap_options tap = { .size = sizeof(tap),
						   .addresses = &address,
						   .n_addresses = 1 };
		struct nestnet_bridge_options bridge = { .size = sizeof(bridge),
							 .addresses = &address,
							 .n_addresses = 1 };

		ck_assert_msg(nestnet_bridge_add(tx, "br0", &bridge) == -EINVAL,
			      "bridge --address %s is taken", texts[i]);
		ck_assert_msg(nestnet_tap_add(tx, "tap0", &tap) == -EINVAL,
			      "tap --address %s is taken", texts[i]);
	}
}
END_TEST

/* ---- Bridges, subnets, forwarding ---------------------------------------------------------------- */

START_TEST(a_bridge_is_refused_for_a_name_an_mtu_or_a_mac_address)
{
	struct nestnet_bridge_options options = { .size = sizeof(options) };

	check_refused(nestnet_bridge_add(tx, "br%d", &options), EINVAL);
	check_refused(nestnet_bridge_add(tx, "a/b", NULL), EINVAL);
	options.mtu = 67;
	check_refused(nestnet_bridge_add(tx, "br0", &options), EINVAL);
	options.mtu = 65536;
	check_refused(nestnet_bridge_add(tx, "br0", &options), EINVAL);
	options.mtu = 65535;
	options.mac = multicast_mac;
	check_refused(nestnet_bridge_add(tx, "br0", &options), EINVAL);
	options.mac = good_mac;
	ck_assert_int_eq(nestnet_bridge_add(tx, "br0", &options), 0);
}
END_TEST

START_TEST(what_is_removed_or_attached_has_a_name)
{
	static const char *const bad[] = { "", "all", "default", "../x", "br%d", "a b" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		check_refused(nestnet_tap_del(tx, bad[i], 0), EINVAL);
		check_refused(nestnet_bridge_del(tx, bad[i], 0), EINVAL);
		check_refused(nestnet_bridge_attach(tx, bad[i], "eth0", 0), EINVAL);
		check_refused(nestnet_bridge_attach(tx, "br0", bad[i], 0), EINVAL);
		check_refused(nestnet_bridge_detach(tx, bad[i], 0), EINVAL);
		check_refused(nestnet_forward_set(tx, bad[i], AF_INET, 1), EINVAL);
	}
	check_refused(nestnet_bridge_attach(tx, "br0", "br0", 0), EINVAL);
	check_refused(nestnet_forward_set(tx, NULL, AF_UNIX, 1), EINVAL);
	ck_assert_int_eq(nestnet_forward_set(tx, NULL, AF_UNSPEC, 1), 0);
}
END_TEST

START_TEST(a_subnet_is_refused_with_the_reason)
{
	struct nestnet_address to;
	struct nestnet_nat_options options = { .size = sizeof(options), .to = &to };
	struct nestnet_prefix subnet = prefix("192.168.122.1/24");

	check_refused(nestnet_nat_add(tx, &subnet, NULL), EINVAL);
	subnet = prefix("0.0.0.0/0");
	check_refused(nestnet_nat_add(tx, &subnet, NULL), EINVAL);
	subnet = prefix("224.0.0.0/4");
	check_refused(nestnet_nat_add(tx, &subnet, NULL), EINVAL);
	subnet = prefix("192.168.122.0/24");
	ck_assert_int_eq(nestnet_address_parse("2001:db8::1", &to), 0);
	check_refused(nestnet_nat_add(tx, &subnet, &options), EINVAL);
	ck_assert_int_eq(nestnet_address_parse("127.0.0.1", &to), 0);
	check_refused(nestnet_nat_add(tx, &subnet, &options), EINVAL);
	options.to = NULL;
	options.out = "eth%d";
	check_refused(nestnet_nat_add(tx, &subnet, &options), EINVAL);
	ck_assert_int_eq(nestnet_nat_add(tx, &subnet, NULL), 0);
}
END_TEST

START_TEST(an_alias_of_l1_is_refused_with_the_reason)
{
	static const char *const bad[] = { "10.128.0.13/30", "fd10:128::13/64", "0.0.0.0/0",
					   "127.0.0.1",	     "224.0.0.1",	"fe80::1",
					   "fe00::/8",	     "255.255.255.255" };
	struct nestnet_prefix wanted;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		wanted = prefix(bad[i]);
		check_refused(nestnet_alias_add(tx, &wanted, "eth0", 0), EINVAL);
		check_refused(nestnet_alias_del(tx, &wanted, 0), EINVAL);
	}
	wanted = prefix("10.128.0.12/30");
	check_refused(nestnet_alias_add(tx, &wanted, "eth%d", 0), EINVAL);
	check_refused(nestnet_alias_add(tx, &wanted, "", 0), EINVAL);
	check_refused(nestnet_alias_add(tx, &wanted, "eth0", 1u << 31), EINVAL);
	ck_assert_int_eq(nestnet_alias_add(tx, &wanted, "eth0", 0), 0);
	wanted.len = 33;
	check_refused(nestnet_alias_add(tx, &wanted, "eth0", 0), EINVAL);
	check_refused(nestnet_alias_del(tx, &wanted, 0), EINVAL);
	wanted = (struct nestnet_prefix){ .len = 0 };
	check_refused(nestnet_alias_add(tx, &wanted, "eth0", 0), EINVAL);
}
END_TEST

START_TEST(a_subnet_that_no_parser_gives_is_refused)
{
	struct nestnet_prefix subnet = prefix("192.168.122.0/24");

	subnet.len = 33;
	check_refused(nestnet_nat_add(tx, &subnet, NULL), EINVAL);
	subnet.len = 24;
	subnet.address.family = AF_UNSPEC;
	check_refused(nestnet_nat_add(tx, &subnet, NULL), EINVAL);
}
END_TEST

/* The header: "-EINVAL (other requests are queued)". */
START_TEST(clear_is_refused_behind_other_requests)
{
	struct nestnet_endpoint from = alias("10.128.0.13"),
				to = target("192.168.122.89");

	ck_assert_int_eq(nestnet_expose(tx, &from, &to, NULL), 0);
	check_refused(nestnet_clear(tx), EINVAL);
}
END_TEST

START_TEST(nothing_is_queued_behind_clear)
{
	struct nestnet_endpoint from = alias("10.128.0.13"),
				to = target("192.168.122.89");

	ck_assert_int_eq(nestnet_clear(tx), 0);
	check_refused(nestnet_expose(tx, &from, &to, NULL), EINVAL);
	check_refused(nestnet_clear(tx), EINVAL);
}
END_TEST

START_TEST(a_thousand_requests_are_queued)
{
	struct nestnet_prefix addresses[3] = { prefix("10.0.0.1/24"),
					       prefix("10.0.1.1/24"),
					       prefix("10.0.2.1/24") };
	struct nestnet_bridge_options options = { .size = sizeof(options),
						  .addresses = addresses,
						  .n_addresses = 3 };

	for (unsigned int i = 0; i < 1000; i++)
		ck_assert_int_eq(nestnet_bridge_add(tx, "br0", &options), 0);
	ck_assert_ptr_null(nestnet_transaction_ifname(tx, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("requests");
	TCase *tcase = harness_case(suite, "requests", 10);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_table_test(tcase, an_exposure_is_taken_or_refused_with_the_reason, exposures);
	tcase_add_test(tcase, a_flag_that_there_is_not_is_refused);
	tcase_add_test(tcase, what_is_removed_is_something_that_could_have_been_added);
	tcase_add_loop_test(tcase, an_alias_that_no_parser_gives_is_refused, 0,
			    FILLED_KINDS);
	tcase_add_test(tcase, a_target_that_no_parser_gives_is_refused);
	tcase_add_test(tcase, an_egress_that_there_is_not_is_refused);
	add_table_test(tcase, a_tap_is_taken_or_refused_with_the_reason, taps);
	tcase_add_test(tcase, a_tap_in_a_bridge_has_no_address);
	tcase_add_test(tcase, an_address_that_no_interface_can_have_is_refused);
	tcase_add_test(tcase, a_bridge_is_refused_for_a_name_an_mtu_or_a_mac_address);
	tcase_add_test(tcase, what_is_removed_or_attached_has_a_name);
	tcase_add_test(tcase, a_subnet_is_refused_with_the_reason);
	tcase_add_test(tcase, an_alias_of_l1_is_refused_with_the_reason);
	tcase_add_test(tcase, a_subnet_that_no_parser_gives_is_refused);
	tcase_add_test(tcase, clear_is_refused_behind_other_requests);
	tcase_add_test(tcase, nothing_is_queued_behind_clear);
	tcase_add_test(tcase, a_thousand_requests_are_queued);
	return harness_run(suite);
}
