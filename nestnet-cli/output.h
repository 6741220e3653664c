/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_OUTPUT_H
#define NESTNET_CLI_OUTPUT_H

/* Rows that are printed as a table or as JSON: the same rows. */

#include "command.h"
#include "lazy.h"

#define COLUMN_NUMBER   (1u << 0) /* flushed right */
#define COLUMN_OPTIONAL (1u << 1) /* only where some row has a value */

/** A column of the table: the key of the rows' objects that it shows. */
struct column {
	const char *title;
	const char *key;
	unsigned int flags; /* COLUMN_* */
};

/** Where the next row goes. */
struct rows;

/** @return NULL where there is no memory, or no library to print with: which was said */
struct rows *rows_new(void);

/** Appends a row, and takes it; NULL (no memory) makes rows_print() fail. */
void rows_add(struct rows *rows, json_t *row);

/** Frees the rows, and hands out their array. @return NULL: a row was lost for memory */
json_t *rows_take(struct rows *rows);

/**
 * Prints the rows, and frees them: with --json as one array, else as a table with these
 * columns, on a terminal and in pipes alike.
 * @param code  of the library's listing; a failure is told instead
 */
int rows_print(const struct cli *cli, struct rows *rows, const struct column *columns,
	       size_t n_columns, int code);

/** Calls a list function of the library with rows as its callback's userdata. */
typedef int (*rows_list_fn)(struct nestnet *ctx, struct rows *rows);

/** A whole list command without arguments or options of its own. */
int rows_command(struct cli *cli, int argc, char **argv, const struct column *columns,
		 size_t n_columns, rows_list_fn list);

/** The array with the value, which it owns; NULL where there was no memory for it, since a
 *  list that lacks something is none. */
json_t *json_append(json_t *array, json_t *value);

/** Text, or null. */
json_t *json_text(const char *text);
/** Prefixes as texts, with their lengths. */
json_t *json_prefixes(const struct nestnet_prefix *prefixes, size_t n);
json_t *json_addresses(const struct nestnet_address *addresses, size_t n);
/** An address as text; NULL stays that, for keys that are only there with a value. */
json_t *json_address(const struct nestnet_address *address);
/** FIRST-LAST; NULL stays that. */
json_t *json_range(const struct nestnet_range *range);
json_t *json_mac(const uint8_t mac[6]);
/** Guards as texts, each as --guard takes it. */
json_t *json_guards(const struct nestnet_guard *guards, size_t n);
json_t *json_texts(const char *const *texts, size_t n);

#endif
