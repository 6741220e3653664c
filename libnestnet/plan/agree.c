/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of links, ports, aliases and forwarding, sorted by their names: what contradicts
 * stands side by side. */

#include "plan/agree.h"

#include "plan/command.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum what {
	LINK,
	PORT,
	ALIAS,
	FORWARD4, /* of an interface */
	FORWARD6,
	WHATS
};

enum saying {
	ADDS,
	REMOVES,
	NEEDS, /* it is there afterwards, or on */
	SAYINGS
};

struct word {
	enum what what;
	char name[NESTNET_TEXT_MAX];
	enum saying saying;
	size_t index;
};

struct words {
	struct word *list;
	size_t n;
	size_t index; /* of the request that is looked at */
};

/* ---- What a request says ---------------------------------------------------------------- */

/* @param name  "": of none; one that the kernel chooses is nobody else's */
static void say(struct words *words, enum what what, const char *name, enum saying saying)
{
	struct word *word = &words->list[words->n];

	if (!name[0] || strchr(name, '%'))
		return;
	*word = (struct word){ .what = what, .saying = saying, .index = words->index };
	snprintf(word->name, sizeof(word->name), "%s", name);
	words->n++;
}

static void say_alias(struct words *words, const struct alias_request *alias,
		      enum saying saying)
{
	char text[NESTNET_TEXT_MAX];

	say(words, ALIAS, nestnet_prefix_format(&alias->prefix, text), saying);
}

/* That of the whole host is agreed on where it is planned. */
static void say_forwarding(struct words *words, const struct forward_request *forward)
{
	enum saying saying = forward->is_on ? NEEDS : REMOVES;

	if (forward->is_on)
		say(words, LINK, forward->ifname, NEEDS);
	if (forward->family != AF_INET6)
		say(words, FORWARD4, forward->ifname, saying);
	if (forward->family != AF_INET)
		say(words, FORWARD6, forward->ifname, saying);
}

/* At most WORDS_PER_REQUEST. */
#define WORDS_PER_REQUEST 3
static void take_words(struct words *words, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_TAP_ADD:
		say(words, LINK, request->tap.name, ADDS);
		say(words, LINK, request->tap.bridge, NEEDS);
		break;
	case REQUEST_BRIDGE_ADD:
		say(words, LINK, request->bridge.name, ADDS);
		break;
	case REQUEST_TAP_DEL:
	case REQUEST_BRIDGE_DEL:
		say(words, LINK, request->link.name, REMOVES);
		break;
	case REQUEST_ATTACH:
		say(words, PORT, request->attach.ifname, ADDS);
		say(words, LINK, request->attach.ifname, NEEDS);
		say(words, LINK, request->attach.bridge, NEEDS);
		break;
	case REQUEST_DETACH:
		say(words, PORT, request->link.name, REMOVES);
		break;
	case REQUEST_ALIAS_ADD:
		say_alias(words, &request->alias, ADDS);
		say(words, LINK, request->alias.dev, NEEDS);
		break;
	case REQUEST_ALIAS_DEL:
		say_alias(words, &request->alias, REMOVES);
		break;
	case REQUEST_FORWARD:
		say_forwarding(words, &request->forward);
		break;
	case REQUEST_EXPOSE:
	case REQUEST_UNEXPOSE:
	case REQUEST_UNEXPOSE_TARGET:
	case REQUEST_NAT_ADD:
	case REQUEST_NAT_DEL:
	case REQUEST_CLEAR:
		break;
	}
}

/* ---- Whether they agree ----------------------------------------------------------------- */

static int compare_names(const struct word *x, const struct word *y)
{
	if (x->what != y->what)
		return (int)x->what - (int)y->what;
	return strcmp(x->name, y->name);
}

static int compare_words(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int order = compare_names(x, y);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* @return 1: both ask for the same; 0; -ENOMEM */
static int are_same(const struct request_list *list, size_t one, size_t other)
{
	_cleanup_free_ char *a = command_format(request_list_whole(list, one));
	_cleanup_free_ char *b = command_format(request_list_whole(list, other));

	return a && b ? strcmp(a, b) == 0 : -ENOMEM;
}

/* A tap is made once: each request has a name of its own, and descriptors. An alias may be
 * taken from one interface and then given to another. @return 1, 0, -ENOMEM */
static int agree(const struct request_list *list, const struct word *first,
		 const struct word *second)
{
	if (first->saying == ADDS && second->saying == ADDS)
		return request_list_kind(list, second->index) == REQUEST_TAP_ADD
			       ? 0
			       : are_same(list, first->index, second->index);
	if (first->what == ALIAS && first->saying == REMOVES)
		return 1;
	return (first->saying == REMOVES) == (second->saying == REMOVES);
}

static int refuse(const struct request_list *list, const struct word *word,
		  const struct word *other, struct error *error)
{
	static const char *const verbs[WHATS][SAYINGS] = {
		[LINK] = { [ADDS] = "adds", [REMOVES] = "takes away", [NEEDS] = "needs" },
		[PORT] = { [ADDS] = "attaches", [REMOVES] = "detaches" },
		[ALIAS] = { [ADDS] = "adds", [REMOVES] = "takes away" },
		[FORWARD4] = { [REMOVES] = "turns off", [NEEDS] = "turns on" },
		[FORWARD6] = { [REMOVES] = "turns off", [NEEDS] = "turns on" },
	};
	char name[NESTNET_TEXT_MAX + 32];

	command_name(request_list_whole(list, word->index), name, sizeof(name));
	return error_set(error, EBUSY, "%s: another request of the transaction %s %s",
			 name, verbs[other->what][other->saying], word->name);
}

/* Each word is held against the one before about the same, and the one that adds it. */
static int check(const struct request_list *list, const struct words *words,
		 size_t *ret_culprit, struct error *error)
{
	const struct word *adds = NULL, *last = NULL;

	for (size_t i = 0; i < words->n; i++) {
		const struct word *word = &words->list[i], *other = last;
		int r = 1;

		if (last && compare_names(last, word) != 0)
			adds = last = other = NULL;
		if (last)
			r = agree(list, last, word);
		if (r == 1 && adds && last != adds) {
			other = adds;
			r = agree(list, adds, word);
		}
		if (r < 0)
			return error_set_errno(error, ENOMEM);
		if (r == 0) {
			*ret_culprit = word->index;
			return refuse(list, word, other, error);
		}
		last = word;
		if (word->saying == ADDS)
			adds = word;
	}
	return 0;
}

static bool has_any(const struct request_list *list)
{
	return request_list_has(list, REQUEST_TAP_ADD) ||
	       request_list_has(list, REQUEST_BRIDGE_ADD) ||
	       request_list_has(list, REQUEST_ATTACH) ||
	       request_list_has(list, REQUEST_ALIAS_ADD) ||
	       request_list_has(list, REQUEST_FORWARD);
}

int requests_agree(const struct request_list *list, size_t *ret_culprit,
		   struct error *error)
{
	struct words words = { .n = 0 };
	size_t n = 0;
	int r;

	if (list->n < 2 || !has_any(list))
		return 0;
	/* Of a hundred thousand most are exposures, which are packed. */
	for (size_t i = 0; i < list->n; i++)
		n += request_list_whole(list, i) != NULL;
	words.list = calloc(n, WORDS_PER_REQUEST * sizeof(*words.list));
	if (!words.list)
		return error_set_errno(error, ENOMEM);
	for (; words.index < list->n; words.index++) {
		const struct request *request = request_list_whole(list, words.index);

		if (request)
			take_words(&words, request);
	}
	if (words.n)
		qsort(words.list, words.n, sizeof(*words.list), compare_words);
	r = check(list, &words, ret_culprit, error);
	free(words.list);
	return r;
}
