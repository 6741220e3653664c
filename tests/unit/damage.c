/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real answers of the kernel, with bytes changed and attributes cut on their way. */

#include "damage.h"

#include "harness.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

static uint32_t state = 1;

void damage_seed(uint32_t seed)
{
	state = seed;
}

uint32_t damage_random(void)
{
	return harness_random(&state);
}

void damage_bytes(unsigned char *bytes, size_t len)
{
	unsigned int n = harness_random(&state) % 4;

	while (n-- > 0 && len > 0) {
		size_t at = harness_random(&state) % len;

		switch (harness_random(&state) % 3) {
		case 0:
			bytes[at] = (unsigned char)harness_random(&state);
			break;
		case 1: /* where lengths and types are */
			bytes[at & ~(size_t)3] ^=
				(unsigned char)(1u << harness_random(&state) % 8);
			break;
		case 2:
			bytes[at] = harness_random(&state) % 2 ? 0 : 0xff;
			break;
		}
	}
}

/* @return how long the datagram is now: it may end in a message that is cut */
static size_t damage_messages(void *buffer, size_t len)
{
	struct nlmsghdr *message = buffer;
	int left = (int)len;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		size_t payload = mnl_nlmsg_get_payload_len(message);

		if (message->nlmsg_type < NLMSG_MIN_TYPE)
			continue; /* an ack, or the end */
		damage_bytes(mnl_nlmsg_get_payload(message), payload);
		if (harness_random(&state) % 8 == 0) {
			/* What is behind it is still in the buffer. */
			payload = harness_random(&state) % (payload + 1);
			message->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + payload);
			return (size_t)((char *)message - (char *)buffer) +
			       message->nlmsg_len;
		}
	}
	return len;
}

static ssize_t send_real(void *userdata, int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	(void)userdata;
	return sendto(fd, bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

static ssize_t receive_damaged(void *userdata, int fd, void *buffer, size_t size)
{
	ssize_t len = recv(fd, buffer, size, MSG_DONTWAIT);

	(void)userdata;
	return len > 0 ? (ssize_t)damage_messages(buffer, (size_t)len) : len;
}

const struct netlink_transport damage_transport = {
	.send = send_real,
	.receive = receive_damaged,
};
