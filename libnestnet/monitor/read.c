/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is there now, kind by kind. All but the exposures are read as the public lists read
 * them, since their objects are what an event has; and the command of each is made as save
 * makes it.
 */

#include "monitor/read.h"

#include "plan/command.h"
#include "plan/local.h"
#include "plan/present.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct reader {
	struct plan *plan;
	struct items *items;
	unsigned int kind;
	uint64_t now_ms;
};

uint64_t monitor_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Making items -------------------------------------------------------------------------- */

/* A new item with a copy of its object. @return NULL where there is no memory */
static struct item *make_item(const struct reader *reader, const char *id,
			      const void *object, size_t len)
{
	struct item *item = item_new(reader->kind);

	if (item && item_keep_text(item, id, &item->id) &&
	    item_keep(item, object, len, &item->object))
		return item;
	item_free(item);
	return NULL;
}

static bool keep_command(struct item *item, const struct request *request)
{
	_cleanup_free_ char *text = command_format(request);

	return text && item_keep_text(item, text, &item->command);
}

/* Appends the item where all of it was kept. */
static int add_item(const struct reader *reader, struct item *item, bool is_complete)
{
	if (is_complete)
		return items_append(reader->items, item);
	item_free(item);
	return -ENOMEM;
}

/* ---- Exposures ----------------------------------------------------------------------------- */

static int take_exposure(void *userdata, const struct exposure *exposure)
{
	const struct reader *reader = userdata;
	struct item *item = item_new(NESTNET_MONITOR_EXPOSURES);
	struct exposures copy = { .n = 0 };

	if (!item || exposures_append(&copy, exposure) < 0) {
		free(copy.list);
		item_free(item);
		return -ENOMEM;
	}
	item->exposure = copy.list[0];
	free(copy.list);
	if (exposure->timeout_ms)
		item->expires_at_ms = reader->now_ms + exposure->expires_ms;
	return items_append(reader->items, item);
}

static int read_exposures(struct reader *reader)
{
	struct plan *plan = reader->plan;
	int r = exposure_load(plan->elements, plan_error(plan));

	return r < 0 ? r
		     : exposure_each(plan->elements, take_exposure, reader,
				     plan_error(plan));
}

/* What others wrote meanwhile may be there in part. */
static int end_exposures(struct plan *plan, struct items *items, int r)
{
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	if (r >= 0) {
		r = elements_are_whole(plan->elements, plan_error(plan));
		r = r == 0 ? -EAGAIN : r < 0 ? r : 0;
	}
	items_sort(items);
	return r;
}

int monitor_read_alias(struct plan *plan, const struct nestnet_endpoint *alias,
		       struct items *ret)
{
	struct reader reader = { .plan = plan, .items = ret, .now_ms = monitor_now_ms() };
	struct exposures exposures = { .n = 0 };
	int r = exposure_get_all(plan->elements, alias, &exposures, plan_error(plan));

	for (size_t i = 0; r >= 0 && i < exposures.n; i++)
		r = take_exposure(&reader, &exposures.list[i]);
	exposures_clear(&exposures);
	return end_exposures(plan, ret, r);
}

/* ---- Links --------------------------------------------------------------------------------- */

/* @return 1; 0: it is gone by now; or a negative errno */
static int keep_link(const struct reader *reader, struct item *item, uint32_t ifindex)
{
	const struct inventory *inventory;
	const struct inventory_link *link;
	struct request request;
	int r = plan_inventory(reader->plan, &inventory);

	link = r < 0 ? NULL : inventory_find(inventory, ifindex);
	if (!link)
		return r < 0 ? r : 0;
	r = present_link(reader->plan, link, &request);
	if (r < 0)
		return r;
	r = keep_command(item, &request) ? 1 : -ENOMEM;
	request_clear(&request);
	return r;
}

static bool keep_note(struct item *item, bool is_managed, const char *state)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s", is_managed ? "" : "of others",
		 is_managed || !state ? "" : ", ", state ? state : "");
	return text[0] == '\0' || item_keep_text(item, text, &item->note);
}

static int add_link(const struct reader *reader, struct item *item, uint32_t ifindex,
		    bool is_complete)
{
	int r = is_complete ? keep_link(reader, item, ifindex) : -ENOMEM;

	if (r == 1)
		return items_append(reader->items, item);
	item_free(item);
	return r;
}

static bool keep_guards(struct item *item, const struct nestnet_tap *tap)
{
	struct nestnet_guard *guards;

	if (!item_keep(item, tap->guards, tap->n_guards * sizeof(*guards), &guards))
		return false;
	for (size_t i = 0; i < tap->n_guards; i++) {
		if (!item_keep(item, guards[i].addresses,
			       guards[i].n_addresses * sizeof(*guards[i].addresses),
			       &guards[i].addresses))
			return false;
	}
	item->tap->guards = guards;
	return true;
}

static int take_tap(void *userdata, const struct nestnet_tap *tap)
{
	struct item *item = make_item(userdata, tap->name, tap, sizeof(*tap));
	const char *state = !tap->is_up         ? "down"
			    : !tap->has_carrier ? "no carrier"
						: "carrier";

	return add_link(userdata, item, tap->ifindex,
			item && item_keep_text(item, tap->name, &item->tap->name) &&
				item_keep_text(item, tap->bridge, &item->tap->bridge) &&
				item_keep(item, tap->addresses,
					  tap->n_addresses * sizeof(*tap->addresses),
					  &item->tap->addresses) &&
				item_keep(item, tap->lease, sizeof(*tap->lease),
					  &item->tap->lease) &&
				keep_guards(item, tap) &&
				keep_note(item, tap->is_managed, state));
}

static bool keep_ports(struct item *item, const struct nestnet_bridge *bridge)
{
	const char **ports;

	if (!item_keep(item, bridge->ports, bridge->n_ports * sizeof(*ports), &ports))
		return false;
	for (size_t i = 0; i < bridge->n_ports; i++) {
		if (!item_keep_text(item, bridge->ports[i], &ports[i]))
			return false;
	}
	item->bridge->ports = ports;
	return true;
}

static int take_bridge(void *userdata, const struct nestnet_bridge *bridge)
{
	struct item *item = make_item(userdata, bridge->name, bridge, sizeof(*bridge));
	const struct reader *reader = userdata;
	const struct inventory_link *link;
	const struct inventory *inventory;
	int r = plan_inventory(reader->plan, &inventory);

	link = r < 0 ? NULL : inventory_find(inventory, bridge->ifindex);
	return add_link(
		userdata, item, bridge->ifindex,
		item && item_keep_text(item, bridge->name, &item->bridge->name) &&
			item_keep(item, bridge->addresses,
				  bridge->n_addresses * sizeof(*bridge->addresses),
				  &item->bridge->addresses) &&
			item_keep(item, bridge->dhcp, sizeof(*bridge->dhcp),
				  &item->bridge->dhcp) &&
			keep_ports(item, bridge) &&
			keep_note(item, bridge->is_managed,
				  link && !link->link.is_up ? "down" : NULL));
}

static int add_attachment(const struct reader *reader, const struct nestnet_attachment *a,
			  bool is_managed)
{
	struct request request = { .kind = REQUEST_ATTACH,
				   .attach = { .flags = a->flags } };
	struct item *item = make_item(reader, a->ifname, a, sizeof(*a));

	snprintf(request.attach.ifname, NESTNET_IFNAMSIZ, "%s", a->ifname);
	snprintf(request.attach.bridge, NESTNET_IFNAMSIZ, "%s", a->bridge);
	return add_item(
		reader, item,
		item && item_keep_text(item, a->ifname, &item->attachment->ifname) &&
			item_keep_text(item, a->bridge, &item->attachment->bridge) &&
			item_keep(item, a->moved, a->n_moved * sizeof(*a->moved),
				  &item->attachment->moved) &&
			keep_command(item, &request) &&
			keep_note(item, is_managed, NULL));
}

static int take_attachment(void *userdata, const struct nestnet_attachment *attachment)
{
	return add_attachment(userdata, attachment, true);
}

static bool has_attachment(const struct items *items, size_t n, const char *ifname)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(items->list[i]->id, ifname) == 0)
			return true;
	}
	return false;
}

/* Ports that others made ports; those that are taps say so themselves. */
static int read_other_ports(const struct reader *reader)
{
	const struct inventory *inventory;
	size_t n = reader->items->n;
	int r = plan_inventory(reader->plan, &inventory);

	for (size_t i = 0; r == 0 && i < inventory->n; i++) {
		const struct link *link = &inventory->links[i].link;
		const struct inventory_link *bridge =
			inventory_find(inventory, link->master);
		struct nestnet_attachment a = {
			.ifname = link->name,
			.bridge = bridge ? bridge->link.name : NULL,
			.flags = link->has_hairpin ? 0 : NESTNET_ATTACH_NO_HAIRPIN,
		};

		if (link->is_port && link->kind != LINK_TAP && bridge &&
		    !has_attachment(reader->items, n, link->name))
			r = add_attachment(reader, &a, false);
	}
	return r;
}

static int read_attachments(struct reader *reader)
{
	int r = nestnet_attachment_list(reader->plan->ctx, take_attachment, reader);

	return r < 0 ? r : read_other_ports(reader);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static int take_nat(void *userdata, const struct nestnet_nat *nat)
{
	struct item *item = make_item(userdata, nat->id, nat, sizeof(*nat));
	struct request request = { .kind = REQUEST_NAT_ADD,
				   .nat = { .subnet = nat->subnet,
					    .flags = nat->is_open ? NESTNET_NAT_OPEN
								  : 0 } };

	if (nat->to)
		request.nat.to = *nat->to;
	if (nat->out)
		snprintf(request.nat.out, NESTNET_IFNAMSIZ, "%s", nat->out);
	return add_item(
		userdata, item,
		item && item_keep_text(item, nat->id, &item->nat->id) &&
			item_keep_text(item, nat->out, &item->nat->out) &&
			item_keep(item, nat->to, sizeof(*nat->to), &item->nat->to) &&
			keep_command(item, &request));
}

static int add_switch(const struct reader *reader, const struct nestnet_forwarding *f,
		      int family)
{
	struct item *item =
		make_item(reader, family == AF_INET ? "-4" : "-6", f, sizeof(*f));
	struct request request = { .kind = REQUEST_FORWARD,
				   .forward = { .family = family, .is_on = true } };

	return add_item(reader, item, item && keep_command(item, &request));
}

/* What is off is not there. */
static int take_forwarding(void *userdata, const struct nestnet_forwarding *f)
{
	int r = f->ipv4 == 1 ? add_switch(userdata, f, AF_INET) : 0;

	return r == 0 && f->ipv6 == 1 ? add_switch(userdata, f, AF_INET6) : r;
}

static const char *origin_note(enum nestnet_alias_origin origin)
{
	switch (origin) {
	case NESTNET_ALIAS_ADDRESS:
		return "address";
	case NESTNET_ALIAS_GUEST_AGENT:
		return "guest-agent";
	case NESTNET_ALIAS_ROUTE:
		return "route";
	case NESTNET_ALIAS_NESTNET:
		return NULL;
	}
	return NULL;
}

static int add_alias(const struct reader *reader, const struct local *local,
		     const char *dev)
{
	char id[NESTNET_TEXT_MAX], key[NESTNET_TEXT_MAX + NESTNET_IFNAMSIZ];
	struct nestnet_alias alias = { .prefix = local->prefix, .origin = local->origin };
	struct request request = { .kind = REQUEST_ALIAS_ADD,
				   .alias = { .prefix = local->prefix } };
	struct item *item;

	snprintf(key, sizeof(key), "%s %s", nestnet_prefix_format(&local->prefix, id),
		 dev);
	snprintf(request.alias.dev, NESTNET_IFNAMSIZ, "%s", dev);
	item = make_item(reader, key, &alias, sizeof(alias));
	return add_item(
		reader, item,
		item && item_keep_text(item, id, &item->alias->id) &&
			item_keep_text(item, dev, &item->alias->dev) &&
			keep_command(item, &request) &&
			item_keep_text(item, origin_note(local->origin), &item->note));
}

static int read_aliases(struct reader *reader)
{
	struct locals locals = { .n = 0 };
	const struct inventory *inventory;
	int r = plan_inventory(reader->plan, &inventory);

	if (r == 0)
		r = locals_read(reader->plan->ctx, inventory, &locals);
	for (size_t i = 0; r == 0 && i < locals.n; i++) {
		const struct inventory_link *link =
			inventory_find(inventory, locals.list[i].ifindex);

		if (link)
			r = add_alias(reader, &locals.list[i], link->link.name);
	}
	free(locals.list);
	return r;
}

static char *guest_text(const struct nestnet_guest *guest)
{
	char word[NESTNET_TEXT_MAX], *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fprintf(file, "guest %s", nestnet_mac_format(guest->mac, word));
	for (size_t i = 0; i < guest->n_addresses; i++)
		fprintf(file, " %s", nestnet_address_format(&guest->addresses[i], word));
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static int take_guest(void *userdata, const struct nestnet_guest *guest)
{
	_cleanup_free_ char *text = guest_text(guest);
	char id[64], note[32] = "";
	struct item *item;

	snprintf(id, sizeof(id), "%s %.23s", guest->bridge ? guest->bridge : "",
		 text ? text : "");
	if (guest->tap)
		snprintf(note, sizeof(note), "behind %s", guest->tap);
	item = make_item(userdata, id, guest, sizeof(*guest));
	return add_item(
		userdata, item,
		item && text && item_keep_text(item, text, &item->command) &&
			item_keep_text(item, note[0] ? note : NULL, &item->note) &&
			item_keep_text(item, guest->bridge, &item->guest->bridge) &&
			item_keep_text(item, guest->tap, &item->guest->tap) &&
			item_keep(item, guest->addresses,
				  guest->n_addresses * sizeof(*guest->addresses),
				  &item->guest->addresses));
}

/* ---- One kind ------------------------------------------------------------------------------ */

static int read_kind(struct reader *reader)
{
	struct nestnet *ctx = reader->plan->ctx;

	switch (reader->kind) {
	case NESTNET_MONITOR_EXPOSURES:
		return read_exposures(reader);
	case NESTNET_MONITOR_TAPS:
		return nestnet_tap_list(ctx, take_tap, reader);
	case NESTNET_MONITOR_BRIDGES:
		return nestnet_bridge_list(ctx, take_bridge, reader);
	case NESTNET_MONITOR_ATTACHMENTS:
		return read_attachments(reader);
	case NESTNET_MONITOR_NAT:
		return nestnet_nat_list(ctx, take_nat, reader);
	case NESTNET_MONITOR_FORWARDING:
		return nestnet_forward_status(ctx, NULL, take_forwarding, reader);
	case NESTNET_MONITOR_ALIASES:
		return read_aliases(reader);
	case NESTNET_MONITOR_GUESTS:
		return nestnet_guest_list(ctx, take_guest, reader);
	}
	return -EINVAL;
}

int monitor_read(struct plan *plan, unsigned int kind, struct items *ret)
{
	struct reader reader = {
		.plan = plan, .items = ret, .kind = kind, .now_ms = monitor_now_ms()
	};
	int r = read_kind(&reader);

	/* A host without any forwarding to speak of. */
	if (r == -ENODEV && kind == NESTNET_MONITOR_FORWARDING)
		r = 0;
	if (kind == NESTNET_MONITOR_EXPOSURES)
		return end_exposures(plan, ret, r);
	if (r == -ENOMEM)
		error_set_errno(plan_error(plan), ENOMEM);
	items_sort(ret);
	return r;
}
