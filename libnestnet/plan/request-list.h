/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_REQUEST_LIST_H
#define NESTNET_REQUEST_LIST_H

/*
 * The requests of a transaction. Of exposures there may be a hundred thousand, nearly all
 * of them an alias and a target: so of these is kept what is not zero, and whoever wants one
 * has it in memory of his own. All others stay where they are, since steps borrow them.
 */

#include "plan/request.h"

#include "base/arena.h"

/** Zeros are an empty one. */
struct request_list {
	struct arena memory;
	uint32_t *numbers; /* of each request, in memory */
	size_t n;
	uint32_t kinds; /* those that are there, as bits */
};

/** Appends a copy, and takes what the request owns. @return false: no memory, none taken */
bool request_list_add(struct request_list *list, const struct request *request);

/** @param buffer  where it may be put
 *  @return the request; what it owns is the list's */
const struct request *request_list_at(const struct request_list *list, size_t index,
				      struct request *buffer);

/** One that stays for as long as the list; NULL: it is an exposure. */
const struct request *request_list_whole(const struct request_list *list, size_t index);

enum request_kind request_list_kind(const struct request_list *list, size_t index);

/** Whether there is any request of this kind. */
bool request_list_has(const struct request_list *list, enum request_kind kind);

/** Frees all requests, with what they own. */
void request_list_clear(struct request_list *list);

#endif
