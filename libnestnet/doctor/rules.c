/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of other software on an exposure's way, hook by hook, to the guest and back.
 * Before our translation (dstnat - 10) a packet has the alias, behind it the guest; before
 * conntrack nothing is known of its state.
 */

#include "doctor/doctor.h"

#include "rules/rule-text.h"

#include "kernel/host.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Of our own chain that translates, and of conntrack (NF_IP_PRI_CONNTRACK). */
#define PRIORITY_OURS      DOCTOR_PRIORITY
#define PRIORITY_CONNTRACK (-200)

struct rules {
	struct doctor *doctor;
	const struct doctor_path *path;
	const char *check;
	enum doctor_leg leg;
	bool is_part; /* of what was asked about: a warning at most */
	bool is_sure; /* what may be is not told */
	size_t n;
};

/* ---- Telling -------------------------------------------------------------------------- */

static const char *verb(const struct walk_finding *finding)
{
	switch (finding->verdict) {
	case FOREIGN_REJECT:
		return "rejects";
	case FOREIGN_DNAT:
		return "translates";
	case FOREIGN_QUEUE:
		return "hands to a program";
	case FOREIGN_ACCEPT:
	case FOREIGN_DROP:
	case FOREIGN_RETURN:
	case FOREIGN_JUMP:
	case FOREIGN_GOTO:
	case FOREIGN_SNAT:
	case FOREIGN_CONTINUE:
		break;
	}
	return "drops";
}

static const char *name_of(void *userdata, uint32_t ifindex)
{
	const struct doctor *doctor = userdata;
	const struct inventory_link *link = inventory_find(&doctor->inventory, ifindex);

	return link ? link->link.name : NULL;
}

/* "rule handle 12 of libvirt rejects: oifname "virbr0" reject" */
static void write_detail(const struct rules *rules, const struct walk_finding *finding,
			 char *ret, size_t size)
{
	const char *owner = doctor_owner(rules->doctor->walker, finding);
	char whose[64] = "", text[RULE_TEXT_MAX], others[64] = "";

	if (owner)
		snprintf(whose, sizeof(whose), " of %s", owner);
	if (finding->n_others > 0)
		snprintf(others, sizeof(others), " (and %zu more rules of the kind)",
			 finding->n_others);
	if (finding->rule)
		snprintf(ret, size, "rule handle %llu%s %s%s: %s%s",
			 (unsigned long long)finding->rule->handle, whose,
			 finding->is_certain ? "" : "may be one that ", verb(finding),
			 rule_text_named(finding->chain, finding->rule, name_of,
					 rules->doctor, text),
			 others);
	else
		snprintf(ret, size, "policy drop%s%s", whose,
			 finding->is_certain ? "" : " for what no rule accepts");
}

static int take_finding(void *userdata, const struct walk_finding *found)
{
	struct rules *rules = userdata;
	char subject[256], detail[1024];
	struct doctor_remedy remedy;
	struct nestnet_finding finding = { .check = rules->check,
					   .status = NESTNET_FINDING_WARN,
					   .subject = subject,
					   .detail = detail,
					   .remedy = remedy.text,
					   .undo = remedy.undo };

	if (rules->is_sure && !found->is_certain)
		return 0;
	rules->n++;
	if (found->is_certain && !rules->is_part)
		finding.status = NESTNET_FINDING_FAIL;
	snprintf(subject, sizeof(subject), "%s %s %s",
		 foreign_family_name(found->chain->family), found->chain->table,
		 found->chain->name);
	write_detail(rules, found, detail, sizeof(detail));
	doctor_find_remedy(rules->doctor, rules->path, rules->leg, found, &remedy);
	return doctor_tell(rules->doctor, &finding);
}

/* A chain of the nat type has an accept that is none of ours to judge, and no drop. */
static int take_translation(void *userdata, const struct walk_finding *finding)
{
	struct rules *rules = userdata;

	rules->check = "translated";
	return take_finding(userdata, finding);
}

/* ---- Probes --------------------------------------------------------------------------- */

static void set_input(struct probe *probe, const struct inventory_link *link)
{
	if (!link)
		return;
	probe->iif = link->link.ifindex;
	memcpy(probe->iifname, link->link.name, sizeof(probe->iifname));
}

static void set_output(struct probe *probe, const struct inventory_link *link)
{
	if (!link)
		return;
	probe->oif = link->link.ifindex;
	memcpy(probe->oifname, link->link.name, sizeof(probe->oifname));
}

/* To the alias, as it comes in. */
static struct probe arriving(const struct doctor_path *path)
{
	struct probe probe;

	probe_begin(&probe, path->family, path->protocol);
	if (path->alias.address.family != AF_UNSPEC)
		probe_set_destination(&probe, &path->alias);
	probe_set_ports(&probe, 0, path->alias_port);
	if (path->exposure && path->exposure->n_from == 1)
		probe_set_source_prefix(&probe, &path->exposure->from[0]);
	set_input(&probe, path->in);
	return probe;
}

static struct probe inbound(const struct doctor_path *path)
{
	struct probe probe = arriving(path);

	probe_set_destination(&probe, &path->target);
	probe_set_ports(&probe, 0, path->target_port);
	probe.is_dnat = true;
	return probe;
}

/* What the guest answers. */
static struct probe reply(const struct doctor_path *path)
{
	struct probe probe;

	probe_begin(&probe, path->family, path->protocol);
	probe_set_source_prefix(&probe, &path->target);
	probe_set_ports(&probe, path->target_port, 0);
	probe.state = FOREIGN_STATE_ESTABLISHED;
	probe.is_dnat = probe.is_reply = true;
	set_input(&probe, path->out);
	return probe;
}

/* ---- The way -------------------------------------------------------------------------- */

/* Anybody may be behind an uplink; and the guest is where the route to it leads. */
static bool has_way_back(const struct rules *rules, uint32_t iif)
{
	const struct inventory_link *out = rules->path->out;

	return (out && iif == out->link.ifindex) ||
	       uplinks_have(&rules->doctor->uplinks, iif);
}

static int walk(struct rules *rules, const char *check, enum doctor_leg leg,
		const struct probe *probe, enum nft_hook hook, unsigned int flags,
		int least, int most)
{
	struct probe met = *probe;

	rules->check = check;
	rules->leg = leg;
	met.has_way_back = has_way_back(rules, probe->iif);
	return walker_walk(rules->doctor->walker, &met, hook, flags, least, most,
			   flags & WALK_NAT ? take_translation : take_finding, rules);
}

/* The chains of a device, where it is known: in by it before conntrack, or out by it. */
static int walk_device(struct rules *rules, const char *check, enum doctor_leg leg,
		       const struct probe *probe, const struct inventory_link *device,
		       enum nft_hook hook)
{
	struct probe met = *probe;

	if (!device)
		return 0;
	met.iif = met.oif = 0;
	met.iifname[0] = met.oifname[0] = '\0';
	if (hook == NFT_HOOK_EGRESS) {
		set_output(&met, device);
	} else {
		set_input(&met, device);
		met.state = 0;
		met.is_dnat = met.is_reply = false;
	}
	return walk(rules, check, leg, &met, hook, WALK_IP | WALK_DEVICE, INT_MIN,
		    INT_MAX);
}

static int walk_prerouting(struct rules *rules, const struct doctor_path *path)
{
	struct probe alias = arriving(path), early = alias, target = inbound(path);
	int r;

	early.state = 0; /* not tracked yet */
	r = walk_device(rules, "arrives", DOCTOR_ARRIVING, &alias, path->in,
			NFT_HOOK_INGRESS);
	if (r == 0)
		r = walk(rules, "arrives", DOCTOR_ARRIVING, &early, NFT_HOOK_PREROUTING,
			 WALK_IP, INT_MIN, PRIORITY_CONNTRACK - 1);
	if (r == 0)
		r = walk(rules, "arrives", DOCTOR_ARRIVING, &alias, NFT_HOOK_PREROUTING,
			 WALK_IP, PRIORITY_CONNTRACK, PRIORITY_OURS);
	if (r == 0)
		r = walk(rules, "translated", DOCTOR_ARRIVING, &alias,
			 NFT_HOOK_PREROUTING, WALK_IP | WALK_NAT, INT_MIN, PRIORITY_OURS);
	if (r == 0)
		r = walk(rules, "arrives", DOCTOR_INBOUND, &target, NFT_HOOK_PREROUTING,
			 WALK_IP, PRIORITY_OURS + 1, INT_MAX);
	return r;
}

static int walk_forward(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = inbound(path);
	int r;

	set_output(&probe, path->out);
	r = walk(rules, "forwarded", DOCTOR_INBOUND, &probe, NFT_HOOK_FORWARD, WALK_IP,
		 INT_MIN, INT_MAX);
	if (r == 0)
		r = walk(rules, "forwarded", DOCTOR_INBOUND, &probe, NFT_HOOK_POSTROUTING,
			 WALK_IP, INT_MIN, INT_MAX);
	return r;
}

static bool is_bridge(const struct inventory_link *link)
{
	return link && link->link.kind == LINK_BRIDGE;
}

/* Out of the bridge by a port of it: what L1 sends meets the bridge family's output. */
static int walk_frame_out(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = inbound(path);
	int r;

	probe.iif = 0;
	probe.iifname[0] = '\0';
	set_output(&probe, path->port);
	r = walk(rules, "delivered", DOCTOR_INBOUND, &probe, NFT_HOOK_OUTPUT, WALK_BRIDGE,
		 INT_MIN, INT_MAX);
	if (r == 0)
		r = walk(rules, "delivered", DOCTOR_INBOUND, &probe, NFT_HOOK_POSTROUTING,
			 WALK_BRIDGE, INT_MIN, INT_MAX);
	return r == 0 ? walk_device(rules, "delivered", DOCTOR_INBOUND, &probe,
				    path->port, NFT_HOOK_EGRESS)
		      : r;
}

static int walk_delivery(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = inbound(path);
	int r = walk_device(rules, "delivered", DOCTOR_INBOUND, &probe, path->out,
			    NFT_HOOK_EGRESS);

	return r == 0 && is_bridge(path->out) ? walk_frame_out(rules, path) : r;
}

/* In by a port of the bridge, and up to L1. */
static int walk_frame_in(struct rules *rules, const struct doctor_path *path)
{
	struct probe frame = reply(path);
	int r = walk_device(rules, "replies", DOCTOR_REPLY, &frame, path->port,
			    NFT_HOOK_INGRESS);

	frame.iif = 0;
	frame.iifname[0] = '\0';
	set_input(&frame, path->port);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &frame, NFT_HOOK_PREROUTING,
			 WALK_BRIDGE, INT_MIN, INT_MAX);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &frame, NFT_HOOK_INPUT,
			 WALK_BRIDGE, INT_MIN, INT_MAX);
	return r;
}

/* Behind the last hook of IP an answer is from the alias again. */
static int walk_leaving(struct rules *rules, const struct doctor_path *path)
{
	struct probe from_alias;

	probe_begin(&from_alias, path->family, path->protocol);
	if (path->alias.address.family != AF_UNSPEC)
		probe_set_source_prefix(&from_alias, &path->alias);
	probe_set_ports(&from_alias, path->alias_port, 0);
	from_alias.state = FOREIGN_STATE_ESTABLISHED;
	from_alias.is_dnat = from_alias.is_reply = true;
	return walk_device(rules, "replies", DOCTOR_LEAVING, &from_alias, path->in,
			   NFT_HOOK_EGRESS);
}

static int walk_reply(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = reply(path), early = probe;
	int r = is_bridge(path->out) ? walk_frame_in(rules, path) : 0;

	early.state = 0;
	if (r == 0)
		r = walk_device(rules, "replies", DOCTOR_REPLY, &probe, path->out,
				NFT_HOOK_INGRESS);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &early, NFT_HOOK_PREROUTING,
			 WALK_IP, INT_MIN, PRIORITY_CONNTRACK - 1);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &probe, NFT_HOOK_PREROUTING,
			 WALK_IP, PRIORITY_CONNTRACK, INT_MAX);
	set_output(&probe, path->in);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &probe, NFT_HOOK_FORWARD,
			 WALK_IP, INT_MIN, INT_MAX);
	if (r == 0)
		r = walk(rules, "replies", DOCTOR_REPLY, &probe, NFT_HOOK_POSTROUTING,
			 WALK_IP, INT_MIN, INT_MAX);
	return r == 0 ? walk_leaving(rules, path) : r;
}

/* What guests begin themselves, which no translation of ours lets by. Of an exposure it is a
 * part where the whole address is the guest's. */
static int walk_outbound(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = reply(path);

	if (path->alias_port || (path->exposure && path->exposure->alias.first_port))
		return 0;
	probe_set_ports(&probe, 0, 0);
	probe.state = FOREIGN_STATE_NEW;
	probe.is_dnat = probe.is_reply = false;
	set_output(&probe, path->in);
	rules->is_part = path->exposure;
	return walk(rules, "outbound", DOCTOR_REPLY, &probe, NFT_HOOK_FORWARD, WALK_IP,
		    INT_MIN, INT_MAX);
}

/* Neighbours on the bridge, whose frames br_netfilter shows to IP's chains. */
static int walk_bridged(struct rules *rules, const struct doctor_path *path)
{
	struct probe probe = inbound(path);
	int back, r;
	bool is_on;

	if (!is_bridge(path->out))
		return 0;
	r = context_enter(rules->doctor->ctx, &back);
	if (r < 0)
		return r;
	is_on = host_bridge_calls(path->family);
	r = context_leave(rules->doctor->ctx, back, 0);
	if (r < 0 || !is_on)
		return r;
	set_input(&probe, path->out);
	set_output(&probe, path->out);
	rules->is_part = true;
	return walk(rules, "bridge-nf-call", DOCTOR_INBOUND, &probe, NFT_HOOK_FORWARD,
		    WALK_IP, INT_MIN, INT_MAX);
}

int doctor_rules(struct doctor *doctor, const struct doctor_path *path, bool is_sure,
		 size_t *ret_n)
{
	struct rules rules = { .doctor = doctor, .path = path, .is_sure = is_sure };
	int r = walk_prerouting(&rules, path);

	if (r == 0)
		r = walk_forward(&rules, path);
	if (r == 0)
		r = walk_delivery(&rules, path);
	if (r == 0)
		r = walk_reply(&rules, path);
	if (r == 0)
		r = walk_outbound(&rules, path);
	if (r == 0)
		r = walk_bridged(&rules, path);
	if (rules.n > 0)
		*ret_n = rules.n;
	return r;
}
