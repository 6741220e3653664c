/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_RULE_TEXT_H
#define NESTNET_RULE_TEXT_H

/* A rule of other software in words like nft's, as far as it was read. */

#include "kernel/foreign.h"

/** Room for any text; a longer one is cut. */
#define RULE_TEXT_MAX 512

/** @return the name of an interface, or NULL: told by its number */
typedef const char *(*rule_name_fn)(void *userdata, uint32_t ifindex);

/** @return ret, of RULE_TEXT_MAX bytes */
const char *rule_text_named(const struct foreign_chain *chain,
			    const struct foreign_rule *rule, rule_name_fn name_of,
			    void *userdata, char *ret);

/** The same, with interfaces by their numbers where the rule has these. */
const char *rule_text(const struct foreign_chain *chain, const struct foreign_rule *rule,
		      char *ret);

#endif
