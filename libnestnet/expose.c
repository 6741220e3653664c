/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exposures: what their requests change.
 *
 * An exposure of an address or a port is planned by asking for its own key and its
 * target's, and by nothing else: the cost is the same with ten present or a hundred
 * thousand. Ranges and prefixes are intervals: all of them are read, and overlaps are
 * refused here, since the kernel would accept some of them. Neither alias nor target need
 * exist.
 */

#include "expose.h"

#include "closing.h"
#include "expose-flows.h"
#include "exposure-guest.h"
#include "exposure.h"
#include "inventory.h"

#include "kernel/listener.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- As commands ---------------------------------------------------------------------------- */

static const char *egress_name(enum nestnet_egress egress)
{
	switch (egress) {
	case NESTNET_EGRESS_MASQUERADE:
		return "masquerade";
	case NESTNET_EGRESS_ALIAS:
		return "alias";
	case NESTNET_EGRESS_NONE:
		return "none";
	}
	return "";
}

/* The target without the port where that is the alias's. */
static const char *format_target(const struct exposure *exposure, char *buf)
{
	struct nestnet_endpoint target = exposure->target;

	if (target.first_port == exposure->alias.first_port)
		target.first_port = target.last_port = 0;
	return nestnet_endpoint_format(&target, buf);
}

/* Room for the options of any command: the exceptions are the most of it. */
#define OPTIONS_SIZE 1024

/* --except 22/tcp for each */
static void format_excepts(const struct exposure *exposure, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < exposure->n_except && used < size; i++) {
		const struct nestnet_endpoint *except = &exposure->except[i];

		used += (size_t)snprintf(buf + used, size - used, " --except %u",
					 except->first_port);
		if (except->last_port != except->first_port && used < size)
			used += (size_t)snprintf(buf + used, size - used, "-%u",
						 except->last_port);
		if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "/%s",
						 protocol_name(except->protocol));
	}
}

/* --from PREFIX for each */
static void format_from(const struct exposure *exposure, char *buf, size_t size)
{
	char text[NESTNET_TEXT_MAX];
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < exposure->n_from && used < size; i++) {
		const struct nestnet_prefix *from = &exposure->from[i];

		used += (size_t)snprintf(buf + used, size - used, " --from %s/%u",
					 nestnet_address_format(&from->address, text),
					 from->len);
	}
}

static void format_options(const struct exposure *exposure, char *buf, size_t size)
{
	bool has_egress = exposure->egress != NESTNET_EGRESS_MASQUERADE;
	uint64_t ms = exposure->expires_ms ? exposure->expires_ms : exposure->timeout_ms;
	char excepts[OPTIONS_SIZE / 4], from[OPTIONS_SIZE / 2], timeout[32] = "";

	format_excepts(exposure, excepts, sizeof(excepts));
	format_from(exposure, from, sizeof(from));
	if (ms)
		snprintf(timeout, sizeof(timeout), " --timeout %llus",
			 (unsigned long long)(ms + 999) / 1000);
	snprintf(buf, size, "%s%s%s%s%s%s%s%s%s%s", has_egress ? " --egress " : "",
		 has_egress ? egress_name(exposure->egress) : "",
		 exposure->flags & NESTNET_EXPOSE_NO_LOCAL ? " --no-local" : "",
		 exposure->flags & NESTNET_EXPOSE_OPEN ? " --open" : "", from, excepts,
		 timeout,
		 exposure->comment[0] ? " --comment '" : "", exposure->comment,
		 exposure->comment[0] ? "'" : "");
}

static int note_exposure(struct plan *plan, const struct exposure *exposure)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX], options[OPTIONS_SIZE];

	format_options(exposure, options, sizeof(options));
	return plan_note(plan, '+', "expose %s %s%s",
			 nestnet_endpoint_format(&exposure->alias, alias),
			 format_target(exposure, target), options);
}

/* A removal as the command whose effect is taken back. */
static int note_removal(struct plan *plan, const struct exposure *exposure)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX], options[OPTIONS_SIZE];

	format_options(exposure, options, sizeof(options));
	return plan_note(plan, '-', "expose %s %s%s",
			 nestnet_endpoint_format(&exposure->alias, alias),
			 format_target(exposure, target), options);
}

/* ---- What is L1's own ------------------------------------------------------------------------ */

/* A whole alias that is an interface's primary address would take L1's own traffic. */
static int refuse_primary(struct plan *plan, const struct nestnet_address *alias,
			  const struct route *route)
{
	struct error *error = plan_error(plan);
	struct nestnet_address source;
	char text[NESTNET_TEXT_MAX];
	struct netlink *nl;
	struct link link;
	int r;

	/* What is on the loopback interface is nobody's primary address. */
	if (!route->is_interface || route->ifindex <= 1)
		return 0;
	r = context_route(plan->ctx, &nl);
	if (r == 0)
		r = route_get_source(nl, alias->family, route->ifindex, &source, error);
	if (r <= 0 || !address_equal(&source, alias))
		return r < 0 ? r : 0;

	r = link_get_by_index(nl, route->ifindex, &link, error);
	if (r < 0)
		return r;
	return error_set(error, EADDRINUSE,
			 "%s is the primary address of %s, by which L1 itself is reached "
			 "(--force exposes it all the same)",
			 nestnet_address_format(alias, text), r == 1 ? link.name : "L1");
}

static int refuse_listening(struct plan *plan, const struct nestnet_endpoint *alias,
			    const struct route *route)
{
	struct netlink *nl;
	int r;

	if (!route->is_local)
		return 0;
	r = context_sockets(plan->ctx, &nl);
	if (r == 0)
		r = listener_get(nl, &alias->prefix.address, alias->protocol,
				 alias->first_port, plan_error(plan));
	if (r <= 0)
		return r;
	return error_set(plan_error(plan), EADDRINUSE,
			 "a program on L1 listens there (--force exposes it all the same)");
}

static int refuse_own_address(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct netlink *nl;
	struct route route;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = route_get(nl, &alias->prefix.address, &route, plan_error(plan));
	if (r <= 0)
		return r;
	return alias->first_port ? refuse_listening(plan, alias, &route)
				 : refuse_primary(plan, &alias->prefix.address, &route);
}

/* A range may be of many ports: those of an address that is L1's are asked for each. */
static int refuse_own_range(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct nestnet_endpoint one = *alias;
	struct netlink *nl;
	struct route route;
	int r = context_route(plan->ctx, &nl);

	if (r == 0)
		r = route_get(nl, &alias->prefix.address, &route, plan_error(plan));
	if (r <= 0 || !route.is_local)
		return r < 0 ? r : 0;
	for (unsigned int port = alias->first_port; port <= alias->last_port; port++) {
		one.first_port = one.last_port = (uint16_t)port;
		r = refuse_listening(plan, &one, &route);
		if (r < 0)
			return error_prefix(plan_error(plan), "port %u", port);
	}
	return 0;
}

/* A prefix takes whatever address of an interface is in it. */
static int refuse_own_prefix(struct plan *plan, const struct nestnet_prefix *prefix)
{
	struct inventory inventory;
	int r = inventory_load(plan->ctx, &inventory);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < inventory.n; i++) {
		const struct inventory_link *link = &inventory.links[i];

		for (size_t j = 0; r == 0 && j < link->n_addresses; j++) {
			const struct nestnet_address *address = &link->addresses[j].address;
			const struct nestnet_endpoint one = {
				.prefix = prefix_of_address(address)
			};

			if (prefix_contains(prefix, address))
				r = refuse_own_address(plan, &one);
		}
	}
	inventory_clear(&inventory);
	return r;
}

/* A port of every address: L1 listens there on the wildcard, or on its primary address. */
static int refuse_own_port(struct plan *plan, const struct nestnet_endpoint *alias, int family)
{
	struct nestnet_endpoint one = *alias;
	const struct route local = { .is_local = true };
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	one.prefix.address = (struct nestnet_address){ .family = family };
	if (r == 0)
		r = refuse_listening(plan, &one, &local);
	if (r == 0)
		r = route_get_source(nl, family, 0, &one.prefix.address, plan_error(plan));
	return r == 1 ? refuse_listening(plan, &one, &local) : r;
}

static int refuse_own(struct plan *plan, const struct nestnet_endpoint *alias, int family)
{
	switch (endpoint_shape(alias)) {
	case ENDPOINT_ADDRESS:
	case ENDPOINT_PORT:
		return refuse_own_address(plan, alias);
	case ENDPOINT_PREFIX:
		return refuse_own_prefix(plan, &alias->prefix);
	case ENDPOINT_ANY:
		return refuse_own_port(plan, alias, family);
	case ENDPOINT_RANGE:
		break;
	}
	return refuse_own_range(plan, alias);
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

static bool has_same_excepts(const struct exposure *a, const struct exposure *b)
{
	if (a->n_except != b->n_except)
		return false;
	for (size_t i = 0; i < a->n_except; i++) {
		const struct nestnet_endpoint *x = &a->except[i], *y = &b->except[i];

		if (x->protocol != y->protocol || x->first_port != y->first_port ||
		    x->last_port != y->last_port)
			return false;
	}
	return true;
}

static bool has_same_from(const struct exposure *a, const struct exposure *b)
{
	if (a->n_from != b->n_from)
		return false;
	for (size_t i = 0; i < a->n_from; i++) {
		if (!prefix_equal(&a->from[i], &b->from[i]))
			return false;
	}
	return true;
}

/* That one is for a time and how long it still has are two things: only the first counts. */
static bool is_same(const struct exposure *a, const struct exposure *b)
{
	return endpoint_equal(&a->target, &b->target) && a->flags == b->flags &&
	       has_same_excepts(a, b) && has_same_from(a, b) &&
	       a->egress == b->egress && strcmp(a->comment, b->comment) == 0 &&
	       !a->timeout_ms == !b->timeout_ms;
}

static int refuse_other(struct plan *plan, const struct exposure *present,
			const struct exposure *wanted)
{
	char target[NESTNET_TEXT_MAX], options[OPTIONS_SIZE];

	format_options(present, options, sizeof(options));
	format_target(present, target);
	if (endpoint_equal(&present->target, &wanted->target))
		return error_set(plan_error(plan), EEXIST,
				 "already exposed to %s %s%s (--replace changes it)", target,
				 options[0] ? "with" : "without options", options);
	return error_set(plan_error(plan), EEXIST,
			 "already exposed to %s (--replace changes it)", target);
}

/* A target's outbound flows leave in one way: at most one exposure of it says how. */
static int refuse_second_egress(struct plan *plan, const struct exposure *wanted)
{
	char target[NESTNET_TEXT_MAX], by[NESTNET_TEXT_MAX];
	struct nestnet_address alias;
	int r;

	if (wanted->egress == NESTNET_EGRESS_MASQUERADE)
		return 0;
	r = exposure_get_egress(plan->elements, &wanted->target.prefix, &alias,
				plan_error(plan));
	if (r <= 0)
		return r;
	nestnet_prefix_format(&wanted->target.prefix, target);
	if (alias.family == AF_UNSPEC)
		return error_set(plan_error(plan), EEXIST,
				 "%s has --egress none already, by another exposure", target);
	return error_set(plan_error(plan), EEXIST,
			 "%s has --egress alias already, and leaves as %s", target,
			 nestnet_address_format(&alias, by));
}

/* ---- Plans -------------------------------------------------------------------------------------- */

static int plan_removal(struct plan *plan, const struct exposure *exposure)
{
	int r = exposure_remove(plan->elements, exposure, plan_error(plan));

	if (r == 0)
		r = note_removal(plan, exposure);
	return r < 0 ? r : expose_flows_removed(plan, exposure);
}

static int refuse_overlap(struct plan *plan, const struct exposure *wanted)
{
	struct nestnet_endpoint other;
	char text[NESTNET_TEXT_MAX];
	int r = exposure_find_overlap(plan->elements, &wanted->alias, &other,
				      plan_error(plan));

	if (r <= 0)
		return r;
	return error_set(plan_error(plan), EEXIST, "overlaps with %s, which is exposed",
			 nestnet_endpoint_format(&other, text));
}

/* A target that this exposure is the first to close may have open flows from outside. */
static int plan_closing(struct plan *plan, const struct exposure *exposure)
{
	int r;

	if (exposure->flags & NESTNET_EXPOSE_OPEN)
		return 0;
	r = guest_is_closed(plan->elements, &exposure->target.prefix, plan_error(plan));
	return r != 0 ? r : closing_plan(plan, &exposure->target.prefix);
}

static int plan_addition(struct plan *plan, const struct exposure *exposure)
{
	int r = refuse_overlap(plan, exposure);

	if (r == 0)
		r = refuse_second_egress(plan, exposure);
	if (r == 0)
		r = plan_closing(plan, exposure);
	if (r >= 0)
		r = exposure_put(plan->elements, exposure, plan_error(plan));
	if (r == 0)
		r = note_exposure(plan, exposure);
	return r < 0 ? r : expose_flows_added(plan, exposure);
}

/* @return 1: it is so already; 0: the exposure that was there is removed; or the refusal */
static int plan_change(struct plan *plan, const struct exposure *present,
		       const struct exposure *wanted, unsigned int flags)
{
	bool is_restarted = (flags & NESTNET_EXPOSE_REPLACE) && wanted->timeout_ms;

	if (is_same(present, wanted) && !is_restarted)
		return 1;
	if (!(flags & NESTNET_EXPOSE_REPLACE))
		return refuse_other(plan, present, wanted);
	return plan_removal(plan, present);
}

static int plan_exposure(struct plan *plan, const struct expose_request *request)
{
	struct exposure present, wanted = {
		.alias = request->alias,
		.target = request->target,
		.flags = request->flags & (NESTNET_EXPOSE_NO_LOCAL | NESTNET_EXPOSE_OPEN),
		.egress = request->egress,
		.from = request->from.list,
		.n_from = request->from.n,
		.except = request->except.list,
		.n_except = request->except.n,
		.timeout_ms = request->timeout_ms,
	};
	int family = endpoint_family(&request->target);
	int r = exposure_get(plan->elements, &request->alias, family, &present,
			     plan_error(plan));

	memcpy(wanted.comment, request->comment, sizeof(wanted.comment));
	if (r == 0 && !(request->flags & NESTNET_EXPOSE_FORCE))
		r = refuse_own(plan, &request->alias, family);
	else if (r == 1) {
		r = plan_change(plan, &present, &wanted, request->flags);
		exposure_clear(&present);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	return plan_addition(plan, &wanted);
}

int expose_plan(struct plan *plan, const struct expose_request *request)
{
	char text[NESTNET_TEXT_MAX];
	int r = plan_exposure(plan, request);

	if (r < 0)
		return error_prefix(plan_error(plan), "expose %s",
				    nestnet_endpoint_format(&request->alias, text));
	return 0;
}

static int remove_all(struct plan *plan, const struct exposures *exposures)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < exposures->n; i++)
		r = plan_removal(plan, &exposures->list[i]);
	return r;
}

int expose_plan_remove(struct plan *plan, const struct unexpose_request *request)
{
	struct exposures present = { .n = 0 };
	char text[NESTNET_TEXT_MAX];
	int r = exposure_get_all(plan->elements, &request->alias, &present,
				 plan_error(plan));

	if (r == 0 && !(request->flags & NESTNET_IF_EXISTS))
		r = error_set(plan_error(plan), ENOENT, "not exposed");
	else if (r == 0)
		r = expose_flows_orphaned(plan, &request->alias);
	else if (r == 1)
		r = remove_all(plan, &present);
	exposures_clear(&present);
	if (r < 0)
		return error_prefix(plan_error(plan), "unexpose %s",
				    nestnet_endpoint_format(&request->alias, text));
	return 0;
}

int expose_plan_orphans(struct plan *plan, const struct unexpose_request *request)
{
	struct exposures present = { .n = 0 };
	int r = exposure_get_all(plan->elements, &request->alias, &present,
				 plan_error(plan));

	exposures_clear(&present);
	return r == 0 ? expose_flows_orphaned(plan, &request->alias) : r < 0 ? r : 0;
}

/* The exposures of a target, gathered first: a set cannot change while it is walked. */
struct gathered {
	const struct nestnet_address *target;
	struct exposures exposures;
};

static int gather(void *userdata, const struct exposure *exposure)
{
	struct gathered *gathered = userdata;

	if (gathered->target->family != AF_UNSPEC &&
	    !address_equal(gathered->target, &exposure->target.prefix.address))
		return 0;
	return exposures_append(&gathered->exposures, exposure);
}

static int remove_gathered(struct plan *plan, const struct unexpose_target_request *request,
			   const struct gathered *gathered)
{
	if (gathered->exposures.n == 0 && request->target.family != AF_UNSPEC &&
	    !(request->flags & NESTNET_IF_EXISTS))
		return error_set(plan_error(plan), ENOENT, "not exposed");
	return remove_all(plan, &gathered->exposures);
}

int expose_plan_remove_target(struct plan *plan,
			      const struct unexpose_target_request *request)
{
	struct gathered gathered = { .target = &request->target };
	char text[NESTNET_TEXT_MAX];
	int r = exposure_load(plan->elements, plan_error(plan));

	if (r == 0)
		r = exposure_each(plan->elements, gather, &gathered, plan_error(plan));
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (r == 0)
		r = remove_gathered(plan, request, &gathered);
	exposures_clear(&gathered.exposures);
	if (r < 0)
		return error_prefix(plan_error(plan), "unexpose %s%s",
				    request->target.family ? "--target " : "--all",
				    request->target.family
					    ? nestnet_address_format(&request->target, text)
					    : "");
	return 0;
}
