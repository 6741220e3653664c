/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What exposures cost in a process that has the library loaded and its sockets open, as a
 * virtual machine monitor has; numbers.h says what the number of an exposure is.
 *
 *	inside add FROM TO	exposes them one by one; prints what each took, in us
 *	inside remove FROM TO	takes them back one by one, likewise
 *	inside fill FROM TO	exposes them in one transaction; prints what it took
 *	inside writers N EACH	N processes at once, each EACH exposures one by one; prints
 *				how long one commit takes on average, and fails if any is lost
 */

#include "numbers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct nestnet_endpoint endpoint_of(uint32_t address)
{
	struct nestnet_endpoint endpoint;
	char text[NESTNET_TEXT_MAX];
	struct in_addr in = { .s_addr = htonl(address) };

	inet_ntop(AF_INET, &in, text, sizeof(text));
	if (nestnet_alias_parse(text, &endpoint, NULL) < 0)
		abort();
	return endpoint;
}

static int queue(struct nestnet_transaction *tx, unsigned int number, bool is_adding)
{
	struct nestnet_endpoint alias = endpoint_of(number_alias(number));
	struct nestnet_endpoint target = endpoint_of(number_target(number));

	return is_adding ? nestnet_expose(tx, &alias, &target, NULL)
			 : nestnet_unexpose(tx, &alias, 0);
}

static int change(struct nestnet *ctx, unsigned int from, unsigned int to, bool is_adding)
{
	struct nestnet_transaction *tx;
	int r = nestnet_transaction_new(ctx, &tx);

	if (r < 0)
		return r;
	for (unsigned int number = from; r == 0 && number < to; number++)
		r = queue(tx, number, is_adding);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	nestnet_transaction_free(tx);
	return r < 0 ? r : 0;
}

static int one_by_one(struct nestnet *ctx, unsigned int from, unsigned int to,
		      bool is_adding)
{
	int r = 0;

	for (unsigned int number = from; r == 0 && number < to; number++) {
		double start = now_us();

		r = change(ctx, number, number + 1, is_adding);
		print_took(start);
	}
	return r;
}

static int fill(struct nestnet *ctx, unsigned int from, unsigned int to)
{
	double start = now_us();
	int r = change(ctx, from, to, true);

	print_took(start);
	return r;
}

/* ---- Several at once ---------------------------------------------------------------------------- */

static int write_many(unsigned int from, unsigned int count)
{
	struct nestnet *ctx = NULL;
	int r = nestnet_new(&ctx, NULL);

	/* A busy table is to be asked for again: it is no loss. */
	for (unsigned int number = from; r == 0 && number < from + count; number++) {
		do
			r = change(ctx, number, number + 1, true);
		while (r == -EAGAIN);
	}
	if (r < 0)
		fprintf(stderr, "inside: %s\n", ctx ? nestnet_errmsg(ctx) : "no context");
	nestnet_free(ctx);
	return r;
}

static int count_one(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)exposure;
	++*(unsigned int *)userdata;
	return 0;
}

static int writers(struct nestnet *ctx, unsigned int count, unsigned int each)
{
	unsigned int before = 0, after = 0;
	int r = nestnet_exposure_list(ctx, NULL, count_one, &before), status;
	double start = now_us();

	for (unsigned int i = 0; i < count; i++) {
		if (fork() == 0)
			_exit(write_many(before + i * each, each) < 0);
	}
	for (unsigned int i = 0; i < count; i++) {
		if (wait(&status) < 0 || status != 0)
			r = -EIO;
	}
	printf("%.2f\n", (now_us() - start) / (count * each));
	if (r == 0)
		r = nestnet_exposure_list(ctx, NULL, count_one, &after);
	if (r == 0 && after - before != count * each) {
		fprintf(stderr, "inside: %u of %u exposures are lost\n",
			count * each - (after - before), count * each);
		r = -EIO;
	}
	return r;
}

int main(int argc, char **argv)
{
	unsigned int first = argc == 4 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	unsigned int second = argc == 4 ? (unsigned int)strtoul(argv[3], NULL, 10) : 0;
	struct nestnet *ctx = NULL;
	int r;

	if (second == 0 || second > NUMBERS_MAX) {
		fprintf(stderr, "Usage: inside add|remove|fill FROM TO\n"
				"       inside writers N EACH\n");
		return 2;
	}
	r = nestnet_new(&ctx, NULL);
	if (r < 0)
		fprintf(stderr, "inside: no context\n");
	else if (strcmp(argv[1], "fill") == 0)
		r = fill(ctx, first, second);
	else if (strcmp(argv[1], "writers") == 0)
		r = writers(ctx, first, second);
	else
		r = one_by_one(ctx, first, second, strcmp(argv[1], "add") == 0);
	if (r < 0 && ctx)
		fprintf(stderr, "inside: %s\n", nestnet_errmsg(ctx));
	nestnet_free(ctx);
	return r < 0 ? 1 : 0;
}
