/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nestnet(1): global options, the command table, exit status. */

#include "command.h"
#include "file.h"
#include "output.h"

#include <errno.h>
#include <stdarg.h>
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

/* ---- Speaking ----------------------------------------------------------------------------- */

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

/* Prints a sentence on one line: what an argument brought along of control characters is
 * shown as such. */
static void say(const char *text)
{
	fputs("nestnet: ", stderr);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			fprintf(stderr, "\\x%02x", c);
		else
			fputc(c, stderr);
	}
	fputc('\n', stderr);
}

static void say_of_command(const struct cli *cli, const char *word, const char *format,
			   va_list args) __attribute__((format(printf, 3, 0)));

static void say_of_command(const struct cli *cli, const char *word, const char *format,
			   va_list args)
{
	char text[1024 + FILE_PLACE_MAX + 64], place[FILE_PLACE_MAX] = "", sentence[1024];

	if (cli->file)
		file_place(cli->file, word, place);
	vsnprintf(sentence, sizeof(sentence), format, args);
	if (cli->command)
		snprintf(text, sizeof(text), "%s%.16s%s%.16s: %s", place, cli->command->noun,
			 cli->command->verb ? " " : "",
			 cli->command->verb ? cli->command->verb : "", sentence);
	else
		snprintf(text, sizeof(text), "%s%s", place, sentence);
	say(text);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, NULL, format, args);
	va_end(args);
	return STATUS_USAGE;
}

int cli_usage_at(const struct cli *cli, const char *word, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, word, format, args);
	va_end(args);
	return STATUS_USAGE;
}

int cli_give_up(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_of_command(cli, NULL, format, args);
	va_end(args);
	return STATUS_FAILED;
}

int cli_give_up_on(const struct cli *cli, const char *what, const char *sentence)
{
	cli_say("%s %s %s: %s", cli->command->noun, cli->command->verb, what, sentence);
	return STATUS_FAILED;
}

void cli_end_without_memory(const struct cli *cli)
{
	int status = cli_give_up(cli, "out of memory");

	exit(cli->has_answers ? STATUS_USAGE : status);
}

void cli_say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(text);
}

int cli_fail(const struct cli *cli, int code)
{
	const char *sentence = cli->ctx ? nestnet_errmsg(cli->ctx) : strerror(-code);

	if (cli->file)
		file_say(cli->file, sentence);
	else
		say(sentence);
	return code == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

static void print_log(void *userdata, int level, const char *line)
{
	const struct cli *cli = userdata;

	if (level > NESTNET_LOG_NOTICE || !cli->is_quiet)
		say(line);
}

/* ---- Options -------------------------------------------------------------------------------- */

/* @return status, where all that was printed has been written */
static int end_output(int status)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(stderr, "nestnet: write the output: %s\n", strerror(errno));
		return STATUS_FAILED;
	}
	return status;
}

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
		exit(end_output(STATUS_OK));
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

/* ---- Transactions ---------------------------------------------------------------------------- */

int cli_open(struct cli *cli)
{
	int r;

	if (cli->ctx)
		return STATUS_OK;
	r = nestnet_new(&cli->ctx, cli->netns);
	if (r < 0)
		return cli_fail(cli, r);
	nestnet_set_log(cli->ctx, print_log, cli);
	nestnet_set_log_level(cli->ctx,
			      cli->is_verbose ? NESTNET_LOG_DEBUG : NESTNET_LOG_NOTICE);
	return STATUS_OK;
}

int cli_begin(struct cli *cli, struct nestnet_transaction **ret)
{
	int r;

	if (cli->file) {
		*ret = file_transaction(cli->file);
		return STATUS_OK;
	}
	r = cli_open(cli);
	if (r != STATUS_OK)
		return r;
	r = nestnet_transaction_new(cli->ctx, ret);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

struct changes {
	struct rows *rows; /* NULL: lines are printed */
	size_t n;
};

static int take_change(void *userdata, char op, const char *command)
{
	struct changes *changes = userdata;
	char sign[2] = { op, '\0' };

	changes->n++;
	if (changes->rows)
		rows_add(changes->rows,
			 json_pack("{s:s, s:s}", "op", sign, "command", command));
	else
		printf("%c %s\n", op, command);
	return 0;
}

int cli_print_plan(struct cli *cli, struct nestnet_transaction *tx, size_t *ret_n)
{
	struct changes changes = { .rows = NULL };
	int r;

	if (cli->is_json) {
		changes.rows = rows_new();
		if (!changes.rows)
			return STATUS_FAILED;
	}
	r = nestnet_transaction_plan(tx, take_change, &changes);
	if (ret_n)
		*ret_n = changes.n;
	if (cli->is_json)
		return rows_print(cli, changes.rows, NULL, 0, r);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

int cli_commit_keep(struct cli *cli, struct nestnet_transaction *tx, int code)
{
	if (code < 0)
		return cli_fail(cli, code);
	if (cli->file)
		return STATUS_OK;
	if (cli->is_dry_run)
		return cli_print_plan(cli, tx, NULL);
	code = nestnet_transaction_commit(tx);
	return code < 0 ? cli_fail(cli, code) : STATUS_OK;
}

int cli_commit(struct cli *cli, struct nestnet_transaction *tx, int code)
{
	int status = cli_commit_keep(cli, tx, code);

	if (!cli->file)
		nestnet_transaction_free(tx);
	return status;
}

int cli_names(struct cli *cli, int argc, char **argv, const struct cli_flag *flags, int most,
	      cli_name_fn fn)
{
	struct nestnet_transaction *tx;
	unsigned int given;
	int r = 0, status;

	if (!cli_take_flags(cli, argc, argv, flags, &given) ||
	    !cli_check_arguments(cli, argc, argv, 1, most))
		return STATUS_USAGE;
	status = cli_begin(cli, &tx);
	if (status != STATUS_OK)
		return status;
	for (int i = optind; r == 0 && i < argc; i++)
		r = fn(tx, argv[i], given);
	return cli_commit(cli, tx, r);
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
	int option, status;

	opterr = 0;
	while ((option = next_option(argc, argv, "+:" GLOBAL_LETTERS, global_options)) !=
	       -1) {
		if (!take_global(&cli, option)) {
			say_bad_option(&cli, option, argv);
			return STATUS_USAGE;
		}
	}
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
	return end_output(status);
}
