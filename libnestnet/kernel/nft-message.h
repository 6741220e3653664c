/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_MESSAGE_H
#define NESTNET_KERNEL_NFT_MESSAGE_H

/* What the files of nf_tables share: the batch's buffer. For the kernel room alone. */

#include "kernel/nft.h"

#include <libmnl/libmnl.h>

/** Attributes of one message, at most: the kernel reads them into 16-bit lengths. */
#define NFT_MESSAGE_MAX 65536

/**
 * Starts a message in the batch's buffer, with its nfgenmsg and room for NFT_MESSAGE_MAX
 * bytes; nft_message_end() when its attributes are there.
 * @param type   NFT_MSG_*
 * @param flags  NLM_F_CREATE and the like
 * @return the message, or NULL where there is no memory (the batch remembers)
 */
struct nlmsghdr *nft_message_begin(struct nft_batch *batch, uint16_t type,
				   enum nft_family family, uint16_t flags);
void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message);

/** The batch fails with ENOMEM when it is committed. */
void nft_batch_set_failed(struct nft_batch *batch);

/** NFPROTO_* of a family. */
uint8_t nft_family_number(enum nft_family family);

#endif
