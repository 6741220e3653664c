/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host by itself: whether it can run guests, and what its guests in general meet. */

#include "doctor/doctor.h"

#include "kernel/host.h"

#include "base/address.h"
#include "base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- The machine ---------------------------------------------------------------------- */

static int check_virtualization(struct doctor *doctor)
{
	const char *extension = host_virtualization();

	if (!extension)
		return doctor_say(
			doctor, "virtualization", NESTNET_FINDING_WARN, "cpu", NULL,
			"the processor has neither vmx nor svm: guests are emulated, "
			"and slow. Nested virtualization is turned on below this "
			"machine");
	return doctor_say(doctor, "virtualization", NESTNET_FINDING_OK, "cpu", NULL, "%s",
			  extension);
}

static int check_device(struct doctor *doctor, const char *check, const char *path,
			const char *module, enum nestnet_finding_status bad)
{
	char remedy[64] = "";
	int r = host_try_device(path);

	if (r == 0)
		return doctor_say(doctor, check, NESTNET_FINDING_OK, path, NULL,
				  "usable");
	if (r == -ENOENT || r == -ENODEV || r == -ENXIO)
		snprintf(remedy, sizeof(remedy), "modprobe %s", module);
	else if (r == -EACCES || r == -EPERM)
		snprintf(remedy, sizeof(remedy), "chmod 666 %s", path);
	return doctor_say(doctor, check, bad, path, remedy, "%s", error_describe(-r));
}

static int check_machine(struct doctor *doctor)
{
	int r = check_virtualization(doctor);

	if (r == 0)
		r = check_device(doctor, "kvm", "/dev/kvm", "kvm", NESTNET_FINDING_WARN);
	if (r == 0)
		r = check_device(doctor, "tun", "/dev/net/tun", "tun",
				 NESTNET_FINDING_FAIL);
	return r;
}

/* ---- Rules ---------------------------------------------------------------------------- */

static int check_legacy(struct doctor *doctor, int family)
{
	const char *program = family == AF_INET ? "iptables-legacy" : "ip6tables-legacy";
	char tables[128], remedy[64];
	int back, r = context_enter(doctor->ctx, &back);

	if (r < 0)
		return r;
	r = host_legacy_tables(family, tables, sizeof(tables));
	if (context_leave(doctor->ctx, back, 0) < 0)
		return -doctor->ctx->error.code;
	if (r == 0)
		return 0;
	if (r < 0)
		return doctor_say(doctor, "legacy", NESTNET_FINDING_SKIP, program, NULL,
				  "whether it has tables could not be read: %s",
				  error_describe(-r));
	snprintf(remedy, sizeof(remedy), "%s-save", program);
	return doctor_say(doctor, "legacy", NESTNET_FINDING_WARN, program, remedy,
			  "it has tables (%s), whose rules cannot be seen from here",
			  tables);
}

static int check_bridge_calls(struct doctor *doctor)
{
	bool is_on;
	int back, r = context_enter(doctor->ctx, &back);

	if (r < 0)
		return r;
	is_on = host_bridge_calls(AF_INET) || host_bridge_calls(AF_INET6);
	if (context_leave(doctor->ctx, back, 0) < 0)
		return -doctor->ctx->error.code;
	return doctor_say(
		doctor, "bridge-nf-call", NESTNET_FINDING_OK, "br_netfilter", NULL,
		is_on ? "on: frames between guests of one bridge meet the rules for "
			"forwarding as well"
		      : "off: frames between guests meet no rule for forwarding");
}

/* A bridge with an address that is no uplink's: guests are behind it. */
static bool is_guests(const struct doctor *doctor, const struct inventory_link *link)
{
	return link->link.kind == LINK_BRIDGE && link->n_addresses > 0 &&
	       !uplinks_have(&doctor->uplinks, link->link.ifindex);
}

/* What goes to the guests of one network and comes back. */
static int check_network(struct doctor *doctor, const struct inventory_link *bridge,
			 const struct nestnet_prefix *prefix)
{
	struct doctor_path path = { .family = prefix->address.family,
				    .target = prefix_network(prefix),
				    .protocol = IPPROTO_TCP,
				    .out = bridge };
	size_t n = 0;
	int r;

	path.alias.address.family = AF_UNSPEC;
	if (doctor->uplinks.n > 0)
		path.in =
			inventory_find(&doctor->inventory, doctor->uplinks.ifindexes[0]);
	r = doctor_rules(doctor, &path, false, &n);
	if (r == 0 && n == 0)
		r = doctor_say(doctor, "rules", NESTNET_FINDING_OK, bridge->link.name,
			       NULL,
			       "no rule of other software stops what is exposed there by %s",
			       path.family == AF_INET6 ? "IPv6" : "IPv4");
	return r;
}

static int check_bridge(struct doctor *doctor, const struct inventory_link *bridge)
{
	int families[2] = { 0 }, r = doctor_mtu(doctor, bridge);

	for (size_t i = 0; r == 0 && i < bridge->n_addresses; i++) {
		const struct nestnet_prefix *prefix = &bridge->addresses[i];
		int *is_done = &families[prefix->address.family == AF_INET6];

		if (*is_done)
			continue;
		*is_done = 1;
		r = check_network(doctor, bridge, prefix);
	}
	return r;
}

static int check_bridges(struct doctor *doctor)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < doctor->inventory.n; i++) {
		if (!is_guests(doctor, &doctor->inventory.links[i]))
			continue;
		n++;
		r = check_bridge(doctor, &doctor->inventory.links[i]);
	}
	if (r == 0 && n == 0)
		r = doctor_say(
			doctor, "bridges", NESTNET_FINDING_SKIP, "guests",
			"nestnet bridge add virbr0 --address 192.168.122.1/24",
			"no bridge has an address: there are no guests to judge by");
	return r;
}

int doctor_host(struct doctor *doctor)
{
	int r = check_machine(doctor);

	if (r == 0)
		r = doctor_uplinks(doctor);
	if (r == 0)
		r = doctor_forwarding(doctor);
	if (r == 0)
		r = check_bridge_calls(doctor);
	if (r == 0)
		r = check_bridges(doctor);
	return r == 0 ? doctor_legacy(doctor) : r;
}

int doctor_legacy(struct doctor *doctor)
{
	int r = check_legacy(doctor, AF_INET);

	return r == 0 ? check_legacy(doctor, AF_INET6) : r;
}
