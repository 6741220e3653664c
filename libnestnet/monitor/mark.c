/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a monitor is to look at, and when: notices of the kernel, and clocks. */

#include "monitor/monitor.h"

#include "table/exposure-touch.h"

#include "kernel/notice.h"

#include "base/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SETTLE_MS 100
#define LATEST_MS 500

/* Neighbours are notified all the time: each guest twice a minute, or more. */
#define GUESTS_EVERY_MS 1000

#define LINK_KINDS \
	(NESTNET_MONITOR_TAPS | NESTNET_MONITOR_BRIDGES | NESTNET_MONITOR_ATTACHMENTS)

static uint64_t since_1970_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void monitor_wait_to_settle(struct nestnet_monitor *m)
{
	uint64_t now = monitor_now_ms();

	if (m->latest_at == MONITOR_NEVER) {
		m->latest_at = now + LATEST_MS;
		m->noticed_ms = since_1970_ms();
	}
	m->settled_at = monitor_min(now + SETTLE_MS, m->latest_at);
}

static void mark(struct nestnet_monitor *m, unsigned int kinds)
{
	if (!(kinds & m->watched))
		return;
	m->dirty |= kinds & m->watched;
	monitor_wait_to_settle(m);
}

static void mark_guests(struct nestnet_monitor *m)
{
	if (!(m->watched & NESTNET_MONITOR_GUESTS) || m->guests_at != MONITOR_NEVER)
		return;
	m->guests_at = monitor_max(monitor_now_ms() + SETTLE_MS,
				   m->guests_read_at + GUESTS_EVERY_MS);
}

/* @return false where there is no memory */
static bool append_alias(struct nestnet_monitor *m, const struct nestnet_endpoint *alias)
{
	struct nestnet_endpoint *grown = m->aliases;
	size_t size = m->size ? m->size * 2 : 16;

	if (m->n_aliases == m->size) {
		grown = reallocarray(m->aliases, size, sizeof(*grown));
		if (!grown)
			return false;
		m->aliases = grown;
		m->size = size;
	}
	grown[m->n_aliases++] = *alias;
	return true;
}

/* One by one, they cost more than all at once where they are many. */
static void mark_alias(struct nestnet_monitor *m, const struct nestnet_endpoint *alias)
{
	const unsigned int kind = NESTNET_MONITOR_EXPOSURES;

	if (!(m->watched & kind))
		return;
	monitor_wait_to_settle(m);
	if ((m->dirty & kind) ||
	    (m->n_aliases && endpoint_equal(&m->aliases[m->n_aliases - 1], alias)))
		return;
	if (m->n_aliases > 64 + m->items.n / 16 || !append_alias(m, alias)) {
		m->dirty |= kind;
		m->n_aliases = 0;
	}
}

static void mark_exposure(struct nestnet_monitor *m, enum ruleset_set set, int family,
			  const struct nft_element *element)
{
	struct nestnet_endpoint alias;

	switch (exposure_touch(set, family, element, &alias)) {
	case EXPOSURE_TOUCH_NONE:
		return;
	case EXPOSURE_TOUCH_ONE:
		mark_alias(m, &alias);
		return;
	case EXPOSURE_TOUCH_ANY:
		mark(m, NESTNET_MONITOR_EXPOSURES);
		return;
	}
}

static void mark_element(struct nestnet_monitor *m, const struct notice *notice)
{
	enum ruleset_set set;
	int family;

	if (!ruleset_find_set(notice->family, notice->set, &set, &family))
		return;
	if (notice->family == NFT_FAMILY_NETDEV)
		mark(m, NESTNET_MONITOR_TAPS);
	else if (set == RULESET_FOUND)
		mark(m, NESTNET_MONITOR_BRIDGES | NESTNET_MONITOR_ATTACHMENTS);
	else if (set >= RULESET_CLOSED)
		mark(m, NESTNET_MONITOR_NAT);
	else if (notice->key_len == ruleset_set_spec(set, family)->key_len)
		mark_exposure(m, set, family, notice->element);
	else
		mark(m, NESTNET_MONITOR_EXPOSURES);
}

static void take_notice(void *userdata, const struct notice *notice)
{
	struct nestnet_monitor *m = userdata;

	switch (notice->kind) {
	case NOTICE_LINK:
		mark(m, LINK_KINDS | NESTNET_MONITOR_ALIASES);
		mark_guests(m);
		break;
	case NOTICE_ROUTE:
		/* --mtu auto is what the default routes say. */
		mark(m, NESTNET_MONITOR_BRIDGES | NESTNET_MONITOR_ALIASES);
		mark_guests(m);
		break;
	case NOTICE_NEIGHBOUR:
		mark_guests(m);
		break;
	case NOTICE_FORWARDING:
		mark(m, NESTNET_MONITOR_FORWARDING);
		break;
	case NOTICE_TABLE:
		mark(m, NESTNET_MONITOR_EXPOSURES | NESTNET_MONITOR_NAT | LINK_KINDS);
		break;
	case NOTICE_ELEMENT:
		mark_element(m, notice);
		break;
	}
}

static int read_notices(struct nestnet_monitor *m, struct netlink *nl)
{
	int r = notice_read(nl, ruleset_table.name, take_notice, m, &m->ctx->error);

	if (r != -ENOBUFS)
		return r;
	m->is_lost = true;
	mark(m, MONITOR_ALL);
	return 0;
}

/* Exposures whose time is over are looked at, at once. */
static void mark_expired(struct nestnet_monitor *m, uint64_t now)
{
	size_t first, n = items_find_kind(&m->items, NESTNET_MONITOR_EXPOSURES, &first);

	if (now < m->expiry_at)
		return;
	m->expiry_at = MONITOR_NEVER;
	for (size_t i = first; i < first + n; i++) {
		struct item *item = m->items.list[i];

		if (item->expires_at_ms && item->expires_at_ms + MONITOR_TICK_MS <= now) {
			mark_alias(m, &item->exposure.alias);
			m->settled_at = now;
		} else if (item->expires_at_ms) {
			m->expiry_at = monitor_min(m->expiry_at,
						   item->expires_at_ms + MONITOR_TICK_MS);
		}
	}
}

int monitor_take_notices(struct nestnet_monitor *m)
{
	int r = read_notices(m, m->route);

	return r < 0 ? r : read_notices(m, m->filter);
}

void monitor_mark_due(struct nestnet_monitor *m, uint64_t now)
{
	mark_expired(m, now);
	if (now < m->guests_at)
		return;
	m->guests_at = MONITOR_NEVER;
	mark(m, NESTNET_MONITOR_GUESTS);
	m->settled_at = now;
}

static int compare_aliases(const void *a, const void *b)
{
	return endpoint_compare(b, a);
}

void monitor_sort_aliases(struct nestnet_monitor *m)
{
	size_t n = 0;

	if (m->n_aliases == 0)
		return;
	qsort(m->aliases, m->n_aliases, sizeof(*m->aliases), compare_aliases);
	for (size_t i = 0; i < m->n_aliases; i++) {
		if (n == 0 || !endpoint_equal(&m->aliases[n - 1], &m->aliases[i]))
			m->aliases[n++] = m->aliases[i];
	}
	m->n_aliases = n;
}
