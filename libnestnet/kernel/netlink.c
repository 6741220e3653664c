/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one socket core, for rtnetlink, nfnetlink and sock_diag.
 *
 * Every exchange is: send, then take replies until the one that ends it. Replies carry the
 * sequence number of what they answer, and others are passed over: a batch whose commit
 * fails is answered twice, and the second answer is still queued when the next exchange
 * begins. A reply is input: mnl_nlmsg_ok() holds it against what was received before
 * anything of it is used.
 */

#include "kernel/netlink.h"
#include "kernel/netlink-message.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* What the kernel caps a dump's part at; smaller buffers make dumps slow (facts 32e). */
#define RECEIVE_SIZE 32768

/* A dump that others keep interrupting is repeated this often (facts 7). */
#define DUMP_TRIES 5

/* What was lost, either way, is sent again this often in all. */
#define SEND_TRIES 3

/* For notifications: some ten thousand changes that come faster than they are taken. */
#define NOTICES_SIZE (1 << 20)

/* Datagrams taken in one exchange, as a bound: 2 GiB of dump, and more is not netlink. */
#define DATAGRAMS_MAX 65536

struct netlink {
	int fd;
	uint32_t sequence;
	const struct netlink_transport *transport;
	void *userdata;
	char buffer[RECEIVE_SIZE];
};

static ssize_t kernel_send(void *userdata, int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	(void)userdata;
	return sendto(fd, bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

static ssize_t kernel_receive(void *userdata, int fd, void *buffer, size_t size)
{
	struct sockaddr_nl sender = { 0 };
	socklen_t sender_len = sizeof(sender);
	/* What is returned is how long it is, however much of it found room. */
	ssize_t len = recvfrom(fd, buffer, size, MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&sender, &sender_len);

	(void)userdata;
	if (len < 0)
		return -1;
	if ((size_t)len > size) {
		errno = EMSGSIZE;
		return -1;
	}
	/* Another process can send to our port; only the kernel is port 0. */
	if (sender.nl_pid != 0)
		return 0;
	return len;
}

static const struct netlink_transport kernel_transport = {
	.send = kernel_send,
	.receive = kernel_receive,
};

void netlink_set_transport(struct netlink *nl, const struct netlink_transport *transport,
			   void *userdata)
{
	nl->transport = transport ? transport : &kernel_transport;
	nl->userdata = userdata;
}

static int bus_protocol(enum netlink_bus bus)
{
	switch (bus) {
	case NETLINK_BUS_ROUTE:
		return NETLINK_ROUTE;
	case NETLINK_BUS_NETFILTER:
		return NETLINK_NETFILTER;
	case NETLINK_BUS_SOCKETS:
		return NETLINK_SOCK_DIAG;
	}
	return -1;
}

int netlink_open(enum netlink_bus bus, struct netlink **ret, struct error *error)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd = -1;
	struct netlink *nl;
	int on = 1;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus_protocol(bus));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		error_set_errno(error, errno);
		return error_prefix(error, "open netlink socket");
	}

	/* The kernel's own sentences, without our request echoed. Strict checks make it
	 * honour the filters of dumps. All are absent from old kernels, and only help. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));

	/* The buffer is left as it is: to clear what is read into anyway takes longer than
	 * most exchanges. */
	nl = malloc(sizeof(*nl));
	if (!nl)
		return error_set_errno(error, ENOMEM);

	nl->fd = take_fd(&fd);
	nl->sequence = 0;
	netlink_set_transport(nl, NULL, NULL);
	*ret = nl;
	return 0;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (nl) {
		close(nl->fd);
		free(nl);
	}
	return NULL;
}

uint32_t netlink_next_sequence(struct netlink *nl)
{
	if (++nl->sequence == 0)
		nl->sequence = 1;
	return nl->sequence;
}

/* ---- Sending and receiving ------------------------------------------------------------ */

/* Makes room for messages larger than the default of 212,992 bytes (facts 15). */
static void grow_send_buffer(struct netlink *nl, size_t len)
{
	int size = len > INT32_MAX / 2 ? INT32_MAX : (int)(len * 2);

	if (setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* What found no room was not sent, and can be sent again, as what got no answer. */
static ssize_t send_patiently(struct netlink *nl, const void *bytes, size_t len)
{
	ssize_t sent = -1;

	for (unsigned int try = 0; try < SEND_TRIES; try++) {
		do
			sent = nl->transport->send(nl->userdata, nl->fd, bytes, len);
		while (sent < 0 && errno == EINTR);
		if (sent >= 0 || errno != ENOBUFS)
			break;
	}
	return sent;
}

/* What was not sent has no answer: "No such device" from here is no word of the kernel's about
 * the device that was asked for, and must not be taken for one. */
static int send_failed(int code, struct error *error)
{
	error_set_errno(error, code);
	if (code != EPERM && code != ENOMEM && code != ENOBUFS && code != EMSGSIZE)
		error->code = EIO;
	return error_prefix(error, "send to kernel");
}

static int send_bytes(struct netlink *nl, const void *bytes, size_t len,
		      struct error *error)
{
	ssize_t sent;

	if (len > 65536)
		grow_send_buffer(nl, len);

	sent = send_patiently(nl, bytes, len);
	if (sent < 0)
		return send_failed(errno, error);
	if ((size_t)sent != len)
		return error_set(error, EIO, "send to kernel: %zd of %zu bytes went", sent,
				 len);
	return 0;
}

/* @return bytes in nl->buffer, 0 where the datagram was not the kernel's */
static int receive_bytes(struct netlink *nl, size_t *ret_len, struct error *error)
{
	ssize_t len;

	do
		len = nl->transport->receive(nl->userdata, nl->fd, nl->buffer,
					     sizeof(nl->buffer));
	while (len < 0 && errno == EINTR);

	if (len < 0)
		return error_set(error, NETLINK_LOST, "receive from kernel: %s",
				 errno == EAGAIN ? "the answer is missing"
						 : error_describe(errno));
	*ret_len = (size_t)len;
	return 0;
}

/* ---- Acks ---------------------------------------------------------------------------- */

/* The kernel's own sentence in an ack or at the end of a dump; NULL where it has none. */
static const char *extended_text(const struct nlmsghdr *reply, size_t fixed_len)
{
	const struct nlattr *attr;

	if (!(reply->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    mnl_nlmsg_get_payload_len(reply) < fixed_len)
		return NULL;

	attr_for_each (attr, reply, fixed_len) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

static int set_kernel_error(struct error *error, int code, const char *text)
{
	error_set_errno(error, code);
	if (text && *text)
		error_append(error, " (%s)", text);
	else if (code == EPERM)
		error_append(error, " (CAP_NET_ADMIN is needed)");
	return -code;
}

/* @return what an NLMSG_ERROR says: 0, or the negative errno with its sentence */
static int read_ack(const struct nlmsghdr *reply, struct error *error)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(reply);
	size_t fixed = sizeof(*ack);

	if (mnl_nlmsg_get_payload_len(reply) < sizeof(*ack))
		return error_set(error, EIO, "receive from kernel: short ack");
	if (ack->error == 0)
		return 0;
	if (ack->error > 0 || ack->error < -4095)
		return error_set(error, EIO, "receive from kernel: bad error code");

	/* An ack echoes the request's payload unless it is capped (NETLINK_CAP_ACK). */
	if (!(reply->nlmsg_flags & NLM_F_CAPPED) && ack->msg.nlmsg_len > sizeof(ack->msg))
		fixed += netlink_align(ack->msg.nlmsg_len - sizeof(ack->msg));
	return set_kernel_error(error, -ack->error, extended_text(reply, fixed));
}

/* @return what NLMSG_DONE says of its dump (facts 7: it can carry an error) */
static int read_done(const struct nlmsghdr *reply, struct error *error)
{
	int32_t code = 0;

	if (mnl_nlmsg_get_payload_len(reply) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(reply), sizeof(code));
	if (code >= 0)
		return 0;
	if (code < -4095)
		return error_set(error, EIO, "receive from kernel: bad error code");
	return set_kernel_error(error, -code, extended_text(reply, sizeof(code)));
}

/* ---- Exchanges ------------------------------------------------------------------------- */

/* What an exchange waits for, and what it found. */
struct exchange {
	struct netlink *nl;
	uint32_t first, last; /* the sequence numbers that are ours */
	bool is_dump;
	bool is_batch; /* an error of the first message is the whole batch's, and its last */
	bool is_asked; /* questions that have one answer each, and no acks */
	bool is_interrupted;
	bool is_done;
	netlink_reply_fn fn;
	void *userdata;
	int result;     /* of fn, or the first error */
	int *ret_codes; /* of each message, or NULL */
	struct error *error;
};

static bool is_ours(const struct exchange *x, uint32_t sequence)
{
	return sequence - x->first <= x->last - x->first;
}

static void note_result(struct exchange *x, uint32_t sequence, int result)
{
	if (x->ret_codes)
		x->ret_codes[sequence - x->first] = result;
	else if (result < 0 && x->result == 0)
		x->result = result;
}

static void take_ack(struct exchange *x, const struct nlmsghdr *reply)
{
	struct error other;
	/* The first error is the one to tell; where each has its code, none is. */
	struct error *error = x->result == 0 && !x->ret_codes ? x->error : &other;
	int r = read_ack(reply, error);

	note_result(x, reply->nlmsg_seq, r);
	if (x->ret_codes && r == -EPERM) {
		/* nfnetlink looks at no further message of the send. */
		x->result = set_kernel_error(x->error, EPERM, NULL);
		x->is_done = true;
	}
	if (reply->nlmsg_seq == x->last || (x->is_dump && r < 0) ||
	    (x->is_batch && reply->nlmsg_seq == x->first && r < 0))
		x->is_done = true;
}

static void take_reply(struct exchange *x, const struct nlmsghdr *reply)
{
	if (reply->nlmsg_flags & NLM_F_DUMP_INTR)
		x->is_interrupted = true;

	switch (reply->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_ERROR:
		take_ack(x, reply);
		return;
	case NLMSG_DONE:
		if (x->is_dump) {
			note_result(x, reply->nlmsg_seq, read_done(reply, x->error));
			x->is_done = true;
		}
		return;
	case NLMSG_OVERRUN:
		x->result = error_set(x->error, ENOBUFS, "receive from kernel: overrun");
		x->is_done = true;
		return;
	}
	if (x->fn && x->result == 0)
		x->result = x->fn(x->userdata, reply);
	if (x->is_asked) {
		note_result(x, reply->nlmsg_seq, 0);
		x->is_done = reply->nlmsg_seq == x->last;
	}
}

/* mnl_nlmsg_ok() compares as int, and so takes a length of more than 2 GiB. */
static bool is_whole(const struct nlmsghdr *reply, int left)
{
	return left >= (int)sizeof(*reply) && reply->nlmsg_len <= (uint32_t)left &&
	       mnl_nlmsg_ok(reply, left);
}

static int run_exchange(struct exchange *x)
{
	for (unsigned int n = 0; !x->is_done; n++) {
		const struct nlmsghdr *reply = (const void *)x->nl->buffer;
		size_t len = 0;
		int left, r = receive_bytes(x->nl, &len, x->error);

		/* An error that was told already is the one to tell. */
		if (r < 0)
			return x->result < 0 ? x->result : r;
		if (n == DATAGRAMS_MAX)
			return error_set(x->error, EIO, "receive from kernel: no end");

		for (left = (int)len; is_whole(reply, left) && !x->is_done;
		     reply = mnl_nlmsg_next(reply, &left)) {
			if (is_ours(x, reply->nlmsg_seq))
				take_reply(x, reply);
		}
		/* Of a dump that would be a part that nobody misses. */
		if (left > 0 && !x->is_done)
			return x->result < 0 ? x->result
					     : error_set(x->error, NETLINK_LOST,
							 "receive from kernel: a message is "
							 "cut off");
	}
	return x->result;
}

static int dump_once(struct netlink *nl, struct nlmsghdr *request, netlink_reply_fn fn,
		     void *userdata, bool *ret_interrupted, struct error *error)
{
	struct exchange x = { .nl = nl,
			      .is_dump = true,
			      .fn = fn,
			      .userdata = userdata,
			      .error = error };
	int r;

	request->nlmsg_seq = x.first = x.last = netlink_next_sequence(nl);
	r = send_bytes(nl, request, request->nlmsg_len, error);
	if (r < 0)
		return r;

	r = run_exchange(&x);
	*ret_interrupted = x.is_interrupted;
	return r;
}

static int dump(struct netlink *nl, struct nlmsghdr *request, netlink_reply_fn fn,
		void *userdata, struct error *error)
{
	unsigned int try;

	for (try = 0; try < DUMP_TRIES; try++) {
		bool is_interrupted = false;
		int r = dump_once(nl, request, fn, userdata, &is_interrupted, error);

		/* nf_tables says -EINTR, others set the flag: both mean a torn dump. */
		if (r != -EINTR && r != -NETLINK_LOST && (r != 0 || !is_interrupted))
			return r;

		r = fn(userdata, NULL);
		if (r != 0)
			return r;
	}
	return error_set(error, EAGAIN, "the kernel's state changes faster than it is read");
}

static int request_once(struct netlink *nl, struct nlmsghdr *request, netlink_reply_fn fn,
			void *userdata, struct error *error)
{
	struct exchange x = { .nl = nl, .fn = fn, .userdata = userdata, .error = error };
	int r;

	request->nlmsg_seq = x.first = x.last = netlink_next_sequence(nl);
	r = send_bytes(nl, request, request->nlmsg_len, error);
	if (r < 0)
		return r;
	return run_exchange(&x);
}

int netlink_request(struct netlink *nl, struct nlmsghdr *request, netlink_reply_fn fn,
		    void *userdata, struct error *error)
{
	int r = -NETLINK_LOST;

	request->nlmsg_flags |= NLM_F_REQUEST;
	if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		return dump(nl, request, fn, userdata, error);

	request->nlmsg_flags |= NLM_F_ACK;
	for (unsigned int try = 0; r == -NETLINK_LOST && try < SEND_TRIES; try++)
		r = request_once(nl, request, fn, userdata, error);
	return r;
}

/* Anew for each try: answers to the one before may still be queued. */
static void number_messages(struct exchange *x, char *bytes, size_t count)
{
	x->first = x->last = netlink_next_sequence(x->nl);
	for (size_t i = 0; i < count; i++) {
		struct nlmsghdr *message = (void *)bytes;

		if (i > 0)
			x->last = netlink_next_sequence(x->nl);
		message->nlmsg_seq = x->last;
		bytes += NLMSG_ALIGN(message->nlmsg_len);
		x->ret_codes[i] = -NETLINK_LOST;
	}
}

/* The last ack ends an exchange, whatever came of the others. */
static int find_lost(const struct exchange *x, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (x->ret_codes[i] == -NETLINK_LOST)
			return error_set(x->error, NETLINK_LOST,
					 "receive from kernel: an answer is missing");
	}
	return 0;
}

int netlink_request_many(struct netlink *nl, void *bytes, size_t len, size_t count,
			 int *ret_codes, netlink_reply_fn fn, void *userdata,
			 struct error *error)
{
	const struct nlmsghdr *first = bytes;
	struct exchange x = { .nl = nl,
			      .is_asked = !(first->nlmsg_flags & NLM_F_ACK),
			      .fn = fn,
			      .userdata = userdata,
			      .ret_codes = ret_codes,
			      .error = error };
	int r = -NETLINK_LOST;

	for (unsigned int try = 0; r == -NETLINK_LOST && try < SEND_TRIES; try++) {
		x.is_done = false;
		x.result = 0;
		number_messages(&x, bytes, count);
		r = send_bytes(nl, bytes, len, error);
		if (r == 0)
			r = run_exchange(&x);
		if (r == 0)
			r = find_lost(&x, count);
	}
	return r;
}

int netlink_batch(struct netlink *nl, const void *bytes, size_t len, uint32_t first,
		  uint32_t last, struct error *error)
{
	struct exchange x = {
		.nl = nl, .first = first, .last = last, .is_batch = true, .error = error
	};
	int r = send_bytes(nl, bytes, len, error);

	if (r < 0)
		return r;
	return run_exchange(&x);
}

/* ---- Notifications ------------------------------------------------------------------- */

int netlink_fd(const struct netlink *nl)
{
	return nl->fd;
}

uint32_t netlink_port(const struct netlink *nl)
{
	struct sockaddr_nl address = { 0 };
	socklen_t len = sizeof(address);

	return getsockname(nl->fd, (struct sockaddr *)&address, &len) < 0 ? 0
									  : address.nl_pid;
}

int netlink_join(struct netlink *nl, const unsigned int *groups, size_t n,
		 struct error *error)
{
	int size = NOTICES_SIZE;

	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (size_t i = 0; i < n; i++) {
		if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0) {
			set_kernel_error(error, errno, NULL);
			return error_prefix(error, "subscribe to the kernel's notifications");
		}
	}
	return 0;
}

int netlink_take(struct netlink *nl, netlink_reply_fn fn, void *userdata,
		 struct error *error)
{
	const struct nlmsghdr *message = (const void *)nl->buffer;
	ssize_t len;
	int left, r = 0;

	do
		len = nl->transport->receive(nl->userdata, nl->fd, nl->buffer,
					     sizeof(nl->buffer));
	while (len < 0 && errno == EINTR);
	/* What is too long for the buffer is lost as well. */
	if (len < 0 && (errno == ENOBUFS || errno == EMSGSIZE))
		return -ENOBUFS;
	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len < 0) {
		error_set_errno(error, errno);
		return error_prefix(error, "receive from kernel");
	}
	for (left = (int)len; r == 0 && is_whole(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == NLMSG_OVERRUN)
			return -ENOBUFS;
		if (message->nlmsg_type >= NLMSG_MIN_TYPE)
			r = fn(userdata, message);
	}
	return r != 0 ? r : 1;
}
