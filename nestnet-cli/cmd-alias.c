/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* alias list. */

#include "rows.h"

static const char *origin_text(enum nestnet_alias_origin origin)
{
	switch (origin) {
	case NESTNET_ALIAS_ADDRESS:
		return "address";
	case NESTNET_ALIAS_GUEST_AGENT:
		return "guest-agent";
	case NESTNET_ALIAS_ROUTE:
		return "route";
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
	{ "PREFIX", "prefix", false },
	{ "DEV", "dev", false },
	{ "ORIGIN", "origin", false },
	{ "EXPOSED", "exposed", false },
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
