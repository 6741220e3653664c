/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_FRAME_H
#define NESTNET_KERNEL_NFT_FRAME_H

/*
 * Expressions for rules of the netdev family, which see frames as they come in: Ethernet,
 * ARP, and of IP what a guard asks about. They are used as those of nft-expr.h, whose
 * model of one key at a time holds here too.
 *
 * A netdev table knows no family: before an address of the network header is loaded or
 * matched, nft_rule_match_frame() or nft_rule_match_ethertype() has to say whose it is.
 */

#include "kernel/nft-expr.h"

enum nft_frame {
	NFT_FRAME_ARP,
	NFT_FRAME_IPV4,
	NFT_FRAME_IPV6,
};

/* ---- Loads: a field of the key ----------------------------------------------------- */

/** iifname: 16 bytes. */
void nft_rule_load_input_name(struct nft_rule *rule);

/** ether saddr: 6 bytes, padded. After nft_rule_match_ethernet() or _ethertype(). */
void nft_rule_load_source_mac(struct nft_rule *rule);

/** arp saddr ether: 6 bytes, padded. After nft_rule_match_frame(rule, NFT_FRAME_ARP), as
 *  are the next. */
void nft_rule_load_arp_mac(struct nft_rule *rule);

/** arp saddr ip, or arp daddr ip: 4 bytes. */
void nft_rule_load_arp_address(struct nft_rule *rule, enum nft_side side);

/** frag nexthdr: one byte, padded; what is no fragment does not match. */
void nft_rule_load_fragment_next(struct nft_rule *rule);

/* ---- Matches ----------------------------------------------------------------------- */

/** meta iiftype ether, which nft leaves unsaid before an Ethernet address. */
void nft_rule_match_ethernet(struct nft_rule *rule);

/** ether type ip and so on, as it is on the wire: a tagged frame's is that of its tag. */
void nft_rule_match_ethertype(struct nft_rule *rule, enum nft_frame frame);

/** meta protocol ip and so on, which nft leaves unsaid before a field of that header. */
void nft_rule_match_frame(struct nft_rule *rule, enum nft_frame frame);

/** ether saddr MAC. After nft_rule_match_ethernet(). @param mac  6 bytes */
void nft_rule_match_source_mac(struct nft_rule *rule, const uint8_t *mac);

/** arp htype, arp ptype, arp hlen and arp plen, of which one differs from Ethernet and
 *  IPv4. @param index  0 to 3: which */
void nft_rule_match_arp_not_ethernet(struct nft_rule *rule, unsigned int index);

/** arp operation request. */
void nft_rule_match_arp_request(struct nft_rule *rule);

/** arp saddr ip 0.0.0.0: a probe, whose sender has no address yet (RFC 5227). */
void nft_rule_match_arp_probe(struct nft_rule *rule);

/** ip saddr ADDRESS, ip6 daddr ADDRESS and so on. @param bytes  4 or 16 */
void nft_rule_match_address(struct nft_rule *rule, int family, enum nft_side side,
			    const uint8_t *bytes);

/** th sport PORT, or dport; after nft_rule_match_protocol() it is udp's, say. */
void nft_rule_match_port(struct nft_rule *rule, enum nft_side side, uint16_t port);

/** icmpv6 type TYPE. */
void nft_rule_match_icmp6(struct nft_rule *rule, uint8_t type);

/** @th,64,128 ADDRESS: the target of a neighbour solicitation or advertisement, after
 *  nft_rule_match_icmp6(). @param bytes  16 */
void nft_rule_match_nd_target(struct nft_rule *rule, const uint8_t *bytes);

#endif
