/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new exposure will ask for, asked for at once. */

#include "table/exposure-key.h"
#include "table/exposure.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <sys/socket.h>

int exposure_foresee(struct elements *elements, const struct exposure *exposure,
		     struct error *error)
{
	enum endpoint_shape shape = endpoint_shape(&exposure->alias);
	const struct nestnet_prefix *target = &exposure->target.prefix;
	bool is_address = shape == ENDPOINT_ADDRESS;
	struct nft_element alias = { .comment = "" };
	struct elements_wish wishes[NFT_QUESTIONS_MAX];
	uint8_t guest[NFT_KEY_MAX] = { 0 };
	size_t n = 0;

	if (!is_address && shape != ENDPOINT_PORT)
		return 0;
	key_put_alias(&alias, &exposure->alias);
	wishes[n++] = (struct elements_wish){ is_address ? RULESET_ADDR : RULESET_PORT,
					      alias.key };
	wishes[n++] = (struct elements_wish){ is_address ? RULESET_ADDR_TIMED
							 : RULESET_PORT_TIMED,
					      alias.key };
	if (prefix_is_address(target) && !(exposure->flags & NESTNET_EXPOSE_OPEN)) {
		key_put_address(guest, &target->address);
		wishes[n++] = (struct elements_wish){ RULESET_GUEST, guest };
		wishes[n++] = (struct elements_wish){ RULESET_CLOSED, guest };
	}
	return elements_ask(elements, wishes, n, target->address.family, error);
}
