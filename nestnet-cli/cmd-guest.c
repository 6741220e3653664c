/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest list, wait. */

#include "parse.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>

static const char *state_text(enum nestnet_neighbour_state state)
{
	switch (state) {
	case NESTNET_NEIGHBOUR_PERMANENT:
		return "permanent";
	case NESTNET_NEIGHBOUR_REACHABLE:
		return "reachable";
	case NESTNET_NEIGHBOUR_DELAY:
		return "delay";
	case NESTNET_NEIGHBOUR_PROBE:
		return "probe";
	case NESTNET_NEIGHBOUR_STALE:
		return "stale";
	case NESTNET_NEIGHBOUR_INCOMPLETE:
		return "incomplete";
	case NESTNET_NEIGHBOUR_FAILED:
		return "failed";
	case NESTNET_NEIGHBOUR_NONE:
		break;
	}
	return NULL;
}

/* ---- list ------------------------------------------------------------------------------------- */

int row_guest(void *rows, const struct nestnet_guest *guest)
{
	rows_add(rows,
		 json_pack("{s:o, s:o, s:o, s:o, s:o}", "mac", json_mac(guest->mac),
			   "addresses", json_addresses(guest->addresses, guest->n_addresses),
			   "bridge", json_text(guest->bridge), "tap", json_text(guest->tap),
			   "state", json_text(state_text(guest->state))));
	return 0;
}

static const struct column columns[] = {
	{ "MAC", "mac", false },       { "ADDRESSES", "addresses", false },
	{ "BRIDGE", "bridge", false }, { "TAP", "tap", false },
	{ "STATE", "state", false },
};

static int list(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_guest_list(ctx, row_guest, rows);
}

int cmd_guest_list(struct cli *cli, int argc, char **argv)
{
	return rows_command(cli, argc, argv, columns, sizeof(columns) / sizeof(columns[0]),
			    list);
}

/* ---- wait ------------------------------------------------------------------------------------- */

#define TIMEOUT_MS 60000

struct wait {
	const struct cli *cli;
	int status;
};

static int print_guest(void *userdata, const struct nestnet_guest *guest)
{
	struct wait *wait = userdata;
	char text[NESTNET_TEXT_MAX];
	struct rows *rows;

	if (!wait->cli->is_json) {
		printf("%s\n", nestnet_address_format(&guest->addresses[0], text));
		return 0;
	}
	rows = rows_new();
	if (!rows) {
		wait->status = STATUS_FAILED;
		return 0;
	}
	row_guest(rows, guest);
	wait->status = rows_print(wait->cli, rows, columns,
				  sizeof(columns) / sizeof(columns[0]), 0);
	return 0;
}

static int wait_for_guest(struct cli *cli, const char *what, const char *tap,
			  const uint8_t *mac, uint64_t timeout_ms)
{
	struct wait wait = { .cli = cli, .status = STATUS_OK };
	int r = nestnet_guest_wait(cli->ctx, tap, mac, timeout_ms, print_guest, &wait);

	if (r < 0)
		return cli_fail(cli, r);
	if (r == 0)
		return cli_give_up_on(cli, what, "no address of it was seen in time");
	return wait.status;
}

static const struct option wait_options[] = {
	{ "timeout", required_argument, NULL, OPTION_FIRST },
	{ NULL, 0, NULL, 0 },
};

int cmd_guest_wait(struct cli *cli, int argc, char **argv)
{
	uint64_t timeout_ms = TIMEOUT_MS;
	struct nestnet_address address;
	const char *tap = NULL;
	uint8_t mac[6];
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, wait_options, "")) != -1) {
		if (option != OPTION_FIRST || !parse_time(cli, optarg, &timeout_ms))
			return STATUS_USAGE;
	}
	if (!cli_check_arguments(cli, argc, argv, 1, 1))
		return STATUS_USAGE;
	if (nestnet_address_parse(argv[optind], &address) == 0)
		return cli_usage(cli,
				 "'%s' is an address, as it prints: it takes TAP|MAC",
				 argv[optind]);
	if (!strchr(argv[optind], ':'))
		tap = argv[optind];
	if (tap ? !parse_ifname(cli, tap) : !parse_mac(cli, argv[optind], mac))
		return STATUS_USAGE;
	status = cli_open(cli);
	return status != STATUS_OK ? status
				   : wait_for_guest(cli, argv[optind], tap,
						    tap ? NULL : mac, timeout_ms);
}
