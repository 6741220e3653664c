/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening taps that are there: as the last of a commit that wanted them just so, or alone.
 * A tap is looked up once and is known by its ifindex from then on. It may be renamed by
 * others at any time, and is opened under its new name then.
 */

#include "tap-open.h"

#include "transaction.h"

#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How often a tap is looked up that others keep renaming. */
#define TRIES 16

/* ---- What is asked for ---------------------------------------------------------------------- */

static const char *why_not_offloads(unsigned int offloads)
{
	const unsigned int tcp = NESTNET_OFFLOAD_TSO4 | NESTNET_OFFLOAD_TSO6;
	const unsigned int udp = NESTNET_OFFLOAD_USO4 | NESTNET_OFFLOAD_USO6;

	if (offloads & ~(NESTNET_OFFLOAD_CSUM | tcp | NESTNET_OFFLOAD_TSO_ECN | udp))
		return "there is no such offload";
	if (offloads && !(offloads & NESTNET_OFFLOAD_CSUM))
		return "every offload wants that of the checksum";
	if ((offloads & NESTNET_OFFLOAD_TSO_ECN) && !(offloads & tcp))
		return "the offload of ECN wants one of TCP";
	if ((offloads & udp) && (offloads & udp) != udp)
		return "the offloads of UDP go together";
	return NULL;
}

static const char *why_not(const struct nestnet_open_options *options, bool has_vnet_hdr)
{
	if (options->flags & ~NESTNET_OPEN_NONBLOCK)
		return "there is no such flag of opening";
	if (options->vnet_hdr_len && (options->vnet_hdr_len < NESTNET_VNET_HDR_MIN ||
				      options->vnet_hdr_len > NESTNET_VNET_HDR_MAX))
		return "a virtio-net header has from 10 to 64 bytes";
	if (!has_vnet_hdr && (options->vnet_hdr_len || options->offloads))
		return "a header's length and offloads are for a tap with a virtio-net "
		       "header";
	return why_not_offloads(options->offloads);
}

const char *tap_why_not_open(const struct nestnet_tap_options *options)
{
	if (options->open)
		return why_not(options->open, options->flags & NESTNET_TAP_VNET_HDR);
	if (options->flags & NESTNET_TAP_EPHEMERAL)
		return "an ephemeral tap is there while it is open: say how to open it";
	return NULL;
}

static struct tap_opening read_opening(const struct nestnet_open_options *options)
{
	return (struct tap_opening){ .is_wanted = true,
				     .is_nonblocking =
					     options->flags & NESTNET_OPEN_NONBLOCK,
				     .header_len = options->vnet_hdr_len,
				     .offloads = options->offloads };
}

struct tap_opening tap_opening_of(const struct nestnet_tap_options *options)
{
	struct tap_opening opening = { .is_wanted = false };

	if (!options->open)
		return opening;
	opening = read_opening(options->open);
	if ((options->flags & NESTNET_TAP_VNET_HDR) && opening.header_len == 0)
		opening.header_len = NESTNET_VNET_HDR_MIN;
	return opening;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* @param link  as it was found; it is looked up anew where it has another name by then */
static int open_link(struct nestnet *ctx, struct link *link,
		     const struct tap_opening *opening, unsigned int n,
		     struct queues *ret)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r < 0)
		return r;
	r = -EAGAIN;
	for (unsigned int try = 0; r == -EAGAIN && try < TRIES; try++) {
		r = queues_open(ctx, link, opening, n, ret);
		if (r != -EAGAIN)
			return r;
		r = link_get_by_index(nl, link->ifindex, link, &ctx->error);
		if (r == 0)
			return error_set_errno(&ctx->error, ENODEV);
		if (r == 1)
			r = error_set(&ctx->error, EAGAIN, "it keeps being renamed");
	}
	return r;
}

struct opening {
	const struct tap_request *request; /* the transaction's */
	struct link link;
	size_t queues_index;
};

static int open_step(struct plan *plan, void *step)
{
	struct opening *opening = step;
	const struct tap_request *request = opening->request;
	int r = open_link(plan->ctx, &opening->link, &request->opening, request->queues,
			  &plan->queues[opening->queues_index]);

	return r < 0 ? error_prefix(plan_error(plan), "tap add %s", request->name) : 0;
}

static int close_step(struct plan *plan, void *step)
{
	struct opening *opening = step;

	queues_close(&plan->queues[opening->queues_index]);
	return 0;
}

static const struct plan_step_ops open_ops = {
	.act = open_step,
	.undo = close_step,
	.free = free,
};

int tap_plan_opening(struct plan *plan, const struct tap_request *request,
		     const struct link *link, size_t name_index)
{
	struct opening *opening;
	size_t index;
	int r = queues_check(plan->ctx, link, &request->opening, request->queues);

	if (r == 0)
		r = plan_add_queues(plan, name_index, true, &index);
	if (r < 0)
		return r;
	opening = malloc(sizeof(*opening));
	if (opening)
		*opening = (struct opening){ .request = request,
					     .link = *link,
					     .queues_index = index };
	return plan_add(plan, PLAN_PORTS, &open_ops, opening);
}

/* ---- Public ------------------------------------------------------------------------------------ */

static int refuse(struct nestnet *ctx, const char *name, int code, const char *why)
{
	error_set(&ctx->error, code, "%s", why);
	if (name_why_not_interface(name))
		error_prefix(&ctx->error, "tap open '%s'", name);
	else
		error_prefix(&ctx->error, "tap open %s", name);
	return context_end(ctx, -code);
}

static int find(struct nestnet *ctx, const char *name, uint32_t ifindex, struct link *ret)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = name ? link_get(nl, name, ret, &ctx->error)
			 : link_get_by_index(nl, ifindex, ret, &ctx->error);
	if (r == 0)
		return error_set_errno(&ctx->error, ENODEV);
	return r < 0 ? r : 0;
}

static int open_found(struct nestnet *ctx, const char *name,
		      const struct nestnet_open_options *options, int *fds,
		      unsigned int n)
{
	const struct tap_opening opening = read_opening(options);
	struct queues queues = { .fds = NULL };
	struct link link;
	int r = find(ctx, name, options->ifindex, &link);

	if (r == 0)
		r = open_link(ctx, &link, &opening, n, &queues);
	if (r < 0)
		return r;
	memcpy(fds, queues.fds, n * sizeof(*fds));
	queues.n = 0; /* the caller's */
	queues_close(&queues);
	return 0;
}

int nestnet_tap_open(struct nestnet *ctx, const char *name,
		     const struct nestnet_open_options *options, int *fds, size_t n)
{
	struct nestnet_open_options own;
	const char *why;
	int r;

	context_begin(ctx);
	r = options_read(&own, sizeof(own), options, &why);
	if (r)
		return refuse(ctx, name ? name : "", r, why);
	options = &own;
	why = why_not(options, options->vnet_hdr_len > 0);
	if (!why && name)
		why = options->ifindex ? "a name and an ifindex"
				       : name_why_not_interface(name);
	else if (!why && options->ifindex == 0)
		why = "neither a name nor an ifindex";
	if (!why && (n == 0 || n > NESTNET_QUEUES_MAX))
		why = "a tap has from 1 to 256 queues";
	if (why)
		return refuse(ctx, name ? name : "", EINVAL, why);
	r = open_found(ctx, name, options, fds, (unsigned int)n);
	if (r < 0 && name)
		error_prefix(&ctx->error, "tap open %s", name);
	else if (r < 0)
		error_prefix(&ctx->error, "tap open #%u", options->ifindex);
	return context_end(ctx, r);
}
