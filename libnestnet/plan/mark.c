/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written into alias texts: "nestnet", the kind, and words after that. */

#include "plan/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void mark_write(char *buf, const char *kind, const struct mark *mark)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];
	size_t size = LINK_ALIAS_MAX + 1;
	int len = snprintf(buf, size, "nestnet %s", kind);

	if (mark->queues > 1)
		len += snprintf(buf + len, size - (size_t)len, " queues=%u", mark->queues);
	if (mark->lease.family)
		len += snprintf(buf + len, size - (size_t)len, " lease=%s",
				nestnet_address_format(&mark->lease, first));
	if (mark->dhcp.first.family)
		len += snprintf(buf + len, size - (size_t)len, " dhcp=%s-%s",
				nestnet_address_format(&mark->dhcp.first, first),
				nestnet_address_format(&mark->dhcp.last, last));
	if (mark->has_mac)
		snprintf(buf + len, size - (size_t)len, " mac");
}

static void read_range(char *text, struct nestnet_range *ret)
{
	char *dash = strchr(text, '-');
	struct nestnet_range range;

	if (!dash)
		return;
	*dash = '\0';
	if (nestnet_address_parse(text, &range.first) == 0 &&
	    nestnet_address_parse(dash + 1, &range.last) == 0)
		*ret = range;
}

static void read_word(char *word, struct mark *mark)
{
	unsigned long queues;

	if (strcmp(word, "mac") == 0) {
		mark->has_mac = true;
	} else if (strncmp(word, "queues=", 7) == 0) {
		queues = strtoul(word + 7, NULL, 10);
		if (queues > 0 && queues <= NESTNET_QUEUES_MAX)
			mark->queues = (unsigned int)queues;
	} else if (strncmp(word, "lease=", 6) == 0) {
		if (nestnet_address_parse(word + 6, &mark->lease) < 0)
			mark->lease.family = AF_UNSPEC;
	} else if (strncmp(word, "dhcp=", 5) == 0) {
		read_range(word + 5, &mark->dhcp);
	}
}

void mark_read(const struct link *link, struct mark *ret)
{
	char text[sizeof(link->alias)], *rest = text, *word;

	*ret = (struct mark){ .queues = link->has_multi_queue ? NESTNET_QUEUES_MAX : 1 };
	snprintf(text, sizeof(text), "%s", link->alias);
	word = strsep(&rest, " ");
	if (strcmp(word, "nestnet") != 0)
		return;
	while ((word = strsep(&rest, " ")))
		read_word(word, ret);
	if (!link->has_multi_queue)
		ret->queues = 1;
}
