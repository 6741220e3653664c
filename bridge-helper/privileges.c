/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * We may have been started in either of two ways. With file capabilities all ids are the
 * caller's, and the one capability is what there is to keep. Setuid root, the effective and
 * saved ids are root's: they become the caller's too, while the capability is kept across
 * that. Either way what follows opens files with the rights of the caller alone: a file that
 * the caller cannot read cannot be told to it either.
 */

#include "privileges.h"

#include "complain.h"

#include <cap-ng.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool has_other_ids(void)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	/* They cannot fail but by a bad address. */
	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return true;
	return euid != ruid || suid != ruid || egid != rgid || sgid != rgid;
}

bool privileges_keep_net_admin(void)
{
	int r;

	if (capng_get_caps_process() < 0)
		return complain_errno("read the capabilities");
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN))
		return complain("CAP_NET_ADMIN is missing: as root, setcap "
				"cap_net_admin+ep this program");

	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	/* The groups that the caller has are its own, and rules may be about them. */
	r = has_other_ids() ? capng_change_id((int)getuid(), (int)getgid(), CAPNG_NO_FLAG)
			    : capng_apply(CAPNG_SELECT_CAPS);
	if (r < 0 || has_other_ids())
		return complain("drop privileges: failed (%d)", r);
	/* A change of ids makes a process dumpable again, so this comes behind it. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return complain_errno("keep privileges from others");
	return true;
}

bool privileges_drop(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 || capng_get_caps_process() < 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return complain("drop the last capability: failed");
	return true;
}

bool privileges_caller(struct caller *ret_caller)
{
	int n = getgroups(0, NULL);
	gid_t *groups;

	if (n < 0)
		return complain_errno("read the groups");
	groups = calloc((size_t)n + 1, sizeof(*groups));
	if (!groups)
		return complain_errno("read the groups");
	n = getgroups(n, groups);
	if (n < 0) {
		free(groups);
		return complain_errno("read the groups");
	}
	*ret_caller = (struct caller){
		.uid = getuid(), .gid = getgid(), .groups = groups, .n_groups = (size_t)n
	};
	return true;
}
