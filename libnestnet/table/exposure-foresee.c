/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an exposure will ask for, asked for at once. */

#include "table/exposure-key.h"
#include "table/exposure.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <sys/socket.h>

int exposure_foresee(struct elements *elements, const struct nestnet_endpoint *alias,
		     const struct nestnet_address *closed, struct error *error)
{
	enum endpoint_shape shape = endpoint_shape(alias);
	bool is_address = shape == ENDPOINT_ADDRESS;
	struct elements_wish wishes[NFT_QUESTIONS_MAX];
	struct nft_element element = { .comment = "" };
	uint8_t guest[NFT_KEY_MAX] = { 0 };
	size_t n = 0;

	if (!is_address && shape != ENDPOINT_PORT)
		return 0;
	key_put_alias(&element, alias);
	wishes[n++] = (struct elements_wish){ is_address ? RULESET_ADDR : RULESET_PORT,
					      element.key };
	wishes[n++] = (struct elements_wish){ is_address ? RULESET_ADDR_TIMED
							 : RULESET_PORT_TIMED,
					      element.key };
	if (closed) {
		key_put_address(guest, closed);
		wishes[n++] = (struct elements_wish){ RULESET_GUEST, guest };
		wishes[n++] = (struct elements_wish){ RULESET_CLOSED, guest };
	}
	return elements_ask(elements, wishes, n, alias->prefix.address.family, error);
}
