/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that lives long, and one with many threads: what it made and took back ten
 * thousand times leaves no descriptor, no memory and no object of the kernel's; and threads
 * with a context each do not disturb one another (make check-threads looks closer).
 *
 * NN_SOAK_CYCLES says how many times (60; `make check-soak` 10,000).
 */

#include "netns.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 16

static unsigned int cycles(void)
{
	const char *text = getenv("NN_SOAK_CYCLES");

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : 60;
}

/* ---- What a process has ------------------------------------------------------------------ */

/* Resident memory that is the process's own, in KiB. */
static long resident_kib(void)
{
	long size, resident, shared;
	FILE *stream;

	/* What is free in between is no growth: check keeps a result for each test there. */
#ifdef __GLIBC__
	malloc_trim(0);
#endif
	stream = fopen("/proc/self/statm", "re");
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(fscanf(stream, "%ld %ld %ld", &size, &resident, &shared), 3);
	fclose(stream);
	return (resident - shared) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- One cycle ----------------------------------------------------------------------------- */

static void make(unsigned int number)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	struct nestnet_tap_options tap = {
		.size = sizeof(tap), .bridge = "br0", .guards = &guard, .n_guards = 1
	};
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	ok(nestnet_tap_add(tx, "tap%d", &tap));
	add_nat(tx, "192.168.122.0/24", 0);
	add_expose(tx, "10.128.0.13", "192.168.122.89", 0);
	add_expose(tx, number % 2 ? "10.128.0.14:80" : "[2001:db8::13]:80-90",
		   number % 2 ? "192.168.122.90:8000" : "fd12::89", 0);
	ok(commit(tx));
}

static void take_back(unsigned int number)
{
	struct nestnet_endpoint alias = alias_of("10.128.0.13");
	struct nestnet_prefix subnet = prefix_of("192.168.122.0/24");
	struct nestnet_transaction *tx = begin();

	/* By turns as one would, and all at once. */
	if (number % 3 == 0) {
		ok(nestnet_clear(tx));
		ok(commit(tx));
		return;
	}
	ok(nestnet_unexpose(tx, &alias, 0));
	ok(nestnet_unexpose_target(tx, NULL, 0));
	ok(nestnet_nat_del(tx, &subnet, 0));
	ok(nestnet_tap_del(tx, "tap0", 0));
	ok(nestnet_bridge_del(tx, "br0", 0));
	ok(commit(tx));
}

static int refuse_nothing(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)exposure;
	++*(unsigned int *)userdata;
	return 0;
}

/* What fails is no smaller part of a long life. */
static void fail_and_look(void)
{
	unsigned int n = 0;

	ck_assert_int_eq(expose("10.128.0.13", "192.168.122.90", 0), -EEXIST);
	ck_assert_int_eq(tap_del("absent0", 0), -ENOENT);
	ok(nestnet_exposure_list(ctx, NULL, refuse_nothing, &n));
	ck_assert_uint_eq(n, 2);
}

static void cycle(unsigned int number)
{
	make(number);
	fail_and_look();
	take_back(number);
}

/* One life in so many tests, since check counts the microseconds of each in an int; and one
 * before them, as what comes once, such as the allocator's reserves, comes in the first cycles. */
#define PARTS 10

static struct {
	char *before;
	unsigned int descriptors;
	long resident;
} life;

static void begin_life(void)
{
	life.before = snapshot();
	life.descriptors = count_entries("/proc/self/fd");
	life.resident = resident_kib();
}

static void end_life(void)
{
	long more = resident_kib() - life.resident; /* the snapshot's aside */

	snapshots_equal(life.before, NULL, "the namespace");
	ck_assert_uint_eq(count_entries("/proc/self/fd"), life.descriptors);
	printf("%u cycles: descriptors +0, memory %+ld KiB, the namespace as before\n",
	       cycles(), more);
	ck_assert_int_lt(more, 64);
	free(life.before);
}

START_TEST(a_long_life_leaves_no_descriptor_no_memory_and_no_object)
{
	unsigned int part = (unsigned int)_i, n = cycles();
	unsigned int first = part ? n * (part - 1) / PARTS : 0;
	unsigned int last = part ? n * part / PARTS : n < 300 ? n : 300;

	if (part == 1)
		begin_life();
	for (unsigned int i = first; i < last; i++)
		cycle(i);
	ok(clear());
	if (part == PARTS)
		end_life();
}
END_TEST

/* ---- Threads ---------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	unsigned int number, n;
	int result; /* of the first call that failed */
	char sentence[200];
};

static int put(struct nestnet *nn, unsigned int number, unsigned int i, bool is_adding)
{
	struct nestnet_transaction *tx = NULL;
	struct nestnet_endpoint alias, target;
	char text[64];
	int r = nestnet_transaction_new(nn, &tx);

	snprintf(text, sizeof(text), "10.%u.0.%u:80", number + 1, i % 200 + 1);
	if (r == 0)
		r = nestnet_alias_parse(text, &alias, NULL);
	if (r == 0)
		r = nestnet_target_parse("192.168.122.89:8000", &target, NULL);
	if (r == 0 && is_adding)
		r = nestnet_expose(tx, &alias, &target, NULL);
	else if (r == 0)
		r = nestnet_unexpose(tx, &alias, 0);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	nestnet_transaction_free(tx);
	return r;
}

/* A context each; all of them in one namespace, and so each other's second writers. */
static void *work(void *userdata)
{
	struct worker *worker = userdata;
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL);

	for (unsigned int i = 0; r == 0 && i < worker->n; i++) {
		r = put(nn, worker->number, i, true);
		if (r == 0 && i % 2)
			r = put(nn, worker->number, i, false);
	}
	worker->result = r;
	snprintf(worker->sentence, sizeof(worker->sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "");
	nestnet_free(nn);
	return NULL;
}

START_TEST(sixteen_threads_with_a_context_each_lose_nothing)
{
	static struct worker workers[THREADS];
	unsigned int n = cycles() / 3 > 100 ? 100 : cycles() / 3, listed = 0;

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .number = i, .n = n };
		ck_assert_int_eq(
			pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
		ck_assert_msg(workers[i].result == 0, "thread %u: %d: %s", i,
			      workers[i].result, workers[i].sentence);
	}
	ok(nestnet_exposure_list(ctx, NULL, refuse_nothing, &listed));
	ck_assert_uint_eq(listed, THREADS * ((n + 1) / 2));
	printf("%u threads, %u changes each, %u exposures left as they should be\n",
	       THREADS, n + n / 2, listed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("soak");
	TCase *soak = harness_case(suite, "soak", 3600);
	TCase *threads = netns_case(suite, "threads", 3600);

	tcase_add_unchecked_fixture(soak, netns_fresh, NULL);
	tcase_add_loop_test(soak,
			    a_long_life_leaves_no_descriptor_no_memory_and_no_object, 0,
			    PARTS + 1);
	tcase_add_test(threads, sixteen_threads_with_a_context_each_lose_nothing);
	return netns_run_in_one(suite);
}
