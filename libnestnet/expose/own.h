/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSE_OWN_H
#define NESTNET_EXPOSE_OWN_H

/* What is L1's own: the primary address of an interface, and the ports that it listens on.
 * To expose them takes --force. */

#include "plan/plan.h"

/** @param family  of a port of every address; else the alias's counts
 *  @return 0; -EADDRINUSE: it takes what is L1's own; or another negative errno */
int own_refuse(struct plan *plan, const struct nestnet_endpoint *alias, int family);

#endif
