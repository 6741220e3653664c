/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that runs out, at every single allocation of every public call, ours and the
 * libraries': nobody crashes, nothing leaks, and the host is as it was, or as it was wanted
 * where the call said 0. Each program is what a user's program would be: it stops at the
 * first failure, frees what it has, and returns the code.
 *
 * The last line of each run counts the points. NN_MEMORY_STEP takes every so many of them
 * only (1 by default), shifted by one for each program, for a shorter time.
 */

#include "memory.h"
#include "netns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

/* ---- Programs -------------------------------------------------------------------------- */

/* Parsers allocate nothing, but check's own assertions do: so without them. What is wrong with
 * a value fails the run without faults that is before all. */
static struct nestnet_endpoint an_alias(const char *text)
{
	struct nestnet_endpoint value = { .protocol = 0 };

	(void)nestnet_alias_parse(text, &value, NULL);
	return value;
}

static struct nestnet_endpoint a_target(const char *text)
{
	struct nestnet_endpoint value = { .protocol = 0 };

	(void)nestnet_target_parse(text, &value, NULL);
	return value;
}

static struct nestnet_prefix a_prefix(const char *text)
{
	struct nestnet_prefix value = { .len = 0 };

	(void)nestnet_prefix_parse(text, &value);
	return value;
}

static char sentence[512];

/* A program of one transaction. */
static int commit_of(int (*fill)(struct nestnet_transaction *tx), bool is_exact)
{
	struct nestnet_transaction *tx = NULL;
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL);

	if (r == 0)
		r = nestnet_transaction_new(nn, &tx);
	if (r == 0 && is_exact)
		r = nestnet_transaction_set_exact(tx);
	if (r == 0)
		r = fill(tx);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	snprintf(sentence, sizeof(sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "no context");
	nestnet_transaction_free(tx);
	nestnet_free(nn);
	return r;
}

/* A program that asks. */
static int asked(int (*ask)(struct nestnet *nn))
{
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL);

	if (r == 0)
		r = ask(nn);
	snprintf(sentence, sizeof(sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "no context");
	nestnet_free(nn);
	return r;
}

static int put_expose(struct nestnet_transaction *tx, const char *alias,
		      const char *target, const struct nestnet_expose_options *options)
{
	struct nestnet_endpoint from = an_alias(alias), to = a_target(target);

	return nestnet_expose(tx, &from, &to, options);
}

static int fill_expose(struct nestnet_transaction *tx)
{
	struct nestnet_prefix from[] = { a_prefix("10.2.0.0/15"),
					 a_prefix("10.9.9.9/32") };
	struct nestnet_endpoint except = an_alias("*:22");
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_NO_LOCAL,
						  .egress = NESTNET_EGRESS_ALIAS,
						  .comment = "web",
						  .from = from,
						  .n_from = 2,
						  .except = &except,
						  .n_except = 1 };

	return put_expose(tx, "10.128.0.16", GUEST, &options);
}

static int fill_shapes(struct nestnet_transaction *tx)
{
	static const char *const shapes[][2] = {
		{ "10.128.1.1:80", GUEST ":8000" },
		{ "10.128.1.1:9000-9010/udp", GUEST },
		{ "10.128.1.1:7000-7003", GUEST ":8000-8003" },
		{ "10.128.2.0/28", "192.168.122.96/28" },
		{ "*:8088", GUEST },
		{ "[2001:db8::13]:80", "[fd12::89]:8000" },
		{ "2001:db8::14", "fd12::90" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(shapes); i++)
		r = put_expose(tx, shapes[i][0], shapes[i][1], NULL);
	return r;
}

static int fill_replace(struct nestnet_transaction *tx)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_REPLACE,
						  .comment = "other" };

	return put_expose(tx, "10.128.0.13", GUEST2, &options);
}

static int fill_unexpose(struct nestnet_transaction *tx)
{
	struct nestnet_endpoint alias = an_alias("10.128.0.13");

	return nestnet_unexpose(tx, &alias, 0);
}

static int fill_unexpose_target(struct nestnet_transaction *tx)
{
	struct nestnet_address target = a_prefix(GUEST).address;

	return nestnet_unexpose_target(tx, &target, 0);
}

static int fill_nat(struct nestnet_transaction *tx)
{
	struct nestnet_prefix subnet = a_prefix("192.168.50.0/24");
	struct nestnet_address to = a_prefix("10.128.0.12").address;
	struct nestnet_nat_options options = { .size = sizeof(options),
					       .out = "eth0",
					       .to = &to };

	return nestnet_nat_add(tx, &subnet, &options);
}

static int fill_nat_del(struct nestnet_transaction *tx)
{
	struct nestnet_prefix subnet = a_prefix("192.168.122.0/24");

	return nestnet_nat_del(tx, &subnet, 0);
}

static int fill_network(struct nestnet_transaction *tx)
{
	struct nestnet_prefix address = a_prefix("192.168.122.1/24");
	struct nestnet_range dhcp = { a_prefix("192.168.122.100").address,
				      a_prefix("192.168.122.199").address };
	struct nestnet_bridge_options bridge = { .size = sizeof(bridge),
						 .addresses = &address,
						 .n_addresses = 1,
						 .mac = mac_of(0x12),
						 .dhcp = &dhcp };
	struct nestnet_address guest = a_prefix(GUEST).address;
	const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 },
					     .addresses = &guest,
					     .n_addresses = 1 };
	struct nestnet_tap_options tap = { .size = sizeof(tap),
					   .bridge = "br0",
					   .mac = mac_of(0x11),
					   .guards = &guard,
					   .n_guards = 1,
					   .lease = &guest };
	struct nestnet_prefix subnet = a_prefix("192.168.122.0/24");
	struct nestnet_prefix alias = a_prefix("10.128.0.12/30");
	int r = nestnet_bridge_add(tx, "br0", &bridge);

	if (r == 0)
		r = nestnet_tap_add(tx, "tap0", &tap);
	if (r == 0)
		r = nestnet_bridge_attach(tx, "br0", "vnet0", 0);
	if (r == 0)
		r = nestnet_nat_add(tx, &subnet, NULL);
	if (r == 0)
		r = nestnet_alias_add(tx, &alias, "eth0", 0);
	if (r == 0)
		r = nestnet_forward_set(tx, "eth0", AF_INET6, 1);
	return r < 0 ? r : put_expose(tx, "10.128.0.13", GUEST, NULL);
}

static int fill_removal(struct nestnet_transaction *tx)
{
	struct nestnet_prefix alias = a_prefix("10.128.0.12/30");
	int r = nestnet_alias_del(tx, &alias, 0);

	if (r == 0)
		r = nestnet_bridge_detach(tx, "vnet0", 0);
	if (r == 0)
		r = nestnet_tap_del(tx, "tap0", 0);
	return r < 0 ? r : nestnet_forward_set(tx, NULL, AF_UNSPEC, 1);
}

static int fill_clear(struct nestnet_transaction *tx)
{
	return nestnet_clear(tx);
}

/* clang-format off */
static int do_expose(void) { return commit_of(fill_expose, false); }
static int do_shapes(void) { return commit_of(fill_shapes, false); }
static int do_replace(void) { return commit_of(fill_replace, false); }
static int do_unexpose(void) { return commit_of(fill_unexpose, false); }
static int do_unexpose_target(void) { return commit_of(fill_unexpose_target, false); }
static int do_nat(void) { return commit_of(fill_nat, false); }
static int do_nat_del(void) { return commit_of(fill_nat_del, false); }
static int do_network(void) { return commit_of(fill_network, false); }
static int do_removal(void) { return commit_of(fill_removal, false); }
static int do_clear(void) { return commit_of(fill_clear, false); }
static int do_whole(void) { return commit_of(fill_network, true); }
static int do_other_whole(void) { return commit_of(fill_shapes, true); }
/* clang-format on */

static int count_change(void *userdata, char op, const char *command)
{
	(void)op;
	(void)command;
	++*(int *)userdata;
	return 0;
}

static int plan_whole(void)
{
	struct nestnet_transaction *tx = NULL;
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL), n = 0;

	if (r == 0)
		r = nestnet_transaction_new(nn, &tx);
	if (r == 0)
		r = nestnet_transaction_set_exact(tx);
	if (r == 0)
		r = fill_shapes(tx);
	if (r == 0)
		r = nestnet_transaction_plan(tx, count_change, &n);
	snprintf(sentence, sizeof(sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "no context");
	nestnet_transaction_free(tx);
	nestnet_free(nn);
	return r;
}

static int ask_save(struct nestnet *nn)
{
	int n = 0;

	return nestnet_save(nn, count_change, &n);
}

/* Lists are read to their end; what is in them is other tests' matter. */
#define TAKES(type)                                                              \
	static int take_##type(void *userdata, const struct nestnet_##type *row) \
	{                                                                        \
		(void)userdata;                                                  \
		(void)row;                                                       \
		return 0;                                                        \
	}
TAKES(exposure)
TAKES(tap)
TAKES(bridge)
TAKES(attachment)
TAKES(uplink)
TAKES(nat)
TAKES(forwarding)
TAKES(alias)
TAKES(guest)
TAKES(finding)

static int ask_lists(struct nestnet *nn)
{
	struct nestnet_endpoint alias = an_alias("10.128.0.13");
	struct nestnet_route route;
	int r = nestnet_exposure_list(nn, NULL, take_exposure, NULL);

	if (r == 0)
		r = nestnet_exposure_list(nn, &alias, take_exposure, NULL);
	if (r == 0)
		r = nestnet_tap_list(nn, take_tap, NULL);
	if (r == 0)
		r = nestnet_bridge_list(nn, take_bridge, NULL);
	if (r == 0)
		r = nestnet_attachment_list(nn, take_attachment, NULL);
	if (r == 0)
		r = nestnet_uplink_list(nn, take_uplink, NULL);
	if (r == 0)
		r = nestnet_nat_list(nn, take_nat, NULL);
	if (r == 0)
		r = nestnet_forward_status(nn, NULL, take_forwarding, NULL);
	if (r == 0)
		r = nestnet_alias_list(nn, take_alias, NULL);
	if (r == 0)
		r = nestnet_guest_list(nn, take_guest, NULL);
	if (r >= 0)
		r = nestnet_route_get(nn, &alias.prefix.address, &route);
	return r < 0 ? r : 0;
}

static int ask_doctor(struct nestnet *nn)
{
	struct nestnet_endpoint alias = an_alias("10.128.0.13");
	int r = nestnet_doctor(nn, NULL, 0, take_finding, NULL);

	return r < 0 ? r : nestnet_doctor(nn, &alias, 0, take_finding, NULL);
}

static int do_save(void)
{
	return asked(ask_save);
}
static int do_lists(void)
{
	return asked(ask_lists);
}
static int do_doctor(void)
{
	return asked(ask_doctor);
}

static int open_tap(void)
{
	struct nestnet_open_options options = { .size = sizeof(options),
						.flags = NESTNET_OPEN_NONBLOCK };
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL), fd = -1;

	if (r == 0)
		r = nestnet_tap_open(nn, "tap0", &options, &fd, 1);
	snprintf(sentence, sizeof(sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "no context");
	if (fd >= 0)
		close(fd);
	nestnet_free(nn);
	return r;
}

static int make_open_tap(void)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	static const struct nestnet_open_options open = { .size = sizeof(open) };
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .flags = NESTNET_TAP_EPHEMERAL,
					       .queues = 3,
					       .mac = mac_of(0x13),
					       .guards = &guard,
					       .n_guards = 1,
					       .open = &open };
	struct nestnet_transaction *tx = NULL;
	struct nestnet *nn = NULL;
	int r = nestnet_new(&nn, NULL), fds[3];

	if (r == 0)
		r = nestnet_transaction_new(nn, &tx);
	if (r == 0)
		r = nestnet_tap_add(tx, "vm%d", &options);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	if (r == 0)
		r = nestnet_transaction_take_fds(tx, 0, fds, 3);
	snprintf(sentence, sizeof(sentence), "%s",
		 nn ? nestnet_errmsg(nn) : "no context");
	nestnet_transaction_free(tx);
	nestnet_free(nn);
	for (size_t i = 0; r == 0 && i < 3; i++)
		close(fds[i]);
	return r;
}

/* ---- What they find --------------------------------------------------------------------- */

static void arrange_links(void)
{
	sh("ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78 && "
	   "ip link add eth0 address 02:00:00:00:00:79 type veth "
	   "peer name far1 address 02:00:00:00:00:7a && "
	   "ip link set eth0 up && ip link set far1 up && "
	   "ip addr add 10.128.0.2/24 dev eth0 && ip route add default via 10.128.0.1");
}

static void arrange_all(void)
{
	arrange_links();
	ck_assert_int_eq(do_network(), 0);
	ck_assert_int_eq(do_shapes(), 0);
	ck_assert_int_eq(do_expose(), 0);
	sh("iptables-nft -P FORWARD DROP && iptables-nft -A FORWARD -p udp -j ACCEPT");
}

static const struct program {
	const char *name;
	void (*arrange)(void);
	int (*run)(void);
	bool is_final; /* it deletes links: may be beyond undoing, if it says so */
} programs[] = {
	{ "the first expose", arrange_links, do_expose, false },
	{ "expose", arrange_all, do_nat, false },
	{ "every shape", arrange_links, do_shapes, false },
	{ "replace", arrange_all, do_replace, false },
	{ "unexpose", arrange_all, do_unexpose, false },
	{ "unexpose --target", arrange_all, do_unexpose_target, false },
	{ "nat del", arrange_all, do_nat_del, false },
	{ "a network", arrange_links, do_network, false },
	{ "removal", arrange_all, do_removal, true },
	{ "clear", arrange_all, do_clear, true },
	{ "a whole state, equal in part", arrange_all, do_whole, true },
	{ "another whole state", arrange_all, do_other_whole, true },
	{ "a plan", arrange_all, plan_whole, false },
	{ "save", arrange_all, do_save, false },
	{ "lists", arrange_all, do_lists, false },
	{ "doctor", arrange_all, do_doctor, false },
	{ "opening a tap", arrange_all, open_tap, false },
	{ "an open tap", arrange_all, make_open_tap, false },
};

/* ---- How they must end -------------------------------------------------------------------- */

/* One try. */
struct
try {
	const struct program *program;
	unsigned int n;
	bool is_lasting, is_struck;
	int result;
	size_t n_held;
	void *caller;
};

static void try(struct try *try)
{
	memory_arm(try->n, try->is_lasting);
	try->result = try->program->run();
	try->is_struck = memory_disarm();
	try->n_held = memory_held(&try->caller);
}

/* @return what is wrong, to be freed; or NULL */
static char *judge(const struct try *try, const char *before, const char *after)
{
	char *now, *difference;

	if (try->n_held) {
		if (asprintf(&difference, "%zu pieces leak, one of them from %p",
			     try->n_held, try->caller) < 0)
			return NULL;
		return difference;
	}
	if (try->result == -ENOTRECOVERABLE)
		return try->program->is_final || try->is_lasting ? NULL
								 : strdup("not undone");
	if (try->result < 0 && try->result != -ENOMEM && try->result != -EIO)
		return strdup("another code");
	if (try->result < 0 && sentence[0] == '\0')
		return strdup("nothing is said");
	now = snapshot();
	difference = snapshots_difference(try->result ? before : after, now);
	free(now);
	return difference;
}

static unsigned int step_of_environment(void)
{
	const char *text = getenv("NN_MEMORY_STEP");

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : 1;
}

/* Goes through one program's allocations. @return how many points there were, or -1 */
static int run_through(size_t index, bool is_lasting, int report)
{
	struct try last = { .program = &programs[index], .is_lasting = is_lasting };
	unsigned int step = step_of_environment();
	char *before, *after, *wrong = NULL;
	int points = 0;

	netns_fresh();
	last.program->arrange();
	before = snapshot();
	/* What libraries allocate once and keep is not the n-th try's matter. */
	ck_assert_int_eq(last.program->run(), 0);
	after = snapshot();
	last.result = 0;
	last.is_struck = true;
	for (last.n = 1 + (unsigned int)index % step; last.is_struck && !wrong;
	     last.n += step) {
		bool is_read_only = strcmp(before, after) == 0;

		if (last.result != -ENOMEM && !is_read_only) {
			netns_fresh();
			last.program->arrange();
		}
		try(&last);
		points += last.is_struck;
		wrong = judge(&last, before, after);
	}
	if (wrong)
		dprintf(report, "%s, allocation %u%s: %d: %.200s: %.600s\n",
			last.program->name, last.n - step,
			is_lasting ? " and all behind it" : "", last.result, sentence,
			wrong);
	free(before);
	free(after);
	free(wrong);
	return wrong ? -1 : points;
}

/* Programs side by side, each in processes and namespaces of its own, as most of the time
 * goes into the kernel's grace periods. */
START_TEST(memory_that_runs_out_anywhere_leaves_all_as_it_was)
{
	size_t n = ARRAY_LEN(programs) * 2, n_wrong = 0;
	unsigned long points = 0, more;
	int report[2], count[2], status;
	char text[3500] = "";
	ssize_t len;

	ck_assert_int_eq(pipe(report), 0);
	ck_assert_int_eq(pipe(count), 0);
	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			int made = run_through(i / 2, i % 2, report[1]);

			more = made < 0 ? 0 : (unsigned long)made;
			if (write(count[1], &more, sizeof(more)) != sizeof(more))
				made = -1;
			_exit(made < 0 ? 1 : 0);
		}
	}
	close(report[1]);
	close(count[1]);
	while (wait(&status) > 0)
		n_wrong += status != 0;
	while (read(count[0], &more, sizeof(more)) == sizeof(more))
		points += more;
	len = read(report[0], text, sizeof(text) - 1);
	ck_assert_msg(n_wrong == 0 && len == 0, "%zu of %zu\n%s", n_wrong, n, text);
	printf("%lu points\n", points);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = netns_case(suite, "memory", 1200);

	tcase_add_test(tcase, memory_that_runs_out_anywhere_leaves_all_as_it_was);
	return netns_run(suite);
}
