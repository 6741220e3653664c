/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the headers of a traced packet say. They are whatever somebody sent: every field is
 * held against the bytes that the kernel gave. */

#include "trace/trace.h"

#include "base/endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Where fields are: RFC 791, 8200, 9293, 768. */
#define IP_LEN     20
#define IP_TOTAL   2
#define IP_ID      4
#define IP_FLAGS   6
#define IP_PROTO   9
#define IP_SADDR   12
#define IP_DADDR   16
#define IP_DF      0x40
#define IP6_LEN    40
#define IP6_FLOW   1
#define IP6_TOTAL  4
#define IP6_NEXT   6
#define IP6_SADDR  8
#define IP6_DADDR  24
#define TCP_SEQ    4
#define TCP_FLAGS  13
#define UDP_LENGTH 4

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void read_address(const uint8_t *bytes, int family, struct nestnet_address *ret)
{
	*ret = (struct nestnet_address){ .family = family };
	memcpy(ret->bytes, bytes, family == AF_INET ? 4 : 16);
}

static void read_ipv4(const uint8_t *bytes, struct trace_header *ret)
{
	ret->family = AF_INET;
	ret->protocol = bytes[IP_PROTO];
	ret->len = get16(bytes + IP_TOTAL);
	ret->is_whole = bytes[IP_FLAGS] & IP_DF;
	read_address(bytes + IP_SADDR, AF_INET, &ret->source);
	read_address(bytes + IP_DADDR, AF_INET, &ret->destination);
	memcpy(ret->signature, bytes + IP_TOTAL, 4); /* length and id */
}

/* A header after the first is what the kernel says the transport is behind. */
static void read_ipv6(const uint8_t *bytes, struct trace_header *ret)
{
	ret->family = AF_INET6;
	ret->protocol = bytes[IP6_NEXT];
	ret->len = get16(bytes + IP6_TOTAL) + (uint32_t)IP6_LEN;
	ret->is_whole = true;
	read_address(bytes + IP6_SADDR, AF_INET6, &ret->source);
	read_address(bytes + IP6_DADDR, AF_INET6, &ret->destination);
	memcpy(ret->signature, bytes + IP6_FLOW, 3);
	memcpy(ret->signature + 3, bytes + IP6_TOTAL, 2);
}

static bool has_ports(unsigned int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_SCTP;
}

static void read_transport(const struct trace_event *event, struct trace_header *ret)
{
	const uint8_t *bytes = event->transport;
	size_t len = event->transport_len;

	if (has_ports(ret->protocol) && len >= 4) {
		ret->has_ports = true;
		ret->source_port = get16(bytes);
		ret->destination_port = get16(bytes + 2);
	}
	if (ret->protocol == IPPROTO_TCP && len > TCP_FLAGS) {
		ret->tcp_flags = bytes[TCP_FLAGS];
		memcpy(ret->signature + 6, bytes + TCP_SEQ, 8); /* and what it answers */
		ret->signature[14] = ret->tcp_flags;
	} else if (len >= 8) {
		/* An echo's number and sequence, or the length of a datagram. */
		memcpy(ret->signature + 6, bytes + UDP_LENGTH,
		       ret->protocol == IPPROTO_UDP ? 2 : 4);
	}
	ret->signature[15] = (uint8_t)ret->protocol;
}

bool trace_header_read(const struct trace_event *event, struct trace_header *ret)
{
	const uint8_t *bytes = event->network;
	size_t len = event->network_len;

	*ret = (struct trace_header){ .family = AF_UNSPEC };
	if (len >= IP_LEN && bytes[0] >> 4 == 4)
		read_ipv4(bytes, ret);
	else if (len >= IP6_LEN && bytes[0] >> 4 == 6)
		read_ipv6(bytes, ret);
	else
		return false;
	read_transport(event, ret);
	return true;
}

/* ---- In words ------------------------------------------------------------------------- */

static void format_end(const struct nestnet_address *address, bool has_port,
		       uint16_t port, char *ret, size_t size)
{
	char text[NESTNET_TEXT_MAX];
	bool is_bracketed = has_port && address->family == AF_INET6;

	nestnet_address_format(address, text);
	if (has_port)
		snprintf(ret, size, "%s%s%s:%u", is_bracketed ? "[" : "", text,
			 is_bracketed ? "]" : "", port);
	else
		snprintf(ret, size, "%s", text);
}

static void format_protocol(unsigned int protocol, char *ret, size_t size)
{
	const char *name = protocol_name(protocol);

	if (protocol == IPPROTO_ICMP)
		name = "icmp";
	else if (protocol == IPPROTO_ICMPV6)
		name = "icmpv6";
	if (name[0])
		snprintf(ret, size, "%s", name);
	else
		snprintf(ret, size, "protocol %u", protocol);
}

static void format_flags(const struct trace_header *header, char *ret, size_t size)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack" };
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (header->tcp_flags & 1u << i)
			len += (size_t)snprintf(ret + len, size - len, "%s%s",
						len ? "," : " ", names[i]);
	}
}

void trace_header_format(const struct trace_header *header, char *ret, size_t size)
{
	char source[NESTNET_TEXT_MAX + 8], destination[NESTNET_TEXT_MAX + 8], flags[32],
		protocol[24];

	format_end(&header->source, header->has_ports, header->source_port, source,
		   sizeof(source));
	format_end(&header->destination, header->has_ports, header->destination_port,
		   destination, sizeof(destination));
	format_protocol(header->protocol, protocol, sizeof(protocol));
	format_flags(header, flags, sizeof(flags));
	snprintf(ret, size, "%s > %s %s%s", source, destination, protocol, flags);
}
