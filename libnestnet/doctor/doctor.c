/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The doctor: will it work, and if not, why. It looks and changes nothing, and runs no
 * program: what it advises is text. An exposure's way is followed from the uplink to the
 * guest and back; without one, the host is examined.
 */

#include "doctor/doctor.h"
#include "doctor/way.h"

#include "plan/plan.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A remedy is there to be pasted into a shell: one in which a name of somebody else's would
 * be more than a word is not told. "&&" stands between commands of ours, and by itself. */
static bool is_pastable(const char *remedy)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 _.:/@=,+-";

	for (;;) {
		remedy += strspn(remedy, plain);
		if (!*remedy)
			return true;
		if (strncmp(remedy, "&& ", 3) != 0 || remedy[-1] != ' ')
			return false;
		remedy += 3;
	}
}

/* What takes a remedy back has no names but those of the remedy. */
int doctor_tell(const struct doctor *doctor, const struct nestnet_finding *finding)
{
	struct nestnet_finding told = *finding;

	if (!told.remedy || !isalpha((unsigned char)told.remedy[0]) ||
	    !is_pastable(told.remedy))
		told.remedy = NULL;
	if (!told.remedy || !told.undo[0])
		told.undo = NULL;
	return doctor->fn(doctor->userdata, &told);
}

int doctor_say(const struct doctor *doctor, const char *check,
	       enum nestnet_finding_status status, const char *subject,
	       const char *remedy, const char *format, ...)
{
	char detail[1024];
	struct nestnet_finding finding = { .check = check,
					   .status = status,
					   .subject = subject,
					   .detail = detail,
					   .remedy = remedy,
					   .undo = "" };
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return doctor_tell(doctor, &finding);
}

/* ---- Which exposures are meant -------------------------------------------------------- */

struct search {
	const struct nestnet_endpoint *match;
	struct exposures found;
	struct nestnet_endpoint instead; /* where nothing was; all zero: neither */
};

/* What comes first where several have a packet: nestnet(1) has the order. */
static int rank(const struct nestnet_endpoint *alias)
{
	switch (endpoint_shape(alias)) {
	case ENDPOINT_PORT:
		return 0;
	case ENDPOINT_RANGE:
		return 1;
	case ENDPOINT_ANY:
		return 2;
	case ENDPOINT_ADDRESS:
		return 3;
	case ENDPOINT_PREFIX:
		break;
	}
	return 4;
}

static bool is_covered(const struct nestnet_endpoint *alias,
		       const struct nestnet_endpoint *match)
{
	if (alias->prefix.address.family != AF_UNSPEC &&
	    !prefix_contains(&alias->prefix, &match->prefix.address))
		return false;
	if (match->first_port == 0 || alias->first_port == 0)
		return true;
	return alias->protocol == match->protocol &&
	       alias->first_port <= match->first_port &&
	       alias->last_port >= match->last_port;
}

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	struct search *search = userdata;

	if (!is_covered(&exposure->alias, search->match))
		return 0;
	/* Of one port, the exposure that has it; of an address, each of it. */
	if (search->match->first_port && search->found.n > 0) {
		if (rank(&search->found.list[0].alias) <= rank(&exposure->alias))
			return 0;
		exposures_clear(&search->found);
	}
	return exposures_append(&search->found, exposure);
}

static int read_exposures(struct nestnet *ctx, struct search *search, bool is_exact)
{
	struct plan *plan;
	int r = plan_new(ctx, &plan);

	if (r < 0)
		return r;
	r = exposure_get_all(plan->elements, search->match, &search->found, &ctx->error);
	if (r == 0 && !is_exact) {
		r = exposure_load(plan->elements, &ctx->error);
		if (r == 0)
			r = exposure_each(plan->elements, take_exposure, search,
					  &ctx->error);
		if (r == 0 && search->found.n == 0)
			r = exposure_find_instead(plan->elements, search->match,
						  &search->instead, &ctx->error);
	}
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	plan_free(plan);
	return r < 0 ? r : 0;
}

/* ---- One exposure --------------------------------------------------------------------- */

/* The one address of the target's prefix that stands for an address of the alias's. */
static void narrow(struct doctor_path *path, const struct nestnet_endpoint *match)
{
	const struct nestnet_address *address = &match->prefix.address;
	unsigned int len = path->alias.len;

	if (address->family == AF_UNSPEC || !prefix_is_address(&match->prefix))
		return;
	if (path->alias.address.family != AF_UNSPEC && !prefix_is_address(&path->alias)) {
		for (size_t i = 0; i < address_len(path->family); i++) {
			unsigned int bits = len > i * 8 ? len - (unsigned int)i * 8 : 0;
			uint8_t host = bits >= 8 ? 0 : (uint8_t)(0xff >> bits);

			path->target.address.bytes[i] |= address->bytes[i] & host;
		}
		path->target.len = address_bits(path->family);
	}
	path->alias = match->prefix;
}

/* What is asked about is what was exposed, or less of it: one port, or one address. */
static struct doctor_path begin_path(const struct exposure *exposure,
				     const struct nestnet_endpoint *match)
{
	const struct nestnet_endpoint *alias = &exposure->alias,
				      *target = &exposure->target;
	const struct nestnet_endpoint *asked = match->first_port ? match : alias;
	struct doctor_path path = { .exposure = exposure,
				    .family = target->prefix.address.family,
				    .alias = alias->prefix,
				    .target = target->prefix,
				    .protocol = asked->protocol };

	if (path.protocol == 0)
		path.protocol = IPPROTO_TCP;
	if (asked->first_port == asked->last_port)
		path.alias_port = path.target_port = asked->first_port;
	if (path.alias_port && target->first_port)
		path.target_port = (uint16_t)(target->first_port +
					      (path.alias_port - alias->first_port));
	narrow(&path, match);
	return path;
}

static int examine_exposure(struct doctor *doctor, const struct exposure *exposure,
			    const struct nestnet_endpoint *match, unsigned int flags)
{
	struct doctor_path path = begin_path(exposure, match);
	char text[NESTNET_TEXT_MAX];
	size_t n = 0;
	int r;

	if (flags & NESTNET_DOCTOR_RULES) {
		r = way_find(doctor, &path);
		return r < 0 ? r : doctor_rules(doctor, &path, true, &n);
	}
	nestnet_endpoint_format(&exposure->alias, text);
	r = doctor_path(doctor, &path);
	if (r == 0)
		r = doctor_rules(doctor, &path, false, &n);
	if (r == 0)
		r = doctor_legacy(doctor);
	if (r == 0 && n == 0)
		r = doctor_say(doctor, "rules", NESTNET_FINDING_OK, text, NULL,
			       "no rule of other software stops it");
	return r;
}

static int examine_alias(struct doctor *doctor, const struct nestnet_endpoint *match,
			 unsigned int flags)
{
	struct search search = { .match = match };
	char text[NESTNET_TEXT_MAX], remedy[NESTNET_TEXT_MAX + 32];
	char other[NESTNET_TEXT_MAX], instead[NESTNET_TEXT_MAX + 16] = "";
	int r = read_exposures(doctor->ctx, &search, flags & NESTNET_DOCTOR_RULES);

	if (r == 0 && search.found.n == 0 && !(flags & NESTNET_DOCTOR_RULES)) {
		nestnet_endpoint_format(match, text);
		snprintf(remedy, sizeof(remedy), "nestnet expose %s TARGET", text);
		if (search.instead.first_port)
			snprintf(instead, sizeof(instead), ", but %s is",
				 nestnet_endpoint_format(&search.instead, other));
		r = doctor_say(doctor, "translated", NESTNET_FINDING_FAIL, text, remedy,
			       "it is not exposed%s", instead);
	}
	for (size_t i = 0; r == 0 && i < search.found.n; i++)
		r = examine_exposure(doctor, &search.found.list[i], match, flags);
	exposures_clear(&search.found);
	return r;
}

/* ---- The border ----------------------------------------------------------------------- */

/* @return 1: other software's rules may be in the way; 0; or a negative errno */
static int may_meet_rules(struct doctor *doctor)
{
	struct netlink *nl;
	int r = context_filter(doctor->ctx, &nl);

	return r < 0 ? r : foreign_is_known(nl, &doctor->ctx->error);
}

static int examine(struct doctor *doctor, const struct nestnet_endpoint *match,
		   unsigned int flags)
{
	/* Most hosts have none, and then there is nothing to list. */
	int r = flags & NESTNET_DOCTOR_RULES ? may_meet_rules(doctor) : 1;

	if (r <= 0)
		return r;
	r = walker_new(doctor->ctx, &doctor->walker);
	if (r < 0 || (flags & NESTNET_DOCTOR_RULES &&
		      !walker_is_needed(doctor->walker, DOCTOR_PRIORITY)))
		return r;
	r = inventory_load(doctor->ctx, &doctor->inventory);
	if (r == 0)
		r = uplinks_read(doctor->ctx, &doctor->uplinks);
	if (r < 0)
		return r;
	return match ? examine_alias(doctor, match, flags) : doctor_host(doctor);
}

int nestnet_doctor(struct nestnet *ctx, const struct nestnet_endpoint *match,
		   unsigned int flags, nestnet_finding_fn fn, void *userdata)
{
	struct doctor doctor = { .ctx = ctx, .fn = fn, .userdata = userdata };
	int r;

	context_begin(ctx);
	if (flags & ~NESTNET_DOCTOR_RULES || (flags && !match))
		return context_end(
			ctx, error_set(&ctx->error, EINVAL, "doctor: no such flags"));
	r = examine(&doctor, match, flags);
	walker_free(doctor.walker);
	inventory_clear(&doctor.inventory);
	if (ctx->error.code != 0 && r == -ctx->error.code) {
		error_prefix(&ctx->error, "doctor");
		return context_end(ctx, r);
	}
	return r;
}
