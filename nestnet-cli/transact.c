/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context, and one transaction a command, or one of all lines of a file. */

#include "command.h"
#include "file.h"
#include "output.h"

#include <getopt.h>
#include <stdio.h>

static void print_log(void *userdata, int level, const char *line)
{
	const struct cli *cli = userdata;

	if (level > NESTNET_LOG_NOTICE || !cli->is_quiet)
		cli_say_line(line);
}

int cli_open(struct cli *cli)
{
	int r;

	if (cli->ctx)
		return STATUS_OK;
	r = nestnet_new(&cli->ctx, cli->netns);
	if (r < 0)
		return cli_fail(cli, r);
	nestnet_set_log(cli->ctx, print_log, cli);
	nestnet_set_log_level(cli->ctx,
			      cli->is_verbose ? NESTNET_LOG_DEBUG : NESTNET_LOG_NOTICE);
	return STATUS_OK;
}

int cli_begin(struct cli *cli, struct nestnet_transaction **ret)
{
	int r;

	if (cli->file) {
		*ret = file_transaction(cli->file);
		return STATUS_OK;
	}
	r = cli_open(cli);
	if (r != STATUS_OK)
		return r;
	r = nestnet_transaction_new(cli->ctx, ret);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

struct changes {
	struct rows *rows; /* NULL: lines are printed */
	size_t n;
};

static int take_change(void *userdata, char op, const char *command)
{
	struct changes *changes = userdata;
	char sign[2] = { op, '\0' };

	changes->n++;
	if (changes->rows)
		rows_add(changes->rows,
			 json_pack("{s:s, s:s}", "op", sign, "command", command));
	else
		printf("%c %s\n", op, command);
	return 0;
}

int cli_print_plan(struct cli *cli, struct nestnet_transaction *tx, size_t *ret_n)
{
	struct changes changes = { .rows = NULL };
	int r;

	if (cli->is_json) {
		changes.rows = rows_new();
		if (!changes.rows)
			return STATUS_FAILED;
	}
	r = nestnet_transaction_plan(tx, take_change, &changes);
	if (ret_n)
		*ret_n = changes.n;
	if (cli->is_json)
		return rows_print(cli, changes.rows, NULL, 0, r);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

int cli_commit_keep(struct cli *cli, struct nestnet_transaction *tx, int code)
{
	if (code < 0)
		return cli_fail(cli, code);
	if (cli->file)
		return STATUS_OK;
	if (cli->is_dry_run)
		return cli_print_plan(cli, tx, NULL);
	code = nestnet_transaction_commit(tx);
	return code < 0 ? cli_fail(cli, code) : STATUS_OK;
}

int cli_commit(struct cli *cli, struct nestnet_transaction *tx, int code)
{
	int status = cli_commit_keep(cli, tx, code);

	if (!cli->file)
		nestnet_transaction_free(tx);
	return status;
}

int cli_names(struct cli *cli, int argc, char **argv, const struct cli_flag *flags, int most,
	      cli_name_fn fn)
{
	struct nestnet_transaction *tx;
	unsigned int given;
	int r = 0, status;

	if (!cli_take_flags(cli, argc, argv, flags, &given) ||
	    !cli_check_arguments(cli, argc, argv, 1, most))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	for (int i = optind; r == 0 && i < argc; i++)
		r = fn(tx, argv[i], given);
	return cli_commit(cli, tx, r);
}
