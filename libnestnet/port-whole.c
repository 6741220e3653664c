/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attached interfaces in a whole state: which are too many, which somebody's flush of the
 * ruleset has made us forget, and which there are. */

#include "port.h"

#include "plan/command.h"
#include "plan/found.h"
#include "plan/move-record.h"
#include "plan/uplinks.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attached {
	const struct objects *wanted;
	char ifname[NESTNET_IFNAMSIZ];
};

/* A foreign port that was attached, as `found` knows it, and that nobody wants to be. */
static int find_extra(void *userdata, const char *interface, const char *name,
		      const char *value)
{
	struct attached *attached = userdata;

	(void)value;
	if (strcmp(name, FOUND_ATTACHED) != 0 ||
	    (attached->wanted && objects_find_port(attached->wanted, interface)))
		return 0;
	snprintf(attached->ifname, sizeof(attached->ifname), "%s", interface);
	return 1;
}

/* Somebody's flush of the ruleset has made us forget whose addresses a bridge has. Where that
 * is L1's uplink, it is not to take them along: they go to its first port that is not ours and
 * has none. @return 0 or a negative errno */
static int recover_uplink(struct plan *plan, const struct inventory *inventory,
			  const struct inventory_link *bridge)
{
	const struct move_keep keep = { .n = 0 };
	char value[FOUND_VALUE_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct inventory_link *port = &inventory->links[i];

		if (port->link.master != bridge->link.ifindex || port->link.is_managed ||
		    port->n_addresses > 0)
			continue;
		r = found_get(plan, port->link.name, FOUND_ATTACHED, value);
		if (r != 0)
			return r < 0 ? r : 0;
		r = found_set(plan, port->link.name, FOUND_ATTACHED, bridge->link.name);
		if (r == 0)
			r = move_record_write(plan, port->link.name, bridge->link.name,
					      &keep);
		return r;
	}
	return r;
}

/* The uplinks among the bridges that go. */
static int recover_uplinks(struct plan *plan)
{
	const struct inventory *inventory;
	struct uplinks uplinks;
	int r = plan_inventory(plan, &inventory);

	if (r == 0)
		r = uplinks_read(plan->ctx, &uplinks);
	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct inventory_link *bridge = &inventory->links[i];

		if (bridge->link.is_managed && bridge->link.kind == LINK_BRIDGE &&
		    (!plan->wanted || plan_drops(plan, &bridge->link)) &&
		    uplinks_have(&uplinks, bridge->link.ifindex))
			r = recover_uplink(plan, inventory, bridge);
	}
	return r;
}

int port_plan_extra(struct plan *plan)
{
	int r = recover_uplinks(plan);

	if (r < 0)
		return r;
	for (;;) {
		struct link_request request = { .flags = NESTNET_IF_EXISTS |
							 NESTNET_DETACH_MOVE_ADDRESSES };
		struct attached attached = { .wanted = plan->wanted };

		r = found_each(plan, find_extra, &attached);
		if (r <= 0)
			return r;
		memcpy(request.name, attached.ifname, sizeof(request.name));
		r = port_plan_remove(plan, &request);
		if (r == 0)
			r = found_set(plan, request.name, FOUND_ATTACHED, NULL);
		if (r < 0)
			return r;
	}
}

/* @return 1: it is the bridge's, and what else the bridge has was the port's; 0; -errno */
static int recover_move(struct plan *plan, const struct attach_request *request,
			const struct inventory_link *port, const struct inventory_link *bridge)
{
	const struct request *made = objects_find_link(plan->wanted, request->bridge);
	struct move_keep keep = { .n = 0 };
	char value[FOUND_VALUE_MAX];
	int r = move_record_find(plan, request->ifname, value);

	if (r != 0 || port->n_addresses > 0 || !made || made->kind != REQUEST_BRIDGE_ADD ||
	    bridge->n_addresses <= made->bridge.addresses.n)
		return r < 0 ? r : 0;
	for (size_t i = 0; r == 0 && i < made->bridge.addresses.n; i++)
		r = move_keep_add(plan, &keep, &made->bridge.addresses.list[i]);
	return r < 0 ? r : move_record_write(plan, request->ifname, request->bridge, &keep);
}

int port_plan_recover(struct plan *plan, const struct attach_request *request)
{
	const struct inventory_link *port, *bridge;
	const struct inventory *inventory;
	char value[FOUND_VALUE_MAX];
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	port = inventory_find_name(inventory, request->ifname);
	bridge = inventory_find_name(inventory, request->bridge);
	if (!port || !bridge || port->link.is_managed || !bridge->link.is_managed ||
	    port->link.master != bridge->link.ifindex)
		return 0;
	r = found_get(plan, request->ifname, FOUND_ATTACHED, value);
	if (r == 0)
		r = found_set(plan, request->ifname, FOUND_ATTACHED, request->bridge);
	if (r >= 0 && (request->flags & NESTNET_ATTACH_MOVE_ADDRESSES))
		r = recover_move(plan, request, port, bridge);
	return r < 0 ? error_prefix(plan_error(plan), "bridge attach %s", request->ifname) : 0;
}

/* A port that nestnet attached, as the request. @return 1; 0: it is none by now; -errno */
static int read_port(struct plan *plan, const char *ifname, struct attach_request *ret)
{
	const struct inventory_link *port, *bridge;
	const struct inventory *inventory;
	char value[FOUND_VALUE_MAX];
	int r = plan_inventory(plan, &inventory);

	if (r < 0)
		return r;
	port = inventory_find_name(inventory, ifname);
	bridge = port ? inventory_find(inventory, port->link.master) : NULL;
	if (!bridge)
		return 0;
	r = found_get(plan, ifname, FOUND_ATTACHED, value);
	if (r != 1 || strcmp(value, bridge->link.name) != 0)
		return r < 0 ? r : 0;
	*ret = (struct attach_request){ .flags = port->link.has_hairpin
							 ? 0
							 : NESTNET_ATTACH_NO_HAIRPIN };
	memcpy(ret->ifname, port->link.name, sizeof(ret->ifname));
	memcpy(ret->bridge, bridge->link.name, sizeof(ret->bridge));
	r = move_record_find(plan, ifname, value);
	if (r == 1)
		ret->flags |= NESTNET_ATTACH_MOVE_ADDRESSES;
	return r < 0 ? r : 1;
}

struct ports {
	char (*names)[NESTNET_IFNAMSIZ];
	size_t n;
};

static int gather_port(void *userdata, const char *interface, const char *name,
		       const char *value)
{
	struct ports *ports = userdata;
	char(*grown)[NESTNET_IFNAMSIZ];

	(void)value;
	if (strcmp(name, FOUND_ATTACHED) != 0)
		return 0;
	grown = reallocarray(ports->names, ports->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ports->names = grown;
	snprintf(grown[ports->n++], sizeof(*grown), "%s", interface);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int port_each(struct plan *plan, port_fn fn, void *userdata)
{
	struct ports ports = { .n = 0 };
	int r = found_each(plan, gather_port, &ports);

	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (ports.n)
		qsort(ports.names, ports.n, sizeof(*ports.names), compare_names);
	for (size_t i = 0; r == 0 && i < ports.n; i++) {
		struct attach_request attach;

		r = read_port(plan, ports.names[i], &attach);
		if (r == 1)
			r = fn(userdata, &attach);
	}
	free(ports.names);
	return r;
}

/* ---- Public ----------------------------------------------------------------------------------- */

struct port_lister {
	struct plan *plan;
	nestnet_attachment_fn fn;
	void *userdata;
};

/* What a bridge has that is not recorded as its own was moved to it. */
static size_t read_moved(const struct inventory_link *bridge, const struct move_keep *keep,
			 struct nestnet_prefix *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < bridge->n_addresses; i++) {
		if (!move_keep_has(keep, &bridge->addresses[i]))
			ret[n++] = bridge->addresses[i];
	}
	return n;
}

static int list_port(void *userdata, const struct attach_request *attach)
{
	const struct port_lister *lister = userdata;
	struct nestnet_attachment attachment = { .ifname = attach->ifname,
						 .bridge = attach->bridge,
						 .flags = attach->flags };
	_cleanup_free_ struct nestnet_prefix *moved = NULL;
	const struct inventory_link *bridge;
	const struct inventory *inventory;
	struct move_keep keep;
	int r = plan_inventory(lister->plan, &inventory);

	bridge = r < 0 ? NULL : inventory_find_name(inventory, attach->bridge);
	if (bridge && (attach->flags & NESTNET_ATTACH_MOVE_ADDRESSES)) {
		moved = calloc(bridge->n_addresses + 1, sizeof(*moved));
		if (!moved)
			return error_set_errno(plan_error(lister->plan), ENOMEM);
		r = move_record_read(lister->plan, attach->ifname, &keep);
		if (r == 0)
			attachment.n_moved = read_moved(bridge, &keep, moved);
		attachment.moved = moved;
	}
	return r < 0 ? r : lister->fn(lister->userdata, &attachment);
}

int nestnet_attachment_list(struct nestnet *ctx, nestnet_attachment_fn fn, void *userdata)
{
	struct port_lister lister = { .fn = fn, .userdata = userdata };
	int r;

	context_begin(ctx);
	r = plan_new(ctx, &lister.plan);
	if (r < 0)
		return context_end(ctx, r);
	r = port_each(lister.plan, list_port, &lister);
	if (r < 0) {
		error_prefix(&ctx->error, "list attached interfaces");
		r = context_end(ctx, r);
	}
	plan_free(lister.plan);
	return r;
}

/* ---- Saving ----------------------------------------------------------------------------------- */

static int save_port(void *userdata, const struct attach_request *attach)
{
	const struct request request = { .kind = REQUEST_ATTACH, .attach = *attach };

	return command_note(userdata, '+', &request);
}

int port_plan_save(struct plan *plan)
{
	return port_each(plan, save_port, plan);
}
