/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that come from outside, held against what the kernel, nft and sysctl take. */

#include "base/name.h"

#include <nestnet/nestnet.h>
#include <stdio.h>
#include <string.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *why_not_name(const char *name, size_t len)
{
	if (len == 0)
		return "an interface name is not empty";
	if (len >= NESTNET_IFNAMSIZ)
		return "an interface name has at most 15 characters";
	if (!strchr(ALNUM, name[0]))
		return "an interface name starts with a letter or a digit";
	if (strspn(name, ALNUM "_.-") < len)
		return "an interface name is of letters, digits and _ . -";
	return NULL;
}

const char *name_why_not_interface(const char *name)
{
	if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0)
		return "not an interface name: sysctls use it for something else";
	return why_not_name(name, strlen(name));
}

const char *name_why_not_pattern(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || strcmp(name + len - 2, "%d") != 0)
		return name_why_not_interface(name);
	if (len - 2 + 3 >= NESTNET_IFNAMSIZ) /* three digits, as many as we need */
		return "an interface name has at most 15 characters, three of them for %d";
	return why_not_name(name, len - 2);
}

const char *name_why_not_mac(const uint8_t *mac)
{
	static const uint8_t zeros[6];

	if (mac[0] & 1)
		return "the MAC address is a multicast address";
	if (memcmp(mac, zeros, sizeof(zeros)) == 0)
		return "the MAC address is zero";
	return NULL;
}

const char *name_why_not_comment(const char *comment)
{
	size_t len = strlen(comment);

	if (len == 0)
		return "a comment is not empty";
	if (len > NESTNET_COMMENT_MAX)
		return "a comment has at most 127 characters";
	if (strspn(comment, ALNUM " _.:/@+=,-") < len)
		return "a comment is of letters, digits, spaces and _ . : / @ + = , -";
	return NULL;
}
