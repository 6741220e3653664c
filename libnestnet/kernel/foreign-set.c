/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The elements of a foreign set, whatever its type: keys as bytes, and verdicts. */

#include "kernel/foreign-message.h"
#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

/* What a dump gave: an element, or the end of the interval before it in the order of keys. */
struct entry {
	struct foreign_element element;
	bool is_end;
};

/* All of a dump, since only its end says whether the set is one of intervals. */
struct reader {
	struct entry *entries;
	size_t n;
};

size_t foreign_read_value(const struct nlattr *data, uint8_t *ret, size_t size)
{
	const struct nlattr *attr;
	size_t len = 0;

	attr_for_each_nested (attr, data) {
		if (mnl_attr_get_type(attr) != NFTA_DATA_VALUE)
			continue;
		len = mnl_attr_get_payload_len(attr);
		if (len > size)
			return 0;
		memcpy(ret, mnl_attr_get_payload(attr), len);
	}
	return len;
}

static enum foreign_verdict verdict_of(uint32_t code)
{
	switch ((int)code) {
	case NFT_CONTINUE:
		return FOREIGN_CONTINUE;
	case NFT_RETURN:
		return FOREIGN_RETURN;
	case NFT_JUMP:
		return FOREIGN_JUMP;
	case NFT_GOTO:
		return FOREIGN_GOTO;
	}
	switch (code & NF_VERDICT_MASK) {
	case NF_DROP:
		return FOREIGN_DROP;
	case NF_ACCEPT:
		return FOREIGN_ACCEPT;
	}
	return FOREIGN_QUEUE;
}

static int read_nested(const struct nlattr *nest, struct foreign_op *ret)
{
	const struct nlattr *attr;

	attr_for_each_nested (attr, nest) {
		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0) {
			ret->kind = FOREIGN_END;
			ret->verdict = verdict_of(ntohl(mnl_attr_get_u32(attr)));
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

int foreign_read_verdict(const struct nlattr *data, struct foreign_op *ret)
{
	const struct nlattr *attr;
	int r = 0;

	attr_for_each_nested (attr, data) {
		if (r == 0 && mnl_attr_get_type(attr) == NFTA_DATA_VERDICT)
			r = read_nested(attr, ret);
	}
	return r;
}

/* @return 0 or -ENOMEM */
static int read_element(const struct nlattr *nest, struct entry *ret)
{
	struct foreign_element *element = &ret->element;
	const struct nlattr *attr;
	size_t last_len = 0;
	uint32_t flags = 0;
	int r = 0;

	attr_for_each_nested (attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			element->len =
				foreign_read_value(attr, element->key, FOREIGN_REGISTERS);
			break;
		case NFTA_SET_ELEM_KEY_END:
			last_len = foreign_read_value(attr, element->last,
						      FOREIGN_REGISTERS);
			break;
		case NFTA_SET_ELEM_FLAGS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				flags = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFTA_SET_ELEM_DATA:
			if (r == 0)
				r = foreign_read_verdict(attr, &element->end);
			break;
		}
	}
	if (flags & NFT_SET_ELEM_CATCHALL)
		element->len = 0;
	element->is_range = last_len > 0 && last_len == element->len;
	ret->is_end = flags & NFT_SET_ELEM_INTERVAL_END;
	return r;
}

static void clear_entries(struct reader *reader)
{
	for (size_t i = 0; i < reader->n; i++)
		foreign_clear_op(&reader->entries[i].element.end);
	free(reader->entries);
	*reader = (struct reader){ .n = 0 };
}

static int take_element(struct reader *reader, const struct nlattr *nest)
{
	struct entry *grown = reader->entries;

	if ((reader->n & (reader->n - 1)) == 0)
		grown = reallocarray(grown, reader->n ? reader->n * 2 : 1,
				     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	reader->entries = grown;
	grown += reader->n++;
	*grown = (struct entry){ .is_end = false };
	return read_element(nest, grown);
}

static int take_message(void *userdata, const struct nlmsghdr *reply)
{
	struct reader *reader = userdata;
	const struct nlattr *attr, *nest;
	int r = 0;

	if (!reply) {
		clear_entries(reader);
		return 0;
	}
	attr_for_each (attr, reply, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		attr_for_each_nested (nest, attr) {
			if (r == 0)
				r = take_element(reader, nest);
		}
	}
	return r;
}

/* The last key before the one where the next interval, or a gap, begins. */
static void set_last(struct foreign_element *element,
		     const struct foreign_element *behind)
{
	size_t at = element->len;

	element->is_range = true;
	if (!behind || behind->len != element->len) {
		memset(element->last, 0xff, element->len);
		return;
	}
	memcpy(element->last, behind->key, element->len);
	while (at-- > 0) {
		if (element->last[at]-- != 0)
			break;
	}
}

/* Sets of plain ranges are dumped from the last key to the first, ends before starts; and
 * each has an end at least, that of nothing before the first. */
static int tell(struct reader *reader, foreign_element_fn fn, void *userdata)
{
	const struct foreign_element *behind = NULL;
	bool has_ends = false;
	int r = 0;

	for (size_t i = 0; i < reader->n; i++)
		has_ends |= reader->entries[i].is_end;
	for (size_t i = 0; r == 0 && i < reader->n; i++) {
		struct entry *entry = &reader->entries[i];

		if (!entry->is_end && has_ends && !entry->element.is_range)
			set_last(&entry->element, behind);
		behind = &entry->element;
		if (!entry->is_end)
			r = fn(userdata, &entry->element);
	}
	return r;
}

int foreign_list_elements(struct netlink *nl, const struct foreign_chain *chain,
			  const char *set, foreign_element_fn fn, void *userdata,
			  struct error *error)
{
	struct reader reader = { .n = 0 };
	char buffer[1024] = { 0 };
	struct nlmsghdr *question;
	int r;

	if (strlen(chain->table) >= NFT_NAME_MAXLEN || strlen(set) >= NFT_NAME_MAXLEN)
		return error_set(error, EIO, "list elements: a name is too long");
	question = nft_question_begin(buffer, NFT_MSG_GETSETELEM,
				      foreign_family_number(chain->family), NLM_F_DUMP);
	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_TABLE, chain->table);
	mnl_attr_put_strz(question, NFTA_SET_ELEM_LIST_SET, set);
	r = netlink_request(nl, question, take_message, &reader, error);
	if (r == 0)
		r = tell(&reader, fn, userdata);
	clear_entries(&reader);
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	return r < 0 ? error_prefix(error, "list elements of %s", set) : 0;
}
