/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NETLINK_H
#define NESTNET_KERNEL_NETLINK_H

/* A netlink socket, as the rooms above see it: something to open, hand down and close.
 * How messages go over it is in kernel/netlink-message.h. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct netlink;

enum netlink_bus {
	NETLINK_BUS_ROUTE,     /* rtnetlink: links, addresses, routes */
	NETLINK_BUS_NETFILTER, /* nfnetlink: nf_tables, conntrack */
	NETLINK_BUS_SOCKETS,   /* sock_diag: who listens */
};

/**
 * Opens a socket in the calling thread's network namespace, where it then stays.
 * @return 0, or a negative errno with the sentence in error
 */
int netlink_open(enum netlink_bus bus, struct netlink **ret, struct error *error);

struct netlink *netlink_free(struct netlink *nl);

/** The descriptor, to be polled by who takes notifications from it. */
int netlink_fd(const struct netlink *nl);

/** The number that no other socket of this bus in the namespace has; 0: not known. */
uint32_t netlink_port(const struct netlink *nl);

/**
 * The one place where a test can make any message fail: what is used for send and
 * receive. Both behave as sendmsg(2) and recvmsg(2) on the socket: bytes, or -1 and errno.
 */
struct netlink_transport {
	ssize_t (*send)(void *userdata, int fd, const void *bytes, size_t len);
	ssize_t (*receive)(void *userdata, int fd, void *buffer, size_t size);
};

/** Replaces the transport; NULL: the kernel's again. userdata is the caller's. */
void netlink_set_transport(struct netlink *nl, const struct netlink_transport *transport,
			   void *userdata);

#endif
