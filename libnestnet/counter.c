/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel counts of ours: on interfaces, and by the rules that drop; and which rules
 * there are. */

#include "plan/context.h"

#include "table/ruleset-guard.h"
#include "table/ruleset.h"

#include "kernel/link.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Interfaces ---------------------------------------------------------------------------- */

struct counted {
	struct link link;
	struct link_counters counters;
};

struct counted_links {
	struct counted *list;
	size_t n;
};

static int take_link(void *userdata, const struct link *link,
		     const struct link_counters *counters)
{
	struct counted_links *links = userdata;
	struct counted *grown = links->list;

	if (!link) {
		links->n = 0;
		return 0;
	}
	if ((links->n & (links->n - 1)) == 0)
		grown = reallocarray(links->list, links->n ? links->n * 2 : 1,
				     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	links->list = grown;
	grown[links->n++] = (struct counted){ .link = *link, .counters = *counters };
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	return (x->link.ifindex > y->link.ifindex) - (x->link.ifindex < y->link.ifindex);
}

/* @return NULL where there is none */
static const struct counted *find_link(const struct counted_links *links,
				       uint32_t ifindex)
{
	const struct counted key = { .link = { .ifindex = ifindex } };

	return bsearch(&key, links->list, links->n, sizeof(key), compare_links);
}

static int report_link(const struct counted_links *links, const struct counted *from,
		       nestnet_interface_fn fn, void *userdata)
{
	const struct link_counters *counters = &from->counters;
	const struct counted *bridge =
		from->link.is_port ? find_link(links, from->link.master) : NULL;
	const struct nestnet_interface interface = {
		.name = from->link.name,
		.ifindex = from->link.ifindex,
		.bridge = bridge ? bridge->link.name : NULL,
		.is_tap = from->link.kind == LINK_TAP,
		.is_bridge = from->link.kind == LINK_BRIDGE,
		.is_managed = from->link.is_managed,
		.is_up = from->link.is_up,
		.has_carrier = from->link.has_carrier,
		.rx_packets = counters->rx_packets,
		.tx_packets = counters->tx_packets,
		.rx_bytes = counters->rx_bytes,
		.tx_bytes = counters->tx_bytes,
		.rx_errors = counters->rx_errors,
		.tx_errors = counters->tx_errors,
		.rx_dropped = counters->rx_dropped,
		.tx_dropped = counters->tx_dropped,
	};

	if (!interface.is_tap && !interface.is_bridge && !interface.bridge)
		return 0;
	return fn(userdata, &interface);
}

int nestnet_interface_list(struct nestnet *ctx, nestnet_interface_fn fn, void *userdata)
{
	struct counted_links links = { .n = 0 };
	struct netlink *nl;
	int r;

	context_begin(ctx);
	r = context_route(ctx, &nl);
	if (r == 0)
		r = link_list_counters(nl, take_link, &links, &ctx->error);
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	if (r < 0)
		r = context_end(ctx, error_prefix(&ctx->error, "list interfaces"));
	if (r == 0 && links.n)
		qsort(links.list, links.n, sizeof(*links.list), compare_links);
	for (size_t i = 0; r == 0 && i < links.n; i++)
		r = report_link(&links, &links.list[i], fn, userdata);
	free(links.list);
	return r;
}

/* ---- Drops --------------------------------------------------------------------------------- */

/* Of our main table, and of the guards'. */
#define REASON_GUARD RULESET_DROPS
#define REASONS	     (RULESET_DROPS + 1)

/* The families of a reason: 0 is IPv4, 1 IPv6. Frames are counted in the first. */
struct drops {
	struct nestnet_drop list[REASONS][2];
	unsigned int n_input; /* rules of that chain, which has one a family */
};

static void add_drops(struct nestnet_drop *drop, uint64_t packets, uint64_t bytes)
{
	drop->packets += packets;
	drop->bytes += bytes;
}

static int take_drop(void *userdata, const char *chain, uint64_t packets, uint64_t bytes)
{
	struct drops *drops = userdata;
	enum ruleset_drop why;
	bool is_six;

	if (!chain) {
		memset(drops->list, 0, REASON_GUARD * sizeof(drops->list[0]));
		drops->n_input = 0;
		return 0;
	}
	why = ruleset_drop_of(chain);
	if (why == RULESET_DROPS)
		return 0;
	if (strcmp(chain, RULESET_INPUT_CHAIN) == 0)
		is_six = drops->n_input++ > 0;
	else
		is_six = chain[strlen(chain) - 1] == '6';
	add_drops(&drops->list[why][is_six], packets, bytes);
	return 0;
}

/* Whatever is dropped there, it is for a guard's sake. */
static int take_frames(void *userdata, const char *chain, uint64_t packets,
		       uint64_t bytes)
{
	struct nestnet_drop *drop = userdata;

	if (!chain)
		drop->packets = drop->bytes = 0;
	else
		add_drops(drop, packets, bytes);
	return 0;
}

/* A table of others by that name, or of another release, counts something else. */
static int get_table(struct nestnet *ctx, struct netlink *nl, enum ruleset_part part,
		     uint32_t *ret_generation, char *ret_version)
{
	int r = nft_table_get(nl, ruleset_part_table(part), ret_generation, ret_version,
			      NESTNET_COMMENT_MAX + 1, &ctx->error);

	return r == 1 && strncmp(ret_version, "nestnet ", 8) != 0 ? 0 : r;
}

/* @return 1; 0: there is no such table; or a negative errno */
static int read_drops(struct nestnet *ctx, struct netlink *nl, enum ruleset_part part,
		      struct drops *drops)
{
	char version[NESTNET_COMMENT_MAX + 1];
	uint32_t generation;
	int r = get_table(ctx, nl, part, &generation, version);

	if (r <= 0)
		return r;
	if (part == RULESET_MAIN)
		r = nft_drop_list(nl, &ruleset_table, take_drop, drops, &ctx->error);
	else
		r = nft_drop_list(nl, &ruleset_guard_table, take_frames,
				  &drops->list[REASON_GUARD][0], &ctx->error);
	return r < 0 ? r : 1;
}

static int report_reason(const struct drops *drops, unsigned int reason,
			 nestnet_drop_fn fn, void *userdata)
{
	static const char *const names[] = { [RULESET_DROP_FROM] = "from",
					     [RULESET_DROP_CLOSED] = "closed",
					     [RULESET_DROP_SPOOFED] = "spoofed",
					     [REASON_GUARD] = "guard" };
	static const int families[] = { AF_INET, AF_INET6 };
	bool is_frames = reason == REASON_GUARD;
	int r = 0;

	for (size_t f = 0; r == 0 && f < (is_frames ? 1 : ARRAY_SIZE(families)); f++) {
		struct nestnet_drop drop = drops->list[reason][f];

		drop.reason = names[reason];
		drop.family = is_frames ? AF_UNSPEC : families[f];
		r = fn(userdata, &drop);
	}
	return r;
}

int nestnet_drop_list(struct nestnet *ctx, nestnet_drop_fn fn, void *userdata)
{
	struct drops drops = { .n_input = 0 };
	int r, has_main = 0, has_guards = 0;
	struct netlink *nl;

	context_begin(ctx);
	r = context_filter(ctx, &nl);
	if (r == 0)
		has_guards = read_drops(ctx, nl, RULESET_GUARDS, &drops);
	if (r == 0 && has_guards >= 0)
		has_main = read_drops(ctx, nl, RULESET_MAIN, &drops);
	if (r < 0 || has_guards < 0 || has_main < 0)
		return context_end(ctx, r < 0            ? r
					: has_guards < 0 ? has_guards
							 : has_main);
	for (unsigned int reason = 0; r == 0 && reason < REASONS; reason++) {
		if (reason == REASON_GUARD ? has_guards : has_main)
			r = report_reason(&drops, reason, fn, userdata);
	}
	return r;
}

/* ---- The rules ----------------------------------------------------------------------------- */

int nestnet_ruleset_get(struct nestnet *ctx, struct nestnet_ruleset *ret)
{
	struct nestnet_ruleset ruleset = { .size = sizeof(ruleset) };
	struct netlink *nl;
	int r;

	context_begin(ctx);
	if (ret->size < sizeof(ruleset))
		return context_end(ctx, error_set(&ctx->error, EINVAL,
						  "ruleset: the size is not set"));
	r = context_filter(ctx, &nl);
	if (r == 0)
		r = get_table(ctx, nl, RULESET_MAIN, &ruleset.generation,
			      ruleset.version);
	if (r < 0)
		return context_end(ctx, r);
	ruleset.is_there = r;
	if (!ruleset.is_there)
		ruleset.version[0] = '\0';
	*ret = ruleset;
	return 0;
}
