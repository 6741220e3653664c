/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One transaction of the library's makes the tap: its guards are in force before it is up,
 * and it ends with its last descriptor, whoever is killed and when. It has a name that
 * nothing else asks for (vmtap0 and so on), so that nobody takes tap0 from the
 * administrator; its own MAC address is no guest's, and higher than that of any other port,
 * since a bridge of others takes on the lowest.
 */

#include "tap.h"

#include "complain.h"

#include <stdlib.h>
#include <sys/random.h>

#define NAME "vmtap%d"

static bool choose_mac(const struct rule *grant, uint8_t mac[6])
{
	if (grant->has_mac) {
		for (size_t i = 0; i < 6; i++)
			mac[i] = grant->mac[i];
		return true;
	}
	if (getrandom(mac, 6, 0) != 6)
		return complain_errno("choose a MAC address");
	mac[0] =
		0xfe; /* locally administered, as libvirt and QEMU's own helper have it */
	return true;
}

/* Whose it shows as, and who could open further queues of it. */
static bool choose_owner(const struct rule *grant, const struct caller *caller,
			 uint32_t *ret)
{
	*ret = caller->uid;
	return !grant->owner[0] || rule_find_id(false, grant->owner, ret) == 1 ||
	       complain("owner=: no such user");
}

/* The guards, which point at the rule's addresses. */
static void fill_guards(const struct rule *grant, struct nestnet_guard *guards)
{
	for (size_t i = 0; i < grant->n_guards; i++) {
		const struct rule_guard *guard = &grant->guards[i];

		for (size_t j = 0; j < 6; j++)
			guards[i].mac[j] = guard->mac[j];
		guards[i].addresses = guard->n ? &grant->addresses[guard->first] : NULL;
		guards[i].n_addresses = guard->n;
	}
}

static int commit(struct nestnet *ctx, const struct nestnet_tap_options *options,
		  int *fds)
{
	struct nestnet_transaction *tx;
	int r = nestnet_transaction_new(ctx, &tx);

	if (r < 0)
		return r;
	r = nestnet_tap_add(tx, NAME, options);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	if (r == 0)
		r = nestnet_transaction_take_fds(tx, 0, fds, options->queues);
	nestnet_transaction_free(tx);
	return r;
}

static bool make(const struct nestnet_tap_options *options, int *fds)
{
	struct nestnet *ctx;
	int r = nestnet_new(&ctx, NULL);

	if (r == 0)
		r = commit(ctx, options, fds);
	if (r < 0)
		complain("%s", ctx && nestnet_errmsg(ctx)[0] ? nestnet_errmsg(ctx)
							     : "out of memory");
	nestnet_free(ctx);
	return r == 0;
}

bool tap_make(const struct tap_wish *wish, const struct rule *grant,
	      const struct caller *caller, int *fds)
{
	struct nestnet_guard guards[RULE_GUARDS_MAX];
	struct nestnet_open_options open = { .size = sizeof(open) };
	struct nestnet_tap_options options = {
		.size = sizeof(options),
		.flags = grant->flags | NESTNET_TAP_EPHEMERAL | NESTNET_TAP_HAS_OWNER |
			 (wish->has_vnet_hdr ? NESTNET_TAP_VNET_HDR : 0),
		.bridge = wish->bridge,
		.queues = wish->queues,
		.mtu = grant->mtu,
		.guards = guards,
		.n_guards = grant->n_guards,
		.open = &open
	};
	uint8_t mac[6];

	if (wish->queues > grant->queues)
		return complain("bridge %s: --queues=%u: user %u may have %u",
				wish->bridge, wish->queues, caller->uid, grant->queues);
	if (!choose_mac(grant, mac) || !choose_owner(grant, caller, &options.owner))
		return false;
	options.mac = mac;
	fill_guards(grant, guards);
	return make(&options, fds);
}
