/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving the addresses and routes of a port to its bridge, under open connections.
 *
 * Once an interface is a bridge's port, what arrives on it arrives on the bridge. The host
 * takes what is for any of its addresses on any interface, and sends by whichever route
 * comes first. So nothing is ever taken away before its replacement is in use:
 *
 *	1. the addresses are added to the bridge, beside those on the port: from now on the
 *	   bridge would answer ARP and neighbour solicitations for them;
 *	2. the interface becomes a port: what is for its Ethernet address arrives on the
 *	   bridge, and what leaves goes by the old routes, straight out of the port;
 *	3. the bridge is waited for, until the kernel sends by it: a bridge that had no port
 *	   drops what it is given for some microseconds after it got one;
 *	4. known neighbours are copied, so that nothing waits for ARP, and asked at once;
 *	5. the routes are added behind the old ones, which are deleted: the new ones are used;
 *	6. the addresses are deleted on the port.
 *
 * Back it goes 1, 4, 5, 2, 6: what leaves goes straight out of the port before the port
 * leaves the bridge, which would take the bridge's way out. In between only step 2 loses
 * packets, those that arrive in the microseconds in which the kernel has the port shut;
 * and with a strict rp_filter those that arrive between steps 2 and 5, either way.
 *
 * Ethernet addresses. The bridge keeps its own (it has one for life), so that neighbours
 * see L1 at a new one. Those who have the port's in their caches go on reaching L1, since a
 * bridge takes what is for any of its ports; and they learn the bridge's from its own
 * questions. The other way round they would send to the bridge's, which is then on the wire
 * no more: so after step 1 the port announces its addresses (gratuitous ARP), where it can
 * be reached while it is in the bridge too, and once more at the end. Without CAP_NET_RAW
 * the questions of step 4 must do, which a neighbour that has learned within the last
 * second passes over. Where the network admits no other Ethernet address than the port's,
 * or DHCP hands out by it, make the bridge with --mac and that address: then no one
 * notices anything.
 *
 * What is moved is what the kernel tells of the port (kernel/copy.h). IPv6 link-local
 * addresses stay, as each interface has its own; a connection by them cannot be moved.
 * Temporary addresses (RFC 8981) become ordinary ones with the same lifetimes.
 *
 * The record in `found` is "moved=BRIDGE keep=PREFIX,...", of the port: keep are the
 * addresses that were the bridge's own, and the destinations of its own routes, which stay
 * when the rest goes back. What was renewed meanwhile (DHCP, on the bridge) goes back too.
 * It is written before step 1, and forgotten after the way back. A process killed between
 * any two steps leaves what can be finished in either direction by the next attach,
 * detach or clear: each step passes over what is there or gone already. Connections stay
 * alive meanwhile, but not for ever where it ended between 2 and 5: ARP is answered to the
 * bridge then and asked by the port, whose cache runs out after a minute or so; and a
 * strict rp_filter drops what arrives.
 */

#include "move.h"

#include "move-state.h"

#include "plan/setting.h"

#include "kernel/announce.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* How long the other side may take to be ready: 500 times 2 ms. The kernel's worker for
 * carriers comes round at least once a second. */
#define READY_TRIES    500
#define READY_PAUSE_NS 2000000

/* Of a local route for a prefix (an alias), addresses up to a /24 are announced. */
#define ANNOUNCED_BITS 8

void move_free(struct move *move)
{
	if (!move)
		return;
	copies_free(move->copies);
	free(move);
}

bool move_is_back(const struct move *move)
{
	return move->is_back;
}

void move_set_bridge(struct move *move, const struct link *bridge)
{
	if (!move->is_back)
		move->to = move_end(bridge);
	move->has_stp = bridge->has_stp;
}

/* ---- The steps -------------------------------------------------------------------------------- */

int move_give_addresses(struct plan *plan, struct move *move)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	return copies_give(nl, move->copies, COPY_ADDRESS, &move->to, plan_error(plan));
}

/* The bridge's MTU follows its ports', unless it was set: what is larger than the port
 * takes would be lost without a word. */
static int check_mtu(struct plan *plan, const struct move *move, const struct link *bridge)
{
	if (move->is_back || bridge->mtu <= move->port.mtu)
		return 0;
	return error_set(plan_error(plan), EBUSY,
			 "%s has an MTU of %u, and it has %u (ip link set %s mtu %u)",
			 bridge->name, bridge->mtu, move->port.mtu, bridge->name,
			 move->port.mtu);
}

/* @return 1: it can send, and its addresses can be sent from; 0; or a negative errno */
static int is_ready(struct plan *plan, struct netlink *nl, const struct move *move,
		    const struct copy_end *end)
{
	bool needs_carrier = !move->is_back && !move->has_stp && move->port.is_running;
	struct link link;
	int r = link_get_by_index(nl, end->ifindex, &link, plan_error(plan));

	if (r == 0)
		r = error_set_errno(plan_error(plan), ENODEV);
	if (r > 0 && end == &move->to)
		r = check_mtu(plan, move, &link);
	if (r < 0 || (needs_carrier && !link.is_running))
		return r;
	r = copies_are_tentative(nl, end, plan_error(plan));
	return r < 0 ? r : !r;
}

/* What is not ready by then is given up on: connections have to wait for it in any case. */
static int wait_until_ready(struct plan *plan, struct netlink *nl, const struct move *move,
			    const struct copy_end *end)
{
	const struct timespec pause = { .tv_nsec = READY_PAUSE_NS };
	int r = is_ready(plan, nl, move, end);

	for (unsigned int try = 1; r == 0 && try < READY_TRIES; try++) {
		(void)nanosleep(&pause, NULL);
		r = is_ready(plan, nl, move, end);
	}
	return r < 0 ? r : 0;
}

int move_routes(struct plan *plan, struct move *move)
{
	struct error *error = plan_error(plan);
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = wait_until_ready(plan, nl, move, &move->to);
	if (r == 0)
		r = copies_settle(nl, move->copies, &move->to, error);
	if (r == 0)
		r = copies_give(nl, move->copies, COPY_NEIGHBOUR, &move->to, error);
	if (r == 0)
		r = copies_give(nl, move->copies, COPY_ROUTE, &move->to, error);
	if (r == 0)
		r = copies_take(nl, move->copies, COPY_ROUTE, error);
	return r;
}

int move_take_addresses(struct plan *plan, struct move *move)
{
	struct error *error = plan_error(plan);
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = copies_take(nl, move->copies, COPY_NEIGHBOUR, error);
	return r < 0 ? r : copies_take(nl, move->copies, COPY_ADDRESS, error);
}

int move_undo_routes(struct plan *plan, struct move *move)
{
	struct error *error = plan_error(plan);
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = copies_restore(nl, move->copies, COPY_ADDRESS, error);
	if (r == 0)
		r = wait_until_ready(plan, nl, move, &move->from);
	if (r == 0)
		r = copies_settle(nl, move->copies, &move->from, error);
	if (r == 0)
		r = copies_restore(nl, move->copies, COPY_NEIGHBOUR, error);
	if (r == 0)
		r = copies_restore(nl, move->copies, COPY_ROUTE, error);
	if (r == 0)
		r = copies_revoke(nl, move->copies, COPY_ROUTE, &move->to, error);
	return r < 0 ? r
		     : copies_revoke(nl, move->copies, COPY_NEIGHBOUR, &move->to, error);
}

int move_undo_addresses(struct plan *plan, struct move *move)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r < 0)
		return r;
	return copies_revoke(nl, move->copies, COPY_ADDRESS, &move->to, plan_error(plan));
}

/* ---- Telling the neighbours ------------------------------------------------------------------- */

/* Each address of an IPv4 prefix; a local route is answered for as a whole. */
static void announce_prefix(int fd, const struct link *port,
			    const struct nestnet_prefix *prefix, bool is_router)
{
	struct nestnet_address address = prefix_network(prefix).address;
	unsigned int bits = address_bits(address.family) - prefix->len;
	uint8_t *last = &address.bytes[address_len(address.family) - 1];

	if (bits > ANNOUNCED_BITS)
		return;
	for (unsigned int i = 0; i < 1u << bits; i++, ++*last)
		(void)announce_address(fd, port->ifindex, port->mac, &address, is_router);
}

static int open_announcer(struct plan *plan)
{
	int back, fd, r = context_enter(plan->ctx, &back);

	if (r < 0)
		return -1;
	fd = announce_open();
	(void)context_leave(plan->ctx, back, 0);
	return fd;
}

void move_announce(struct plan *plan, const struct move *move)
{
	struct error first = plan->ctx->error;
	_cleanup_close_ int fd = open_announcer(plan);
	int is_router = 0;

	(void)setting_read(plan, AF_INET6, move->port.name, "forwarding", &is_router);
	plan->ctx->error = first;
	for (size_t i = 0; fd >= 0 && i < copies_count(move->copies); i++) {
		const struct copy_item *item = copies_item(move->copies, i);

		if (move_has(item, COPY_ADDRESS))
			(void)announce_address(fd, move->port.ifindex, move->port.mac,
					       &item->prefix.address, is_router);
		else if (move_has(item, COPY_ROUTE) && item->is_local &&
			 item->prefix.address.family == AF_INET)
			announce_prefix(fd, &move->port, &item->prefix, is_router);
	}
}
