/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --coexist: which passes a target needs. */

#include "expose/coexist-plan.h"

#include "table/exposure-guest.h"

#include "kernel/host.h"
#include "kernel/netlink.h"
#include "kernel/route.h"

#include "base/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DOCKER_USER "DOCKER-USER"

/* By which packets leave that are for no guest. */
struct way {
	uint32_t ifindex; /* 0: not there yet */
	const char *name;
};

/* ---- A target's way ------------------------------------------------------------------- */

/* Where packets for the target go: its bridge, which may be one that this plan makes.
 * @return 1, and the name; 0: nowhere yet; or a negative errno */
static int find_bridge(struct coexist *coexist, const struct nestnet_prefix *target,
		       struct probe *ret)
{
	struct plan *plan = coexist->plan;
	const struct plan_born *born = plan_find_born_for(plan, &target->address);
	const struct inventory_link *link;
	struct route route = { .ifindex = 0 };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && born) {
		snprintf(ret->oifname, sizeof(ret->oifname), "%s", born->name);
		return 1;
	}
	if (r == 0)
		r = route_get(nl, &target->address, &route, plan_error(plan));
	if (r <= 0)
		return r;
	link = inventory_find(coexist->inventory, route.ifindex);
	if (!link || route.is_local)
		return 0;
	/* Behind the default route's gateway is no guest. */
	if (uplinks_have(&coexist->uplinks, route.ifindex) &&
	    route.gateway.family != AF_UNSPEC)
		return 0;
	ret->oif = route.ifindex;
	snprintf(ret->oifname, sizeof(ret->oifname), "%s", link->link.name);
	return 1;
}

/* The interface by which packets leave that are for no guest, once the plan is done: this
 * one, or the bridge that takes its addresses. @return false: neither */
static bool find_way_out(const struct coexist *coexist, const struct link *link,
			 struct way *ret)
{
	const struct objects *wanted = coexist->plan->wanted;
	const struct request *port =
		wanted ? objects_find_port(wanted, link->name) : NULL;
	bool is_uplink = uplinks_have(&coexist->uplinks, link->ifindex);
	const struct inventory_link *bridge;

	*ret = (struct way){ .ifindex = link->ifindex, .name = link->name };
	if (port && port->kind == REQUEST_ATTACH) {
		bridge = inventory_find_name(coexist->inventory, port->attach.bridge);
		*ret = (struct way){ .ifindex = bridge ? bridge->link.ifindex : 0,
				     .name = port->attach.bridge };
		return is_uplink && port->attach.flags & NESTNET_ATTACH_MOVE_ADDRESSES;
	}
	if (is_uplink)
		return true;
	return !port && link->kind != LINK_BRIDGE && link->kind != LINK_TAP &&
	       link->master == 0 && link->ifindex != LINK_LOOPBACK;
}

/* ---- What is wanted ------------------------------------------------------------------- */

static int want(struct coexist *coexist, const struct foreign_chain *chain,
		const struct nestnet_prefix *guest, const char *iifname,
		const char *oifname)
{
	struct coexist_pass *grown = coexist->wanted, *wanted;
	size_t n = coexist->n;

	if (strlen(chain->table) >= PASS_NAME_SIZE ||
	    strlen(chain->name) >= PASS_NAME_SIZE)
		return 0;
	if ((n & (n - 1)) == 0)
		grown = reallocarray(grown, n ? n * 2 : 1, sizeof(*grown));
	if (!grown)
		return error_set_errno(plan_error(coexist->plan), ENOMEM);
	coexist->wanted = grown;
	wanted = &grown[coexist->n++];
	*wanted = (struct coexist_pass){ .pass = { .family = chain->family,
						   .guest = prefix_network(guest),
						   .is_source = iifname } };
	snprintf(wanted->pass.table, PASS_NAME_SIZE, "%s", chain->table);
	snprintf(wanted->pass.chain, PASS_NAME_SIZE, "%s", chain->name);
	snprintf(wanted->pass.iifname, NESTNET_IFNAMSIZ, "%s", iifname ? iifname : "");
	snprintf(wanted->pass.oifname, NESTNET_IFNAMSIZ, "%s", oifname);
	return 0;
}

static bool jumps_to(const struct foreign_rule *rule, const char *chain)
{
	for (size_t i = 0; i < rule->n; i++) {
		const struct foreign_op *op = &rule->ops[i];

		if (op->kind == FOREIGN_END)
			return op->verdict == FOREIGN_JUMP && op->name &&
			       strcmp(op->name, chain) == 0;
		if (op->kind != FOREIGN_NOTHING)
			return false;
	}
	return false;
}

/* Where in a base chain a pass goes: where everything is jumped to first, if that is the
 * place for such rules. */
static const struct foreign_chain *find_place(const struct coexist *coexist,
					      const struct foreign_chain *base)
{
	const struct foreign_chain *user = foreign_find(
		walker_chains(coexist->walker), base->family, base->table, DOCKER_USER);
	size_t first = 0;

	while (first < base->n && base->rules[first].is_pass)
		first++;
	return user && first < base->n && jumps_to(&base->rules[first], DOCKER_USER)
		       ? user
		       : base;
}

/* What comes for the guest: translated, by any way, and from its neighbours on the bridge. */
static int want_inbound(struct coexist *coexist, const struct foreign_chain *base,
			const struct nestnet_prefix *target, const struct probe *bridge)
{
	struct probe probe;
	struct way way;
	int r = 0;

	probe_begin(&probe, target->address.family, IPPROTO_TCP);
	probe_set_destination(&probe, target);
	probe.is_dnat = true;
	probe.oif = bridge->oif;
	memcpy(probe.oifname, bridge->oifname, sizeof(probe.oifname));
	for (size_t i = 0; r == 0 && i < coexist->inventory->n; i++) {
		const struct link *link = &coexist->inventory->links[i].link;

		if (!find_way_out(coexist, link, &way) && link->ifindex != bridge->oif)
			continue;
		probe.iif = way.ifindex;
		snprintf(probe.iifname, sizeof(probe.iifname), "%s", way.name);
		r = walker_stops(coexist->walker, &probe, base);
	}
	if (r <= 0)
		return r;
	return want(coexist, find_place(coexist, base), target, NULL, bridge->oifname);
}

/* @return 1: an answer of the guest, or what it begins itself, is stopped; 0; or -errno */
static int stops_outbound(struct coexist *coexist, const struct foreign_chain *base,
			  const struct nestnet_prefix *target, const struct probe *bridge,
			  const struct way *way)
{
	struct probe probe;
	int r;

	probe_begin(&probe, target->address.family, IPPROTO_TCP);
	probe_set_source_prefix(&probe, target);
	probe.iif = bridge->oif;
	memcpy(probe.iifname, bridge->oifname, sizeof(probe.iifname));
	probe.oif = way->ifindex;
	snprintf(probe.oifname, sizeof(probe.oifname), "%s", way->name);
	probe.state = FOREIGN_STATE_ESTABLISHED;
	probe.is_dnat = probe.is_reply = true;
	r = walker_stops(coexist->walker, &probe, base);
	if (r != 0 || strcmp(way->name, bridge->oifname) == 0)
		return r; /* on its bridge a guest needs nobody's leave to begin */
	probe.state = FOREIGN_STATE_NEW;
	probe.is_dnat = probe.is_reply = false;
	return walker_stops(coexist->walker, &probe, base);
}

static int want_outbound(struct coexist *coexist, const struct foreign_chain *base,
			 const struct nestnet_prefix *target, const struct probe *bridge)
{
	const struct foreign_chain *place = find_place(coexist, base);
	struct way way = { .ifindex = bridge->oif, .name = bridge->oifname };
	int r = stops_outbound(coexist, base, target, bridge, &way);

	if (r == 1)
		r = want(coexist, place, target, bridge->oifname, bridge->oifname);
	for (size_t i = 0; r == 0 && i < coexist->inventory->n; i++) {
		const struct link *link = &coexist->inventory->links[i].link;

		if (!find_way_out(coexist, link, &way) ||
		    strcmp(way.name, bridge->oifname) == 0)
			continue;
		r = stops_outbound(coexist, base, target, bridge, &way);
		if (r == 1)
			r = want(coexist, place, target, bridge->oifname, way.name);
	}
	return r;
}

/* ---- A target ------------------------------------------------------------------------- */

static int wait_for_bridge(struct coexist *coexist, const struct nestnet_prefix *target)
{
	coexist->waiting[coexist->n_waiting++] = *target;
	return 0;
}

static int say_legacy(struct coexist *coexist, const struct nestnet_prefix *target,
		      const struct probe *bridge)
{
	struct nestnet *ctx = coexist->plan->ctx;
	int family = target->address.family, back, r;
	char tables[128], text[NESTNET_TEXT_MAX];

	if (coexist->plan->wanted)
		return 0;
	r = context_enter(ctx, &back);
	if (r < 0)
		return r;
	r = host_legacy_tables(family, tables, sizeof(tables));
	if (context_leave(ctx, back, 0) < 0)
		return -ctx->error.code;
	if (r != 1)
		return 0;
	return plan_say(
		coexist->plan,
		"--coexist: rules of iptables-legacy cannot be written from here; "
		"nestnet's script coexist does it, or %s-legacy -I FORWARD -d %s "
		"-o %s -m comment --comment nestnet -j ACCEPT",
		family == AF_INET6 ? "ip6tables" : "iptables",
		nestnet_prefix_format(target, text), bridge->oifname);
}

int coexist_want(struct coexist *coexist, const struct nestnet_prefix *target)
{
	const struct foreign *foreign = walker_chains(coexist->walker);
	struct probe bridge = { .family = target->address.family };
	int r = guest_coexists(coexist->plan->elements, target,
			       plan_error(coexist->plan));

	if (r == 1)
		r = find_bridge(coexist, target, &bridge);
	else
		return r;
	if (r <= 0)
		return r < 0 ? r : wait_for_bridge(coexist, target);
	r = say_legacy(coexist, target, &bridge);
	for (size_t i = 0; r == 0 && i < foreign->n; i++) {
		const struct foreign_chain *chain = &foreign->chains[i];

		if (!coexist_is_met(chain) || !walk_is_met(chain, &bridge, WALK_IP))
			continue;
		r = want_inbound(coexist, chain, target, &bridge);
		if (r == 0)
			r = want_outbound(coexist, chain, target, &bridge);
	}
	return r;
}
