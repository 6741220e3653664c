/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a rule says that a packet met, and whose it is. An event has the rule's number in its
 * table, and the rule is asked for by that, without a list. A rule never changes under its
 * number, but a table may be made anew: so what was learned is kept as long as the
 * generation is the same. One that is gone by then has its number alone.
 */

#include "trace/trace.h"

#include "rules/owner.h"
#include "rules/rule-text.h"

#include "table/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a bound: a packet meets some twenty. */
#define RULES_MOST 512

struct rule {
	enum foreign_family family;
	uint64_t handle;
	char *table;
	char *text; /* NULL: it is not there any more, or not told */
	bool is_reject;
};

struct trace_rules {
	struct rule list[RULES_MOST];
	size_t n;
	struct foreign chains; /* for policies; read when one drops */
	bool has_chains;
	uint32_t generation;
	bool is_fresh; /* of this call */
};

static void clear(struct trace_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		free(rules->list[i].table);
		free(rules->list[i].text);
	}
	rules->n = 0;
	foreign_clear(&rules->chains);
	rules->has_chains = false;
}

void trace_rules_free(struct trace_rules *rules)
{
	if (rules)
		clear(rules);
	free(rules);
}

void trace_rules_refresh(struct nestnet_trace *trace)
{
	if (trace->rules)
		trace->rules->is_fresh = false;
}

/* What cannot be asked for is not known, and the trace goes on. */
static struct trace_rules *current(struct nestnet_trace *trace)
{
	struct error ignored = { .code = 0 };
	uint32_t generation = 0;
	char comment[32];

	if (!trace->rules)
		trace->rules = calloc(1, sizeof(*trace->rules));
	if (!trace->rules || trace->rules->is_fresh)
		return trace->rules;
	if (nft_table_get(trace->owner, &ruleset_table, &generation, comment,
			  sizeof(comment), &ignored) < 0)
		generation = 0;
	if (generation == 0 || generation != trace->rules->generation)
		clear(trace->rules);
	trace->rules->generation = generation;
	trace->rules->is_fresh = true;
	return trace->rules;
}

/* ---- Rules ---------------------------------------------------------------------------- */

static bool rejects(const struct foreign_rule *rule)
{
	for (size_t i = 0; i < rule->n; i++) {
		if (rule->ops[i].kind == FOREIGN_END &&
		    rule->ops[i].verdict == FOREIGN_REJECT)
			return true;
	}
	return false;
}

static void ask(struct nestnet_trace *trace, const struct trace_event *event,
		struct rule *rule)
{
	struct error ignored = { .code = 0 };
	char text[RULE_TEXT_MAX];
	struct foreign found;

	if (foreign_read_rule(trace->owner, event->family, event->table, event->chain,
			      event->handle, &found, &ignored) != 1)
		return;
	rule->text = strdup(rule_text(&found.chains[0], &found.chains[0].rules[0], text));
	rule->is_reject = rejects(&found.chains[0].rules[0]);
	foreign_clear(&found);
}

static bool is_of(const struct rule *rule, const struct trace_event *event)
{
	return rule->handle == event->handle && rule->family == event->family &&
	       strcmp(rule->table, event->table) == 0;
}

/* @return NULL: no memory */
static const struct rule *find(struct nestnet_trace *trace, struct trace_rules *rules,
			       const struct trace_event *event)
{
	struct rule *rule;

	for (size_t i = 0; i < rules->n; i++) {
		if (is_of(&rules->list[i], event))
			return &rules->list[i];
	}
	if (rules->n == RULES_MOST)
		clear(rules);
	rule = &rules->list[rules->n];
	*rule = (struct rule){ .family = event->family,
			       .handle = event->handle,
			       .table = strdup(event->table) };
	if (!rule->table)
		return NULL;
	rules->n++;
	ask(trace, event, rule);
	return rule;
}

/* ---- Owners --------------------------------------------------------------------------- */

static const char *policy_owner(struct nestnet_trace *trace, struct trace_rules *rules,
				const struct trace_event *event)
{
	struct error ignored = { .code = 0 };

	if (!rules->has_chains)
		rules->has_chains =
			foreign_read_chains(trace->owner, &rules->chains, &ignored) == 0;
	return owner_of_policy(&rules->chains, event->family, event->table, event->chain);
}

static const char *owner_of(struct nestnet_trace *trace, struct trace_rules *rules,
			    const struct trace_event *event)
{
	const char *owner = owner_by_name(event->table, event->chain);

	if (strcmp(event->table, ruleset_table.name) == 0)
		return ruleset_table.name;
	if (!owner && rules && event->type == TRACE_POLICY &&
	    event->verdict == TRACE_DROP)
		owner = policy_owner(trace, rules, event);
	if (!owner && owner_is_iptables(event->family, event->table, event->chain))
		owner = "iptables";
	return owner;
}

void trace_rule_get(struct nestnet_trace *trace, const struct trace_event *event,
		    struct trace_rule *ret)
{
	struct trace_rules *rules = current(trace);
	const struct rule *rule = NULL;

	if (rules && event->type == TRACE_RULE)
		rule = find(trace, rules, event);
	*ret = (struct trace_rule){ .text = rule ? rule->text : NULL,
				    .is_reject = rule && rule->is_reject,
				    .owner = owner_of(trace, rules, event) };
}
