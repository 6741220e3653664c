/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening queues. The kernel finds a tap by its name, and makes a new one where there is
 * none of that name any more: so it is looked at afterwards whether all descriptors are of
 * one tap, and of the one that was meant. What the kernel would refuse with a bare EINVAL,
 * or change for good (a tap takes over its opener's vnet_hdr, facts 8), is refused before.
 */

#include "plan/queues.h"

#include "plan/mark.h"

#include "kernel/tun.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make_room(struct nestnet *ctx, unsigned int n, struct queues *ret)
{
	ret->fds = reallocarray(NULL, n, sizeof(*ret->fds));
	ret->n = 0;
	return ret->fds ? 0 : error_set_errno(&ctx->error, ENOMEM);
}

void queues_close(struct queues *queues)
{
	for (unsigned int i = 0; queues->fds && i < queues->n; i++)
		cleanup_close_fd(&queues->fds[i]);
	free(queues->fds);
	queues->fds = NULL;
	queues->n = 0;
}

/* Opens more queues, up to n in all, and sees to it that they are of one tap. */
static int attach(struct nestnet *ctx, const char *name, const struct tun_mode *mode,
		  unsigned int n, struct queues *queues)
{
	char first[NESTNET_IFNAMSIZ] = "", other[NESTNET_IFNAMSIZ];
	int r = 0;

	for (; r == 0 && queues->n < n; queues->n += r == 0)
		r = tun_attach(name, mode, &queues->fds[queues->n], &ctx->error);
	for (unsigned int i = 0; r == 0 && n > 1 && i < n; i++) {
		r = tun_get_name(queues->fds[i], i ? other : first, &ctx->error);
		if (r == 0 && i && strcmp(first, other) != 0)
			r = error_set(&ctx->error, EAGAIN, "it was renamed meanwhile");
	}
	return r;
}

/* Of the tap, and so once for all its queues; the opener before may have left others. */
static int set_header(struct nestnet *ctx, int fd, const struct tap_opening *opening)
{
	int r;

	if (!opening->is_wanted || opening->header_len == 0)
		return 0;
	r = tun_set_header_len(fd, opening->header_len, &ctx->error);
	return r < 0 ? r : tun_set_offloads(fd, opening->offloads, &ctx->error);
}

static int create(struct nestnet *ctx, const struct tap_request *request,
		  struct queues *ret, char *ret_name)
{
	const struct tap_opening *opening = &request->opening;
	const struct tun_mode mode = {
		.has_vnet_hdr = request->flags & NESTNET_TAP_VNET_HDR,
		.has_multi_queue = request->queues > 1,
		.is_blocking = opening->is_wanted && !opening->is_nonblocking
	};
	unsigned int n = opening->is_wanted ? request->queues : 1;
	int r = make_room(ctx, n, ret);

	if (r == 0)
		r = tun_create(request->name, &mode, &ret->fds[0], ret_name, &ctx->error);
	if (r < 0)
		return r;
	ret->n = 1;
	r = attach(ctx, ret_name, &mode, n, ret);
	return r < 0 ? r : set_header(ctx, ret->fds[0], opening);
}

int queues_create(struct nestnet *ctx, const struct tap_request *request,
		  struct queues *ret, char *ret_name)
{
	int back, r = context_enter(ctx, &back);

	if (r < 0)
		return r;
	r = context_leave(ctx, back, create(ctx, request, ret, ret_name));
	if (r < 0)
		queues_close(ret);
	return r;
}

/* ---- A tap that is there ------------------------------------------------------------------- */

int queues_check(struct nestnet *ctx, const struct link *link,
		 const struct tap_opening *opening, unsigned int n)
{
	struct error *error = &ctx->error;
	struct mark mark;

	mark_read(link, &mark);
	if (link->kind == LINK_TUN)
		return error_set(error, EEXIST, "it is a tun, and no tap");
	if (link->kind != LINK_TAP)
		return error_set(error, EEXIST, "it is no tap");
	if (link->has_vnet_hdr != (opening->header_len > 0))
		return error_set(error, EEXIST, "it has vnet-hdr %s, and %s is asked for",
				 link->has_vnet_hdr ? "on" : "off",
				 opening->header_len ? "on" : "off");
	if (n > mark.queues)
		return error_set(error, EEXIST, "it has queues %u, and %u are asked for",
				 mark.queues, n);
	if (link->has_carrier)
		return error_set(error, EBUSY, "a program has it open");
	return 0;
}

/* Whose a tap is that may not be opened. */
static int explain(struct nestnet *ctx, const struct link *link, int result)
{
	if (result != -EPERM)
		return result;
	if (link->has_owner && link->owner != geteuid())
		return error_set(
			&ctx->error, EPERM,
			"its owner is user %u, and not user %u (CAP_NET_ADMIN is "
			"needed)",
			link->owner, geteuid());
	if (link->has_group)
		error_append(&ctx->error, "; it is for group %u", link->group);
	return result;
}

/* The descriptors are of that interface, under whatever name. */
static int check_is(struct nestnet *ctx, const struct link *link, int fd)
{
	char name[NESTNET_IFNAMSIZ];
	struct netlink *nl;
	struct link now;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = tun_get_name(fd, name, &ctx->error);
	if (r == 0)
		r = link_get(nl, name, &now, &ctx->error);
	if (r < 0)
		return r;
	if (r == 0 || now.ifindex != link->ifindex)
		return error_set(&ctx->error, EAGAIN,
				 "it was renamed or deleted meanwhile");
	return 0;
}

static int open_all(struct nestnet *ctx, const struct link *link,
		    const struct tap_opening *opening, unsigned int n, struct queues *ret)
{
	const struct tun_mode mode = { .has_vnet_hdr = link->has_vnet_hdr,
				       .has_multi_queue = link->has_multi_queue,
				       .is_blocking = !opening->is_nonblocking };
	int back, r = context_enter(ctx, &back);

	if (r < 0)
		return r;
	r = context_leave(ctx, back, attach(ctx, link->name, &mode, n, ret));
	if (r < 0)
		return explain(ctx, link, r);
	r = check_is(ctx, link, ret->fds[0]);
	return r < 0 ? r : set_header(ctx, ret->fds[0], opening);
}

int queues_open(struct nestnet *ctx, const struct link *link,
		const struct tap_opening *opening, unsigned int n, struct queues *ret)
{
	int r = queues_check(ctx, link, opening, n);

	if (r == 0)
		r = make_room(ctx, n, ret);
	if (r == 0)
		r = open_all(ctx, link, opening, n, ret);
	if (r < 0)
		queues_close(ret);
	return r;
}
