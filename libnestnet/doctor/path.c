/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An exposure's way from the uplink to the guest, apart from rules: whether its packets
 * come here, where they go on to, and whether somebody is there.
 */

#include "doctor/doctor.h"
#include "doctor/way.h"

#include "plan/setting.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Arrives -------------------------------------------------------------------------- */

static int say_not_local(struct doctor *doctor, const struct doctor_path *path,
			 const char *alias)
{
	char remedy[NESTNET_TEXT_MAX + 64] = "";
	struct route route;
	int r = way_find_route(doctor, &path->alias, &route);

	if (r < 0)
		return r;
	if (path->in)
		snprintf(remedy, sizeof(remedy), "nestnet alias add %s --dev %s", alias,
			 path->in->link.name);
	if (r == 1 && route.gateway.family == AF_UNSPEC && path->in &&
	    route.destination.len > 0 && route.ifindex == path->in->link.ifindex)
		return doctor_say(
			doctor, "arrives",
			path->exposure->flows ? NESTNET_FINDING_WARN
					      : NESTNET_FINDING_FAIL,
			alias, remedy,
			"it is not local to this host: nobody answers for it on %s, "
			"unless the cloud does",
			path->in->link.name);
	return doctor_say(
		doctor, "arrives", NESTNET_FINDING_WARN, alias, remedy,
		"it is not local to this host: it comes here only if the network "
		"routes it here");
}

static int check_alias(struct doctor *doctor, struct doctor_path *path)
{
	char alias[NESTNET_TEXT_MAX] = "*", *length;
	int r = way_find_in(doctor, path);

	if (r < 0)
		return r;
	if (path->alias.address.family != AF_UNSPEC)
		nestnet_prefix_format(&path->alias, alias);
	length = strchr(alias, '/');
	if (length && prefix_is_address(&path->alias))
		*length = '\0';
	if (r == 0)
		return say_not_local(doctor, path, alias);
	return doctor_say(doctor, "arrives", NESTNET_FINDING_OK, alias, NULL,
			  "local to this host, on %s",
			  path->in ? path->in->link.name : "?");
}

static int check_link(struct doctor *doctor, const char *check,
		      const struct inventory_link *link)
{
	const char *name = link->link.name;
	char remedy[64];

	snprintf(remedy, sizeof(remedy), "ip link set dev %s up", name);
	if (!link->link.is_up)
		return doctor_say(doctor, check, NESTNET_FINDING_FAIL, name, remedy,
				  "the interface is down");
	if (!link->link.has_carrier)
		return doctor_say(
			doctor, check, NESTNET_FINDING_FAIL, name, NULL,
			"the interface has no carrier: %s",
			link->link.kind == LINK_TAP      ? "no guest has the tap open"
			: link->link.kind == LINK_BRIDGE ? "no port of it has one"
							 : "the cable is out, or the "
							   "other end is down");
	return doctor_say(doctor, check, NESTNET_FINDING_OK, name, NULL,
			  "up, with a carrier");
}

/* In force is the greater of the interface's and of all; 2, the loose one, drops nothing of
 * ours, but 1 what comes by another interface than answers would take. */
static int check_rp_filter(struct doctor *doctor, const struct inventory_link *in)
{
	const char *name = in->link.name;
	int all = setting_get(doctor->ctx, AF_INET, "all", "rp_filter");
	int own = setting_get(doctor->ctx, AF_INET, name, "rp_filter");
	int filter = all > own ? all : own;
	bool is_only = doctor->uplinks.n == 1 &&
		       doctor->uplinks.ifindexes[0] == in->link.ifindex;
	char remedy[96];

	if (filter != 1)
		return doctor_say(doctor, "rp_filter", NESTNET_FINDING_OK, name, NULL,
				  "%d: it drops nothing here", filter);
	if (is_only)
		return doctor_say(
			doctor, "rp_filter", NESTNET_FINDING_OK, name, NULL,
			"1, strict: it drops only what a route says is elsewhere");
	snprintf(remedy, sizeof(remedy), "sysctl -w net.ipv4.conf.%s.rp_filter=2", name);
	return doctor_say(
		doctor, "rp_filter", NESTNET_FINDING_WARN, name, remedy,
		"1, strict: what comes from where another interface leads to is "
		"dropped");
}

static int check_accept_ra(struct doctor *doctor)
{
	struct uplinks advertised;
	int r = uplinks_read_advertised(doctor->ctx, &advertised);

	for (size_t i = 0; r == 0 && i < advertised.n; i++) {
		const struct inventory_link *link =
			inventory_find(&doctor->inventory, advertised.ifindexes[i]);
		char remedy[96];

		if (!link ||
		    setting_get(doctor->ctx, AF_INET6, link->link.name, "accept_ra") == 2 ||
		    setting_get(doctor->ctx, AF_INET6, link->link.name, "forwarding") != 1)
			continue;
		snprintf(remedy, sizeof(remedy), "sysctl -w net.ipv6.conf.%s.accept_ra=2",
			 link->link.name);
		r = doctor_say(
			doctor, "accept_ra", NESTNET_FINDING_WARN, link->link.name,
			remedy,
			"a forwarding host takes no router advertisements: its default "
			"route will end");
	}
	return r;
}

/* ---- Forwarded ------------------------------------------------------------------------ */

static int check_forwarding(struct doctor *doctor, int family,
			    const struct inventory_link *in)
{
	const char *interface = in && family == AF_INET ? in->link.name : "all";
	const char *subject = family == AF_INET ? "IPv4" : "IPv6";

	if (setting_get(doctor->ctx, family, interface, "forwarding") == 1)
		return doctor_say(doctor, "forwarding", NESTNET_FINDING_OK, subject, NULL,
				  "on");
	return doctor_say(doctor, "forwarding", NESTNET_FINDING_FAIL, subject,
			  family == AF_INET ? "nestnet forward on -4"
					    : "nestnet forward on -6",
			  "off: nothing is passed on to guests");
}

/* An interface that is down has no routes, but what is in its network is meant for it.
 * @param least  the length of the route that is taken in its place
 * @return NULL where there is none */
static const struct inventory_link *find_down(const struct doctor *doctor,
					      const struct nestnet_prefix *target,
					      unsigned int least)
{
	for (size_t i = 0; i < doctor->inventory.n; i++) {
		const struct inventory_link *link = &doctor->inventory.links[i];

		for (size_t a = 0; !link->link.is_up && a < link->n_addresses; a++) {
			if (link->addresses[a].len > least &&
			    prefix_contains(&link->addresses[a], &target->address))
				return link;
		}
	}
	return NULL;
}

static int check_route(struct doctor *doctor, struct doctor_path *path,
		       const char *target)
{
	const struct inventory_link *down;
	struct route route;
	int r = way_find_route(doctor, &path->target, &route);

	if (r < 0)
		return r;
	path->out = inventory_find(&doctor->inventory, route.ifindex);
	down = find_down(doctor, &path->target, r == 0 ? 0 : route.destination.len);
	if (down && !route.is_local) {
		path->out = down;
		return doctor_say(doctor, "routed", NESTNET_FINDING_FAIL, target, NULL,
				  "%s, in whose network it is, is down", down->link.name);
	}
	if (r == 0 || !path->out)
		return doctor_say(
			doctor, "routed", NESTNET_FINDING_FAIL, target, NULL,
			"there is no route to it: does its bridge have an address in "
			"its network?");
	if (route.is_local) {
		path->out = NULL; /* nobody is to be asked for, behind no interface */
		return doctor_say(doctor, "routed", NESTNET_FINDING_WARN, target, NULL,
				  "it is this host's own address, no guest's: were alias "
				  "and target swapped?");
	}
	if (uplinks_have(&doctor->uplinks, route.ifindex))
		return doctor_say(
			doctor, "routed", NESTNET_FINDING_WARN, target, NULL,
			"it is looked for by the uplink %s: does its bridge have an "
			"address in its network?",
			path->out->link.name);
	return doctor_say(doctor, "routed", NESTNET_FINDING_OK, target, NULL, "by %s",
			  path->out->link.name);
}

static int check_mtu(struct doctor *doctor, const struct inventory_link *in,
		     const struct inventory_link *out)
{
	char remedy[96];

	if (!in || !out || in == out)
		return 0;
	if (out->link.mtu <= in->link.mtu)
		return doctor_say(doctor, "mtu", NESTNET_FINDING_OK, out->link.name, NULL,
				  "%u, that of %s is %u", out->link.mtu, in->link.name,
				  in->link.mtu);
	snprintf(remedy, sizeof(remedy), "ip link set dev %s mtu %u", out->link.name,
		 in->link.mtu);
	return doctor_say(
		doctor, "mtu", NESTNET_FINDING_WARN, out->link.name, remedy,
		"%u, more than the %u of %s: TCP is clamped, large packets of other "
		"protocols may be lost",
		out->link.mtu, in->link.mtu, in->link.name);
}

/* ---- Delivered ------------------------------------------------------------------------ */

static int check_guest(struct doctor *doctor, struct doctor_path *path,
		       const char *target)
{
	struct way_guest guest;
	int r = way_find_guest(doctor, path, &guest);
	char remedy[NESTNET_TEXT_MAX + 64];

	if (r < 0)
		return r;
	snprintf(remedy, sizeof(remedy), "ping -c 1 %s", target);
	if (!guest.is_found)
		return doctor_say(
			doctor, "neighbour", NESTNET_FINDING_SKIP, target, remedy,
			"not asked for lately: whether it is there is not known");
	switch (neighbour_state(&guest.found)) {
	case NESTNET_NEIGHBOUR_FAILED:
	case NESTNET_NEIGHBOUR_INCOMPLETE:
		return doctor_say(
			doctor, "neighbour", NESTNET_FINDING_FAIL, target, remedy,
			"nobody on %s answers for it: is the guest up, with that "
			"address?",
			path->out->link.name);
	case NESTNET_NEIGHBOUR_NONE:
	case NESTNET_NEIGHBOUR_PERMANENT:
	case NESTNET_NEIGHBOUR_REACHABLE:
	case NESTNET_NEIGHBOUR_DELAY:
	case NESTNET_NEIGHBOUR_PROBE:
	case NESTNET_NEIGHBOUR_STALE:
		break;
	}
	r = doctor_say(doctor, "neighbour", NESTNET_FINDING_OK, target, NULL,
		       "known on %s", path->out->link.name);
	if (r != 0 || guest.port != 0 || !guest.found.has_mac ||
	    path->out->link.kind != LINK_BRIDGE)
		return r;
	return doctor_say(doctor, "port", NESTNET_FINDING_SKIP, target, remedy,
			  "no port of %s has heard it lately: whether it is there is not "
			  "known",
			  path->out->link.name);
}

static int check_port(struct doctor *doctor, const struct doctor_path *path)
{
	const struct link *port = path->port ? &path->port->link : NULL;
	char remedy[192];

	if (!port || port->ifindex == path->out->link.ifindex)
		return 0;
	if (!port->is_up || !port->has_carrier || port->is_forwarding)
		return check_link(doctor, "port", path->port);
	/* A port that listens goes on to do so without STP, until it is up anew. */
	snprintf(remedy, sizeof(remedy),
		 "ip link set dev %s type bridge stp_state 0 && ip link set dev %s down "
		 "&& "
		 "ip link set dev %s up",
		 path->out->link.name, port->name, port->name);
	return doctor_say(doctor, "port", NESTNET_FINDING_FAIL, port->name, remedy,
			  "%s does not forward by this port yet (STP)",
			  path->out->link.name);
}

/* ---- All of it ------------------------------------------------------------------------ */

static int check_in(struct doctor *doctor, struct doctor_path *path)
{
	int r = check_alias(doctor, path);

	if (r == 0 && !path->in)
		r = doctor_say(doctor, "arrives", NESTNET_FINDING_WARN, "uplink", NULL,
			       "there is no default route, and so no uplink");
	else if (r == 0)
		r = check_link(doctor, "uplink", path->in);
	if (r == 0 && path->in && path->family == AF_INET)
		r = check_rp_filter(doctor, path->in);
	if (r == 0 && path->family == AF_INET6)
		r = check_accept_ra(doctor);
	return r;
}

static int say_translated(struct doctor *doctor, const struct exposure *exposure)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX], from[NESTNET_TEXT_MAX];
	char only[NESTNET_TEXT_MAX + 64] = "";

	if (exposure->n_from > 0)
		snprintf(only, sizeof(only), ", only from %s%s",
			 nestnet_prefix_format(&exposure->from[0], from),
			 exposure->n_from > 1 ? " and others" : "");
	return doctor_say(doctor, "translated", NESTNET_FINDING_OK,
			  nestnet_endpoint_format(&exposure->alias, alias), NULL,
			  "exposed to %s%s",
			  nestnet_endpoint_format(&exposure->target, target), only);
}

int doctor_path(struct doctor *doctor, struct doctor_path *path)
{
	char target[NESTNET_TEXT_MAX], *length;
	int r = check_in(doctor, path);

	nestnet_prefix_format(&path->target, target);
	length = strchr(target, '/');
	if (length && prefix_is_address(&path->target))
		*length = '\0';
	if (r == 0)
		r = say_translated(doctor, path->exposure);
	if (r == 0)
		r = check_route(doctor, path, target);
	if (r == 0)
		r = check_forwarding(doctor, path->family, path->in);
	if (r == 0)
		r = check_mtu(doctor, path->in, path->out);
	if (r != 0 || !path->out)
		return r;
	r = check_link(doctor, "delivered", path->out);
	if (r == 0 && prefix_is_address(&path->target))
		r = check_guest(doctor, path, target);
	return r == 0 ? check_port(doctor, path) : r;
}

/* ---- The host's share ----------------------------------------------------------------- */

int doctor_uplinks(struct doctor *doctor)
{
	int r = 0;

	if (doctor->uplinks.n == 0)
		return doctor_say(doctor, "uplink", NESTNET_FINDING_WARN, "default route",
				  NULL, "there is none: guests reach nothing outside");
	for (size_t i = 0; r == 0 && i < doctor->uplinks.n; i++) {
		const struct inventory_link *link =
			inventory_find(&doctor->inventory, doctor->uplinks.ifindexes[i]);

		if (!link)
			continue;
		r = check_link(doctor, "uplink", link);
		if (r == 0)
			r = check_rp_filter(doctor, link);
	}
	return r == 0 ? check_accept_ra(doctor) : r;
}

int doctor_forwarding(struct doctor *doctor)
{
	int all4 = setting_get(doctor->ctx, AF_INET, "all", "forwarding");

	return doctor_say(doctor, "forwarding",
			  all4 == 1 ? NESTNET_FINDING_OK : NESTNET_FINDING_WARN, "IPv4",
			  all4 == 1 ? NULL : "nestnet forward on -4",
			  all4 == 1 ? "on" : "off: expose and nat add turn it on");
}

int doctor_mtu(struct doctor *doctor, const struct inventory_link *bridge)
{
	const struct inventory_link *in =
		doctor->uplinks.n
			? inventory_find(&doctor->inventory, doctor->uplinks.ifindexes[0])
			: NULL;

	return check_mtu(doctor, in, bridge);
}
