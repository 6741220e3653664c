/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_WAY_H
#define NESTNET_WAY_H

/* Where an exposure's packets come in and go out, and which guest that is, as the kernel has
 * it now. */

#include "doctor/doctor.h"

#include "kernel/neighbour.h"
#include "kernel/route.h"

/** The guest as L1 knows it. */
struct way_guest {
	const struct doctor_path *path;
	struct neighbour found;
	uint32_t port; /* of its bridge; 0: not known */
	bool is_found;
};

/** Fills in path->in: where the alias is local, else the first uplink.
 *  @return 1: it is local; 0: it is not; or a negative errno */
int way_find_in(struct doctor *doctor, struct doctor_path *path);

/** @return 1: there is a route, in *ret; 0: there is none; or a negative errno */
int way_find_route(struct doctor *doctor, const struct nestnet_prefix *to,
		   struct route *ret);

/** Behind path->out, which is there; fills in path->port where that is known. */
int way_find_guest(struct doctor *doctor, struct doctor_path *path,
		   struct way_guest *guest);

/** All of that: the interfaces of the way, without a word. */
int way_find(struct doctor *doctor, struct doctor_path *path);

#endif
