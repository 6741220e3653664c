/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All links with their addresses. */

#include "plan/inventory.h"

#include "kernel/address.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

static int take_link(void *userdata, const struct link *link)
{
	struct inventory *inventory = userdata;
	struct inventory_link *grown;

	if (!link) {
		inventory->n = 0; /* nothing else is in them yet */
		return 0;
	}
	if ((inventory->n & (inventory->n - 1)) == 0) {
		grown = reallocarray(inventory->links, inventory->n ? inventory->n * 2 : 1,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		inventory->links = grown;
	}
	inventory->links[inventory->n++] = (struct inventory_link){ .link = *link };
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct inventory_link *x = a, *y = b;

	return (x->link.ifindex > y->link.ifindex) - (x->link.ifindex < y->link.ifindex);
}

static void forget_addresses(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->n; i++) {
		free(inventory->links[i].addresses);
		inventory->links[i].addresses = NULL;
		inventory->links[i].n_addresses = 0;
	}
}

static int take_address(void *userdata, const struct interface_address *address)
{
	struct inventory *inventory = userdata;
	struct inventory_link *link;
	struct nestnet_prefix *grown;

	if (!address) {
		forget_addresses(inventory);
		return 0;
	}
	link = (struct inventory_link *)inventory_find(inventory, address->ifindex);
	if (!link || address->is_link_local || address->is_alias)
		return 0;
	grown = reallocarray(link->addresses, link->n_addresses + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	link->addresses = grown;
	link->addresses[link->n_addresses++] = address->prefix;
	return 0;
}

int inventory_load(struct nestnet *ctx, struct inventory *ret)
{
	struct inventory inventory = { .n = 0 };
	struct netlink *nl;
	int r = context_route(ctx, &nl);

	if (r == 0)
		r = link_list(nl, take_link, &inventory, &ctx->error);
	if (r == 0) {
		qsort(inventory.links, inventory.n, sizeof(*inventory.links), compare_links);
		r = address_list(nl, take_address, &inventory, &ctx->error);
	}
	if (r < 0) {
		if (r == -ENOMEM)
			error_set_errno(&ctx->error, ENOMEM);
		inventory_clear(&inventory);
		return r;
	}
	*ret = inventory;
	return 0;
}

void inventory_clear(struct inventory *inventory)
{
	forget_addresses(inventory);
	free(inventory->links);
	inventory->links = NULL;
	inventory->n = 0;
}

const struct inventory_link *inventory_find(const struct inventory *inventory,
					    uint32_t ifindex)
{
	struct inventory_link key = { .link = { .ifindex = ifindex } };

	if (inventory->n == 0)
		return NULL;
	return bsearch(&key, inventory->links, inventory->n, sizeof(key), compare_links);
}

const struct inventory_link *inventory_find_name(const struct inventory *inventory,
						 const char *name)
{
	for (size_t i = 0; i < inventory->n; i++) {
		if (strcmp(inventory->links[i].link.name, name) == 0)
			return &inventory->links[i];
	}
	return NULL;
}

bool inventory_has_addresses(const struct inventory_link *link,
			     const struct nestnet_prefix *addresses, size_t n)
{
	if (link->n_addresses != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < n && !prefix_equal(&link->addresses[j], &addresses[i]))
			j++;
		if (j == n)
			return false;
	}
	return true;
}
