/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The nf_tables batch: one buffer, one sendmsg, one outcome.
 *
 * A batch is: begin (which names the generation that it was planned on), messages, end.
 * The kernel does all of it or none; one generation too late it answers ERESTART and has
 * done nothing. An ack is asked of the last message alone: one for each would overrun the
 * socket's queue *though it committed* (facts 17).
 */

#include "kernel/netlink-message.h"
#include "kernel/nft-message.h"
#include "kernel/nft.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

/* Elements in one message, at most: beyond the 64 KiB that a nest can tell the kernel loses
 * them silently (facts 16). */
#define LISTED_MAX     500
#define LIST_BYTES_MAX (48 * 1024)

/* What one takes of a batch, of IPv4 and without options; and how many are worth a thought. */
#define ELEMENT_LEN 28
#define MANY        10000

/* That of the begin message's attribute. */
#define GENERATION_ROOM 8

/* Enough for the elements of one exposure. */
#define FIRST_SIZE 4096

struct nft_batch {
	char *bytes;
	size_t len, size;
	size_t last;    /* offset of the last message between begin and end */
	uint32_t count; /* messages, the begin message too */
	struct nft_message_tag tag; /* of the last message; NULLs where it is no list */
	size_t list;                /* offset of its list in the message */
	size_t n_listed;
	bool is_failed; /* no memory */
};

uint8_t nft_family_number(enum nft_family family)
{
	switch (family) {
	case NFT_FAMILY_INET:
		return NFPROTO_INET;
	case NFT_FAMILY_BRIDGE:
		return NFPROTO_BRIDGE;
	case NFT_FAMILY_NETDEV:
		return NFPROTO_NETDEV;
	case NFT_FAMILY_IP:
		return NFPROTO_IPV4;
	case NFT_FAMILY_IP6:
		return NFPROTO_IPV6;
	}
	return NFPROTO_UNSPEC;
}

/* ---- The buffer ------------------------------------------------------------------------- */

/* Memory comes zeroed, since libmnl leaves the padding behind attributes as it finds it.
 * To clear it costs, and so there is as little of it as the messages may need: an element
 * says how much that is, and only what libnftnl writes may be of any length. */
static bool reserve(struct nft_batch *batch, size_t room)
{
	size_t size = batch->size ? batch->size : FIRST_SIZE;
	char *bytes;

	if (batch->is_failed)
		return false;
	if (batch->size - batch->len >= room)
		return true;

	while (size - batch->len < room)
		size *= 2;
	bytes = calloc(1, size);
	if (!bytes) {
		nft_batch_set_failed(batch);
		return false;
	}
	if (batch->len > 0)
		memcpy(bytes, batch->bytes, batch->len);
	free(batch->bytes);
	batch->bytes = bytes;
	batch->size = size;
	return true;
}

void nft_batch_set_failed(struct nft_batch *batch)
{
	batch->is_failed = true;
}

static struct nlmsghdr *put_header(struct nft_batch *batch, size_t room, uint16_t type,
				   uint8_t family, uint16_t flags, uint16_t res_id)
{
	struct nlmsghdr *message;
	struct nfgenmsg *generic;

	if (!reserve(batch, room + sizeof(*message) + sizeof(*generic)))
		return NULL;

	message = mnl_nlmsg_put_header(batch->bytes + batch->len);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	generic->res_id = htons(res_id);
	return message;
}

struct nlmsghdr *nft_message_begin(struct nft_batch *batch, size_t room, uint16_t type,
				   enum nft_family family, uint16_t flags)
{
	return put_header(batch, room, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
			  nft_family_number(family), flags, 0);
}

void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message)
{
	batch->last = batch->len;
	batch->len += netlink_align(message->nlmsg_len);
	batch->count++;
	batch->tag = (struct nft_message_tag){ .spec = NULL };
}

void nft_message_tag(struct nft_batch *batch, const struct nft_message_tag *tag,
		     const struct nlattr *list)
{
	if (batch->is_failed)
		return;
	batch->tag = *tag;
	batch->list = (size_t)((const char *)list - (batch->bytes + batch->last));
	batch->n_listed = 1;
}

struct nlmsghdr *nft_message_extend(struct nft_batch *batch, size_t room, uint16_t type,
				    const struct nft_message_tag *tag,
				    struct nlattr **ret_list)
{
	struct nlmsghdr *message = (void *)(batch->bytes + batch->last);

	if (batch->is_failed || !batch->tag.spec || batch->tag.spec != tag->spec ||
	    batch->tag.table != tag->table ||
	    message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | type) ||
	    batch->n_listed >= LISTED_MAX || message->nlmsg_len >= LIST_BYTES_MAX)
		return NULL;
	if (!reserve(batch, room))
		return NULL;
	message = (void *)(batch->bytes + batch->last);
	*ret_list = (void *)((char *)message + batch->list);
	return message;
}

void nft_message_extended(struct nft_batch *batch, const struct nlmsghdr *message)
{
	batch->len = batch->last + netlink_align(message->nlmsg_len);
	batch->n_listed++;
}

struct nft_batch *nft_batch_new(size_t n_elements)
{
	struct nft_batch *batch = calloc(1, sizeof(*batch));
	struct nlmsghdr *begin;

	if (!batch)
		return NULL;
	/* What is large comes as fresh pages, and none of them is touched before it is used. */
	if (n_elements >= MANY)
		(void)reserve(batch, n_elements * ELEMENT_LEN);
	begin = put_header(batch, GENERATION_ROOM, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, 0,
			   NFNL_SUBSYS_NFTABLES);
	if (!begin)
		return nft_batch_free(batch);

	/* Room for the generation, which is known when the batch is sent. */
	mnl_attr_put_u32(begin, NFNL_BATCH_GENID, 0);
	nft_message_end(batch, begin);
	return batch;
}

struct nft_batch *nft_batch_free(struct nft_batch *batch)
{
	if (batch) {
		free(batch->bytes);
		free(batch);
	}
	return NULL;
}

bool nft_batch_is_empty(const struct nft_batch *batch)
{
	return batch->count <= 1 && !batch->is_failed;
}

/* ---- The commit -------------------------------------------------------------------------- */

/* Writes the generation into the begin message, or takes its attribute out again. */
static char *set_generation(struct nft_batch *batch, uint32_t generation)
{
	struct nlmsghdr *begin = (void *)batch->bytes;
	struct nlattr *attr = mnl_nlmsg_get_payload_offset(begin, sizeof(struct nfgenmsg));
	size_t attr_len = attr->nla_len;
	uint32_t value = htonl(generation);

	if (generation != 0) {
		memcpy(mnl_attr_get_payload(attr), &value, sizeof(value));
		return batch->bytes;
	}

	/* The header, moved over the attribute, is where the bytes to send start. */
	begin->nlmsg_len -= (uint32_t)attr_len;
	memmove(batch->bytes + attr_len, begin, begin->nlmsg_len);
	return batch->bytes + attr_len;
}

/* Numbers the messages. @return the first's sequence number */
static uint32_t number_messages(struct netlink *nl, char *bytes, const char *end)
{
	uint32_t first = 0;

	while (bytes < end) {
		struct nlmsghdr *message = (void *)bytes;

		message->nlmsg_seq = netlink_next_sequence(nl);
		if (first == 0)
			first = message->nlmsg_seq;
		bytes += netlink_align(message->nlmsg_len);
	}
	return first;
}

int nft_batch_commit(struct netlink *nl, struct nft_batch *batch, uint32_t generation,
		     struct error *error)
{
	struct nlmsghdr *end = NULL, *last;
	uint32_t first;
	char *start;

	if (!batch->is_failed)
		end = put_header(batch, 0, NFNL_MSG_BATCH_END, AF_UNSPEC, 0,
				 NFNL_SUBSYS_NFTABLES);
	if (!end)
		return error_set_errno(error, ENOMEM);

	last = (void *)(batch->bytes + batch->last);
	last->nlmsg_flags |= NLM_F_ACK;
	batch->len += netlink_align(end->nlmsg_len);

	start = set_generation(batch, generation);
	first = number_messages(nl, start, batch->bytes + batch->len);
	return netlink_batch(nl, start, (size_t)(batch->bytes + batch->len - start), first,
			     last->nlmsg_seq, error);
}
