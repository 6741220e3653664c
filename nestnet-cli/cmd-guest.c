/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest list, wait. */

#include "parse.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* The kernel tells of new neighbours, but a wait of this length is not worth a listener. */
#define POLL_MS 200

#define TIMEOUT_MS 60000

struct search {
	const struct cli *cli;
	const char *tap; /* NULL: by mac */
	uint8_t mac[6];
};

/* @return the status */
static int print_guest(const struct cli *cli, const struct nestnet_guest *guest)
{
	char text[NESTNET_TEXT_MAX];
	struct rows *rows;

	if (!cli->is_json) {
		printf("%s\n", nestnet_address_format(&guest->addresses[0], text));
		return STATUS_OK;
	}
	rows = rows_new();
	if (!rows)
		return STATUS_FAILED;
	row_guest(rows, guest);
	return rows_print(cli, rows, columns, sizeof(columns) / sizeof(columns[0]), 0);
}

/* @return 0: not this one; else, behind its status */
static int search_guest(void *userdata, const struct nestnet_guest *guest)
{
	const struct search *search = userdata;
	bool is_it = search->tap
			     ? guest->tap && strcmp(guest->tap, search->tap) == 0
			     : memcmp(guest->mac, search->mac, sizeof(guest->mac)) == 0;

	if (!is_it || guest->n_addresses == 0 || guest->state == NESTNET_NEIGHBOUR_FAILED)
		return 0;
	return 1 + print_guest(search->cli, guest);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int wait_for_guest(const struct cli *cli, struct search *search, const char *what,
			  uint64_t timeout_ms)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	uint64_t end_ms = now_ms() + timeout_ms;

	for (;;) {
		int r = nestnet_guest_list(cli->ctx, search_guest, search);

		if (r < 0)
			return cli_fail(cli, r);
		if (r > 0)
			return r - 1;
		if (now_ms() >= end_ms)
			return cli_give_up(cli, "%s: no address of it was seen in time",
					      what);
		nanosleep(&pause, NULL);
	}
}

static const struct option wait_options[] = {
	{ "timeout", required_argument, NULL, OPTION_FIRST },
	{ NULL, 0, NULL, 0 },
};

int cmd_guest_wait(struct cli *cli, int argc, char **argv)
{
	struct search search = { .cli = cli };
	uint64_t timeout_ms = TIMEOUT_MS;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, wait_options, "")) != -1) {
		if (option != OPTION_FIRST || !parse_time(cli, optarg, &timeout_ms))
			return STATUS_USAGE;
	}
	if (!cli_check_arguments(cli, argc - optind, 1, 1))
		return STATUS_USAGE;
	if (!strchr(argv[optind], ':'))
		search.tap = argv[optind];
	else if (!parse_mac(cli, argv[optind], search.mac))
		return STATUS_USAGE;
	status = cli_open(cli);
	return status != STATUS_OK ? status
				   : wait_for_guest(cli, &search, argv[optind], timeout_ms);
}
