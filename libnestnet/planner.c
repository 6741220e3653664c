/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From requests to a plan: the one place that knows all nouns, so that none has to know
 * another.
 *
 * A whole state is planned from what one look at the kernel shows: our tables are read set
 * by set into the view, under one generation, and the links by one dump, so that ten
 * thousand requests ask no more than ten do. What nobody wants, or wants otherwise, is
 * taken out of the view before anything is put in. The batch is the difference of the view,
 * and what went and came back the same is in no batch.
 */

#include "planner.h"

#include "alias.h"
#include "bridge.h"
#include "expose/coexist.h"
#include "expose/expose.h"
#include "forward.h"
#include "guard.h"
#include "nat.h"
#include "port.h"
#include "state.h"
#include "tap.h"

#include "plan/agree.h"

#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>

/* ---- One request ---------------------------------------------------------------------------- */

/* What is translated has to be forwarded. */
static int plan_forwarding(struct plan *plan, int family)
{
	struct forward_request request = { .family = family, .is_on = true };

	return forward_plan(plan, &request);
}

static int plan_expose(struct plan *plan, const struct expose_request *request)
{
	int r = request->tap ? expose_plan_sweep(plan, 0) : 0;

	if (r == 0)
		r = expose_plan(plan, request);

	if (r < 0 || (request->flags & NESTNET_EXPOSE_NO_FORWARD))
		return r;
	return plan_forwarding(plan, endpoint_family(&request->target));
}

static int plan_nat(struct plan *plan, const struct nat_request *request)
{
	int r = nat_plan(plan, request);

	if (r < 0 || (request->flags & NESTNET_NAT_NO_FORWARD))
		return r;
	return plan_forwarding(plan, request->subnet.address.family);
}

static int plan_tap(struct plan *plan, const struct tap_request *request)
{
	int there = tap_plan(plan, request), r = there;

	if (r >= 0 && (request->flags & NESTNET_TAP_EPHEMERAL))
		r = expose_plan_sweep(plan, 0);
	if (r < 0)
		return r;
	return there == 1 ? guard_plan_there(plan, request) : guard_plan(plan, request);
}

static int plan_tap_removal(struct plan *plan, const struct link_request *request)
{
	uint32_t ifindex = 0;
	int r = tap_plan_remove(plan, request, &ifindex);

	if (r == 0)
		r = expose_plan_sweep(plan, ifindex);
	return r < 0 ? r : guard_plan_remove(plan, request->name);
}

/* Removals of what is there and not wanted. */
static int plan_extra(struct plan *plan)
{
	int r = expose_plan_extra(plan);

	if (r == 0)
		r = nat_plan_extra(plan);
	if (r == 0)
		r = port_plan_extra(plan);
	if (r == 0)
		r = alias_plan_extra(plan);
	if (r == 0)
		r = state_plan_extra(plan);
	return r < 0 ? r : guard_plan_extra(plan);
}

/* Nothing is wanted. */
static int plan_clear(struct plan *plan)
{
	int r = plan_extra(plan);

	plan->coexists_all = true;
	if (r == 0)
		r = forward_plan_restore(plan);
	if (r == 0)
		r = state_plan_clear(plan);
	return r;
}

static int plan_request(struct plan *plan, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_EXPOSE:
		return plan_expose(plan, &request->expose);
	case REQUEST_UNEXPOSE:
		return expose_plan_remove(plan, &request->unexpose);
	case REQUEST_UNEXPOSE_TARGET:
		return expose_plan_remove_target(plan, &request->unexpose_target);
	case REQUEST_TAP_ADD:
		return plan_tap(plan, &request->tap);
	case REQUEST_TAP_DEL:
		return plan_tap_removal(plan, &request->link);
	case REQUEST_BRIDGE_ADD:
		return bridge_plan(plan, &request->bridge);
	case REQUEST_BRIDGE_DEL:
		return bridge_plan_remove(plan, &request->link);
	case REQUEST_ATTACH:
		return port_plan(plan, &request->attach);
	case REQUEST_DETACH:
		return port_plan_remove(plan, &request->link);
	case REQUEST_NAT_ADD:
		return plan_nat(plan, &request->nat);
	case REQUEST_NAT_DEL:
		return nat_plan_remove(plan, &request->nat_del);
	case REQUEST_FORWARD:
		return forward_plan(plan, &request->forward);
	case REQUEST_ALIAS_ADD:
		return alias_plan(plan, &request->alias);
	case REQUEST_ALIAS_DEL:
		return alias_plan_remove(plan, &request->alias);
	case REQUEST_CLEAR:
		return plan_clear(plan);
	}
	return -EINVAL;
}

/* ---- A whole state ---------------------------------------------------------------------------- */

/* The order in which a whole state is made, whatever that of its requests is. */
static const enum request_kind order[] = {
	REQUEST_BRIDGE_ADD, REQUEST_ATTACH,  REQUEST_TAP_ADD, REQUEST_ALIAS_ADD,
	REQUEST_NAT_ADD,    REQUEST_FORWARD, REQUEST_EXPOSE,
};

static int recover(struct plan *plan, const struct requests *requests)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < requests->list->n; i++) {
		const struct request *request = request_list_whole(requests->list, i);

		if (request && request->kind == REQUEST_ATTACH)
			r = port_plan_recover(plan, &request->attach);
	}
	return r;
}

static int prepare_whole(struct plan *plan, const struct requests *requests)
{
	const struct inventory *inventory;
	int r = elements_load_all(plan->elements, plan_error(plan));

	if (r == 0)
		r = plan_inventory(plan, &inventory);
	if (r == 0)
		r = recover(plan, requests);
	return r < 0 ? r : plan_extra(plan);
}

static int plan_kind(struct plan *plan, const struct requests *requests,
		     enum request_kind kind, size_t *ret_culprit)
{
	const struct request_list *list = requests->list;
	struct request buffer;
	int r = 0;

	if (!request_list_has(list, kind))
		return 0;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		if (request_list_kind(list, i) != kind)
			continue;
		context_progress(plan->ctx, "plan", i, list->n);
		r = plan_request(plan, request_list_at(list, i, &buffer));
		if (r < 0)
			*ret_culprit = i;
	}
	return r;
}

static int plan_whole(struct plan *plan, const struct requests *requests,
		      size_t *ret_culprit)
{
	int r = prepare_whole(plan, requests);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(order); i++)
		r = plan_kind(plan, requests, order[i], ret_culprit);
	if (r == 0)
		r = coexist_plan(plan);
	if (r < 0)
		return r;
	/* What is torn may look as if there were nothing to change, and no batch would tell. */
	r = elements_are_whole(plan->elements, plan_error(plan));
	return r == 0 ? -ERESTART : r < 0 ? r : 0;
}

static int plan_all(struct plan *plan, const struct requests *requests, size_t *ret_culprit)
{
	struct request buffer;
	int r = requests_agree(requests->list, ret_culprit, plan_error(plan));

	for (size_t i = 0; r == 0 && i < requests->list->n; i++) {
		plan->now = request_list_at(requests->list, i, &buffer);
		r = plan_request(plan, plan->now);
		if (r < 0)
			*ret_culprit = i;
	}
	plan->now = NULL;
	return r < 0 ? r : coexist_plan(plan);
}

/* A commit is also when a table of an older release is made anew. */
static int renew(struct plan *plan)
{
	int r;

	if (!elements_has_old_table(plan->elements))
		return 0;
	r = elements_renew(plan->elements, plan_error(plan));
	if (r == 0)
		r = guard_plan_renew(plan);
	return r < 0 ? error_prefix(plan_error(plan), "renew the tables") : 0;
}

int planner_make(struct nestnet *ctx, const struct requests *requests, struct plan **ret,
		 size_t *ret_culprit)
{
	struct plan *plan;
	int r = plan_new(ctx, &plan);

	if (r < 0)
		return r;
	plan->wanted = requests->wanted;
	plan->is_of_one = requests->list->n == 1 && !requests->wanted;
	r = requests->wanted ? plan_whole(plan, requests, ret_culprit)
			     : plan_all(plan, requests, ret_culprit);
	if (r == 0)
		r = renew(plan);
	if (r < 0) {
		plan_free(plan);
		return r;
	}
	*ret = plan;
	return 0;
}

/* ---- What an exposure left behind ------------------------------------------------------------- */

int planner_make_orphans(struct nestnet *ctx, const struct requests *requests,
			 struct plan **ret)
{
	struct plan *plan;
	int r = plan_new(ctx, &plan);

	for (size_t i = 0; r == 0 && i < requests->list->n; i++) {
		const struct request *request = request_list_whole(requests->list, i);

		if (!request || request->kind != REQUEST_UNEXPOSE)
			continue;
		r = expose_plan_orphans(plan, &request->unexpose);
		if (r < 0)
			plan_free(plan);
	}
	if (r == 0)
		*ret = plan;
	return r;
}

/* ---- Saving ----------------------------------------------------------------------------------- */

static int note_all(struct plan *plan)
{
	int r = elements_load_all(plan->elements, plan_error(plan));

	if (r == 0)
		r = state_plan_save_bridges(plan);
	if (r == 0)
		r = port_plan_save(plan);
	if (r == 0)
		r = nat_plan_save(plan);
	if (r == 0)
		r = state_plan_save_taps(plan);
	if (r == 0)
		r = alias_plan_save(plan);
	if (r == 0)
		r = expose_plan_save(plan);
	return r < 0 ? r : forward_plan_save(plan);
}

/* How often a state is read anew where others write meanwhile; each writer holds up one. */
#define TRIES 256

/* @return 1: read; 0: somebody wrote meanwhile; or a negative errno */
static int read_once(struct nestnet *ctx, struct plan **ret)
{
	struct plan *plan;
	int r = plan_new(ctx, &plan);

	if (r < 0)
		return r;
	ctx->is_telling = true;
	r = note_all(plan);
	ctx->is_telling = false;
	if (r == 0)
		r = elements_are_whole(plan->elements, &ctx->error);
	if (r == 1)
		*ret = plan;
	else
		plan_free(plan);
	return r;
}

int nestnet_save(struct nestnet *ctx, nestnet_change_fn fn, void *userdata)
{
	struct plan *plan = NULL;
	int r = 0;

	for (unsigned int try = 0; r == 0 && try < TRIES; try++) {
		context_begin(ctx);
		r = read_once(ctx, &plan);
	}
	if (r == 0)
		r = error_set(&ctx->error, EAGAIN,
			      "other programs change the ruleset faster than it is read; try "
			      "again");
	if (r < 0) {
		error_prefix(&ctx->error, "save");
		return context_end(ctx, r);
	}
	r = 0;
	for (size_t i = 0; r == 0 && i < plan->n_changes; i++)
		r = fn(userdata, plan->changes[i].op, plan->changes[i].text);
	plan_free(plan);
	return r;
}
