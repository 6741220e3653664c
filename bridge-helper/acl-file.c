/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A path is walked from the root, one name at a time, and each directory is looked at by the
 * descriptor that the next name is then looked up in: what was checked is what is used. There
 * are no symbolic links, so that what an administrator reads in a path is all that there is
 * to be trusted; no "..", for the same reason; and what is opened is looked at before a byte
 * of it is read. Opening does not wait (a FIFO), and makes no terminal ours.
 */

#include "acl-file.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether root alone decides what is in it. */
static bool is_roots(int fd, const char *path, struct stat *ret_st)
{
	if (fstat(fd, ret_st) < 0)
		return complain_errno("%s", path);
	if (ret_st->st_uid != 0)
		return complain("%s: not owned by root", path);
	if (ret_st->st_mode & (S_IWGRP | S_IWOTH))
		return complain("%s: others than root may write it", path);
	return true;
}

/* Opens a name in a directory. @param so_far  the path up to and with the name */
static int open_next(int dir, const char *name, bool is_last, const char *so_far)
{
	int flags = O_NOFOLLOW | O_CLOEXEC;
	int fd;

	flags |= is_last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
	fd = openat(dir, name, flags);
	if (fd < 0 && errno == ELOOP)
		complain("%s: a symbolic link", so_far);
	else if (fd < 0)
		complain_errno("%s", so_far);
	return fd;
}

/* Cuts the next name off. @return NULL where there is none any more */
static char *next_name(char **rest)
{
	char *name = *rest + strspn(*rest, "/");
	size_t len = strcspn(name, "/");

	if (len == 0)
		return NULL;
	*rest = name + len;
	if (**rest)
		*(*rest)++ = '\0';
	return name;
}

static bool has_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* @param names  a copy of the path, which is taken apart
 * @return a descriptor of the file, or -1, which was said */
static int walk(const char *path, char *names)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	char so_far[ACL_PATH_MAX] = "/", *rest = names, *name;
	struct stat st;

	if (fd < 0)
		complain_errno("%s", so_far);
	while (fd >= 0 && (name = next_name(&rest))) {
		bool is_last = rest[strspn(rest, "/")] == '\0';
		size_t len = (size_t)(name - names) + strlen(name);

		next = -1;
		if (has_dots(name)) {
			complain("%s: a path has no . or .. in it", path);
		} else if (is_roots(fd, so_far, &st)) {
			memcpy(so_far, path, len);
			so_far[len] = '\0';
			next = open_next(fd, name, is_last, so_far);
		}
		close(fd);
		fd = next;
	}
	return fd;
}

static bool read_all(int fd, const char *path, char *text, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, ACL_FILE_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			return complain_errno("%s", path);
		len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && len <= ACL_FILE_MAX);
	if (len > ACL_FILE_MAX)
		return complain("%s: longer than %d bytes", path, ACL_FILE_MAX);
	text[len] = '\0';
	if (strlen(text) != len)
		return complain("%s: there is a NUL byte in it", path);
	*ret_len = len;
	return true;
}

static bool read_regular(int fd, const char *path, char **ret_text, size_t *ret_len)
{
	struct stat st;
	char *text;

	if (!is_roots(fd, path, &st))
		return false;
	if (!S_ISREG(st.st_mode))
		return complain("%s: not a regular file", path);
	text = malloc(ACL_FILE_MAX + 1);
	if (!text)
		return complain_errno("%s", path);
	if (read_all(fd, path, text, ret_len)) {
		*ret_text = text;
		return true;
	}
	free(text);
	return false;
}

bool acl_file_read(const char *path, char **ret_text, size_t *ret_len)
{
	char names[ACL_PATH_MAX];
	size_t len = strlen(path);
	bool is_read;
	int fd;

	if (len >= sizeof(names))
		return complain("a path has at most %zu bytes", sizeof(names) - 1);
	if (path[0] != '/' || path[len - 1] == '/')
		return complain("%s: not an absolute path of a file", path);
	memcpy(names, path, len + 1);
	fd = walk(path, names);
	if (fd < 0)
		return false;
	is_read = read_regular(fd, path, ret_text, ret_len);
	close(fd);
	return is_read;
}
