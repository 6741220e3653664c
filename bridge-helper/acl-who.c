/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whom a rule is for. Names are looked up where the system says (nsswitch.conf), and only
 * those of rules that are about the bridge in question. A caller is told by the numbers that
 * the kernel knows it by, since several names may share one.
 */

#include "acl-rule.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* A group's entry has all its members in it. */
#define ENTRY_MIN (4 * 1024)
#define ENTRY_MAX (1024 * 1024)

/* @return 1, 0, or -errno */
static int ask(bool is_group, const char *name, char *buffer, size_t size,
	       uint32_t *ret_id)
{
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	int r;

	if (is_group)
		r = getgrnam_r(name, &group, buffer, size, &found_group);
	else
		r = getpwnam_r(name, &user, buffer, size, &found_user);
	if (found_group)
		*ret_id = found_group->gr_gid;
	if (found_user)
		*ret_id = found_user->pw_uid;
	if (found_group || found_user)
		return 1;
	/* How sources say that there is no such name, besides 0. */
	return r == ENOENT || r == ESRCH ? 0 : -r;
}

static int ask_with_room(bool is_group, const char *name, uint32_t *ret_id)
{
	int r = -ERANGE;

	for (size_t size = ENTRY_MIN; r == -ERANGE && size <= ENTRY_MAX; size *= 4) {
		char *buffer = malloc(size);

		if (!buffer)
			return -ENOMEM;
		r = ask(is_group, name, buffer, size, ret_id);
		free(buffer);
	}
	return r;
}

int rule_find_id(bool is_group, const char *name, uint32_t *ret_id)
{
	size_t len = strlen(name);
	unsigned long long value;
	int r;

	if (strspn(name, "0123456789") < len) {
		r = ask_with_room(is_group, name, ret_id);
		return r < 0 ? -1 : r;
	}
	value = len <= 10 ? strtoull(name, NULL, 10) : UINT32_MAX;
	if (value >= UINT32_MAX) /* which means "nobody in particular" */
		return 0;
	*ret_id = (uint32_t)value;
	return 1;
}

static bool has_group(const struct caller *caller, uint32_t id)
{
	for (size_t i = 0; i < caller->n_groups; i++) {
		if (caller->groups[i] == id)
			return true;
	}
	return caller->gid == id;
}

/* A name that nobody has is nobody's where a rule allows, and a mistake where it denies: the
 * one that was meant would get in. */
static int is_who(const struct rule *rule, const struct rule_who *who,
		  const struct caller *caller)
{
	uint32_t id;
	int r = rule_find_id(who->is_group, who->name, &id);

	if (r == 0)
		return rule->is_deny ? -1 : 0;
	if (r < 0)
		return -1;
	return who->is_group ? has_group(caller, id) : caller->uid == id;
}

int rule_is_for(const struct rule *rule, const struct caller *caller)
{
	int r = rule->n_who == 0;

	for (size_t i = 0; r == 0 && i < rule->n_who; i++)
		r = is_who(rule, &rule->who[i], caller);
	return r;
}
