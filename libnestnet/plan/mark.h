/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_MARK_H
#define NESTNET_MARK_H

/* The alias text of what nestnet makes: for people, and for what was asked for and no
 * attribute of the kernel's has. */

#include "kernel/link.h"

struct mark {
	unsigned int queues; /* of a tap */
	bool has_mac;        /* the MAC address was asked for; else chance gave it one */
	struct nestnet_address lease; /* of the guest of a tap; AF_UNSPEC: none */
	struct nestnet_range dhcp;    /* of a bridge; AF_UNSPEC: none */
};

/** @param kind  "tap" or "bridge" @param buf  LINK_ALIAS_MAX + 1 bytes */
void mark_write(char *buf, const char *kind, const struct mark *mark);

/** What a text that is not ours, or was changed, does not say is at its default; queues are
 *  then as many as there can be. */
void mark_read(const struct link *link, struct mark *ret);

#endif
