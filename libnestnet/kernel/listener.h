/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_LISTENER_H
#define NESTNET_KERNEL_LISTENER_H

/* Whether a socket of this host listens, over sock_diag. */

#include <nestnet/nestnet.h>
#include <stdint.h>

struct error;
struct netlink;

/**
 * Asks for the socket that would take what arrives at address and port, a wildcard's too.
 * @param port  host order
 * @return 1: there is one; 0: there is none, or the kernel cannot tell (no sock_diag for
 *         the protocol); or a negative errno
 */
int listener_get(struct netlink *nl, const struct nestnet_address *address,
		 unsigned int protocol, uint16_t port, struct error *error);

#endif
