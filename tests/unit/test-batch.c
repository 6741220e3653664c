/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nf_tables batch: one send, and of all that may be answered the one outcome. */

#include "harness.h"
#include "script.h"

#include "kernel/netlink-message.h"
#include "kernel/nft.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static const struct nft_table table = { .family = NFT_FAMILY_INET, .name = "some" };
static const struct nft_set_spec set = { .name = "addr4",
					 .key_type = NFT_TYPE_IPV4,
					 .key_len = 4 };

static const struct nft_set_spec other = { .name = "other",
					   .key_type = NFT_TYPE_IPV4,
					   .key_len = 4 };

static struct script *script;
static struct error error;
static struct nft_batch *batch;

static void add_elements(const struct nft_set_spec *spec, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct nft_element element = { .key = { 10, (uint8_t)(i >> 16),
							(uint8_t)(i >> 8), (uint8_t)i } };

		nft_element_add(batch, &table, spec, &element);
	}
}

/* Elements of another set than the last: each has a message of its own. */
static void add_messages(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		add_elements(i % 2 ? &other : &set, 1);
}

static void set_up(void)
{
	script = script_new(NETLINK_BUS_NETFILTER);
	memset(&error, 0, sizeof(error));
	batch = nft_batch_new(0);
	ck_assert_ptr_nonnull(batch);
}

static void tear_down(void)
{
	nft_batch_free(batch);
	script = script_free(script);
}

static int commit(uint32_t generation)
{
	return nft_batch_commit(script_socket(script), batch, generation, &error);
}

/* ---- What is sent ---------------------------------------------------------------------------- */

/* Goes through what was sent. @return the number of messages; ret_acks: which of them asked
 * for an ack, as bits */
static unsigned int count_messages(uint16_t *ret_types, uint64_t *ret_acks)
{
	const struct nlmsghdr *message, *first;
	unsigned int n = 0;
	size_t len;
	int left;

	*ret_acks = 0;
	message = first = script_sent(script, &len);
	for (left = (int)len; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left), n++) {
		ck_assert_uint_lt(n, 64);
		ck_assert_uint_eq(message->nlmsg_seq, first->nlmsg_seq + n);
		ck_assert(message->nlmsg_flags & NLM_F_REQUEST);
		ret_types[n] = message->nlmsg_type;
		if (message->nlmsg_flags & NLM_F_ACK)
			*ret_acks |= (uint64_t)1 << n;
	}
	ck_assert_int_eq(left, 0);
	return n;
}

START_TEST(a_batch_is_begin_messages_end_in_one_send_with_one_ack)
{
	const uint16_t new_element = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM;
	uint16_t types[64];
	uint64_t acks;

	add_messages(3);
	script_ack(script, 3, 0);
	ck_assert_int_eq(commit(5), 0);
	ck_assert_uint_eq(script_sends(script), 1);
	ck_assert_uint_eq(count_messages(types, &acks), 5);
	ck_assert_uint_eq(types[0], NFNL_MSG_BATCH_BEGIN);
	ck_assert_uint_eq(types[1], new_element);
	ck_assert_uint_eq(types[3], new_element);
	ck_assert_uint_eq(types[4], NFNL_MSG_BATCH_END);
	ck_assert_uint_eq(acks, 1u << 3);
}
END_TEST

START_TEST(the_begin_message_names_the_generation)
{
	const struct nlattr *attr;

	add_messages(1);
	script_ack(script, 1, 0);
	ck_assert_int_eq(commit(0x01020304), 0);
	attr = mnl_nlmsg_get_payload_offset(script_sent(script, NULL),
					    sizeof(struct nfgenmsg));
	ck_assert_uint_eq(script_sent(script, NULL)->nlmsg_len,
			  NLMSG_HDRLEN + sizeof(struct nfgenmsg) + 8);
	ck_assert_uint_eq(mnl_attr_get_type(attr), NFNL_BATCH_GENID);
	ck_assert_uint_eq(ntohl(mnl_attr_get_u32(attr)), 0x01020304);
}
END_TEST

START_TEST(without_a_generation_none_is_named)
{
	const struct nfgenmsg *generic;
	uint16_t types[64];
	uint64_t acks;

	add_messages(2);
	script_ack(script, 2, 0);
	ck_assert_int_eq(commit(0), 0);
	ck_assert_uint_eq(script_sent(script, NULL)->nlmsg_len,
			  NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	generic = mnl_nlmsg_get_payload(script_sent(script, NULL));
	ck_assert_uint_eq(ntohs(generic->res_id), NFNL_SUBSYS_NFTABLES);
	ck_assert_uint_eq(count_messages(types, &acks), 4);
	ck_assert_uint_eq(types[0], NFNL_MSG_BATCH_BEGIN);
	ck_assert_uint_eq(acks, 1u << 2);
}
END_TEST

START_TEST(a_new_batch_is_empty_until_something_is_added)
{
	ck_assert(nft_batch_is_empty(batch));
	add_messages(1);
	ck_assert(!nft_batch_is_empty(batch));
}
END_TEST

/* The elements that a message has. */
static unsigned int count_elements(const struct nlmsghdr *message)
{
	const struct nlattr *attr, *element;
	unsigned int n = 0;

	mnl_attr_for_each (attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested (element, attr)
			n++;
	}
	return n;
}

START_TEST(elements_of_one_set_share_messages_and_none_of_a_large_batch_is_lost)
{
	const struct nlmsghdr *message;
	unsigned int n = 0, elements = 0;
	size_t len;
	int left;

	add_elements(&set, 20000);
	script_ack(script, 40, 0);
	ck_assert_int_eq(commit(1), 0);
	ck_assert_uint_eq(script_sends(script), 1);
	message = script_sent(script, &len);
	for (left = (int)len; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left), n++) {
		if (n == 0)
			continue;
		ck_assert_uint_le(count_elements(message), 500);
		elements += count_elements(message);
	}
	ck_assert_uint_eq(n, 42);
	ck_assert_uint_eq(elements, 20000);
}
END_TEST

START_TEST(long_elements_fill_no_message_beyond_what_the_kernel_reads)
{
	struct nft_element element = { .key = { 10 } };
	const struct nlmsghdr *message;
	unsigned int n = 0, elements = 0;
	size_t len;
	int left;

	memset(element.comment, 'x', NFT_COMMENT_MAX);
	for (unsigned int i = 0; i < 1000; i++)
		nft_element_add(batch, &table, &set, &element);
	script_ack(script, 4, 0);
	ck_assert_int_eq(commit(1), 0);
	message = script_sent(script, &len);
	for (left = (int)len; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left), n++) {
		ck_assert_uint_lt(message->nlmsg_len, 50 * 1024);
		elements += n ? count_elements(message) : 0;
	}
	ck_assert_uint_eq(n, 6);
	ck_assert_uint_eq(elements, 1000);
}
END_TEST

START_TEST(what_is_added_and_what_is_deleted_are_messages_apart)
{
	const struct nft_element element = { .key = { 10 } };
	uint16_t types[64];
	uint64_t acks;

	add_elements(&set, 2);
	nft_element_delete(batch, &table, &set, &element);
	nft_element_delete(batch, &table, &other, &element);
	add_elements(&set, 2);
	script_ack(script, 4, 0);
	ck_assert_int_eq(commit(1), 0);
	ck_assert_uint_eq(count_messages(types, &acks), 6);
	ck_assert_uint_eq(types[1], NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
	ck_assert_uint_eq(types[2], NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM);
	ck_assert_uint_eq(types[4], NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
}
END_TEST

/* ---- What is answered -------------------------------------------------------------------------- */

START_TEST(a_stale_generation_is_told_at_once_and_its_echo_passed_over)
{
	add_messages(2);
	script_ack(script, 0, -ERESTART);
	/* What a commit that fails late says once more, before the next exchange. */
	script_ack(script, -4, -ERESTART);
	script_ack(script, 1, 0);
	ck_assert_int_eq(commit(5), -ERESTART);
	ck_assert_uint_eq(script_receives(script), 1);
	nft_batch_free(batch);
	batch = nft_batch_new(0);
	add_messages(1);
	ck_assert_int_eq(commit(6), 0);
	ck_assert_uint_eq(script_left(script), 0);
}
END_TEST

START_TEST(the_first_of_several_errors_wins)
{
	add_messages(4);
	script_ack(script, 2, -EEXIST);
	script_ack_text(script, 3, -ENOENT, "later");
	script_ack(script, 4, 0);
	ck_assert_int_eq(commit(5), -EEXIST);
	ck_assert_str_eq(error.text, "File exists");
	ck_assert_uint_eq(script_left(script), 0);
}
END_TEST

START_TEST(an_error_counts_though_the_last_message_is_acked)
{
	add_messages(2);
	script_ack(script, 1, -EBUSY);
	script_ack(script, 2, 0);
	ck_assert_int_eq(commit(5), -EBUSY);
}
END_TEST

START_TEST(an_error_of_the_last_message_counts)
{
	add_messages(2);
	script_ack(script, 1, 0);
	script_ack(script, 2, -ENOENT);
	ck_assert_int_eq(commit(5), -ENOENT);
}
END_TEST

START_TEST(a_refusal_that_answers_the_first_message_alone_is_the_whole_batchs)
{
	add_messages(3);
	script_ack(script, 0, -EPERM);
	ck_assert_int_eq(commit(5), -EPERM);
	ck_assert_str_eq(error.text, "Operation not permitted (CAP_NET_ADMIN is needed)");
	ck_assert_uint_eq(script_receives(script), 1);
}
END_TEST

START_TEST(a_batch_whose_answer_is_lost_is_not_sent_again)
{
	add_messages(2);
	ck_assert_int_eq(commit(5), -NETLINK_LOST);
	ck_assert_uint_eq(script_sends(script), 1);
	ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(a_batch_whose_answer_is_lost_behind_an_error_failed)
{
	/* A batch of which one message failed was not committed, whatever follows. */
	add_messages(2);
	script_ack(script, 1, -EEXIST);
	script_fail_receive(script, ENOBUFS);
	ck_assert_int_eq(commit(5), -EEXIST);
}
END_TEST

START_TEST(a_batch_that_cannot_be_sent_says_so)
{
	add_messages(2);
	script_fail_send(script, EMSGSIZE);
	ck_assert_int_eq(commit(5), -EMSGSIZE);
	ck_assert_str_eq(error.text, "send to kernel: Message too long");
	ck_assert_uint_eq(script_receives(script), 0);
}
END_TEST

START_TEST(answers_to_other_messages_do_not_end_a_batch)
{
	add_messages(2);
	script_ack(script, -1, -EPERM);
	script_ack(script, 4, 0);
	script_ack(script, 2, 0);
	ck_assert_int_eq(commit(5), 0);
	ck_assert_uint_eq(script_left(script), 0);
}
END_TEST

/* ---- The table and its generation ------------------------------------------------------------------ */

static void answer_generation(uint32_t generation)
{
	struct {
		struct nfgenmsg generic;
		struct nlattr attr;
		uint32_t id;
	} reply = { .attr = { .nla_len = 8, .nla_type = NFTA_GEN_ID } };

	reply.id = htonl(generation);
	script_datagram(script);
	script_message(script, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0, 0, &reply,
		       sizeof(reply));
	script_ack(script, 0, 0);
}

/* A table's answer with userdata as given. */
static void answer_table(const void *userdata, size_t len)
{
	unsigned char payload[600] = { 0 };
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + len),
			       .nla_type = NFTA_TABLE_USERDATA };

	memcpy(payload + sizeof(struct nfgenmsg), &attr, sizeof(attr));
	memcpy(payload + sizeof(struct nfgenmsg) + sizeof(attr), userdata, len);
	script_datagram(script);
	script_message(script, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, 0, 1,
		       payload, sizeof(struct nfgenmsg) + sizeof(attr) + len);
	script_ack(script, 1, 0);
}

static char comment[16];
static uint32_t generation;

static int get_table(void)
{
	memset(comment, '#', sizeof(comment));
	generation = 0;
	return nft_table_get(script_socket(script), &table, &generation, comment,
			     sizeof(comment), &error);
}

START_TEST(a_table_is_found_with_its_comment_and_the_generation)
{
	answer_generation(77);
	answer_table("\x00\x06hello", 8);
	ck_assert_int_eq(get_table(), 1);
	ck_assert_uint_eq(generation, 77);
	ck_assert_str_eq(comment, "hello");
}
END_TEST

START_TEST(a_table_that_is_absent_is_no_error)
{
	answer_generation(78);
	script_ack(script, 1, -ENOENT);
	ck_assert_int_eq(get_table(), 0);
	ck_assert_uint_eq(generation, 78);
	ck_assert_str_eq(comment, "");
}
END_TEST

START_TEST(a_comment_is_cut_to_its_buffer_and_nothing_behind_it_is_read)
{
	static const struct {
		const char *userdata;
		size_t len;
		const char *comment;
	} cases[] = {
		{ "", 0, "" },
		{ "\x00", 1, "" },
		{ "\x00\x00", 2, "" },
		{ "\x00\x05hell", 6, "" },
		{ "\x00\x05hello", 7, "hello" },
		{ "\x00\xffhello", 7, "" },
		{ "\x07\x01x\x00\x02ok", 7, "ok" },
		{ "\x07\xff\x00\x02ok", 6, "" },
		{ "\x00\x14"
		  "01234567890123456789",
		  22, "012345678901234" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer_generation(1);
		answer_table(cases[i].userdata, cases[i].len);
		ck_assert_int_eq(get_table(), 1);
		ck_assert_str_eq(comment, cases[i].comment);
	}
}
END_TEST

START_TEST(without_a_generation_nothing_is_known)
{
	script_ack(script, 0, 0);
	script_ack(script, 1, 0);
	ck_assert_int_eq(get_table(), -EIO);
	script_ack(script, 0, -EOPNOTSUPP);
	script_ack(script, 1, -EOPNOTSUPP);
	ck_assert_int_eq(get_table(), -EOPNOTSUPP);
	answer_generation(1);
	script_ack(script, 1, -ENOMEM);
	ck_assert_int_eq(get_table(), -ENOMEM);
	script_ack(script, 0, -EPERM);
	ck_assert_int_eq(get_table(), -EPERM);
	ck_assert_str_eq(error.text, "get table some: Operation not permitted "
				     "(CAP_NET_ADMIN is needed)");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batches");
	TCase *sent = harness_case(suite, "sent", 10);
	TCase *answered = harness_case(suite, "answered", 10);
	TCase *tables = harness_case(suite, "tables", 10);

	tcase_add_checked_fixture(sent, set_up, tear_down);
	tcase_add_test(sent, a_batch_is_begin_messages_end_in_one_send_with_one_ack);
	tcase_add_test(sent, the_begin_message_names_the_generation);
	tcase_add_test(sent, without_a_generation_none_is_named);
	tcase_add_test(sent, a_new_batch_is_empty_until_something_is_added);
	tcase_add_test(sent,
		       elements_of_one_set_share_messages_and_none_of_a_large_batch_is_lost);
	tcase_add_test(sent, long_elements_fill_no_message_beyond_what_the_kernel_reads);
	tcase_add_test(sent, what_is_added_and_what_is_deleted_are_messages_apart);
	tcase_add_checked_fixture(answered, set_up, tear_down);
	tcase_add_test(answered,
		       a_stale_generation_is_told_at_once_and_its_echo_passed_over);
	tcase_add_test(answered, the_first_of_several_errors_wins);
	tcase_add_test(answered, an_error_counts_though_the_last_message_is_acked);
	tcase_add_test(answered, an_error_of_the_last_message_counts);
	tcase_add_test(
		answered,
		a_refusal_that_answers_the_first_message_alone_is_the_whole_batchs);
	tcase_add_test(answered, a_batch_whose_answer_is_lost_is_not_sent_again);
	tcase_add_test(answered, a_batch_whose_answer_is_lost_behind_an_error_failed);
	tcase_add_test(answered, a_batch_that_cannot_be_sent_says_so);
	tcase_add_test(answered, answers_to_other_messages_do_not_end_a_batch);
	tcase_add_checked_fixture(tables, set_up, tear_down);
	tcase_add_test(tables, a_table_is_found_with_its_comment_and_the_generation);
	tcase_add_test(tables, a_table_that_is_absent_is_no_error);
	tcase_add_test(tables,
		       a_comment_is_cut_to_its_buffer_and_nothing_behind_it_is_read);
	tcase_add_test(tables, without_a_generation_nothing_is_known);
	return harness_run(suite);
}
