/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why our main table drops: a chain does it for one reason. */

#include "table/ruleset.h"

#include <string.h>

/* Each once a family, with a 4 or a 6 behind its name. */
static const struct {
	const char *chain;
	enum ruleset_drop drop;
} drops[] = {
	{ "from_port", RULESET_DROP_FROM },  { "from_addr", RULESET_DROP_FROM },
	{ "pre_port", RULESET_DROP_FROM },   { "pre_pref", RULESET_DROP_FROM },
	{ "closed", RULESET_DROP_CLOSED },   { "closed_more", RULESET_DROP_CLOSED },
	{ "spoofed", RULESET_DROP_SPOOFED }, { "spoofed_more", RULESET_DROP_SPOOFED },
};

enum ruleset_drop ruleset_drop_of(const char *chain)
{
	if (strcmp(chain, RULESET_INPUT_CHAIN) == 0)
		return RULESET_DROP_CLOSED;
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
		size_t len = strlen(drops[i].chain);

		if (strncmp(chain, drops[i].chain, len) == 0 &&
		    (strcmp(chain + len, "4") == 0 || strcmp(chain + len, "6") == 0))
			return drops[i].drop;
	}
	return RULESET_DROPS;
}
