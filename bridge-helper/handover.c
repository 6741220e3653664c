/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU makes a pair of Unix stream sockets, gives us one end by its number, and receives one
 * byte with room for one descriptor (its net/tap.c). Who wants several has room for them in
 * that one message: what finds no room is closed by the kernel.
 */

#include "handover.h"

#include "complain.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static bool has_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

bool handover_check(int fd)
{
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return complain_errno("--fd=%d", fd);
	if (!S_ISSOCK(st.st_mode))
		return complain("--fd=%d: not a socket", fd);
	if (!has_option(fd, SO_DOMAIN, AF_UNIX) || !has_option(fd, SO_TYPE, SOCK_STREAM))
		return complain("--fd=%d: not a Unix stream socket", fd);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return complain_errno("--fd=%d", fd);
	return true;
}

bool handover_send(int fd, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(HANDOVER_MAX * sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent == 1 || complain_errno("send the tap by --fd=%d", fd);
}
