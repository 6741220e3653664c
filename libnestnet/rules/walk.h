/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_WALK_H
#define NESTNET_WALK_H

/*
 * A packet's walk through the chains of other software on one hook.
 *
 * An accept ends one base chain, and the packet meets the next all the same; a drop in any
 * is final. So each base chain is walked by itself, and what is found there is told: a drop
 * for all of the packets that were asked about, or for some of them, or where a rule may
 * match and may not.
 */

#include "plan/context.h"

#include "rules/probe.h"

struct walk_finding {
	const struct foreign_chain *base;  /* where it began */
	const struct foreign_chain *chain; /* where it ended */
	const struct foreign_rule *rule;   /* NULL: base's policy */
	enum foreign_verdict verdict;      /* DROP, REJECT, QUEUE, DNAT */
	bool is_certain;                   /* every such packet */
	size_t n_others; /* not certain: rules of the same base chain that may, too */
};

typedef int (*walk_fn)(void *userdata, const struct walk_finding *finding);

/** The chains, rules and sets that walks have met so far; read as they are met. */
struct walker;

/** Reads the chains, by one dump. @return 0, or a negative errno in ctx->error */
int walker_new(struct nestnet *ctx, struct walker **ret);
struct walker *walker_free(struct walker *walker);

const struct foreign *walker_chains(const struct walker *walker);

/** Reads the rules of a chain's table, once. @return 0 or a negative errno in ctx->error */
int walker_load(struct walker *walker, const struct foreign_chain *chain);

/** From now on walks as if our own accepts in others' chains were not there. */
void walker_ignore_passes(struct walker *walker);

/**
 * Whether a base chain stops the packets that it does not let by before: a rule that may
 * match and may not is no stop, but a policy is, and a rule that matches all that come to
 * it.
 * @return 1, 0, or a negative errno in ctx->error
 */
int walker_stops(struct walker *walker, const struct probe *probe,
		 const struct foreign_chain *base);

/** A packet of the probe meets the chain. @param flags  WALK_* */
bool walk_is_met(const struct foreign_chain *chain, const struct probe *probe,
		 unsigned int flags);

/**
 * Whether a base chain of other software is on the hooks of packets that are passed on. Of
 * those of type nat, only one that translates before ours does.
 * @param most  the priority of ours on prerouting
 */
bool walker_is_needed(const struct walker *walker, int most);

#define WALK_IP     (1u << 0) /* chains of inet, and of the packet's own family */
#define WALK_BRIDGE (1u << 1) /* chains of bridge */
#define WALK_NAT    (1u << 2) /* chains of type nat alone; else of all others */
#define WALK_DEVICE \
	(1u << 3) /* chains of netdev; those bound to the probe's device alone */

/**
 * Walks a packet through the base chains of a hook, in the order of priority.
 * @param least, most  of the priorities of the chains to walk, both included
 * @return 0; what fn returned; or a negative errno in ctx->error
 */
int walker_walk(struct walker *walker, const struct probe *probe, enum nft_hook hook,
		unsigned int flags, int least, int most, walk_fn fn, void *userdata);

#endif
