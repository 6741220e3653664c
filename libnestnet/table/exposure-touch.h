/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_TOUCH_H
#define NESTNET_EXPOSURE_TOUCH_H

/* Whose element is this? An exposure is made of elements of several sets, and nearly all of
 * them have its alias for a key, or begin with it. */

#include "table/ruleset.h"

#include <nestnet/nestnet.h>

enum exposure_touch {
	EXPOSURE_TOUCH_NONE, /* no part of any exposure as it is listed */
	EXPOSURE_TOUCH_ONE,  /* of the one with this alias, if there is one */
	EXPOSURE_TOUCH_ANY,  /* of one that the element alone does not tell */
};

/** @param family   of the set
 *  @param element  with its key, its last key and its value */
enum exposure_touch exposure_touch(enum ruleset_set set, int family,
				   const struct nft_element *element,
				   struct nestnet_endpoint *ret_alias);

#endif
