/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_NAME_H
#define NESTNET_BASE_NAME_H

#include <stdint.h>

/* Which names and comments are allowed, and why not. */

/**
 * Interface names: [A-Za-z0-9][A-Za-z0-9_.-]{0,14}, never "all" or "default", which are
 * directories of sysctls.
 * @return NULL where the name is allowed, or a static phrase that says what is wrong
 */
const char *name_why_not_interface(const char *name);

/** The same for a name that may end in %d. */
const char *name_why_not_pattern(const char *name);

/** MAC addresses of one interface: 6 bytes. */
const char *name_why_not_mac(const uint8_t *mac);

/** Comments: [A-Za-z0-9 _.:/@+=,-]{1,127}, since a quote would reload as a ruleset of its
 *  own (facts 26). */
const char *name_why_not_comment(const char *comment);

#endif
