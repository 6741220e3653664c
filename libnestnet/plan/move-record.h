/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MOVE_RECORD_H
#define NESTNET_MOVE_RECORD_H

/*
 * What `found` knows of a port whose addresses were moved to its bridge: "moved=BRIDGE", and
 * "keep=PREFIX,...", what is the bridge's own and stays when the rest goes back.
 */

#include "plan/plan.h"

/** What a record has room for: the least text of a prefix has seven bytes and a comma. */
#define MOVE_KEEP_MAX 16

/** Addresses of a bridge's own, and destinations of its own routes. */
struct move_keep {
	struct nestnet_prefix list[MOVE_KEEP_MAX];
	size_t n;
};

bool move_keep_has(const struct move_keep *keep, const struct nestnet_prefix *prefix);

/** Some address in it has prefix as its network: the route to that comes with it. */
bool move_keep_has_network(const struct move_keep *keep, const struct nestnet_prefix *prefix);

/** @return 0, or -EBUSY where there is no room */
int move_keep_add(struct plan *plan, struct move_keep *keep,
		  const struct nestnet_prefix *prefix);

/** Records that a port's addresses go to a bridge. @return 0, -EBUSY: no room, or -errno */
int move_record_write(struct plan *plan, const char *port, const char *bridge,
		      const struct move_keep *keep);
int move_record_forget(struct plan *plan, const char *port);
int move_record_read(struct plan *plan, const char *port, struct move_keep *ret);

/** The bridge to which a port's addresses were moved.
 *  @param bridge  FOUND_VALUE_MAX bytes @return 1, 0, or a negative errno */
int move_record_find(struct plan *plan, const char *port, char *bridge);

/** The port whose addresses a bridge has.
 *  @param port  NESTNET_IFNAMSIZ bytes @return 1, 0, or a negative errno */
int move_record_find_port(struct plan *plan, const char *bridge, char *port);

/** Leaves of a bridge's addresses those that are its own, and were not moved to it. */
int move_record_filter_own(struct plan *plan, const char *bridge,
			   struct nestnet_prefix *addresses, size_t *n);

#endif
