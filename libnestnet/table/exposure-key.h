/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_KEY_H
#define NESTNET_EXPOSURE_KEY_H

/* Keys and values of the elements that exposures are made of: fields one behind another,
 * each padded to four bytes. Interval sets have the last key in key_end. */

#include "kernel/nft.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>

/** Puts a field at an offset. @return the offset behind it */
size_t key_put(uint8_t *bytes, size_t at, const void *value, size_t len);

/** Puts an address first. @return the offset behind it */
size_t key_put_address(uint8_t *bytes, const struct nestnet_address *address);

/** address . number, the number as wide as a port */
void key_put_number(uint8_t *key, const struct nestnet_address *address, uint16_t number);

/** The element of an alias: an address, a prefix as an interval, address . protocol . ports
 *  or, of every address, protocol . port. */
void key_put_alias(struct nft_element *element, const struct nestnet_endpoint *alias);

/** The interval of a prefix, or the one address. */
void key_put_prefix(struct nft_element *element, const struct nestnet_prefix *prefix);

/** The value of an alias: an address, address . port, or an interval of addresses. */
void key_put_target(struct nft_element *element, const struct nestnet_endpoint *target,
		    bool has_port);

/** Reads an alias back. @param shape  as the set is for
 *  @return false where nestnet could not have written it */
bool key_read_alias(const struct nft_element *element, int family, int shape,
		    struct nestnet_endpoint *ret);
void key_read_target(const struct nft_element *element, int family, bool has_port,
		     const struct nestnet_endpoint *alias, struct nestnet_endpoint *ret);
void key_read_address(const uint8_t *bytes, int family, struct nestnet_address *ret);

#endif
