/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ACL_H
#define NESTNET_ACL_H

/* Who may have a tap in which bridge, and what the tap is like. */

#include "acl-rule.h"

#include <stdbool.h>
#include <stddef.h>

/** What is asked of an ACL, and what its rules have come to so far. */
struct acl {
	const char *bridge; /**< one that rule_why_not_bridge() has nothing against */
	const struct caller *caller;
	unsigned int n_files;
	bool is_denied;
	bool is_allowed;
	struct rule grant; /**< the first rule that allows it */
};

/**
 * Reads the ACL, and what it includes, to the end.
 * @param acl  bridge and caller are set, and the rest 0
 * @return true where it is allowed, by acl->grant; false where it is denied, not allowed, or
 *         the ACL is not in order, which was said
 */
bool acl_decide(struct acl *acl, const char *path);

/** Reads the lines of a text, which is taken apart, as those of the file of that path. */
bool acl_read_text(struct acl *acl, const char *path, char *text, unsigned int depth);

#endif
