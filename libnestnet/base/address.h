/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_ADDRESS_H
#define NESTNET_BASE_ADDRESS_H

/* Addresses, prefixes and endpoints as values: parsed once at the border (the public
 * nestnet_*_parse()), compared and calculated with here. */

#include <nestnet/nestnet.h>
#include <stdbool.h>

/** Bytes of an address of the family: 4 or 16. */
size_t address_len(int family);

/** Bits of an address of the family: 32 or 128. */
unsigned int address_bits(int family);

bool address_equal(const struct nestnet_address *a, const struct nestnet_address *b);

/** By family, then bytes. @return as memcmp() */
int address_compare(const struct nestnet_address *a, const struct nestnet_address *b);

/**
 * Why an address cannot be one end of an exposure.
 * @return NULL where it is a unicast address that can be forwarded to, or a static phrase
 */
const char *address_why_not_unicast(const struct nestnet_address *address);

/** fe80::/10 */
bool address_is_link_local(const struct nestnet_address *address);
/** The same of all addresses of a prefix, host bits aside. */
const char *prefix_why_not_unicast(const struct nestnet_prefix *prefix);

/** The same of an address that an interface is to have, in its network. */
const char *address_why_not_own(const struct nestnet_prefix *own);

/** The prefix of this one address. */
struct nestnet_prefix prefix_of_address(const struct nestnet_address *address);

bool prefix_equal(const struct nestnet_prefix *a, const struct nestnet_prefix *b);

/** Some bit behind the prefix length is set. */
bool prefix_has_host_bits(const struct nestnet_prefix *prefix);

/** The prefix with its host bits cleared, and the last address in it. */
struct nestnet_prefix prefix_network(const struct nestnet_prefix *prefix);
struct nestnet_address prefix_last(const struct nestnet_prefix *prefix);

bool prefix_contains(const struct nestnet_prefix *prefix,
		     const struct nestnet_address *address);

/** One contains the other. */
bool prefix_overlaps(const struct nestnet_prefix *a, const struct nestnet_prefix *b);

/** One address, not a wider prefix. */
bool prefix_is_address(const struct nestnet_prefix *prefix);

/** The shortest prefix whose addresses are exactly first to last.
 *  @return false where there is none */
bool prefix_from_range(const struct nestnet_address *first,
		       const struct nestnet_address *last, struct nestnet_prefix *ret);

#endif
