/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MARK_H
#define NESTNET_MARK_H

/* The alias text of what nestnet makes: for people, and for what was asked for and no
 * attribute of the kernel's has. */

#include "kernel/link.h"

/** @param kind  "tap" or "bridge" @param queues  of a tap; 1 where there is nothing to say
 *  @param buf   LINK_ALIAS_MAX + 1 bytes */
void mark_write(char *buf, const char *kind, unsigned int queues, bool has_mac);

/** The queues that a tap of ours was asked for; the kernel's most for one of others. */
unsigned int mark_read_queues(const struct link *link);

/** The link was asked for with the MAC address that it has; else the kernel, or chance,
 *  gave it one. */
bool mark_has_mac(const struct link *link);

#endif
