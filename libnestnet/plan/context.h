/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CONTEXT_H
#define NESTNET_CONTEXT_H

/* The caller's handle on a network namespace: its sockets, its last error, its log. */

#include "kernel/netlink.h"

#include "base/error.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>

struct nestnet {
	int netns;              /* descriptor, or -1: the caller's own */
	struct netlink *route;  /* each opened when first asked for */
	struct netlink *filter;
	struct netlink *sockets;
	struct error error;
	nestnet_log_fn log;
	void *log_userdata;
	int log_level;
	bool is_telling; /* what a plan would change is asked for */
	nestnet_progress_fn progress;
	void *progress_userdata;
};

/** The context's sockets. @return 0, or a negative errno with the sentence in ctx->error */
int context_route(struct nestnet *ctx, struct netlink **ret);
int context_filter(struct nestnet *ctx, struct netlink **ret);
int context_sockets(struct nestnet *ctx, struct netlink **ret);

/** A socket of its own in the context's namespace, to be freed. */
int context_open(struct nestnet *ctx, enum netlink_bus bus, struct netlink **ret);

/**
 * Moves the calling thread into the context's namespace, where it is not there already.
 * @param ret_back  for context_leave()
 */
int context_enter(struct nestnet *ctx, int *ret_back);

/** Moves it back. @param result  of what was done meanwhile, and returned if negative */
int context_leave(struct nestnet *ctx, int back, int result);

void context_log(struct nestnet *ctx, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Whether anybody wants each change of a plan in words. */
bool context_tells(const struct nestnet *ctx);

/** Tells how far a commit is. @param what  static */
void context_progress(struct nestnet *ctx, const char *what, size_t done, size_t all);

/** Forgets the last error, as each public call does first. */
void context_begin(struct nestnet *ctx);

/**
 * Holds a result against the public set of codes, on its way out.
 * @param result  0, positive, or a negative errno
 * @return it, or -EIO for a code outside the set
 */
int context_end(struct nestnet *ctx, int result);

#endif
