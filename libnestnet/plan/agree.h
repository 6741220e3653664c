/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_AGREE_H
#define NESTNET_AGREE_H

#include "plan/request-list.h"

#include "base/error.h"

/**
 * Whether the requests of one transaction agree about links, ports, aliases and interfaces'
 * forwarding. These are planned by what the kernel has, and done in an order of their own:
 * what one request makes and another takes away would be there or not, whichever was asked
 * for last.
 * @param ret_culprit  the later request of two that do not
 * @return 0, -EBUSY, -ENOMEM
 */
int requests_agree(const struct request_list *list, size_t *ret_culprit,
		   struct error *error);

#endif
