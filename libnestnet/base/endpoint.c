/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of ALIAS and TARGET: ADDRESS[/LEN], ADDRESS:PORT[-PORT][/PROTO], *:PORT. */

#include "base/endpoint.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned int number;
} protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
};

const char *protocol_name(unsigned int protocol)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (protocols[i].number == protocol)
			return protocols[i].name;
	}
	return "";
}

unsigned int protocol_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcmp(protocols[i].name, name) == 0)
			return protocols[i].number;
	}
	return 0;
}

enum endpoint_shape endpoint_shape(const struct nestnet_endpoint *endpoint)
{
	if (endpoint->prefix.address.family == AF_UNSPEC)
		return ENDPOINT_ANY;
	if (endpoint->first_port != endpoint->last_port)
		return ENDPOINT_RANGE;
	if (endpoint->first_port != 0)
		return ENDPOINT_PORT;
	return prefix_is_address(&endpoint->prefix) ? ENDPOINT_ADDRESS : ENDPOINT_PREFIX;
}

int endpoint_family(const struct nestnet_endpoint *endpoint)
{
	return endpoint->prefix.address.family;
}

int endpoint_compare(const struct nestnet_endpoint *a, const struct nestnet_endpoint *b)
{
	int order = address_compare(&a->prefix.address, &b->prefix.address);

	if (order != 0)
		return order;
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->first_port != b->first_port)
		return a->first_port < b->first_port ? -1 : 1;
	return (a->last_port > b->last_port) - (a->last_port < b->last_port);
}

bool endpoint_equal(const struct nestnet_endpoint *a, const struct nestnet_endpoint *b)
{
	return endpoint_compare(a, b) == 0;
}

/* ---- Values ------------------------------------------------------------------------------ */

static const char *check_unicast(const struct nestnet_prefix *prefix)
{
	const char *why = address_why_not_unicast(&prefix->address);

	if (why || prefix_is_address(prefix))
		return why;
	return prefix_has_host_bits(prefix) ? "the prefix has host bits set"
					    : prefix_why_not_unicast(prefix);
}

static const char *ports_why_not(const struct nestnet_endpoint *endpoint, bool is_alias)
{
	static const char mixed[] = "ports and protocol do not belong together";
	unsigned int protocol = is_alias ? endpoint->protocol : 0;

	if (endpoint->first_port == 0)
		return endpoint->last_port || protocol ? mixed : NULL;
	if (endpoint->last_port == 0)
		return "a port is a number from 1 to 65535";
	if (endpoint->last_port < endpoint->first_port)
		return "the port range is backwards";
	if (is_alias && protocol == 0)
		return mixed;
	return is_alias && !protocol_name(protocol)[0]
		       ? "the protocol is tcp, udp or sctp"
		       : NULL;
}

const char *endpoint_why_not(const struct nestnet_endpoint *endpoint, bool is_alias)
{
	const struct nestnet_prefix *prefix = &endpoint->prefix;
	int family = prefix->address.family;
	const char *why = NULL;

	if ((family != AF_INET && family != AF_INET6 && family != AF_UNSPEC) ||
	    (family != AF_UNSPEC && prefix->len > address_bits(family)))
		return "not an IPv4 or IPv6 address";
	if (family == AF_UNSPEC && !is_alias)
		return "not an IPv4 or IPv6 address";
	if (family == AF_UNSPEC && endpoint->first_port == 0)
		return "* takes a port: *:PORT";
	if (family != AF_UNSPEC && endpoint->first_port && !prefix_is_address(prefix))
		return "ports go with one address, not with a prefix";
	if (family != AF_UNSPEC)
		why = check_unicast(prefix);
	return why ? why : ports_why_not(endpoint, is_alias);
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* Reads digits up to the first other character. @return that character, or NULL */
static const char *parse_port(const char *text, uint16_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port;

	if (digits == 0 || digits > 5 || text[0] == '0')
		return NULL;
	port = strtoul(text, NULL, 10);
	if (port > 65535)
		return NULL;
	*ret = (uint16_t)port;
	return text + digits;
}

/* PORT[-PORT][/PROTO] @return NULL, or what is wrong */
static const char *parse_ports(const char *text, bool has_protocol,
			       struct nestnet_endpoint *ret)
{
	const char *at = parse_port(text, &ret->first_port);

	if (!at)
		return "a port is a number from 1 to 65535";
	ret->last_port = ret->first_port;
	if (*at == '-') {
		at = parse_port(at + 1, &ret->last_port);
		if (!at)
			return "a port is a number from 1 to 65535";
	}
	if (*at == '/' && !has_protocol)
		return "a target takes its protocol from the alias";
	if (*at == '/') {
		ret->protocol = protocol_from_name(at + 1);
		return ret->protocol ? NULL : "the protocol is tcp, udp or sctp";
	}
	if (*at != '\0')
		return "a port is a number from 1 to 65535";
	ret->protocol = has_protocol ? IPPROTO_TCP : 0;
	return NULL;
}

/* Splits text into the address and, where one follows, the ports. @return NULL, or what
 * is wrong */
static const char *split(const char *text, char *address, size_t size, const char **ret_ports)
{
	const char *start = text, *end, *colon = strrchr(text, ':');
	bool is_bracketed = text[0] == '[';

	*ret_ports = NULL;
	if (is_bracketed) {
		start = text + 1;
		end = strchr(text, ']');
		if (!end)
			return "the bracket is not closed";
		if (end[1] == ':')
			*ret_ports = end + 2;
		else if (end[1] != '\0')
			return "after the bracket comes :PORT";
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
		*ret_ports = colon + 1;
	} else {
		end = text + strlen(text);
	}

	if ((size_t)(end - start) >= size)
		return "not an IPv4 or IPv6 address";
	memcpy(address, start, (size_t)(end - start));
	address[end - start] = '\0';
	if (is_bracketed && !strchr(address, ':'))
		return "brackets are for IPv6 addresses";
	return NULL;
}

static const char *parse_endpoint(const char *text, bool is_alias,
				  struct nestnet_endpoint *ret)
{
	char address[NESTNET_TEXT_MAX];
	const char *ports, *why = split(text, address, sizeof(address), &ports);

	if (why)
		return why;
	if (ports && strchr(address, '/'))
		return "ports go with one address, not with a prefix";
	if (strcmp(address, "*") == 0 && is_alias) {
		ret->prefix.address.family = AF_UNSPEC;
	} else if (nestnet_prefix_parse(address, &ret->prefix) < 0) {
		return strchr(address, '/') ? "not an IPv4 or IPv6 prefix"
					    : "not an IPv4 or IPv6 address";
	}
	if (ports)
		why = parse_ports(ports, is_alias, ret);
	return why ? why : endpoint_why_not(ret, is_alias);
}

static int parse(const char *text, bool is_alias, struct nestnet_endpoint *ret,
		 const char **ret_why)
{
	struct nestnet_endpoint endpoint = { .protocol = 0 };
	const char *why = parse_endpoint(text, is_alias, &endpoint);

	if (why) {
		if (ret_why)
			*ret_why = why;
		return -EINVAL;
	}
	*ret = endpoint;
	return 0;
}

int nestnet_alias_parse(const char *text, struct nestnet_endpoint *ret, const char **ret_why)
{
	return parse(text, true, ret, ret_why);
}

int nestnet_target_parse(const char *text, struct nestnet_endpoint *ret, const char **ret_why)
{
	return parse(text, false, ret, ret_why);
}

int nestnet_ports_parse(const char *text, struct nestnet_endpoint *ret,
			const char **ret_why)
{
	struct nestnet_endpoint endpoint = { .protocol = 0 };
	const char *why = parse_ports(text, true, &endpoint);

	if (!why)
		why = ports_why_not(&endpoint, true);
	if (why) {
		if (ret_why)
			*ret_why = why;
		return -EINVAL;
	}
	*ret = endpoint;
	return 0;
}

/* ---- Writing ----------------------------------------------------------------------------- */

const char *nestnet_endpoint_format(const struct nestnet_endpoint *endpoint, char *buf)
{
	char address[NESTNET_TEXT_MAX], last[8] = "", protocol[8] = "";
	const char *open = "", *close = "";

	if (endpoint->first_port == 0)
		return nestnet_prefix_format(&endpoint->prefix, buf);
	nestnet_prefix_format(&endpoint->prefix, address);
	if (endpoint->prefix.address.family == AF_INET6) {
		open = "[";
		close = "]";
	}
	if (endpoint->last_port != endpoint->first_port)
		snprintf(last, sizeof(last), "-%u", endpoint->last_port);
	if (endpoint->protocol)
		snprintf(protocol, sizeof(protocol), "/%s",
			 protocol_name(endpoint->protocol));
	snprintf(buf, NESTNET_TEXT_MAX, "%s%.46s%s:%u%s%s", open, address, close,
		 endpoint->first_port, last, protocol);
	return buf;
}
