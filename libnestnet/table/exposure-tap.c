/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exposures that go with a tap, as elements; exposure-tap.h has the encoding. */

#include "table/exposure-tap.h"

#include "table/exposure-key.h"

#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const enum ruleset_set sets[] = {
	[ENDPOINT_ADDRESS] = RULESET_ADDR_TAP, [ENDPOINT_PREFIX] = RULESET_PREF_TAP,
	[ENDPOINT_PORT] = RULESET_PORT_TAP,    [ENDPOINT_RANGE] = RULESET_RANGE_TAP,
	[ENDPOINT_ANY] = RULESET_ANY_TAP,
};

static const int families[] = { AF_INET, AF_INET6 };

/* "7 vm0". A comment that is none of ours is that of no tap. */
static uint32_t read_comment(const char *comment, char *ret_name)
{
	char *end;
	unsigned long ifindex = strtoul(comment, &end, 10);

	ret_name[0] = '\0';
	if (ifindex == 0 || ifindex > INT32_MAX || *end != ' ')
		return 0;
	if (!name_why_not_interface(end + 1))
		snprintf(ret_name, NESTNET_IFNAMSIZ, "%s", end + 1);
	return (uint32_t)ifindex;
}

int exposure_read_tap(struct elements *elements, const uint8_t *key, struct exposure *ret,
		      struct error *error)
{
	enum ruleset_set set = sets[endpoint_shape(&ret->alias)];
	struct nft_element element;
	int r = elements_get(elements, set, endpoint_family(&ret->target), key, &element,
			     error);

	if (r == 1)
		ret->tap = read_comment(element.comment, ret->tap_name);
	return r < 0 ? r : 0;
}

int exposure_change_tap(struct elements *elements, const struct exposure *exposure,
			change_fn change, struct error *error)
{
	struct nft_element element = { .timeout_ms = exposure_option_timeout(exposure) };

	if (exposure->tap == 0 || exposure->tap == EXPOSURE_TAP_LATER)
		return 0;
	key_put_alias(&element, &exposure->alias);
	snprintf(element.comment, sizeof(element.comment), "%u %s", exposure->tap,
		 exposure->tap_name);
	return change(elements, sets[endpoint_shape(&exposure->alias)],
		      endpoint_family(&exposure->target), &element, error);
}

int exposure_load_taps(struct elements *elements, struct error *error)
{
	int r = 0;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
			r = elements_load(elements, sets[i], families[f], error);
	}
	return r;
}

struct walker {
	exposure_tap_fn fn;
	void *userdata;
	int family;
	enum endpoint_shape shape;
};

static int walk_element(void *userdata, const struct nft_element *element)
{
	const struct walker *walker = userdata;
	struct nestnet_endpoint alias;
	char name[NESTNET_IFNAMSIZ];
	uint32_t ifindex = read_comment(element->comment, name);

	if (ifindex == 0 ||
	    !key_read_alias(element, walker->family, (int)walker->shape, &alias))
		return 0;
	return walker->fn(walker->userdata, &alias, walker->family, ifindex);
}

int exposure_each_tap(struct elements *elements, exposure_tap_fn fn, void *userdata)
{
	struct walker walker = { .fn = fn, .userdata = userdata };
	int r = 0;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++) {
			walker.family = families[f];
			walker.shape = (enum endpoint_shape)i;
			r = elements_each(elements, sets[i], families[f], walk_element,
					  &walker);
		}
	}
	return r;
}
