/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash of requests by the name of what they are about. */

#include "plan/object.h"

#include "plan/command.h"

#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The longest name: the kind's, and an endpoint. */
#define NAME_SIZE (NESTNET_TEXT_MAX + 32)

struct entry {
	char *name; /* owned; NULL: the place is free */
	size_t index;
};

struct objects {
	struct request *const *requests;
	struct entry *entries; /* a power of two, at most half of them taken */
	size_t n_entries, n;
};

struct objects *objects_new(struct request *const *requests)
{
	struct objects *objects = calloc(1, sizeof(*objects));

	if (!objects)
		return NULL;
	objects->requests = requests;
	objects->n_entries = 64;
	objects->entries = calloc(objects->n_entries, sizeof(*objects->entries));
	return objects->entries ? objects : objects_free(objects);
}

struct objects *objects_free(struct objects *objects)
{
	if (!objects)
		return NULL;
	for (size_t i = 0; objects->entries && i < objects->n_entries; i++)
		free(objects->entries[i].name);
	free(objects->entries);
	free(objects);
	return NULL;
}

/* A port of every address can be exposed once in each family. */
static void name_exposure(const struct expose_request *expose, char buf[NAME_SIZE])
{
	const char *word =
		endpoint_family(&expose->target) == AF_INET6 ? "expose6 " : "expose4 ";

	nestnet_endpoint_format(&expose->alias, stpcpy(buf, word));
}

static void name_object(const struct request *request, char *buf, size_t size)
{
	char text[NESTNET_TEXT_MAX];

	buf[0] = '\0';
	switch (request->kind) {
	case REQUEST_EXPOSE:
		name_exposure(&request->expose, buf);
		break;
	case REQUEST_TAP_ADD:
		snprintf(buf, size, "link %s", request->tap.name);
		break;
	case REQUEST_BRIDGE_ADD:
		snprintf(buf, size, "link %s", request->bridge.name);
		break;
	case REQUEST_ATTACH:
		snprintf(buf, size, "port %s", request->attach.ifname);
		break;
	case REQUEST_NAT_ADD:
		snprintf(buf, size, "nat %s",
			 nestnet_prefix_format(&request->nat.subnet, text));
		break;
	case REQUEST_FORWARD:
		snprintf(buf, size, "forward %s %d", request->forward.ifname,
			 request->forward.family);
		break;
	case REQUEST_ALIAS_ADD:
		snprintf(buf, size, "alias %s",
			 nestnet_prefix_format(&request->alias.prefix, text));
		break;
	case REQUEST_UNEXPOSE:
	case REQUEST_UNEXPOSE_TARGET:
	case REQUEST_TAP_DEL:
	case REQUEST_BRIDGE_DEL:
	case REQUEST_DETACH:
	case REQUEST_NAT_DEL:
	case REQUEST_ALIAS_DEL:
	case REQUEST_CLEAR:
		break; /* no whole state has them */
	}
}

/* FNV-1a. */
static size_t hash_name(const char *name)
{
	uint64_t hash = 14695981039346656037u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

/* The place of that name, or the free one where it would be. */
static struct entry *find_place(struct entry *entries, size_t n_entries, const char *name)
{
	size_t at = hash_name(name) & (n_entries - 1);

	while (entries[at].name && strcmp(entries[at].name, name) != 0)
		at = (at + 1) & (n_entries - 1);
	return &entries[at];
}

static bool grow(struct objects *objects)
{
	size_t n = objects->n_entries * 2;
	struct entry *entries = calloc(n, sizeof(*entries));

	if (!entries)
		return false;
	for (size_t i = 0; i < objects->n_entries; i++) {
		const struct entry *entry = &objects->entries[i];

		if (entry->name)
			*find_place(entries, n, entry->name) = *entry;
	}
	free(objects->entries);
	objects->entries = entries;
	objects->n_entries = n;
	return true;
}

/* @return 1: both say the same; -EEXIST: they do not; -ENOMEM */
static int compare(const struct request *a, const struct request *b)
{
	_cleanup_free_ char *one = command_format(a), *other = command_format(b);

	if (!one || !other)
		return -ENOMEM;
	return strcmp(one, other) == 0 ? 1 : -EEXIST;
}

/* A tap is a port of the bridge that it names, or of none: to attach it says that again. */
static int compare_port(const struct request *tap, const struct request *attach)
{
	bool has_hairpin = !(tap->tap.flags & NESTNET_TAP_NO_HAIRPIN);

	if (strcmp(tap->tap.bridge, attach->attach.bridge) == 0 &&
	    has_hairpin == !(attach->attach.flags & NESTNET_ATTACH_NO_HAIRPIN))
		return 1;
	return -EEXIST;
}

static int find_other(const struct objects *objects, const struct request *request,
		      size_t *ret_index)
{
	const struct request *other;
	int r;

	if (request->kind == REQUEST_ATTACH)
		other = objects_find_link(objects, request->attach.ifname);
	else if (request->kind == REQUEST_TAP_ADD)
		other = objects_find_port(objects, request->tap.name);
	else
		return 0;
	if (!other || (request->kind == REQUEST_ATTACH && other->kind != REQUEST_TAP_ADD))
		return 0;
	r = request->kind == REQUEST_ATTACH ? compare_port(other, request)
					    : compare_port(request, other);
	*ret_index = (size_t)(other - *objects->requests);
	/* The tap itself is still to be made where it comes second. */
	return r == 1 && request->kind == REQUEST_TAP_ADD ? 0 : r;
}

int objects_add(struct objects *objects, const struct request *request, size_t index,
		size_t *ret_index)
{
	char name[NAME_SIZE];
	struct entry *place;
	int r = find_other(objects, request, ret_index);

	if (r != 0)
		return r;
	if (objects->n * 2 >= objects->n_entries && !grow(objects))
		return -ENOMEM;
	name_object(request, name, sizeof(name));
	place = find_place(objects->entries, objects->n_entries, name);
	if (place->name) {
		*ret_index = place->index;
		return compare(&(*objects->requests)[place->index], request);
	}
	place->name = strdup(name);
	if (!place->name)
		return -ENOMEM;
	place->index = index;
	objects->n++;
	return 0;
}

const struct request *objects_find(const struct objects *objects, const struct request *like)
{
	const struct entry *entry;
	char name[NAME_SIZE];

	name_object(like, name, sizeof(name));
	entry = find_place(objects->entries, objects->n_entries, name);
	return entry->name ? &(*objects->requests)[entry->index] : NULL;
}

const struct request *objects_find_link(const struct objects *objects, const char *name)
{
	struct request like = { .kind = REQUEST_TAP_ADD };

	snprintf(like.tap.name, sizeof(like.tap.name), "%s", name);
	return objects_find(objects, &like);
}

const struct request *objects_find_port(const struct objects *objects, const char *ifname)
{
	struct request like = { .kind = REQUEST_ATTACH };

	snprintf(like.attach.ifname, sizeof(like.attach.ifname), "%s", ifname);
	return objects_find(objects, &like);
}
