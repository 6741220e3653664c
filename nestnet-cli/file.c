/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of commands: their text, their lines, and where a request came from. */

#include "file.h"

#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where requests were said: this one, and those behind it each a line further on, in the same
 * column, as far as the next. Of a hundred thousand lines without a gap that is one. */
struct origin {
	size_t request, line, column;
};

struct file {
	const char *name;
	struct nestnet_transaction *tx;
	struct line line; /* the present one */
	size_t number;    /* its number, counted from 1 */
	const char *where;
	struct origin *origins; /* of lines */
	size_t n_origins;
	char **wheres; /* of JSON: the object of each request; else NULL */
	size_t n_requests;
};

struct nestnet_transaction *file_transaction(const struct file *file)
{
	return file->tx;
}

void file_free(struct file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_requests && file->wheres; i++)
		free(file->wheres[i]);
	free(file->wheres);
	free(file->origins);
	line_clear(&file->line);
	nestnet_transaction_free(file->tx);
	free(file);
}

/* ---- Places ----------------------------------------------------------------------------------- */

static const char *shown_name(const struct file *file)
{
	return strcmp(file->name, "-") == 0 ? "<stdin>" : file->name;
}

static void format_where(const struct file *file, const char *where, char *buf)
{
	snprintf(buf, FILE_PLACE_MAX, "%.200s: %.64s: ", shown_name(file), where);
}

static void format_line(const struct file *file, size_t line, size_t column, char *buf)
{
	snprintf(buf, FILE_PLACE_MAX, "%.200s:%zu:%zu: ", shown_name(file), line, column);
}

/* Of a request that was said in a line. */
static struct origin find_origin(const struct file *file, size_t request)
{
	size_t first = 0, n = file->n_origins;
	struct origin origin;

	while (n > 1) {
		size_t half = n / 2;

		if (file->origins[first + half].request <= request)
			first += half;
		n -= half;
	}
	origin = file->origins[first];
	origin.line += request - origin.request;
	return origin;
}

/* @param request  an index; where that is none, it is about all of the file */
static void format_origin(const struct file *file, size_t request, char *buf)
{
	struct origin origin;

	if (request >= file->n_requests) {
		snprintf(buf, FILE_PLACE_MAX, "%.200s: ", shown_name(file));
	} else if (file->wheres) {
		format_where(file, file->wheres[request], buf);
	} else {
		origin = find_origin(file, request);
		format_line(file, origin.line, origin.column, buf);
	}
}

void file_place(const struct file *file, const char *word, char *buf)
{
	if (file->where)
		format_where(file, file->where, buf);
	else
		format_line(file, file->number, line_column(&file->line, word), buf);
}

void file_set_where(struct file *file, const char *where)
{
	file->where = where;
}

void file_say_at(const struct file *file, size_t line, size_t column, const char *sentence)
{
	char place[FILE_PLACE_MAX];

	format_line(file, line, column, place);
	cli_say("%s%s", place, sentence);
}

/* A refusal of what has just been queued names the line that contradicts it; one of the
 * commit is about any. */
void file_say(const struct file *file, const char *sentence)
{
	size_t culprit = nestnet_transaction_culprit(file->tx);
	bool is_reading = file->number > 0 || file->where;
	char place[FILE_PLACE_MAX];

	if (is_reading)
		file_place(file, NULL, place);
	else
		format_origin(file, culprit, place);
	if (!is_reading || culprit >= file->n_requests)
		cli_say("%s%s", place, sentence);
	else if (file->wheres)
		cli_say("%s%s (and in %s)", place, sentence, file->wheres[culprit]);
	else
		cli_say("%s%s (and in line %zu)", place, sentence,
			find_origin(file, culprit).line);
}

/* Makes room for one more in an array that grows at the powers of two. */
static bool make_room(void *array, size_t n, size_t size)
{
	void *grown;

	if (n != 0 && (n & (n - 1)) != 0)
		return true;
	grown = reallocarray(*(void **)array, n ? n * 2 : 1, size);
	if (grown)
		*(void **)array = grown;
	return grown;
}

static bool keep_where(struct file *file)
{
	size_t n = file->n_requests;

	if (!make_room(&file->wheres, n, sizeof(*file->wheres)))
		return false;
	file->wheres[n] = strdup(file->where);
	return file->wheres[n];
}

static bool keep_line(struct file *file)
{
	const struct origin origin = { .request = file->n_requests,
				       .line = file->number,
				       .column = line_column(&file->line, NULL) };
	size_t n = file->n_origins;

	if (n > 0) {
		const struct origin *last = &file->origins[n - 1];

		if (origin.column == last->column &&
		    origin.line - last->line == origin.request - last->request)
			return true;
	}
	if (!make_room(&file->origins, n, sizeof(*file->origins)))
		return false;
	file->origins[file->n_origins++] = origin;
	return true;
}

/* Remembers where the requests since the last call were said. */
static bool keep_origins(struct file *file)
{
	size_t n = nestnet_transaction_size(file->tx);

	while (file->n_requests < n) {
		if (!(file->where ? keep_where(file) : keep_line(file)))
			return false;
		file->n_requests++;
	}
	return true;
}

/* ---- Commands --------------------------------------------------------------------------------- */

/* What says that something is there; NULL: the noun says it. */
static const struct {
	const char *noun, *verb;
} lines[] = {
	{ "bridge", "add" }, { "bridge", "attach" }, { "nat", "add" },
	{ "tap", "add" },    { "alias", "add" },     { "expose", NULL },
	{ "forward", "on" },
};

static bool is_line(const struct command *command)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (strcmp(command->noun, lines[i].noun) != 0)
			continue;
		if (!lines[i].verb || strcmp(command->verb, lines[i].verb) == 0)
			return true;
	}
	return false;
}

static int run(struct cli *cli, const struct command *command, int argc, char **argv)
{
	int skip = command->verb ? 1 : 0;

	cli->command = command;
	optind = 0;
	return command->run(cli, argc - skip, argv + skip);
}

int file_take(struct cli *cli, struct file *file, const char *where, int argc, char **argv)
{
	const struct command *outer = cli->command, *command;
	int status;

	file->where = where;
	cli->command = NULL;
	cli->file = file;
	command = cli_find(cli, argv[0], argc > 1 ? argv[1] : NULL);
	if (!command)
		status = STATUS_USAGE;
	else if (!is_line(command))
		status = cli_usage_at(cli, argv[0], "%s%s%s: not in a file, which says what is "
				      "to be there",
				      command->noun, command->verb ? " " : "",
				      command->verb ? command->verb : "");
	else
		status = run(cli, command, argc, argv);
	cli->file = NULL;
	cli->command = outer;
	if (status == STATUS_OK && !keep_origins(file)) {
		cli_say("out of memory");
		status = STATUS_FAILED;
	}
	file->where = NULL;
	return status;
}

static int take_line(struct cli *cli, struct file *file, const char *text, size_t len)
{
	char place[FILE_PLACE_MAX];
	const char *why = NULL;

	if (!line_split(text, len, &file->line, &why)) {
		if (!why)
			cli_end_without_memory(cli);
		file_place(file, NULL, place);
		cli_say("%s%s", place, why);
		return STATUS_USAGE;
	}
	if (file->line.argc == 0)
		return STATUS_OK;
	return file_take(cli, file, NULL, file->line.argc, file->line.argv);
}

static int take_lines(struct cli *cli, struct file *file, const char *text, size_t len)
{
	int status = STATUS_OK;

	while (status == STATUS_OK && len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		file->number++;
		status = take_line(cli, file, text, line);
		line += end != NULL;
		text += line;
		len -= line;
	}
	file->number = 0;
	line_clear(&file->line); /* whose text is about to go */
	return status;
}

/* ---- Text ------------------------------------------------------------------------------------- */

/* Reads to the end. @return 0 or a positive errno; *ret is to be freed */
static int read_text(int fd, char **ret, size_t *ret_len)
{
	size_t room = 65536, len = 0;
	char *text = malloc(room);
	ssize_t n = 1;

	while (text && n > 0) {
		if (len == room) {
			char *grown = realloc(text, room *= 2);

			if (!grown)
				free(text);
			text = grown;
			continue;
		}
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (!text)
		return ENOMEM;
	if (n < 0) {
		int code = errno;

		free(text);
		return code;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int open_text(const char *name, char **ret, size_t *ret_len)
{
	int code, fd;

	if (strcmp(name, "-") == 0)
		return read_text(STDIN_FILENO, ret, ret_len);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno;
	code = read_text(fd, ret, ret_len);
	close(fd);
	return code;
}

/* An object; or a list, which is no state, and is told that. */
static bool is_json(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", *text) && *text) {
		text++;
		len--;
	}
	return len > 0 && (*text == '{' || *text == '[');
}

/* How many bytes before the text some editors leave to say that it is UTF-8. */
static size_t mark_len(const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";

	return len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
}

static int begin(struct cli *cli, const char *name, struct file **ret)
{
	struct file *file = calloc(1, sizeof(*file));
	int r, status;

	if (!file) {
		cli_say("out of memory");
		return STATUS_FAILED;
	}
	file->name = name;
	status = cli_begin(cli, &file->tx);
	if (status == STATUS_OK) {
		r = nestnet_transaction_set_exact(file->tx);
		status = r < 0 ? cli_fail(cli, r) : STATUS_OK;
	}
	if (status == STATUS_OK)
		*ret = file;
	else
		file_free(file);
	return status;
}

int file_read(struct cli *cli, const char *name, struct file **ret)
{
	struct file *file = NULL;
	char *text = NULL, *start;
	size_t len = 0;
	int status, code = open_text(name, &text, &len);

	if (code != 0) {
		cli_say("%s: read %s: %s", cli->command->noun,
			strcmp(name, "-") == 0 ? "standard input" : name, strerror(code));
		return STATUS_FAILED;
	}
	start = text + mark_len(text, len);
	len -= (size_t)(start - text);
	status = begin(cli, name, &file);
	if (status == STATUS_OK)
		status = is_json(start, len) ? file_take_json(cli, file, start, len)
					     : take_lines(cli, file, start, len);
	free(text);
	if (status == STATUS_OK)
		*ret = file;
	else
		file_free(file);
	return status;
}
