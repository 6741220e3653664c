/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_OWNER_H
#define NESTNET_OWNER_H

/* Which software a chain is of, by the names that it gives its chains and tables. */

#include "kernel/foreign.h"

/** @return "libvirt", "firewalld", "Docker", "ufw", or NULL: it has no such name */
const char *owner_by_name(const char *table, const char *chain);

/** Of a base chain's policy: that of who fills the chain. @return as owner_by_name() */
const char *owner_of_policy(const struct foreign *foreign, enum foreign_family family,
			    const char *table, const char *chain);

/** Whether it is a base chain that iptables-nft makes, which iptables can put rules into. */
bool owner_is_iptables(enum foreign_family family, const char *table, const char *chain);

#endif
