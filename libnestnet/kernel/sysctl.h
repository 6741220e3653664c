/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_SYSCTL_H
#define NESTNET_KERNEL_SYSCTL_H

/* Settings of interfaces below /proc/sys/net, in the calling thread's namespace. */

#include <stdbool.h>

struct error;

/**
 * Opens net.FAMILY.conf.INTERFACE.KEY.
 * @param interface  a validated name, "all" or "default"
 * @return 1: *ret_fd is open and the caller's; 0: there is no such setting; or a negative
 *         errno
 */
int sysctl_open(int family, const char *interface, const char *key, bool is_for_writing,
		int *ret_fd, struct error *error);

/** Reads the number in an open setting. */
int sysctl_read(int fd, int *ret, struct error *error);

int sysctl_write(int fd, int value, struct error *error);

/** Told of each interface that has settings of the family; neither "all" nor "default". */
typedef int (*sysctl_interface_fn)(void *userdata, const char *interface);

int sysctl_list_interfaces(int family, sysctl_interface_fn fn, void *userdata,
			   struct error *error);

#endif
