/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a command line as the library's values. */

#include "parse.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What was meant ----------------------------------------------------------------------- */

#define HINT_MAX 96

/* The prefix without its host bits. @return false: it has none */
static bool find_network(const struct nestnet_prefix *prefix, struct nestnet_prefix *ret)
{
	*ret = *prefix;
	for (unsigned int i = 0; i < sizeof(ret->address.bytes); i++) {
		unsigned int bits = prefix->len > i * 8 ? prefix->len - i * 8 : 0;

		if (bits < 8)
			ret->address.bytes[i] &= (uint8_t)(0xff00 >> bits);
	}
	return memcmp(ret->address.bytes, prefix->address.bytes,
		      sizeof(ret->address.bytes));
}

/* Refuses host bits, with the prefix that has none.
 * @param what  the option or the word that it is, and a blank; or "" */
static bool check_network(const struct cli *cli, const char *what, const char *text,
			  const struct nestnet_prefix *prefix)
{
	struct nestnet_prefix network;
	char buf[NESTNET_TEXT_MAX];

	if (!find_network(prefix, &network))
		return true;
	cli_usage_at(cli, text,
		     "%s'%s': the prefix has host bits set (its network is %s)", what,
		     text, nestnet_prefix_format(&network, buf));
	return false;
}

/* "80:8000", ":80" and "0.0.0.0:80:8000", as others write a port of every address.
 * @return its first digit, or NULL */
static const char *port_of_any(const char *text)
{
	size_t digits;

	if (strncmp(text, "0.0.0.0:", 8) == 0)
		text += 8;
	text += *text == ':';
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[0] == '0' ||
	    strtoul(text, NULL, 10) > 65535 || text[strspn(text, "0123456789:")])
		return NULL;
	return text;
}

/* How it is written here: in parentheses behind a blank, or "". */
static const char *hint(const char *text, bool is_alias, char buf[HINT_MAX])
{
	const char *slash = strchr(text, '/'), *colon = strchr(text, ':'), *port;

	buf[0] = '\0';
	port = is_alias ? port_of_any(text) : NULL;
	if (port)
		snprintf(buf, HINT_MAX, " (a port of every address is *:%.*s)",
			 (int)strcspn(port, ":"), port);
	else if (slash && !colon && strspn(slash + 1, "0123456789") > 2)
		snprintf(buf, HINT_MAX, " (a port comes behind a colon)");
	else if (is_alias && strchr(text, '.') && colon && strchr(colon + 1, ':'))
		snprintf(buf, HINT_MAX, " (the guest's port is TARGET's: ADDRESS:PORT)");
	return buf;
}

/* ---- Words -------------------------------------------------------------------------------- */

static bool refuse_endpoint(const struct cli *cli, const char *text, bool is_alias,
			    const char *why)
{
	const char *what = is_alias ? "alias " : "target ";
	struct nestnet_prefix prefix;
	char buf[HINT_MAX];

	if (strstr(why, "host bits") && nestnet_prefix_parse(text, &prefix) == 0)
		return check_network(cli, what, text, &prefix);
	cli_usage_at(cli, text, "%s'%s': %s%s", what, text, why,
		     hint(text, is_alias, buf));
	return false;
}

bool parse_alias(const struct cli *cli, const char *text, struct nestnet_endpoint *ret)
{
	const char *why;

	return nestnet_alias_parse(text, ret, &why) == 0 ||
	       refuse_endpoint(cli, text, true, why);
}

bool parse_target(const struct cli *cli, const char *text, struct nestnet_endpoint *ret)
{
	const char *why;

	return nestnet_target_parse(text, ret, &why) == 0 ||
	       refuse_endpoint(cli, text, false, why);
}

bool parse_address(const struct cli *cli, const char *text, struct nestnet_address *ret)
{
	if (nestnet_address_parse(text, ret) == 0)
		return true;
	cli_usage_at(cli, text, "'%s': not an IPv4 or IPv6 address", text);
	return false;
}

bool parse_range(const struct cli *cli, const char *text, struct nestnet_range *ret)
{
	if (nestnet_range_parse(text, ret) == 0)
		return true;
	cli_usage_at(cli, text, "'%s': not FIRST-LAST, two addresses", text);
	return false;
}

bool parse_prefix(const struct cli *cli, const char *text, struct nestnet_prefix *ret)
{
	if (strchr(text, '/') && nestnet_prefix_parse(text, ret) == 0)
		return true;
	cli_usage_at(cli, text, "'%s': not ADDRESS/LEN", text);
	return false;
}

bool parse_subnet(const struct cli *cli, const char *text, struct nestnet_prefix *ret)
{
	return parse_prefix(cli, text, ret) && check_network(cli, "", text, ret);
}

static bool append(const struct cli *cli, const struct nestnet_prefix *prefix,
		   struct prefix_list *list)
{
	struct nestnet_prefix *grown = reallocarray(list->list, list->n + 1, sizeof(*grown));

	if (!grown)
		cli_end_without_memory(cli);
	list->list = grown;
	grown[list->n++] = *prefix;
	return true;
}

bool parse_prefix_into(const struct cli *cli, const char *text, struct prefix_list *list)
{
	struct nestnet_prefix prefix;

	return parse_prefix(cli, text, &prefix) && append(cli, &prefix, list);
}

bool parse_alias_prefix(const struct cli *cli, const char *text,
			struct nestnet_prefix *ret)
{
	if (nestnet_prefix_parse(text, ret) == 0)
		return check_network(cli, "", text, ret);
	cli_usage_at(cli, text, "'%s': not an address or ADDRESS/LEN", text);
	return false;
}

bool parse_source_into(const struct cli *cli, const char *text, struct prefix_list *list)
{
	struct nestnet_prefix prefix;

	if (nestnet_prefix_parse(text, &prefix) < 0) {
		cli_usage_at(cli, text, "--from '%s': not an address or ADDRESS/LEN", text);
		return false;
	}
	return check_network(cli, "--from ", text, &prefix) && append(cli, &prefix, list);
}

bool parse_egress(const struct cli *cli, const char *text, enum nestnet_egress *ret)
{
	if (strcmp(text, "masquerade") == 0)
		*ret = NESTNET_EGRESS_MASQUERADE;
	else if (strcmp(text, "alias") == 0)
		*ret = NESTNET_EGRESS_ALIAS;
	else if (strcmp(text, "none") == 0)
		*ret = NESTNET_EGRESS_NONE;
	else {
		cli_usage_at(cli, text, "--egress '%s': it is masquerade, alias or none", text);
		return false;
	}
	return true;
}

bool parse_ifname(const struct cli *cli, const char *text)
{
	if (text[0] && strlen(text) < NESTNET_IFNAMSIZ && !strpbrk(text, "/: \t\n\v\f\r"))
		return true;
	cli_usage_at(cli, text, "'%s': no interface has such a name", text);
	return false;
}

bool parse_mac(const struct cli *cli, const char *text, uint8_t ret[6])
{
	if (nestnet_mac_parse(text, ret) == 0)
		return true;
	cli_usage_at(cli, text, "'%s' is not a MAC address such as 02:00:00:12:34:56", text);
	return false;
}

/* ---- Guards ----------------------------------------------------------------------------- */

/* Cuts a word off at the next comma. @return it; *rest is NULL behind the last */
static char *next_word(char **rest)
{
	char *word = *rest, *comma = strchr(word, ',');

	*rest = comma ? comma + 1 : NULL;
	if (comma)
		*comma = '\0';
	return word;
}

static size_t count_commas(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

/* Reads the words of a guard, of which copy is taken apart. */
static bool read_guard(const struct cli *cli, const char *text, char *copy,
		       struct nestnet_guard *guard, struct nestnet_address *addresses)
{
	const char *word = next_word(&copy);

	if (nestnet_mac_parse(word, guard->mac) < 0) {
		cli_usage_at(cli, text, "--guard '%s': not MAC[,ADDRESS...] such as "
			  "52:54:00:12:34:56,192.168.122.89",
			  text);
		return false;
	}
	while (copy) {
		word = next_word(&copy);
		if (nestnet_address_parse(word, &addresses[guard->n_addresses]) < 0) {
			cli_usage_at(cli, text, "--guard '%s': '%s' is not an IPv4 or IPv6 address",
				  text, word);
			return false;
		}
		guard->n_addresses++;
	}
	return true;
}

bool parse_guard_into(const struct cli *cli, const char *text, struct guard_list *list)
{
	struct nestnet_address *addresses = calloc(count_commas(text) + 1, sizeof(*addresses));
	struct nestnet_guard *grown = reallocarray(list->list, list->n + 1, sizeof(*grown));
	char *copy = strdup(text);
	bool is_read = false;

	if (!addresses || !grown || !copy)
		cli_end_without_memory(cli);
	list->list = grown;
	grown[list->n] = (struct nestnet_guard){ .addresses = addresses };
	is_read = read_guard(cli, text, copy, &grown[list->n], addresses);
	if (is_read)
		list->n++;
	else
		free(addresses);
	free(copy);
	return is_read;
}

void free_guards(struct guard_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free((struct nestnet_address *)list->list[i].addresses);
	free(list->list);
}

bool parse_number(const struct cli *cli, const char *what, const char *text, uint32_t least,
		  uint32_t most, uint32_t *ret)
{
	size_t len = strlen(text);
	unsigned long long number = strtoull(text, NULL, 10);

	if (len > 0 && len <= 10 && strspn(text, "0123456789") == len && number >= least &&
	    number <= most) {
		*ret = (uint32_t)number;
		return true;
	}
	cli_usage_at(cli, text, "%s '%s': not a number from %u to %u", what, text, least, most);
	return false;
}

bool parse_ports(const struct cli *cli, const char *text, struct nestnet_endpoint *ret)
{
	const char *why;

	if (nestnet_ports_parse(text, ret, &why) == 0)
		return true;
	cli_usage_at(cli, text, "--except '%s': %s", text, why);
	return false;
}

bool parse_time(const struct cli *cli, const char *text, uint64_t *ret_ms)
{
	if (nestnet_time_parse(text, ret_ms) == 0)
		return true;
	cli_usage_at(cli, text, "--timeout '%s': not a time such as 90s, 15m, 2h or 7d", text);
	return false;
}

bool parse_mtu(const struct cli *cli, const char *text, uint32_t *ret)
{
	if (strcmp(text, "auto") == 0) {
		*ret = 0;
		return true;
	}
	return parse_number(cli, "--mtu", text, 68, 65535, ret);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

bool parse_user(const struct cli *cli, const char *text, uint32_t *ret)
{
	const struct passwd *user;

	if (is_number(text))
		return parse_number(cli, "--owner", text, 0, UINT32_MAX - 1, ret);
	user = getpwnam(text);
	if (!user) {
		cli_usage_at(cli, text, "--owner '%s': no such user", text);
		return false;
	}
	*ret = user->pw_uid;
	return true;
}

bool parse_group(const struct cli *cli, const char *text, uint32_t *ret)
{
	const struct group *group;

	if (is_number(text))
		return parse_number(cli, "--group", text, 0, UINT32_MAX - 1, ret);
	group = getgrnam(text);
	if (!group) {
		cli_usage_at(cli, text, "--group '%s': no such group", text);
		return false;
	}
	*ret = group->gr_gid;
	return true;
}
