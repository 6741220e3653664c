/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commits that fail, at every single point where they can: each message, each answer, each
 * setting and each ioctl, one after another, until the commit gets through. After each the
 * namespace is as it was, or as it was wanted where the commit said 0, or the commit said
 * that it could not be put back.
 */

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

/* ---- What is attempted --------------------------------------------------------------------- */

static void arrange_nothing(void)
{
}

static int first_expose(void)
{
	return expose("10.128.0.13", GUEST, 0);
}

static void arrange_exposures(void)
{
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	ok(expose("10.128.0.14:80", GUEST, NESTNET_EXPOSE_OPEN));
	ok(expose("10.128.0.15:80", GUEST ":8000", 0));
}

static int expose_with_options(void)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_NO_LOCAL,
						  .egress = NESTNET_EGRESS_ALIAS,
						  .comment = "web" };

	return expose_with("10.128.0.16", GUEST, &options);
}

static int replace(void)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_REPLACE,
						  .egress = NESTNET_EGRESS_NONE,
						  .comment = "web" };

	return expose_with("10.128.0.13", GUEST2, &options);
}

static int unexpose_one(void)
{
	return unexpose("10.128.0.13", 0);
}

static int unexpose_all(void)
{
	return unexpose_target(GUEST, 0);
}

static int add_subnet(void)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options = { .size = sizeof(options),
					       .out = "eth0",
					       .to = &to };

	return nat_add("192.168.50.0/24", &options);
}

static void arrange_subnets(void)
{
	ok(nat_add("192.168.49.0/24", NULL));
	ok(add_subnet());
	ok(nat_add("192.168.51.0/24", NULL));
}

static int delete_subnet(void)
{
	return nat_del("192.168.50.0/24", 0);
}

static int make_bridge(void)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	return commit(tx);
}

static void arrange_bridge(void)
{
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip link set virbr0 up && "
	   "ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78 && "
	   "ip link add vnet1 address 02:00:00:00:00:79 type veth "
	   "peer name far1 address 02:00:00:00:00:7a");
	ok(make_bridge());
}

static struct nestnet_tap_options full_tap(void)
{
	return (struct nestnet_tap_options){
		.size = sizeof(struct nestnet_tap_options),
		.flags = NESTNET_TAP_VNET_HDR | NESTNET_TAP_ISOLATED |
			 NESTNET_TAP_HAS_OWNER | NESTNET_TAP_HAS_GROUP,
		.bridge = "br0",
		.owner = 1000,
		.group = 1001,
		.mac = mac_of(0x11),
		.mtu = 1400,
	};
}

static int add_full_tap(void)
{
	struct nestnet_tap_options options = full_tap();

	return tap_add("tap0", &options);
}

static int tap_fds[3];

/* As a virtual machine monitor does: the tap lives by these descriptors. */
static int add_open_tap(void)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	static const struct nestnet_open_options open = { .size = sizeof(open),
							  .vnet_hdr_len = 12,
							  .offloads = NESTNET_OFFLOAD_CSUM };
	struct nestnet_tap_options options = full_tap();
	struct nestnet_transaction *tx = begin();
	int r;

	options.flags |= NESTNET_TAP_EPHEMERAL;
	options.queues = 3;
	options.guards = &guard;
	options.n_guards = 1;
	options.open = &open;
	ok(nestnet_tap_add(tx, "tap0", &options));
	r = nestnet_transaction_commit(tx);
	if (r == 0)
		ok(nestnet_transaction_take_fds(tx, 0, tap_fds, 3));
	nestnet_transaction_free(tx);
	return r;
}

static int close_tap(void)
{
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(close(tap_fds[i]), 0);
	return tap_del("tap0", NESTNET_IF_EXISTS);
}

/* With the table of guards, which stays when they go. */
static void arrange_guards(void)
{
	arrange_bridge();
	ok(add_open_tap());
	ok(close_tap());
}

static int add_full_bridge(void)
{
	struct nestnet_prefix addresses[] = { prefix_of("192.168.50.1/24"),
					      prefix_of("2001:db8::1/64") };
	struct nestnet_bridge_options options = { .size = sizeof(options),
						  .flags = NESTNET_BRIDGE_STP,
						  .addresses = addresses,
						  .n_addresses = 2,
						  .mac = mac_of(0x12) };

	return bridge_add("br1", &options);
}

static int attach_foreign(void)
{
	return attach("virbr0", "vnet0", NESTNET_ATTACH_NO_HAIRPIN);
}

/* With a table, so that detaching takes all of it back. */
static void arrange_unattached(void)
{
	arrange_bridge();
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
}

static void arrange_attached(void)
{
	arrange_bridge();
	ok(attach_foreign());
	ok(attach("br0", "vnet1", 0));
	ok(add_full_tap());
}

static int detach_foreign(void)
{
	return detach("vnet0", 0);
}

static int delete_tap(void)
{
	return tap_del("tap0", 0);
}

static int delete_bridge(void)
{
	return bridge_del("br0", 0);
}

static void arrange_forwarding(void)
{
	sh("ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name vnet1 address 02:00:00:00:00:78");
	set_setting("ipv4/conf/vnet0/forwarding", 1);
	set_setting("ipv6/conf/vnet1/forwarding", 1);
}

static int turn_on(void)
{
	return forward_set(NULL, AF_UNSPEC, 1);
}

static void arrange_turned_on(void)
{
	ok(turn_on());
}

static int turn_off(void)
{
	return forward_set(NULL, AF_UNSPEC, 0);
}

/* Everything at once. */
static int make_network(void)
{
	struct nestnet_tap_options options = full_tap();
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br1", "192.168.123.1/24");
	options.bridge = "br1";
	ok(nestnet_tap_add(tx, "tap0", &options));
	ok(nestnet_bridge_attach(tx, "virbr0", "vnet0", 0));
	add_nat(tx, "192.168.123.0/24", 0);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.14:80", GUEST, NESTNET_EXPOSE_OPEN);
	return commit(tx);
}

static void arrange_uplinks(void)
{
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78");
}

static void arrange_network(void)
{
	arrange_uplinks();
	ok(make_network());
}

/* ---- And how it is taken back, where it was made in spite of the fault ------------------------ */

static int unexpose_with_options(void)
{
	return unexpose("10.128.0.16", 0);
}

static int replace_back(void)
{
	return expose("10.128.0.13", GUEST,
		      NESTNET_EXPOSE_REPLACE | NESTNET_EXPOSE_NO_LOCAL);
}

static int expose_one(void)
{
	return expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_LOCAL);
}

static int expose_all(void)
{
	arrange_exposures();
	return 0;
}

static int delete_new_bridge(void)
{
	return bridge_del("br1", 0);
}

static const struct attempt {
	const char *name;
	void (*arrange)(void);
	int (*act)(void);
	int (*back)(void); /* NULL: in another namespace, then */
	/* It deletes links, or ends flows behind that: not to be undone even after one
	 * failure, if it says so. */
	bool is_final;
} attempts[] = {
	{ "the first expose", arrange_nothing, first_expose, clear, true },
	{ "expose", arrange_exposures, expose_with_options, unexpose_with_options,
	  false },
	{ "expose --replace", arrange_exposures, replace, replace_back, true },
	{ "unexpose", arrange_exposures, unexpose_one, expose_one, false },
	{ "unexpose --target", arrange_exposures, unexpose_all, expose_all, false },
	{ "nat add", arrange_exposures, add_subnet, delete_subnet, false },
	{ "nat del", arrange_subnets, delete_subnet, add_subnet, false },
	{ "tap add", arrange_bridge, add_full_tap, delete_tap, false },
	{ "bridge add", arrange_bridge, add_full_bridge, delete_new_bridge, false },
	{ "bridge attach", arrange_unattached, attach_foreign, detach_foreign, false },
	{ "bridge detach", arrange_attached, detach_foreign, attach_foreign, false },
	{ "tap del", arrange_attached, delete_tap, add_full_tap, true },
	{ "bridge del", arrange_attached, delete_bridge, NULL, true },
	{ "forward on", arrange_forwarding, turn_on, NULL, false },
	{ "forward off", arrange_turned_on, turn_off, turn_on, false },
	{ "a whole network", arrange_uplinks, make_network, clear, true },
	{ "clear", arrange_network, clear, make_network, true },
	{ "tap add, opened", arrange_guards, add_open_tap, close_tap, false },
};

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

/* One kind of fault in one attempt, at each point in turn. */
struct run {
	const struct attempt *attempt;
	enum fault fault;
	unsigned int n;
	char *before, *after;
	bool is_struck;
	bool is_made; /* the namespace is as it was wanted */
	int result;
	char sentence[512];
};

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
	if (run->result != 0 && run->sentence[0] == '\0')
		return strdup("nothing is said");
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
		if (!is_as_before)
			arrange_anew(run);
		try(run);
		wrong = judge(run, &is_as_before);
		run->is_made = run->result == 0;
	}
	if (wrong)
		dprintf(report, "%s, %s at %u: %d: %.200s: %.600s\n", run->attempt->name,
			fault_name(run->fault), run->n - step, run->result, run->sentence,
			wrong);
	free(run->before);
	free(run->after);
	return !wrong;
}

/* Attempts that are tried side by side, each with each fault in a process and in namespaces
 * of its own, since most of the time goes into the kernel's grace periods. */
static void check_attempts(size_t first, size_t last)
{
	size_t n = (last - first + 1) * (FAULT_KINDS - 1);
	unsigned int n_wrong = 0;
	char text[3500] = ""; /* check itself takes 4096 */
	int report[2], status;
	pid_t *pids = calloc(n, sizeof(*pids));
	ssize_t len;

	ck_assert_ptr_nonnull(pids);
	ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
	for (size_t i = 0; i < n; i++) {
		struct run run = { .attempt = &attempts[first + i / (FAULT_KINDS - 1)],
				   .fault = (enum fault)(i % (FAULT_KINDS - 1) + 1) };

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

START_TEST(an_open_tap_that_fails_anywhere_leaves_all_as_it_was)
{
	check_attempts(17, 17);
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
	TCase *every = netns_case(suite, "every", 120);
	TCase *single = netns_case(suite, "single", 20);

	tcase_add_loop_test(single, one_lost_answer_is_no_failure, 0, 7);
	tcase_add_test(every, an_exposure_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_subnet_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_link_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, forwarding_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, a_whole_network_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, an_open_tap_that_fails_anywhere_leaves_all_as_it_was);
	tcase_add_test(every, clear_that_fails_anywhere_leaves_all_as_it_was_or_says_so);
	return netns_run(suite);
}
