/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_LINK_H
#define NESTNET_KERNEL_LINK_H

/* Links (interfaces) over rtnetlink, in plain values. Errors carry the kernel's sentence. */

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct netlink;

/**
 * The link group of everything that nestnet made, which says so: "nest" in ASCII. Links
 * have it at birth. Those that are being deleted are in another of the same upper half.
 */
#define LINK_GROUP      0x6e657374u
#define LINK_GROUP_MASK 0xffff0000u

static inline bool link_group_is_ours(uint32_t group)
{
	return (group & LINK_GROUP_MASK) == (LINK_GROUP & LINK_GROUP_MASK);
}

/** The ifindex of the loopback interface, in every namespace. */
#define LINK_LOOPBACK 1

#define LINK_ALIAS_MAX 255

enum link_kind {
	LINK_OTHER,
	LINK_TAP,
	LINK_TUN,
	LINK_BRIDGE,
	LINK_VETH,
};

/** A link as the kernel describes it. */
struct link {
	uint32_t ifindex;
	uint32_t master; /* ifindex of the bridge it is a port of; 0: none */
	char name[NESTNET_IFNAMSIZ];
	char alias[LINK_ALIAS_MAX + 1]; /* text for people */
	enum link_kind kind;
	uint32_t mtu;
	uint8_t mac[6];
	bool is_ethernet;
	bool is_up;
	bool has_carrier;
	bool is_running; /* has a carrier, and the kernel has begun to send by it */
	bool is_managed; /* link_group_is_ours() */
	/* a bridge */
	bool has_stp;
	/* a bridge's port */
	bool is_port; /* master is a bridge */
	bool has_hairpin;
	bool is_isolated;
	bool is_forwarding; /* the bridge sends by it: STP has nothing against it */
	/* a tap */
	bool has_owner, has_group;
	uint32_t owner, group;
	bool has_vnet_hdr, has_multi_queue;
	bool is_persistent;
};

/** A tap that goes with its last descriptor. */
static inline bool link_is_ephemeral(const struct link *link)
{
	return link->kind == LINK_TAP && !link->is_persistent;
}

/** @return 1: it is there; 0: there is no such link; or a negative errno, for an alternative
 *          name of a link too */
int link_get(struct netlink *nl, const char *name, struct link *ret, struct error *error);
int link_get_by_index(struct netlink *nl, uint32_t ifindex, struct link *ret,
		      struct error *error);

/** Whether it is known that there is no such link any more: a change of a link that is there
 *  can say -ENODEV as well. */
bool link_is_gone(struct netlink *nl, uint32_t ifindex);

/** Told of a torn dump, which starts over, by NULL. */
typedef int (*link_fn)(void *userdata, const struct link *link);

int link_list(struct netlink *nl, link_fn fn, void *userdata, struct error *error);

/** What a link has counted. */
struct link_counters {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_errors, tx_errors, rx_dropped, tx_dropped;
};

/** Told of a torn dump by a link of NULL. */
typedef int (*link_counters_fn)(void *userdata, const struct link *link,
				const struct link_counters *counters);

/** Lists links with their counters, which are most of what the kernel has to say of them. */
int link_list_counters(struct netlink *nl, link_counters_fn fn, void *userdata,
		       struct error *error);

/** Makes a bridge, up, with our group. @param mac 6 bytes, kept for life
 *  @return 0; -EEXIST: something else has the name; -ENOTRECOVERABLE: the kernel does not
 *  say whether it was made; or another negative errno, and it was not */
int link_add_bridge(struct netlink *nl, const char *name, const uint8_t *mac, uint32_t mtu,
		    bool has_stp, struct error *error);

/** What link_change() sets; what a flag does not name stays. */
struct link_change {
	bool set_group, set_mtu, set_mac, set_up, set_master;
	bool set_port; /* of a bridge, which it is already (facts 5); before it comes up */
	bool has_hairpin, is_isolated;
	uint32_t mtu;
	const uint8_t *mac;
	bool is_up;
	uint32_t master;   /* 0: of none */
	const char *alias; /* NULL: leave */
	const char *name;  /* NULL: leave; older kernels refuse while it is up */
	uint32_t group;
};

/** Not atomic: the kernel applies one attribute after another (facts 4). */
int link_change(struct netlink *nl, uint32_t ifindex, const struct link_change *change,
		struct error *error);

/** Sets a bridge port's modes; it must be a port already (facts 5). */
int link_set_port(struct netlink *nl, uint32_t ifindex, bool has_hairpin, bool is_isolated,
		  struct error *error);

/** Has a bridge run the spanning tree protocol, or not. */
int link_set_stp(struct netlink *nl, uint32_t ifindex, bool has_stp, struct error *error);

/** Deletes a link that was made under this name. One that is gone is no error. */
int link_delete_by_name(struct netlink *nl, const char *name, struct error *error);

/** A link to delete, and what to call it in a sentence. */
struct link_id {
	uint32_t ifindex;
	char name[NESTNET_IFNAMSIZ];
};

/** Deletes all of these links or none. Those that are gone already are no error.
 *  @return 0; -ENOTRECOVERABLE: the kernel does not say whether they are gone; or another
 *  negative errno, and all are there */
int link_delete(struct netlink *nl, const struct link_id *links, size_t count,
		struct error *error);

#endif
