/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Forwarding.
 *
 * Writing the host's switch changes more than itself (facts 11, 11a): every interface's own
 * switch, and for IPv4 the host's accept_redirects. What differed before is recorded in
 * `found`, and written again after the switch when it goes back. In IPv6 an interface that
 * lives from router advertisements would lose its default route (facts 12), unless its
 * accept_ra is 2 before.
 */

#include "forward.h"

#include "transaction.h"

#include "plan/command.h"
#include "plan/found.h"
#include "plan/setting.h"
#include "plan/uplinks.h"

#include "kernel/link.h"
#include "kernel/sysctl.h"

#include "base/cleanup.h"
#include "base/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A switch under way. */
struct turn {
	struct plan *plan;
	struct setting_change *change;
	int family;
	int present; /* of the host */
	int wanted;
};

static const char *family_option(int family)
{
	return family == AF_INET ? "-4" : "-6";
}

static const char *record_name(int family, const char *key, char *buf, size_t size)
{
	snprintf(buf, size, "%s.%s", family == AF_INET ? "ipv4" : "ipv6", key);
	return buf;
}

static int note(struct turn *turn, const char *interface, const char *key, int before,
		int wanted)
{
	char name[32];

	return found_note(turn->plan, interface,
			  record_name(turn->family, key, name, sizeof(name)), before, wanted);
}

static int add(struct turn *turn, const char *interface, const char *key, int before,
	       int after)
{
	return setting_change_add(turn->plan, turn->change, turn->family, interface, key,
				  before, after);
}

/* ---- What else the host's switch changes ------------------------------------------------- */

/* Records what is overwritten, which is what is wanted now and not what is later. */
static int remember(struct turn *turn, const char *interface, int before)
{
	char name[32], value[FOUND_VALUE_MAX];
	int r;

	record_name(turn->family, "forwarding", name, sizeof(name));
	r = found_get(turn->plan, interface, name, value);
	if (r != 0)
		return r < 0 ? r : 0;
	snprintf(value, sizeof(value), "%d", before);
	return found_set(turn->plan, interface, name, value);
}

/* An interface's own switch that differs from the host's will be overwritten. */
static int keep_interface(void *userdata, const char *interface)
{
	struct turn *turn = userdata;
	int before, r;

	r = setting_read(turn->plan, turn->family, interface, "forwarding", &before);
	if (r <= 0 || before == turn->present)
		return r < 0 ? r : 0;
	r = remember(turn, interface, before);
	return r < 0 ? r : add(turn, interface, "forwarding", before, SETTING_KEEP);
}

static int keep_interfaces(struct turn *turn)
{
	int back, r = context_enter(turn->plan->ctx, &back);

	if (r < 0)
		return r;
	r = sysctl_list_interfaces(turn->family, keep_interface, turn,
				   plan_error(turn->plan));
	r = context_leave(turn->plan->ctx, back, r);
	return r < 0 ? r : keep_interface(turn, "default");
}

/* Turned on, the host no longer accepts redirects. */
static int keep_redirects(struct turn *turn)
{
	int before, r;

	r = setting_read(turn->plan, AF_INET, "all", "accept_redirects", &before);
	if (r <= 0)
		return r;
	r = note(turn, "all", "accept_redirects", before, 0);
	return r < 0 ? r : add(turn, "all", "accept_redirects", before, SETTING_KEEP);
}

/* Lets an interface go on taking router advertisements when the host forwards. */
static int keep_interface_advertisements(struct turn *turn, const char *interface)
{
	int before, r;

	r = setting_read(turn->plan, AF_INET6, interface, "accept_ra", &before);
	if (r <= 0 || before != 1)
		return r < 0 ? r : 0;
	r = note(turn, interface, "accept_ra", before, 2);
	return r < 0 ? r : add(turn, interface, "accept_ra", before, 2);
}

static int keep_advertisements(struct turn *turn, struct netlink *nl, uint32_t ifindex)
{
	struct link link;
	int r = link_get_by_index(nl, ifindex, &link, plan_error(turn->plan));

	return r <= 0 ? r : keep_interface_advertisements(turn, link.name);
}

static int keep_uplinks(struct turn *turn)
{
	struct uplinks uplinks;
	struct netlink *nl;
	int r = context_route(turn->plan->ctx, &nl);

	if (r == 0)
		r = uplinks_read_advertised(turn->plan->ctx, &uplinks);
	for (size_t i = 0; r == 0 && i < uplinks.n; i++)
		r = keep_advertisements(turn, nl, uplinks.ifindexes[i]);
	return r;
}

/* ---- What goes back with it ---------------------------------------------------------------- */

struct record {
	char interface[NESTNET_IFNAMSIZ];
	const char *key;
	int value;
};

struct records {
	int family;
	struct record *records;
	size_t n;
};

static int take_record(void *userdata, const char *interface, const char *name,
		       const char *value)
{
	static const char *const keys[] = { "accept_redirects", "forwarding", "accept_ra" };
	struct records *records = userdata;
	struct record *grown;
	char known[32];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(name, record_name(records->family, keys[i], known,
					     sizeof(known))) != 0)
			continue;
		grown = reallocarray(records->records, records->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		records->records = grown;
		snprintf(grown[records->n].interface, NESTNET_IFNAMSIZ, "%s", interface);
		grown[records->n].key = keys[i];
		grown[records->n++].value = (int)strtol(value, NULL, 10);
	}
	return 0;
}

static int put_back_record(struct turn *turn, const struct record *record)
{
	char name[32];
	int before, r;

	r = setting_read(turn->plan, turn->family, record->interface, record->key, &before);
	if (r == 1)
		r = add(turn, record->interface, record->key, before, record->value);
	/* What the host's own switch takes along is part of that. */
	if (r == 0 && turn->present == turn->wanted && before != record->value &&
	    strcmp(record->key, "forwarding") == 0)
		r = plan_note(turn->plan, '+', "forward %s %s %s",
			      record->value ? "on" : "off", record->interface,
			      family_option(turn->family));
	if (r < 0)
		return r;
	return found_set(turn->plan, record->interface,
			 record_name(turn->family, record->key, name, sizeof(name)), NULL);
}

/* Everything of the family that was recorded, the host's own switch aside. */
static int put_back_records(struct turn *turn)
{
	struct records records = { .family = turn->family };
	int r = found_each(turn->plan, take_record, &records);

	if (r == -ENOMEM)
		error_set_errno(plan_error(turn->plan), ENOMEM);
	for (size_t i = 0; r == 0 && i < records.n; i++) {
		const struct record *record = &records.records[i];

		if (strcmp(record->interface, "all") != 0 ||
		    strcmp(record->key, "forwarding") != 0)
			r = put_back_record(turn, record);
	}
	free(records.records);
	return r;
}

/* Turned off, the host would accept redirects; what was recorded comes after this. */
static int hold_redirects(struct turn *turn)
{
	int before, r;

	r = setting_read(turn->plan, AF_INET, "all", "accept_redirects", &before);
	return r <= 0 ? r : add(turn, "all", "accept_redirects", before, before);
}

/* ---- Turning ------------------------------------------------------------------------------- */

/* The switch goes to where it was found, and what it took along goes with it. */
static int is_going_back(struct turn *turn)
{
	char name[32], value[FOUND_VALUE_MAX];
	int r;

	record_name(turn->family, "forwarding", name, sizeof(name));
	r = found_get(turn->plan, "all", name, value);
	return r != 1 ? r : strtol(value, NULL, 10) == turn->wanted;
}

static int turn_host(struct turn *turn)
{
	bool is_back;
	int r = is_going_back(turn);

	if (r < 0)
		return r;
	is_back = r;
	r = 0;
	if (!is_back && turn->wanted && turn->family == AF_INET6)
		r = keep_uplinks(turn);
	if (r == 0 && !is_back)
		r = keep_interfaces(turn);
	if (r == 0)
		r = note(turn, "all", "forwarding", turn->present, turn->wanted);
	if (r == 0)
		r = add(turn, "all", "forwarding", turn->present, turn->wanted);
	if (r == 0 && turn->family == AF_INET)
		r = turn->wanted && !is_back ? keep_redirects(turn) : hold_redirects(turn);
	if (r == 0 && is_back)
		r = put_back_records(turn);
	return r;
}

/* As long as the host's switch is to go back, it takes an interface's along to what that was,
 * but for those that were recorded when it changed: then there is no more to record. */
static int note_interface(struct turn *turn, const char *ifname)
{
	char name[32], value[FOUND_VALUE_MAX];
	int host = 0, r;

	record_name(turn->family, "forwarding", name, sizeof(name));
	r = found_get(turn->plan, "all", name, value);
	if (r == 1)
		r = setting_read(turn->plan, turn->family, "all", "forwarding", &host);
	if (r == 1 && strtol(value, NULL, 10) != host)
		return 0;
	return r < 0 ? r : note(turn, ifname, "forwarding", turn->present, turn->wanted);
}

/* In IPv6 an interface that forwards takes no router advertisements either. */
static int turn_interface(struct turn *turn, const char *ifname)
{
	int r = 0;

	if (turn->wanted && turn->family == AF_INET6)
		r = keep_interface_advertisements(turn, ifname);
	if (r == 0)
		r = note_interface(turn, ifname);
	return r < 0 ? r : add(turn, ifname, "forwarding", turn->present, turn->wanted);
}

/* In a whole state an interface that is not there is no error: it may come later. */
static int refuse_absent(struct plan *plan, const char *ifname, int wanted)
{
	if (!plan->wanted)
		return error_set_errno(plan_error(plan), ENODEV);
	return plan_say(plan, "forward %s %s: %s, and so it is left out", wanted ? "on" : "off",
			ifname, error_describe(ENODEV));
}

static int plan_turn(struct plan *plan, const char *ifname, int family, int wanted)
{
	const char *interface = ifname[0] ? ifname : "all";
	struct turn turn = { .plan = plan, .family = family, .wanted = wanted };
	int r = setting_read(plan, family, interface, "forwarding", &turn.present);

	if (r == 0)
		return ifname[0] ? refuse_absent(plan, ifname, wanted) : 0;
	/* Off, and yet recorded: who turned it off was killed before all of it was back. */
	if (r == 1 && turn.present == wanted)
		r = wanted || ifname[0] ? 0 : is_going_back(&turn);
	if (r <= 0)
		return r;

	turn.change = setting_change_new(turn.wanted ? "forward on" : "forward off");
	if (!turn.change)
		return error_set_errno(plan_error(plan), ENOMEM);
	r = ifname[0] ? turn_interface(&turn, ifname) : turn_host(&turn);
	if (r < 0) {
		setting_change_free(turn.change);
		return r;
	}
	r = plan_note(plan, '+', "forward %s%s%s %s", wanted ? "on" : "off",
		      ifname[0] ? " " : "", ifname, family_option(family));
	if (r < 0) {
		setting_change_free(turn.change);
		return r;
	}
	return setting_change_plan(plan, wanted ? PLAN_SETTINGS : PLAN_SETTINGS_BACK,
				   turn.change);
}

/* @return 1: another request has seen to it; 0; or the refusal */
static int agree_on_host(struct plan *plan, int family, int wanted)
{
	int *forwarding = &plan->forwarding[family == AF_INET6], wish = wanted ? 1 : -1;

	if (*forwarding == -wish)
		return error_set(plan_error(plan), EBUSY,
				 "another request of the transaction wants it %s",
				 wanted ? "off" : "on");
	if (*forwarding == wish)
		return 1;
	*forwarding = wish;
	return 0;
}

static int plan_family(struct plan *plan, const struct forward_request *request, int family)
{
	int r = request->ifname[0] ? 0 : agree_on_host(plan, family, request->is_on);

	if (r != 0)
		return r < 0 ? r : 0;
	return plan_turn(plan, request->ifname, family, request->is_on);
}

int forward_plan(struct plan *plan, const struct forward_request *request)
{
	int r = 0;

	if (request->family != AF_INET6)
		r = plan_family(plan, request, AF_INET);
	if (r == 0 && request->family != AF_INET)
		r = plan_family(plan, request, AF_INET6);
	if (r < 0)
		return error_prefix(plan_error(plan), "forward %s%s%s",
				    request->is_on ? "on" : "off",
				    request->ifname[0] ? " " : "", request->ifname);
	return 0;
}

/* ---- As it was found ----------------------------------------------------------------------- */

static int restore_family(struct plan *plan, int family)
{
	struct turn turn = { .plan = plan, .family = family };
	char name[32], value[FOUND_VALUE_MAX];
	int r;

	r = setting_read(plan, family, "all", "forwarding", &turn.present);
	if (r <= 0)
		return r;
	turn.wanted = turn.present;
	r = found_get(plan, "all", record_name(family, "forwarding", name, sizeof(name)),
		      value);
	if (r == 1)
		turn.wanted = (int)strtol(value, NULL, 10);
	if (r == 1 && turn.wanted != turn.present) {
		r = plan_say(plan, "clear: %s forwarding is %s again, as it was found",
			     family == AF_INET ? "IPv4" : "IPv6",
			     turn.wanted ? "on" : "off");
		return r < 0 ? r : plan_turn(plan, "", family, turn.wanted);
	}
	if (r < 0)
		return r;

	turn.change = setting_change_new(turn.wanted ? "forward on" : "forward off");
	if (!turn.change)
		return error_set_errno(plan_error(plan), ENOMEM);
	r = put_back_records(&turn);
	if (r < 0) {
		setting_change_free(turn.change);
		return r;
	}
	return setting_change_plan(plan, PLAN_SETTINGS_BACK, turn.change);
}

int forward_plan_restore(struct plan *plan)
{
	int r = restore_family(plan, AF_INET);

	return r < 0 ? r : restore_family(plan, AF_INET6);
}

/* ---- Saving -------------------------------------------------------------------------------- */

static int save_switch(struct plan *plan, const char *interface, int family)
{
	bool is_host = strcmp(interface, "all") == 0;
	struct request request = { .kind = REQUEST_FORWARD,
				   .forward = { .family = family, .is_on = true } };
	int is_on = 0, r = setting_read(plan, family, interface, "forwarding", &is_on);

	if (r <= 0 || !is_on || (is_host && plan->forwarding[family == AF_INET6] == 1))
		return r < 0 ? r : 0;
	if (!is_host)
		snprintf(request.forward.ifname, NESTNET_IFNAMSIZ, "%s", interface);
	return command_note(plan, '+', &request);
}

static int compare_records(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return strcmp(x->interface, y->interface);
}

int forward_plan_save(struct plan *plan)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		struct records records = { .family = families[f] };
		int r = found_each(plan, take_record, &records);

		if (r == -ENOMEM)
			error_set_errno(plan_error(plan), ENOMEM);
		if (records.n)
			qsort(records.records, records.n, sizeof(*records.records),
			      compare_records);
		for (size_t i = 0; r == 0 && i < records.n; i++) {
			const struct record *record = &records.records[i];

			if (strcmp(record->key, "forwarding") == 0 && record->value == 0)
				r = save_switch(plan, record->interface, families[f]);
		}
		free(records.records);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- Public -------------------------------------------------------------------------------- */

int nestnet_forward_set(struct nestnet_transaction *tx, const char *ifname, int family,
			int is_on)
{
	struct request request = { .kind = REQUEST_FORWARD };
	const char *why = ifname ? name_why_not_interface(ifname) : NULL;

	transaction_begin(tx);
	if (why)
		return transaction_refuse(tx, EINVAL, "forward %s '%s': %s",
					  is_on ? "on" : "off", ifname, why);
	if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC)
		return transaction_refuse(tx, EINVAL, "forward: no such family");

	request.forward.family = family;
	request.forward.is_on = is_on;
	if (ifname)
		snprintf(request.forward.ifname, NESTNET_IFNAMSIZ, "%s", ifname);
	return transaction_add(tx, &request);
}

static int read_status(struct nestnet *ctx, const char *interface, int family, int *ret)
{
	struct plan plan = { .ctx = ctx };
	int r = setting_read(&plan, family, interface, "forwarding", ret);

	if (r == 0)
		*ret = -1;
	return r;
}

int nestnet_forward_status(struct nestnet *ctx, const char *ifname,
			   nestnet_forwarding_fn fn, void *userdata)
{
	struct nestnet_forwarding status = { .ifname = ifname };
	const char *why = ifname ? name_why_not_interface(ifname) : NULL;
	int four, six = 0;

	context_begin(ctx);
	if (why) {
		error_set(&ctx->error, EINVAL, "forward status '%s': %s", ifname, why);
		return context_end(ctx, -EINVAL);
	}
	four = read_status(ctx, ifname ? ifname : "all", AF_INET, &status.ipv4);
	if (four >= 0)
		six = read_status(ctx, ifname ? ifname : "all", AF_INET6, &status.ipv6);
	if (four < 0 || six < 0)
		return context_end(ctx, four < 0 ? four : six);
	if (four == 0 && six == 0) {
		error_set(&ctx->error, ENODEV, "forward status %s: %s",
			  ifname ? ifname : "", error_describe(ENODEV));
		return context_end(ctx, -ENODEV);
	}
	return fn(userdata, &status);
}
