/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces. A socket stays in the namespace that it was opened in, so a thread
 * is elsewhere only while it opens sockets, /dev/net/tun and files below /proc/sys/net.
 */

#include "kernel/netns.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static int set_error(struct error *error, int code)
{
	error_set_errno(error, code);
	if (code == EPERM)
		error_append(error, " (CAP_SYS_ADMIN is needed)");
	return -code;
}

static int write_path(const char *name, char *path, size_t size)
{
	const char *before = "/run/netns/", *behind = "";

	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (strchr(name, '/')) {
		before = "";
	} else if (name[strspn(name, "0123456789")] == '\0') {
		before = "/proc/";
		behind = "/ns/net";
	}
	return snprintf(path, size, "%s%s%s", before, name, behind) < (int)size ? 0 : -EINVAL;
}

int netns_open(const char *name, int *ret_fd, struct error *error)
{
	char path[PATH_MAX];
	int fd;

	if (write_path(name, path, sizeof(path)) < 0)
		return error_set(error, EINVAL, "network namespace '%s': not a name", name);

	/* Not to wait for a writer, should it be a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		set_error(error, errno == EACCES ? EPERM : errno);
		return error_prefix(error, "network namespace %s", name);
	}
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return error_set(error, EINVAL, "network namespace %s: it is none", name);
	}
	*ret_fd = fd;
	return 0;
}

int netns_enter(int fd, int *ret_back, struct error *error)
{
	_cleanup_close_ int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0 || setns(fd, CLONE_NEWNET) < 0) {
		set_error(error, errno);
		return error_prefix(error, "enter the network namespace");
	}
	*ret_back = take_fd(&back);
	return 0;
}

int netns_leave(int back, struct error *error)
{
	_cleanup_close_ int fd = back;

	if (setns(fd, CLONE_NEWNET) < 0) {
		set_error(error, errno);
		return error_prefix(error, "return to the thread's own network namespace");
	}
	return 0;
}
