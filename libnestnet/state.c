/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that nestnet has on the host: its links, its table, and who is attached. */

#include "state.h"

#include "transaction.h"

#include "plan/present.h"
#include "plan/setting.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int state_plan_extra(struct plan *plan)
{
	const struct inventory *inventory;
	int r = plan_inventory(plan, &inventory);

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct link *link = &inventory->links[i].link;

		if (!link->is_managed || (plan->wanted && !plan_drops(plan, link)))
			continue;
		r = present_note(plan, '-', &inventory->links[i]);
		if (r == 0)
			r = plan_unlink(plan, link);
	}
	return r;
}

/* Without our table nobody knows what forwarding was before. */
static int say_forwarding_stays(struct plan *plan)
{
	int is_on = 0, r = setting_read(plan, AF_INET, "all", "forwarding", &is_on);

	if (r <= 0 || !is_on)
		return r < 0 ? r : 0;
	return plan_say(plan,
			"clear: forwarding stays on: table inet %s, which would know what "
			"it was before, is not there",
			ruleset_table.name);
}

int state_plan_clear(struct plan *plan)
{
	int r = elements_open(plan->elements, plan_error(plan));

	if (r == 0)
		r = say_forwarding_stays(plan);
	return r < 0 ? r : elements_remove_tables(plan->elements, plan_error(plan));
}

/* ---- Saving ----------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	const struct inventory_link *const *x = a, *const *y = b;

	return strcmp((*x)->link.name, (*y)->link.name);
}

static int save_links(struct plan *plan, bool is_bridges)
{
	_cleanup_free_ const struct inventory_link **links = NULL;
	const struct inventory *inventory;
	size_t n = 0;
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	links = calloc(inventory->n + 1, sizeof(*links));
	if (!links)
		return error_set_errno(plan_error(plan), ENOMEM);
	for (size_t i = 0; i < inventory->n; i++) {
		const struct link *link = &inventory->links[i].link;

		if (link->is_managed && !link_is_ephemeral(link) &&
		    (link->kind == LINK_BRIDGE) == is_bridges)
			links[n++] = &inventory->links[i];
	}
	qsort(links, n, sizeof(*links), compare_names);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = present_note(plan, '+', links[i]);
	return r;
}

int state_plan_save_bridges(struct plan *plan)
{
	return save_links(plan, true);
}

int state_plan_save_taps(struct plan *plan)
{
	return save_links(plan, false);
}

/* ---- Public ----------------------------------------------------------------------------------- */

int nestnet_clear(struct nestnet_transaction *tx)
{
	struct request request = { .kind = REQUEST_CLEAR };

	transaction_begin(tx);
	return transaction_add(tx, &request);
}
