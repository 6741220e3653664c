/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several writers at once: nobody's change is lost, and nobody's is made on a state that is
 * over. */

#include "faults.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

/* ---- One that steps in between a plan and its batch ------------------------------------------- */

static struct intruder {
	const char *alias, *target; /* is exposed */
	const char *command;        /* is run, where it is not NULL */
	unsigned int times;         /* how often; alias has a %u for the number then */
	unsigned int skip;          /* batches before the first */
	unsigned int n;
} intruder;

static void intrude(void *userdata)
{
	struct intruder *in = userdata;
	struct nestnet *mine = ctx;
	char alias[64];

	if (in->skip > 0) {
		in->skip--;
		return;
	}
	if (in->n == in->times)
		return;
	in->n++;
	if (in->command) {
		sh("%s", in->command);
		return;
	}
	snprintf(alias, sizeof(alias), "%s:%u", in->alias, 10000 + in->n);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ok(expose(in->times == 1 ? in->alias : alias, in->target,
		  NESTNET_EXPOSE_NO_FORWARD));
	nestnet_free(ctx);
	ctx = mine;
}

static void let_in(const char *alias, const char *target, const char *command,
		   unsigned int times)
{
	intruder = (struct intruder){
		.alias = alias, .target = target, .command = command, .times = times
	};
	faults_before_batch(ctx, intrude, &intruder);
}

START_TEST(a_plan_that_is_over_is_made_anew)
{
	let_in("10.128.0.14", GUEST, NULL, 1);
	ok(expose("10.128.0.13", GUEST, 0));
	ck_assert_uint_eq(faults_batches(), 2);
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n"
				      "10.128.0.14 > 192.168.122.89\n");
	ck_assert_str_eq(elements_of("guest4"), GUEST);
	ck_assert_str_eq(elements_of("guest_more4"), GUEST " . 2");
}
END_TEST

START_TEST(a_plan_that_is_over_may_be_refused_by_then)
{
	let_in("10.128.0.13", GUEST2, NULL, 1);
	refused(expose("10.128.0.13", GUEST, 0), EEXIST,
		"expose 10.128.0.13: already exposed to 192.168.122.90 (--replace "
		"changes it)");
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.90\n");
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
}
END_TEST

START_TEST(a_plan_that_somebody_else_fulfilled_has_nothing_to_do)
{
	let_in("10.128.0.13", GUEST, NULL, 1);
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	ck_assert_uint_eq(faults_batches(), 1);
	ck_assert_str_eq(elements_of("guest_more4"), "");
}
END_TEST

START_TEST(an_exposure_that_somebody_else_took_back_is_not_there)
{
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	let_in(NULL, NULL, "nft flush ruleset", 1);
	refused(unexpose("10.128.0.13", 0), ENOENT, "unexpose 10.128.0.13: not exposed");
}
END_TEST

/* Docker, say, lays its rules anew between the look at them and the batch. */
START_TEST(a_chain_of_others_that_is_flushed_meanwhile_is_looked_at_again)
{
	sh("ip link add virbr0 type bridge && ip address add 192.168.122.1/24 dev virbr0 "
	   "&& "
	   "ip link set virbr0 up && "
	   "nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; "
	   "policy drop; ip daddr 10.9.9.9 drop; }; }'");
	let_in(NULL, NULL, "nft flush chain ip filter FORWARD", 1);
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_COEXIST));
	ck_assert_uint_eq(faults_batches(), 2);
	sh("nft list chain ip filter FORWARD | grep -q 'ip daddr 192.168.122.89 oifname "
	   "\"virbr0\" "
	   "counter packets 0 bytes 0 accept comment \"nestnet\"'");

	/* One that is gone by then takes its rules along. */
	let_in(NULL, NULL, "nft delete table ip filter", 1);
	ok(unexpose("10.128.0.13", 0));
	ck_assert_uint_eq(faults_batches(), 2);
	ck_assert_str_eq(exposures(), "");
}
END_TEST

START_TEST(links_are_not_made_twice_when_a_plan_is_made_anew)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	add_tap(tx, "tap%d", "br0");
	add_tap(tx, "tap%d", "br0");
	add_expose(tx, "10.128.0.13", GUEST, 0);
	let_in("10.128.0.14", GUEST, NULL, 2);
	ok(nestnet_transaction_commit(tx));
	ck_assert_uint_eq(faults_batches(), 3);
	ck_assert_str_eq(nestnet_transaction_ifname(tx, 1), "tap0");
	ck_assert_str_eq(nestnet_transaction_ifname(tx, 2), "tap1");
	nestnet_transaction_free(tx);
	ck_assert_str_eq(bridges(),
			 "br0 mtu=1500 192.168.122.1/24 port=tap0 port=tap1\n");
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
}
END_TEST

START_TEST(a_ruleset_that_always_changes_is_given_up_on)
{
	char *sentence;

	let_in("10.128.0.14", GUEST2, NULL, 100000);
	ck_assert_int_eq(expose("10.128.0.13", GUEST, 0), -EAGAIN);
	sentence = strdup(nestnet_errmsg(ctx));
	ck_assert_ptr_nonnull(strstr(sentence, "try again"));
	ck_assert_ptr_nonnull(strstr(sentence, "10.128.0.13"));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
	free(sentence);
}
END_TEST

/* A rollback takes back its own change, and not what others have done since. */
START_TEST(a_rollback_leaves_what_another_writer_made_meanwhile)
{
	struct nestnet_bridge_options jumbo = { .size = sizeof(jumbo), .mtu = 65535 };
	struct nestnet_transaction *tx = begin();

	/* The tap fails behind the batch (test-transaction.c). Before its rollback's batch, the
	 * second, somebody exposes an alias of his own. */
	ok(nestnet_bridge_add(tx, "br0", &jumbo));
	add_tap(tx, "tap0", "br0");
	add_expose(tx, "10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD);
	let_in("10.128.0.14", GUEST2, NULL, 1);
	intruder.skip = 1;
	ck_assert_int_lt(commit(tx), 0);
	ck_assert_uint_eq(intruder.n, 1);
	ck_assert_str_eq(exposures(), "10.128.0.14 > 192.168.122.90\n");
	ck_assert_str_eq(elements_of("guest4"), GUEST2);
}
END_TEST

/* ---- A flush at each moment -------------------------------------------------------------------- */

static void flush_ruleset(void)
{
	sh("nft flush ruleset");
}

static int delete_tap(void)
{
	return tap_del("tap0", 0);
}

static int delete_bridge(void)
{
	return bridge_del("br0", 0);
}

static int expose_other(void)
{
	return expose("10.128.0.15", GUEST2, NESTNET_EXPOSE_NO_FORWARD);
}

static int unexpose_there(void)
{
	return unexpose("10.128.0.13", NESTNET_IF_EXISTS);
}

static int unexpose_all(void)
{
	return unexpose_target(NULL, NESTNET_IF_EXISTS);
}

static int delete_nat(void)
{
	return nat_del("192.168.50.0/24", NESTNET_IF_EXISTS);
}

static int put_whole(void)
{
	struct nestnet_transaction *tx = begin();

	ok(nestnet_transaction_set_exact(tx));
	add_expose(tx, "10.128.0.13", GUEST2, NESTNET_EXPOSE_NO_FORWARD);
	return commit(tx);
}

static int pass_exposure(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)userdata;
	(void)exposure;
	return 0;
}

static int list_exposures(void)
{
	return nestnet_exposure_list(ctx, NULL, pass_exposure, NULL);
}

static int pass_nat(void *userdata, const struct nestnet_nat *nat)
{
	(void)userdata;
	(void)nat;
	return 0;
}

static int list_nats(void)
{
	return nestnet_nat_list(ctx, pass_nat, NULL);
}

static int pass_tap(void *userdata, const struct nestnet_tap *tap)
{
	(void)userdata;
	(void)tap;
	return 0;
}

static int list_taps(void)
{
	return nestnet_tap_list(ctx, pass_tap, NULL);
}

static int pass_bridge(void *userdata, const struct nestnet_bridge *bridge)
{
	(void)userdata;
	(void)bridge;
	return 0;
}

static int list_bridges(void)
{
	return nestnet_bridge_list(ctx, pass_bridge, NULL);
}

static int pass_change(void *userdata, char op, const char *command)
{
	(void)userdata;
	(void)op;
	(void)command;
	return 0;
}

static int save(void)
{
	return nestnet_save(ctx, pass_change, NULL);
}

static int pass_finding(void *userdata, const struct nestnet_finding *finding)
{
	(void)userdata;
	(void)finding;
	return 0;
}

static int examine(void)
{
	int r = nestnet_doctor(ctx, NULL, 0, pass_finding, NULL);

	return r < 0 ? r : 0;
}

static const struct {
	const char *name;
	int (*act)(void);
	bool takes_links; /* without which a kernel before 6.16 takes no chain of theirs back */
} flushed[] = {
	{ "tap del", delete_tap, true },
	{ "bridge del", delete_bridge, true },
	{ "expose", expose_other, false },
	{ "unexpose --if-exists", unexpose_there, false },
	{ "unexpose --all", unexpose_all, false },
	{ "nat del --if-exists", delete_nat, false },
	{ "apply", put_whole, true },
	{ "clear", clear, true },
	{ "list", list_exposures, false },
	{ "nat list", list_nats, false },
	{ "tap list", list_taps, false },
	{ "save", save, false },
	{ "bridge list", list_bridges, false },
	{ "doctor", examine, false },
};

/* Something of each kind, so that each verb has what it looks for. */
static void arrange_state(void)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	struct nestnet_tap_options tap = {
		.size = sizeof(tap), .bridge = "br0", .guards = &guard, .n_guards = 1
	};

	ok(clear());
	ok(bridge_add("br0", NULL));
	ok(tap_add("tap0", &tap));
	ok(nat_add("192.168.50.0/24", NULL));
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
	ok(expose("10.128.0.14:80-90", GUEST, NESTNET_EXPOSE_NO_FORWARD));
}

START_TEST(a_flush_before_whatever_message_makes_nothing_fail)
{
	bool is_struck = true;
	char *rules;
	unsigned int n;

	arrange_state();
	rules = sh_output("nft list ruleset");

	/* Every third message will do: most of them are alike. */
	for (n = 1 + (unsigned int)_i % 3; is_struck; n += 3) {
		int r;

		ck_assert_uint_lt(n, 1000);
		if (flushed[_i].takes_links)
			arrange_state();
		else
			sh("nft -f - <<'END'\nflush ruleset\n%s\nEND", rules);
		faults_before_send(ctx, n, flush_ruleset);
		r = flushed[_i].act();
		is_struck = faults_disarm();
		ck_assert_msg(r == 0, "%s, flushed before message %u: %d: %s",
			      flushed[_i].name, n, r, nestnet_errmsg(ctx));
	}
	ck_assert_uint_gt(n, 6);
	free(rules);
}
END_TEST

/* ---- Many at once ------------------------------------------------------------------------------------ */

#define WRITERS 4
#define EACH    50

/* A process has a context of its own, and gives back its parent's. */
static void renew_context(void)
{
	nestnet_free(ctx);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
}

static void write_exposures(unsigned int writer, int (*fn)(const char *alias))
{
	char alias[64];

	renew_context();
	for (unsigned int i = 0; i < EACH; i++) {
		snprintf(alias, sizeof(alias), "10.128.%u.%u", writer, i + 1);
		ok(fn(alias));
	}
	nestnet_free(ctx);
}

/* Runs all writers at once. */
static void write_at_once(int (*fn)(const char *alias))
{
	pid_t pids[WRITERS];
	int status;

	for (unsigned int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			write_exposures(i, fn);
			_exit(0);
		}
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_msg(status == 0, "writer %u failed", i);
	}
}

static int expose_guest(const char *alias)
{
	return expose(alias, GUEST, 0);
}

static int unexpose_guest(const char *alias)
{
	return unexpose(alias, 0);
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* The numbers 2 to n of the guest, each once. */
static void check_count(unsigned int n)
{
	const char *at = elements_of("guest_more4");
	bool is_there[WRITERS * EACH + 1] = { false };
	unsigned int number, found = 0;

	while ((at = strstr(at, " . "))) {
		ck_assert_int_eq(sscanf(at, " . %u", &number), 1);
		ck_assert_uint_le(number, n);
		ck_assert(!is_there[number]);
		is_there[number] = true;
		found++;
		at++;
	}
	ck_assert_uint_eq(found, n > 1 ? n - 1 : 0);
	ck_assert_str_eq(elements_of("guest4"), n ? GUEST : "");
}

START_TEST(of_exposures_made_by_four_writers_at_once_none_is_lost)
{
	/* The table too is made by whoever is first. */
	write_at_once(expose_guest);
	ck_assert_uint_eq(count_lines(exposures()), WRITERS * EACH);
	check_count(WRITERS * EACH);
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	write_at_once(unexpose_guest);
	ck_assert_str_eq(exposures(), "");
	check_count(0);
}
END_TEST

static int to_and_fro(const char *alias)
{
	int r = expose(alias, GUEST, 0);

	if (r == 0)
		r = expose(alias, GUEST2, NESTNET_EXPOSE_REPLACE);
	return r == 0 ? unexpose(alias, 0) : r;
}

START_TEST(four_writers_that_take_back_all_leave_nothing)
{
	char *before;

	ok(expose("10.1.1.1", GUEST, 0));
	before = snapshot();
	write_at_once(to_and_fro);
	snapshots_equal(before, NULL, "four writers");
	free(before);
}
END_TEST

/* ---- Readers ------------------------------------------------------------------------------------------ */

/* An exposure that a writer switches between two states, whole. */
static void write_two_states(int stop)
{
	struct nestnet_expose_options a = { .size = sizeof(a),
					    .flags = NESTNET_EXPOSE_REPLACE |
						     NESTNET_EXPOSE_NO_LOCAL |
						     NESTNET_EXPOSE_OPEN |
						     NESTNET_EXPOSE_NO_FORWARD,
					    .egress = NESTNET_EGRESS_ALIAS,
					    .comment = "a" };
	struct nestnet_expose_options b = { .size = sizeof(b),
					    .flags = NESTNET_EXPOSE_REPLACE |
						     NESTNET_EXPOSE_NO_FORWARD,
					    .egress = NESTNET_EGRESS_NONE,
					    .comment = "b" };
	char byte;

	renew_context();
	while (read(stop, &byte, 1) < 0) {
		ok(expose_with("10.128.0.13", GUEST, &a));
		ok(expose_with("10.128.0.13", GUEST2, &b));
		/* A list gives up where there is never a pause, as it does not promise more;
		 * sanitizers make it several times as slow. */
		usleep(2000);
	}
	nestnet_free(ctx);
}

START_TEST(a_list_shows_no_state_that_never_was)
{
	static const char *const states[] = {
		"10.128.0.13 > 192.168.122.89 egress=alias no-local open # a\n",
		"10.128.0.13 > 192.168.122.90 egress=none # b\n",
	};
	int stop[2], status;
	pid_t pid;

	ok(expose_with("10.128.0.13", GUEST2,
		       &(struct nestnet_expose_options){
			       .size = sizeof(struct nestnet_expose_options),
			       .flags = NESTNET_EXPOSE_NO_FORWARD,
			       .egress = NESTNET_EGRESS_NONE,
			       .comment = "b" }));
	ck_assert_int_eq(pipe2(stop, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(stop[1]);
		write_two_states(stop[0]);
		_exit(0);
	}
	close(stop[0]);
	for (unsigned int i = 0; i < 500; i++) {
		const char *list = exposures();

		ck_assert_msg(strcmp(list, states[0]) == 0 ||
				      strcmp(list, states[1]) == 0,
			      "list %u: %s", i, list);
	}
	close(stop[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("races");
	TCase *between = netns_case(suite, "between", 60);
	TCase *many = netns_case(suite, "many", 60);
	TCase *readers = netns_case(suite, "readers", 60);

	tcase_add_test(between, a_plan_that_is_over_is_made_anew);
	tcase_add_test(between, a_plan_that_is_over_may_be_refused_by_then);
	tcase_add_test(between, a_plan_that_somebody_else_fulfilled_has_nothing_to_do);
	tcase_add_test(between, an_exposure_that_somebody_else_took_back_is_not_there);
	tcase_add_test(between, links_are_not_made_twice_when_a_plan_is_made_anew);
	tcase_add_test(between,
		       a_chain_of_others_that_is_flushed_meanwhile_is_looked_at_again);
	tcase_add_test(between, a_ruleset_that_always_changes_is_given_up_on);
	tcase_add_test(between, a_rollback_leaves_what_another_writer_made_meanwhile);
	add_table_test(between, a_flush_before_whatever_message_makes_nothing_fail,
		       flushed);
	tcase_add_test(many, of_exposures_made_by_four_writers_at_once_none_is_lost);
	tcase_add_test(many, four_writers_that_take_back_all_leave_nothing);
	tcase_add_test(readers, a_list_shows_no_state_that_never_was);
	return netns_run(suite);
}
