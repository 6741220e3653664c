/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Test programs' common end. */

#include "harness.h"

#include <stdlib.h>
#include <string.h>

TCase *harness_case(Suite *suite, const char *name, double seconds)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, seconds);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static int run(Suite *suite, enum fork_status fork_status)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, fork_status);
	srunner_run_all(runner, getenv("CK_VERBOSITY") ? CK_ENV : CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int harness_run(Suite *suite)
{
	return run(suite, CK_FORK);
}

int harness_run_in_one(Suite *suite)
{
	return run(suite, CK_NOFORK);
}

uint32_t harness_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

const char *harness_repeat(char c, size_t n)
{
	static char text[70000];

	ck_assert_uint_lt(n, sizeof(text));
	memset(text, c, n);
	text[n] = '\0';
	return text;
}
