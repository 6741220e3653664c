/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nat add, del, list. */

#include "output.h"
#include "parse.h"

enum {
	OPTION_OUT = OPTION_FIRST,
	OPTION_TO,
	OPTION_OPEN,
	OPTION_NO_FORWARD,
	OPTION_IF_EXISTS,
};

static const struct option add_options[] = {
	{ "out", required_argument, NULL, OPTION_OUT },
	{ "to", required_argument, NULL, OPTION_TO },
	{ "open", no_argument, NULL, OPTION_OPEN },
	{ "no-forward", no_argument, NULL, OPTION_NO_FORWARD },
	{ NULL, 0, NULL, 0 },
};

int cmd_nat_add(struct cli *cli, int argc, char **argv)
{
	struct nestnet_nat_options options = { .size = sizeof(options) };
	struct nestnet_transaction *tx;
	struct nestnet_prefix subnet;
	struct nestnet_address to;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, add_options, "")) != -1) {
		switch (option) {
		case OPTION_OUT:
			options.out = optarg;
			break;
		case OPTION_TO:
			if (!parse_address(cli, optarg, &to))
				return STATUS_USAGE;
			options.to = &to;
			break;
		case OPTION_OPEN:
			options.flags |= NESTNET_NAT_OPEN;
			break;
		case OPTION_NO_FORWARD:
			options.flags |= NESTNET_NAT_NO_FORWARD;
			break;
		default:
			return STATUS_USAGE;
		}
	}
	if (!cli_check_arguments(cli, argc - optind, 1, 1) ||
	    !parse_prefix(cli, argv[optind], &subnet))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_nat_add(tx, &subnet, &options));
}

static const struct option del_options[] = {
	{ "if-exists", no_argument, NULL, OPTION_IF_EXISTS },
	{ NULL, 0, NULL, 0 },
};

int cmd_nat_del(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	struct nestnet_prefix subnet;
	unsigned int flags = 0;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, del_options, "")) != -1) {
		if (option != OPTION_IF_EXISTS)
			return STATUS_USAGE;
		flags |= NESTNET_IF_EXISTS;
	}
	if (!cli_check_arguments(cli, argc - optind, 1, 1) ||
	    !parse_prefix(cli, argv[optind], &subnet))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_nat_del(tx, &subnet, flags));
}

static int add_row(void *userdata, const struct nestnet_nat *nat)
{
	char subnet[NESTNET_TEXT_MAX], to[NESTNET_TEXT_MAX];

	rows_add(userdata,
		 json_pack("{s:s, s:s, s:o, s:o, s:b}", "id", nat->id, "subnet",
			   nestnet_prefix_format(&nat->subnet, subnet), "out",
			   json_text(nat->out), "to",
			   json_text(nat->to ? nestnet_address_format(nat->to, to) : NULL),
			   "open", nat->is_open));
	return 0;
}

static const struct column columns[] = {
	{ "SUBNET", "subnet", false },
	{ "OUT", "out", false },
	{ "TO", "to", false },
	{ "OPEN", "open", false },
};

int cmd_nat_list(struct cli *cli, int argc, char **argv)
{
	struct rows *rows;
	int status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc - optind, 0, 0))
		return STATUS_USAGE;
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	rows = rows_new();
	if (!rows)
		return STATUS_FAILED;
	return rows_print(cli, rows, columns, sizeof(columns) / sizeof(columns[0]),
			  nestnet_nat_list(cli->ctx, add_row, rows));
}
