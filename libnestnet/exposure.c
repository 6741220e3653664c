/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures as elements; exposure.h has the encoding. */

#include "exposure.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which sets a shape of alias lives in. */
struct shape_sets {
	enum ruleset_set map, timed, nolocal, open;
};

static const struct shape_sets shape_sets[] = {
	[ENDPOINT_ADDRESS] = { RULESET_ADDR, RULESET_ADDR_TIMED, RULESET_ADDR_NOLOCAL,
			       RULESET_ADDR_OPEN },
	[ENDPOINT_PORT] = { RULESET_PORT, RULESET_PORT_TIMED, RULESET_PORT_NOLOCAL,
			    RULESET_PORT_OPEN },
};

static const struct shape_sets *sets_of(const struct nestnet_endpoint *alias)
{
	return &shape_sets[endpoint_shape(alias)];
}

/* The other shapes have their sets in the table, and no one that fills them yet. */
static bool is_supported(const struct nestnet_endpoint *alias)
{
	enum endpoint_shape shape = endpoint_shape(alias);

	return shape == ENDPOINT_ADDRESS || shape == ENDPOINT_PORT;
}

/* ---- Keys and values ---------------------------------------------------------------------- */

/* Puts a field behind the others, padded to four bytes. */
static size_t put_field(uint8_t *bytes, size_t at, const void *value, size_t len)
{
	memcpy(bytes + at, value, len);
	return at + ((len + 3) & ~(size_t)3);
}

static size_t put_address(uint8_t *bytes, const struct nestnet_address *address)
{
	return put_field(bytes, 0, address->bytes, address_len(address->family));
}

/* address, or address . protocol . port */
static void put_alias(uint8_t *key, const struct nestnet_endpoint *alias)
{
	size_t at = put_address(key, &alias->prefix.address);
	uint8_t protocol = (uint8_t)alias->protocol;
	uint16_t port = htons(alias->first_port);

	if (alias->first_port == 0)
		return;
	at = put_field(key, at, &protocol, sizeof(protocol));
	put_field(key, at, &port, sizeof(port));
}

static void put_target(uint8_t *data, const struct nestnet_endpoint *target)
{
	size_t at = put_address(data, &target->prefix.address);
	uint16_t port = htons(target->first_port);

	if (target->first_port != 0)
		put_field(data, at, &port, sizeof(port));
}

static void read_address(const uint8_t *bytes, int family, struct nestnet_endpoint *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->prefix.address.family = family;
	memcpy(ret->prefix.address.bytes, bytes, address_len(family));
	ret->prefix.len = address_bits(family);
}

static uint16_t read_port(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void read_alias(const uint8_t *key, int family, bool has_port,
		       struct nestnet_endpoint *ret)
{
	size_t len = address_len(family);

	read_address(key, family, ret);
	if (!has_port)
		return;
	ret->protocol = key[len];
	ret->first_port = ret->last_port = read_port(key + len + 4);
}

static void read_target(const uint8_t *data, int family, bool has_port,
			struct nestnet_endpoint *ret)
{
	read_address(data, family, ret);
	if (has_port)
		ret->first_port = ret->last_port = read_port(data + address_len(family));
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* @return 1 where the key is in the set, 0 where it is not, or a negative errno */
static int is_member(struct elements *elements, enum ruleset_set set, int family,
		     const uint8_t *key, struct error *error)
{
	struct nft_element element;

	return elements_get(elements, set, family, key, &element, error);
}

static int read_flags(struct elements *elements, const struct shape_sets *sets,
		      const uint8_t *key, struct exposure *ret, struct error *error)
{
	int family = endpoint_family(&ret->alias), r;

	r = is_member(elements, sets->nolocal, family, key, error);
	if (r == 1)
		ret->flags |= NESTNET_EXPOSE_NO_LOCAL;
	if (r >= 0)
		r = is_member(elements, sets->open, family, key, error);
	if (r == 1)
		ret->flags |= NESTNET_EXPOSE_OPEN;
	return r < 0 ? r : 0;
}

/* Only a whole address can have another egress than masquerade. */
static int read_egress(struct elements *elements, struct exposure *ret, struct error *error)
{
	int family = endpoint_family(&ret->alias), r;
	uint8_t alias[NFT_KEY_MAX] = { 0 }, target[NFT_KEY_MAX] = { 0 };
	struct nft_element element;

	if (endpoint_shape(&ret->alias) != ENDPOINT_ADDRESS)
		return 0;
	put_address(alias, &ret->alias.prefix.address);
	put_address(target, &ret->target.prefix.address);

	r = elements_get(elements, RULESET_EGRESS, family, target, &element, error);
	if (r == 1 && memcmp(element.data, alias, address_len(family)) == 0) {
		ret->egress = NESTNET_EGRESS_ALIAS;
		return 0;
	}
	if (r >= 0)
		r = is_member(elements, RULESET_ADDR_KEEP, family, alias, error);
	if (r == 1)
		ret->egress = NESTNET_EGRESS_NONE;
	return r < 0 ? r : 0;
}

static int read_exposure(struct elements *elements, const struct nft_element *element,
			 int family, bool has_port, struct exposure *ret,
			 struct error *error)
{
	struct exposure exposure = { .flows = element->packets,
				     .timeout_ms = element->timeout_ms,
				     .expires_ms = element->expires_ms };
	int r;

	read_alias(element->key, family, has_port, &exposure.alias);
	read_target(element->data, family, has_port, &exposure.target);
	memcpy(exposure.comment, element->comment, sizeof(exposure.comment));

	r = read_flags(elements, sets_of(&exposure.alias), element->key, &exposure, error);
	if (r == 0)
		r = read_egress(elements, &exposure, error);
	if (r == 0)
		*ret = exposure;
	return r;
}

int exposure_get(struct elements *elements, const struct nestnet_endpoint *alias,
		 struct exposure *ret, struct error *error)
{
	const struct shape_sets *sets;
	int family = endpoint_family(alias), r;
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;

	if (!is_supported(alias))
		return 0;
	sets = sets_of(alias);
	put_alias(key, alias);
	r = elements_get(elements, sets->map, family, key, &element, error);
	if (r == 0)
		r = elements_get(elements, sets->timed, family, key, &element, error);
	if (r <= 0)
		return r;
	r = read_exposure(elements, &element, family, alias->first_port != 0, ret, error);
	return r < 0 ? r : 1;
}

int exposure_get_egress(struct elements *elements, const struct nestnet_address *target,
			struct nestnet_address *ret_alias, struct error *error)
{
	uint8_t key[NFT_KEY_MAX] = { 0 };
	struct nft_element element;
	int r;

	put_address(key, target);
	memset(ret_alias, 0, sizeof(*ret_alias));
	r = elements_get(elements, RULESET_EGRESS, target->family, key, &element, error);
	if (r == 1) {
		ret_alias->family = target->family;
		memcpy(ret_alias->bytes, element.data, address_len(target->family));
		return 1;
	}
	return r < 0 ? r : is_member(elements, RULESET_KEEP, target->family, key, error);
}

/* ---- Changing ------------------------------------------------------------------------------- */

static int put_member(struct elements *elements, enum ruleset_set set, int family,
		      const uint8_t *key, struct error *error)
{
	struct nft_element element = { .comment = "" };

	memcpy(element.key, key, sizeof(element.key));
	return elements_put(elements, set, family, &element, error);
}

/* A target that several exposures share is counted in elements, and not in a comment: to
 * change a comment is to delete and add, and after a deletion the socket takes a grace
 * period of the kernel, some 12 ms, to close (facts 32c). So adding only ever adds. */

/* The most exposures of one target: what counts them is as wide as a port. */
#define COUNT_MAX 65535

struct guest_sets {
	enum ruleset_set guest, more;
};

static struct guest_sets guest_sets(const struct exposure *exposure)
{
	if (exposure->flags & NESTNET_EXPOSE_OPEN)
		return (struct guest_sets){ RULESET_GUEST_OPEN, RULESET_GUEST_OPEN_MORE };
	return (struct guest_sets){ RULESET_GUEST, RULESET_GUEST_MORE };
}

/* target . number */
static void put_count(uint8_t *key, const struct nestnet_address *target, uint16_t number)
{
	uint16_t field = htons(number);

	put_field(key, put_address(key, target), &field, sizeof(field));
}

static int has_count(struct elements *elements, enum ruleset_set more,
		     const struct nestnet_address *target, uint32_t number,
		     struct error *error)
{
	uint8_t key[NFT_KEY_MAX] = { 0 };

	if (number > COUNT_MAX)
		return 0;
	put_count(key, target, (uint16_t)number);
	return is_member(elements, more, target->family, key, error);
}

/* How many exposures have the target: doubles until there is no such number, and then
 * halves the gap. Most targets have one, and cost one question. */
static int read_count(struct elements *elements, struct guest_sets sets,
		      const struct nestnet_address *target, uint32_t *ret,
		      struct error *error)
{
	uint32_t there = 1, absent = 2;
	uint8_t key[NFT_KEY_MAX] = { 0 };
	int r;

	put_address(key, target);
	*ret = 0;
	r = is_member(elements, sets.guest, target->family, key, error);
	if (r <= 0)
		return r;
	while ((r = has_count(elements, sets.more, target, absent, error)) == 1) {
		there = absent;
		absent *= 2;
	}
	while (r >= 0 && absent - there > 1) {
		uint32_t middle = there + (absent - there) / 2;

		r = has_count(elements, sets.more, target, middle, error);
		if (r == 1)
			there = middle;
		else
			absent = middle;
	}
	*ret = there;
	return r < 0 ? r : 0;
}

/* One exposure more has the target, or (by -1) one less. */
static int count_guest(struct elements *elements, const struct exposure *exposure, int by,
		       struct error *error)
{
	const struct nestnet_address *target = &exposure->target.prefix.address;
	struct guest_sets sets = guest_sets(exposure);
	uint8_t key[NFT_KEY_MAX] = { 0 };
	enum ruleset_set set;
	uint32_t count;
	int r = read_count(elements, sets, target, &count, error);

	if (r < 0)
		return r;
	if (by > 0 && count == COUNT_MAX)
		return error_set(error, EBUSY, "a target has at most %u exposures", count);
	if (by > 0)
		count++;
	if (count == 0)
		return 0; /* somebody's own hand took it out */

	/* The first is the target itself, the others its numbers. */
	set = count == 1 ? sets.guest : sets.more;
	if (count == 1)
		put_address(key, target);
	else
		put_count(key, target, (uint16_t)count);
	return by > 0 ? put_member(elements, set, target->family, key, error)
		      : elements_remove(elements, set, target->family, key, error);
}

static int put_egress(struct elements *elements, const struct exposure *exposure,
		      struct error *error)
{
	int family = endpoint_family(&exposure->alias), r;
	struct nft_element element = { .comment = "" };
	uint8_t alias[NFT_KEY_MAX] = { 0 };

	put_address(element.key, &exposure->target.prefix.address);
	put_address(alias, &exposure->alias.prefix.address);
	switch (exposure->egress) {
	case NESTNET_EGRESS_MASQUERADE:
		return 0;
	case NESTNET_EGRESS_ALIAS:
		memcpy(element.data, alias, sizeof(element.data));
		return elements_put(elements, RULESET_EGRESS, family, &element, error);
	case NESTNET_EGRESS_NONE:
		r = elements_put(elements, RULESET_KEEP, family, &element, error);
		return r < 0 ? r
			     : put_member(elements, RULESET_ADDR_KEEP, family, alias, error);
	}
	return 0;
}

static int remove_egress(struct elements *elements, const struct exposure *exposure,
			 struct error *error)
{
	int family = endpoint_family(&exposure->alias), r;
	uint8_t alias[NFT_KEY_MAX] = { 0 }, target[NFT_KEY_MAX] = { 0 };

	put_address(alias, &exposure->alias.prefix.address);
	put_address(target, &exposure->target.prefix.address);
	switch (exposure->egress) {
	case NESTNET_EGRESS_MASQUERADE:
		return 0;
	case NESTNET_EGRESS_ALIAS:
		return elements_remove(elements, RULESET_EGRESS, family, target, error);
	case NESTNET_EGRESS_NONE:
		r = elements_remove(elements, RULESET_KEEP, family, target, error);
		return r < 0 ? r
			     : elements_remove(elements, RULESET_ADDR_KEEP, family, alias,
					       error);
	}
	return 0;
}

int exposure_put(struct elements *elements, const struct exposure *exposure,
		 struct error *error)
{
	const struct shape_sets *sets = sets_of(&exposure->alias);
	int family = endpoint_family(&exposure->alias), r;
	struct nft_element element = { .timeout_ms = exposure->timeout_ms };

	put_alias(element.key, &exposure->alias);
	put_target(element.data, &exposure->target);
	memcpy(element.comment, exposure->comment, sizeof(element.comment));

	r = elements_put(elements, exposure->timeout_ms ? sets->timed : sets->map, family,
			 &element, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_NO_LOCAL))
		r = put_member(elements, sets->nolocal, family, element.key, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_OPEN))
		r = put_member(elements, sets->open, family, element.key, error);
	if (r == 0)
		r = put_egress(elements, exposure, error);
	if (r == 0)
		r = count_guest(elements, exposure, 1, error);
	return r;
}

int exposure_remove(struct elements *elements, const struct exposure *exposure,
		    struct error *error)
{
	const struct shape_sets *sets = sets_of(&exposure->alias);
	int family = endpoint_family(&exposure->alias), r;
	uint8_t key[NFT_KEY_MAX] = { 0 };

	put_alias(key, &exposure->alias);
	r = elements_remove(elements, exposure->timeout_ms ? sets->timed : sets->map, family,
			    key, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_NO_LOCAL))
		r = elements_remove(elements, sets->nolocal, family, key, error);
	if (r == 0 && (exposure->flags & NESTNET_EXPOSE_OPEN))
		r = elements_remove(elements, sets->open, family, key, error);
	if (r == 0)
		r = remove_egress(elements, exposure, error);
	if (r == 0)
		r = count_guest(elements, exposure, -1, error);
	return r;
}

/* ---- All of them -------------------------------------------------------------------------- */

static const int families[] = { AF_INET, AF_INET6 };

int exposure_load(struct elements *elements, struct error *error)
{
	static const enum ruleset_set sets[] = {
		RULESET_ADDR,	       RULESET_ADDR_TIMED, RULESET_ADDR_NOLOCAL,
		RULESET_ADDR_OPEN,     RULESET_ADDR_KEEP,  RULESET_EGRESS,
		RULESET_PORT,	       RULESET_PORT_TIMED, RULESET_PORT_NOLOCAL,
		RULESET_PORT_OPEN,
	};

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
			int r = elements_load(elements, sets[i], families[f], error);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

struct walker {
	struct elements *elements;
	int family;
	bool has_port;
	exposure_fn fn;
	void *userdata;
	struct error *error;
};

static int walk_element(void *userdata, const struct nft_element *element)
{
	struct walker *walker = userdata;
	struct exposure exposure;
	int r = read_exposure(walker->elements, element, walker->family, walker->has_port,
			      &exposure, walker->error);

	return r < 0 ? r : walker->fn(walker->userdata, &exposure);
}

int exposure_each(struct elements *elements, exposure_fn fn, void *userdata,
		  struct error *error)
{
	static const struct {
		enum ruleset_set set;
		bool has_port;
	} maps[] = {
		{ RULESET_ADDR, false },
		{ RULESET_ADDR_TIMED, false },
		{ RULESET_PORT, true },
		{ RULESET_PORT_TIMED, true },
	};
	struct walker walker = {
		.elements = elements, .fn = fn, .userdata = userdata, .error = error
	};
	int r = 0;

	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(maps); i++) {
			walker.family = families[f];
			walker.has_port = maps[i].has_port;
			r = elements_each(elements, maps[i].set, families[f], walk_element,
					  &walker);
		}
	}
	return r;
}
