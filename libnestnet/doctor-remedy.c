/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a rule is, and what that software's administrator says to let a guest's packets
 * by: in the place which that software keeps for it, and survives its reload. Where it has
 * none, an accept at the head of the base chain in question, in the plainest words: a rule
 * with connection state in a chain of iptables' makes iptables itself fail on it.
 */

#include "doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether the table has a chain whose name begins so. */
static bool has_chain(const struct walker *walker, const struct foreign_chain *in,
		      const char *prefix)
{
	const struct foreign *foreign = walker_chains(walker);

	for (size_t i = 0; i < foreign->n; i++) {
		const struct foreign_chain *chain = &foreign->chains[i];

		if (chain->family == in->family && strcmp(chain->table, in->table) == 0 &&
		    begins(chain->name, prefix))
			return true;
	}
	return false;
}

const char *doctor_owner(const struct walker *walker, const struct walk_finding *finding)
{
	const struct foreign_chain *chain = finding->chain;

	if (begins(chain->name, "LIBVIRT_") || begins(chain->table, "libvirt"))
		return "libvirt";
	if (begins(chain->table, "firewalld"))
		return "firewalld";
	if (begins(chain->name, "DOCKER"))
		return "Docker";
	if (begins(chain->name, "ufw"))
		return "ufw";
	/* A policy is that of who fills the chain. */
	if (finding->rule || chain->hook != NFT_HOOK_FORWARD)
		return NULL;
	if (has_chain(walker, chain, "ufw"))
		return "ufw";
	return has_chain(walker, chain, "DOCKER") ? "Docker" : NULL;
}

/* The chains that iptables-nft makes, which iptables can put rules into. */
static bool is_iptables(const struct foreign_chain *base)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	static const char *const tables[] = { "filter", "nat", "mangle", "raw",
					      "security" };
	bool is_name = false, is_table = false;

	if (base->family != FOREIGN_IP && base->family != FOREIGN_IP6)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		is_name |= strcmp(base->name, names[i]) == 0;
		is_table |= strcmp(base->table, tables[i]) == 0;
	}
	return is_name && is_table;
}

struct words {
	const char *address; /* of the guest, or the alias */
	const char *bridge;  /* NULL: the hook does not know it */
	bool is_source;
};

static void write_iptables(const struct foreign_chain *base, const char *chain,
			   const struct words *words, char *ret, size_t size)
{
	bool is_filter = strcmp(base->table, "filter") == 0;

	snprintf(ret, size, "%s%s%s -I %s %s %s%s%s -j ACCEPT",
		 base->family == FOREIGN_IP6 ? "ip6tables" : "iptables",
		 is_filter ? "" : " -t ", is_filter ? "" : base->table, chain,
		 words->is_source ? "-s" : "-d", words->address,
		 !words->bridge     ? ""
		 : words->is_source ? " -i "
				    : " -o ",
		 words->bridge ? words->bridge : "");
}

static void write_nft(const struct foreign_chain *base, int family,
		      const struct words *words, char *ret, size_t size)
{
	const char *interface = words->is_source ? " iifname " : " oifname ";

	snprintf(ret, size, "nft insert rule %s %s %s %s %s %s%s%s counter accept",
		 foreign_family_name(base->family), base->table, base->name,
		 family == AF_INET6 ? "ip6" : "ip", words->is_source ? "saddr" : "daddr",
		 words->address, words->bridge ? interface : "",
		 words->bridge ? words->bridge : "");
}

static void write_ufw(const struct doctor_path *path, const struct words *words,
		      char *ret, size_t size)
{
	const char *in = path->in ? path->in->link.name : NULL;

	if (words->is_source)
		snprintf(ret, size, "ufw route allow in on %s from %s",
			 path->out->link.name, words->address);
	else
		snprintf(ret, size, "ufw route allow %s%s%sout on %s to %s",
			 in ? "in on " : "", in ? in : "", in ? " " : "",
			 path->out->link.name, words->address);
}

void doctor_remedy(const struct doctor *doctor, const struct doctor_path *path,
		   enum doctor_leg leg, const struct walk_finding *finding, char *ret,
		   size_t size)
{
	const char *owner = doctor_owner(doctor->walker, finding);
	const struct foreign_chain *base = finding->base;
	char address[NESTNET_TEXT_MAX];
	bool is_forward = base->hook == NFT_HOOK_FORWARD;
	struct words words = { .address = address, .is_source = leg == DOCTOR_REPLY };

	nestnet_prefix_format(leg == DOCTOR_ARRIVING ? &path->alias : &path->target,
			      address);
	/* One address, without its length. */
	if (strstr(address, path->family == AF_INET ? "/32" : "/128"))
		*strchr(address, '/') = '\0';
	if (is_forward && path->out)
		words.bridge = path->out->link.name;

	ret[0] = '\0';
	if (strchr(address, '*') || strpbrk(base->table, " &") ||
	    strpbrk(base->name, " &"))
		return; /* every address, or names that are no words */
	if (finding->verdict == FOREIGN_DNAT && !is_iptables(base))
		snprintf(ret, size, "nft insert rule %s %s %s %s daddr %s accept",
			 foreign_family_name(base->family), base->table, base->name,
			 path->family == AF_INET6 ? "ip6" : "ip", address);
	else if (owner && strcmp(owner, "firewalld") == 0 && path->out)
		snprintf(ret, size,
			 "firewall-cmd --permanent --zone=trusted --add-interface=%s && "
			 "firewall-cmd --reload",
			 path->out->link.name);
	else if (owner && strcmp(owner, "ufw") == 0 && is_forward && path->out)
		write_ufw(path, &words, ret, size);
	else if (is_iptables(base))
		write_iptables(base,
			       owner && strcmp(owner, "Docker") == 0 && is_forward
				       ? "DOCKER-USER"
				       : base->name,
			       &words, ret, size);
	else
		write_nft(base, path->family, &words, ret, size);
}
