/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_H
#define NESTNET_EXPOSURE_H

/*
 * An exposure as elements of our table, and back.
 *
 * The element of a map that depends on the alias's shape has alias, target and comment.
 * Each option is membership of the alias in a set. The target is in `guest` (closed, and
 * masqueraded) or `guest_open` (masqueraded alone) as long as an exposure wants it there;
 * the second and later ones are numbers in `guest_more` and `guest_open_more`. Egress as
 * the alias is an element of `egress` from target to alias, and so says whose it is;
 * egress as it came is one of `keep` for the packets and one of `addr_keep` for whose.
 */

#include "elements.h"

#include <nestnet/nestnet.h>

struct exposure {
	struct nestnet_endpoint alias, target;
	unsigned int flags; /* NESTNET_EXPOSE_NO_LOCAL, NESTNET_EXPOSE_OPEN */
	enum nestnet_egress egress;
	char comment[NESTNET_COMMENT_MAX + 1]; /* "": none */
	uint64_t flows;
	uint64_t timeout_ms, expires_ms;
};

/** @return 1: alias is exposed, exactly; 0: it is not; or a negative errno */
int exposure_get(struct elements *elements, const struct nestnet_endpoint *alias,
		 struct exposure *ret, struct error *error);

/** Wants the exposure, which is not there. */
int exposure_put(struct elements *elements, const struct exposure *exposure,
		 struct error *error);

/** Wants the exposure, which is there as exposure_get() gave it, gone. */
int exposure_remove(struct elements *elements, const struct exposure *exposure,
		    struct error *error);

/**
 * Which alias the target's outbound flows leave by, or are said to leave untouched for.
 * @return 1: *ret_alias has one; 0: it has none; or a negative errno
 */
int exposure_get_egress(struct elements *elements, const struct nestnet_address *target,
			struct nestnet_address *ret_alias, struct error *error);

/** Reads every set that exposures are made of. */
int exposure_load(struct elements *elements, struct error *error);

typedef int (*exposure_fn)(void *userdata, const struct exposure *exposure);

/** Goes through all exposures, after exposure_load(), in no order. */
int exposure_each(struct elements *elements, exposure_fn fn, void *userdata,
		  struct error *error);

#endif
