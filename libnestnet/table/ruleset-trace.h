/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULESET_TRACE_H
#define NESTNET_RULESET_TRACE_H

/* The tables of a trace that is on. */

#include "kernel/nft.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>

/** Room for such a table's name. */
#define RULESET_TRACE_NAME 32

/** A chain of these tables that a packet comes by; in this order, mostly. */
enum ruleset_trace_place {
	RULESET_TRACE_ARRIVES, /* here a packet to the alias is first seen, from outside */
	RULESET_TRACE_SENT,    /* the same of what L1 sends */
	RULESET_TRACE_ANSWER,  /* here an answer is, from a guest */
	RULESET_TRACE_ANSWERED, /* and of L1 */
	RULESET_TRACE_PREROUTING_END,
	RULESET_TRACE_INPUT,
	RULESET_TRACE_INPUT_END,
	RULESET_TRACE_FORWARD,
	RULESET_TRACE_FORWARD_END,
	RULESET_TRACE_OUTPUT_END,
	RULESET_TRACE_POSTROUTING_END,
	RULESET_TRACE_PORT, /* a bridge sends it by one of its ports */
	RULESET_TRACE_PLACES
};

/** @param number  of no other trace in the namespace */
void ruleset_trace_name(uint32_t number, char ret[RULESET_TRACE_NAME]);

/** @return the place of a chain, or RULESET_TRACE_PLACES: none */
enum ruleset_trace_place ruleset_trace_place(const char *chain);

/**
 * Fills a batch with the table of inet.
 * @param has_answers  connection tracking is there, and so tells answers
 * @param rate         packets a second that are marked each way, at most; 0: 100
 */
void ruleset_trace_create(struct nft_batch *batch, const char *name,
			  const struct nestnet_endpoint *alias, bool has_answers,
			  uint32_t rate);

/** The same with that of bridges, which a kernel may not have. */
void ruleset_trace_create_bridge(struct nft_batch *batch, const char *name);

#endif
