/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_FOREIGN_H
#define NESTNET_KERNEL_FOREIGN_H

/*
 * The rules of other software, read as they are (what is written is in kernel/pass.h): nft's own, and those
 * that iptables-nft makes. Each rule is a sequence of operations on registers, as nf_tables
 * runs it, in plain values. What xtables' matches mean is put into the same operations as
 * far as it is known; what is not known is OPAQUE: it may match, or not.
 */

#include "kernel/nft.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct netlink;

/** The bytes of all registers, and of one datum that is held against them. */
#define FOREIGN_REGISTERS 64
#define FOREIGN_DATA_MAX  16

enum foreign_family {
	FOREIGN_INET,
	FOREIGN_IP,
	FOREIGN_IP6,
	FOREIGN_BRIDGE,
	FOREIGN_NETDEV,
	FOREIGN_OTHER, /* arp: no routed packet meets it */
};

/** What the names of our traces' own tables begin with: they are not foreign. */
#define FOREIGN_TRACE "nestnet-trace"

/** nft's word for a family. */
const char *foreign_family_name(enum foreign_family family);

enum foreign_kind {
	FOREIGN_NOTHING, /* counts or logs: of no matter here */
	FOREIGN_LOAD,    /* field -> to */
	FOREIGN_FORGET,  /* any register may have changed */
	FOREIGN_BITWISE, /* (from & data) ^ data2 -> to */
	FOREIGN_COMPARE, /* goes on where from has this relation to data */
	FOREIGN_RANGE,   /* goes on where from is within data to data2, or is not */
	FOREIGN_LOOKUP,  /* goes on where from is in the set `name`, or is not */
	FOREIGN_OPAQUE,  /* goes on, or not */
	FOREIGN_NEVER, /* goes on with an extension header of IPv6, which none here has */
	FOREIGN_END,   /* the rule's verdict */
};

enum foreign_field {
	FOREIGN_UNKNOWN,
	FOREIGN_IIFNAME,
	FOREIGN_OIFNAME,
	FOREIGN_IIF,
	FOREIGN_OIF,
	FOREIGN_NFPROTO,
	FOREIGN_PROTOCOL, /* of the link layer: ip, ip6 */
	FOREIGN_L4PROTO,
	FOREIGN_NETWORK, /* bytes of that header, at offset */
	FOREIGN_TRANSPORT,
	FOREIGN_CT_STATE,
	FOREIGN_CT_STATUS,
	FOREIGN_CT_DIRECTION,
	FOREIGN_WAY_BACK, /* fib saddr . iif oif: 1 where it exists, in 4 bytes */
};

enum foreign_relation {
	FOREIGN_EQ,
	FOREIGN_NE,
	FOREIGN_LT,
	FOREIGN_LE,
	FOREIGN_GT,
	FOREIGN_GE,
};

enum foreign_verdict {
	FOREIGN_ACCEPT,
	FOREIGN_DROP,
	FOREIGN_REJECT,
	FOREIGN_QUEUE, /* a program decides */
	FOREIGN_RETURN,
	FOREIGN_JUMP,
	FOREIGN_GOTO,
	FOREIGN_DNAT,
	FOREIGN_SNAT,
	FOREIGN_CONTINUE,
};

/** Bits of conntrack's state and status, as nf_tables has them. */
#define FOREIGN_STATE_ESTABLISHED 2u
#define FOREIGN_STATE_NEW         8u
#define FOREIGN_STATUS_DNAT       32u

struct foreign_op {
	enum foreign_kind kind;
	const char *
		what; /* for OPAQUE, NEVER and UNKNOWN: nf_tables' or xtables' name; owned */
	enum foreign_field field;
	enum foreign_relation relation;
	enum foreign_verdict verdict;
	bool is_inverted; /* LOOKUP, RANGE */
	bool is_map;      /* LOOKUP: the element has the verdict, or a datum */
	bool is_xt;       /* `what` is a match or target of xtables */
	uint8_t from, to; /* first byte in the registers */
	uint8_t len;      /* bytes; of data at most FOREIGN_DATA_MAX */
	uint32_t offset;
	uint8_t data[FOREIGN_DATA_MAX], data2[FOREIGN_DATA_MAX];
	char *name; /* LOOKUP: the set; JUMP, GOTO: the chain; owned */
};

struct foreign_rule {
	uint64_t handle;
	struct foreign_op *ops;
	size_t n;
	bool has_our_comment;
	bool is_pass; /* kernel/pass.h: one of ours */
};

struct foreign_chain {
	enum foreign_family family;
	char *table, *name;
	bool is_base;         /* with the next four */
	bool is_nat, is_drop; /* type nat; policy drop */
	enum nft_hook hook;   /* NFT_HOOK_NONE: another one */
	int priority;
	char *devices; /* of INGRESS and EGRESS: names, each behind a space; else NULL */
	struct foreign_rule *rules;
	size_t n, size;
};

struct foreign {
	struct foreign_chain *chains;
	size_t n, size;
};

/**
 * Asks for base chains of firewalls that are known by name, and lists nothing: where none of
 * them is there, somebody else's may still be.
 * @return 1: one of them is there; 0: none is; or a negative errno
 */
int foreign_is_known(struct netlink *nl, struct error *error);

/**
 * Reads the chains of every table but our own, without their rules, by one
 * dump.
 * @return 0, and *ret is to be cleared; or a negative errno
 */
int foreign_read_chains(struct netlink *nl, struct foreign *ret, struct error *error);

/** Reads the rules of one table into its chains, which have none yet. */
int foreign_read_rules(struct netlink *nl, struct foreign *foreign,
		       enum foreign_family family, const char *table,
		       struct error *error);

/**
 * Reads one rule, of any table.
 * @return 1: *ret has its chain, with this rule alone, and is to be cleared; 0: it is not
 *         there any more; or a negative errno
 */
int foreign_read_rule(struct netlink *nl, enum foreign_family family, const char *table,
		      const char *chain, uint64_t handle, struct foreign *ret,
		      struct error *error);

void foreign_clear(struct foreign *foreign);

/** @return NULL where there is no such chain */
struct foreign_chain *foreign_find(const struct foreign *foreign,
				   enum foreign_family family, const char *table,
				   const char *name);

/** An element of a set: one key, or those from key to last. */
struct foreign_element {
	uint8_t key[FOREIGN_REGISTERS], last[FOREIGN_REGISTERS];
	size_t len; /* 0: all that no other element has */
	bool is_range;
	struct foreign_op end; /* a verdict map's: kind END; else NOTHING */
};

typedef int (*foreign_element_fn)(void *userdata, const struct foreign_element *element);

int foreign_list_elements(struct netlink *nl, const struct foreign_chain *chain,
			  const char *set, foreign_element_fn fn, void *userdata,
			  struct error *error);

#endif
