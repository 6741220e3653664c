/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exposures: requests, and what they change.
 *
 * An exposure is planned by asking for its own key and its target's, and by nothing else:
 * the cost is the same with ten present or a hundred thousand. Neither alias nor target
 * need exist. What a NAT rule decided for a flow stays with the flow, so after the commit
 * two kinds of flows are ended: those that an ended exposure had let in, and untranslated
 * UDP flows to the alias that would go past a new one.
 */

#include "expose.h"

#include "exposure.h"
#include "transaction.h"

#include "kernel/conntrack.h"
#include "kernel/link.h"
#include "kernel/listener.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/name.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

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

static void format_options(const struct exposure *exposure, char *buf, size_t size)
{
	bool has_egress = exposure->egress != NESTNET_EGRESS_MASQUERADE;

	snprintf(buf, size, "%s%s%s%s%s%s%s", has_egress ? " --egress " : "",
		 has_egress ? egress_name(exposure->egress) : "",
		 exposure->flags & NESTNET_EXPOSE_NO_LOCAL ? " --no-local" : "",
		 exposure->flags & NESTNET_EXPOSE_OPEN ? " --open" : "",
		 exposure->comment[0] ? " --comment '" : "", exposure->comment,
		 exposure->comment[0] ? "'" : "");
}

static int note_exposure(struct plan *plan, const struct exposure *exposure)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX], options[256];

	format_options(exposure, options, sizeof(options));
	return plan_note(plan, '+', "expose %s %s%s",
			 nestnet_endpoint_format(&exposure->alias, alias),
			 format_target(exposure, target), options);
}

/* A removal as the command whose effect is taken back. */
static int note_removal(struct plan *plan, const struct exposure *exposure)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX], options[256];

	format_options(exposure, options, sizeof(options));
	return plan_note(plan, '-', "expose %s %s%s",
			 nestnet_endpoint_format(&exposure->alias, alias),
			 format_target(exposure, target), options);
}

/* ---- Flows to end -------------------------------------------------------------------------- */

static int end_flows(struct plan *plan, void *step)
{
	struct netlink *nl;
	int r = context_filter(plan->ctx, &nl);

	return r < 0 ? r : conntrack_delete(nl, step, plan_error(plan));
}

static const struct plan_step_ops flows_ops = {
	.act = end_flows,
	.free = free,
};

static int plan_end(struct plan *plan, const struct conntrack_filter *filter)
{
	struct conntrack_filter *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *filter;
	return plan_add(plan, PLAN_FLOWS, &flows_ops, copy);
}

/* Flows that a removed exposure let in, and those that leave as its alias. */
static int plan_end_removed(struct plan *plan, const struct exposure *exposure)
{
	const struct nestnet_address *alias = &exposure->alias.prefix.address;
	const struct nestnet_address *target = &exposure->target.prefix.address;
	struct conntrack_filter in = { .family = alias->family,
				       .original_destination = *alias,
				       .reply_source = *target,
				       .protocol = exposure->alias.protocol,
				       .original_destination_port =
					       exposure->alias.first_port,
				       .reply_source_port = exposure->target.first_port };
	struct conntrack_filter out = { .family = alias->family,
					.original_source = *target,
					.reply_destination = *alias };
	int r = plan_end(plan, &in);

	if (r == 0 && exposure->egress == NESTNET_EGRESS_ALIAS)
		r = plan_end(plan, &out);
	return r;
}

/* UDP flows that were not translated, and so would not come by a new exposure. */
static int plan_end_bypassing(struct plan *plan, const struct exposure *exposure)
{
	const struct nestnet_address *alias = &exposure->alias.prefix.address;
	struct conntrack_filter filter = { .family = alias->family,
					   .original_destination = *alias,
					   .reply_source = *alias,
					   .protocol = IPPROTO_UDP,
					   .original_destination_port =
						   exposure->alias.first_port };

	if (exposure->alias.protocol != 0 && exposure->alias.protocol != IPPROTO_UDP)
		return 0;
	return plan_end(plan, &filter);
}

/* ---- What is L1's own ------------------------------------------------------------------------ */

/* A whole alias that is an interface's primary address would take L1's own traffic. */
static int refuse_primary(struct plan *plan, const struct nestnet_address *alias,
			  const struct route *route)
{
	struct error *error = plan_error(plan);
	struct nestnet_address source;
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
			 "the primary address of %s, by which L1 itself is reached "
			 "(--force exposes it all the same)",
			 r == 1 ? link.name : "an interface");
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

static int refuse_own(struct plan *plan, const struct nestnet_endpoint *alias)
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

/* ---- Conflicts ------------------------------------------------------------------------------- */

static bool is_same(const struct exposure *a, const struct exposure *b)
{
	return endpoint_equal(&a->target, &b->target) && a->flags == b->flags &&
	       a->egress == b->egress && strcmp(a->comment, b->comment) == 0 &&
	       !a->timeout_ms == !b->timeout_ms;
}

static int refuse_other(struct plan *plan, const struct exposure *present,
			const struct exposure *wanted)
{
	char target[NESTNET_TEXT_MAX], options[256];

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
	r = exposure_get_egress(plan->elements, &wanted->target.prefix.address, &alias,
				plan_error(plan));
	if (r <= 0)
		return r;
	nestnet_address_format(&wanted->target.prefix.address, target);
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
	if (r == 0)
		r = plan_end_removed(plan, exposure);
	return r;
}

static int plan_addition(struct plan *plan, const struct exposure *exposure)
{
	int r = refuse_second_egress(plan, exposure);

	if (r == 0)
		r = exposure_put(plan->elements, exposure, plan_error(plan));
	if (r == 0)
		r = note_exposure(plan, exposure);
	if (r == 0)
		r = plan_end_bypassing(plan, exposure);
	return r;
}

static int plan_exposure(struct plan *plan, const struct expose_request *request)
{
	struct exposure present, wanted = {
		.alias = request->alias,
		.target = request->target,
		.flags = request->flags & (NESTNET_EXPOSE_NO_LOCAL | NESTNET_EXPOSE_OPEN),
		.egress = request->egress,
	};
	int r = exposure_get(plan->elements, &request->alias, &present, plan_error(plan));

	memcpy(wanted.comment, request->comment, sizeof(wanted.comment));
	if (r < 0)
		return r;
	if (r == 1 && is_same(&present, &wanted))
		return 0;
	if (r == 1 && !(request->flags & NESTNET_EXPOSE_REPLACE))
		return refuse_other(plan, &present, &wanted);
	if (r == 1)
		r = plan_removal(plan, &present);
	else if (!(request->flags & NESTNET_EXPOSE_FORCE))
		r = refuse_own(plan, &request->alias);
	return r < 0 ? r : plan_addition(plan, &wanted);
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

int expose_plan_remove(struct plan *plan, const struct unexpose_request *request)
{
	struct exposure present;
	char text[NESTNET_TEXT_MAX];
	int r = exposure_get(plan->elements, &request->alias, &present, plan_error(plan));

	if (r == 1)
		r = plan_removal(plan, &present);
	else if (r == 0 && !(request->flags & NESTNET_IF_EXISTS))
		r = error_set(plan_error(plan), ENOENT, "not exposed");
	if (r < 0)
		return error_prefix(plan_error(plan), "unexpose %s",
				    nestnet_endpoint_format(&request->alias, text));
	return 0;
}

/* The exposures of a target, gathered first: a set cannot change while it is walked. */
struct gathered {
	const struct nestnet_address *target;
	struct exposure *list;
	size_t n;
};

static int gather(void *userdata, const struct exposure *exposure)
{
	struct gathered *gathered = userdata;
	struct exposure *grown;

	if (gathered->target->family != AF_UNSPEC &&
	    !address_equal(gathered->target, &exposure->target.prefix.address))
		return 0;
	if ((gathered->n & (gathered->n - 1)) == 0) {
		grown = reallocarray(gathered->list, gathered->n ? gathered->n * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		gathered->list = grown;
	}
	gathered->list[gathered->n++] = *exposure;
	return 0;
}

static int remove_gathered(struct plan *plan, const struct unexpose_target_request *request,
			   const struct gathered *gathered)
{
	int r = 0;

	if (gathered->n == 0 && request->target.family != AF_UNSPEC &&
	    !(request->flags & NESTNET_IF_EXISTS))
		return error_set(plan_error(plan), ENOENT, "not exposed");
	for (size_t i = 0; r == 0 && i < gathered->n; i++)
		r = plan_removal(plan, &gathered->list[i]);
	return r;
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
	free(gathered.list);
	if (r < 0)
		return error_prefix(plan_error(plan), "unexpose %s%s",
				    request->target.family ? "--target " : "--all",
				    request->target.family
					    ? nestnet_address_format(&request->target, text)
					    : "");
	return 0;
}

/* ---- Requests --------------------------------------------------------------------------------- */

/* What is wrong with the pair, whatever the kernel's state; NULL: nothing. */
static const char *why_not_pair(const struct nestnet_endpoint *alias,
				const struct nestnet_endpoint *target)
{
	unsigned int ports = (unsigned int)(alias->last_port - alias->first_port);

	if (alias->prefix.address.family != AF_UNSPEC &&
	    endpoint_family(alias) != endpoint_family(target))
		return "alias and target are not of one family";
	if (alias->first_port == 0 && target->first_port != 0)
		return "the target has a port and the alias has none";
	if (alias->first_port == 0 && alias->prefix.len != target->prefix.len)
		return "alias and target are not of one prefix length";
	if (alias->first_port != 0 && !prefix_is_address(&target->prefix))
		return "ports are exposed to one address, not to a prefix";
	if (target->first_port != 0 &&
	    ports != (unsigned int)(target->last_port - target->first_port))
		return "alias and target have not as many ports";
	if (alias->prefix.address.family != AF_UNSPEC &&
	    address_equal(&alias->prefix.address, &target->prefix.address))
		return "alias and target are one address";
	return NULL;
}

static const char *why_not_options(const struct nestnet_endpoint *alias,
				   const struct nestnet_expose_options *options)
{
	if (options->size < sizeof(*options))
		return "the options' size is not set";
	switch (options->egress) {
	case NESTNET_EGRESS_MASQUERADE:
		break;
	case NESTNET_EGRESS_ALIAS:
	case NESTNET_EGRESS_NONE:
		if (alias->first_port != 0)
			return "--egress alias and none want an alias without a port";
		break;
	}
	return options->comment ? name_why_not_comment(options->comment) : NULL;
}

/* Shapes that the ruleset has room for and this release does not offer yet. */
static const char *why_not_yet(const struct nestnet_endpoint *alias,
			       const struct nestnet_expose_options *options)
{
	switch (endpoint_shape(alias)) {
	case ENDPOINT_ADDRESS:
	case ENDPOINT_PORT:
		break;
	case ENDPOINT_PREFIX:
		return "prefixes cannot be exposed by this release";
	case ENDPOINT_RANGE:
		return "port ranges cannot be exposed by this release";
	case ENDPOINT_ANY:
		return "a port of every address cannot be exposed by this release";
	}
	if (endpoint_family(alias) != AF_INET)
		return "IPv6 cannot be exposed by this release";
	if (options->n_from || options->n_except || options->timeout_ms)
		return "--from, --except and --timeout are not in this release";
	return NULL;
}

int nestnet_expose(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		   const struct nestnet_endpoint *target,
		   const struct nestnet_expose_options *options)
{
	static const struct nestnet_expose_options none = { .size = sizeof(none) };
	struct request request = { .kind = REQUEST_EXPOSE };
	char text[NESTNET_TEXT_MAX];
	const char *why;

	transaction_begin(tx);
	if (!options)
		options = &none;
	nestnet_endpoint_format(alias, text);
	why = why_not_pair(alias, target);
	if (!why)
		why = why_not_options(alias, options);
	if (why)
		return transaction_refuse(tx, EINVAL, "expose %s: %s", text, why);
	why = why_not_yet(alias, options);
	if (why)
		return transaction_refuse(tx, EOPNOTSUPP, "expose %s: %s", text, why);

	request.expose.alias = *alias;
	request.expose.target = *target;
	request.expose.target.protocol = 0;
	if (target->first_port == 0) {
		request.expose.target.first_port = alias->first_port;
		request.expose.target.last_port = alias->last_port;
	}
	request.expose.flags = options->flags;
	request.expose.egress = options->egress;
	if (options->comment)
		snprintf(request.expose.comment, sizeof(request.expose.comment), "%s",
			 options->comment);
	return transaction_add(tx, &request);
}

int nestnet_unexpose(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		     unsigned int flags)
{
	struct request request = { .kind = REQUEST_UNEXPOSE,
				   .unexpose = { .alias = *alias, .flags = flags } };

	transaction_begin(tx);
	return transaction_add(tx, &request);
}

int nestnet_unexpose_target(struct nestnet_transaction *tx,
			    const struct nestnet_address *target, unsigned int flags)
{
	struct request request = { .kind = REQUEST_UNEXPOSE_TARGET,
				   .unexpose_target = { .flags = flags } };

	transaction_begin(tx);
	if (target)
		request.unexpose_target.target = *target;
	return transaction_add(tx, &request);
}
