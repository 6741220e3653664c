/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_METRICS_H
#define NESTNET_CLI_METRICS_H

/* Families of metrics, written in the text format of Prometheus. */

#include "command.h"

#include <stdio.h>

/** Each writes whole families, with their HELP and TYPE.
 *  @return 0, or a negative errno of the library */
int metrics_of_rules(struct nestnet *ctx, FILE *file,
		     const struct nestnet_ruleset *ruleset);
int metrics_of_exposures(struct nestnet *ctx, FILE *file);
int metrics_of_links(struct nestnet *ctx, FILE *file);

#endif
