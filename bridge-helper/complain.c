/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line in one write, with nothing of stdio, whose buffers are nobody's to trust here. */

#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "nestnet-bridge-helper: "
/* A sentence, and the longest path that an ACL may have. */
#define LINE_MAX_BYTES 1024

static void clean(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

__attribute__((format(printf, 1, 0))) static void
write_line(const char *format, va_list arguments, const char *why)
{
	char line[LINE_MAX_BYTES] = PREFIX;
	size_t used = sizeof(PREFIX) - 1, room = sizeof(line) - 1; /* for the newline */

	vsnprintf(line + used, room - used, format, arguments);
	used = strlen(line);
	if (why)
		snprintf(line + used, room - used, ": %s", why);
	clean(line);
	used = strlen(line);
	line[used++] = '\n';
	/* Nobody is there to be told that nobody was told. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

bool complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(format, arguments, NULL);
	va_end(arguments);
	return false;
}

bool complain_errno(const char *format, ...)
{
	const char *why = strerror(errno);
	va_list arguments;

	va_start(arguments, format);
	write_line(format, arguments, why);
	va_end(arguments);
	return false;
}
