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

#include "expose/expose.h"

#include "expose/coexist.h"
#include "expose/flows.h"
#include "expose/own.h"
#include "expose/tap.h"

#include "plan/closing.h"
#include "plan/command.h"
#include "plan/present.h"
#include "plan/setting.h"

#include "table/exposure-guest.h"
#include "table/exposure-tap.h"
#include "table/exposure.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- As commands ---------------------------------------------------------------------------- */

/* A removal is told as the command whose effect is taken back. */
static int note_exposure(struct plan *plan, char op, const struct exposure *exposure)
{
	struct request request = present_exposure(exposure);

	return command_note(plan, op, &request);
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

static int refuse_other(struct plan *plan, const struct exposure *present,
			const struct exposure *wanted)
{
	struct request request = present_exposure(present);
	_cleanup_free_ char *options = command_format_options(&request);
	char target[NESTNET_TEXT_MAX];

	if (!options)
		return error_set_errno(plan_error(plan), ENOMEM);
	command_format_target(&request.expose, target);
	if (present->tap && plan->wanted)
		return error_set(
			plan_error(plan), EEXIST,
			"exposed to %s by a program, for as long as its tap %s is there",
			target, present->tap_name);
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
		r = coexist_touch(plan, exposure);
	if (r == 0)
		r = note_exposure(plan, '-', exposure);
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
	return r != 0 ? r : closing_plan_target(plan, &exposure->target.prefix);
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
		r = coexist_touch(plan, exposure);
	if (r == 0)
		r = note_exposure(plan, '+', exposure);
	return r < 0 ? r : expose_flows_added(plan, exposure);
}

/* The exposure of a tap that is gone is gone, too. @return 1: it was taken back; 0 */
static int plan_gone(struct plan *plan, const struct exposure *present)
{
	int r = present->tap ? tie_is_gone(plan, present->tap) : 0;

	if (r <= 0)
		return r;
	r = plan_removal(plan, present);
	return r < 0 ? r : 1;
}

/* @return 1: it is so already; 0: the exposure that was there is removed; or the refusal */
static int plan_change(struct plan *plan, const struct exposure *present,
		       const struct exposure *wanted, unsigned int flags)
{
	int r = plan_gone(plan, present);
	bool is_restarted = (flags & NESTNET_EXPOSE_REPLACE) && wanted->timeout_ms;

	if (r != 0)
		return r < 0 ? r : 0;
	if (exposure_equal(present, wanted) && !is_restarted)
		return 1;
	if (!(flags & NESTNET_EXPOSE_REPLACE))
		return refuse_other(plan, present, wanted);
	return plan_removal(plan, present);
}

/* Borrows what the request has. */
static struct exposure make_exposure(const struct expose_request *request)
{
	struct exposure exposure = {
		.alias = request->alias,
		.target = request->target,
		.flags = request->flags & (NESTNET_EXPOSE_NO_LOCAL | NESTNET_EXPOSE_OPEN |
					   NESTNET_EXPOSE_COEXIST),
		.egress = request->egress,
		.from = request->from.list,
		.n_from = request->from.n,
		.except = request->except.list,
		.n_except = request->except.n,
		.timeout_ms = request->timeout_ms,
	};

	if (request->comment)
		snprintf(exposure.comment, sizeof(exposure.comment), "%s",
			 request->comment);
	return exposure;
}

static int foresee(struct plan *plan, const struct exposure *exposure)
{
	const struct nestnet_prefix *target = &exposure->target.prefix;
	bool is_open = exposure->flags & NESTNET_EXPOSE_OPEN;

	return exposure_foresee(plan->elements, &exposure->alias,
				prefix_is_address(target) && !is_open ? &target->address
								      : NULL,
				plan_error(plan));
}

static int plan_exposure(struct plan *plan, const struct expose_request *request)
{
	struct exposure present, wanted = make_exposure(request);
	int family = endpoint_family(&request->target), r = 0;
	size_t later = 0;

	if (request->tap)
		r = tie_find(plan, request->tap, &wanted, &later);
	if (r == 0 && !plan->wanted)
		r = foresee(plan, &wanted);
	if (r == 0)
		r = exposure_get(plan->elements, &request->alias, family, &present,
				 plan_error(plan));
	if (r == 0 && !(request->flags & NESTNET_EXPOSE_FORCE))
		r = own_refuse(plan, &request->alias, family);
	else if (r == 1) {
		r = plan_change(plan, &present, &wanted, request->flags);
		if (r == 1 && coexist_touch(plan, &wanted) < 0)
			r = -ENOMEM;
		exposure_clear(&present);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	r = plan_addition(plan, &wanted);
	if (r == 0 && wanted.tap == EXPOSURE_TAP_LATER)
		r = tie_plan_later(plan, &wanted, later);
	return r;
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

/* What is not exposed may be a part of what is, or what an alias leads to. */
static int refuse_absent(struct plan *plan, const struct nestnet_endpoint *alias)
{
	struct nestnet_endpoint other;
	char text[NESTNET_TEXT_MAX];
	int r = exposure_find_instead(plan->elements, alias, &other, plan_error(plan));

	if (r == 1)
		return error_set(plan_error(plan), ENOENT, "not exposed, but %s is",
				 nestnet_endpoint_format(&other, text));
	if (r == 0 && endpoint_shape(alias) == ENDPOINT_ADDRESS)
		r = guest_is_target(plan->elements, &alias->prefix.address,
				    plan_error(plan));
	if (r == 1)
		return error_set(plan_error(plan), ENOENT,
				 "not exposed, but a target (unexpose --target %s)",
				 nestnet_endpoint_format(alias, text));
	return r < 0 ? r : error_set(plan_error(plan), ENOENT, "not exposed");
}

int expose_plan_remove(struct plan *plan, const struct unexpose_request *request)
{
	struct exposures present = { .n = 0 };
	char text[NESTNET_TEXT_MAX];
	int r = exposure_foresee(plan->elements, &request->alias, NULL, plan_error(plan));

	if (r == 0)
		r = exposure_get_all(plan->elements, &request->alias, &present,
				     plan_error(plan));
	if (r == 0 && !(request->flags & NESTNET_IF_EXISTS))
		r = refuse_absent(plan, &request->alias);
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

/* Some exposures, gathered first: a set cannot change while it is walked. */
struct gathered {
	struct plan *plan;
	const struct objects *wanted;         /* as they are there, they are left out; or NULL */
	const struct nestnet_address *target; /* NULL: of any */
	struct exposures exposures;
};

/* What is wanted just as it is there. */
static bool is_wanted(const struct objects *wanted, const struct exposure *exposure)
{
	const struct request like = present_exposure(exposure), *request;
	struct request buffer;
	struct exposure other;

	request = objects_find(wanted, &like, &buffer);
	if (!request)
		return false;
	other = make_exposure(&request->expose);
	return exposure_equal(exposure, &other);
}

static int gather(void *userdata, const struct exposure *exposure)
{
	struct gathered *gathered = userdata;

	if (gathered->target &&
	    !address_equal(gathered->target, &exposure->target.prefix.address))
		return 0;
	if (gathered->wanted && is_wanted(gathered->wanted, exposure))
		return 0;
	if (gathered->wanted && exposure->tap) {
		int r = tie_is_gone(gathered->plan, exposure->tap);

		if (r <= 0) /* a program's own, as its tap is */
			return r;
	}
	return exposures_append(&gathered->exposures, exposure);
}

static int compare_aliases(const void *a, const void *b)
{
	const struct exposure *x = a, *y = b;

	return endpoint_compare(&x->alias, &y->alias);
}

/* Reads all exposures, and gathers those that match, sorted. */
static int gather_all(struct plan *plan, struct gathered *gathered)
{
	struct exposures *exposures = &gathered->exposures;
	int r = exposure_load(plan->elements, plan_error(plan));

	if (r == 0)
		r = exposure_each(plan->elements, gather, gathered, plan_error(plan));
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (r == 0 && exposures->n)
		qsort(exposures->list, exposures->n, sizeof(*exposures->list),
		      compare_aliases);
	return r;
}

static int remove_gathered(struct plan *plan, const struct unexpose_target_request *request,
			   const struct gathered *gathered)
{
	if (gathered->exposures.n == 0 && gathered->target &&
	    !(request->flags & NESTNET_IF_EXISTS))
		return error_set(plan_error(plan), ENOENT, "not exposed");
	return remove_all(plan, &gathered->exposures);
}

int expose_plan_remove_target(struct plan *plan,
			      const struct unexpose_target_request *request)
{
	struct gathered gathered = { .target = request->target.family ? &request->target
								       : NULL };
	char text[NESTNET_TEXT_MAX];
	int r = gather_all(plan, &gathered);

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

/* ---- Those of taps that are gone --------------------------------------------------------- */

struct sweep {
	struct plan *plan;
	uint32_t ifindex; /* of a tap that goes now; 0: none */
	struct exposures exposures;
};

/* Gathers the aliases alone: what is walked is not to change. */
static int sweep_tap(void *userdata, const struct nestnet_endpoint *alias, int family,
		     uint32_t ifindex)
{
	struct exposure exposure = { .alias = *alias, .tap = ifindex };
	struct sweep *sweep = userdata;
	int r = ifindex == sweep->ifindex ? 1 : tie_is_gone(sweep->plan, ifindex);

	exposure.target.prefix.address.family = family;
	if (r <= 0)
		return r;
	r = exposures_append(&sweep->exposures, &exposure);
	return r < 0 ? error_set_errno(plan_error(sweep->plan), ENOMEM) : 0;
}

static int remove_swept(struct plan *plan, const struct exposure *swept)
{
	struct exposure present;
	int r = exposure_get(plan->elements, &swept->alias,
			     endpoint_family(&swept->target), &present, plan_error(plan));

	if (r <= 0)
		return r;
	r = plan_removal(plan, &present);
	exposure_clear(&present);
	return r;
}

int expose_plan_sweep(struct plan *plan, uint32_t ifindex)
{
	struct sweep sweep = { .plan = plan, .ifindex = ifindex };
	int r = exposure_load_taps(plan->elements, plan_error(plan));

	if (r == 0)
		r = exposure_each_tap(plan->elements, sweep_tap, &sweep);
	for (size_t i = 0; r == 0 && i < sweep.exposures.n; i++)
		r = remove_swept(plan, &sweep.exposures.list[i]);
	exposures_clear(&sweep.exposures);
	return r < 0 ? r : 0;
}

int expose_plan_extra(struct plan *plan)
{
	struct gathered gathered = { .plan = plan, .wanted = plan->wanted };
	int r = gather_all(plan, &gathered);

	if (r == 0)
		r = remove_all(plan, &gathered.exposures);
	exposures_clear(&gathered.exposures);
	return r < 0 ? r : 0;
}

/* ---- Saving ----------------------------------------------------------------------------------- */

/* What has to be said so that the same comes of it again, and no element has. */
static int read_unsaid(struct plan *plan, struct expose_request *request)
{
	int family = endpoint_family(&request->target), is_on = 0;
	int r = setting_read(plan, family, "all", "forwarding", &is_on);

	if (r < 0)
		return r;
	if (is_on)
		plan->forwarding[family == AF_INET6] = 1;
	else
		request->flags |= NESTNET_EXPOSE_NO_FORWARD;
	r = own_refuse(plan, &request->alias, family);
	if (r == -EADDRINUSE)
		request->flags |= NESTNET_EXPOSE_FORCE;
	return r == -EADDRINUSE ? 0 : r;
}

int expose_plan_save(struct plan *plan)
{
	struct gathered gathered = { .target = NULL };
	int r = gather_all(plan, &gathered);

	for (size_t i = 0; r == 0 && i < gathered.exposures.n; i++) {
		struct request request = present_exposure(&gathered.exposures.list[i]);

		if (gathered.exposures.list[i].tap) /* a program's own */
			continue;
		r = read_unsaid(plan, &request.expose);
		if (r == 0)
			r = command_note(plan, '+', &request);
	}
	exposures_clear(&gathered.exposures);
	return r;
}
