/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tracing: the next packets to an alias, through every chain of every table.
 *
 * A trace is two sockets. To the one belong the tables that mark packets
 * (table/ruleset-trace.c), so that nothing is left of them however the process ends; on the
 * other the kernel tells what marked packets meet. A timer ends those of which nothing is
 * heard any more. The caller polls one descriptor for all of it.
 */

#include "trace/trace.h"

#include "table/ruleset.h"

#include "kernel/netlink.h"

#include "base/endpoint.h"
#include "base/error.h"
#include "base/options.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

/* Datagrams taken before the caller has its turn again. */
#define DATAGRAMS_MOST 1024

void trace_tell(struct nestnet_trace *trace, const struct nestnet_hop *hop)
{
	if (trace->result != 0)
		return;
	trace->n_told++;
	trace->result = trace->fn(trace->userdata, hop);
}

/* ---- It begins ------------------------------------------------------------------------ */

static int make_table(struct nestnet_trace *trace, bool has_answers, uint32_t rate)
{
	struct error *error = &trace->ctx->error;
	struct nft_batch *batch = nft_batch_new(0);
	int r;

	if (!batch)
		return error_set_errno(error, ENOMEM);
	ruleset_trace_create(batch, trace->table, &trace->alias, has_answers, rate);
	r = nft_batch_commit(trace->owner, batch, 0, error);
	nft_batch_free(batch);
	if (r == -EOPNOTSUPP)
		error_append(error, " (Linux 5.12 and later can trace)");
	return r < 0 ? error_prefix(error, "make table %s", trace->table) : 0;
}

/* A kernel may do without bridges, or without their tables: ports are not seen then. */
static void make_bridge_table(struct nestnet_trace *trace)
{
	struct error ignored = { .code = 0 };
	struct nft_batch *batch = nft_batch_new(0);

	if (!batch)
		return;
	ruleset_trace_create_bridge(batch, trace->table);
	trace->has_bridge = nft_batch_commit(trace->owner, batch, 0, &ignored) == 0;
	nft_batch_free(batch);
}

static int make_tables(struct nestnet_trace *trace, uint32_t rate)
{
	struct nestnet *ctx = trace->ctx;
	uint32_t generation;
	char comment[8];
	int r = nft_table_get(trace->owner, &ruleset_table, &generation, comment,
			      sizeof(comment), &ctx->error);

	if (r < 0)
		return r;
	ruleset_trace_name(netlink_port(trace->owner), trace->table);
	/* Where there is a table of ours, there is connection tracking. To begin it for a
	 * while, for answers that nobody translates, would be a change. */
	r = make_table(trace, r == 1, rate);
	if (r == 0)
		make_bridge_table(trace);
	return r;
}

static int watch(struct nestnet_trace *trace, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0 || epoll_ctl(trace->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_set_errno(&trace->ctx->error, errno);
	return 0;
}

static int open_all(struct nestnet_trace *trace)
{
	struct nestnet *ctx = trace->ctx;
	int r;

	trace->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (trace->epoll < 0)
		return error_set_errno(&ctx->error, errno);
	trace->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r = watch(trace, trace->timer);
	if (r == 0)
		r = context_open(ctx, NETLINK_BUS_NETFILTER, &trace->owner);
	if (r == 0)
		r = context_open(ctx, NETLINK_BUS_NETFILTER, &trace->events);
	if (r == 0)
		r = trace_subscribe(trace->events, &ctx->error);
	return r == 0 ? watch(trace, netlink_fd(trace->events)) : r;
}

static const char *why_not(const struct nestnet_endpoint *alias,
			   const struct nestnet_trace_options *options)
{
	const char *why = endpoint_why_not(alias, true);

	return why ? why : options->flags ? "no such flags" : NULL;
}

int nestnet_trace_new(struct nestnet *ctx, const struct nestnet_endpoint *alias,
		      const struct nestnet_trace_options *options,
		      struct nestnet_trace **ret)
{
	struct nestnet_trace_options ours;
	struct nestnet_trace *trace;
	const char *why;
	int r;

	context_begin(ctx);
	r = options_read(&ours, sizeof(ours), options, &why);
	if (r == 0) {
		why = why_not(alias, &ours);
		r = why ? EINVAL : 0;
	}
	if (r != 0)
		return context_end(ctx, error_set(&ctx->error, r, "trace: %s", why));
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return context_end(ctx, error_set_errno(&ctx->error, ENOMEM));
	*trace = (struct nestnet_trace){
		.ctx = ctx, .alias = *alias, .epoll = -1, .timer = -1
	};
	r = open_all(trace);
	if (r == 0)
		r = make_tables(trace, ours.packets_per_second);
	if (r < 0) {
		nestnet_trace_free(trace);
		error_prefix(&ctx->error, "trace");
		return context_end(ctx, r);
	}
	*ret = trace;
	return 0;
}

struct nestnet_trace *nestnet_trace_free(struct nestnet_trace *trace)
{
	if (!trace)
		return NULL;
	netlink_free(trace->owner);
	netlink_free(trace->events);
	cleanup_close_fd(&trace->timer);
	cleanup_close_fd(&trace->epoll);
	trace_rules_free(trace->rules);
	free(trace);
	return NULL;
}

int nestnet_trace_fd(const struct nestnet_trace *trace)
{
	return trace->epoll;
}

/* ---- It goes on ----------------------------------------------------------------------- */

static void tell_lost(struct nestnet_trace *trace)
{
	struct nestnet_hop hop = { .kind = NESTNET_HOP_LOST,
				   .text = "events came faster than they were taken, and "
					   "some were lost" };

	trace_tell(trace, &hop);
	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		if (trace->packets[i].number)
			trace_end(trace, &trace->packets[i], "unknown",
				  "events of it may be lost");
	}
}

/* Takes what has come. @return 0, or a negative errno */
static int take_all(struct nestnet_trace *trace)
{
	for (unsigned int n = 0; n < DATAGRAMS_MOST && trace->result == 0; n++) {
		int r = trace_take(trace->events, trace_take_event, trace,
				   &trace->ctx->error);

		if (r == 0)
			break;
		if (trace->result != 0)
			return 0;
		if (r == -ENOBUFS)
			tell_lost(trace);
		else if (r < 0)
			return r;
	}
	trace_end_done(trace);
	return 0;
}

static void end_silent(struct nestnet_trace *trace)
{
	int64_t now = trace_now_ms();

	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		if (trace->packets[i].number && trace->packets[i].deadline_ms <= now)
			trace_end_lost(trace, &trace->packets[i]);
	}
}

/* The timer goes off when the next packet is lost. */
static int set_timer(struct nestnet_trace *trace)
{
	struct itimerspec timer = { .it_value.tv_sec = 0 };
	int64_t first = 0;

	for (size_t i = 0; i < TRACE_PACKETS; i++) {
		const struct trace_packet *packet = &trace->packets[i];

		if (packet->number && (first == 0 || packet->deadline_ms < first))
			first = packet->deadline_ms;
	}
	timer.it_value.tv_sec = first / 1000;
	timer.it_value.tv_nsec = first % 1000 * 1000000;
	if (timerfd_settime(trace->timer, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		return error_set_errno(&trace->ctx->error, errno);
	return 0;
}

/* @param until_ms  -1: for ever. @return 1: something has come; 0: the time is over */
static int wait_until(struct nestnet_trace *trace, int64_t until_ms)
{
	struct pollfd poll_fd = { .fd = trace->epoll, .events = POLLIN };
	int64_t left = until_ms < 0 ? -1 : until_ms - trace_now_ms();
	int r;

	if (until_ms >= 0 && left < 0)
		left = 0;
	r = poll(&poll_fd, 1, (int)left);
	if (r < 0 && errno == EINTR)
		return error_set(&trace->ctx->error, EAGAIN, "a signal came");
	return r < 0 ? error_set_errno(&trace->ctx->error, errno) : r;
}

static int next(struct nestnet_trace *trace, int64_t until_ms)
{
	for (;;) {
		int r;

		trace->n_links = 0;
		trace_rules_refresh(trace);
		r = take_all(trace);
		if (r == 0)
			end_silent(trace);
		if (r == 0)
			r = set_timer(trace);
		if (r < 0)
			return r;
		if (trace->result != 0 || trace->n_told > 0)
			return trace->result != 0 ? trace->result : 1;
		r = wait_until(trace, until_ms);
		if (r <= 0)
			return r;
	}
}

int nestnet_trace_next(struct nestnet_trace *trace, int timeout_ms, nestnet_hop_fn fn,
		       void *userdata)
{
	struct nestnet *ctx = trace->ctx;
	int r;

	context_begin(ctx);
	trace->fn = fn;
	trace->userdata = userdata;
	trace->n_told = 0;
	trace->result = 0;
	r = next(trace, timeout_ms < 0 ? -1 : trace_now_ms() + timeout_ms);
	if (trace->result != 0 || r >= 0)
		return r;
	error_prefix(&ctx->error, "trace");
	return context_end(ctx, r);
}
