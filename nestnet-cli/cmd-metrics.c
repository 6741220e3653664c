/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * metrics: counters and states in the text format of Prometheus.
 *
 * All of it is written to memory first. Where somebody wrote to the ruleset meanwhile it is
 * read again, so that what is printed is of one moment; a bounded number of times, since
 * figures that are a moment apart are better than none.
 */

#include "metrics.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 8

enum {
	OPTION_OUTPUT = OPTION_FIRST,
};

static const struct option options[] = {
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ NULL, 0, NULL, 0 },
};

/* ---- Reading ------------------------------------------------------------------------------- */

static int write_all(struct cli *cli, FILE *file, const struct nestnet_ruleset *ruleset)
{
	int r = metrics_of_rules(cli->ctx, file, ruleset);

	if (r == 0)
		r = metrics_of_exposures(cli->ctx, file);
	return r < 0 ? r : metrics_of_links(cli->ctx, file);
}

/* @return 1: of one moment; 0: others wrote meanwhile; or a negative errno */
static int write_once(struct cli *cli, FILE *file)
{
	struct nestnet_ruleset before = { .size = sizeof(before) }, after = before;
	int r = nestnet_ruleset_get(cli->ctx, &before);

	if (r == 0)
		r = write_all(cli, file, &before);
	if (r == 0)
		r = nestnet_ruleset_get(cli->ctx, &after);
	return r < 0 ? r : before.generation == after.generation;
}

/* @return STATUS_OK with *ret filled, or what is wrong was said */
static int make_text(struct cli *cli, struct text *ret)
{
	int r = 0;

	for (unsigned int try = 0; r == 0 && try < TRIES; try++) {
		FILE *file;

		text_free(ret);
		file = text_stream(ret);
		r = file ? write_once(cli, file) : -ENOMEM;
		if (file && (fclose(file) != 0 || ret->is_failed))
			r = r < 0 ? r : -ENOMEM;
	}
	if (r >= 0)
		return STATUS_OK;
	return r == -ENOMEM ? cli_give_up(cli, "out of memory") : cli_fail(cli, r);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* @return 0, or an errno; closes fd */
static int fill(int fd, const char *text, size_t len)
{
	FILE *file = fdopen(fd, "w");
	int code = 0;

	if (!file) {
		code = errno;
		close(fd);
		return code;
	}
	/* For a program of another user, as a file of no secrets is made. */
	if (fwrite(text, 1, len, file) != len || fflush(file) == EOF ||
	    fchmod(fd, 0644) < 0)
		code = errno;
	if (fclose(file) == EOF && code == 0)
		code = errno;
	return code;
}

/* Whoever reads sees the old file or the new one: it is written under another name, one that
 * does not end as those do that a collector reads. */
static int write_file(struct cli *cli, const char *path, const char *text, size_t len)
{
	char *temporary;
	int fd, code;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return cli_give_up(cli, "out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	code = fd < 0 ? errno : fill(fd, text, len);
	if (code == 0 && rename(temporary, path) < 0)
		code = errno;
	if (code != 0 && fd >= 0)
		(void)unlink(temporary);
	free(temporary);
	return code ? cli_give_up(cli, "write %s: %s", path, strerror(code)) : STATUS_OK;
}

int cmd_metrics(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL;
	struct text text = { .bytes = NULL };
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, options, "")) != -1) {
		if (option != OPTION_OUTPUT)
			return STATUS_USAGE;
		path = optarg;
	}
	if (!cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	if (cli->is_json)
		return cli_usage(cli, "there is one format, and it is not JSON");
	if (path && !*path)
		return cli_usage(cli, "--output: a name of a file is missing");
	status = cli_open(cli);
	if (status == STATUS_OK)
		status = make_text(cli, &text);
	if (status == STATUS_OK && path)
		status = write_file(cli, path, text.bytes, text.len);
	else if (status == STATUS_OK)
		fwrite(text.bytes, 1, text.len, stdout); /* main() says what is wrong */
	text_free(&text);
	return status;
}
