/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PORT_H
#define NESTNET_PORT_H

/* The noun: interfaces, foreign ones mostly, that are attached to bridges. */

#include "plan/plan.h"
#include "plan/request.h"

int port_plan(struct plan *plan, const struct attach_request *request);
int port_plan_remove(struct plan *plan, const struct link_request *request);

/** Detaches what nestnet attached and nobody wants to be; all where nothing is wanted. */
int port_plan_extra(struct plan *plan);

/** For a port that is just where it is wanted, and of which nothing is recorded since
 *  somebody flushed the ruleset: records it anew. Before bridges are looked at. */
int port_plan_recover(struct plan *plan, const struct attach_request *request);

typedef int (*port_fn)(void *userdata, const struct attach_request *attach);

/** Goes through what nestnet attached, by name. */
int port_each(struct plan *plan, port_fn fn, void *userdata);

/** Notes what is attached, as commands. */
int port_plan_save(struct plan *plan);

#endif
