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

/* EBADFD: somebody has deleted the tap of the descriptor. */
static int set_error(struct error *error, int code, const char *clause)
{
	if (code == EBADFD) {
		error_set(error, ENODEV, "it was deleted meanwhile");
		return error_prefix(error, "%s", clause);
	}
	error_set_errno(error, code);
	if (code == EPERM)
		error_append(error, " (CAP_NET_ADMIN is needed)");
	error_prefix(error, "%s", clause);
	return -code;
}

/* One who may not open the device is no less refused for it being a file's mode. */
static int open_device(const struct tun_mode *mode, int *ret_fd, struct error *error)
{
	int flags = O_RDWR | O_CLOEXEC | (mode->is_blocking ? 0 : O_NONBLOCK);
	int fd = open("/dev/net/tun", flags);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	error_set_errno(error, errno);
	error->code = errno == EACCES ? EPERM : errno;
	return error_prefix(error, "open /dev/net/tun");
}

/* TUNSETIFF: makes or finds the tap. @return 0, or -errno without a sentence */
static int set_interface(int fd, const char *name, const struct tun_mode *mode, int flags,
			 struct ifreq *ret)
{
	flags |= IFF_TAP | IFF_NO_PI;
	if (mode->has_vnet_hdr)
		flags |= IFF_VNET_HDR;
	if (mode->has_multi_queue)
		flags |= IFF_MULTI_QUEUE;
	*ret = (struct ifreq){ .ifr_flags = (short)flags };
	memcpy(ret->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(fd, TUNSETIFF, ret) < 0 ? -errno : 0;
}

static void copy_name(const struct ifreq *request, char *ret_name)
{
	memcpy(ret_name, request->ifr_name, NESTNET_IFNAMSIZ);
	ret_name[NESTNET_IFNAMSIZ - 1] = '\0';
}

int tun_create(const char *name, const struct tun_mode *mode, int *ret_fd, char *ret_name,
	       struct error *error)
{
	_cleanup_close_ int fd = -1;
	struct ifreq request;
	int r = open_device(mode, &fd, error);

	if (r < 0)
		return r;
	r = set_interface(fd, name, mode, IFF_TUN_EXCL, &request);
	/* With EXCL a tap of that name is EBUSY, any other interface EINVAL. */
	if (r == -EBUSY)
		return error_set(error, EEXIST, "it exists already");
	if (r < 0)
		return set_error(error, -r, "create the tap");
	copy_name(&request, ret_name);
	*ret_fd = take_fd(&fd);
	return 0;
}

int tun_attach(const char *name, const struct tun_mode *mode, int *ret_fd,
	       struct error *error)
{
	_cleanup_close_ int fd = -1;
	struct ifreq request;
	int r = open_device(mode, &fd, error);

	if (r < 0)
		return r;
	r = set_interface(fd, name, mode, 0, &request);
	if (r == -EBUSY)
		return error_set(error, EBUSY, "a program has it open");
	if (r < 0)
		return set_error(error, -r, "open a queue");
	*ret_fd = take_fd(&fd);
	return 0;
}

int tun_get_name(int fd, char *ret_name, struct error *error)
{
	struct ifreq request = { .ifr_flags = 0 };

	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return set_error(error, errno, "ask for the tap's name");
	copy_name(&request, ret_name);
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

int tun_drop_carrier(int fd, struct error *error)
{
	int is_on = 0;

	if (ioctl(fd, TUNSETCARRIER, &is_on) < 0 && errno != EINVAL && errno != ENOTTY)
		return set_error(error, errno, "drop the tap's carrier");
	return 0;
}

int tun_set_persistent(int fd, bool is_persistent, struct error *error)
{
	if (ioctl(fd, TUNSETPERSIST, (unsigned long)is_persistent) < 0)
		return set_error(error, errno, "make the tap persistent");
	return 0;
}

int tun_set_header_len(int fd, unsigned int len, struct error *error)
{
	int value = (int)len;

	if (ioctl(fd, TUNSETVNETHDRSZ, &value) < 0)
		return set_error(error, errno, "set the length of the virtio-net header");
	return 0;
}

int tun_set_offloads(int fd, unsigned int offloads, struct error *error)
{
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads) == 0)
		return 0;
	if (errno == EINVAL)
		return error_set(error, EOPNOTSUPP,
				 "this kernel does not have all of these offloads");
	return set_error(error, errno, "set offloads");
}
