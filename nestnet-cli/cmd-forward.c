/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* forward on, off, status. */

#include "parse.h"
#include "rows.h"

#include <sys/socket.h>

/* Reads -4 and -6. @return false where an option was wrong, which was said */
static bool take_family(struct cli *cli, int argc, char **argv, int *ret)
{
	int option;

	*ret = AF_UNSPEC;
	while ((option = cli_getopt(cli, argc, argv, NULL, "46")) != -1) {
		int family = option == '4' ? AF_INET : AF_INET6;

		if (option == '?')
			return false;
		if (*ret != AF_UNSPEC && *ret != family) {
			cli_usage(cli, "-4 and -6 exclude each other: both is the default");
			return false;
		}
		*ret = family;
	}
	return true;
}

static int turn(struct cli *cli, int argc, char **argv, int is_on)
{
	struct nestnet_transaction *tx;
	int family, r = 0, status;

	if (!take_family(cli, argc, argv, &family))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	if (optind == argc)
		r = nestnet_forward_set(tx, NULL, family, is_on);
	for (int i = optind; r == 0 && i < argc; i++)
		r = nestnet_forward_set(tx, argv[i], family, is_on);
	return cli_commit(cli, tx, r);
}

int cmd_forward_on(struct cli *cli, int argc, char **argv)
{
	return turn(cli, argc, argv, 1);
}

int cmd_forward_off(struct cli *cli, int argc, char **argv)
{
	return turn(cli, argc, argv, 0);
}

/* ---- status ----------------------------------------------------------------------------------- */

struct status_rows {
	struct rows *rows;
	int family;
};

/* What was not asked for, and what the kernel does not have, is null. */
static json_t *json_switch(const struct status_rows *status, int family, int value)
{
	if (value < 0 || (status->family != AF_UNSPEC && status->family != family))
		return json_null();
	return value ? json_true() : json_false();
}

static int add_row(void *userdata, const struct nestnet_forwarding *forwarding)
{
	const struct status_rows *status = userdata;

	rows_add(status->rows,
		 json_pack("{s:o, s:o, s:o}", "interface", json_text(forwarding->ifname),
			   "ipv4", json_switch(status, AF_INET, forwarding->ipv4), "ipv6",
			   json_switch(status, AF_INET6, forwarding->ipv6)));
	return 0;
}

int row_forwarding(void *rows, const struct nestnet_forwarding *forwarding)
{
	const struct status_rows status = { .rows = rows, .family = AF_UNSPEC };

	return add_row((void *)&status, forwarding);
}

static const struct column columns[] = {
	{ "INTERFACE", "interface", 0 },
	{ "IPV4", "ipv4", 0 },
	{ "IPV6", "ipv6", 0 },
};

int cmd_forward_status(struct cli *cli, int argc, char **argv)
{
	struct status_rows status = { .rows = NULL };
	int r = 0, result;

	if (!take_family(cli, argc, argv, &status.family))
		return STATUS_USAGE;
	result = cli_open(cli);
	if (result != STATUS_OK)
		return result;
	status.rows = rows_new();
	if (!status.rows)
		return STATUS_FAILED;
	if (optind == argc)
		r = nestnet_forward_status(cli->ctx, NULL, add_row, &status);
	for (int i = optind; r == 0 && i < argc; i++)
		r = nestnet_forward_status(cli->ctx, argv[i], add_row, &status);
	return rows_print(cli, status.rows, columns, sizeof(columns) / sizeof(columns[0]), r);
}
