/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor: events as they happen, a line each.
 *
 * A line is written whole, when it happens, and never waited for without an eye on signals:
 * whoever reads may have stopped, or be gone.
 */

#include "rows.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *word; /* on the command line */
	const char *kind; /* in JSON */
	unsigned int flag;
} kinds[] = {
	{ "exposures", "exposure", NESTNET_MONITOR_EXPOSURES },
	{ "taps", "tap", NESTNET_MONITOR_TAPS },
	{ "bridges", "bridge", NESTNET_MONITOR_BRIDGES },
	{ "attachments", "attachment", NESTNET_MONITOR_ATTACHMENTS },
	{ "nat", "nat", NESTNET_MONITOR_NAT },
	{ "forwarding", "forwarding", NESTNET_MONITOR_FORWARDING },
	{ "aliases", "alias", NESTNET_MONITOR_ALIASES },
	{ "guests", "guest", NESTNET_MONITOR_GUESTS },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct watcher {
	struct cli *cli;
	struct nestnet_monitor *monitor;
	int signals;
	int status;
	bool is_over; /* a signal came, or nobody reads any more */
};

/* ---- Lines --------------------------------------------------------------------------------- */

/* With JSON in UTC, for people in their own time. */
static void format_time(uint64_t ms, bool is_json, char *buf, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	char date[32], zone[16] = "Z";
	struct tm tm;

	if (is_json) {
		gmtime_r(&seconds, &tm);
	} else {
		localtime_r(&seconds, &tm);
		strftime(zone, sizeof(zone), "%z", &tm);
	}
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%03u%s", date, (unsigned int)(ms % 1000), zone);
}

static void print_text(FILE *file, const struct nestnet_event *event, const char *time)
{
	fprintf(file, "%s %c", time, event->op);
	if (event->command)
		fprintf(file, " %s", event->command);
	if (event->note)
		fprintf(file, " # %s", event->note);
	fputc('\n', file);
}

/* As a row of its list. */
static void add_object(struct rows *rows, const struct nestnet_event *event)
{
	if (event->exposure)
		row_exposure(rows, event->exposure);
	else if (event->tap)
		row_tap(rows, event->tap);
	else if (event->bridge)
		row_bridge(rows, event->bridge);
	else if (event->attachment)
		row_attachment(rows, event->attachment);
	else if (event->nat)
		row_nat(rows, event->nat);
	else if (event->forwarding)
		row_forwarding(rows, event->forwarding);
	else if (event->alias)
		row_alias(rows, event->alias);
	else if (event->guest)
		row_guest(rows, event->guest);
	else
		rows_add(rows, json_null());
}

static const char *kind_text(unsigned int kind)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (kinds[i].flag == kind)
			return kinds[i].kind;
	}
	return NULL;
}

/* @return false where there is no memory */
static bool print_json(FILE *file, const struct nestnet_event *event, const char *time)
{
	char op[2] = { event->op, '\0' };
	struct rows *rows = rows_new();
	json_t *array, *line = NULL;
	bool is_printed;

	if (!rows)
		return false;
	add_object(rows, event);
	array = rows_take(rows);
	if (array)
		line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:O}", "time", time, "op", op,
				 "kind", json_text(kind_text(event->kind)), "command",
				 json_text(event->command), "note",
				 json_text(event->note), "object",
				 json_array_get(array, 0));
	is_printed = line && json_dumpf(line, file, 0) == 0;
	fputc('\n', file);
	if (line)
		json_delete(line);
	if (array)
		json_delete(array);
	return is_printed;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Waits for room for as much as a pipe takes at once. @return whether there is some */
static bool wait_for_room(struct watcher *watcher)
{
	struct pollfd fds[] = { { .fd = STDOUT_FILENO, .events = POLLOUT },
				{ .fd = watcher->signals, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return false;
	}
	return !fds[1].revents;
}

static void write_line(struct watcher *watcher, const char *line, size_t len)
{
	while (len > 0 && !watcher->is_over) {
		ssize_t n;

		watcher->is_over = !wait_for_room(watcher);
		if (watcher->is_over)
			return;
		n = write(STDOUT_FILENO, line, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			watcher->is_over = true;
			/* Who reads no more has seen enough. */
			if (errno != EPIPE)
				watcher->status =
					cli_give_up(watcher->cli, "write the output: %s",
						    strerror(errno));
			return;
		}
		line += n;
		len -= (size_t)n;
	}
}

static int take_event(void *userdata, const struct nestnet_event *event)
{
	struct watcher *watcher = userdata;
	bool is_printed = true, is_json = watcher->cli->is_json;
	struct text line = { .bytes = NULL };
	FILE *file = text_stream(&line);
	char time[64];

	format_time(event->time_ms, is_json, time, sizeof(time));
	if (file && is_json)
		is_printed = print_json(file, event, time);
	else if (file)
		print_text(file, event, time);
	if (!file || fclose(file) != 0 || line.is_failed || !is_printed) {
		watcher->status = cli_give_up(watcher->cli, "out of memory");
		watcher->is_over = true;
	} else {
		write_line(watcher, line.bytes, line.len);
	}
	text_free(&line);
	return watcher->is_over;
}

/* ---- Watching ------------------------------------------------------------------------------ */

/* Until there is something to tell, or it is over. */
static void wait_for_events(struct watcher *watcher)
{
	struct pollfd fds[] = { { .fd = nestnet_monitor_fd(watcher->monitor),
				  .events = POLLIN },
				{ .fd = watcher->signals, .events = POLLIN },
				/* of a pipe that nobody reads any more */
				{ .fd = STDOUT_FILENO, .events = 0 } };

	while (poll(fds, 3, -1) < 0) {
		if (errno != EINTR)
			break;
	}
	watcher->is_over = fds[1].revents || fds[2].revents;
}

static int watch(struct watcher *watcher)
{
	if (watcher->cli->is_verbose)
		cli_say("monitor: watching");
	while (!watcher->is_over) {
		int r = nestnet_monitor_next(watcher->monitor, 0, take_event, watcher);

		if (r < 0)
			return cli_fail(watcher->cli, r);
		if (!watcher->is_over)
			wait_for_events(watcher);
	}
	return watcher->status;
}

/* What ends it is waited for beside all else, and a closed pipe is no signal. */
static int open_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) < 0)
		return -1;
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* @return false where the word is none, which was said */
static bool parse_kind(const struct cli *cli, const char *word, unsigned int *kinds_found)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(kinds[i].word, word) == 0) {
			*kinds_found |= kinds[i].flag;
			return true;
		}
	}
	cli_usage_at(cli, word,
		     "'%s' is not one of exposures, taps, bridges, attachments, nat, "
		     "forwarding, aliases, guests",
		     word);
	return false;
}

int cmd_monitor(struct cli *cli, int argc, char **argv)
{
	struct nestnet_monitor_options options = { .size = sizeof(options) };
	struct watcher watcher = { .cli = cli, .status = STATUS_OK };
	int r, status;

	if (cli_getopt(cli, argc, argv, NULL, "") != -1)
		return STATUS_USAGE;
	for (int i = optind; i < argc; i++) {
		if (!parse_kind(cli, argv[i], &options.kinds))
			return STATUS_USAGE;
	}
	status = cli_open(cli);
	if (status != STATUS_OK)
		return status;
	if (cli->is_json && !lazy_load())
		return STATUS_FAILED;
	watcher.signals = open_signals();
	if (watcher.signals < 0)
		return cli_give_up(cli, "signals: %s", strerror(errno));
	r = nestnet_monitor_new(cli->ctx, &options, &watcher.monitor);
	status = r < 0 ? cli_fail(cli, r) : watch(&watcher);
	if (r == 0)
		nestnet_monitor_free(watcher.monitor);
	close(watcher.signals);
	return status;
}
