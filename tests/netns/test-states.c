/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * States by chance, of every kind of object: applied over one another, listed, saved, printed by
 * nft, loaded elsewhere, and compared. What is saved changes nothing where it is from, and makes
 * the same in another namespace, as JSON of status does; the table's text makes the same list
 * where there is nothing else. test-save.bash looks closer at fewer.
 *
 * NN_STATES says how many there are (40; `make check-states` takes 2,500), NN_STATES_SEED where
 * they begin. The last line counts.
 */

#include "commands.h"
#include "netns.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHARES 4

/* What L1 has of others, and what a second machine has, too. */
#define OTHERS                                                                         \
	"for link in eth0 vnet0 vnet1; do "                                            \
	"ip link add $link type veth peer name far-$link && ip link set $link up || "  \
	"exit 1; "                                                                     \
	"done; ip link set lo up && ip link set eth0 mtu 1460 && "                     \
	"ip address add 10.128.0.2/24 dev eth0 && "                                    \
	"ip address add fd10:128::2/64 dev eth0 nodad && "                             \
	"ip route add default via 10.128.0.1 && ip route add default via fd10:128::1 " \
	"&& "                                                                          \
	"nft add table inet other"

/* Of all sets that have any, without clocks, and what was found in any order. */
#define ELEMENTS                                                                     \
	"nft -j -s list ruleset | jq -c '.nftables[] | (.set // .map // empty) | "   \
	"select(.elem and .name != \"hiding\") | [.table, .name, ([.elem[] | "       \
	"walk(if type == \"object\" then del(.timeout, .expires) else . end | "      \
	"if type == \"object\" and .comment then .comment |= (split(\" \") | sort) " \
	"else . end)] | sort)]' | sort"

/* L1, a machine that gets what L1 saves, and one that has nothing but what nft loads. */
enum place { HERE, THERE, BARE, PLACES };
static int places[PLACES];

static unsigned int *n_states; /* of all processes together */

static void go_to(enum place place)
{
	ck_assert_int_eq(setns(places[place], CLONE_NEWNET), 0);
}

static void make_places(void)
{
	for (int i = 0; i < PLACES; i++) {
		netns_fresh();
		places[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(places[i], 0);
		if (i != BARE)
			sh(OTHERS);
	}
	go_to(HERE);
}

/* ---- What is compared ---------------------------------------------------------------------- */

/* The clocks are of an hour, and go on. */
static char *without_clocks(char *text)
{
	for (char *at = text; (at = strstr(at, "--timeout "));) {
		char *end;

		at += strlen("--timeout ");
		end = at + strspn(at, "0123456789smh");
		memmove(at, end, strlen(end) + 1);
	}
	return text;
}

static char *saved(void)
{
	return without_clocks(strdup(printed_by("save", NULL)));
}

/* The list as JSON, without the lines of what counts and runs. */
static char *listed(void)
{
	static const char *const keys[] = { "\"flows\"", "\"expires_s\"",
					    "\"timeout_s\"" };
	char *text = strdup(printed_by("-j list", NULL));

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		for (char *at; (at = strstr(text, keys[i]));) {
			char *end = at + strcspn(at, "\n");

			memmove(at, end, strlen(end) + 1);
		}
	}
	return text;
}

static void same(unsigned int seed, const char *what, char *wanted, char *is)
{
	char *difference = snapshots_difference(wanted, is);

	ck_assert_msg(!difference, "seed %u: %s: %s", seed, what, difference);
	free(is);
}

/* ---- A state ------------------------------------------------------------------------------- */

static void applies(unsigned int seed, const char *what, const char *text)
{
	struct end end = command("-q apply -", text);

	ck_assert_msg(end.status == 0, "seed %u: apply of %s: exit status %d: %s\n%s",
		      seed, what, end.status, end.said, text);
}

static void differs_not(unsigned int seed, const char *what, const char *text)
{
	struct end end = command("diff -", text);

	ck_assert_msg(end.status == 0, "seed %u: diff of %s: exit status %d: %s%s", seed,
		      what, end.status, end.printed, end.said);
}

/* What is there is what was said, and what is saved, in words or JSON, changes nothing of it. */
static void is_the_same_here(unsigned int seed, const char *state, const char *raw)
{
	char *text = saved(), *json = strdup(printed_by("-j status", NULL));

	differs_not(seed, "what was applied", state);
	differs_not(seed, "what is saved", raw);
	applies(seed, "what is saved", raw);
	applies(seed, "JSON", json);
	same(seed, "saved again", text, saved());
	free(text);
	free(json);
}

/* By turns of nothing, and over the last one. */
static void is_the_same_there(unsigned int seed, const char *raw)
{
	char *text = saved(), *elements = sh_output(ELEMENTS), *list = listed();

	go_to(THERE);
	if (seed % 2 == 0)
		printed_by("-q clear", NULL);
	applies(seed, "what is saved elsewhere", raw);
	same(seed, "saved there", text, saved());
	same(seed, "the elements there", elements, sh_output(ELEMENTS));
	same(seed, "the list there", list, listed());
	go_to(HERE);
	free(text);
	free(elements);
	free(list);
}

/* Of guards, which are on interfaces, the list has nothing. */
static void is_the_same_by_nft(unsigned int seed)
{
	char file[64], *table, *list;

	if (sh_status("nft list table inet nestnet >/dev/null 2>&1") != 0)
		return;
	snprintf(file, sizeof(file), "/tmp/nestnet-states.%d", (int)getpid());
	table = sh_output("nft list table inet nestnet >%s && nft -s list table inet "
			  "nestnet | sort",
			  file);
	list = listed();
	go_to(BARE);
	sh("nft flush ruleset && nft -f %s && rm %s", file, file);
	same(seed, "the table, as nft loads it", table,
	     sh_output("nft -s list table inet nestnet | sort"));
	same(seed, "the list, as nft loads it", list, listed());
	go_to(HERE);
	free(table);
	free(list);
}

static void is_the_same_everywhere(unsigned int seed)
{
	char *state = sh_output("awk -v seed=%u -f " STATES, seed), *raw;

	applies(seed, "a state", state);
	raw = strdup(printed_by("save", NULL));
	is_the_same_here(seed, state, raw);
	is_the_same_there(seed, raw);
	is_the_same_by_nft(seed);
	__atomic_fetch_add(n_states, 1, __ATOMIC_RELAXED);
	free(state);
	free(raw);
}

/* ---- All of them --------------------------------------------------------------------------- */

static unsigned int number_of(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static unsigned int first_seed(void)
{
	return number_of("NN_STATES_SEED", 1);
}

START_TEST(what_is_saved_or_printed_makes_the_same_state_anywhere)
{
	unsigned int n = number_of("NN_STATES", 40) / SHARES;
	unsigned int first = first_seed() + (unsigned int)_i * n;

	make_places();
	for (unsigned int seed = first; seed < first + n; seed++)
		is_the_same_everywhere(seed);
}
END_TEST

static int run_share(int share, int shares)
{
	Suite *suite = suite_create("states");
	TCase *states = netns_case(suite, "states", 3600);

	(void)shares;
	tcase_add_loop_test(states,
			    what_is_saved_or_printed_makes_the_same_state_anywhere, share,
			    share + 1);
	return netns_run(suite);
}

int main(void)
{
	int r;

	n_states = mmap(NULL, sizeof(*n_states), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n_states == MAP_FAILED)
		return 1;
	r = in_shares(SHARES, run_share);
	printf("%u states applied, saved, listed, printed and loaded elsewhere (from "
	       "seed %u)\n",
	       *n_states, first_seed());
	return r;
}
