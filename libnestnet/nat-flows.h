/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_NAT_FLOWS_H
#define NESTNET_NAT_FLOWS_H

/* Flows that outlive what `nat` decided for them: see expose/flows.h. */

#include "plan/plan.h"

/** The plan takes the subnet's translation away: what left translated ends. */
int nat_flows_removed(struct plan *plan, const struct nestnet_prefix *subnet);

#endif
