/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --coexist: what doctor advises, done. An accept of ours cannot out-vote another's drop
 * from a chain of our own, and so it goes to the head of the chain that drops: of Docker's
 * it is the one which Docker keeps for that, DOCKER-USER. kernel/pass.h has the shape.
 *
 * Packets that might come for a guest and from it are walked through each base chain that
 * they meet when they are forwarded, as if no pass were there; where one is stopped, a pass
 * is wanted. So there are no more than are needed, the same question gives the same answer,
 * and what others have done to our rules since is put right by asking it again.
 *
 * To the guest a pass lets by what comes from anywhere, since our own chain drops all that
 * is not translated. From the guest it lets by only what leaves by an interface that is no
 * place of guests: other bridges stay closed to it, as their owner has it.
 *
 * Nothing is known of a target whose bridge is not there: it is looked at again by the next
 * whole state, which hooks bring about when the bridge comes.
 */

#include "expose/coexist-plan.h"

#include "table/exposure.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const int families[] = { AF_INET, AF_INET6 };

/* ---- Which targets -------------------------------------------------------------------- */

int coexist_touch(struct plan *plan, const struct exposure *exposure)
{
	if (!(exposure->flags & NESTNET_EXPOSE_COEXIST))
		return 0;
	return plan_add_coexist(plan, &exposure->target.prefix);
}

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	return coexist_touch(userdata, exposure);
}

struct leftovers {
	struct plan *plan;
	int family;
};

/* Of exposures that may have ended by themselves. */
static int take_leftover(void *userdata, const struct nft_element *element)
{
	const struct leftovers *leftovers = userdata;
	struct nestnet_address first = { .family = leftovers->family }, last = first;
	struct nestnet_prefix target;

	memcpy(first.bytes, element->key, address_len(first.family));
	memcpy(last.bytes, element->key_end, address_len(last.family));
	target = prefix_of_address(&first);
	(void)prefix_from_range(&first, &last, &target);
	return plan_add_coexist(leftovers->plan, &target);
}

static int found(void *userdata, const struct nft_element *element)
{
	(void)userdata;
	(void)element;
	return 1;
}

/* Of a whole state: every target that there is, or that was there before. */
static int gather_all(struct plan *plan)
{
	static const enum ruleset_set sets[] = { RULESET_COEXIST_TIMED,
						 RULESET_COEXIST_PREF };
	int r = 0;

	if (exposure_any_coexists(plan->elements))
		r = exposure_each(plan->elements, take_exposure, plan, plan_error(plan));
	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		struct leftovers leftovers = { .plan = plan, .family = families[f] };

		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
			r = elements_each(plan->elements, sets[i], families[f],
					  take_leftover, &leftovers);
		if (r == 0 && elements_each_before(plan->elements, RULESET_COEXIST,
						   families[f], found, NULL) == 1)
			plan->coexists_all = true;
	}
	plan->coexists_all |= plan->n_coexist > 0;
	return r;
}

static int compare_targets(const void *a, const void *b)
{
	const struct nestnet_prefix *x = a, *y = b;
	int r = address_compare(&x->address, &y->address);

	return r != 0 ? r : (int)x->len - (int)y->len;
}

static void sort_targets(struct plan *plan)
{
	struct nestnet_prefix *targets = plan->coexist;
	size_t n = 0;

	if (plan->n_coexist == 0)
		return;
	qsort(targets, plan->n_coexist, sizeof(*targets), compare_targets);
	for (size_t i = 1; i < plan->n_coexist; i++) {
		if (compare_targets(&targets[n], &targets[i]) != 0)
			targets[++n] = targets[i];
	}
	plan->n_coexist = n + 1;
}

bool coexist_has_target(const struct nestnet_prefix *targets, size_t n,
			const struct nestnet_prefix *target)
{
	return n > 0 && bsearch(target, targets, n, sizeof(*targets), compare_targets);
}

/* ---- All of it ------------------------------------------------------------------------ */

bool coexist_is_met(const struct foreign_chain *chain)
{
	return chain->is_base && chain->hook == NFT_HOOK_FORWARD && !chain->is_nat &&
	       (chain->family == FOREIGN_INET || chain->family == FOREIGN_IP ||
		chain->family == FOREIGN_IP6);
}

static int say_waiting(const struct coexist *coexist)
{
	char text[NESTNET_TEXT_MAX], more[48] = "";

	if (coexist->n_waiting == 0)
		return 0;
	if (coexist->n_waiting > 1)
		snprintf(more, sizeof(more), " and %zu more", coexist->n_waiting - 1);
	return plan_say(
		coexist->plan,
		"--coexist: no bridge leads to %s%s yet; the next apply, or the same "
		"expose again, looks anew",
		nestnet_prefix_format(&coexist->waiting[0], text), more);
}

static int plan_targets(struct coexist *coexist)
{
	const struct plan *plan = coexist->plan;
	int r = 0;

	coexist->waiting = calloc(plan->n_coexist + 1, sizeof(*coexist->waiting));
	if (!coexist->waiting)
		return error_set_errno(plan_error(coexist->plan), ENOMEM);
	for (size_t i = 0; r == 0 && i < plan->n_coexist; i++)
		r = coexist_want(coexist, &plan->coexist[i]);
	return r < 0 ? r : say_waiting(coexist);
}

/* The rules of every table in which a pass could be. */
static int load_rules(struct coexist *coexist)
{
	const struct foreign *foreign = walker_chains(coexist->walker);
	int r = 0;

	for (size_t i = 0; r == 0 && i < foreign->n; i++) {
		if (coexist_is_met(&foreign->chains[i]))
			r = walker_load(coexist->walker, &foreign->chains[i]);
	}
	return r;
}

static int plan_passes(struct coexist *coexist)
{
	struct plan *plan = coexist->plan;
	int r = elements_open(plan->elements, plan_error(plan));

	/* What is read from here on is of the generation that the commit names, or the commit
	 * is refused. */
	if (r >= 0)
		r = walker_new(plan->ctx, &coexist->walker);
	if (r < 0)
		return r;
	walker_ignore_passes(coexist->walker);
	r = load_rules(coexist);
	if (r == 0)
		r = plan_inventory(plan, &coexist->inventory);
	if (r == 0)
		r = uplinks_read(plan->ctx, &coexist->uplinks);
	if (r == 0)
		r = plan_targets(coexist);
	return r < 0 ? r : coexist_plan_difference(coexist);
}

int coexist_plan(struct plan *plan)
{
	struct coexist coexist = { .plan = plan };
	int r = plan->wanted ? gather_all(plan) : 0;

	if (r < 0 || (plan->n_coexist == 0 && !plan->coexists_all))
		return r;
	sort_targets(plan);
	r = plan_passes(&coexist);
	walker_free(coexist.walker);
	free(coexist.wanted);
	free(coexist.waiting);
	return r < 0 ? error_prefix(plan_error(plan), "--coexist") : 0;
}
