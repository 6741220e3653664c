/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The border: which codes and sentences get out of the library, and which names of network
 * namespaces get in. */

#include "harness.h"

#include "plan/context.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct nestnet *ctx;

static void set_up(void)
{
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
}

static void tear_down(void)
{
	ctx = nestnet_free(ctx);
	ck_assert_ptr_null(ctx);
}

START_TEST(only_the_documented_codes_get_out)
{
	static const int public_codes[] = { EINVAL,     EEXIST,          ENOENT,
					    ENODEV,     EADDRINUSE,      EBUSY,
					    EPERM,      EAGAIN,          ENOMEM,
					    EOPNOTSUPP, ENOTRECOVERABLE, EIO };

	for (int code = 1; code < 5000; code++) {
		int expected = EIO;

		for (size_t i = 0; i < ARRAY_LEN(public_codes); i++)
			expected = public_codes[i] == code ? code : expected;
		context_begin(ctx);
		ck_assert_int_eq(context_end(ctx, -code), -expected);
		ck_assert_int_eq(ctx->error.code, expected);
	}
}
END_TEST

START_TEST(a_code_outside_of_the_set_keeps_its_words)
{
	context_begin(ctx);
	ck_assert_int_eq(context_end(ctx, -EXFULL), -EIO);
	ck_assert_str_eq(nestnet_errmsg(ctx), "Exchange full");
	context_begin(ctx);
	error_set(&ctx->error, EXFULL, "a sentence");
	ck_assert_int_eq(context_end(ctx, -EXFULL), -EIO);
	ck_assert_str_eq(nestnet_errmsg(ctx), "a sentence");
}
END_TEST

START_TEST(success_passes_and_says_nothing)
{
	context_begin(ctx);
	ck_assert_int_eq(context_end(ctx, 0), 0);
	ck_assert_int_eq(context_end(ctx, 42), 42);
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
}
END_TEST

START_TEST(each_call_forgets_the_failure_before)
{
	struct nestnet_transaction *tx;

	error_set(&ctx->error, EIO, "old");
	ck_assert_int_eq(nestnet_transaction_new(ctx, &tx), 0);
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
	nestnet_transaction_free(tx);
}
END_TEST

/* ---- The log ------------------------------------------------------------------------------- */

struct heard {
	int level;
	char line[600];
	unsigned int n;
};

static void hear(void *userdata, int level, const char *line)
{
	struct heard *heard = userdata;

	heard->level = level;
	heard->n++;
	ck_assert_uint_lt(strlen(line), sizeof(heard->line));
	strcpy(heard->line, line);
}

START_TEST(log_lines_go_to_the_callback_and_nowhere_without)
{
	struct heard heard = { .n = 0 };

	context_log(ctx, NESTNET_LOG_INFO, "to %s", "nobody");
	nestnet_set_log(ctx, hear, &heard);
	context_log(ctx, NESTNET_LOG_INFO, "to %s", "somebody");
	ck_assert_str_eq(heard.line, "to somebody");
	ck_assert_int_eq(heard.level, NESTNET_LOG_INFO);
	nestnet_set_log(ctx, NULL, NULL);
	context_log(ctx, NESTNET_LOG_INFO, "to nobody again");
	ck_assert_uint_eq(heard.n, 1);
}
END_TEST

START_TEST(a_log_line_of_any_length_is_cut)
{
	struct heard heard = { .n = 0 };

	nestnet_set_log(ctx, hear, &heard);
	context_log(ctx, NESTNET_LOG_INFO, "%s", harness_repeat('x', 5000));
	ck_assert_uint_eq(strlen(heard.line), 511);
}
END_TEST

/* ---- Network namespaces ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int code;
	const char *sentence;
} bad_namespaces[] = {
	{ "", EINVAL, "network namespace '': not a name" },
	{ ".", EINVAL, "network namespace '.': not a name" },
	{ "..", EINVAL, "network namespace '..': not a name" },
	{ "no-such-namespace", ENOENT,
	  "network namespace no-such-namespace: No such file or directory" },
	{ "./no-such-file", ENOENT,
	  "network namespace ./no-such-file: No such file or directory" },
	{ "999999999", ENOENT, "network namespace 999999999: No such file or directory" },
	{ "99999999999999999999", ENOENT,
	  "network namespace 99999999999999999999: No such file or directory" },
	{ "-1", ENOENT, "network namespace -1: No such file or directory" },
};

START_TEST(a_namespace_that_is_not_there_is_named)
{
	struct nestnet *other = NULL;

	ck_assert_int_eq(nestnet_new(&other, bad_namespaces[_i].name),
			 -bad_namespaces[_i].code);
	ck_assert_ptr_nonnull(other);
	ck_assert_str_eq(nestnet_errmsg(other), bad_namespaces[_i].sentence);
	nestnet_free(other);
}
END_TEST

START_TEST(a_namespaces_name_of_any_length_is_refused)
{
	for (size_t n = 200; n < 60000; n += 997) {
		struct nestnet *other = NULL;

		ck_assert_int_lt(nestnet_new(&other, harness_repeat('a', n)), 0);
		ck_assert_str_ne(nestnet_errmsg(other), "");
		nestnet_free(other);
		ck_assert_int_lt(nestnet_new(&other, harness_repeat('1', n)), 0);
		nestnet_free(other);
	}
}
END_TEST

START_TEST(a_file_that_is_no_namespace_is_refused)
{
	static const char *const files[] = { "/dev/null", "/proc/self/ns/uts",
					     "/etc/passwd", "/" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct nestnet *other = NULL;
		int r = nestnet_new(&other, files[i]);

		ck_assert_msg(r < 0, "%s is taken for a network namespace", files[i]);
		nestnet_free(other);
	}
}
END_TEST

/* A name that a user mistyped must not make the program wait for ever. */
START_TEST(a_fifo_is_refused_at_once)
{
	char directory[] = "/tmp/nestnet-test-XXXXXX", path[64];
	struct nestnet *other = NULL;
	pid_t pid;
	int status;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* check's own handler would end the test with it. */
		signal(SIGALRM, SIG_DFL);
		alarm(1);
		_exit(nestnet_new(&other, path) < 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	unlink(path);
	rmdir(directory);
	ck_assert_msg(!WIFSIGNALED(status), "it hangs");
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(opening_asks_the_kernel_for_nothing)
{
	ck_assert_ptr_null(ctx->route);
	ck_assert_ptr_null(ctx->filter);
	ck_assert_ptr_null(ctx->sockets);
}
END_TEST

START_TEST(freeing_nothing_is_allowed)
{
	ck_assert_ptr_null(nestnet_free(NULL));
	ck_assert_ptr_null(nestnet_transaction_free(NULL));
}
END_TEST

START_TEST(the_version_is_the_packages)
{
	ck_assert_str_eq(nestnet_version(), NESTNET_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contexts");
	TCase *codes = harness_case(suite, "codes", 10);
	TCase *logs = harness_case(suite, "log", 10);
	TCase *names = harness_case(suite, "namespaces", 10);

	tcase_add_checked_fixture(codes, set_up, tear_down);
	tcase_add_test(codes, only_the_documented_codes_get_out);
	tcase_add_test(codes, a_code_outside_of_the_set_keeps_its_words);
	tcase_add_test(codes, success_passes_and_says_nothing);
	tcase_add_test(codes, each_call_forgets_the_failure_before);
	tcase_add_test(codes, opening_asks_the_kernel_for_nothing);
	tcase_add_test(codes, freeing_nothing_is_allowed);
	tcase_add_test(codes, the_version_is_the_packages);
	tcase_add_checked_fixture(logs, set_up, tear_down);
	tcase_add_test(logs, log_lines_go_to_the_callback_and_nowhere_without);
	tcase_add_test(logs, a_log_line_of_any_length_is_cut);
	add_table_test(names, a_namespace_that_is_not_there_is_named, bad_namespaces);
	tcase_add_test(names, a_namespaces_name_of_any_length_is_refused);
	tcase_add_test(names, a_file_that_is_no_namespace_is_refused);
	tcase_add_test(names, a_fifo_is_refused_at_once);
	return harness_run(suite);
}
