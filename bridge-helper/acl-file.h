/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ACL_FILE_H
#define NESTNET_ACL_FILE_H

/* Files that nobody but root can have written. */

#include <stdbool.h>
#include <stddef.h>

/** The longest path of an ACL, in bytes with the NUL; the longest file, in bytes. */
#define ACL_PATH_MAX 256
#define ACL_FILE_MAX (64 * 1024)

/**
 * Reads all of a regular file that root owns and nobody else may write, below directories
 * of which the same is true, by an absolute path without symbolic links. It never waits.
 * @param ret_text  len bytes and a NUL, to be freed; there is no NUL among the bytes
 * @return false where it is not such a file, which was said
 */
bool acl_file_read(const char *path, char **ret_text, size_t *ret_len);

#endif
