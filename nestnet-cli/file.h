/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_FILE_H
#define NESTNET_CLI_FILE_H

/*
 * A file of commands: each line is taken for a command line, by the command's own function,
 * whose requests go to the file's one transaction. There is no second grammar.
 *
 * A line has words between blanks. '#' at the beginning of a word begins a comment. Quotes
 * are as in a shell, and nothing is expanded: '...' is literal, in "..." a backslash makes
 * one of "\$` literal, and elsewhere any one character. What is quoted ends on its line.
 */

#include "command.h"

/** Bytes that hold "FILE:LINE:COLUMN: " and its NUL; a longer name is cut. */
#define FILE_PLACE_MAX 300

struct file;

/**
 * Reads the file ("-": standard input) and queues what it says on a new transaction, which
 * is a whole state.
 * @return STATUS_OK, and *ret is to be freed; else what is wrong was said
 */
int file_read(struct cli *cli, const char *name, struct file **ret);
void file_free(struct file *file);

struct nestnet_transaction *file_transaction(const struct file *file);

/**
 * Takes words for one command of the file.
 * @param where  what they were made of, such as "taps[3]"; NULL: the present line
 */
int file_take(struct cli *cli, struct file *file, const char *where, int argc, char **argv);

/** The place of a word, or the rest of one, of the present line; of its beginning where word
 *  is NULL or none of it. */
void file_place(const struct file *file, const char *word, char *buf);

/** Says the library's sentence, with the place of the line that it is about. */
void file_say(const struct file *file, const char *sentence);

/** JSON as printed by status, in place of lines. */
int file_take_json(struct cli *cli, struct file *file, const char *text, size_t len);

/** Says one line about that place of the file. */
void file_say_at(const struct file *file, size_t line, size_t column, const char *sentence);

/** What file_place() says instead of line and column; NULL: nothing. */
void file_set_where(struct file *file, const char *where);

#endif
