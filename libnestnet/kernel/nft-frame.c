/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions of the netdev family. As in nft-expr.c, each is the sequence that nft makes
 * for the spelling in the header, and so prints and loads again. */

#include "kernel/nft-frame.h"
#include "kernel/nft-rule.h"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Where fields are in their headers: IEEE 802.3, RFC 826, 791, 8200, 4861. */
#define ETH_SOURCE   6
#define ETH_TYPE     12
#define ARP_HTYPE    0
#define ARP_PTYPE    2
#define ARP_HLEN     4
#define ARP_PLEN     5
#define ARP_OP       6
#define ARP_MAC      8
#define ARP_ADDRESS  14
#define ARP_TARGET   24
#define IP_SADDR     12
#define IP_DADDR     16
#define IP6_SADDR    8
#define IP6_DADDR    24
#define TH_SPORT     0
#define TH_DPORT     2
#define ICMP6_TYPE   0
#define ND_TARGET    8
#define FRAG_NEXTHDR 0

#define MAC_LEN 6

/* Matches where the field has these bytes. */
static void match_field(struct nft_rule *rule, uint32_t base, uint32_t offset,
			const void *bytes, uint32_t len)
{
	nft_rule_payload(rule, 0, base, offset, len);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, bytes, len);
}

static uint16_t ethertype(enum nft_frame frame)
{
	switch (frame) {
	case NFT_FRAME_ARP:
		return htons(ETH_P_ARP);
	case NFT_FRAME_IPV4:
		return htons(ETH_P_IP);
	case NFT_FRAME_IPV6:
		return htons(ETH_P_IPV6);
	}
	return 0;
}

/* ---- Loads ------------------------------------------------------------------------- */

void nft_rule_load_input_name(struct nft_rule *rule)
{
	nft_rule_meta(rule, nft_rule_take_words(rule, 4), NFT_META_IIFNAME);
}

void nft_rule_load_source_mac(struct nft_rule *rule)
{
	nft_rule_payload(rule, nft_rule_take_words(rule, 2), NFT_PAYLOAD_LL_HEADER,
			 ETH_SOURCE, MAC_LEN);
}

void nft_rule_load_arp_mac(struct nft_rule *rule)
{
	nft_rule_payload(rule, nft_rule_take_words(rule, 2), NFT_PAYLOAD_NETWORK_HEADER,
			 ARP_MAC, MAC_LEN);
}

void nft_rule_load_arp_address(struct nft_rule *rule, enum nft_side side)
{
	nft_rule_payload(rule, nft_rule_take_words(rule, 1), NFT_PAYLOAD_NETWORK_HEADER,
			 side == NFT_SOURCE ? ARP_ADDRESS : ARP_TARGET, 4);
}

void nft_rule_load_fragment_next(struct nft_rule *rule)
{
	unsigned int word = nft_rule_take_words(rule, 1);
	struct nftnl_expr *expr = nft_rule_add_expr(rule, "exthdr");

	if (!expr)
		return;
	nft_rule_set_register(expr, NFTNL_EXPR_EXTHDR_DREG, word);
	nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, IPPROTO_FRAGMENT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OFFSET, FRAG_NEXTHDR);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_LEN, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}

/* ---- Matches ----------------------------------------------------------------------- */

void nft_rule_match_ethernet(struct nft_rule *rule)
{
	static const uint16_t type = ARPHRD_ETHER;

	nft_rule_meta(rule, 0, NFT_META_IIFTYPE);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, &type, sizeof(type));
}

void nft_rule_match_ethertype(struct nft_rule *rule, enum nft_frame frame)
{
	uint16_t type = ethertype(frame);

	nft_rule_match_ethernet(rule);
	match_field(rule, NFT_PAYLOAD_LL_HEADER, ETH_TYPE, &type, sizeof(type));
}

void nft_rule_match_frame(struct nft_rule *rule, enum nft_frame frame)
{
	uint16_t type = ethertype(frame);

	nft_rule_meta(rule, 0, NFT_META_PROTOCOL);
	nft_rule_cmp(rule, 0, NFT_CMP_EQ, &type, sizeof(type));
}

void nft_rule_match_source_mac(struct nft_rule *rule, const uint8_t *mac)
{
	match_field(rule, NFT_PAYLOAD_LL_HEADER, ETH_SOURCE, mac, MAC_LEN);
}

void nft_rule_match_arp_not_ethernet(struct nft_rule *rule, unsigned int index)
{
	static const struct {
		uint32_t offset, len;
		uint8_t value[2];
	} fields[] = {
		{ ARP_HTYPE, 2, { 0, ARPHRD_ETHER } },
		{ ARP_PTYPE, 2, { ETH_P_IP >> 8, ETH_P_IP & 0xff } },
		{ ARP_HLEN, 1, { MAC_LEN } },
		{ ARP_PLEN, 1, { 4 } },
	};

	nft_rule_payload(rule, 0, NFT_PAYLOAD_NETWORK_HEADER, fields[index].offset,
			 fields[index].len);
	nft_rule_cmp(rule, 0, NFT_CMP_NEQ, fields[index].value, fields[index].len);
}

void nft_rule_match_arp_request(struct nft_rule *rule)
{
	uint16_t request = htons(ARPOP_REQUEST);

	match_field(rule, NFT_PAYLOAD_NETWORK_HEADER, ARP_OP, &request, sizeof(request));
}

void nft_rule_match_arp_probe(struct nft_rule *rule)
{
	static const uint8_t none[4];

	match_field(rule, NFT_PAYLOAD_NETWORK_HEADER, ARP_ADDRESS, none, sizeof(none));
}

void nft_rule_match_address(struct nft_rule *rule, int family, enum nft_side side,
			    const uint8_t *bytes)
{
	uint32_t offset;

	if (family == AF_INET)
		offset = side == NFT_SOURCE ? IP_SADDR : IP_DADDR;
	else
		offset = side == NFT_SOURCE ? IP6_SADDR : IP6_DADDR;
	match_field(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, bytes,
		    family == AF_INET ? 4 : 16);
}

void nft_rule_match_port(struct nft_rule *rule, enum nft_side side, uint16_t port)
{
	uint16_t value = htons(port);

	match_field(rule, NFT_PAYLOAD_TRANSPORT_HEADER,
		    side == NFT_SOURCE ? TH_SPORT : TH_DPORT, &value, sizeof(value));
}

void nft_rule_match_icmp6(struct nft_rule *rule, uint8_t type)
{
	nft_rule_match_frame(rule, NFT_FRAME_IPV6);
	nft_rule_match_protocol(rule, IPPROTO_ICMPV6);
	match_field(rule, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP6_TYPE, &type, sizeof(type));
}

void nft_rule_match_nd_target(struct nft_rule *rule, const uint8_t *bytes)
{
	match_field(rule, NFT_PAYLOAD_TRANSPORT_HEADER, ND_TARGET, bytes, 16);
}
