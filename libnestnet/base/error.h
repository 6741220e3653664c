/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_ERROR_H
#define NESTNET_BASE_ERROR_H

/*
 * An error with its sentence. The room where a failure is noticed sets code and reason;
 * each room on the way up puts one clause in front, and so the sentence reads from what
 * was attempted to why it failed: "expose 10.128.0.13: add element: No such device".
 */

#include <stddef.h>

struct error {
	int code;       /* positive errno, 0: none */
	char text[512]; /* longer sentences are cut */
};

/** Sets code and reason. @param code positive errno @return -code */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Sets code, with the system's own words for it as the reason. @return -code */
int error_set_errno(struct error *error, int code);

/** Puts "clause: " in front of the text. @return -code */
int error_prefix(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Puts " clause" behind the text. @return -code */
int error_append(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** The system's words for a positive errno; static text. */
const char *error_describe(int code);

#endif
