/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile kernel: each of the four exchanges, with each message of its answer damaged in
 * every way of a list. Nobody crashes, every exchange ends, and what is not a whole answer is
 * no success. The scripts are generated, and counted.
 */

#include "harness.h"
#include "script.h"

#include "kernel/netlink-message.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOME_TYPE 100

/* A socket's first sequence number. */
#define FIRST 1

enum exchange_kind { REQUEST, DUMP, BATCH, MANY, EXCHANGES };

/* ---- The right answers ---------------------------------------------------------------------- */

struct reply {
	uint16_t type, flags;
	uint32_t offset;  /* of its sequence number */
	const char *text; /* NULL: a code, 0 */
};

static const struct reply answers[EXCHANGES][3] = {
	[REQUEST] = { { SOME_TYPE, 0, 0, "a" }, { NLMSG_ERROR, NLM_F_CAPPED, 0, NULL } },
	[DUMP] = { { SOME_TYPE, NLM_F_MULTI, 0, "a" },
		   { SOME_TYPE, NLM_F_MULTI, 0, "b" },
		   { NLMSG_DONE, NLM_F_MULTI, 0, NULL } },
	[BATCH] = { { NLMSG_ERROR, NLM_F_CAPPED, 1, NULL } },
	[MANY] = { { NLMSG_ERROR, NLM_F_CAPPED, 0, NULL },
		   { NLMSG_ERROR, NLM_F_CAPPED, 1, NULL },
		   { NLMSG_ERROR, NLM_F_CAPPED, 2, NULL } },
};

static size_t count_answers(enum exchange_kind kind)
{
	size_t n = 0;

	while (n < 3 && answers[kind][n].type)
		n++;
	return n;
}

struct message {
	struct nlmsghdr header;
	union {
		struct nlmsgerr ack;
		int32_t code;
		char text[64];
	};
};

static struct message make_message(const struct reply *reply)
{
	struct message message = { .header = { .nlmsg_type = reply->type,
					       .nlmsg_flags = reply->flags,
					       .nlmsg_seq = FIRST + reply->offset } };
	size_t len =
		reply->type == NLMSG_DONE ? sizeof(message.code) : sizeof(message.ack);

	if (reply->text) {
		len = 4;
		strcpy(message.text, reply->text);
	}
	message.header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
	return message;
}

/* ---- What is done to one of them ------------------------------------------------------------ */

enum damage {
	CUT,       /* the datagram ends behind so many bytes */
	SHORTER,   /* so many bytes before its end */
	LEN,       /* it says that it is so long */
	LONGER,    /* so many bytes longer than it is */
	SEQUENCE,  /* it is so far off */
	FLAG,      /* is set, too */
	TYPE,      /* it is of that type */
	CODE,      /* it carries that code */
	RECEIVE,   /* the receive fails with that errno, and it is lost */
	MISSING,   /* it never comes */
	TWICE,     /* it comes so many times */
	OVERSIZED, /* behind it come so many bytes of nothing */
};

static const struct {
	enum damage damage;
	uint32_t value;
} damages[] = {
	{ CUT, 1 },
	{ CUT, 3 },
	{ CUT, 4 },
	{ CUT, 8 },
	{ CUT, 15 },
	{ CUT, 16 },
	{ CUT, 17 },
	{ CUT, 19 },
	{ SHORTER, 1 },
	{ SHORTER, 4 },
	{ LEN, 0 },
	{ LEN, 1 },
	{ LEN, 15 },
	{ LEN, 16 },
	{ LEN, 17 },
	{ LEN, 0x7fffffff },
	{ LEN, 0x80000000 },
	{ LEN, 0xfffffff0 },
	{ LEN, 0xffffffff },
	{ LONGER, 1 },
	{ LONGER, 4 },
	{ LONGER, 16 },
	{ LONGER, 4096 },
	{ LONGER, 65536 },
	{ SEQUENCE, (uint32_t)-1 },
	{ SEQUENCE, 7 },
	{ SEQUENCE, 0x80000000 },
	{ FLAG, NLM_F_DUMP_INTR },
	{ TYPE, NLMSG_NOOP },
	{ TYPE, NLMSG_OVERRUN },
	{ TYPE, SOME_TYPE + 1 },
	{ CODE, (uint32_t)-EPERM },
	{ CODE, (uint32_t)-ENOENT },
	{ CODE, (uint32_t)-ENODEV },
	{ CODE, (uint32_t)-EEXIST },
	{ CODE, (uint32_t)-EBUSY },
	{ CODE, (uint32_t)-EINTR },
	{ CODE, (uint32_t)-EAGAIN },
	{ CODE, (uint32_t)-ENOMEM },
	{ CODE, (uint32_t)-ERESTART },
	{ CODE, (uint32_t)-4095 },
	{ CODE, (uint32_t)-4096 },
	{ CODE, 0x80000000 },
	{ RECEIVE, ENOBUFS },
	{ RECEIVE, EMSGSIZE },
	{ RECEIVE, ENOMEM },
	{ RECEIVE, ECONNREFUSED },
	{ RECEIVE, EIO },
	{ MISSING, 0 },
	{ TWICE, 2 },
	{ TWICE, 20 },
	{ OVERSIZED, 16 },
	{ OVERSIZED, 4096 },
	{ OVERSIZED, 32000 },
};

/* Whether somebody who believes what comes of it has been lied to. */
static bool may_succeed(const struct reply *reply, size_t i)
{
	switch (damages[i].damage) {
	case TWICE:
		return true;
	case OVERSIZED: /* behind an end nobody looks */
		return reply->type != SOME_TYPE;
	case CODE: /* data has none */
		return reply->text;
	case FLAG: /* of dumps alone */
		return !(reply->flags & NLM_F_MULTI);
	case SEQUENCE: /* another's data, for all that anybody can tell */
	case TYPE:
	case MISSING:
		return reply->text && damages[i].value != NLMSG_OVERRUN;
	case LEN: /* shorter data is data, and a dump's end needs no code */
		return (reply->text || reply->type == NLMSG_DONE) &&
		       (damages[i].value == 16 || damages[i].value == 17);
	case CUT:
	case SHORTER:
	case LONGER:
	case RECEIVE:
		break;
	}
	return false;
}

static void put_bytes(struct script *script, const struct message *message, size_t len)
{
	unsigned char bytes[32768] = { 0 };

	memcpy(bytes, message, sizeof(*message) < len ? sizeof(*message) : len);
	script_bytes(script, bytes, len);
}

static void put_damaged(struct script *script, const struct reply *reply, size_t i)
{
	struct message message = make_message(reply);
	uint32_t value = damages[i].value;
	size_t len = message.header.nlmsg_len, times = 1;

	switch (damages[i].damage) {
	case CUT:
		len = value;
		break;
	case SHORTER:
		len -= value;
		break;
	case LEN:
		message.header.nlmsg_len = value;
		break;
	case LONGER:
		message.header.nlmsg_len += value;
		break;
	case SEQUENCE:
		message.header.nlmsg_seq += value;
		break;
	case FLAG:
		message.header.nlmsg_flags |= (uint16_t)value;
		break;
	case TYPE:
		message.header.nlmsg_type = (uint16_t)value;
		break;
	case CODE:
		if (!reply->text)
			message.code = (int32_t)value;
		break;
	case RECEIVE:
		script_fail_receive(script, (int)value);
		return;
	case MISSING:
		return;
	case TWICE:
		times = value;
		break;
	case OVERSIZED:
		len += value;
		break;
	}
	while (times-- > 0)
		put_bytes(script, &message, len);
}

/* ---- The exchanges -------------------------------------------------------------------------- */

static int take(void *userdata, const struct nlmsghdr *reply)
{
	unsigned int *sum = userdata;
	const unsigned char *bytes;

	if (!reply)
		return 0;
	/* Every byte that is given can be read. */
	bytes = mnl_nlmsg_get_payload(reply);
	for (size_t i = 0; i < mnl_nlmsg_get_payload_len(reply); i++)
		*sum += bytes[i];
	return 0;
}

static int run_many(struct netlink *nl, struct error *error)
{
	struct nlmsghdr messages[3] = { 0 };
	int codes[3] = { 0 }, r;
	unsigned int sum = 0;

	for (size_t i = 0; i < 3; i++) {
		messages[i].nlmsg_len = sizeof(messages[i]);
		messages[i].nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	}
	r = netlink_request_many(nl, messages, sizeof(messages), 3, codes, take, &sum,
				 error);
	/* What one of them was told is its caller's to read. */
	for (size_t i = 0; r == 0 && i < 3; i++)
		r = codes[i];
	return r;
}

static int run(enum exchange_kind kind, struct netlink *nl, struct error *error)
{
	struct nlmsghdr messages[2] = { { .nlmsg_len = sizeof(*messages),
					  .nlmsg_type = SOME_TYPE } };
	unsigned int sum = 0;

	switch (kind) {
	case REQUEST:
		return netlink_request(nl, messages, take, &sum, error);
	case DUMP:
		messages[0].nlmsg_flags = NLM_F_DUMP;
		return netlink_request(nl, messages, take, &sum, error);
	case BATCH:
		messages[0].nlmsg_seq = netlink_next_sequence(nl);
		messages[1] = messages[0];
		messages[1].nlmsg_seq = netlink_next_sequence(nl);
		return netlink_batch(nl, messages, sizeof(messages), FIRST, FIRST + 1,
				     error);
	case MANY:
		return run_many(nl, error);
	case EXCHANGES:
		break;
	}
	return 1;
}

static int play(enum exchange_kind kind, size_t at, size_t i)
{
	struct script *script = script_new(NETLINK_BUS_ROUTE);
	struct error error = { .code = 0 };
	int r;

	for (size_t n = 0; n < count_answers(kind); n++) {
		struct message message = make_message(&answers[kind][n]);

		if (n == at)
			put_damaged(script, &answers[kind][n], i);
		else
			put_bytes(script, &message, message.header.nlmsg_len);
	}
	r = run(kind, script_socket(script), &error);
	ck_assert_int_le(r, 0);
	ck_assert_uint_lt(strlen(error.text), sizeof(error.text));
	script_free(script);
	return r;
}

START_TEST(an_answer_that_is_damaged_anywhere_is_no_success)
{
	unsigned int n = 0;

	for (enum exchange_kind kind = 0; kind < EXCHANGES; kind++) {
		/* Undamaged, so that the failures are of the damage. */
		ck_assert_int_eq(play(kind, SIZE_MAX, 0), 0);
		for (size_t at = 0; at < count_answers(kind); at++) {
			for (size_t i = 0; i < ARRAY_LEN(damages); i++, n++) {
				int r = play(kind, at, i);

				ck_assert_msg(
					r < 0 || may_succeed(&answers[kind][at], i),
					"exchange %d, message %zu, damage %zu: success",
					(int)kind, at, i);
			}
		}
	}
	printf("%u scripts of a hostile kernel\n", n);
	ck_assert_uint_ge(n, 250);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a hostile kernel");
	TCase *scripts = harness_case(suite, "scripts", 20);

	tcase_add_test(scripts, an_answer_that_is_damaged_anywhere_is_no_success);
	return harness_run(suite);
}
