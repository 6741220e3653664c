/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_ENDPOINT_H
#define NESTNET_BASE_ENDPOINT_H

/* The two ends of an exposure, beside their public parsers and formatter. */

#include <nestnet/nestnet.h>
#include <stdbool.h>

/** The form of an alias, on which depends where in the ruleset it is kept. */
enum endpoint_shape {
	ENDPOINT_ADDRESS, /* a whole address */
	ENDPOINT_PREFIX,
	ENDPOINT_PORT,  /* one port of an address */
	ENDPOINT_RANGE, /* several ports of an address */
	ENDPOINT_ANY,   /* ports of every address: * */
};

enum endpoint_shape endpoint_shape(const struct nestnet_endpoint *endpoint);

int endpoint_family(const struct nestnet_endpoint *endpoint);

bool endpoint_equal(const struct nestnet_endpoint *a, const struct nestnet_endpoint *b);

/** By family, address, prefix length, protocol, port. @return as memcmp() */
int endpoint_compare(const struct nestnet_endpoint *a, const struct nestnet_endpoint *b);

/**
 * What is wrong with a caller's own value: what is written, the parser must read back.
 * @return NULL where nothing is, or a static phrase
 */
const char *endpoint_why_not(const struct nestnet_endpoint *endpoint, bool is_alias);

/** "tcp", "udp", "sctp", or "" for 0. */
const char *protocol_name(unsigned int protocol);

/** @return IPPROTO_*, or 0 for another name */
unsigned int protocol_from_name(const char *name);

#endif
