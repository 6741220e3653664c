/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses, prefixes and both ends of an exposure: what is taken is written back as text
 * that means the same; what is not taken touches nothing. */

#include "fuzz.h"

#include <nestnet/nestnet.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* A value that nothing has, to see that a failure leaves it. */
#define UNTOUCHED 0x5a

static void fuzz_endpoint(const char *text,
			  int (*parse)(const char *, struct nestnet_endpoint *, const char **),
			  int (*again)(const char *, struct nestnet_endpoint *, const char **))
{
	struct nestnet_endpoint first, second;
	char written[NESTNET_TEXT_MAX];
	const char *why = NULL;

	memset(&first, UNTOUCHED, sizeof(first));
	second = first;
	if (parse(text, &first, &why) < 0) {
		must(memcmp(&first, &second, sizeof(first)) == 0);
		must(why && *why);
		return;
	}
	must(first.prefix.len <= 128 && first.first_port <= first.last_port);
	must(again(nestnet_endpoint_format(&first, written), &second, NULL) == 0);
	must(memcmp(&first.prefix.address, &second.prefix.address,
		    sizeof(first.prefix.address)) == 0);
	must(first.prefix.len == second.prefix.len);
	must(first.first_port == second.first_port && first.last_port == second.last_port);
}

static void fuzz_prefix(const char *text)
{
	struct nestnet_prefix first, second;
	char written[NESTNET_TEXT_MAX];

	if (nestnet_prefix_parse(text, &first) < 0)
		return;
	must(nestnet_prefix_parse(nestnet_prefix_format(&first, written), &second) == 0);
	must(first.len == second.len);
	must(memcmp(&first.address, &second.address, sizeof(first.address)) == 0);
}

static void fuzz_address(const char *text)
{
	struct nestnet_address first, second;
	char written[NESTNET_TEXT_MAX];

	if (nestnet_address_parse(text, &first) < 0)
		return;
	must(nestnet_address_parse(nestnet_address_format(&first, written), &second) == 0);
	must(memcmp(&first, &second, sizeof(first)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	fuzz_address(text);
	fuzz_prefix(text);
	fuzz_endpoint(text, nestnet_alias_parse, nestnet_alias_parse);
	fuzz_endpoint(text, nestnet_target_parse, nestnet_target_parse);
	free(text);
	return 0;
}
