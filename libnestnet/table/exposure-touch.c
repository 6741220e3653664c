/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exposure behind an element that was added or removed. */

#include "table/exposure-touch.h"

#include "table/exposure-key.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <string.h>

static enum exposure_touch touch_key(const struct nft_element *element, int family,
				     enum endpoint_shape shape,
				     struct nestnet_endpoint *ret_alias)
{
	return key_read_alias(element, family, (int)shape, ret_alias)
		       ? EXPOSURE_TOUCH_ONE
		       : EXPOSURE_TOUCH_ANY;
}

/* From target to alias. */
static enum exposure_touch touch_egress(const struct nft_element *element, int family,
					struct nestnet_endpoint *ret_alias)
{
	memset(ret_alias, 0, sizeof(*ret_alias));
	key_read_address(element->data, family, &ret_alias->prefix.address);
	ret_alias->prefix.len = address_bits(family);
	return EXPOSURE_TOUCH_ONE;
}

static bool is_between(enum ruleset_set set, enum ruleset_set first,
		       enum ruleset_set last)
{
	return set >= first && set <= last;
}

enum exposure_touch exposure_touch(enum ruleset_set set, int family,
				   const struct nft_element *element,
				   struct nestnet_endpoint *ret_alias)
{
	if (is_between(set, RULESET_PORT_SRC, RULESET_PORT_SRC_120))
		return touch_key(element, family, ENDPOINT_PORT, ret_alias);
	if (is_between(set, RULESET_ADDR_SRC, RULESET_ADDR_SRC_120))
		return touch_key(element, family, ENDPOINT_ADDRESS, ret_alias);

	/* clang-format off */
	switch ((int)set) {
	case RULESET_ADDR: case RULESET_ADDR_TIMED: case RULESET_ADDR_FROM:
	case RULESET_ADDR_NOLOCAL: case RULESET_ADDR_OPEN: case RULESET_ADDR_KEEP: case RULESET_ADDR_TAP:
	case RULESET_ADDR_COEXIST:
	case RULESET_ADDR_EXCEPT: case RULESET_EXCEPT: case RULESET_EXCEPT_RANGE:
		return touch_key(element, family, ENDPOINT_ADDRESS, ret_alias);
	case RULESET_PORT: case RULESET_PORT_TIMED: case RULESET_PORT_FROM:
	case RULESET_PORT_NOLOCAL: case RULESET_PORT_OPEN: case RULESET_PORT_TAP:
	case RULESET_PORT_COEXIST:
		return touch_key(element, family, ENDPOINT_PORT, ret_alias);
	case RULESET_RANGE: case RULESET_RANGE_FROM: case RULESET_RANGE_SRC:
	case RULESET_RANGE_NOLOCAL: case RULESET_RANGE_OPEN: case RULESET_RANGE_TAP:
	case RULESET_RANGE_COEXIST: case RULESET_SHIFT_RANGE:
		return touch_key(element, family, ENDPOINT_RANGE, ret_alias);
	case RULESET_ANY: case RULESET_ANY_FROM: case RULESET_ANY_SRC:
	case RULESET_ANY_NOLOCAL: case RULESET_ANY_OPEN: case RULESET_ANY_TAP:
	case RULESET_ANY_COEXIST:
		return touch_key(element, family, ENDPOINT_ANY, ret_alias);
	case RULESET_EGRESS:
		return touch_egress(element, family, ret_alias);
	/* Of an interval its first key and the one behind it come one by one; a port of a
	 * shifted range does not tell the range. */
	case RULESET_PREF: case RULESET_PREF_FROM: case RULESET_PREF_SRC:
	case RULESET_PREF_NOLOCAL: case RULESET_PREF_OPEN: case RULESET_PREF_KEEP:
	case RULESET_PREF_TAP: case RULESET_PREF_COEXIST:
	case RULESET_EGRESS_PREF: case RULESET_SHIFT:
		return EXPOSURE_TOUCH_ANY;
	}
	/* clang-format on */
	return EXPOSURE_TOUCH_NONE;
}
