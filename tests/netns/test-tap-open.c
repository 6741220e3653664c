/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taps with descriptors, as a virtual machine monitor has them: made with the tap, and what
 * is left when they are closed. */

#include "faults.h"
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define USER 12345

START_TEST(a_frame_that_is_written_arrives_and_its_answer_is_read)
{
	struct nestnet_tap_options options = ephemeral("br0");
	int fd;

	arrange_bridge();
	add_open("tap%d", &options, &fd);
	ck_assert(is_answered(fd, &fd, 1, 0, 7));
	ck_assert_str_eq(
		taps(),
		"tap0 bridge=br0 mtu=1500 queues=1 up hairpin owner=0 ephemeral\n");
	close_all(&fd, 1);
}
END_TEST

START_TEST(every_queue_has_a_descriptor_that_carries_frames)
{
	struct nestnet_tap_options options = ephemeral("br0");
	int fds[4];

	arrange_bridge();
	options.queues = 4;
	add_open("tap0", &options, fds);
	for (size_t i = 0; i < 4; i++)
		ck_assert_msg(is_answered(fds[i], fds, 4, 0, (uint8_t)(10 + i)), "%zu",
			      i);
	close_all(fds, 3);
	ck_assert(is_there("tap0"));
	ck_assert(is_answered(fds[3], &fds[3], 1, 0, 20));
	close_all(&fds[3], 1);
	ck_assert(!is_there("tap0"));
}
END_TEST

START_TEST(a_virtio_net_header_is_as_long_as_was_asked_for)
{
	struct nestnet_open_options open = { .size = sizeof(open), .vnet_hdr_len = 12 };
	struct nestnet_tap_options options = ephemeral("br0");
	int fd;

	arrange_bridge();
	options.flags |= NESTNET_TAP_VNET_HDR;
	options.open = &open;
	add_open("tap0", &options, &fd);
	ck_assert(is_answered(fd, &fd, 1, 12, 7));
	close_all(&fd, 1);
	open.vnet_hdr_len = 0;
	add_open("tap0", &options, &fd);
	ck_assert(is_answered(fd, &fd, 1, NESTNET_VNET_HDR_MIN, 7));
	close_all(&fd, 1);
}
END_TEST

static bool has_feature(const char *name, uint32_t command)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq request = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
	return value.data;
}

START_TEST(offloads_are_those_that_were_asked_for)
{
	struct nestnet_open_options open = { .size = sizeof(open),
					     .offloads = NESTNET_OFFLOAD_CSUM |
							 NESTNET_OFFLOAD_TSO4 |
							 NESTNET_OFFLOAD_TSO6 |
							 NESTNET_OFFLOAD_TSO_ECN };
	struct nestnet_tap_options options = ephemeral(NULL);
	int fd;

	options.flags |= NESTNET_TAP_VNET_HDR;
	options.open = &open;
	add_open("tap0", &options, &fd);
	ck_assert(has_feature("tap0", ETHTOOL_GTXCSUM) &&
		  has_feature("tap0", ETHTOOL_GTSO));
	close_all(&fd, 1);

	options.flags = NESTNET_TAP_VNET_HDR;
	add_open("tap0", &options, &fd);
	close_all(&fd, 1);
	open.offloads = 0;
	open.vnet_hdr_len = NESTNET_VNET_HDR_MIN;
	ok(nestnet_tap_open(ctx, "tap0", &open, &fd, 1)); /* takes the other's back */
	ck_assert(!has_feature("tap0", ETHTOOL_GTXCSUM) &&
		  !has_feature("tap0", ETHTOOL_GTSO));
	close_all(&fd, 1);
}
END_TEST

START_TEST(descriptors_are_close_on_exec_and_wait_unless_asked_otherwise)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	int fds[2];

	options.queues = 2;
	add_open("tap0", &options, fds);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
	}
	close_all(fds, 2);
	options.open = &waiting;
	add_open("tap0", &options, fds);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert(!(fcntl(fds[i], F_GETFL) & O_NONBLOCK));
	}
	close_all(fds, 2);
}
END_TEST

/* ---- Who has the descriptors ------------------------------------------------------------------ */

START_TEST(descriptors_are_taken_once_and_all)
{
	struct nestnet_tap_options options = ephemeral("br0");
	struct nestnet_transaction *tx = begin();
	int fds[2] = { -7, -7 };

	add_bridge(tx, "br0", NULL);
	options.queues = 2;
	ok(nestnet_tap_add(tx, "tap0", &options));
	add_tap(tx, "tap1", NULL);
	refused(nestnet_transaction_take_fds(tx, 1, fds, 2), ENOENT,
		"take descriptors: none are there");
	ok(nestnet_transaction_commit(tx));
	refused(nestnet_transaction_take_fds(tx, 1, fds, 1), EINVAL,
		"take descriptors: there are 2, not 1");
	refused(nestnet_transaction_take_fds(tx, 0, fds, 1), ENOENT,
		"take descriptors: none are there");
	refused(nestnet_transaction_take_fds(tx, 2, fds, 1), ENOENT,
		"take descriptors: none are there");
	ck_assert_int_eq(fds[0], -7);
	ok(nestnet_transaction_take_fds(tx, 1, fds, 2));
	refused(nestnet_transaction_take_fds(tx, 1, fds, 2), ENOENT,
		"take descriptors: none are there");
	nestnet_transaction_free(tx);
	ck_assert(is_there("tap0"));
	close_all(fds, 2);
	ck_assert(!is_there("tap0"));
}
END_TEST

START_TEST(what_nobody_takes_is_closed_with_the_transaction)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	struct nestnet_transaction *tx = begin();
	size_t before;

	ok(tap_add("tap1", NULL)); /* the context has its sockets */
	before = count_fds();
	options.queues = 8;
	ok(nestnet_tap_add(tx, "tap0", &options));
	ok(nestnet_transaction_commit(tx));
	ck_assert(is_there("tap0"));
	nestnet_transaction_free(tx);
	ck_assert(!is_there("tap0"));
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(a_persistent_tap_stays_and_is_opened_again_by_the_same_request)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	struct nestnet_transaction *tx;
	int fd;

	options.flags = 0;
	add_open("tap0", &options, &fd);
	tx = begin();
	ok(nestnet_tap_add(tx, "tap0", &options));
	refused(commit(tx), EBUSY, "tap add tap0: a program has it open");
	close_all(&fd, 1);
	ck_assert_str_eq(taps(), "tap0 bridge=- mtu=1500 queues=1 up owner=0\n");
	add_open("tap0", &options, &fd);
	close_all(&fd, 1);
	options.flags = NESTNET_TAP_EPHEMERAL;
	changes_nothing(refused(tap_add("tap0", &options), EEXIST,
				"tap add tap0: exists already, with persistence on"));
}
END_TEST

/* ---- Ephemeral ---------------------------------------------------------------------------------- */

static const char *guarded(void)
{
	static char text[200];
	char *output =
		sh_output("nft -j list set netdev nestnet guarded 2>/dev/null | "
			  "jq -r '.nftables[].set.elem? // empty | sort | join(\" \")'");

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(output, "\n"), output);
	free(output);
	return text;
}

START_TEST(an_ephemeral_tap_goes_with_its_descriptors_and_leaves_nothing)
{
	struct nestnet_tap_options options = ephemeral("br0");
	char *before;
	int fds[2];

	arrange_bridge();
	before = snapshot();
	options.queues = 2;
	options.mac = mac_of(0x33);
	options.mtu = 1400;
	options.flags |= NESTNET_TAP_ISOLATED | NESTNET_TAP_HAS_OWNER;
	options.owner = USER;
	add_open("vm%d", &options, fds);
	ck_assert_str_eq(taps(), "vm0 bridge=br0 mtu=1400 queues=2 up isolated hairpin "
				 "owner=12345 ephemeral\n");
	close_all(fds, 2);
	snapshots_equal(before, NULL, "a tap and its end");
	free(before);
}
END_TEST

START_TEST(what_a_guard_leaves_goes_with_the_next_tap_or_at_once)
{
	struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	struct nestnet_tap_options options = ephemeral("br0");
	int fd, other;

	arrange_bridge();
	options.guards = &guard;
	options.n_guards = 1;
	add_open("vm0", &options, &fd);
	add_open("vm1", &options, &other);
	ck_assert_str_eq(guarded(), "vm0 vm1");
	ck_assert(is_answered(fd, &fd, 1, 0, 0x89));
	ask(fd, 0, 7);
	ck_assert(is_answered(fd, &fd, 1, 0, 0x89) && !answers[7]);
	close_all(&fd, 1);

	options.n_guards = 0; /* nothing is inherited, and the live one keeps its own */
	add_open("vm0", &options, &fd);
	ck_assert(is_answered(fd, &fd, 1, 0, 7));
	ck_assert_str_eq(guarded(), "vm1");
	close_all(&other, 1);
	add_open("vm2", &options, &other);
	ck_assert_str_eq(guarded(), "");
	close_all(&other, 1);

	options.n_guards = 1;
	add_open("vm3", &options, &other);
	close_all(&other, 1);
	ok(tap_del("vm3", NESTNET_IF_EXISTS));
	ck_assert_str_eq(guarded(), "");
	close_all(&fd, 1);
}
END_TEST

static int append(void *userdata, char op, const char *command)
{
	(void)op;
	strcat(userdata, command);
	return 0;
}

START_TEST(a_whole_state_leaves_a_programs_own_tap_and_clear_does_not)
{
	struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	struct nestnet_tap_options options = ephemeral(NULL);
	struct nestnet_transaction *tx = begin();
	char saved[1000] = "";
	int fd;

	options.guards = &guard;
	options.n_guards = 1;
	add_open("vm0", &options, &fd);
	ok(tap_add("tap1", NULL));
	ok(nestnet_save(ctx, append, saved));
	ck_assert_str_eq(saved, "tap add tap1");

	ok(nestnet_transaction_set_exact(tx));
	refused(nestnet_tap_add(tx, "tap1", &options), EINVAL,
		"tap add tap1 --guard 02:00:00:00:00:89: a whole state opens no taps");
	ok(commit(tx));
	ck_assert_str_eq(taps(), "vm0 bridge=- mtu=1500 queues=1 up owner=0 ephemeral\n");
	ck_assert_str_eq(guarded(), "vm0");
	ok(clear());
	ck_assert_str_eq(taps(), "");
	close_all(&fd, 1);
}
END_TEST

/* ---- Failures ----------------------------------------------------------------------------------------- */

/* One tap with all that can be asked for, and one that is there, opened behind it. */
static int add_all(struct nestnet_transaction **ret)
{
	static const struct nestnet_guard guard = { .mac = { 2, 0, 0, 0, 0, 0x89 } };
	static const struct nestnet_open_options open = {
		.size = sizeof(open), .vnet_hdr_len = 12, .offloads = NESTNET_OFFLOAD_CSUM
	};
	struct nestnet_tap_options options = ephemeral("br0");
	struct nestnet_endpoint alias = alias_of("10.128.0.14"),
				target = target_of("192.168.122.90");
	struct nestnet_expose_options exposed = { .size = sizeof(exposed), .tap = "vm0" };

	*ret = begin();
	options.flags |= NESTNET_TAP_VNET_HDR;
	options.queues = 3;
	options.guards = &guard;
	options.n_guards = 1;
	options.open = &open;
	ok(nestnet_tap_add(*ret, "vm0", &options));
	ok(nestnet_expose(*ret, &alias, &target, &exposed));
	options = (struct nestnet_tap_options){ .size = sizeof(options),
						.flags = NESTNET_TAP_VNET_HDR,
						.queues = 2,
						.open = &open };
	ok(nestnet_tap_add(*ret, "tap1", &options));
	return nestnet_transaction_commit(*ret);
}

static const enum fault kinds[] = { FAULT_IOCTL, FAULT_SEND, FAULT_BATCH };

START_TEST(a_failure_anywhere_leaves_neither_tap_nor_descriptor)
{
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .flags = NESTNET_TAP_VNET_HDR,
					       .queues = 2 };
	struct nestnet_transaction *tx;
	bool is_struck = true;
	size_t n_fds;
	char *before;
	unsigned int n;

	arrange_bridge();
	ok(tap_add("tap1", &options));
	ok(expose("10.128.0.13", "192.168.122.89", 0));
	faults_arm(ctx, FAULT_NONE, 0);
	before = snapshot();
	n_fds = count_fds();
	for (n = 1; is_struck && n < 200; n++) {
		int r;

		faults_arm(ctx, kinds[_i], n);
		r = add_all(&tx);
		is_struck = faults_disarm();
		ck_assert_msg(!is_struck || r < 0, "%s %u: 0", fault_name(kinds[_i]), n);
		ck_assert_msg(!is_struck || nestnet_errmsg(ctx)[0], "%u: no sentence", n);
		nestnet_transaction_free(tx);
		ck_assert_msg(count_fds() == n_fds, "%s %u: descriptors",
			      fault_name(kinds[_i]), n);
		ck_assert_msg(!is_there("vm0"), "%s %u: tap", fault_name(kinds[_i]), n);
		if (is_struck)
			snapshots_equal(before, NULL, fault_name(kinds[_i]));
	}
	ck_assert_uint_gt(n, kinds[_i] == FAULT_BATCH ? 2 : 10);
	ck_assert_uint_lt(n, 200);
	free(before);
}
END_TEST

static void rename_it(void)
{
	sh("ip link set tap0 name new0");
}

/* Before its second queue is opened: that one would be of a new tap. */
START_TEST(a_tap_that_is_renamed_while_it_is_made_is_not_made)
{
	struct nestnet_tap_options options = ephemeral(NULL);
	size_t n_fds;
	char *before;

	faults_arm(ctx, FAULT_NONE, 0);
	before = snapshot();
	n_fds = count_fds();
	options.queues = 2;
	faults_before_ioctl(ctx, 2, rename_it);
	refused(tap_add("tap0", &options), EAGAIN,
		"tap add tap0: it was renamed meanwhile");
	faults_disarm();
	snapshots_equal(before, NULL, "a tap that was renamed");
	ck_assert_uint_eq(count_fds(), n_fds);
	free(before);
}
END_TEST

/* ---- What cannot be asked for --------------------------------------------------------------------------- */

#define OPEN .open.size = sizeof(struct nestnet_open_options)

static const struct {
	unsigned int flags; /* of the tap */
	bool is_opened;
	struct nestnet_open_options open;
	const char *why;
} refusals[] = {
	{ NESTNET_TAP_EPHEMERAL,
	  false,
	  { 0 },
	  "an ephemeral tap is there while it is open: say how to open it" },
	{ 0, true, { 0 }, "the options' size is not set" },
	{ .is_opened = true,
	  OPEN,
	  .open.flags = 2,
	  .why = "there is no such flag of opening" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN, .open.vnet_hdr_len = 9,
	  .why = "a virtio-net header has from 10 to 64 bytes" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN, .open.vnet_hdr_len = 65,
	  .why = "a virtio-net header has from 10 to 64 bytes" },
	{ .is_opened = true,
	  OPEN,
	  .open.vnet_hdr_len = 12,
	  .why = "a header's length and offloads are for a tap with a virtio-net "
		 "header" },
	{ .is_opened = true,
	  OPEN,
	  .open.offloads = NESTNET_OFFLOAD_CSUM,
	  .why = "a header's length and offloads are for a tap with a virtio-net "
		 "header" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN, .open.offloads = 1u << 4,
	  .why = "there is no such offload" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN, .open.offloads = NESTNET_OFFLOAD_TSO4,
	  .why = "every offload wants that of the checksum" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN,
	  .open.offloads = NESTNET_OFFLOAD_CSUM | NESTNET_OFFLOAD_TSO_ECN,
	  .why = "the offload of ECN wants one of TCP" },
	{ NESTNET_TAP_VNET_HDR, true, OPEN,
	  .open.offloads = NESTNET_OFFLOAD_CSUM | NESTNET_OFFLOAD_USO4,
	  .why = "the offloads of UDP go together" },
};

START_TEST(what_cannot_be_opened_so_is_refused_before_anything_is_asked)
{
	struct nestnet_tap_options options = { .size = sizeof(options),
					       .flags = refusals[_i].flags };
	struct nestnet_transaction *tx = begin();
	char sentence[200];

	if (refusals[_i].is_opened)
		options.open = &refusals[_i].open;
	snprintf(sentence, sizeof(sentence), "tap add tap0: %s", refusals[_i].why);
	refused(nestnet_tap_add(tx, "tap0", &options), EINVAL, sentence);
	nestnet_transaction_free(tx);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("taps that are open");
	TCase *made = netns_case(suite, "made", 20);
	TCase *failing = netns_case(suite, "failing", 60);

	tcase_add_test(made, a_frame_that_is_written_arrives_and_its_answer_is_read);
	tcase_add_test(made, every_queue_has_a_descriptor_that_carries_frames);
	tcase_add_test(made, a_virtio_net_header_is_as_long_as_was_asked_for);
	tcase_add_test(made, offloads_are_those_that_were_asked_for);
	tcase_add_test(made,
		       descriptors_are_close_on_exec_and_wait_unless_asked_otherwise);
	tcase_add_test(made, descriptors_are_taken_once_and_all);
	tcase_add_test(made, what_nobody_takes_is_closed_with_the_transaction);
	tcase_add_test(made,
		       a_persistent_tap_stays_and_is_opened_again_by_the_same_request);
	tcase_add_test(made,
		       an_ephemeral_tap_goes_with_its_descriptors_and_leaves_nothing);
	tcase_add_test(made, what_a_guard_leaves_goes_with_the_next_tap_or_at_once);
	tcase_add_test(made, a_whole_state_leaves_a_programs_own_tap_and_clear_does_not);
	add_table_test(failing, a_failure_anywhere_leaves_neither_tap_nor_descriptor,
		       kinds);
	tcase_add_test(failing, a_tap_that_is_renamed_while_it_is_made_is_not_made);
	add_table_test(failing,
		       what_cannot_be_opened_so_is_refused_before_anything_is_asked,
		       refusals);
	return netns_run(suite);
}
