/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_LINE_H
#define NESTNET_CLI_LINE_H

/* One line of a file as words; file.h has the grammar. */

#include <stdbool.h>
#include <stddef.h>

struct line {
	char **argv; /* the words, and NULL */
	int argc;
	char *bytes;     /* of all words, each with its NUL */
	size_t *columns; /* where each of the bytes was, counted from 1 */
	size_t n_bytes;
	size_t start; /* the column that is told where there is no better one */
};

/** Splits a line without its newline. ret is to be cleared, on failure too.
 *  @return false where it is wrong: *ret_why says how, and ret->start where */
bool line_split(const char *text, size_t len, struct line *ret, const char **ret_why);
void line_clear(struct line *line);

/** Where a byte of a word was; the line's beginning for any other. */
size_t line_column(const struct line *line, const char *byte);

#endif
