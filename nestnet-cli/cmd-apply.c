/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply, diff, save: the whole state. */

#include "file.h"

#include <stdio.h>

/* Reads the file that is the only argument. */
static int read_argument(struct cli *cli, int argc, char **argv, struct file **ret)
{
	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc - optind, 1, 1))
		return STATUS_USAGE;
	return file_read(cli, argv[optind], ret);
}

/* From here on a failure names the line of the request that it is about. */
int cmd_apply(struct cli *cli, int argc, char **argv)
{
	struct file *file;
	int r, status = read_argument(cli, argc, argv, &file);

	if (status != STATUS_OK)
		return status;
	cli->file = file;
	if (cli->is_dry_run) {
		status = cli_print_plan(cli, file_transaction(file), NULL);
	} else {
		r = nestnet_transaction_commit(file_transaction(file));
		status = r < 0 ? cli_fail(cli, r) : STATUS_OK;
	}
	cli->file = NULL;
	file_free(file);
	return status;
}

int cmd_diff(struct cli *cli, int argc, char **argv)
{
	struct file *file;
	size_t n = 0;
	int status = read_argument(cli, argc, argv, &file);

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
	    !cli_check_arguments(cli, argc - optind, 0, 0))
		return STATUS_USAGE;
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	r = nestnet_save(cli->ctx, print_command, NULL);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}
