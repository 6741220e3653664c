/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What requests own. */

#include "plan/request.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

void request_clear(struct request *request)
{
	if (request->kind == REQUEST_EXPOSE) {
		free(request->expose.except.list);
		free(request->expose.from.list);
		free((char *)request->expose.comment);
		free((char *)request->expose.tap);
	}
	if (request->kind == REQUEST_TAP_ADD) {
		free(request->tap.addresses.list);
		free(request->tap.guard.list);
	}
	if (request->kind == REQUEST_BRIDGE_ADD)
		free(request->bridge.addresses.list);
}

bool prefixes_copy(const struct nestnet_prefix *from, size_t n, struct prefixes *ret)
{
	*ret = (struct prefixes){ .n = n };
	if (n == 0)
		return true;
	ret->list = reallocarray(NULL, n, sizeof(*from));
	if (ret->list)
		memcpy(ret->list, from, n * sizeof(*from));
	return ret->list;
}
