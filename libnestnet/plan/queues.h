/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_QUEUES_H
#define NESTNET_QUEUES_H

/* The descriptors of a tap, one for each queue that is open. */

#include "plan/context.h"
#include "plan/request.h"

#include "kernel/link.h"

#include <stddef.h>

struct queues {
	int *fds; /* owned, and so are they; NULL: none are open */
	unsigned int n;
	size_t name_index; /* of the tap in the plan */
	bool is_kept;      /* for the caller, when all is done */
};

/**
 * Makes a tap, down, that lives as long as a queue of it is open: all of them where the
 * request wants it opened, else one.
 * @param ret       its queues are set; on failure none are
 * @param ret_name  NESTNET_IFNAMSIZ bytes
 */
int queues_create(struct nestnet *ctx, const struct tap_request *request,
		  struct queues *ret, char *ret_name);

/** Whether n queues of a tap that is there can be opened so. @return as queues_open() */
int queues_check(struct nestnet *ctx, const struct link *link,
		 const struct tap_opening *opening, unsigned int n);

/**
 * Opens n queues of a tap that is there, and no other's under its name.
 * @return 0; -EEXIST: it differs from what is wanted; -EBUSY, -EPERM; -EAGAIN: it had
 *         another name by then; or another negative errno
 */
int queues_open(struct nestnet *ctx, const struct link *link,
		const struct tap_opening *opening, unsigned int n, struct queues *ret);

/** Closes those that are open. */
void queues_close(struct queues *queues);

#endif
