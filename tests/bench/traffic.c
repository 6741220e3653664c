/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets for the bench: UDP on port 7 is echoed, TCP on port 9 thrown away.
 *
 *	traffic serve			answers until it is killed
 *	traffic flows COUNT ADDRESS	COUNT new flows, each of one datagram there and back;
 *					prints what each took, in us
 *	traffic stream MS ADDRESS	writes into one TCP connection for so long; prints how
 *					long a GB would take, in us
 */

#include "numbers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_PORT    7
#define DISCARD_PORT 9
/* Longer than an answer takes on any machine; the first may wait for a neighbour. */
#define ANSWER_MS 3000

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in to_port(const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		die(address);
	}
	return to;
}

static int bound(int type, uint16_t port)
{
	struct sockaddr_in at = to_port("0.0.0.0", port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

static void echo(int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char byte;

	if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &len) == 1)
		sendto(fd, &byte, 1, 0, (struct sockaddr *)&from, len);
}

static void throw_away(int fd)
{
	static char bytes[1 << 18];
	int stream = accept(fd, NULL, NULL);

	while (stream >= 0 && read(stream, bytes, sizeof(bytes)) > 0)
		;
	close(stream);
}

static void serve(void)
{
	struct pollfd fds[] = { { .fd = bound(SOCK_DGRAM, ECHO_PORT), .events = POLLIN },
				{ .fd = bound(SOCK_STREAM, DISCARD_PORT),
				  .events = POLLIN } };

	if (listen(fds[1].fd, 16) < 0)
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[0].revents)
			echo(fds[0].fd);
		if (fds[1].revents)
			throw_away(fds[1].fd);
	}
}

static void flows(unsigned int count, const char *address)
{
	struct sockaddr_in to = to_port(address, ECHO_PORT);

	for (unsigned int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct pollfd answer = { .fd = fd, .events = POLLIN };
		char byte = 0;
		double start = now_us();

		if (sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
			die("send");
		if (poll(&answer, 1, ANSWER_MS) != 1 || recv(fd, &byte, 1, 0) != 1) {
			errno = ETIMEDOUT;
			die(address);
		}
		print_took(start);
		close(fd);
	}
}

static void stream(unsigned int milliseconds, const char *address)
{
	static char bytes[1 << 17];
	struct sockaddr_in to = to_port(address, DISCARD_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double start, written = 0;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(address);
	for (start = now_us(); now_us() < start + milliseconds * 1e3;) {
		ssize_t n = write(fd, bytes, sizeof(bytes));

		if (n < 0)
			die("write");
		written += (double)n;
	}
	printf("%.0f\n", (now_us() - start) / written * 1e9);
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int amount = argc == 4 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "serve") == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
	} else if (amount && strcmp(argv[1], "flows") == 0) {
		flows(amount, argv[3]);
	} else if (amount && strcmp(argv[1], "stream") == 0) {
		stream(amount, argv[3]);
	} else {
		fprintf(stderr, "Usage: traffic serve | flows COUNT ADDRESS | stream MS "
				"ADDRESS\n");
		return 2;
	}
	return 0;
}
