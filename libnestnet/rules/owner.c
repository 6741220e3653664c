/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a chain is. */

#include "rules/owner.h"

#include "base/cleanup.h"

#include <string.h>

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *owner_by_name(const char *table, const char *chain)
{
	if (begins(chain, "LIBVIRT_") || begins(table, "libvirt"))
		return "libvirt";
	if (begins(table, "firewalld"))
		return "firewalld";
	if (begins(chain, "DOCKER") || begins(table, "docker-"))
		return "Docker";
	return begins(chain, "ufw") ? "ufw" : NULL;
}

/* Whether the table has a chain whose name begins so. */
static bool has_chain(const struct foreign *foreign, enum foreign_family family,
		      const char *table, const char *prefix)
{
	for (size_t i = 0; i < foreign->n; i++) {
		const struct foreign_chain *chain = &foreign->chains[i];

		if (chain->family == family && strcmp(chain->table, table) == 0 &&
		    begins(chain->name, prefix))
			return true;
	}
	return false;
}

const char *owner_of_policy(const struct foreign *foreign, enum foreign_family family,
			    const char *table, const char *chain)
{
	const char *owner = owner_by_name(table, chain);

	if (owner)
		return owner;
	if (has_chain(foreign, family, table, "ufw"))
		return "ufw";
	return has_chain(foreign, family, table, "DOCKER") ? "Docker" : NULL;
}

bool owner_is_iptables(enum foreign_family family, const char *table, const char *chain)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					     "POSTROUTING" };
	static const char *const tables[] = { "filter", "nat", "mangle", "raw",
					      "security" };
	bool is_name = false, is_table = false;

	if (family != FOREIGN_IP && family != FOREIGN_IP6)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		is_name |= strcmp(chain, names[i]) == 0;
		is_table |= strcmp(table, tables[i]) == 0;
	}
	return is_name && is_table;
}
