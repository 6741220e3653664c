/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From items to what the caller is told. */

#include "monitor/tell.h"

#include "plan/command.h"
#include "plan/present.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tell_lost(const struct tell *tell)
{
	const struct nestnet_event event = {
		.op = '!',
		.time_ms = tell->time_ms,
		.note = "notifications were lost; the state was read anew",
	};

	return tell->fn(tell->userdata, &event);
}

/* The command has the whole time, the object what remains of it. */
static int tell_exposure(const struct tell *tell, struct nestnet_event *event,
			 const struct item *item)
{
	char id[NESTNET_TEXT_MAX];
	struct exposure exposure = item->exposure;
	_cleanup_free_ char *command = NULL;
	struct nestnet_exposure row;
	struct request request;

	exposure.expires_ms = 0;
	request = present_exposure(&exposure);
	command = command_format(&request);
	if (!command)
		return -ENOMEM;
	row = present_row(&exposure, id);
	if (item->expires_at_ms > tell->now_ms)
		row.expires_ms = item->expires_at_ms - tell->now_ms;
	event->command = command;
	event->exposure = &row;
	return tell->fn(tell->userdata, event);
}

struct ids {
	const char **list; /* each owned */
	size_t n;
};

static void free_ids(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free((char *)ids->list[i]);
	free(ids->list);
}

static bool add_id(struct ids *ids, const struct nestnet_endpoint *alias)
{
	char text[NESTNET_TEXT_MAX], *id;
	const char **grown = reallocarray(ids->list, ids->n + 1, sizeof(*grown));

	if (!grown)
		return false;
	ids->list = grown;
	id = strdup(nestnet_endpoint_format(alias, text));
	if (id)
		grown[ids->n++] = id;
	return id;
}

/* What is exposed of it is no part of the item: it changes without the alias. */
static int tell_alias(const struct tell *tell, struct nestnet_event *event,
		      const struct item *item)
{
	struct nestnet_alias alias = *item->alias;
	size_t first, n = items_find_kind(tell->items, NESTNET_MONITOR_EXPOSURES, &first);
	_cleanup_(free_ids) struct ids ids = { .n = 0 };

	for (size_t i = first; i < first + n; i++) {
		const struct nestnet_endpoint *at = &tell->items->list[i]->exposure.alias;

		if (prefix_contains(&alias.prefix, &at->prefix.address) &&
		    !add_id(&ids, at))
			return -ENOMEM;
	}
	alias.exposed = ids.list;
	alias.n_exposed = ids.n;
	event->alias = &alias;
	return tell->fn(tell->userdata, event);
}

int tell_item(const struct tell *tell, char op, const struct item *item)
{
	struct nestnet_event event = { .op = op,
				       .kind = item->kind,
				       .time_ms = tell->time_ms,
				       .command = item->command,
				       .note = item->note };

	switch (item->kind) {
	case NESTNET_MONITOR_EXPOSURES:
		return tell_exposure(tell, &event, item);
	case NESTNET_MONITOR_ALIASES:
		return tell_alias(tell, &event, item);
	case NESTNET_MONITOR_TAPS:
		event.tap = item->tap;
		break;
	case NESTNET_MONITOR_BRIDGES:
		event.bridge = item->bridge;
		break;
	case NESTNET_MONITOR_ATTACHMENTS:
		event.attachment = item->attachment;
		break;
	case NESTNET_MONITOR_NAT:
		event.nat = item->nat;
		break;
	case NESTNET_MONITOR_FORWARDING:
		event.forwarding = item->forwarding;
		break;
	case NESTNET_MONITOR_GUESTS:
		event.guest = item->guest;
		break;
	}
	return tell->fn(tell->userdata, &event);
}
