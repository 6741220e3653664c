/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several elements read at once: what a plan knows that it will ask for. */

#include "table/elements-slot.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

/* The questions, and what each is for. */
struct gathered {
	struct elements *elements;
	int family;
	struct nft_question questions[NFT_QUESTIONS_MAX];
	struct {
		enum ruleset_part part;
		enum ruleset_set set;
	} of[NFT_QUESTIONS_MAX];
	size_t n;
};

static bool is_plain_interval(const struct nft_set_spec *spec)
{
	return (spec->flags & NFT_SPEC_INTERVAL) && !nft_set_spec_is_concat(spec);
}

bool cover_is_known(const struct elements *elements, enum ruleset_set set, int family,
		    const void *key)
{
	const struct cover *cover = &elements->cover;

	return cover->is_known && cover->set == set && cover->family == family &&
	       memcmp(cover->key, key, ruleset_set_spec(set, family)->key_len) == 0;
}

/* ---- Questions -------------------------------------------------------------------------- */

static void gather_part(struct gathered *gathered, enum ruleset_part part)
{
	for (size_t i = 0; i < gathered->n; i++) {
		if (gathered->questions[i].chain && gathered->of[i].part == part)
			return;
	}
	gathered->of[gathered->n].part = part;
	gathered->questions[gathered->n++] =
		(struct nft_question){ .chain = ruleset_part_chain(part) };
}

static void gather_element(struct gathered *gathered, const struct elements_wish *wish)
{
	const struct nft_set_spec *spec = ruleset_set_spec(wish->set, gathered->family);

	gathered->of[gathered->n].set = wish->set;
	gathered->questions[gathered->n++] =
		(struct nft_question){ .spec = spec, .key = wish->key };
}

/* Intervals of concatenations, and what is known, need not be asked for. */
static bool is_asked_for(const struct gathered *gathered,
			 const struct elements_wish *wish)
{
	const struct nft_set_spec *spec = ruleset_set_spec(wish->set, gathered->family);

	if (slots_are_known(gathered->elements, wish->set, gathered->family))
		return false;
	if (is_plain_interval(spec))
		return !cover_is_known(gathered->elements, wish->set, gathered->family,
				       wish->key);
	return !(spec->flags & NFT_SPEC_INTERVAL) &&
	       !slot_find(gathered->elements, wish->set, gathered->family, wish->key);
}

/* Of a table that was not looked at yet. */
static void gather_unseen(struct gathered *gathered, const struct elements_wish *wish)
{
	enum ruleset_part part = ruleset_set_part(wish->set, gathered->family);

	if (ruleset_part_chain(part))
		gather_part(gathered, part);
	else
		gather_element(gathered, wish);
}

static int gather(struct gathered *gathered, const struct elements_wish *wish,
		  struct error *error)
{
	int r = table_open(gathered->elements,
			   ruleset_set_part(wish->set, gathered->family), error);

	if (r == 1 && is_asked_for(gathered, wish))
		gather_element(gathered, wish);
	return r < 0 ? r : 0;
}

/* ---- Answers ---------------------------------------------------------------------------- */

static void keep_cover(struct gathered *gathered, enum ruleset_set set,
		       const struct nft_question *question)
{
	struct cover *cover = &gathered->elements->cover;

	*cover = (struct cover){ .is_known = true,
				 .is_covered = question->answer,
				 .set = set,
				 .family = gathered->family };
	memcpy(cover->key, question->key, question->spec->key_len);
}

/* What was refused is asked again when it is wanted, and then by itself, with the kernel's
 * sentence about it. */
static int keep_answers(struct gathered *gathered, struct error *error)
{
	for (size_t i = 0; i < gathered->n; i++) {
		const struct nft_question *question = &gathered->questions[i];
		enum ruleset_set set = gathered->of[i].set;

		if (question->answer < 0)
			continue;
		if (question->chain)
			table_take_part(gathered->elements, gathered->of[i].part,
					question->answer);
		else if (is_plain_interval(question->spec))
			keep_cover(gathered, set, question);
		else if (!slot_add(gathered->elements, set, gathered->family,
				   question->key,
				   question->answer ? &question->found : NULL))
			return error_set_errno(error, ENOMEM);
	}
	return 0;
}

/* The table, and with it what it has. */
static int ask_with_table(struct gathered *gathered, struct error *error)
{
	struct elements *elements = gathered->elements;
	char version[NFT_COMMENT_MAX + 1];
	uint32_t generation;
	int r = nft_table_ask(elements->nl, &ruleset_table, gathered->questions,
			      gathered->n, &generation, version, sizeof(version), error);

	if (r >= 0)
		r = table_take(elements, RULESET_MAIN, r == 1, generation, version,
			       error);
	return r < 0 ? r : keep_answers(gathered, error);
}

/* In bulk all sets are, and nothing has to be gathered for each of ten thousand. */
static bool are_loaded(const struct elements *elements,
		       const struct elements_wish *wishes, size_t n, int family)
{
	for (size_t i = 0; i < n; i++) {
		if (!elements->is_loaded[wishes[i].set][family == AF_INET6])
			return false;
	}
	return true;
}

static int ask(struct elements *elements, const struct elements_wish *wishes, size_t n,
	       int family, struct error *error)
{
	struct gathered gathered = { .elements = elements, .family = family };
	bool is_unseen = !elements->tables[RULESET_MAIN].is_open;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (is_unseen)
			gather_unseen(&gathered, &wishes[i]);
		else
			r = gather(&gathered, &wishes[i], error);
	}
	if (r < 0)
		return r;
	if (is_unseen)
		return ask_with_table(&gathered, error);
	if (gathered.n < 2) /* nothing to gain */
		return 0;
	r = nft_ask(elements->nl, &ruleset_table, gathered.questions, gathered.n, error);
	return r < 0 ? r : keep_answers(&gathered, error);
}

int elements_ask(struct elements *elements, const struct elements_wish *wishes, size_t n,
		 int family, struct error *error)
{
	if (are_loaded(elements, wishes, n, family))
		return 0;
	return ask(elements, wishes, n, family, error);
}
