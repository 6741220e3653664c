/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases as dnsmasq keeps them: a line each, "END MAC ADDRESS NAME CLIENT-ID", END in seconds
 * since 1970, or 0 where there is none. Those of DHCPv6 name no MAC address, and are passed
 * over. The file is another program's: of what it says, only what can be is taken.
 */

#include "plan/leases.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static bool read_lease(const char *line, uint8_t mac[6], struct nestnet_address *ret)
{
	char text[16]; /* an IPv4 address and its NUL */
	unsigned int m[6];
	long long end;

	if (sscanf(line, "%lld %2x:%2x:%2x:%2x:%2x:%2x %15s", &end, &m[0], &m[1], &m[2], &m[3],
		   &m[4], &m[5], text) != 8)
		return false;
	for (size_t i = 0; i < 6; i++)
		mac[i] = (uint8_t)m[i];
	return (end == 0 || end > (long long)time(NULL)) &&
	       nestnet_address_parse(text, ret) == 0 && ret->family == AF_INET;
}

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

int leases_each(const char *bridge, lease_fn fn, void *userdata)
{
	_cleanup_(cleanup_file) FILE *file = NULL;
	struct nestnet_address address;
	char path[128], line[1024];
	uint8_t mac[6];
	int r = 0;

	snprintf(path, sizeof(path), NESTNET_LEASES, bridge);
	file = fopen(path, "re");
	while (file && r == 0 && fgets(line, sizeof(line), file)) {
		if (read_lease(line, mac, &address))
			r = fn(userdata, mac, &address);
	}
	return r;
}
