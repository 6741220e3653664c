/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option structures of programs that were built with another release of the header. */

#include "base/options.h"

#include <errno.h>
#include <string.h>

/* The first release of each has its size and its flags. No structure will ever be a page
 * long: beyond that the size is not set, and we would read what is not the caller's. */
#define SIZE_LEAST (2 * sizeof(size_t))
#define SIZE_MOST  ((size_t)4096)

/* Starting with a size_t, a structure is some multiple of it long. */
static int is_size(size_t size)
{
	return size >= SIZE_LEAST && size <= SIZE_MOST && size % sizeof(size_t) == 0;
}

int options_read(void *ret, size_t size, const void *options, const char **ret_why)
{
	const unsigned char *bytes = options;
	size_t given = 0;

	memset(ret, 0, size);
	if (options) {
		memcpy(&given, options, sizeof(given));
		if (!is_size(given)) {
			*ret_why = "the options' size is not set";
			return EINVAL;
		}
		for (size_t i = size; i < given; i++) {
			if (bytes[i]) {
				*ret_why =
					"it uses options that this release of libnestnet "
					"does not have";
				return EOPNOTSUPP;
			}
		}
		memcpy(ret, options, given < size ? given : size);
	}
	memcpy(ret, &size, sizeof(size));
	return 0;
}

const char *flags_why_not(unsigned int flags, unsigned int known)
{
	return flags & ~known ? "there is no such flag" : NULL;
}
