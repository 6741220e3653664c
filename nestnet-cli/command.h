/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_COMMAND_H
#define NESTNET_CLI_COMMAND_H

/* What every command gets and does: one invocation, its options, its end. */

#include <getopt.h>
#include <nestnet/nestnet.h>
#include <stdbool.h>

/** Exit statuses, as nestnet(1) promises them. */
enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1, /* the operation failed, or the host's state refuses it */
	STATUS_USAGE = 2,  /* the command line is wrong */
};

struct command;
struct file;

/** One invocation. */
struct cli {
	const struct command *command;
	struct nestnet *ctx;
	struct file *file; /* whose line is taken for a command line; else NULL */
	const char *netns;
	bool is_json, is_dry_run, is_quiet, is_verbose, is_help;
	bool has_answers; /* 1 is one of them, and a failure is 2 */
};

struct command {
	const char *noun; /* "expose", or "tap" with a verb */
	const char *verb; /* NULL: the noun says it */
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *arguments;
	const char *summary;
	const char *options; /* help on them, a line each; NULL: none */
	const char *example;
};

extern const struct command commands[];
extern const size_t n_commands;

/** What getopt_long() returns for options without a letter starts here. */
#define OPTION_FIRST 256

/** Takes the options before the command.
 *  @return false where one is wrong, which was said */
bool cli_take_globals(struct cli *cli, int argc, char **argv);

/**
 * The next option, global ones taken care of.
 * @return its value, -1 at the end, or '?' where it was wrong and that was said
 */
int cli_getopt(struct cli *cli, int argc, char **argv, const struct option *options,
	       const char *letters);

/** An option that takes no value. */
struct cli_flag {
	const char *name; /* NULL ends a list */
	unsigned int flag;
};

/** --if-exists alone. */
extern const struct cli_flag cli_if_exists[];

/** Reads the options of a command that has none with a value.
 *  @param ret_flags  of those that were there, together
 *  @return false where an option is wrong, which was said */
bool cli_take_flags(struct cli *cli, int argc, char **argv, const struct cli_flag *flags,
		    unsigned int *ret_flags);

/** A request about one name, such as nestnet_tap_del(). */
typedef int (*cli_name_fn)(struct nestnet_transaction *tx, const char *name,
			   unsigned int flags);

/** The whole of a command that takes flags and names, all in one transaction.
 *  @param most  names; -1: any number */
int cli_names(struct cli *cli, int argc, char **argv, const struct cli_flag *flags, int most,
	      cli_name_fn fn);

/** Says one line about the command line. @return STATUS_USAGE */
int cli_usage(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** The same of one word, or the rest of one, whose place in a file is told. */
int cli_usage_at(const struct cli *cli, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Prints a sentence on one line: what an argument brought along of control characters is
 *  shown as such. */
void cli_say_line(const char *text);

/** Says one line about anything else. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Says the library's sentence. @return the status for its code */
int cli_fail(const struct cli *cli, int code);

/** Says one line about what the host did not come to. @return STATUS_FAILED */
int cli_give_up(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** The same of an object, as the library says it: of a command that has a verb. */
int cli_give_up_on(const struct cli *cli, const char *what, const char *sentence);

/** Says so, and ends: of a line that was not read to its end nothing is done yet. */
void cli_end_without_memory(const struct cli *cli) __attribute__((noreturn));

/** @return status, where all that was printed has been written; else says so */
int cli_end_output(int status);

/** Holds the number of arguments that are left behind the options against the bounds; says what
 *  is wrong.
 *  @param most  -1: any number */
bool cli_check_arguments(const struct cli *cli, int argc, char **argv, int least, int most);

/** Commits the transaction, or prints its plan with --dry-run, and frees it. That of a file
 *  is committed at its end instead.
 *  @param code  of the last request; a refusal is told instead */
int cli_commit(struct cli *cli, struct nestnet_transaction *tx, int code);

/** The same, but on success leaves the transaction to be asked. */
int cli_commit_keep(struct cli *cli, struct nestnet_transaction *tx, int code);

/** Opens the context, once the command line was read to its end.
 *  @return STATUS_OK, or the failure's status */
int cli_open(struct cli *cli);

/** Prints what a commit would change. @param ret_n  counts the changes; or NULL */
int cli_print_plan(struct cli *cli, struct nestnet_transaction *tx, size_t *ret_n);

/** Finds a command by its words. @return NULL, and what is wrong was said */
const struct command *cli_find(const struct cli *cli, const char *noun, const char *verb);

/** Opens the context and a new transaction, or takes that of the file.
 *  @return STATUS_OK, or the failure's status */
int cli_begin(struct cli *cli, struct nestnet_transaction **ret);

/* One function a command, in the file of its noun. */
int cmd_expose(struct cli *cli, int argc, char **argv);
int cmd_unexpose(struct cli *cli, int argc, char **argv);
int cmd_list(struct cli *cli, int argc, char **argv);
int cmd_tap_add(struct cli *cli, int argc, char **argv);
int cmd_tap_del(struct cli *cli, int argc, char **argv);
int cmd_tap_list(struct cli *cli, int argc, char **argv);
int cmd_bridge_add(struct cli *cli, int argc, char **argv);
int cmd_bridge_del(struct cli *cli, int argc, char **argv);
int cmd_bridge_list(struct cli *cli, int argc, char **argv);
int cmd_bridge_attach(struct cli *cli, int argc, char **argv);
int cmd_bridge_detach(struct cli *cli, int argc, char **argv);
int cmd_nat_add(struct cli *cli, int argc, char **argv);
int cmd_nat_del(struct cli *cli, int argc, char **argv);
int cmd_nat_list(struct cli *cli, int argc, char **argv);
int cmd_forward_on(struct cli *cli, int argc, char **argv);
int cmd_forward_off(struct cli *cli, int argc, char **argv);
int cmd_forward_status(struct cli *cli, int argc, char **argv);
int cmd_alias_add(struct cli *cli, int argc, char **argv);
int cmd_alias_del(struct cli *cli, int argc, char **argv);
int cmd_alias_list(struct cli *cli, int argc, char **argv);
int cmd_dhcp_config(struct cli *cli, int argc, char **argv);
int cmd_dhcp_hosts(struct cli *cli, int argc, char **argv);
int cmd_dhcp_command(struct cli *cli, int argc, char **argv);
int cmd_guest_list(struct cli *cli, int argc, char **argv);
int cmd_guest_wait(struct cli *cli, int argc, char **argv);
int cmd_apply(struct cli *cli, int argc, char **argv);
int cmd_diff(struct cli *cli, int argc, char **argv);
int cmd_save(struct cli *cli, int argc, char **argv);
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_doctor(struct cli *cli, int argc, char **argv);
int cmd_trace(struct cli *cli, int argc, char **argv);
int cmd_monitor(struct cli *cli, int argc, char **argv);
int cmd_metrics(struct cli *cli, int argc, char **argv);
int cmd_clear(struct cli *cli, int argc, char **argv);

#endif
