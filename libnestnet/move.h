/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MOVE_H
#define NESTNET_MOVE_H

/*
 * The addresses and routes of a bridge's port, moved to the bridge and back: the parts of
 * attaching and detaching that port.c puts in order with the change of the port's master.
 * move.c has the theory.
 */

#include "plan/plan.h"

#include "kernel/link.h"

/** A move that was planned: from a port to its bridge, or back. */
struct move;

/**
 * Plans the addresses and routes of a port to go to a bridge, and records it in `found`.
 * @param bridge  may be one that this plan makes
 * @return 1: *ret is the caller's; 0: there is nothing to move; or the refusal
 */
int move_plan(struct plan *plan, const struct link *port, const char *bridge,
	      struct move **ret);

/**
 * Plans what was moved from a port to come back to it, and forgets the record.
 * @param bridge  the name in the record
 * @return 1: *ret is the caller's; 0: the bridge is gone, and all with it; or the refusal
 */
int move_plan_back(struct plan *plan, const struct link *port, const char *bridge,
		   struct move **ret);

void move_free(struct move *move);

/** It goes back, from the bridge to the port. */
bool move_is_back(const struct move *move);

/** Where to, once it is sure to be there. */
void move_set_bridge(struct move *move, const struct link *bridge);

/* The parts, in the order for a move; move.c says why, and which order for a move back. */
int move_give_addresses(struct plan *plan, struct move *move);
int move_routes(struct plan *plan, struct move *move);
int move_take_addresses(struct plan *plan, struct move *move);

/** Undo what the first two have done, and restore what the last has taken. */
int move_undo_routes(struct plan *plan, struct move *move);
int move_undo_addresses(struct plan *plan, struct move *move);

/** Tells the neighbours that the addresses are at the port's own Ethernet address. */
void move_announce(struct plan *plan, const struct move *move);

#endif
