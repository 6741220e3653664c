/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * runner ROUNDS GROUP NESTNET IPTABLES
 *
 * How long one exposure takes as whole processes: `nestnet expose A B` against the two
 * iptables commands that it replaces, in turns, each round with an alias of its own. From
 * before the spawn until the last process was waited for; no shell is in between. Prints
 * medians and their ratio.
 *
 * After GROUP rounds what they made is taken back. That waits for the kernel, and whatever
 * runs first after a wait finds caches and processor cold: with GROUP 1 each round does, and
 * one process of the two of iptables is spared it.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* What one kind of processes took, in microseconds, round by round. */
struct series {
	const char *name;
	double *wall, *cpu;
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

/* Runs a command that must succeed. @return its CPU time */
static double run(const char *const *argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	errno = posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (errno)
		die(argv[0]);
	if (wait4(pid, &status, 0, &usage) != pid)
		die("wait4");
	if (status != 0) {
		fprintf(stderr, "runner: %s %s %s: status %d\n", argv[0], argv[1],
			argv[2], status);
		exit(1);
	}
	return to_us(usage.ru_utime) + to_us(usage.ru_stime);
}

/* What a round makes. */
struct names {
	char alias[32], target[32];
};

static struct names names_of(unsigned int round)
{
	struct names names;

	snprintf(names.alias, sizeof(names.alias), "10.130.%u.%u", round / 250,
		 round % 250 + 1);
	snprintf(names.target, sizeof(names.target), "192.168.%u.%u", 100 + round / 250,
		 round % 250 + 1);
	return names;
}

static double run_nestnet(const char *nestnet, unsigned int round, bool is_adding)
{
	struct names names = names_of(round);
	const char *const add[] = { nestnet, "expose", names.alias, names.target, NULL };
	const char *const del[] = { nestnet, "unexpose", names.alias, NULL };

	return run(is_adding ? add : del);
}

static double run_iptables(const char *iptables, unsigned int round, bool is_adding)
{
	struct names names = names_of(round);
	const char *how = is_adding ? "-A" : "-D";
	const char *const dnat[] = { iptables,     "-t",   "nat",        how,
				     "PREROUTING", "-d",   names.alias,  "-j",
				     "DNAT",       "--to", names.target, NULL };
	const char *const masquerade[] = { iptables,      "-t", "nat",        how,
					   "POSTROUTING", "-s", names.target, "-j",
					   "MASQUERADE",  NULL };
	double cpu = run(dnat);

	return cpu + run(masquerade);
}

static void measure(struct series *series, unsigned int round,
		    double (*expose)(const char *program, unsigned int round,
				     bool is_adding),
		    const char *program)
{
	double start = now_us();

	series->cpu[round] = expose(program, round, true);
	series->wall[round] = now_us() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double print_series(struct series *series, unsigned int n)
{
	double wall = median(series->wall, n), cpu = median(series->cpu, n);

	printf("%-24s median %7.0f us   10%% %7.0f   90%% %7.0f   CPU %7.0f us\n",
	       series->name, wall, series->wall[n / 10], series->wall[n - 1 - n / 10],
	       cpu);
	return wall;
}

static struct series make_series(const char *name, unsigned int n)
{
	struct series series = { .name = name,
				 .wall = calloc(n, sizeof(double)),
				 .cpu = calloc(n, sizeof(double)) };

	if (!series.wall || !series.cpu)
		die("calloc");
	return series;
}

static void free_series(struct series *series)
{
	free(series->wall);
	free(series->cpu);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 5 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
	unsigned int group = argc == 5 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	struct series ours, theirs;
	double ratio;

	if (rounds == 0 || group == 0) {
		fprintf(stderr, "Usage: runner ROUNDS GROUP NESTNET IPTABLES\n");
		return 2;
	}
	ours = make_series("nestnet expose", rounds);
	theirs = make_series("iptables, both commands", rounds);
	for (unsigned int round = 0, first = 0; round < rounds; round++) {
		/* Whoever is first this time is second the next. */
		if (round % 2)
			measure(&theirs, round, run_iptables, argv[4]);
		measure(&ours, round, run_nestnet, argv[3]);
		if (round % 2 == 0)
			measure(&theirs, round, run_iptables, argv[4]);
		if (round + 1 - first < group && round + 1 < rounds)
			continue;
		for (; first <= round; first++) {
			run_nestnet(argv[3], first, false);
			run_iptables(argv[4], first, false);
		}
	}
	ratio = print_series(&ours, rounds) / print_series(&theirs, rounds);
	printf("%-24s %.2f\n", "ratio", ratio);
	free_series(&ours);
	free_series(&theirs);
	return 0;
}
