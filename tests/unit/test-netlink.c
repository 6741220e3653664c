/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The netlink core against a kernel that says anything: what is an answer, what is none,
 * and that every exchange ends. */

#include "harness.h"
#include "script.h"

#include "kernel/netlink-message.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOME_TYPE 100

static struct script *script;
static struct error error;

static void set_up(void)
{
	script = script_new(NETLINK_BUS_ROUTE);
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

static int request(struct seen *seen, uint16_t flags)
{
	char buffer[256] = "";
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = SOME_TYPE;
	message->nlmsg_flags = flags;
	return netlink_request(script_socket(script), message, seen ? see : NULL, seen,
			       &error);
}

/* ---- Acks -------------------------------------------------------------------------------- */

START_TEST(an_ack_ends_the_request)
{
	script_ack(script, 0, 0);
	script_ack(script, 0, -EINVAL);
	ck_assert_int_eq(request(NULL, 0), 0);
	ck_assert_uint_eq(script_left(script), 1);
	ck_assert_str_eq(error.text, "");
}
END_TEST

START_TEST(a_request_asks_for_an_ack_under_its_own_sequence_number)
{
	const struct nlmsghdr *sent;
	uint32_t first;
	size_t len;

	script_ack(script, 0, 0);
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(NULL, NLM_F_EXCL), 0);
	sent = script_sent(script, &len);
	first = sent->nlmsg_seq;
	ck_assert_uint_ne(first, 0);
	ck_assert_uint_eq(len, sent->nlmsg_len);
	ck_assert_uint_eq(sent->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_EXCL);
	ck_assert_int_eq(request(NULL, 0), 0);
	ck_assert_uint_ne(script_sent(script, NULL)->nlmsg_seq, first);
}
END_TEST

START_TEST(an_error_is_its_errno_in_the_systems_words)
{
	script_ack(script, 0, -EEXIST);
	ck_assert_int_eq(request(NULL, 0), -EEXIST);
	ck_assert_str_eq(error.text, "File exists");
	ck_assert_int_eq(error.code, EEXIST);
	ck_assert_uint_eq(script_sends(script), 1);
}
END_TEST

START_TEST(the_kernels_own_sentence_is_added)
{
	script_ack_text(script, 0, -EINVAL, "mtu greater than device maximum");
	ck_assert_int_eq(request(NULL, 0), -EINVAL);
	ck_assert_str_eq(error.text,
			 "Invalid argument (mtu greater than device maximum)");
}
END_TEST

START_TEST(the_capability_is_named_where_the_kernel_says_nothing)
{
	script_ack(script, 0, -EPERM);
	script_ack_text(script, 0, -EPERM, "No");
	ck_assert_int_eq(request(NULL, 0), -EPERM);
	ck_assert_str_eq(error.text, "Operation not permitted (CAP_NET_ADMIN is needed)");
	ck_assert_int_eq(request(NULL, 0), -EPERM);
	ck_assert_str_eq(error.text, "Operation not permitted (No)");
}
END_TEST

/* An ack that says it echoes so many bytes, and has a sentence that says it is so long. */
static void put_ack(uint16_t flags, uint32_t echoed_len, const char *text,
		    size_t attr_len)
{
	struct nlmsgerr ack = { .error = -EINVAL, .msg = { .nlmsg_len = echoed_len } };
	struct nlattr attr = { .nla_len = (uint16_t)attr_len,
			       .nla_type = NLMSGERR_ATTR_MSG };
	unsigned char payload[512] = { 0 };
	size_t at = sizeof(ack);

	memcpy(payload, &ack, sizeof(ack));
	memcpy(payload + at, &attr, sizeof(attr));
	memcpy(payload + at + NLA_HDRLEN, text, strlen(text));
	at += NLA_HDRLEN + strlen(text);
	script_datagram(script);
	script_message(script, NLMSG_ERROR, (uint16_t)(flags | NLM_F_ACK_TLVS), 0,
		       payload, at);
}

START_TEST(a_sentence_behind_an_echo_is_told)
{
	static const char text[] = "why";
	struct nlmsgerr ack = { .error = -EINVAL,
				.msg = { .nlmsg_len = NLMSG_HDRLEN + 6 } };
	struct nlattr attr = { .nla_len = NLA_HDRLEN + sizeof(text),
			       .nla_type = NLMSGERR_ATTR_MSG };
	unsigned char payload[64] = { 0 };

	memcpy(payload, &ack, sizeof(ack));
	memcpy(payload + sizeof(ack), "echoed", 6);
	memcpy(payload + sizeof(ack) + 8, &attr, sizeof(attr));
	memcpy(payload + sizeof(ack) + 8 + sizeof(attr), text, sizeof(text));
	script_datagram(script);
	script_message(script, NLMSG_ERROR, NLM_F_ACK_TLVS, 0, payload,
		       sizeof(ack) + 8 + sizeof(attr) + sizeof(text));
	ck_assert_int_eq(request(NULL, 0), -EINVAL);
	ck_assert_str_eq(error.text, "Invalid argument (why)");
}
END_TEST

START_TEST(a_sentence_that_does_not_hold_together_is_not_read)
{
	static const struct {
		uint16_t flags;
		uint32_t echoed;
		size_t attr_len;
	} cases[] = {
		{ NLM_F_CAPPED, NLMSG_HDRLEN, NLA_HDRLEN + 4 }, /* no NUL */
		{ NLM_F_CAPPED, NLMSG_HDRLEN, 0 },          /* shorter than a header */
		{ NLM_F_CAPPED, NLMSG_HDRLEN, 3 },          /* the same */
		{ NLM_F_CAPPED, NLMSG_HDRLEN, NLA_HDRLEN }, /* empty */
		{ NLM_F_CAPPED, NLMSG_HDRLEN, 60000 },      /* behind the end */
		{ 0, 4000000000, NLA_HDRLEN + 4 },          /* the echo, too */
		{ 0, 0xffffffff, NLA_HDRLEN + 4 },
		{ 0, NLMSG_HDRLEN + 8, NLA_HDRLEN + 4 }, /* the echo is the text */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		put_ack(cases[i].flags, cases[i].echoed, "why!", cases[i].attr_len);
		ck_assert_int_eq(request(NULL, 0), -EINVAL);
		ck_assert_str_eq(error.text, "Invalid argument");
	}
}
END_TEST

START_TEST(a_sentence_as_long_as_a_datagram_is_cut)
{
	script_ack_text(script, 0, -EINVAL, harness_repeat('x', 1900));
	ck_assert_int_eq(request(NULL, 0), -EINVAL);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

START_TEST(an_ack_that_is_no_ack_is_an_io_error)
{
	int32_t code = -EINVAL;

	script_datagram(script);
	script_message(script, NLMSG_ERROR, 0, 0, &code, sizeof(code)); /* too short */
	script_datagram(script);
	script_message(script, NLMSG_ERROR, 0, 0, "", 0);
	script_ack(script, 0, 1);
	script_ack(script, 0, -4096);
	script_ack(script, 0, INT32_MIN);
	script_ack(script, 0, INT32_MAX);
	for (unsigned int i = 0; i < 6; i++) {
		ck_assert_int_eq(request(NULL, 0), -EIO);
		ck_assert_str_ne(error.text, "");
	}
	ck_assert_uint_eq(script_left(script), 0);
}
END_TEST

/* ---- Replies -------------------------------------------------------------------------------- */

START_TEST(replies_are_given_up_to_the_ack)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, 0, "a");
	script_data(script, SOME_TYPE, 0, "b");
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(&seen, 0), 0);
	ck_assert_str_eq(seen.text, "ab");
}
END_TEST

START_TEST(several_replies_in_one_datagram_are_all_given)
{
	struct nlmsgerr ack = { .error = 0 };
	struct seen seen = { .text = "" };

	script_datagram(script);
	script_message(script, SOME_TYPE, 0, 0, "a", 2);
	script_message(script, NLMSG_NOOP, 0, 0, "n", 2);
	script_message(script, SOME_TYPE, 0, 0, "bcde", 5);
	script_message(script, NLMSG_ERROR, 0, 0, &ack, sizeof(ack));
	script_message(script, SOME_TYPE, 0, 0, "late", 5);
	ck_assert_int_eq(request(&seen, 0), 0);
	ck_assert_str_eq(seen.text, "abcde");
	ck_assert_uint_eq(script_receives(script), 1);
}
END_TEST

START_TEST(replies_of_another_sequence_are_passed_over)
{
	struct seen seen = { .text = "" };

	script_ack(script, -1, -EINVAL);
	script_ack(script, 1, -EINVAL);
	script_ack(script, INT32_MIN, -EINVAL);
	script_datagram(script);
	script_message(script, SOME_TYPE, 0, -1, "old", 4);
	script_message(script, NLMSG_DONE, 0, -1, "\0\0\0", 4);
	script_message(script, NLMSG_OVERRUN, 0, -1, "", 0);
	script_data(script, SOME_TYPE, 0, "a");
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(&seen, 0), 0);
	ck_assert_str_eq(seen.text, "a");
}
END_TEST

START_TEST(what_the_reply_function_returns_ends_the_request_and_the_rest_is_drained)
{
	static const int results[] = { -ENOMEM, 7 };

	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		struct seen seen = { .result = results[i] };

		script_data(script, SOME_TYPE, 0, "a");
		script_data(script, SOME_TYPE, 0, "b");
		script_ack(script, 0, 0);
		ck_assert_int_eq(request(&seen, 0), results[i]);
		ck_assert_str_eq(seen.text, "a");
		ck_assert_uint_eq(script_left(script), 0);
	}
}
END_TEST

START_TEST(an_overrun_is_an_error)
{
	script_datagram(script);
	script_message(script, NLMSG_OVERRUN, 0, 0, "", 0);
	ck_assert_int_eq(request(NULL, 0), -ENOBUFS);
	ck_assert_str_ne(error.text, "");
}
END_TEST

/* A datagram that ends in the midst of its second message. */
START_TEST(a_message_that_is_cut_off_is_not_used)
{
	struct nlmsghdr headers[2] = {
		{ .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_NOOP },
		{ .nlmsg_len = NLMSG_HDRLEN + sizeof(struct nlmsgerr),
		  .nlmsg_type = NLMSG_ERROR },
	};

	for (size_t len = 0; len < sizeof(headers); len++) {
		/* The numbers of the next request and its repetitions. */
		headers[1].nlmsg_seq = netlink_next_sequence(script_socket(script)) + 1;
		for (unsigned int i = 0; i < 3; i++) {
			headers[0].nlmsg_seq = headers[1].nlmsg_seq;
			script_bytes(script, headers, len);
			headers[1].nlmsg_seq++;
		}
		ck_assert_int_eq(request(NULL, 0), -NETLINK_LOST);
		script = script_free(script);
		script = script_new(NETLINK_BUS_ROUTE);
	}
}
END_TEST

static const uint32_t impossible_lens[] = {
	0, 1, 4, 15, 17, 33, 0x7fffffff, 0x80000000, 0x80000040, 0xfffffff0, 0xffffffff
};

/* An ack with a sentence, but for its length. */
START_TEST(a_message_of_an_impossible_length_is_not_used)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr ack;
	} message = { .header = { .nlmsg_len = impossible_lens[_i],
				  .nlmsg_type = NLMSG_ERROR,
				  .nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS },
		      .ack = { .error = -EINVAL } };

	message.header.nlmsg_seq = netlink_next_sequence(script_socket(script)) + 1;
	script_bytes(script, &message, sizeof(message));
	if (impossible_lens[_i] > NLMSG_HDRLEN && impossible_lens[_i] <= sizeof(message))
		ck_assert_int_eq(request(NULL, 0), -EIO);
	else
		ck_assert_int_eq(request(NULL, 0), -NETLINK_LOST);
}
END_TEST

/* ---- Lost answers ---------------------------------------------------------------------------- */

START_TEST(a_request_whose_answer_is_lost_is_sent_three_times)
{
	ck_assert_int_eq(request(NULL, 0), -NETLINK_LOST);
	ck_assert_uint_eq(script_sends(script), 3);
	ck_assert_uint_eq(script_receives(script), 3);
	ck_assert_str_eq(error.text, "receive from kernel: the answer is missing");
}
END_TEST

START_TEST(a_request_that_is_answered_at_last_is_answered)
{
	struct seen seen = { .text = "" };

	script_data(script, SOME_TYPE, 0, "a");
	script_fail_receive(script, ENOBUFS);
	script_fail_receive(script, EAGAIN);
	script_data(script, SOME_TYPE, 0, "b");
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(&seen, 0), 0);
	ck_assert_uint_eq(script_sends(script), 3);
	ck_assert_str_eq(seen.text, "ab");
}
END_TEST

START_TEST(an_answer_to_the_first_try_is_not_taken_for_the_seconds)
{
	script_fail_receive(script, ENOBUFS);
	script_of_send(script, 1);
	script_ack(script, 0, -EEXIST);
	script_of_send(script, 2);
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(NULL, 0), 0);
	ck_assert_uint_eq(script_sends(script), 2);
}
END_TEST

START_TEST(an_interrupted_system_call_is_repeated)
{
	script_fail_send(script, EINTR);
	script_fail_send(script, EINTR);
	script_fail_receive(script, EINTR);
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(NULL, 0), 0);
	ck_assert_uint_eq(script_sends(script), 3);
	ck_assert_uint_eq(script_receives(script), 2);
}
END_TEST

START_TEST(what_found_no_room_is_sent_again)
{
	script_fail_send(script, ENOBUFS);
	script_fail_send(script, ENOBUFS);
	script_ack(script, 0, 0);
	ck_assert_int_eq(request(NULL, 0), 0);
	ck_assert_uint_eq(script_sends(script), 3);
}
END_TEST

START_TEST(what_finds_no_room_again_and_again_is_an_error)
{
	for (int i = 0; i < 3; i++)
		script_fail_send(script, ENOBUFS);
	ck_assert_int_eq(request(NULL, 0), -ENOBUFS);
	ck_assert_str_eq(error.text, "send to kernel: No buffer space available");
	ck_assert_uint_eq(script_sends(script), 3);
}
END_TEST

START_TEST(what_could_not_be_sent_is_an_error_at_once)
{
	script_fail_send(script, ENOMEM);
	ck_assert_int_eq(request(NULL, 0), -ENOMEM);
	ck_assert_str_eq(error.text, "send to kernel: Cannot allocate memory");
	ck_assert_uint_eq(script_sends(script), 1);
	ck_assert_uint_eq(script_receives(script), 0);
}
END_TEST

START_TEST(what_was_sent_in_part_is_an_error)
{
	script_short_send(script, 3);
	ck_assert_int_eq(request(NULL, 0), -EIO);
	ck_assert_str_eq(error.text, "send to kernel: 3 of 16 bytes went");
}
END_TEST

/* ---- Several at once ---------------------------------------------------------------------------- */

static int request_three(uint16_t flags, int codes[3], struct seen *seen)
{
	struct nlmsghdr messages[3] = { 0 };

	for (unsigned int i = 0; i < 3; i++) {
		messages[i].nlmsg_len = sizeof(messages[i]);
		messages[i].nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	}
	return netlink_request_many(script_socket(script), messages, sizeof(messages), 3,
				    codes, seen ? see : NULL, seen, &error);
}

START_TEST(each_of_many_requests_has_its_own_code)
{
	int codes[3] = { 9, 9, 9 };
	struct seen seen = { .text = "" };

	script_ack(script, -1, -EIO);
	script_ack(script, 0, -ENODEV);
	script_datagram(script);
	script_message(script, SOME_TYPE, 0, 1, "a", 2);
	script_ack(script, 1, 0);
	script_ack(script, 2, -EBUSY);
	script_ack(script, 3, -EIO);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, &seen), 0);
	ck_assert_int_eq(codes[0], -ENODEV);
	ck_assert_int_eq(codes[1], 0);
	ck_assert_int_eq(codes[2], -EBUSY);
	ck_assert_str_eq(seen.text, "a");
	ck_assert_uint_eq(script_left(script), 1);
}
END_TEST

START_TEST(questions_are_answered_without_acks)
{
	int codes[3] = { 9, 9, 9 };

	script_datagram(script);
	script_message(script, SOME_TYPE, 0, 0, "a", 2);
	script_ack(script, 1, -ENOENT);
	script_datagram(script);
	script_message(script, SOME_TYPE, 0, 2, "b", 2);
	script_ack(script, 3, -EIO);
	ck_assert_int_eq(request_three(0, codes, NULL), 0);
	ck_assert(codes[0] == 0 && codes[1] == -ENOENT && codes[2] == 0);
	ck_assert_uint_eq(script_left(script), 1);
}
END_TEST

START_TEST(one_refusal_for_all_is_taken_as_the_end)
{
	int codes[3] = { 9, 9, 9 };

	script_ack(script, 0, -EPERM);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, NULL), -EPERM);
	ck_assert_str_eq(error.text, "Operation not permitted (CAP_NET_ADMIN is needed)");
	ck_assert_uint_eq(script_sends(script), 1);
}
END_TEST

START_TEST(many_requests_of_which_one_stays_unanswered_are_sent_again)
{
	int codes[3] = { 9, 9, 9 };

	script_ack(script, 0, 0);
	script_ack(script, 1, 0);
	script_fail_receive(script, ENOBUFS);
	script_ack(script, 0, 0);
	script_ack(script, 1, -ENODEV);
	script_ack(script, 2, 0);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, NULL), 0);
	ck_assert_uint_eq(script_sends(script), 2);
	ck_assert_int_eq(codes[1], -ENODEV);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, NULL), -NETLINK_LOST);
	ck_assert_uint_eq(script_sends(script), 5);
}
END_TEST

/* The last ack ends an exchange. One of others that never came is no code, whatever was in
 * the memory for it. */
START_TEST(many_requests_of_which_only_the_last_is_answered_are_sent_again)
{
	int codes[3] = { 9, 9, 9 };

	script_ack(script, 0, 0);
	script_ack(script, 2, 0);
	script_ack(script, 0, 0);
	script_ack(script, 1, -ENODEV);
	script_ack(script, 2, 0);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, NULL), 0);
	ck_assert_uint_eq(script_sends(script), 2);
	ck_assert_int_eq(codes[1], -ENODEV);

	for (unsigned int i = 0; i < 3; i++)
		script_ack(script, 2, 0);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, NULL), -NETLINK_LOST);
	ck_assert_str_eq(error.text, "receive from kernel: an answer is missing");
}
END_TEST

/* The first try's answer is lost, and its acks are not: what the second try is answered is
 * still to come. */
START_TEST(acks_of_the_first_try_of_many_are_not_taken_for_the_seconds)
{
	int codes[3] = { 9, 9, 9 };
	struct seen seen = { .text = "" };

	script_fail_receive(script, ENOBUFS); /* in place of the answer "a" */
	script_of_send(script, 1);
	script_ack(script, 0, 0);
	script_ack(script, 1, 0);
	script_ack(script, 2, 0);
	script_of_send(script, 2);
	script_data(script, SOME_TYPE, 0, "a");
	script_ack(script, 0, 0);
	script_ack(script, 1, 0);
	script_ack(script, 2, 0);
	ck_assert_int_eq(request_three(NLM_F_ACK, codes, &seen), 0);
	ck_assert_uint_eq(script_sends(script), 2);
	ck_assert_str_eq(seen.text, "a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("netlink");
	TCase *acks = harness_case(suite, "acks", 10);
	TCase *replies = harness_case(suite, "replies", 10);
	TCase *lost = harness_case(suite, "lost answers", 10);
	TCase *many = harness_case(suite, "many", 10);

	tcase_add_checked_fixture(acks, set_up, tear_down);
	tcase_add_test(acks, an_ack_ends_the_request);
	tcase_add_test(acks, a_request_asks_for_an_ack_under_its_own_sequence_number);
	tcase_add_test(acks, an_error_is_its_errno_in_the_systems_words);
	tcase_add_test(acks, the_kernels_own_sentence_is_added);
	tcase_add_test(acks, the_capability_is_named_where_the_kernel_says_nothing);
	tcase_add_test(acks, a_sentence_behind_an_echo_is_told);
	tcase_add_test(acks, a_sentence_that_does_not_hold_together_is_not_read);
	tcase_add_test(acks, a_sentence_as_long_as_a_datagram_is_cut);
	tcase_add_test(acks, an_ack_that_is_no_ack_is_an_io_error);
	tcase_add_checked_fixture(replies, set_up, tear_down);
	tcase_add_test(replies, replies_are_given_up_to_the_ack);
	tcase_add_test(replies, several_replies_in_one_datagram_are_all_given);
	tcase_add_test(replies, replies_of_another_sequence_are_passed_over);
	tcase_add_test(
		replies,
		what_the_reply_function_returns_ends_the_request_and_the_rest_is_drained);
	tcase_add_test(replies, an_overrun_is_an_error);
	tcase_add_test(replies, a_message_that_is_cut_off_is_not_used);
	add_table_test(replies, a_message_of_an_impossible_length_is_not_used,
		       impossible_lens);
	tcase_add_checked_fixture(lost, set_up, tear_down);
	tcase_add_test(lost, a_request_whose_answer_is_lost_is_sent_three_times);
	tcase_add_test(lost, a_request_that_is_answered_at_last_is_answered);
	tcase_add_test(lost, an_answer_to_the_first_try_is_not_taken_for_the_seconds);
	tcase_add_test(lost, an_interrupted_system_call_is_repeated);
	tcase_add_test(lost, what_found_no_room_is_sent_again);
	tcase_add_test(lost, what_finds_no_room_again_and_again_is_an_error);
	tcase_add_test(lost, what_could_not_be_sent_is_an_error_at_once);
	tcase_add_test(lost, what_was_sent_in_part_is_an_error);
	tcase_add_checked_fixture(many, set_up, tear_down);
	tcase_add_test(many, each_of_many_requests_has_its_own_code);
	tcase_add_test(many, questions_are_answered_without_acks);
	tcase_add_test(many, one_refusal_for_all_is_taken_as_the_end);
	tcase_add_test(many, many_requests_of_which_one_stays_unanswered_are_sent_again);
	tcase_add_test(many,
		       many_requests_of_which_only_the_last_is_answered_are_sent_again);
	tcase_add_test(many, acks_of_the_first_try_of_many_are_not_taken_for_the_seconds);
	return harness_run(suite);
}
