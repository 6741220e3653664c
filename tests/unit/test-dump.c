/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dumps: how they end, how often they are repeated, and that nothing a socket says makes
 * an exchange wait for ever. */

#include "harness.h"
#include "script.h"

#include "kernel/netlink-message.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOME_TYPE 100

/* What a dump may take of an endless answer before it is said to hang: the core's own bound
 * is 4096 messages. */
#define ENDLESS 100000

static struct script *script;
static struct error error;

static void set_up(void)
{
	script = script_new(NETLINK_BUS_NETFILTER);
	memset(&error, 0, sizeof(error));
}

static void tear_down(void)
{
	script = script_free(script);
}

/* What a reply function saw: "a b" for the texts of two replies, "/" for a torn dump. */
struct seen {
	char text[256];
	int result;      /* what to return for a reply */
	int torn_result; /* and for NULL */
};

static int see(void *userdata, const struct nlmsghdr *reply)
{
	struct seen *seen = userdata;

	ck_assert_uint_lt(strlen(seen->text), sizeof(seen->text) - 32);
	if (!reply) {
		strcat(seen->text, "/");
		return seen->torn_result;
	}
	strncat(seen->text, mnl_nlmsg_get_payload(reply), 16);
	return seen->result;
}

static int ask(uint16_t flags, netlink_reply_fn fn, void *userdata)
{
	char buffer[256] = "";
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = SOME_TYPE;
	message->nlmsg_flags = flags;
	return netlink_request(script_socket(script), message, fn, userdata, &error);
}

static int dump(struct seen *seen)
{
	return ask(NLM_F_DUMP, see, seen);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

START_TEST(a_dump_is_given_whole_up_to_its_end)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
	script_datagram(script);
	script_message(script, SOME_TYPE, NLM_F_MULTI, 0, "b", 2);
	script_message(script, SOME_TYPE, NLM_F_MULTI, 0, "c", 2);
	script_done(script, 0, 0);
	script_data(script, SOME_TYPE, NLM_F_MULTI, "late");
	ck_assert_int_eq(dump(&seen), 0);
	ck_assert_str_eq(seen.text, "abc");
	ck_assert_uint_eq(script_left(script), 1);
	ck_assert_uint_eq(script_sent(script, NULL)->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
}
END_TEST

START_TEST(a_dumps_end_can_carry_an_error)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
	script_done(script, 0, -ENOENT);
	ck_assert_int_eq(dump(&seen), -ENOENT);
	ck_assert_str_eq(error.text, "No such file or directory");
	ck_assert_str_eq(seen.text, "a");
}
END_TEST

START_TEST(a_dumps_end_can_carry_the_kernels_sentence)
{
	unsigned char payload[64] = { 0 };
	struct nlattr attr = { .nla_len = NLA_HDRLEN + 4, .nla_type = NLMSGERR_ATTR_MSG };
	struct seen seen = { .text = "" };
	int32_t code = -EINVAL;

	memcpy(payload, &code, sizeof(code));
	memcpy(payload + 4, &attr, sizeof(attr));
	memcpy(payload + 8, "why", 4);
	script_datagram(script);
	script_message(script, NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, 0, payload, 12);
	ck_assert_int_eq(dump(&seen), -EINVAL);
	ck_assert_str_eq(error.text, "Invalid argument (why)");
}
END_TEST

START_TEST(a_dumps_end_without_a_code_is_an_end)
{
	struct seen seen = { .text = "" };

	script_datagram(script);
	script_message(script, NLMSG_DONE, NLM_F_MULTI, 0, "", 0);
	script_datagram(script);
	script_message(script, NLMSG_DONE, NLM_F_MULTI, 0, "\xff\xff\xff", 3);
	ck_assert_int_eq(dump(&seen), 0);
	ck_assert_int_eq(dump(&seen), 0);
}
END_TEST

START_TEST(a_dumps_end_with_a_code_that_is_none_is_an_io_error)
{
	struct seen seen = { .text = "" };

	script_done(script, 0, -4096);
	script_done(script, 0, INT32_MIN);
	ck_assert_int_eq(dump(&seen), -EIO);
	ck_assert_int_eq(dump(&seen), -EIO);
	ck_assert_str_eq(error.text, "receive from kernel: bad error code");
}
END_TEST

START_TEST(a_dump_that_is_refused_ends_there)
{
	struct seen seen = { .text = "" };

	script_ack_text(script, 0, -EOPNOTSUPP, "Not here");
	script_done(script, 0, 0);
	ck_assert_int_eq(dump(&seen), -EOPNOTSUPP);
	ck_assert_str_eq(error.text, "Operation not supported (Not here)");
	ck_assert_uint_eq(script_left(script), 1);
}
END_TEST

START_TEST(the_end_of_an_earlier_dump_is_passed_over)
{
	struct seen seen = { .text = "" };

	script_datagram(script);
	script_message(script, NLMSG_DONE, NLM_F_MULTI, -1, "\0\0\0", 4);
	script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
	script_done(script, 0, 0);
	ck_assert_int_eq(dump(&seen), 0);
	ck_assert_str_eq(seen.text, "a");
}
END_TEST

START_TEST(what_the_reply_function_returns_ends_a_dump_whose_rest_is_drained)
{
	static const int results[] = { -ENOMEM, 7 };

	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		struct seen seen = { .result = results[i] };

		script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
		script_data(script, SOME_TYPE, NLM_F_MULTI, "b");
		script_done(script, 0, 0);
		ck_assert_int_eq(dump(&seen), results[i]);
		ck_assert_str_eq(seen.text, "a");
		ck_assert_uint_eq(script_left(script), 0);
	}
}
END_TEST

/* ---- Torn dumps ------------------------------------------------------------------------------ */

START_TEST(a_dump_that_was_interrupted_is_repeated)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI | NLM_F_DUMP_INTR, "a");
	script_data(script, SOME_TYPE, NLM_F_MULTI, "b");
	script_done(script, 0, 0);
	script_data(script, SOME_TYPE, NLM_F_MULTI, "c");
	script_done(script, NLM_F_DUMP_INTR, 0);
	script_done(script, 0, -EINTR); /* as nf_tables says it */
	script_data(script, SOME_TYPE, NLM_F_MULTI, "d");
	script_done(script, 0, 0);
	ck_assert_int_eq(dump(&seen), 0);
	ck_assert_str_eq(seen.text, "ab/c//d");
	ck_assert_uint_eq(script_sends(script), 4);
}
END_TEST

START_TEST(a_dump_that_is_always_interrupted_is_given_up_after_five_times)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI | NLM_F_DUMP_INTR, "a");
	script_done(script, 0, 0);
	script_repeat(script, ENDLESS);
	ck_assert_int_eq(dump(&seen), -EAGAIN);
	ck_assert_uint_eq(script_sends(script), 5);
	ck_assert_str_eq(seen.text, "a/a/a/a/a/");
	ck_assert_str_eq(error.text, "the kernel's state changes faster than it is read");
}
END_TEST

START_TEST(an_error_of_a_torn_dump_is_told_rather_than_repeated)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI | NLM_F_DUMP_INTR, "a");
	script_done(script, 0, -ENOENT);
	ck_assert_int_eq(dump(&seen), -ENOENT);
	ck_assert_uint_eq(script_sends(script), 1);
}
END_TEST

START_TEST(the_reply_function_can_end_a_torn_dump)
{
	struct seen seen = { .torn_result = -ENOMEM };

	script_done(script, NLM_F_DUMP_INTR, 0);
	ck_assert_int_eq(dump(&seen), -ENOMEM);
	ck_assert_uint_eq(script_sends(script), 1);
}
END_TEST

START_TEST(a_dump_that_loses_a_part_is_repeated)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
	script_fail_receive(script, ENOBUFS);
	script_datagram(script);
	script_message(script, SOME_TYPE, NLM_F_MULTI, -1, "old", 4);
	script_data(script, SOME_TYPE, NLM_F_MULTI, "a");
	script_data(script, SOME_TYPE, NLM_F_MULTI, "b");
	script_done(script, 0, 0);
	ck_assert_int_eq(dump(&seen), 0);
	ck_assert_str_eq(seen.text, "a/ab");
	ck_assert_uint_eq(script_sends(script), 2);
}
END_TEST

START_TEST(a_dump_that_is_never_answered_is_given_up_after_five_times)
{
	struct seen seen = { .text = "" };

	ck_assert_int_lt(dump(&seen), 0);
	ck_assert_uint_eq(script_sends(script), 5);
	ck_assert_str_eq(seen.text, "/////");
	ck_assert_str_ne(error.text, "");
}
END_TEST

/* ---- Endless answers ------------------------------------------------------------------------- */

static void put_endless(unsigned int kind)
{
	static const struct nlmsghdr too_long = { .nlmsg_len = 64, .nlmsg_type = NLMSG_DONE };
	static const struct nlmsghdr too_short = { .nlmsg_len = 8, .nlmsg_type = NLMSG_DONE };

	switch (kind) {
	case 0: /* somebody else's datagrams */
		script_bytes(script, "", 0);
		break;
	case 1: /* fewer bytes than a header */
		script_bytes(script, "garbage", 7);
		break;
	case 2: /* bytes that are no header */
		script_bytes(script, harness_repeat('\xff', 4096), 4096);
		break;
	case 3:
		script_bytes(script, harness_repeat('\x01', 4096), 4096);
		break;
	case 4:
		script_bytes(script, &too_long, sizeof(too_long));
		break;
	case 5:
		script_bytes(script, &too_short, sizeof(too_short));
		break;
	case 6: /* answers to others */
		script_ack(script, -1, 0);
		break;
	case 7: /* nothing */
		script_datagram(script);
		script_message(script, NLMSG_NOOP, 0, 0, "", 0);
		break;
	}
	script_repeat(script, ENDLESS);
}
#define ENDLESS_KINDS 8

START_TEST(a_request_ends_though_the_answer_never_does)
{
	put_endless((unsigned int)_i);
	ck_assert_int_lt(ask(0, NULL, NULL), 0);
	ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(a_dump_ends_though_the_answer_never_does)
{
	struct seen seen = { .text = "" };

	put_endless((unsigned int)_i);
	ck_assert_int_lt(dump(&seen), 0);
	ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(a_batch_ends_though_the_answer_never_does)
{
	struct nlmsghdr message = { .nlmsg_len = sizeof(message) };

	message.nlmsg_seq = netlink_next_sequence(script_socket(script));
	put_endless((unsigned int)_i);
	ck_assert_int_lt(netlink_batch(script_socket(script), &message, sizeof(message),
				       message.nlmsg_seq, message.nlmsg_seq, &error),
			 0);
	ck_assert_str_ne(error.text, "");
}
END_TEST

static int ignore(void *userdata, const struct nlmsghdr *reply)
{
	unsigned int *sum = userdata;
	const unsigned char *bytes = mnl_nlmsg_get_payload(reply);

	/* Every byte that is given can be read. */
	for (size_t i = 0; reply && i < mnl_nlmsg_get_payload_len(reply); i++)
		*sum += bytes[i];
	return 0;
}

/* Messages whose type, length and sequence are near to right: it is enough that nothing
 * crashes or hangs, here and under the sanitizers. */
START_TEST(no_garbage_crashes_or_hangs_an_exchange)
{
	static const uint16_t types[] = { NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN,
					  SOME_TYPE };
	uint32_t state = (uint32_t)_i + 1;
	unsigned int sum = 0;

	for (unsigned int round = 0; round < 500; round++) {
		for (unsigned int i = 0; i < 20; i++) {
			unsigned char bytes[128];
			size_t len = harness_random(&state) % sizeof(bytes);
			struct nlmsghdr header = {
				/* At most 256 MiB: what is above is a test of its own. */
				.nlmsg_len = harness_random(&state) % 8
						     ? harness_random(&state) % 140
						     : harness_random(&state) >> 4,
				.nlmsg_type = types[harness_random(&state) % 5],
				.nlmsg_flags = (uint16_t)harness_random(&state),
				.nlmsg_seq = round * 3 + harness_random(&state) % 4,
			};

			for (size_t j = 0; j < sizeof(bytes); j++)
				bytes[j] = (uint8_t)harness_random(&state);
			memcpy(bytes, &header, sizeof(header));
			script_bytes(script, bytes, len);
		}
		(void)ask(round % 2 ? NLM_F_DUMP : 0, ignore, &sum);
		ck_assert_uint_lt(strlen(error.text), sizeof(error.text));
		tear_down();
		set_up();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dumps");
	TCase *ends = harness_case(suite, "ends", 10);
	TCase *torn = harness_case(suite, "torn dumps", 10);
	TCase *endless = harness_case(suite, "endless answers", 20);

	tcase_add_checked_fixture(ends, set_up, tear_down);
	tcase_add_test(ends, a_dump_is_given_whole_up_to_its_end);
	tcase_add_test(ends, a_dumps_end_can_carry_an_error);
	tcase_add_test(ends, a_dumps_end_can_carry_the_kernels_sentence);
	tcase_add_test(ends, a_dumps_end_without_a_code_is_an_end);
	tcase_add_test(ends, a_dumps_end_with_a_code_that_is_none_is_an_io_error);
	tcase_add_test(ends, a_dump_that_is_refused_ends_there);
	tcase_add_test(ends, the_end_of_an_earlier_dump_is_passed_over);
	tcase_add_test(ends,
		       what_the_reply_function_returns_ends_a_dump_whose_rest_is_drained);
	tcase_add_checked_fixture(torn, set_up, tear_down);
	tcase_add_test(torn, a_dump_that_was_interrupted_is_repeated);
	tcase_add_test(torn, a_dump_that_is_always_interrupted_is_given_up_after_five_times);
	tcase_add_test(torn, an_error_of_a_torn_dump_is_told_rather_than_repeated);
	tcase_add_test(torn, the_reply_function_can_end_a_torn_dump);
	tcase_add_test(torn, a_dump_that_loses_a_part_is_repeated);
	tcase_add_test(torn, a_dump_that_is_never_answered_is_given_up_after_five_times);
	tcase_add_checked_fixture(endless, set_up, tear_down);
	tcase_add_loop_test(endless, a_request_ends_though_the_answer_never_does, 0,
			    ENDLESS_KINDS);
	tcase_add_loop_test(endless, a_dump_ends_though_the_answer_never_does, 0,
			    ENDLESS_KINDS);
	tcase_add_loop_test(endless, a_batch_ends_though_the_answer_never_does, 0,
			    ENDLESS_KINDS);
	tcase_add_loop_test(endless, no_garbage_crashes_or_hangs_an_exchange, 0, 8);
	return harness_run(suite);
}
