/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --coexist: from the passes that are there to those that are wanted. */

#include "expose/coexist-plan.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(struct coexist *coexist, const struct pass *pass)
{
	for (size_t i = 0; i < coexist->n; i++) {
		struct coexist_pass *wanted = &coexist->wanted[i];

		if (!wanted->is_there && pass_equal(&wanted->pass, pass)) {
			wanted->is_there = true;
			return true;
		}
	}
	return false;
}

/* One that is somewhere else than at the head is as good as none. */
static bool is_to_go(struct coexist *coexist, const struct foreign_chain *chain,
		     const struct foreign_rule *rule, bool is_at_head)
{
	const struct plan *plan = coexist->plan;
	struct pass pass;

	if (!rule->is_pass || !pass_read(chain, rule, &pass) ||
	    coexist_has_target(coexist->waiting, coexist->n_waiting, &pass.guest))
		return false;
	if (!plan->coexists_all &&
	    !coexist_has_target(plan->coexist, plan->n_coexist, &pass.guest))
		return false;
	return !is_at_head || !is_wanted(coexist, &pass);
}

static int delete_pass(struct plan *plan, const struct foreign_chain *chain,
		       const struct foreign_rule *rule, uint64_t next)
{
	char text[PASS_TEXT_MAX];
	struct pass pass;
	int r;

	(void)pass_read(chain, rule, &pass);
	r = elements_delete_pass(plan->elements, &pass, rule->handle, next,
				 plan_error(plan));
	return r < 0 ? r : plan_note(plan, '-', "%s", pass_text(&pass, text));
}

/* From the end on, so that it is known what comes behind each that goes. */
static int plan_chain(struct coexist *coexist, const struct foreign_chain *chain)
{
	_cleanup_free_ uint64_t *next = calloc(chain->n + 1, sizeof(*next));
	_cleanup_free_ bool *is_gone = calloc(chain->n + 1, sizeof(*is_gone));
	bool is_at_head = true;
	int r = 0;

	if (!next || !is_gone)
		return error_set_errno(plan_error(coexist->plan), ENOMEM);
	for (size_t i = 0; i < chain->n; i++) {
		is_gone[i] = is_to_go(coexist, chain, &chain->rules[i], is_at_head);
		is_at_head = is_at_head && chain->rules[i].is_pass;
	}
	for (size_t i = chain->n; i-- > 0;)
		next[i] = is_gone[i] ? next[i + 1] : chain->rules[i].handle;
	for (size_t i = 0; r == 0 && i < chain->n; i++) {
		if (is_gone[i])
			r = delete_pass(coexist->plan, chain, &chain->rules[i], next[i]);
	}
	return r;
}

/* What is not for good; the script `coexist` has it so. */
static int say_reload(struct plan *plan, const struct pass *pass, bool *is_said)
{
	if (*is_said || strcmp(pass->table, "firewalld") != 0)
		return 0;
	*is_said = true;
	return plan_say(
		plan,
		"--coexist: a reload of firewalld takes the rules in its table away; "
		"nestnet's script coexist has firewalld keep them, and an apply puts "
		"them back");
}

int coexist_plan_difference(struct coexist *coexist)
{
	const struct foreign *foreign = walker_chains(coexist->walker);
	struct plan *plan = coexist->plan;
	char text[PASS_TEXT_MAX];
	bool is_said = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < foreign->n; i++)
		r = plan_chain(coexist, &foreign->chains[i]);
	for (size_t i = coexist->n; r == 0 && i-- > 0;) {
		const struct pass *pass = &coexist->wanted[i].pass;

		if (coexist->wanted[i].is_there)
			continue;
		r = elements_insert_pass(plan->elements, pass, plan_error(plan));
		if (r == 0)
			r = plan_note(plan, '+', "%s", pass_text(pass, text));
		if (r == 0)
			r = say_reload(plan, pass, &is_said);
	}
	return r;
}
