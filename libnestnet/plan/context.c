/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context: one network namespace, no globals. */

#include "plan/context.h"

#include "kernel/netlink.h"
#include "kernel/netns.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>


const char *nestnet_version(void)
{
	return NESTNET_VERSION;
}

int nestnet_new(struct nestnet **ret, const char *netns)
{
	struct nestnet *ctx = calloc(1, sizeof(*ctx));

	*ret = ctx;
	if (!ctx)
		return -ENOMEM;

	ctx->netns = -1;
	ctx->log_level = NESTNET_LOG_DEBUG;
	if (!netns)
		return 0;
	return context_end(ctx, netns_open(netns, &ctx->netns, &ctx->error));
}

struct nestnet *nestnet_free(struct nestnet *ctx)
{
	if (!ctx)
		return NULL;
	netlink_free(ctx->route);
	netlink_free(ctx->filter);
	netlink_free(ctx->sockets);
	cleanup_close_fd(&ctx->netns);
	free(ctx);
	return NULL;
}

const char *nestnet_errmsg(const struct nestnet *ctx)
{
	return ctx->error.text;
}

void nestnet_set_progress(struct nestnet *ctx, nestnet_progress_fn fn, void *userdata)
{
	ctx->progress = fn;
	ctx->progress_userdata = userdata;
}

void context_progress(struct nestnet *ctx, const char *what, size_t done, size_t all)
{
	if (ctx->progress)
		ctx->progress(ctx->progress_userdata, what, done, all);
}

void nestnet_set_log(struct nestnet *ctx, nestnet_log_fn fn, void *userdata)
{
	ctx->log = fn;
	ctx->log_userdata = userdata;
}

void nestnet_set_log_level(struct nestnet *ctx, int level)
{
	ctx->log_level = level;
}

bool context_tells(const struct nestnet *ctx)
{
	return ctx->is_telling || (ctx->log && ctx->log_level >= NESTNET_LOG_INFO);
}

void context_log(struct nestnet *ctx, int level, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!ctx->log || level > ctx->log_level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	ctx->log(ctx->log_userdata, level, line);
}

/* ---- Namespaces and sockets -------------------------------------------------------------- */

int context_enter(struct nestnet *ctx, int *ret_back)
{
	*ret_back = -1;
	if (ctx->netns < 0)
		return 0;
	return netns_enter(ctx->netns, ret_back, &ctx->error);
}

int context_leave(struct nestnet *ctx, int back, int result)
{
	struct error error = { .code = 0 };
	int r;

	if (back < 0)
		return result;
	r = netns_leave(back, &error);
	if (r < 0 && result >= 0) {
		ctx->error = error;
		return r;
	}
	return result;
}

int context_open(struct nestnet *ctx, enum netlink_bus bus, struct netlink **ret)
{
	int back, r = context_enter(ctx, &back);

	if (r < 0)
		return r;
	return context_leave(ctx, back, netlink_open(bus, ret, &ctx->error));
}

static int open_socket(struct nestnet *ctx, enum netlink_bus bus, struct netlink **slot,
		       struct netlink **ret)
{
	int r = *slot ? 0 : context_open(ctx, bus, slot);

	if (r == 0)
		*ret = *slot;
	return r;
}

int context_route(struct nestnet *ctx, struct netlink **ret)
{
	return open_socket(ctx, NETLINK_BUS_ROUTE, &ctx->route, ret);
}

int context_filter(struct nestnet *ctx, struct netlink **ret)
{
	return open_socket(ctx, NETLINK_BUS_NETFILTER, &ctx->filter, ret);
}

int context_sockets(struct nestnet *ctx, struct netlink **ret)
{
	return open_socket(ctx, NETLINK_BUS_SOCKETS, &ctx->sockets, ret);
}

/* ---- The border ---------------------------------------------------------------------------- */

void context_begin(struct nestnet *ctx)
{
	ctx->error = (struct error){ .code = 0 };
}

static bool is_public(int code)
{
	switch (code) {
	case EINVAL:
	case EEXIST:
	case ENOENT:
	case ENODEV:
	case EADDRINUSE:
	case EBUSY:
	case EPERM:
	case EAGAIN:
	case ENOMEM:
	case EOPNOTSUPP:
	case ENOTRECOVERABLE:
	case EIO:
		return true;
	}
	return false;
}

int context_end(struct nestnet *ctx, int result)
{
	if (result >= 0)
		return result;
	if (ctx->error.text[0] == '\0')
		error_set_errno(&ctx->error, -result);
	ctx->error.code = is_public(-result) ? -result : EIO;
	return -ctx->error.code;
}
