/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exceptions and egress of exposures, as elements. */

#include "table/exposure-options.h"

#include "table/exposure-key.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int family_of(const struct exposure *exposure)
{
	return endpoint_family(&exposure->target);
}

/* ---- Exceptions ------------------------------------------------------------------------- */

struct except_reader {
	struct exposure *exposure;
	int family;
	bool has_range;
};

static int take_except(void *userdata, const struct nft_element *element)
{
	struct except_reader *reader = userdata;
	struct exposure *exposure = reader->exposure;
	struct nestnet_endpoint except, *grown;

	(void)key_read_alias(element, reader->family,
			     reader->has_range ? ENDPOINT_RANGE : ENDPOINT_PORT, &except);
	if (!address_equal(&except.prefix.address, &exposure->alias.prefix.address))
		return 0;
	grown = reallocarray(exposure->except, exposure->n_except + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	exposure->except = grown;
	grown[exposure->n_except++] = except;
	return 0;
}

static int compare_excepts(const void *a, const void *b)
{
	return endpoint_compare(a, b);
}

/* The exceptions of one address are found among all there are; most have none, which the
 * marker says. */
int exposure_read_excepts(struct elements *elements, const uint8_t *key,
			struct exposure *exposure, struct error *error)
{
	struct except_reader reader = { .exposure = exposure,
					.family = family_of(exposure) };
	struct nft_element marker;
	int r;

	if (endpoint_shape(&exposure->alias) != ENDPOINT_ADDRESS)
		return 0;
	r = elements_get(elements, RULESET_ADDR_EXCEPT, reader.family, key, &marker, error);
	if (r <= 0)
		return r;
	r = elements_load(elements, RULESET_EXCEPT, reader.family, error);
	if (r == 0)
		r = elements_load(elements, RULESET_EXCEPT_RANGE, reader.family, error);
	if (r < 0)
		return r;
	r = elements_each(elements, RULESET_EXCEPT, reader.family, take_except, &reader);
	reader.has_range = true;
	if (r == 0)
		r = elements_each(elements, RULESET_EXCEPT_RANGE, reader.family, take_except,
				  &reader);
	if (r < 0)
		return error_set_errno(error, ENOMEM);
	if (exposure->n_except)
		qsort(exposure->except, exposure->n_except, sizeof(*exposure->except),
		      compare_excepts);
	return 0;
}

int exposure_remove_element(struct elements *elements, enum ruleset_set set, int family,
			  const struct nft_element *element, struct error *error)
{
	return elements_remove(elements, set, family, element->key, error);
}

uint64_t exposure_option_timeout(const struct exposure *exposure)
{
	return exposure->timeout_ms ? exposure->timeout_ms + EXPOSURE_GRACE_MS : 0;
}

int exposure_change_excepts(struct elements *elements, const struct exposure *exposure,
			  change_fn change, struct error *error)
{
	struct nft_element marker = { .timeout_ms = exposure_option_timeout(exposure) };
	int family = family_of(exposure), r = 0;

	for (size_t i = 0; r == 0 && i < exposure->n_except; i++) {
		struct nft_element element = { .timeout_ms = exposure_option_timeout(exposure) };
		struct nestnet_endpoint except = exposure->except[i];

		except.prefix = exposure->alias.prefix;
		key_put_alias(&element, &except);
		r = change(elements,
			   endpoint_shape(&except) == ENDPOINT_RANGE ? RULESET_EXCEPT_RANGE
								     : RULESET_EXCEPT,
			   family, &element, error);
	}
	if (r < 0 || exposure->n_except == 0)
		return r;
	key_put_alias(&marker, &exposure->alias);
	return change(elements, RULESET_ADDR_EXCEPT, family, &marker, error);
}

/* ---- Egress --------------------------------------------------------------------------------- */

struct egress_sets {
	enum ruleset_set egress, keep, alias_keep;
};

static struct egress_sets egress_sets(const struct exposure *exposure)
{
	if (endpoint_shape(&exposure->alias) == ENDPOINT_PREFIX)
		return (struct egress_sets){ RULESET_EGRESS_PREF, RULESET_KEEP_PREF,
					     RULESET_PREF_KEEP };
	return (struct egress_sets){ RULESET_EGRESS, RULESET_KEEP, RULESET_ADDR_KEEP };
}

/* Only a whole address or prefix can have another egress than masquerade. */
int exposure_read_egress(struct elements *elements, struct exposure *ret, struct error *error)
{
	struct nft_element alias = { .comment = "" }, target = alias, element;
	struct egress_sets sets = egress_sets(ret);
	int family = family_of(ret), r;

	if (ret->alias.first_port != 0)
		return 0;
	key_put_prefix(&alias, &ret->alias.prefix);
	key_put_prefix(&target, &ret->target.prefix);

	r = elements_get(elements, sets.egress, family, target.key, &element, error);
	if (r == 1 && memcmp(element.data, alias.key, address_len(family)) == 0) {
		ret->egress = NESTNET_EGRESS_ALIAS;
		return 0;
	}
	if (r >= 0)
		r = elements_get(elements, sets.alias_keep, family, alias.key, &element,
				 error);
	if (r == 1)
		ret->egress = NESTNET_EGRESS_NONE;
	return r < 0 ? r : 0;
}

int exposure_change_egress(struct elements *elements, const struct exposure *exposure,
			 change_fn change, struct error *error)
{
	struct nft_element target = { .timeout_ms = exposure_option_timeout(exposure) };
	struct nft_element alias = target;
	struct egress_sets sets = egress_sets(exposure);
	int family = family_of(exposure), r;

	if (exposure->egress == NESTNET_EGRESS_MASQUERADE)
		return 0;
	key_put_prefix(&target, &exposure->target.prefix);
	key_put_prefix(&alias, &exposure->alias.prefix);
	switch (exposure->egress) {
	case NESTNET_EGRESS_MASQUERADE:
		break;
	case NESTNET_EGRESS_ALIAS:
		key_put_target(&target, &exposure->alias, false);
		return change(elements, sets.egress, family, &target, error);
	case NESTNET_EGRESS_NONE:
		r = change(elements, sets.keep, family, &target, error);
		return r < 0 ? r
			     : change(elements, sets.alias_keep, family, &alias, error);
	}
	return 0;
}

int exposure_get_egress(struct elements *elements, const struct nestnet_prefix *target,
			struct nestnet_address *ret_alias, struct error *error)
{
	bool is_address = prefix_is_address(target);
	struct nft_element key = { .comment = "" }, element;
	int family = target->address.family, r;

	key_put_prefix(&key, target);
	memset(ret_alias, 0, sizeof(*ret_alias));
	r = elements_get(elements, is_address ? RULESET_EGRESS : RULESET_EGRESS_PREF, family,
			 key.key, &element, error);
	if (r == 1)
		key_read_address(element.data, family, ret_alias);
	if (r != 0)
		return r;
	return elements_get(elements, is_address ? RULESET_KEEP : RULESET_KEEP_PREF, family,
			    key.key, &element, error);
}
