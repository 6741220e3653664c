/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_REQUEST_H
#define NESTNET_REQUEST_H

/* What a transaction is a list of: requests, validated, as plain values. */

#include "base/guard.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>

enum request_kind {
	REQUEST_EXPOSE,
	REQUEST_UNEXPOSE,
	REQUEST_UNEXPOSE_TARGET,
	REQUEST_TAP_ADD,
	REQUEST_TAP_DEL,
	REQUEST_BRIDGE_ADD,
	REQUEST_BRIDGE_DEL,
	REQUEST_ATTACH,
	REQUEST_DETACH,
	REQUEST_NAT_ADD,
	REQUEST_NAT_DEL,
	REQUEST_FORWARD,
	REQUEST_ALIAS_ADD,
	REQUEST_ALIAS_DEL,
	REQUEST_CLEAR,
};

struct endpoints {
	struct nestnet_endpoint *list; /* owned */
	size_t n;
};

struct prefixes {
	struct nestnet_prefix *list; /* owned */
	size_t n;
};

struct expose_request {
	struct nestnet_endpoint alias;
	struct nestnet_endpoint target; /* with the ports of the alias where it had none */
	unsigned int flags;             /* NESTNET_EXPOSE_* */
	enum nestnet_egress egress;
	const char *comment;     /* owned; NULL: none */
	struct endpoints except; /* protocol and ports, sorted */
	struct prefixes from;    /* in one form; none: everybody */
	uint64_t timeout_ms;     /* 0: no end */
	const char *tap;         /* owned; that it goes with, may end in %d; NULL: none */
};

struct unexpose_request {
	struct nestnet_endpoint alias;
	unsigned int flags; /* NESTNET_IF_EXISTS */
};

struct unexpose_target_request {
	struct nestnet_address target; /* AF_UNSPEC: every target */
	unsigned int flags;
};

/** How a tap's queues are opened. */
struct tap_opening {
	bool is_wanted;
	bool is_nonblocking;
	unsigned int header_len; /* bytes of the virtio-net header; 0: none */
	unsigned int offloads;   /* NESTNET_OFFLOAD_* */
};

struct tap_request {
	char name[NESTNET_IFNAMSIZ]; /* may end in %d */
	char bridge[NESTNET_IFNAMSIZ];
	struct prefixes addresses;
	unsigned int flags;
	uint32_t owner, group;
	unsigned int queues;
	bool has_mac;
	uint8_t mac[6];
	uint32_t mtu; /* 0: the bridge's */
	struct guard_entries guard; /* owned; none: anybody may send */
	struct nestnet_address lease; /* AF_UNSPEC: none */
	struct tap_opening opening;
};

/** For links and for their detaching. */
struct link_request {
	char name[NESTNET_IFNAMSIZ];
	unsigned int flags; /* NESTNET_IF_EXISTS */
};

struct bridge_request {
	char name[NESTNET_IFNAMSIZ];
	struct prefixes addresses;
	unsigned int flags;
	bool has_mac;
	uint8_t mac[6];
	uint32_t mtu; /* 0: of the interfaces with a default route */
	struct nestnet_range dhcp; /* AF_UNSPEC: none */
};

struct attach_request {
	char bridge[NESTNET_IFNAMSIZ];
	char ifname[NESTNET_IFNAMSIZ];
	unsigned int flags; /* NESTNET_ATTACH_* */
};

struct nat_request {
	struct nestnet_prefix subnet;
	char out[NESTNET_IFNAMSIZ]; /* "": any */
	struct nestnet_address to;  /* AF_UNSPEC: masquerade */
	unsigned int flags;         /* NESTNET_NAT_* */
};

struct nat_del_request {
	struct nestnet_prefix subnet;
	unsigned int flags;
};

struct forward_request {
	char ifname[NESTNET_IFNAMSIZ]; /* "": the whole host */
	int family;                    /* AF_UNSPEC: both */
	bool is_on;
};

struct alias_request {
	struct nestnet_prefix prefix;
	char dev[NESTNET_IFNAMSIZ]; /* to add it on */
	unsigned int flags;         /* to remove it: NESTNET_IF_EXISTS */
};

struct request {
	enum request_kind kind;
	union {
		struct expose_request expose;
		struct unexpose_request unexpose;
		struct unexpose_target_request unexpose_target;
		struct tap_request tap;
		struct bridge_request bridge;
		struct link_request link;
		struct attach_request attach;
		struct nat_request nat;
		struct nat_del_request nat_del;
		struct forward_request forward;
		struct alias_request alias;
	};
};

/** Frees what a request owns. */
void request_clear(struct request *request);

/** Copies prefixes into a request. @return false where there is no memory */
bool prefixes_copy(const struct nestnet_prefix *from, size_t n, struct prefixes *ret);

#endif
