/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guards of taps: checked, put in order, compared, and as text. */

#include "base/guard.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Asking ---------------------------------------------------------------------------- */

static bool is_link_local(const struct nestnet_address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

static const char *why_not_address(const struct nestnet_address *address)
{
	if (address->family != AF_INET && address->family != AF_INET6)
		return "a guard's address is an IPv4 or an IPv6 address";
	return is_link_local(address) ? NULL : address_why_not_unicast(address);
}

const char *guard_why_not(const struct nestnet_guard *guards, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *why = name_why_not_mac(guards[i].mac);

		for (size_t j = 0; !why && j < guards[i].n_addresses; j++)
			why = why_not_address(&guards[i].addresses[j]);
		for (size_t j = 0; !why && j < i; j++) {
			if (memcmp(guards[i].mac, guards[j].mac, sizeof(guards[i].mac)) ==
			    0)
				why = "a guest's MAC address is given twice";
		}
		if (why)
			return why;
	}
	return NULL;
}

/* ---- Entries --------------------------------------------------------------------------- */

/* fe80::/64 with the modified EUI-64 of the MAC (RFC 4291, appendix A). */
static struct nestnet_address implied_address(const uint8_t *mac)
{
	return (struct nestnet_address){
		.family = AF_INET6,
		.bytes = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff,
			   0xfe, mac[3], mac[4], mac[5] },
	};
}

bool guard_entries_add(struct guard_entries *entries, const struct guard_entry *entry)
{
	struct guard_entry *grown = entries->list;

	if ((entries->n & (entries->n - 1)) == 0)
		grown = reallocarray(entries->list, entries->n ? entries->n * 2 : 1,
				     sizeof(*grown));
	if (!grown)
		return false;
	entries->list = grown;
	grown[entries->n++] = *entry;
	return true;
}

static bool add_guard(struct guard_entries *entries, const struct nestnet_guard *guard)
{
	struct guard_entry entry = { .ifname = "" };

	memcpy(entry.mac, guard->mac, sizeof(entry.mac));
	if (guard->n_addresses == 0)
		return guard_entries_add(entries, &entry);
	for (size_t i = 0; i < guard->n_addresses; i++) {
		entry.address = guard->addresses[i];
		if (!guard_entries_add(entries, &entry))
			return false;
	}
	entry.address = implied_address(guard->mac);
	return guard_entries_add(entries, &entry);
}

bool guard_entries_make(const struct nestnet_guard *guards, size_t n,
			struct guard_entries *ret)
{
	struct guard_entries entries = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (!add_guard(&entries, &guards[i])) {
			free(entries.list);
			return false;
		}
	}
	guard_entries_sort(&entries);
	*ret = entries;
	return true;
}

static int compare_guards(const struct guard_entry *a, const struct guard_entry *b)
{
	int r = memcmp(a->mac, b->mac, sizeof(a->mac));

	return r != 0 ? r : address_compare(&a->address, &b->address);
}

static int compare_entries(const void *a, const void *b)
{
	const struct guard_entry *x = a, *y = b;
	int r = strcmp(x->ifname, y->ifname);

	return r != 0 ? r : compare_guards(x, y);
}

void guard_entries_sort(struct guard_entries *entries)
{
	size_t n = 0;

	if (entries->n == 0)
		return;
	qsort(entries->list, entries->n, sizeof(*entries->list), compare_entries);
	for (size_t i = 1; i < entries->n; i++) {
		if (compare_entries(&entries->list[n], &entries->list[i]) != 0)
			entries->list[++n] = entries->list[i];
	}
	entries->n = n + 1;
}

/* The first entry whose tap's name is not before, or is behind, the name. */
static size_t find_bound(const struct guard_entries *entries, const char *ifname,
			 bool is_behind)
{
	size_t low = 0, high = entries->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(entries->list[middle].ifname, ifname);

		if (r < 0 || (r == 0 && is_behind))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct guard_entries guard_entries_of(const struct guard_entries *entries,
				      const char *ifname)
{
	size_t first = find_bound(entries, ifname, false);
	size_t behind = find_bound(entries, ifname, true);

	if (first == behind)
		return (struct guard_entries){ .n = 0 };
	return (struct guard_entries){ .list = entries->list + first,
				       .n = behind - first };
}

bool guard_entries_equal(const struct guard_entries *a, const struct guard_entries *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (compare_guards(&a->list[i], &b->list[i]) != 0)
			return false;
	}
	return true;
}

/* ---- As people have them --------------------------------------------------------------- */

/* How many entries from the first on are of its MAC. */
static size_t count_mac(const struct guard_entry *first, size_t n)
{
	size_t count = 1;

	while (count < n && memcmp(first->mac, first[count].mac, sizeof(first->mac)) == 0)
		count++;
	return count;
}

/* Goes without saying: but not where it is all there is, which would read as any. */
static bool is_unsaid(const struct guard_entry *entry, size_t n_of_mac)
{
	struct nestnet_address implied = implied_address(entry->mac);

	return entry->address.family == AF_UNSPEC ||
	       (n_of_mac > 1 && address_equal(&entry->address, &implied));
}

/* Takes the entries of one MAC. @return how many */
static size_t take_guard(struct guard_array *array, struct nestnet_address *addresses,
			 const struct guard_entry *first, size_t n)
{
	struct nestnet_guard *guard = &array->list[array->n++];
	size_t count = count_mac(first, n);

	*guard = (struct nestnet_guard){ .addresses = addresses };
	memcpy(guard->mac, first->mac, sizeof(guard->mac));
	for (size_t i = 0; i < count; i++) {
		if (!is_unsaid(&first[i], count))
			addresses[guard->n_addresses++] = first[i].address;
	}
	return count;
}

bool guard_array_make(const struct guard_entries *entries, struct guard_array *ret)
{
	struct guard_array array = { .n = 0 };

	*ret = array;
	if (entries->n == 0)
		return true;
	array.list = reallocarray(NULL, entries->n, sizeof(*array.list));
	array.addresses = reallocarray(NULL, entries->n, sizeof(*array.addresses));
	if (!array.list || !array.addresses) {
		guard_array_clear(&array);
		return false;
	}
	for (size_t i = 0; i < entries->n;)
		i += take_guard(&array, array.addresses + i, &entries->list[i],
				entries->n - i);
	*ret = array;
	return true;
}

void guard_array_clear(struct guard_array *array)
{
	free(array->list);
	free(array->addresses);
	*array = (struct guard_array){ .n = 0 };
}

static void print_guard(FILE *file, const struct nestnet_guard *guard)
{
	char text[NESTNET_TEXT_MAX];

	fprintf(file, " --guard %s", nestnet_mac_format(guard->mac, text));
	for (size_t i = 0; i < guard->n_addresses; i++)
		fprintf(file, ",%s", nestnet_address_format(&guard->addresses[i], text));
}

char *guard_format(const struct guard_entries *entries)
{
	struct guard_array array;
	char *text = NULL;
	size_t size;
	FILE *file;

	if (!guard_array_make(entries, &array))
		return NULL;
	file = open_memstream(&text, &size);
	for (size_t i = 0; file && i < array.n; i++)
		print_guard(file, &array.list[i]);
	guard_array_clear(&array);
	if (!file || fclose(file) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
