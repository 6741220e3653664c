/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows are JSON objects; a table is a view of some of their keys. */

#include "output.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct rows {
	json_t *array;
	bool is_failed;
};

struct rows *rows_new(void)
{
	struct rows *rows;

	if (!lazy_load())
		return NULL;
	rows = calloc(1, sizeof(*rows));
	if (!rows) {
		fprintf(stderr, "nestnet: out of memory\n");
		return NULL;
	}
	rows->array = json_array();
	return rows;
}

void rows_add(struct rows *rows, json_t *row)
{
	if (!row || json_array_append_new(rows->array, row) < 0)
		rows->is_failed = true;
}

json_t *rows_take(struct rows *rows)
{
	json_t *array = rows->array;

	if (rows->is_failed && array) {
		json_delete(array);
		array = NULL;
	}
	free(rows);
	return array;
}

/* ---- Values ----------------------------------------------------------------------------- */

json_t *json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *json_append(json_t *array, json_t *value)
{
	if (array && json_array_append_new(array, value) < 0) {
		json_delete(array);
		return NULL;
	}
	return array;
}

json_t *json_texts(const char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		array = json_append(array, json_string(texts[i]));
	return array;
}

json_t *json_prefixes(const struct nestnet_prefix *prefixes, size_t n)
{
	json_t *array = json_array();
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		const char *address = nestnet_address_format(&prefixes[i].address, text);

		array = json_append(array, json_sprintf("%s/%u", address, prefixes[i].len));
	}
	return array;
}

json_t *json_addresses(const struct nestnet_address *addresses, size_t n)
{
	json_t *array = json_array();
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		array = json_append(array,
			       json_string(nestnet_address_format(&addresses[i], text)));
	return array;
}

json_t *json_address(const struct nestnet_address *address)
{
	char text[NESTNET_TEXT_MAX];

	return address ? json_string(nestnet_address_format(address, text)) : NULL;
}

json_t *json_range(const struct nestnet_range *range)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];

	if (!range)
		return NULL;
	return json_sprintf("%s-%s", nestnet_address_format(&range->first, first),
			    nestnet_address_format(&range->last, last));
}

json_t *json_mac(const uint8_t mac[6])
{
	char text[NESTNET_TEXT_MAX];

	return json_string(nestnet_mac_format(mac, text));
}

static json_t *json_guard(const struct nestnet_guard *guard)
{
	char address[NESTNET_TEXT_MAX];
	struct text text = { .bytes = NULL };
	json_t *value;

	text_puts(&text, nestnet_mac_format(guard->mac, address));
	for (size_t i = 0; i < guard->n_addresses; i++) {
		text_puts(&text, ",");
		text_puts(&text, nestnet_address_format(&guard->addresses[i], address));
	}
	text_add(&text, "", 1);
	value = text.is_failed ? NULL : json_string(text.bytes);
	text_free(&text);
	return value;
}

json_t *json_guards(const struct nestnet_guard *guards, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		array = json_append(array, json_guard(&guards[i]));
	return array;
}

/* ---- Tables ------------------------------------------------------------------------------- */

/* A value as the text of a cell; nothing is "-". @return allocated */
static char *cell_text(const json_t *value)
{
	char *text = NULL;
	int len = 0;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return strdup(json_string_value(value));
	case JSON_INTEGER:
		len = asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return len < 0 ? NULL : text;
	case JSON_TRUE:
		return strdup("yes");
	case JSON_FALSE:
		return strdup("no");
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++) {
			const char *item = json_string_value(json_array_get(value, i));
			char *longer;

			len = asprintf(&longer, "%s%s%s", text ? text : "", text ? "," : "",
				       item ? item : "");
			free(text);
			if (len < 0)
				return NULL;
			text = longer;
		}
		return text ? text : strdup("-");
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_REAL:
		break;
	}
	return strdup("-");
}

static bool is_shown(const struct column *column, const json_t *array)
{
	bool is_shown = !(column->flags & COLUMN_OPTIONAL);

	for (size_t index = 0; !is_shown && index < json_array_size(array); index++) {
		const json_t *value =
			json_object_get(json_array_get(array, index), column->key);

		is_shown = json_is_array(value) ? json_array_size(value) > 0
						: value && !json_is_null(value) &&
							  !json_is_false(value);
	}
	return is_shown;
}

static int fill_table(struct libscols_table *table, const json_t *array,
		      const struct column *columns, size_t n_columns)
{
	for (size_t c = 0; c < n_columns; c++) {
		if (!scols_table_new_column(
			    table, columns[c].title, 0,
			    (columns[c].flags & COLUMN_NUMBER) ? SCOLS_FL_RIGHT : 0))
			return -1;
	}
	for (size_t index = 0; index < json_array_size(array); index++) {
		const json_t *row = json_array_get(array, index);
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (size_t c = 0; c < n_columns; c++) {
			char *text = cell_text(json_object_get(row, columns[c].key));

			if (!line || !text || scols_line_refer_data(line, c, text) < 0) {
				free(text);
				return -1;
			}
		}
	}
	return 0;
}

/* The most columns of any table. */
#define COLUMNS_MAX 32

static int print_table(const json_t *array, const struct column *columns, size_t n_columns)
{
	struct libscols_table *table = scols_new_table();
	struct column shown[COLUMNS_MAX];
	size_t n_shown = 0;
	int r;

	if (!table)
		return -1;
	/* As wide as it is: what a script reads from a pipe must not be cut. */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t c = 0; c < n_columns && n_shown < COLUMNS_MAX; c++) {
		if (is_shown(&columns[c], array))
			shown[n_shown++] = columns[c];
	}
	r = fill_table(table, array, shown, n_shown);
	if (r == 0)
		r = scols_print_table(table);
	scols_unref_table(table);
	return r;
}

static int print_json(const json_t *array)
{
	if (json_dumpf(array, stdout, JSON_INDENT(2)) < 0)
		return -1;
	return putchar('\n') == EOF ? -1 : 0;
}

int rows_print(const struct cli *cli, struct rows *rows, const struct column *columns,
	       size_t n_columns, int code)
{
	int status = STATUS_OK;

	if (code < 0)
		status = cli_fail(cli, code);
	else if (rows->is_failed ||
		 (cli->is_json ? print_json(rows->array)
			       : print_table(rows->array, columns, n_columns)) < 0) {
		fprintf(stderr, "nestnet: out of memory\n");
		status = STATUS_FAILED;
	}
	if (rows->array)
		json_delete(rows->array);
	free(rows);
	return status;
}

int rows_command(struct cli *cli, int argc, char **argv, const struct column *columns,
		 size_t n_columns, rows_list_fn list)
{
	struct rows *rows;
	int status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 0, 0))
		return STATUS_USAGE;
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	rows = rows_new();
	if (!rows)
		return STATUS_FAILED;
	return rows_print(cli, rows, columns, n_columns, list(cli->ctx, rows));
}
