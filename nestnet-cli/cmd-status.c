/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: all there is, as one object or as a picture of it. */

#include "picture.h"
#include "rows.h"

#include <errno.h>
#include <stdio.h>

enum {
	OPTION_DOT = OPTION_FIRST,
};

static const struct option options[] = {
	{ "dot", no_argument, NULL, OPTION_DOT },
	{ NULL, 0, NULL, 0 },
};

static int row_uplink(void *rows, const struct nestnet_uplink *uplink)
{
	rows_add(rows, json_pack("{s:s, s:s, s:o, s:i, s:o, s:s, s:b}", "id", uplink->name,
				 "name", uplink->name, "addresses",
				 json_prefixes(uplink->addresses, uplink->n_addresses), "mtu",
				 (int)uplink->mtu, "mac", json_mac(uplink->mac), "state",
				 uplink->is_up ? "up" : "down", "carrier",
				 uplink->has_carrier));
	return 0;
}

int row_attachment(void *rows, const struct nestnet_attachment *a)
{
	rows_add(rows, json_pack("{s:s, s:s, s:b, s:b, s:o}", "interface", a->ifname, "bridge",
				 a->bridge, "hairpin",
				 !(a->flags & NESTNET_ATTACH_NO_HAIRPIN), "move_addresses",
				 !!(a->flags & NESTNET_ATTACH_MOVE_ADDRESSES), "addresses",
				 json_prefixes(a->moved, a->n_moved)));
	return 0;
}

static json_t *json_switch(int value)
{
	if (value < 0)
		return json_null();
	return value ? json_true() : json_false();
}

/* Of the host there is one, and no list. */
static int set_forwarding(void *state, const struct nestnet_forwarding *forwarding)
{
	json_t *value = json_pack("{s:o, s:o}", "ipv4", json_switch(forwarding->ipv4), "ipv6",
				  json_switch(forwarding->ipv6));

	return json_object_set_new(state, "forwarding", value) < 0 ? -ENOMEM : 0;
}

static int list_uplinks(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_uplink_list(ctx, row_uplink, rows);
}

static int list_bridges(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_bridge_list(ctx, row_bridge, rows);
}

static int list_attached(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_attachment_list(ctx, row_attachment, rows);
}

static int list_taps(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_tap_list(ctx, row_tap, rows);
}

static int list_guests(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_guest_list(ctx, row_guest, rows);
}

static int list_nat(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_nat_list(ctx, row_nat, rows);
}

static int list_aliases(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_alias_list(ctx, row_alias, rows);
}

static int list_exposures(struct nestnet *ctx, struct rows *rows)
{
	return nestnet_exposure_list(ctx, NULL, row_exposure, rows);
}

static const struct {
	const char *key;
	rows_list_fn list;
} parts[] = {
	{ "uplinks", list_uplinks }, { "bridges", list_bridges },
	{ "attached", list_attached }, { "taps", list_taps },
	{ "guests", list_guests },   { "nat", list_nat },
	{ "aliases", list_aliases }, { "exposures", list_exposures },
};

/* @return STATUS_OK, or what is wrong was said */
static int add_part(struct cli *cli, json_t *state, size_t part)
{
	struct rows *rows = rows_new();
	json_t *array;
	int r;

	if (!rows)
		return STATUS_FAILED;
	r = parts[part].list(cli->ctx, rows);
	array = rows_take(rows);
	if (r < 0) {
		if (array)
			json_delete(array);
		return cli_fail(cli, r);
	}
	if (array && json_object_set_new(state, parts[part].key, array) == 0)
		return STATUS_OK;
	cli_say("out of memory");
	return STATUS_FAILED;
}

static int print_state(struct cli *cli, bool is_dot)
{
	json_t *state = json_object();
	int r = nestnet_forward_status(cli->ctx, NULL, set_forwarding, state);
	int status = r < 0 ? cli_fail(cli, r) : STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
		status = add_part(cli, state, i);
	if (status == STATUS_OK && cli->is_json) {
		json_dumpf(state, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (status == STATUS_OK) {
		status = picture_print(cli, state, is_dot);
	}
	json_delete(state);
	return status;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
	bool is_dot = false;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, options, "")) != -1) {
		if (option != OPTION_DOT)
			return STATUS_USAGE;
		is_dot = true;
	}
	if (!cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	if (is_dot && cli->is_json)
		return cli_usage(cli, "--dot and --json exclude each other");
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	return lazy_load() ? print_state(cli, is_dot) : STATUS_FAILED;
}
