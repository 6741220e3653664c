/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_MESSAGE_H
#define NESTNET_KERNEL_NFT_MESSAGE_H

/* What the files of nf_tables share: the batch's buffer. For the kernel room alone. */

#include "kernel/nft.h"

#include <libmnl/libmnl.h>

/** What a message is a list of: elements of one set. */
struct nft_message_tag {
	const struct nft_table *table;
	const struct nft_set_spec *spec;
};

/**
 * Puts a question to nf_tables at the start of a buffer of zeros, with its nfgenmsg.
 * @param type    NFT_MSG_GET*
 * @param family  NFPROTO_* or AF_UNSPEC
 * @param flags   NLM_F_REQUEST or NLM_F_DUMP
 */
struct nlmsghdr *nft_question_begin(char *buffer, uint16_t type, uint8_t family,
				    uint16_t flags);

/** Attributes of one message, at most: the kernel reads them into 16-bit lengths. For what
 *  libnftnl writes, which says no less. */
#define NFT_MESSAGE_MAX 65536

/**
 * Starts a message in the batch's buffer, with its nfgenmsg; nft_message_end() when its
 * attributes are there.
 * @param room   bytes of attributes that it can have
 * @param type   NFT_MSG_*
 * @param flags  NLM_F_CREATE and the like
 * @return the message, or NULL where there is no memory (the batch remembers)
 */
struct nlmsghdr *nft_message_begin(struct nft_batch *batch, size_t room, uint16_t type,
				   enum nft_family family, uint16_t flags);
void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message);

/**
 * The last message, to be made longer, where its attributes end with a list that was tagged
 * so; nft_message_extended() when that was done.
 * @param room      bytes that it can grow by
 * @param ret_list  the nest of the list
 * @return NULL where the last message is another, or is full
 */
struct nlmsghdr *nft_message_extend(struct nft_batch *batch, size_t room, uint16_t type,
				    const struct nft_message_tag *tag,
				    struct nlattr **ret_list);
void nft_message_extended(struct nft_batch *batch, const struct nlmsghdr *message);

/** Says what the last message is a list of, and where the list begins in it. */
void nft_message_tag(struct nft_batch *batch, const struct nft_message_tag *tag,
		     const struct nlattr *list);

/** Puts the question for the element that has a key, or whose interval has it, at the
 *  buffer's start, which is zeroed and of 256 bytes. */
struct nlmsghdr *nft_element_put_question(char *buffer, const struct nft_table *table,
					  const struct nft_set_spec *spec,
					  const uint8_t *key);

/** Reads the one element of the answer, but of an rbtree set its key alone. */
int nft_element_take(const struct nlmsghdr *reply, const struct nft_set_spec *spec,
		     struct nft_element *ret);

/** The batch fails with ENOMEM when it is committed. */
void nft_batch_set_failed(struct nft_batch *batch);

/** NFPROTO_* of a family. */
uint8_t nft_family_number(enum nft_family family);

#endif
