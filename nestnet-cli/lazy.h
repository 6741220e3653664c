/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_LAZY_H
#define NESTNET_CLI_LAZY_H

/*
 * jansson and libsmartcols, loaded by the verbs that print rows and by no other: mapping
 * and relocating both takes a tenth of the time of one whole `nestnet expose`.
 *
 * Their functions are called by their own names, through pointers that lazy_load() sets.
 */

#include <jansson.h>
#include <libsmartcols.h>
#include <stdbool.h>

#define LAZY_JANSSON(f)                                                        \
	f(json_array) f(json_array_append_new) f(json_array_get)               \
	f(json_array_size) f(json_delete) f(json_dumpf) f(json_false)          \
	f(json_integer) f(json_integer_value) f(json_loadb) f(json_null)       \
	f(json_object) f(json_object_get) f(json_object_iter)                  \
	f(json_object_iter_key) f(json_object_iter_next) f(json_object_set_new) f(json_pack) \
	f(json_sprintf) f(json_string) \
	f(json_string_value) f(json_true)

#define LAZY_SMARTCOLS(f)                                                      \
	f(scols_line_refer_data) f(scols_new_table) f(scols_print_table)       \
	f(scols_table_enable_ascii)                                    \
	f(scols_table_new_column) f(scols_table_new_line)                      \
	f(scols_table_set_termforce) f(scols_unref_table)

#define LAZY_POINTER(name) __typeof__(name) *name;

struct lazy {
	LAZY_JANSSON(LAZY_POINTER)
	LAZY_SMARTCOLS(LAZY_POINTER)
};

extern struct lazy lazy;

/** Loads both, once. @return false where one is not there, which was said */
bool lazy_load(void);

#ifndef LAZY_NAMES_ARE_REAL
#define json_array                lazy.json_array
#define json_array_append_new     lazy.json_array_append_new
#define json_array_get            lazy.json_array_get
#define json_array_size           lazy.json_array_size
#define json_delete               lazy.json_delete
#define json_dumpf                lazy.json_dumpf
#define json_false                lazy.json_false
#define json_integer              lazy.json_integer
#define json_integer_value        lazy.json_integer_value
#define json_loadb                lazy.json_loadb
#define json_null                 lazy.json_null
#define json_object               lazy.json_object
#define json_object_get           lazy.json_object_get
#define json_object_iter          lazy.json_object_iter
#define json_object_iter_key      lazy.json_object_iter_key
#define json_object_iter_next     lazy.json_object_iter_next
#define json_object_set_new       lazy.json_object_set_new
#define json_pack                 lazy.json_pack
#define json_sprintf              lazy.json_sprintf
#define json_string               lazy.json_string
#define json_string_value         lazy.json_string_value
#define json_true                 lazy.json_true
#define scols_line_refer_data     lazy.scols_line_refer_data
#define scols_new_table           lazy.scols_new_table
#define scols_print_table         lazy.scols_print_table
#define scols_table_enable_ascii  lazy.scols_table_enable_ascii
#define scols_table_new_column    lazy.scols_table_new_column
#define scols_table_new_line      lazy.scols_table_new_line
#define scols_table_set_termforce lazy.scols_table_set_termforce
#define scols_unref_table         lazy.scols_unref_table
#endif

#endif
