/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_GUARD_ELEMENT_H
#define NESTNET_GUARD_ELEMENT_H

/*
 * Guards as elements of `table netdev nestnet`.
 *
 *	guarded         tap                  there is a guard; asked for by name, at no cost
 *	guard_mac       tap . MAC            of each guest behind it
 *	guard_any       tap . MAC            of those that may have any address
 *	guard4, guard6  tap . MAC . address  of the others, implied addresses too
 *	chain guard_TAP                      hangs the rules on the tap
 *
 * What a tap has in the four sets is found by reading them whole: done for a tap that is
 * guarded and is added again or deleted, and for lists. A new tap asks for two keys.
 */

#include "table/elements.h"

#include "base/guard.h"

/** Reads the guards of a tap, or of all taps (NULL); ret->list is to be freed.
 *  @return 0 or -errno */
int guard_read(struct elements *elements, const char *ifname, struct guard_entries *ret,
	       struct error *error);

/** Something of a guard is there for a tap of this name: an element, or its chain.
 *  @return 1, 0, or a negative errno */
int guard_is_there(struct elements *elements, const char *ifname, struct error *error);

/** Wants the tap guarded so, besides what is there. @param entries  of a request */
int guard_put(struct elements *elements, const char *ifname,
	      const struct guard_entries *entries, struct error *error);

/** Wants nothing of a guard for the name. A guard_put() after it makes its chain anew. */
int guard_remove(struct elements *elements, const char *ifname, struct error *error);

#endif
