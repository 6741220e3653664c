/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of JSON, as printed by status. Each object becomes the words of the command that
 * makes it, which go the way of a line's: so nothing is read in two ways. Keys that only
 * observe are passed over, and so is what nestnet does not manage; a key that status does not
 * print is a mistake, which would make more or less than was meant.
 */

#include "file.h"

#include "lazy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words of a command under construction. */
struct words {
	char **list; /* owned, and each of them; NULL at the end */
	int n;
	bool is_failed; /* out of memory */
};

struct reader {
	struct cli *cli;
	struct file *file;
	json_t *root;
	char where[64]; /* the object at hand */
	const char *wrong; /* a key; NULL: all is well */
	const char *why;   /* what is wrong with it; NULL: it has another type */
	bool is_forwarding[2]; /* of IPv4 and IPv6 */
};

static void put(struct words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct words *words, const char *format, ...)
{
	char **grown = reallocarray(words->list, (size_t)words->n + 2, sizeof(*grown));
	va_list args;

	if (!grown) {
		words->is_failed = true;
		return;
	}
	words->list = grown;
	va_start(args, format);
	if (vasprintf(&grown[words->n], format, args) < 0)
		words->is_failed = true;
	else
		grown[++words->n] = NULL;
	va_end(args);
}

static void free_words(struct words *words)
{
	for (int i = 0; i < words->n; i++)
		free(words->list[i]);
	free(words->list);
}

/* ---- Values ------------------------------------------------------------------------------------ */

static bool is_null(const json_t *value)
{
	return !value || json_typeof(value) == JSON_NULL;
}

/* @return NULL where there is none */
static const char *text_of(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!is_null(value) && json_typeof(value) != JSON_STRING)
		reader->wrong = key;
	return is_null(value) ? NULL : json_string_value(value);
}

/* What there has to be. @return NULL where there is none */
static const char *name_of(struct reader *reader, const json_t *object, const char *key)
{
	const char *text = text_of(reader, object, key);

	if (!text && !reader->wrong) {
		reader->wrong = key;
		reader->why = "missing";
	}
	return text;
}

/* @param otherwise  where there is none */
static bool is_true(struct reader *reader, const json_t *object, const char *key,
		    bool otherwise)
{
	const json_t *value = json_object_get(object, key);

	if (is_null(value))
		return otherwise;
	if (json_typeof(value) != JSON_TRUE && json_typeof(value) != JSON_FALSE)
		reader->wrong = key;
	return json_typeof(value) == JSON_TRUE;
}

static bool is_among(const char *keys, const char *key)
{
	size_t len;

	for (; *keys; keys += len + strspn(keys + len, " ")) {
		len = strcspn(keys, " ");
		if (strlen(key) == len && memcmp(keys, key, len) == 0)
			return true;
	}
	return false;
}

/* @param keys  all that status prints for such an object, with a space between them */
static void check_keys(struct reader *reader, json_t *object, const char *keys)
{
	for (void *at = json_object_iter(object); at && !reader->wrong;
	     at = json_object_iter_next(object, at)) {
		const char *key = json_object_iter_key(at);

		if (!is_among(keys, key)) {
			reader->wrong = key;
			reader->why = "no key that status prints";
		}
	}
}

static void put_text(struct reader *reader, struct words *words, const json_t *object,
		     const char *key, const char *option)
{
	const char *text = text_of(reader, object, key);

	if (!text)
		return;
	put(words, "%s", option);
	put(words, "%s", text);
}

/* @param suffix  of the number */
static void put_number(struct reader *reader, struct words *words, const json_t *object,
		       const char *key, const char *option, const char *suffix)
{
	const json_t *value = json_object_get(object, key);

	if (is_null(value))
		return;
	if (json_typeof(value) != JSON_INTEGER) {
		reader->wrong = key;
		return;
	}
	put(words, "%s", option);
	put(words, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(value), suffix);
}

static const json_t *list_of(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!is_null(value) && json_typeof(value) != JSON_ARRAY)
		reader->wrong = key;
	return is_null(value) || json_typeof(value) != JSON_ARRAY ? NULL : value;
}

static bool has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; list && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_typeof(item) == JSON_STRING &&
		    strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

/* @param but  texts that are left out, or NULL */
static void put_list(struct reader *reader, struct words *words, const json_t *object,
		     const char *key, const char *option, const json_t *but)
{
	const json_t *list = list_of(reader, object, key);

	for (size_t i = 0; list && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_typeof(item) != JSON_STRING) {
			reader->wrong = key;
			return;
		}
		if (has_text(but, json_string_value(item)))
			continue;
		put(words, "%s", option);
		put(words, "%s", json_string_value(item));
	}
}

/* ---- Objects ----------------------------------------------------------------------------------- */

static void put_forwarding(const struct reader *reader, struct words *words, const char *address)
{
	if (address && !reader->is_forwarding[strchr(address, ':') != NULL])
		put(words, "--no-forward");
}

/* What was moved to the bridge, as attached has it. */
static const json_t *moved_to(struct reader *reader, const char *bridge)
{
	const json_t *list = list_of(reader, reader->root, "attached");

	for (size_t i = 0; bridge && list && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *to = text_of(reader, item, "bridge");

		if (to && strcmp(to, bridge) == 0 &&
		    is_true(reader, item, "move_addresses", false))
			return list_of(reader, item, "addresses");
	}
	return NULL;
}

static void put_bridge(struct reader *reader, const json_t *object, struct words *words)
{
	const char *name;

	if (!is_true(reader, object, "managed", true))
		return;
	name = name_of(reader, object, "name");
	put(words, "bridge");
	put(words, "add");
	put(words, "%s", name ? name : "");
	put_list(reader, words, object, "addresses", "--address", moved_to(reader, name));
	put_number(reader, words, object, "mtu", "--mtu", "");
	put_text(reader, words, object, "mac", "--mac");
	if (is_true(reader, object, "stp", false))
		put(words, "--stp");
	put_text(reader, words, object, "dhcp", "--dhcp");
}

static void put_attached(struct reader *reader, const json_t *object, struct words *words)
{
	const char *bridge = name_of(reader, object, "bridge");
	const char *ifname = name_of(reader, object, "interface");

	put(words, "bridge");
	put(words, "attach");
	put(words, "%s", bridge ? bridge : "");
	put(words, "%s", ifname ? ifname : "");
	if (is_true(reader, object, "move_addresses", false))
		put(words, "--move-addresses");
	if (!is_true(reader, object, "hairpin", true))
		put(words, "--no-hairpin");
}

static void put_tap(struct reader *reader, const json_t *object, struct words *words)
{
	bool has_bridge = text_of(reader, object, "bridge");
	const char *name;

	if (!is_true(reader, object, "managed", true))
		return;
	name = name_of(reader, object, "name");
	put(words, "tap");
	put(words, "add");
	put(words, "%s", name ? name : "");
	put_text(reader, words, object, "bridge", "--bridge");
	if (!has_bridge)
		put_list(reader, words, object, "addresses", "--address", NULL);
	put_text(reader, words, object, "owner", "--owner");
	put_text(reader, words, object, "group", "--group");
	put_text(reader, words, object, "mac", "--mac");
	put_number(reader, words, object, "mtu", "--mtu", "");
	put_number(reader, words, object, "queues", "--queues", "");
	if (is_true(reader, object, "vnet_hdr", false))
		put(words, "--vnet-hdr");
	if (is_true(reader, object, "isolated", false))
		put(words, "--isolated");
	if (has_bridge && !is_true(reader, object, "hairpin", true))
		put(words, "--no-hairpin");
	put_list(reader, words, object, "guard", "--guard", NULL);
	put_text(reader, words, object, "lease", "--lease");
}

static void put_nat(struct reader *reader, const json_t *object, struct words *words)
{
	const char *subnet = name_of(reader, object, "subnet");

	put(words, "nat");
	put(words, "add");
	put(words, "%s", subnet ? subnet : "");
	put_text(reader, words, object, "out", "--out");
	put_text(reader, words, object, "to", "--to");
	if (is_true(reader, object, "open", false))
		put(words, "--open");
	put_forwarding(reader, words, subnet);
}

/* Others find their aliases by themselves. */
static void put_alias(struct reader *reader, const json_t *object, struct words *words)
{
	const char *origin = text_of(reader, object, "origin"), *prefix;

	if (!origin || strcmp(origin, "nestnet") != 0)
		return;
	prefix = name_of(reader, object, "prefix");
	put(words, "alias");
	put(words, "add");
	put(words, "%s", prefix ? prefix : "");
	put_text(reader, words, object, "dev", "--dev");
}

static void put_target(struct reader *reader, const json_t *object, struct words *words)
{
	const char *target = name_of(reader, object, "target");
	const char *port = text_of(reader, object, "target_port");

	if (!target)
		put(words, "%s", "");
	else if (!port)
		put(words, "%s", target);
	else if (strchr(target, ':'))
		put(words, "[%s]:%s", target, port);
	else
		put(words, "%s:%s", target, port);
}

/* Status says the alias twice, and whoever edits one of them means it: its parts, which need not
 * be there, are those of the id. What is no alias is refused as such. */
static void hold_against_id(struct reader *reader, const json_t *object, const char *id)
{
	const char *alias = text_of(reader, object, "alias");
	const char *port = text_of(reader, object, "port");
	const char *protocol = text_of(reader, object, "protocol");
	char text[NESTNET_TEXT_MAX * 2], parts[NESTNET_TEXT_MAX], whole[NESTNET_TEXT_MAX];
	bool has_brackets = alias && port && strchr(alias, ':');
	struct nestnet_endpoint of_parts, of_id;

	if (!alias || !id || reader->wrong || nestnet_alias_parse(id, &of_id, NULL) < 0)
		return;
	snprintf(text, sizeof(text), "%s%.80s%s%s%.16s%s%.16s", has_brackets ? "[" : "", alias,
		 has_brackets ? "]" : "", port ? ":" : "", port ? port : "",
		 port && protocol ? "/" : "", port && protocol ? protocol : "");
	if (nestnet_alias_parse(text, &of_parts, NULL) == 0 &&
	    strcmp(nestnet_endpoint_format(&of_parts, parts),
		   nestnet_endpoint_format(&of_id, whole)) == 0)
		return;
	reader->wrong = "alias";
	reader->why = "not that of id, which names the exposure (change both, or leave alias, "
		      "protocol and port out)";
}

/* What was there was allowed to be, whatever L1 has of its own. */
static void put_exposure(struct reader *reader, const json_t *object, struct words *words)
{
	const char *id;

	if (text_of(reader, object, "tap")) /* a program's own */
		return;
	id = name_of(reader, object, "id");
	hold_against_id(reader, object, id);
	put(words, "expose");
	put(words, "%s", id ? id : "");
	put_target(reader, object, words);
	put(words, "--force");
	put_text(reader, words, object, "egress", "--egress");
	put_list(reader, words, object, "from", "--from", NULL);
	put_list(reader, words, object, "except", "--except", NULL);
	if (!is_true(reader, object, "local", true))
		put(words, "--no-local");
	if (is_true(reader, object, "coexist", false))
		put(words, "--coexist");
	if (is_true(reader, object, "open", false))
		put(words, "--open");
	put_text(reader, words, object, "comment", "--comment");
	put_number(reader, words, object, "expires_s", "--timeout", "s");
	put_forwarding(reader, words, text_of(reader, object, "target"));
}

static const struct {
	const char *key, *keys;
	void (*put)(struct reader *reader, const json_t *object, struct words *words);
} kinds[] = {
	{ "bridges", "id name addresses mtu mac stp ports dhcp managed", put_bridge },
	{ "attached", "interface bridge hairpin move_addresses addresses", put_attached },
	{ "taps",
	  "id name bridge addresses owner group mac mtu queues vnet_hdr isolated hairpin guard "
	  "lease state carrier managed",
	  put_tap },
	{ "nat", "id subnet out to open", put_nat },
	{ "aliases", "id prefix dev origin exposed", put_alias },
	{ "exposures",
	  "id alias protocol port target target_port egress from except local open coexist "
	  "comment flows timeout_s expires_s tap",
	  put_exposure },
};

#define KEYS_OF_ALL "uplinks bridges attached taps guests nat aliases exposures forwarding"

/* ---- The whole --------------------------------------------------------------------------------- */

static int refuse(struct reader *reader, const char *why)
{
	char place[FILE_PLACE_MAX];

	file_set_where(reader->file, reader->where);
	file_place(reader->file, NULL, place);
	file_set_where(reader->file, NULL);
	cli_say("%s%s%s%s", place, reader->wrong ? reader->wrong : "",
		reader->wrong ? ": " : "", why);
	return STATUS_USAGE;
}

static int take_words(struct reader *reader, struct words *words)
{
	if (reader->wrong)
		return refuse(reader, reader->why ? reader->why
						  : "not of the type that status prints");
	if (words->is_failed) {
		cli_say("out of memory");
		return STATUS_FAILED;
	}
	if (words->n == 0)
		return STATUS_OK;
	return file_take(reader->cli, reader->file, reader->where, words->n, words->list);
}

static int take_list(struct reader *reader, size_t kind)
{
	const json_t *list = list_of(reader, reader->root, kinds[kind].key);
	int status = STATUS_OK;

	snprintf(reader->where, sizeof(reader->where), "JSON");
	if (reader->wrong)
		return refuse(reader, "not a list");
	for (size_t i = 0; status == STATUS_OK && list && i < json_array_size(list); i++) {
		json_t *object = json_array_get(list, i);
		struct words words = { .n = 0 };

		snprintf(reader->where, sizeof(reader->where), "%s[%zu]", kinds[kind].key, i);
		if (json_typeof(object) != JSON_OBJECT)
			return refuse(reader, "not an object");
		check_keys(reader, object, kinds[kind].keys);
		if (!reader->wrong)
			kinds[kind].put(reader, object, &words);
		status = take_words(reader, &words);
		free_words(&words);
	}
	return status;
}

/* Forwarding that is on is asked for; where it is off nothing turns it on. */
static int take_forwarding(struct reader *reader)
{
	static const char *const keys[] = { "ipv4", "ipv6" };
	json_t *forwarding = json_object_get(reader->root, "forwarding");
	int status = STATUS_OK;

	snprintf(reader->where, sizeof(reader->where), "forwarding");
	if (!is_null(forwarding) && json_typeof(forwarding) != JSON_OBJECT)
		return refuse(reader, "not an object");
	if (!is_null(forwarding))
		check_keys(reader, forwarding, "ipv4 ipv6");
	for (size_t i = 0; status == STATUS_OK && i < 2; i++) {
		struct words words = { .n = 0 };

		reader->is_forwarding[i] = is_null(forwarding) ||
					   is_true(reader, forwarding, keys[i], false);
		if (!is_null(forwarding) && reader->is_forwarding[i]) {
			put(&words, "forward");
			put(&words, "on");
			put(&words, i == 0 ? "-4" : "-6");
		}
		status = take_words(reader, &words);
		free_words(&words);
	}
	return status;
}

/* An object of something else would be a state with nothing in it. */
static bool is_state(const struct reader *reader)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (json_object_get(reader->root, kinds[i].key))
			return true;
	}
	return json_object_get(reader->root, "forwarding");
}

int file_take_json(struct cli *cli, struct file *file, const char *text, size_t len)
{
	struct reader reader = { .cli = cli, .file = file };
	json_error_t error;
	int status;

	if (!lazy_load())
		return STATUS_FAILED;
	reader.root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!reader.root) {
		file_say_at(file, error.line > 0 ? (size_t)error.line : 1,
			    error.column > 0 ? (size_t)error.column : 1, error.text);
		return STATUS_USAGE;
	}
	if (!is_state(&reader)) {
		file_say_at(file, 1, 1, "no state as 'nestnet -j status' prints it");
		json_delete(reader.root);
		return STATUS_USAGE;
	}
	snprintf(reader.where, sizeof(reader.where), "JSON");
	check_keys(&reader, reader.root, KEYS_OF_ALL);
	status = reader.wrong ? refuse(&reader, reader.why) : take_forwarding(&reader);
	for (size_t i = 0; status == STATUS_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		status = take_list(&reader, i);
	json_delete(reader.root);
	return status;
}
