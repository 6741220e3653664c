/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans: ordered steps with undo; plan.h has the model. */

#include "plan/plan.h"

#include "plan/command.h"
#include "plan/mtu.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct plan_step {
	enum plan_phase phase;
	const struct plan_step_ops *ops;
	void *step;
};

int plan_new(struct nestnet *ctx, struct plan **ret)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct netlink *filter;
	int r;

	if (!plan)
		return error_set_errno(&ctx->error, ENOMEM);
	plan->ctx = ctx;
	r = context_filter(ctx, &filter);
	if (r == 0) {
		plan->elements = elements_new(filter);
		if (!plan->elements)
			r = error_set_errno(&ctx->error, ENOMEM);
	}
	if (r < 0) {
		plan_free(plan);
		return r;
	}
	*ret = plan;
	return 0;
}

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->n_steps; i++)
		plan->steps[i].ops->free(plan->steps[i].step);
	for (size_t i = 0; i < plan->n_changes; i++)
		free(plan->changes[i].text);
	elements_free(plan->elements);
	free(plan->steps);
	free(plan->changes);
	command_free_words(plan->words);
	free(plan->unlinks);
	free(plan->ifnames);
	for (size_t i = 0; i < plan->n_queues; i++)
		queues_close(&plan->queues[i]);
	free(plan->queues);
	free(plan->born);
	free(plan->coexist);
	if (plan->inventory)
		inventory_clear(plan->inventory);
	free(plan->inventory);
	free(plan);
	return NULL;
}

/* Makes room for one more in an array that grows at the powers of two. */
static int grow(struct plan *plan, void *array, size_t n, size_t size)
{
	void *grown;

	if (n != 0 && (n & (n - 1)) != 0)
		return 0;
	grown = reallocarray(*(void **)array, n ? n * 2 : 1, size);
	if (!grown)
		return error_set_errno(plan_error(plan), ENOMEM);
	*(void **)array = grown;
	return 0;
}

int plan_add(struct plan *plan, enum plan_phase phase, const struct plan_step_ops *ops,
	     void *step)
{
	size_t at = plan->n_steps;
	int r;

	if (!step)
		return error_set_errno(plan_error(plan), ENOMEM);
	r = grow(plan, &plan->steps, plan->n_steps, sizeof(*plan->steps));
	if (r < 0) {
		ops->free(step);
		return r;
	}
	for (; at > 0 && plan->steps[at - 1].phase > phase; at--)
		plan->steps[at] = plan->steps[at - 1];
	plan->steps[at] = (struct plan_step){ .phase = phase, .ops = ops, .step = step };
	plan->n_steps++;
	return 0;
}

void *plan_find(const struct plan *plan, const struct plan_step_ops *ops)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].ops == ops)
			return plan->steps[i].step;
	}
	return NULL;
}

static int add_change(struct plan *plan, char op, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static int add_change(struct plan *plan, char op, const char *format, va_list args)
{
	char *text;
	int r = grow(plan, &plan->changes, plan->n_changes, sizeof(*plan->changes));

	if (r < 0)
		return r;
	if (vasprintf(&text, format, args) < 0)
		return error_set_errno(plan_error(plan), ENOMEM);
	plan->changes[plan->n_changes++] = (struct plan_change){ .op = op, .text = text };
	return 0;
}

static size_t count_changes(const struct plan *plan)
{
	return plan->n_changes + plan->n_untold;
}

bool plan_wants_words(const struct plan *plan)
{
	return (count_changes(plan) == 0 && !plan->now) || context_tells(plan->ctx);
}

void plan_count(struct plan *plan)
{
	if (count_changes(plan) == 0 && plan->now) {
		plan->first = *plan->now;
		plan->has_first = true;
	}
	plan->n_untold++;
}

void plan_name_first(const struct plan *plan, char *buf, size_t size)
{
	_cleanup_free_ char *command = plan->has_first ? command_format(&plan->first) : NULL;

	if (command && command[0])
		snprintf(buf, size, "%s", command);
	else if (plan->has_first) /* what takes something back */
		(void)command_name(&plan->first, buf, size);
	else if (plan->n_changes > 0)
		snprintf(buf, size, "%s", plan->changes[0].text);
}

int plan_note(struct plan *plan, char op, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = add_change(plan, op, format, args);
	va_end(args);
	return r;
}

int plan_say(struct plan *plan, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = add_change(plan, 0, format, args);
	va_end(args);
	return r;
}

int plan_unlink(struct plan *plan, const struct link *link)
{
	int r = grow(plan, &plan->unlinks, plan->n_unlinks, sizeof(*plan->unlinks));
	struct link_id *id;

	if (r < 0)
		return r;
	id = &plan->unlinks[plan->n_unlinks++];
	id->ifindex = link->ifindex;
	snprintf(id->name, sizeof(id->name), "%s", link->name);
	return 0;
}

bool plan_unlinks(const struct plan *plan, const struct link *link)
{
	for (size_t i = 0; i < plan->n_unlinks; i++) {
		if (plan->unlinks[i].ifindex == link->ifindex)
			return true;
	}
	return false;
}

int plan_inventory(struct plan *plan, const struct inventory **ret)
{
	struct inventory *inventory = plan->inventory;
	int r;

	if (!inventory) {
		inventory = calloc(1, sizeof(*inventory));
		if (!inventory)
			return error_set_errno(plan_error(plan), ENOMEM);
		r = inventory_load(plan->ctx, inventory);
		if (r < 0) {
			free(inventory);
			return r;
		}
		plan->inventory = inventory;
	}
	*ret = inventory;
	return 0;
}

int plan_auto_mtu(struct plan *plan, uint32_t *ret)
{
	int r = plan->auto_mtu ? 0 : mtu_auto(plan->ctx, &plan->auto_mtu);

	*ret = plan->auto_mtu;
	return r;
}

bool plan_drops(const struct plan *plan, const struct link *link)
{
	/* A tap that ends with its program is that program's, and no part of a state. */
	return plan->wanted && link->is_managed && !link_is_ephemeral(link) &&
	       !objects_find_link(plan->wanted, link->name);
}

bool plan_adds_ifname(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_ifnames; i++) {
		if (strcmp(plan->ifnames[i], name) == 0)
			return true;
	}
	return false;
}

int plan_add_ifname(struct plan *plan, const char *name, size_t *ret_index)
{
	int r = grow(plan, &plan->ifnames, plan->n_ifnames, sizeof(*plan->ifnames));

	if (r < 0)
		return r;
	*ret_index = plan->n_ifnames++;
	plan_set_ifname(plan, *ret_index, name);
	return 0;
}

void plan_set_ifname(struct plan *plan, size_t index, const char *name)
{
	snprintf(plan->ifnames[index], sizeof(plan->ifnames[index]), "%s", name);
}

int plan_add_queues(struct plan *plan, size_t name_index, bool is_kept, size_t *ret_index)
{
	int r = grow(plan, &plan->queues, plan->n_queues, sizeof(*plan->queues));

	if (r < 0)
		return r;
	*ret_index = plan->n_queues++;
	plan->queues[*ret_index] =
		(struct queues){ .name_index = name_index, .is_kept = is_kept };
	return 0;
}

int plan_add_born(struct plan *plan, const char *name, const struct nestnet_prefix *addresses,
		  size_t n)
{
	struct plan_born *born;
	int r = grow(plan, &plan->born, plan->n_born, sizeof(*plan->born));

	if (r < 0)
		return r;
	born = &plan->born[plan->n_born++];
	*born = (struct plan_born){ .addresses = addresses, .n = n };
	snprintf(born->name, sizeof(born->name), "%s", name);
	return 0;
}

const struct plan_born *plan_find_born(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_born; i++) {
		if (strcmp(plan->born[i].name, name) == 0)
			return &plan->born[i];
	}
	return NULL;
}

const struct plan_born *plan_find_born_for(const struct plan *plan,
					   const struct nestnet_address *address)
{
	for (size_t i = 0; i < plan->n_born; i++) {
		for (size_t a = 0; a < plan->born[i].n; a++) {
			if (prefix_contains(&plan->born[i].addresses[a], address))
				return &plan->born[i];
		}
	}
	return NULL;
}

int plan_add_coexist(struct plan *plan, const struct nestnet_prefix *target)
{
	int r = grow(plan, &plan->coexist, plan->n_coexist, sizeof(*plan->coexist));

	if (r == 0)
		plan->coexist[plan->n_coexist++] = *target;
	return r;
}

/* ---- Execution --------------------------------------------------------------------------- */

/* The batch is a step as any other, once the nouns have said all they want; it is of all
 * of them, and so a failure is told by the first change. */
static int commit_elements(struct plan *plan, void *step)
{
	int r = elements_commit(plan->elements, plan_error(plan));
	size_t n = count_changes(plan);
	char first[256];

	(void)step;
	if (r == 0 || r == -ERESTART || n == 0 || plan->is_of_one)
		return r;
	plan_name_first(plan, first, sizeof(first));
	if (n == 1)
		return error_prefix(plan_error(plan), "%s", first);
	return error_prefix(plan_error(plan), "%s and %zu more", first, n - 1);
}

static int revert_elements(struct plan *plan, void *step)
{
	(void)step;
	return elements_revert(plan->elements, plan_error(plan));
}

void plan_free_nothing(void *step)
{
	(void)step;
}

static const struct plan_step_ops elements_ops = {
	.act = commit_elements,
	.undo = revert_elements,
	.free = plan_free_nothing,
};

static int delete_links(struct plan *plan, void *step)
{
	struct netlink *nl;
	int r = context_route(plan->ctx, &nl);

	(void)step;
	return r < 0 ? r
		     : link_delete(nl, plan->unlinks, plan->n_unlinks, plan_error(plan));
}

static const struct plan_step_ops unlink_ops = {
	.act = delete_links,
	.free = plan_free_nothing,
};

/* Undoes the first n steps in reverse; the error under way stays the one to tell. */
static int undo(struct plan *plan, size_t n, int result)
{
	struct error first = plan->ctx->error;

	while (n-- > 0) {
		const struct plan_step *step = &plan->steps[n];
		struct error *error = plan_error(plan);

		if (!step->ops->undo)
			error_set(error, ENOTRECOVERABLE, "what was deleted or ended is gone");
		if (!step->ops->undo || step->ops->undo(plan, step->step) < 0) {
			error_prefix(&first, "could not be undone (%s) after", error->text);
			first.code = ENOTRECOVERABLE;
			result = -ENOTRECOVERABLE;
		}
	}
	plan->ctx->error = first;
	return result;
}

/* The taps that were made for others to open are persistent by now. */
static void close_queues(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_queues; i++) {
		if (!plan->queues[i].is_kept)
			queues_close(&plan->queues[i]);
	}
}

static void log_changes(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_changes; i++) {
		const struct plan_change *change = &plan->changes[i];

		if (change->op)
			context_log(plan->ctx, NESTNET_LOG_INFO, "%c %s", change->op,
				    change->text);
		else
			context_log(plan->ctx, NESTNET_LOG_NOTICE, "%s", change->text);
	}
}

int plan_execute(struct plan *plan)
{
	/* Even where nothing is wanted yet: a step may have to know the name that a new
	 * interface got first. */
	int r = plan_add(plan, PLAN_ELEMENTS, &elements_ops, plan);

	if (r == 0 && plan->n_unlinks)
		r = plan_add(plan, PLAN_UNLINK, &unlink_ops, plan);
	for (size_t i = 0; r == 0 && i < plan->n_steps; i++) {
		if (plan->steps[i].ops->prepare)
			r = plan->steps[i].ops->prepare(plan, plan->steps[i].step);
	}
	for (size_t i = 0; r == 0 && i < plan->n_steps; i++) {
		context_progress(plan->ctx, "act", i, plan->n_steps);
		r = plan->steps[i].ops->act(plan, plan->steps[i].step);
		if (r < 0)
			return undo(plan, i, r);
	}
	if (r == 0) {
		close_queues(plan);
		log_changes(plan);
	}
	return r;
}
