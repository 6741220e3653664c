/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames through the descriptors of taps. */

#include "frames.h"

#include <dirent.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

const struct nestnet_open_options waiting = { .size = sizeof(waiting) };
const struct nestnet_open_options nonblocking = { .size = sizeof(nonblocking),
						  .flags = NESTNET_OPEN_NONBLOCK };

struct nestnet_tap_options ephemeral(const char *bridge)
{
	return (struct nestnet_tap_options){ .size = sizeof(struct nestnet_tap_options),
					     .flags = NESTNET_TAP_EPHEMERAL,
					     .bridge = bridge,
					     .open = &nonblocking };
}

void add_open(const char *name, const struct nestnet_tap_options *options, int *fds)
{
	struct nestnet_transaction *tx = begin();

	ok(nestnet_tap_add(tx, name, options));
	ok(nestnet_transaction_commit(tx));
	ok(nestnet_transaction_take_fds(tx, 0, fds,
					options->queues ? options->queues : 1));
	nestnet_transaction_free(tx);
}

void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(close(fds[i]), 0);
}

bool is_there(const char *name)
{
	return if_nametoindex(name) != 0;
}

size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- Frames --------------------------------------------------------------------------------- */

#define ARP_LEN 42

/* Who has 192.168.122.1? Tell 192.168.122.89. */
static void make_question(uint8_t *frame, uint8_t last)
{
	static const uint8_t head[] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,
					0,   8,   6,   0,   1,   8,   0, 6, 4, 0, 1 };
	static const uint8_t from[] = { 192, 168, 122, 89 }, to[] = { 192, 168, 122, 1 };

	memset(frame, 0, ARP_LEN);
	memcpy(frame, head, sizeof(head));
	frame[11] = last;
	memcpy(frame + 22, frame + 6, 6);
	memcpy(frame + 28, from, 4);
	memcpy(frame + 38, to, 4);
}

static bool is_answer(const uint8_t *frame, ssize_t len)
{
	return len >= ARP_LEN && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 &&
	       memcmp(frame + 28, "\xc0\xa8\x7a\x01", 4) == 0;
}

void ask(int fd, size_t header, uint8_t last)
{
	uint8_t frame[NESTNET_VNET_HDR_MAX + ARP_LEN] = { 0 };

	make_question(frame + header, last);
	ck_assert_int_eq(write(fd, frame, header + ARP_LEN), (int)(header + ARP_LEN));
}

unsigned int answers[256];

static void hear(int fd, size_t header)
{
	uint8_t frame[2048];
	ssize_t len = read(fd, frame, sizeof(frame)) - (ssize_t)header;

	if (is_answer(frame + header, len))
		answers[frame[header + 5]]++;
}

/* A bridge lets a port forward some time after it has a carrier. */
bool is_answered(int fd, const int *fds, size_t n, size_t header, uint8_t last)
{
	struct pollfd polled[8];

	memset(answers, 0, sizeof(answers));
	for (size_t i = 0; i < n; i++)
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	for (unsigned int try = 0; try < 500 && !answers[last]; try++) {
		ask(fd, header, last);
		while (!answers[last] && poll(polled, n, 20) > 0) {
			for (size_t i = 0; i < n; i++) {
				if (polled[i].revents)
					hear(fds[i], header);
			}
		}
	}
	return answers[last];
}

void arrange_bridge(void)
{
	struct nestnet_transaction *tx = begin();

	add_bridge(tx, "br0", "192.168.122.1/24");
	ok(commit(tx));
}
