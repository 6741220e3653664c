/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_HELPER_TAP_H
#define NESTNET_HELPER_TAP_H

/* The tap, as the ACL grants it. */

#include "acl-rule.h"

#include <stdbool.h>
#include <stddef.h>

/** What the caller asks for, besides a bridge. */
struct tap_wish {
	const char *bridge;
	bool has_vnet_hdr;
	unsigned int queues; /**< 1 to HANDOVER_MAX */
};

/**
 * Makes a tap that lives as long as its descriptors.
 * @param fds  room for wish->queues
 * @return false where there is none, and nothing is left of it, which was said
 */
bool tap_make(const struct tap_wish *wish, const struct rule *grant,
	      const struct caller *caller, int *fds);

#endif
