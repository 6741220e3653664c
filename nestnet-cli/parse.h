/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_PARSE_H
#define NESTNET_CLI_PARSE_H

/* The words of a command line as the library's values. Each function says what is wrong,
 * with what, and returns false. */

#include "command.h"

bool parse_alias(const struct cli *cli, const char *text, struct nestnet_endpoint *ret);
bool parse_target(const struct cli *cli, const char *text, struct nestnet_endpoint *ret);
bool parse_address(const struct cli *cli, const char *text, struct nestnet_address *ret);
/** FIRST-LAST, two IPv4 addresses. */
bool parse_range(const struct cli *cli, const char *text, struct nestnet_range *ret);
bool parse_prefix(const struct cli *cli, const char *text, struct nestnet_prefix *ret);
/** ADDRESS/LEN without host bits; the same, or one address. */
bool parse_subnet(const struct cli *cli, const char *text, struct nestnet_prefix *ret);
bool parse_alias_prefix(const struct cli *cli, const char *text,
			struct nestnet_prefix *ret);
bool parse_egress(const struct cli *cli, const char *text, enum nestnet_egress *ret);
/** A name that an interface could have, perhaps one of others. */
bool parse_ifname(const struct cli *cli, const char *text);
bool parse_mac(const struct cli *cli, const char *text, uint8_t ret[6]);
bool parse_user(const struct cli *cli, const char *text, uint32_t *ret);
bool parse_group(const struct cli *cli, const char *text, uint32_t *ret);

/** A decimal number from least to most; what is its name in the sentence. */
bool parse_number(const struct cli *cli, const char *what, const char *text, uint32_t least,
		  uint32_t most, uint32_t *ret);

/** PORT[-PORT][/PROTO] as an endpoint of every address. */
bool parse_ports(const struct cli *cli, const char *text, struct nestnet_endpoint *ret);

/** 90s, 15m, 2h, 7d in milliseconds. */
bool parse_time(const struct cli *cli, const char *text, uint64_t *ret_ms);

/** N bytes, or auto as 0. */
bool parse_mtu(const struct cli *cli, const char *text, uint32_t *ret);

/** Addresses that options gather. */
struct prefix_list {
	struct nestnet_prefix *list;
	size_t n;
};

/** Reads a prefix and appends it; list is to be freed. */
bool parse_prefix_into(const struct cli *cli, const char *text, struct prefix_list *list);

/** The same, of a prefix or one address. */
bool parse_source_into(const struct cli *cli, const char *text, struct prefix_list *list);
/** Guards that options gather, their addresses among them. */
struct guard_list {
	struct nestnet_guard *list;
	size_t n;
};

/** Reads MAC[,ADDRESS...] and appends it; free_guards() frees the list. */
bool parse_guard_into(const struct cli *cli, const char *text, struct guard_list *list);
void free_guards(struct guard_list *list);

#endif
