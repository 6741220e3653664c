// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guest that forges: it sends the frames that it is told through a tap, as a virtual
 * machine's network card would, and says which of them came out behind the tap.
 *
 *     tapguest TAP LISTEN MARKER <LINES
 *
 * A line is "heard FRAME" or "silent FRAME", and blank lines and those with a # at their
 * head are skipped. Every frame carries a cookie. It was heard if an interface LISTEN
 * (the tap's bridge) gets it before it gets the MARKER, a frame that is known to pass and
 * is sent behind it: so silence needs no timeout. Each line that is wrong is told, and then
 * the exit status is 1.
 *
 * A FRAME is words, of which each puts its bytes behind those before:
 *
 *     from MAC               the source; it goes to everybody
 *     tag TYPE               a tag, 0x8100 say
 *     type TYPE              another Ethernet type
 *     arp OPERATION MAC ADDRESS TARGET          the sender's MAC and address
 *     arphead HTYPE PTYPE HLEN PLEN             an ARP header alone, and zeros
 *     ip SOURCE DESTINATION  then udp or frag
 *     ip6 SOURCE DESTINATION then hop, route, opts, frag, udp, icmp, rest
 *     hop, opts, route       an extension header
 *     frag OFFSET            a fragment's header, with more to come, IPv6's or IPv4's
 *     udp SPORT DPORT
 *     icmp TYPE [TARGET]     ICMPv6, with a target address as ND has it
 *     rest PROTOCOL          what is no first fragment of PROTOCOL: bytes
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX  512
#define WORDS_MAX  40
#define COOKIE_LEN 8

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "tapguest: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

/* Frames */

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t len;
	size_t network;   // where the IP header is
	size_t next;      // of the byte that names what comes next, in IPv6
	size_t transport; // 0: none with a checksum
	bool is_ipv6;
};

// The words of a frame that are still to be read.
struct words {
	char *list[WORDS_MAX];
	size_t n, at;
};

static const char *take_word(struct words *words)
{
	if (words->at == words->n)
		die("a word is missing at the end of the frame");

	return words->list[words->at++];
}

static void put(struct frame *frame, const void *bytes, size_t len)
{
	if (frame->len + len > FRAME_MAX)
		die("the frame is too long");
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

static void put8(struct frame *frame, unsigned long value)
{
	uint8_t byte = (uint8_t) value;

	put(frame, &byte, 1);
}

static void put16(struct frame *frame, unsigned long value)
{
	put8(frame, value >> 8);
	put8(frame, value & 0xff);
}

static void put_zeros(struct frame *frame, size_t len)
{
	while (len-- > 0)
		put8(frame, 0);
}

static unsigned long take_number(struct words *words)
{
	const char *word = take_word(words);
	char *end;
	unsigned long value = strtoul(word, &end, 0);

	if (*word == '\0' || *end != '\0')
		die("%s: not a number", word);

	return value;
}

static void put_mac(struct frame *frame, const char *word)
{
	uint8_t mac[6];

	if (sscanf(word, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
		   &mac[3], &mac[4], &mac[5]) != 6)
		die("%s: not a MAC address", word);
	put(frame, mac, sizeof(mac));
}

static void put_address(struct frame *frame, const char *word, int family)
{
	uint8_t address[16];

	if (inet_pton(family, word, address) != 1)
		die("%s: not an address of the family", word);
	put(frame, address, family == AF_INET ? 4 : 16);
}

// Says in the header before what comes now.
static void put_next(struct frame *frame, uint8_t protocol)
{
	if (frame->next == 0)
		die("no IP header before it");
	frame->bytes[frame->next] = protocol;
}

static void put_ip(struct frame *frame, struct words *words)
{
	put16(frame, ETH_P_IP);
	frame->network = frame->len;
	put8(frame, 0x45);
	put_zeros(frame, 7);
	put8(frame, 64);
	frame->next = frame->len;
	put_zeros(frame, 3);
	put_address(frame, take_word(words), AF_INET);
	put_address(frame, take_word(words), AF_INET);
}

static void put_ip6(struct frame *frame, struct words *words)
{
	put16(frame, ETH_P_IPV6);
	frame->is_ipv6 = true;
	frame->network = frame->len;
	put8(frame, 0x60);
	put_zeros(frame, 5);
	frame->next = frame->len;
	put8(frame, 0);
	put8(frame, 255);
	put_address(frame, take_word(words), AF_INET6);
	put_address(frame, take_word(words), AF_INET6);
}

// Eight bytes: options are a PadN, a routing header is one with no segments left.
static void put_extension(struct frame *frame, uint8_t protocol)
{
	put_next(frame, protocol);
	frame->next = frame->len;
	put16(frame, 0);
	if (protocol == IPPROTO_ROUTING)
		put_zeros(frame, 6);
	else
		put(frame, "\1\4\0\0\0\0", 6);
}

static void put_fragment(struct frame *frame, struct words *words)
{
	unsigned long offset = take_number(words);

	if (!frame->is_ipv6) {
		frame->bytes[frame->network + 6] = (uint8_t) (0x20 | offset >> 11);
		frame->bytes[frame->network + 7] = (uint8_t) (offset >> 3);
		return;
	}
	put_next(frame, IPPROTO_FRAGMENT);
	frame->next = frame->len;
	put16(frame, 0);
	put16(frame, offset | 1);
	put(frame, "nest", 4);
}

static void put_udp(struct frame *frame, struct words *words)
{
	put_next(frame, IPPROTO_UDP);
	frame->transport = frame->len;
	put16(frame, take_number(words));
	put16(frame, take_number(words));
	put16(frame, 8 + COOKIE_LEN);
	put16(frame, 0);
}

static void put_icmp(struct frame *frame, struct words *words)
{
	put_next(frame, IPPROTO_ICMPV6);
	frame->transport = frame->len;
	put8(frame, take_number(words));
	put_zeros(frame, 7);
	if (words->at < words->n)
		put_address(frame, take_word(words), AF_INET6);
}

static void put_arp(struct frame *frame, struct words *words)
{
	put16(frame, ETH_P_ARP);
	put(frame, "\0\1\x08\0\6\4", 6);
	put16(frame, take_number(words));
	put_mac(frame, take_word(words));
	put_address(frame, take_word(words), AF_INET);
	put_zeros(frame, 6);
	put_address(frame, take_word(words), AF_INET);
}

static void put_arp_head(struct frame *frame, struct words *words)
{
	put16(frame, ETH_P_ARP);
	put16(frame, take_number(words));
	put16(frame, take_number(words));
	put8(frame, take_number(words));
	put8(frame, take_number(words));
	put16(frame, 1);
	put_zeros(frame, 40);
}

static void put_piece(struct frame *frame, const char *word, struct words *words)
{
	if (strcmp(word, "from") == 0) {
		put(frame, "\xff\xff\xff\xff\xff\xff", 6);
		put_mac(frame, take_word(words));
	} else if (strcmp(word, "tag") == 0) {
		put16(frame, take_number(words));
		put16(frame, 5);
	} else if (strcmp(word, "type") == 0) {
		put16(frame, take_number(words));
		put_zeros(frame, 46);
	} else if (strcmp(word, "arp") == 0) {
		put_arp(frame, words);
	} else if (strcmp(word, "arphead") == 0) {
		put_arp_head(frame, words);
	} else if (strcmp(word, "ip") == 0) {
		put_ip(frame, words);
	} else if (strcmp(word, "ip6") == 0) {
		put_ip6(frame, words);
	} else if (strcmp(word, "hop") == 0) {
		put_extension(frame, IPPROTO_HOPOPTS);
	} else if (strcmp(word, "opts") == 0) {
		put_extension(frame, IPPROTO_DSTOPTS);
	} else if (strcmp(word, "route") == 0) {
		put_extension(frame, IPPROTO_ROUTING);
	} else if (strcmp(word, "frag") == 0) {
		put_fragment(frame, words);
	} else if (strcmp(word, "udp") == 0) {
		put_udp(frame, words);
	} else if (strcmp(word, "icmp") == 0) {
		put_icmp(frame, words);
	} else if (strcmp(word, "rest") == 0) {
		put_next(frame, (uint8_t) take_number(words));
	} else {
		die("%s: no such piece of a frame", word);
	}
}

static uint32_t sum(const uint8_t *bytes, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i++)
		start += (uint32_t) bytes[i] << (i % 2 ? 0 : 8);

	return start;
}

static void put_checksum(uint8_t *at, uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	value = ~value & 0xffff;
	at[0] = (uint8_t) (value >> 8);
	at[1] = (uint8_t) value;
}

static void finish_ip(struct frame *frame)
{
	uint8_t *ip = frame->bytes + frame->network;
	size_t len = frame->len - frame->network;

	ip[2] = (uint8_t) (len >> 8);
	ip[3] = (uint8_t) len;
	put_checksum(ip + 10, sum(ip, 20, 0));
}

// A bridge that snoops drops reports with a wrong checksum: so all have a right one.
static void finish_ip6(struct frame *frame)
{
	uint8_t *ip = frame->bytes + frame->network;
	size_t len = frame->len - frame->network - 40;
	size_t transport_len = frame->len - frame->transport;
	uint8_t protocol = frame->bytes[frame->next];

	ip[4] = (uint8_t) (len >> 8);
	ip[5] = (uint8_t) len;
	if (frame->transport == 0)
		return;
	put_checksum(frame->bytes + frame->transport + (protocol == IPPROTO_UDP ? 6 : 2),
		     sum(frame->bytes + frame->transport, transport_len,
			 sum(ip + 8, 32, (uint32_t) transport_len + protocol)));
}

/*
 * The cookie has the shape of an option of neighbour discovery, which it is in place of
 * in such a message.
 */
static void make_frame(char *text, uint32_t number, struct frame *ret)
{
	const uint8_t cookie[COOKIE_LEN] = {
		253,
		1,
		'n',
		'n',
		(uint8_t) (number >> 24),
		(uint8_t) (number >> 16),
		(uint8_t) (number >> 8),
		(uint8_t) number,
	};
	struct words words = { .n = 0 };
	char *save = NULL;

	memset(ret, 0, sizeof(*ret));
	for (char *word = strtok_r(text, " \t\n", &save); word && words.n < WORDS_MAX;
	     word = strtok_r(NULL, " \t\n", &save))
		words.list[words.n++] = word;
	while (words.at < words.n)
		put_piece(ret, take_word(&words), &words);
	put(ret, cookie, sizeof(cookie));
	if (ret->network && ret->is_ipv6)
		finish_ip6(ret);
	else if (ret->network)
		finish_ip(ret);
}

/* Sending and listening */

struct guest {
	int tap, listener;
	const char *marker;
	uint32_t number;
};

static int open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die("/dev/net/tun: %s", strerror(errno));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		die("tap %s: %s", name, strerror(errno));

	return fd;
}

static int open_listener(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int) if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	if (fd < 0)
		die("packet socket: %s", strerror(errno));
	if (address.sll_ifindex == 0 ||
	    bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		die("listen on %s: %s", name, strerror(errno));

	return fd;
}

static uint32_t send_frame(struct guest *guest, const char *text)
{
	char *copy = strdup(text);
	struct frame frame;

	if (!copy)
		die("no memory");
	make_frame(copy, ++guest->number, &frame);
	free(copy);
	if (write(guest->tap, frame.bytes, frame.len) < 0)
		die("send \"%s\": %s", text, strerror(errno));

	return guest->number;
}

// The number of the next frame of ours that comes out; 0: none within the time.
static uint32_t hear(const struct guest *guest, int timeout_ms)
{
	struct pollfd listener = { .fd = guest->listener, .events = POLLIN };

	while (poll(&listener, 1, timeout_ms) > 0) {
		uint8_t bytes[2 * FRAME_MAX], *found;
		ssize_t len = recv(guest->listener, bytes, sizeof(bytes), 0);

		if (len <= 0)
			continue;
		found = memmem(bytes, (size_t) len, "\xfd\1nn", 4);
		if (found && found + COOKIE_LEN <= bytes + len)
			return (uint32_t) found[4] << 24 | (uint32_t) found[5] << 16 |
			       (uint32_t) found[6] << 8 | found[7];
	}
	return 0;
}

// A bridge lets a port forward some time after it has a carrier.
static void wait_for_path(struct guest *guest)
{
	for (int i = 0; i < 500; i++) {
		send_frame(guest, guest->marker);
		if (hear(guest, 20) != 0)
			return;
	}
	die("after 10 s \"%s\" still does not come out", guest->marker);
}

static bool is_heard(struct guest *guest, const char *text)
{
	uint32_t number = send_frame(guest, text), marker = send_frame(guest, guest->marker);
	bool is_heard = false;
	uint32_t heard;

	while ((heard = hear(guest, 2000)) != marker) {
		if (heard == 0)
			die("the marker behind \"%s\" does not come out", text);
		is_heard = is_heard || heard == number;
	}
	return is_heard;
}

int main(int argc, char **argv)
{
	struct guest guest = { .tap = -1 };
	size_t n = 0, n_wrong = 0;
	char line[1024];

	if (argc != 4)
		die("usage: tapguest TAP LISTEN MARKER <LINES");
	guest.listener = open_listener(argv[2]);
	guest.tap = open_tap(argv[1]);
	guest.marker = argv[3];
	wait_for_path(&guest);

	while (fgets(line, sizeof(line), stdin)) {
		char want[8];
		int at;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%7s %n", want, &at) != 1 || want[0] == '#')
			continue;
		if (strcmp(want, "heard") != 0 && strcmp(want, "silent") != 0)
			die("\"%s\": neither heard nor silent", line);
		n++;
		if (is_heard(&guest, line + at) != (want[0] == 'h')) {
			printf("wrong: %s\n", line);
			n_wrong++;
		}
	}
	printf("%zu frames, %zu wrong\n", n, n_wrong);

	return n == 0 || n_wrong > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
