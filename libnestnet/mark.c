/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written into alias texts. */

#include "mark.h"

#include <stdio.h>
#include <string.h>

#define MAC_WORD " mac"

void mark_write(char *buf, const char *kind, unsigned int queues, bool has_mac)
{
	char text[32] = "";

	if (queues > 1)
		snprintf(text, sizeof(text), " queues=%u", queues);
	snprintf(buf, LINK_ALIAS_MAX + 1, "nestnet %s%s%s", kind, text,
		 has_mac ? MAC_WORD : "");
}

unsigned int mark_read_queues(const struct link *link)
{
	unsigned int queues;

	if (!link->has_multi_queue)
		return 1;
	if (sscanf(link->alias, "nestnet tap queues=%u", &queues) == 1 &&
	    queues <= NESTNET_QUEUES_MAX)
		return queues;
	return NESTNET_QUEUES_MAX;
}

bool mark_has_mac(const struct link *link)
{
	size_t len = strlen(link->alias), word = strlen(MAC_WORD);

	return len > word && strcmp(link->alias + len - word, MAC_WORD) == 0;
}
