/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The transaction: requests in, one plan, one commit.
 *
 * Two writers need no lock. A plan is made of what the kernel said at one generation; if
 * that is over when the batch arrives, the kernel refuses it, what was done is undone, and
 * all is planned again on the new state, in which the request may by now be refused.
 */

#include "transaction.h"

#include "alias.h"
#include "bridge.h"
#include "expose.h"
#include "forward.h"
#include "found.h"
#include "guard.h"
#include "nat.h"
#include "plan.h"
#include "port.h"
#include "state.h"
#include "tap.h"

#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* How often a plan is made anew. Of n writers one wins each round, so each of eight is
 * through after some eight rounds; a program that changes the ruleset for ever is not
 * waited for. */
#define TRIES 256

struct nestnet_transaction {
	struct nestnet *ctx;
	struct request *requests;
	size_t n;
	char (*ifnames)[NESTNET_IFNAMSIZ]; /* of the last commit */
	size_t n_ifnames;
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

static void free_request(struct request *request)
{
	if (request->kind == REQUEST_EXPOSE) {
		free(request->expose.except.list);
		free(request->expose.from.list);
	}
	if (request->kind == REQUEST_TAP_ADD) {
		free(request->tap.addresses.list);
		free(request->tap.guard.list);
	}
	if (request->kind == REQUEST_BRIDGE_ADD)
		free(request->bridge.addresses.list);
}

struct nestnet_transaction *nestnet_transaction_free(struct nestnet_transaction *tx)
{
	if (!tx)
		return NULL;
	for (size_t i = 0; i < tx->n; i++)
		free_request(&tx->requests[i]);
	free(tx->requests);
	free(tx->ifnames);
	free(tx);
	return NULL;
}

struct nestnet *transaction_begin(struct nestnet_transaction *tx)
{
	context_begin(tx->ctx);
	return tx->ctx;
}

bool transaction_is_empty(const struct nestnet_transaction *tx)
{
	return tx->n == 0;
}

int transaction_add(struct nestnet_transaction *tx, const struct request *request)
{
	struct request *grown = tx->requests;

	if ((tx->n & (tx->n - 1)) == 0)
		grown = reallocarray(tx->requests, tx->n ? tx->n * 2 : 1, sizeof(*grown));
	if (!grown) {
		struct request taken = *request;

		free_request(&taken);
		return context_end(tx->ctx, -ENOMEM);
	}
	tx->requests = grown;
	tx->requests[tx->n++] = *request;
	return 0;
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

bool prefixes_copy(const struct nestnet_prefix *from, size_t n, struct prefixes *ret)
{
	*ret = (struct prefixes){ .n = n };
	if (n == 0)
		return true;
	ret->list = reallocarray(NULL, n, sizeof(*from));
	if (ret->list)
		memcpy(ret->list, from, n * sizeof(*from));
	return ret->list;
}

/* ---- Planning ------------------------------------------------------------------------------ */

/* What is translated has to be forwarded. */
static int plan_forwarding(struct plan *plan, int family)
{
	struct forward_request request = { .family = family, .is_on = true };

	return forward_plan(plan, &request);
}

static int plan_expose(struct plan *plan, const struct expose_request *request)
{
	int r = expose_plan(plan, request);

	if (r < 0 || (request->flags & NESTNET_EXPOSE_NO_FORWARD))
		return r;
	return plan_forwarding(plan, endpoint_family(&request->target));
}

static int plan_nat(struct plan *plan, const struct nat_request *request)
{
	int r = nat_plan(plan, request);

	if (r < 0 || (request->flags & NESTNET_NAT_NO_FORWARD))
		return r;
	return plan_forwarding(plan, request->subnet.address.family);
}

static int plan_tap(struct plan *plan, const struct tap_request *request)
{
	int r = tap_plan(plan, request);

	if (r < 0)
		return r;
	return r == 1 ? guard_plan_there(plan, request) : guard_plan(plan, request);
}

static int plan_tap_removal(struct plan *plan, const struct link_request *request)
{
	int r = tap_plan_remove(plan, request);

	return r < 0 ? r : guard_plan_remove(plan, request->name);
}

/* A foreign port that was attached, as `found` knows it. */
static int detach_found(void *userdata, const char *interface, const char *name,
			const char *value)
{
	struct link_request *request = userdata;

	(void)value;
	if (strcmp(name, "master") == 0 && request->name[0] == '\0')
		snprintf(request->name, sizeof(request->name), "%s", interface);
	return 0;
}

static int plan_detaching(struct plan *plan)
{
	for (;;) {
		struct link_request request = { .flags = NESTNET_IF_EXISTS |
							 NESTNET_DETACH_MOVE_ADDRESSES };
		int r = found_each(plan, detach_found, &request);

		if (r < 0 || request.name[0] == '\0')
			return r;
		r = port_plan_remove(plan, &request);
		if (r == 0)
			r = found_set(plan, request.name, "master", NULL);
		if (r < 0)
			return r;
	}
}

static int plan_clear(struct plan *plan)
{
	const struct unexpose_target_request all = { .target = { .family = AF_UNSPEC } };
	int r = expose_plan_remove_target(plan, &all);

	if (r == 0)
		r = nat_plan_clear(plan);
	if (r == 0)
		r = plan_detaching(plan);
	if (r == 0)
		r = forward_plan_restore(plan);
	if (r == 0)
		r = alias_plan_clear(plan);
	if (r == 0)
		r = state_plan_clear(plan);
	if (r == 0)
		r = guard_plan_clear(plan);
	return r < 0 ? error_prefix(plan_error(plan), "clear") : 0;
}

static int plan_request(struct plan *plan, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_EXPOSE:
		return plan_expose(plan, &request->expose);
	case REQUEST_UNEXPOSE:
		return expose_plan_remove(plan, &request->unexpose);
	case REQUEST_UNEXPOSE_TARGET:
		return expose_plan_remove_target(plan, &request->unexpose_target);
	case REQUEST_TAP_ADD:
		return plan_tap(plan, &request->tap);
	case REQUEST_TAP_DEL:
		return plan_tap_removal(plan, &request->link);
	case REQUEST_BRIDGE_ADD:
		return bridge_plan(plan, &request->bridge);
	case REQUEST_BRIDGE_DEL:
		return bridge_plan_remove(plan, &request->link);
	case REQUEST_ATTACH:
		return port_plan(plan, &request->attach);
	case REQUEST_DETACH:
		return port_plan_remove(plan, &request->link);
	case REQUEST_NAT_ADD:
		return plan_nat(plan, &request->nat);
	case REQUEST_NAT_DEL:
		return nat_plan_remove(plan, &request->nat_del);
	case REQUEST_FORWARD:
		return forward_plan(plan, &request->forward);
	case REQUEST_ALIAS_ADD:
		return alias_plan(plan, &request->alias);
	case REQUEST_ALIAS_DEL:
		return alias_plan_remove(plan, &request->alias);
	case REQUEST_CLEAR:
		return plan_clear(plan);
	}
	return -EINVAL;
}

static int make_plan(struct nestnet_transaction *tx, struct plan **ret)
{
	struct plan *plan;
	int r = plan_new(tx->ctx, &plan);

	for (size_t i = 0; r == 0 && i < tx->n; i++) {
		r = plan_request(plan, &tx->requests[i]);
		if (r < 0)
			plan_free(plan);
	}
	if (r == 0)
		*ret = plan;
	return r;
}

static void cleanup_plan(struct plan **plan)
{
	plan_free(*plan);
}

/* ---- Commits --------------------------------------------------------------------------------- */

/* @param first  is given what a commit is told by that is to be made anew */
static int commit_once(struct nestnet_transaction *tx, char *first, size_t size)
{
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	int r = make_plan(tx, &plan);

	if (r == 0)
		r = plan_execute(plan);
	if (r == -ERESTART && plan->n_changes)
		snprintf(first, size, "%s", plan->changes[0].text);
	if (r == 0) {
		free(tx->ifnames);
		tx->ifnames = plan->ifnames;
		tx->n_ifnames = plan->n_ifnames;
		plan->ifnames = NULL;
	}
	return r;
}

/* An exposure that was to be taken back had ended by itself: that fails, and nothing of the
 * transaction is done; but what the exposure had let in ends all the same. */
static void end_orphans(struct nestnet_transaction *tx)
{
	_cleanup_(cleanup_plan) struct plan *plan = NULL;
	struct error first = tx->ctx->error;
	int r = plan_new(tx->ctx, &plan);

	for (size_t i = 0; r == 0 && i < tx->n; i++) {
		if (tx->requests[i].kind == REQUEST_UNEXPOSE)
			r = expose_plan_orphans(plan, &tx->requests[i].unexpose);
	}
	if (r == 0)
		(void)plan_execute(plan);
	tx->ctx->error = first;
}

/* What was wrong with a request was said when it was queued: EINVAL by now is the kernel's
 * word for something of its own. */
static int end_commit(struct nestnet_transaction *tx, int r)
{
	return context_end(tx->ctx, r == -EINVAL ? -EIO : r);
}

int nestnet_transaction_commit(struct nestnet_transaction *tx)
{
	char first[128] = "commit";
	int r = -ERESTART;

	for (unsigned int try = 0; r == -ERESTART && try < TRIES; try++) {
		context_begin(tx->ctx);
		r = commit_once(tx, first, sizeof(first));
	}
	if (r == -ERESTART) {
		r = error_set(&tx->ctx->error, EAGAIN,
			      "other programs change the ruleset faster than it can be "
			      "planned; try again");
		error_prefix(&tx->ctx->error, "%s", first);
	}
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
	int r;

	context_begin(tx->ctx);
	r = make_plan(tx, &plan);
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
