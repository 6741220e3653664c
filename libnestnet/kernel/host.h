/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_HOST_H
#define NESTNET_KERNEL_HOST_H

/* What /proc and /dev say of the host, in the calling thread's namespace; all of it is
 * looked at and not changed. */

#include <stdbool.h>
#include <stddef.h>

/** Whether br_netfilter shows bridged packets of the family to IP's chains. */
bool host_bridge_calls(int family);

/** Tables of iptables-legacy, or ip6tables-legacy, "filter nat"; cut to size.
 *  @return 1: there are some; 0: there are none; or a negative errno: cannot be read */
int host_legacy_tables(int family, char *ret, size_t size);

/** The processor's extension for virtual machines. @return "vmx", "svm", or NULL: none */
const char *host_virtualization(void);

/** Whether a device can be opened for reading and writing. @return 0 or a negative errno */
int host_try_device(const char *path);

#endif
