/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ROUTE_VALUE_H
#define NESTNET_KERNEL_ROUTE_VALUE_H

/* Our addresses as libnl's, and the kernel's bytes as our addresses; for the kernel room. */

#include "base/address.h"

#include <string.h>
#include <sys/socket.h>

#include <netlink/addr.h>

static inline struct nl_addr *route_value_new(const struct nestnet_prefix *prefix)
{
	struct nl_addr *value = nl_addr_build(prefix->address.family, prefix->address.bytes,
					      address_len(prefix->address.family));

	if (value)
		nl_addr_set_prefixlen(value, (int)prefix->len);
	return value;
}

static inline void cleanup_value(struct nl_addr **value)
{
	nl_addr_put(*value);
}

/** @return false where family or length are not an IP address's */
static inline bool route_value_read(int family, const void *bytes, size_t len,
				    struct nestnet_address *ret)
{
	if ((family != AF_INET && family != AF_INET6) || len != address_len(family))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	memcpy(ret->bytes, bytes, len);
	return true;
}

#endif
