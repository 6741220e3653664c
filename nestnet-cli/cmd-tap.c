/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap add, del, list. */

#include "parse.h"
#include "rows.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_BRIDGE = OPTION_FIRST,
	OPTION_ADDRESS,
	OPTION_OWNER,
	OPTION_GROUP,
	OPTION_QUEUES,
	OPTION_VNET_HDR,
	OPTION_MAC,
	OPTION_MTU,
	OPTION_ISOLATED,
	OPTION_NO_HAIRPIN,
	OPTION_GUARD,
	OPTION_LEASE,
};

static const struct option add_options[] = {
	{ "bridge", required_argument, NULL, OPTION_BRIDGE },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "owner", required_argument, NULL, OPTION_OWNER },
	{ "group", required_argument, NULL, OPTION_GROUP },
	{ "queues", required_argument, NULL, OPTION_QUEUES },
	{ "vnet-hdr", no_argument, NULL, OPTION_VNET_HDR },
	{ "mac", required_argument, NULL, OPTION_MAC },
	{ "mtu", required_argument, NULL, OPTION_MTU },
	{ "isolated", no_argument, NULL, OPTION_ISOLATED },
	{ "no-hairpin", no_argument, NULL, OPTION_NO_HAIRPIN },
	{ "guard", required_argument, NULL, OPTION_GUARD },
	{ "lease", required_argument, NULL, OPTION_LEASE },
	{ NULL, 0, NULL, 0 },
};

/* What the options of one command line come to. */
struct tap_line {
	struct nestnet_tap_options options;
	struct prefix_list addresses;
	struct guard_list guards;
	uint8_t mac[6];
	struct nestnet_address lease;
};

static bool take_mtu(const struct cli *cli, struct tap_line *line)
{
	if (!parse_mtu(cli, optarg, &line->options.mtu))
		return false;
	if (line->options.mtu == 0)
		line->options.flags |= NESTNET_TAP_MTU_AUTO;
	return true;
}

/* @return false where the option is wrong, which was said */
static bool take_option(const struct cli *cli, int option, struct tap_line *line)
{
	struct nestnet_tap_options *options = &line->options;

	switch (option) {
	case OPTION_BRIDGE:
		options->bridge = optarg;
		return true;
	case OPTION_ADDRESS:
		return parse_prefix_into(cli, optarg, &line->addresses);
	case OPTION_OWNER:
		options->flags |= NESTNET_TAP_HAS_OWNER;
		return parse_user(cli, optarg, &options->owner);
	case OPTION_GROUP:
		options->flags |= NESTNET_TAP_HAS_GROUP;
		return parse_group(cli, optarg, &options->group);
	case OPTION_QUEUES:
		return parse_number(cli, "--queues", optarg, 1, NESTNET_QUEUES_MAX,
				    &options->queues);
	case OPTION_VNET_HDR:
		options->flags |= NESTNET_TAP_VNET_HDR;
		return true;
	case OPTION_MAC:
		options->mac = line->mac;
		return parse_mac(cli, optarg, line->mac);
	case OPTION_MTU:
		return take_mtu(cli, line);
	case OPTION_ISOLATED:
		options->flags |= NESTNET_TAP_ISOLATED;
		return true;
	case OPTION_NO_HAIRPIN:
		options->flags |= NESTNET_TAP_NO_HAIRPIN;
		return true;
	case OPTION_GUARD:
		return parse_guard_into(cli, optarg, &line->guards);
	case OPTION_LEASE:
		options->lease = &line->lease;
		return parse_address(cli, optarg, &line->lease);
	}
	return false;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static json_t *json_user(const struct nestnet_tap *tap)
{
	const struct passwd *user;

	if (!(tap->flags & NESTNET_TAP_HAS_OWNER))
		return json_null();
	user = getpwuid(tap->owner);
	return user ? json_string(user->pw_name) : json_sprintf("%u", tap->owner);
}

static json_t *json_group(const struct nestnet_tap *tap)
{
	const struct group *group;

	if (!(tap->flags & NESTNET_TAP_HAS_GROUP))
		return json_null();
	group = getgrgid(tap->group);
	return group ? json_string(group->gr_name) : json_sprintf("%u", tap->group);
}

static json_t *json_tap(const struct nestnet_tap *tap)
{
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:b, s:b, s:b, s:o, s:o*, s:s, s:b, s:b}",
		"id", tap->name, "name", tap->name, "bridge", json_text(tap->bridge),
		"addresses", json_prefixes(tap->addresses, tap->n_addresses), "owner",
		json_user(tap), "group", json_group(tap), "mac", json_mac(tap->mac), "mtu",
		(int)tap->mtu, "queues", (int)tap->queues, "vnet_hdr",
		!!(tap->flags & NESTNET_TAP_VNET_HDR), "isolated",
		!!(tap->flags & NESTNET_TAP_ISOLATED), "hairpin",
		!(tap->flags & NESTNET_TAP_NO_HAIRPIN), "guard",
		json_guards(tap->guards, tap->n_guards), "lease", json_address(tap->lease),
		"state",
		tap->is_up ? "up" : "down", "carrier", tap->has_carrier, "managed",
		tap->is_managed);
}

int row_tap(void *rows, const struct nestnet_tap *tap)
{
	rows_add(rows, json_tap(tap));
	return 0;
}

struct tap_filter {
	struct rows *rows;
	const char *name; /* NULL: all */
};

static int add_row(void *userdata, const struct nestnet_tap *tap)
{
	const struct tap_filter *filter = userdata;

	if (!filter->name || strcmp(filter->name, tap->name) == 0)
		rows_add(filter->rows, json_tap(tap));
	return 0;
}

static const struct column columns[] = {
	{ "NAME", "name", 0 },
	{ "BRIDGE", "bridge", 0 },
	{ "ADDRESSES", "addresses", 0 },
	{ "OWNER", "owner", 0 },
	{ "GROUP", "group", 0 },
	{ "MTU", "mtu", COLUMN_NUMBER },
	{ "QUEUES", "queues", COLUMN_NUMBER },
	{ "GUARD", "guard", COLUMN_OPTIONAL },
	{ "LEASE", "lease", COLUMN_OPTIONAL },
	{ "STATE", "state", 0 },
	{ "CARRIER", "carrier", 0 },
	{ "MANAGED", "managed", 0 },
};

/* Prints one tap, or all (NULL). */
static int print_taps(struct cli *cli, const char *name)
{
	struct tap_filter filter = { .rows = rows_new(), .name = name };

	if (!filter.rows)
		return STATUS_FAILED;
	return rows_print(cli, filter.rows, columns, sizeof(columns) / sizeof(columns[0]),
			  nestnet_tap_list(cli->ctx, add_row, &filter));
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int add_tap(struct cli *cli, const char *name, const struct tap_line *line)
{
	struct nestnet_transaction *tx;
	int status = cli_begin(cli, &tx);

	if (status != STATUS_OK)
		return status;
	status = cli_commit_keep(cli, tx, nestnet_tap_add(tx, name, &line->options));
	if (status == STATUS_OK && !cli->is_dry_run && !cli->file) {
		const char *given = nestnet_transaction_ifname(tx, 0);

		if (cli->is_json)
			status = print_taps(cli, given);
		else if (strchr(name, '%'))
			printf("%s\n", given);
	}
	if (!cli->file)
		nestnet_transaction_free(tx);
	return status;
}

int cmd_tap_add(struct cli *cli, int argc, char **argv)
{
	struct tap_line line = { .options = { .size = sizeof(line.options) } };
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
	line.options.guards = line.guards.list;
	line.options.n_guards = line.guards.n;
	if (status == STATUS_OK)
		status = add_tap(cli, argv[optind], &line);
	free(line.addresses.list);
	free_guards(&line.guards);
	return status;
}

int cmd_tap_del(struct cli *cli, int argc, char **argv)
{
	return cli_names(cli, argc, argv, cli_if_exists, -1, nestnet_tap_del);
}

int cmd_tap_list(struct cli *cli, int argc, char **argv)
{
	int status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	status = cli_open(cli);
	return status != STATUS_OK ? status : print_taps(cli, NULL);
}
