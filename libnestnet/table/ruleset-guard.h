/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULESET_GUARD_H
#define NESTNET_RULESET_GUARD_H

/* The skeleton of `table netdev nestnet`, and the chain that each guarded tap has in it.
 * For ruleset.c and elements-batch.c alone. */

#include "table/ruleset.h"

extern const struct nft_table ruleset_guard_table;

const struct nft_set_spec *ruleset_guard_spec(enum ruleset_set set, int family);

/** Adds the table, its sets, and the chains that all taps share. */
void ruleset_guard_create(struct nft_batch *batch);

/** Longer than any tap's chain's name. */
#define RULESET_CHAIN_MAX 32

/** The name of a tap's chain. @param ifname  16 bytes, as a key has it @return name */
const char *ruleset_guard_chain_name(const uint8_t *ifname, char name[RULESET_CHAIN_MAX]);

/** Adds a tap's chain: begin, then each IPv6 address, then end. The device must exist.
 *  @param key  of RULESET_GUARD for AF_INET6: ifname . MAC . address */
void ruleset_guard_chain_begin(struct nft_batch *batch, const uint8_t *ifname);
void ruleset_guard_chain_address(struct nft_batch *batch, const uint8_t *key);
void ruleset_guard_chain_end(struct nft_batch *batch, const uint8_t *ifname);

#endif
