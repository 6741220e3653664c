/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor, and the one look of expose at what will stop it. */

#include "doctor.h"
#include "output.h"
#include "parse.h"

#include <string.h>

static const char *status_text(enum nestnet_finding_status status)
{
	switch (status) {
	case NESTNET_FINDING_OK:
		return "ok";
	case NESTNET_FINDING_WARN:
		return "warn";
	case NESTNET_FINDING_FAIL:
		return "fail";
	case NESTNET_FINDING_SKIP:
		return "skip";
	}
	return NULL;
}

struct examination {
	struct rows *rows;
	bool has_failed;
};

static int add_finding(void *userdata, const struct nestnet_finding *finding)
{
	struct examination *examination = userdata;

	examination->has_failed |= finding->status == NESTNET_FINDING_FAIL;
	rows_add(examination->rows,
		 json_pack("{s:s, s:s, s:s, s:s, s:o}", "check", finding->check, "status",
			   status_text(finding->status), "subject", finding->subject,
			   "detail", finding->detail, "remedy",
			   json_text(finding->remedy)));
	return 0;
}

static const struct column columns[] = {
	{ "CHECK", "check", 0 },
	{ "STATUS", "status", 0 },
	{ "SUBJECT", "subject", 0 },
	{ "DETAIL", "detail", 0 },
	{ "REMEDY", "remedy", COLUMN_OPTIONAL },
};

int cmd_doctor(struct cli *cli, int argc, char **argv)
{
	struct examination examination = { .has_failed = false };
	struct nestnet_endpoint match;
	bool has_match;
	int r;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc - optind, 0, 1))
		return STATUS_USAGE;
	has_match = argc > optind;
	if (has_match && !parse_alias(cli, argv[optind], &match))
		return STATUS_USAGE;
	/* Of a doctor, 1 is that something was found; 2, that nobody could look. */
	if (cli_open(cli) != STATUS_OK)
		return STATUS_USAGE;
	examination.rows = rows_new();
	if (!examination.rows)
		return STATUS_USAGE;
	r = nestnet_doctor(cli->ctx, has_match ? &match : NULL, 0, add_finding,
			   &examination);
	if (rows_print(cli, examination.rows, columns,
		       sizeof(columns) / sizeof(columns[0]), r) != STATUS_OK)
		return STATUS_USAGE;
	return examination.has_failed ? STATUS_FAILED : STATUS_OK;
}

/* ---- The look of expose --------------------------------------------------------------- */

static int say_first(void *userdata, const struct nestnet_finding *finding)
{
	const char *alias = userdata;

	if (finding->status != NESTNET_FINDING_FAIL)
		return 0;
	cli_say("expose %s: done, but %s will stop it: %s (see nestnet doctor %s)", alias,
		finding->subject, finding->detail, alias);
	return 1;
}

void doctor_warn(const struct cli *cli, const struct nestnet_endpoint *alias)
{
	char text[NESTNET_TEXT_MAX];

	if (cli->is_quiet || cli->is_dry_run || cli->file)
		return;
	/* What cannot be looked at is not what was asked for. */
	(void)nestnet_doctor(cli->ctx, alias, NESTNET_DOCTOR_RULES, say_first,
			     (void *)nestnet_endpoint_format(alias, text));
}
