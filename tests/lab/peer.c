// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the hosts of the lab run: servers that say whom they see, and clients that do
 * not wait.
 *
 * A test of address translation asks two things of a packet: who answered, and which
 * source did that host see. So every answer holds both: "l2 sees 10.128.0.50 40312".
 * And most tests of a firewall expect nothing to come, so that every wait is bounded by
 * a timeout of our own choosing, and the exit status tells an answer (0) from none (1).
 *
 * A server listens before it returns and serves in the background, so that a test needs
 * neither a sleep nor a poll. It serves IPv4 and IPv6 by the same sockets.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define LINE 1024
#define SOCKETS 64 // of one server, listening and connected: far more than a test opens

static const char usage[] =
	"usage: peer [-n HOST] ...            in that network namespace (ip netns)\n"
	"       peer run COMMAND...\n"
	"       peer [-s SOURCE] serve NAME page:PORT|echo:PORT...   in the background\n"
	"       peer [-t MS] [-s SOURCE] tcp|udp|http ADDRESS PORT [TEXT]\n"
	"       peer [-t MS] [-s SOURCE] stream tcp|udp ADDRESS PORT  \"MS TEXT\" in, a line out\n"
	"       peer generation              of this namespace's nftables ruleset\n";

/* What arrives does so at once; but a first segment that met a cable whose carrier the kernel
 * has not noticed yet is sent again after one, three and seven seconds. */
static int timeout_ms = 10000;
static const char *source;

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "peer: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_FAILURE);
}

static const char *why(int error)
{
	// What a socket says when SO_RCVTIMEO or SO_SNDTIMEO ran out.
	if (error == EAGAIN || error == EINPROGRESS)
		return "no answer in time";

	return strerror(error);
}

static struct addrinfo *resolve(const char *address, const char *port, int type, int flags)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = type,
		.ai_flags = flags | AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *found;
	int r;

	r = getaddrinfo(address, port, &hints, &found);
	if (r != 0)
		die("%s %s: %s", address, port, gai_strerror(r));

	return found;
}

/* The numeric address and port of a socket address, an IPv4 one in IPv4's spelling. */
static void name_of(const struct sockaddr_storage *from, socklen_t len, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN + 16] = "?", port[8] = "?";
	const char *plain = host;

	getnameinfo((const struct sockaddr *) from, len, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	if (strncmp(host, "::ffff:", 7) == 0)
		plain = host + 7;

	snprintf(ret, size, "%s %s", plain, port);
}

/* Servers */

enum kind {
	KIND_LISTEN_PAGE,
	KIND_LISTEN_ECHO,
	KIND_UDP_ECHO,
	KIND_PAGE,
	KIND_ECHO,
};

struct server {
	const char *name;
	struct pollfd fds[SOCKETS];
	enum kind kinds[SOCKETS];
	nfds_t n;
};

static void server_add(struct server *s, int fd, enum kind kind)
{
	if (s->n == SOCKETS) {
		close(fd);
		return;
	}
	s->fds[s->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	s->kinds[s->n] = kind;
	s->n++;
}

static void server_listen(struct server *s, const char *port, int type, enum kind kind)
{
	struct addrinfo *to = resolve(source ? source : "::", port, type, AI_PASSIVE);
	const int on = 1, off = 0;
	int fd;

	fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT) {
		// The kernel of the real guest has no IPv6.
		freeaddrinfo(to);
		to = resolve("0.0.0.0", port, type, AI_PASSIVE);
		fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (to->ai_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	if (bind(fd, to->ai_addr, to->ai_addrlen) < 0 ||
	    (type == SOCK_STREAM && listen(fd, SOCKETS) < 0))
		die("listen on port %s: %s", port, strerror(errno));

	freeaddrinfo(to);
	server_add(s, fd, kind);
}

static void serve_accept(struct server *s, nfds_t i)
{
	int fd = accept4(s->fds[i].fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		server_add(s, fd, s->kinds[i] == KIND_LISTEN_PAGE ? KIND_PAGE : KIND_ECHO);
}

/*
 * Answers from the address that was asked, on a host that has several: what the kernel says
 * of an incoming packet's destination is, sent along, the source of the answer.
 */
static void serve_udp(struct server *s, int fd)
{
	struct sockaddr_storage from;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	char text[LINE], who[64], answer[2 * LINE];
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	n = recvmsg(fd, &msg, 0);
	if (n < 0)
		return;
	text[n] = '\0';
	name_of(&from, msg.msg_namelen, who, sizeof(who));
	snprintf(answer, sizeof(answer), "%s sees %s udp %s", s->name, who, text);
	iov = (struct iovec){ .iov_base = answer, .iov_len = strlen(answer) };
	sendmsg(fd, &msg, 0);
}

/* False when the connection is over. */
static bool serve_tcp(struct server *s, int fd, enum kind kind)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char text[LINE], who[64], answer[2 * LINE], page[LINE];
	int mss = 0;
	ssize_t n;

	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	text[n] = '\0';
	if (getpeername(fd, (struct sockaddr *) &from, &len) < 0)
		return false;
	name_of(&from, len, who, sizeof(who));
	getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &(socklen_t){ sizeof(mss) });

	if (kind == KIND_PAGE) {
		snprintf(page, sizeof(page), "guest page of %s, for %s\n", s->name, who);
		snprintf(answer, sizeof(answer),
			 "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 strlen(page), page);
	} else {
		snprintf(answer, sizeof(answer), "%s sees %s tcp mss %d %s", s->name, who,
			 mss, text);
	}
	n = send(fd, answer, strlen(answer), MSG_NOSIGNAL);

	return n > 0 && kind == KIND_ECHO;
}

static void server_run(struct server *s)
{
	while (poll(s->fds, s->n, -1) > 0) {
		// Downwards, as the last one takes the place of one that is over.
		for (nfds_t i = s->n; i-- > 0;) {
			if (s->fds[i].revents == 0)
				continue;
			switch (s->kinds[i]) {
			case KIND_LISTEN_PAGE:
			case KIND_LISTEN_ECHO:
				serve_accept(s, i);
				break;
			case KIND_UDP_ECHO:
				serve_udp(s, s->fds[i].fd);
				break;
			case KIND_PAGE:
			case KIND_ECHO:
				if (serve_tcp(s, s->fds[i].fd, s->kinds[i]))
					break;
				close(s->fds[i].fd);
				s->n--;
				s->fds[i] = s->fds[s->n];
				s->kinds[i] = s->kinds[s->n];
				break;
			}
		}
	}
}

static int cmd_serve(int argc, char **argv)
{
	static struct server s;

	s.name = argv[0];
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "page:", 5) == 0) {
			server_listen(&s, argv[i] + 5, SOCK_STREAM, KIND_LISTEN_PAGE);
		} else if (strncmp(argv[i], "echo:", 5) == 0) {
			server_listen(&s, argv[i] + 5, SOCK_STREAM, KIND_LISTEN_ECHO);
			server_listen(&s, argv[i] + 5, SOCK_DGRAM, KIND_UDP_ECHO);
		} else {
			die("serve %s: neither page:PORT nor echo:PORT", argv[i]);
		}
	}
	// The parent returns: from here on connections are taken.
	if (daemon(1, 0) < 0)
		die("daemon: %s", strerror(errno));
	server_run(&s);

	return EXIT_FAILURE;
}

/* Clients */

static void set_patience(int fd, int ms)
{
	const struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int connect_to(const char *address, const char *port, int type)
{
	struct addrinfo *to = resolve(address, port, type, 0);
	int fd;

	fd = socket(to->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	set_patience(fd, timeout_ms);
	if (source) {
		struct addrinfo *from = resolve(source, "0", type, 0);

		if (bind(fd, from->ai_addr, from->ai_addrlen) < 0)
			die("bind to %s: %s", source, strerror(errno));
		freeaddrinfo(from);
	}
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		die("connect to %s %s: %s", address, port, why(errno));

	freeaddrinfo(to);
	return fd;
}

static int type_of(const char *protocol)
{
	if (strcmp(protocol, "tcp") == 0)
		return SOCK_STREAM;
	if (strcmp(protocol, "udp") == 0)
		return SOCK_DGRAM;

	die("%s: neither tcp nor udp", protocol);
}

/* Sends TEXT and prints what comes back, one line. */
static int ask(int fd, const char *text)
{
	char answer[2 * LINE];
	ssize_t n;

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		fprintf(stderr, "peer: broken: %s\n", why(errno));
		return EXIT_FAILURE;
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0) {
		fprintf(stderr, "peer: broken: %s\n", n < 0 ? why(errno) : "closed");
		return EXIT_FAILURE;
	}
	printf("%.*s\n", (int) n, answer);
	fflush(stdout);

	return EXIT_SUCCESS;
}

static int cmd_ask(int argc, char **argv)
{
	return ask(connect_to(argv[1], argv[2], type_of(argv[0])), argc > 3 ? argv[3] : "hello");
}

/* One flow for as long as there are lines: a test sees whether it outlives a change. Before its
 * text, each line has how long its answer may take, in milliseconds. */
static int cmd_stream(int argc, char **argv)
{
	int type = type_of(argv[0]);
	int fd = connect_to(argv[1], argv[2], type);
	char line[LINE], *text;

	(void) argc;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		set_patience(fd, (int) strtol(line, &text, 10));
		// A UDP flow lives on after a line that was lost.
		if (ask(fd, text + 1) != EXIT_SUCCESS && type == SOCK_STREAM)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* The body of the page, as it is. */
static int cmd_http(int argc, char **argv)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char text[8 * LINE], *body;
	size_t len = 0;
	ssize_t n;
	int fd;

	(void) argc;
	fd = connect_to(argv[1], argv[2], SOCK_STREAM);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		die("http %s %s: %s", argv[1], argv[2], why(errno));
	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t) n;
	if (n < 0)
		die("http %s %s: %s", argv[1], argv[2], why(errno));
	text[len] = '\0';
	body = strstr(text, "\r\n\r\n");
	if (!body)
		die("http %s %s: no page in the answer", argv[1], argv[2]);
	fputs(body + 4, stdout);

	return EXIT_SUCCESS;
}

/*
 * The generation id of the ruleset: the kernel counts it up at every commit that changed
 * something, so that two equal numbers prove that nothing was written in between.
 */
static int cmd_generation(int argc, char **argv)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg family;
		struct nlattr attr;
		uint32_t id;
		char rest[256];
	} msg = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
			.nlmsg_flags = NLM_F_REQUEST,
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	(void) argc;
	(void) argv;
	if (fd < 0 || send(fd, &msg, msg.header.nlmsg_len, 0) < 0 ||
	    recv(fd, &msg, sizeof(msg), 0) < 0)
		die("nftables generation: %s", strerror(errno));
	// NFTA_GEN_ID is the first attribute of the reply.
	if (msg.header.nlmsg_type == NLMSG_ERROR || msg.attr.nla_type != NFTA_GEN_ID)
		die("nftables generation: not in the kernel's answer");
	printf("%u\n", ntohl(msg.id));

	return EXIT_SUCCESS;
}

static int cmd_run(int argc, char **argv)
{
	(void) argc;
	execvp(argv[0], argv);
	die("%s: %s", argv[0], strerror(errno));
}

/*
 * What `ip netns exec` does, but for its /sys, which is a mount namespace and two mounts each
 * time: more than most of what a test runs takes by itself.
 */
static void enter(const char *host)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", host);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static const struct {
	const char *name;
	int min_args;
	int (*run)(int argc, char **argv);
	bool takes_name; // the handler sees the command's own name as argv[0]
} commands[] = {
	{ "serve", 2, cmd_serve, false },
	{ "tcp", 2, cmd_ask, true },
	{ "udp", 2, cmd_ask, true },
	{ "http", 2, cmd_http, true },
	{ "stream", 3, cmd_stream, false },
	{ "generation", 0, cmd_generation, false },
	{ "run", 1, cmd_run, false },
};

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+n:t:s:")) != -1) {
		if (c == 'n')
			enter(optarg);
		else if (c == 't')
			timeout_ms = atoi(optarg);
		else if (c == 's')
			source = optarg;
		else
			goto usage;
	}
	argc -= optind;
	argv += optind;
	for (size_t i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		int skip = commands[i].takes_name ? 0 : 1;

		if (strcmp(argv[0], commands[i].name) == 0 && argc - 1 >= commands[i].min_args)
			return commands[i].run(argc - skip, argv + skip);
	}
usage:
	fputs(usage, stderr);
	return EXIT_USAGE;
}
