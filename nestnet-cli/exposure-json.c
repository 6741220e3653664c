/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An exposure in JSON, written as text: text.h says why. */

#include "exposure-json.h"

#include "rows.h"
#include "text.h"

#include <netinet/in.h>

/* ---- Words -------------------------------------------------------------------------------- */

const char *exposure_protocol(unsigned int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	}
	return NULL;
}

const char *exposure_egress(enum nestnet_egress egress)
{
	switch (egress) {
	case NESTNET_EGRESS_MASQUERADE:
		return "masquerade";
	case NESTNET_EGRESS_ALIAS:
		return "alias";
	case NESTNET_EGRESS_NONE:
		return "none";
	}
	return NULL;
}

/* ---- A row -------------------------------------------------------------------------------- */

/* One literal, with all that is around the key. */
#define put_key(text, key) text_puts(text, ",\n    \"" key "\": ")

static void put_range(struct text *text, const struct nestnet_endpoint *endpoint)
{
	text_number(text, endpoint->first_port);
	if (endpoint->last_port != endpoint->first_port) {
		text_puts(text, "-");
		text_number(text, endpoint->last_port);
	}
}

/* "80" or "8000-8010", or null where there is none. */
static void put_ports(struct text *text, const struct nestnet_endpoint *endpoint)
{
	if (endpoint->first_port == 0) {
		text_puts(text, "null");
		return;
	}
	text_puts(text, "\"");
	put_range(text, endpoint);
	text_puts(text, "\"");
}

/* @param index  of the item, which begins a line of its own */
static void begin_item(struct text *text, size_t index)
{
	text_puts(text, index ? ",\n      " : "[\n      ");
}

static void end_items(struct text *text, size_t n)
{
	text_puts(text, n ? "\n    ]" : "[]");
}

static void put_from(struct text *text, const struct nestnet_exposure *exposure)
{
	char address[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < exposure->n_from; i++) {
		const struct nestnet_prefix *from = &exposure->from[i];

		begin_item(text, i);
		text_puts(text, "\"");
		text_puts(text, nestnet_address_format(&from->address, address));
		text_puts(text, "/");
		text_number(text, from->len);
		text_puts(text, "\"");
	}
	end_items(text, exposure->n_from);
}

static void put_excepts(struct text *text, const struct nestnet_exposure *exposure)
{
	for (size_t i = 0; i < exposure->n_except; i++) {
		begin_item(text, i);
		text_puts(text, "\"");
		put_range(text, &exposure->except[i]);
		text_puts(text, "/");
		text_puts(text, exposure_protocol(exposure->except[i].protocol));
		text_puts(text, "\"");
	}
	end_items(text, exposure->n_except);
}

/* A time in seconds, rounded up, or null where there is none. */
static void put_seconds(struct text *text, uint64_t ms)
{
	if (ms)
		text_number(text, (ms + 999) / 1000);
	else
		text_puts(text, "null");
}

static void put_endpoints(struct text *text, const struct nestnet_exposure *exposure)
{
	char address[NESTNET_TEXT_MAX];

	put_key(text, "alias");
	text_json(text, nestnet_prefix_format(&exposure->alias.prefix, address));
	put_key(text, "protocol");
	text_json(text, exposure_protocol(exposure->alias.protocol));
	put_key(text, "port");
	put_ports(text, &exposure->alias);
	put_key(text, "target");
	text_json(text, nestnet_prefix_format(&exposure->target.prefix, address));
	put_key(text, "target_port");
	put_ports(text, &exposure->target);
}

static void put_exposure(struct text *text, const struct nestnet_exposure *exposure)
{
	text_puts(text, "  {\n    \"id\": ");
	text_json(text, exposure->id);
	put_endpoints(text, exposure);
	put_key(text, "egress");
	text_json(text, exposure_egress(exposure->egress));
	put_key(text, "from");
	put_from(text, exposure);
	put_key(text, "except");
	put_excepts(text, exposure);
	put_key(text, "local");
	text_puts(text, exposure->flags & NESTNET_EXPOSE_NO_LOCAL ? "false" : "true");
	put_key(text, "open");
	text_puts(text, exposure->flags & NESTNET_EXPOSE_OPEN ? "true" : "false");
	put_key(text, "coexist");
	text_puts(text, exposure->flags & NESTNET_EXPOSE_COEXIST ? "true" : "false");
	put_key(text, "comment");
	text_json(text, exposure->comment);
	put_key(text, "flows");
	text_number(text, exposure->flows);
	put_key(text, "timeout_s");
	put_seconds(text, exposure->timeout_ms);
	put_key(text, "expires_s");
	put_seconds(text, exposure->expires_ms);
	if (exposure->tap) { /* only where it goes with one */
		put_key(text, "tap");
		text_json(text, exposure->tap[0] ? exposure->tap : "(gone)");
	}
	text_puts(text, "\n  }");
}

int row_exposure(void *rows, const struct nestnet_exposure *exposure)
{
	struct text text = { .bytes = NULL };

	put_exposure(&text, exposure);
	rows_add(rows, text.is_failed ? NULL : json_loadb(text.bytes, text.len, 0, NULL));
	text_free(&text);
	return 0;
}

/* ---- The list ------------------------------------------------------------------------------ */

/* Rows are told when all of them were read: what is printed here is of a list that is whole,
 * and need not be kept. */
#define PRINT_SIZE (1 << 16)

struct printer {
	struct text text;
	bool has_rows, is_failed;
};

static int print_row(void *userdata, const struct nestnet_exposure *exposure)
{
	struct printer *printer = userdata;

	text_puts(&printer->text, printer->has_rows ? ",\n" : "[\n");
	printer->has_rows = true;
	put_exposure(&printer->text, exposure);
	if (printer->text.len > PRINT_SIZE && !text_print(&printer->text))
		printer->is_failed = true;
	return 0;
}

int exposure_print_json(struct cli *cli, const struct nestnet_endpoint *match)
{
	struct printer printer = { .has_rows = false };
	int status = STATUS_OK,
	    r = nestnet_exposure_list(cli->ctx, match, print_row, &printer);

	if (r < 0) {
		text_free(&printer.text);
		return cli_fail(cli, r);
	}
	text_puts(&printer.text, printer.has_rows ? "\n]\n" : "[]\n");
	if (!text_print(&printer.text) || printer.is_failed) {
		cli_say("out of memory");
		status = STATUS_FAILED;
	}
	text_free(&printer.text);
	return status;
}
