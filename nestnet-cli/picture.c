/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The picture of a state. It is made of nodes, each with its parent, which the tree and
 * Graphviz print alike. Below an alias are its exposures, and below each of those the way of
 * its packets: the bridge, the port and the guest. After that come the bridges, with all
 * their ports and guests, since not all of them are exposed.
 */

#include "picture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PARENT SIZE_MAX

struct node {
	size_t parent;
	char *texts[4]; /* owned: object, kind, detail, state */
	bool is_wrong;
};

struct picture {
	struct cli *cli;
	const json_t *state;
	json_t *wrongs; /* what is wrong with an interface, by its name */
	struct node *nodes;
	size_t n;
	bool is_failed; /* out of memory */
};

/* ---- Nodes ------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* @param wrong  what is wrong, or NULL: then state says what is right */
static size_t add(struct picture *picture, size_t parent, const char *object,
		  const char *kind, const char *detail, const char *state, const char *wrong)
{
	struct node *grown = reallocarray(picture->nodes, picture->n + 1, sizeof(*grown));
	struct node *node;

	if (!grown) {
		picture->is_failed = true;
		return NO_PARENT;
	}
	picture->nodes = grown;
	node = &grown[picture->n];
	*node = (struct node){ .parent = parent, .is_wrong = wrong };
	node->texts[0] = strdup(or_empty(object));
	node->texts[1] = strdup(kind);
	node->texts[2] = strdup(or_empty(detail));
	if (asprintf(&node->texts[3], "%s%s", wrong ? "! " : "",
		     wrong ? wrong : or_empty(state)) < 0)
		node->texts[3] = NULL;
	for (size_t i = 0; i < 4; i++)
		picture->is_failed = picture->is_failed || !node->texts[i];
	return picture->n++;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* The texts of a list, with blanks between. @return buf */
static const char *join(const json_t *list, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < json_array_size(list) && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "",
					 or_empty(json_string_value(json_array_get(list, i))));
	return buf;
}

static bool has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; text && i < json_array_size(list); i++) {
		const char *item = json_string_value(json_array_get(list, i));

		if (item && strcmp(item, text) == 0)
			return true;
	}
	return false;
}

static const json_t *part(const struct picture *picture, const char *key)
{
	return json_object_get(picture->state, key);
}

/* The object of a list whose key has that text; NULL: none */
static const json_t *find(const struct picture *picture, const char *list, const char *key,
			  const char *text)
{
	const json_t *array = part(picture, list);

	for (size_t i = 0; text && i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		const char *value = text_of(item, key);

		if (value && strcmp(value, text) == 0)
			return item;
	}
	return NULL;
}

/* ---- Interfaces --------------------------------------------------------------------------------- */

/* A bridge has a carrier where a port of it has, and it may have none yet. */
static int take_interface(void *userdata, const struct nestnet_interface *interface)
{
	struct picture *picture = userdata;
	const char *wrong = !interface->is_up ? "down"
			    : !interface->has_carrier && !interface->is_bridge
				    ? "no carrier"
				    : NULL;

	if (wrong &&
	    json_object_set_new(picture->wrongs, interface->name, json_string(wrong)) < 0)
		picture->is_failed = true;
	return 0;
}

/* ---- Bridges, ports and guests ----------------------------------------------------------------- */

static const char *wrong_state(const char *neighbour)
{
	if (neighbour &&
	    (strcmp(neighbour, "failed") == 0 || strcmp(neighbour, "incomplete") == 0))
		return "does not answer";
	return NULL;
}

static size_t add_guest(struct picture *picture, size_t parent, const json_t *guest)
{
	const char *state = text_of(guest, "state");
	char addresses[256];

	return add(picture, parent, text_of(guest, "mac"), "guest",
		   join(json_object_get(guest, "addresses"), addresses, sizeof(addresses)),
		   state ? state : "heard", wrong_state(state));
}

static size_t add_port(struct picture *picture, size_t parent, const char *name)
{
	const json_t *tap = find(picture, "taps", "name", name);
	char addresses[256];

	if (!tap)
		return add(picture, parent, name, "port", "", "attached",
			   text_of(picture->wrongs, name));
	return add(picture, parent, name, "tap",
		   join(json_object_get(tap, "addresses"), addresses, sizeof(addresses)),
		   "carrier", text_of(picture->wrongs, name));
}

static size_t add_bridge(struct picture *picture, size_t parent, const json_t *bridge)
{
	char addresses[256];

	return add(
		picture, parent, text_of(bridge, "name"), "bridge",
		join(json_object_get(bridge, "addresses"), addresses, sizeof(addresses)),
		is_true(bridge, "managed") ? "ours" : "of others",
		text_of(picture->wrongs, text_of(bridge, "name")));
}

static void add_port_guests(struct picture *picture, size_t parent, const char *port)
{
	const json_t *guests = part(picture, "guests");

	for (size_t i = 0; i < json_array_size(guests); i++) {
		const json_t *guest = json_array_get(guests, i);

		if (strcmp(or_empty(text_of(guest, "tap")), port) == 0)
			add_guest(picture, parent, guest);
	}
}

static void add_bridges(struct picture *picture)
{
	const json_t *bridges = part(picture, "bridges");

	for (size_t i = 0; i < json_array_size(bridges); i++) {
		const json_t *bridge = json_array_get(bridges, i);
		const json_t *ports = json_object_get(bridge, "ports");
		size_t node = add_bridge(picture, NO_PARENT, bridge);

		for (size_t p = 0; p < json_array_size(ports); p++) {
			const char *port = json_string_value(json_array_get(ports, p));

			add_port_guests(picture, add_port(picture, node, port), port);
		}
	}
}

/* Taps that are in no bridge. */
static void add_taps(struct picture *picture)
{
	const json_t *taps = part(picture, "taps");

	for (size_t i = 0; i < json_array_size(taps); i++) {
		const json_t *tap = json_array_get(taps, i);
		const char *name = text_of(tap, "name");

		if (!text_of(tap, "bridge"))
			add_port_guests(picture, add_port(picture, NO_PARENT, name), name);
	}
}

/* ---- Exposures --------------------------------------------------------------------------------- */

/* What keeps packets for an exposure from arriving, as far as can be seen at a glance. */
static const char *why_not(struct picture *picture, const json_t *exposure,
			   const struct nestnet_route *way)
{
	const char *alias = text_of(exposure, "alias"), *target = text_of(exposure, "target");
	const json_t *forwarding = part(picture, "forwarding");
	struct nestnet_address address;
	struct nestnet_route route;

	if (strcmp(or_empty(text_of(exposure, "tap")), "(gone)") == 0)
		return "its tap is gone";
	if (!is_true(forwarding, strchr(or_empty(target), ':') ? "ipv6" : "ipv4"))
		return "forwarding is off";
	if (!way->ifname[0])
		return "no route to the target";
	if (way->is_local)
		return "the target is L1 itself";
	if (find(picture, "uplinks", "name", way->ifname))
		return "the target is behind the uplink: is its bridge there?";
	if (alias && nestnet_address_parse(alias, &address) == 0 &&
	    (nestnet_route_get(picture->cli->ctx, &address, &route) != 1 || !route.is_local))
		return "the alias is not local";
	return NULL;
}

/* The way of its packets: bridge, port, guest. */
static void add_way(struct picture *picture, size_t parent, const json_t *exposure,
		    const struct nestnet_route *way)
{
	const json_t *bridge = find(picture, "bridges", "name", way->ifname);
	const json_t *guests = part(picture, "guests");
	size_t node = parent;

	if (bridge)
		node = add_bridge(picture, node, bridge);
	for (size_t i = 0; i < json_array_size(guests); i++) {
		const json_t *guest = json_array_get(guests, i);
		const char *port = text_of(guest, "tap");

		if (has_text(json_object_get(guest, "addresses"),
			     text_of(exposure, "target"))) {
			if (port)
				node = add_port(picture, node, port);
			add_guest(picture, node, guest);
			return;
		}
	}
}

static void add_exposure(struct picture *picture, size_t parent, const json_t *exposure)
{
	const char *target = text_of(exposure, "target"), *port;
	struct nestnet_route way = { .ifname = "" };
	struct nestnet_prefix prefix;
	char detail[256];
	size_t node;

	port = text_of(exposure, "target_port");
	snprintf(detail, sizeof(detail), "%s%s%s%s%s", or_empty(target), port ? " port " : "",
		 or_empty(port), text_of(exposure, "comment") ? ", " : "",
		 or_empty(text_of(exposure, "comment")));
	if (target && nestnet_prefix_parse(target, &prefix) == 0)
		(void)nestnet_route_get(picture->cli->ctx, &prefix.address, &way);
	node = add(picture, parent, text_of(exposure, "id"), "exposure", detail, "ok",
		   why_not(picture, exposure, &way));
	add_way(picture, node, exposure, &way);
}

static void add_aliases(struct picture *picture, size_t parent, const char *dev)
{
	const json_t *aliases = part(picture, "aliases");

	for (size_t i = 0; i < json_array_size(aliases); i++) {
		const json_t *alias = json_array_get(aliases, i);
		const json_t *exposed = json_object_get(alias, "exposed");
		size_t node;

		if (strcmp(or_empty(text_of(alias, "dev")), dev) != 0)
			continue;
		node = add(picture, parent, text_of(alias, "prefix"), "alias",
			   text_of(alias, "origin"), "local", NULL);
		for (size_t e = 0; e < json_array_size(exposed); e++) {
			const char *id = json_string_value(json_array_get(exposed, e));
			const json_t *exposure = find(picture, "exposures", "id", id);

			if (exposure)
				add_exposure(picture, node, exposure);
		}
	}
}

static void add_uplinks(struct picture *picture)
{
	const json_t *uplinks = part(picture, "uplinks");

	for (size_t i = 0; i < json_array_size(uplinks); i++) {
		const json_t *uplink = json_array_get(uplinks, i);
		const char *name = text_of(uplink, "name");
		char addresses[256];
		size_t node;

		node = add(picture, NO_PARENT, name, "uplink",
			   join(json_object_get(uplink, "addresses"), addresses,
				sizeof(addresses)),
			   "up",
			   strcmp(or_empty(text_of(uplink, "state")), "up") != 0 ? "down"
			   : !is_true(uplink, "carrier") ? "no carrier"
							  : NULL);
		add_aliases(picture, node, name);
	}
}

static bool is_below_alias(const struct picture *picture, const json_t *exposure)
{
	const json_t *aliases = part(picture, "aliases");

	for (size_t i = 0; i < json_array_size(aliases); i++) {
		const json_t *alias = json_array_get(aliases, i);

		if (find(picture, "uplinks", "name", text_of(alias, "dev")) &&
		    has_text(json_object_get(alias, "exposed"), text_of(exposure, "id")))
			return true;
	}
	return false;
}

/* Those of no alias of an uplink: a port of a primary address, or what is not local. */
static void add_other_exposures(struct picture *picture)
{
	const json_t *exposures = part(picture, "exposures");

	for (size_t i = 0; i < json_array_size(exposures); i++) {
		const json_t *exposure = json_array_get(exposures, i);

		if (!is_below_alias(picture, exposure))
			add_exposure(picture, NO_PARENT, exposure);
	}
}

static void add_all(struct picture *picture)
{
	const json_t *nats = part(picture, "nat");

	add_uplinks(picture);
	add_other_exposures(picture);
	add_bridges(picture);
	add_taps(picture);
	for (size_t i = 0; i < json_array_size(nats); i++) {
		const json_t *nat = json_array_get(nats, i);
		bool is_six = strchr(or_empty(text_of(nat, "subnet")), ':');
		const char *to = text_of(nat, "to"), *out = text_of(nat, "out");
		char detail[128];

		snprintf(detail, sizeof(detail), "%s%s%s%s", or_empty(to),
			 to && out ? " " : "", out ? "out " : "", or_empty(out));
		add(picture, NO_PARENT, text_of(nat, "subnet"), "nat", detail,
		    is_true(nat, "open") ? "open" : "closed",
		    is_true(part(picture, "forwarding"), is_six ? "ipv6" : "ipv4")
			    ? NULL
			    : "forwarding is off");
	}
}

/* ---- Printing ---------------------------------------------------------------------------------- */

static int fill_tree(const struct picture *picture, struct libscols_table *table)
{
	static const char *const titles[] = { "OBJECT", "KIND", "DETAIL", "STATE" };
	struct libscols_line **lines = calloc(picture->n + 1, sizeof(*lines));
	int r = lines ? 0 : -1;

	for (size_t i = 0; r == 0 && i < 4; i++) {
		if (!scols_table_new_column(table, titles[i], 0, i ? 0 : SCOLS_FL_TREE))
			r = -1;
	}
	for (size_t i = 0; r == 0 && i < picture->n; i++) {
		const struct node *node = &picture->nodes[i];

		lines[i] = scols_table_new_line(
			table, node->parent == NO_PARENT ? NULL : lines[node->parent]);
		for (size_t c = 0; r == 0 && c < 4; c++) {
			char *text = strdup(node->texts[c]);

			if (!lines[i] || !text || scols_line_refer_data(lines[i], c, text) < 0) {
				free(text);
				r = -1;
			}
		}
	}
	free(lines);
	return r;
}

static int print_tree(const struct picture *picture)
{
	struct libscols_table *table = scols_new_table();
	int r;

	if (!table)
		return -1;
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_ascii(table, 1);
	r = fill_tree(picture, table);
	if (r == 0 && picture->n > 0)
		r = scols_print_table(table);
	scols_unref_table(table);
	return r;
}

static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void print_dot(const struct picture *picture)
{
	printf("digraph nestnet {\n\trankdir=LR;\n\tnode [shape=box];\n");
	for (size_t i = 0; i < picture->n; i++) {
		const struct node *node = &picture->nodes[i];

		printf("\tn%zu [label=\"", i);
		for (size_t c = 0; c < 4; c++) {
			if (c > 0 && node->texts[c][0])
				printf("\\n");
			print_quoted(node->texts[c]);
		}
		printf("\"%s];\n", node->is_wrong ? ", color=red" : "");
		if (node->parent != NO_PARENT)
			printf("\tn%zu -> n%zu;\n", node->parent, i);
	}
	printf("}\n");
}

int picture_print(struct cli *cli, const json_t *state, bool is_dot)
{
	struct picture picture = { .cli = cli, .state = state, .wrongs = json_object() };
	int r = nestnet_interface_list(cli->ctx, take_interface, &picture);
	int status = STATUS_OK;

	if (r < 0) {
		json_delete(picture.wrongs);
		return cli_fail(cli, r);
	}
	picture.is_failed = picture.is_failed || !picture.wrongs;
	add_all(&picture);
	if (!picture.is_failed && is_dot)
		print_dot(&picture);
	if (picture.is_failed || (!is_dot && print_tree(&picture) < 0)) {
		cli_say("out of memory");
		status = STATUS_FAILED;
	}
	for (size_t i = 0; i < picture.n; i++) {
		for (size_t c = 0; c < 4; c++)
			free(picture.nodes[i].texts[c]);
	}
	free(picture.nodes);
	json_delete(picture.wrongs);
	return status;
}
