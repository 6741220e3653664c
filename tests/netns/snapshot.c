/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The namespace in words, so that two moments can be compared; and lists in words. */

#include "netns.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that grows. */
struct text {
	char *bytes;
	size_t len;
};

static void add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	char *piece = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&piece, format, args);
	va_end(args);
	ck_assert_int_ge(len, 0);
	text->bytes = realloc(text->bytes, text->len + (size_t)len + 1);
	ck_assert_ptr_nonnull(text->bytes);
	memcpy(text->bytes + text->len, piece, (size_t)len + 1);
	text->len += (size_t)len;
	free(piece);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds the comma-separated elements of bytes, sorted, separator between them. */
static void add_sorted(struct text *text, char *bytes, const char *separator)
{
	size_t n = 0, size = 1;
	char **words, *word, *save;

	for (const char *c = bytes; *c; c++)
		size += *c == ',';
	words = calloc(size, sizeof(*words));
	ck_assert_ptr_nonnull(words);
	for (word = strtok_r(bytes, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		size_t len;

		word += strspn(word, " \t\n");
		for (len = strlen(word); len > 0 && strchr(" \t\n", word[len - 1]); len--)
			word[len - 1] = '\0';
		words[n++] = word;
	}
	qsort(words, n, sizeof(*words), compare_words);
	for (size_t i = 0; i < n; i++)
		add(text, "%s%s", i ? separator : "", words[i]);
	free(words);
}

/* ---- The ruleset ---------------------------------------------------------------------------- */

#define ELEMENTS "elements = {"

static void add_listing(struct text *text)
{
	char *ruleset = sh_output("nft list ruleset"), *at = ruleset, *start;

	while ((start = strstr(at, ELEMENTS))) {
		char *end = strchr(start, '}');

		ck_assert_ptr_nonnull(end);
		*start = *end = '\0';
		add(text, "%s", at);
		add(text, ELEMENTS "\n\t\t\t");
		add_sorted(text, start + strlen(ELEMENTS), "\n\t\t\t");
		add(text, " }");
		at = end + 1;
	}
	add(text, "%s", at);
	free(ruleset);
}

/* The ruleset of a generation is listed once. */
static void add_ruleset(struct text *text)
{
	static struct text listing;
	static uint32_t listed;
	static unsigned int listed_namespace;
	uint32_t now = generation();

	if (!listing.bytes || listed != now || listed_namespace != netns_count()) {
		listing.len = 0;
		add(&listing, "%s", "");
		add_listing(&listing);
		listed = now;
		listed_namespace = netns_count();
	}
	add(text, "%s", listing.bytes);
}

const char *elements_of(const char *set)
{
	static struct text text;
	char *listing = sh_output("nft list set inet nestnet %s 2>/dev/null || "
				  "nft list map inet nestnet %s",
				  set, set);
	char *start = strstr(listing, ELEMENTS), *end;

	text.len = 0;
	add(&text, "%s", "");
	if (start) {
		start += strlen(ELEMENTS);
		end = strchr(start, '}');
		ck_assert_ptr_nonnull(end);
		*end = '\0';
		add_sorted(&text, start, ", ");
	}
	free(listing);
	return text.bytes;
}

/* ---- Links ---------------------------------------------------------------------------------- */

/* What is followed by a value that changes by itself. */
static bool is_volatile(const char *word)
{
	static const char *const words[] = {
		"state",
		"hello_timer",
		"tcn_timer",
		"gc_timer",
		"hold_timer",
		"topology_change_timer",
		"topology_change",
		"message_age_timer",
		"forward_delay_timer",
		"topology_change_ack",
		"topology_change_detected",
		"config_pending",
		"tso_max_size", /* of a bridge: counted anew as ports come and go */
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* Of <BROADCAST,UP,LOWER_UP> only whether it is up: carrier comes and goes later. */
static void add_word(struct text *text, const char *word)
{
	if (word[0] == '<')
		add(text, " %s",
		    strstr(word, ",UP") || strstr(word, "<UP") ? "UP" : "DOWN");
	else
		add(text, " %s", word);
}

static void add_links(struct text *text, const char *command)
{
	char *listing = sh_output("%s", command), *line, *save_line;

	for (line = strtok_r(listing, "\n", &save_line); line;
	     line = strtok_r(NULL, "\n", &save_line)) {
		char *word, *save_word;
		bool is_skipped = false;

		/* Interfaces are numbered in the order of their birth. */
		line += strspn(line, "0123456789: \t");
		for (word = strtok_r(line, " \t\\", &save_word); word;
		     word = strtok_r(NULL, " \t\\", &save_word)) {
			if (!is_skipped && !is_volatile(word))
				add_word(text, word);
			is_skipped = !is_skipped && is_volatile(word);
		}
		add(text, "\n");
	}
	free(listing);
}

/* ---- Settings --------------------------------------------------------------------------------- */

static void add_settings(struct text *text, const char *family)
{
	static const char *const keys[] = { "forwarding", "accept_redirects",
					    "accept_ra" };
	struct dirent **entries;
	char path[64];
	int n;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf", family);
	n = scandir(path, &entries, NULL, alphasort);
	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		for (size_t k = 0; name[0] != '.' && k < ARRAY_LEN(keys); k++) {
			char file[400];

			if (strcmp(keys[k], "accept_ra") == 0 &&
			    strcmp(family, "ipv4") == 0)
				continue;
			snprintf(file, sizeof(file), "%s/conf/%s/%s", family, name,
				 keys[k]);
			add(text, "%s = %d\n", file, setting(file));
		}
		free(entries[i]);
	}
	free(entries);
}

char *snapshot(void)
{
	struct text text = { .len = 0 };

	add_ruleset(&text);
	add_links(&text, "ip -d addr");
	add_settings(&text, "ipv4");
	add_settings(&text, "ipv6");
	return text.bytes;
}

/* What a text has around an offset. */
static int around(const char *text, size_t at, const char **ret)
{
	size_t before = at < 100 ? at : 100, behind = strnlen(text + at, 160);

	*ret = text + at - before;
	return (int)(before + behind);
}

char *snapshots_difference(const char *before, const char *after)
{
	struct text text = { .len = 0 };
	const char *was, *is;
	int was_len, is_len;
	size_t at = 0;

	if (strcmp(before, after) == 0)
		return NULL;
	while (before[at] == after[at])
		at++;
	was_len = around(before, at, &was);
	is_len = around(after, at, &is);
	add(&text, "the namespace is another: it was\n...%.*s...\nand is\n...%.*s...",
	    was_len, was, is_len, is);
	return text.bytes;
}

void snapshots_equal(const char *before, const char *after, const char *what)
{
	char *now = after ? NULL : snapshot();
	char *difference = snapshots_difference(before, after ? after : now);

	ck_assert_msg(!difference, "%s: %s", what, difference);
	free(now);
}

/* ---- Lists -------------------------------------------------------------------------------------- */

static void start(struct text *text)
{
	text->len = 0;
	add(text, "%s", "");
}

static int add_exposure(void *userdata, const struct nestnet_exposure *exposure)
{
	static const char *const egress[] = { "", " egress=alias", " egress=none" };
	char target[NESTNET_TEXT_MAX], id[NESTNET_TEXT_MAX];

	ck_assert_str_eq(exposure->id, nestnet_endpoint_format(&exposure->alias, id));
	add(userdata, "%s > %s%s%s%s%s%s\n", exposure->id,
	    nestnet_endpoint_format(&exposure->target, target), egress[exposure->egress],
	    exposure->flags & NESTNET_EXPOSE_NO_LOCAL ? " no-local" : "",
	    exposure->flags & NESTNET_EXPOSE_OPEN ? " open" : "",
	    exposure->comment ? " # " : "", exposure->comment ? exposure->comment : "");
	return 0;
}

const char *exposures(void)
{
	static struct text text;

	start(&text);
	ok(nestnet_exposure_list(ctx, NULL, add_exposure, &text));
	return text.bytes;
}

static void add_addresses(struct text *text, const struct nestnet_prefix *list, size_t n)
{
	char buf[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		add(text, " %s", nestnet_prefix_format(&list[i], buf));
}

static int add_tap_row(void *userdata, const struct nestnet_tap *tap)
{
	add(userdata, "%s bridge=%s mtu=%u queues=%u%s%s%s%s%s", tap->name,
	    tap->bridge ? tap->bridge : "-", tap->mtu, tap->queues,
	    tap->is_up ? " up" : "", tap->is_managed ? "" : " foreign",
	    tap->flags & NESTNET_TAP_VNET_HDR ? " vnet-hdr" : "",
	    tap->flags & NESTNET_TAP_ISOLATED ? " isolated" : "",
	    tap->bridge && !(tap->flags & NESTNET_TAP_NO_HAIRPIN) ? " hairpin" : "");
	if (tap->flags & NESTNET_TAP_HAS_OWNER)
		add(userdata, " owner=%u", tap->owner);
	if (tap->flags & NESTNET_TAP_HAS_GROUP)
		add(userdata, " group=%u", tap->group);
	if (tap->flags & NESTNET_TAP_EPHEMERAL)
		add(userdata, " ephemeral");
	add_addresses(userdata, tap->addresses, tap->n_addresses);
	add(userdata, "\n");
	return 0;
}

const char *taps(void)
{
	static struct text text;

	start(&text);
	ok(nestnet_tap_list(ctx, add_tap_row, &text));
	return text.bytes;
}

static int add_bridge_row(void *userdata, const struct nestnet_bridge *bridge)
{
	add(userdata, "%s mtu=%u%s%s", bridge->name, bridge->mtu,
	    bridge->is_managed ? "" : " foreign", bridge->has_stp ? " stp" : "");
	add_addresses(userdata, bridge->addresses, bridge->n_addresses);
	for (size_t i = 0; i < bridge->n_ports; i++)
		add(userdata, " port=%s", bridge->ports[i]);
	add(userdata, "\n");
	return 0;
}

const char *bridges(void)
{
	static struct text text;

	start(&text);
	ok(nestnet_bridge_list(ctx, add_bridge_row, &text));
	return text.bytes;
}

static int add_nat_row(void *userdata, const struct nestnet_nat *nat)
{
	char to[NESTNET_TEXT_MAX];

	add(userdata, "%s%s%s%s%s%s\n", nat->id, nat->out ? " out=" : "",
	    nat->out ? nat->out : "", nat->to ? " to=" : "",
	    nat->to ? nestnet_address_format(nat->to, to) : "",
	    nat->is_open ? " open" : "");
	return 0;
}

const char *nats(void)
{
	static struct text text;

	start(&text);
	ok(nestnet_nat_list(ctx, add_nat_row, &text));
	return text.bytes;
}

static int add_change(void *userdata, char op, const char *command)
{
	add(userdata, "%c %s\n", op, command);
	return 0;
}

const char *plan_of(struct nestnet_transaction *tx)
{
	static struct text text;

	start(&text);
	ok(nestnet_transaction_plan(tx, add_change, &text));
	return text.bytes;
}
