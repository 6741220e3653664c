/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nat add, del, list. */

#include "parse.h"
#include "rows.h"

enum {
	OPTION_OUT = OPTION_FIRST,
	OPTION_TO,
	OPTION_OPEN,
	OPTION_NO_FORWARD,
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
	if (!cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_subnet(cli, argv[optind], &subnet))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_nat_add(tx, &subnet, &options));
}

int cmd_nat_del(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	struct nestnet_prefix subnet;
	unsigned int flags;
	int status;

	if (!cli_take_flags(cli, argc, argv, cli_if_exists, &flags) ||
	    !cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_subnet(cli, argv[optind], &subnet))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_nat_del(tx, &subnet, flags));
}

int row_nat(void *rows, const struct nestnet_nat *nat)
{
	char subnet[NESTNET_TEXT_MAX], to[NESTNET_TEXT_MAX];

	rows_add(rows,
		 json_pack("{s:s, s:s, s:o, s:o, s:b}", "id", nat->id, "subnet",
			   nestnet_prefix_format(&nat->subnet, subnet), "out",
			   json_text(nat->out), "to",
			   json_text(nat->to ? nestnet_address_format(nat->to, to) : NULL),
			   "open", nat->is_open));
	return 0;
}

static const struct column columns[] = {
	{ "SUBNET", "subnet", 0 },
	{ "OUT", "out", 0 },
	{ "TO", "to", 0 },
	{ "OPEN", "open", 0 },
};

static int list(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_nat_list(ctx, row_nat, rows);
}

int cmd_nat_list(struct cli *cli, int argc, char **argv)
{
	return rows_command(cli, argc, argv, columns, sizeof(columns) / sizeof(columns[0]),
			    list);
}
