/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_LINE_H
#define NESTNET_CLI_LINE_H

/* One line of a file as words; file.h has the grammar. */

#include <stdbool.h>
#include <stddef.h>

struct line {
	const char *text; /* borrowed */
	size_t len;
	char **argv; /* the words, and NULL */
	int argc;
	char *bytes; /* of all words, each with its NUL */
	size_t n_bytes;
	size_t room;  /* the longest text that argv and bytes are enough for */
	size_t start; /* the column that is told where there is no better one */
};

/** Splits a line without its newline; a carriage return before that is a part of it. line is
 *  zeros, or has been split before: then it goes on with the same memory. It is to be cleared
 *  in the end, after a failure too.
 *  @return false where it is wrong: *ret_why says how, and line->start where; NULL: there is
 *  no memory */
bool line_split(const char *text, size_t len, struct line *line, const char **ret_why);
void line_clear(struct line *line);

/** Where a byte of a word was, as long as text is there; the line's beginning for any
 *  other. */
size_t line_column(const struct line *line, const char *byte);

#endif
