/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that runs out, at every single allocation of every verb of the command: its own,
 * the library's, jansson's, libsmartcols', libc's. It ends by itself, with status 0 and all
 * that it prints at other times, or with 1, one line that says why, and the host as it was.
 *
 * Each command line is run by main() of the command, in a process of its own: with one
 * allocation that fails, and with all behind it, where libraries are there already, and
 * nothing may leak; and once more where they are not loaded yet.
 *
 * The last line counts the points. NN_MEMORY_STEP takes every so many of them only, shifted
 * by one for each command line, and each line in one of those three ways.
 */

#include "command.h"
#include "memory.h"
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* main() of the command, which is built for this under that name. */
int nestnet_main(int argc, char **argv);

/* ---- Command lines ------------------------------------------------------------------------ */

enum {
	READS = 1,    /* changes nothing, so that the namespace stays */
	FINAL = 2,    /* deletes links: may be beyond undoing, if it says so */
	VARIES = 4,   /* prints numbers that change by themselves */
	WAITS = 8,    /* for what another does, prints that, and ends by a signal */
	DIFFERS = 16, /* or finds: exits with 1 then, and with 2 where it fails */
};

/* Words by blanks; @ is the scratch directory. */
static const struct line {
	const char *text;
	unsigned int flags;
} lines[] = {
	{ "expose 10.128.0.16 192.168.122.90 --egress alias --from 10.2.0.0/15 "
	  "--from 10.9.9.9/32 --except 22 --comment web --no-local",
	  0 },
	{ "expose 10.128.0.13 192.168.122.90 --replace --coexist", 0 },
	{ "unexpose 10.128.0.13 10.128.0.14:80", 0 },
	{ "unexpose --target 192.168.122.89", 0 },
	{ "unexpose --all", 0 },
	{ "list", READS },
	{ "-j list 10.128.0.13", READS },
	{ "tap add tap9 --bridge br0 --mac 02:00:00:00:00:19 --owner root --group root "
	  "--guard "
	  "02:00:00:00:00:99,192.168.122.99,192.168.122.98 --lease 192.168.122.99",
	  0 },
	{ "tap add vm%d --address 192.168.50.1/24 --address fd50::1/64 --queues 2 --mac "
	  "02:00:00:00:00:18",
	  0 },
	{ "tap del tap0 tap1", FINAL },
	{ "tap list", READS },
	{ "-j tap list", READS },
	{ "bridge add br9 --address 192.168.9.1/24 --address fd09::1/64 --mac "
	  "02:00:00:00:09:01 --dhcp 192.168.9.100-192.168.9.199",
	  0 },
	{ "bridge del br0", FINAL },
	{ "bridge list", READS },
	{ "-j bridge list", READS },
	{ "bridge attach br0 vnet0", 0 },
	{ "bridge detach vnet1", 0 },
	{ "nat add 192.168.50.0/24 --out eth0 --to 10.128.0.2", 0 },
	{ "nat del 192.168.122.0/24", 0 },
	{ "nat list", READS },
	{ "-j nat list", READS },
	{ "forward on eth0 -6", 0 },
	{ "forward off", 0 },
	{ "forward status", READS },
	{ "-j forward status eth0", READS },
	{ "alias add 10.128.0.20/30 --dev eth0", 0 },
	{ "alias del 10.128.0.12/30", 0 },
	{ "alias list", READS },
	{ "-j alias list", READS },
	{ "guest list", READS },
	{ "-j guest list", READS },
	{ "guest wait 02:00:00:00:00:89 --timeout 1s", READS },
	{ "-j guest wait 02:00:00:00:00:89 --timeout 1s", READS },
	{ "dhcp config br0", READS },
	{ "dhcp hosts br0", READS },
	{ "dhcp command br0", READS },
	{ "apply @/state", FINAL },
	{ "apply @/state.json", FINAL },
	{ "-j diff @/state", READS | DIFFERS },
	{ "diff @/state.json", READS | DIFFERS },
	{ "save", READS },
	{ "status", READS },
	{ "-j status", READS },
	{ "status --dot", READS },
	{ "doctor", READS | DIFFERS },
	{ "-j doctor 10.128.0.13", READS | DIFFERS },
	{ "trace 10.128.0.13 --count 1", READS | WAITS },
	{ "-j trace 10.128.0.13 --count 1", READS | WAITS },
	{ "monitor", READS | WAITS },
	{ "-j monitor", READS | WAITS },
	{ "metrics", READS | VARIES },
	{ "metrics --output @/out.prom", READS },
	{ "-n -j clear", READS },
	{ "clear", FINAL },
};

static char scratch[64];

#define WORDS_MAX 32

/* @return how many; each is to last as long as the process */
static int split(const char *text, char **argv)
{
	char *copy = strdup(text), *word, *rest;
	int argc = 0;

	argv[argc++] = strdup("nestnet");
	for (word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		ck_assert_int_lt(argc, WORDS_MAX - 1);
		if (word[0] != '@')
			argv[argc++] = word;
		else
			ck_assert_int_ge(
				asprintf(&argv[argc++], "%s%s", scratch, word + 1), 0);
	}
	argv[argc] = NULL;
	return argc;
}

/* ---- What they find ------------------------------------------------------------------------ */

static void do_line(const char *text)
{
	char *argv[WORDS_MAX];
	int argc = split(text, argv);

	optind = 0;
	ck_assert_msg(nestnet_main(argc, argv) == 0, "%s", text);
}

static void arrange(void)
{
	static const char *const made[] = {
		"bridge add br0 --address 192.168.122.1/24 --mac 02:00:00:00:00:12 "
		"--dhcp 192.168.122.100-192.168.122.199",
		"tap add tap0 --bridge br0 --mac 02:00:00:00:00:11 --guard "
		"02:00:00:00:00:89,192.168.122.89 --lease 192.168.122.89",
		"tap add tap1 --bridge br0 --mac 02:00:00:00:00:10",
		"bridge attach br0 vnet1",
		"nat add 192.168.122.0/24",
		"alias add 10.128.0.12/30 --dev eth0",
		"expose 10.128.0.13 192.168.122.89 --from 10.128.0.0/24 --except 22",
		"expose 10.128.0.14:80 192.168.122.89:8000",
	};

	sh("ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78 && "
	   "ip link add vnet1 address 02:00:00:00:00:7b type veth "
	   "peer name far2 address 02:00:00:00:00:7c && "
	   "ip link add eth0 address 02:00:00:00:00:79 type veth "
	   "peer name far1 address 02:00:00:00:00:7a && "
	   "ip link set lo up && ip link set eth0 up && ip link set far1 up && "
	   "ip addr add 10.128.0.2/24 dev eth0 && ip route add default via 10.128.0.1");
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		do_line(made[i]);
	sh("ip link set vnet1 up && ip link set far2 up && "
	   "ip neigh add 192.168.122.89 lladdr 02:00:00:00:00:89 dev br0 nud permanent "
	   "&& "
	   "bridge fdb add 02:00:00:00:00:89 dev vnet1 master static && "
	   "iptables-nft -P FORWARD DROP && iptables-nft -A FORWARD -p udp -j ACCEPT");
}

static void make_scratch(void)
{
	snprintf(scratch, sizeof(scratch), "/tmp/nestnet-memory-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	sh("printf '%%s\\n' 'bridge add br0 --address 192.168.122.1/24' "
	   "'nat add 192.168.122.0/24' 'expose 10.128.0.15 192.168.122.90 --comment \"a "
	   "b\"' "
	   ">%s/state",
	   scratch);
	sh("printf '%%s' '{\"exposures\": [{\"id\": \"10.128.0.15\", \"alias\": "
	   "\"10.128.0.15\", \"target\": "
	   "\"192.168.122.90\", \"from\": [\"10.0.0.0/8\"], \"comment\": \"a b\"}], "
	   "\"nat\": "
	   "[{\"id\": \"192.168.122.0/24\", \"subnet\": \"192.168.122.0/24\"}]}' "
	   ">%s/state.json",
	   scratch);
	sh("touch %s/out.prom", scratch);
}

/* What trace and monitor wait for: poll() is defined here in front of libc's. */
static unsigned int n_waits;
static bool is_waiting;

static void send_packet(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.128.0.13", &to.sin_addr);
	(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (is_waiting && n >= 2) {
		n_waits++;
		if (n_waits == 1) {
			send_packet();
			(void)!system("ip link set tap1 down && ip link set tap1 up");
		} else {
			raise(SIGTERM);
		}
	}
	return (int)syscall(SYS_poll, fds, n, timeout);
}

/* ---- One run ------------------------------------------------------------------------------- */

struct run {
	const struct line *line;
	unsigned int n;
	bool is_lasting, is_cold, is_struck;
	int status; /* as of waitpid() */
	size_t n_held;
	void *caller;
	char *out, *err;
};

/* What the child says of itself. */
static struct told {
	bool is_struck;
	size_t n_held;
	void *caller;
} * told;

static char *read_all(int fd)
{
	char *text = calloc(1, 262144);

	ck_assert_ptr_nonnull(text);
	ck_assert_int_ge(pread(fd, text, 262143, 0), 0);
	close(fd);
	return text;
}

/* In a process of its own, which ends with it. */
static void run_main(const struct run *run, int argc, char **argv, int out, int err)
{
	static char buffer[262144];
	int status;

	ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
	ck_assert_int_ge(dup2(err, STDERR_FILENO), 0);
	if (!run->is_cold)
		setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	n_waits = 0;
	is_waiting = run->line->flags & WAITS;
	optind = 0;
	memory_arm(run->n, run->is_lasting);
	status = nestnet_main(argc, argv);
	told->is_struck = memory_disarm();
	told->n_held = memory_held(&told->caller);
	_exit(status);
}

static void run_once(struct run *run)
{
	int out = memfd_create("out", 0), err = memfd_create("err", 0);
	char *argv[WORDS_MAX];
	int argc = split(run->line->text, argv);
	pid_t pid;

	free(run->out);
	free(run->err);
	*told = (struct told){ .is_struck = true };
	fflush(stdout);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_main(run, argc, argv, out, err);
	ck_assert_int_eq(waitpid(pid, &run->status, 0), pid);
	run->is_struck = told->is_struck;
	run->n_held = told->n_held;
	run->caller = told->caller;
	run->out = read_all(out);
	run->err = read_all(err);
}

/* In this process, so that all that it loads stays loaded. */
static void warm_up(const struct line *line)
{
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char *argv[WORDS_MAX];
	int argc = split(line->text, argv), status;
	sigset_t mask;

	fflush(stdout);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	n_waits = 0;
	is_waiting = line->flags & WAITS;
	optind = 0;
	status = nestnet_main(argc, argv);
	is_waiting = false;
	/* One that ended it is spent. */
	signal(SIGTERM, SIG_IGN);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	signal(SIGTERM, SIG_DFL);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(nowhere);
	ck_assert_msg(status == 0 || line->flags & DIFFERS, "%s: status %d", line->text,
		      status);
}

/* ---- How they must end ---------------------------------------------------------------------- */

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* It did what it does at other times; a notice may be missing. */
static bool is_as_usual(const struct run *run, const struct run *usual)
{
	return run->status == usual->status &&
	       (strcmp(run->err, usual->err) == 0 || (run->status == 0 && !run->err[0]));
}

static bool is_same_output(const struct run *run, const struct run *usual)
{
	if (run->line->flags & WAITS)
		return !run->out[0] == !usual->out[0];
	if (run->line->flags & VARIES)
		return count_lines(run->out) == count_lines(usual->out);
	return strcmp(run->out, usual->out) == 0;
}

static const char *judge_output(const struct run *run, const struct run *usual)
{
	const char *last;

	if (!WIFEXITED(run->status))
		return "it did not end by itself";
	if (is_as_usual(run, usual))
		return is_same_output(run, usual) ? NULL : "as usual, but for the output";
	if (WEXITSTATUS(run->status) != (run->line->flags & DIFFERS ? 2 : 1))
		return "another status than that of a failure";
	if (!run->err[0] || run->err[strlen(run->err) - 1] != '\n')
		return "nothing is said";
	/* Notices may be before it. */
	last = run->err + strlen(run->err) - 1;
	while (last > run->err && last[-1] != '\n')
		last--;
	if (strncmp(last, "nestnet: ", 9) != 0)
		return "not a line of ours";
	if (count_lines(run->err) > count_lines(usual->err) + 1)
		return "more than one line";
	return NULL;
}

/* The namespace; where packets were sent, but for what counts them. To be freed */
static char *look(const struct line *line)
{
	char *text = snapshot(), *at = text;

	while (line->flags & WAITS && (at = strstr(at, "packets "))) {
		size_t len = strcspn(at, "\n:");

		memmove(at, at + len, strlen(at + len) + 1);
	}
	return text;
}

/* @return what is wrong, to be freed; or NULL */
static char *judge(const struct run *run, const struct run *usual, const char *before,
		   const char *after)
{
	const char *wrong = judge_output(run, usual);
	char *now, *difference;

	if (wrong)
		return strdup(wrong);
	if (run->n_held && !run->is_cold) {
		ck_assert_int_ge(asprintf(&difference,
					  "%zu pieces leak, one of them from %p",
					  run->n_held, run->caller),
				 0);
		return difference;
	}
	if (strstr(run->err, "could not be undone") &&
	    (run->line->flags & FINAL || run->is_lasting))
		return NULL;
	now = look(run->line);
	difference = snapshots_difference(is_as_usual(run, usual) ? after : before, now);
	free(now);
	return difference;
}

static unsigned int step_of_environment(void)
{
	const char *text = getenv("NN_MEMORY_STEP");

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : 1;
}

static void begin_anew(void)
{
	netns_fresh();
	arrange();
}

/* Goes through the allocations of one command line. @return how many points there were, or -1 */
static int run_through(const struct line *line, size_t index, unsigned int mode,
		       int report)
{
	struct run usual = { .line = line, .is_cold = mode == 2 };
	struct run run = { .line = line,
			   .is_lasting = mode == 1,
			   .is_cold = mode == 2,
			   .is_struck = true };
	unsigned int step = step_of_environment(), files;
	char *before, *after, *wrong = NULL;
	int points = 0;

	begin_anew();
	if (mode != 2 && line->flags & READS)
		warm_up(line);
	before = look(line);
	run_once(&usual);
	ck_assert_msg(usual.status == 0 || line->flags & DIFFERS, "%s: %x: %s",
		      line->text, usual.status, usual.err);
	after = look(line);
	files = count_entries(scratch);
	if (mode != 2 && !(line->flags & READS)) {
		begin_anew();
		warm_up(line);
	}
	for (run.n = 1 + (unsigned int)index % step; run.is_struck && !wrong;
	     run.n += step) {
		bool is_changed =
			run.status == 0 || strstr(run.err ? run.err : "", "undone");

		if (!(line->flags & READS) && is_changed)
			begin_anew();
		run_once(&run);
		points += run.is_struck;
		wrong = judge(&run, &usual, before, after);
		if (!wrong && count_entries(scratch) != files)
			wrong = strdup("another number of files");
	}
	if (wrong)
		dprintf(report, "%s%s, allocation %u%s: status %x: %.200s: %.400s\n",
			line->text, mode == 2 ? ", nothing loaded" : "", run.n - step,
			run.is_lasting ? " and all behind it" : "",
			(unsigned int)run.status, run.err, wrong);
	free(before);
	free(after);
	return wrong ? -1 : points;
}

START_TEST(every_verb_is_among_the_command_lines)
{
	for (size_t i = 0; i < n_commands; i++) {
		bool is_there = false;
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s", commands[i].noun,
			 commands[i].verb ? " " : "",
			 commands[i].verb ? commands[i].verb : "");
		for (size_t l = 0; l < ARRAY_LEN(lines); l++)
			is_there = is_there || strstr(lines[l].text, name);
		ck_assert_msg(is_there, "%s", name);
	}
}
END_TEST

/* So many at once, as most of the time goes into the kernel's grace periods. */
#define AT_ONCE 8

static unsigned int wait_for_one(void)
{
	int status = 0;

	ck_assert_int_gt(wait(&status), 0);
	return status != 0;
}

START_TEST(memory_that_runs_out_in_a_command_leaves_all_as_it_was)
{
	size_t n = ARRAY_LEN(lines) * 3, running = 0;
	unsigned int n_wrong = 0, *points;
	int report = memfd_create("report", 0);
	char *text;

	points = mmap(NULL, sizeof(*points), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(points, MAP_FAILED);
	for (size_t i = 0; i < n; i++) {
		/* The short form has each line in one of the three ways. */
		if (step_of_environment() > 1 && i % 3 != i / 3 % 3)
			continue;
		if (running == AT_ONCE) {
			n_wrong += wait_for_one();
			running--;
		}
		running++;
		fflush(stdout);
		if (fork() == 0) {
			int made;

			told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
			ck_assert_ptr_ne(told, MAP_FAILED);
			make_scratch(); /* a file of another's is not to be counted */
			made = run_through(&lines[i / 3], i / 3, i % 3, report);
			sh("rm -r %s", scratch);
			__atomic_fetch_add(points, made < 0 ? 0 : (unsigned int)made,
					   __ATOMIC_RELAXED);
			_exit(made < 0);
		}
	}
	for (; running > 0; running--)
		n_wrong += wait_for_one();
	text = read_all(report);
	ck_assert_msg(n_wrong == 0 && text[0] == '\0', "%u of %zu\n%.3500s", n_wrong, n,
		      text);
	printf("%u points\n", *points);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory of the command");
	TCase *tcase = netns_case(suite, "memory", 3600);

	tcase_add_test(tcase, every_verb_is_among_the_command_lines);
	tcase_add_test(tcase, memory_that_runs_out_in_a_command_leaves_all_as_it_was);
	return netns_run(suite);
}
