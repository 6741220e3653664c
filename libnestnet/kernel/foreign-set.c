/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The elements of a foreign set, whatever its type: keys as bytes, and verdicts. */

#include "kernel/foreign-message.h"
#include "kernel/netlink-message.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Sets of plain ranges are dumped from the last key to the first: ends before starts. */
struct reader {
	foreign_element_fn fn;
	void *userdata;
	uint8_t behind[FOREIGN_REGISTERS];
	size_t behind_len; /* 0: none */
	bool has_ranges;
};

/* @return the length of the value in the nest, or 0 */
static size_t read_value(const struct nlattr *nest, uint8_t *ret)
{
	const struct nlattr *attr;
	size_t len = 0;

	mnl_attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) != NFTA_DATA_VALUE)
			continue;
		len = mnl_attr_get_payload_len(attr);
		if (len > FOREIGN_REGISTERS)
			return 0;
		memcpy(ret, mnl_attr_get_payload(attr), len);
	}
	return len;
}

static int read_verdict(const struct nlattr *nest, struct foreign_op *ret)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0) {
			ret->kind = FOREIGN_END;
			ret->verdict = foreign_verdict_of(ntohl(mnl_attr_get_u32(attr)));
		}
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CHAIN && !ret->name &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0) {
			ret->name = strdup(mnl_attr_get_str(attr));
			if (!ret->name)
				return -ENOMEM;
		}
	}
	return 0;
}

static int read_data(const struct nlattr *nest, struct foreign_op *ret)
{
	const struct nlattr *attr;
	int r = 0;

	mnl_attr_for_each_nested (attr, nest) {
		if (r == 0 && mnl_attr_get_type(attr) == NFTA_DATA_VERDICT)
			r = read_verdict(attr, ret);
	}
	return r;
}

/* @return 1: an element; 2: an interval's end; 0: neither; or -ENOMEM */
static int read_element(const struct nlattr *nest, struct foreign_element *ret)
{
	const struct nlattr *attr;
	size_t last_len = 0;
	uint32_t flags = 0;
	int r = 0;

	mnl_attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			ret->len = read_value(attr, ret->key);
			break;
		case NFTA_SET_ELEM_KEY_END:
			last_len = read_value(attr, ret->last);
			break;
		case NFTA_SET_ELEM_FLAGS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				flags = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_ELEM_DATA:
			r = read_data(attr, &ret->end);
			break;
		}
		if (r < 0)
			return r;
	}
	ret->is_range = last_len > 0 && last_len == ret->len;
	if (flags & NFT_SET_ELEM_CATCHALL) {
		ret->len = 0;
		return 1;
	}
	if (ret->len == 0)
		return 0;
	return flags & NFT_SET_ELEM_INTERVAL_END ? 2 : 1;
}

/* The last key before the one where the next interval, or a gap, begins. */
static void set_last(struct reader *reader, struct foreign_element *element)
{
	size_t at = element->len;

	element->is_range = true;
	if (reader->behind_len != element->len) {
		memset(element->last, 0xff, element->len);
		return;
	}
	memcpy(element->last, reader->behind, element->len);
	while (at-- > 0) {
		if (element->last[at]-- != 0)
			break;
	}
	reader->behind_len = 0;
}

static int take_element(struct reader *reader, const struct nlattr *nest)
{
	struct foreign_element element = { .len = 0 };
	int kind = read_element(nest, &element), r = 0;

	if (kind < 0)
		r = kind;
	if (kind == 2) {
		memcpy(reader->behind, element.key, element.len);
		reader->behind_len = element.len;
		reader->has_ranges = true;
	}
	if (kind == 1) {
		if (reader->has_ranges && !element.is_range && element.len > 0)
			set_last(reader, &element);
		r = reader->fn(reader->userdata, &element);
	}
	foreign_clear_op(&element.end);
	return r;
}

static int take_message(void *userdata, const struct nlmsghdr *reply)
{
	struct reader *reader = userdata;
	const struct nlattr *attr, *nest;
	int r = 0;

	if (!reply) {
		reader->behind_len = 0;
		reader->has_ranges = false;
		return reader->fn(reader->userdata, NULL);
	}
	mnl_attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested (nest, attr) {
			if (r == 0)
				r = take_element(reader, nest);
		}
	}
	return r;
}

int foreign_list_elements(struct netlink *nl, const struct foreign_chain *chain,
			  const char *set, foreign_element_fn fn, void *userdata,
			  struct error *error)
{
	struct reader reader = { .fn = fn, .userdata = userdata };
	char buffer[1024];
	struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;
	int r;

	if (strlen(chain->table) >= NFT_NAME_MAXLEN || strlen(set) >= NFT_NAME_MAXLEN)
		return error_set(error, EIO, "list elements: a name is too long");
	question->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
	question->nlmsg_flags = NLM_F_DUMP;
	generic = mnl_nlmsg_put_extra_header(question, sizeof(*generic));
	generic->nfgen_family = foreign_family_number(chain->family);
	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_TABLE, chain->table);
	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_SET, set);
	r = netlink_request(nl, question, take_message, &reader, error);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	return r < 0 ? error_prefix(error, "list elements of %s", set) : 0;
}
