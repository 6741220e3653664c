/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_COMMAND_H
#define NESTNET_COMMAND_H

/* Links as the commands of nestnet(1) that would make them, for the notes of a plan. */

#include "inventory.h"
#include "plan.h"
#include "request.h"

int command_note_tap(struct plan *plan, char op, const struct tap_request *tap);
int command_note_bridge(struct plan *plan, char op, const struct bridge_request *bridge);

/** The command of a tap or a bridge that is there. */
int command_note_link(struct plan *plan, char op, const struct inventory *inventory,
		      const struct inventory_link *link);

#endif
