/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_HARNESS_H
#define NESTNET_TESTS_HARNESS_H

/*
 * What every test program stands on: the check library, each test in a process of its own.
 *
 * A test is a sentence that says what holds. A table of cases is a loop test, so that each
 * row that does not hold is told, and not the first alone.
 */

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** Adds a test that is run once for each row of a table, whose index is _i. */
#define add_table_test(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)ARRAY_LEN(table))

/** A suite with one case, whose tests may take this long each. */
TCase *harness_case(Suite *suite, const char *name, double seconds);

/** Runs the suite, says what held and what did not. @return the program's exit status */
int harness_run(Suite *suite);

/** The same, but with all tests in this one process. */
int harness_run_in_one(Suite *suite);

/** Numbers that are the same in every run (xorshift). @param state  not 0 */
uint32_t harness_random(uint32_t *state);

/** Text of n times the same character; static, until the next call. */
const char *harness_repeat(char c, size_t n);

#endif
