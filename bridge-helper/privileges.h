/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PRIVILEGES_H
#define NESTNET_PRIVILEGES_H

/* What the process may do, which only ever gets less. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Who started us: the real user, its group and its supplementary groups. */
struct caller {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
};

/**
 * From now on the process is the caller's in all but CAP_NET_ADMIN: ids, access to files. It
 * gains no privilege by any exec, and nobody without privileges traces it or reads its memory.
 * @return false where that is not so, or there is no CAP_NET_ADMIN, which was said
 */
bool privileges_keep_net_admin(void);

/** No capability is left, nor can one come back. @return false where that is not so */
bool privileges_drop(void);

/** @param ret_caller  its groups are the caller's to free */
bool privileges_caller(struct caller *ret_caller);

#endif
