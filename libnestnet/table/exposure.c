/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures as elements; exposure.h has the encoding. */

#include "table/exposure.h"

#include "table/exposure-from.h"
#include "table/exposure-guest.h"
#include "table/exposure-key.h"
#include "table/exposure-options.h"
#include "table/exposure-tap.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Which sets a shape of alias lives in. */
struct shape_sets {
	enum ruleset_set map, timed, nolocal, open, coexist;
	bool has_target_port;
};

static const struct shape_sets shape_sets[] = {
	[ENDPOINT_ADDRESS] = { RULESET_ADDR, RULESET_ADDR_TIMED, RULESET_ADDR_NOLOCAL,
			       RULESET_ADDR_OPEN, RULESET_ADDR_COEXIST, false },
	[ENDPOINT_PREFIX] = { RULESET_PREF, RULESET_PREF, RULESET_PREF_NOLOCAL,
			      RULESET_PREF_OPEN, RULESET_PREF_COEXIST, false },
	[ENDPOINT_PORT] = { RULESET_PORT, RULESET_PORT_TIMED, RULESET_PORT_NOLOCAL,
			    RULESET_PORT_OPEN, RULESET_PORT_COEXIST, true },
	[ENDPOINT_RANGE] = { RULESET_RANGE, RULESET_RANGE, RULESET_RANGE_NOLOCAL,
			     RULESET_RANGE_OPEN, RULESET_RANGE_COEXIST, false },
	[ENDPOINT_ANY] = { RULESET_ANY, RULESET_ANY, RULESET_ANY_NOLOCAL, RULESET_ANY_OPEN,
			   RULESET_ANY_COEXIST, true },
};

static const int families[] = { AF_INET, AF_INET6 };

static const struct shape_sets *sets_of(const struct nestnet_endpoint *alias)
{
	return &shape_sets[endpoint_shape(alias)];
}

/* The family of an exposure is its target's: an alias can be of any address. */
static int family_of(const struct exposure *exposure)
{
	return endpoint_family(&exposure->target);
}

/* A range of ports of which each goes to another port (facts 23). */
static bool is_shifted(const struct exposure *exposure)
{
	return endpoint_shape(&exposure->alias) == ENDPOINT_RANGE &&
	       exposure->alias.first_port != exposure->target.first_port;
}

void exposure_clear(struct exposure *exposure)
{
	free(exposure->except);
	free(exposure->from);
	exposure->from = NULL;
	exposure->n_from = 0;
	exposure->except = NULL;
	exposure->n_except = 0;
}

static bool has_same_excepts(const struct exposure *a, const struct exposure *b)
{
	if (a->n_except != b->n_except)
		return false;
	for (size_t i = 0; i < a->n_except; i++) {
		const struct nestnet_endpoint *x = &a->except[i], *y = &b->except[i];

		if (x->protocol != y->protocol || x->first_port != y->first_port ||
		    x->last_port != y->last_port)
			return false;
	}
	return true;
}

static bool has_same_from(const struct exposure *a, const struct exposure *b)
{
	if (a->n_from != b->n_from)
		return false;
	for (size_t i = 0; i < a->n_from; i++) {
		if (!prefix_equal(&a->from[i], &b->from[i]))
			return false;
	}
	return true;
}

bool exposure_equal(const struct exposure *a, const struct exposure *b)
{
	return endpoint_equal(&a->target, &b->target) && a->flags == b->flags &&
	       has_same_excepts(a, b) && has_same_from(a, b) &&
	       a->egress == b->egress && a->tap == b->tap &&
	       strcmp(a->comment, b->comment) == 0 &&
	       !a->timeout_ms == !b->timeout_ms;
}

int exposures_append(struct exposures *exposures, const struct exposure *exposure)
{
	struct exposure copy = *exposure, *grown;

	copy.except = NULL;
	copy.from = NULL;
	if ((exposures->n & (exposures->n - 1)) == 0) {
		grown = reallocarray(exposures->list, exposures->n ? exposures->n * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		exposures->list = grown;
	}
	if (exposure->n_except) {
		copy.except = reallocarray(NULL, exposure->n_except, sizeof(*copy.except));
		if (!copy.except)
			return -ENOMEM;
		memcpy(copy.except, exposure->except,
		       exposure->n_except * sizeof(*copy.except));
	}
	if (exposure->n_from) {
		copy.from = reallocarray(NULL, exposure->n_from, sizeof(*copy.from));
		if (!copy.from) {
			free(copy.except);
			return -ENOMEM;
		}
		memcpy(copy.from, exposure->from, exposure->n_from * sizeof(*copy.from));
	}
	exposures->list[exposures->n++] = copy;
	return 0;
}

void exposures_clear(struct exposures *exposures)
{
	for (size_t i = 0; i < exposures->n; i++)
		exposure_clear(&exposures->list[i]);
	free(exposures->list);
	*exposures = (struct exposures){ .n = 0 };
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* What each option is a set of. */
static int read_flags(struct elements *elements, const struct shape_sets *sets,
		      const uint8_t *key, struct exposure *ret, struct error *error)
{
	const struct elements_wish asked[] = { { sets->nolocal, key },
					       { sets->open, key },
					       { sets->coexist, key } };
	static const unsigned int flags[] = { NESTNET_EXPOSE_NO_LOCAL, NESTNET_EXPOSE_OPEN,
					      NESTNET_EXPOSE_COEXIST };
	int family = family_of(ret);
	int r = elements_ask(elements, asked, ARRAY_SIZE(asked), family, error);

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(asked); i++) {
		struct nft_element element;

		r = elements_get(elements, asked[i].set, family, key, &element, error);
		if (r == 1)
			ret->flags |= flags[i];
	}
	return r < 0 ? r : 0;
}

/* Makes an exposure of its element. @return 1; 0: nothing of ours; or a negative errno */
static int read_exposure(struct elements *elements, const struct nft_element *element,
			 int family, enum endpoint_shape shape, struct exposure *ret,
			 struct error *error)
{
	const struct shape_sets *sets = &shape_sets[shape];
	struct exposure exposure = { .flows = element->packets,
				     .timeout_ms = element->timeout_ms,
				     .expires_ms = element->expires_ms };
	int r;

	if (!key_read_alias(element, family, (int)shape, &exposure.alias))
		return 0;
	key_read_target(element, family, sets->has_target_port, &exposure.alias,
			&exposure.target);
	memcpy(exposure.comment, element->comment, sizeof(exposure.comment));

	r = read_flags(elements, sets, element->key, &exposure, error);
	if (r == 0)
		r = exposure_read_tap(elements, element->key, &exposure, error);
	if (r == 0)
		r = exposure_read_egress(elements, &exposure, error);
	if (r == 0)
		r = exposure_read_excepts(elements, element->key, &exposure, error);
	if (r == 0)
		r = exposure_read_from(elements, element, &exposure, error);
	if (r < 0) {
		exposure_clear(&exposure);
		return r;
	}
	*ret = exposure;
	return 1;
}

/* Each port of a shifted range counts its own flows. */
static int count_shifted(struct elements *elements, int family, struct exposure *exposure,
			 struct error *error)
{
	struct nestnet_endpoint port = exposure->alias;
	int r = 0;

	exposure->flows = 0;
	for (unsigned int n = exposure->alias.first_port;
	     r >= 0 && n <= exposure->alias.last_port; n++) {
		struct nft_element key = { .comment = "" }, element;

		port.first_port = port.last_port = (uint16_t)n;
		key_put_alias(&key, &port);
		r = elements_get(elements, RULESET_SHIFT, family, key.key, &element, error);
		if (r == 1)
			exposure->flows += element.packets;
	}
	return r < 0 ? r : 0;
}

/* Puts together what is known of a shifted range: its extent, and its ports. */
static int read_shifted(struct elements *elements, const struct nft_element *extent,
			int family, struct exposure *ret, struct error *error)
{
	struct nft_element first, element = *extent;
	int r = elements_get(elements, RULESET_SHIFT, family, extent->key, &first, error);

	if (r <= 0)
		return r;
	memcpy(element.data, first.data, sizeof(element.data));
	r = read_exposure(elements, &element, family, ENDPOINT_RANGE, ret, error);
	if (r != 1)
		return r;
	key_read_target(&first, family, true, &ret->alias, &ret->target);
	r = count_shifted(elements, family, ret, error);
	if (r < 0)
		exposure_clear(ret);
	return r < 0 ? r : 1;
}

static bool has_end(const struct nft_element *element, const struct nft_element *wanted,
		    const struct nft_set_spec *spec)
{
	return !(spec->flags & NFT_SPEC_INTERVAL) ||
	       memcmp(element->key_end, wanted->key_end, spec->key_len) == 0;
}

/* As elements_get(), of exactly this interval where the set has intervals. */
static int get_exact(struct elements *elements, enum ruleset_set set, int family,
		     const struct nft_element *wanted, struct nft_element *ret,
		     struct error *error)
{
	int r = elements_get(elements, set, family, wanted->key, ret, error);

	if (r == 1 && !has_end(ret, wanted, ruleset_set_spec(set, family)))
		return 0;
	return r;
}

static int get_element(struct elements *elements, const struct nestnet_endpoint *alias,
		       int family, struct exposure *ret, struct error *error)
{
	const struct shape_sets *sets = sets_of(alias);
	enum endpoint_shape shape = endpoint_shape(alias);
	struct nft_element wanted = { .comment = "" }, element;
	int r;

	key_put_alias(&wanted, alias);
	r = get_exact(elements, sets->map, family, &wanted, &element, error);
	if (r == 0 && sets->timed != sets->map)
		r = get_exact(elements, sets->timed, family, &wanted, &element, error);
	if (r == 1)
		return read_exposure(elements, &element, family, shape, ret, error);
	if (r < 0 || shape != ENDPOINT_RANGE)
		return r;
	r = get_exact(elements, RULESET_SHIFT_RANGE, family, &wanted, &element, error);
	return r == 1 ? read_shifted(elements, &element, family, ret, error) : r;
}

int exposure_get(struct elements *elements, const struct nestnet_endpoint *alias, int family,
		 struct exposure *ret, struct error *error)
{
	if (alias->prefix.address.family != AF_UNSPEC)
		family = endpoint_family(alias);
	return get_element(elements, alias, family, ret, error);
}

int exposure_get_all(struct elements *elements, const struct nestnet_endpoint *alias,
		     struct exposures *ret, struct error *error)
{
	bool is_any = alias->prefix.address.family == AF_UNSPEC;

	for (size_t i = 0; i < (is_any ? ARRAY_SIZE(families) : 1); i++) {
		struct exposure exposure;
		int r = exposure_get(elements, alias, families[i], &exposure, error);

		if (r == 1) {
			r = exposures_append(ret, &exposure);
			exposure_clear(&exposure);
		}
		if (r < 0)
			return r == -ENOMEM ? error_set_errno(error, ENOMEM) : r;
	}
	return ret->n > 0;
}

/* ---- Changing ------------------------------------------------------------------------------- */

static int change_member(struct elements *elements, enum ruleset_set set,
			 const struct exposure *exposure, change_fn change,
			 struct error *error)
{
	struct nft_element element = { .timeout_ms = exposure_option_timeout(exposure) };

	key_put_alias(&element, &exposure->alias);
	return change(elements, set, family_of(exposure), &element, error);
}

/* An element for each port, and one for all of them. */
static int change_shifted(struct elements *elements, const struct exposure *exposure,
			  change_fn change, struct error *error)
{
	struct nft_element extent = { .timeout_ms = exposure->timeout_ms };
	struct nestnet_endpoint alias = exposure->alias, target = exposure->target;
	int family = family_of(exposure), r;

	key_put_alias(&extent, &exposure->alias);
	memcpy(extent.comment, exposure->comment, sizeof(extent.comment));
	r = change(elements, RULESET_SHIFT_RANGE, family, &extent, error);
	while (r == 0) {
		struct nft_element element = { .timeout_ms = exposure->timeout_ms };

		alias.last_port = alias.first_port;
		key_put_alias(&element, &alias);
		key_put_target(&element, &target, true);
		r = change(elements, RULESET_SHIFT, family, &element, error);
		if (alias.first_port == exposure->alias.last_port)
			break;
		alias.first_port++;
		target.first_port++;
	}
	return r;
}

static int change_map(struct elements *elements, const struct exposure *exposure,
		      change_fn change, struct error *error)
{
	const struct shape_sets *sets = sets_of(&exposure->alias);
	struct nft_element element = { .timeout_ms = exposure->timeout_ms };

	if (is_shifted(exposure))
		return change_shifted(elements, exposure, change, error);
	key_put_alias(&element, &exposure->alias);
	key_put_target(&element, &exposure->target, sets->has_target_port);
	memcpy(element.comment, exposure->comment, sizeof(element.comment));
	return change(elements, exposure->timeout_ms ? sets->timed : sets->map,
		      family_of(exposure), &element, error);
}

static int change_exposure(struct elements *elements, const struct exposure *exposure,
			   change_fn change, struct error *error)
{
	const struct shape_sets *sets = sets_of(&exposure->alias);
	int r = change_map(elements, exposure, change, error);

	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_NO_LOCAL))
		r = change_member(elements, sets->nolocal, exposure, change, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_OPEN))
		r = change_member(elements, sets->open, exposure, change, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_COEXIST))
		r = change_member(elements, sets->coexist, exposure, change, error);
	if (r == 0)
		r = exposure_change_tap(elements, exposure, change, error);
	if (r == 0)
		r = exposure_change_excepts(elements, exposure, change, error);
	if (r == 0)
		r = exposure_change_from(elements, exposure, change, error);
	return r < 0 ? r : exposure_change_egress(elements, exposure, change, error);
}

int exposure_put(struct elements *elements, const struct exposure *exposure,
		 struct error *error)
{
	int r = change_exposure(elements, exposure, elements_put, error);

	return r < 0 ? r : guest_add(elements, exposure, error);
}

int exposure_remove(struct elements *elements, const struct exposure *exposure,
		    struct error *error)
{
	int r = change_exposure(elements, exposure, exposure_remove_element, error);

	return r < 0 ? r : guest_remove(elements, exposure, error);
}

/* ---- All of them -------------------------------------------------------------------------- */

static int load_all(struct elements *elements, const enum ruleset_set *sets, size_t n,
		    struct error *error)
{
	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; i < n; i++) {
			int r = elements_load(elements, sets[i], families[f], error);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int exposure_load_uncounted(struct elements *elements, struct error *error)
{
	static const enum ruleset_set sets[] = {
		RULESET_ADDR_TIMED, RULESET_PORT_TIMED, RULESET_ANY,
		RULESET_RANGE,      RULESET_SHIFT,      RULESET_SHIFT_RANGE,
		RULESET_PREF,
	};

	return load_all(elements, sets, ARRAY_SIZE(sets), error);
}

int exposure_load(struct elements *elements, struct error *error)
{
	static const enum ruleset_set sets[] = {
		RULESET_ADDR,	       RULESET_PORT,	     RULESET_ADDR_NOLOCAL,
		RULESET_PORT_NOLOCAL,  RULESET_ANY_NOLOCAL,  RULESET_RANGE_NOLOCAL,
		RULESET_PREF_NOLOCAL,  RULESET_ADDR_OPEN,    RULESET_PORT_OPEN,
		RULESET_ANY_OPEN,      RULESET_RANGE_OPEN,   RULESET_PREF_OPEN,
		RULESET_ADDR_KEEP,     RULESET_PREF_KEEP,    RULESET_EGRESS,
		RULESET_PORT_COEXIST,  RULESET_RANGE_COEXIST, RULESET_ANY_COEXIST,
		RULESET_ADDR_COEXIST,  RULESET_PREF_COEXIST,
		RULESET_EGRESS_PREF,   RULESET_ADDR_EXCEPT,  RULESET_EXCEPT,
		RULESET_EXCEPT_RANGE,
	};
	int r = exposure_load_uncounted(elements, error);

	if (r == 0)
		r = exposure_load_taps(elements, error);
	if (r == 0)
		r = exposure_load_from(elements, error);
	return r < 0 ? r : load_all(elements, sets, ARRAY_SIZE(sets), error);
}

struct walker {
	struct elements *elements;
	int family;
	enum ruleset_set set;
	enum endpoint_shape shape;
	exposure_fn fn;
	void *userdata;
	struct error *error;
};

static int walk_element(void *userdata, const struct nft_element *element)
{
	struct walker *walker = userdata;
	struct exposure exposure;
	int r;

	if (walker->set == RULESET_SHIFT_RANGE)
		r = read_shifted(walker->elements, element, walker->family, &exposure,
				 walker->error);
	else
		r = read_exposure(walker->elements, element, walker->family, walker->shape,
				  &exposure, walker->error);
	if (r <= 0)
		return r;
	r = walker->fn(walker->userdata, &exposure);
	exposure_clear(&exposure);
	return r;
}

/* Every map that has exposures, the counted ones first. */
static const struct {
	enum ruleset_set set;
	enum endpoint_shape shape;
} maps[] = {
	{ RULESET_ADDR, ENDPOINT_ADDRESS },	    { RULESET_PORT, ENDPOINT_PORT },
	{ RULESET_ADDR_TIMED, ENDPOINT_ADDRESS },   { RULESET_PORT_TIMED, ENDPOINT_PORT },
	{ RULESET_ANY, ENDPOINT_ANY },		    { RULESET_RANGE, ENDPOINT_RANGE },
	{ RULESET_SHIFT_RANGE, ENDPOINT_RANGE },    { RULESET_PREF, ENDPOINT_PREFIX },
};
#define FIRST_UNCOUNTED 2

static int walk_maps(struct elements *elements, size_t first, exposure_fn fn, void *userdata,
		     struct error *error)
{
	struct walker walker = {
		.elements = elements, .fn = fn, .userdata = userdata, .error = error
	};
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		for (size_t i = first; r == 0 && i < ARRAY_SIZE(maps); i++) {
			walker.family = families[f];
			walker.set = maps[i].set;
			walker.shape = maps[i].shape;
			r = elements_each(elements, maps[i].set, families[f], walk_element,
					  &walker);
		}
	}
	return r;
}

int exposure_each(struct elements *elements, exposure_fn fn, void *userdata,
		  struct error *error)
{
	return walk_maps(elements, 0, fn, userdata, error);
}

static int stop(void *userdata, const struct nft_element *element)
{
	(void)userdata;
	(void)element;
	return 1;
}

bool exposure_any_coexists(struct elements *elements)
{
	bool is_any = false;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; i < ARRAY_SIZE(shape_sets); i++)
			is_any = is_any || elements_each(elements, shape_sets[i].coexist,
							 families[f], stop, NULL) == 1;
	}
	return is_any;
}

int exposure_each_uncounted(struct elements *elements, exposure_fn fn, void *userdata,
			    struct error *error)
{
	return walk_maps(elements, FIRST_UNCOUNTED, fn, userdata, error);
}
