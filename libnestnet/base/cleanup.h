/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_BASE_CLEANUP_H
#define NESTNET_BASE_CLEANUP_H

/* Acquire, then own: variables that let go of what they hold when they leave scope. */

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/** Hands a descriptor over: *fd becomes -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define _cleanup_(f)     __attribute__((cleanup(f)))
#define _cleanup_free_   _cleanup_(cleanup_free_pointer)
#define _cleanup_close_  _cleanup_(cleanup_close_fd)
#define _cleanup_closedir_ _cleanup_(cleanup_close_dir)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
