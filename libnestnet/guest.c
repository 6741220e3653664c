/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests: who is behind which tap. A bridge has learned a guest's MAC address at the port
 * that leads to it, and L1's neighbour table and the DHCP server's leases have which IP
 * addresses go with that.
 */

#include "plan/inventory.h"
#include "plan/leases.h"
#include "plan/mark.h"
#include "plan/uplinks.h"

#include "kernel/neighbour.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct guest {
	uint8_t mac[6];
	uint32_t bridge; /* 0: none */
	uint32_t port;   /* 0: not known */
	struct nestnet_address *addresses;
	size_t n_addresses;
	enum nestnet_neighbour_state state;
};

struct guests {
	const struct inventory *inventory;
	struct uplinks uplinks;
	struct guest *list;
	size_t n;
	size_t n_learned;
};

/* ---- Which links lead to guests -------------------------------------------------------------- */

/* Behind others than taps is the whole neighbourhood, where they are L1's uplink. */
static bool leads_to_guests(const struct guests *guests, const struct inventory_link *port)
{
	if (!port || port->link.kind == LINK_TAP)
		return port;
	return port->link.kind == LINK_VETH &&
	       !uplinks_have(&guests->uplinks, port->link.master);
}

static bool has_uplink(const struct guests *guests, uint32_t bridge)
{
	for (size_t i = 0; i < guests->inventory->n; i++) {
		const struct inventory_link *port = &guests->inventory->links[i];

		if (port->link.master == bridge && !leads_to_guests(guests, port))
			return true;
	}
	return false;
}

/* ---- Gathering ------------------------------------------------------------------------------- */

static struct guest *find_guest(struct guests *guests, const uint8_t *mac, uint32_t bridge)
{
	for (size_t i = 0; i < guests->n; i++) {
		if (guests->list[i].bridge == bridge &&
		    memcmp(guests->list[i].mac, mac, sizeof(guests->list[i].mac)) == 0)
			return &guests->list[i];
	}
	return NULL;
}

static struct guest *add_guest(struct guests *guests, const uint8_t *mac, uint32_t bridge,
			       uint32_t port)
{
	struct guest *guest = guests->list;

	if ((guests->n & (guests->n - 1)) == 0)
		guest = reallocarray(guests->list, guests->n ? guests->n * 2 : 1,
				     sizeof(*guest));
	if (!guest)
		return NULL;
	guests->list = guest;
	guest += guests->n++;
	*guest = (struct guest){ .bridge = bridge, .port = port };
	memcpy(guest->mac, mac, sizeof(guest->mac));
	return guest;
}

static void forget(struct guests *guests, size_t n)
{
	for (size_t i = 0; i < guests->n; i++) {
		free(guests->list[i].addresses);
		guests->list[i].addresses = NULL;
		guests->list[i].n_addresses = 0;
		guests->list[i].state = NESTNET_NEIGHBOUR_NONE;
	}
	guests->n = n;
}

static int take_learned(void *userdata, const struct neighbour *neighbour)
{
	struct guests *guests = userdata;

	if (!neighbour) {
		forget(guests, 0);
		return 0;
	}
	/* One MAC address in several VLANs is one guest. */
	if (!leads_to_guests(guests,
			     inventory_find(guests->inventory, neighbour->ifindex)) ||
	    find_guest(guests, neighbour->mac, neighbour->bridge))
		return 0;
	return add_guest(guests, neighbour->mac, neighbour->bridge, neighbour->ifindex)
		       ? 0
		       : -ENOMEM;
}

static int add_address(struct guest *guest, const struct nestnet_address *address)
{
	struct nestnet_address *grown;

	for (size_t i = 0; i < guest->n_addresses; i++) {
		if (address_equal(&guest->addresses[i], address))
			return 0;
	}
	grown = reallocarray(guest->addresses, guest->n_addresses + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	guest->addresses = grown;
	grown[guest->n_addresses++] = *address;
	return 0;
}

static int add_neighbour(struct guest *guest, const struct neighbour *neighbour)
{
	enum nestnet_neighbour_state state = neighbour_state(neighbour);

	if (guest->state == NESTNET_NEIGHBOUR_NONE || state < guest->state)
		guest->state = state;
	if (address_is_link_local(&neighbour->address))
		return 0;
	return add_address(guest, &neighbour->address);
}

/* Whom a neighbour is, who may be known by his address alone. @return NULL: no guest */
static int find_neighbour(struct guests *guests, const struct neighbour *neighbour,
			  struct guest **ret)
{
	const struct inventory_link *link =
		inventory_find(guests->inventory, neighbour->ifindex);
	bool is_bridge = link && link->link.kind == LINK_BRIDGE;
	uint32_t bridge = is_bridge ? neighbour->ifindex : 0;
	uint32_t port = is_bridge ? 0 : neighbour->ifindex;

	*ret = NULL;
	if (!is_bridge && !(link && link->link.kind == LINK_TAP && !link->link.master))
		return 0;
	*ret = find_guest(guests, neighbour->mac, bridge);
	if (*ret || (is_bridge && has_uplink(guests, bridge)))
		return 0;
	*ret = add_guest(guests, neighbour->mac, bridge, port);
	return *ret ? 0 : -ENOMEM;
}

static int take_neighbour(void *userdata, const struct neighbour *neighbour)
{
	struct guests *guests = userdata;
	struct guest *guest;
	int r;

	if (!neighbour) {
		forget(guests, guests->n_learned);
		return 0;
	}
	if (!neighbour->has_mac)
		return 0;
	r = find_neighbour(guests, neighbour, &guest);
	return r < 0 || !guest ? r : add_neighbour(guest, neighbour);
}

/* What is leased on one bridge. */
struct leased {
	struct guests *guests;
	uint32_t bridge;
};

static int take_lease(void *userdata, const uint8_t mac[6],
		      const struct nestnet_address *address)
{
	const struct leased *leased = userdata;
	struct guest *guest = find_guest(leased->guests, mac, leased->bridge);

	if (!guest)
		guest = add_guest(leased->guests, mac, leased->bridge, 0);
	return guest ? add_address(guest, address) : -ENOMEM;
}

static int take_leases(struct guests *guests)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < guests->inventory->n; i++) {
		const struct link *link = &guests->inventory->links[i].link;
		struct leased leased = { .guests = guests, .bridge = link->ifindex };
		struct mark mark;

		mark_read(link, &mark);
		if (link->is_managed && mark.dhcp.first.family)
			r = leases_each(link->name, take_lease, &leased);
	}
	return r;
}

/* ---- Listing ---------------------------------------------------------------------------------- */

static int compare_guests(const void *a, const void *b)
{
	const struct guest *x = a, *y = b;

	if (x->bridge != y->bridge)
		return x->bridge < y->bridge ? -1 : 1;
	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int compare_addresses(const void *a, const void *b)
{
	return address_compare(a, b);
}

static int load(struct nestnet *ctx, struct guests *guests)
{
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = uplinks_read(ctx, &guests->uplinks);
	if (r == 0)
		r = neighbour_list_learned(nl, take_learned, guests, &ctx->error);
	guests->n_learned = guests->n;
	if (r == 0)
		r = neighbour_list(nl, take_neighbour, guests, &ctx->error);
	if (r == 0)
		r = take_leases(guests);
	if (r == -ENOMEM)
		error_set_errno(&ctx->error, ENOMEM);
	if (r == 0 && guests->n)
		qsort(guests->list, guests->n, sizeof(*guests->list), compare_guests);
	return r;
}

static int report(const struct guests *guests, const struct guest *from, nestnet_guest_fn fn,
		  void *userdata)
{
	const struct inventory_link *bridge = inventory_find(guests->inventory, from->bridge);
	const struct inventory_link *port = inventory_find(guests->inventory, from->port);
	struct nestnet_guest guest = { .addresses = from->addresses,
				       .n_addresses = from->n_addresses,
				       .bridge = bridge ? bridge->link.name : NULL,
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
	struct inventory inventory;
	struct guests guests = { .inventory = &inventory };
	int r;

	context_begin(ctx);
	r = inventory_load(ctx, &inventory);
	if (r < 0)
		return context_end(ctx, r);
	r = load(ctx, &guests);
	if (r < 0)
		r = context_end(ctx, error_prefix(&ctx->error, "list guests"));
	for (size_t i = 0; r == 0 && i < guests.n; i++)
		r = report(&guests, &guests.list[i], fn, userdata);
	forget(&guests, 0);
	free(guests.list);
	inventory_clear(&inventory);
	return r;
}

/* ---- Waiting ---------------------------------------------------------------------------------- */

/* The kernel tells of new neighbours; but nobody tells of leases, and a wait of this length
 * is not worth a listener. */
#define POLL_MS 200

struct search {
	const char *tap;    /* NULL: any */
	const uint8_t *mac; /* NULL: any */
	nestnet_guest_fn fn;
	void *userdata;
};

/* One that did not answer is not there, whatever lease it has. */
static bool is_sought(const struct search *search, const struct nestnet_guest *guest)
{
	if (search->tap && (!guest->tap || strcmp(guest->tap, search->tap) != 0))
		return false;
	if (search->mac && memcmp(guest->mac, search->mac, sizeof(guest->mac)) != 0)
		return false;
	return guest->n_addresses > 0 && guest->state != NESTNET_NEIGHBOUR_FAILED;
}

static int search_guest(void *userdata, const struct nestnet_guest *guest)
{
	const struct search *search = userdata;
	int r = 0;

	if (!is_sought(search, guest))
		return 0;
	if (search->fn)
		r = search->fn(search->userdata, guest);
	return r ? r : 1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int nestnet_guest_wait(struct nestnet *ctx, const char *tap, const uint8_t *mac,
		       uint64_t timeout_ms, nestnet_guest_fn fn, void *userdata)
{
	struct search search = { .tap = tap, .mac = mac, .fn = fn, .userdata = userdata };
	uint64_t start_ms = now_ms(), gone_ms = 0;

	context_begin(ctx);
	if (!tap && !mac)
		return context_end(ctx,
				   error_set(&ctx->error, EINVAL,
					     "wait for a guest: neither tap nor MAC"));
	for (;;) {
		uint64_t left_ms, pause_ms;
		int r = nestnet_guest_list(ctx, search_guest, &search);

		gone_ms = now_ms() - start_ms;
		if (r != 0 || gone_ms >= timeout_ms)
			return r;
		left_ms = timeout_ms - gone_ms;
		pause_ms = left_ms < POLL_MS ? left_ms : POLL_MS;
		nanosleep(&(const struct timespec){ .tv_nsec = (long)pause_ms * 1000000 },
			  NULL);
	}
}
