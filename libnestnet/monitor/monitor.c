/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The monitor: what changes, whoever changes it.
 *
 * A notification of the kernel is a hint, never an event. It says which objects to look at;
 * these are read by the functions that lists use, and the difference to what was seen before
 * is what is told. So nothing is told twice or wrongly: what changes while it is read is
 * notified, looked at again, and found equal or different. Where notifications were lost,
 * everything is looked at.
 *
 * Links and all else of which a host has hundreds are read anew by kind. Exposures are read
 * by their alias, which nearly every element of theirs tells, at a cost that does not grow
 * with their number; all of them only at the start, where many have changed at once, and for
 * prefixes and shifted ranges, whose elements do not tell it.
 *
 * What is looked at has settled: nothing of interest was notified for some 100 ms, or 500 ms
 * went by. One command has several steps, and a burst is read once.
 *
 * The kernel is silent as an exposure for a time ends, so its end is computed and looked for
 * then. Two sockets and a timer are behind one descriptor, and where nothing changes nothing
 * runs.
 */

#include "monitor/monitor.h"

#include "kernel/notice.h"

#include "base/cleanup.h"
#include "base/options.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

/* Readings that are torn by other writers, one after another, before one is taken as it is:
 * what is wrong with it was notified, and is put right by the next. */
#define TORN_MAX 8

/* The order in which changes of one moment are told: what stands on what. */
static const unsigned int order[] = {
	NESTNET_MONITOR_BRIDGES,   NESTNET_MONITOR_ATTACHMENTS,
	NESTNET_MONITOR_TAPS,      NESTNET_MONITOR_ALIASES,
	NESTNET_MONITOR_NAT,       NESTNET_MONITOR_FORWARDING,
	NESTNET_MONITOR_EXPOSURES, NESTNET_MONITOR_GUESTS,
};

/* ---- Looking ------------------------------------------------------------------------------- */

static void note_expiries(struct nestnet_monitor *m, const struct items *now)
{
	uint64_t soon = monitor_now_ms() + MONITOR_TICK_MS;

	for (size_t i = 0; i < now->n; i++) {
		uint64_t at = now->list[i]->expires_at_ms;

		if (at)
			m->expiry_at = monitor_min(
				m->expiry_at, monitor_max(at + MONITOR_TICK_MS, soon));
	}
}

static int tell_change(void *userdata, char op, const struct item *item)
{
	struct nestnet_monitor *m = userdata;

	if (!(item->kind & m->kinds))
		return 0;
	m->n_told++;
	m->told = tell_item(&m->tell, op, item);
	return m->told;
}

static int tell_nothing(void *userdata, char op, const struct item *item)
{
	(void)userdata;
	(void)op;
	(void)item;
	return 0;
}

/* What was read takes its place. @param r  of the reading. @return as look() */
static int take_items(struct nestnet_monitor *m, int r, size_t first, size_t n,
		      struct items *now)
{
	if (r == -EAGAIN && m->n_torn++ < TORN_MAX) {
		items_clear(now);
		return r;
	}
	if (r < 0 && r != -EAGAIN) {
		items_clear(now);
		return r;
	}
	m->n_torn = 0;
	note_expiries(m, now);
	return items_replace(&m->items, first, n, now,
			     m->tell.fn ? tell_change : tell_nothing, m);
}

static int look_at_kind(struct nestnet_monitor *m, struct plan *plan, unsigned int kind)
{
	struct items now = { .n = 0 };
	size_t first, n;
	int r = monitor_read(plan, kind, &now);

	n = items_find_kind(&m->items, kind, &first);
	r = take_items(m, r, first, n, &now);
	if (r != 0)
		return r;
	m->dirty &= ~kind;
	if (kind == NESTNET_MONITOR_EXPOSURES)
		m->n_aliases = 0;
	if (kind == NESTNET_MONITOR_GUESTS)
		m->guests_read_at = monitor_now_ms();
	return 0;
}

/* From the last to the first, and off the list as they are told. */
static int look_at_aliases(struct nestnet_monitor *m, struct plan *plan)
{
	while (m->n_aliases > 0) {
		const struct nestnet_endpoint alias = m->aliases[m->n_aliases - 1];
		struct items now = { .n = 0 };
		size_t first, n;
		int r = monitor_read_alias(plan, &alias, &now);

		n = items_find_alias(&m->items, &alias, &first);
		r = take_items(m, r, first, n, &now);
		if (r != 0)
			return r;
		m->n_aliases--;
	}
	return 0;
}

static int look_with(struct nestnet_monitor *m, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(order); i++) {
		if (m->dirty & order[i])
			r = look_at_kind(m, plan, order[i]);
		else if (order[i] == NESTNET_MONITOR_EXPOSURES)
			r = look_at_aliases(m, plan);
	}
	return r;
}

/* @return 0; -EAGAIN: some of it is to be looked at again; what fn returned; or an error */
static int look(struct nestnet_monitor *m)
{
	struct plan *plan;
	int r = plan_new(m->ctx, &plan);

	if (r < 0)
		return r;
	r = look_with(m, plan);
	plan_free(plan);
	return r;
}

/* Looks at what has settled, if anything has. */
static int look_if_settled(struct nestnet_monitor *m)
{
	uint64_t now = monitor_now_ms();
	int r = 0;

	monitor_mark_due(m, now);
	if (now < m->settled_at)
		return 0;
	m->tell.items = &m->items;
	m->tell.now_ms = now;
	m->tell.time_ms = m->noticed_ms;
	m->settled_at = m->latest_at = MONITOR_NEVER;
	monitor_sort_aliases(m);
	if (m->is_lost) {
		m->is_lost = false;
		m->n_told++;
		r = m->told = tell_lost(&m->tell);
	}
	if (r == 0)
		r = look(m);
	if (m->dirty || m->n_aliases) {
		uint64_t noticed = m->noticed_ms;

		monitor_wait_to_settle(m);
		m->noticed_ms = noticed;
	}
	/* Who stopped listening hears the rest when he asks again. */
	if (r != 0 && r != -EAGAIN)
		m->settled_at = monitor_min(m->settled_at, now);
	return r == -EAGAIN ? 0 : r;
}

/* ---- Waiting ------------------------------------------------------------------------------- */

static int set_timer(struct nestnet_monitor *m)
{
	uint64_t at = monitor_min(monitor_min(m->settled_at, m->guests_at), m->expiry_at);
	struct itimerspec timer = { .it_value = { .tv_sec = 0 } };

	/* All zero is no time, and what has fired before is forgotten. */
	if (at != MONITOR_NEVER) {
		timer.it_value.tv_sec = (time_t)(at / 1000);
		timer.it_value.tv_nsec = (long)(at % 1000) * 1000000;
	}
	if (timerfd_settime(m->timer, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
		return error_set_errno(&m->ctx->error, errno);
	return 0;
}

/* @return 1: something may be there; 0: the time is over; or an error */
static int wait_until(struct nestnet_monitor *m, int timeout_ms, uint64_t deadline)
{
	uint64_t now = monitor_now_ms();
	struct epoll_event event;
	int left = -1, n;

	if (timeout_ms >= 0 && now >= deadline)
		return 0;
	if (timeout_ms >= 0)
		left = (int)(deadline - now);
	n = epoll_wait(m->epoll, &event, 1, left);
	if (n < 0 && errno == EINTR)
		return error_set(&m->ctx->error, EAGAIN, "monitor: a signal came");
	if (n < 0)
		return error_set_errno(&m->ctx->error, errno);
	return n > 0;
}

static int step(struct nestnet_monitor *m)
{
	int r = monitor_take_notices(m);

	return r < 0 ? r : look_if_settled(m);
}

int nestnet_monitor_next(struct nestnet_monitor *m, int timeout_ms, nestnet_event_fn fn,
			 void *userdata)
{
	uint64_t deadline =
		monitor_now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
	int r, timer;

	m->tell.fn = fn;
	m->tell.userdata = userdata;
	m->n_told = 0;
	m->told = 0;
	for (;;) {
		context_begin(m->ctx);
		r = step(m);
		timer = set_timer(m);
		if (r == 0)
			r = timer;
		if (r != 0 || m->n_told > 0)
			break;
		r = wait_until(m, timeout_ms, deadline);
		if (r <= 0)
			break;
	}
	/* What fn returned is its own. */
	if (m->told)
		return m->told;
	return r < 0 ? context_end(m->ctx, r) : m->n_told > 0;
}

int nestnet_monitor_fd(const struct nestnet_monitor *m)
{
	return m->epoll;
}

/* ---- Beginning ----------------------------------------------------------------------------- */

static int watch(struct nestnet_monitor *m, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0 || epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_set_errno(&m->ctx->error, errno);
	return 0;
}

static int subscribe(struct nestnet_monitor *m, enum netlink_bus bus,
		     struct netlink **ret)
{
	int r = context_open(m->ctx, bus, ret);

	if (r == 0)
		r = notice_subscribe(*ret, bus, m->watched & NESTNET_MONITOR_GUESTS,
				     &m->ctx->error);
	return r < 0 ? r : watch(m, notice_fd(*ret));
}

/* What is there at the beginning is no event. */
static int read_first(struct nestnet_monitor *m)
{
	int r = -EAGAIN;

	m->dirty = m->watched;
	for (unsigned int try = 0; r == -EAGAIN && try <= TORN_MAX * 2; try++) {
		context_begin(m->ctx);
		r = look(m);
	}
	return r;
}

static int begin(struct nestnet_monitor *m)
{
	int r;

	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0)
		return error_set_errno(&m->ctx->error, errno);
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	r = watch(m, m->timer);
	if (r == 0)
		r = subscribe(m, NETLINK_BUS_ROUTE, &m->route);
	if (r == 0)
		r = subscribe(m, NETLINK_BUS_NETFILTER, &m->filter);
	if (r == 0)
		r = read_first(m);
	return r < 0 ? r : set_timer(m);
}

int nestnet_monitor_new(struct nestnet *ctx,
			const struct nestnet_monitor_options *options,
			struct nestnet_monitor **ret)
{
	struct nestnet_monitor_options own;
	struct nestnet_monitor *m;
	const char *why;
	int code, r;

	context_begin(ctx);
	code = options_read(&own, sizeof(own), options, &why);
	if (!code && (own.kinds & ~MONITOR_ALL)) {
		code = EINVAL;
		why = "no such kind";
	}
	if (!code && (why = flags_why_not(own.flags, 0)))
		code = EINVAL;
	if (code)
		return context_end(ctx, error_set(&ctx->error, code, "monitor: %s", why));
	m = calloc(1, sizeof(*m));
	if (!m)
		return context_end(ctx, -ENOMEM);
	*m = (struct nestnet_monitor){ .ctx = ctx,
				       .kinds = MONITOR_ALL,
				       .epoll = -1,
				       .timer = -1,
				       .settled_at = MONITOR_NEVER,
				       .latest_at = MONITOR_NEVER,
				       .guests_at = MONITOR_NEVER,
				       .expiry_at = MONITOR_NEVER };
	if (own.kinds)
		m->kinds = own.kinds;
	m->watched = m->kinds;
	if (m->kinds & NESTNET_MONITOR_ALIASES)
		m->watched |= NESTNET_MONITOR_EXPOSURES;
	r = begin(m);
	if (r < 0) {
		nestnet_monitor_free(m);
		return context_end(ctx, error_prefix(&ctx->error, "monitor"));
	}
	*ret = m;
	return 0;
}

struct nestnet_monitor *nestnet_monitor_free(struct nestnet_monitor *m)
{
	if (!m)
		return NULL;
	items_clear(&m->items);
	free(m->aliases);
	netlink_free(m->route);
	netlink_free(m->filter);
	cleanup_close_fd(&m->timer);
	cleanup_close_fd(&m->epoll);
	free(m);
	return NULL;
}
