/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many writers at once, and somebody who is against all of them: flushes the ruleset, makes
 * and deletes tables, renames and deletes links. Nothing is lost that nobody took, nothing is
 * there twice, nobody waits for ever; and who reads meanwhile sees no state that never was.
 *
 * NN_STORM_OPERATIONS is how many each writer makes (40), NN_STORM_READS how many times is
 * read (300); `make check-storm` takes 1,000 and 10,000. Each test says its figure.
 */

#include "faults.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

static unsigned int number_of(const char *name, unsigned int usual)
{
	const char *text = getenv(name);

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : usual;
}

/* ---- Processes ---------------------------------------------------------------------------- */

/* What all processes count together. */
static struct counts {
	unsigned int operations, refused, blows;
} * counts;

#define count(what) __atomic_fetch_add(&counts->what, 1, __ATOMIC_RELAXED)

static void share_counts(void)
{
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(counts, MAP_FAILED);
}

/* Runs a function with a context of its own, in a process of its own.
 * @param stop  a pipe, which is over when this process closes its other end; or NULL */
static pid_t start(void (*fn)(unsigned int number, int stop), unsigned int number,
		   const int *stop)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	if (stop)
		close(stop[1]);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	fn(number, stop ? stop[0] : -1);
	nestnet_free(ctx);
	_exit(0);
}

static void await(pid_t pid, const char *what)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s failed", what);
}

/* Whether the other end of the pipe is closed. */
static bool is_over(int stop)
{
	char byte;

	return read(stop, &byte, 1) == 0;
}

static void make_stop(int *stop)
{
	ck_assert_int_eq(pipe2(stop, O_CLOEXEC | O_NONBLOCK), 0);
}

/* ---- Writers and their adversary ------------------------------------------------------------ */

static void name_alias(char *alias, size_t size, unsigned int writer, unsigned int i)
{
	snprintf(alias, size, "10.128.%u.%u:%u", writer, i % 250 + 1, 80 + i / 250);
}

static bool has_flushes; /* the adversary takes exposures too */

/* What may come of an operation; what others did to it is told, and is no failure. */
static void may_be(int r, int one, int other)
{
	count(operations);
	if (r == 0)
		return;
	count(refused);
	ck_assert_msg(r == -EAGAIN || r == -one || r == -other, "%d: %s", r,
		      nestnet_errmsg(ctx));
}

static int refuse_second(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)exposure;
	++*(unsigned int *)userdata;
	return 0;
}

/* What I exposed is there, once. */
static void check_is_there(const char *alias)
{
	struct nestnet_endpoint value = alias_of(alias);
	unsigned int n = 0;

	ok(nestnet_exposure_list(ctx, &value, refuse_second, &n));
	ck_assert_msg(n == 1, "%s: there %u times", alias, n);
}

/* Every other one stays. */
static void write_exposure(unsigned int writer, unsigned int i)
{
	char alias[64];
	int r;

	name_alias(alias, sizeof(alias), writer, i);
	r = expose(alias, GUEST, NESTNET_EXPOSE_NO_FORWARD);
	may_be(r, EAGAIN, EAGAIN);
	if (!has_flushes)
		ck_assert_msg(r == 0, "%s: %d: %s", alias, r, nestnet_errmsg(ctx));
	if (!has_flushes && i % 16 == 0)
		check_is_there(alias);
	if (i % 2) {
		r = unexpose(alias, 0);
		may_be(r, has_flushes ? ENOENT : EAGAIN, EAGAIN);
	}
}

/* A tap, of which the adversary may leave nothing, or another name. */
static void write_tap(unsigned int writer)
{
	struct nestnet_tap_options options = { .size = sizeof(options), .bridge = "br0" };
	char name[16];

	snprintf(name, sizeof(name), "tap%u", writer);
	/* It was deleted, or taken out of its bridge, meanwhile. */
	may_be(tap_add(name, &options), ENODEV, EOPNOTSUPP);
	may_be(tap_del(name, NESTNET_IF_EXISTS), ENODEV, ENODEV);
}

static void write_all(unsigned int writer, int stop)
{
	unsigned int n = number_of("NN_STORM_OPERATIONS", 40);

	(void)stop;
	for (unsigned int i = 0; i < n; i++) {
		write_exposure(writer, i);
		if (i % 10 == 9)
			write_tap(writer);
	}
}

/* By turns; what is not there is no matter. */
static void strike(unsigned int number, int stop)
{
	static const char *const blows[] = {
		"nft add table inet other '{ chain c { }; }'",
		"ip link set tap1 name other1 && ip link del other1",
		"nft delete table inet other",
		"ip link del tap2",
		"ip link set tap0 down nomaster",
	};

	(void)number;
	for (unsigned int i = 0; !is_over(stop); i++) {
		if (has_flushes && i % 2)
			(void)sh_status("nft %s 2>/dev/null",
					i % 4 == 1 ? "flush ruleset"
						   : "delete table inet nestnet");
		else
			(void)sh_status("(%s) 2>/dev/null", blows[i % ARRAY_LEN(blows)]);
		count(blows);
	}
	/* What it made is nobody's leftover. */
	(void)sh_status("nft delete table inet other 2>/dev/null");
}

static void let_loose(unsigned int n_writers)
{
	pid_t writers[8], adversary;
	int stop[2];

	share_counts();
	ok(bridge_add("br0", NULL));
	make_stop(stop);
	adversary = start(strike, 0, stop);
	close(stop[0]);
	for (unsigned int i = 0; i < n_writers; i++)
		writers[i] = start(write_all, i, NULL);
	for (unsigned int i = 0; i < n_writers; i++)
		await(writers[i], "a writer");
	close(stop[1]);
	await(adversary, "the adversary");
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static unsigned int count_listed(void)
{
	unsigned int n = 0;

	ok(nestnet_exposure_list(ctx, NULL, refuse_second, &n));
	return n;
}

/* The guest has as many numbers as it has exposures, the first aside. */
static void check_counted(unsigned int n)
{
	char *text = sh_output("nft -j list set inet nestnet guest_more4 | "
			       "tr '{' '\\n' | grep -c concat || true");

	ck_assert_uint_eq((unsigned int)atoi(text), n ? n - 1 : 0);
	ck_assert_str_eq(elements_of("guest4"), n ? GUEST : "");
	free(text);
}

static void nothing_is_lost(unsigned int n_writers)
{
	unsigned int each = number_of("NN_STORM_OPERATIONS", 40);
	unsigned int left = n_writers * ((each + 1) / 2), listed;

	let_loose(n_writers);
	listed = count_listed();
	ck_assert_uint_eq(listed, left);
	check_counted(left);
	printf("%u writers, %u operations, %u blows: %u refused, %u of %u exposures "
	       "there\n",
	       n_writers, counts->operations, counts->blows, counts->refused, listed,
	       left);
}

START_TEST(two_writers_lose_nothing)
{
	nothing_is_lost(2);
}
END_TEST

START_TEST(eight_writers_lose_nothing)
{
	nothing_is_lost(8);
}
END_TEST

/* Of what was flushed nobody knows; but what is made behind it is whole. */
START_TEST(eight_writers_whose_rules_are_flushed_come_to_a_whole_state)
{
	char *before = snapshot();

	has_flushes = true;
	let_loose(8);
	printf("8 writers, %u operations, %u blows, flushes among them: %u refused\n",
	       counts->operations, counts->blows, counts->refused);
	if (exposures()[0])
		check_counted(count_lines(exposures()));
	ok(clear());
	snapshots_equal(before, NULL, "cleared");
	free(before);
}
END_TEST

/* ---- Twins ---------------------------------------------------------------------------------- */

static struct nestnet_tap_options twin_options(void)
{
	return (struct nestnet_tap_options){ .size = sizeof(struct nestnet_tap_options),
					     .bridge = "br0" };
}

static int add_twin(void)
{
	struct nestnet_tap_options options = twin_options();

	return tap_add("tap0", &options);
}

static void add_twin_meanwhile(void)
{
	struct nestnet *mine = ctx;

	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ok(add_twin());
	nestnet_free(ctx);
	ctx = mine;
}

START_TEST(a_tap_that_somebody_else_has_just_made_is_there)
{
	ok(bridge_add("br0", NULL));
	faults_before_ioctl(ctx, 1, add_twin_meanwhile);
	ok(add_twin());
	faults_disarm();
	ck_assert_uint_eq(count_lines(taps()), 1);
}
END_TEST

static void delete_twin(void)
{
	sh("ip link del tap0");
}

START_TEST(a_tap_that_is_deleted_while_it_is_made_is_made_again)
{
	ok(bridge_add("br0", NULL));
	faults_before_ioctl(ctx, 4, delete_twin);
	ok(add_twin());
	faults_disarm();
	ck_assert_uint_eq(count_lines(taps()), 1);
}
END_TEST

static void add_in_step(unsigned int number, int stop)
{
	(void)number;
	while (!is_over(stop))
		;
	ok(add_twin());
}

START_TEST(of_two_that_add_the_same_tap_in_lockstep_both_succeed)
{
	ok(bridge_add("br0", NULL));
	for (unsigned int i = 0; i < 20; i++) {
		pid_t pids[2];
		int stop[2];

		make_stop(stop);
		pids[0] = start(add_in_step, 0, stop);
		pids[1] = start(add_in_step, 1, stop);
		close(stop[0]);
		close(stop[1]);
		await(pids[0], "one");
		await(pids[1], "the other");
		ok(tap_del("tap0", 0));
	}
}
END_TEST

/* ---- Readers -------------------------------------------------------------------------------- */

static void put_state(const char *target, enum nestnet_egress egress)
{
	struct nestnet_endpoint whole = alias_of("10.128.0.13");
	struct nestnet_endpoint port = alias_of("10.128.0.14:80");
	struct nestnet_endpoint to = target_of(target);
	struct nestnet_prefix subnet = prefix_of("192.168.50.0/24");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_REPLACE |
							   NESTNET_EXPOSE_NO_FORWARD,
						  .egress = egress,
						  .comment = "state" };
	struct nestnet_nat_options nat = { .size = sizeof(nat),
					   .flags = NESTNET_NAT_NO_FORWARD };
	struct nestnet_transaction *tx = begin();

	ok(nestnet_expose(tx, &whole, &to, &options));
	options.egress = NESTNET_EGRESS_MASQUERADE;
	ok(nestnet_expose(tx, &port, &to, &options));
	if (egress == NESTNET_EGRESS_ALIAS)
		ok(nestnet_nat_add(tx, &subnet, &nat));
	else
		ok(nestnet_nat_del(tx, &subnet, NESTNET_IF_EXISTS));
	ok(commit(tx));
}

static void put_one(void)
{
	put_state(GUEST, NESTNET_EGRESS_ALIAS);
}

static void put_other(void)
{
	put_state(GUEST2, NESTNET_EGRESS_NONE);
}

/* Who writes without a pause is given up on, and test-race.c has that: so with one, in which a
 * reader may begin, and hardly end. */
static void switch_states(unsigned int number, int stop)
{
	(void)number;
	while (!is_over(stop)) {
		put_one();
		usleep(2000);
		put_other();
		usleep(2000);
	}
}

static int append_change(void *userdata, char op, const char *command)
{
	char *text = userdata;
	size_t len = strlen(text);

	(void)op;
	snprintf(text + len, 2048 - len, "%s\n", command);
	return 0;
}

/* Static, until the next call. */
static const char *saved(void)
{
	static char text[2048];

	text[0] = '\0';
	ok(nestnet_save(ctx, append_change, text));
	return text;
}

static void read_states(const char *(*read_one)(void), const char *what)
{
	unsigned int n = number_of("NN_STORM_READS", 300);
	char *one, *other;
	pid_t writer;
	int stop[2];

	put_one();
	one = strdup(read_one());
	put_other();
	other = strdup(read_one());
	ck_assert_str_ne(one, other);
	make_stop(stop);
	writer = start(switch_states, 0, stop);
	close(stop[0]);
	for (unsigned int i = 0; i < n; i++) {
		const char *now = read_one();

		ck_assert_msg(strcmp(now, one) == 0 || strcmp(now, other) == 0,
			      "%s %u: %s", what, i, now);
	}
	close(stop[1]);
	await(writer, "the writer");
	printf("%u times %s while another writes: 0 torn\n", n, what);
	free(one);
	free(other);
}

START_TEST(a_list_shows_no_state_that_never_was)
{
	read_states(exposures, "list");
}
END_TEST

START_TEST(what_is_saved_is_no_state_that_never_was)
{
	read_states(saved, "save");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("storms");
	TCase *writers = netns_case(suite, "writers", 1200);
	TCase *twins = netns_case(suite, "twins", 60);
	TCase *readers = netns_case(suite, "readers", 600);

	tcase_add_test(writers, two_writers_lose_nothing);
	tcase_add_test(writers, eight_writers_lose_nothing);
	tcase_add_test(writers,
		       eight_writers_whose_rules_are_flushed_come_to_a_whole_state);
	tcase_add_test(twins, a_tap_that_somebody_else_has_just_made_is_there);
	tcase_add_test(twins, a_tap_that_is_deleted_while_it_is_made_is_made_again);
	tcase_add_test(twins, of_two_that_add_the_same_tap_in_lockstep_both_succeed);
	tcase_add_test(readers, a_list_shows_no_state_that_never_was);
	tcase_add_test(readers, what_is_saved_is_no_state_that_never_was);
	return netns_run(suite);
}
