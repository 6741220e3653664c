/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracing: the next packets to an alias, through every chain of every table. */

#include "plan/context.h"

#include <errno.h>

int nestnet_trace_new(struct nestnet *ctx, const struct nestnet_endpoint *alias,
		      const struct nestnet_trace_options *options,
		      struct nestnet_trace **ret)
{
	(void)alias;
	(void)options;
	(void)ret;
	context_begin(ctx);
	return context_end(ctx, error_set(&ctx->error, EOPNOTSUPP, "trace: not yet"));
}

int nestnet_trace_fd(const struct nestnet_trace *trace)
{
	(void)trace;
	return -1;
}

int nestnet_trace_next(struct nestnet_trace *trace, int timeout_ms, nestnet_hop_fn fn,
		       void *userdata)
{
	(void)trace;
	(void)timeout_ms;
	(void)fn;
	(void)userdata;
	return -EOPNOTSUPP;
}

struct nestnet_trace *nestnet_trace_free(struct nestnet_trace *trace)
{
	(void)trace;
	return NULL;
}
