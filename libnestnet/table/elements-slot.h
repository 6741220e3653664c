/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ELEMENTS_SLOT_H
#define NESTNET_ELEMENTS_SLOT_H

/* What a view is made of: for elements.c, which fills it, and elements-batch.c, which
 * sends the difference. */

#include "table/elements.h"

/** One element: as read, and as wanted. */
struct slot {
	struct slot *next; /* in its bucket */
	struct slot *next_in_set;
	enum ruleset_set set;
	int family;
	bool was_there, is_wanted;
	bool is_dumped; /* known from a dump that may start over */
	bool is_put;    /* whatever it was: a time starts anew */
	struct nft_element before, after;
};

/** One of our tables. */
struct table_view {
	bool is_open;
	bool is_there; /* in the kernel, at the generation */
	bool is_wanted;
	bool is_old;     /* of an older release: some of our sets may not be in it */
	bool is_renewed; /* all of it is read, and the commit makes it anew */
};

struct elements {
	struct netlink *nl;
	bool has_generation;
	uint32_t generation; /* of the first read */
	struct table_view tables[RULESET_PARTS];
	bool is_loaded[RULESET_SETS][2];
	struct slot **buckets;
	size_t n_buckets, n_slots;
	struct slot *sets[RULESET_SETS][2]; /* the last known slot of each */
};

bool slot_is_changed(const struct slot *slot);

/** Asks the kernel for the slot's element, or chain, by the key of known.
 *  @return 1: it is there, in *ret; 0: it is not; or a negative errno */
int slot_read(struct elements *elements, enum ruleset_set set, int family,
	      const struct nft_element *known, struct nft_element *ret,
	      struct error *error);

#endif
