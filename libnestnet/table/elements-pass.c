/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Accepts of ours in others' chains, in the batch of our own tables: so that there is no
 * moment at which they are let by and not closed. The generation holds for them, too: what
 * another writer has done to the chain since we looked refuses the batch.
 *
 * A rule has no handle before the kernel made it. To take one back that was inserted is to
 * look for it again.
 */

#include "table/elements-slot.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_change(struct elements *elements, const struct pass_change *change,
		      struct error *error)
{
	struct pass_change *grown = elements->passes;
	size_t n = elements->n_passes;

	if ((n & (n - 1)) == 0)
		grown = reallocarray(grown, n ? n * 2 : 1, sizeof(*grown));
	if (!grown)
		return error_set_errno(error, ENOMEM);
	elements->passes = grown;
	grown[elements->n_passes++] = *change;
	return 0;
}

int elements_insert_pass(struct elements *elements, const struct pass *pass,
			 struct error *error)
{
	return add_change(elements,
			  &(struct pass_change){ .pass = *pass, .is_insert = true },
			  error);
}

int elements_delete_pass(struct elements *elements, const struct pass *pass,
			 uint64_t handle, uint64_t next, struct error *error)
{
	return add_change(
		elements,
		&(struct pass_change){ .pass = *pass, .handle = handle, .next = next },
		error);
}

void passes_put(const struct elements *elements, struct nft_batch *batch)
{
	for (size_t i = 0; i < elements->n_passes; i++) {
		const struct pass_change *change = &elements->passes[i];

		if (!change->is_insert)
			pass_delete(batch, &change->pass, change->handle);
	}
	for (size_t i = 0; i < elements->n_passes; i++) {
		if (elements->passes[i].is_insert)
			pass_insert(batch, &elements->passes[i].pass, 0);
	}
}

/* ---- Back ----------------------------------------------------------------------------- */

/* The chain of a pass with its rules, which are read once a table; NULL: it is gone. */
static int find_chain(const struct elements *elements, struct foreign *foreign,
		      const struct pass *pass, const struct foreign_chain **ret,
		      struct error *error)
{
	const struct foreign_chain *chain =
		foreign_find(foreign, pass->family, pass->table, pass->chain);
	int r = 0;

	*ret = chain;
	for (size_t i = 0; chain && i < foreign->n; i++) {
		const struct foreign_chain *other = &foreign->chains[i];

		if (other->n > 0 && other->family == chain->family &&
		    strcmp(other->table, chain->table) == 0)
			return 0;
	}
	if (chain)
		r = foreign_read_rules(elements->nl, foreign, pass->family, pass->table,
				       error);
	return r;
}

/* @return the pass's handle; 0: it is not there */
static uint64_t find_pass(const struct foreign_chain *chain, const struct pass *pass)
{
	struct pass there;

	for (size_t i = 0; chain && i < chain->n; i++) {
		if (chain->rules[i].is_pass &&
		    pass_read(chain, &chain->rules[i], &there) &&
		    pass_equal(&there, pass))
			return chain->rules[i].handle;
	}
	return 0;
}

static bool has_rule(const struct foreign_chain *chain, uint64_t handle)
{
	for (size_t i = 0; i < chain->n; i++) {
		if (chain->rules[i].handle == handle)
			return true;
	}
	return false;
}

/* Where it was; where what came behind it is gone, at the head, as all of them. */
static void put_back(struct nft_batch *batch, const struct foreign_chain *chain,
		     const struct pass_change *change)
{
	if (change->next == 0)
		pass_append(batch, &change->pass);
	else
		pass_insert(batch, &change->pass,
			    has_rule(chain, change->next) ? change->next : 0);
}

static int put_reverse(const struct elements *elements, struct foreign *foreign,
		       struct nft_batch *batch, bool is_insert, struct error *error)
{
	for (size_t i = 0; i < elements->n_passes; i++) {
		const struct pass_change *change = &elements->passes[i];
		const struct foreign_chain *chain;
		uint64_t handle;
		int r;

		if (change->is_insert != is_insert)
			continue;
		r = find_chain(elements, foreign, &change->pass, &chain, error);
		if (r < 0)
			return r;
		handle = find_pass(chain, &change->pass);
		if (is_insert && handle != 0)
			pass_delete(batch, &change->pass, handle);
		if (!is_insert && chain)
			put_back(batch, chain, change);
	}
	return 0;
}

int passes_put_reverse(const struct elements *elements, struct nft_batch *batch,
		       struct error *error)
{
	struct foreign foreign;
	int r;

	if (elements->n_passes == 0)
		return 0;
	r = foreign_read_chains(elements->nl, &foreign, error);
	if (r < 0)
		return r;
	r = put_reverse(elements, &foreign, batch, true, error);
	if (r == 0)
		r = put_reverse(elements, &foreign, batch, false, error);
	foreign_clear(&foreign);
	return r;
}

int passes_are_as_wanted(const struct elements *elements, struct error *error)
{
	const struct pass_change *change = &elements->passes[0];
	const struct foreign_chain *chain;
	struct foreign foreign;
	int r = foreign_read_chains(elements->nl, &foreign, error);

	if (r < 0)
		return r;
	r = find_chain(elements, &foreign, &change->pass, &chain, error);
	if (r == 0 && change->is_insert)
		r = find_pass(chain, &change->pass) != 0;
	else if (r == 0)
		r = !chain || !has_rule(chain, change->handle);
	foreign_clear(&foreign);
	return r;
}
