/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ELEMENTS_H
#define NESTNET_ELEMENTS_H

/*
 * What a plan sees of our tables, and what it wants of them.
 *
 * Each element that is asked for is read from the kernel once and remembered; what is put
 * or removed changes only the memory. Later requests of the same transaction see the
 * changed state. The difference between what was read and what is wanted is the batch: so
 * what is equal is not sent, and the batch that reverses it is the same difference read
 * the other way round.
 *
 * All reads belong to the generation that was read first. Should the ruleset change
 * between the reads, then the commit is refused, and planning starts anew: no lock, and
 * no moment at which another writer's change could be overlooked.
 */

#include "table/ruleset.h"

#include "kernel/pass.h"

#include <stdbool.h>

struct elements;
struct error;
struct netlink;

/** A key under construction: fields one behind another, each padded to four bytes. */
struct element_key {
	uint8_t bytes[NFT_KEY_MAX];
	size_t len;
};

/** @return NULL where there is no memory. Borrows nl. */
struct elements *elements_new(struct netlink *nl);
struct elements *elements_free(struct elements *elements);

/**
 * Looks at the generation and at our main table; the functions below do so for the table
 * of their set. A table of a later release, or of somebody else, is refused; one of an older
 * release can be read and changed as it is.
 * @return 1: the table is there; 0: it is not; or a negative errno
 */
int elements_open(struct elements *elements, struct error *error);

/**
 * Looks up one element, as it will be.
 * @return 1: there is one, in *ret; 0: there is none; or a negative errno
 */
int elements_get(struct elements *elements, enum ruleset_set set, int family,
		 const void *key, struct nft_element *ret, struct error *error);

/** What elements_get() will ask for; of a set with plain intervals, elements_cover(). */
struct elements_wish {
	enum ruleset_set set;
	const void *key;
};

/**
 * Reads several elements at once, all of one table, for what will be asked for. With the
 * first of a view the table comes along, and of its parts only whether they are there.
 * @param n  at most NFT_QUESTIONS_MAX
 * @return 0, or a negative errno
 */
int elements_ask(struct elements *elements, const struct elements_wish *wishes, size_t n,
		 int family, struct error *error);

/** The same of what was read: as it was before the plan. */
int elements_get_before(struct elements *elements, enum ruleset_set set, int family,
			const void *key, struct nft_element *ret, struct error *error);

/** Whether an interval of the set had the key before the plan, without reading the set.
 *  @return 1, 0, or a negative errno */
int elements_cover(struct elements *elements, enum ruleset_set set, int family,
		   const void *key, struct error *error);

/** Wants element in the set, in place of another of its key. @return 0 or -errno */
int elements_put(struct elements *elements, enum ruleset_set set, int family,
		 const struct nft_element *element, struct error *error);

/** Wants no element of that key in the set. @return 0 or -errno */
int elements_remove(struct elements *elements, enum ruleset_set set, int family,
		    const void *key, struct error *error);

/** Reads a whole set, once; lookups in it then ask the kernel no more. */
int elements_load(struct elements *elements, enum ruleset_set set, int family,
		  struct error *error);

/** Reads all sets of both tables, so that nothing else has to be asked. */
int elements_load_all(struct elements *elements, struct error *error);

/** Whether a table that is there, and is to stay, was made by an older release. */
bool elements_has_old_table(const struct elements *elements);

/** Reads all of such tables, so that the commit makes them anew with what is wanted in them.
 *  A chain of a tap is in it only where it was put (RULESET_GUARD_CHAIN). Times that run go
 *  on, and counters begin at 0. */
int elements_renew(struct elements *elements, struct error *error);

/**
 * Whether all that was read is of one moment: nobody has written since the first read.
 * @return 1; 0: somebody has, and what was read may be torn; or a negative errno
 */
int elements_are_whole(struct elements *elements, struct error *error);

typedef int (*elements_fn)(void *userdata, const struct nft_element *element);

/** Goes through a set that is loaded, as it will be, in no order. fn may ask for elements,
 *  and may not change any. */
int elements_each(struct elements *elements, enum ruleset_set set, int family,
		  elements_fn fn, void *userdata);

/** The same of what was read. */
int elements_each_before(struct elements *elements, enum ruleset_set set, int family,
			 elements_fn fn, void *userdata);

/** Wants the tables themselves gone, with everything in them. What is to come back should
 *  the plan be undone has to be loaded. @return 0 or -errno */
int elements_remove_tables(struct elements *elements, struct error *error);

/** Wants an accept of ours at the head of another's chain, in the same batch. @return 0 or
 *  -ENOMEM */
int elements_insert_pass(struct elements *elements, const struct pass *pass,
			 struct error *error);

/** Wants one that is there gone.
 *  @param next  the handle of the first rule behind it that stays; 0: there is none */
int elements_delete_pass(struct elements *elements, const struct pass *pass,
			 uint64_t handle, uint64_t next, struct error *error);

bool elements_is_changed(const struct elements *elements);

/** Sends the difference, in one batch, on the generation read; nothing where there is no
 *  difference. @return 0, -ERESTART... */
int elements_commit(struct elements *elements, struct error *error);

/** Sends the same difference the other way round. A table that the commit made stays where
 *  others have written since. */
int elements_revert(struct elements *elements, struct error *error);

#endif
