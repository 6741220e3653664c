/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a command line as the library's values. */

#include "parse.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool parse_alias(const struct cli *cli, const char *text, struct nestnet_endpoint *ret)
{
	const char *why;

	if (nestnet_alias_parse(text, ret, &why) == 0)
		return true;
	cli_usage_at(cli, text, "alias '%s': %s", text, why);
	return false;
}

bool parse_target(const struct cli *cli, const char *text, struct nestnet_endpoint *ret)
{
	const char *why;

	if (nestnet_target_parse(text, ret, &why) == 0)
		return true;
	cli_usage_at(cli, text, "target '%s': %s", text, why);
	return false;
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
		return true;
	cli_usage(cli, "'%s': not an address or ADDRESS/LEN", text);
	return false;
}

bool parse_source_into(const struct cli *cli, const char *text, struct prefix_list *list)
{
	struct nestnet_prefix prefix;

	if (nestnet_prefix_parse(text, &prefix) < 0) {
		cli_usage_at(cli, text, "--from '%s': not an address or ADDRESS/LEN", text);
		return false;
	}
	return append(cli, &prefix, list);
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
