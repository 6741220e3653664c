/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guards: what may come in from a guarded tap, decided before anything else of the host
 * (its bridge, other tables, local delivery) has seen the frame.
 *
 * The way of a frame
 *	Each guarded tap has a base chain on its ingress hook. It jumps to `frame`, which is
 *	for all taps and asks the sets: source MAC, then by the Ethernet type ARP, IPv4,
 *	IPv6; everything else is dropped, tagged frames too. What comes back from there is
 *	the neighbour discovery that is to be judged by its target address. nft 1.0.6 cannot
 *	look such a target up in a set with types, so these rules, two for each IPv6 address
 *	of a guest, are literal ones of the tap's own chain. What they do not take is
 *	dropped: they fail closed where a target cannot be read.
 *
 * ingress, and not the bridge family: BPDUs pass that one by, and a tap need not be in a
 * bridge (kernel review, 2).
 *
 * A set's key starts with the tap's name and the MAC: a guest's address is not another's
 * behind the same tap. What nft prints of all this loads again, but for Debian 12's kernel
 * where a guarded tap is gone.
 */

#include "table/ruleset-guard.h"

#include "kernel/nft-frame.h"

#include "base/cleanup.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

const struct nft_table ruleset_guard_table = { .family = NFT_FAMILY_NETDEV,
					       .name = "nestnet" };

/* Before whatever others have on the hook. */
#define PRIORITY_GUARD (-500)

#define DHCP_SERVER  67
#define DHCP_CLIENT  68
#define DHCP6_CLIENT 546
#define DHCP6_SERVER 547

#define ICMP6_REPORT2 143 /* a report of MLD version 2, RFC 3810 */

/* Next headers of a fragment that can hide what is in it: the parts of an IPv6 packet that
 * come before the one that a rule asks about. ICMPv6 itself too, as neighbour discovery
 * must not be fragmented (RFC 6980) and its target could be in the second fragment; so a
 * guest's ping of more than the MTU is dropped with it. */
static const uint8_t hiding_headers[] = { IPPROTO_HOPOPTS,  IPPROTO_ROUTING,
					  IPPROTO_FRAGMENT, IPPROTO_AH,
					  IPPROTO_ICMPV6,   IPPROTO_DSTOPTS };

static const struct nft_set_spec hiding = {
	.name = "hiding",
	.key_type = NFT_TYPE_PROTO,
	.key_len = 1,
};

/* ---- The sets ---------------------------------------------------------------------- */

#define NAME_LEN 16 /* of a key's interface name */
#define MAC_LEN  8  /* of its MAC, padded */

#define FIRST RULESET_GUARDED

#define KEY_NAME .key_type = NFT_TYPE_IFNAME, .key_len = NAME_LEN
#define KEY_MAC                                                 \
	.key_type = NFT_TYPE2(NFT_TYPE_IFNAME, NFT_TYPE_ETHER), \
	.key_len = NAME_LEN + MAC_LEN, .fields = { NAME_LEN, 6 }
#define KEY_ADDRESS(ip, len)                                        \
	.key_type = NFT_TYPE3(NFT_TYPE_IFNAME, NFT_TYPE_ETHER, ip), \
	.key_len = NAME_LEN + MAC_LEN + (len), .fields = { NAME_LEN, 6, (len) }

static const struct nft_set_spec sets[] = {
	[RULESET_GUARDED - FIRST] = { .name = "guarded", KEY_NAME },
	[RULESET_GUARD_MAC - FIRST] = { .name = "guard_mac", KEY_MAC },
	[RULESET_GUARD_ANY - FIRST] = { .name = "guard_any", KEY_MAC },
	[RULESET_GUARD - FIRST] = { .name = "guard4", KEY_ADDRESS(NFT_TYPE_IPV4, 4) },
	[RULESET_GUARD_CHAIN - FIRST] = { .name = "guard chains", KEY_NAME },
};

static const struct nft_set_spec guard6 = { .name = "guard6",
					    KEY_ADDRESS(NFT_TYPE_IPV6, 16) };

const struct nft_set_spec *ruleset_guard_spec(enum ruleset_set set, int family)
{
	return set == RULESET_GUARD && family == AF_INET6 ? &guard6 : &sets[set - FIRST];
}

static void add_sets(struct nft_batch *batch)
{
	size_t i;

	for (i = 0; i <= RULESET_GUARD - FIRST; i++)
		nft_add_set(batch, &ruleset_guard_table, &sets[i]);
	nft_add_set(batch, &ruleset_guard_table, &guard6);

	/* set hiding { type inet_proto; elements = { 0, ipv6-route, ipv6-frag, ... } } */
	nft_add_set(batch, &ruleset_guard_table, &hiding);
	for (i = 0; i < ARRAY_SIZE(hiding_headers); i++) {
		struct nft_element element = { .key = { hiding_headers[i] } };

		nft_element_add(batch, &ruleset_guard_table, &hiding, &element);
	}
}

/* ---- What rules are made of -------------------------------------------------------- */

static struct nft_rule *new_rule(const char *chain)
{
	return nft_rule_new(&ruleset_guard_table, chain);
}

static void add_chain(struct nft_batch *batch, const char *chain)
{
	nft_add_chain(batch, &ruleset_guard_table, chain, NULL, NFT_HOOK_NONE, 0);
}

/* RULE counter drop */
static void drop_frame(struct nft_batch *batch, struct nft_rule *rule)
{
	nft_rule_counter(rule);
	nft_rule_drop(rule);
	nft_add_rule(batch, rule);
}

/* RULE accept */
static void accept_frame(struct nft_batch *batch, struct nft_rule *rule)
{
	nft_rule_accept(rule);
	nft_add_rule(batch, rule);
}

/* udp sport PORT counter drop, or dport */
static void drop_udp(struct nft_batch *batch, const char *chain, enum nft_side side,
		     uint16_t port)
{
	struct nft_rule *rule = new_rule(chain);

	nft_rule_match_protocol(rule, IPPROTO_UDP);
	nft_rule_match_port(rule, side, port);
	drop_frame(batch, rule);
}

/* icmpv6 type TYPE */
static struct nft_rule *icmp6_rule(const char *chain, uint8_t type)
{
	struct nft_rule *rule = new_rule(chain);

	nft_rule_match_icmp6(rule, type);
	return rule;
}

/* iifname . ether saddr @guard_any accept */
static void accept_any(struct nft_batch *batch, const char *chain)
{
	struct nft_rule *rule = new_rule(chain);

	nft_rule_match_ethernet(rule);
	nft_rule_load_input_name(rule);
	nft_rule_load_source_mac(rule);
	nft_rule_lookup(rule, sets[RULESET_GUARD_ANY - FIRST].name, false);
	accept_frame(batch, rule);
}

/* iifname . ether saddr . ip saddr @guard4 accept */
static void accept_source(struct nft_batch *batch, const char *chain, int family)
{
	struct nft_rule *rule = new_rule(chain);

	nft_rule_match_ethertype(rule,
				 family == AF_INET ? NFT_FRAME_IPV4 : NFT_FRAME_IPV6);
	nft_rule_load_input_name(rule);
	nft_rule_load_source_mac(rule);
	nft_rule_load_address(rule, family, NFT_SOURCE);
	nft_rule_lookup(rule, ruleset_guard_spec(RULESET_GUARD, family)->name, false);
	accept_frame(batch, rule);
}

/* ---- The chains of all taps -------------------------------------------------------- */

/* ether type ip goto frame_ip */
static void add_frame_goto(struct nft_batch *batch, enum nft_frame frame,
			   const char *chain)
{
	struct nft_rule *rule = new_rule("frame");

	nft_rule_match_ethertype(rule, frame);
	nft_rule_goto(rule, chain);
	nft_add_rule(batch, rule);
}

static void add_frame(struct nft_batch *batch)
{
	struct nft_rule *rule = new_rule("frame");

	/* iifname . ether saddr != @guard_mac counter drop */
	nft_rule_match_ethernet(rule);
	nft_rule_load_input_name(rule);
	nft_rule_load_source_mac(rule);
	nft_rule_lookup(rule, sets[RULESET_GUARD_MAC - FIRST].name, true);
	drop_frame(batch, rule);

	/* ether type arp goto frame_arp */
	add_frame_goto(batch, NFT_FRAME_ARP, "frame_arp");
	/* ether type ip goto frame_ip */
	add_frame_goto(batch, NFT_FRAME_IPV4, "frame_ip");
	/* ether type ip6 goto frame_ip6 */
	add_frame_goto(batch, NFT_FRAME_IPV6, "frame_ip6");

	/* counter drop */
	drop_frame(batch, new_rule("frame"));
}

/* iifname . arp saddr ether, for a lookup */
static void load_arp_sender(struct nft_rule *rule)
{
	nft_rule_load_input_name(rule);
	nft_rule_load_arp_mac(rule);
}

static struct nft_rule *arp_rule(void)
{
	struct nft_rule *rule = new_rule("frame_arp");

	nft_rule_match_frame(rule, NFT_FRAME_ARP);
	return rule;
}

/* A sender is a MAC and an address; the frame's own source was looked at before. */
static void add_frame_arp(struct nft_batch *batch)
{
	struct nft_rule *rule;
	unsigned int i;

	/* arp htype != 1 counter drop, arp ptype != ip, arp hlen != 6, arp plen != 4 */
	for (i = 0; i < 4; i++) {
		rule = arp_rule();
		nft_rule_match_arp_not_ethernet(rule, i);
		drop_frame(batch, rule);
	}

	/* iifname . arp saddr ether @guard_any accept */
	rule = arp_rule();
	load_arp_sender(rule);
	nft_rule_lookup(rule, sets[RULESET_GUARD_ANY - FIRST].name, false);
	accept_frame(batch, rule);

	/* iifname . arp saddr ether . arp saddr ip @guard4 accept */
	rule = arp_rule();
	load_arp_sender(rule);
	nft_rule_load_arp_address(rule, NFT_SOURCE);
	nft_rule_lookup(rule, sets[RULESET_GUARD - FIRST].name, false);
	accept_frame(batch, rule);

	/* arp operation request arp saddr ip 0.0.0.0
	 * iifname . arp saddr ether . arp daddr ip @guard4 accept */
	rule = arp_rule();
	nft_rule_match_arp_request(rule);
	nft_rule_match_arp_probe(rule);
	load_arp_sender(rule);
	nft_rule_load_arp_address(rule, NFT_DESTINATION);
	nft_rule_lookup(rule, sets[RULESET_GUARD - FIRST].name, false);
	accept_frame(batch, rule);

	/* counter drop */
	drop_frame(batch, new_rule("frame_arp"));
}

/* ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept */
static void accept_discovery(struct nft_batch *batch)
{
	static const uint8_t none[4], everybody[4] = { 255, 255, 255, 255 };
	struct nft_rule *rule = new_rule("frame_ip");

	nft_rule_match_frame(rule, NFT_FRAME_IPV4);
	nft_rule_match_address(rule, AF_INET, NFT_SOURCE, none);
	nft_rule_match_address(rule, AF_INET, NFT_DESTINATION, everybody);
	nft_rule_match_protocol(rule, IPPROTO_UDP);
	nft_rule_match_port(rule, NFT_SOURCE, DHCP_CLIENT);
	nft_rule_match_port(rule, NFT_DESTINATION, DHCP_SERVER);
	accept_frame(batch, rule);
}

static void add_frame_ip(struct nft_batch *batch)
{
	/* udp sport 67 counter drop */
	drop_udp(batch, "frame_ip", NFT_SOURCE, DHCP_SERVER);
	/* udp dport 68 counter drop: clients look at this port alone */
	drop_udp(batch, "frame_ip", NFT_DESTINATION, DHCP_CLIENT);
	/* iifname . ether saddr . ip saddr @guard4 accept */
	accept_source(batch, "frame_ip", AF_INET);
	/* iifname . ether saddr @guard_any accept */
	accept_any(batch, "frame_ip");
	/* ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept */
	accept_discovery(batch);
	/* counter drop */
	drop_frame(batch, new_rule("frame_ip"));
}

/* From no address yet: what a guest says before it has one. */
static void add_frame_unspecified(struct nft_batch *batch)
{
	static const uint8_t types[] = { MLD_LISTENER_REPORT, ND_ROUTER_SOLICIT,
					 ICMP6_REPORT2 };
	struct nft_rule *rule;
	size_t i;

	/* icmpv6 type mld-listener-report accept, nd-router-solicit, mld2-listener-report */
	for (i = 0; i < ARRAY_SIZE(types); i++)
		accept_frame(batch, icmp6_rule("frame_unspecified", types[i]));

	/* icmpv6 type nd-neighbor-solicit return: duplicate address detection, which the
	 * tap's own chain judges */
	rule = icmp6_rule("frame_unspecified", ND_NEIGHBOR_SOLICIT);
	nft_rule_return(rule);
	nft_add_rule(batch, rule);

	/* counter drop */
	drop_frame(batch, new_rule("frame_unspecified"));
}

/* ip6 saddr :: goto frame_unspecified */
static void add_unspecified_goto(struct nft_batch *batch)
{
	static const uint8_t none[16];
	struct nft_rule *rule = new_rule("frame_ip6");

	nft_rule_match_frame(rule, NFT_FRAME_IPV6);
	nft_rule_match_address(rule, AF_INET6, NFT_SOURCE, none);
	nft_rule_goto(rule, "frame_unspecified");
	nft_add_rule(batch, rule);
}

static void add_frame_ip6(struct nft_batch *batch)
{
	struct nft_rule *rule = new_rule("frame_ip6");

	/* frag nexthdr @hiding counter drop */
	nft_rule_match_frame(rule, NFT_FRAME_IPV6);
	nft_rule_load_fragment_next(rule);
	nft_rule_lookup(rule, hiding.name, false);
	drop_frame(batch, rule);

	/* icmpv6 type nd-router-advert counter drop */
	drop_frame(batch, icmp6_rule("frame_ip6", ND_ROUTER_ADVERT));
	/* icmpv6 type nd-redirect counter drop */
	drop_frame(batch, icmp6_rule("frame_ip6", ND_REDIRECT));
	/* udp sport 547 counter drop */
	drop_udp(batch, "frame_ip6", NFT_SOURCE, DHCP6_SERVER);
	/* udp dport 546 counter drop */
	drop_udp(batch, "frame_ip6", NFT_DESTINATION, DHCP6_CLIENT);
	/* iifname . ether saddr @guard_any accept */
	accept_any(batch, "frame_ip6");

	/* icmpv6 type nd-neighbor-advert return: the tap's own chain judges it */
	rule = icmp6_rule("frame_ip6", ND_NEIGHBOR_ADVERT);
	nft_rule_return(rule);
	nft_add_rule(batch, rule);

	/* iifname . ether saddr . ip6 saddr @guard6 accept */
	accept_source(batch, "frame_ip6", AF_INET6);
	/* ip6 saddr :: goto frame_unspecified */
	add_unspecified_goto(batch);
	/* counter drop */
	drop_frame(batch, new_rule("frame_ip6"));
}

void ruleset_guard_create(struct nft_batch *batch)
{
	nft_add_table(batch, &ruleset_guard_table, RULESET_GUARD_VERSION);
	add_sets(batch);
	/* All of them first: a rule can only go to a chain that is there. */
	add_chain(batch, "frame_unspecified");
	add_chain(batch, "frame_ip6");
	add_chain(batch, "frame_ip");
	add_chain(batch, "frame_arp");
	add_chain(batch, "frame");
	add_frame_unspecified(batch);
	add_frame_ip6(batch);
	add_frame_ip(batch);
	add_frame_arp(batch);
	add_frame(batch);
}

/* ---- A tap's own chain ------------------------------------------------------------- */

/* No chain of all taps starts with this, whatever a tap is called. */
const char *ruleset_guard_chain_name(const uint8_t *ifname, char name[RULESET_CHAIN_MAX])
{
	snprintf(name, RULESET_CHAIN_MAX, "guard_%.*s", NAME_LEN, (const char *)ifname);
	return name;
}

void ruleset_guard_chain_begin(struct nft_batch *batch, const uint8_t *ifname)
{
	char chain[RULESET_CHAIN_MAX], device[NAME_LEN + 1];
	struct nft_rule *rule;

	snprintf(device, sizeof(device), "%.*s", NAME_LEN, (const char *)ifname);
	ruleset_guard_chain_name(ifname, chain);

	/* type filter hook ingress device "tap0" priority -500; policy drop; */
	nft_add_device_chain(batch, &ruleset_guard_table, chain, device, PRIORITY_GUARD);

	/* jump frame */
	rule = new_rule(chain);
	nft_rule_jump(rule, "frame");
	nft_add_rule(batch, rule);
}

/* ether saddr MAC icmpv6 type TYPE @th,64,128 ADDRESS */
static struct nft_rule *target_rule(const char *chain, uint8_t type, const uint8_t *mac,
				    const uint8_t *address)
{
	struct nft_rule *rule = new_rule(chain);

	nft_rule_match_ethernet(rule);
	nft_rule_match_source_mac(rule, mac);
	nft_rule_match_icmp6(rule, type);
	nft_rule_match_nd_target(rule, address);
	return rule;
}

void ruleset_guard_chain_address(struct nft_batch *batch, const uint8_t *key)
{
	const uint8_t *mac = key + NAME_LEN, *address = key + NAME_LEN + MAC_LEN;
	char chain[RULESET_CHAIN_MAX];
	struct nft_rule *rule;

	ruleset_guard_chain_name(key, chain);

	/* ether saddr MAC icmpv6 type nd-neighbor-advert @th,64,128 ADDRESS
	 * iifname . ether saddr . ip6 saddr @guard6 accept */
	rule = target_rule(chain, ND_NEIGHBOR_ADVERT, mac, address);
	nft_rule_load_input_name(rule);
	nft_rule_load_source_mac(rule);
	nft_rule_load_address(rule, AF_INET6, NFT_SOURCE);
	nft_rule_lookup(rule, guard6.name, false);
	accept_frame(batch, rule);

	/* ether saddr MAC icmpv6 type nd-neighbor-solicit @th,64,128 ADDRESS accept: of
	 * these, only those from no address get here */
	accept_frame(batch, target_rule(chain, ND_NEIGHBOR_SOLICIT, mac, address));
}

void ruleset_guard_chain_end(struct nft_batch *batch, const uint8_t *ifname)
{
	char chain[RULESET_CHAIN_MAX];

	/* counter drop */
	drop_frame(batch, new_rule(ruleset_guard_chain_name(ifname, chain)));
}
