/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps that are there, opened: ours and others', under another name, elsewhere, by ordinary
 * users, and not at all. */

#include "faults.h"
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define USER 12345

/* ---- Taps that are there -------------------------------------------------------------------------- */

static const struct {
	const char *made; /* by ip */
	const char *name;
	size_t n;
	unsigned int header;
	int code;
	const char *sentence;
} others[] = {
	{ "tuntap add dev tap0 mode tap", "tap0", 2, 0, EEXIST,
	  "it has queues 1, and 2 are asked for" },
	{ "tuntap add dev tap0 mode tap", "tap0", 1, 12, EEXIST,
	  "it has vnet-hdr off, and on is asked for" },
	{ "tuntap add dev tap0 mode tap vnet_hdr", "tap0", 1, 0, EEXIST,
	  "it has vnet-hdr on, and off is asked for" },
	{ "tuntap add dev tap0 mode tun", "tap0", 1, 0, EEXIST,
	  "it is a tun, and no tap" },
	{ "link add tap0 type bridge", "tap0", 1, 0, EEXIST, "it is no tap" },
	{ "link set lo down", "tap0", 1, 0, ENODEV, "No such device" },
};

START_TEST(a_tap_of_another_kind_is_refused_and_names_what_differs)
{
	struct nestnet_open_options open = waiting;
	int fds[2] = { -7, -7 };
	char sentence[200];
	size_t n_open;

	sh("ip %s", others[_i].made);
	open.vnet_hdr_len = others[_i].header;
	snprintf(sentence, sizeof(sentence), "tap open tap0: %s", others[_i].sentence);
	n_open = count_fds();
	changes_nothing(refused(nestnet_tap_open(ctx, "tap0", &open, fds, others[_i].n),
				others[_i].code, sentence));
	ck_assert_int_eq(fds[0], -7);
	ck_assert_uint_ge(n_open + 3, count_fds()); /* the context's own sockets */
}
END_TEST

START_TEST(a_tap_of_ours_has_no_more_queues_than_it_was_made_with)
{
	struct nestnet_tap_options options = { .size = sizeof(options), .queues = 2 };
	int fds[3];

	ok(tap_add("tap0", &options));
	refused(nestnet_tap_open(ctx, "tap0", NULL, fds, 3), EEXIST,
		"tap open tap0: it has queues 2, and 3 are asked for");
	ok(nestnet_tap_open(ctx, "tap0", NULL, fds, 2));
	refused(nestnet_tap_open(ctx, "tap0", NULL, &fds[2], 1), EBUSY,
		"tap open tap0: a program has it open");
	close_all(fds, 2);
	ok(nestnet_tap_open(ctx, "tap0", NULL, fds, 1));
	close_all(fds, 1);
}
END_TEST

START_TEST(a_tap_that_another_made_is_opened_and_carries_frames)
{
	int fd;

	arrange_bridge();
	sh("ip tuntap add dev tap0 mode tap; ip link set tap0 master br0 up");
	ok(nestnet_tap_open(ctx, "tap0", &nonblocking, &fd, 1));
	ck_assert(is_answered(fd, &fd, 1, 0, 7));
	close_all(&fd, 1);
	ck_assert(is_there("tap0"));
}
END_TEST

START_TEST(a_tap_is_known_by_its_ifindex_and_its_descriptors_go_with_it)
{
	struct nestnet_open_options open = nonblocking;
	int fd;

	arrange_bridge();
	sh("ip tuntap add dev tap0 mode tap; ip link set tap0 master br0 up");
	open.ifindex = if_nametoindex("tap0");
	sh("ip link set tap0 down; ip link set tap0 name old0 up");
	sh("ip tuntap add dev tap0 mode tap");
	ok(nestnet_tap_open(ctx, NULL, &open, &fd, 1));
	ck_assert(is_answered(fd, &fd, 1, 0, 7));
	sh("ip link set old0 down; ip link set old0 name new0 up");
	ck_assert(is_answered(fd, &fd, 1, 0, 8));
	close_all(&fd, 1);
	refused(nestnet_tap_open(ctx, "new0", &open, &fd, 1), EINVAL,
		"tap open new0: a name and an ifindex");
	open.ifindex = 4000;
	refused(nestnet_tap_open(ctx, NULL, &open, &fd, 1), ENODEV,
		"tap open #4000: No such device");
}
END_TEST

static void rename_it(void)
{
	sh("ip link set tap0 name new0");
}

/* The kernel makes a new tap where a name is gone; of those three queues the first, the
 * second or the third would be such a one's. */
START_TEST(a_tap_that_is_renamed_while_it_is_opened_is_opened_all_the_same)
{
	char name[NESTNET_IFNAMSIZ] = "";
	int fds[3];

	sh("ip tuntap add dev tap0 mode tap multi_queue");
	faults_before_ioctl(ctx, (unsigned int)_i, rename_it);
	ok(nestnet_tap_open(ctx, "tap0", NULL, fds, 3));
	faults_disarm();
	ck_assert(!is_there("tap0"));
	for (size_t i = 0; i < 3; i++) {
		struct ifreq request = { .ifr_flags = 0 };

		ck_assert_int_eq(ioctl(fds[i], TUNGETIFF, &request), 0);
		snprintf(name, sizeof(name), "%s", request.ifr_name);
		ck_assert_str_eq(name, "new0");
	}
	close_all(fds, 3);
}
END_TEST

START_TEST(descriptors_are_of_the_contexts_namespace)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	int there = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fds[2], fd;
	struct nestnet *here;
	char path[32];

	options.queues = 2;
	netns_fresh();
	here = ctx;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", there);
	ck_assert_int_eq(nestnet_new(&ctx, path), 0);
	add_open("tap0", &options, fds);
	ck_assert(!is_there("tap0"));
	ok(tap_add("tap1", NULL));
	ok(nestnet_tap_open(ctx, "tap1", NULL, &fd, 1));
	ck_assert(!is_there("tap1"));
	ck_assert_ptr_nonnull(strstr(taps(), "tap0 bridge=- mtu=1500 queues=2 up"));
	nestnet_free(ctx);
	ctx = here;
	close_all(fds, 2);
	close_all(&fd, 1);
	close(there);
}
END_TEST

/* ---- Ordinary users --------------------------------------------------------------------------------- */

/* Has a device of that mode, whatever the machine's is, and leaves privileges behind. */
static void become_user(mode_t device)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
		ck_assert_int_eq(mount("none", "/dev", "none", MS_REC | MS_PRIVATE, NULL),
				 0);
	ck_assert_int_eq(mount("tmpfs", "/dev/net", "tmpfs", 0, "mode=755"), 0);
	ck_assert_int_eq(mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200)), 0);
	ck_assert_int_eq(chmod("/dev/net/tun", device), 0);
	nestnet_free(ctx);
	ck_assert_int_eq(setresgid(USER, USER, USER), 0);
	ck_assert_int_eq(setresuid(USER, USER, USER), 0);
	ck_assert_int_eq(nestnet_new(&ctx, NULL), 0);
}

START_TEST(an_ordinary_user_opens_its_own_tap_and_no_other)
{
	struct nestnet_tap_options options = { .size = sizeof(options), .queues = 2 };
	int fds[2];

	ok(tap_add("root0", NULL));
	options.flags = NESTNET_TAP_HAS_OWNER | NESTNET_TAP_VNET_HDR;
	options.owner = USER + 1;
	ok(tap_add("other0", &options));
	options.owner = USER;
	ok(tap_add("own0", &options));
	become_user(0666);
	refused(nestnet_tap_open(ctx, "root0", NULL, fds, 1), EPERM,
		"tap open root0: its owner is user 0, and not user 12345 (CAP_NET_ADMIN "
		"is "
		"needed)");
	refused(nestnet_tap_open(ctx, "own0", NULL, fds, 2), EEXIST,
		"tap open own0: it has vnet-hdr on, and off is asked for");
	ok(nestnet_tap_open(ctx, "own0",
			    &(struct nestnet_open_options){
				    .size = sizeof(struct nestnet_open_options),
				    .vnet_hdr_len = 12,
				    .offloads = NESTNET_OFFLOAD_CSUM },
			    fds, 2));
	close_all(fds, 2);
}
END_TEST

START_TEST(a_device_that_may_not_be_opened_is_a_matter_of_privilege)
{
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .flags = NESTNET_TAP_HAS_OWNER,
					       .owner = USER };
	int fd;

	ok(tap_add("own0", &options));
	become_user(0600);
	refused(nestnet_tap_open(ctx, "own0", NULL, &fd, 1), EPERM,
		"tap open own0: open /dev/net/tun: Permission denied");
}
END_TEST

START_TEST(opening_that_fails_anywhere_leaves_no_descriptor)
{
	static const struct nestnet_open_options open = { .size = sizeof(open),
							  .vnet_hdr_len = 10 };
	bool is_struck = true;
	unsigned int n;
	int fds[3] = { -7 };
	size_t n_fds;

	sh("ip tuntap add dev tap0 mode tap vnet_hdr multi_queue");
	faults_arm(ctx, FAULT_NONE, 0);
	n_fds = count_fds();
	for (n = 1; is_struck && n < 100; n++) {
		int r;

		faults_arm(ctx, FAULT_IOCTL, n);
		r = nestnet_tap_open(ctx, "tap0", &open, fds, 3);
		is_struck = faults_disarm();
		ck_assert_int_eq(r, is_struck ? -EIO : 0);
		if (is_struck) {
			ck_assert_int_eq(fds[0], -7);
			ck_assert_uint_eq(count_fds(), n_fds);
		}
	}
	ck_assert_uint_gt(n, 8);
	close_all(fds, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("taps that are there");
	TCase *kinds = netns_case(suite, "kinds", 20);
	TCase *users = netns_case(suite, "users", 20);

	add_table_test(kinds, a_tap_of_another_kind_is_refused_and_names_what_differs,
		       others);
	tcase_add_test(kinds, a_tap_of_ours_has_no_more_queues_than_it_was_made_with);
	tcase_add_test(kinds, a_tap_that_another_made_is_opened_and_carries_frames);
	tcase_add_test(kinds,
		       a_tap_is_known_by_its_ifindex_and_its_descriptors_go_with_it);
	tcase_add_loop_test(
		kinds, a_tap_that_is_renamed_while_it_is_opened_is_opened_all_the_same, 1,
		8);
	tcase_add_test(kinds, descriptors_are_of_the_contexts_namespace);
	tcase_add_test(kinds, opening_that_fails_anywhere_leaves_no_descriptor);
	tcase_add_test(users, an_ordinary_user_opens_its_own_tap_and_no_other);
	tcase_add_test(users, a_device_that_may_not_be_opened_is_a_matter_of_privilege);
	return netns_run(suite);
}
