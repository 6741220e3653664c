/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of what was found, in the comments of the set `found`; found.h has the model. */

#include "plan/found.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct nft_element make_element(const char *interface)
{
	struct nft_element element = { .comment = "" };

	memcpy(element.key, interface, strnlen(interface, NESTNET_IFNAMSIZ - 1));
	return element;
}

/* Finds name= in a comment. @return its value's start and length, or NULL */
static const char *find_value(const char *comment, const char *name, size_t *ret_len)
{
	size_t name_len = strlen(name);

	while (*comment) {
		size_t len = strcspn(comment, " ");

		if (len > name_len && comment[name_len] == '=' &&
		    strncmp(comment, name, name_len) == 0) {
			*ret_len = len - name_len - 1;
			return comment + name_len + 1;
		}
		comment += len + strspn(comment + len, " ");
	}
	return NULL;
}

int found_get(struct plan *plan, const char *interface, const char *name, char *value)
{
	struct nft_element element = make_element(interface);
	const char *at;
	size_t len;
	int r = elements_get(plan->elements, RULESET_FOUND, AF_INET, element.key, &element,
			     plan_error(plan));

	if (r <= 0)
		return r;
	at = find_value(element.comment, name, &len);
	if (!at || len >= FOUND_VALUE_MAX)
		return 0;
	memcpy(value, at, len);
	value[len] = '\0';
	return 1;
}

/* The comment without name's record, and with a new one where value is not NULL. */
static int rewrite(const char *from, const char *name, const char *value, char *to,
		   size_t size)
{
	size_t name_len = strlen(name), used = 0;

	to[0] = '\0';
	while (*from) {
		size_t len = strcspn(from, " ");

		if (!(strncmp(from, name, name_len) == 0 && from[name_len] == '=')) {
			used += (size_t)snprintf(to + used, size - used, "%s%.*s",
						 used ? " " : "", (int)len, from);
		}
		from += len + strspn(from + len, " ");
	}
	if (value)
		used += (size_t)snprintf(to + used, size - used, "%s%s=%s", used ? " " : "",
					 name, value);
	return used < size ? 0 : -ENOSPC;
}

int found_set(struct plan *plan, const char *interface, const char *name,
	      const char *value)
{
	struct nft_element element = make_element(interface), old = element;
	struct error *error = plan_error(plan);
	int r = elements_get(plan->elements, RULESET_FOUND, AF_INET, element.key, &old,
			     error);

	if (r < 0)
		return r;
	if (rewrite(old.comment, name, value, element.comment, sizeof(element.comment)) < 0)
		return error_set(error, EIO, "no room to record %s of %s", name, interface);
	if (element.comment[0] == '\0')
		return elements_remove(plan->elements, RULESET_FOUND, AF_INET, element.key,
				       error);
	return elements_put(plan->elements, RULESET_FOUND, AF_INET, &element, error);
}

int found_note(struct plan *plan, const char *interface, const char *name, int present,
	       int wanted)
{
	char value[FOUND_VALUE_MAX];
	int r = found_get(plan, interface, name, value);

	if (r < 0)
		return r;
	if (r == 1)
		return (int)strtol(value, NULL, 10) == wanted ? found_set(plan, interface, name, NULL) : 0;
	if (present == wanted)
		return 0;
	snprintf(value, sizeof(value), "%d", present);
	return found_set(plan, interface, name, value);
}

/* ---- All of them ----------------------------------------------------------------------- */

struct walker {
	found_fn fn;
	void *userdata;
};

static int walk_element(void *userdata, const struct nft_element *element)
{
	char interface[NESTNET_IFNAMSIZ] = "", record[NFT_COMMENT_MAX + 1];
	struct walker *walker = userdata;
	const char *at = element->comment;
	int r = 0;

	memcpy(interface, element->key, sizeof(interface) - 1);
	while (r == 0 && *at) {
		size_t len = strcspn(at, " ");
		char *value;

		memcpy(record, at, len);
		record[len] = '\0';
		value = strchr(record, '=');
		if (value) {
			*value++ = '\0';
			r = walker->fn(walker->userdata, interface, record, value);
		}
		at += len + strspn(at + len, " ");
	}
	return r;
}

int found_each(struct plan *plan, found_fn fn, void *userdata)
{
	struct walker walker = { .fn = fn, .userdata = userdata };
	int r = elements_load(plan->elements, RULESET_FOUND, AF_INET, plan_error(plan));

	if (r < 0)
		return r;
	return elements_each(plan->elements, RULESET_FOUND, AF_INET, walk_element, &walker);
}
