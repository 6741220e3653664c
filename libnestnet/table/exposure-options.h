/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_OPTIONS_H
#define NESTNET_EXPOSURE_OPTIONS_H

/* The options of an exposure that are more than one membership: exceptions and egress. */

#include "table/exposure.h"

/** Puts or removes an element: elements_put(), or exposure_remove_element(). */
typedef int (*change_fn)(struct elements *elements, enum ruleset_set set, int family,
			 const struct nft_element *element, struct error *error);

int exposure_remove_element(struct elements *elements, enum ruleset_set set, int family,
			    const struct nft_element *element, struct error *error);

/** How long an element lives that belongs to an exposure and restricts it. */
uint64_t exposure_option_timeout(const struct exposure *exposure);

/** Read what the exposure's alias and target have. @param key  of the alias's element */
int exposure_read_excepts(struct elements *elements, const uint8_t *key,
			  struct exposure *exposure, struct error *error);
int exposure_read_egress(struct elements *elements, struct exposure *exposure,
			 struct error *error);

int exposure_change_excepts(struct elements *elements, const struct exposure *exposure,
			    change_fn change, struct error *error);
int exposure_change_egress(struct elements *elements, const struct exposure *exposure,
			   change_fn change, struct error *error);

#endif
