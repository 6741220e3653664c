/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fill FROM TO: exposes the aliases of these numbers, each to a target of its own, in one
 * transaction. What a program that uses the library looks like.
 */

#include <nestnet/nestnet.h>
#include <stdio.h>
#include <stdlib.h>

static int expose(struct nestnet_transaction *tx, unsigned int number)
{
	unsigned int high = number / 62500, middle = number / 250 % 250;
	unsigned int low = number % 250 + 1;
	struct nestnet_endpoint alias, target;
	char text[NESTNET_TEXT_MAX];
	int r;

	snprintf(text, sizeof(text), "100.%u.%u.%u", 64 + high, middle, low);
	r = nestnet_alias_parse(text, &alias, NULL);
	snprintf(text, sizeof(text), "172.%u.%u.%u", 16 + high, middle, low);
	if (r == 0)
		r = nestnet_target_parse(text, &target, NULL);
	return r < 0 ? r : nestnet_expose(tx, &alias, &target, NULL);
}

int main(int argc, char **argv)
{
	unsigned int from = argc == 3 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1;
	unsigned int to = argc == 3 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	struct nestnet_transaction *tx = NULL;
	struct nestnet *ctx = NULL;
	int r;

	if (from >= to || to > 625000) {
		fprintf(stderr, "Usage: fill FROM TO\n");
		return 2;
	}
	r = nestnet_new(&ctx, NULL);
	if (r == 0)
		r = nestnet_transaction_new(ctx, &tx);
	for (unsigned int number = from; r == 0 && number < to; number++)
		r = expose(tx, number);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	if (r < 0)
		fprintf(stderr, "fill: %s\n", ctx ? nestnet_errmsg(ctx) : "no context");
	nestnet_transaction_free(tx);
	nestnet_free(ctx);
	return r < 0 ? 1 : 0;
}
