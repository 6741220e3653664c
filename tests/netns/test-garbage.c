/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bad input, generated: command lines, lines of files, documents of JSON and invocations of the
 * bridge helper that are right but for one place, which is made wrong for certain. Each is exit
 * status 2 and one line on stderr, nothing goes to stdout, and nothing changes. nestnet runs
 * within this process, once for each.
 *
 * NN_GARBAGE says how many there are (10,000; `make check-garbage` takes 100,000), NN_GARBAGE_SEED
 * which. The last line counts.
 */

#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

/* main() of the command, which is built for this under that name. */
int nestnet_main(int argc, char **argv);

/* Words in a row with a blank between them. Those of the second half cannot be in a file. */
static const char *const rights[] = {
	"expose 10.128.0.13 192.168.122.89 --egress alias --comment web",
	"expose 10.128.0.16/28 192.168.122.16/28 --egress none --no-local",
	"expose 10.128.0.13:80-90/udp 192.168.122.89:8000-8010 --from 203.0.113.0/24",
	"expose [2001:db8::13]:443 [fd12::89]:8443 --timeout 90s --open",
	"expose 10.128.0.14 192.168.122.90 --except 22 --except 5000-5010/udp "
	"--no-forward",
	"expose *:2222 192.168.122.90:22 --coexist --force",
	"bridge add br0 --address 192.168.50.1/24 --address fd50::1/64 --mtu 1400 --stp",
	"bridge add br1 --mac 02:00:00:00:00:12 --mtu auto",
	"bridge add br2 --address 192.168.50.1/24 --dhcp 192.168.50.10-192.168.50.99",
	"bridge attach br0 eth7 --no-hairpin",
	"tap add tap0 --bridge br0 --owner root --group root --queues 4 --vnet-hdr",
	"tap add tap1 --address 192.168.60.1/24 --mac 02:00:00:00:00:13 --mtu 1280",
	"tap add tap2 --bridge br0 --guard 52:54:00:12:34:56,192.168.50.9,fd50::9 "
	"--isolated",
	"tap add tap3 --bridge br0 --guard 52:54:00:12:34:56,192.168.50.9 --lease "
	"192.168.50.9",
	"nat add 192.168.50.0/24 --out eth0 --open",
	"nat add 192.168.51.0/24 --to 10.128.0.12",
	"alias add 10.128.0.12/30 --dev eth0",
	"forward on eth0 -4",
#define FILE_RIGHTS 18
	"unexpose 10.128.0.13:80",
	"unexpose --target 192.168.122.89 --if-exists",
	"list 10.128.0.13",
	"tap del tap0 --if-exists",
	"bridge del br0",
	"bridge detach eth7 --move-addresses",
	"nat del 192.168.50.0/24",
	"alias del 10.128.0.12/30",
	"forward off -6",
	"forward status lo -4",
	"-j tap list",
	"--dry-run clear",
	"bridge list",
	"alias list",
	"guest list",
	"nat list",
	"doctor 10.128.0.13:80/tcp",
	"trace 10.128.0.13 --count 2 --timeout 90s",
	"monitor exposures taps",
	"status --dot",
};

/* What is in quotes is wrong with a strange byte in it, or where it is no text. */
static const char *const documents[] = {
	"{\"exposures\": [{\"id\": \"10.128.0.13\", \"target\": \"192.168.122.89\", "
	"\"target_port\": null, \"egress\": \"alias\", \"from\": [\"203.0.113.0/24\"], "
	"\"except\": [\"22/tcp\"], \"comment\": \"web\", \"local\": true}]}",
	"{\"exposures\": [{\"id\": \"10.128.0.13:80/tcp\", \"target\": "
	"\"192.168.122.89\", "
	"\"target_port\": \"8000\", \"egress\": \"masquerade\"}], \"taps\": []}",
	"{\"taps\": [{\"name\": \"tap0\", \"bridge\": \"br0\", \"owner\": \"root\", "
	"\"mac\": \"02:00:00:00:00:13\", \"mtu\": 1280, "
	"\"guard\": [\"52:54:00:12:34:56,192.168.50.9\"]}]}",
	"{\"bridges\": [{\"name\": \"br0\", \"addresses\": [\"192.168.50.1/24\", "
	"\"fd50::1/64\"], \"mac\": \"02:00:00:00:00:12\", \"stp\": true}], "
	"\"attached\": [{\"bridge\": \"br0\", \"interface\": \"eth7\"}]}",
	"{\"nat\": [{\"subnet\": \"192.168.50.0/24\", \"out\": \"eth0\", "
	"\"to\": \"10.128.0.12\", \"open\": false}], \"forwarding\": {\"ipv4\": true}}",
};

static const char *const helper_rights[] = {
	"--br=virbr0 --fd=9",
	"--use-vnet --br=virbr0 --fd=9",
	"--fd=9 --queues=4 --br=virbr0",
};

/* Nothing has one of these in it; in a file those from the tab on mean something. */
static const char strange[] = "!$^&;|<>(){}~`\x01\x7f\xff\t\n\"'\\#";
/* These are in JSON as they are. */
#define STRANGE_TEXTS 14

static uint32_t seed;
static struct counts {
	unsigned int arguments, lines, documents, helpers;
} counts;

static unsigned int below(size_t n)
{
	static uint32_t state;

	if (state == 0)
		state = seed;
	return (unsigned int)(harness_random(&state) % n);
}

/* ---- Words --------------------------------------------------------------------------------- */

/* @return how many; what they point to is cut out of text */
static int split(char *text, char **words)
{
	int n = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		words[n++] = word;
	ck_assert_int_lt(n, WORDS_MAX);
	words[n] = NULL;
	return n;
}

/* Puts a strange byte somewhere into the word, of the first n there are. */
static void spoil(const char *word, size_t n, char *ret, size_t size)
{
	size_t at = below(strlen(word) + 1);

	snprintf(ret, size, "%.*s%c%s", (int)at, word, strange[below(n)], word + at);
}

/* ---- The command --------------------------------------------------------------------------- */

static int out, err, file; /* memory */

static int memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static size_t read_all(int fd, char *text, size_t size)
{
	ssize_t len = pread(fd, text, size - 1, 0);

	ck_assert_int_ge(len, 0);
	text[len] = '\0';
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return (size_t)len;
}

/* Runs the command with its output in memory. @return its exit status */
static int run(int argc, char **argv)
{
	int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO), status;

	fflush(NULL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	optind = 0;
	status = nestnet_main(argc, argv);
	fflush(NULL);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	return status;
}

/* @param who   begins the line
 *  @param text  for the sentence of a failure alone */
static void check_refused(int status, const char *who, const char *text)
{
	char said[4096], printed[256];
	size_t len = read_all(err, said, sizeof(said));

	(void)read_all(out, printed, sizeof(printed));
	ck_assert_msg(status == 2, "seed %u: '%s': exit status %d: %s", seed, text,
		      status, said);
	ck_assert_msg(printed[0] == '\0', "seed %u: '%s': on stdout: %s", seed, text,
		      printed);
	ck_assert_msg(len > 0 && strchr(said, '\n') == said + len - 1 &&
			      strncmp(said, who, strlen(who)) == 0,
		      "seed %u: '%s': not one line: %s", seed, text, said);
}

/* ---- Garbage ------------------------------------------------------------------------------- */

static void try_arguments(void)
{
	char text[256], whole[512], spoiled[128], name[] = "nestnet",
						  *words[WORDS_MAX + 1];
	int n, at;

	snprintf(text, sizeof(text), "%s", rights[below(ARRAY_LEN(rights))]);
	words[0] = name;
	n = split(text, words + 1);
	at = 1 + (int)below((size_t)n);
	spoil(words[at], sizeof(strange) - 1, spoiled, sizeof(spoiled));
	words[at] = spoiled;
	snprintf(whole, sizeof(whole), "%s, of %s", spoiled, words[1]);
	check_refused(run(n + 1, words), "nestnet: ", whole);
	counts.arguments++;
}

static void try_file(const char *text, const char *content)
{
	char name[] = "nestnet", verb[] = "apply", path[32];
	char *argv[] = { name, verb, path, NULL };

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_int_eq(pwrite(file, content, strlen(content), 0),
			 (ssize_t)strlen(content));
	check_refused(run(3, argv), "nestnet: ", text);
}

/* The one that is wrong is among others that are right. */
static void try_line(void)
{
	char text[256], spoiled[128], line[512] = "", content[1024], *words[WORDS_MAX];
	int n, at;

	snprintf(text, sizeof(text), "%s", rights[below(FILE_RIGHTS)]);
	n = split(text, words);
	at = (int)below((size_t)n);
	spoil(words[at], strcspn(strange, "\t"), spoiled, sizeof(spoiled));
	words[at] = spoiled;
	for (int i = 0; i < n; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s",
			 i ? " " : "", words[i]);
	snprintf(content, sizeof(content),
		 "# a file\nbridge add br9\n%s\nnat add 192.168.99.0/24\n", line);
	try_file(line, content);
	counts.lines++;
}

/* @return where the Nth text that is a value begins, with its quotes; NULL: there are less */
static const char *find_value(const char *document, unsigned int n, size_t *ret_len)
{
	const char *at = document;

	while ((at = strchr(at, '"'))) {
		const char *end = strchr(at + 1, '"') + 1;

		if (*end != ':' && n-- == 0) {
			*ret_len = (size_t)(end - at);
			return at;
		}
		at = end;
	}
	return NULL;
}

/* Cut off, another type, or a text that is none. */
static void try_document(void)
{
	static const char *const others[] = { "7", "{}", "true", "[[]]", "-1.5" };
	const char *document = documents[below(ARRAY_LEN(documents))], *value;
	char content[1024], word[128], spoiled[128];
	unsigned int n = 0;
	size_t len;

	while (find_value(document, n, &len))
		n++;
	value = find_value(document, below(n), &len);
	snprintf(word, sizeof(word), "%.*s", (int)len - 2, value + 1);
	spoil(word, STRANGE_TEXTS, spoiled, sizeof(spoiled));
	switch (below(3)) {
	case 0:
		snprintf(content, sizeof(content), "%.*s",
			 (int)(1 + below(strlen(document) - 1)), document);
		break;
	case 1:
		snprintf(content, sizeof(content), "%.*s%s%s", (int)(value - document),
			 document, others[below(ARRAY_LEN(others))], value + len);
		break;
	default:
		snprintf(content, sizeof(content), "%.*s\"%s\"%s",
			 (int)(value - document), document, spoiled, value + len);
	}
	try_file(content, content);
	counts.documents++;
}

static void try_helper(void)
{
	static char library_path[] = "LD_LIBRARY_PATH=" BUILD "/.libs";
	static char name[] = BUILD "/.libs/nestnet-bridge-helper";
	char *environment[] = { library_path, NULL }, *words[WORDS_MAX + 1] = { name };
	char text[256], spoiled[128];
	posix_spawn_file_actions_t actions;
	int n, at, status;
	pid_t pid;

	snprintf(text, sizeof(text), "%s",
		 helper_rights[below(ARRAY_LEN(helper_rights))]);
	n = split(text, words + 1);
	at = 1 + (int)below((size_t)n);
	spoil(words[at], sizeof(strange) - 1, spoiled, sizeof(spoiled));
	words[at] = spoiled;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	ck_assert_int_eq(posix_spawn(&pid, name, &actions, NULL, words, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	check_refused(WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		      "nestnet-bridge-helper: ", spoiled);
	counts.helpers++;
}

static void try_all(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		/* A process of its own takes as long as fifty of the others. */
		if (i % 100 == 99)
			try_helper();
		else if (i % 4 == 0)
			try_line();
		else if (i % 4 == 1)
			try_document();
		else
			try_arguments();
	}
}

START_TEST(what_is_wrong_in_one_place_is_refused_in_one_line_and_changes_nothing)
{
	const char *number = getenv("NN_GARBAGE"), *text = getenv("NN_GARBAGE_SEED");

	seed = text && atoi(text) > 0 ? (uint32_t)atoi(text) : (uint32_t)getpid();
	out = memory("stdout");
	err = memory("stderr");
	file = memory("file");
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge");
	ok(expose("10.128.0.14", "192.168.122.90", NESTNET_EXPOSE_NO_FORWARD));
	changes_nothing(
		try_all(number && atoi(number) > 0 ? (unsigned int)atoi(number) : 10000));
	printf("%u wrong command lines, %u lines of files, %u documents of JSON, %u "
	       "invocations of "
	       "the helper (seed %u)\n",
	       counts.arguments, counts.lines, counts.documents, counts.helpers, seed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("garbage");
	TCase *words = netns_case(suite, "words", 600);

	tcase_add_test(
		words,
		what_is_wrong_in_one_place_is_refused_in_one_line_and_changes_nothing);
	return netns_run(suite);
}
