/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

void fuzz_leave(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		perror("a network namespace");
		exit(1);
	}
}
