/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gratuitous ARP (RFC 5227) and unsolicited neighbour advertisements (RFC 4861, 7.2.6). */

#include "kernel/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <string.h>
#include <sys/socket.h>

/* Neighbour Discovery takes only what no router has passed on. */
#define ND_HOP_LIMIT 255

/* The neighbour advertisement's type, and its option with our Ethernet address. */
#define ND_ADVERTISEMENT 136
#define ND_TARGET_LLADDR 2

struct arp_frame {
	struct ethhdr ethernet;
	struct arphdr arp;
	uint8_t sender_mac[ETH_ALEN];
	uint8_t sender[4];
	uint8_t target_mac[ETH_ALEN];
	uint8_t target[4];
} __attribute__((packed));

struct advertisement {
	struct icmp6hdr icmp;
	uint8_t target[16];
	uint8_t option, option_units; /* of 8 bytes */
	uint8_t mac[ETH_ALEN];
} __attribute__((packed));

struct nd_frame {
	struct ethhdr ethernet;
	struct ipv6hdr ip;
	struct advertisement nd;
} __attribute__((packed));

int announce_open(void)
{
	/* Of no protocol: it only sends. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int send_frame(int fd, uint32_t ifindex, const void *frame, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = ETH_ALEN };

	memcpy(to.sll_addr, frame, ETH_ALEN);
	if (sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static int announce_ipv4(int fd, uint32_t ifindex, const uint8_t *mac, const uint8_t *address)
{
	struct arp_frame frame = {
		.ethernet = { .h_proto = htons(ETH_P_ARP) },
		.arp = { .ar_hrd = htons(ARPHRD_ETHER),
			 .ar_pro = htons(ETH_P_IP),
			 .ar_hln = ETH_ALEN,
			 .ar_pln = sizeof(frame.sender),
			 .ar_op = htons(ARPOP_REQUEST) },
	};

	memset(frame.ethernet.h_dest, 0xff, ETH_ALEN);
	memcpy(frame.ethernet.h_source, mac, ETH_ALEN);
	memcpy(frame.sender_mac, mac, ETH_ALEN);
	memcpy(frame.sender, address, sizeof(frame.sender));
	memcpy(frame.target, address, sizeof(frame.target));
	return send_frame(fd, ifindex, &frame, sizeof(frame));
}

/* The Internet checksum over words in network order. */
static uint32_t add_words(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t checksum(const struct nd_frame *frame)
{
	uint32_t sum = sizeof(frame->nd) + IPPROTO_ICMPV6;

	sum = add_words(sum, &frame->ip.saddr, sizeof(frame->ip.saddr));
	sum = add_words(sum, &frame->ip.daddr, sizeof(frame->ip.daddr));
	sum = add_words(sum, &frame->nd, sizeof(frame->nd));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int announce_ipv6(int fd, uint32_t ifindex, const uint8_t *mac, const uint8_t *address,
			 bool is_router)
{
	/* ff02::1, all nodes of the link, and its Ethernet address. */
	static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };
	static const uint8_t all_nodes_mac[ETH_ALEN] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct nd_frame frame = {
		.ethernet = { .h_proto = htons(ETH_P_IPV6) },
		.ip = { .version = 6,
			.payload_len = htons(sizeof(frame.nd)),
			.nexthdr = IPPROTO_ICMPV6,
			.hop_limit = ND_HOP_LIMIT },
		.nd = { .icmp = { .icmp6_type = ND_ADVERTISEMENT },
			.option = ND_TARGET_LLADDR,
			.option_units = 1 },
	};

	memcpy(frame.ethernet.h_dest, all_nodes_mac, ETH_ALEN);
	memcpy(frame.ethernet.h_source, mac, ETH_ALEN);
	memcpy(&frame.ip.saddr, address, sizeof(frame.ip.saddr));
	memcpy(&frame.ip.daddr, all_nodes, sizeof(all_nodes));
	frame.nd.icmp.icmp6_override = 1;
	frame.nd.icmp.icmp6_router = is_router;
	memcpy(frame.nd.target, address, sizeof(frame.nd.target));
	memcpy(frame.nd.mac, mac, ETH_ALEN);
	frame.nd.icmp.icmp6_cksum = checksum(&frame);
	return send_frame(fd, ifindex, &frame, sizeof(frame));
}

int announce_address(int fd, uint32_t ifindex, const uint8_t *mac,
		     const struct nestnet_address *address, bool is_router)
{
	return address->family == AF_INET
		       ? announce_ipv4(fd, ifindex, mac, address->bytes)
		       : announce_ipv6(fd, ifindex, mac, address->bytes, is_router);
}
