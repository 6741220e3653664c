/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_FROM_H
#define NESTNET_EXPOSURE_FROM_H

/*
 * The sources that reach an exposure. An alias with any is in a set that says so
 * (`addr_from` and the like), and alias . source is in another. Of hashed shapes the
 * sources are hosts, or prefixes of 8, 16, 24 bits and so on: a prefix of another length
 * is as many of the next longer one as it takes. So sources are kept and compared in one
 * form: no two overlap, and none could be one with another.
 */

#include "table/exposure-options.h"

/** Puts sources in that form, in place; shrinks *n. Everybody becomes none. */
void from_reduce(struct nestnet_prefix *list, size_t *n);

int exposure_read_from(struct elements *elements, const struct nft_element *alias,
		       struct exposure *exposure, struct error *error);
int exposure_change_from(struct elements *elements, const struct exposure *exposure,
			 change_fn change, struct error *error);

/** Reads every set that has sources of restricted aliases; for a list of all. */
int exposure_load_from(struct elements *elements, struct error *error);

#endif
