/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an exposure's packets come in and go out, and which guest that is. */

#include "doctor/way.h"

#include "kernel/netlink.h"

#include "base/address.h"

#include <string.h>
#include <sys/socket.h>

struct local {
	const struct nestnet_prefix *alias;
	uint32_t ifindex; /* 0: none */
};

static int take_local(void *userdata, const struct route *route)
{
	struct local *local = userdata;

	if (!route)
		local->ifindex = 0;
	else if (route->ifindex != LINK_LOOPBACK &&
		 prefix_contains(&route->destination, &local->alias->address))
		local->ifindex = route->ifindex;
	return 0;
}

/* Where the alias is local; else 0. A port of every address is, on the first uplink. */
static int find_local(struct doctor *doctor, const struct doctor_path *path,
		      uint32_t *ret_ifindex)
{
	struct local local = { .alias = &path->alias };
	struct netlink *nl;
	int r = context_route(doctor->ctx, &nl);

	if (r == 0 && path->alias.address.family == AF_UNSPEC)
		local.ifindex = doctor->uplinks.n ? doctor->uplinks.ifindexes[0] : 0;
	else if (r == 0)
		r = route_list_local(nl, take_local, &local, &doctor->ctx->error);
	*ret_ifindex = local.ifindex;
	return r;
}

static int take_neighbour(void *userdata, const struct neighbour *neighbour)
{
	struct way_guest *guest = userdata;

	if (!neighbour)
		guest->is_found = false;
	else if (neighbour->ifindex == guest->path->out->link.ifindex &&
		 address_equal(&neighbour->address, &guest->path->target.address)) {
		guest->found = *neighbour;
		guest->is_found = true;
	}
	return 0;
}

static int take_learned(void *userdata, const struct neighbour *neighbour)
{
	struct way_guest *guest = userdata;

	if (!neighbour)
		guest->port = 0;
	else if (neighbour->bridge == guest->path->out->link.ifindex &&
		 memcmp(neighbour->mac, guest->found.mac, sizeof(neighbour->mac)) == 0)
		guest->port = neighbour->ifindex;
	return 0;
}

int way_find_guest(struct doctor *doctor, struct doctor_path *path,
		   struct way_guest *guest)
{
	struct netlink *nl;
	int r;

	*guest = (struct way_guest){ .path = path };
	if (!path->out || !prefix_is_address(&path->target))
		return 0;
	r = context_route(doctor->ctx, &nl);
	if (r == 0)
		r = neighbour_list(nl, take_neighbour, guest, &doctor->ctx->error);
	if (r == 0 && guest->is_found && guest->found.has_mac &&
	    path->out->link.kind == LINK_BRIDGE)
		r = neighbour_list_learned(nl, take_learned, guest, &doctor->ctx->error);
	if (r == 0)
		path->port = inventory_find(&doctor->inventory, guest->port);
	return r;
}

int way_find_route(struct doctor *doctor, const struct nestnet_prefix *to,
		   struct route *ret)
{
	struct netlink *nl;
	int r = context_route(doctor->ctx, &nl);

	*ret = (struct route){ .ifindex = 0 };
	return r < 0 ? r : route_get(nl, &to->address, ret, &doctor->ctx->error);
}

int way_find_in(struct doctor *doctor, struct doctor_path *path)
{
	uint32_t ifindex;
	int r = find_local(doctor, path, &ifindex);

	if (r < 0)
		return r;
	path->in = inventory_find(&doctor->inventory,
				  ifindex || doctor->uplinks.n == 0
					  ? ifindex
					  : doctor->uplinks.ifindexes[0]);
	return ifindex != 0;
}

int way_find(struct doctor *doctor, struct doctor_path *path)
{
	struct way_guest guest;
	struct route route;
	int r = way_find_in(doctor, path);

	if (r >= 0)
		r = way_find_route(doctor, &path->target, &route);
	if (r < 0)
		return r;
	path->out = inventory_find(&doctor->inventory, route.ifindex);
	return way_find_guest(doctor, path, &guest);
}
