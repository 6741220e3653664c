/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of moved addresses, in `found`; move.c has the theory. */

#include "plan/move-record.h"

#include "plan/found.h"

#include "base/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int move_record_find(struct plan *plan, const char *port, char *bridge)
{
	return found_get(plan, port, "moved", bridge);
}

bool move_keep_has(const struct move_keep *keep, const struct nestnet_prefix *prefix)
{
	for (size_t i = 0; i < keep->n; i++) {
		if (prefix_equal(&keep->list[i], prefix))
			return true;
	}
	return false;
}

bool move_keep_has_network(const struct move_keep *keep, const struct nestnet_prefix *prefix)
{
	for (size_t i = 0; i < keep->n; i++) {
		struct nestnet_prefix network = prefix_network(&keep->list[i]);

		if (prefix_equal(&network, prefix))
			return true;
	}
	return false;
}

int move_keep_add(struct plan *plan, struct move_keep *keep, const struct nestnet_prefix *prefix)
{
	if (keep->n == MOVE_KEEP_MAX)
		return error_set(plan_error(plan), EBUSY,
				 "the bridge has too many addresses of its own to record");
	keep->list[keep->n++] = *prefix;
	return 0;
}

int move_record_write(struct plan *plan, const char *port, const char *bridge,
		  const struct move_keep *keep)
{
	char list[FOUND_VALUE_MAX] = "", text[NESTNET_TEXT_MAX];
	size_t used = 0;
	int r;

	for (size_t i = 0; i < keep->n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 used ? "," : "",
					 nestnet_prefix_format(&keep->list[i], text));
	if (used >= sizeof(list))
		return error_set(plan_error(plan), EBUSY,
				 "the bridge has too many addresses of its own to record");
	r = found_set(plan, port, "moved", bridge);
	return r < 0 ? r : found_set(plan, port, "keep", used ? list : NULL);
}

int move_record_forget(struct plan *plan, const char *port)
{
	int r = found_set(plan, port, "moved", NULL);

	return r < 0 ? r : found_set(plan, port, "keep", NULL);
}

/* What does not read as a prefix, nestnet did not write. */
int move_record_read(struct plan *plan, const char *port, struct move_keep *ret)
{
	char list[FOUND_VALUE_MAX], *rest = list, *text;
	int r = found_get(plan, port, "keep", list);

	ret->n = 0;
	if (r <= 0)
		return r;
	while (ret->n < MOVE_KEEP_MAX && (text = strsep(&rest, ",")) != NULL) {
		if (nestnet_prefix_parse(text, &ret->list[ret->n]) == 0)
			ret->n++;
	}
	return 0;
}

/* Looks for the port whose addresses a bridge has. */
struct search {
	const char *bridge;
	char port[NESTNET_IFNAMSIZ];
};

static int match_record(void *userdata, const char *interface, const char *name,
			const char *value)
{
	struct search *search = userdata;

	if (strcmp(name, "moved") == 0 && strcmp(value, search->bridge) == 0)
		snprintf(search->port, sizeof(search->port), "%s", interface);
	return 0;
}

int move_record_find_port(struct plan *plan, const char *bridge, char *port)
{
	struct search search = { .bridge = bridge };
	int r = found_each(plan, match_record, &search);

	if (r == 0 && search.port[0]) {
		snprintf(port, NESTNET_IFNAMSIZ, "%s", search.port);
		r = 1;
	}
	return r;
}

int move_record_filter_own(struct plan *plan, const char *bridge, struct nestnet_prefix *addresses,
		    size_t *n)
{
	char port[NESTNET_IFNAMSIZ];
	struct move_keep keep;
	size_t own = 0;
	int r = move_record_find_port(plan, bridge, port);

	if (r == 1)
		r = move_record_read(plan, port, &keep);
	else
		return r;
	for (size_t i = 0; r == 0 && i < *n; i++) {
		if (move_keep_has(&keep, &addresses[i]))
			addresses[own++] = addresses[i];
	}
	if (r == 0)
		*n = own;
	return r;
}
