/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nestnet(1): help, the way to a command, exit status. */

#include "command.h"

#include <stdio.h>
#include <string.h>

/* ---- Help --------------------------------------------------------------------------------- */

static void print_help(const struct command *command)
{
	printf("Usage: nestnet %s%s%s%s%s\n\n%s\n", command->noun, command->verb ? " " : "",
	       command->verb ? command->verb : "", command->arguments[0] ? " " : "",
	       command->arguments, command->summary);
	if (command->options)
		printf("\n%s", command->options);
	printf("\nExample:\n    %s\n", command->example);
}

/* The commands, or those of one noun. */
static void print_commands(const char *noun)
{
	for (size_t i = 0; i < n_commands; i++) {
		char name[32];

		if (noun && strcmp(commands[i].noun, noun) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", commands[i].noun,
			 commands[i].verb ? " " : "",
			 commands[i].verb ? commands[i].verb : "");
		printf("  %-16s %s\n", name, commands[i].summary);
	}
}

static void print_overview(void)
{
	printf("Usage: nestnet [GLOBAL OPTIONS] COMMAND [ARGUMENTS]\n"
		    "Puts virtual machines on the network.\n\n");
	print_commands(NULL);
	printf("\n"
		    "  -j, --json          machine-readable output\n"
		    "  -n, --dry-run       change nothing; print what would be changed\n"
		    "  -N, --netns NAME    work in this network namespace: a name, a path or a "
		    "pid\n"
		    "  -q, --quiet         no notices\n"
		    "  -v, --verbose       say what is changed\n"
		    "  -h, --help          this, or the help of a command\n"
		    "  -V, --version\n\n"
		    "See nestnet(1).\n");
}

/* ---- The command ---------------------------------------------------------------------------- */

/* "add, del or list".
 * @return how many; 0: the noun is none that has verbs */
static size_t name_verbs(const char *noun, char *buf, size_t size)
{
	size_t n = 0, left = 0, len = 0;

	for (size_t i = 0; i < n_commands; i++)
		left += commands[i].verb && strcmp(commands[i].noun, noun) == 0;
	buf[0] = '\0';
	for (size_t i = 0; i < n_commands && len < size; i++) {
		if (!commands[i].verb || strcmp(commands[i].noun, noun) != 0)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
					n == 0          ? ""
					: n + 1 == left ? " or "
							: ", ",
					commands[i].verb);
		n++;
	}
	return n;
}

const struct command *cli_find(const struct cli *cli, const char *noun, const char *verb)
{
	char verbs[128];

	for (size_t i = 0; i < n_commands; i++) {
		if (strcmp(commands[i].noun, noun) != 0)
			continue;
		if (!commands[i].verb || (verb && strcmp(commands[i].verb, verb) == 0))
			return &commands[i];
	}
	if (name_verbs(noun, verbs, sizeof(verbs)) == 0)
		cli_usage_at(cli, noun, "unknown command '%s' (%s)", noun,
			     cli->file && strcmp(noun, "nestnet") == 0
				     ? "a line of a file begins behind that word"
				     : "see nestnet --help");
	else if (verb)
		cli_usage_at(cli, noun, "unknown command '%s %s': %s takes %s", noun, verb,
			     noun, verbs);
	else
		cli_usage_at(cli, noun, "'%s' wants a verb: %s", noun, verbs);
	return NULL;
}

static bool is_help(const char *word)
{
	return word && (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0);
}

/* "nestnet tap --help" and "nestnet help tap": the noun's commands. */
static bool print_noun(const struct cli *cli, const char *noun, const char *verb)
{
	char verbs[128];

	if (!(verb ? is_help(verb) : cli->is_help) ||
	    name_verbs(noun, verbs, sizeof(verbs)) == 0)
		return false;
	print_commands(noun);
	return true;
}

/* Whether help was asked for anywhere, so that no other argument is missed. */
static bool wants_help(const struct cli *cli, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (is_help(argv[i]))
			return true;
	}
	return cli->is_help;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct command *command;
	int skip;

	if (print_noun(cli, argv[0], argc > 1 ? argv[1] : NULL))
		return STATUS_OK;
	command = cli_find(cli, argv[0], argc > 1 ? argv[1] : NULL);
	if (!command)
		return STATUS_USAGE;
	cli->command = command;
	/* getopt takes argv[0] for the program's name: it is the last word of the command. */
	skip = command->verb ? 1 : 0;
	argc -= skip;
	argv += skip;
	if (wants_help(cli, argc, argv)) {
		print_help(command);
		return STATUS_OK;
	}
	optind = 0;
	return command->run(cli, argc, argv);
}

int main(int argc, char **argv)
{
	struct cli cli = { .command = NULL };
	int status;

	if (!cli_take_globals(&cli, argc, argv))
		return STATUS_USAGE;
	if (optind == argc && !cli.is_help)
		return cli_usage(&cli, "a command is missing (see nestnet --help)");
	if (optind < argc && strcmp(argv[optind], "help") == 0) {
		cli.is_help = true;
		optind++;
	}
	if (optind == argc || (cli.is_help && is_help(argv[optind]))) {
		print_overview();
		status = STATUS_OK;
	} else {
		status = run(&cli, argc - optind, argv + optind);
	}
	nestnet_free(cli.ctx);
	return cli_end_output(status);
}
