/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options, global ones and a command's own, and the number of arguments behind them. */

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option global_options[] = {
	{ "json", no_argument, NULL, 'j' },    { "dry-run", no_argument, NULL, 'n' },
	{ "netns", required_argument, NULL, 'N' }, { "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
};
#define GLOBAL_LETTERS "jnN:qvhV"

/* @return whether the option was a global one */
static bool take_global(struct cli *cli, int option)
{
	switch (option) {
	case 'j':
		cli->is_json = true;
		return true;
	case 'n':
		cli->is_dry_run = true;
		return true;
	case 'N':
		cli->netns = optarg;
		return true;
	case 'q':
		cli->is_quiet = true;
		return true;
	case 'v':
		cli->is_verbose = true;
		return true;
	case 'h':
		cli->is_help = true;
		return true;
	case 'V':
		printf("nestnet %s\n", nestnet_version());
		exit(cli_end_output(STATUS_OK));
	}
	return false;
}

/* The word of the long option that getopt_long() has just taken. */
static const char *long_word(char **argv)
{
	const char *word = argv[optind - 1];

	return word == optarg ? argv[optind - 2] : word;
}

static bool is_whole_word(const char *name, char **argv)
{
	return strcspn(long_word(argv) + 2, "=") == strlen(name);
}

/* As getopt_long(), but an abbreviation is unknown: it would mean another option once there is
 * one more. */
static int next_option(int argc, char **argv, const char *letters,
		       const struct option *all)
{
	int index = -1, option = getopt_long(argc, argv, letters, all, &index);

	if (index < 0 || is_whole_word(all[index].name, argv))
		return option;
	optopt = 0;
	return '?';
}

static void say_unknown_option(const struct cli *cli, const char *word, const char *option)
{
	const struct command *command = cli->command;

	cli_usage_at(cli, word, "unknown option '%s' (see nestnet %s%s%s%s--help)", option,
		     command ? command->noun : "", command ? " " : "",
		     command && command->verb ? command->verb : "",
		     command && command->verb ? " " : "");
}

static void say_bad_option(const struct cli *cli, int option, char **argv)
{
	const char *word = long_word(argv);

	if (option == ':')
		cli_usage_at(cli, word, "option '%s' wants a value", word);
	else if (optopt && optopt < OPTION_FIRST && strncmp(word, "--", 2) != 0)
		say_unknown_option(cli, word, (char[]){ '-', (char)optopt, '\0' });
	else if (optopt)
		cli_usage_at(cli, word, "option '%s' takes no value", word);
	else
		say_unknown_option(cli, word, word);
}

/* The most options that a command has, with the global ones. */
#define OPTIONS_MAX 32

static bool may_have_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			return true;
	}
	return false;
}

int cli_getopt(struct cli *cli, int argc, char **argv, const struct option *options,
	       const char *letters)
{
	struct option all[OPTIONS_MAX];
	char all_letters[64];
	size_t n = 0;

	/* Most lines have none, and there may be ten thousand of them. */
	if (cli->file && !may_have_options(argc, argv)) {
		optind = 1;
		return -1;
	}
	/* A line of a file has none of those that are for all of it. */
	for (const struct option *o = global_options; !cli->file && o->name; o++)
		all[n++] = *o;
	for (const struct option *o = options; o && o->name && n < OPTIONS_MAX - 1; o++)
		all[n++] = *o;
	all[n] = (struct option){ NULL, 0, NULL, 0 };
	snprintf(all_letters, sizeof(all_letters), ":%s%s", cli->file ? "" : GLOBAL_LETTERS,
		 letters);

	for (;;) {
		int option = next_option(argc, argv, all_letters, all);

		if (option == '?' || option == ':') {
			say_bad_option(cli, option, argv);
			return '?';
		}
		if (option == -1 || !take_global(cli, option))
			return option;
	}
}

bool cli_take_globals(struct cli *cli, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = next_option(argc, argv, "+:" GLOBAL_LETTERS, global_options)) !=
	       -1) {
		if (!take_global(cli, option)) {
			say_bad_option(cli, option, argv);
			return false;
		}
	}
	return true;
}

const struct cli_flag cli_if_exists[] = {
	{ "if-exists", NESTNET_IF_EXISTS },
	{ NULL, 0 },
};

bool cli_take_flags(struct cli *cli, int argc, char **argv, const struct cli_flag *flags,
		    unsigned int *ret_flags)
{
	struct option options[OPTIONS_MAX] = { { NULL, 0, NULL, 0 } };
	int option;

	for (int i = 0; i < OPTIONS_MAX - 1 && flags[i].name; i++)
		options[i] = (struct option){ flags[i].name, no_argument, NULL,
					      OPTION_FIRST + i };
	*ret_flags = 0;
	while ((option = cli_getopt(cli, argc, argv, options, "")) != -1) {
		if (option < OPTION_FIRST)
			return false;
		*ret_flags |= flags[option - OPTION_FIRST].flag;
	}
	return true;
}

bool cli_check_arguments(const struct cli *cli, int argc, char **argv, int least, int most)
{
	const char *takes = cli->command->arguments[0] ? cli->command->arguments : "none";
	int n = argc - optind;

	if (n < least)
		cli_usage(cli, "too few arguments: it takes %s", takes);
	else if (most >= 0 && n > most)
		cli_usage_at(cli, argv[optind + most],
			     "too many arguments, from '%s' on: it takes %s",
			     argv[optind + most], takes);
	else
		return true;
	return false;
}
