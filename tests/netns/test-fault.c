/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commits that fail, at every single point where they can: each message, each answer, each
 * setting and each ioctl, one after another, until the commit gets through. After each the
 * namespace is as it was, or as it was wanted where the commit said 0, or the commit said
 * that it could not be put back; and its sentence begins with what was asked for.
 *
 * Each point fails with another errno, by turns; with NN_FAULT_CODES=all every one with all
 * of them (make check-all-faults). The last line counts.
 */

#include "attempts.h"
#include "faults.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- How it must end -------------------------------------------------------------------------- */

static bool is_public(int r)
{
	static const int codes[] = { EINVAL,     EEXIST,     ENOENT,          ENODEV,
				     EADDRINUSE, EBUSY,      EPERM,           EAGAIN,
				     ENOMEM,     EOPNOTSUPP, ENOTRECOVERABLE, EIO };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (r == -codes[i])
			return true;
	}
	return false;
}

/* What a call may fail with: what the kernel says, and what a filter of system calls or a
 * library in between might. */
static const int codes[] = { EPERM,  EACCES, ENOMEM, ENOBUFS, EMSGSIZE,
			     EINVAL, EIO,    EAGAIN, EINTR,   ECONNREFUSED,
			     ENODEV, ENOSYS, ENOENT, EBUSY,   EOPNOTSUPP };

/* One kind of fault in one attempt, at each point in turn. */
struct run {
	const struct attempt *attempt;
	enum fault fault;
	unsigned int n;
	int code;
	char *before, *after;
	bool is_struck;
	bool is_made; /* the namespace is as it was wanted */
	int result;
	char sentence[512];
};

/* The sentence begins with the command; of a whole one with that of a part. */
static bool says_what(const struct run *run)
{
	const char *name = run->attempt->name;

	if (strncmp(name, "a whole ", 8) == 0)
		return run->sentence[0] != '\0';
	return strncmp(run->sentence, name, strcspn(name, ",-")) == 0;
}

/* @return what is wrong with the end of a try, to be freed, or NULL */
static char *judge(const struct run *run, bool *ret_as_before)
{
	bool may_be_left = !fault_is_single(run->fault) || run->attempt->is_final;
	char *now, *difference;

	*ret_as_before = false;
	if (run->result == -ENOTRECOVERABLE)
		return may_be_left ? NULL : strdup("one failure can be undone");
	if (!run->is_struck && run->result != 0)
		return strdup("nothing failed, and yet");
	if (!is_public(run->result) && run->result != 0)
		return strdup("no public code");
	if (run->result != 0 && !says_what(run))
		return strdup("it does not say what was attempted");
	*ret_as_before = run->result != 0;
	now = snapshot();
	difference = snapshots_difference(run->result ? run->before : run->after, now);
	free(now);
	return difference;
}

/* A try with its own context, since what is left in a socket's queue is not the next one's
 * matter. */
static void try(struct run *run)
{
	nestnet_free(ctx);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	faults_arm(ctx, run->fault, run->n);
	faults_set_code(run->code);
	run->result = run->attempt->act();
	run->is_struck = faults_disarm();
	snprintf(run->sentence, sizeof(run->sentence), "%s", nestnet_errmsg(ctx));
	nestnet_free(ctx);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
}

static void arrange_anew(const struct run *run)
{
	if (run->is_made && run->attempt->back) {
		ok(run->attempt->back());
		return;
	}
	netns_fresh();
	run->attempt->arrange();
}

/* Of all processes together. */
static unsigned int *n_points;

static bool has_all_codes(void)
{
	const char *text = getenv("NN_FAULT_CODES");

	return text && strcmp(text, "all") == 0;
}

/* @return how many tries this point has: with all codes, or with one of them by turns */
static size_t count_codes(const struct run *run)
{
	return fault_has_code(run->fault) && has_all_codes() ? ARRAY_LEN(codes) : 1;
}

static void choose_code(struct run *run, size_t number)
{
	size_t turn = run->n + run->fault + (size_t)(run->attempt - attempts);
	size_t i = has_all_codes() ? number : turn;

	run->code = codes[i % ARRAY_LEN(codes)];
	/* What is interrupted for ever never ends, and must not; and where a receive was, its
	 * answer is still there. */
	if (run->code == EINTR &&
	    (!fault_is_single(run->fault) || run->fault == FAULT_ANSWER))
		run->code = EIO;
}

/* Says the first that is wrong, and goes on no further. @return whether all was right */
static bool run_through(struct run *run, int report)
{
	/* A single answer that is lost is mostly no failure, and so what was done has to be
	 * taken back, which is what takes its time: each is lost in one of the two ways. */
	bool has_half = run->fault == FAULT_ANSWER || run->fault == FAULT_ANSWER_UNREAD;
	unsigned int first = has_half && run->fault == FAULT_ANSWER ? 2 : 1;
	unsigned int step = has_half ? 2 : 1;
	bool is_as_before = false;
	char *wrong = NULL;

	netns_fresh();
	run->attempt->arrange();
	run->before = snapshot();
	ok(run->attempt->act());
	run->after = snapshot();
	run->is_made = true;
	for (run->n = first, run->is_struck = true; run->is_struck && !wrong;
	     run->n += step) {
		if (run->n > 1000) {
			wrong = strdup("no end");
			break;
		}
		for (size_t i = 0; i < count_codes(run) && run->is_struck && !wrong;
		     i++) {
			choose_code(run, i);
			if (!is_as_before)
				arrange_anew(run);
			try(run);
			wrong = judge(run, &is_as_before);
			run->is_made = run->result == 0;
			if (run->is_struck)
				__atomic_fetch_add(n_points, 1, __ATOMIC_RELAXED);
		}
	}
	if (wrong)
		dprintf(report, "%s, %s (%s) at %u: %d: %.200s: %.600s\n",
			run->attempt->name, fault_name(run->fault), strerror(run->code),
			run->n - step, run->result, run->sentence, wrong);
	free(run->before);
	free(run->after);
	return !wrong;
}

/* Attempts that are tried side by side, each with each fault in a process and in namespaces
 * of its own, since most of the time goes into the kernel's grace periods. */
static void check_kinds(size_t first, size_t last, const enum fault *kinds, size_t n_kinds)
{
	size_t n = (last - first + 1) * n_kinds;
	unsigned int n_wrong = 0;
	char text[3500] = ""; /* check itself takes 4096 */
	int report[2], status;
	pid_t *pids = calloc(n, sizeof(*pids));
	ssize_t len;

	ck_assert_ptr_nonnull(pids);
	ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
	for (size_t i = 0; i < n; i++) {
		struct run run = { .attempt = &attempts[first + i / n_kinds],
				   .fault = kinds[i % n_kinds] };

		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(run_through(&run, report[1]) ? 0 : 1);
	}
	close(report[1]);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		n_wrong += status != 0;
	}
	len = read(report[0], text, sizeof(text) - 1);
	free(pids);
	ck_assert_msg(n_wrong == 0 && len == 0, "%u of %zu\n%s", n_wrong, n, text);
}

static void check_attempts(size_t first, size_t last)
{
	enum fault kinds[FAULT_KINDS - 1];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		kinds[i] = (enum fault)(i + 1);
	check_kinds(first, last, kinds, ARRAY_LEN(kinds));
}

START_TEST(an_exposure_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(0, 4);
}
END_TEST

START_TEST(a_subnet_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(5, 6);
}
END_TEST

START_TEST(a_link_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(7, 12);
}
END_TEST

START_TEST(forwarding_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(13, 14);
}
END_TEST

START_TEST(a_whole_network_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(15, 15);
}
END_TEST

START_TEST(clear_that_fails_anywhere_leaves_all_as_it_was_or_says_so)
{
	check_attempts(16, 16);
}
END_TEST

START_TEST(coexistence_that_fails_anywhere_leaves_all_as_it_was)
{
	/* Lost answers, of which most do no harm, are the same as elsewhere. */
	static const enum fault kinds[] = { FAULT_SEND, FAULT_SENDS, FAULT_ANSWERS,
					    FAULT_BATCH, FAULT_WRITE };

	check_kinds(17, 20, kinds, ARRAY_LEN(kinds));
}
END_TEST

START_TEST(an_open_tap_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(21, 21);
}
END_TEST

/* ---- Answers ------------------------------------------------------------------------ */

/* kernel/netlink-message.h: "Where the answer was lost, the message is sent again". And of a
 * batch it is found out whether it was done. */
START_TEST(one_lost_answer_is_no_failure)
{
	const struct attempt *attempt = &attempts[_i];
	struct run run = { .attempt = attempt, .fault = FAULT_ANSWER, .is_struck = true };

	for (run.n = 1; run.is_struck; run.n++) {
		ck_assert_uint_lt(run.n, 1000);
		netns_fresh();
		attempt->arrange();
		try(&run);
		ck_assert_msg(run.result == 0, "%s, answer %u lost: %d: %s",
			      attempt->name, run.n, run.result, run.sentence);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults");
	double seconds = has_all_codes() ? 3600 : 120;
	int r;
	TCase *every = netns_case(suite, "every", seconds);
	TCase *coexisting = netns_case(suite, "coexisting", seconds);
	TCase *single = netns_case(suite, "single", 20);

	tcase_add_loop_test(single, one_lost_answer_is_no_failure, 0, 7);
	tcase_add_loop_test(single, one_lost_answer_is_no_failure, 17, 18);
	tcase_add_test(every, an_exposure_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_subnet_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_link_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, forwarding_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_whole_network_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(coexisting, coexistence_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, an_open_tap_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, clear_that_fails_anywhere_leaves_all_as_it_was_or_says_so);
	n_points = mmap(NULL, sizeof(*n_points), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n_points == MAP_FAILED)
		return 1;
	r = netns_run(suite);
	printf("%u points, %zu errnos %s\n", *n_points, ARRAY_LEN(codes),
	       has_all_codes() ? "at each" : "by turns");
	return r;
}
