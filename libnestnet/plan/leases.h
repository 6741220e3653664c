/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_LEASES_H
#define NESTNET_LEASES_H

/* What the DHCP server of a bridge has given away: dnsmasq's file of leases. */

#include <nestnet/nestnet.h>
#include <stdint.h>

typedef int (*lease_fn)(void *userdata, const uint8_t mac[6],
			const struct nestnet_address *address);

/** Goes through the leases that have not ended. No file is no lease, and so is a line that is
 *  none. @return 0, or what fn returned */
int leases_each(const char *bridge, lease_fn fn, void *userdata);

#endif
