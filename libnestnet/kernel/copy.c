/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies of what an interface has; copy.h says what they are for.
 *
 * Many messages go in one send, so that as little time as possible passes between the
 * first and the last. The kernel acts on each by itself: one that it refuses is sent again
 * alone, since only then it says why.
 */

#include "kernel/copy.h"
#include "kernel/copy-message.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Messages in one send: their acks have to fit the receive buffer of 212,992 bytes, in
 * which each takes up to 1 KiB. */
#define SEND_MAX 64

struct copies {
	struct copy_end from;
	struct copy *list; /* addresses, routes, neighbours, each as they can be added */
	size_t n;
};

struct copies *copies_free(struct copies *copies)
{
	if (!copies)
		return NULL;
	for (size_t i = 0; i < copies->n; i++)
		free(copies->list[i].message);
	free(copies->list);
	free(copies);
	return NULL;
}

size_t copies_count(const struct copies *copies)
{
	return copies->n;
}

struct copy_item *copies_item(struct copies *copies, size_t index)
{
	return &copies->list[index].item;
}

/* ---- Reading ---------------------------------------------------------------------------- */

struct reader {
	struct copies *copies;
	size_t start;     /* of what this dump gives */
	bool is_reversed; /* the kernel puts the last that was added first */
};

static void forget_from(struct copies *copies, size_t start)
{
	while (copies->n > start)
		free(copies->list[--copies->n].message);
}

/* Where it can be added: a route by a gateway behind those that lead to gateways. */
static size_t find_place(const struct reader *reader, const struct copy *copy)
{
	const struct copies *copies = reader->copies;
	size_t at = copies->n;

	if (reader->is_reversed)
		return reader->start;
	if (copy->item.kind == COPY_ROUTE && !copy->is_via)
		while (at > reader->start && copies->list[at - 1].is_via)
			at--;
	return at;
}

static int insert(struct reader *reader, const struct copy *copy)
{
	struct copies *copies = reader->copies;
	struct nlmsghdr *message = malloc(copy->message->nlmsg_len);
	size_t at = find_place(reader, copy);
	struct copy *grown;

	grown = message ? reallocarray(copies->list, copies->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(message);
		return -ENOMEM;
	}
	memcpy(message, copy->message, copy->message->nlmsg_len);
	copies->list = grown;
	memmove(grown + at + 1, grown + at, (copies->n - at) * sizeof(*grown));
	grown[at] = *copy;
	grown[at].message = message;
	copies->n++;
	return 0;
}

static int take_copy(void *userdata, const struct nlmsghdr *reply)
{
	struct reader *reader = userdata;
	struct copy copy;

	if (!reply) {
		forget_from(reader->copies, reader->start);
		return 0;
	}
	return copy_parse(reply, &reader->copies->from, &copy) ? insert(reader, &copy) : 0;
}

static int read_dump(struct netlink *nl, struct copies *copies, struct nl_msg *message,
		     bool is_reversed, struct error *error)
{
	struct reader reader = { .copies = copies,
				 .start = copies->n,
				 .is_reversed = is_reversed };
	int r = route_message_send(nl, message, take_copy, &reader, error);

	if (r == -ENOMEM)
		return error_set_errno(error, ENOMEM);
	/* A kernel without the family, or without anything of it. */
	return r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -ENOENT ? 0 : r;
}

static int read_addresses(struct netlink *nl, struct copies *copies, int family,
			  struct error *error)
{
	/* Strict kernels tell of this interface alone; others are told apart here. */
	struct ifaddrmsg info = { .ifa_family = (unsigned char)family,
				  .ifa_index = copies->from.ifindex };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info));

	if (!message)
		return error_set_errno(error, ENOMEM);
	return read_dump(nl, copies, message, family == AF_INET6, error);
}

static int read_routes(struct netlink *nl, struct copies *copies, int family,
		       struct error *error)
{
	struct rtmsg info = { .rtm_family = (unsigned char)family };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETROUTE, NLM_F_DUMP, &info, sizeof(info));

	if (!message || nla_put_u32(message, RTA_OIF, copies->from.ifindex) < 0)
		return error_set_errno(error, ENOMEM);
	return read_dump(nl, copies, message, false, error);
}

static int read_neighbours(struct netlink *nl, struct copies *copies, int family,
			   struct error *error)
{
	struct ndmsg info = { .ndm_family = (unsigned char)family };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETNEIGH, NLM_F_DUMP, &info, sizeof(info));

	if (!message || nla_put_u32(message, NDA_IFINDEX, copies->from.ifindex) < 0)
		return error_set_errno(error, ENOMEM);
	return read_dump(nl, copies, message, false, error);
}

/* The kernel's route to an address's network may have been deleted: it is not to come back
 * with the address, which otherwise brings it. */
static void note_network(const struct copies *copies, struct copy *address)
{
	const struct nestnet_prefix *network = &address->network;

	/* IPv4 makes none for a single address. */
	address->no_network = copies->from.is_up &&
			      (address->family == AF_INET6 || network->len < 32);
	for (size_t i = 0; i < copies->n; i++) {
		const struct copy *copy = &copies->list[i];

		if (copy->item.kind == COPY_ROUTE &&
		    prefix_equal(&copy->item.prefix, network))
			address->no_network = false;
	}
}

int copies_read(struct netlink *nl, const struct copy_end *from, struct copies **ret,
		struct error *error)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct copies *copies = calloc(1, sizeof(*copies));
	int r = 0;

	if (!copies)
		return error_set_errno(error, ENOMEM);
	copies->from = *from;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = read_addresses(nl, copies, families[i], error);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = read_routes(nl, copies, families[i], error);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = read_neighbours(nl, copies, families[i], error);
	if (r < 0) {
		copies_free(copies);
		return error_prefix(error, "read what %s has", from->name);
	}
	for (size_t i = 0; i < copies->n; i++) {
		if (copies->list[i].item.kind == COPY_ADDRESS)
			note_network(copies, &copies->list[i]);
	}
	*ret = copies;
	return 0;
}

struct waiter {
	const struct copy_end *end;
	bool is_tentative;
};

static int take_tentative(void *userdata, const struct nlmsghdr *reply)
{
	struct waiter *waiter = userdata;
	struct copy copy;

	if (!reply)
		waiter->is_tentative = false;
	else if (copy_parse(reply, waiter->end, &copy) && (copy.flags & IFA_F_TENTATIVE))
		waiter->is_tentative = true;
	return 0;
}

int copies_are_tentative(struct netlink *nl, const struct copy_end *to, struct error *error)
{
	struct ifaddrmsg info = { .ifa_family = AF_INET6, .ifa_index = to->ifindex };
	_cleanup_message_ struct nl_msg *message =
		route_message_new(RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info));
	struct waiter waiter = { .end = to };
	int r;

	if (!message)
		return error_set_errno(error, ENOMEM);
	r = route_message_send(nl, message, take_tentative, &waiter, error);
	return r < 0 ? r : waiter.is_tentative;
}

/* ---- Sending ---------------------------------------------------------------------------- */

/* What is under way with all copies of a kind. */
struct sending {
	struct netlink *nl;
	struct copies *copies;
	enum copy_kind kind;
	enum copy_act act;
	const struct copy_end *to;
	bool is_undo; /* only of what was given, or taken */
	struct error *error;
	/* One send. */
	char *bytes;
	size_t len;
	struct copy *sent[SEND_MAX];
	int codes[SEND_MAX];
	size_t n;
};

/* On the interface that they were read of. */
static bool is_home(const struct sending *s)
{
	return s->to->ifindex == s->copies->from.ifindex;
}

static bool is_concerned(const struct sending *s, const struct copy *copy)
{
	if (copy->item.kind != s->kind || copy->item.stays)
		return false;
	if (s->is_undo && !(is_home(s) ? copy->was_taken : copy->was_given))
		return false;
	switch (s->act) {
	case COPY_SETTLE:
		return copy->family == AF_INET6 && !(copy->flags & IFA_F_NODAD);
	case COPY_ADD:
	case COPY_REMOVE:
		break;
	}
	return s->kind != COPY_NEIGHBOUR || !is_home(s) || (copy->flags & NUD_PERMANENT);
}

/* Added before, or gone already. */
static bool is_done(const struct sending *s, int code)
{
	switch (s->act) {
	case COPY_ADD:
		return code == 0 || code == -EEXIST;
	case COPY_SETTLE:
		return code == 0;
	case COPY_REMOVE:
		break;
	}
	return code == 0 || code == -EADDRNOTAVAIL || code == -ESRCH || code == -ENOENT;
}

static void note(const struct sending *s, struct copy *copy, int code)
{
	if (code != 0 || s->is_undo)
		return;
	if (s->act == COPY_ADD)
		copy->was_given = true;
	else if (s->act == COPY_REMOVE)
		copy->was_taken = true;
}

static int describe_failure(const struct sending *s, const struct copy *copy)
{
	static const char *const kinds[] = { "address", "route", "neighbour" };
	const struct nestnet_prefix *prefix = &copy->item.prefix;
	char text[NESTNET_TEXT_MAX];

	nestnet_prefix_format(prefix, text);
	return error_prefix(s->error, "%s %s %s %s %s",
			    s->act == COPY_REMOVE ? "delete" : "add", kinds[s->kind],
			    s->kind == COPY_ROUTE && prefix->len == 0 ? "default" : text,
			    s->act == COPY_REMOVE ? "from" : "to", s->to->name);
}

static int send_alone(const struct sending *s, struct copy *copy)
{
	_cleanup_message_ struct nl_msg *message =
		copy_build(copy, s->act, &s->copies->from, s->to);
	int r;

	if (!message)
		return error_set_errno(s->error, ENOMEM);
	r = route_message_send(s->nl, message, NULL, NULL, s->error);
	note(s, copy, r);
	return is_done(s, r) ? 0 : r;
}

/* A route outlives the one to its gateway, but is not added without it: then it is told
 * that the gateway is a neighbour. */
static bool lacks_gateway(const struct sending *s, const struct copy *copy, int r)
{
	return s->kind == COPY_ROUTE && s->act == COPY_ADD && copy->is_via &&
	       (r == -ENETUNREACH || r == -EHOSTUNREACH);
}

/* The one that was refused, alone, so that the kernel says why. */
static int send_again(const struct sending *s, struct copy *copy)
{
	int r = send_alone(s, copy);

	if (lacks_gateway(s, copy, r)) {
		copy->is_onlink = true;
		r = send_alone(s, copy);
	}
	/* Nobody depends on the kernel knowing a neighbour beforehand. */
	if (r == 0 || (s->kind == COPY_NEIGHBOUR && !(copy->flags & NUD_PERMANENT)))
		return 0;
	return describe_failure(s, copy);
}

static int flush(struct sending *s)
{
	int r;

	if (s->n == 0)
		return 0;
	r = netlink_request_many(s->nl, s->bytes, s->len, s->n, s->codes, NULL,
				 NULL, s->error);
	for (size_t i = 0; i < s->n; i++) {
		/* Where answers were lost, it may have been added. */
		if (r == 0 || r == -NETLINK_LOST)
			note(s, s->sent[i], r == 0 ? s->codes[i] : 0);
	}
	if (r < 0)
		return describe_failure(s, s->sent[0]);
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		if (!is_done(s, s->codes[i]))
			r = send_again(s, s->sent[i]);
	}
	s->n = s->len = 0;
	return r;
}

static int append(struct sending *s, struct copy *copy)
{
	_cleanup_message_ struct nl_msg *message =
		copy_build(copy, s->act, &s->copies->from, s->to);
	struct nlmsghdr *header = message ? nlmsg_hdr(message) : NULL;
	size_t len = header ? NLMSG_ALIGN(header->nlmsg_len) : 0;
	char *grown = header ? realloc(s->bytes, s->len + len) : NULL;

	if (!grown)
		return error_set_errno(s->error, ENOMEM);
	s->bytes = grown;
	header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	memset(grown + s->len, 0, len);
	memcpy(grown + s->len, header, header->nlmsg_len);
	s->len += len;
	s->codes[s->n] = 0;
	s->sent[s->n++] = copy;
	return s->n == SEND_MAX ? flush(s) : 0;
}

/* What was added last is removed first: a secondary address goes before its primary, which
 * would take it along. */
static int send_all(struct sending *s)
{
	struct copies *copies = s->copies;
	int r = 0;

	for (size_t i = 0; r == 0 && i < copies->n; i++) {
		size_t at = s->act == COPY_REMOVE ? copies->n - 1 - i : i;

		if (is_concerned(s, &copies->list[at]))
			r = append(s, &copies->list[at]);
	}
	if (r == 0)
		r = flush(s);
	free(s->bytes);
	return r;
}

int copies_give(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		const struct copy_end *to, struct error *error)
{
	struct sending s = { .nl = nl,
			     .copies = copies,
			     .kind = kind,
			     .act = COPY_ADD,
			     .to = to,
			     .error = error };

	return send_all(&s);
}

int copies_settle(struct netlink *nl, struct copies *copies, const struct copy_end *to,
		  struct error *error)
{
	struct sending s = { .nl = nl,
			     .copies = copies,
			     .kind = COPY_ADDRESS,
			     .act = COPY_SETTLE,
			     .to = to,
			     .error = error };

	return send_all(&s);
}

int copies_take(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		struct error *error)
{
	struct sending s = { .nl = nl,
			     .copies = copies,
			     .kind = kind,
			     .act = COPY_REMOVE,
			     .to = &copies->from,
			     .error = error };

	return send_all(&s);
}

int copies_restore(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		   struct error *error)
{
	struct sending s = { .nl = nl,
			     .copies = copies,
			     .kind = kind,
			     .act = COPY_ADD,
			     .to = &copies->from,
			     .is_undo = true,
			     .error = error };

	return send_all(&s);
}

int copies_revoke(struct netlink *nl, struct copies *copies, enum copy_kind kind,
		  const struct copy_end *to, struct error *error)
{
	struct sending s = { .nl = nl,
			     .copies = copies,
			     .kind = kind,
			     .act = COPY_REMOVE,
			     .to = to,
			     .is_undo = true,
			     .error = error };

	return send_all(&s);
}
