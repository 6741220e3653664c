/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that grows, and JSON's strings in it. */

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_reserve(struct text *text, size_t len)
{
	size_t size = text->size ? text->size : 4096;
	char *bytes;

	if (text->is_failed)
		return false;
	while (size - text->len < len)
		size *= 2;
	bytes = realloc(text->bytes, size);
	if (!bytes) {
		text->is_failed = true;
		return false;
	}
	text->bytes = bytes;
	text->size = size;
	return true;
}

void text_number(struct text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	text_add(text, digits + at, sizeof(digits) - at);
}

/* What JSON lets stand in a string as it is. Beyond ASCII nothing comes here that nestnet
 * takes; what others put into our table is told byte by byte. */
static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void text_json(struct text *text, const char *string)
{
	if (!string) {
		text_puts(text, "null");
		return;
	}
	text_add(text, "\"", 1);
	while (*string) {
		char escape[8];
		size_t len = 0;

		while (is_plain((unsigned char)string[len]))
			len++;
		text_add(text, string, len);
		string += len;
		if (!*string)
			break;
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*string++);
		text_puts(text, escape);
	}
	text_add(text, "\"", 1);
}

static ssize_t write_text(void *cookie, const char *bytes, size_t len)
{
	struct text *text = cookie;

	text_add(text, bytes, len);
	return text->is_failed ? 0 : (ssize_t)len;
}

FILE *text_stream(struct text *text)
{
	return fopencookie(text, "w", (cookie_io_functions_t){ .write = write_text });
}

bool text_print(struct text *text)
{
	bool is_done = !text->is_failed &&
		       fwrite(text->bytes, 1, text->len, stdout) == text->len;

	text->len = 0;
	return is_done;
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ .bytes = NULL };
}
