/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_COMMANDS_H
#define NESTNET_TESTS_COMMANDS_H

/*
 * The command as a process, which may be killed: before any of its system calls, or at any
 * time. It is main() of nestnet-cli in a child of the test's, without what exec costs.
 */

#include <stdbool.h>
#include <stdint.h>

/** What became of a command. */
struct end {
	bool is_killed;
	int status; /* exit status, where it was not killed */
	long call;  /* the system call before which it was killed */
	uint64_t took_us;
	const char *said, *printed; /* on stderr and stdout; until the next command */
};

/** Runs it to its end. @param words  with blanks between them, without "nestnet"
 *  @param input  of its standard input; NULL: none */
struct end command(const char *words, const char *input);

/** The same; it must succeed. @return what it printed, static, until the next call */
const char *printed_by(const char *words, const char *input);

/** Kills it before its Nth system call, if it comes to that. @param n  from 1 */
struct end killed_at_call(const char *words, const char *input, unsigned int n);

/** Runs a program's tests in so many processes side by side, since most of the time goes into
 *  the kernel's grace periods. @return the program's exit status */
int in_shares(int shares, int (*run)(int share, int shares));

/** Kills it so long after its start, if it is not over by then. */
struct end killed_after(const char *words, const char *input, uint64_t us);

#endif
