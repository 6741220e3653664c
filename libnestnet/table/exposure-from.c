/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources of exposures as elements; exposure-from.h has the encoding. */

#include "table/exposure-from.h"

#include "table/exposure-key.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* ---- One form ------------------------------------------------------------------------------- */

static int compare_prefixes(const void *a, const void *b)
{
	const struct nestnet_prefix *x = a, *y = b;
	int order = address_compare(&x->address, &y->address);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Two halves of one prefix. */
static bool are_siblings(const struct nestnet_prefix *a, const struct nestnet_prefix *b)
{
	struct nestnet_prefix parent = *a;

	if (a->len != b->len || a->len == 0 || a->address.family != b->address.family)
		return false;
	parent.len--;
	return !prefix_has_host_bits(&parent) && prefix_contains(&parent, &b->address) &&
	       !address_equal(&a->address, &b->address);
}

/* Sorted, a prefix comes right before what is in it, and before its other half: what is
 * kept is a stack, on which each new one is swallowed, or merges with what is on top. */
void from_reduce(struct nestnet_prefix *kept, size_t *n)
{
	size_t top = 0;

	for (size_t i = 0; i < *n; i++)
		kept[i] = prefix_network(&kept[i]);
	if (*n)
		qsort(kept, *n, sizeof(*kept), compare_prefixes);
	for (size_t i = 0; i < *n; i++) {
		if (top > 0 && kept[top - 1].len <= kept[i].len &&
		    prefix_contains(&kept[top - 1], &kept[i].address))
			continue;
		kept[top++] = kept[i];
		while (top > 1 && are_siblings(&kept[top - 2], &kept[top - 1])) {
			top--;
			kept[top - 1].len--;
		}
	}
	if (top == 1 && kept[0].len == 0)
		top = 0;
	*n = top;
}

/* ---- Sets ----------------------------------------------------------------------------------- */

struct from_sets {
	enum ruleset_set from, src;
	bool is_hashed; /* and src is followed by those of prefixes */
};

static struct from_sets sets_of(const struct nestnet_endpoint *alias)
{
	switch (endpoint_shape(alias)) {
	case ENDPOINT_ADDRESS:
		return (struct from_sets){ RULESET_ADDR_FROM, RULESET_ADDR_SRC, true };
	case ENDPOINT_PORT:
		return (struct from_sets){ RULESET_PORT_FROM, RULESET_PORT_SRC, true };
	case ENDPOINT_RANGE:
		return (struct from_sets){ RULESET_RANGE_FROM, RULESET_RANGE_SRC, false };
	case ENDPOINT_PREFIX:
		return (struct from_sets){ RULESET_PREF_FROM, RULESET_PREF_SRC, false };
	case ENDPOINT_ANY:
		break;
	}
	return (struct from_sets){ RULESET_ANY_FROM, RULESET_ANY_SRC, false };
}

/* The number of sets with sources, from src on. */
static unsigned int count_sets(const struct from_sets *sets, int family)
{
	return sets->is_hashed ? address_bits(family) / RULESET_SOURCE_STEP : 1;
}

/* The length of the hashed prefixes that a source is kept as. */
static unsigned int hashed_len(const struct nestnet_prefix *source)
{
	unsigned int step = RULESET_SOURCE_STEP;

	return source->len == 0 ? step : (source->len + step - 1) / step * step;
}

/* Where the source begins in a key: behind the alias. */
static size_t source_offset(const struct nestnet_endpoint *alias, int family)
{
	size_t ports = alias->first_port ? 8 : 0;

	return ports + (endpoint_shape(alias) == ENDPOINT_ANY ? 0 : address_len(family));
}

/* ---- Changing ------------------------------------------------------------------------------- */

/* alias . source; of an interval set both ends, where the alias may be one address. */
static void make_element(const struct exposure *exposure, const struct nestnet_prefix *source,
			 struct nft_element *ret)
{
	int family = endpoint_family(&exposure->target);
	size_t at = source_offset(&exposure->alias, family);
	struct nestnet_address last = prefix_last(source);
	bool has_end;

	*ret = (struct nft_element){ .timeout_ms = exposure_option_timeout(exposure) };
	key_put_alias(ret, &exposure->alias);
	has_end = endpoint_shape(&exposure->alias) == ENDPOINT_RANGE ||
		  endpoint_shape(&exposure->alias) == ENDPOINT_PREFIX;
	if (!has_end)
		memcpy(ret->key_end, ret->key, sizeof(ret->key));
	key_put(ret->key, at, source->address.bytes, address_len(family));
	key_put(ret->key_end, at, last.bytes, address_len(family));
}

/* The next prefix of the same length. */
static void advance(struct nestnet_prefix *prefix)
{
	struct nestnet_address last = prefix_last(prefix);

	for (size_t i = address_len(last.family); i-- > 0;) {
		if (++last.bytes[i] != 0)
			break;
	}
	prefix->address = last;
}

static int change_hashed(struct elements *elements, const struct exposure *exposure,
			 const struct nestnet_prefix *source, change_fn change,
			 struct error *error)
{
	struct from_sets sets = sets_of(&exposure->alias);
	int family = source->address.family, r = 0;
	unsigned int len = hashed_len(source);
	struct nestnet_prefix piece = { .address = source->address, .len = len };
	enum ruleset_set set = len == address_bits(family)
				       ? sets.src
				       : sets.src + len / RULESET_SOURCE_STEP;

	for (unsigned int i = 0; r == 0 && i < 1u << (len - source->len); i++) {
		struct nft_element element;

		make_element(exposure, &piece, &element);
		memset(element.key_end, 0, sizeof(element.key_end));
		r = change(elements, set, family, &element, error);
		advance(&piece);
	}
	return r;
}

int exposure_change_from(struct elements *elements, const struct exposure *exposure,
			 change_fn change, struct error *error)
{
	struct nft_element marker = { .timeout_ms = exposure_option_timeout(exposure) };
	struct from_sets sets = sets_of(&exposure->alias);
	int family = endpoint_family(&exposure->target), r = 0;

	for (size_t i = 0; r == 0 && i < exposure->n_from; i++) {
		struct nft_element element;

		if (sets.is_hashed) {
			r = change_hashed(elements, exposure, &exposure->from[i], change,
					  error);
			continue;
		}
		make_element(exposure, &exposure->from[i], &element);
		r = change(elements, sets.src, family, &element, error);
	}
	if (r < 0 || exposure->n_from == 0)
		return r;
	key_put_alias(&marker, &exposure->alias);
	if (!sets.is_hashed && endpoint_shape(&exposure->alias) == ENDPOINT_ANY)
		memcpy(marker.key_end, marker.key, sizeof(marker.key));
	return change(elements, sets.from, family, &marker, error);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct from_reader {
	struct exposure *exposure;
	const struct nft_element *alias;
	size_t at;        /* of the source in a key */
	unsigned int len; /* of the prefixes; 0: both ends are there */
	int family;
};

static int take_source(void *userdata, const struct nft_element *element)
{
	struct from_reader *reader = userdata;
	struct exposure *exposure = reader->exposure;
	struct nestnet_prefix source = { .len = reader->len }, *grown;
	struct nestnet_address last;

	if (memcmp(element->key, reader->alias->key, reader->at) != 0)
		return 0;
	key_read_address(element->key + reader->at, reader->family, &source.address);
	key_read_address(element->key_end + reader->at, reader->family, &last);
	if (reader->len == 0 && !prefix_from_range(&source.address, &last, &source))
		return 0;
	grown = reallocarray(exposure->from, exposure->n_from + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	exposure->from = grown;
	grown[exposure->n_from++] = source;
	return 0;
}

/* The sources of one alias are found among those of all; most have none, which the marker
 * says. */
int exposure_read_from(struct elements *elements, const struct nft_element *alias,
		       struct exposure *exposure, struct error *error)
{
	struct from_sets sets = sets_of(&exposure->alias);
	struct from_reader reader = { .exposure = exposure,
				      .alias = alias,
				      .family = endpoint_family(&exposure->target) };
	struct nft_element marker;
	int r = elements_get(elements, sets.from, reader.family, alias->key, &marker, error);

	if (r <= 0)
		return r;
	reader.at = source_offset(&exposure->alias, reader.family);
	for (unsigned int i = 0; r >= 0 && i < count_sets(&sets, reader.family); i++) {
		if (sets.is_hashed)
			reader.len = i ? i * RULESET_SOURCE_STEP
				       : address_bits(reader.family);
		r = elements_load(elements, sets.src + i, reader.family, error);
		if (r < 0)
			return r;
		r = elements_each(elements, sets.src + i, reader.family, take_source,
				  &reader);
	}
	if (r < 0)
		return error_set_errno(error, ENOMEM);
	from_reduce(exposure->from, &exposure->n_from);
	return 0;
}

int exposure_load_from(struct elements *elements, struct error *error)
{
	static const enum ruleset_set sets[] = { RULESET_ADDR_FROM, RULESET_PORT_FROM,
						 RULESET_RANGE_FROM, RULESET_PREF_FROM,
						 RULESET_ANY_FROM };

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		int r = elements_load(elements, sets[i], AF_INET, error);

		if (r == 0)
			r = elements_load(elements, sets[i], AF_INET6, error);
		if (r < 0)
			return r;
	}
	return 0;
}
