/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * runner WAY ROUNDS NESTNET IPTABLES IP
 *
 * How long one exposure takes as whole processes: `nestnet expose A B` against the two
 * iptables commands that it replaces, in turns, each round with an alias of its own. From
 * before the spawn until the last process was waited for; no shell is in between. Prints
 * medians and their ratio.
 *
 * The ways, since what came before a command is part of what it takes:
 *	add	one after the other; what was made is taken back at the end.
 *	again	what a round made is taken back at its end. That waits for the kernel, and
 *		whatever runs first after a wait finds caches and processor cold: nestnet's
 *		one process does, and only one of the two of iptables.
 *	first	each in a network namespace made for it, which IP, a file of commands for
 *		`ip -batch`, sets up: both make their tables and chains.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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

/* What the command line says. */
struct bench {
	const char *way;
	unsigned int rounds;
	const char *nestnet, *iptables, *ip;
};

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

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
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

static double run_nestnet(const struct bench *bench, unsigned int round, bool is_adding)
{
	struct names names = names_of(round);
	const char *const add[] = { bench->nestnet, "expose", names.alias, names.target,
				    NULL };
	const char *const del[] = { bench->nestnet, "unexpose", names.alias, NULL };

	return run(is_adding ? add : del);
}

static double run_iptables(const struct bench *bench, unsigned int round, bool is_adding)
{
	struct names names = names_of(round);
	const char *how = is_adding ? "-A" : "-D";
	const char *const dnat[] = { bench->iptables, "-t",   "nat",        how,
				     "PREROUTING",    "-d",   names.alias,  "-j",
				     "DNAT",          "--to", names.target, NULL };
	const char *const masquerade[] = { bench->iptables, "-t", "nat",        how,
					   "POSTROUTING",   "-s", names.target, "-j",
					   "MASQUERADE",    NULL };
	double cpu = run(dnat);

	return cpu + run(masquerade);
}

typedef double (*exposer)(const struct bench *bench, unsigned int round, bool is_adding);

/* What one exposure took. */
struct sample {
	double wall, cpu;
};

static struct sample measure_here(const struct bench *bench, unsigned int round,
				  exposer expose)
{
	double start = now_us();
	struct sample sample;

	sample.cpu = expose(bench, round, true);
	sample.wall = now_us() - start;
	return sample;
}

/* In a process of its own, since only with that its namespace goes again. */
static struct sample measure_first(const struct bench *bench, unsigned int round,
				   exposer expose)
{
	const char *const setup[] = { "ip", "-batch", bench->ip, NULL };
	struct sample sample;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe2");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			die("unshare");
		run(setup);
		sample = measure_here(bench, round, expose);
		_exit(write(fds[1], &sample, sizeof(sample)) == sizeof(sample) ? 0 : 1);
	}
	close(fds[1]);
	if (read(fds[0], &sample, sizeof(sample)) != sizeof(sample))
		exit(1); /* it said why */
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return sample;
}

static void measure(struct series *series, const struct bench *bench, unsigned int round,
		    exposer expose)
{
	bool is_first = strcmp(bench->way, "first") == 0;
	struct sample sample = is_first ? measure_first(bench, round, expose)
					: measure_here(bench, round, expose);

	series->wall[round] = sample.wall;
	series->cpu[round] = sample.cpu;
}

static void take_back(const struct bench *bench, unsigned int first, unsigned int end)
{
	for (unsigned int round = first; round < end; round++) {
		run_nestnet(bench, round, false);
		run_iptables(bench, round, false);
	}
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

static void run_rounds(const struct bench *bench, struct series *ours,
		       struct series *theirs)
{
	for (unsigned int round = 0; round < bench->rounds; round++) {
		/* Whoever is first this time is second the next. */
		if (round % 2)
			measure(theirs, bench, round, run_iptables);
		measure(ours, bench, round, run_nestnet);
		if (round % 2 == 0)
			measure(theirs, bench, round, run_iptables);
		if (strcmp(bench->way, "again") == 0)
			take_back(bench, round, round + 1);
	}
	if (strcmp(bench->way, "add") == 0)
		take_back(bench, 0, bench->rounds);
}

int main(int argc, char **argv)
{
	struct bench bench = { .way = "" };
	struct series ours, theirs;
	double ratio;

	if (argc == 6)
		bench = (struct bench){ .way = argv[1],
					.rounds = (unsigned int)strtoul(argv[2], NULL, 10),
					.nestnet = argv[3],
					.iptables = argv[4],
					.ip = argv[5] };
	if (bench.rounds == 0 ||
	    (strcmp(bench.way, "add") != 0 && strcmp(bench.way, "again") != 0 &&
	     strcmp(bench.way, "first") != 0)) {
		fprintf(stderr,
			"Usage: runner add|again|first ROUNDS NESTNET IPTABLES IP\n");
		return 2;
	}
	ours = make_series("nestnet expose", bench.rounds);
	theirs = make_series("iptables, both commands", bench.rounds);
	run_rounds(&bench, &ours, &theirs);
	ratio = print_series(&ours, bench.rounds) / print_series(&theirs, bench.rounds);
	printf("%-24s %.2f\n", "ratio", ratio);
	free_series(&ours);
	free_series(&theirs);
	return 0;
}
