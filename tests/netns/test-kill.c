/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every verb, killed before each of its system calls in turn, and at moments of chance. What is
 * then there is the ruleset of before or that of after, and of all else each line is of before,
 * of after, or about a link with our mark. From each state that there is after a kill apply
 * makes what the verb would have made, to the letter; and clear, after that or at once, leaves
 * nothing.
 *
 * NN_KILL_STEP says how many calls lie between two kills (48; 1 is every point), NN_KILL_RANDOM
 * how many there are at moments of chance (35), and NN_KILL_SEED which. `make check-kills` is
 * the long form. The last line counts.
 */

#include "commands.h"
#include "netns.h"

#include "kernel/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What others have: an uplink, a bridge, guests' cables, and a firewall. */
#define OTHERS                                                                          \
	"ip link add virbr0 address 52:54:00:aa:bb:01 type bridge && "                  \
	"ip link add eth0 address 02:00:00:00:00:76 type veth "                         \
	"peer name far0 address 02:00:00:00:00:77 && "                                  \
	"ip link add vnet0 address 02:00:00:00:00:78 type veth "                        \
	"peer name far1 address 02:00:00:00:00:79 && "                                  \
	"ip link add vnet1 address 02:00:00:00:00:7a type veth "                        \
	"peer name far2 address 02:00:00:00:00:7b && "                                  \
	"ip link set virbr0 up && ip link set eth0 up && ip link set far0 up && "       \
	"ip link set vnet0 up && ip link set vnet1 up && "                              \
	"ip address add 10.128.0.2/24 dev eth0 && ip route add default via 10.128.0.1 " \
	"&& "                                                                           \
	"nft 'table ip filter { chain DOCKER-USER { return; }; "                        \
	"chain FORWARD { type filter hook forward priority 0; policy drop; "            \
	"jump DOCKER-USER; }; }'"

#define WANTED                                                                \
	"bridge add br0 --address 192.168.122.1/24 --mac 02:00:00:00:00:01\n" \
	"bridge attach br0 vnet0\n"                                           \
	"bridge attach virbr0 vnet1 --no-hairpin\n"                           \
	"nat add 192.168.122.0/24\n"                                          \
	"tap add tap0 --bridge br0 --mac 02:00:00:00:00:02 "                  \
	"--guard 52:54:00:12:34:91,192.168.122.91,fd12::91\n"                 \
	"alias add 10.128.0.12/30 --dev eth0\n"                               \
	"expose 10.128.0.13 192.168.122.89 --comment web\n"                   \
	"expose 10.128.0.14:80 192.168.122.90:8000\n"

#define OTHER                                                                            \
	"bridge add br0 --address 192.168.122.2/24 --mac 02:00:00:00:00:01 --mtu 1400\n" \
	"bridge add br1 --mac 02:00:00:00:00:03\n"                                       \
	"tap add tap0 --owner nobody --mac 02:00:00:00:00:04\n"                          \
	"tap add tap1 --bridge br1 --mac 02:00:00:00:00:05 --guard 52:54:00:12:34:92\n"  \
	"bridge attach br1 vnet0\n"                                                      \
	"nat add 192.168.122.0/25 --open\n"                                              \
	"expose 10.128.0.13 192.168.122.90 --coexist\n"

#define MOVED                                      \
	"bridge add br0 --mac 02:00:00:00:00:01\n" \
	"bridge attach br0 eth0 --move-addresses\n"

static const struct verb {
	const char *words;
	const char *state; /* what it finds, as a file */
	const char *input; /* NULL: none */
	/* It is what no file says: then what ends it is the verb again, and not apply. */
	bool is_again;
	bool only_looks; /* and may not like what it sees */
} verbs[] = {
	{ "expose 10.128.0.13 192.168.122.89", "", NULL, false, false },
	{ "expose 10.128.0.13 192.168.122.89 --egress alias --from 203.0.113.0/24 "
	  "--except 22 "
	  "--comment web",
	  "expose 10.128.0.14:80 192.168.122.90\n", NULL, false, false },
	{ "expose [2001:db8::13]:80-90 [fd12::89]:8000-8010 --open", "", NULL, false,
	  false },
	{ "expose 10.128.0.13 192.168.122.90 --replace", WANTED, NULL, false, false },
	{ "expose 10.128.0.15 192.168.122.89 --coexist", WANTED, NULL, false, false },
	{ "unexpose 10.128.0.13", WANTED, NULL, false, false },
	{ "unexpose 10.128.0.13", OTHER, NULL, false, false },
	{ "unexpose --all", WANTED, NULL, false, false },
	{ "tap add tap1 --bridge br0 --mac 02:00:00:00:00:06 --guard 52:54:00:12:34:99",
	  WANTED, NULL, false, false },
	{ "tap add tap0 --address 192.168.60.1/24 --mac 02:00:00:00:00:06 --vnet-hdr", "",
	  NULL, false, false },
	{ "tap del tap0", WANTED, NULL, false, false },
	{ "bridge add br9 --address 192.168.50.1/24 --address fd50::1/64 "
	  "--mac 02:00:00:00:00:07 --stp",
	  "", NULL, false, false },
	{ "bridge del br0", WANTED, NULL, false, false },
	{ "bridge attach virbr0 vnet0 vnet1", "", NULL, false, false },
	{ "bridge attach br0 eth0 --move-addresses",
	  "bridge add br0 --mac 02:00:00:00:00:01\n", NULL, false, false },
	{ "bridge detach vnet0 vnet1", WANTED, NULL, false, false },
	{ "bridge detach eth0 --move-addresses", MOVED, NULL, false, false },
	{ "nat add 192.168.50.0/24 --out eth0 --to 10.128.0.12", "", NULL, false, false },
	{ "nat del 192.168.122.0/24", WANTED, NULL, false, false },
	{ "forward on", "", NULL, false, false },
	{ "forward on vnet0 vnet1 -4", "", NULL, false, false },
	{ "forward off", WANTED, NULL, true, false },
	{ "alias add 10.128.0.21 --dev eth0", "", NULL, false, false },
	{ "alias del 10.128.0.12/30", WANTED, NULL, false, false },
	{ "apply -", "", WANTED, false, false },
	{ "apply -", OTHER, WANTED, false, false },
	{ "apply -", WANTED, "bridge add br1 --mac 02:00:00:00:00:03\n", false, false },
	{ "clear", WANTED, NULL, true, false },
	{ "clear", MOVED, NULL, true, false },
	{ "list", WANTED, NULL, false, true },
	{ "save", WANTED, NULL, false, true },
	{ "status", WANTED, NULL, false, true },
	{ "doctor 10.128.0.13", WANTED, NULL, false, true },
	{ "diff -", WANTED, OTHER, false, true },
	{ "trace 10.128.0.13 --timeout 1s", WANTED, NULL, false, true },
};

/* Of all processes together. */
static struct counts {
	unsigned int points, states, random_kills, too_late;
} * counts;

/* One verb, in a namespace and a process of its own. */
struct run {
	const struct verb *verb;
	char *none, *before, *after; /* states in words */
	char *finish;                /* as a file */
	bool is_none, is_before;     /* the present state is known to be that */
	uint64_t took_us;
	uint32_t random;
	char **seen; /* states that a kill has led to */
	size_t n_seen;
};

static unsigned int number_of(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

/* ---- States -------------------------------------------------------------------------------- */

/* With the routes, of which some move and some are aliases. */
static char *state(void)
{
	char *routes = sh_output("ip -4 route show table all");
	char *rest = snapshot(), *both = NULL;

	/* Carrier comes and goes a moment later. */
	for (char *at = routes; (at = strstr(at, " linkdown"));)
		memmove(at, at + 9, strlen(at + 9) + 1);
	ck_assert_int_ge(asprintf(&both, "%s%s", rest, routes), 0);
	free(routes);
	free(rest);
	return both;
}

/* Where the ruleset ends, of which lo is the first link behind. */
static size_t ruleset_len(const char *text)
{
	const char *end = strncmp(text, " lo: ", 5) == 0 ? text : strstr(text, "\n lo: ");

	ck_assert_ptr_nonnull(end);
	return (size_t)(end - text);
}

static bool has_ruleset_of(const char *text, const char *other)
{
	size_t len = ruleset_len(text);

	return len == ruleset_len(other) && memcmp(text, other, len) == 0;
}

static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; (at = strstr(at, "\n")); at++) {
		if (strncmp(at + 1, line, len) == 0 && at[1 + len] == '\n')
			return true;
	}
	return false;
}

/* A link's first line, with its name. */
static bool is_link(const char *line)
{
	size_t name = strcspn(line + 1, " \n");

	return line[0] == ' ' && name > 1 && line[name] == ':';
}

/* Our links are of groups that begin so: of one, or of that with which many are deleted. */
static bool has_our_mark(const char *line)
{
	const char *group = memmem(line, strcspn(line, "\n"), " group ", 7);

	return group && strtoul(group + 7, NULL, 10) >> 16 == LINK_GROUP >> 16;
}

/* A setting, or a route, of a link of ours. */
static bool is_of_our_link(const char *text, const char *line)
{
	size_t len = strcspn(line, "\n");
	const char *name = memmem(line, len, "/conf/", 6), *link;
	char start[64];

	if (!name)
		name = memmem(line, len, " dev ", 5);
	if (!name)
		return false;
	name += *name == '/' ? 6 : 5;
	snprintf(start, sizeof(start), "\n %.*s: ", (int)strcspn(name, "/ \n"), name);
	link = strstr(text, start);
	return link && has_our_mark(link + 1);
}

/* @return what of the present state is neither of before nor of after, to be freed; NULL: nothing */
static char *strange(const struct run *run, const char *now)
{
	const char *line = now + ruleset_len(now);
	bool is_ours = false;

	if (!has_ruleset_of(now, run->before) && !has_ruleset_of(now, run->after))
		return strdup("a ruleset neither of before nor of after");
	for (line += *line == '\n'; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");
		/* A port's modes come a moment after its bridge. */
		bool is_known = has_line(run->before, line, len) ||
				has_line(run->after, line, len) ||
				strncmp(line, " bridge_slave ", 14) == 0;

		if (is_link(line) || line[0] != ' ')
			is_ours = is_link(line) && has_our_mark(line);
		if (!is_known && !is_ours && !is_of_our_link(now, line))
			return strndup(line, len);
	}
	return NULL;
}

/* ---- One kill ------------------------------------------------------------------------------ */

static void clear_all(struct run *run)
{
	struct end end = command("-q clear", NULL);

	ck_assert_msg(end.status == 0, "clear: %s", end.said);
	run->is_none = true;
	run->is_before = false;
}

static void arrange(struct run *run)
{
	if (run->is_before)
		return;
	if (!run->is_none)
		clear_all(run);
	if (*run->verb->state)
		printed_by("-q apply -", run->verb->state);
	run->is_none = false;
	run->is_before = true;
}

static void is_now(const char *wanted, const char *what, const char *when)
{
	char *now = state(), *difference = snapshots_difference(wanted, now);

	ck_assert_msg(!difference, "%s, %s: %s", when, what, difference);
	free(now);
}

static void finish(struct run *run, const char *when)
{
	struct end end;

	if (run->finish)
		end = command("-q apply -", run->finish);
	else
		end = command(run->verb->words, run->verb->input);
	ck_assert_msg(end.status == 0, "%s, then to its end: exit status %d: %s", when,
		      end.status, end.said);
	is_now(run->after, "then to its end", when);
}

static bool is_seen(struct run *run, const char *now)
{
	for (size_t i = 0; i < run->n_seen; i++) {
		if (strcmp(run->seen[i], now) == 0)
			return true;
	}
	run->seen = realloc(run->seen, (run->n_seen + 1) * sizeof(*run->seen));
	ck_assert_ptr_nonnull(run->seen);
	run->seen[run->n_seen++] = strdup(now);
	return false;
}

/* What was killed is gone: so the state is looked at. @return it, to be freed */
static char *look(struct run *run, const char *when)
{
	char *now = state(), *wrong = strange(run, now);

	ck_assert_msg(!wrong, "%s: %s", when, wrong);
	run->is_before = strcmp(now, run->before) == 0;
	return now;
}

/* And it is put right in one of two ways. */
static void put_right(struct run *run, bool is_finished, const char *when)
{
	run->is_before = false;
	if (is_finished)
		finish(run, when);
	clear_all(run);
	is_now(run->none, is_finished ? "finished and cleared" : "cleared", when);
}

/* ---- All of a verb ------------------------------------------------------------------------- */

static void begin_verb(struct run *run)
{
	const struct verb *verb = run->verb;
	struct end end;

	netns_fresh();
	sh(OTHERS);
	run->none = state();
	run->is_none = true;
	arrange(run);
	run->before = state();
	end = command(verb->words, verb->input);
	ck_assert_msg(end.status == 0 || (end.status == 1 && verb->only_looks),
		      "%s: exit status %d: %s", verb->words, end.status, end.said);
	run->took_us = end.took_us;
	run->after = state();
	run->is_before = false;
	if (!verb->is_again) {
		run->finish = strdup(printed_by("save", NULL));
		finish(run, "not killed at all");
	}
	clear_all(run);
	is_now(run->none, "cleared", "not killed at all");
}

/* @return whether there was such a point */
static bool kill_at(struct run *run, unsigned int n, bool is_finished)
{
	char when[400], *now;
	struct end end;

	arrange(run);
	end = killed_at_call(run->verb->words, run->verb->input, n);
	if (!end.is_killed)
		return false;
	snprintf(when, sizeof(when), "killed before call %u (%ld) of %s", n, end.call,
		 run->verb->words);
	now = look(run, when);
	/* From a state that was put right once it is so again. */
	if (!is_seen(run, now)) {
		put_right(run, is_finished, when);
		arrange(run);
		(void)killed_at_call(run->verb->words, run->verb->input, n);
		free(look(run, when));
		put_right(run, !is_finished, when);
		__atomic_fetch_add(&counts->states, 1, __ATOMIC_RELAXED);
	}
	free(now);
	__atomic_fetch_add(&counts->points, 1, __ATOMIC_RELAXED);
	return true;
}

static void kill_at_points(struct run *run)
{
	unsigned int step = number_of("NN_KILL_STEP", 48);
	unsigned int n = 1 + (unsigned int)(run->verb - verbs) % step;

	for (; kill_at(run, n, n % 2 == 0); n += step)
		ck_assert_uint_lt(n, 5000);
	run->is_before = false;
}

static void kill_by_chance(struct run *run, uint32_t seed, unsigned int wanted)
{
	unsigned int n = 0;

	for (unsigned int i = 0; n < wanted && i < 10 * wanted; i++) {
		uint64_t us = harness_random(&run->random) % (run->took_us + 1);
		char when[400];
		struct end end;

		arrange(run);
		end = killed_after(run->verb->words, run->verb->input, us);
		run->is_before = false;
		if (!end.is_killed) {
			__atomic_fetch_add(&counts->too_late, 1, __ATOMIC_RELAXED);
			continue;
		}
		snprintf(when, sizeof(when), "killed after %u us (seed %u, %u) of %s",
			 (unsigned int)us, seed, i, run->verb->words);
		free(look(run, when));
		put_right(run, harness_random(&run->random) % 2 == 0, when);
		__atomic_fetch_add(&counts->random_kills, 1, __ATOMIC_RELAXED);
		n++;
	}
}

static uint32_t seed_of_all(void)
{
	static uint32_t seed;

	if (seed == 0)
		seed = number_of("NN_KILL_SEED", (unsigned int)getpid());
	return seed;
}

START_TEST(a_verb_that_is_killed_is_finished_by_apply_and_taken_back_by_clear)
{
	struct run run = { .verb = &verbs[_i],
			   .random = seed_of_all() * 64 + (unsigned int)_i + 1 };
	unsigned int n_random = number_of("NN_KILL_RANDOM", 35);
	unsigned int n_verbs = (unsigned int)ARRAY_LEN(verbs);

	begin_verb(&run);
	kill_at_points(&run);
	kill_by_chance(&run, seed_of_all(), (n_random + n_verbs - 1) / n_verbs);
	free(run.none);
	free(run.before);
	free(run.after);
	free(run.finish);
	for (size_t i = 0; i < run.n_seen; i++)
		free(run.seen[i]);
	free(run.seen);
}
END_TEST

static int run_share(int share, int shares)
{
	Suite *suite = suite_create("kills");
	TCase *killed = netns_case(suite, "killed", 3600);

	for (int i = share; i < (int)ARRAY_LEN(verbs); i += shares)
		tcase_add_loop_test(
			killed,
			a_verb_that_is_killed_is_finished_by_apply_and_taken_back_by_clear,
			i, i + 1);
	return netns_run(suite);
}

int main(void)
{
	int r;

	(void)seed_of_all();
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 1;
	r = in_shares((int)number_of("NN_KILL_JOBS", 6), run_share);
	printf("%zu verbs killed at %u points, which led to %u states, and at %u moments "
	       "of "
	       "chance (seed %u; %u came too late)\n",
	       ARRAY_LEN(verbs), counts->points, counts->states, counts->random_kills,
	       seed_of_all(), counts->too_late);
	return r;
}
