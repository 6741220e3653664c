/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NOTICE_H
#define NESTNET_KERNEL_NOTICE_H

/*
 * What the kernel tells of changes, whoever makes them: by rtnetlink of links, addresses,
 * routes, neighbours and forwarding; by nf_tables of our own tables. A notice says what may
 * have changed, not how it is now: by the time that it is read it may be otherwise again.
 */

#include "kernel/netlink.h"
#include "kernel/nft.h"

enum notice_kind {
	NOTICE_LINK,  /* a link or an address came, went or changed */
	NOTICE_ROUTE, /* what is local, or a default route */
	NOTICE_NEIGHBOUR,
	NOTICE_FORWARDING,
	NOTICE_TABLE,   /* one of our tables as a whole, or a set of it */
	NOTICE_ELEMENT, /* an element of one of our sets */
};

struct notice {
	enum notice_kind kind;
	/* of an element */
	enum nft_family family; /* the table's */
	const char *set;
	size_t key_len;
	const struct nft_element *element; /* key, last key and value; no more is told */
};

typedef void (*notice_fn)(void *userdata, const struct notice *notice);

/** Subscribes a socket to all of its bus, which is then for notices alone.
 *  @param has_neighbours  of rtnetlink: those too, which change all the time */
int notice_subscribe(struct netlink *nl, enum netlink_bus bus, bool has_neighbours,
		     struct error *error);

/** The descriptor, which can be read when there are notices. */
int notice_fd(const struct netlink *nl);

/**
 * Reads what is there, and waits for nothing.
 * @param name  of our tables
 * @return 0; -ENOBUFS: notices were lost; or another negative errno
 */
int notice_read(struct netlink *nl, const char *name, notice_fn fn, void *userdata,
		struct error *error);

#endif
