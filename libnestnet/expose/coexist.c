/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --coexist: what doctor advises, done. An accept of ours cannot out-vote another's drop
 * from a chain of our own, and so it goes to the head of the chain that drops: of Docker's
 * it is the one which Docker keeps for that, DOCKER-USER. kernel/pass.h has the shape.
 *
 * Packets that might come for a guest and from it are walked through each base chain that
 * they meet when they are forwarded, as if no pass were there; where one is stopped, a pass
 * is wanted. So there are no more than are needed, the same question gives the same answer,
 * and what others have done to our rules since is put right by asking it again.
 *
 * To the guest a pass lets by what comes from anywhere, since our own chain drops all that
 * is not translated. From the guest it lets by only what leaves by an interface that is no
 * place of guests: other bridges stay closed to it, as their owner has it.
 *
 * Nothing is known of a target whose bridge is not there: it is looked at again by the next
 * whole state, which hooks bring about when the bridge comes.
 */

#include "expose/coexist.h"

#include "plan/uplinks.h"

#include "table/exposure-guest.h"

#include "rules/walk.h"

#include "kernel/host.h"
#include "kernel/netlink.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DOCKER_USER "DOCKER-USER"

static const int families[] = { AF_INET, AF_INET6 };

struct wanted {
	struct pass pass;
	bool is_there;
};

/** By which packets leave that are for no guest. */
struct way {
	uint32_t ifindex; /* 0: not there yet */
	const char *name;
};

struct coexist {
	struct plan *plan;
	struct walker *walker;
	const struct inventory *inventory;
	struct uplinks uplinks;
	struct wanted *wanted;
	size_t n;
	struct nestnet_prefix *waiting; /* targets of which nothing is known */
	size_t n_waiting;
};

/* ---- Which targets -------------------------------------------------------------------- */

int coexist_touch(struct plan *plan, const struct exposure *exposure)
{
	if (!(exposure->flags & NESTNET_EXPOSE_COEXIST))
		return 0;
	return plan_add_coexist(plan, &exposure->target.prefix);
}

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	return coexist_touch(userdata, exposure);
}

struct leftovers {
	struct plan *plan;
	int family;
};

/* Of exposures that may have ended by themselves. */
static int take_leftover(void *userdata, const struct nft_element *element)
{
	const struct leftovers *leftovers = userdata;
	struct nestnet_address first = { .family = leftovers->family }, last = first;
	struct nestnet_prefix target;

	memcpy(first.bytes, element->key, address_len(first.family));
	memcpy(last.bytes, element->key_end, address_len(last.family));
	target = prefix_of_address(&first);
	(void)prefix_from_range(&first, &last, &target);
	return plan_add_coexist(leftovers->plan, &target);
}

static int found(void *userdata, const struct nft_element *element)
{
	(void)userdata;
	(void)element;
	return 1;
}

/* Of a whole state: every target that there is, or that was there before. */
static int gather_all(struct plan *plan)
{
	static const enum ruleset_set sets[] = { RULESET_COEXIST_TIMED,
						 RULESET_COEXIST_PREF };
	int r = 0;

	if (exposure_any_coexists(plan->elements))
		r = exposure_each(plan->elements, take_exposure, plan, plan_error(plan));
	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		struct leftovers leftovers = { .plan = plan, .family = families[f] };

		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
			r = elements_each(plan->elements, sets[i], families[f],
					  take_leftover, &leftovers);
		if (r == 0 && elements_each_before(plan->elements, RULESET_COEXIST,
						   families[f], found, NULL) == 1)
			plan->coexists_all = true;
	}
	plan->coexists_all |= plan->n_coexist > 0;
	return r;
}

static int compare_targets(const void *a, const void *b)
{
	const struct nestnet_prefix *x = a, *y = b;
	int r = address_compare(&x->address, &y->address);

	return r != 0 ? r : (int)x->len - (int)y->len;
}

static void sort_targets(struct plan *plan)
{
	struct nestnet_prefix *targets = plan->coexist;
	size_t n = 0;

	if (plan->n_coexist == 0)
		return;
	qsort(targets, plan->n_coexist, sizeof(*targets), compare_targets);
	for (size_t i = 1; i < plan->n_coexist; i++) {
		if (compare_targets(&targets[n], &targets[i]) != 0)
			targets[++n] = targets[i];
	}
	plan->n_coexist = n + 1;
}

static bool has_target(const struct nestnet_prefix *targets, size_t n,
		       const struct nestnet_prefix *target)
{
	return n > 0 && bsearch(target, targets, n, sizeof(*targets), compare_targets);
}

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
	struct wanted *grown = coexist->wanted, *wanted;
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
	*wanted = (struct wanted){ .pass = { .family = chain->family,
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

static bool is_met(const struct foreign_chain *chain)
{
	return chain->is_base && chain->hook == NFT_HOOK_FORWARD && !chain->is_nat &&
	       (chain->family == FOREIGN_INET || chain->family == FOREIGN_IP ||
		chain->family == FOREIGN_IP6);
}

/* ---- Targets -------------------------------------------------------------------------- */

static int wait_for_bridge(struct coexist *coexist, const struct nestnet_prefix *target)
{
	coexist->waiting[coexist->n_waiting++] = *target;
	return 0;
}

static int say_waiting(const struct coexist *coexist)
{
	char text[NESTNET_TEXT_MAX], more[48] = "";

	if (coexist->n_waiting == 0)
		return 0;
	if (coexist->n_waiting > 1)
		snprintf(more, sizeof(more), " and %zu more",
			 coexist->n_waiting - 1);
	return plan_say(
		coexist->plan,
		"--coexist: no bridge leads to %s%s yet; the next apply, or the same "
		"expose again, looks anew",
		nestnet_prefix_format(&coexist->waiting[0], text), more);
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

static int plan_target(struct coexist *coexist, const struct nestnet_prefix *target)
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

		if (!is_met(chain) || !walk_is_met(chain, &bridge, WALK_IP))
			continue;
		r = want_inbound(coexist, chain, target, &bridge);
		if (r == 0)
			r = want_outbound(coexist, chain, target, &bridge);
	}
	return r;
}

static int plan_targets(struct coexist *coexist)
{
	const struct plan *plan = coexist->plan;
	int r = 0;

	coexist->waiting = calloc(plan->n_coexist + 1, sizeof(*coexist->waiting));
	if (!coexist->waiting)
		return error_set_errno(plan_error(coexist->plan), ENOMEM);
	for (size_t i = 0; r == 0 && i < plan->n_coexist; i++)
		r = plan_target(coexist, &plan->coexist[i]);
	return r < 0 ? r : say_waiting(coexist);
}

/* ---- The difference ------------------------------------------------------------------- */

static bool is_wanted(struct coexist *coexist, const struct pass *pass)
{
	for (size_t i = 0; i < coexist->n; i++) {
		struct wanted *wanted = &coexist->wanted[i];

		if (!wanted->is_there && pass_equal(&wanted->pass, pass)) {
			wanted->is_there = true;
			return true;
		}
	}
	return false;
}

/* One that is somewhere else than at the head is as good as none. */
static bool is_to_go(struct coexist *coexist, const struct foreign_chain *chain,
		     const struct foreign_rule *rule, bool is_at_head)
{
	const struct plan *plan = coexist->plan;
	struct pass pass;

	if (!rule->is_pass || !pass_read(chain, rule, &pass) ||
	    has_target(coexist->waiting, coexist->n_waiting, &pass.guest))
		return false;
	if (!plan->coexists_all &&
	    !has_target(plan->coexist, plan->n_coexist, &pass.guest))
		return false;
	return !is_at_head || !is_wanted(coexist, &pass);
}

static int delete_pass(struct plan *plan, const struct foreign_chain *chain,
		       const struct foreign_rule *rule, uint64_t next)
{
	char text[PASS_TEXT_MAX];
	struct pass pass;
	int r;

	(void)pass_read(chain, rule, &pass);
	r = elements_delete_pass(plan->elements, &pass, rule->handle, next,
				 plan_error(plan));
	return r < 0 ? r : plan_note(plan, '-', "%s", pass_text(&pass, text));
}

/* From the end on, so that it is known what comes behind each that goes. */
static int plan_chain(struct coexist *coexist, const struct foreign_chain *chain)
{
	_cleanup_free_ uint64_t *next = calloc(chain->n + 1, sizeof(*next));
	_cleanup_free_ bool *is_gone = calloc(chain->n + 1, sizeof(*is_gone));
	bool is_at_head = true;
	int r = 0;

	if (!next || !is_gone)
		return error_set_errno(plan_error(coexist->plan), ENOMEM);
	for (size_t i = 0; i < chain->n; i++) {
		is_gone[i] = is_to_go(coexist, chain, &chain->rules[i], is_at_head);
		is_at_head = is_at_head && chain->rules[i].is_pass;
	}
	for (size_t i = chain->n; i-- > 0;)
		next[i] = is_gone[i] ? next[i + 1] : chain->rules[i].handle;
	for (size_t i = 0; r == 0 && i < chain->n; i++) {
		if (is_gone[i])
			r = delete_pass(coexist->plan, chain, &chain->rules[i], next[i]);
	}
	return r;
}

/* What is not for good; the script `coexist` has it so. */
static int say_reload(struct plan *plan, const struct pass *pass, bool *is_said)
{
	if (*is_said || strcmp(pass->table, "firewalld") != 0)
		return 0;
	*is_said = true;
	return plan_say(
		plan,
		"--coexist: a reload of firewalld takes the rules in its table away; "
		"nestnet's script coexist has firewalld keep them, and an apply puts "
		"them back");
}

static int plan_difference(struct coexist *coexist)
{
	const struct foreign *foreign = walker_chains(coexist->walker);
	struct plan *plan = coexist->plan;
	char text[PASS_TEXT_MAX];
	bool is_said = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < foreign->n; i++)
		r = plan_chain(coexist, &foreign->chains[i]);
	for (size_t i = coexist->n; r == 0 && i-- > 0;) {
		const struct pass *pass = &coexist->wanted[i].pass;

		if (coexist->wanted[i].is_there)
			continue;
		r = elements_insert_pass(plan->elements, pass, plan_error(plan));
		if (r == 0)
			r = plan_note(plan, '+', "%s", pass_text(pass, text));
		if (r == 0)
			r = say_reload(plan, pass, &is_said);
	}
	return r;
}

/* ---- All of it ------------------------------------------------------------------------ */

/* The rules of every table in which a pass could be. */
static int load_rules(struct coexist *coexist)
{
	const struct foreign *foreign = walker_chains(coexist->walker);
	int r = 0;

	for (size_t i = 0; r == 0 && i < foreign->n; i++) {
		if (is_met(&foreign->chains[i]))
			r = walker_load(coexist->walker, &foreign->chains[i]);
	}
	return r;
}

static int plan_passes(struct coexist *coexist)
{
	struct plan *plan = coexist->plan;
	int r = elements_open(plan->elements, plan_error(plan));

	/* What is read from here on is of the generation that the commit names, or the commit
	 * is refused. */
	if (r >= 0)
		r = walker_new(plan->ctx, &coexist->walker);
	if (r < 0)
		return r;
	walker_ignore_passes(coexist->walker);
	r = load_rules(coexist);
	if (r == 0)
		r = plan_inventory(plan, &coexist->inventory);
	if (r == 0)
		r = uplinks_read(plan->ctx, &coexist->uplinks);
	if (r == 0)
		r = plan_targets(coexist);
	return r < 0 ? r : plan_difference(coexist);
}

int coexist_plan(struct plan *plan)
{
	struct coexist coexist = { .plan = plan };
	int r = plan->wanted ? gather_all(plan) : 0;

	if (r < 0 || (plan->n_coexist == 0 && !plan->coexists_all))
		return r;
	sort_targets(plan);
	r = plan_passes(&coexist);
	walker_free(coexist.walker);
	free(coexist.wanted);
	free(coexist.waiting);
	return r < 0 ? error_prefix(plan_error(plan), "--coexist") : 0;
}
