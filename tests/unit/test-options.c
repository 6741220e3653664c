/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option structures of programs that were built with an older or a newer header. */

#include "harness.h"

#include "base/options.h"

#include <errno.h>
#include <nestnet/nestnet.h>
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
	tx = nestnet_transaction_free(tx);
	ctx = nestnet_free(ctx);
}

/* What is padding at the tail today may be a member tomorrow, and nobody clears it. */
#define HAS_NO_PADDING(type, last)                                                      \
	_Static_assert(sizeof(struct type) == offsetof(struct type, last) +             \
						      sizeof(((struct type *)0)->last), \
		       #type " has padding behind " #last)

HAS_NO_PADDING(nestnet_expose_options, tap);
HAS_NO_PADDING(nestnet_open_options, ifindex);
HAS_NO_PADDING(nestnet_tap_options, open);
HAS_NO_PADDING(nestnet_bridge_options, dhcp);
HAS_NO_PADDING(nestnet_nat_options, to);
HAS_NO_PADDING(nestnet_monitor_options, flags);
HAS_NO_PADDING(nestnet_ruleset, version);

/* ---- How they are read ----------------------------------------------------------------- */

struct ours {
	size_t size;
	unsigned int flags;
	const char *name;
};

struct newer {
	struct ours ours;
	const char *more;
	unsigned int most;
};

START_TEST(what_an_older_program_does_not_have_is_zero)
{
	struct ours own, older = { .size = offsetof(struct ours, name), .flags = 5 };
	const char *why = NULL;

	older.name = "not of the structure";
	memset(&own, 0xff, sizeof(own));
	ck_assert_int_eq(options_read(&own, sizeof(own), &older, &why), 0);
	ck_assert_uint_eq(own.size, sizeof(own));
	ck_assert_uint_eq(own.flags, 5);
	ck_assert_ptr_null(own.name);
}
END_TEST

START_TEST(none_are_all_zero)
{
	struct ours own;
	const char *why = NULL;

	memset(&own, 0xff, sizeof(own));
	ck_assert_int_eq(options_read(&own, sizeof(own), NULL, &why), 0);
	ck_assert_uint_eq(own.size, sizeof(own));
	ck_assert_uint_eq(own.flags, 0);
	ck_assert_ptr_null(own.name);
}
END_TEST

START_TEST(what_a_newer_program_does_not_use_is_passed_over)
{
	struct newer newer = { .ours = {
				       .size = sizeof(newer), .flags = 5, .name = "n" } };
	struct ours own;
	const char *why = NULL;

	ck_assert_int_eq(options_read(&own, sizeof(own), &newer, &why), 0);
	ck_assert_uint_eq(own.size, sizeof(own));
	ck_assert_uint_eq(own.flags, 5);
	ck_assert_str_eq(own.name, "n");
}
END_TEST

START_TEST(what_a_newer_program_uses_is_refused)
{
	struct newer newer = { .ours = { .size = sizeof(newer) }, .most = 1u << 31 };
	struct ours own;
	const char *why = NULL;

	ck_assert_int_eq(options_read(&own, sizeof(own), &newer, &why), EOPNOTSUPP);
	ck_assert_str_eq(why,
			 "it uses options that this release of libnestnet does not have");
}
END_TEST

static const size_t wrong_sizes[] = { 0,
				      4,
				      sizeof(size_t),
				      sizeof(struct ours) - 1,
				      sizeof(struct ours) + 1,
				      4096 + sizeof(size_t),
				      (size_t)-1,
				      (size_t)0 - sizeof(size_t) };

START_TEST(a_size_that_no_release_has_is_refused)
{
	struct ours own, wrong = { .size = wrong_sizes[_i] };
	const char *why = NULL;

	ck_assert_int_eq(options_read(&own, sizeof(own), &wrong, &why), EINVAL);
	ck_assert_str_eq(why, "the options' size is not set");
}
END_TEST

/* ---- Every function that takes them ---------------------------------------------------- */

/* Room behind the largest of them. */
union options {
	size_t size;
	unsigned char bytes[1024];
};

static int takes_expose(const void *options)
{
	struct nestnet_endpoint alias, target;

	ck_assert_int_eq(nestnet_alias_parse("10.128.0.13", &alias, NULL), 0);
	ck_assert_int_eq(nestnet_target_parse("192.168.122.89", &target, NULL), 0);
	return nestnet_expose(tx, &alias, &target, options);
}

static int takes_tap(const void *options)
{
	return nestnet_tap_add(tx, "tap0", options);
}

static int takes_open_within_tap(const void *options)
{
	struct nestnet_tap_options tap = { .size = sizeof(tap), .open = options };

	return nestnet_tap_add(tx, "tap0", &tap);
}

static int takes_bridge(const void *options)
{
	return nestnet_bridge_add(tx, "br0", options);
}

static int takes_nat(const void *options)
{
	struct nestnet_prefix subnet;

	ck_assert_int_eq(nestnet_prefix_parse("192.168.122.0/24", &subnet), 0);
	return nestnet_nat_add(tx, &subnet, options);
}

/* Of what is asked for: there is no such tap. */
static int takes_open(const void *options)
{
	int fd, r = nestnet_tap_open(ctx, "nosuchtap", options, &fd, 1);

	return r == -ENODEV ? 0 : r;
}

static const struct {
	const char *name;
	size_t size;
	int (*takes)(const void *options);
} functions[] = {
	{ "expose", sizeof(struct nestnet_expose_options), takes_expose },
	{ "tap add", sizeof(struct nestnet_tap_options), takes_tap },
	{ "tap add, open", sizeof(struct nestnet_open_options), takes_open_within_tap },
	{ "tap open", sizeof(struct nestnet_open_options), takes_open },
	{ "bridge add", sizeof(struct nestnet_bridge_options), takes_bridge },
	{ "nat add", sizeof(struct nestnet_nat_options), takes_nat },
};

START_TEST(each_takes_the_options_of_other_releases)
{
	const size_t size = functions[_i].size;
	union options options = { .bytes = { 0 } };

	options.size = 2 * sizeof(size_t);
	memset(options.bytes + options.size, 0xff, 256); /* not of the structure */
	ck_assert_int_eq(functions[_i].takes(&options), 0);
	memset(options.bytes, 0, sizeof(options));
	options.size = size;
	ck_assert_int_eq(functions[_i].takes(&options), 0);
	options.size = size + 64;
	ck_assert_int_eq(functions[_i].takes(&options), 0);
	options.bytes[size + 64] = 1; /* not of the structure */
	ck_assert_int_eq(functions[_i].takes(&options), 0);
}
END_TEST

START_TEST(each_refuses_what_it_does_not_have)
{
	const size_t size = functions[_i].size;
	union options options = { .bytes = { 0 } };

	options.size = size + 8;
	options.bytes[size + 7] = 1;
	ck_assert_int_eq(functions[_i].takes(&options), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nestnet_errmsg(ctx),
				     ": it uses options that this release of libnestnet "
				     "does not have"));
	options.size = 0;
	ck_assert_int_eq(functions[_i].takes(&options), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(nestnet_errmsg(ctx), ": the options' size is not set"));
	ck_assert_uint_eq(nestnet_transaction_size(tx), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = harness_case(suite, "read", 10);

	tcase_add_test(tcase, what_an_older_program_does_not_have_is_zero);
	tcase_add_test(tcase, none_are_all_zero);
	tcase_add_test(tcase, what_a_newer_program_does_not_use_is_passed_over);
	tcase_add_test(tcase, what_a_newer_program_uses_is_refused);
	add_table_test(tcase, a_size_that_no_release_has_is_refused, wrong_sizes);
	tcase = harness_case(suite, "functions", 10);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_table_test(tcase, each_takes_the_options_of_other_releases, functions);
	add_table_test(tcase, each_refuses_what_it_does_not_have, functions);
	return harness_run(suite);
}
