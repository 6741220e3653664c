/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing exposures: one by its key, at a constant cost, or all of them, sorted. */

#include "plan/plan.h"
#include "plan/present.h"

#include "table/exposure.h"

#include "kernel/link.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct list {
	const struct nestnet_endpoint *match;
	struct exposures rows;
};

/* An address matches as an alias and as a target; ports narrow it down. */
static bool is_match(const struct nestnet_endpoint *match, const struct exposure *exposure)
{
	const struct nestnet_address *address = &match->prefix.address;

	if (match->first_port)
		return endpoint_equal(match, &exposure->alias);
	if (!prefix_is_address(&match->prefix))
		return endpoint_equal(match, &exposure->alias);
	return address_equal(address, &exposure->alias.prefix.address) ||
	       address_equal(address, &exposure->target.prefix.address);
}

static int take_row(void *userdata, const struct exposure *exposure)
{
	struct list *list = userdata;

	if (list->match && !is_match(list->match, exposure))
		return 0;
	return exposures_append(&list->rows, exposure);
}

static int compare_rows(const void *a, const void *b)
{
	const struct exposure *x = a, *y = b;

	return endpoint_compare(&x->alias, &y->alias);
}

static int read_rows(struct plan *plan, struct list *list)
{
	struct error *error = plan_error(plan);
	int r = 0;

	if (list->match)
		r = exposure_get_all(plan->elements, list->match, &list->rows, error);
	if (r == 1)
		r = 0;
	else if (r == 0 && !(list->match && list->match->first_port)) {
		r = exposure_load(plan->elements, error);
		if (r == 0)
			r = exposure_each(plan->elements, take_row, list, error);
	}
	if (r == -ENOMEM)
		error_set_errno(error, ENOMEM);
	if (r == 0 && list->rows.n)
		qsort(list->rows.list, list->rows.n, sizeof(*list->rows.list), compare_rows);
	return r < 0 ? error_prefix(error, "list exposures") : 0;
}

/* How often a list is read anew where others write meanwhile; each writer holds up one. */
#define TRIES 256

/* @return 1: read; 0: somebody wrote meanwhile; or a negative errno */
static int read_once(struct nestnet *ctx, struct list *list)
{
	struct plan *plan;
	int r = plan_new(ctx, &plan);

	if (r < 0)
		return r;
	r = read_rows(plan, list);
	if (r == 0)
		r = elements_are_whole(plan->elements, &ctx->error);
	plan_free(plan);
	return r;
}

/* @return what the tap that it goes with is called by now; "" where that is gone */
static int find_tap(struct nestnet *ctx, const struct exposure *row, char *ret)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(ctx, &nl);

	ret[0] = '\0';
	if (r == 0)
		r = link_get_by_index(nl, row->tap, &link, &ctx->error);
	if (r == 1 && link.kind == LINK_TAP)
		memcpy(ret, link.name, NESTNET_IFNAMSIZ);
	return r < 0 ? context_end(ctx, r) : 0;
}

static int report(struct nestnet *ctx, const struct exposure *row, nestnet_exposure_fn fn,
		  void *userdata)
{
	char tap[NESTNET_IFNAMSIZ];
	char id[NESTNET_TEXT_MAX];
	struct nestnet_exposure exposure = present_row(row, id);
	int r = row->tap ? find_tap(ctx, row, tap) : 0;

	if (row->tap)
		exposure.tap = tap;
	return r < 0 ? r : fn(userdata, &exposure);
}

int nestnet_exposure_list(struct nestnet *ctx, const struct nestnet_endpoint *match,
			  nestnet_exposure_fn fn, void *userdata)
{
	struct list list = { .match = match };
	int r = 0;

	for (unsigned int try = 0; r == 0 && try < TRIES; try++) {
		context_begin(ctx);
		exposures_clear(&list.rows);
		r = read_once(ctx, &list);
	}
	if (r == 0)
		r = error_set(&ctx->error, EAGAIN,
			      "list exposures: other programs change the ruleset faster than "
			      "it is read; try again");
	r = r < 0 ? context_end(ctx, r) : 0;
	for (size_t i = 0; r == 0 && i < list.rows.n; i++)
		r = report(ctx, &list.rows.list[i], fn, userdata);
	exposures_clear(&list.rows);
	return r;
}
