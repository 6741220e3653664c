/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts elsewhere, and contexts without privileges. */

#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST "192.168.122.89"

/* Another namespace, held by a process that waits for its input to end. */
struct other {
	pid_t pid;
	int hold;
};

static struct other make_other(void)
{
	int hold[2], ready[2];
	struct other other;
	char byte = 0;

	ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	other.pid = fork();
	ck_assert_int_ge(other.pid, 0);
	if (other.pid == 0) {
		close(hold[1]);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(hold[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	other.hold = hold[1];
	return other;
}

static void end_other(struct other *other)
{
	int status;

	close(other->hold);
	ck_assert_int_eq(waitpid(other->pid, &status, 0), other->pid);
	ck_assert_int_eq(status, 0);
}

static ino_t own_namespace(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

/* Does everything once through the context, and looks that all of it happened there. */
static void check_works_there(const char *name)
{
	struct nestnet_tap_options tap = { .size = sizeof(tap), .bridge = "br0" };
	struct nestnet *here = ctx;
	ino_t own = own_namespace();
	char *before = snapshot();

	ck_assert_msg(nestnet_new(&ctx, name) == 0, "%s: %s", name, nestnet_errmsg(ctx));
	ok(bridge_add("br0", NULL));
	ok(tap_add("tap0", &tap));
	ok(expose("10.128.0.13", GUEST, 0));
	ok(nat_add("192.168.122.0/24", NULL));
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
	ck_assert_str_eq(taps(),
			 "tap0 bridge=br0 mtu=1500 queues=1 up hairpin owner=0\n");
	ck_assert_str_eq(nats(), "192.168.122.0/24\n");
	ck_assert_uint_eq(own_namespace(), own);
	ok(clear());
	ck_assert_str_eq(taps(), "");
	ctx = nestnet_free(ctx);
	ctx = here;
	snapshots_equal(before, NULL, "what happened elsewhere");
	free(before);
}

START_TEST(a_namespace_is_named_by_a_pid)
{
	struct other other = make_other();
	char name[16], *forward;

	snprintf(name, sizeof(name), "%d", other.pid);
	check_works_there(name);
	forward = sh_output("nsenter -t %d -n nft list ruleset", other.pid);
	ck_assert_str_eq(forward, "");
	free(forward);
	end_other(&other);
}
END_TEST

START_TEST(a_namespace_is_named_by_a_path)
{
	struct other other = make_other();
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/ns/net", other.pid);
	check_works_there(name);
	end_other(&other);
}
END_TEST

/* What is mounted from here on is seen nowhere else. A chroot's root is often no mount, whose
 * propagation could be set: then on from a copy of it below /proc, which is one. */
static void unshare_mounts(void)
{
	static const char root[] = "/proc/fs/root";

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	if (mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) == 0)
		return;
	ck_assert_int_eq(mount(NULL, "/proc", "none", MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/proc/fs", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	ck_assert_int_eq(mount("/", root, NULL, MS_BIND | MS_REC, NULL), 0);
	ck_assert_int_eq(mount(NULL, root, NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(chroot(root), 0);
	ck_assert_int_eq(chdir("/"), 0);
}

START_TEST(a_namespace_is_named_by_its_name)
{
	struct other other = make_other();

	unshare_mounts();
	ck_assert_int_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	sh("mkdir /run/netns && touch /run/netns/blue-1.x && "
	   "mount --bind /proc/%d/ns/net /run/netns/blue-1.x",
	   other.pid);
	check_works_there("blue-1.x");
	end_other(&other);
}
END_TEST

static int refuse_row(void *userdata, const struct nestnet_exposure *exposure)
{
	(void)userdata;
	ck_abort_msg("%s is not of this namespace", exposure->id);
	return 0;
}

START_TEST(two_contexts_see_each_its_own_namespace)
{
	struct other other = make_other();
	struct nestnet *there;
	char name[16];

	snprintf(name, sizeof(name), "%d", other.pid);
	ok(expose("10.128.0.13", GUEST, 0));
	ck_assert_int_eq(nestnet_new(&there, name), 0);
	ck_assert_int_eq(nestnet_exposure_list(there, NULL, refuse_row, NULL), 0);
	ck_assert_str_eq(exposures(), "10.128.0.13 > 192.168.122.89\n");
	nestnet_free(there);
	end_other(&other);
}
END_TEST

/* ---- Privileges ---------------------------------------------------------------------------------- */

/* Keeps only one capability, or none (-1), as another user. */
static void drop_to(int capability)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1), 0);
	ck_assert_int_eq(setresgid(12345, 12345, 12345), 0);
	ck_assert_int_eq(setresuid(12345, 12345, 12345), 0);
	if (capability >= 0)
		data[0].effective = data[0].permitted = 1u << capability;
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

START_TEST(without_the_capability_one_line_names_it)
{
	drop_to(-1);
	refused(expose("10.128.0.13", GUEST, 0), EPERM,
		"expose 10.128.0.13: get table nestnet: Operation not permitted "
		"(CAP_NET_ADMIN is needed)");
	refused(bridge_add("br0", NULL), EPERM,
		"bridge add br0: create the bridge: Operation not permitted "
		"(CAP_NET_ADMIN is "
		"needed)");
	ck_assert_int_eq(forward_set(NULL, AF_INET, 1), -EPERM);
	ck_assert_ptr_nonnull(strstr(nestnet_errmsg(ctx), "CAP_NET_ADMIN"));
	ck_assert_int_eq(nat_add("192.168.122.0/24", NULL), -EPERM);
	ck_assert_ptr_nonnull(strstr(nestnet_errmsg(ctx), "CAP_NET_ADMIN"));
	refused(clear(), EPERM,
		"clear: get table nestnet: Operation not permitted (CAP_NET_ADMIN is "
		"needed)");
	ck_assert_int_eq(nestnet_exposure_list(ctx, NULL, NULL, NULL), -EPERM);
	ck_assert_ptr_nonnull(strstr(nestnet_errmsg(ctx), "CAP_NET_ADMIN"));
}
END_TEST

START_TEST(links_are_listed_without_privileges)
{
	ok(bridge_add("br0", NULL));
	drop_to(-1);
	ck_assert_str_eq(bridges(), "br0 mtu=1500\n");
	ck_assert_str_eq(taps(), "");
}
END_TEST

START_TEST(the_capability_alone_is_enough)
{
	/* The device file is root's on some machines: its mode is not nestnet's matter. */
	struct nestnet_prefix address = prefix_of("192.168.122.1/24");
	struct nestnet_bridge_options bridge = { .size = sizeof(bridge),
						 .addresses = &address,
						 .n_addresses = 1 };

	drop_to(CAP_NET_ADMIN);
	ok(bridge_add("br0", &bridge));
	ok(nat_add("192.168.122.0/24", NULL));
	ok(expose("10.128.0.13", GUEST, 0));
	ok(expose("10.128.0.13", "192.168.122.90", NESTNET_EXPOSE_REPLACE));
	ck_assert_int_eq(setting("ipv4/ip_forward"), 1);
	ok(forward_set(NULL, AF_INET6, 1));
	ok(clear());
	ck_assert_int_eq(setting("ipv4/ip_forward"), 0);
	ck_assert_str_eq(bridges(), "");
}
END_TEST

START_TEST(another_namespace_takes_another_capability)
{
	struct other other = make_other();
	struct nestnet *here = ctx;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "%d", other.pid);
	drop_to(CAP_NET_ADMIN);
	/* Said at once, or when it is entered. */
	r = nestnet_new(&ctx, name);
	if (r == 0)
		r = expose("10.128.0.13", GUEST, 0);
	ck_assert_msg(r == -EPERM, "%d: %s", r, nestnet_errmsg(ctx));
	nestnet_free(ctx);
	ctx = here;
	end_other(&other);
}
END_TEST

START_TEST(settings_that_cannot_be_written_change_nothing_else)
{
	unshare_mounts();
	ck_assert_int_eq(mount("/proc/sys", "/proc/sys", "none", MS_BIND, NULL), 0);
	ck_assert_int_eq(
		mount(NULL, "/proc/sys", "none", MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
		0);
	changes_nothing(refused(expose("10.128.0.13", GUEST, 0), EIO,
				"expose 10.128.0.13: forward on: "
				"net.ipv4.conf.all.forwarding: Read-only file system"));
	ok(expose("10.128.0.13", GUEST, NESTNET_EXPOSE_NO_FORWARD));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("namespaces");
	TCase *names = netns_case(suite, "names", 20);
	TCase *privileges = netns_case(suite, "privileges", 20);

	tcase_add_test(names, a_namespace_is_named_by_a_pid);
	tcase_add_test(names, a_namespace_is_named_by_a_path);
	tcase_add_test(names, a_namespace_is_named_by_its_name);
	tcase_add_test(names, two_contexts_see_each_its_own_namespace);
	tcase_add_test(privileges, without_the_capability_one_line_names_it);
	tcase_add_test(privileges, links_are_listed_without_privileges);
	tcase_add_test(privileges, the_capability_alone_is_enough);
	tcase_add_test(privileges, another_namespace_takes_another_capability);
	tcase_add_test(privileges, settings_that_cannot_be_written_change_nothing_else);
	return netns_run(suite);
}
