/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What nf_tables is asked for by name or key, several questions in one send where they are
 * known beforehand: each send that is spared is a fortieth of what a whole exposure takes in
 * a process that lives.
 */

#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"
#include "kernel/nft.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

/* A question with the names of a table and a set or a chain, and a key. */
#define QUESTION_SIZE 256

/* The generation's and the table's come first. */
#define TABLE_QUESTIONS 2

/* ---- The table and the generation ------------------------------------------------------- */

struct table_answer {
	uint32_t generation;
	bool has_generation;
	char *comment;
	size_t size;
};

/* Copies the comment out of a table's userdata: type, length and value a piece. */
static void read_comment(struct table_answer *answer, const struct nlattr *userdata)
{
	const uint8_t *bytes = mnl_attr_get_payload(userdata);
	size_t len = mnl_attr_get_payload_len(userdata), at = 0;

	while (len - at >= 2 && len - at - 2 >= bytes[at + 1]) {
		if (bytes[at] == 0 /* NFTNL_UDATA_TABLE_COMMENT */)
			snprintf(answer->comment, answer->size, "%.*s", bytes[at + 1],
				 (const char *)bytes + at + 2);
		at += 2 + (size_t)bytes[at + 1];
	}
}

static int take_answer(void *userdata, const struct nlmsghdr *reply)
{
	struct table_answer *answer = userdata;
	const struct nlattr *attr;

	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		switch (reply->nlmsg_type & 0xff) {
		case NFT_MSG_NEWGEN:
			if (type == NFTA_GEN_ID &&
			    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0) {
				answer->generation = ntohl(mnl_attr_get_u32(attr));
				answer->has_generation = true;
			}
			break;
		case NFT_MSG_NEWTABLE:
			if (type == NFTA_TABLE_USERDATA)
				read_comment(answer, attr);
			break;
		}
	}
	return 0;
}

struct nlmsghdr *nft_question_begin(char *buffer, uint16_t type, uint8_t family,
				    uint16_t flags)
{
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;

	question->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	question->nlmsg_flags = flags;
	generic = mnl_nlmsg_put_extra_header(question, sizeof(*generic));
	generic->nfgen_family = family;
	return question;
}

/* @return the question's aligned length */
static size_t put_question(char *buffer, uint16_t type, uint8_t family, const char *table)
{
	struct nlmsghdr *question =
		nft_question_begin(buffer, type, family, NLM_F_REQUEST);

	if (table)
		mnl_attr_put_strz(question, NFTA_TABLE_NAME, table);
	return netlink_align(question->nlmsg_len);
}

static int end_table(const struct table_answer *answer, const int *codes,
		     struct error *error)
{
	if (codes[0] < 0) {
		error_set_errno(error, -codes[0]);
		return codes[0] == -EPERM
			       ? error_append(error, " (CAP_NET_ADMIN is needed)")
			       : codes[0];
	}
	if (!answer->has_generation)
		return error_set(error, EIO, "no generation in the answer");
	if (codes[1] < 0 && codes[1] != -ENOENT)
		return error_set_errno(error, -codes[1]);
	return codes[1] == 0;
}

/* ---- A chain ------------------------------------------------------------------------------ */

static struct nlmsghdr *put_chain(char *buffer, const struct nft_table *table,
				  const char *name)
{
	struct nlmsghdr *question =
		nft_question_begin(buffer, NFT_MSG_GETCHAIN,
				   nft_family_number(table->family), NLM_F_REQUEST);

	mnl_attr_put_strz(question, NFTA_CHAIN_TABLE, table->name);
	mnl_attr_put_strz(question, NFTA_CHAIN_NAME, name);
	return question;
}

int nft_chain_get(struct netlink *nl, const struct nft_table *table, const char *name,
		  struct error *error)
{
	char buffer[512] = { 0 };
	int r = netlink_request(nl, put_chain(buffer, table, name), NULL, NULL, error);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(error, "get chain %s", name) : 1;
}

/* ---- Several at once ---------------------------------------------------------------------- */

struct asked {
	const char *bytes;          /* the messages, numbered by now */
	struct table_answer *table; /* NULL: not asked for */
	struct nft_question *questions;
	size_t n_messages;
};

/* @return which message it answers; n_messages: none of them */
static size_t find_message(const struct asked *asked, const struct nlmsghdr *reply)
{
	const char *bytes = asked->bytes;
	size_t i = 0;

	for (; i < asked->n_messages; i++) {
		const struct nlmsghdr *message = (const void *)bytes;

		if (message->nlmsg_seq == reply->nlmsg_seq)
			break;
		bytes += netlink_align(message->nlmsg_len);
	}
	return i;
}

static int take_reply(void *userdata, const struct nlmsghdr *reply)
{
	const struct asked *asked = userdata;
	size_t at = find_message(asked, reply);
	struct nft_question *question;

	if (at == asked->n_messages)
		return 0;
	if (asked->table && at < TABLE_QUESTIONS)
		return take_answer(asked->table, reply);
	question = &asked->questions[at - (asked->table ? TABLE_QUESTIONS : 0)];
	return question->spec ? nft_element_take(reply, question->spec, &question->found)
			      : 0;
}

static size_t put_asked(char *buffer, const struct nft_table *table,
			const struct nft_question *question)
{
	const struct nlmsghdr *message =
		question->chain ? put_chain(buffer, table, question->chain)
				: nft_element_put_question(buffer, table, question->spec,
							   question->key);

	return netlink_align(message->nlmsg_len);
}

static void end_questions(struct nft_question *questions, size_t n, const int *codes)
{
	for (size_t i = 0; i < n; i++)
		questions[i].answer = codes[i] == -ENOENT ? 0
				      : codes[i] < 0      ? codes[i]
							  : 1;
}

int nft_ask(struct netlink *nl, const struct nft_table *table,
	    struct nft_question *questions, size_t n, struct error *error)
{
	char buffer[NFT_QUESTIONS_MAX * QUESTION_SIZE] = { 0 };
	struct asked asked = { .bytes = buffer, .questions = questions, .n_messages = n };
	int codes[NFT_QUESTIONS_MAX], r;
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += put_asked(buffer + len, table, &questions[i]);
	r = netlink_request_many(nl, buffer, len, n, codes, take_reply, &asked, error);
	if (r < 0)
		return error_prefix(error, "get elements of %s", table->name);
	end_questions(questions, n, codes);
	return 0;
}

int nft_table_ask(struct netlink *nl, const struct nft_table *table,
		  struct nft_question *questions, size_t n, uint32_t *ret_generation,
		  char *ret_comment, size_t size, struct error *error)
{
	struct table_answer answer = { .comment = ret_comment, .size = size };
	char buffer[(TABLE_QUESTIONS + NFT_QUESTIONS_MAX) * QUESTION_SIZE] = { 0 };
	struct asked asked = { .bytes = buffer,
			       .table = &answer,
			       .questions = questions,
			       .n_messages = TABLE_QUESTIONS + n };
	int codes[TABLE_QUESTIONS + NFT_QUESTIONS_MAX] = { 0 }, r;
	size_t len;

	ret_comment[0] = '\0';
	len = put_question(buffer, NFT_MSG_GETGEN, AF_UNSPEC, NULL);
	len += put_question(buffer + len, NFT_MSG_GETTABLE,
			    nft_family_number(table->family), table->name);
	for (size_t i = 0; i < n; i++)
		len += put_asked(buffer + len, table, &questions[i]);

	r = netlink_request_many(nl, buffer, len, asked.n_messages, codes, take_reply,
				 &asked, error);
	if (r == 0)
		r = end_table(&answer, codes, error);
	if (r < 0)
		return error_prefix(error, "get table %s", table->name);
	*ret_generation = answer.generation;
	end_questions(questions, n, codes + TABLE_QUESTIONS);
	return r;
}

int nft_table_get(struct netlink *nl, const struct nft_table *table,
		  uint32_t *ret_generation, char *ret_comment, size_t size,
		  struct error *error)
{
	return nft_table_ask(nl, table, NULL, 0, ret_generation, ret_comment, size,
			     error);
}
