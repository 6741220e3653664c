/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_TAP_H
#define NESTNET_EXPOSURE_TAP_H

/*
 * Which tap an exposure goes with: membership of the alias in a set of its shape, whose
 * comment has the tap's ifindex, and its name for people. The number is the tap: it stays
 * under another name, and goes when the tap does, or moves to another namespace.
 */

#include "table/exposure-options.h"

/** exposure.tap of an exposure whose tap is yet to be made: no element says it so far. */
#define EXPOSURE_TAP_LATER UINT32_MAX

int exposure_read_tap(struct elements *elements, const uint8_t *key, struct exposure *ret,
		      struct error *error);
int exposure_change_tap(struct elements *elements, const struct exposure *exposure,
			change_fn change, struct error *error);

/** Reads all of these sets, and nothing else. */
int exposure_load_taps(struct elements *elements, struct error *error);

typedef int (*exposure_tap_fn)(void *userdata, const struct nestnet_endpoint *alias,
			       int family, uint32_t ifindex);

/** Goes through all exposures that go with a tap, after exposure_load_taps(). */
int exposure_each_tap(struct elements *elements, exposure_tap_fn fn, void *userdata);

#endif
