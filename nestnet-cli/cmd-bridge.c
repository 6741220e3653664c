/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bridge add, del, list, attach, detach. */

#include "parse.h"
#include "rows.h"

#include <stdlib.h>

enum {
	OPTION_ADDRESS = OPTION_FIRST,
	OPTION_MTU,
	OPTION_MAC,
	OPTION_STP,
	OPTION_DHCP,
};

static const struct option add_options[] = {
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "mtu", required_argument, NULL, OPTION_MTU },
	{ "mac", required_argument, NULL, OPTION_MAC },
	{ "stp", no_argument, NULL, OPTION_STP },
	{ "dhcp", required_argument, NULL, OPTION_DHCP },
	{ NULL, 0, NULL, 0 },
};

struct bridge_line {
	struct nestnet_bridge_options options;
	struct prefix_list addresses;
	uint8_t mac[6];
	struct nestnet_range dhcp;
};

static bool take_option(const struct cli *cli, int option, struct bridge_line *line)
{
	switch (option) {
	case OPTION_ADDRESS:
		return parse_prefix_into(cli, optarg, &line->addresses);
	case OPTION_MTU:
		return parse_mtu(cli, optarg, &line->options.mtu);
	case OPTION_MAC:
		line->options.mac = line->mac;
		return parse_mac(cli, optarg, line->mac);
	case OPTION_STP:
		line->options.flags |= NESTNET_BRIDGE_STP;
		return true;
	case OPTION_DHCP:
		line->options.dhcp = &line->dhcp;
		return parse_range(cli, optarg, &line->dhcp);
	}
	return false;
}

static int add_bridge(struct cli *cli, const char *name, const struct bridge_line *line)
{
	struct nestnet_transaction *tx;
	int status = cli_begin(cli, &tx);

	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_bridge_add(tx, name, &line->options));
}

int cmd_bridge_add(struct cli *cli, int argc, char **argv)
{
	struct bridge_line line = { .options = { .size = sizeof(line.options) } };
	int option, status = STATUS_OK;

	while (status == STATUS_OK &&
	       (option = cli_getopt(cli, argc, argv, add_options, "")) != -1) {
		if (!take_option(cli, option, &line))
			status = STATUS_USAGE;
	}
	if (status == STATUS_OK && !cli_check_arguments(cli, argc, argv, 1, 1))
		status = STATUS_USAGE;
	line.options.addresses = line.addresses.list;
	line.options.n_addresses = line.addresses.n;
	if (status == STATUS_OK)
		status = add_bridge(cli, argv[optind], &line);
	free(line.addresses.list);
	return status;
}

/* ---- del, attach, detach ------------------------------------------------------------------- */

int cmd_bridge_del(struct cli *cli, int argc, char **argv)
{
	return cli_names(cli, argc, argv, cli_if_exists, 1, nestnet_bridge_del);
}

static const struct cli_flag attach_flags[] = {
	{ "move-addresses", NESTNET_ATTACH_MOVE_ADDRESSES },
	{ "no-hairpin", NESTNET_ATTACH_NO_HAIRPIN },
	{ NULL, 0 },
};

int cmd_bridge_attach(struct cli *cli, int argc, char **argv)
{
	struct nestnet_transaction *tx;
	unsigned int flags;
	int r = 0, status;

	if (!cli_take_flags(cli, argc, argv, attach_flags, &flags) ||
	    !cli_check_arguments(cli, argc, argv, 2, -1))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	for (int i = optind + 1; r == 0 && i < argc; i++)
		r = nestnet_bridge_attach(tx, argv[optind], argv[i], flags);
	return cli_commit(cli, tx, r);
}

static const struct cli_flag detach_flags[] = {
	{ "move-addresses", NESTNET_DETACH_MOVE_ADDRESSES },
	{ "if-exists", NESTNET_IF_EXISTS },
	{ NULL, 0 },
};

int cmd_bridge_detach(struct cli *cli, int argc, char **argv)
{
	return cli_names(cli, argc, argv, detach_flags, -1, nestnet_bridge_detach);
}

/* ---- list ------------------------------------------------------------------------------------- */

int row_bridge(void *rows, const struct nestnet_bridge *bridge)
{
	rows_add(rows,
		 json_pack("{s:s, s:s, s:o, s:i, s:o, s:b, s:o, s:o*, s:b}", "id", bridge->name,
			   "name", bridge->name, "addresses",
			   json_prefixes(bridge->addresses, bridge->n_addresses), "mtu",
			   (int)bridge->mtu, "mac", json_mac(bridge->mac), "stp",
			   bridge->has_stp, "ports",
			   json_texts(bridge->ports, bridge->n_ports), "dhcp",
			   json_range(bridge->dhcp), "managed",
			   bridge->is_managed));
	return 0;
}

static const struct column columns[] = {
	{ "NAME", "name", 0 },
	{ "ADDRESSES", "addresses", 0 },
	{ "MTU", "mtu", COLUMN_NUMBER },
	{ "MAC", "mac", 0 },
	{ "STP", "stp", 0 },
	{ "PORTS", "ports", 0 },
	{ "DHCP", "dhcp", COLUMN_OPTIONAL },
	{ "MANAGED", "managed", 0 },
};

static int list(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_bridge_list(ctx, row_bridge, rows);
}

int cmd_bridge_list(struct cli *cli, int argc, char **argv)
{
	return rows_command(cli, argc, argv, columns, sizeof(columns) / sizeof(columns[0]),
			    list);
}
