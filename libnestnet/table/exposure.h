/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_EXPOSURE_H
#define NESTNET_EXPOSURE_H

/*
 * An exposure as elements of our table, and back.
 *
 * The element of a map that depends on the alias's shape has alias, target and comment.
 * A range whose ports are shifted is one element a port, and one of `shift_range` that has
 * its extent and the comment. Each option is membership of the alias in a set. The target
 * is in `guest` (closed, and masqueraded) or `guest_open` (masqueraded alone) as long as an
 * exposure wants it there (exposure-guest.c). Egress as the alias is an element of `egress`
 * from target to alias, and so says whose it is; egress as it came is one of `keep` for
 * the packets and one of `addr_keep` for whose.
 *
 * Where an exposure ends by itself, all its elements do; those that restrict it a moment
 * after it, so that there is no moment at which it is open.
 */

#include "table/elements.h"

#include <nestnet/nestnet.h>

/** How much longer than its exposure an element lives. */
#define EXPOSURE_GRACE_MS 2000

struct exposure {
	struct nestnet_endpoint alias, target;
	unsigned int flags; /* NESTNET_EXPOSE_NO_LOCAL, _OPEN, _COEXIST */
	enum nestnet_egress egress;
	char comment[NESTNET_COMMENT_MAX + 1]; /* "": none */
	struct nestnet_endpoint *except;       /* protocol and ports; owned */
	size_t n_except;
	struct nestnet_prefix *from; /* in the form of from_reduce(); owned */
	size_t n_from;               /* 0: everybody */
	uint64_t flows;
	uint64_t timeout_ms, expires_ms;
	uint32_t tap; /* ifindex of the tap that it goes with; 0: none */
	char tap_name[NESTNET_IFNAMSIZ]; /* what that was called when it was exposed */
};

/** Lets go of what an exposure owns. */
void exposure_clear(struct exposure *exposure);

/** Both lead to the same target by the same options, wherever they are. That one is for a
 *  time and how long it still has are two things: only the first counts. */
bool exposure_equal(const struct exposure *a, const struct exposure *b);

/** Exposures that own what they have. */
struct exposures {
	struct exposure *list;
	size_t n;
};

/** Appends a copy. @return 0 or -ENOMEM */
int exposures_append(struct exposures *exposures, const struct exposure *exposure);
void exposures_clear(struct exposures *exposures);

/** @param family  of a port of every address; else the alias's counts
 *  @return 1: alias is exposed, exactly, and *ret is to be cleared; 0: it is not; or a
 *          negative errno */
int exposure_get(struct elements *elements, const struct nestnet_endpoint *alias, int family,
		 struct exposure *ret, struct error *error);

/** The same of both families, of which a port of every address can have one each.
 *  @return 1: there is one, or are two, in *ret; 0: there is none; or a negative errno */
int exposure_get_all(struct elements *elements, const struct nestnet_endpoint *alias,
		     struct exposures *ret, struct error *error);

/**
 * Reads what it takes to look at an exposure of an address or a port, in one exchange, for
 * what is asked one by one afterwards.
 * @param closed  a target that is to be closed as well; NULL: none
 * @return 0 or a negative errno
 */
int exposure_foresee(struct elements *elements, const struct nestnet_endpoint *alias,
		     const struct nestnet_address *closed, struct error *error);

/** Wants the exposure, which is not there. */
int exposure_put(struct elements *elements, const struct exposure *exposure,
		 struct error *error);

/** Wants the exposure, which is there as exposure_get() gave it, gone. */
int exposure_remove(struct elements *elements, const struct exposure *exposure,
		    struct error *error);

/**
 * Which alias the target's outbound flows leave by, or are said to leave untouched for.
 * @return 1: *ret_alias has one, or AF_UNSPEC for untouched; 0: neither; or a negative
 *         errno
 */
int exposure_get_egress(struct elements *elements, const struct nestnet_prefix *target,
			struct nestnet_address *ret_alias, struct error *error);

/**
 * Looks for a range or a prefix that overlaps with the alias without being it.
 * @return 1: there is one, in *ret; 0: there is none; or a negative errno
 */
int exposure_find_overlap(struct elements *elements, const struct nestnet_endpoint *alias,
			  struct nestnet_endpoint *ret, struct error *error);

/**
 * Of an alias that is not exposed, looks for what is, and has all of it or a part: the range
 * or the whole address of a port, or a prefix; else for the first of its ports, or of what
 * has its port by another protocol.
 * @return 1: there is such, and one is in *ret; 0: there is none; or a negative errno
 */
int exposure_find_instead(struct elements *elements, const struct nestnet_endpoint *alias,
			  struct nestnet_endpoint *ret, struct error *error);

/** Reads every set that exposures are made of; or of those that are not counted. */
int exposure_load(struct elements *elements, struct error *error);
int exposure_load_uncounted(struct elements *elements, struct error *error);

/** The exposure is the callback's until it returns. */
typedef int (*exposure_fn)(void *userdata, const struct exposure *exposure);

/** Goes through all exposures, after exposure_load(), in no order; or through those that
 *  may be for a time or of a prefix. */
int exposure_each(struct elements *elements, exposure_fn fn, void *userdata,
		  struct error *error);
int exposure_each_uncounted(struct elements *elements, exposure_fn fn, void *userdata,
			    struct error *error);

/** Whether there is one with NESTNET_EXPOSE_COEXIST among them. */
bool exposure_any_coexists(struct elements *elements);

#endif
