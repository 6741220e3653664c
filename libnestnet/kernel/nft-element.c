/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements of sets and maps, packed by hand: libnftnl takes fifteen times as long for many
 * (facts 32g), and elements are what there are many of.
 *
 * An interval is one element here and, in an rbtree set, two in the kernel: its start, and
 * one behind its end with NFT_SET_ELEM_INTERVAL_END. Without the second, it would run to
 * the last address there is, with success (facts 22). A concatenation of intervals has one
 * element with KEY_END.
 */

#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"
#include "kernel/nft.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* The piece of an element's userdata that is its comment; libnftnl's number. */
#define UDATA_COMMENT 0

/* What one element takes in a message at most, with the names of its table and set: key and
 * last key twice over for an interval's end, data, times, comment, and their attributes. */
#define ROOM 1024
_Static_assert(3 * NFT_KEY_MAX + NFT_DATA_MAX + NFT_COMMENT_MAX + 512 <= ROOM,
	       "an element has room");

static bool is_rbtree(const struct nft_set_spec *spec)
{
	return (spec->flags & NFT_SPEC_INTERVAL) && !nft_set_spec_is_concat(spec);
}

/* ---- Packing -------------------------------------------------------------------------- */

static void put_value(struct nlmsghdr *message, uint16_t type, const uint8_t *value,
		      size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put(message, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(message, nest); /* NFTA_SET_ELEM_KEY and its like */
}

static void put_comment(struct nlmsghdr *message, const char *comment)
{
	uint8_t piece[2 + NFT_COMMENT_MAX + 1];
	size_t len = strnlen(comment, NFT_COMMENT_MAX);

	piece[0] = UDATA_COMMENT;
	piece[1] = (uint8_t)(len + 1);
	memcpy(piece + 2, comment, len);
	piece[2 + len] = '\0';
	mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, 2 + len + 1, piece);
}

static void put_element(struct nlmsghdr *message, const struct nft_set_spec *spec,
			const struct nft_element *element, bool is_key_only)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);

	put_value(message, NFTA_SET_ELEM_KEY, element->key, spec->key_len);
	if ((spec->flags & NFT_SPEC_INTERVAL) && nft_set_spec_is_concat(spec))
		put_value(message, NFTA_SET_ELEM_KEY_END, element->key_end, spec->key_len);
	if (!is_key_only) {
		if (spec->data_len)
			put_value(message, NFTA_SET_ELEM_DATA, element->data,
				  spec->data_len);
		if (element->timeout_ms)
			mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT,
					 htobe64(element->timeout_ms));
		if (element->timeout_ms && element->expires_ms)
			mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION,
					 htobe64(element->expires_ms));
		if (element->comment[0])
			put_comment(message, element->comment);
	}
	mnl_attr_nest_end(message, nest); /* NFTA_LIST_ELEM */
}

/* The key behind an interval's end. @return false where the interval is the last */
static bool key_behind(const struct nft_set_spec *spec, const uint8_t *key, uint8_t *ret)
{
	size_t at = spec->key_len;

	memcpy(ret, key, spec->key_len);
	while (at-- > 0) {
		if (++ret[at] != 0)
			return true;
	}
	return false;
}

static void put_interval_end(struct nlmsghdr *message, const struct nft_set_spec *spec,
			     const struct nft_element *element)
{
	uint8_t behind[NFT_KEY_MAX];
	struct nlattr *nest;

	if (!key_behind(spec, element->key_end, behind))
		return;
	nest = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	put_value(message, NFTA_SET_ELEM_KEY, behind, spec->key_len);
	mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(message, nest); /* NFTA_LIST_ELEM */
}

static void put_set(struct nlmsghdr *message, const struct nft_table *table,
		    const struct nft_set_spec *spec)
{
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table->name);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, spec->name);
}

static void put_message(struct nft_batch *batch, uint16_t type, uint16_t flags,
			const struct nft_table *table, const struct nft_set_spec *spec,
			const struct nft_element *element)
{
	const struct nft_message_tag tag = { .table = table, .spec = spec };
	struct nlattr *list;
	struct nlmsghdr *message = nft_message_extend(batch, ROOM, type, &tag, &list);
	bool is_new = !message;

	if (is_new) {
		message = nft_message_begin(batch, ROOM, type, table->family, flags);
		if (!message)
			return;
		put_set(message, table, spec);
		list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	}
	put_element(message, spec, element, type == NFT_MSG_DELSETELEM);
	if (is_rbtree(spec))
		put_interval_end(message, spec, element);
	mnl_attr_nest_end(message, list); /* NFTA_SET_ELEM_LIST_ELEMENTS */
	if (!is_new) {
		nft_message_extended(batch, message);
		return;
	}
	nft_message_end(batch, message);
	nft_message_tag(batch, &tag, list);
}

void nft_element_add(struct nft_batch *batch, const struct nft_table *table,
		     const struct nft_set_spec *spec, const struct nft_element *element)
{
	put_message(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, spec, element);
}

void nft_element_delete(struct nft_batch *batch, const struct nft_table *table,
			const struct nft_set_spec *spec, const struct nft_element *element)
{
	put_message(batch, NFT_MSG_DELSETELEM, 0, table, spec, element);
}

/* ---- Reading -------------------------------------------------------------------------- */

/* Copies the value of a key or data attribute of exactly len bytes. */
static bool read_value(const struct nlattr *attr, uint8_t *ret, size_t len)
{
	const struct nlattr *inner;

	attr_for_each_nested (inner, attr) {
		if (mnl_attr_get_type(inner) == NFTA_DATA_VALUE &&
		    mnl_attr_get_payload_len(inner) == len) {
			memcpy(ret, mnl_attr_get_payload(inner), len);
			return true;
		}
	}
	return false;
}

static void read_comment(const struct nlattr *attr, char *ret)
{
	const uint8_t *bytes = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr), at = 0;

	while (len - at >= 2 && len - at - 2 >= bytes[at + 1]) {
		size_t text_len = strnlen((const char *)bytes + at + 2, bytes[at + 1]);

		if (bytes[at] == UDATA_COMMENT && text_len <= NFT_COMMENT_MAX) {
			memcpy(ret, bytes + at + 2, text_len);
			ret[text_len] = '\0';
		}
		at += 2 + (size_t)bytes[at + 1];
	}
}

static uint64_t read_u64(const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U64) < 0)
		return 0;
	return be64toh(mnl_attr_get_u64(attr));
}

/* The element's counter: NFTA_SET_ELEM_EXPR, or the first of several expressions. */
static uint64_t read_counter(const struct nlattr *attr)
{
	const struct nlattr *data, *value;

	attr_for_each_nested (data, attr) {
		if (mnl_attr_get_type(data) != NFTA_EXPR_DATA)
			continue;
		attr_for_each_nested (value, data) {
			if (mnl_attr_get_type(value) == NFTA_COUNTER_PACKETS)
				return read_u64(value);
		}
	}
	return 0;
}

/* @return 1: an element; 2: an interval's end, its key in ret->key; 0: neither */
static int read_element(const struct nft_set_spec *spec, const struct nlattr *nest,
			struct nft_element *ret)
{
	const struct nlattr *attr;
	bool has_key = false;
	uint32_t flags = 0;

	memset(ret, 0, sizeof(*ret));
	attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			has_key = read_value(attr, ret->key, spec->key_len);
			break;
		case NFTA_SET_ELEM_KEY_END:
			(void)read_value(attr, ret->key_end, spec->key_len);
			break;
		case NFTA_SET_ELEM_DATA:
			(void)read_value(attr, ret->data, spec->data_len);
			break;
		case NFTA_SET_ELEM_FLAGS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				flags = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_ELEM_TIMEOUT:
			ret->timeout_ms = read_u64(attr);
			break;
		case NFTA_SET_ELEM_EXPIRATION:
			ret->expires_ms = read_u64(attr);
			break;
		case NFTA_SET_ELEM_USERDATA:
			read_comment(attr, ret->comment);
			break;
		case NFTA_SET_ELEM_EXPR:
			ret->packets = read_counter(attr);
			break;
		}
	}
	if (!has_key)
		return 0;
	return flags & NFT_SET_ELEM_INTERVAL_END ? 2 : 1;
}

/* What a reader goes through: the elements of all the messages of one answer. */
struct reader {
	const struct nft_set_spec *spec;
	nft_element_fn fn;
	void *userdata;
	/* rbtree sets are dumped from the last key to the first: ends before starts. */
	uint8_t behind[NFT_KEY_MAX];
	bool has_behind;
	bool is_found;
};

/* The last key of an interval: the one before its end element, or the very last. */
static void set_key_end(struct reader *reader, struct nft_element *element)
{
	size_t at = reader->spec->key_len;

	if (!reader->has_behind) {
		memset(element->key_end, 0xff, at);
		return;
	}
	memcpy(element->key_end, reader->behind, at);
	while (at-- > 0) {
		if (element->key_end[at]-- != 0)
			break;
	}
	reader->has_behind = false;
}

static int take_element(struct reader *reader, const struct nlattr *nest)
{
	struct nft_element element;
	int kind = read_element(reader->spec, nest, &element);

	if (kind == 0)
		return 0;
	reader->is_found = true;
	if (!is_rbtree(reader->spec))
		return kind == 1 ? reader->fn(reader->userdata, &element) : 0;
	if (kind == 2) {
		memcpy(reader->behind, element.key, reader->spec->key_len);
		reader->has_behind = true;
		return 0;
	}
	set_key_end(reader, &element);
	return reader->fn(reader->userdata, &element);
}

static int take_message(void *userdata, const struct nlmsghdr *reply)
{
	struct reader *reader = userdata;
	const struct nlattr *attr, *nest;
	int r;

	if (!reply) {
		reader->has_behind = false;
		return reader->fn(reader->userdata, NULL);
	}
	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		attr_for_each_nested (nest, attr) {
			r = take_element(reader, nest);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

/* ---- Questions -------------------------------------------------------------------------- */

static struct nlmsghdr *put_question(char *buffer, const struct nft_table *table,
				     const struct nft_set_spec *spec, uint16_t flags)
{
	struct nlmsghdr *question = nft_question_begin(
		buffer, NFT_MSG_GETSETELEM, nft_family_number(table->family), flags);

	put_set(question, table, spec);
	return question;
}

static int keep_element(void *userdata, const struct nft_element *element)
{
	if (element)
		*(struct nft_element *)userdata = *element;
	return 0;
}

/* For what has this key, or this key in its interval. */
static struct nlmsghdr *put_key_question(char *buffer, const struct nft_table *table,
					 const struct nft_set_spec *spec,
					 const struct nft_element *wanted)
{
	struct nlmsghdr *question = put_question(buffer, table, spec, NLM_F_REQUEST);
	struct nlattr *list = mnl_attr_nest_start(question, NFTA_SET_ELEM_LIST_ELEMENTS);

	put_element(question, spec, wanted, true);
	mnl_attr_nest_end(question, list); /* NFTA_SET_ELEM_LIST_ELEMENTS */
	return question;
}

static int ask(struct netlink *nl, const struct nft_table *table,
	       const struct nft_set_spec *spec, const struct nft_element *wanted,
	       struct reader *reader, struct error *error)
{
	char buffer[512] = { 0 };

	return netlink_request(nl, put_key_question(buffer, table, spec, wanted),
			       reader ? take_message : NULL, reader, error);
}

int nft_element_get(struct netlink *nl, const struct nft_table *table,
		    const struct nft_set_spec *spec, const uint8_t *key,
		    const uint8_t *key_end, struct nft_element *ret, struct error *error)
{
	struct reader reader = { .spec = spec, .fn = keep_element, .userdata = ret };
	struct nft_element wanted = { .comment = "" };
	int r;

	memcpy(wanted.key, key, spec->key_len);
	memcpy(wanted.key_end, key_end ? key_end : key, spec->key_len);
	r = ask(nl, table, spec, &wanted, &reader, error);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && !reader.is_found)
		r = error_set(error, EIO, "no element in the answer");
	if (r < 0)
		return error_prefix(error, "get element of %s", spec->name);
	return 1;
}

struct nlmsghdr *nft_element_put_question(char *buffer, const struct nft_table *table,
					  const struct nft_set_spec *spec,
					  const uint8_t *key)
{
	struct nft_element wanted = { .comment = "" };

	memcpy(wanted.key, key, spec->key_len);
	return put_key_question(buffer, table, spec, &wanted);
}

int nft_element_take(const struct nlmsghdr *reply, const struct nft_set_spec *spec,
		     struct nft_element *ret)
{
	struct reader reader = { .spec = spec, .fn = keep_element, .userdata = ret };

	return take_message(&reader, reply);
}

int nft_interval_covers(struct netlink *nl, const struct nft_table *table,
			const struct nft_set_spec *spec, const uint8_t *key,
			struct error *error)
{
	struct nft_element wanted = { .comment = "" };
	int r;

	memcpy(wanted.key, key, spec->key_len);
	r = ask(nl, table, spec, &wanted, NULL, error);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_prefix(error, "get element of %s", spec->name) : 1;
}

int nft_element_list(struct netlink *nl, const struct nft_table *table,
		     const struct nft_set_spec *spec, nft_element_fn fn, void *userdata,
		     struct error *error)
{
	struct reader reader = { .spec = spec, .fn = fn, .userdata = userdata };
	char buffer[256] = { 0 };

	return netlink_request(nl, put_question(buffer, table, spec, NLM_F_DUMP),
			       take_message, &reader, error);
}
