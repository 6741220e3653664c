/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys and values of the elements that exposures are made of. */

#include "table/exposure-key.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

size_t key_put(uint8_t *bytes, size_t at, const void *value, size_t len)
{
	memcpy(bytes + at, value, len);
	return at + ((len + 3) & ~(size_t)3);
}

size_t key_put_address(uint8_t *bytes, const struct nestnet_address *address)
{
	return key_put(bytes, 0, address->bytes, address_len(address->family));
}

static size_t put_port(uint8_t *bytes, size_t at, uint16_t port)
{
	uint16_t field = htons(port);

	return key_put(bytes, at, &field, sizeof(field));
}

void key_put_number(uint8_t *key, const struct nestnet_address *address, uint16_t number)
{
	put_port(key, key_put_address(key, address), number);
}

void key_put_prefix(struct nft_element *element, const struct nestnet_prefix *prefix)
{
	struct nestnet_prefix network = prefix_network(prefix);
	struct nestnet_address last = prefix_last(prefix);

	key_put_address(element->key, &network.address);
	if (!prefix_is_address(prefix))
		key_put_address(element->key_end, &last);
}

static void put_ports(uint8_t *key, size_t at, unsigned int protocol, uint16_t port)
{
	uint8_t field = (uint8_t)protocol;

	put_port(key, key_put(key, at, &field, sizeof(field)), port);
}

void key_put_alias(struct nft_element *element, const struct nestnet_endpoint *alias)
{
	const struct nestnet_address *address = &alias->prefix.address;

	switch (endpoint_shape(alias)) {
	case ENDPOINT_ADDRESS:
	case ENDPOINT_PREFIX:
		key_put_prefix(element, &alias->prefix);
		break;
	case ENDPOINT_ANY:
		put_ports(element->key, 0, alias->protocol, alias->first_port);
		break;
	case ENDPOINT_RANGE:
		put_ports(element->key_end, key_put_address(element->key_end, address),
			  alias->protocol, alias->last_port);
		__attribute__((fallthrough));
	case ENDPOINT_PORT:
		put_ports(element->key, key_put_address(element->key, address),
			  alias->protocol, alias->first_port);
		break;
	}
}

void key_put_target(struct nft_element *element, const struct nestnet_endpoint *target,
		    bool has_port)
{
	struct nestnet_prefix network = prefix_network(&target->prefix);
	struct nestnet_address last = prefix_last(&target->prefix);
	size_t at = key_put_address(element->data, &network.address);

	if (has_port)
		put_port(element->data, at, target->first_port);
	else if (!prefix_is_address(&target->prefix))
		key_put(element->data, at, last.bytes, address_len(last.family));
}

/* ---- Reading ------------------------------------------------------------------------------- */

void key_read_address(const uint8_t *bytes, int family, struct nestnet_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	memcpy(ret->bytes, bytes, address_len(family));
}

static uint16_t read_port(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void read_ports(const struct nft_element *element, size_t at, bool has_range,
		       struct nestnet_endpoint *ret)
{
	ret->protocol = element->key[at];
	ret->first_port = ret->last_port = read_port(element->key + at + 4);
	if (has_range)
		ret->last_port = read_port(element->key_end + at + 4);
}

bool key_read_alias(const struct nft_element *element, int family, int shape,
		    struct nestnet_endpoint *ret)
{
	struct nestnet_address last;

	memset(ret, 0, sizeof(*ret));
	if (shape == ENDPOINT_ANY) {
		read_ports(element, 0, false, ret);
		return true;
	}
	key_read_address(element->key, family, &ret->prefix.address);
	ret->prefix.len = address_bits(family);
	if (shape == ENDPOINT_PORT || shape == ENDPOINT_RANGE) {
		read_ports(element, address_len(family), shape == ENDPOINT_RANGE, ret);
		return true;
	}
	if (shape == ENDPOINT_ADDRESS)
		return true;
	key_read_address(element->key_end, family, &last);
	return prefix_from_range(&ret->prefix.address, &last, &ret->prefix);
}

void key_read_target(const struct nft_element *element, int family, bool has_port,
		     const struct nestnet_endpoint *alias, struct nestnet_endpoint *ret)
{
	uint16_t ports = (uint16_t)(alias->last_port - alias->first_port);

	memset(ret, 0, sizeof(*ret));
	key_read_address(element->data, family, &ret->prefix.address);
	ret->prefix.len = address_bits(family);
	if (alias->prefix.address.family != AF_UNSPEC)
		ret->prefix.len = alias->prefix.len;
	ret->first_port = has_port ? read_port(element->data + address_len(family))
				   : alias->first_port;
	ret->last_port = (uint16_t)(ret->first_port + ports);
}
