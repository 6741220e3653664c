/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors that gather their sentence clause by clause on the way up. */

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *error_describe(int code)
{
#ifdef __GLIBC__
	/* strerror() is not thread-safe in glibc, and translates. */
	const char *text = strerrordesc_np(code);
#else
	const char *text = strerror(code);
#endif
	return text ? text : "Unknown error";
}

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -code;
}

/* Without a format: that something is not there is an answer, and often the expected one. */
int error_set_errno(struct error *error, int code)
{
	const char *text = error_describe(code);
	size_t len = strnlen(text, sizeof(error->text) - 1);

	error->code = code;
	memcpy(error->text, text, len);
	error->text[len] = '\0';
	return -code;
}

int error_prefix(struct error *error, const char *format, ...)
{
	char clause[sizeof(error->text)];
	size_t clause_len, text_len, room;
	va_list args;

	va_start(args, format);
	vsnprintf(clause, sizeof(clause) - 2, format, args);
	va_end(args);

	clause_len = strlen(clause);
	clause[clause_len++] = ':';
	clause[clause_len++] = ' ';
	text_len = strlen(error->text);
	room = sizeof(error->text) - 1 - clause_len;
	if (text_len > room)
		text_len = room;
	memmove(error->text + clause_len, error->text, text_len);
	memcpy(error->text, clause, clause_len);
	error->text[clause_len + text_len] = '\0';
	return -error->code;
}

int error_append(struct error *error, const char *format, ...)
{
	size_t len = strlen(error->text);
	va_list args;

	va_start(args, format);
	vsnprintf(error->text + len, sizeof(error->text) - len, format, args);
	va_end(args);
	return -error->code;
}
