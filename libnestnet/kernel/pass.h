/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_PASS_H
#define NESTNET_KERNEL_PASS_H

/*
 * A pass: an accept of ours in a chain of other software, for a guest. It is of the
 * plainest kind, which iptables can read back too:
 *
 *     ip daddr GUEST oifname BRIDGE counter accept comment "nestnet"
 *     ip saddr GUEST iifname BRIDGE oifname UPLINK counter accept comment "nestnet"
 *
 * By the comment and this shape together it is known for ours, whoever wrote it: what
 * iptables-restore makes of one still is one. What is stricter is in our own table, where a
 * drop is final.
 */

#include "kernel/foreign.h"

#include <nestnet/nestnet.h>

#define PASS_COMMENT "nestnet"

/** Of tables and chains, with the NUL; the kernel's own bound. */
#define PASS_NAME_SIZE 256

struct pass {
	enum foreign_family family;
	char table[PASS_NAME_SIZE], chain[PASS_NAME_SIZE];
	struct nestnet_prefix guest;
	bool is_source; /* of what the guest sends */
	char iifname[NESTNET_IFNAMSIZ], oifname[NESTNET_IFNAMSIZ]; /* "": any */
};

/** @return false where the rule is no pass, or one of another shape than above */
bool pass_read(const struct foreign_chain *chain, const struct foreign_rule *rule,
	       struct pass *ret);

bool pass_equal(const struct pass *a, const struct pass *b);

/** Room for the text of any. */
#define PASS_TEXT_MAX 768

/** The command of nft that would insert it. @return ret, of PASS_TEXT_MAX bytes */
const char *pass_text(const struct pass *pass, char *ret);

/** At the head of its chain; or before the rule with that handle, if it is not 0. */
void pass_insert(struct nft_batch *batch, const struct pass *pass, uint64_t before);
/** At the end of its chain. */
void pass_append(struct nft_batch *batch, const struct pass *pass);
void pass_delete(struct nft_batch *batch, const struct pass *pass, uint64_t handle);

#endif
