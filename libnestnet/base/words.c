/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words that stand for themselves: MAC addresses, times. */

#include <nestnet/nestnet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int nestnet_mac_parse(const char *text, uint8_t ret[6])
{
	uint8_t mac[6];

	for (size_t i = 0; i < sizeof(mac); i++, text += 3) {
		int high = digit(text[0]);
		int low = high < 0 ? -1 : digit(text[1]);

		if (low < 0 || text[2] != (i < sizeof(mac) - 1 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

const char *nestnet_mac_format(const uint8_t mac[6], char *buf)
{
	snprintf(buf, NESTNET_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

/* Nine digits of the largest unit are far from the end of a number of 64 bits. */
#define DIGITS_MAX 9

int nestnet_time_parse(const char *text, uint64_t *ret_ms)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 }
	};
	uint64_t number = 0;
	size_t n = 0;

	for (; n < DIGITS_MAX && digit(text[n]) >= 0 && digit(text[n]) <= 9; n++)
		number = number * 10 + (uint64_t)digit(text[n]);
	if (number == 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[n] == units[i].unit && text[n + 1] == '\0') {
			*ret_ms = number * units[i].ms;
			return 0;
		}
	}
	return -EINVAL;
}
