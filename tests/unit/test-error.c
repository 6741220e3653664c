/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences that gather their clauses: whatever their length, the first clause and the end
 * of the buffer hold. */

#include "harness.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

/* An error between two guards, which a write outside of it would change. */
struct guarded {
	char before[64];
	struct error error;
	char after[64];
};

static void guard(struct guarded *guarded)
{
	memset(guarded, 0x5a, sizeof(*guarded));
	guarded->error = (struct error){ .code = 0 };
}

static void check_guard(const struct guarded *guarded)
{
	char expected[64];

	memset(expected, 0x5a, sizeof(expected));
	ck_assert_mem_eq(guarded->before, expected, sizeof(expected));
	ck_assert_mem_eq(guarded->after, expected, sizeof(expected));
	ck_assert_ptr_nonnull(memchr(guarded->error.text, '\0', sizeof(guarded->error.text)));
}

START_TEST(clauses_are_put_in_front_from_the_inside_to_the_outside)
{
	struct error error = { .code = 0 };

	ck_assert_int_eq(error_set(&error, EBUSY, "used by %s", "tap0"), -EBUSY);
	ck_assert_int_eq(error_prefix(&error, "add %s", "element"), -EBUSY);
	ck_assert_int_eq(error_prefix(&error, "expose %d.%d", 10, 128), -EBUSY);
	ck_assert_str_eq(error.text, "expose 10.128: add element: used by tap0");
	ck_assert_int_eq(error.code, EBUSY);
}
END_TEST

START_TEST(what_is_appended_comes_behind)
{
	struct error error = { .code = 0 };

	ck_assert_int_eq(error_set_errno(&error, EPERM), -EPERM);
	ck_assert_int_eq(error_append(&error, " (CAP_%s is needed)", "NET_ADMIN"), -EPERM);
	ck_assert_str_eq(error.text, "Operation not permitted (CAP_NET_ADMIN is needed)");
}
END_TEST

START_TEST(setting_forgets_what_was_there)
{
	struct error error = { .code = 0 };

	error_set(&error, EBUSY, "a long sentence that is there");
	error_set(&error, EIO, "short");
	ck_assert_str_eq(error.text, "short");
	ck_assert_int_eq(error.code, EIO);
}
END_TEST

START_TEST(every_error_number_has_words)
{
	for (int code = -10; code < 5000; code++) {
		ck_assert_ptr_nonnull(error_describe(code));
		ck_assert_uint_gt(strlen(error_describe(code)), 0);
	}
	ck_assert_str_eq(error_describe(ENODEV), "No such device");
	ck_assert_str_eq(error_describe(4095), "Unknown error");
}
END_TEST

START_TEST(a_sentence_of_any_length_is_cut_at_the_buffers_end)
{
	for (size_t n = 0; n < 1200; n++) {
		struct guarded guarded;
		size_t expected = n < 511 ? n : 511;

		guard(&guarded);
		ck_assert_int_eq(error_set(&guarded.error, EIO, "%s", harness_repeat('a', n)),
				 -EIO);
		check_guard(&guarded);
		ck_assert_uint_eq(strlen(guarded.error.text), expected);
	}
}
END_TEST

START_TEST(a_clause_of_any_length_keeps_its_colon_and_cuts_what_follows)
{
	for (size_t clause = 0; clause < 1100; clause += 3) {
		for (size_t text = 0; text < 1100; text += 31) {
			struct guarded guarded;
			size_t kept = clause < 509 ? clause : 509, room = 511 - kept - 2;

			guard(&guarded);
			error_set(&guarded.error, EIO, "%s", harness_repeat('b', text));
			ck_assert_int_eq(error_prefix(&guarded.error, "%s",
						      harness_repeat('a', clause)),
					 -EIO);
			check_guard(&guarded);
			ck_assert_uint_eq(strspn(guarded.error.text, "a"), kept);
			ck_assert_int_eq(strncmp(guarded.error.text + kept, ": ", 2), 0);
			ck_assert_uint_eq(strlen(guarded.error.text + kept + 2),
					  text < room ? text : room);
		}
	}
}
END_TEST

START_TEST(appending_of_any_length_stops_at_the_buffers_end)
{
	for (size_t text = 400; text < 600; text++) {
		for (size_t more = 0; more < 300; more += 7) {
			struct guarded guarded;
			size_t len = text < 511 ? text : 511;

			guard(&guarded);
			error_set(&guarded.error, EIO, "%s", harness_repeat('b', text));
			error_append(&guarded.error, "%s", harness_repeat('c', more));
			check_guard(&guarded);
			ck_assert_uint_eq(strlen(guarded.error.text),
					  len + more < 511 ? len + more : 511);
			ck_assert_uint_eq(strspn(guarded.error.text, "b"), len);
		}
	}
}
END_TEST

START_TEST(many_clauses_leave_the_outermost)
{
	struct guarded guarded;

	guard(&guarded);
	error_set(&guarded.error, EIO, "reason");
	for (unsigned int i = 0; i < 1000; i++)
		error_prefix(&guarded.error, "clause %u", i);
	check_guard(&guarded);
	ck_assert_int_eq(strncmp(guarded.error.text, "clause 999: clause 998: ", 24), 0);
	ck_assert_uint_eq(strlen(guarded.error.text), 511);
}
END_TEST

START_TEST(a_clause_can_quote_the_sentence_itself)
{
	struct error error = { .code = 0 };

	error_set(&error, EIO, "inner");
	error_prefix(&error, "again (%s)", error.text);
	ck_assert_str_eq(error.text, "again (inner): inner");
}
END_TEST

START_TEST(what_is_hostile_in_an_argument_is_not_a_format)
{
	struct error error = { .code = 0 };

	error_set(&error, EIO, "%s", "%n%s%999999d");
	error_prefix(&error, "%s", "%n");
	error_append(&error, "%s", "%s");
	ck_assert_str_eq(error.text, "%n: %n%s%999999d%s");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errors");
	TCase *clauses = harness_case(suite, "clauses", 10);
	TCase *lengths = harness_case(suite, "lengths", 30);

	tcase_add_test(clauses, clauses_are_put_in_front_from_the_inside_to_the_outside);
	tcase_add_test(clauses, what_is_appended_comes_behind);
	tcase_add_test(clauses, setting_forgets_what_was_there);
	tcase_add_test(clauses, every_error_number_has_words);
	tcase_add_test(clauses, a_clause_can_quote_the_sentence_itself);
	tcase_add_test(clauses, what_is_hostile_in_an_argument_is_not_a_format);
	tcase_add_test(lengths, a_sentence_of_any_length_is_cut_at_the_buffers_end);
	tcase_add_test(lengths, a_clause_of_any_length_keeps_its_colon_and_cuts_what_follows);
	tcase_add_test(lengths, appending_of_any_length_stops_at_the_buffers_end);
	tcase_add_test(lengths, many_clauses_leave_the_outermost);
	return harness_run(suite);
}
