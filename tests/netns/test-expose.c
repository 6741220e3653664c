/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures: made, listed, switched over, taken back; and what they share. */

#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ALIAS  "10.128.0.13"
#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

static struct nestnet_expose_options with(unsigned int flags, enum nestnet_egress egress,
					  const char *comment)
{
	return (struct nestnet_expose_options){ .size = sizeof(
							struct nestnet_expose_options),
						.flags = flags,
						.egress = egress,
						.comment = comment };
}

/* ---- One ------------------------------------------------------------------------------------ */

START_TEST(an_exposure_is_listed_as_it_was_made)
{
	struct nestnet_expose_options options =
		with(NESTNET_EXPOSE_NO_LOCAL | NESTNET_EXPOSE_OPEN, NESTNET_EGRESS_ALIAS,
		     "a b:c/d@e+f=g-h_i.j");

	ck_assert_str_eq(exposures(), "");
	ok(expose_with(ALIAS, GUEST, &options));
	ok(expose("10.128.0.14:80", "192.168.122.90:8000", 0));
	ok(expose("10.128.0.14:53/udp", GUEST2, 0));
	ck_assert_str_eq(exposures(),
			 "10.128.0.13 > 192.168.122.89 egress=alias no-local open # "
			 "a b:c/d@e+f=g-h_i.j\n"
			 "10.128.0.14:80/tcp > 192.168.122.90:8000\n"
			 "10.128.0.14:53/udp > 192.168.122.90:53\n");
}
END_TEST

START_TEST(the_longest_comment_is_kept_whole)
{
	struct nestnet_expose_options options =
		with(0, 0, harness_repeat('x', NESTNET_COMMENT_MAX));
	char expected[300];

	snprintf(expected, sizeof(expected), ALIAS " > " GUEST " # %s\n",
		 harness_repeat('x', NESTNET_COMMENT_MAX));
	ok(expose_with(ALIAS, GUEST, &options));
	ck_assert_str_eq(exposures(), expected);
	ck_assert_int_eq(sh_status("nft list ruleset | nft -c -f -"), 0);
}
END_TEST

/* Numbers of the exposures that a match lists. */
static int count(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)exposure;
	++*(unsigned int *)userdata;
	return 0;
}

static unsigned int n_matching(const struct nestnet_endpoint *match)
{
	unsigned int n = 0;

	ok(nestnet_exposure_list(ctx, match, count, &n));
	return n;
}

START_TEST(a_list_is_narrowed_by_alias_or_target)
{
	struct nestnet_endpoint match;

	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.14:80", GUEST, 0));
	ok(expose("10.128.0.14:81", GUEST2, 0));
	match = alias_of(ALIAS);
	ck_assert_uint_eq(n_matching(&match), 1);
	match = alias_of(GUEST);
	ck_assert_uint_eq(n_matching(&match), 2);
	match = alias_of("10.128.0.14");
	ck_assert_uint_eq(n_matching(&match), 2);
	match = alias_of("10.128.0.14:80");
	ck_assert_uint_eq(n_matching(&match), 1);
	match = alias_of("10.128.0.14:80/udp");
	ck_assert_uint_eq(n_matching(&match), 0);
	match = alias_of("10.128.0.99");
	ck_assert_uint_eq(n_matching(&match), 0);
	match = alias_of("2001:db8::1");
	ck_assert_uint_eq(n_matching(&match), 0);
	ck_assert_uint_eq(n_matching(NULL), 3);
}
END_TEST

/* The header: "An alias shows that exposure (exactly, where it exists...)"; what is only a
 * target, or an alias with ports, shows all of its own. */
START_TEST(an_address_that_is_exposed_as_a_whole_shows_that_exposure_alone)
{
	struct nestnet_endpoint match = alias_of(ALIAS);

	ok(expose(ALIAS ":80", GUEST2, 0));
	ok(expose("10.128.0.14", ALIAS, 0));
	ck_assert_uint_eq(n_matching(&match), 2);
	ok(expose(ALIAS, GUEST, 0));
	ck_assert_uint_eq(n_matching(&match), 1);
}
END_TEST

static int stop(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)exposure;
	++*(unsigned int *)userdata;
	return 42;
}

START_TEST(the_callback_ends_a_list)
{
	unsigned int n = 0;

	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.14", GUEST2, 0));
	ck_assert_int_eq(nestnet_exposure_list(ctx, NULL, stop, &n), 42);
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(exposing_the_same_again_changes_nothing)
{
	struct nestnet_expose_options options =
		with(NESTNET_EXPOSE_NO_LOCAL, NESTNET_EGRESS_NONE, "web");

	ok(expose_with(ALIAS, GUEST, &options));
	changes_nothing(ok(expose_with(ALIAS, GUEST, &options)));
	options.flags |= NESTNET_EXPOSE_REPLACE;
	changes_nothing(ok(expose_with(ALIAS, GUEST, &options)));
	ok(expose("10.128.0.14:80", GUEST, 0));
	changes_nothing(ok(expose("10.128.0.14:80", GUEST ":80", 0)));
}
END_TEST

START_TEST(exposing_otherwise_is_refused_and_names_what_is_there)
{
	struct nestnet_expose_options options = with(0, 0, "web");

	ok(expose(ALIAS, GUEST, 0));
	changes_nothing(refused(expose(ALIAS, GUEST2, 0), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"(--replace changes it)"));
	changes_nothing(refused(expose_with(ALIAS, GUEST, &options), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"without options (--replace changes it)"));
	changes_nothing(refused(expose(ALIAS, GUEST, NESTNET_EXPOSE_OPEN), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"without options (--replace changes it)"));
	changes_nothing(refused(expose(ALIAS, GUEST, NESTNET_EXPOSE_NO_LOCAL), EEXIST,
				"expose 10.128.0.13: already exposed to 192.168.122.89 "
				"without options (--replace changes it)"));
	ok(expose("10.128.0.14:80", "192.168.122.89:8000", 0));
	changes_nothing(refused(expose("10.128.0.14:80", GUEST, 0), EEXIST,
				"expose 10.128.0.14:80/tcp: already exposed to "
				"192.168.122.89:8000 (--replace changes it)"));
}
END_TEST

START_TEST(an_exposure_that_is_taken_back_leaves_the_empty_skeleton)
{
	char *before, *after;

	ok(expose(ALIAS ":80", GUEST, 0));
	ok(unexpose(ALIAS ":80", 0));
	before = snapshot();
	ok(expose_with(ALIAS, GUEST,
		       &(struct nestnet_expose_options){
			       .size = sizeof(struct nestnet_expose_options),
			       .egress = NESTNET_EGRESS_NONE,
			       .flags = NESTNET_EXPOSE_OPEN | NESTNET_EXPOSE_NO_LOCAL,
			       .comment = "x" }));
	ok(expose("10.128.0.14", GUEST2, 0));
	ok(expose("10.128.0.14:80", GUEST2, NESTNET_EXPOSE_NO_LOCAL));
	ok(expose("10.128.0.14:81", GUEST2, NESTNET_EXPOSE_OPEN));
	ok(unexpose(ALIAS, 0));
	ok(unexpose("10.128.0.14:81", 0));
	ok(unexpose("10.128.0.14", 0));
	ok(unexpose("10.128.0.14:80", 0));
	after = snapshot();
	snapshots_equal(before, after, "taking all back");
	free(before);
	free(after);
}
END_TEST

START_TEST(taking_back_what_is_not_exposed_is_refused)
{
	changes_nothing(
		refused(unexpose(ALIAS, 0), ENOENT, "unexpose 10.128.0.13: not exposed"));
	changes_nothing(ok(unexpose(ALIAS, NESTNET_IF_EXISTS)));
	ok(expose(ALIAS ":80", GUEST, 0));
	changes_nothing(refused(unexpose("10.128.0.14", 0), ENOENT,
				"unexpose 10.128.0.14: not exposed"));
	changes_nothing(refused(unexpose(ALIAS ":81/udp", 0), ENOENT,
				"unexpose 10.128.0.13:81/udp: not exposed"));
	changes_nothing(refused(unexpose("10.128.0.12/30", 0), ENOENT,
				"unexpose 10.128.0.12/30: not exposed"));
	changes_nothing(refused(unexpose(GUEST, 0), ENOENT,
				"unexpose " GUEST ": not exposed, but a target "
				"(unexpose --target " GUEST ")"));
	changes_nothing(refused(unexpose("[2001:db8::1]:80", 0), ENOENT,
				"unexpose [2001:db8::1]:80/tcp: not exposed"));
	changes_nothing(
		refused(unexpose("*:80", 0), ENOENT, "unexpose *:80/tcp: not exposed"));
	changes_nothing(refused(unexpose_target(GUEST2, 0), ENOENT,
				"unexpose --target 192.168.122.90: not exposed"));
	changes_nothing(ok(unexpose_target(GUEST2, NESTNET_IF_EXISTS)));
}
END_TEST

START_TEST(what_is_exposed_with_others_is_refused_and_they_are_named)
{
	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.16:80-90", GUEST, 0));
	ok(expose("10.128.0.17:80-90", GUEST ":180-190", 0));
	ok(expose("10.128.0.20/30", "192.168.122.4/30", 0));
	ok(expose("*:80", GUEST, 0));
	changes_nothing(refused(unexpose(ALIAS ":80", 0), ENOENT,
				"unexpose 10.128.0.13:80/tcp: not exposed, but 10.128.0.13 is"));
	changes_nothing(refused(
		unexpose("10.128.0.16:80", 0), ENOENT,
		"unexpose 10.128.0.16:80/tcp: not exposed, but 10.128.0.16:80-90/tcp is"));
	changes_nothing(refused(
		unexpose("10.128.0.17:79-81", 0), ENOENT,
		"unexpose 10.128.0.17:79-81/tcp: not exposed, but 10.128.0.17:80-90/tcp is"));
	changes_nothing(refused(unexpose("10.128.0.16:79/udp", 0), ENOENT,
				"unexpose 10.128.0.16:79/udp: not exposed"));
	changes_nothing(
		refused(unexpose("10.128.0.22", 0), ENOENT,
			"unexpose 10.128.0.22: not exposed, but 10.128.0.20/30 is"));
	changes_nothing(
		refused(unexpose("10.128.0.22:22", 0), ENOENT,
			"unexpose 10.128.0.22:22/tcp: not exposed, but 10.128.0.20/30 is"));
	changes_nothing(
		refused(unexpose("10.128.0.16/28", 0), ENOENT,
			"unexpose 10.128.0.16/28: not exposed, but 10.128.0.20/30 is"));
	changes_nothing(ok(unexpose("10.128.0.22", NESTNET_IF_EXISTS)));
	changes_nothing(refused(unexpose("10.128.0.24", 0), ENOENT,
				"unexpose 10.128.0.24: not exposed"));
}
END_TEST

START_TEST(a_forgotten_port_or_protocol_is_told)
{
	ok(expose(ALIAS ":443", GUEST, 0));
	ok(expose(ALIAS ":80", GUEST, 0));
	ok(expose(ALIAS ":53/udp", GUEST, 0));
	ok(expose("10.128.0.14:8000-8010/udp", GUEST ":9000-9010", 0));
	ok(expose("[2001:db8::1]:80", "fd12::89", 0));
	changes_nothing(
		refused(unexpose(ALIAS, 0), ENOENT,
			"unexpose 10.128.0.13: not exposed, but 10.128.0.13:80/tcp is"));
	changes_nothing(refused(
		unexpose(ALIAS ":53", 0), ENOENT,
		"unexpose 10.128.0.13:53/tcp: not exposed, but 10.128.0.13:53/udp is"));
	changes_nothing(refused(unexpose(ALIAS ":400-500", 0), ENOENT,
				"unexpose 10.128.0.13:400-500/tcp: not exposed, but "
				"10.128.0.13:443/tcp is"));
	changes_nothing(refused(
		unexpose("10.128.0.14", 0), ENOENT,
		"unexpose 10.128.0.14: not exposed, but 10.128.0.14:8000-8010/udp is"));
	changes_nothing(refused(
		unexpose("2001:db8::1", 0), ENOENT,
		"unexpose 2001:db8::1: not exposed, but [2001:db8::1]:80/tcp is"));
	changes_nothing(refused(unexpose(ALIAS ":54", 0), ENOENT,
				"unexpose 10.128.0.13:54/tcp: not exposed"));
	changes_nothing(ok(unexpose(ALIAS, NESTNET_IF_EXISTS)));
}
END_TEST

START_TEST(all_exposures_of_a_target_are_taken_back_and_no_other)
{
	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.14:80", GUEST, 0));
	ok(expose("10.128.0.14:81", GUEST2, 0));
	ok(unexpose_target(GUEST, 0));
	ck_assert_str_eq(exposures(), "10.128.0.14:81/tcp > 192.168.122.90:81\n");
	ck_assert_str_eq(elements_of("guest4"), GUEST2);
	ok(unexpose_target(NULL, 0));
	ck_assert_str_eq(exposures(), "");
	changes_nothing(ok(unexpose_target(NULL, 0)));
}
END_TEST

/* ---- Replacing ------------------------------------------------------------------------------- */

START_TEST(replacing_switches_target_and_options)
{
	struct nestnet_expose_options options = with(
		NESTNET_EXPOSE_REPLACE | NESTNET_EXPOSE_OPEN, NESTNET_EGRESS_ALIAS, "b");

	ok(expose_with(ALIAS, GUEST,
		       &(struct nestnet_expose_options){ .size = sizeof(options),
							 .flags = NESTNET_EXPOSE_NO_LOCAL,
							 .egress = NESTNET_EGRESS_NONE,
							 .comment = "a" }));
	ok(expose_with(ALIAS, GUEST2, &options));
	ck_assert_str_eq(exposures(),
			 "10.128.0.13 > 192.168.122.90 egress=alias open # b\n");
	ck_assert_str_eq(elements_of("guest4"), "");
	ck_assert_str_eq(elements_of("guest_open4"), GUEST2);
	ck_assert_str_eq(elements_of("keep4"), "");
	ck_assert_str_eq(elements_of("addr_keep4"), "");
	ck_assert_str_eq(elements_of("addr_nolocal4"), "");
	ck_assert_str_eq(elements_of("egress4"), "192.168.122.90 : 10.128.0.13");
}
END_TEST

START_TEST(replacing_a_comment_keeps_the_rest)
{
	struct nestnet_expose_options options = with(0, NESTNET_EGRESS_ALIAS, "a");

	ok(expose_with(ALIAS, GUEST, &options));
	options = with(NESTNET_EXPOSE_REPLACE, NESTNET_EGRESS_ALIAS, "b");
	ok(expose_with(ALIAS, GUEST, &options));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89 egress=alias # b\n");
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ck_assert_str_eq(elements_of("guest_more4"), "");
}
END_TEST

START_TEST(replacing_what_is_not_there_exposes_it)
{
	ok(expose(ALIAS, GUEST, NESTNET_EXPOSE_REPLACE));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
}
END_TEST

START_TEST(replacing_to_and_fro_is_as_before)
{
	char *before;

	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.14", GUEST, 0));
	before = snapshot();
	ok(expose(ALIAS, GUEST2, NESTNET_EXPOSE_REPLACE));
	ok(expose(ALIAS, GUEST, NESTNET_EXPOSE_REPLACE));
	snapshots_equal(before, NULL, "to and fro");
	free(before);
}
END_TEST

/* ---- Shared targets ----------------------------------------------------------------------------- */

START_TEST(a_shared_target_stays_closed_until_its_last_exposure_ends)
{
	ok(expose(ALIAS, GUEST, 0));
	ok(expose("10.128.0.14:80", GUEST, 0));
	ok(expose("10.128.0.15:80", GUEST, 0));
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ok(unexpose(ALIAS, 0)); /* the first that was made */
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ok(unexpose("10.128.0.15:80", 0));
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ck_assert_str_eq(elements_of("guest_more4"), "");
	ok(unexpose("10.128.0.14:80", 0));
	ck_assert_str_eq(elements_of("guest4"), "");
}
END_TEST

START_TEST(open_and_closed_exposures_of_one_target_are_counted_apart)
{
	ok(expose("10.128.0.13:80", GUEST, 0));
	ok(expose("10.128.0.13:81", GUEST, NESTNET_EXPOSE_OPEN));
	ok(expose("10.128.0.13:82", GUEST, NESTNET_EXPOSE_OPEN));
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ck_assert_str_eq(elements_of("guest_open4"), GUEST);
	ok(unexpose("10.128.0.13:80", 0));
	ck_assert_str_eq(elements_of("guest4"), "");
	ck_assert_str_eq(elements_of("guest_open4"), GUEST);
	ok(unexpose("10.128.0.13:81", 0));
	ck_assert_str_eq(elements_of("guest_open4"), GUEST);
	ok(unexpose("10.128.0.13:82", 0));
	ck_assert_str_eq(elements_of("guest_open4"), "");
	ck_assert_str_eq(elements_of("guest_open_more4"), "");
}
END_TEST

/* Every number from two on, in any order of taking back. */
START_TEST(the_count_of_a_target_is_right_for_every_number)
{
	uint32_t state = 5;
	char alias[40];
	bool is_there[33] = { false };
	unsigned int n = 0;

	for (unsigned int round = 0; round < 300; round++) {
		unsigned int port = harness_random(&state) % 33, expected = 0;

		snprintf(alias, sizeof(alias), "10.128.0.13:%u", port + 1);
		if (is_there[port])
			ok(unexpose(alias, 0));
		else
			ok(expose(alias, GUEST, NESTNET_EXPOSE_NO_FORWARD));
		is_there[port] = !is_there[port];
		for (unsigned int i = 0; i < 33; i++)
			expected += is_there[i];
		n = expected;
		if (round % 30 != 29)
			continue;
		ck_assert_str_eq(elements_of("guest4"), n ? GUEST : "");
		expected = 0;
		for (const char *c = elements_of("guest_more4"); *c; c++)
			expected += *c == '.' && c[1] == ' ';
		ck_assert_uint_eq(expected, n > 1 ? n - 1 : 0);
	}
}
END_TEST

/* ---- Egress ---------------------------------------------------------------------------------------- */

START_TEST(a_target_leaves_in_one_way_only)
{
	struct nestnet_expose_options alias = with(0, NESTNET_EGRESS_ALIAS, NULL);
	struct nestnet_expose_options none = with(0, NESTNET_EGRESS_NONE, NULL);

	ok(expose_with(ALIAS, GUEST, &alias));
	changes_nothing(refused(expose_with("10.128.0.14", GUEST, &alias), EEXIST,
				"expose 10.128.0.14: 192.168.122.89 has --egress alias "
				"already, and leaves as 10.128.0.13"));
	changes_nothing(refused(expose_with("10.128.0.14", GUEST, &none), EEXIST,
				"expose 10.128.0.14: 192.168.122.89 has --egress alias "
				"already, and leaves as 10.128.0.13"));
	ok(expose("10.128.0.14", GUEST, 0));
	ok(expose_with("10.128.0.15", GUEST2, &none));
	changes_nothing(refused(expose_with("10.128.0.16", GUEST2, &alias), EEXIST,
				"expose 10.128.0.16: 192.168.122.90 has --egress none "
				"already, by another exposure"));
}
END_TEST

START_TEST(the_way_out_goes_with_its_own_exposure_alone)
{
	struct nestnet_expose_options alias = with(0, NESTNET_EGRESS_ALIAS, NULL);

	ok(expose_with(ALIAS, GUEST, &alias));
	ok(expose("10.128.0.14", GUEST, 0));
	ok(unexpose("10.128.0.14", 0));
	ck_assert_str_eq(elements_of("egress4"), "192.168.122.89 : 10.128.0.13");
	ok(expose("10.128.0.14", GUEST, 0));
	ok(unexpose(ALIAS, 0));
	ck_assert_str_eq(elements_of("egress4"), "");
	ck_assert_str_eq(exposures(), "10.128.0.14 > 192.168.122.89\n");
}
END_TEST

START_TEST(the_way_out_is_switched_by_replacing_its_own_exposure)
{
	struct nestnet_expose_options options = with(0, NESTNET_EGRESS_ALIAS, NULL);

	ok(expose_with(ALIAS, GUEST, &options));
	options = with(NESTNET_EXPOSE_REPLACE, NESTNET_EGRESS_NONE, NULL);
	ok(expose_with(ALIAS, GUEST, &options));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89 egress=none\n");
	ck_assert_str_eq(elements_of("egress4"), "");
	options.egress = NESTNET_EGRESS_MASQUERADE;
	ok(expose_with(ALIAS, GUEST, &options));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
	ck_assert_str_eq(elements_of("keep4"), "");
}
END_TEST

/* ---- What is L1's own ----------------------------------------------------------------------------- */

static void make_uplink(void)
{
	sh("ip link set lo up; ip link add eth0 type veth peer name ext0 && "
	   "ip addr add 10.128.0.2/24 dev eth0 && ip link set eth0 up && ip link set "
	   "ext0 up "
	   "&& ip route add default via 10.128.0.1 && "
	   "ip route add local 10.128.0.12/30 dev eth0 proto 66");
}

START_TEST(a_primary_address_is_refused_unless_forced)
{
	make_uplink();
	changes_nothing(refused(expose("10.128.0.2", GUEST, 0), EADDRINUSE,
				"expose 10.128.0.2: 10.128.0.2 is the primary address of "
				"eth0, by which L1 "
				"itself is reached (--force exposes it all the same)"));
	ok(expose("10.128.0.2:80", GUEST, 0));
	ok(expose("10.128.0.2", GUEST, NESTNET_EXPOSE_FORCE));
}
END_TEST

START_TEST(a_further_address_and_a_local_route_are_exposed)
{
	make_uplink();
	sh("ip addr add 10.128.0.3/24 dev eth0");
	ok(expose("10.128.0.3", GUEST, 0));
	ok(expose(ALIAS, GUEST2, 0));
	ok(expose("10.128.0.77", GUEST2, 0)); /* nobody's yet */
}
END_TEST

/* A socket of the test's own, in the namespace. */
static int listen_on(const char *address, int type, uint16_t port)
{
	struct nestnet_address parsed = address_of(address);
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	memcpy(&name.sin_addr, parsed.bytes, 4);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert(type == SOCK_DGRAM || listen(fd, 1) == 0);
	return fd;
}

START_TEST(a_port_that_a_program_listens_on_is_refused_unless_forced)
{
	make_uplink();
	listen_on("0.0.0.0", SOCK_STREAM, 22);
	listen_on("10.128.0.2", SOCK_DGRAM, 53);
	changes_nothing(refused(expose("10.128.0.2:22", GUEST, 0), EADDRINUSE,
				"expose 10.128.0.2:22/tcp: a program on L1 listens there "
				"(--force exposes it all the same)"));
	changes_nothing(refused(expose("10.128.0.2:53/udp", GUEST, 0), EADDRINUSE,
				"expose 10.128.0.2:53/udp: a program on L1 listens there "
				"(--force exposes it all the same)"));
	ok(expose("10.128.0.2:53/tcp", GUEST, 0));
	ok(expose("10.128.0.2:2222", "192.168.122.89:22", 0));
	ok(expose("10.128.0.2:22", GUEST, NESTNET_EXPOSE_FORCE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exposures");
	TCase *one = netns_case(suite, "one", 20);
	TCase *replacing = netns_case(suite, "replacing", 20);
	TCase *shared = netns_case(suite, "shared targets", 30);
	TCase *egress = netns_case(suite, "egress", 20);
	TCase *own = netns_case(suite, "L1's own", 20);

	tcase_add_test(one, an_exposure_is_listed_as_it_was_made);
	tcase_add_test(one, the_longest_comment_is_kept_whole);
	tcase_add_test(one, a_list_is_narrowed_by_alias_or_target);
	tcase_add_test(one,
		       an_address_that_is_exposed_as_a_whole_shows_that_exposure_alone);
	tcase_add_test(one, the_callback_ends_a_list);
	tcase_add_test(one, exposing_the_same_again_changes_nothing);
	tcase_add_test(one, exposing_otherwise_is_refused_and_names_what_is_there);
	tcase_add_test(one, an_exposure_that_is_taken_back_leaves_the_empty_skeleton);
	tcase_add_test(one, taking_back_what_is_not_exposed_is_refused);
	tcase_add_test(one, what_is_exposed_with_others_is_refused_and_they_are_named);
	tcase_add_test(one, a_forgotten_port_or_protocol_is_told);
	tcase_add_test(one, all_exposures_of_a_target_are_taken_back_and_no_other);
	tcase_add_test(replacing, replacing_switches_target_and_options);
	tcase_add_test(replacing, replacing_a_comment_keeps_the_rest);
	tcase_add_test(replacing, replacing_what_is_not_there_exposes_it);
	tcase_add_test(replacing, replacing_to_and_fro_is_as_before);
	tcase_add_test(shared, a_shared_target_stays_closed_until_its_last_exposure_ends);
	tcase_add_test(shared, open_and_closed_exposures_of_one_target_are_counted_apart);
	tcase_add_test(shared, the_count_of_a_target_is_right_for_every_number);
	tcase_add_test(egress, a_target_leaves_in_one_way_only);
	tcase_add_test(egress, the_way_out_goes_with_its_own_exposure_alone);
	tcase_add_test(egress, the_way_out_is_switched_by_replacing_its_own_exposure);
	tcase_add_test(own, a_primary_address_is_refused_unless_forced);
	tcase_add_test(own, a_further_address_and_a_local_route_are_exposed);
	tcase_add_test(own, a_port_that_a_program_listens_on_is_refused_unless_forced);
	return netns_run(suite);
}
