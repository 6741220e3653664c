/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said on standard error: one line each, with the place in a file where there is one. */

#include "command.h"
#include "file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_say_line(const char *text)
{
	fputs("nestnet: ", stderr);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
	fputc('\n', stderr);
}

static void say_of_command(const struct cli *cli, const char *word, const char *format,
			   va_list args) __attribute__((format(printf, 3, 0)));

static void say_of_command(const struct cli *cli, const char *word, const char *format,
			   va_list args)
{
	char text[1024 + FILE_PLACE_MAX + 64], place[FILE_PLACE_MAX] = "", sentence[1024];

	if (cli->file)
		file_place(cli->file, word, place);
	vsnprintf(sentence, sizeof(sentence), format, args);
	if (cli->command)
		snprintf(text, sizeof(text), "%s%.16s%s%.16s: %s", place, cli->command->noun,
			 cli->command->verb ? " " : "",
			 cli->command->verb ? cli->command->verb : "", sentence);
	else
		snprintf(text, sizeof(text), "%s%s", place, sentence);
	cli_say_line(text);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, NULL, format, args);
	va_end(args);
	return STATUS_USAGE;
}

int cli_usage_at(const struct cli *cli, const char *word, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, word, format, args);
	va_end(args);
	return STATUS_USAGE;
}

int cli_give_up(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, NULL, format, args);
	va_end(args);
	return STATUS_FAILED;
}

int cli_give_up_on(const struct cli *cli, const char *what, const char *sentence)
{
	cli_say("%s %s %s: %s", cli->command->noun, cli->command->verb, what, sentence);
	return STATUS_FAILED;
}

void cli_end_without_memory(const struct cli *cli)
{
	int status = cli_give_up(cli, "out of memory");

	exit(cli->has_answers ? STATUS_USAGE : status);
}

void cli_say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cli_say_line(text);
}

int cli_fail(const struct cli *cli, int code)
{
	const char *sentence = cli->ctx ? nestnet_errmsg(cli->ctx) : strerror(-code);

	if (cli->file)
		file_say(cli->file, sentence);
	else
		cli_say_line(sentence);
	return code == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

int cli_end_output(int status)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(stderr, "nestnet: write the output: %s\n", strerror(errno));
		return STATUS_FAILED;
	}
	return status;
}
