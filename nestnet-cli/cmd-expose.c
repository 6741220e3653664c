/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* expose, unexpose, list. */

#include "doctor.h"
#include "exposure-json.h"
#include "parse.h"
#include "rows.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	OPTION_EGRESS = OPTION_FIRST,
	OPTION_COMMENT,
	OPTION_REPLACE,
	OPTION_NO_LOCAL,
	OPTION_NO_FORWARD,
	OPTION_OPEN,
	OPTION_FORCE,
	OPTION_COEXIST,
	OPTION_FROM,
	OPTION_EXCEPT,
	OPTION_TIMEOUT,
	OPTION_TAP,
	OPTION_TARGET,
	OPTION_ALL,
	OPTION_IF_EXISTS,
};

static const struct option expose_options[] = {
	{ "egress", required_argument, NULL, OPTION_EGRESS },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "except", required_argument, NULL, OPTION_EXCEPT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "tap", required_argument, NULL, OPTION_TAP },
	{ "comment", required_argument, NULL, OPTION_COMMENT },
	{ "replace", no_argument, NULL, OPTION_REPLACE },
	{ "no-local", no_argument, NULL, OPTION_NO_LOCAL },
	{ "no-forward", no_argument, NULL, OPTION_NO_FORWARD },
	{ "open", no_argument, NULL, OPTION_OPEN },
	{ "coexist", no_argument, NULL, OPTION_COEXIST },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ NULL, 0, NULL, 0 },
};

/* What the options of one command line come to. */
struct expose_line {
	struct nestnet_expose_options options;
	struct nestnet_endpoint *excepts;
	struct prefix_list from;
};

static bool take_except(const struct cli *cli, struct expose_line *line)
{
	size_t n = line->options.n_except;
	struct nestnet_endpoint *grown = reallocarray(line->excepts, n + 1, sizeof(*grown));

	if (!grown)
		cli_end_without_memory(cli);
	line->excepts = grown;
	line->options.except = grown;
	if (!parse_ports(cli, optarg, &grown[n]))
		return false;
	line->options.n_except++;
	return true;
}

/* @return false where the option is wrong, which was said */
static bool take_expose_option(const struct cli *cli, int option, struct expose_line *line)
{
	struct nestnet_expose_options *options = &line->options;

	switch (option) {
	case OPTION_EGRESS:
		return parse_egress(cli, optarg, &options->egress);
	case OPTION_FROM:
		return parse_source_into(cli, optarg, &line->from);
	case OPTION_EXCEPT:
		return take_except(cli, line);
	case OPTION_TIMEOUT:
		return parse_time(cli, optarg, &options->timeout_ms);
	case OPTION_TAP:
		options->tap = optarg;
		return true;
	case OPTION_COMMENT:
		options->comment = optarg;
		return true;
	case OPTION_REPLACE:
		options->flags |= NESTNET_EXPOSE_REPLACE;
		return true;
	case OPTION_NO_LOCAL:
		options->flags |= NESTNET_EXPOSE_NO_LOCAL;
		return true;
	case OPTION_NO_FORWARD:
		options->flags |= NESTNET_EXPOSE_NO_FORWARD;
		return true;
	case OPTION_OPEN:
		options->flags |= NESTNET_EXPOSE_OPEN;
		return true;
	case OPTION_COEXIST:
		options->flags |= NESTNET_EXPOSE_COEXIST;
		return true;
	case OPTION_FORCE:
		options->flags |= NESTNET_EXPOSE_FORCE;
		return true;
	}
	return false;
}

/* An address of IPv6 whose last part looks like a port is one all the same, and mostly not what
 * was meant. */
static void tell_of_brackets(const struct cli *cli, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	struct nestnet_address address;
	char before[NESTNET_TEXT_MAX];

	if (cli->is_quiet || cli->file || digits < 2 || colon[1 + digits])
		return;
	snprintf(before, sizeof(before), "%.*s", (int)(colon - text), text);
	if (nestnet_address_parse(before, &address) == 0 && address.family == AF_INET6)
		cli_say("expose: '%s' is an address; port %s of %s is '[%s]:%s'", text,
			colon + 1, before, before, colon + 1);
}

/* A target that is L1's own, as where alias and target were swapped. @return whether it is */
static bool tell_of_own_target(const struct cli *cli,
			       const struct nestnet_endpoint *alias,
			       const struct nestnet_endpoint *target)
{
	char alias_text[NESTNET_TEXT_MAX], target_text[NESTNET_TEXT_MAX];
	struct nestnet_route route;

	if (nestnet_route_get(cli->ctx, &target->prefix.address, &route) != 1 ||
	    !route.is_local)
		return false;
	nestnet_endpoint_format(alias, alias_text);
	cli_say("expose %s: done, but %s is this host's own address, no guest's: were "
		"alias and target swapped? (see nestnet doctor %s)",
		alias_text, nestnet_address_format(&target->prefix.address, target_text),
		alias_text);
	return true;
}

static int find_uplink(void *userdata, const struct nestnet_uplink *uplink)
{
	return strcmp(uplink->name, userdata) == 0;
}

/* An alias of the uplink's own network that is not local: hosts there ask for it, and nobody
 * answers. One of elsewhere may be routed here. */
static void tell_of_unanswered(const struct cli *cli,
			       const struct nestnet_endpoint *alias)
{
	struct nestnet_route route;
	char text[NESTNET_TEXT_MAX];

	if (alias->prefix.address.family == AF_UNSPEC ||
	    nestnet_route_get(cli->ctx, &alias->prefix.address, &route) != 1 ||
	    !route.is_on_link ||
	    nestnet_uplink_list(cli->ctx, find_uplink, route.ifname) != 1)
		return;
	nestnet_endpoint_format(alias, text);
	cli_say("expose %s: done, but it is not local to this host: nobody answers for it "
		"on %s, unless the cloud does (see nestnet doctor %s)",
		text, route.ifname, text);
}

/* One line about what was made, where it will not do: the surest of what is known. */
static void tell_of_result(const struct cli *cli, const struct nestnet_endpoint *alias,
			   const struct nestnet_endpoint *target)
{
	if (cli->is_quiet || cli->is_dry_run || cli->file)
		return;
	if (!tell_of_own_target(cli, alias, target) && !doctor_warn(cli, alias))
		tell_of_unanswered(cli, alias);
}

static int run_expose(struct cli *cli, char **argv, const struct expose_line *line)
{
	struct nestnet_endpoint alias, target;
	struct nestnet_transaction *tx;
	int status;

	if (!parse_alias(cli, argv[0], &alias) || !parse_target(cli, argv[1], &target))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	status = cli_commit(cli, tx, nestnet_expose(tx, &alias, &target, &line->options));
	if (status == STATUS_OK) {
		tell_of_brackets(cli, argv[0]);
		tell_of_brackets(cli, argv[1]);
		tell_of_result(cli, &alias, &target);
	}
	return status;
}

int cmd_expose(struct cli *cli, int argc, char **argv)
{
	struct expose_line line = { .options = { .size = sizeof(line.options) } };
	int option, status = STATUS_OK;

	while (status == STATUS_OK &&
	       (option = cli_getopt(cli, argc, argv, expose_options, "")) != -1) {
		if (!take_expose_option(cli, option, &line))
			status = STATUS_USAGE;
	}
	if (status == STATUS_OK && !cli_check_arguments(cli, argc, argv, 2, 2))
		status = STATUS_USAGE;
	line.options.from = line.from.list;
	line.options.n_from = line.from.n;
	if (status == STATUS_OK)
		status = run_expose(cli, argv + optind, &line);
	free(line.excepts);
	free(line.from.list);
	return status;
}

/* ---- unexpose ------------------------------------------------------------------------------- */

static const struct option unexpose_options[] = {
	{ "target", required_argument, NULL, OPTION_TARGET },
	{ "all", no_argument, NULL, OPTION_ALL },
	{ "if-exists", no_argument, NULL, OPTION_IF_EXISTS },
	{ NULL, 0, NULL, 0 },
};

static int unexpose_aliases(struct cli *cli, int argc, char **argv, unsigned int flags)
{
	struct nestnet_endpoint alias;
	struct nestnet_transaction *tx;
	int r = 0, status;

	for (int i = 0; i < argc; i++) {
		if (!parse_alias(cli, argv[i], &alias))
			return STATUS_USAGE;
	}
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	for (int i = 0; r == 0 && i < argc; i++) {
		(void)nestnet_alias_parse(argv[i], &alias, NULL);
		r = nestnet_unexpose(tx, &alias, flags);
	}
	return cli_commit(cli, tx, r);
}

static int unexpose_target(struct cli *cli, const struct nestnet_address *target,
			   unsigned int flags)
{
	struct nestnet_transaction *tx;
	int status = cli_begin(cli, &tx);

	if (status != STATUS_OK)
		return status;
	return cli_commit(cli, tx, nestnet_unexpose_target(tx, target, flags));
}

int cmd_unexpose(struct cli *cli, int argc, char **argv)
{
	struct nestnet_address target = { .family = AF_UNSPEC };
	bool has_target = false, is_all = false;
	unsigned int flags = 0;
	int option;

	while ((option = cli_getopt(cli, argc, argv, unexpose_options, "")) != -1) {
		switch (option) {
		case OPTION_TARGET:
			if (!parse_address(cli, optarg, &target))
				return STATUS_USAGE;
			has_target = true;
			break;
		case OPTION_ALL:
			is_all = true;
			break;
		case OPTION_IF_EXISTS:
			flags |= NESTNET_IF_EXISTS;
			break;
		default:
			return STATUS_USAGE;
		}
	}
	if (has_target + is_all + (argc > optind) > 1)
		return cli_usage(cli, "aliases, --target and --all exclude each other");
	if (has_target || is_all)
		return unexpose_target(cli, has_target ? &target : NULL, flags);
	if (!cli_check_arguments(cli, argc, argv, 1, -1))
		return STATUS_USAGE;
	return unexpose_aliases(cli, argc - optind, argv + optind, flags);
}

/* ---- list ------------------------------------------------------------------------------------ */

static const struct column list_columns[] = {
	{ "ALIAS", "id", 0 },
	{ "TARGET", "_target", 0 },
	{ "EGRESS", "egress", 0 },
	{ "LOCAL", "local", 0 },
	{ "OPEN", "open", 0 },
	{ "COEXIST", "_coexist", COLUMN_OPTIONAL },
	{ "FROM", "from", COLUMN_OPTIONAL },
	{ "EXCEPT", "except", COLUMN_OPTIONAL },
	{ "EXPIRES", "_expires", COLUMN_NUMBER | COLUMN_OPTIONAL },
	{ "TAP", "tap", COLUMN_OPTIONAL },
	{ "FLOWS", "flows", COLUMN_NUMBER },
	{ "COMMENT", "comment", 0 },
};

/* ---- A row of the table ----------------------------------------------------------------------- */

static json_t *json_excepts(const struct nestnet_exposure *exposure)
{
	json_t *array = json_array();

	for (size_t i = 0; i < exposure->n_except; i++) {
		const struct nestnet_endpoint *e = &exposure->except[i];

		array = json_append(array,
				    e->first_port == e->last_port
					    ? json_sprintf("%u/%s", e->first_port,
							   exposure_protocol(e->protocol))
					    : json_sprintf("%u-%u/%s", e->first_port,
							   e->last_port,
							   exposure_protocol(e->protocol)));
	}
	return array;
}

/* Only where it goes with one. */
static json_t *json_tap_name(const char *tap)
{
	if (!tap)
		return NULL;
	return json_string(tap[0] ? tap : "(gone)");
}

/* What remains, as --timeout would take it. */
static json_t *json_remaining(uint64_t ms)
{
	return ms ? json_sprintf("%llus", (unsigned long long)((ms + 999) / 1000))
		  : json_null();
}

/* For the table alone: the target with its port, as it was typed. */
static int add_row(void *userdata, const struct nestnet_exposure *exposure)
{
	char text[NESTNET_TEXT_MAX];
	json_t *row;

	nestnet_endpoint_format(&exposure->target, text);
	row = json_pack(
		"{s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o*, s:I, s:o}", "id",
		exposure->id, "_target", text, "egress",
		exposure_egress(exposure->egress), "local",
		!(exposure->flags & NESTNET_EXPOSE_NO_LOCAL), "open",
		!!(exposure->flags & NESTNET_EXPOSE_OPEN), "_coexist",
		!!(exposure->flags & NESTNET_EXPOSE_COEXIST), "from",
		json_prefixes(exposure->from, exposure->n_from), "except",
		json_excepts(exposure), "_expires", json_remaining(exposure->expires_ms),
		"tap", json_tap_name(exposure->tap), "flows", (json_int_t)exposure->flows,
		"comment", json_text(exposure->comment));
	rows_add(userdata, row);
	return 0;
}

int cmd_list(struct cli *cli, int argc, char **argv)
{
	struct nestnet_endpoint match;
	struct rows *rows;
	int status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 1) ||
	    (argc > optind && !parse_alias(cli, argv[optind], &match)))
		return STATUS_USAGE;
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	if (cli->is_json)
		return exposure_print_json(cli, argc > optind ? &match : NULL);
	rows = rows_new();
	if (!rows)
		return STATUS_FAILED;
	return rows_print(cli, rows, list_columns,
			  sizeof(list_columns) / sizeof(list_columns[0]),
			  nestnet_exposure_list(cli->ctx, argc > optind ? &match : NULL,
						add_row, rows));
}
