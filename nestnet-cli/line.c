/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines as words. */

#include "line.h"

#include <stdlib.h>
#include <string.h>

/* A line under way. */
struct splitter {
	const char *text;
	size_t len, at;
	struct line *line;
	size_t *columns; /* where each byte was, counted from 1; NULL: nobody asks */
	bool is_in_word;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands for itself within a word. */
static bool is_plain(char c)
{
	return !is_blank(c) && c != '\'' && c != '"' && c != '\\';
}

static void put(struct splitter *s, char byte, size_t at)
{
	struct line *line = s->line;

	if (s->columns)
		s->columns[line->n_bytes] = at + 1;
	line->bytes[line->n_bytes++] = byte;
}

static void begin_word(struct splitter *s)
{
	struct line *line = s->line;

	if (s->is_in_word)
		return;
	if (line->argc == 0)
		line->start = s->at + 1;
	line->argv[line->argc++] = line->bytes + line->n_bytes;
	s->is_in_word = true;
}

static void end_word(struct splitter *s)
{
	if (s->is_in_word)
		put(s, '\0', s->at);
	s->is_in_word = false;
}

static bool fail(struct splitter *s, size_t at, const char *why, const char **ret_why)
{
	s->line->start = at + 1;
	*ret_why = why;
	return false;
}

/* From the quote to the one that ends it. @return false: there is none */
static bool take_quoted(struct splitter *s)
{
	char quote = s->text[s->at++];

	for (; s->at < s->len; s->at++) {
		char c = s->text[s->at];

		if (c == quote)
			return true;
		if (quote == '"' && c == '\\' && s->at + 1 < s->len &&
		    strchr("\"\\$`", s->text[s->at + 1]))
			c = s->text[++s->at];
		put(s, c, s->at);
	}
	return false;
}

/* Nearly all of nearly every line. */
static void take_plain(struct splitter *s)
{
	const char *text = s->text + s->at;
	size_t n = 1, left = s->len - s->at;

	while (n < left && is_plain(text[n]))
		n++;
	for (size_t i = 0; s->columns && i < n; i++)
		s->columns[s->line->n_bytes + i] = s->at + i + 1;
	memcpy(s->line->bytes + s->line->n_bytes, text, n);
	s->line->n_bytes += n;
	s->at += n - 1;
}

static bool take(struct splitter *s, const char **ret_why)
{
	size_t at = s->at;
	char c = s->text[at];

	begin_word(s);
	if (is_plain(c)) {
		take_plain(s);
		return true;
	}
	if (c == '\'' || c == '"')
		return take_quoted(s) ? true : fail(s, at, "a quote that does not end", ret_why);
	if (c == '\\' && ++s->at == s->len)
		return fail(s, at, "a backslash at the end of a line", ret_why);
	put(s, s->text[s->at], s->at);
	return true;
}

static bool split(struct splitter *s, const char **ret_why)
{
	for (; s->at < s->len; s->at++) {
		char c = s->text[s->at];

		if (is_blank(c))
			end_word(s);
		else if (c == '#' && !s->is_in_word)
			break;
		else if (!take(s, ret_why))
			return false;
	}
	end_word(s);
	s->line->argv[s->line->argc] = NULL;
	return true;
}

/* No line has more words than half its bytes, nor words more bytes with their NULs. */
static bool make_room(struct line *line, size_t len)
{
	size_t room = len < 128 ? 128 : 2 * len;

	if (len <= line->room && line->bytes)
		return true;
	line_clear(line);
	line->argv = reallocarray(NULL, room / 2 + 2, sizeof(*line->argv));
	line->bytes = malloc(room + 1);
	line->room = room;
	return line->argv && line->bytes;
}

static bool split_text(const char *text, size_t len, struct line *line, size_t *columns,
		       const char **ret_why)
{
	struct splitter s = {
		.text = text, .len = len, .line = line, .columns = columns
	};
	const char *nul = memchr(text, '\0', len);
	bool has_room = make_room(line, len);

	line->text = text;
	line->len = len;
	line->argc = 0;
	line->n_bytes = 0;
	line->start = 1;
	if (nul)
		return fail(&s, (size_t)(nul - text), "a NUL byte", ret_why);
	if (!has_room)
		return fail(&s, 0, NULL, ret_why);
	return split(&s, ret_why);
}

bool line_split(const char *text, size_t len, struct line *line, const char **ret_why)
{
	if (len > 0 && text[len - 1] == '\r')
		len--;
	return split_text(text, len, line, NULL, ret_why);
}

void line_clear(struct line *line)
{
	free(line->argv);
	free(line->bytes);
	*line = (struct line){ .start = 1 };
}

/* Splits once more: only what is wrong is asked for, and no more than once. */
static size_t find_column(const struct line *line, size_t at)
{
	size_t *columns = calloc(line->len + 1, sizeof(*columns)), column = line->start;
	struct line again = { .start = 1 };
	const char *why;

	if (columns) {
		(void)split_text(line->text, line->len, &again, columns, &why);
		if (columns[at])
			column = columns[at];
	}
	line_clear(&again);
	free(columns);
	return column;
}

size_t line_column(const struct line *line, const char *byte)
{
	for (size_t i = 0; byte && i < line->n_bytes; i++) {
		if (line->bytes + i == byte)
			return find_column(line, i);
	}
	return line->start;
}
