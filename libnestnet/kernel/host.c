/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has, by files. /proc/net is the process's first thread's: so, thread-self. */

#include "kernel/host.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Reads the beginning of a file as text. @return its length, or a negative errno */
static ssize_t read_text(const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (got > 0 && len + 1 < size) {
		got = read(fd, ret + len, size - 1 - len);
		if (got < 0)
			return -errno;
		len += (size_t)got;
	}
	ret[len] = '\0';
	return (ssize_t)len;
}

bool host_bridge_calls(int family)
{
	char text[8];

	return read_text(family == AF_INET
				 ? "/proc/sys/net/bridge/bridge-nf-call-iptables"
				 : "/proc/sys/net/bridge/bridge-nf-call-ip6tables",
			 text, sizeof(text)) > 0 &&
	       text[0] != '0';
}

int host_legacy_tables(int family, char *ret, size_t size)
{
	ssize_t len =
		read_text(family == AF_INET ? "/proc/thread-self/net/ip_tables_names"
					    : "/proc/thread-self/net/ip6_tables_names",
			  ret, size);

	if (len < 0)
		return len == -ENOENT ? 0 : (int)len;
	for (char *at = ret; *at; at++) {
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
	}
	return len > 0;
}

/* The flags of the first processor are within this; the others have the same. */
#define CPUINFO_MAX 16384

const char *host_virtualization(void)
{
	_cleanup_free_ char *text = malloc(CPUINFO_MAX);

	if (!text || read_text("/proc/cpuinfo", text, CPUINFO_MAX) <= 0)
		return NULL;
	if (strstr(text, " vmx "))
		return "vmx";
	return strstr(text, " svm ") ? "svm" : NULL;
}

int host_try_device(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}
