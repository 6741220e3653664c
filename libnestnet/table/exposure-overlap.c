/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of others there is where an alias would be, or was thought to be. */

#include "table/exposure-key.h"
#include "table/exposure.h"

#include "base/address.h"
#include "base/endpoint.h"

struct overlap {
	const struct nestnet_endpoint *alias;
	struct nestnet_endpoint *ret;
	int family;
	enum endpoint_shape shape;
	bool is_found;
};

static int compare_overlap(void *userdata, const struct nft_element *element)
{
	const struct overlap *overlap = userdata;
	const struct nestnet_endpoint *alias = overlap->alias;
	struct nestnet_endpoint other;

	if (!key_read_alias(element, overlap->family, (int)overlap->shape, &other) ||
	    endpoint_equal(&other, alias))
		return 0;
	if (overlap->shape == ENDPOINT_PREFIX
		    ? !prefix_overlaps(&other.prefix, &alias->prefix)
		    : !address_equal(&other.prefix.address, &alias->prefix.address) ||
			      other.protocol != alias->protocol ||
			      other.first_port > alias->last_port ||
			      other.last_port < alias->first_port)
		return 0;
	*overlap->ret = other;
	return 1;
}

static int find_in(struct elements *elements, enum ruleset_set set, struct overlap *overlap,
		   struct error *error)
{
	int r = elements_load(elements, set, overlap->family, error);

	if (r < 0)
		return r;
	return elements_each(elements, set, overlap->family, compare_overlap, overlap);
}

static int find_range(struct elements *elements, struct overlap *overlap,
		      struct error *error)
{
	int r = find_in(elements, RULESET_RANGE, overlap, error);

	return r != 0 ? r : find_in(elements, RULESET_SHIFT_RANGE, overlap, error);
}

int exposure_find_overlap(struct elements *elements, const struct nestnet_endpoint *alias,
			  struct nestnet_endpoint *ret, struct error *error)
{
	struct overlap overlap = { .alias = alias,
				   .ret = ret,
				   .family = endpoint_family(alias),
				   .shape = endpoint_shape(alias) };

	if (overlap.shape == ENDPOINT_PREFIX)
		return find_in(elements, RULESET_PREF, &overlap, error);
	return overlap.shape == ENDPOINT_RANGE ? find_range(elements, &overlap, error) : 0;
}

static int find_address(struct elements *elements, struct overlap *overlap,
			struct error *error)
{
	static const enum ruleset_set sets[] = { RULESET_ADDR, RULESET_ADDR_TIMED };
	const struct nestnet_endpoint whole = { .prefix = overlap->alias->prefix };
	struct nft_element key = { .comment = "" }, element;
	int r = 0;

	key_put_alias(&key, &whole);
	for (size_t i = 0; r == 0 && i < sizeof(sets) / sizeof(sets[0]); i++)
		r = elements_get(elements, sets[i], overlap->family, key.key, &element, error);
	if (r == 1)
		*overlap->ret = whole;
	return r;
}

/* Ports of the address: of a whole one any, of a port those of another protocol as well. */
static int compare_ports(void *userdata, const struct nft_element *element)
{
	struct overlap *overlap = userdata;
	const struct nestnet_endpoint *alias = overlap->alias;
	struct nestnet_endpoint other;

	if (!key_read_alias(element, overlap->family, (int)overlap->shape, &other) ||
	    !address_equal(&other.prefix.address, &alias->prefix.address) ||
	    (alias->first_port && (other.first_port > alias->last_port ||
				   other.last_port < alias->first_port)))
		return 0;
	if (!overlap->is_found || endpoint_compare(&other, overlap->ret) < 0)
		*overlap->ret = other;
	overlap->is_found = true;
	return 0;
}

/* The first of them: a set is in no order. */
static int find_ports(struct elements *elements, struct overlap *overlap,
		      struct error *error)
{
	static const struct {
		enum ruleset_set set;
		enum endpoint_shape shape;
	} sets[] = { { RULESET_PORT, ENDPOINT_PORT },
		     { RULESET_PORT_TIMED, ENDPOINT_PORT },
		     { RULESET_RANGE, ENDPOINT_RANGE },
		     { RULESET_SHIFT_RANGE, ENDPOINT_RANGE } };
	int r = 0;

	if (!prefix_is_address(&overlap->alias->prefix))
		return 0;
	for (size_t i = 0; r == 0 && i < sizeof(sets) / sizeof(sets[0]); i++) {
		overlap->shape = sets[i].shape;
		r = elements_load(elements, sets[i].set, overlap->family, error);
		if (r == 0)
			r = elements_each(elements, sets[i].set, overlap->family,
					  compare_ports, overlap);
	}
	return r != 0 ? r : overlap->is_found;
}

int exposure_find_instead(struct elements *elements, const struct nestnet_endpoint *alias,
			  struct nestnet_endpoint *ret, struct error *error)
{
	struct overlap overlap = { .alias = alias,
				   .ret = ret,
				   .family = endpoint_family(alias),
				   .shape = ENDPOINT_RANGE };
	int r = 0;

	if (endpoint_shape(alias) == ENDPOINT_ANY)
		return 0;
	if (alias->first_port)
		r = find_range(elements, &overlap, error);
	if (r == 0 && alias->first_port)
		r = find_address(elements, &overlap, error);
	overlap.shape = ENDPOINT_PREFIX;
	if (r == 0)
		r = find_in(elements, RULESET_PREF, &overlap, error);
	return r != 0 ? r : find_ports(elements, &overlap, error);
}
