/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An old program: it knows the library as old.h has it, and links what was built today.
 * Adds a bridge, a tap, a subnet and an exposure in one commit, and lists the exposure.
 *
 * What lies around its structures, and in their padding, is rubbish: a library that reads
 * more than the structures had finds it.
 */

#include "old.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A structure amid rubbish, with its size. */
#define AMID_RUBBISH(type, name)                                 \
	struct {                                                 \
		struct type it;                                  \
		unsigned char behind[256];                       \
	} name##_and_more;                                       \
	struct type *name = &name##_and_more.it;                 \
	memset(&name##_and_more, 0xa5, sizeof(name##_and_more)); \
	name->size = sizeof(*name)

static int add_links(struct nestnet_transaction *tx)
{
	struct nestnet_prefix address;
	int r = nestnet_prefix_parse("192.168.77.1/24", &address);

	AMID_RUBBISH(nestnet_bridge_options, bridge);
	bridge->flags = 0;
	bridge->addresses = &address;
	bridge->n_addresses = 1;
	bridge->mac = (const uint8_t[]){ 0x02, 0, 0, 0, 0, 0x77 };
	bridge->mtu = 1400;
	if (r == 0)
		r = nestnet_bridge_add(tx, "old0", bridge);

	AMID_RUBBISH(nestnet_tap_options, tap);
	tap->flags = NESTNET_TAP_HAS_OWNER;
	tap->bridge = "old0";
	tap->addresses = NULL;
	tap->n_addresses = 0;
	tap->owner = 65534;
	tap->group = 0;
	tap->queues = 0;
	tap->mac = NULL;
	tap->mtu = 0;
	return r < 0 ? r : nestnet_tap_add(tx, "oldtap0", tap);
}

static int add_ways(struct nestnet_transaction *tx)
{
	struct nestnet_prefix subnet;
	struct nestnet_endpoint alias, target;
	int r = nestnet_prefix_parse("192.168.77.0/24", &subnet);

	AMID_RUBBISH(nestnet_nat_options, nat);
	nat->flags = 0;
	nat->out = NULL;
	nat->to = NULL;
	if (r == 0)
		r = nestnet_nat_add(tx, &subnet, nat);
	if (r == 0)
		r = nestnet_alias_parse("10.128.0.13", &alias, NULL);
	if (r == 0)
		r = nestnet_target_parse("192.168.122.89", &target, NULL);

	AMID_RUBBISH(nestnet_expose_options, expose);
	expose->flags = 0;
	expose->egress = NESTNET_EGRESS_MASQUERADE;
	expose->comment = "of an old program";
	expose->from = NULL;
	expose->n_from = 0;
	expose->except = NULL;
	expose->n_except = 0;
	expose->timeout_ms = 0;
	return r < 0 ? r : nestnet_expose(tx, &alias, &target, expose);
}

static int print(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)userdata;
	printf("%s, %s: %zu from, %zu except, %" PRIu64 " flows, expires %" PRIu64 "\n",
	       exposure->id, exposure->comment, exposure->n_from, exposure->n_except,
	       exposure->flows, exposure->expires_ms);
	return 0;
}

int main(void)
{
	struct nestnet *ctx;
	struct nestnet_transaction *tx = NULL;
	int r = nestnet_new(&ctx, NULL);

	if (r == 0)
		r = nestnet_transaction_new(ctx, &tx);
	if (r == 0)
		r = add_links(tx);
	if (r == 0)
		r = add_ways(tx);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	if (r == 0)
		r = nestnet_exposure_list(ctx, NULL, print, NULL);
	if (r < 0)
		fprintf(stderr, "%s\n", ctx ? nestnet_errmsg(ctx) : "out of memory");
	nestnet_transaction_free(tx);
	nestnet_free(ctx);
	return r < 0;
}
