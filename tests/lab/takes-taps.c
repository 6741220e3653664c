/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * takes-taps [-s KIND] [-0] [-p] N HELPER [ARGUMENT...] [-- COMMAND...]
 *
 * Does with a bridge helper what QEMU does: gives it a socket as descriptor 9, waits for its
 * end, and receives up to N descriptors. Prints "STATUS NUMBER", the helper's exit status
 * (128 and the signal where it was killed) and how many it got; or becomes COMMAND, which has
 * them from 20 on. -0 runs the helper with no argument at all, not even its name.
 *
 * KIND is what the helper gets for a socket: stream (the usual), dgram, seqpacket, alone (no
 * peer), listening, full (nothing can be sent), left (the peer is gone), shut (for writing),
 * inet, or none.
 */

#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_FD 9
#define FIRST_FD  20
#define FDS_MAX   253 /* SCM_MAX_FD */

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static int make_pair(int type, int ret[2])
{
	return socketpair(AF_UNIX, type, 0, ret);
}

static void fill(int fd)
{
	static const char block[4096];

	while (send(fd, block, sizeof(block), MSG_DONTWAIT) > 0 ||
	       send(fd, block, 1, MSG_DONTWAIT) > 0)
		;
}

static void make_alone(int ret[2], int family)
{
	ret[0] = open("/dev/null", O_RDWR);
	ret[1] = socket(family, SOCK_STREAM, 0);
}

static void make_listening(int ret[2])
{
	const struct sockaddr_un any = { .sun_family = AF_UNIX };

	make_alone(ret, AF_UNIX);
	if (bind(ret[1], (const struct sockaddr *)&any, sizeof(any.sun_family)) < 0 ||
	    listen(ret[1], 1) < 0)
		die("listen");
}

/* ret[0] is ours, ret[1] the helper's. */
static void make_sockets(const char *kind, int ret[2])
{
	int type = SOCK_STREAM;

	if (strcmp(kind, "dgram") == 0)
		type = SOCK_DGRAM;
	if (strcmp(kind, "seqpacket") == 0)
		type = SOCK_SEQPACKET;
	if (strcmp(kind, "alone") == 0)
		make_alone(ret, AF_UNIX);
	else if (strcmp(kind, "inet") == 0)
		make_alone(ret, AF_INET);
	else if (strcmp(kind, "listening") == 0)
		make_listening(ret);
	else if (make_pair(type, ret) < 0)
		die("socketpair");
	if (ret[0] < 0 || ret[1] < 0)
		die(kind);
	if (strcmp(kind, "full") == 0)
		fill(ret[1]);
	if (strcmp(kind, "shut") == 0)
		shutdown(ret[1], SHUT_WR);
	if (strcmp(kind, "left") == 0)
		close(ret[0]);
}

/* @return the exit status */
static int run(const char *kind, const int sockets[2], char *helper, char **arguments)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (sockets[0] != SOCKET_FD)
			close(sockets[0]);
		if (strcmp(kind, "none") == 0)
			close(SOCKET_FD);
		else if (dup2(sockets[1], SOCKET_FD) < 0)
			die("dup2");
		if (sockets[1] != SOCKET_FD)
			close(sockets[1]);
		execvp(helper, arguments);
		die(helper);
	}
	close(sockets[1]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* @return how many descriptors came, which are in fds */
static size_t take(int fd, size_t n, int *fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	char byte[2];
	struct iovec data = { .iov_base = byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *header;
	size_t got;

	if (recvmsg(fd, &message, MSG_DONTWAIT) != 1)
		return 0;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_RIGHTS)
		return 0;
	got = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), got * sizeof(int));
	return got;
}

static void keep(int fd)
{
	if (ioctl(fd, TUNSETPERSIST, 1) < 0 || ioctl(fd, TUNSETOWNER, 2) < 0)
		die("keep");
}

static void become(char **command, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (dup2(fds[i], FIRST_FD + (int)i) < 0)
			die("dup2");
	}
	execvp(command[0], command);
	die(command[0]);
}

/* Cuts the command off. @return it, or NULL */
static char **find_command(char **arguments)
{
	for (; *arguments; arguments++) {
		if (strcmp(*arguments, "--") == 0) {
			*arguments = NULL;
			return arguments + 1;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char *nothing[] = { NULL }, **arguments, **command;
	int option, sockets[2], fds[FDS_MAX], status;
	int has_no_arguments = 0, is_kept = 0;
	const char *kind = "stream";
	size_t n, got;

	while ((option = getopt(argc, argv, "+s:0p")) != -1) {
		if (option == 's')
			kind = optarg;
		else if (option == '0')
			has_no_arguments = 1;
		else
			is_kept = 1;
	}
	if (argc - optind < 2)
		return 125;
	n = strtoul(argv[optind], NULL, 10);
	arguments = argv + optind + 1;
	command = find_command(arguments);
	make_sockets(kind, sockets);
	status = run(kind, sockets, arguments[0], has_no_arguments ? nothing : arguments);
	got = n > 0 && n <= FDS_MAX ? take(sockets[0], n, fds) : 0;
	if (is_kept && got > 0)
		keep(fds[0]);
	if (command && status == 0 && got == n)
		become(command, fds, n);
	printf("%d %zu\n", status, got);
	return command != NULL;
}
