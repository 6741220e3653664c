/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules are held against what is asked for as they are read, and none is kept but the first
 * that allows it. All are read, as any may deny it. A line that is not understood closes
 * everything, whomever it is about: it could have been the one that denies.
 */

#include "acl.h"

#include "acl-file.h"
#include "complain.h"

#include <stdlib.h>
#include <string.h>

/* Files that include each other end here. */
#define DEPTH_MAX 8
#define FILES_MAX 64

static bool complain_line(const char *path, unsigned int line, const char *why)
{
	return complain("%s line %u: %s", path, line, why);
}

static bool read_file(struct acl *acl, const char *path, unsigned int depth)
{
	bool is_read;
	char *text;
	size_t len;

	if (depth > DEPTH_MAX || ++acl->n_files > FILES_MAX)
		return complain("%s: includes of more than %d files, or %d deep", path,
				FILES_MAX, DEPTH_MAX);
	if (!acl_file_read(path, &text, &len))
		return false;
	is_read = acl_read_text(acl, path, text, depth);
	free(text);
	return is_read;
}

static bool take_rule(struct acl *acl, const char *path, unsigned int line, bool is_deny,
		      char *words)
{
	struct rule rule = { .is_deny = is_deny };
	const char *why = rule_read(words, &rule);
	int r;

	if (why)
		return complain_line(path, line, why);
	if (!rule.is_for_all && strcmp(rule.bridge, acl->bridge) != 0)
		return true;
	r = rule_is_for(&rule, acl->caller);
	if (r < 0)
		return complain_line(path, line,
				     "a user or group that cannot be looked up");
	if (r == 1 && is_deny)
		acl->is_denied = true;
	if (r == 1 && !is_deny && !acl->is_allowed) {
		acl->is_allowed = true;
		acl->grant = rule;
	}
	return true;
}

static bool take_include(struct acl *acl, const char *path, unsigned int line,
			 char *words, unsigned int depth)
{
	const char *name = rule_next_word(&words);

	if (!name || rule_next_word(&words))
		return complain_line(path, line, "include takes one path");
	return read_file(acl, name, depth + 1);
}

/* What begins with a "#" where a word could begin. */
static void cut_comment(char *text)
{
	for (char *c = text; *c; c++) {
		if (*c != '#' || (c > text && c[-1] != ' ' && c[-1] != '\t'))
			continue;
		*c = '\0';
		return;
	}
}

static bool take_line(struct acl *acl, const char *path, unsigned int line, char *text,
		      unsigned int depth)
{
	const char *verb;

	cut_comment(text);
	for (const char *c = text; *c; c++) {
		if ((*c < ' ' || *c > '~') && *c != '\t')
			return complain_line(path, line,
					     "a character that is not ASCII text");
	}
	verb = rule_next_word(&text);
	if (!verb)
		return true;
	if (strcmp(verb, "allow") == 0 || strcmp(verb, "deny") == 0)
		return take_rule(acl, path, line, *verb == 'd', text);
	if (strcmp(verb, "include") == 0)
		return take_include(acl, path, line, text, depth);
	return complain_line(path, line, "neither allow, deny nor include");
}

bool acl_read_text(struct acl *acl, const char *path, char *text, unsigned int depth)
{
	char *line;

	for (unsigned int n = 1; (line = strsep(&text, "\n")); n++) {
		if (!take_line(acl, path, n, line, depth))
			return false;
	}
	return true;
}

bool acl_decide(struct acl *acl, const char *path)
{
	if (!read_file(acl, path, 0))
		return false;
	if (acl->is_denied)
		return complain("bridge %s: denied to user %u by %s", acl->bridge,
				acl->caller->uid, path);
	if (!acl->is_allowed)
		return complain("bridge %s: not allowed to user %u by %s", acl->bridge,
				acl->caller->uid, path);
	return true;
}
