/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Aliases, with what is exposed of each. */

#include "alias.h"

#include "plan/local.h"

#include "table/exposure.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is exposed of them ----------------------------------------------------------------- */

struct ids {
	const struct nestnet_prefix *prefix;
	const char **list; /* each owned */
	size_t n;
};

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	char text[NESTNET_TEXT_MAX];
	struct ids *ids = userdata;
	const char **grown;
	char *id;

	if (!prefix_contains(ids->prefix, &exposure->alias.prefix.address))
		return 0;
	grown = reallocarray(ids->list, ids->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ids->list = grown;
	id = strdup(nestnet_endpoint_format(&exposure->alias, text));
	if (!id)
		return -ENOMEM;
	ids->list[ids->n++] = id;
	return 0;
}

static void free_ids(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free((char *)ids->list[i]);
	free(ids->list);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int report(struct plan *plan, const struct inventory *inventory,
		  const struct local *from, nestnet_alias_fn fn, void *userdata)
{
	const struct inventory_link *link = inventory_find(inventory, from->ifindex);
	struct ids ids = { .prefix = &from->prefix };
	char id[NESTNET_TEXT_MAX];
	struct nestnet_alias alias = { .id = nestnet_prefix_format(&from->prefix, id),
				       .prefix = from->prefix,
				       .dev = link ? link->link.name : "",
				       .origin = from->origin };
	int r = exposure_each(plan->elements, take_exposure, &ids, plan_error(plan));

	if (r == 0) {
		if (ids.n)
			qsort(ids.list, ids.n, sizeof(*ids.list), compare_ids);
		alias.exposed = ids.list;
		alias.n_exposed = ids.n;
		r = fn(userdata, &alias);
	}
	free_ids(&ids);
	return r;
}

int nestnet_alias_list(struct nestnet *ctx, nestnet_alias_fn fn, void *userdata)
{
	struct locals locals = { .n = 0 };
	struct inventory inventory;
	struct plan *plan;
	int r;

	context_begin(ctx);
	r = plan_new(ctx, &plan);
	if (r < 0)
		return context_end(ctx, r);
	r = inventory_load(ctx, &inventory);
	if (r == 0) {
		r = locals_read(ctx, &inventory, &locals);
		if (r == 0)
			r = exposure_load(plan->elements, &ctx->error);
		if (r < 0)
			r = context_end(ctx, error_prefix(&ctx->error, "list aliases"));
		for (size_t i = 0; r == 0 && i < locals.n; i++)
			r = report(plan, &inventory, &locals.list[i], fn, userdata);
		inventory_clear(&inventory);
	}
	free(locals.list);
	plan_free(plan);
	return r;
}
