/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links as the commands that would make them. */

#include "command.h"

#include "guard-element.h"
#include "tap-make.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A command under construction; longer ones are cut. */
struct command {
	char text[1024];
	size_t len;
};

static void put(struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct command *command, const char *format, ...)
{
	size_t room = sizeof(command->text) - command->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(command->text + command->len, room, format, args);
	va_end(args);
	if (len > 0)
		command->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void put_addresses(struct command *command, const struct prefixes *addresses)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < addresses->n; i++) {
		const struct nestnet_prefix *prefix = &addresses->list[i];

		put(command, " --address %s/%u",
		    nestnet_address_format(&prefix->address, text), prefix->len);
	}
}

static void put_mac(struct command *command, const uint8_t *mac)
{
	put(command, " --mac %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
	    mac[4], mac[5]);
}

/* An id, since names of users are not the library's to look up; root is the default. */
static void put_owners(struct command *command, const struct tap_request *tap)
{
	bool has_group = tap->flags & NESTNET_TAP_HAS_GROUP;

	if ((tap->flags & NESTNET_TAP_HAS_OWNER) && (tap->owner != 0 || has_group))
		put(command, " --owner %u", tap->owner);
	if (has_group)
		put(command, " --group %u", tap->group);
}

int command_note_tap(struct plan *plan, char op, const struct tap_request *tap)
{
	_cleanup_free_ char *guard = guard_format(&tap->guard);
	struct command command = { .len = 0 };

	if (!guard)
		return error_set_errno(plan_error(plan), ENOMEM);
	put(&command, "tap add %s", tap->name);
	if (tap->bridge[0])
		put(&command, " --bridge %s", tap->bridge);
	put_addresses(&command, &tap->addresses);
	put_owners(&command, tap);
	if (tap->queues > 1)
		put(&command, " --queues %u", tap->queues);
	if (tap->flags & NESTNET_TAP_VNET_HDR)
		put(&command, " --vnet-hdr");
	if (tap->has_mac)
		put_mac(&command, tap->mac);
	if (tap->flags & NESTNET_TAP_MTU_AUTO)
		put(&command, " --mtu auto");
	else if (tap->mtu)
		put(&command, " --mtu %u", tap->mtu);
	if (tap->flags & NESTNET_TAP_ISOLATED)
		put(&command, " --isolated");
	if (tap->flags & NESTNET_TAP_NO_HAIRPIN)
		put(&command, " --no-hairpin");
	return plan_note(plan, op, "%s%s", command.text, guard);
}

int command_note_bridge(struct plan *plan, char op, const struct bridge_request *bridge)
{
	struct command command = { .len = 0 };

	put(&command, "bridge add %s", bridge->name);
	put_addresses(&command, &bridge->addresses);
	if (bridge->mtu)
		put(&command, " --mtu %u", bridge->mtu);
	if (bridge->has_mac)
		put_mac(&command, bridge->mac);
	if (bridge->flags & NESTNET_BRIDGE_STP)
		put(&command, " --stp");
	return plan_note(plan, op, "%s", command.text);
}

/* ---- What is there -------------------------------------------------------------------------- */

/* Takes the guard from the kernel. */
static int note_guarded_tap(struct plan *plan, char op, struct tap_request *tap)
{
	int r = guard_is_there(plan->elements, tap->name, plan_error(plan));

	if (r == 1)
		r = guard_read(plan->elements, tap->name, &tap->guard, plan_error(plan));
	if (r == 0)
		r = command_note_tap(plan, op, tap);
	free(tap->guard.list);
	return r;
}

static int note_present_tap(struct plan *plan, char op, const struct inventory *inventory,
			    const struct inventory_link *link)
{
	const struct inventory_link *bridge = inventory_find(inventory, link->link.master);
	struct tap_request tap = {
		.addresses = { link->addresses, bridge ? 0 : link->n_addresses },
		.owner = link->link.owner,
		.group = link->link.group,
		.queues = tap_read_queues(&link->link),
	};

	memcpy(tap.name, link->link.name, sizeof(tap.name));
	if (bridge)
		memcpy(tap.bridge, bridge->link.name, sizeof(tap.bridge));
	if (link->link.has_owner)
		tap.flags |= NESTNET_TAP_HAS_OWNER;
	if (link->link.has_group)
		tap.flags |= NESTNET_TAP_HAS_GROUP;
	if (link->link.has_vnet_hdr)
		tap.flags |= NESTNET_TAP_VNET_HDR;
	if (link->link.is_isolated)
		tap.flags |= NESTNET_TAP_ISOLATED;
	if (bridge && !link->link.has_hairpin)
		tap.flags |= NESTNET_TAP_NO_HAIRPIN;
	return note_guarded_tap(plan, op, &tap);
}

int command_note_link(struct plan *plan, char op, const struct inventory *inventory,
		      const struct inventory_link *link)
{
	struct bridge_request bridge = {
		.addresses = { link->addresses, link->n_addresses },
		.flags = link->link.has_stp ? NESTNET_BRIDGE_STP : 0,
	};

	if (link->link.kind != LINK_BRIDGE)
		return note_present_tap(plan, op, inventory, link);
	memcpy(bridge.name, link->link.name, sizeof(bridge.name));
	return command_note_bridge(plan, op, &bridge);
}
