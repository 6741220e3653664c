/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the exposures send a packet. */

#include "table/exposure-resolve.h"

#include "table/exposure-from.h"
#include "table/exposure-key.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <netinet/in.h>
#include <string.h>

/* What one lookup found: a target, or that the address keeps the port; and by what. */
struct answer {
	struct nestnet_address target;
	uint16_t port; /* 0: the port that was asked for */
	struct nft_element element;
	enum endpoint_shape shape; /* of the exposure */
};

static bool has_ports(unsigned int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static struct nestnet_endpoint make_alias(const struct resolve_question *question)
{
	return (struct nestnet_endpoint){ .prefix = prefix_of_address(&question->alias),
					  .protocol = question->protocol,
					  .first_port = question->port,
					  .last_port = question->port };
}

static int look_up(struct elements *elements, const struct resolve_question *question,
		   enum ruleset_set set, const struct nft_element *key,
		   struct nft_element *ret, struct error *error)
{
	int family = question->alias.family;

	return question->is_before
		       ? elements_get_before(elements, set, family, key->key, ret, error)
		       : elements_get(elements, set, family, key->key, ret, error);
}

static void read_answer(const struct nft_element *element, int family, bool has_port,
			enum endpoint_shape shape, struct answer *ret)
{
	size_t len = address_len(family);

	ret->element = *element;
	ret->shape = shape;
	key_read_address(element->data, family, &ret->target);
	ret->port = 0;
	if (has_port)
		ret->port = (uint16_t)(element->data[len] << 8 | element->data[len + 1]);
}

/* ---- Intervals ---------------------------------------------------------------------------- */

struct seeker {
	const struct nft_element *key;
	size_t len;
	struct nft_element found;
};

static int seek_interval(void *userdata, const struct nft_element *element)
{
	struct seeker *seeker = userdata;

	if (memcmp(seeker->key->key, element->key, seeker->len) < 0 ||
	    memcmp(seeker->key->key, element->key_end, seeker->len) > 0)
		return 0;
	seeker->found = *element;
	return 1;
}

/* The interval that has the key. Of a concatenation all fields but the last, the port, are
 * equal at both ends, and so bytes compare as the intervals do. */
static int look_up_interval(struct elements *elements,
			    const struct resolve_question *question, enum ruleset_set set,
			    const struct nft_element *key, struct nft_element *ret,
			    struct error *error)
{
	int family = question->alias.family, r;
	struct seeker seeker = { .key = key,
				 .len = ruleset_set_spec(set, family)->key_len };

	r = elements_load(elements, set, family, error);
	if (r < 0)
		return r;
	r = question->is_before
		    ? elements_each_before(elements, set, family, seek_interval, &seeker)
		    : elements_each(elements, set, family, seek_interval, &seeker);
	if (r == 1)
		*ret = seeker.found;
	return r;
}

/* ---- The precedence ----------------------------------------------------------------------- */

static int resolve_port(struct elements *elements, const struct resolve_question *question,
			struct answer *ret, struct error *error)
{
	static const enum ruleset_set sets[] = { RULESET_PORT, RULESET_PORT_TIMED,
						 RULESET_SHIFT };
	static const enum endpoint_shape shapes[] = { ENDPOINT_PORT, ENDPOINT_PORT,
						      ENDPOINT_RANGE };
	struct nestnet_endpoint alias = make_alias(question), any = alias;
	struct nft_element key = { .comment = "" }, any_key = key, element;
	int family = question->alias.family, r = 0;

	key_put_alias(&key, &alias);
	for (size_t i = 0; r == 0 && i < sizeof(sets) / sizeof(sets[0]); i++) {
		r = look_up(elements, question, sets[i], &key, &element, error);
		if (r == 1)
			read_answer(&element, family, true, shapes[i], ret);
	}
	if (r != 0)
		return r;
	r = look_up_interval(elements, question, RULESET_RANGE, &key, &element, error);
	if (r == 1)
		read_answer(&element, family, false, ENDPOINT_RANGE, ret);
	if (r != 0)
		return r;
	any.prefix.address.family = AF_UNSPEC;
	key_put_alias(&any_key, &any);
	r = look_up(elements, question, RULESET_ANY, &any_key, &element, error);
	if (r == 1)
		read_answer(&element, family, true, ENDPOINT_ANY, ret);
	return r;
}

static int is_excepted(struct elements *elements, const struct resolve_question *question,
		       struct error *error)
{
	struct nestnet_endpoint alias = make_alias(question);
	struct nft_element key = { .comment = "" }, element;
	int r;

	key_put_alias(&key, &alias);
	r = look_up(elements, question, RULESET_EXCEPT, &key, &element, error);
	return r != 0 ? r
		      : look_up_interval(elements, question, RULESET_EXCEPT_RANGE, &key,
					 &element, error);
}

/* The address at the same place in the target's prefix. */
static void translate(const struct nft_element *element, struct answer *ret,
		      const struct nestnet_address *alias)
{
	size_t len = address_len(alias->family);

	ret->element = *element;
	ret->shape = ENDPOINT_PREFIX;
	key_read_address(element->data, alias->family, &ret->target);
	for (size_t i = 0; i < len; i++)
		ret->target.bytes[i] |= (uint8_t)(alias->bytes[i] & ~element->key[i] &
						  element->key_end[i]);
	ret->port = 0;
}

static int resolve_address(struct elements *elements,
			   const struct resolve_question *question, struct answer *ret,
			   struct error *error)
{
	struct nft_element key = { .comment = "" }, element;
	int r;

	key_put_address(key.key, &question->alias);
	r = look_up(elements, question, RULESET_ADDR, &key, &element, error);
	if (r == 0)
		r = look_up(elements, question, RULESET_ADDR_TIMED, &key, &element, error);
	if (r == 1)
		read_answer(&element, question->alias.family, false, ENDPOINT_ADDRESS, ret);
	if (r != 0)
		return r;
	r = look_up_interval(elements, question, RULESET_PREF, &key, &element, error);
	if (r == 1)
		translate(&element, ret, &question->alias);
	return r;
}

static bool is_expected(const struct resolve_question *question, const struct answer *answer)
{
	uint16_t port = answer->port ? answer->port : question->port;

	return address_equal(&question->target, &answer->target) &&
	       (!has_ports(question->protocol) || question->target_port == port);
}

/* @return 1 where the exposure lets the source in; 0; or a negative errno */
static int admits(struct elements *elements, const struct resolve_question *question,
		  struct answer *answer, struct error *error)
{
	int family = question->alias.family, r = 1;
	struct exposure exposure = { .target.prefix.address.family = family };
	struct nft_element key = answer->element;
	bool is_admitted;

	/* Of a shifted range each port is an element, and the sources are of all of it. */
	if (answer->shape == ENDPOINT_RANGE && answer->port)
		r = look_up_interval(elements, question, RULESET_SHIFT_RANGE, &key,
				     &answer->element, error);
	if (r != 1 || !key_read_alias(&answer->element, family, (int)answer->shape,
				      &exposure.alias))
		return r < 0 ? r : 1;
	r = exposure_read_from(elements, &answer->element, &exposure, error);
	is_admitted = exposure.n_from == 0;
	for (size_t i = 0; !is_admitted && i < exposure.n_from; i++)
		is_admitted = prefix_contains(&exposure.from[i], &question->source);
	exposure_clear(&exposure);
	return r < 0 ? r : is_admitted;
}

int exposure_resolve(struct elements *elements, const struct resolve_question *question,
		     struct error *error)
{
	struct answer answer;
	int r = 0;

	if (has_ports(question->protocol)) {
		r = resolve_port(elements, question, &answer, error);
		if (r == 0) {
			r = is_excepted(elements, question, error);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
	if (r == 0)
		r = resolve_address(elements, question, &answer, error);
	if (r != 1)
		return r;
	if (question->is_expected && !is_expected(question, &answer))
		return 0;
	return question->source.family == AF_UNSPEC
		       ? 1
		       : admits(elements, question, &answer, error);
}

/* ---- Egress ---------------------------------------------------------------------------------- */

/* Whether the element of a target says that it leaves as the alias. */
static bool is_alias_of(const struct nft_element *element,
			const struct nestnet_address *target,
			const struct nestnet_address *alias, bool is_prefix)
{
	struct answer answer;

	if (is_prefix)
		translate(element, &answer, target);
	else
		read_answer(element, target->family, false, ENDPOINT_ADDRESS, &answer);
	return address_equal(&answer.target, alias);
}

static int leaves_as(struct elements *elements, const struct nestnet_address *target,
		     const struct nestnet_address *alias, bool is_before,
		     struct error *error)
{
	struct resolve_question question = { .alias = *target, .is_before = is_before };
	struct nft_element key = { .comment = "" }, element;
	int r;

	key_put_address(key.key, target);
	r = look_up(elements, &question, RULESET_EGRESS, &key, &element, error);
	if (r != 0)
		return r < 0 ? r : is_alias_of(&element, target, alias, false);
	r = look_up_interval(elements, &question, RULESET_EGRESS_PREF, &key, &element, error);
	return r != 1 ? r : is_alias_of(&element, target, alias, true);
}

int exposure_lost_egress(struct elements *elements, const struct nestnet_address *target,
			 const struct nestnet_address *alias, struct error *error)
{
	int r = leaves_as(elements, target, alias, true, error);

	if (r != 1)
		return r;
	r = leaves_as(elements, target, alias, false, error);
	return r < 0 ? r : !r;
}
