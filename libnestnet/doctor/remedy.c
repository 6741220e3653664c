/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a rule is, and what that software's administrator says to let a guest's packets
 * by: in the place which that software keeps for it, and survives its reload. Where it has
 * none, an accept at the head of the base chain in question, in the plainest words: a rule
 * with connection state in a chain of iptables' makes iptables itself fail on it.
 */

#include "doctor/doctor.h"

#include "rules/owner.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *doctor_owner(const struct walker *walker, const struct walk_finding *finding)
{
	const struct foreign_chain *chain = finding->chain;

	/* A policy is that of who fills the chain. */
	if (!finding->rule && chain->hook == NFT_HOOK_FORWARD)
		return owner_of_policy(walker_chains(walker), chain->family, chain->table,
				       chain->name);
	return owner_by_name(chain->table, chain->name);
}

static bool is_iptables(const struct foreign_chain *base)
{
	return owner_is_iptables(base->family, base->table, base->name);
}

struct words {
	const char *address; /* of the guest, or the alias */
	const char *bridge;  /* NULL: the hook does not know it */
	bool is_source;
};

/* The same rule goes in by -I, and out by -D. */
static void write_iptables(const struct foreign_chain *base, const char *chain,
			   const struct words *words, struct doctor_remedy *ret)
{
	const char *program = base->family == FOREIGN_IP6 ? "ip6tables" : "iptables";
	bool is_filter = strcmp(base->table, "filter") == 0;
	char table[64] = "", interface[64] = "";

	if (!is_filter)
		snprintf(table, sizeof(table), " -t %s", base->table);
	if (words->bridge)
		snprintf(interface, sizeof(interface), " %s %s",
			 words->is_source ? "-i" : "-o", words->bridge);
	for (int is_undo = 0; is_undo < 2; is_undo++)
		snprintf(is_undo ? ret->undo : ret->text, sizeof(ret->text),
			 "%s%s -%c %s %s %s%s -j ACCEPT", program, table,
			 is_undo ? 'D' : 'I', chain, words->is_source ? "-s" : "-d",
			 words->address, interface);
}

/* Out goes a rule of nft's by its handle, which is only known once it is in: so by what it
 * says, and by our comment. */
static void write_nft(const struct foreign_chain *base, int family,
		      const struct words *words, const char *verdict,
		      struct doctor_remedy *ret)
{
	char chain[256], match[NESTNET_TEXT_MAX + 16], interface[64] = "";

	snprintf(chain, sizeof(chain), "%s %s %s", foreign_family_name(base->family),
		 base->table, base->name);
	snprintf(match, sizeof(match), "%s %s %s", family == AF_INET6 ? "ip6" : "ip",
		 words->is_source ? "saddr" : "daddr", words->address);
	if (words->bridge)
		snprintf(interface, sizeof(interface), "%s %s ",
			 words->is_source ? "iifname" : "oifname", words->bridge);
	snprintf(ret->text, sizeof(ret->text),
		 "nft insert rule %s %s %s%s comment nestnet", chain, match, interface,
		 verdict);
	snprintf(ret->undo, sizeof(ret->undo),
		 "nft -a list chain %s | "
		 "sed -n 's,.*%s .* comment \"nestnet\" # handle,delete rule %s "
		 "handle,p' | "
		 "nft -f -",
		 chain, match, chain);
}

static void write_ufw(const struct doctor_path *path, const struct words *words,
		      struct doctor_remedy *ret)
{
	const char *in = path->in ? path->in->link.name : NULL;
	char rule[256];

	if (words->is_source)
		snprintf(rule, sizeof(rule), "allow in on %s from %s", words->bridge,
			 words->address);
	else
		snprintf(rule, sizeof(rule), "allow %s%s%sout on %s to %s",
			 in ? "in on " : "", in ? in : "", in ? " " : "", words->bridge,
			 words->address);
	snprintf(ret->text, sizeof(ret->text), "ufw route %s", rule);
	snprintf(ret->undo, sizeof(ret->undo), "ufw route delete %s", rule);
}

static void write_firewalld(const char *bridge, struct doctor_remedy *ret)
{
	for (int is_undo = 0; is_undo < 2; is_undo++)
		snprintf(is_undo ? ret->undo : ret->text, sizeof(ret->text),
			 "firewall-cmd --permanent --zone=trusted --%s-interface=%s && "
			 "firewall-cmd --reload",
			 is_undo ? "remove" : "add", bridge);
}

static bool is_of(const char *owner, const char *whom)
{
	return owner && strcmp(owner, whom) == 0;
}

void doctor_find_remedy(const struct doctor *doctor, const struct doctor_path *path,
			enum doctor_leg leg, const struct walk_finding *finding,
			struct doctor_remedy *ret)
{
	const char *owner = doctor_owner(doctor->walker, finding);
	const struct foreign_chain *base = finding->base;
	bool is_forward = base->hook == NFT_HOOK_FORWARD && path->out;
	char address[NESTNET_TEXT_MAX];
	struct words words = { .address = address, .is_source = leg >= DOCTOR_REPLY };
	bool is_alias = leg == DOCTOR_ARRIVING || leg == DOCTOR_LEAVING;

	nestnet_prefix_format(is_alias ? &path->alias : &path->target, address);
	/* One address, without its length. */
	if (strstr(address, path->family == AF_INET ? "/32" : "/128"))
		*strchr(address, '/') = '\0';
	if (is_forward)
		words.bridge = path->out->link.name;

	ret->text[0] = ret->undo[0] = '\0';
	if (strchr(address, '*') || strpbrk(base->table, " &") ||
	    strpbrk(base->name, " &"))
		return; /* every address, or names that are no words */
	if (finding->verdict == FOREIGN_DNAT && !is_iptables(base))
		write_nft(base, path->family, &words, "accept", ret);
	else if (is_of(owner, "firewalld") && path->out)
		write_firewalld(path->out->link.name, ret);
	else if (is_of(owner, "ufw") && is_forward)
		write_ufw(path, &words, ret);
	else if (is_iptables(base))
		write_iptables(base,
			       is_of(owner, "Docker") && is_forward ? "DOCKER-USER"
								    : base->name,
			       &words, ret);
	else
		write_nft(base, path->family, &words, "counter accept", ret);
}
