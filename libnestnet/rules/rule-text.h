/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULE_TEXT_H
#define NESTNET_RULE_TEXT_H

/* A rule of other software in words like nft's, as far as it was read. */

#include "kernel/foreign.h"

/** Room for any text; a longer one is cut. */
#define RULE_TEXT_MAX 512

/** @return ret, of RULE_TEXT_MAX bytes */
const char *rule_text(const struct foreign_chain *chain, const struct foreign_rule *rule,
		      char *ret);

#endif
