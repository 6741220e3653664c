/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept in alias texts: written, read, and read where somebody else wrote it. */

#include "harness.h"

#include "plan/mark.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct nestnet_address address(const char *text)
{
	struct nestnet_address ret;

	ck_assert_int_eq(nestnet_address_parse(text, &ret), 0);
	return ret;
}

static struct mark read_text(const char *text, bool has_multi_queue)
{
	struct link link = { .has_multi_queue = has_multi_queue };
	struct mark mark;

	snprintf(link.alias, sizeof(link.alias), "%s", text);
	mark_read(&link, &mark);
	return mark;
}

static void check_written(const char *kind, const struct mark *mark, const char *text)
{
	char buf[LINK_ALIAS_MAX + 1], again[LINK_ALIAS_MAX + 1];
	struct mark read;

	mark_write(buf, kind, mark);
	ck_assert_str_eq(buf, text);
	read = read_text(buf, mark->queues > 1);
	mark_write(again, kind, &read);
	ck_assert_str_eq(again, text);
}

START_TEST(what_is_written_is_read)
{
	struct mark mark = { .queues = 1 };

	check_written("tap", &mark, "nestnet tap");
	check_written("bridge", &mark, "nestnet bridge");
	mark.has_mac = true;
	check_written("bridge", &mark, "nestnet bridge mac");
	mark.queues = 256;
	mark.lease = address("192.168.122.89");
	check_written("tap", &mark, "nestnet tap queues=256 lease=192.168.122.89 mac");
	mark = (struct mark){ .queues = 1 };
	mark.dhcp = (struct nestnet_range){ address("10.0.0.9"), address("10.0.0.90") };
	check_written("bridge", &mark, "nestnet bridge dhcp=10.0.0.9-10.0.0.90");
}
END_TEST

START_TEST(the_longest_text_has_room)
{
	char buf[LINK_ALIAS_MAX + 1];
	struct mark mark = {
		.queues = 256,
		.has_mac = true,
		.lease = address("2001:db8:1111:2222:3333:4444:5555:6666"),
		.dhcp = { address("2001:db8:1111:2222:3333:4444:5555:6666"),
			  address("2001:db8:1111:2222:3333:4444:5555:7777") },
	};

	mark_write(buf, "bridge", &mark);
	ck_assert_str_eq(buf + strlen(buf) - 4, " mac");
}
END_TEST

START_TEST(a_text_that_is_not_ours_says_nothing)
{
	static const char *const texts[] = {
		"",
		" ",
		"mac",
		"uplink to rack 7",
		"nestnet2 tap mac",
		"nestnet tap queues=0 lease= dhcp= mac2",
		"nestnet tap queues=-1 lease=1.2.3 dhcp=1.2.3.4",
		"nestnet tap queues=257 lease=1.2.3.4x dhcp=1.2.3.4-",
		"nestnet tap queues=99999999999999999999 dhcp=-1.2.3.4",
		"nestnet tap  queues= =mac dhcp=1.2.3.4-1.2.3.x",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mark mark = read_text(texts[i], true);

		ck_assert_msg(mark.queues == 256 && !mark.has_mac && !mark.lease.family &&
				      !mark.dhcp.first.family,
			      "'%s'", texts[i]);
		ck_assert_uint_eq(read_text(texts[i], false).queues, 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("marks");
	TCase *tcase = tcase_create("marks");

	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, the_longest_text_has_room);
	tcase_add_test(tcase, a_text_that_is_not_ours_says_nothing);
	suite_add_tcase(suite, tcase);
	return harness_run(suite);
}
