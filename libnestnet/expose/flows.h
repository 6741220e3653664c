/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_FLOWS_H
#define NESTNET_EXPOSE_FLOWS_H

/*
 * Flows that outlive what let them in. A NAT rule decides a flow's first packet only, so
 * what an ended exposure had let in goes on, and an untranslated UDP flow to an alias goes
 * past a new exposure. One step, after the commit, ends both kinds.
 */

#include "plan/plan.h"

#include "table/exposure.h"

/** The plan takes the exposure away. */
int expose_flows_removed(struct plan *plan, const struct exposure *exposure);

/** The plan adds the exposure. */
int expose_flows_added(struct plan *plan, const struct exposure *exposure);

/** The alias is not exposed, and what an exposure that ended by itself had let in ends. */
int expose_flows_orphaned(struct plan *plan, const struct nestnet_endpoint *alias);

#endif
