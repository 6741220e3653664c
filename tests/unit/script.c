/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kernel that says what a test wrote down. */

#include "script.h"

#include "harness.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANSWERS_MAX  128
#define MESSAGES_MAX 16
#define SENDS_MAX    64

/* One receive: a datagram or an error. */
struct answer {
	int code; /* 0: the datagram */
	unsigned char *bytes;
	size_t len;
	/* where the messages are whose sequence number is to be filled in */
	size_t messages[MESSAGES_MAX];
	int offsets[MESSAGES_MAX];
	unsigned int of_send; /* 0: the last */
	size_t n_messages;
};

struct script {
	struct netlink *nl;
	bool is_owner;
	struct answer answers[ANSWERS_MAX];
	size_t n, at;
	int send_codes[ANSWERS_MAX];
	size_t n_send_codes, at_send_code;
	size_t short_len;
	bool is_short;
	unsigned int repeat_most; /* 0: no repeating */
	unsigned int sends, receives;
	unsigned int of_send;
	uint32_t sequences[SENDS_MAX]; /* of each send's first message */
	unsigned char *sent;
	size_t sent_len;
};

/* ---- The transport ----------------------------------------------------------------------- */

static ssize_t send_scripted(void *userdata, int fd, const void *bytes, size_t len)
{
	struct script *script = userdata;

	(void)fd;
	script->sends++;
	if (script->at_send_code < script->n_send_codes) {
		errno = script->send_codes[script->at_send_code++];
		return -1;
	}
	free(script->sent);
	script->sent = malloc(len);
	ck_assert_ptr_nonnull(script->sent);
	memcpy(script->sent, bytes, len);
	script->sent_len = len;
	if (script->sends <= SENDS_MAX)
		script->sequences[script->sends - 1] =
			((const struct nlmsghdr *)bytes)->nlmsg_seq;
	if (script->is_short) {
		script->is_short = false;
		return (ssize_t)script->short_len;
	}
	return (ssize_t)len;
}

static void fill_sequences(const struct script *script, const struct answer *answer,
			   unsigned char *bytes)
{
	const struct nlmsghdr *last = (const void *)script->sent;
	uint32_t first = last ? last->nlmsg_seq : 0;

	if (answer->of_send)
		first = script->sequences[answer->of_send - 1];
	for (size_t i = 0; i < answer->n_messages; i++) {
		uint32_t sequence = first + (uint32_t)answer->offsets[i];

		memcpy(bytes + answer->messages[i] + offsetof(struct nlmsghdr, nlmsg_seq),
		       &sequence, sizeof(sequence));
	}
}

static ssize_t receive_scripted(void *userdata, int fd, void *buffer, size_t size)
{
	struct script *script = userdata;
	const struct answer *answer;

	(void)fd;
	script->receives++;
	if (script->repeat_most) {
		ck_assert_msg(script->receives < script->repeat_most,
			      "hangs: %u datagrams were taken", script->receives);
		if (script->at == script->n)
			script->at = 0;
	}
	if (script->at == script->n) {
		errno = EAGAIN;
		return -1;
	}
	answer = &script->answers[script->at++];
	if (answer->code) {
		errno = answer->code;
		return -1;
	}
	ck_assert_uint_le(answer->len, size);
	/* Behind a datagram is what was there before: nothing may depend on it. */
	memset(buffer, 0xa5, size);
	if (answer->len)
		memcpy(buffer, answer->bytes, answer->len);
	fill_sequences(script, answer, buffer);
	return (ssize_t)answer->len;
}

static const struct netlink_transport transport = {
	.send = send_scripted,
	.receive = receive_scripted,
};

struct script *script_under(struct netlink *nl)
{
	struct script *script = calloc(1, sizeof(*script));

	ck_assert_ptr_nonnull(script);
	script->nl = nl;
	netlink_set_transport(nl, &transport, script);
	return script;
}

struct script *script_new(enum netlink_bus bus)
{
	struct error error = { .code = 0 };
	struct netlink *nl = NULL;
	struct script *script;

	ck_assert_msg(netlink_open(bus, &nl, &error) == 0, "%s", error.text);
	script = script_under(nl);
	script->is_owner = true;
	return script;
}

struct script *script_free(struct script *script)
{
	if (script->is_owner)
		netlink_free(script->nl);
	for (size_t i = 0; i < script->n; i++)
		free(script->answers[i].bytes);
	free(script->sent);
	free(script);
	return NULL;
}

struct netlink *script_socket(struct script *script)
{
	return script->nl;
}

/* ---- What is answered -------------------------------------------------------------------- */

static struct answer *add_answer(struct script *script)
{
	ck_assert_uint_lt(script->n, ANSWERS_MAX);
	script->answers[script->n].of_send = script->of_send;
	return &script->answers[script->n++];
}

static void append(struct answer *answer, const void *bytes, size_t len)
{
	size_t room = answer->len + NLMSG_ALIGN(len);

	if (len == 0)
		return;
	answer->bytes = realloc(answer->bytes, room);
	ck_assert_ptr_nonnull(answer->bytes);
	memset(answer->bytes + answer->len, 0, NLMSG_ALIGN(len));
	memcpy(answer->bytes + answer->len, bytes, len);
	answer->len = room;
}

void script_datagram(struct script *script)
{
	(void)add_answer(script);
}

void script_message(struct script *script, uint16_t type, uint16_t flags, int offset,
		    const void *payload, size_t len)
{
	struct answer *answer = &script->answers[script->n - 1];
	struct nlmsghdr header = { .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len),
				   .nlmsg_type = type,
				   .nlmsg_flags = flags };

	ck_assert_uint_lt(answer->n_messages, MESSAGES_MAX);
	answer->messages[answer->n_messages] = answer->len;
	answer->offsets[answer->n_messages++] = offset;
	append(answer, &header, sizeof(header));
	append(answer, payload, len);
}

void script_of_send(struct script *script, unsigned int n)
{
	ck_assert_uint_le(n, SENDS_MAX);
	script->of_send = n;
}

void script_ack(struct script *script, int offset, int error)
{
	struct nlmsgerr ack = { .error = error };

	script_datagram(script);
	script_message(script, NLMSG_ERROR, NLM_F_CAPPED, offset, &ack, sizeof(ack));
}

/* The attributes behind an ack or a dump's end: one, with the sentence. */
static size_t put_text(unsigned char *bytes, size_t at, const char *text)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1),
			       .nla_type = NLMSGERR_ATTR_MSG };

	memcpy(bytes + at, &attr, sizeof(attr));
	memcpy(bytes + at + NLA_HDRLEN, text, strlen(text) + 1);
	return at + NLA_ALIGN(attr.nla_len);
}

void script_ack_text(struct script *script, int offset, int error, const char *text)
{
	struct nlmsgerr ack = { .error = error };
	unsigned char payload[2048] = { 0 };

	memcpy(payload, &ack, sizeof(ack));
	script_datagram(script);
	script_message(script, NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, offset, payload,
		       put_text(payload, sizeof(ack), text));
}

void script_done(struct script *script, uint16_t flags, int32_t code)
{
	script_datagram(script);
	script_message(script, NLMSG_DONE, (uint16_t)(flags | NLM_F_MULTI), 0, &code,
		       sizeof(code));
}

void script_data(struct script *script, uint16_t type, uint16_t flags, const char *text)
{
	script_datagram(script);
	script_message(script, type, flags, 0, text, strlen(text) + 1);
}

void script_bytes(struct script *script, const void *bytes, size_t len)
{
	struct answer *answer = add_answer(script);

	append(answer, bytes, len);
	answer->len = len;
}

void script_fail_receive(struct script *script, int code)
{
	add_answer(script)->code = code;
}

void script_fail_send(struct script *script, int code)
{
	ck_assert_uint_lt(script->n_send_codes, ANSWERS_MAX);
	script->send_codes[script->n_send_codes++] = code;
}

void script_short_send(struct script *script, size_t len)
{
	script->short_len = len;
	script->is_short = true;
}

void script_repeat(struct script *script, unsigned int most)
{
	script->repeat_most = most;
}

/* ---- What was done -------------------------------------------------------------------------- */

unsigned int script_sends(const struct script *script)
{
	return script->sends;
}

unsigned int script_receives(const struct script *script)
{
	return script->receives;
}

unsigned int script_left(const struct script *script)
{
	return (unsigned int)(script->n - script->at);
}

const struct nlmsghdr *script_sent(const struct script *script, size_t *ret_len)
{
	if (ret_len)
		*ret_len = script->sent_len;
	return (const void *)script->sent;
}
