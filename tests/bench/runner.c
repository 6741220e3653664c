/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * runner RESULTS RAW <CASES
 *
 * Measures commands against each other: whole processes, from before the spawn until they
 * were waited for, with no shell in between. The series of a case take turns, and whoever
 * was first in one round is last in the next, so that what else the machine does meets all
 * of them alike. RESULTS gets a line a series (case, series, samples, then medians of the
 * wall clock with its tenth and ninetieth percentile, of CPU time, both in us, and of the
 * largest memory in KiB); RAW gets every number. Both are appended to.
 *
 * CASES has a directive a line, words apart by spaces. %r is the round, %a and %b make an
 * address of it (0.1, 0.2 ... 1.1 ...); <FILE and >FILE redirect.
 *	case NAME ROUNDS	begins a case
 *	fresh FILE	every measurement in a network namespace of its own, which the
 *			commands of FILE set up, for `ip -batch`
 *	series NAME	begins a series; what follows is done each round, in this order
 *	in PATH		in this network namespace
 *	env NAME VALUE	for what the series runs
 *	before COMMAND	is run, and not measured
 *	run COMMAND	is measured; several add up
 *	refused COMMAND	the same, and has to exit with 1
 *	write PATH TEXT	is measured; what a shell's own echo does
 *	prints COMMAND	measures itself: prints a number a line, each a sample
 *	after COMMAND	is run, and not measured
 *	finally COMMAND	is run for every round, when all rounds are over
 *	end		runs the case
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS  160
#define MAX_LINES  24
#define MAX_SERIES 8
#define WORD_SIZE  512

extern char **environ;

enum verb {
	VERB_IN,
	VERB_ENV,
	VERB_BEFORE,
	VERB_RUN,
	VERB_REFUSED,
	VERB_WRITE,
	VERB_PRINTS,
	VERB_AFTER,
	VERB_FINALLY,
	N_VERBS
};

static const char *const verbs[N_VERBS] = {
	[VERB_IN] = "in",         [VERB_ENV] = "env",         [VERB_BEFORE] = "before",
	[VERB_RUN] = "run",       [VERB_REFUSED] = "refused", [VERB_WRITE] = "write",
	[VERB_PRINTS] = "prints", [VERB_AFTER] = "after",     [VERB_FINALLY] = "finally",
};

/* One directive of a series; its words are not yet those of a round. */
struct line {
	enum verb verb;
	unsigned int n_words;
	char *words[MAX_WORDS];
};

struct sample {
	double wall_us, cpu_us, rss_kib;
};

struct series {
	char name[64];
	unsigned int n_lines;
	struct line lines[MAX_LINES];
	size_t n_samples;
	struct sample *samples;
};

struct bench {
	char name[64];
	unsigned int rounds;
	char fresh[WORD_SIZE]; /* "": in the namespace that is there */
	unsigned int n_series;
	struct series series[MAX_SERIES];
	FILE *results, *raw;
};

static void die(const char *what)
{
	fprintf(stderr, "runner: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double to_us(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void add_sample(struct series *series, struct sample sample)
{
	series->samples = realloc(series->samples,
				  (series->n_samples + 1) * sizeof(*series->samples));
	if (!series->samples)
		die("realloc");
	series->samples[series->n_samples++] = sample;
}

/* ---- One command ------------------------------------------------------------------------ */

/* A command with its redirections; an empty path is none. */
struct command {
	char words[MAX_WORDS][WORD_SIZE];
	char *argv[MAX_WORDS + 1];
	const char *input, *output;
};

/* Puts the round in the place of %r, %a and %b. */
static void expand(const char *word, unsigned int round, char ret[WORD_SIZE])
{
	size_t len = 0;

	for (; *word && len < WORD_SIZE - 12; word++) {
		unsigned int value = round;

		if (*word != '%' || !word[1] || !strchr("rab", word[1])) {
			ret[len++] = *word;
			continue;
		}
		word++;
		if (*word != 'r')
			value = *word == 'a' ? round / 250 : round % 250 + 1;
		len += (size_t)snprintf(ret + len, WORD_SIZE - len, "%u", value);
	}
	ret[len] = '\0';
}

static void make_command(const struct line *line, unsigned int round,
			 struct command *command)
{
	unsigned int n = 0;

	command->input = command->output = NULL;
	for (unsigned int i = 0; i < line->n_words; i++) {
		char *word = command->words[i];

		expand(line->words[i], round, word);
		if (word[0] == '<' && word[1])
			command->input = word + 1;
		else if (word[0] == '>' && word[1])
			command->output = word + 1;
		else
			command->argv[n++] = word;
	}
	command->argv[n] = NULL;
	if (n == 0) {
		fprintf(stderr, "runner: %s without a command\n", verbs[line->verb]);
		exit(2);
	}
}

/* @param output_fd  what the command prints goes there; -1: where ours goes, or into the
 *	file that the command names */
static struct sample run(const struct command *command, int expected, int output_fd)
{
	posix_spawn_file_actions_t actions;
	struct sample sample;
	struct rusage usage;
	double start;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (command->input)
		posix_spawn_file_actions_addopen(&actions, 0, command->input, O_RDONLY,
						 0);
	if (command->output)
		posix_spawn_file_actions_addopen(&actions, 1, command->output,
						 O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (output_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
	if (expected != 0) /* it says why, each time */
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);

	start = now_us();
	errno = posix_spawnp(&pid, command->argv[0], &actions, NULL, command->argv,
			     environ);
	if (errno)
		die(command->argv[0]);
	if (output_fd >= 0)
		close(output_fd);
	if (wait4(pid, &status, 0, &usage) != pid)
		die("wait4");
	sample.wall_us = now_us() - start;
	sample.cpu_us = to_us(usage.ru_utime) + to_us(usage.ru_stime);
	sample.rss_kib = (double)usage.ru_maxrss;
	posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
		fprintf(stderr, "runner: %s %s: status %d, not %d\n", command->argv[0],
			command->argv[1] ? command->argv[1] : "", status, expected << 8);
		exit(1);
	}
	return sample;
}

/* Runs a command that prints its own samples, at most what a pipe holds. */
static void run_printing(struct series *series, const struct command *command)
{
	int fds[2];
	char line[64];
	FILE *pipe;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe2");
	run(command, 0, fds[1]);
	pipe = fdopen(fds[0], "re");
	if (!pipe)
		die("fdopen");
	while (fgets(line, sizeof(line), pipe))
		add_sample(series, (struct sample){ .wall_us = strtod(line, NULL) });
	fclose(pipe);
}

static double write_text(const struct command *command)
{
	double start = now_us();
	int fd = open(command->argv[0], O_WRONLY | O_CLOEXEC);
	size_t len = command->argv[1] ? strlen(command->argv[1]) : 0;

	if (fd < 0 || write(fd, command->argv[1], len) != (ssize_t)len)
		die(command->argv[0]);
	close(fd);
	return now_us() - start;
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

/* ---- One round ----------------------------------------------------------------------------- */

static void add_up(struct sample *sum, struct sample more)
{
	sum->wall_us += more.wall_us;
	sum->cpu_us += more.cpu_us;
	if (sum->rss_kib < more.rss_kib)
		sum->rss_kib = more.rss_kib;
}

/* @return whether sum has what was measured */
static bool do_line(struct series *series, const struct line *line, unsigned int round,
		    struct sample *sum)
{
	struct command command;

	make_command(line, round, &command);
	switch (line->verb) {
	case VERB_IN:
		enter(command.argv[0]);
		return false;
	case VERB_ENV:
		setenv(command.argv[0], command.argv[1], 1);
		return false;
	case VERB_BEFORE:
	case VERB_AFTER:
		run(&command, 0, -1);
		return false;
	case VERB_RUN:
		add_up(sum, run(&command, 0, -1));
		return true;
	case VERB_REFUSED:
		add_up(sum, run(&command, 1, -1));
		return true;
	case VERB_WRITE:
		sum->wall_us += write_text(&command);
		return true;
	case VERB_PRINTS:
		run_printing(series, &command);
		return false;
	case VERB_FINALLY:
	case N_VERBS:
		return false;
	}
	return false;
}

static void do_round(struct series *series, unsigned int round)
{
	struct sample sum = { 0 };
	bool is_measured = false;

	for (unsigned int i = 0; i < series->n_lines; i++)
		is_measured |= do_line(series, &series->lines[i], round, &sum);
	if (is_measured)
		add_sample(series, sum);
}

static int open_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("/proc/self/ns/net");
	return fd;
}

static void return_to(int namespace)
{
	if (setns(namespace, CLONE_NEWNET) < 0)
		die("setns");
}

/* The kernel takes namespaces down in the background, and holds up others meanwhile: those
 * of a case are kept until it is over.
 * @return what keeps it */
static int do_fresh_round(struct bench *bench, struct series *series, unsigned int round)
{
	char ip[] = "ip", option[] = "-batch";
	struct command setup = { .argv = { ip, option, bench->fresh } };
	int home = open_namespace(), fresh;

	if (unshare(CLONE_NEWNET) < 0)
		die("unshare");
	fresh = open_namespace();
	run(&setup, 0, -1);
	do_round(series, round);
	return_to(home);
	close(home);
	return fresh;
}

static void take_back(struct series *series, unsigned int rounds)
{
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < series->n_lines; i++) {
			const struct line *line = &series->lines[i];
			struct command command;

			make_command(line, round, &command);
			if (line->verb == VERB_IN)
				enter(command.argv[0]);
			if (line->verb == VERB_ENV)
				setenv(command.argv[0], command.argv[1], 1);
			if (line->verb == VERB_FINALLY)
				run(&command, 0, -1);
		}
	}
}

/* ---- One case ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, unsigned int percent)
{
	return n % 2 == 0 && percent == 50 ? (sorted[n / 2 - 1] + sorted[n / 2]) / 2
					   : sorted[(n - 1) * percent / 100];
}

/* One of the numbers of every sample, sorted; and raw, unsorted, a line. */
static double *sorted(const struct bench *bench, const struct series *series,
		      const char *what, size_t offset)
{
	double *values = calloc(series->n_samples, sizeof(*values));

	if (!values)
		die("calloc");
	fprintf(bench->raw, "%s\t%s\t%s", bench->name, series->name, what);
	for (size_t i = 0; i < series->n_samples; i++) {
		memcpy(&values[i], (const char *)&series->samples[i] + offset,
		       sizeof(double));
		fprintf(bench->raw, "%c%.*f", i ? ' ' : '\t', values[i] < 100, values[i]);
	}
	fputc('\n', bench->raw);
	qsort(values, series->n_samples, sizeof(*values), compare);
	return values;
}

static void print_series(const struct bench *bench, const struct series *series)
{
	size_t n = series->n_samples;
	double *wall, *cpu, *rss;

	if (n == 0) {
		fprintf(stderr, "runner: %s, %s: nothing was measured\n", bench->name,
			series->name);
		exit(1);
	}
	wall = sorted(bench, series, "wall_us", offsetof(struct sample, wall_us));
	cpu = sorted(bench, series, "cpu_us", offsetof(struct sample, cpu_us));
	rss = sorted(bench, series, "rss_kib", offsetof(struct sample, rss_kib));
	fprintf(bench->results, "%s\t%s\t%zu\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\n",
		bench->name, series->name, n, percentile(wall, n, 50),
		percentile(wall, n, 10), percentile(wall, n, 90), percentile(cpu, n, 50),
		percentile(rss, n, 50));
	printf("%-22s %-24s median %10.1f us  10%% %10.1f  90%% %10.1f\n", bench->name,
	       series->name, percentile(wall, n, 50), percentile(wall, n, 10),
	       percentile(wall, n, 90));
	free(wall);
	free(cpu);
	free(rss);
}

/* How long the kernel has to take down what a case leaves. */
static const struct timespec a_while = { .tv_nsec = 200 * 1000 * 1000 };

static void run_case(struct bench *bench)
{
	unsigned int n = bench->rounds * bench->n_series, n_kept = 0;
	int home = open_namespace(), *kept = calloc(n + 1, sizeof(*kept));

	if (!kept)
		die("calloc");
	for (unsigned int i = 0; i < n; i++) {
		unsigned int round = i / bench->n_series, at = i % bench->n_series;
		struct series *series =
			&bench->series[round % 2 ? bench->n_series - 1 - at : at];

		if (bench->fresh[0])
			kept[n_kept++] = do_fresh_round(bench, series, round);
		else
			do_round(series, round);
	}
	for (unsigned int i = 0; i < bench->n_series; i++) {
		take_back(&bench->series[i], bench->rounds);
		print_series(bench, &bench->series[i]);
	}
	fflush(NULL);
	return_to(home);
	close(home);
	while (n_kept > 0)
		close(kept[--n_kept]);
	if (bench->fresh[0])
		nanosleep(&a_while, NULL);
	free(kept);
}

static void forget_case(struct bench *bench)
{
	for (unsigned int i = 0; i < bench->n_series; i++) {
		struct series *series = &bench->series[i];

		for (unsigned int j = 0; j < series->n_lines; j++) {
			for (unsigned int k = 0; k < series->lines[j].n_words; k++)
				free(series->lines[j].words[k]);
		}
		free(series->samples);
	}
	memset(bench->series, 0, sizeof(bench->series));
	bench->n_series = 0;
	bench->fresh[0] = '\0';
}

/* ---- The cases -------------------------------------------------------------------------------- */

static void wrong(const char *line)
{
	fprintf(stderr, "runner: cannot read: %s\n", line);
	exit(2);
}

static void add_line(struct bench *bench, const char *verb, char *words, const char *text)
{
	struct series *series = &bench->series[bench->n_series - 1];
	struct line *line = &series->lines[series->n_lines];
	unsigned int i = 0;

	while (i < N_VERBS && strcmp(verbs[i], verb) != 0)
		i++;
	if (i == N_VERBS || bench->n_series == 0 || series->n_lines == MAX_LINES)
		wrong(text);
	line->verb = i;
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		if (line->n_words == MAX_WORDS)
			wrong(text);
		line->words[line->n_words++] = strdup(word);
	}
	series->n_lines++;
}

static void read_line(struct bench *bench, const char *text)
{
	char verb[16] = "", name[64] = "", words[8192];
	int at = 0;

	if (sscanf(text, "%15s %n", verb, &at) < 1)
		return;
	snprintf(words, sizeof(words), "%s", text + at);
	if (strcmp(verb, "case") == 0) {
		if (sscanf(words, "%63s %u", bench->name, &bench->rounds) != 2)
			wrong(text);
	} else if (strcmp(verb, "fresh") == 0) {
		snprintf(bench->fresh, sizeof(bench->fresh), "%.*s",
			 (int)sizeof(bench->fresh) - 1, words);
	} else if (strcmp(verb, "series") == 0) {
		if (sscanf(words, "%63s", name) != 1 || bench->n_series == MAX_SERIES)
			wrong(text);
		strcpy(bench->series[bench->n_series++].name, name);
	} else if (strcmp(verb, "end") == 0) {
		run_case(bench);
		forget_case(bench);
	} else {
		add_line(bench, verb, words, text);
	}
}

int main(int argc, char **argv)
{
	static struct bench bench;
	char line[8192];

	if (argc != 3) {
		fprintf(stderr, "Usage: runner RESULTS RAW <CASES\n");
		return 2;
	}
	bench.results = fopen(argv[1], "ae");
	bench.raw = fopen(argv[2], "ae");
	if (!bench.results || !bench.raw)
		die(argv[bench.results ? 2 : 1]);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		read_line(&bench, line);
	}
	fclose(bench.results);
	fclose(bench.raw);
	return 0;
}
