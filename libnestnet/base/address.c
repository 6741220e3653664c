/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and prefixes: text, comparison, arithmetic on their bits. */

#include "base/address.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t address_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

unsigned int address_bits(int family)
{
	return (unsigned int)address_len(family) * 8;
}

int address_compare(const struct nestnet_address *a, const struct nestnet_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, address_len(a->family));
}

bool address_equal(const struct nestnet_address *a, const struct nestnet_address *b)
{
	return address_compare(a, b) == 0;
}

/* ---- Prefixes ------------------------------------------------------------------------- */

/* Calls for each byte: how many of its bits belong to the prefix, as a mask. */
static uint8_t byte_mask(unsigned int len, size_t byte)
{
	unsigned int before = (unsigned int)byte * 8;

	if (len >= before + 8)
		return 0xff;
	if (len <= before)
		return 0;
	return (uint8_t)(0xff << (8 - (len - before)));
}

bool address_is_link_local(const struct nestnet_address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

struct nestnet_prefix prefix_of_address(const struct nestnet_address *address)
{
	return (struct nestnet_prefix){ .address = *address,
					.len = address_bits(address->family) };
}

bool prefix_equal(const struct nestnet_prefix *a, const struct nestnet_prefix *b)
{
	return a->len == b->len && address_equal(&a->address, &b->address);
}

struct nestnet_prefix prefix_network(const struct nestnet_prefix *prefix)
{
	struct nestnet_prefix network = *prefix;

	if (prefix_is_address(prefix))
		return network;
	for (size_t i = 0; i < address_len(prefix->address.family); i++)
		network.address.bytes[i] &= byte_mask(prefix->len, i);
	return network;
}

struct nestnet_address prefix_last(const struct nestnet_prefix *prefix)
{
	struct nestnet_address last = prefix->address;

	if (prefix_is_address(prefix))
		return last;
	for (size_t i = 0; i < address_len(last.family); i++)
		last.bytes[i] |= (uint8_t)~byte_mask(prefix->len, i);
	return last;
}

bool prefix_has_host_bits(const struct nestnet_prefix *prefix)
{
	struct nestnet_prefix network = prefix_network(prefix);

	return !address_equal(&network.address, &prefix->address);
}

bool prefix_contains(const struct nestnet_prefix *prefix,
		     const struct nestnet_address *address)
{
	const uint8_t *ours = prefix->address.bytes, *theirs = address->bytes;
	size_t whole = prefix->len / 8;

	if (prefix->address.family != address->family)
		return false;
	/* Most differ in the first byte. */
	for (size_t i = 0; i < whole; i++) {
		if (ours[i] != theirs[i])
			return false;
	}
	return whole >= address_len(address->family) ||
	       ((ours[whole] ^ theirs[whole]) & byte_mask(prefix->len, whole)) == 0;
}

bool prefix_overlaps(const struct nestnet_prefix *a, const struct nestnet_prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->address)
				: prefix_contains(b, &a->address);
}

bool prefix_is_address(const struct nestnet_prefix *prefix)
{
	return prefix->len == address_bits(prefix->address.family);
}

bool prefix_from_range(const struct nestnet_address *first,
		       const struct nestnet_address *last, struct nestnet_prefix *ret)
{
	struct nestnet_prefix prefix = { .address = *first };

	for (prefix.len = 0; prefix.len <= address_bits(first->family); prefix.len++) {
		struct nestnet_address end = prefix_last(&prefix);

		if (!prefix_has_host_bits(&prefix) && address_equal(&end, last)) {
			*ret = prefix;
			return true;
		}
	}
	return false;
}

/* ---- What can be a host's ----------------------------------------------------------------- */

/* What is no host's that packets could be forwarded to; the first that fits has the word. */
static const struct {
	struct nestnet_prefix prefix;
	const char *why;
} refused[] = {
	{ { { AF_INET, { 0 } }, 8 }, "not a host's address" },
	{ { { AF_INET, { 127 } }, 8 }, "a loopback address" },
	{ { { AF_INET, { 224 } }, 4 }, "a multicast address" },
	{ { { AF_INET, { 255, 255, 255, 255 } }, 32 }, "the broadcast address" },
	{ { { AF_INET, { 240 } }, 4 }, "a reserved address" },
	{ { { AF_INET6, { 0 } }, 128 }, "not a host's address" },
	{ { { AF_INET6, { [15] = 1 } }, 128 }, "a loopback address" },
	{ { { AF_INET6, { 0xff } }, 8 }, "a multicast address" },
	{ { { AF_INET6, { 0xfe, 0x80 } }, 10 }, "a link-local address" },
	{ { { AF_INET6, { [10] = 0xff, 0xff } }, 96 }, "an IPv4-mapped address" },
};

const char *prefix_why_not_unicast(const struct nestnet_prefix *prefix)
{
	const char *why = address_why_not_unicast(&prefix->address);

	if (why || prefix_is_address(prefix))
		return why;
	for (size_t i = 0; !why && i < ARRAY_SIZE(refused); i++) {
		if (prefix_overlaps(&refused[i].prefix, prefix))
			why = "the prefix takes in addresses that no host can have";
	}
	return why;
}

const char *address_why_not_unicast(const struct nestnet_address *address)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (refused[i].prefix.address.family == address->family &&
		    prefix_contains(&refused[i].prefix, address))
			return refused[i].why;
	}
	return NULL;
}

const char *address_why_not_own(const struct nestnet_prefix *own)
{
	const char *why = address_why_not_unicast(&own->address);
	struct nestnet_address last;

	if (why || own->address.family != AF_INET || own->len >= 31)
		return why;
	if (!prefix_has_host_bits(own))
		return "the address of a network, and of no host in it";
	last = prefix_last(own);
	return address_equal(&own->address, &last)
		       ? "the broadcast address of its network"
		       : NULL;
}

/* ---- Text ------------------------------------------------------------------------------ */

/* What inet_pton() takes, in a fifth of the time: four decimal numbers without zeros in
 * front, and nothing else. */
static bool parse_ipv4(const char *text, uint8_t *ret)
{
	for (size_t i = 0; i < 4; i++) {
		unsigned int value = 0;
		size_t digits = 0;

		for (; *text >= '0' && *text <= '9'; text++) {
			value = value * 10 + (unsigned int)(*text - '0');
			if (++digits > 1 && value < 10)
				return false;
			if (value > 255)
				return false;
		}
		if (digits == 0 || *text++ != (i < 3 ? '.' : '\0'))
			return false;
		ret[i] = (uint8_t)value;
	}
	return true;
}

int nestnet_address_parse(const char *text, struct nestnet_address *ret)
{
	struct nestnet_address address = { .family = AF_INET };

	if (strchr(text, ':')) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return -EINVAL;
	} else if (!parse_ipv4(text, address.bytes)) {
		return -EINVAL;
	}
	*ret = address;
	return 0;
}

static int parse_prefix_len(const char *text, unsigned int bits, unsigned int *ret)
{
	unsigned int len = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -EINVAL;
	if (digits > 1 && text[0] == '0')
		return -EINVAL;
	len = (unsigned int)strtoul(text, NULL, 10);
	if (len > bits)
		return -EINVAL;
	*ret = len;
	return 0;
}

int nestnet_prefix_parse(const char *text, struct nestnet_prefix *ret)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct nestnet_prefix prefix;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (nestnet_address_parse(address, &prefix.address) < 0)
		return -EINVAL;

	prefix.len = address_bits(prefix.address.family);
	if (slash && parse_prefix_len(slash + 1, prefix.len, &prefix.len) < 0)
		return -EINVAL;
	*ret = prefix;
	return 0;
}

int nestnet_range_parse(const char *text, struct nestnet_range *ret)
{
	const char *dash = strchr(text, '-');
	char first[INET6_ADDRSTRLEN];
	struct nestnet_range range;

	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (nestnet_address_parse(first, &range.first) < 0 ||
	    nestnet_address_parse(dash + 1, &range.last) < 0 ||
	    range.first.family != range.last.family)
		return -EINVAL;
	*ret = range;
	return 0;
}

/* As inet_ntop() does, which takes a printf for it: lists of thousands are made of these.
 * @return the NUL behind it */
static char *put_decimal(char *buf, unsigned int value)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n > 0)
		*buf++ = digits[--n];
	*buf = '\0';
	return buf;
}

/* The same of less than 256. */
static char *put_byte(char *buf, unsigned int byte)
{
	if (byte >= 100)
		*buf++ = (char)('0' + byte / 100);
	if (byte >= 10)
		*buf++ = (char)('0' + byte / 10 % 10);
	*buf++ = (char)('0' + byte % 10);
	return buf;
}

const char *nestnet_address_format(const struct nestnet_address *address, char *buf)
{
	char *end = buf;

	if (address->family == AF_UNSPEC)
		return memcpy(buf, "*", 2);
	if (address->family == AF_INET) {
		for (size_t i = 0; i < 4; i++) {
			end = put_byte(end, address->bytes[i]);
			*end++ = '.';
		}
		end[-1] = '\0';
		return buf;
	}
	if (!inet_ntop(address->family, address->bytes, buf, NESTNET_TEXT_MAX))
		buf[0] = '\0';
	return buf;
}

const char *nestnet_prefix_format(const struct nestnet_prefix *prefix, char *buf)
{
	char *end;

	nestnet_address_format(&prefix->address, buf);
	if (prefix->address.family == AF_UNSPEC || prefix_is_address(prefix))
		return buf;
	end = buf + strlen(buf);
	*end++ = '/';
	put_decimal(end, prefix->len);
	return buf;
}
