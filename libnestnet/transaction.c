/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transaction: requests in, one plan (planner.c), one commit.
 *
 * Two writers need no lock. A plan is made of what the kernel said at one generation; if
 * that is over when the batch arrives, the kernel refuses it, what was done is undone, and
 * all is planned again on the new state, in which the request may by now be refused.
 */

#include "transaction.h"

#include "planner.h"

#include "plan/command.h"
#include "plan/object.h"

#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How often a plan is made anew. Of n writers one wins each round, so each of eight is
 * through after some eight rounds; a program that changes the ruleset for ever is not
 * waited for. */
#define TRIES 256

struct nestnet_transaction {
	struct nestnet *ctx;
	struct request_list requests;
	struct objects *objects; /* of a whole state; else NULL */
	size_t culprit;          /* the request that the last failure is about; n: none */
	char (*ifnames)[NESTNET_IFNAMSIZ]; /* of the last commit */
	size_t n_ifnames;
	struct queues *queues; /* of the last commit, until they are taken */
	size_t n_queues;
};

/* ---- Requests --------------------------------------------------------------------------- */

int nestnet_transaction_new(struct nestnet *ctx, struct nestnet_transaction **ret)
{
	struct nestnet_transaction *tx = calloc(1, sizeof(*tx));

	context_begin(ctx);
	if (!tx)
		return context_end(ctx, -ENOMEM);
	tx->ctx = ctx;
	*ret = tx;
	return 0;
}

static void close_queues(struct nestnet_transaction *tx)
{
	for (size_t i = 0; i < tx->n_queues; i++)
		queues_close(&tx->queues[i]);
	free(tx->queues);
	tx->queues = NULL;
	tx->n_queues = 0;
}

struct nestnet_transaction *nestnet_transaction_free(struct nestnet_transaction *tx)
{
	if (!tx)
		return NULL;
	request_list_clear(&tx->requests);
	objects_free(tx->objects);
	free(tx->ifnames);
	close_queues(tx);
	free(tx);
	return NULL;
}

struct nestnet *transaction_begin(struct nestnet_transaction *tx)
{
	context_begin(tx->ctx);
	tx->culprit = tx->requests.n;
	return tx->ctx;
}

/* What a whole state cannot have. */
static const char *why_not_whole(const struct request *request)
{
	switch (request->kind) {
	case REQUEST_TAP_ADD:
		if (request->tap.opening.is_wanted)
			return "a whole state opens no taps";
		return strchr(request->tap.name, '%') ? "a whole state names its taps" : NULL;
	case REQUEST_FORWARD:
		return request->forward.is_on ? NULL : "no whole state turns it off";
	case REQUEST_EXPOSE:
		return request->expose.tap
			       ? "no exposure of a whole state goes with a tap"
			       : NULL;
	case REQUEST_BRIDGE_ADD:
	case REQUEST_ATTACH:
	case REQUEST_NAT_ADD:
	case REQUEST_ALIAS_ADD:
		return NULL;
	case REQUEST_UNEXPOSE:
	case REQUEST_UNEXPOSE_TARGET:
	case REQUEST_TAP_DEL:
	case REQUEST_BRIDGE_DEL:
	case REQUEST_DETACH:
	case REQUEST_NAT_DEL:
	case REQUEST_ALIAS_DEL:
	case REQUEST_CLEAR:
		break;
	}
	return "a whole state says what is there, and nothing that is not";
}

/* @return 1: it is said already; 0: it is new; or the refusal */
static int add_object(struct nestnet_transaction *tx, const struct request *request)
{
	_cleanup_free_ char *text = NULL;
	const char *why = why_not_whole(request);
	int r;

	if (!why) {
		r = objects_add(tx->objects, request, tx->requests.n, &tx->culprit);
		if (r >= 0)
			return r;
		if (r == -ENOMEM)
			return context_end(tx->ctx, r);
		why = "one object said in two ways";
	}
	text = command_format(request);
	return transaction_refuse(tx, EINVAL, "%s: %s", text ? text : "", why);
}

/* Takes the request only where there is room. */
static int append(struct nestnet_transaction *tx, const struct request *request)
{
	if (tx->requests.n > 0 && (request->kind == REQUEST_CLEAR ||
				   request_list_kind(&tx->requests, 0) == REQUEST_CLEAR))
		return transaction_refuse(
			tx, EINVAL,
			"clear: a transaction that clears has no other requests");
	return request_list_add(&tx->requests, request) ? 0
							: context_end(tx->ctx, -ENOMEM);
}

int transaction_add(struct nestnet_transaction *tx, const struct request *request)
{
	struct request taken = *request;
	int r = 0;

	/* In a whole state all that differs is switched over, and clocks go on. */
	if (tx->objects && taken.kind == REQUEST_EXPOSE)
		taken.expose.flags &= ~NESTNET_EXPOSE_REPLACE;
	if (tx->objects)
		r = add_object(tx, &taken);
	if (r == 0)
		r = append(tx, &taken);
	else if (r == 1)
		request_clear(&taken);
	if (r < 0)
		request_clear(&taken);
	return r < 0 ? r : 0;
}

int transaction_add_link(struct nestnet_transaction *tx, enum request_kind kind,
			 const char *what, const char *name, unsigned int flags,
			 unsigned int allowed)
{
	struct request request = { .kind = kind, .link = { .flags = flags } };
	const char *why = name_why_not_interface(name);

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "%s '%s': %s", what, name, why);
	why = flags_why_not(flags, allowed);
	if (why)
		return transaction_refuse(tx, EINVAL, "%s %s: %s", what, name, why);
	snprintf(request.link.name, sizeof(request.link.name), "%s", name);
	return transaction_add(tx, &request);
}

int nestnet_transaction_set_exact(struct nestnet_transaction *tx)
{
	transaction_begin(tx);
	if (tx->requests.n > 0)
		return transaction_refuse(tx, EINVAL,
					  "a whole state begins before its first request");
	if (!tx->objects)
		tx->objects = objects_new(&tx->requests);
	return tx->objects ? 0 : context_end(tx->ctx, -ENOMEM);
}

size_t nestnet_transaction_size(const struct nestnet_transaction *tx)
{
	return tx->requests.n;
}

size_t nestnet_transaction_culprit(const struct nestnet_transaction *tx)
{
	return tx->culprit;
}

int transaction_refuse(struct nestnet_transaction *tx, int code, const char *format, ...)
{
	struct error *error = &tx->ctx->error;
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return context_end(tx->ctx, -code);
}

/* ---- Commits --------------------------------------------------------------------------------- */

/* Plans, and keeps which request was refused, if one was. */
static int make_plan(struct nestnet_transaction *tx, struct plan **ret)
{
	const struct requests requests = { &tx->requests, tx->objects };

	tx->culprit = tx->requests.n;
	return planner_make(tx->ctx, &requests, ret, &tx->culprit);
}

static void cleanup_plan(struct plan **plan)
{
	plan_free(*plan);
}

/* What the caller is to have of a plan that was executed. */
static void take_results(struct nestnet_transaction *tx, struct plan *plan)
{
	free(tx->ifnames);
	tx->ifnames = plan->ifnames;
	tx->n_ifnames = plan->n_ifnames;
	plan->ifnames = NULL;
	tx->queues = plan->queues;
	tx->n_queues = plan->n_queues;
	plan->queues = NULL;
	plan->n_queues = 0;
}

/* @param first  is given what a commit is told by that is to be made anew */
static int commit_once(struct nestnet_transaction *tx, char *first, size_t size)
{
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	int r = make_plan(tx, &plan);

	if (r == 0)
		r = plan_execute(plan);
	if (r == -ERESTART && plan)
		plan_name_first(plan, first, size);
	if (r == 0)
		take_results(tx, plan);
	return r;
}

/* An exposure that was to be taken back had ended by itself: that fails, and nothing of the
 * transaction is done; but what the exposure had let in ends all the same. */
static void end_orphans(struct nestnet_transaction *tx)
{
	const struct requests requests = { &tx->requests, NULL };
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	struct error first = tx->ctx->error;

	if (planner_make_orphans(tx->ctx, &requests, &plan) == 0)
		(void)plan_execute(plan);
	tx->ctx->error = first;
}

/* Where a step says what failed, and not for what: "forward on: ..." of an exposure. */
static void name_request(struct nestnet_transaction *tx)
{
	struct error *error = &tx->ctx->error;
	char name[NESTNET_TEXT_MAX + 32], undone[sizeof(name) + 8];
	struct request buffer;
	size_t verb_len;

	if (tx->requests.n != 1 || tx->objects)
		return;
	verb_len = command_name(request_list_at(&tx->requests, 0, &buffer), name,
				sizeof(name));
	snprintf(undone, sizeof(undone), "after: %.*s", (int)verb_len, name);
	if (strncmp(error->text, name, verb_len) != 0 && !strstr(error->text, undone))
		error_prefix(error, "%s", name);
}

/* What was wrong with a request was said when it was queued: EINVAL by now is the kernel's
 * word for something of its own. */
static int end_commit(struct nestnet_transaction *tx, int r)
{
	if (r < 0)
		name_request(tx);
	return context_end(tx->ctx, r == -EINVAL ? -EIO : r);
}

static int refuse_to_race(struct nestnet_transaction *tx, const char *what)
{
	error_set(&tx->ctx->error, EAGAIN,
		  "other programs change the ruleset faster than it can be planned; try again");
	return error_prefix(&tx->ctx->error, "%s", what);
}

int nestnet_transaction_commit(struct nestnet_transaction *tx)
{
	char first[128] = "commit";
	int r = -ERESTART;

	close_queues(tx);
	for (unsigned int try = 0; r == -ERESTART && try < TRIES; try++) {
		context_begin(tx->ctx);
		r = commit_once(tx, first, sizeof(first));
	}
	if (r == -ERESTART)
		r = refuse_to_race(tx, first);
	if (r == -ENOENT)
		end_orphans(tx);
	if (r == 0)
		context_begin(tx->ctx); /* what was asked on the way is of no interest */
	return end_commit(tx, r);
}

int nestnet_transaction_plan(struct nestnet_transaction *tx, nestnet_change_fn fn,
			     void *userdata)
{
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	int r = -ERESTART;

	tx->ctx->is_telling = true;
	for (unsigned int try = 0; r == -ERESTART && try < TRIES; try++) {
		context_begin(tx->ctx);
		r = make_plan(tx, &plan);
	}
	tx->ctx->is_telling = false;
	if (r == -ERESTART)
		r = refuse_to_race(tx, "plan");
	if (r < 0)
		return end_commit(tx, r);
	for (size_t i = 0; r == 0 && i < plan->n_changes; i++) {
		if (plan->changes[i].op)
			r = fn(userdata, plan->changes[i].op, plan->changes[i].text);
	}
	return r;
}

const char *nestnet_transaction_ifname(const struct nestnet_transaction *tx, size_t index)
{
	return index < tx->n_ifnames ? tx->ifnames[index] : NULL;
}

int nestnet_transaction_take_fds(struct nestnet_transaction *tx, size_t index, int *fds,
				 size_t n)
{
	struct queues *queues = NULL;

	context_begin(tx->ctx);
	for (size_t i = 0; i < tx->n_queues; i++) {
		if (tx->queues[i].name_index == index && tx->queues[i].fds)
			queues = &tx->queues[i];
	}
	if (!queues)
		return transaction_refuse(tx, ENOENT, "take descriptors: none are there");
	if (queues->n != n)
		return transaction_refuse(tx, EINVAL,
					  "take descriptors: there are %u, not %zu",
					  queues->n, n);
	memcpy(fds, queues->fds, n * sizeof(*fds));
	queues->n = 0; /* not ours to close any more */
	queues_close(queues);
	return 0;
}
