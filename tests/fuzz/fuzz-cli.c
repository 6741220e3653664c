/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command, in a namespace of its own, where nothing is done (--dry-run): what is wrong is
 * exit status 2 or 1 and a sentence, and never a crash or a leak. FUZZ_CLI says what the
 * input is: a file for apply (text or JSON), or the words of a command line, a NUL between
 * them.
 */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_FILE      0
#define FUZZ_ARGUMENTS 1

/* main() of the command, which is built for this under that name. */
int nestnet_main(int argc, char **argv);

static char path[64];
static int memory = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_leave();
	memory = memfd_create("input", MFD_CLOEXEC);
	if (memory < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	return 0;
}

static void run(int argc, char **argv)
{
	int status;

	optind = 0;
	status = nestnet_main(argc, argv);
	if (status < 0 || status > 2)
		abort();
}

static void run_file(const uint8_t *data, size_t size)
{
	char name[] = "nestnet", dry[] = "-n", verb[] = "apply";
	char *argv[] = { name, dry, verb, path, NULL };

	if (ftruncate(memory, 0) < 0 || pwrite(memory, data, size, 0) != (ssize_t)size)
		abort();
	run(4, argv);
}

/* What waits, leaves the namespace, reads standard input or ends the process by itself. */
static bool is_for_others(const char *word)
{
	static const char *const words[] = { "monitor", "trace", "guest", "dhcp" };

	if (word[0] == '-' && (strpbrk(word, "VN") || strncmp(word, "--v", 3) == 0 ||
			       strncmp(word, "--ne", 4) == 0 || word[1] == '\0'))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static void run_arguments(char *text, size_t size)
{
	char name[] = "nestnet", dry[] = "-n";
	char *argv[34] = { name, dry };
	int argc = 2;

	for (size_t at = 0; at < size && argc < 33; at += strlen(text + at) + 1) {
		if (is_for_others(text + at))
			return;
		argv[argc++] = text + at;
	}
	run(argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (FUZZ_CLI == FUZZ_FILE) {
		run_file(data, size);
		return 0;
	}
	text = fuzz_text(data, size);
	run_arguments(text, size);
	free(text);
	return 0;
}
