// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The first two packets of an SCTP association, by raw sockets: the kernels that tests run
 * on have no others for it.
 *
 *     sctp serve NAME PORT        answers INIT with INIT ACK, in the background
 *     sctp [-t MS] ask ADDRESS PORT
 *
 * As with peer's echo, the answer says who gave it and whom that host saw: "l2 sees
 * 10.128.0.50 40312 sctp". That text is the state cookie, which is opaque to everybody else.
 * A packet counts only where its checksum is right, on both sides, since who translates
 * addresses and ports has to make it anew.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_INIT     1
#define CHUNK_INIT_ACK 2
#define PARAM_COOKIE   7
#define COOKIE_MAX     128

// RFC 9260, sections 3.1, 3.3.2, 3.3.3: the header, the chunk, and its one parameter.
struct packet {
	uint16_t source_port, destination_port;
	uint32_t tag;
	uint32_t checksum;
	uint8_t type, flags;
	uint16_t length;
	uint32_t initiate_tag, window;
	uint16_t streams_out, streams_in;
	uint32_t first;
	uint16_t param, param_length;
	char cookie[COOKIE_MAX];
};

#define INIT_LEN     offsetof(struct packet, param)
#define CHUNK_OFFSET offsetof(struct packet, type)

static void fail(const char *what)
{
	fprintf(stderr, "sctp: %s\n", what);
	exit(EXIT_FAILURE);
}

// CRC32c, least significant bit first.
static uint32_t checksum(const struct packet *packet, size_t len)
{
	struct packet copy = *packet;
	const uint8_t *bytes = (const uint8_t *)&copy;
	uint32_t crc = ~0u;

	copy.checksum = 0;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return htole32(~crc);
}

static void fill(struct packet *packet, uint8_t type, size_t len)
{
	packet->type = type;
	packet->length = htons((uint16_t)(len - CHUNK_OFFSET));
	packet->window = htonl(65536);
	packet->streams_out = packet->streams_in = htons(1);
	if (getrandom(&packet->initiate_tag, 4, 0) != 4 || packet->initiate_tag == 0)
		packet->initiate_tag = htonl(1);
	packet->first = packet->initiate_tag;
	packet->checksum = checksum(packet, len);
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
	const int on = 1;

	if (fd < 0)
		fail("no raw socket");
	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	return fd;
}

// Whom a packet is from, and what the kernel says of whom it was for: sent along with the
// answer, it is the answer's source, on a host that has several addresses.
struct sender {
	struct sockaddr_storage from;
	socklen_t from_len;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	size_t control_len;
};

// The packet's length, or 0 where it is none, or damaged. IPv4 has its header before it.
static size_t receive(int fd, struct packet *packet, struct sender *sender)
{
	uint8_t bytes[2048];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr msg = { .msg_name = &sender->from,
			      .msg_namelen = sizeof(sender->from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = sender->control,
			      .msg_controllen = sizeof(sender->control) };
	ssize_t n = recvmsg(fd, &msg, 0);
	size_t header = 0, len;

	sender->from_len = msg.msg_namelen;
	sender->control_len = msg.msg_controllen;

	if (n <= 0)
		return 0;
	if (sender->from.ss_family == AF_INET)
		header = (size_t)(bytes[0] & 15) * 4;
	len = (size_t)n - header;
	if ((size_t)n < header + INIT_LEN || len > sizeof(*packet))
		return 0;
	memset(packet, 0, sizeof(*packet));
	memcpy(packet, bytes + header, len);
	if (packet->checksum != checksum(packet, len)) {
		fprintf(stderr, "sctp: a packet with a wrong checksum\n");
		return 0;
	}
	return len;
}

static void answer(int fd, const char *name, uint16_t port)
{
	struct packet question, packet = { .param = htons(PARAM_COOKIE) };
	struct sender sender;
	char host[INET6_ADDRSTRLEN];
	struct iovec iov = { .iov_base = &packet, .iov_len = sizeof(packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (!receive(fd, &question, &sender) || question.type != CHUNK_INIT ||
	    question.destination_port != htons(port) || question.tag != 0)
		return;
	if (getnameinfo((struct sockaddr *)&sender.from, sender.from_len, host, sizeof(host), NULL, 0,
			NI_NUMERICHOST) != 0)
		return;
	snprintf(packet.cookie, sizeof(packet.cookie), "%s sees %s %u sctp", name, host,
		 ntohs(question.source_port));
	packet.param_length = htons(4 + sizeof(packet.cookie));
	packet.source_port = question.destination_port;
	packet.destination_port = question.source_port;
	packet.tag = question.initiate_tag;
	fill(&packet, CHUNK_INIT_ACK, sizeof(packet));
	msg.msg_name = &sender.from;
	msg.msg_namelen = sender.from_len;
	msg.msg_control = sender.control;
	msg.msg_controllen = sender.control_len;
	sendmsg(fd, &msg, 0);
}

static int serve(const char *name, uint16_t port)
{
	struct pollfd fds[] = { { .fd = open_socket(AF_INET), .events = POLLIN },
				{ .fd = open_socket(AF_INET6), .events = POLLIN } };

	if (daemon(1, 0) < 0)
		fail("daemon");
	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents)
				answer(fds[i].fd, name, port);
		}
	}
	return EXIT_FAILURE;
}

static int now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)(now.tv_sec % 1000000 * 1000 + now.tv_nsec / 1000000);
}

// One INIT, and one more after each 100 ms, as the first may wait for a neighbour in vain.
static int ask(const char *address, uint16_t port, int timeout_ms)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_RAW };
	struct packet packet = { .destination_port = htons(port) }, reply;
	struct sender from;
	struct addrinfo *to;
	struct pollfd poller = { .events = POLLIN };
	int end = now_ms() + timeout_ms;

	if (getaddrinfo(address, NULL, &hints, &to) != 0)
		fail("not an address");
	poller.fd = open_socket(to->ai_family);
	if (getrandom(&packet.source_port, 2, 0) != 2)
		fail("no random number");
	packet.source_port |= htons(0x8000);
	fill(&packet, CHUNK_INIT, INIT_LEN);
	if (connect(poller.fd, to->ai_addr, to->ai_addrlen) < 0)
		fail("no route");
	freeaddrinfo(to);
	while (now_ms() < end) {
		if (send(poller.fd, &packet, INIT_LEN, 0) < 0)
			fail("cannot send");
		while (poll(&poller, 1, 100) > 0 && now_ms() < end) {
			if (receive(poller.fd, &reply, &from) && reply.type == CHUNK_INIT_ACK &&
			    reply.source_port == packet.destination_port &&
			    reply.destination_port == packet.source_port &&
			    reply.tag == packet.initiate_tag) {
				printf("%.*s\n", COOKIE_MAX, reply.cookie);
				return EXIT_SUCCESS;
			}
		}
	}
	fail("no answer in time");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int c, timeout_ms = 2000;

	while ((c = getopt(argc, argv, "+t:")) != -1) {
		if (c == 't')
			timeout_ms = atoi(optarg);
	}
	argv += optind;
	argc -= optind;
	if (argc == 3 && strcmp(argv[0], "serve") == 0)
		return serve(argv[1], (uint16_t)atoi(argv[2]));
	if (argc == 3 && strcmp(argv[0], "ask") == 0)
		return ask(argv[1], (uint16_t)atoi(argv[2]), timeout_ms);
	fprintf(stderr, "usage: sctp serve NAME PORT | sctp [-t MS] ask ADDRESS PORT\n");
	return 2;
}
