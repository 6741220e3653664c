/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PLAN_H
#define NESTNET_PLAN_H

/*
 * A plan: what a commit will do, each step with its undo.
 *
 * The nouns look at the kernel and add steps; nothing has happened by then. Executing goes
 * phase by phase, and within a phase in the order of adding. Before the first step acts,
 * each has been prepared: what can be refused early (a file that may not be written) is.
 * A step that fails undoes those before it in reverse. If an undo fails too, the error is
 * ENOTRECOVERABLE and says what is left.
 *
 * The phases are in the order in which nothing is ever open that will be closed: a tap is
 * born down, the rules are there before forwarding is on, and a port comes up last. What
 * cannot be undone (a deleted link, an ended flow) is behind all that can fail.
 *
 * A process killed between two steps leaves links that carry our mark and settings that
 * the set `found` knows, which clear takes back.
 */

#include "plan/context.h"
#include "plan/inventory.h"
#include "plan/object.h"
#include "plan/queues.h"

#include "table/elements.h"

#include "kernel/link.h"

enum plan_phase {
	PLAN_SETTINGS_BACK, /* forwarding off again, before the rules go */
	PLAN_PORTS_BACK,    /* ports leave, and addresses go back, while that is remembered */
	PLAN_LINKS,         /* links are made, taps down */
	PLAN_ELEMENTS,      /* the one atomic step: the nftables batch */
	PLAN_SETTINGS,      /* sysctls, opened for writing before */
	PLAN_PORTS,         /* links join their bridges and come up */
	PLAN_ALIASES,       /* aliases come and go, where links are up and addresses are */
	PLAN_UNLINK,        /* links are deleted */
	PLAN_FLOWS,         /* tracked flows are ended */
};

struct plan;

struct plan_step_ops {
	/** Optional: all that can be refused before anything has happened. */
	int (*prepare)(struct plan *plan, void *step);
	int (*act)(struct plan *plan, void *step);
	/** NULL where what was done cannot be undone. */
	int (*undo)(struct plan *plan, void *step);
	/** Lets go of the step; free() where it holds nothing. */
	void (*free)(void *step);
};

/** One change, as the command line would say it; or a sentence for the log. */
struct plan_change {
	char op; /* '+' or '-'; 0: a sentence */
	char *text;
};

struct plan_step;
struct words;

/** Addresses that an interface is born with. */
struct plan_born {
	char name[NESTNET_IFNAMSIZ];
	const struct nestnet_prefix *addresses; /* the request's */
	size_t n;
};

struct plan {
	struct nestnet *ctx;
	struct elements *elements;
	struct plan_step *steps;
	size_t n_steps;
	struct plan_change *changes; /* those that somebody wants */
	size_t n_changes;
	size_t n_untold;         /* how many there are besides */
	struct words *words;     /* in which commands are written */
	struct link_id *unlinks; /* the links to delete */
	size_t n_unlinks;
	int forwarding[2]; /* of IPv4 and IPv6, what requests want of the host: 1 on, -1 off */
	/* names of the interfaces that were added, in the order of the requests */
	char (*ifnames)[NESTNET_IFNAMSIZ];
	size_t n_ifnames;
	struct queues *queues; /* of the taps that are made or opened, the plan's */
	size_t n_queues;
	struct plan_born *born;
	size_t n_born;
	/* targets of --coexist that come, go or are to be looked at; or all there are */
	struct nestnet_prefix *coexist;
	size_t n_coexist;
	bool coexists_all;
	struct inventory *inventory; /* read when it is first asked for */
	bool is_of_one; /* of one request, which the transaction names where something fails */
	/* the request under way, but of a whole state; and that of the first change, where that
	 * has no words: a copy, which owns nothing */
	const struct request *now;
	struct request first;
	bool has_first;
	uint32_t auto_mtu; /* that of the uplinks; 0: not asked yet */
	/* of a whole state: what else is there goes, and what differs changes; else NULL */
	const struct objects *wanted;
};

/** @return 0, or a negative errno in ctx->error */
int plan_new(struct nestnet *ctx, struct plan **ret);
struct plan *plan_free(struct plan *plan);

/** Adds a step, and takes it: on failure it is freed. step NULL is ENOMEM. */
int plan_add(struct plan *plan, enum plan_phase phase, const struct plan_step_ops *ops,
	     void *step);

/** The step with these ops that the plan has; NULL where it has none. */
void *plan_find(const struct plan *plan, const struct plan_step_ops *ops);

/** For steps whose data is another's. */
void plan_free_nothing(void *step);

/** Says that the plan changes something. */
int plan_note(struct plan *plan, char op, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Whether the words of one change more are of use: to who asked for them, and else to name
 *  the first where something fails and no request does. */
bool plan_wants_words(const struct plan *plan);

/** The same without words. */
void plan_count(struct plan *plan);

/** The first change, for a sentence about a failure; buf stays as it is where there is none. */
void plan_name_first(const struct plan *plan, char *buf, size_t size);

/** Has a sentence for people that is logged once the plan was executed. */
int plan_say(struct plan *plan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Deletes a link, with all others that are to go. */
int plan_unlink(struct plan *plan, const struct link *link);
bool plan_unlinks(const struct plan *plan, const struct link *link);

/** All links, read once; the plan's. */
int plan_inventory(struct plan *plan, const struct inventory **ret);

/** What --mtu auto is now, read once. */
int plan_auto_mtu(struct plan *plan, uint32_t *ret);

/** The link is nestnet's, and no part of the whole state that is wanted. */
bool plan_drops(const struct plan *plan, const struct link *link);

/** Keeps the place of an interface's name. @param ret_index for plan_set_ifname() */
int plan_add_ifname(struct plan *plan, const char *name, size_t *ret_index);
void plan_set_ifname(struct plan *plan, size_t index, const char *name);

/** Keeps the place of a tap's descriptors, which are closed with the plan, and where they
 *  are not kept when it was executed. @param ret_index  of plan->queues */
int plan_add_queues(struct plan *plan, size_t name_index, bool is_kept, size_t *ret_index);

/** Some request of this plan adds an interface of that name, or finds that it is there. */
bool plan_adds_ifname(const struct plan *plan, const char *name);

/** Keeps the addresses that an interface of this plan is born with, or changes to; borrows
 *  them. */
int plan_add_born(struct plan *plan, const char *name, const struct nestnet_prefix *addresses,
		  size_t n);

/** The interface of this plan that is born with an address of the network of this one. */
const struct plan_born *plan_find_born_for(const struct plan *plan,
					   const struct nestnet_address *address);

/** Has a target of --coexist looked at once all requests are planned. */
int plan_add_coexist(struct plan *plan, const struct nestnet_prefix *target);

/** @return NULL where this plan makes no such interface */
const struct plan_born *plan_find_born(const struct plan *plan, const char *name);

/** @return 0; -ERESTART: the kernel's state has changed, plan anew; or another error */
int plan_execute(struct plan *plan);

/** The sentence for the failure under way. */
static inline struct error *plan_error(struct plan *plan)
{
	return &plan->ctx->error;
}

#endif
