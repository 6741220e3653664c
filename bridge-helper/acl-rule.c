/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of a rule. All of them have a place of a fixed size, and each is measured before
 * it is copied there: QEMU's helper once copied the names of its ACL without doing so
 * (CVE-2019-13164).
 */

#include "acl-rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

char *rule_next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	size_t len = strcspn(word, " \t");

	*rest = word + len;
	if (len == 0)
		return NULL;
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

const char *rule_why_not_bridge(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= NESTNET_IFNAMSIZ)
		return "the name of a bridge has from 1 to 15 characters";
	if (!strchr(ALNUM, name[0]) || strspn(name, ALNUM "_.-") < len)
		return "the name of a bridge is of letters, digits and _ . -";
	if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0)
		return "not the name of a bridge";
	return NULL;
}

/* ---- Values -------------------------------------------------------------------------------- */

static const char *read_number(const char *text, unsigned long least, unsigned long most,
			       unsigned int *ret)
{
	size_t len = strlen(text);
	unsigned long value;

	if (len == 0 || len > 9 || strspn(text, "0123456789") < len)
		return "a number is wanted";
	value = strtoul(text, NULL, 10);
	if (value < least || value > most)
		return "the number is out of range";
	*ret = (unsigned int)value;
	return NULL;
}

static const char *read_name(const char *text, char *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len >= RULE_NAME_MAX)
		return "the name of a user or group has from 1 to 63 characters";
	if (strspn(text, ALNUM "_.-@$\\") < len)
		return "one user or group is named each time";
	memcpy(ret, text, len + 1);
	return NULL;
}

static const char *read_mac(const char *text, uint8_t *ret)
{
	return nestnet_mac_parse(text, ret) < 0
		       ? "a MAC address is wanted, such as 52:54:00:12:34:56"
		       : NULL;
}

static const char *add_who(struct rule *rule, bool is_group, const char *name)
{
	if (rule->n_who == RULE_WHO_MAX)
		return "more than 64 users and groups";
	rule->who[rule->n_who].is_group = is_group;
	return read_name(name, rule->who[rule->n_who++].name);
}

static const char *add_address(struct rule *rule, const char *text)
{
	if (rule->n_addresses == RULE_ADDRESSES_MAX)
		return "more than 128 addresses";
	if (nestnet_address_parse(text, &rule->addresses[rule->n_addresses]) < 0)
		return "a guard is MAC[,ADDRESS]...";
	rule->n_addresses++;
	rule->guards[rule->n_guards].n++;
	return NULL;
}

/* @param text  MAC[,ADDRESS]..., which is taken apart */
static const char *add_guard(struct rule *rule, char *text)
{
	struct rule_guard *guard = &rule->guards[rule->n_guards];
	char *word = strsep(&text, ",");
	const char *why;

	if (rule->n_guards == RULE_GUARDS_MAX)
		return "more than 32 guards";
	why = read_mac(word, guard->mac);
	guard->first = rule->n_addresses;
	guard->n = 0;
	while (!why && (word = strsep(&text, ",")))
		why = add_address(rule, word);
	rule->n_guards++;
	return why;
}

/* ---- Words --------------------------------------------------------------------------------- */

enum { WORD_QUEUES, WORD_OWNER, WORD_MTU, WORD_MAC, WORD_ISOLATED, WORD_NO_HAIRPIN };

static const char *read_mtu(struct rule *rule, const char *text)
{
	if (strcmp(text, "auto") != 0)
		return read_number(text, 68, 65521, &rule->mtu);
	rule->flags |= NESTNET_TAP_MTU_AUTO;
	return NULL;
}

static const char unknown[] =
	"neither of user= group= queues= owner= mtu= mac= guard= isolated "
	"no-hairpin";

/* Of what a tap is like, and said once. */
static const char *read_tap_value(struct rule *rule, unsigned int word, const char *value)
{
	switch (word) {
	case WORD_QUEUES:
		return read_number(value, 1, 253, &rule->queues);
	case WORD_OWNER:
		return read_name(value, rule->owner);
	case WORD_MTU:
		return read_mtu(rule, value);
	case WORD_MAC:
		rule->has_mac = true;
		return read_mac(value, rule->mac);
	case WORD_ISOLATED:
		rule->flags |= NESTNET_TAP_ISOLATED;
		return NULL;
	case WORD_NO_HAIRPIN:
		rule->flags |= NESTNET_TAP_NO_HAIRPIN;
		return NULL;
	}
	return unknown;
}

static const char *read_tap_word(struct rule *rule, const char *name, char *value)
{
	static const struct {
		const char *name;
		bool has_value;
	} words[] = {
		[WORD_QUEUES] = { "queues", true },
		[WORD_OWNER] = { "owner", true },
		[WORD_MTU] = { "mtu", true },
		[WORD_MAC] = { "mac", true },
		[WORD_ISOLATED] = { "isolated", false },
		[WORD_NO_HAIRPIN] = { "no-hairpin", false },
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, name) != 0 || words[i].has_value != !!value)
			continue;
		if (rule->words & 1u << i)
			return "something is said twice";
		rule->words |= 1u << i;
		return read_tap_value(rule, i, value);
	}
	return unknown;
}

static const char *read_word(struct rule *rule, char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (value && strcmp(word, "user") == 0)
		return add_who(rule, false, value);
	if (value && strcmp(word, "group") == 0)
		return add_who(rule, true, value);
	if (rule->is_deny)
		return "deny knows user= and group= alone";
	if (value && strcmp(word, "guard") == 0)
		return add_guard(rule, value);
	return read_tap_word(rule, word, value);
}

const char *rule_read(char *words, struct rule *ret)
{
	char *word = rule_next_word(&words);
	const char *why;

	if (!word)
		return "the name of a bridge, or all, is missing";
	ret->queues = 1;
	ret->is_for_all = strcmp(word, "all") == 0;
	why = ret->is_for_all ? NULL : rule_why_not_bridge(word);
	if (!why && !ret->is_for_all)
		memcpy(ret->bridge, word, strlen(word) + 1);
	while (!why && (word = rule_next_word(&words)))
		why = read_word(ret, word);
	return why;
}
