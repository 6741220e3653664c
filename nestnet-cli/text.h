/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_TEXT_H
#define NESTNET_CLI_TEXT_H

/*
 * JSON that is written as text, piece by piece, without a tree of it: for the list that can
 * be 100,000 rows long, where a tree takes ten times as long as all else. It looks as
 * jansson writes it with an indentation of 2.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/** Grows at its end. Zeroed at first; a failure (no memory) sticks. */
struct text {
	char *bytes;
	size_t len, size;
	bool is_failed;
};

/** Makes room for len bytes more. @return whether there is */
bool text_reserve(struct text *text, size_t len);

static inline void text_add(struct text *text, const char *bytes, size_t len)
{
	if (text->size - text->len < len && !text_reserve(text, len))
		return;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

/** Of a literal, whose length the compiler knows, it is a copy and no more. */
static inline void text_puts(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number);

/** The string in quotes, escaped; NULL: null. */
void text_json(struct text *text, const char *string);

/** A stream that adds to it, for as long as it is open; NULL: no memory. Not open_memstream(),
 *  which where there is no memory loses what was written, and has no error to ask for. */
FILE *text_stream(struct text *text);

/** Writes all of it to standard output, and forgets it. @return false where that failed */
bool text_print(struct text *text);

void text_free(struct text *text);

#endif
