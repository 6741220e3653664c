/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply, diff, save: the whole state. */

#include "file.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Reads the file that is the only argument. */
static int read_argument(struct cli *cli, int argc, char **argv, struct file **ret)
{
	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 1, 1))
		return STATUS_USAGE;
	return file_read(cli, argv[optind], ret);
}

/* ---- Progress ---------------------------------------------------------------------------------- */

/* Said on a terminal, from the second second on, ten times a second. */
struct progress {
	int64_t start_ms, last_ms;
	bool is_shown;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show(void *userdata, const char *what, size_t done, size_t all)
{
	struct progress *progress = userdata;
	int64_t now = now_ms();

	if (now - progress->start_ms < 1000 || now - progress->last_ms < 100)
		return;
	progress->last_ms = now;
	progress->is_shown = true;
	fprintf(stderr, "\rnestnet: apply: %s %zu of %zu\033[K", what, done, all);
}

static int commit(struct cli *cli, struct nestnet_transaction *tx)
{
	struct progress progress = { .start_ms = now_ms() };
	int r;

	if (!cli->is_quiet && isatty(STDERR_FILENO))
		nestnet_set_progress(cli->ctx, show, &progress);
	r = nestnet_transaction_commit(tx);
	nestnet_set_progress(cli->ctx, NULL, NULL);
	if (progress.is_shown)
		fprintf(stderr, "\r\033[K");
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

/* ---- Commands ---------------------------------------------------------------------------------- */

/* From here on a failure names the line of the request that it is about. */
int cmd_apply(struct cli *cli, int argc, char **argv)
{
	struct file *file;
	int status = read_argument(cli, argc, argv, &file);

	if (status != STATUS_OK)
		return status;
	cli->file = file;
	if (cli->is_dry_run)
		status = cli_print_plan(cli, file_transaction(file), NULL);
	else
		status = commit(cli, file_transaction(file));
	cli->file = NULL;
	file_free(file);
	return status;
}

int cmd_diff(struct cli *cli, int argc, char **argv)
{
	struct file *file;
	size_t n = 0;
	int status;

	cli->has_answers = true;
	status = read_argument(cli, argc, argv, &file);
	if (status != STATUS_OK)
		return STATUS_USAGE; /* it could not look */
	cli->file = file;
	status = cli_print_plan(cli, file_transaction(file), &n);
	cli->file = NULL;
	file_free(file);
	if (status != STATUS_OK)
		return STATUS_USAGE;
	return n > 0 ? STATUS_FAILED : STATUS_OK;
}

static int print_command(void *userdata, char op, const char *command)
{
	(void)userdata;
	(void)op;
	printf("%s\n", command);
	return 0;
}

int cmd_save(struct cli *cli, int argc, char **argv)
{
	int r, status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	if (cli->is_json) /* apply takes what status prints, too */
		return cmd_status(cli, argc, argv);
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	r = nestnet_save(cli->ctx, print_command, NULL);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}
