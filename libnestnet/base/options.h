/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_OPTIONS_H
#define NESTNET_BASE_OPTIONS_H

#include <stddef.h>

/*
 * Option structures of programs that were built with another release of the header.
 *
 * Each starts with its size as the program knows it, and grows at its tail alone. What an
 * older program does not have is zero, which means "as before". What a newer one has beyond
 * ours is refused, unless it is zero: the program did not use it.
 *
 * A member that is added must not lie in what was padding at the tail, as nobody has
 * cleared that: the structures have none, and tests/unit/test-options.c holds them to it.
 */

/**
 * Copies the caller's options into ours, whose size member then says ours.
 * @param ret      a structure that starts with its size_t size
 * @param size     bytes of *ret
 * @param options  the caller's; NULL: all zero
 * @param ret_why  on failure, a static phrase that says what is wrong
 * @return 0, EINVAL (such a size no release has), EOPNOTSUPP (a later release's options
 *         are used)
 */
int options_read(void *ret, size_t size, const void *options, const char **ret_why);

/** @param known  all flags that there are @return NULL, or what is wrong */
const char *flags_why_not(unsigned int flags, unsigned int known);

#endif
