/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_GUEST_H
#define NESTNET_EXPOSURE_GUEST_H

/*
 * The target's side of an exposure: it is closed and masqueraded (`guest`), or masqueraded
 * alone (`guest_open`), as long as any exposure wants it so.
 */

#include "table/exposure.h"

/** One exposure more has its target. */
int guest_add(struct elements *elements, const struct exposure *exposure,
	      struct error *error);

/** @return 1 where the address is the target of an exposure; 0; or a negative errno */
int guest_is_target(struct elements *elements, const struct nestnet_address *address,
		    struct error *error);

/** @return 1 where an exposure or its subnet has closed the target already, as far as that is
 *          known without a list; 0; or a negative errno */
int guest_is_closed(struct elements *elements, const struct nestnet_prefix *target,
		    struct error *error);

/** @return 1 where exposures close a target that was not closed before; 0; or a negative errno.
 *          Nothing is asked where all is loaded */
int guest_becomes_closed(struct elements *elements, const struct nestnet_address *target,
			 struct error *error);

/** @return 1 where other software's rules are to let the target by for an exposure's sake;
 *          0: not, or no longer; or a negative errno */
int guest_coexists(struct elements *elements, const struct nestnet_prefix *target,
		   struct error *error);

/** One less, which is no longer among the exposures. */
int guest_remove(struct elements *elements, const struct exposure *exposure,
		 struct error *error);

#endif
