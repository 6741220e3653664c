/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MOVE_STATE_H
#define NESTNET_MOVE_STATE_H

/* A move from within: between move-plan.c, which makes it, and move.c, which does it. */

#include "move.h"

#include "kernel/copy.h"

#include <string.h>

struct move {
	struct copies *copies; /* of what from has */
	struct copy_end from, to;
	struct link port;
	bool is_back;
	bool has_stp; /* the bridge: its new port is shut for a while */
};

static inline struct copy_end move_end(const struct link *link)
{
	struct copy_end end = { .ifindex = link->ifindex, .is_up = link->is_up };

	memcpy(end.name, link->name, sizeof(end.name));
	return end;
}

/** An item is of this kind, and is to be moved. */
static inline bool move_has(const struct copy_item *item, enum copy_kind kind)
{
	return item->kind == kind && !item->stays;
}

#endif
