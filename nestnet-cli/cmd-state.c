/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clear. */

#include "command.h"

int cmd_clear(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	int status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_clear(tx));
}
