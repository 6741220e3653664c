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
	bool is_in_word;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void put(struct splitter *s, char byte, size_t at)
{
	struct line *line = s->line;

	line->bytes[line->n_bytes] = byte;
	line->columns[line->n_bytes++] = at + 1;
}

static void begin_word(struct splitter *s)
{
	struct line *line = s->line;

	if (!s->is_in_word)
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

static bool take(struct splitter *s, const char **ret_why)
{
	size_t at = s->at;
	char c = s->text[at];

	begin_word(s);
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
	return true;
}

bool line_split(const char *text, size_t len, struct line *ret, const char **ret_why)
{
	struct splitter s = { .text = text, .len = len, .line = ret };
	const char *nul = memchr(text, '\0', len);

	*ret = (struct line){ .start = 1 };
	if (nul)
		return fail(&s, (size_t)(nul - text), "a NUL byte", ret_why);
	/* No line has more words than half its bytes, nor words more bytes with their NULs. */
	ret->argv = calloc(len / 2 + 2, sizeof(*ret->argv));
	ret->bytes = malloc(len + 1);
	ret->columns = calloc(len + 1, sizeof(*ret->columns));
	if (!ret->argv || !ret->bytes || !ret->columns)
		return fail(&s, 0, "out of memory", ret_why);
	if (!split(&s, ret_why))
		return false;
	if (ret->argc > 0 && ret->n_bytes > 0)
		ret->start = ret->columns[0];
	return true;
}

void line_clear(struct line *line)
{
	free(line->argv);
	free(line->bytes);
	free(line->columns);
	*line = (struct line){ .start = 1 };
}

size_t line_column(const struct line *line, const char *byte)
{
	for (size_t i = 0; byte && i < line->n_bytes; i++) {
		if (line->bytes + i == byte)
			return line->columns[i];
	}
	return line->start;
}
