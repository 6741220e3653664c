/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_ROWS_H
#define NESTNET_CLI_ROWS_H

/* The rows of the nouns' lists in JSON, which status has too: callbacks of the library's
 * lists, with rows as their userdata. */

#include "output.h"

int row_exposure(void *rows, const struct nestnet_exposure *exposure);
int row_tap(void *rows, const struct nestnet_tap *tap);
int row_bridge(void *rows, const struct nestnet_bridge *bridge);
int row_nat(void *rows, const struct nestnet_nat *nat);
int row_guest(void *rows, const struct nestnet_guest *guest);
int row_alias(void *rows, const struct nestnet_alias *alias);
int row_attachment(void *rows, const struct nestnet_attachment *attachment);
int row_forwarding(void *rows, const struct nestnet_forwarding *forwarding);

#endif
