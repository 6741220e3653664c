/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* alias add, del, list. */

#include "parse.h"
#include "rows.h"

#include <stddef.h>

enum {
	OPTION_DEV = OPTION_FIRST,
};

static const struct option add_options[] = {
	{ "dev", required_argument, NULL, OPTION_DEV },
	{ NULL, 0, NULL, 0 },
};

int cmd_alias_add(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	struct nestnet_prefix prefix;
	const char *dev = NULL;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, add_options, "")) != -1) {
		if (option != OPTION_DEV)
			return STATUS_USAGE;
		dev = optarg;
	}
	if (!cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_alias_prefix(cli, argv[optind], &prefix))
		return STATUS_USAGE;
	if (!dev)
		return cli_usage(cli, "--dev is missing: the interface to answer on");
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_alias_add(tx, &prefix, dev, 0));
}

int cmd_alias_del(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	struct nestnet_prefix prefix;
	unsigned int flags;
	int status;

	if (!cli_take_flags(cli, argc, argv, cli_if_exists, &flags) ||
	    !cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_alias_prefix(cli, argv[optind], &prefix))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_alias_del(tx, &prefix, flags));
}

/* ---- list ------------------------------------------------------------------------------------- */

static const char *origin_text(enum nestnet_alias_origin origin)
{
	switch (origin) {
	case NESTNET_ALIAS_ADDRESS:
		return "address";
	case NESTNET_ALIAS_GUEST_AGENT:
		return "guest-agent";
	case NESTNET_ALIAS_ROUTE:
		return "route";
	case NESTNET_ALIAS_NESTNET:
		return "nestnet";
	}
	return NULL;
}

int row_alias(void *rows, const struct nestnet_alias *alias)
{
	char address[NESTNET_TEXT_MAX];

	rows_add(rows,
		 json_pack("{s:s, s:o, s:s, s:s, s:o}", "id", alias->id, "prefix",
			   json_sprintf("%s/%u",
					nestnet_address_format(&alias->prefix.address,
							       address),
					alias->prefix.len),
			   "dev", alias->dev, "origin", origin_text(alias->origin), "exposed",
			   json_texts(alias->exposed, alias->n_exposed)));
	return 0;
}

static const struct column columns[] = {
	{ "PREFIX", "prefix", 0 },
	{ "DEV", "dev", 0 },
	{ "ORIGIN", "origin", 0 },
	{ "EXPOSED", "exposed", 0 },
};

static int list(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_alias_list(ctx, row_alias, rows);
}

int cmd_alias_list(struct cli *cli, int argc, char **argv)
{
	return rows_command(cli, argc, argv, columns, sizeof(columns) / sizeof(columns[0]),
			    list);
}
