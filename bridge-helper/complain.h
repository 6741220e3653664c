/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_COMPLAIN_H
#define NESTNET_COMPLAIN_H

/* The one line on standard error. */

#include <stdbool.h>

/**
 * Says why nothing comes of it: one line that names the program, whatever the arguments are.
 * What is not printable ASCII becomes '?', and what is too long is cut off, since words of
 * the caller's may be among them.
 * @return false, for the caller to return
 */
bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same with ": " and the text of errno behind it. @return false */
bool complain_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
