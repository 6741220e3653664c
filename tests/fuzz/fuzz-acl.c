/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bridge helper's ACL, whatever its text is: it is read to its end, a file that includes
 * itself ends, and nothing is allowed that no line of the text allows.
 */

#include "fuzz.h"

#include "acl-file.h"
#include "acl.h"
#include "complain.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *input;
static size_t input_len;

/* ---- In the place of the helper's own ------------------------------------------------------ */

static bool has_complained;

bool complain(const char *format, ...)
{
	(void)format;
	has_complained = true;
	return false;
}

bool complain_errno(const char *format, ...)
{
	return complain("%s", format);
}

/* Every path has the input; as of the real one, there is no NUL among the bytes. */
bool acl_file_read(const char *path, char **ret_text, size_t *ret_len)
{
	(void)path;
	*ret_text = fuzz_text(input, input_len);
	*ret_len = input_len;
	return true;
}

/* ---- The target ------------------------------------------------------------------------------ */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static gid_t groups[] = { 27, 108 };
	const struct caller caller = { .uid = 1000, .gid = 1001, .groups = groups, .n_groups = 2 };
	struct acl *acl = calloc(1, sizeof(*acl));
	bool is_allowed;

	if (!acl)
		abort();
	if (size > ACL_FILE_MAX || (size && memchr(data, '\0', size))) {
		free(acl);
		return 0;
	}
	input = data;
	input_len = size;
	acl->bridge = "br0";
	acl->caller = &caller;
	has_complained = false;
	is_allowed = acl_decide(acl, "/acl");
	if (is_allowed && (has_complained || acl->is_denied || !acl->is_allowed ||
			   !memmem(data, size, "allow", 5)))
		abort();
	if (!is_allowed && !has_complained)
		abort();
	free(acl);
	return 0;
}
