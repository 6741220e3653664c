/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans of made-up steps, each of which writes down what became of it: "+a" it acted, "-a"
 * it was undone, "?a" it was prepared, "~a" it was let go of. */

#include "harness.h"

#include "plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nestnet *ctx;
static struct plan *plan;
static char diary[1024];

static void set_up(void)
{
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
	ck_assert_int_eq(plan_new(ctx, &plan), 0);
	diary[0] = '\0';
}

static void tear_down(void)
{
	plan = plan_free(plan);
	ctx = nestnet_free(ctx);
}

/* ---- Steps -------------------------------------------------------------------------------- */

struct step {
	char name;
	int prepare_result, act_result, undo_result;
};

static void note(char what, const struct step *step)
{
	size_t len = strlen(diary);

	snprintf(diary + len, sizeof(diary) - len, "%s%c%c", len ? " " : "", what,
		 step->name);
}

static int end(struct plan *of, const char *what, const struct step *step, int result)
{
	ck_assert_ptr_eq(of, plan);
	if (result < 0)
		error_set(plan_error(of), -result, "%s of %c failed", what, step->name);
	return result;
}

static int prepare(struct plan *of, void *step)
{
	note('?', step);
	return end(of, "preparing", step, ((struct step *)step)->prepare_result);
}

static int act(struct plan *of, void *step)
{
	note('+', step);
	return end(of, "acting", step, ((struct step *)step)->act_result);
}

static int undo(struct plan *of, void *step)
{
	note('-', step);
	return end(of, "undoing", step, ((struct step *)step)->undo_result);
}

static void let_go(void *step)
{
	note('~', step);
	free(step);
}

static const struct plan_step_ops all_ops = {
	.prepare = prepare, .act = act, .undo = undo, .free = let_go
};
static const struct plan_step_ops plain_ops = { .act = act,
						.undo = undo,
						.free = let_go };
static const struct plan_step_ops final_ops = { .act = act, .free = let_go };

static struct step *add(enum plan_phase phase, const struct plan_step_ops *ops, char name)
{
	struct step *step = calloc(1, sizeof(*step));

	ck_assert_ptr_nonnull(step);
	step->name = name;
	ck_assert_int_eq(plan_add(plan, phase, ops, step), 0);
	return step;
}

/* ---- Order -------------------------------------------------------------------------------- */

START_TEST(steps_act_in_the_order_of_the_phases_and_then_of_adding)
{
	add(PLAN_FLOWS, &plain_ops, 'h');
	add(PLAN_PORTS, &plain_ops, 'f');
	add(PLAN_LINKS, &plain_ops, 'b');
	add(PLAN_UNLINK, &plain_ops, 'g');
	add(PLAN_SETTINGS_BACK, &plain_ops, 'a');
	add(PLAN_SETTINGS, &plain_ops, 'e');
	add(PLAN_ELEMENTS, &plain_ops, 'd');
	add(PLAN_LINKS, &plain_ops, 'c');
	ck_assert_int_eq(plan_execute(plan), 0);
	ck_assert_str_eq(diary, "+a +b +c +d +e +f +g +h");
}
END_TEST

START_TEST(a_hundred_steps_keep_their_order)
{
	char expected[1024] = "";

	for (unsigned int i = 0; i < 100; i++) {
		add(i % 2 ? PLAN_PORTS : PLAN_LINKS, &plain_ops,
		    (char)(' ' + 1 + i % 90));
		ck_assert_uint_eq(plan->n_steps, i + 1);
	}
	for (unsigned int parity = 0; parity < 2; parity++) {
		for (unsigned int i = parity; i < 100; i += 2) {
			size_t len = strlen(expected);

			snprintf(expected + len, sizeof(expected) - len, "%s+%c",
				 len ? " " : "", ' ' + 1 + i % 90);
		}
	}
	ck_assert_int_eq(plan_execute(plan), 0);
	ck_assert_str_eq(diary, expected);
}
END_TEST

START_TEST(every_step_is_prepared_before_the_first_acts)
{
	add(PLAN_SETTINGS, &all_ops, 'b');
	add(PLAN_LINKS, &plain_ops, 'a');
	add(PLAN_PORTS, &all_ops, 'c');
	ck_assert_int_eq(plan_execute(plan), 0);
	ck_assert_str_eq(diary, "?b ?c +a +b +c");
}
END_TEST

START_TEST(a_plan_that_fails_in_preparing_does_nothing)
{
	add(PLAN_LINKS, &all_ops, 'a');
	add(PLAN_SETTINGS, &all_ops, 'b')->prepare_result = -EROFS;
	add(PLAN_PORTS, &all_ops, 'c');
	ck_assert_int_eq(plan_execute(plan), -EROFS);
	ck_assert_str_eq(diary, "?a ?b");
	ck_assert_str_eq(nestnet_errmsg(ctx), "preparing of b failed");
}
END_TEST

START_TEST(an_empty_plan_asks_the_kernel_for_nothing)
{
	ck_assert_int_eq(plan_execute(plan), 0);
	ck_assert_str_eq(nestnet_errmsg(ctx), "");
}
END_TEST

/* ---- Undo ------------------------------------------------------------------------------------- */

START_TEST(a_failing_step_undoes_those_before_it_in_reverse)
{
	add(PLAN_LINKS, &plain_ops, 'a');
	add(PLAN_LINKS, &all_ops, 'b');
	add(PLAN_SETTINGS, &plain_ops, 'c');
	add(PLAN_PORTS, &plain_ops, 'd')->act_result = -EBUSY;
	add(PLAN_PORTS, &plain_ops, 'e');
	ck_assert_int_eq(plan_execute(plan), -EBUSY);
	ck_assert_str_eq(diary, "?b +a +b +c +d -c -b -a");
	ck_assert_str_eq(nestnet_errmsg(ctx), "acting of d failed");
}
END_TEST

START_TEST(the_first_step_that_fails_has_nothing_to_undo)
{
	add(PLAN_LINKS, &plain_ops, 'a')->act_result = -ENOMEM;
	add(PLAN_LINKS, &plain_ops, 'b');
	ck_assert_int_eq(plan_execute(plan), -ENOMEM);
	ck_assert_str_eq(diary, "+a");
}
END_TEST

START_TEST(a_state_that_changed_meanwhile_is_undone_and_told_as_such)
{
	add(PLAN_LINKS, &plain_ops, 'a');
	add(PLAN_ELEMENTS, &plain_ops, 'b')->act_result = -ERESTART;
	ck_assert_int_eq(plan_execute(plan), -ERESTART);
	ck_assert_str_eq(diary, "+a +b -a");
}
END_TEST

START_TEST(a_failing_undo_says_what_is_left_and_the_others_go_on)
{
	const char *sentence;

	add(PLAN_LINKS, &plain_ops, 'a');
	add(PLAN_LINKS, &plain_ops, 'b')->undo_result = -EIO;
	add(PLAN_LINKS, &plain_ops, 'c');
	add(PLAN_PORTS, &plain_ops, 'd')->act_result = -EBUSY;
	ck_assert_int_eq(plan_execute(plan), -ENOTRECOVERABLE);
	ck_assert_str_eq(diary, "+a +b +c +d -c -b -a");
	sentence = nestnet_errmsg(ctx);
	ck_assert_msg(strstr(sentence, "undoing of b failed"), "%s", sentence);
	ck_assert_msg(strstr(sentence, "acting of d failed"), "%s", sentence);
	ck_assert_int_eq(ctx->error.code, ENOTRECOVERABLE);
}
END_TEST

START_TEST(every_undo_that_fails_is_told)
{
	const char *sentence;

	add(PLAN_LINKS, &plain_ops, 'a')->undo_result = -EIO;
	add(PLAN_LINKS, &plain_ops, 'b')->undo_result = -EIO;
	add(PLAN_PORTS, &plain_ops, 'd')->act_result = -ERESTART;
	/* Not a state that can be planned anew upon. */
	ck_assert_int_eq(plan_execute(plan), -ENOTRECOVERABLE);
	sentence = nestnet_errmsg(ctx);
	ck_assert_msg(strstr(sentence, "undoing of a failed"), "%s", sentence);
	ck_assert_msg(strstr(sentence, "undoing of b failed"), "%s", sentence);
}
END_TEST

/* "After any failure but -ENOTRECOVERABLE the host is as it was." A deleted link is not. */
START_TEST(a_failure_behind_what_cannot_be_undone_says_so)
{
	add(PLAN_LINKS, &plain_ops, 'a');
	add(PLAN_UNLINK, &final_ops, 'b');
	add(PLAN_FLOWS, &final_ops, 'c')->act_result = -EBUSY;
	ck_assert_int_eq(plan_execute(plan), -ENOTRECOVERABLE);
}
END_TEST

/* ---- What is kept ------------------------------------------------------------------------------ */

START_TEST(every_step_is_let_go_of_once)
{
	add(PLAN_PORTS, &plain_ops, 'b')->act_result = -EBUSY;
	add(PLAN_LINKS, &plain_ops, 'a');
	ck_assert_int_eq(plan_execute(plan), -EBUSY);
	diary[0] = '\0';
	plan = plan_free(plan);
	ck_assert_str_eq(diary, "~a ~b");
	ck_assert_ptr_null(plan_free(NULL));
}
END_TEST

START_TEST(no_step_is_out_of_memory)
{
	ck_assert_int_eq(plan_add(plan, PLAN_LINKS, &plain_ops, NULL), -ENOMEM);
	ck_assert_uint_eq(plan->n_steps, 0);
}
END_TEST

static unsigned int n_lines;
static char lines[1024];

static void hear(void *userdata, int level, const char *line)
{
	(void)userdata;
	n_lines++;
	snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%d %s;", level,
		 line);
}

START_TEST(changes_are_logged_once_they_are_made)
{
	nestnet_set_log(ctx, hear, NULL);
	ck_assert_int_eq(plan_note(plan, '+', "expose %s", "10.128.0.13"), 0);
	ck_assert_int_eq(plan_say(plan, "that is %d", 42), 0);
	ck_assert_uint_eq(n_lines, 0);
	ck_assert_int_eq(plan_execute(plan), 0);
	ck_assert_str_eq(lines, "6 + expose 10.128.0.13;5 that is 42;");
}
END_TEST

START_TEST(changes_that_were_not_made_are_not_logged)
{
	nestnet_set_log(ctx, hear, NULL);
	ck_assert_int_eq(plan_note(plan, '+', "expose %s", "10.128.0.13"), 0);
	add(PLAN_LINKS, &plain_ops, 'a')->act_result = -EBUSY;
	ck_assert_int_eq(plan_execute(plan), -EBUSY);
	ck_assert_uint_eq(n_lines, 0);
}
END_TEST

START_TEST(names_of_interfaces_are_kept_in_the_order_of_the_requests)
{
	size_t index;

	for (size_t i = 0; i < 20; i++) {
		char name[NESTNET_IFNAMSIZ];

		snprintf(name, sizeof(name), "tap%zu", i);
		ck_assert(!plan_adds_ifname(plan, name));
		ck_assert_int_eq(plan_add_ifname(plan, name, &index), 0);
		ck_assert_uint_eq(index, i);
		ck_assert(plan_adds_ifname(plan, name));
	}
	plan_set_ifname(plan, 7, "0123456789012345678");
	ck_assert_str_eq(plan->ifnames[7], "012345678901234");
	ck_assert_str_eq(plan->ifnames[8], "tap8");
	ck_assert(!plan_adds_ifname(plan, "tap7"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plans");
	TCase *order = harness_case(suite, "order", 10);
	TCase *undoing = harness_case(suite, "undo", 10);
	TCase *kept = harness_case(suite, "kept", 10);

	tcase_add_checked_fixture(order, set_up, tear_down);
	tcase_add_test(order, steps_act_in_the_order_of_the_phases_and_then_of_adding);
	tcase_add_test(order, a_hundred_steps_keep_their_order);
	tcase_add_test(order, every_step_is_prepared_before_the_first_acts);
	tcase_add_test(order, a_plan_that_fails_in_preparing_does_nothing);
	tcase_add_test(order, an_empty_plan_asks_the_kernel_for_nothing);
	tcase_add_checked_fixture(undoing, set_up, tear_down);
	tcase_add_test(undoing, a_failing_step_undoes_those_before_it_in_reverse);
	tcase_add_test(undoing, the_first_step_that_fails_has_nothing_to_undo);
	tcase_add_test(undoing,
		       a_state_that_changed_meanwhile_is_undone_and_told_as_such);
	tcase_add_test(undoing, a_failing_undo_says_what_is_left_and_the_others_go_on);
	tcase_add_test(undoing, every_undo_that_fails_is_told);
	tcase_add_test(undoing, a_failure_behind_what_cannot_be_undone_says_so);
	tcase_add_checked_fixture(kept, set_up, tear_down);
	tcase_add_test(kept, every_step_is_let_go_of_once);
	tcase_add_test(kept, no_step_is_out_of_memory);
	tcase_add_test(kept, changes_are_logged_once_they_are_made);
	tcase_add_test(kept, changes_that_were_not_made_are_not_logged);
	tcase_add_test(kept, names_of_interfaces_are_kept_in_the_order_of_the_requests);
	return harness_run(suite);
}
