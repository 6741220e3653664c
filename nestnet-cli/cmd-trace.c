/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* trace: packets as they come, a line each hop; it ends by itself, or by a signal. */

#include "output.h"
#include "parse.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	OPTION_COUNT = OPTION_FIRST,
	OPTION_TIMEOUT,
};

struct tracing {
	const struct cli *cli;
	uint32_t count;      /* of packets to show; 0: no end */
	uint32_t n_ended;    /* of those */
	uint64_t n_seen;     /* packets that began */
	uint64_t timeout_ms; /* 0: none */
};

/* ---- Lines ---------------------------------------------------------------------------- */

/* Names are whatever other software gave: what a terminal might take for more than a
 * letter, and a reader of JSON for no text, is shown as a question mark. */
static const char *clean(const char *text, char *ret, size_t size)
{
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; text[i] && i + 1 < size; i++)
		ret[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	ret[i] = '\0';
	return ret;
}

/* The same hop with its texts clean. */
struct clean_hop {
	struct nestnet_hop hop;
	char table[256], chain[256], rule[1024], verdict[160], text[1024];
};

static void clean_hop(const struct nestnet_hop *hop, struct clean_hop *ret)
{
	ret->hop = *hop;
	ret->hop.table = clean(hop->table, ret->table, sizeof(ret->table));
	ret->hop.chain = clean(hop->chain, ret->chain, sizeof(ret->chain));
	ret->hop.rule = clean(hop->rule, ret->rule, sizeof(ret->rule));
	ret->hop.verdict = clean(hop->verdict, ret->verdict, sizeof(ret->verdict));
	ret->hop.text = clean(hop->text, ret->text, sizeof(ret->text));
}

static const char *kind_text(enum nestnet_hop_kind kind)
{
	switch (kind) {
	case NESTNET_HOP_PACKET:
		return "packet";
	case NESTNET_HOP_RULE:
		return "rule";
	case NESTNET_HOP_POLICY:
		return "policy";
	case NESTNET_HOP_END:
		return "end";
	case NESTNET_HOP_LOST:
		return "lost";
	}
	return NULL;
}

static json_t *number_or_null(uint64_t number)
{
	return number ? json_integer((json_int_t)number) : json_null();
}

/* @return false where there is no memory */
static bool print_json(const struct nestnet_hop *hop)
{
	json_t *line = json_pack(
		"{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"packet", number_or_null(hop->packet), "direction",
		hop->is_reply ? "reply" : "to", "kind", kind_text(hop->kind), "family",
		json_text(hop->family), "table", json_text(hop->table), "chain",
		json_text(hop->chain), "handle", number_or_null(hop->handle), "rule",
		json_text(hop->rule), "verdict", json_text(hop->verdict), "owner",
		json_text(hop->owner), "in", json_text(hop->in), "out",
		json_text(hop->out), "text", json_text(hop->text));
	bool is_made = line != NULL;

	if (is_made)
		is_made = json_dumpf(line, stdout, JSON_COMPACT) == 0;
	putchar('\n');
	json_delete(line);
	return is_made;
}

static void print_chain(const struct nestnet_hop *hop)
{
	char where[800], verdict[192];

	snprintf(where, sizeof(where), "%s %s %s%s%s%s", hop->family, hop->table,
		 hop->chain, hop->owner ? " (" : "", hop->owner ? hop->owner : "",
		 hop->owner ? ")" : "");
	snprintf(verdict, sizeof(verdict), "%s%s",
		 hop->kind == NESTNET_HOP_POLICY ? "policy " : "", hop->verdict);
	printf("%-36s %-*s", where, hop->kind == NESTNET_HOP_RULE ? 14 : 0, verdict);
	if (hop->kind == NESTNET_HOP_RULE)
		printf(" %s%s# handle %llu", hop->rule ? hop->rule : "",
		       hop->rule ? " " : "", (unsigned long long)hop->handle);
}

static void print_line(const struct nestnet_hop *hop)
{
	if (hop->packet)
		printf("%llu %s ", (unsigned long long)hop->packet,
		       hop->is_reply ? "reply" : "to   ");
	switch (hop->kind) {
	case NESTNET_HOP_PACKET:
		printf("%s, %s%s", hop->text, hop->in ? "in by " : "from this host",
		       hop->in ? hop->in : "");
		break;
	case NESTNET_HOP_RULE:
	case NESTNET_HOP_POLICY:
		printf("  ");
		print_chain(hop);
		break;
	case NESTNET_HOP_END:
	case NESTNET_HOP_LOST:
		printf("%s", hop->text);
		break;
	}
	putchar('\n');
}

/* @return 1: enough was shown; 0; or a negative errno */
static int show(void *userdata, const struct nestnet_hop *hop)
{
	struct tracing *tracing = userdata;
	struct clean_hop line;

	if (tracing->count && hop->packet > tracing->count)
		return 0;
	if (hop->kind == NESTNET_HOP_PACKET)
		tracing->n_seen++;
	clean_hop(hop, &line);
	if (!tracing->cli->is_json)
		print_line(&line.hop);
	else if (!print_json(&line.hop))
		return -ENOMEM;
	fflush(stdout);
	if (hop->kind != NESTNET_HOP_END)
		return 0;
	tracing->n_ended++;
	return tracing->count && tracing->n_ended == tracing->count;
}

/* ---- Waiting -------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From here on interrupts are read, in the order of events, and end nothing by themselves.
 * @return the descriptor, or -1 */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int left_ms(const struct tracing *tracing, int64_t end_ms)
{
	int64_t left = end_ms - now_ms();

	if (!tracing->timeout_ms)
		return -1;
	if (left > INT32_MAX)
		return INT32_MAX;
	return left > 0 ? (int)left : 0;
}

/* @return a negative errno of the library; else it ended well */
static int follow(struct tracing *tracing, struct nestnet_trace *trace, int signals)
{
	int64_t end_ms = now_ms() + (int64_t)tracing->timeout_ms;
	struct pollfd fds[] = { { .fd = nestnet_trace_fd(trace), .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };

	for (;;) {
		int n, left = left_ms(tracing, end_ms), r = 0;

		n = poll(fds, 2, left);
		if (n > 0 && fds[0].revents)
			r = nestnet_trace_next(trace, 0, show, tracing);
		if (r < 0 ||
		    (r == 1 && tracing->count && tracing->n_ended >= tracing->count))
			return r;
		if (n > 0 && fds[1].revents)
			return 0;
		if (left == 0)
			return 0;
	}
}

static int run(struct tracing *tracing, const char *word,
	       const struct nestnet_endpoint *alias)
{
	const struct cli *cli = tracing->cli;
	struct nestnet_trace *trace;
	int signals, r;

	if (cli->is_json && !lazy_load())
		return STATUS_FAILED;
	signals = open_signals();
	if (signals < 0)
		return cli_give_up(cli, "%s: %s", word, strerror(errno));
	r = nestnet_trace_new(cli->ctx, alias, NULL, &trace);
	if (r == 0) {
		if (cli->is_verbose)
			cli_say("trace: following");
		r = follow(tracing, trace, signals);
		nestnet_trace_free(trace);
	}
	close(signals);
	if (r < 0)
		return cli_fail(cli, r);
	return tracing->n_seen > 0 ? STATUS_OK
				   : cli_give_up(cli, "%s: nothing arrived", word);
}

static const struct option options[] = {
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

int cmd_trace(struct cli *cli, int argc, char **argv)
{
	struct tracing tracing = { .cli = cli };
	struct nestnet_endpoint alias;
	int option, status;

	while ((option = cli_getopt(cli, argc, argv, options, "")) != -1) {
		if (option == OPTION_COUNT) {
			if (!parse_number(cli, "--count", optarg, 1, UINT32_MAX,
					  &tracing.count))
				return STATUS_USAGE;
		} else if (option != OPTION_TIMEOUT ||
			   !parse_time(cli, optarg, &tracing.timeout_ms)) {
			return STATUS_USAGE;
		}
	}
	if (!cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_alias(cli, argv[optind], &alias))
		return STATUS_USAGE;
	if (cli->is_dry_run)
		return cli_usage(cli, "it marks packets, which --dry-run does not");
	status = cli_open(cli);
	return status == STATUS_OK ? run(&tracing, argv[optind], &alias) : status;
}
