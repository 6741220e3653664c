/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash of requests by the name of what they are about. */

#include "plan/object.h"

#include "plan/command.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What an object is known by; compared as bytes, and so without padding. */
struct name {
	uint8_t kind;   /* REQUEST_TAP_ADD of every link */
	uint8_t family; /* of forwarding, or of an exposure's target */
	uint8_t prefix_family, prefix_len;
	uint16_t protocol, first_port, last_port, zero;
	uint8_t bytes[16]; /* an address, or an interface */
};
_Static_assert(NESTNET_IFNAMSIZ == 16, "a name has room for an interface's");

struct entry {
	uint32_t hash;
	uint32_t number; /* the request's index + 1; 0: the place is free */
};

struct objects {
	const struct request_list *requests;
	struct entry *entries; /* a power of two, at most seven eighths of them taken */
	size_t n_entries, n;
};

struct objects *objects_new(const struct request_list *requests)
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
	free(objects->entries);
	free(objects);
	return NULL;
}

/* ---- Names -------------------------------------------------------------------------------- */

static void name_prefix(const struct nestnet_prefix *prefix, struct name *ret)
{
	if (prefix->address.family == AF_UNSPEC)
		return;
	ret->prefix_family = (uint8_t)prefix->address.family;
	ret->prefix_len = (uint8_t)prefix->len;
	memcpy(ret->bytes, prefix->address.bytes, address_len(prefix->address.family));
}

static void name_interface(const char *ifname, struct name *ret)
{
	memcpy(ret->bytes, ifname, strnlen(ifname, sizeof(ret->bytes)));
}

/* A port of every address can be exposed once in each family. */
static void name_exposure(const struct expose_request *expose, struct name *ret)
{
	const struct nestnet_endpoint *alias = &expose->alias;

	name_prefix(&alias->prefix, ret);
	ret->family = (uint8_t)endpoint_family(&expose->target);
	ret->protocol = (uint16_t)alias->protocol;
	ret->first_port = alias->first_port;
	ret->last_port = alias->last_port;
}

static void name_object(const struct request *request, struct name *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = (uint8_t)request->kind;
	switch (request->kind) {
	case REQUEST_EXPOSE:
		name_exposure(&request->expose, ret);
		break;
	case REQUEST_TAP_ADD:
		name_interface(request->tap.name, ret);
		break;
	case REQUEST_BRIDGE_ADD:
		ret->kind = REQUEST_TAP_ADD;
		name_interface(request->bridge.name, ret);
		break;
	case REQUEST_ATTACH:
		name_interface(request->attach.ifname, ret);
		break;
	case REQUEST_NAT_ADD:
		name_prefix(&request->nat.subnet, ret);
		break;
	case REQUEST_FORWARD:
		ret->family = (uint8_t)request->forward.family;
		name_interface(request->forward.ifname, ret);
		break;
	case REQUEST_ALIAS_ADD:
		name_prefix(&request->alias.prefix, ret);
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

static uint32_t hash_name(const struct name *name)
{
	_Static_assert(sizeof(*name) % 4 == 0, "hashed by four bytes");
	return hash_bytes(0, name, sizeof(*name));
}

static bool has_name(const struct objects *objects, const struct entry *entry,
		     const struct name *name)
{
	struct request buffer;
	struct name other;

	name_object(request_list_at(objects->requests, entry->number - 1, &buffer),
		    &other);
	return memcmp(&other, name, sizeof(other)) == 0;
}

/* ---- The hash ----------------------------------------------------------------------------- */

/* The place of that name, or the free one where it would be. */
static struct entry *find_place(const struct objects *objects, const struct name *name,
				uint32_t hash)
{
	size_t mask = objects->n_entries - 1, at = hash & mask;
	struct entry *entries = objects->entries;

	while (entries[at].number &&
	       !(entries[at].hash == hash && has_name(objects, &entries[at], name)))
		at = (at + 1) & mask;
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
		size_t at = entry->hash & (n - 1);

		if (!entry->number)
			continue;
		while (entries[at].number)
			at = (at + 1) & (n - 1);
		entries[at] = *entry;
	}
	free(objects->entries);
	objects->entries = entries;
	objects->n_entries = n;
	return true;
}

/* @return the index + 1 of the request about the same object; 0: there is none */
static size_t find(const struct objects *objects, const struct request *like)
{
	struct name name;

	name_object(like, &name);
	return find_place(objects, &name, hash_name(&name))->number;
}

static size_t find_link(const struct objects *objects, const char *name)
{
	struct request like = { .kind = REQUEST_TAP_ADD };

	snprintf(like.tap.name, sizeof(like.tap.name), "%s", name);
	return find(objects, &like);
}

static size_t find_port(const struct objects *objects, const char *ifname)
{
	struct request like = { .kind = REQUEST_ATTACH };

	snprintf(like.attach.ifname, sizeof(like.attach.ifname), "%s", ifname);
	return find(objects, &like);
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

/* The tap or bridge that an interface to attach is, or the attaching of what is to be a tap.
 * @return its index + 1; 0: there is none */
static size_t find_other(const struct objects *objects, const struct request *request)
{
	if (request->kind == REQUEST_ATTACH)
		return find_link(objects, request->attach.ifname);
	if (request->kind == REQUEST_TAP_ADD)
		return find_port(objects, request->tap.name);
	return 0;
}

static int compare_other(const struct objects *objects, const struct request *request,
			 size_t *ret_index)
{
	size_t number = find_other(objects, request);
	const struct request *other =
		number ? request_list_whole(objects->requests, number - 1) : NULL;
	int r;

	if (!other || (request->kind == REQUEST_ATTACH && other->kind != REQUEST_TAP_ADD))
		return 0;
	r = request->kind == REQUEST_ATTACH ? compare_port(other, request)
					    : compare_port(request, other);
	*ret_index = number - 1;
	/* The tap itself is still to be made where it comes second. */
	return r == 1 && request->kind == REQUEST_TAP_ADD ? 0 : r;
}

int objects_add(struct objects *objects, const struct request *request, size_t index,
		size_t *ret_index)
{
	struct request buffer;
	struct name name;
	struct entry *place;
	uint32_t hash;
	int r = compare_other(objects, request, ret_index);

	if (r != 0)
		return r;
	if (index >= UINT32_MAX ||
	    (objects->n >= objects->n_entries / 8 * 7 && !grow(objects)))
		return -ENOMEM;
	name_object(request, &name);
	hash = hash_name(&name);
	place = find_place(objects, &name, hash);
	if (place->number) {
		*ret_index = place->number - 1;
		return compare(request_list_at(objects->requests, *ret_index, &buffer),
			       request);
	}
	*place = (struct entry){ .hash = hash, .number = (uint32_t)index + 1 };
	objects->n++;
	return 0;
}

const struct request *objects_find(const struct objects *objects,
				   const struct request *like, struct request *buffer)
{
	size_t number = find(objects, like);

	return number ? request_list_at(objects->requests, number - 1, buffer) : NULL;
}

const struct request *objects_find_link(const struct objects *objects, const char *name)
{
	size_t number = find_link(objects, name);

	return number ? request_list_whole(objects->requests, number - 1) : NULL;
}

const struct request *objects_find_port(const struct objects *objects, const char *ifname)
{
	size_t number = find_port(objects, ifname);

	return number ? request_list_whole(objects->requests, number - 1) : NULL;
}
