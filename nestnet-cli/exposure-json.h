/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_EXPOSURE_JSON_H
#define NESTNET_CLI_EXPOSURE_JSON_H

/* `list` in JSON; a row of it, for status, is in rows.h. */

#include "command.h"

/** The word for a protocol with ports; NULL: another. */
const char *exposure_protocol(unsigned int protocol);

/** The word that --egress takes. */
const char *exposure_egress(enum nestnet_egress egress);

/** Prints the exposures that match, or all (NULL). @return an exit status */
int exposure_print_json(struct cli *cli, const struct nestnet_endpoint *match);

#endif
