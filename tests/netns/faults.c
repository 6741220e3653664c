/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faults. Netlink goes by the library's replaceable transport; settings and /dev/net/tun by
 * pwrite() and ioctl(), which are defined here, in front of libc's.
 */

#include "faults.h"

#include "unit/harness.h"

#include "plan/context.h"

#include "kernel/netlink.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	enum fault fault;
	unsigned int at;
	int code;
	unsigned int sends, receives, batches, dumps, writes, ioctls;
	bool has_struck;
	void (*before_batch)(void *userdata);
	void *userdata;
	void (*before_ioctl)(void);
	void (*before_send)(void);
} faults;

const char *fault_name(enum fault fault)
{
	static const char *const names[] = {
		"nothing",           "one send fails",  "all sends fail",
		"one receive fails", "one answer lost", "three answers lost",
		"all answers lost",  "a batch refused", "one write fails",
		"all writes fail",   "one ioctl fails", "all ioctls fail",
	};

	return names[fault];
}

bool fault_has_code(enum fault fault)
{
	return fault != FAULT_BATCH;
}

bool fault_is_single(enum fault fault)
{
	return fault == FAULT_SEND || fault == FAULT_ANSWER_UNREAD ||
	       fault == FAULT_ANSWER || fault == FAULT_BATCH || fault == FAULT_WRITE ||
	       fault == FAULT_IOCTL;
}

static int code_or(int usual)
{
	return faults.code ? faults.code : usual;
}

/* Whether the count-th event of these kinds is one that fails. */
static bool strikes(unsigned int count, enum fault one, enum fault all)
{
	bool is_struck = (faults.fault == one && count == faults.at) ||
			 (faults.fault == all && count >= faults.at);

	faults.has_struck = faults.has_struck || is_struck;
	return is_struck;
}

/* ---- Netlink ------------------------------------------------------------------------------ */

static ssize_t send_on(int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(fd, bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

/* The last message but the batch's end. */
static struct nlmsghdr *find_last(char *bytes, size_t len)
{
	struct nlmsghdr *message = (void *)bytes, *last = NULL, *before = NULL;

	while ((char *)message < bytes + len) {
		before = last;
		last = message;
		message = (void *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
	}
	return before;
}

/* Names a table in it that is not there. */
static ssize_t send_spoiled(int fd, const void *bytes, size_t len)
{
	char *copy = malloc(len), *name;
	ssize_t sent;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	/* The table's name is the first attribute of every message. */
	name = (char *)find_last(copy, len) + NLMSG_HDRLEN + sizeof(struct nfgenmsg) +
	       NLA_HDRLEN;
	ck_assert_msg(strcmp(name, "nestnet") == 0 || strcmp(name, "filter") == 0, "%s",
		      name);
	name[0] = 'x';
	sent = send_on(fd, copy, len);
	free(copy);
	return sent;
}

static ssize_t send_faulty(void *userdata, int fd, const void *bytes, size_t len)
{
	const struct nlmsghdr *first = bytes;
	/* In rtnetlink the same number is RTM_NEWLINK. */
	bool is_batch = userdata && first->nlmsg_type == NFNL_MSG_BATCH_BEGIN;

	faults.sends++;
	faults.batches += is_batch;
	faults.dumps += (first->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP && !is_batch;
	if (is_batch && faults.before_batch)
		faults.before_batch(faults.userdata);
	if (faults.before_send && faults.sends == faults.at) {
		faults.has_struck = true;
		faults.before_send();
	}
	if (strikes(faults.sends, FAULT_SEND, FAULT_SENDS)) {
		errno = code_or(ENOMEM);
		return -1;
	}
	if (is_batch && strikes(faults.batches, FAULT_BATCH, FAULT_BATCH + FAULT_KINDS))
		return send_spoiled(fd, bytes, len);
	return send_on(fd, bytes, len);
}

static ssize_t receive_faulty(void *userdata, int fd, void *buffer, size_t size)
{
	(void)userdata;
	faults.receives++;
	if (strikes(faults.receives, FAULT_ANSWER_UNREAD, FAULT_KINDS)) {
		errno = code_or(ENOBUFS);
		return -1;
	}
	if (strikes(faults.receives, FAULT_ANSWER, FAULT_ANSWERS) ||
	    (faults.receives < faults.at + 3 &&
	     strikes(faults.receives, FAULT_KINDS, FAULT_THREE_ANSWERS))) {
		(void)recv(fd, buffer, size, MSG_DONTWAIT);
		errno = code_or(ENOBUFS);
		return -1;
	}
	return recv(fd, buffer, size, MSG_DONTWAIT);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	faults.writes++;
	if (strikes(faults.writes, FAULT_WRITE, FAULT_WRITES)) {
		errno = code_or(EPERM);
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	faults.ioctls++;
	if (faults.before_ioctl && faults.ioctls == faults.at)
		faults.before_ioctl();
	if (strikes(faults.ioctls, FAULT_IOCTL, FAULT_IOCTLS)) {
		errno = code_or(EIO);
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

/* ---- Arming ----------------------------------------------------------------------------------- */

static void listen_in(struct nestnet *ctx)
{
	static const struct netlink_transport faulty = { .send = send_faulty,
							 .receive = receive_faulty };
	struct netlink *nl;

	memset(&faults, 0, sizeof(faults));
	ck_assert_int_eq(context_route(ctx, &nl), 0);
	netlink_set_transport(nl, &faulty, NULL);
	ck_assert_int_eq(context_filter(ctx, &nl), 0);
	netlink_set_transport(nl, &faulty, &faults);
	ck_assert_int_eq(context_sockets(ctx, &nl), 0);
	netlink_set_transport(nl, &faulty, NULL);
}

void faults_arm(struct nestnet *ctx, enum fault fault, unsigned int n)
{
	listen_in(ctx);
	faults.fault = fault;
	faults.at = n;
}

void faults_set_code(int code)
{
	faults.code = code;
}

bool faults_disarm(void)
{
	faults.fault = FAULT_NONE;
	faults.before_batch = NULL;
	faults.before_ioctl = NULL;
	faults.before_send = NULL;
	return faults.has_struck;
}

void faults_before_batch(struct nestnet *ctx, void (*fn)(void *userdata), void *userdata)
{
	listen_in(ctx);
	faults.before_batch = fn;
	faults.userdata = userdata;
}

void faults_before_ioctl(struct nestnet *ctx, unsigned int n, void (*fn)(void))
{
	listen_in(ctx);
	faults.at = n;
	faults.before_ioctl = fn;
}

void faults_before_send(struct nestnet *ctx, unsigned int n, void (*fn)(void))
{
	listen_in(ctx);
	faults.at = n;
	faults.before_send = fn;
}

unsigned int faults_sends(void)
{
	return faults.sends;
}

unsigned int faults_batches(void)
{
	return faults.batches;
}

unsigned int faults_dumps(void)
{
	return faults.dumps;
}
