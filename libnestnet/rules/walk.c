/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walking. There are two ways to be unsure: a rule that may match (a source that is not
 * known), and a chain that only some packets come to, since others were accepted before or
 * jumped over it. A drop is certain where neither is the case.
 */

#include "rules/walk.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel's own bound on jumps within jumps (NFT_JUMP_STACK_SIZE). */
#define DEPTH_MAX 16
/* Rules run in one base chain: jumps can visit a chain many times. */
#define STEPS_MAX 1000000

struct set {
	const struct foreign_chain *chain; /* of its table */
	const char *name;
	struct foreign_element *elements;
	size_t n;
	struct set *next;
};

struct walker {
	struct nestnet *ctx;
	struct netlink *nl;
	struct foreign foreign;
	const struct foreign_chain **loaded; /* one of each table whose rules are there */
	size_t n_loaded;
	struct set *sets;
	bool ignores_passes;
};

enum outcome {
	OUTCOME_RETURN, /* to the chain that jumped, or to the policy */
	OUTCOME_ACCEPT,
	OUTCOME_DROP,
};

struct walk {
	struct walker *walker;
	const struct probe *probe;
	const struct foreign_chain *base;
	struct walk_finding first; /* of those that are not certain */
	size_t n_uncertain;
	bool has_leaked; /* some packets may have been accepted */
	bool has_left;   /* some may have gone back from the chain at hand */
	bool is_certain_found;
	struct walk_finding certain;
	bool is_stopped; /* what comes to some rule, or to the policy */
	size_t steps;
	int error;
};

/* ---- The walker ----------------------------------------------------------------------- */

static void clear_set(struct set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->elements[i].end.name);
	free(set->elements);
	set->elements = NULL;
	set->n = 0;
}

struct walker *walker_free(struct walker *walker)
{
	if (!walker)
		return NULL;
	while (walker->sets) {
		struct set *next = walker->sets->next;

		clear_set(walker->sets);
		free(walker->sets);
		walker->sets = next;
	}
	foreign_clear(&walker->foreign);
	free(walker->loaded);
	free(walker);
	return NULL;
}

int walker_new(struct nestnet *ctx, struct walker **ret)
{
	struct walker *walker = calloc(1, sizeof(*walker));
	int r;

	if (!walker)
		return error_set_errno(&ctx->error, ENOMEM);
	walker->ctx = ctx;
	r = context_filter(ctx, &walker->nl);
	if (r == 0)
		r = foreign_read_chains(walker->nl, &walker->foreign, &ctx->error);
	if (r < 0) {
		walker_free(walker);
		return r;
	}
	*ret = walker;
	return 0;
}

const struct foreign *walker_chains(const struct walker *walker)
{
	return &walker->foreign;
}

static bool is_on_the_way(const struct foreign_chain *chain, int most)
{
	bool is_local = chain->hook == NFT_HOOK_INPUT || chain->hook == NFT_HOOK_OUTPUT;

	if (!chain->is_base || chain->hook == NFT_HOOK_NONE)
		return false;
	if (chain->is_nat)
		return chain->hook == NFT_HOOK_PREROUTING && chain->priority <= most;
	return !is_local || chain->family == FOREIGN_BRIDGE;
}

bool walker_is_needed(const struct walker *walker, int most)
{
	for (size_t i = 0; i < walker->foreign.n; i++) {
		if (is_on_the_way(&walker->foreign.chains[i], most))
			return true;
	}
	return false;
}

static bool is_same_table(const struct foreign_chain *a, const struct foreign_chain *b)
{
	return a->family == b->family && strcmp(a->table, b->table) == 0;
}

int walker_load(struct walker *walker, const struct foreign_chain *chain)
{
	const struct foreign_chain **grown;

	for (size_t i = 0; i < walker->n_loaded; i++) {
		if (is_same_table(walker->loaded[i], chain))
			return 0;
	}
	grown = reallocarray(walker->loaded, walker->n_loaded + 1, sizeof(*grown));
	if (!grown)
		return error_set_errno(&walker->ctx->error, ENOMEM);
	walker->loaded = grown;
	grown[walker->n_loaded++] = chain;
	return foreign_read_rules(walker->nl, &walker->foreign, chain->family,
				  chain->table, &walker->ctx->error);
}

/* ---- Sets ----------------------------------------------------------------------------- */

static int take_element(void *userdata, const struct foreign_element *element)
{
	struct set *set = userdata;
	struct foreign_element *grown = set->elements;

	if ((set->n & (set->n - 1)) == 0)
		grown = reallocarray(grown, set->n ? set->n * 2 : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->elements = grown;
	grown[set->n] = *element;
	if (element->end.name) {
		grown[set->n].end.name = strdup(element->end.name);
		if (!grown[set->n].end.name)
			return -ENOMEM;
	}
	set->n++;
	return 0;
}

static const struct set *find_set(struct walk *walk, const struct foreign_chain *chain,
				  const char *name)
{
	struct walker *walker = walk->walker;
	struct set *set;
	int r;

	for (set = walker->sets; set; set = set->next) {
		if (is_same_table(set->chain, chain) && strcmp(set->name, name) == 0)
			return set;
	}
	set = calloc(1, sizeof(*set));
	if (!set) {
		walk->error = error_set_errno(&walker->ctx->error, ENOMEM);
		return NULL;
	}
	*set = (struct set){ .chain = chain, .name = name, .next = walker->sets };
	walker->sets = set;
	r = foreign_list_elements(walker->nl, chain, name, take_element, set,
				  &walker->ctx->error);
	if (r < 0)
		walk->error = r;
	return set;
}

/* ---- Walking -------------------------------------------------------------------------- */

static void find(struct walk *walk, const struct foreign_chain *chain,
		 const struct foreign_rule *rule, enum foreign_verdict verdict,
		 bool is_certain)
{
	struct walk_finding finding = { .base = walk->base,
					.chain = chain,
					.rule = rule,
					.verdict = verdict,
					.is_certain = is_certain };

	if (is_certain && !walk->is_certain_found) {
		walk->certain = finding;
		walk->is_certain_found = true;
	}
	if (!is_certain && walk->n_uncertain++ == 0)
		walk->first = finding;
}

static enum outcome walk_chain(struct walk *walk, const struct foreign_chain *chain,
			       bool is_certain, unsigned int depth);

/* What a verdict does to a packet that comes to it.
 * @param answer      whether the rule matches: not NO
 * @param is_certain  every packet comes to the rule
 * @param ret_is_over  the chain is not gone on with */
static enum outcome follow(struct walk *walk, const struct foreign_chain *chain,
			   const struct foreign_rule *rule, const struct foreign_op *end,
			   enum probe_answer answer, bool is_certain, unsigned int depth,
			   bool *ret_is_over)
{
	const struct foreign_chain *to;
	enum outcome outcome;

	is_certain = is_certain && answer == PROBE_YES;
	*ret_is_over = answer == PROBE_YES && end->verdict != FOREIGN_CONTINUE;
	switch (end->verdict) {
	case FOREIGN_DROP:
	case FOREIGN_REJECT:
	case FOREIGN_DNAT:
		walk->is_stopped |= is_certain;
		find(walk, chain, rule, end->verdict, is_certain && !walk->has_leaked);
		return OUTCOME_DROP;
	case FOREIGN_QUEUE:
		find(walk, chain, rule, end->verdict, false);
		walk->has_leaked = true;
		return OUTCOME_ACCEPT;
	case FOREIGN_ACCEPT:
	case FOREIGN_SNAT:
		walk->has_leaked |= !is_certain;
		return OUTCOME_ACCEPT;
	case FOREIGN_RETURN:
		walk->has_left |= answer == PROBE_MAYBE;
		return OUTCOME_RETURN;
	case FOREIGN_CONTINUE:
		return OUTCOME_RETURN;
	case FOREIGN_JUMP:
	case FOREIGN_GOTO:
		break;
	}
	to = end->name ? foreign_find(&walk->walker->foreign, chain->family, chain->table,
				      end->name)
		       : NULL;
	outcome = to && depth < DEPTH_MAX ? walk_chain(walk, to, is_certain, depth + 1)
					  : OUTCOME_RETURN;
	if (outcome == OUTCOME_RETURN && end->verdict == FOREIGN_JUMP)
		*ret_is_over = false;
	else if (outcome == OUTCOME_RETURN)
		walk->has_left |= answer == PROBE_MAYBE;
	return outcome;
}

/* A map whose elements have verdicts: each that may be the packet's is followed. */
static enum outcome follow_map(struct walk *walk, const struct foreign_chain *chain,
			       const struct foreign_rule *rule,
			       const struct foreign_op *op,
			       const struct probe_bits *registers,
			       enum probe_answer so_far, bool is_certain,
			       unsigned int depth, bool *ret_is_over)
{
	const struct set *set = find_set(walk, chain, op->name);
	const struct foreign_op *otherwise = NULL;

	*ret_is_over = false;
	for (size_t i = 0; set && i < set->n; i++) {
		const struct foreign_element *element = &set->elements[i];
		enum probe_answer answer = PROBE_NO;

		if (element->len > 0)
			answer = probe_is_element(registers, op->from, element);
		else
			otherwise = &element->end;
		answer = answer < so_far ? answer : so_far;
		if (answer == PROBE_YES)
			return follow(walk, chain, rule, &element->end, answer,
				      is_certain, depth, ret_is_over);
		if (answer == PROBE_MAYBE) {
			(void)follow(walk, chain, rule, &element->end, answer, is_certain,
				     depth, ret_is_over);
			so_far = PROBE_MAYBE; /* what comes now is an alternative */
		}
	}
	return otherwise ? follow(walk, chain, rule, otherwise, so_far, is_certain, depth,
				  ret_is_over)
			 : OUTCOME_RETURN;
}

static enum probe_answer look_up(struct walk *walk, const struct foreign_chain *chain,
				 const struct foreign_op *op,
				 const struct probe_bits *registers)
{
	const struct set *set = find_set(walk, chain, op->name);
	enum probe_answer best = PROBE_NO;

	for (size_t i = 0; set && i < set->n && best != PROBE_YES; i++) {
		enum probe_answer answer =
			probe_is_element(registers, op->from, &set->elements[i]);

		best = answer > best ? answer : best;
	}
	if (op->is_inverted)
		return (enum probe_answer)(PROBE_YES - best);
	return best;
}

static bool has_verdicts(const struct set *set)
{
	return set && set->n > 0 && set->elements[0].end.kind == FOREIGN_END;
}

static enum outcome walk_rule(struct walk *walk, const struct foreign_chain *chain,
			      const struct foreign_rule *rule, bool is_certain,
			      unsigned int depth, bool *ret_is_over)
{
	struct probe_bits registers = { .value = { 0 } };
	enum probe_answer so_far = PROBE_YES, answer;

	*ret_is_over = false;
	for (size_t i = 0; i < rule->n; i++) {
		const struct foreign_op *op = &rule->ops[i];

		if (op->kind == FOREIGN_END)
			return follow(walk, chain, rule, op, so_far, is_certain, depth,
				      ret_is_over);
		if (op->kind == FOREIGN_LOOKUP && op->is_map &&
		    has_verdicts(find_set(walk, chain, op->name)))
			return follow_map(walk, chain, rule, op, &registers, so_far,
					  is_certain, depth, ret_is_over);
		answer = op->kind == FOREIGN_LOOKUP
				 ? look_up(walk, chain, op, &registers)
				 : probe_run(walk->probe, op, &registers);
		if (op->kind == FOREIGN_LOOKUP &&
		    op->is_map) /* a datum, which is not read */
			memset(registers.known, 0, sizeof(registers.known));
		if (answer == PROBE_NO)
			return OUTCOME_RETURN;
		so_far = answer < so_far ? answer : so_far;
	}
	return OUTCOME_RETURN;
}

/* Where some packets may have gone back, the others are not all, whatever becomes of them:
 * the chain that jumped has some to go on with. */
static enum outcome walk_chain(struct walk *walk, const struct foreign_chain *chain,
			       bool is_certain, unsigned int depth)
{
	bool had_left = walk->has_left, is_over = false;
	enum outcome outcome = OUTCOME_RETURN;

	walk->has_left = false;
	for (size_t i = 0; i < chain->n && !is_over; i++) {
		if (walk->error < 0 || walk->steps++ > STEPS_MAX)
			break;
		if (walk->walker->ignores_passes && chain->rules[i].is_pass)
			continue;
		outcome = walk_rule(walk, chain, &chain->rules[i],
				    is_certain && !walk->has_left, depth, &is_over);
	}
	if (!is_over || walk->has_left)
		outcome = OUTCOME_RETURN;
	walk->has_left = had_left;
	return outcome;
}

/* @return 0, or what fn returned */
static int tell(const struct walk *walk, walk_fn fn, void *userdata)
{
	struct walk_finding finding = walk->first;
	int r = 0;

	if (walk->n_uncertain > 0 && !walk->is_certain_found) {
		finding.n_others = walk->n_uncertain - 1;
		r = fn(userdata, &finding);
	}
	if (r == 0 && walk->is_certain_found)
		r = fn(userdata, &walk->certain);
	return r;
}

/* @return 0, or a negative errno */
static int walk_base(struct walk *walk)
{
	enum outcome outcome;
	int r = walker_load(walk->walker, walk->base);

	if (r < 0)
		return r;
	outcome = walk_chain(walk, walk->base, true, 0);
	if (walk->error < 0)
		return walk->error;
	/* A rule that drops for certain was told; else the policy has what is left. */
	if (outcome == OUTCOME_RETURN && walk->base->is_drop) {
		walk->is_stopped = true;
		find(walk, walk->base, NULL, FOREIGN_DROP, !walk->has_leaked);
	}
	return 0;
}

static int walk_and_tell(struct walker *walker, const struct probe *probe,
			 const struct foreign_chain *base, walk_fn fn, void *userdata)
{
	struct walk walk = { .walker = walker, .probe = probe, .base = base };
	int r = walk_base(&walk);

	return r < 0 ? r : tell(&walk, fn, userdata);
}

int walker_stops(struct walker *walker, const struct probe *probe,
		 const struct foreign_chain *base)
{
	struct walk walk = { .walker = walker, .probe = probe, .base = base };
	int r = walk_base(&walk);

	return r < 0 ? r : walk.is_stopped;
}

void walker_ignore_passes(struct walker *walker)
{
	walker->ignores_passes = true;
}

/* ---- The order ------------------------------------------------------------------------ */

/* Bound to a device, or to all whose names begin so. */
static bool is_bound(const struct foreign_chain *chain, const char *name)
{
	const char *at = chain->devices;

	while (at && *at) {
		size_t len = strcspn(++at, " ");
		bool is_prefix = len > 0 && at[len - 1] == '*';

		if (name[0] && strncmp(at, name, is_prefix ? len - 1 : len) == 0 &&
		    (is_prefix || name[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

bool walk_is_met(const struct foreign_chain *chain, const struct probe *probe,
		 unsigned int flags)
{
	if (chain->is_nat != !!(flags & WALK_NAT))
		return false;
	if (chain->hook == NFT_HOOK_INGRESS && !is_bound(chain, probe->iifname))
		return false;
	if (chain->hook == NFT_HOOK_EGRESS && !is_bound(chain, probe->oifname))
		return false;
	switch (chain->family) {
	case FOREIGN_INET:
		return flags & WALK_IP;
	case FOREIGN_IP:
		return flags & WALK_IP && probe->family == AF_INET;
	case FOREIGN_IP6:
		return flags & WALK_IP && probe->family == AF_INET6;
	case FOREIGN_BRIDGE:
		return flags & WALK_BRIDGE;
	case FOREIGN_NETDEV:
		return flags & WALK_DEVICE;
	case FOREIGN_OTHER:
		break;
	}
	return false;
}

static int compare_chains(const void *a, const void *b)
{
	const struct foreign_chain *x = *(const struct foreign_chain *const *)a;
	const struct foreign_chain *y = *(const struct foreign_chain *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x < y ? -1 : x > y;
}

int walker_walk(struct walker *walker, const struct probe *probe, enum nft_hook hook,
		unsigned int flags, int least, int most, walk_fn fn, void *userdata)
{
	_cleanup_free_ const struct foreign_chain **bases = NULL;
	const struct foreign *foreign = &walker->foreign;
	size_t n = 0;
	int r = 0;

	if (foreign->n == 0)
		return 0;
	bases = calloc(foreign->n, sizeof(*bases));
	if (!bases)
		return error_set_errno(&walker->ctx->error, ENOMEM);
	for (size_t i = 0; i < foreign->n; i++) {
		const struct foreign_chain *chain = &foreign->chains[i];

		if (chain->is_base && chain->hook == hook && chain->priority >= least &&
		    chain->priority <= most && walk_is_met(chain, probe, flags))
			bases[n++] = chain;
	}
	qsort(bases, n, sizeof(*bases), compare_chains);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = walk_and_tell(walker, probe, bases[i], fn, userdata);
	return r;
}
