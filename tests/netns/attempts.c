/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is attempted while something fails, and how it is taken back. */

#include "attempts.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUEST  "192.168.122.89"
#define GUEST2 "192.168.122.90"

/* ---- What is attempted --------------------------------------------------------------------- */

static void arrange_nothing(void)
{
}

static int first_expose(void)
{
	return expose("10.128.0.13", GUEST, 0);
}

static void arrange_exposures(void)
{
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_LOCAL));
	ok(expose("10.128.0.14:80", GUEST, NESTNET_EXPOSE_OPEN));
	ok(expose("10.128.0.15:80", GUEST ":8000", 0));
}

static int expose_with_options(void)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_NO_LOCAL,
						  .egress = NESTNET_EGRESS_ALIAS,
						  .comment = "web" };

	return expose_with("10.128.0.16", GUEST, &options);
}

static int replace(void)
{
	struct nestnet_expose_options options = { .size = sizeof(options),
						  .flags = NESTNET_EXPOSE_REPLACE,
						  .egress = NESTNET_EGRESS_NONE,
						  .comment = "web" };

	return expose_with("10.128.0.13", GUEST2, &options);
}

static int unexpose_one(void)
{
	return unexpose("10.128.0.13", 0);
}

static int unexpose_all(void)
{
	return unexpose_target(GUEST, 0);
}

static int add_subnet(void)
{
	struct nestnet_address to = address_of("10.128.0.12");
	struct nestnet_nat_options options = { .size = sizeof(options),
					       .out = "eth0",
					       .to = &to };

	return nat_add("192.168.50.0/24", &options);
}

static void arrange_subnets(void)
{
	ok(nat_add("192.168.49.0/24", NULL));
	ok(add_subnet());
	ok(nat_add("192.168.51.0/24", NULL));
}

static int delete_subnet(void)
{
	return nat_del("192.168.50.0/24", 0);
}

static int make_bridge(void)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	return commit(tx);
}

static void arrange_bridge(void)
{
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip link set virbr0 up && "
	   "ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78 && "
	   "ip link add vnet1 address 02:00:00:00:00:79 type veth "
	   "peer name far1 address 02:00:00:00:00:7a");
	ok(make_bridge());
}

static struct nestnet_tap_options full_tap(void)
{
	return (struct nestnet_tap_options){
		.size = sizeof(struct nestnet_tap_options),
		.flags = NESTNET_TAP_VNET_HDR | NESTNET_TAP_ISOLATED |
			 NESTNET_TAP_HAS_OWNER | NESTNET_TAP_HAS_GROUP,
		.bridge = "br0",
		.owner = 1000,
		.group = 1001,
		.mac = mac_of(0x11),
		.mtu = 1400,
	};
}

static int add_full_tap(void)
{
	struct nestnet_tap_options options = full_tap();

	return tap_add("tap0", &options);
}

static int tap_fds[3];

/* As a virtual machine monitor does: the tap lives by these descriptors. */
static int add_open_tap(void)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	static const struct nestnet_open_options open = { .size = sizeof(open),
							  .vnet_hdr_len = 12,
							  .offloads = NESTNET_OFFLOAD_CSUM };
	struct nestnet_tap_options options = full_tap();
	struct nestnet_transaction *tx = begin();
	int r;

	options.flags |= NESTNET_TAP_EPHEMERAL;
	options.queues = 3;
	options.guards = &guard;
	options.n_guards = 1;
	options.open = &open;
	ok(nestnet_tap_add(tx, "tap0", &options));
	r = nestnet_transaction_commit(tx);
	if (r == 0)
		ok(nestnet_transaction_take_fds(tx, 0, tap_fds, 3));
	nestnet_transaction_free(tx);
	return r;
}

static int close_tap(void)
{
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(close(tap_fds[i]), 0);
	return tap_del("tap0", NESTNET_IF_EXISTS);
}

/* With the table of guards, which stays when they go. */
static void arrange_guards(void)
{
	arrange_bridge();
	ok(add_open_tap());
	ok(close_tap());
}

static int add_full_bridge(void)
{
	struct nestnet_prefix addresses[] = { prefix_of("192.168.50.1/24"),
					      prefix_of("2001:db8::1/64") };
	struct nestnet_bridge_options options = { .size = sizeof(options),
						  .flags = NESTNET_BRIDGE_STP,
						  .addresses = addresses,
						  .n_addresses = 2,
						  .mac = mac_of(0x12) };

	return bridge_add("br1", &options);
}

static int attach_foreign(void)
{
	return attach("virbr0", "vnet0", NESTNET_ATTACH_NO_HAIRPIN);
}

/* With a table, so that detaching takes all of it back. */
static void arrange_unattached(void)
{
	arrange_bridge();
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
}

static void arrange_attached(void)
{
	arrange_bridge();
	ok(attach_foreign());
	ok(attach("br0", "vnet1", 0));
	ok(add_full_tap());
}

static int detach_foreign(void)
{
	return detach("vnet0", 0);
}

static int delete_tap(void)
{
	return tap_del("tap0", 0);
}

static int delete_bridge(void)
{
	return bridge_del("br0", 0);
}

static void arrange_forwarding(void)
{
	sh("ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name vnet1 address 02:00:00:00:00:78");
	set_setting("ipv4/conf/vnet0/forwarding", 1);
	set_setting("ipv6/conf/vnet1/forwarding", 1);
}

static int turn_on(void)
{
	return forward_set(NULL, AF_UNSPEC, 1);
}

static void arrange_turned_on(void)
{
	ok(turn_on());
}

static int turn_off(void)
{
	return forward_set(NULL, AF_UNSPEC, 0);
}

/* Everything at once. */
static int make_network(void)
{
	struct nestnet_tap_options options = full_tap();
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br1", "192.168.123.1/24");
	options.bridge = "br1";
	ok(nestnet_tap_add(tx, "tap0", &options));
	ok(nestnet_bridge_attach(tx, "virbr0", "vnet0", 0));
	add_nat(tx, "192.168.123.0/24", 0);
	add_expose(tx, "10.128.0.13", GUEST, 0);
	add_expose(tx, "10.128.0.14:80", GUEST, NESTNET_EXPOSE_OPEN);
	return commit(tx);
}

static void arrange_uplinks(void)
{
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip link add vnet0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78");
}

static void arrange_network(void)
{
	arrange_uplinks();
	ok(make_network());
}

/* Other software stops what is forwarded, and a rule of ours is between theirs. */
static void arrange_blocked(void)
{
	sh("ip link add virbr0 address 02:00:00:00:00:99 type bridge && "
	   "ip address add 192.168.122.1/24 dev virbr0 && ip link set virbr0 up && "
	   "ip link add up0 address 02:00:00:00:00:77 type veth "
	   "peer name far0 address 02:00:00:00:00:78 && "
	   "ip link set far0 master virbr0 && "
	   "nft 'table ip filter { chain DOCKER-USER { return; }; "
	   "chain FORWARD { type filter hook forward priority 0; policy drop; "
	   "jump DOCKER-USER; }; }'");
}

static int coexist(void)
{
	return expose("10.128.0.13", GUEST, NESTNET_EXPOSE_COEXIST);
}

static int coexist_no_more(void)
{
	return unexpose("10.128.0.13", 0);
}

static void arrange_coexisting(void)
{
	arrange_blocked();
	ok(expose("10.128.0.14:80", GUEST2, NESTNET_EXPOSE_COEXIST));
	ok(coexist());
}

/* Rules that are there are put right, others go, and others come. */
static int coexist_as_a_whole(void)
{
	struct nestnet_transaction *tx = begin();

	ok(nestnet_transaction_set_exact(tx));
	add_expose(tx, "10.128.0.13", GUEST, NESTNET_EXPOSE_COEXIST);
	add_expose(tx, "10.128.0.15", "192.168.122.91", NESTNET_EXPOSE_COEXIST);
	return commit(tx);
}

static void arrange_displaced(void)
{
	arrange_coexisting();
	sh("nft insert rule ip filter DOCKER-USER ip daddr 10.9.9.9 drop");
}

static int coexist_both(void)
{
	ok(expose("10.128.0.14:80", GUEST2, NESTNET_EXPOSE_COEXIST));
	return coexist();
}

static int displace_again(void)
{
	ok(clear());
	sh("nft 'flush chain ip filter DOCKER-USER; add rule ip filter DOCKER-USER return'");
	ok(coexist_both());
	sh("nft insert rule ip filter DOCKER-USER ip daddr 10.9.9.9 drop");
	return 0;
}

/* ---- And how it is taken back, where it was made in spite of the fault ------------------------ */

static int unexpose_with_options(void)
{
	return unexpose("10.128.0.16", 0);
}

static int replace_back(void)
{
	return expose("10.128.0.13", GUEST,
		      NESTNET_EXPOSE_REPLACE | NESTNET_EXPOSE_NO_LOCAL);
}

static int expose_one(void)
{
	return expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_LOCAL);
}

static int expose_all(void)
{
	arrange_exposures();
	return 0;
}

static int delete_new_bridge(void)
{
	return bridge_del("br1", 0);
}

const struct attempt attempts[] = {
	{ "expose, the first", arrange_nothing, first_expose, clear, true },
	{ "expose", arrange_exposures, expose_with_options, unexpose_with_options,
	  false },
	{ "expose --replace", arrange_exposures, replace, replace_back, true },
	{ "unexpose", arrange_exposures, unexpose_one, expose_one, false },
	{ "unexpose --target", arrange_exposures, unexpose_all, expose_all, false },
	{ "nat add", arrange_exposures, add_subnet, delete_subnet, false },
	{ "nat del", arrange_subnets, delete_subnet, add_subnet, false },
	{ "tap add", arrange_bridge, add_full_tap, delete_tap, false },
	{ "bridge add", arrange_bridge, add_full_bridge, delete_new_bridge, false },
	{ "bridge attach", arrange_unattached, attach_foreign, detach_foreign, false },
	{ "bridge detach", arrange_attached, detach_foreign, attach_foreign, false },
	{ "tap del", arrange_attached, delete_tap, add_full_tap, true },
	{ "bridge del", arrange_attached, delete_bridge, NULL, true },
	{ "forward on", arrange_forwarding, turn_on, NULL, false },
	{ "forward off", arrange_turned_on, turn_off, turn_on, false },
	{ "a whole network", arrange_uplinks, make_network, clear, true },
	{ "clear", arrange_network, clear, make_network, true },
	{ "expose --coexist", arrange_blocked, coexist, clear, true },
	{ "unexpose, of --coexist", arrange_coexisting, coexist_no_more, coexist, false },
	{ "a whole state, of --coexist", arrange_displaced, coexist_as_a_whole, displace_again, true },
	{ "clear, of --coexist", arrange_coexisting, clear, coexist_both, true },
	{ "tap add, opened", arrange_guards, add_open_tap, close_tap, false },
};
