/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guards as elements; guard-element.h has the encoding. */

#include "table/guard-element.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Where fields are in a key: tap . MAC . address, padded to 4 bytes. */
#define KEY_MAC     NESTNET_IFNAMSIZ
#define KEY_ADDRESS (KEY_MAC + 8)

/* The sets that have more than one element of a tap. */
static const struct guard_set {
	enum ruleset_set set;
	int family; /* AF_UNSPEC: of no family, and no address in its keys */
} guard_sets[] = {
	{ RULESET_GUARD_MAC, AF_UNSPEC },
	{ RULESET_GUARD_ANY, AF_UNSPEC },
	{ RULESET_GUARD, AF_INET },
	{ RULESET_GUARD, AF_INET6 },
};

static struct nft_element make_key(const char *ifname)
{
	struct nft_element element = { .comment = "" };

	memcpy(element.key, ifname, strnlen(ifname, NESTNET_IFNAMSIZ - 1));
	return element;
}

static struct nft_element make_mac(const char *ifname, const uint8_t *mac)
{
	struct nft_element element = make_key(ifname);

	memcpy(element.key + KEY_MAC, mac, 6);
	return element;
}

static struct nft_element make_address(const char *ifname,
				       const struct guard_entry *entry)
{
	struct nft_element element = make_mac(ifname, entry->mac);

	memcpy(element.key + KEY_ADDRESS, entry->address.bytes,
	       address_len(entry->address.family));
	return element;
}

static void read_entry(const struct nft_element *element, int family,
		       struct guard_entry *ret)
{
	*ret = (struct guard_entry){ .address = { .family = family } };
	memcpy(ret->ifname, element->key, sizeof(ret->ifname) - 1);
	memcpy(ret->mac, element->key + KEY_MAC, sizeof(ret->mac));
	if (family != AF_UNSPEC)
		memcpy(ret->address.bytes, element->key + KEY_ADDRESS,
		       address_len(family));
}

static int load_sets(struct elements *elements, struct error *error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(guard_sets); i++)
		r = elements_load(elements, guard_sets[i].set, guard_sets[i].family,
				  error);
	return r;
}

/* ---- Reading ---------------------------------------------------------------------------- */

struct reader {
	struct guard_entries entries;
	const char *ifname; /* NULL: of all taps */
	int family;
};

static int take_element(void *userdata, const struct nft_element *element)
{
	struct reader *reader = userdata;
	struct guard_entry entry;

	read_entry(element, reader->family, &entry);
	if (reader->ifname && strcmp(entry.ifname, reader->ifname) != 0)
		return 0;
	return guard_entries_add(&reader->entries, &entry) ? 0 : -ENOMEM;
}

/* Reads one of the sets, which is loaded, behind what is in the reader already. */
static int read_set(struct elements *elements, const struct guard_set *set,
		    struct reader *reader, struct error *error)
{
	reader->family = set->family;
	if (elements_each(elements, set->set, set->family, take_element, reader) < 0)
		return error_set_errno(error, ENOMEM);
	return 0;
}

int guard_read(struct elements *elements, const char *ifname, struct guard_entries *ret,
	       struct error *error)
{
	struct reader reader = { .ifname = ifname };
	int r = load_sets(elements, error);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(guard_sets); i++) {
		if (guard_sets[i].set != RULESET_GUARD_MAC)
			r = read_set(elements, &guard_sets[i], &reader, error);
	}
	if (r < 0) {
		free(reader.entries.list);
		return r;
	}
	guard_entries_sort(&reader.entries);
	*ret = reader.entries;
	return 0;
}

int guard_is_there(struct elements *elements, const char *ifname, struct error *error)
{
	struct nft_element key = make_key(ifname), element;
	int r = elements_get(elements, RULESET_GUARDED, AF_UNSPEC, key.key, &element,
			     error);

	/* A kernel that keeps the chain of a device that is gone can have it alone. */
	if (r == 0)
		r = elements_get(elements, RULESET_GUARD_CHAIN, AF_UNSPEC, key.key,
				 &element, error);
	return r;
}

/* ---- Changing --------------------------------------------------------------------------- */

static int put_entry(struct elements *elements, const char *ifname,
		     const struct guard_entry *entry, struct error *error)
{
	struct nft_element mac = make_mac(ifname, entry->mac), address;
	int r = elements_put(elements, RULESET_GUARD_MAC, AF_UNSPEC, &mac, error);

	if (r < 0)
		return r;
	if (entry->address.family == AF_UNSPEC)
		return elements_put(elements, RULESET_GUARD_ANY, AF_UNSPEC, &mac, error);
	address = make_address(ifname, entry);
	return elements_put(elements, RULESET_GUARD, entry->address.family, &address,
			    error);
}

int guard_put(struct elements *elements, const char *ifname,
	      const struct guard_entries *entries, struct error *error)
{
	struct nft_element key = make_key(ifname), chain;
	int r = elements_put(elements, RULESET_GUARDED, AF_UNSPEC, &key, error);

	for (size_t i = 0; r == 0 && i < entries->n; i++)
		r = put_entry(elements, ifname, &entries->list[i], error);
	if (r < 0)
		return r;
	r = elements_get(elements, RULESET_GUARD_CHAIN, AF_UNSPEC, key.key, &chain,
			 error);
	if (r != 0)
		return r < 0 ? r : 0;
	/* One that was there and is removed can have rules for other addresses. */
	key.data[0] = 1;
	return elements_put(elements, RULESET_GUARD_CHAIN, AF_UNSPEC, &key, error);
}

/* Wants nothing of a tap in one of the sets: gathered first, since it may not change while
 * one goes through it. */
static int clear_set(struct elements *elements, const struct guard_set *set,
		     const char *ifname, struct error *error)
{
	struct reader reader = { .ifname = ifname };
	int r = read_set(elements, set, &reader, error);

	for (size_t i = 0; r == 0 && i < reader.entries.n; i++) {
		const struct guard_entry *entry = &reader.entries.list[i];
		struct nft_element element = make_address(ifname, entry);

		if (set->family == AF_UNSPEC)
			element = make_mac(ifname, entry->mac);
		r = elements_remove(elements, set->set, set->family, element.key, error);
	}
	free(reader.entries.list);
	return r;
}

int guard_remove(struct elements *elements, const char *ifname, struct error *error)
{
	struct nft_element key = make_key(ifname);
	int r = load_sets(elements, error);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(guard_sets); i++)
		r = clear_set(elements, &guard_sets[i], ifname, error);
	if (r == 0)
		r = elements_remove(elements, RULESET_GUARDED, AF_UNSPEC, key.key, error);
	if (r == 0)
		r = elements_remove(elements, RULESET_GUARD_CHAIN, AF_UNSPEC, key.key,
				    error);
	return r;
}
