/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands in processes of their own, and what ends them. */

#include "commands.h"

#include "unit/harness.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 32

/* main() of the command, which is built for this under that name. */
int nestnet_main(int argc, char **argv);

/* ---- What goes in and out ------------------------------------------------------------------ */

/* Files without a name, each for all commands one after another. */
static int streams[3] = { -1, -1, -1 };

static void rewrite(int fd, const char *text)
{
	size_t len = strlen(text);

	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, text, len, 0), (ssize_t)len);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
}

static void prepare_streams(const char *input)
{
	for (int i = 0; i < 3; i++) {
		if (streams[i] < 0)
			streams[i] = memfd_create("stream", MFD_CLOEXEC);
		ck_assert_int_ge(streams[i], 0);
		rewrite(streams[i], i == STDIN_FILENO && input ? input : "");
	}
}

static const char *text_of(int stream)
{
	static char texts[3][65536];
	ssize_t len = pread(streams[stream], texts[stream], sizeof(texts[0]) - 1, 0);

	ck_assert_int_ge(len, 0);
	texts[stream][len] = '\0';
	return texts[stream];
}

/* ---- The child ----------------------------------------------------------------------------- */

static void run(const char *text)
{
	char name[] = "nestnet", words[512], *argv[WORDS_MAX + 1] = { name };
	int argc = 1;

	snprintf(words, sizeof(words), "%s", text);
	for (char *word = strtok(words, " "); word && argc < WORDS_MAX;
	     word = strtok(NULL, " "))
		argv[argc++] = word;
	for (int i = 0; i < 3; i++)
		dup2(streams[i], i);
	optind = 0;
	exit(nestnet_main(argc, argv));
}

/* @param is_traced  it stops before it begins */
static pid_t start(const char *words, const char *input, bool is_traced)
{
	pid_t pid;

	fflush(NULL);
	prepare_streams(input);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (is_traced &&
		    (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0))
			_exit(127);
		run(words);
	}
	return pid;
}

/* ---- Its end ------------------------------------------------------------------------------- */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct end end_of(int status, uint64_t start_us)
{
	struct end end = { .is_killed =
				   WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			   .took_us = now_us() - start_us,
			   .said = text_of(STDERR_FILENO),
			   .printed = text_of(STDOUT_FILENO) };

	ck_assert_msg(end.is_killed || WIFEXITED(status), "it ended with %#x: %s", status,
		      end.said);
	if (!end.is_killed)
		end.status = WEXITSTATUS(status);
	return end;
}

static int wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

struct end command(const char *words, const char *input)
{
	uint64_t start_us = now_us();

	return end_of(wait_for(start(words, input, false)), start_us);
}

const char *printed_by(const char *words, const char *input)
{
	struct end end = command(words, input);

	ck_assert_msg(end.status == 0, "%s: exit status %d: %s", words, end.status,
		      end.said);
	return text_of(STDOUT_FILENO);
}

struct end killed_after(const char *words, const char *input, uint64_t us)
{
	uint64_t start_us = now_us();
	pid_t pid = start(words, input, false);

	nanosleep(&(const struct timespec){ .tv_sec = (time_t)(us / 1000000),
					    .tv_nsec = (long)(us % 1000000) * 1000 },
		  NULL);
	kill(pid, SIGKILL);
	return end_of(wait_for(pid), start_us);
}

/* Lets it go on to where its next system call begins. @return what waitpid() says of it */
static int run_to_call(pid_t pid, long *ret_call)
{
	struct __ptrace_syscall_info info;
	int status;

	for (;;) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		status = wait_for(pid);
		if (!WIFSTOPPED(status))
			return status;
		ck_assert_msg(WSTOPSIG(status) == (SIGTRAP | 0x80), "it got signal %d",
			      WSTOPSIG(status));
		ck_assert_int_gt(
			ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 0);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			*ret_call = (long)info.entry.nr;
			return status;
		}
	}
}

struct end killed_at_call(const char *words, const char *input, unsigned int n)
{
	uint64_t start_us = now_us();
	pid_t pid = start(words, input, true);
	int status = wait_for(pid);
	struct end end;
	long call = -1;

	ck_assert_msg(WIFSTOPPED(status), "it cannot be traced: %#x", status);
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL,
				PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD),
			 0);
	for (unsigned int i = 0; i < n && WIFSTOPPED(status); i++)
		status = run_to_call(pid, &call);
	/* A call that it is killed before is not done any more. */
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		status = wait_for(pid);
	}
	end = end_of(status, start_us);
	end.call = call;
	return end;
}

/* ---- Side by side ---------------------------------------------------------------------------- */

int in_shares(int shares, int (*run_share)(int share, int shares))
{
	int status, r = EXIT_SUCCESS;

	for (int i = 0; i < shares; i++) {
		pid_t pid = fork();

		if (pid == 0)
			exit(run_share(i, shares));
		if (pid < 0)
			r = EXIT_FAILURE;
	}
	while (wait(&status) > 0) {
		if (status != 0)
			r = EXIT_FAILURE;
	}
	return r;
}
