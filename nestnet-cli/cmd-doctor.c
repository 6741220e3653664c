/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doctor, and the one look of expose at what will stop it. Remedies are long, and there to be
 * pasted: so they are no cells of the table, but lines of their own below it.
 */

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
	json_t *remedies; /* the findings that have one, each remedy once */
	bool has_failed;
};

static const char *text_of(const json_t *finding, const char *key)
{
	return json_string_value(json_object_get(finding, key));
}

static void keep_remedy(struct examination *examination, json_t *finding)
{
	for (size_t i = 0; i < json_array_size(examination->remedies); i++) {
		json_t *kept = json_array_get(examination->remedies, i);

		if (strcmp(text_of(kept, "remedy"), text_of(finding, "remedy")) == 0)
			return;
	}
	if (json_array_append_new(examination->remedies, json_incref(finding)) < 0)
		rows_add(examination->rows, NULL);
}

static int add_finding(void *userdata, const struct nestnet_finding *finding)
{
	struct examination *examination = userdata;
	json_t *row =
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "check", finding->check,
			  "status", status_text(finding->status), "subject",
			  finding->subject, "detail", finding->detail, "remedy",
			  json_text(finding->remedy), "undo", json_text(finding->undo));

	examination->has_failed |= finding->status == NESTNET_FINDING_FAIL;
	if (row && finding->remedy)
		keep_remedy(examination, row);
	rows_add(examination->rows, row);
	return 0;
}

static void print_remedies(const json_t *remedies)
{
	for (size_t i = 0; i < json_array_size(remedies); i++) {
		const json_t *finding = json_array_get(remedies, i);
		const char *undo = text_of(finding, "undo");

		printf("\n%s, %s:\n    %s\n", text_of(finding, "check"),
		       text_of(finding, "subject"), text_of(finding, "remedy"));
		if (undo)
			printf("and to take that back:\n    %s\n", undo);
	}
}

static const struct column columns[] = {
	{ "CHECK", "check", 0 },
	{ "STATUS", "status", 0 },
	{ "SUBJECT", "subject", 0 },
	{ "DETAIL", "detail", 0 },
};

int cmd_doctor(struct cli *cli, int argc, char **argv)
{
	struct examination examination = { .has_failed = false };
	struct nestnet_endpoint match;
	bool has_match;
	int status, r;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 1))
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
	examination.remedies = json_array();
	r = nestnet_doctor(cli->ctx, has_match ? &match : NULL, 0, add_finding,
			   &examination);
	status = rows_print(cli, examination.rows, columns,
			    sizeof(columns) / sizeof(columns[0]), r);
	if (status == STATUS_OK && !cli->is_json)
		print_remedies(examination.remedies);
	json_delete(examination.remedies);
	if (status != STATUS_OK)
		return STATUS_USAGE;
	return examination.has_failed ? STATUS_FAILED : STATUS_OK;
}

/* ---- The look of expose --------------------------------------------------------------- */

struct look {
	const char *alias;
	char said[1024]; /* "": nothing is in the way */
};

/* What stops all of it is said; else what stops the guest's own flows. */
static int take_obstacle(void *userdata, const struct nestnet_finding *finding)
{
	struct look *look = userdata;
	bool is_all = finding->status == NESTNET_FINDING_FAIL;

	if (!is_all && (look->said[0] || strcmp(finding->check, "outbound") != 0))
		return 0;
	snprintf(look->said, sizeof(look->said), "%s will stop %s: %s", finding->subject,
		 is_all ? "it" : "what the guest begins itself", finding->detail);
	return is_all;
}

bool doctor_warn(const struct cli *cli, const struct nestnet_endpoint *alias)
{
	char text[NESTNET_TEXT_MAX];
	struct look look = { .alias = nestnet_endpoint_format(alias, text) };
	int r;

	/* What cannot be looked at is not what was asked for. */
	r = nestnet_doctor(cli->ctx, alias, NESTNET_DOCTOR_RULES, take_obstacle, &look);
	if (look.said[0])
		cli_say("expose %s: done, but %s (see nestnet doctor %s)", look.alias,
			look.said, look.alias);
	return look.said[0] || r < 0;
}
