/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_OBJECT_H
#define NESTNET_OBJECT_H

/*
 * The objects that the requests of a whole state are about: an exposure is known by its
 * alias, a link by its name, an attached interface by its own, a subnet by its prefix. Each
 * is said once; whoever finds an object in the kernel asks here whether it is wanted.
 */

#include "plan/request-list.h"

struct objects;

/** @param requests  borrowed @return NULL: no memory */
struct objects *objects_new(const struct request_list *requests);
struct objects *objects_free(struct objects *objects);

/**
 * Adds the request of that index, unless its object is there.
 * @param ret_index  of the request that has the object, on 1 and -EEXIST
 * @return 0: added; 1: said before in the same way; -EEXIST: in another way; -ENOMEM
 */
int objects_add(struct objects *objects, const struct request *request, size_t index,
		size_t *ret_index);

/** The request that is about the same object; only what names it counts in like.
 *  @param buffer  where it may be put
 *  @return NULL: nobody wants it */
const struct request *objects_find(const struct objects *objects,
				   const struct request *like, struct request *buffer);

/** The request for a link of that name, a tap or a bridge. */
const struct request *objects_find_link(const struct objects *objects, const char *name);

/** The request that attaches an interface. */
const struct request *objects_find_port(const struct objects *objects, const char *ifname);

#endif
