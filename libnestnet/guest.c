/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests: whoever the kernel has heard behind a bridge, or behind a tap of no bridge. The
 * bridges' forwarding tables say which port a MAC address is behind, the neighbour tables
 * which addresses it has. Behind the bridge of an uplink is also all of the network
 * outside: there only what is behind a tap is a guest.
 */

#include "inventory.h"

#include "kernel/neighbour-list.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct guest {
	uint8_t mac[6];
	uint32_t place; /* ifindex of the bridge, or of the tap */
	uint32_t port;  /* 0: not known */
	const char *state;
	struct nestnet_address *addresses; /* owned */
	size_t n_addresses;
};

struct guests {
	struct inventory inventory;
	uint32_t uplinks[16];
	size_t n_uplinks;
	struct guest *list;
	size_t n;
};

static void clear_list(struct guests *guests)
{
	for (size_t i = 0; i < guests->n; i++)
		free(guests->list[i].addresses);
	free(guests->list);
	guests->list = NULL;
	guests->n = 0;
}

static int take_uplink(void *userdata, const struct route *route)
{
	struct guests *guests = userdata;

	if (!route)
		guests->n_uplinks = 0;
	else if (guests->n_uplinks < ARRAY_SIZE(guests->uplinks))
		guests->uplinks[guests->n_uplinks++] = route->ifindex;
	return 0;
}

static bool is_uplink(const struct guests *guests, uint32_t ifindex)
{
	for (size_t i = 0; i < guests->n_uplinks; i++) {
		if (guests->uplinks[i] == ifindex)
			return true;
	}
	return false;
}

/* @return the guest, made where it is new, or NULL: out of memory */
static struct guest *find_guest(struct guests *guests, uint32_t place, const uint8_t *mac)
{
	struct guest *grown;

	for (size_t i = 0; i < guests->n; i++) {
		if (guests->list[i].place == place &&
		    memcmp(guests->list[i].mac, mac, sizeof(guests->list[i].mac)) == 0)
			return &guests->list[i];
	}
	grown = reallocarray(guests->list, guests->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	guests->list = grown;
	grown += guests->n++;
	*grown = (struct guest){ .place = place };
	memcpy(grown->mac, mac, sizeof(grown->mac));
	return grown;
}

/* An entry of a forwarding table: the port of a MAC address. */
static int take_port(void *userdata, const struct neighbour_entry *entry)
{
	struct guests *guests = userdata;
	const struct inventory_link *port;
	struct guest *guest;

	if (!entry) {
		clear_list(guests);
		return 0;
	}
	port = inventory_find(&guests->inventory, entry->ifindex);
	if (!port || entry->is_own || port->link.master == 0 ||
	    (is_uplink(guests, port->link.master) && port->link.kind != LINK_TAP))
		return 0;
	guest = find_guest(guests, port->link.master, entry->mac);
	if (!guest)
		return -ENOMEM;
	guest->port = entry->ifindex;
	return 0;
}

static void forget_addresses(struct guests *guests)
{
	for (size_t i = 0; i < guests->n; i++) {
		free(guests->list[i].addresses);
		guests->list[i].addresses = NULL;
		guests->list[i].n_addresses = 0;
	}
}

/* A neighbour on a bridge, or on a routed tap. */
static int take_neighbour(void *userdata, const struct neighbour_entry *entry)
{
	struct guests *guests = userdata;
	const struct inventory_link *link;
	struct nestnet_address *grown;
	struct guest *guest;

	if (!entry) {
		forget_addresses(guests);
		return 0;
	}
	link = inventory_find(&guests->inventory, entry->ifindex);
	if (!link || !entry->has_mac || (entry->mac[0] & 1) ||
	    is_uplink(guests, entry->ifindex) ||
	    (link->link.kind != LINK_BRIDGE && link->link.kind != LINK_TAP))
		return 0;
	guest = find_guest(guests, entry->ifindex, entry->mac);
	if (guest && address_is_link_local(&entry->address))
		return 0;
	grown = guest ? reallocarray(guest->addresses, guest->n_addresses + 1, sizeof(*grown))
		      : NULL;
	if (!grown)
		return -ENOMEM;
	guest->addresses = grown;
	grown[guest->n_addresses++] = entry->address;
	if (!guest->state || strcmp(entry->state, "reachable") == 0)
		guest->state = entry->state;
	if (link->link.kind == LINK_TAP)
		guest->port = entry->ifindex;
	return 0;
}

static int compare_guests(const void *a, const void *b)
{
	const struct guest *x = a, *y = b;

	if (x->place != y->place)
		return (x->place > y->place) - (x->place < y->place);
	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int compare_addresses(const void *a, const void *b)
{
	return address_compare(a, b);
}

static int read_guests(struct nestnet *ctx, struct guests *guests)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = inventory_load(ctx, &guests->inventory);
	if (r == 0)
		r = route_list_default(nl, take_uplink, guests, &ctx->error);
	if (r == 0)
		r = neighbour_list(nl, AF_BRIDGE, take_port, guests, &ctx->error);
	if (r == 0)
		r = neighbour_list(nl, AF_UNSPEC, take_neighbour, guests, &ctx->error);
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	if (guests->n)
		qsort(guests->list, guests->n, sizeof(*guests->list), compare_guests);
	return r < 0 ? error_prefix(&ctx->error, "list guests") : 0;
}

static int report(const struct guests *guests, struct guest *from, nestnet_guest_fn fn,
		  void *userdata)
{
	const struct inventory_link *place = inventory_find(&guests->inventory, from->place);
	const struct inventory_link *port = inventory_find(&guests->inventory, from->port);
	bool is_bridge = place && place->link.kind == LINK_BRIDGE;
	struct nestnet_guest guest = { .addresses = from->addresses,
				       .n_addresses = from->n_addresses,
				       .bridge = is_bridge ? place->link.name : NULL,
				       .tap = port ? port->link.name : NULL,
				       .state = from->state };

	memcpy(guest.mac, from->mac, sizeof(guest.mac));
	if (from->n_addresses)
		qsort(from->addresses, from->n_addresses, sizeof(*from->addresses),
		      compare_addresses);
	return fn(userdata, &guest);
}

int nestnet_guest_list(struct nestnet *ctx, nestnet_guest_fn fn, void *userdata)
{
	struct guests guests = { .n = 0 };
	int r;

	context_begin(ctx);
	r = read_guests(ctx, &guests);
	if (r < 0)
		r = context_end(ctx, r);
	for (size_t i = 0; r == 0 && i < guests.n; i++)
		r = report(&guests, &guests.list[i], fn, userdata);
	clear_list(&guests);
	inventory_clear(&guests.inventory);
	return r;
}
