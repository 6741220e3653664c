/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that nestnet has on the host: its links, its table, and who is attached. */

#include "state.h"

#include "command.h"
#include "inventory.h"
#include "setting.h"
#include "transaction.h"

#include <errno.h>
#include <sys/socket.h>

static int unlink_managed(struct plan *plan, const struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct link *link = &inventory->links[i].link;

		if (!link->is_managed)
			continue;
		r = command_note_link(plan, '-', inventory, &inventory->links[i]);
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
	struct inventory inventory;
	int r = inventory_load(plan->ctx, &inventory);

	if (r == 0) {
		r = unlink_managed(plan, &inventory);
		inventory_clear(&inventory);
	}
	if (r == 0)
		r = elements_open(plan->elements, plan_error(plan));
	if (r == 0)
		r = say_forwarding_stays(plan);
	return r < 0 ? r : elements_remove_tables(plan->elements, plan_error(plan));
}

int nestnet_clear(struct nestnet_transaction *tx)
{
	struct request request = { .kind = REQUEST_CLEAR };

	transaction_begin(tx);
	return transaction_add(tx, &request);
}
