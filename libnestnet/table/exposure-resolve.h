/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_RESOLVE_H
#define NESTNET_EXPOSURE_RESOLVE_H

/* Where the exposures send a packet, by the precedence of the rules: port, port range, a
 * port of every address, an exception, address, prefix. */

#include "table/exposure.h"

struct resolve_question {
	struct nestnet_address alias;
	unsigned int protocol;
	uint16_t port;   /* host order; 0 where the protocol has none */
	bool is_before;  /* as it was before the plan, not as it is after it */
	bool is_expected; /* whether it is sent to this target */
	struct nestnet_address target;
	uint16_t target_port;
	struct nestnet_address source; /* to which --from applies, as it is after the plan;
					* AF_UNSPEC: to nobody */
};

/** @return 1: it is sent somewhere, or to the expected target; 0: it is not; or a negative
 *          errno */
int exposure_resolve(struct elements *elements, const struct resolve_question *question,
		     struct error *error);

/** Whether a target's flows left as the alias before the plan, and no longer do.
 *  @return 1, 0, or a negative errno */
int exposure_lost_egress(struct elements *elements, const struct nestnet_address *target,
			 const struct nestnet_address *alias, struct error *error);

#endif
