/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings below /proc/sys/net. They are opened by their path: there a name with dots is one
 * directory, which sysctl(8)'s own spelling cannot say.
 */

#include "kernel/sysctl.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *conf_path(int family)
{
	return family == AF_INET ? "/proc/sys/net/ipv4/conf" : "/proc/sys/net/ipv6/conf";
}

static int set_error(struct error *error, int code, int family, const char *interface,
		     const char *key)
{
	error_set_errno(error, code);
	if (code == EPERM || code == EACCES)
		error_append(error, " (CAP_NET_ADMIN is needed)");
	error_prefix(error, "net.%s.conf.%s.%s", family == AF_INET ? "ipv4" : "ipv6",
		     interface, key);
	return -code;
}

/* Below /proc/sys are no links: what is no way up or down is one directory. */
static bool is_one_directory(const char *name)
{
	return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strchr(name, '/');
}

int sysctl_open(int family, const char *interface, const char *key, bool is_for_writing,
		int *ret_fd, struct error *error)
{
	char path[128];
	int len = snprintf(path, sizeof(path), "%s/%s/%s", conf_path(family), interface,
			   key);
	int fd = -1;

	if (is_one_directory(interface) && len < (int)sizeof(path))
		fd = open(path,
			  (is_for_writing ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
	else
		errno = ENOENT;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return set_error(error, errno, family, interface, key);

	*ret_fd = fd;
	return 1;
}

int sysctl_read(int fd, int *ret, struct error *error)
{
	char text[16] = "", *end;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long value;

	if (len < 0) {
		error_set_errno(error, errno);
		return error_prefix(error, "read the setting");
	}
	value = strtol(text, &end, 10);
	if (end == text || value < INT_MIN || value > INT_MAX)
		return error_set(error, EIO, "read the setting: not a number");
	*ret = (int)value;
	return 0;
}

int sysctl_write(int fd, int value, struct error *error)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", value);

	if (pwrite(fd, text, (size_t)len, 0) != len) {
		int code = errno;

		error_set_errno(error, code);
		if (code == EPERM)
			error_append(error, " (CAP_NET_ADMIN is needed)");
		return error_prefix(error, "write the setting");
	}
	return 0;
}

int sysctl_list_interfaces(int family, sysctl_interface_fn fn, void *userdata,
			   struct error *error)
{
	_cleanup_closedir_ DIR *directory = opendir(conf_path(family));
	const struct dirent *entry;
	int r = 0;

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory) {
		error_set_errno(error, errno);
		return error_prefix(error, "list %s", conf_path(family));
	}
	while (r == 0 && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "all") == 0 ||
		    strcmp(entry->d_name, "default") == 0)
			continue;
		r = fn(userdata, entry->d_name);
	}
	return r;
}
