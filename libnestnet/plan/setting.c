/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sysctls as a step of a plan. */

#include "plan/setting.h"

#include "kernel/sysctl.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct setting {
	int family;
	char interface[NESTNET_IFNAMSIZ];
	const char *key; /* static */
	int before, after;
	int fd;
};

struct setting_change {
	char what[64]; /* as a command, for the sentence of a failure */
	struct setting *settings;
	size_t n;
};

static int open_setting(struct plan *plan, int family, const char *interface,
			const char *key, bool is_for_writing, int *ret_fd)
{
	int back, r = context_enter(plan->ctx, &back);

	if (r < 0)
		return r;
	r = sysctl_open(family, interface, key, is_for_writing, ret_fd, plan_error(plan));
	return context_leave(plan->ctx, back, r);
}

int setting_read(struct plan *plan, int family, const char *interface, const char *key,
		 int *ret)
{
	_cleanup_close_ int fd = -1;
	int r = open_setting(plan, family, interface, key, false, &fd);

	if (r <= 0)
		return r;
	r = sysctl_read(fd, ret, plan_error(plan));
	return r < 0 ? r : 1;
}

int setting_get(struct nestnet *ctx, int family, const char *interface, const char *key)
{
	struct error ignored = { .code = 0 };
	_cleanup_close_ int fd = -1;
	int back, value = -1;

	if (context_enter(ctx, &back) < 0)
		return -1;
	if (sysctl_open(family, interface, key, false, &fd, &ignored) == 1 &&
	    sysctl_read(fd, &value, &ignored) < 0)
		value = -1;
	return context_leave(ctx, back, 0) < 0 ? -1 : value;
}

struct setting_change *setting_change_new(const char *what)
{
	struct setting_change *change = calloc(1, sizeof(*change));

	if (change)
		snprintf(change->what, sizeof(change->what), "%s", what);
	return change;
}

void setting_change_free(void *data)
{
	struct setting_change *change = data;

	for (size_t i = 0; i < change->n; i++)
		cleanup_close_fd(&change->settings[i].fd);
	free(change->settings);
	free(change);
}

int setting_change_add(struct plan *plan, struct setting_change *change, int family,
		       const char *interface, const char *key, int before, int after)
{
	struct setting *setting, *grown;

	grown = reallocarray(change->settings, change->n + 1, sizeof(*grown));
	if (!grown)
		return error_set_errno(plan_error(plan), ENOMEM);
	change->settings = grown;
	setting = &grown[change->n++];
	*setting = (struct setting){
		.family = family, .key = key, .before = before, .after = after, .fd = -1
	};
	snprintf(setting->interface, sizeof(setting->interface), "%s", interface);
	return 0;
}

/* ---- The step -------------------------------------------------------------------------- */

/* An interface that is gone by then has no setting either: its descriptor stays -1. */
static int prepare(struct plan *plan, void *data)
{
	struct setting_change *change = data;

	for (size_t i = 0; i < change->n; i++) {
		struct setting *s = &change->settings[i];
		int r = open_setting(plan, s->family, s->interface, s->key, true, &s->fd);

		if (r < 0)
			return error_prefix(plan_error(plan), "%s", change->what);
	}
	return 0;
}

static int write_setting(struct plan *plan, const struct setting *s, int value)
{
	if (s->fd < 0 || value == SETTING_KEEP)
		return 0;
	if (sysctl_write(s->fd, value, plan_error(plan)) < 0)
		return error_prefix(plan_error(plan), "net.%s.conf.%s.%s",
				    s->family == AF_INET ? "ipv4" : "ipv6", s->interface,
				    s->key);
	return 0;
}

/* The host's switch, which overwrites others. */
static bool is_switch(const struct setting *s)
{
	return strcmp(s->interface, "all") == 0 && strcmp(s->key, "forwarding") == 0;
}

static int put_back_some(struct plan *plan, const struct setting_change *change,
			 bool are_switches)
{
	int r = 0;

	for (size_t i = 0; i < change->n; i++) {
		const struct setting *s = &change->settings[i];
		int one;

		if (is_switch(s) != are_switches)
			continue;
		one = write_setting(plan, s, s->before);
		r = r < 0 ? r : one;
	}
	return r;
}

/* The switches first, and then what they overwrite. */
static int put_back(struct plan *plan, const struct setting_change *change)
{
	int switches = put_back_some(plan, change, true);
	int others = put_back_some(plan, change, false);

	return switches < 0 ? switches : others;
}

static int act(struct plan *plan, void *data)
{
	const struct setting_change *change = data;

	for (size_t i = 0; i < change->n; i++) {
		int r = write_setting(plan, &change->settings[i], change->settings[i].after);

		if (r < 0) {
			struct error first = plan->ctx->error;

			if (put_back(plan, change) < 0) {
				error_prefix(&first, "could not be undone (%s) after",
					     plan->ctx->error.text);
				first.code = ENOTRECOVERABLE;
				r = -ENOTRECOVERABLE;
			}
			plan->ctx->error = first;
			error_prefix(plan_error(plan), "%s", change->what);
			return r;
		}
	}
	return 0;
}

static int undo(struct plan *plan, void *data)
{
	return put_back(plan, data);
}

static const struct plan_step_ops setting_ops = {
	.prepare = prepare,
	.act = act,
	.undo = undo,
	.free = setting_change_free,
};

int setting_change_plan(struct plan *plan, enum plan_phase phase,
			struct setting_change *change)
{
	return plan_add(plan, phase, &setting_ops, change);
}
