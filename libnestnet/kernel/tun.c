/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tap interfaces. A tap is created without persistence and made persistent last: a process
 * that is killed in between leaves nothing (facts 10d).
 */

#include "kernel/tun.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

static int set_error(struct error *error, int code, const char *clause)
{
	error_set_errno(error, code);
	if (code == EPERM)
		error_append(error, " (CAP_NET_ADMIN is needed)");
	error_prefix(error, "%s", clause);
	return -code;
}

int tun_create(const char *name, bool has_vnet_hdr, bool has_multi_queue, int *ret_fd,
	       char *ret_name, struct error *error)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL };
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int flags = request.ifr_flags;

	if (fd < 0)
		return set_error(error, errno, "open /dev/net/tun");

	if (has_vnet_hdr)
		flags |= IFF_VNET_HDR;
	if (has_multi_queue)
		flags |= IFF_MULTI_QUEUE;
	request.ifr_flags = (short)flags;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));

	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		/* With EXCL a tap of that name is EBUSY, any other interface EINVAL. */
		if (errno == EBUSY)
			return error_set(error, EEXIST, "it exists already");
		return set_error(error, errno, "create the tap");
	}
	memcpy(ret_name, request.ifr_name, NESTNET_IFNAMSIZ);
	ret_name[NESTNET_IFNAMSIZ - 1] = '\0';
	*ret_fd = take_fd(&fd);
	return 0;
}

int tun_set_owner(int fd, uint32_t uid, struct error *error)
{
	if (ioctl(fd, TUNSETOWNER, (unsigned long)uid) < 0)
		return set_error(error, errno, "set the tap's owner");
	return 0;
}

int tun_set_group(int fd, uint32_t gid, struct error *error)
{
	if (ioctl(fd, TUNSETGROUP, (unsigned long)gid) < 0)
		return set_error(error, errno, "set the tap's group");
	return 0;
}

int tun_set_persistent(int fd, bool is_persistent, struct error *error)
{
	if (ioctl(fd, TUNSETPERSIST, (unsigned long)is_persistent) < 0)
		return set_error(error, errno, "make the tap persistent");
	return 0;
}
