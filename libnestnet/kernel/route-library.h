/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_ROUTE_LIBRARY_H
#define NESTNET_KERNEL_ROUTE_LIBRARY_H

/*
 * libnl-route, loaded by what needs its objects and by nothing else; for the kernel room.
 *
 * To map and relocate it and to run its constructors is a sixth of the time of one whole
 * `nestnet expose`, which asks for one route and reads the answer with libnl's attributes.
 * What is left for libnl-route is an address with all that goes with it, which is not on the
 * way of an exposure of IPv4.
 */

#include <netlink/route/addr.h>

struct error;

#define ROUTE_LIBRARY(f)                                                       \
	f(rtnl_addr_alloc) f(rtnl_addr_build_add_request)                      \
	f(rtnl_addr_build_delete_request) f(rtnl_addr_put)                     \
	f(rtnl_addr_set_ifindex) f(rtnl_addr_set_local)                        \
	f(rtnl_addr_set_prefixlen)

#define ROUTE_LIBRARY_POINTER(name) __typeof__(name) *name;

/** libnl-route's functions, by their own names. */
struct route_library {
	ROUTE_LIBRARY(ROUTE_LIBRARY_POINTER)
};

/**
 * Fills in the functions. The library stays loaded, so that all but the first time is cheap.
 * @return 0, or -EIO with the dynamic linker's sentence where it is not there
 */
int route_library_load(struct route_library *ret, struct error *error);

#endif
