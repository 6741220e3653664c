/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_NESTNET_H
#define NESTNET_NESTNET_H

/**
 * @file
 * libnestnet: puts virtual machines on the network.
 *
 * It creates tap interfaces and bridges, turns forwarding on, and exposes guests through
 * alias addresses with nftables. All state is the kernel's own: there is no daemon and
 * no file, and what one program made another can list and remove.
 *
 * The shape of every change
 *	A context (struct nestnet) is a handle on one network namespace. A transaction is
 *	a list of requests on a context; each is validated as it is queued, and
 *	nestnet_transaction_commit() makes all of them true or none. What is already so
 *	is left untouched: a commit that has nothing to change sends nothing.
 *
 * Units and byte order
 *	Addresses are bytes in network order, ports are numbers in host order, MTUs are
 *	bytes, and times carry their unit in their name.
 *
 * Ownership
 *	What a function takes is borrowed for the call, and copied if it is needed later.
 *	What a list callback is given lives until the callback returns. Handles are freed
 *	by the function that ends in _free, which takes NULL and returns NULL. Descriptors
 *	that are handed over are the caller's to close, and close-on-exec.
 *
 * Releases
 *	Option structures start with their size, which the caller sets to the sizeof that it
 *	was built with, and they grow at their tail. An older program works as before with a
 *	newer library. A newer program works with an older library as long as it leaves zero
 *	what that does not know; else it is refused with -EOPNOTSUPP. -EINVAL: the size is
 *	not set, or a flag is set that there is not. Structures that are handed to callbacks
 *	grow at their tail too; all other structures stay as they are.
 *
 * Errors
 *	Functions return 0 or a documented positive value, or a negative errno of this set:
 *	-EINVAL          the request itself is wrong: malformed, contradictory, too long
 *	-EEXIST          something else is there: the sentence names it
 *	-ENOENT          what was to be removed is not there
 *	-ENODEV          an interface that the request names is not there
 *	-EADDRINUSE      the alias is L1's own (NESTNET_EXPOSE_FORCE allows it), or a
 *	                 neighbour's
 *	-EBUSY           the object is in use, or belongs to another program
 *	-EPERM           not permitted; mostly CAP_NET_ADMIN is missing
 *	-EAGAIN          the kernel's state kept changing under us; try again
 *	-ENOMEM          out of memory
 *	-EOPNOTSUPP      this kernel, or this release of the library, cannot do it
 *	-ENOTRECOVERABLE a failure could not be undone: the sentence says what is left
 *	-EIO             the kernel refused with any other error, which the sentence has
 *	nestnet_errmsg() has the sentence. After any failure but -ENOTRECOVERABLE the host
 *	is as it was. Of these, -EPERM, -EAGAIN, -ENOMEM, -EOPNOTSUPP (a table of another
 *	release, a kernel without nf_tables) and -EIO may come of whatever asks the kernel:
 *	that is "a failure to look" below, and is not said each time. A commit may fail with
 *	any of the set but -EINVAL, which is said when a request is queued.
 *
 * Threads
 *	There are no globals. One context must not be used by two threads at once.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
/** Marks what the library exports. */
#define NESTNET_PUBLIC __attribute__((visibility("default")))
#else
#define NESTNET_PUBLIC
#endif

/** Bytes that hold any interface name and its NUL; the kernel's IFNAMSIZ. */
#define NESTNET_IFNAMSIZ 16
/** The longest comment, in bytes without the NUL: what nft can reload (its own limit). */
#define NESTNET_COMMENT_MAX 127
/** Bytes that hold any formatted endpoint, prefix, address or MAC and its NUL. */
#define NESTNET_TEXT_MAX 80
/** The most queues of a tap: the kernel's MAX_TAP_QUEUES. */
#define NESTNET_QUEUES_MAX 256

/* ---- Addresses ------------------------------------------------------------------- */

/** An IPv4 or IPv6 address. */
struct nestnet_address {
	int family;        /**< AF_INET or AF_INET6; AF_UNSPEC: any, written "*" */
	uint8_t bytes[16]; /**< network order; IPv4 uses the first four, the rest is 0 */
};

/** An address with a prefix length: a network, or an address in its network. */
struct nestnet_prefix {
	struct nestnet_address address; /**< host bits and all */
	unsigned int len;               /**< bits: 0 to 32, or 0 to 128 */
};

/** Addresses from first to last, both of them included. */
struct nestnet_range {
	struct nestnet_address first; /**< of one family with last */
	struct nestnet_address last;  /**< not before first */
};

/** Either end of an exposure: an address, a prefix, or ports of an address. */
struct nestnet_endpoint {
	struct nestnet_prefix prefix; /**< 32 or 128 bits long for one address */
	unsigned int protocol; /**< IPPROTO_TCP, _UDP or _SCTP; 0: every protocol */
	uint16_t first_port;   /**< host order; 0: no port is named */
	uint16_t last_port;    /**< equal to first_port for a single port */
};

/**
 * Reads an address such as 10.128.0.13 or 2001:db8::13.
 * @return 0, or -EINVAL with *ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_address_parse(const char *text, struct nestnet_address *ret);

/**
 * Reads ADDRESS/LEN; ADDRESS alone is the prefix of that one address. Host bits are kept.
 * @return 0, or -EINVAL with *ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_prefix_parse(const char *text, struct nestnet_prefix *ret);

/**
 * Reads the ALIAS of an exposure: ADDRESS, ADDRESS/LEN, ADDRESS:PORT[-PORT][/PROTO] or
 * *:PORT[-PORT][/PROTO], an IPv6 address in brackets where a port follows. PROTO is tcp
 * where it is not said.
 * @param ret_why  if not NULL, on failure a static phrase that says what is wrong
 * @return 0, or -EINVAL with *ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_alias_parse(const char *text, struct nestnet_endpoint *ret,
				       const char **ret_why);

/**
 * Reads the TARGET of an exposure: ADDRESS, ADDRESS/LEN or ADDRESS:PORT[-PORT].
 * @return as nestnet_alias_parse(). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_target_parse(const char *text, struct nestnet_endpoint *ret,
					const char **ret_why);

/**
 * Reads PORT[-PORT][/PROTO], as exceptions of an exposure are written; PROTO is tcp where it
 * is not said. *ret is of every address.
 * @param ret_why  if not NULL, on failure a static phrase that says what is wrong
 * @return 0, or -EINVAL with *ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_ports_parse(const char *text, struct nestnet_endpoint *ret,
				       const char **ret_why);

/**
 * Reads FIRST-LAST, two addresses of one family; their order is held against each other by
 * what takes a range.
 * @return 0, or -EINVAL with *ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_range_parse(const char *text, struct nestnet_range *ret);

/**
 * Reads a MAC address such as 52:54:00:12:34:56, in either case.
 * @return 0, or -EINVAL with ret untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_mac_parse(const char *text, uint8_t ret[6]);

/**
 * Reads a time such as 90s, 15m, 2h or 7d, of at least a second, in milliseconds.
 * @return 0, or -EINVAL with *ret_ms untouched. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_time_parse(const char *text, uint64_t *ret_ms);

/**
 * Writes the canonical text, which nestnet_address_parse() reads back.
 * @param buf  at least NESTNET_TEXT_MAX bytes
 * @return buf. Since: 0.1
 */
NESTNET_PUBLIC const char *nestnet_address_format(const struct nestnet_address *address,
						  char *buf);

/**
 * Writes ADDRESS/LEN, or ADDRESS where LEN is that of one address, which
 * nestnet_prefix_parse() reads back.
 * @param buf  at least NESTNET_TEXT_MAX bytes
 * @return buf. Since: 0.1
 */
NESTNET_PUBLIC const char *nestnet_prefix_format(const struct nestnet_prefix *prefix,
						 char *buf);

/**
 * Writes an alias or a target, which nestnet_alias_parse() or nestnet_target_parse() reads
 * back.
 * @param buf  at least NESTNET_TEXT_MAX bytes
 * @return buf. Since: 0.1
 */
NESTNET_PUBLIC const char *
nestnet_endpoint_format(const struct nestnet_endpoint *endpoint, char *buf);

/**
 * Writes a MAC address in small letters, which nestnet_mac_parse() reads back.
 * @param buf  at least NESTNET_TEXT_MAX bytes
 * @return buf. Since: 0.1
 */
NESTNET_PUBLIC const char *nestnet_mac_format(const uint8_t mac[6], char *buf);

/* ---- The context ----------------------------------------------------------------- */

/** A handle on one network namespace. */
struct nestnet;

/** How much a log line matters; the numbers are syslog's. */
enum nestnet_log_level {
	NESTNET_LOG_WARNING = 4, /**< something was passed over */
	NESTNET_LOG_NOTICE = 5,  /**< what people should know of a change */
	NESTNET_LOG_INFO = 6,    /**< each change */
	NESTNET_LOG_DEBUG = 7    /**< nothing yet */
};

/** Receives one line, without a newline, that lives until it returns. */
typedef void (*nestnet_log_fn)(void *userdata, int level, const char *line);

/**
 * Opens a context. Nothing is asked of the kernel yet: sockets are opened when first used.
 * @param netns  NULL: the caller's own network namespace. Else a name under /run/netns,
 *               a path (with a slash), or a pid (digits). Another namespace than one's
 *               own takes CAP_SYS_ADMIN, and the calling thread enters it for moments.
 * @return 0; -EINVAL, -ENOENT (no such namespace), -EPERM, -ENOMEM. On failure *ret is
 *         NULL if there was no memory, else a context that only has the sentence for
 *         nestnet_errmsg() and is to be freed. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_new(struct nestnet **ret, const char *netns);

/** Frees the context; NULL is allowed. @return NULL. Since: 0.1 */
NESTNET_PUBLIC struct nestnet *nestnet_free(struct nestnet *ctx);

/**
 * The sentence of the last failure on this context: what was attempted, on what, and why.
 * @return text that lives until the next call on ctx; "" where nothing failed. Since: 0.1
 */
NESTNET_PUBLIC const char *nestnet_errmsg(const struct nestnet *ctx);

/** Sets where log lines go; NULL (as at the start): nowhere. Since: 0.1 */
NESTNET_PUBLIC void nestnet_set_log(struct nestnet *ctx, nestnet_log_fn fn,
				    void *userdata);

/** Which lines are made: those of this level (NESTNET_LOG_DEBUG at the start) and of graver
 *  ones. What is not wanted costs nothing: in a commit of thousands that is much. Since: 0.1 */
NESTNET_PUBLIC void nestnet_set_log_level(struct nestnet *ctx, int level);

/** Receives how far a commit is: what it does ("plan", "act"), and how much of it. */
typedef void (*nestnet_progress_fn)(void *userdata, const char *what, size_t done,
				    size_t all);

/** Sets who is told how far commits are; NULL (as at the start): nobody. Since: 0.1 */
NESTNET_PUBLIC void nestnet_set_progress(struct nestnet *ctx, nestnet_progress_fn fn,
					 void *userdata);

/** Tells the version of the library that is in use.
 *  @return static text such as "0.1.0". Since: 0.1 */
NESTNET_PUBLIC const char *nestnet_version(void);

/* ---- Transactions ---------------------------------------------------------------- */

/** Requests that are committed together. Borrows its context, which must outlive it. */
struct nestnet_transaction;

/** Begins a transaction that has no request.
 *  @return 0, or -ENOMEM with *ret untouched. Since: 0.1 */
NESTNET_PUBLIC int nestnet_transaction_new(struct nestnet *ctx,
					   struct nestnet_transaction **ret);

/** Frees the transaction, committed or not; NULL is allowed. @return NULL. Since: 0.1 */
NESTNET_PUBLIC struct nestnet_transaction *
nestnet_transaction_free(struct nestnet_transaction *tx);

/**
 * Makes the transaction a whole state: a commit makes its requests true, and removes or
 * detaches all else that nestnet made or attached, but for taps that end with the program
 * that has them (NESTNET_TAP_EPHEMERAL). What differs from its request is
 * changed, in place where it can be; what is equal is not touched, and its flows and clocks
 * go on. Forwarding is turned on where it is asked for, and never off.
 *
 * Such a transaction takes what adds (nestnet_expose(), nestnet_tap_add(),
 * nestnet_bridge_add(), nestnet_bridge_attach(), nestnet_nat_add(), nestnet_alias_add() and
 * nestnet_forward_set() to on), in any order, each object once: said again in the same way
 * it is passed over, in another way it is -EINVAL. An interface to attach or to forward
 * from that is not there is a warning in the log, no error.
 * @return 0; -EINVAL (a request is queued already), -ENOMEM. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_transaction_set_exact(struct nestnet_transaction *tx);

/** Counts the requests that are queued.
 *  @return their number. Since: 0.1 */
NESTNET_PUBLIC size_t nestnet_transaction_size(const struct nestnet_transaction *tx);

/**
 * Which request the last failure is about, counted from 0 in the order of queueing: after a
 * commit the one that was refused, after -EINVAL the one that says the object otherwise.
 * @return nestnet_transaction_size() where it is none of them. Since: 0.1
 */
NESTNET_PUBLIC size_t nestnet_transaction_culprit(const struct nestnet_transaction *tx);

/**
 * Makes all requests true, or none. Of exposures and subnets a later request finds what an
 * earlier one has done. Of a link, a port, an alias or an interface's forwarding all requests
 * have to agree, as these are changed in an order of the commit's own: what one of them adds
 * or needs and another takes away, or adds in another way, is -EBUSY, and so is a tap that is
 * added twice. But an alias may be taken away and then added, on another interface.
 * @return 0: done, or it was so already; else any error of the set but -EINVAL; each
 *         request says what it may give. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_transaction_commit(struct nestnet_transaction *tx);

/** Receives one change: op is '+' or '-', command as nestnet(1) would take it; it lives until
 *  that returns. A value other than 0 ends the report and is returned by it. */
typedef int (*nestnet_change_fn)(void *userdata, char op, const char *command);

/**
 * Reports what a commit would change now, and changes nothing.
 * @param fn  called for each change in the order of the commit; a return value other
 *            than 0 ends the report and is returned
 * @return 0, whatever would change; what fn returned; or the error of the commit, as far
 *         as that can be known. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_transaction_plan(struct nestnet_transaction *tx,
					    nestnet_change_fn fn, void *userdata);

/**
 * The name of the index-th interface that the transaction's requests add, counted from 0:
 * what a pattern such as tap%d became.
 * @return NULL before a commit and where there is no such request; else text that lives
 *         as long as tx. Since: 0.1
 */
NESTNET_PUBLIC const char *
nestnet_transaction_ifname(const struct nestnet_transaction *tx, size_t index);

/** For every removal: what is not there is no error. */
#define NESTNET_IF_EXISTS (1u << 0)

/* ---- Exposures ------------------------------------------------------------------- */

/** What the guest's own outbound flows leave as. */
enum nestnet_egress {
	NESTNET_EGRESS_MASQUERADE, /**< L1's address */
	NESTNET_EGRESS_ALIAS,      /**< the alias */
	NESTNET_EGRESS_NONE        /**< untouched */
};

#define NESTNET_EXPOSE_REPLACE    (1u << 0) /**< switch an existing exposure over */
#define NESTNET_EXPOSE_NO_LOCAL   (1u << 1) /**< leave L1's own connections alone */
#define NESTNET_EXPOSE_NO_FORWARD (1u << 2) /**< do not touch ip_forward */
#define NESTNET_EXPOSE_OPEN       (1u << 3) /**< do not close the target */
#define NESTNET_EXPOSE_FORCE      (1u << 4) /**< allow what is L1's own */
/** Have other software's rules let the exposed traffic by, where they would stop it: by
 *  accepts for the target at the head of the chains that do, which carry the comment
 *  "nestnet", and go with the last such exposure of the target. Nothing else of those
 *  chains is changed. The target's other ports are closed, whatever else says that they
 *  are open; not together with NESTNET_EXPOSE_OPEN. A whole state, and the same exposure
 *  again, put right what others have done to these rules. Since: 0.1 */
#define NESTNET_EXPOSE_COEXIST    (1u << 5)

/** How an alias is exposed. */
struct nestnet_expose_options {
	size_t size;                       /**< sizeof(struct nestnet_expose_options) */
	unsigned int flags;                /**< NESTNET_EXPOSE_* */
	enum nestnet_egress egress;        /**< what the target's own flows leave as */
	const char *comment;               /**< NULL: none; [A-Za-z0-9 _.:/@+=,-] */
	const struct nestnet_prefix *from; /**< only these sources; NULL: everybody */
	size_t n_from;                     /**< how many */
	const struct nestnet_endpoint
		*except;     /**< protocol and ports that stay L1's own */
	size_t n_except;     /**< how many */
	uint64_t timeout_ms; /**< no new flows after that; 0: no end */
	/** The name of a tap that the exposure goes with: one that is there, or as it was given
	 *  to nestnet_tap_add() of the same transaction before, vm%d too. NULL: it stays */
	const char *tap;
};

/**
 * Queues: traffic to alias reaches target. Turns forwarding on, closes the target but for
 * what is exposed, and lets L1, the guest and its neighbours use the alias too.
 * Neither alias nor target need exist yet.
 *
 * One that goes with a tap (options->tap) is its program's own, as an ephemeral tap is: no
 * part of a whole state, not told by nestnet_save(), and left alone where a whole state does
 * not have its alias. When the tap is gone, by whatever name and to whatever namespace, the
 * exposure goes with the next transaction that adds an ephemeral tap or such an exposure,
 * deletes a tap, or is of a whole state; at once by nestnet_tap_del() with NESTNET_IF_EXISTS.
 * Meanwhile its alias is free for any other exposure.
 * @param options  NULL: all zero
 * @return 0; -EINVAL, -EOPNOTSUPP (a shape that this release does not have), -ENOMEM.
 *         The commit gives -EEXIST (the alias is exposed otherwise), -EADDRINUSE (L1's own
 *         primary address, or a port L1 listens on), -ENODEV (no such tap). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_expose(struct nestnet_transaction *tx,
				  const struct nestnet_endpoint *alias,
				  const struct nestnet_endpoint *target,
				  const struct nestnet_expose_options *options);

/**
 * Queues: alias, exactly as it was exposed, is no longer exposed, and the flows that the
 * exposure let in end.
 * @param flags  0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT, and all the same ends what the
 *         exposure had let in where it ended by itself (timeout_ms). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_unexpose(struct nestnet_transaction *tx,
				    const struct nestnet_endpoint *alias,
				    unsigned int flags);

/**
 * Queues: no alias is exposed to target any more, and the flows that were let in end.
 * @param target  NULL: every target
 * @param flags   0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL (not unicast), -ENOMEM. The commit gives -ENOENT where target has no
 *         exposure; that there is none at all is no error. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_unexpose_target(struct nestnet_transaction *tx,
					   const struct nestnet_address *target,
					   unsigned int flags);

/** An exposure as it is in the kernel. */
struct nestnet_exposure {
	const char *id;                 /**< as nestnet_alias_parse() reads it */
	struct nestnet_endpoint alias;  /**< what is exposed */
	struct nestnet_endpoint target; /**< with its ports, where the alias has any */
	unsigned int flags;         /**< NESTNET_EXPOSE_NO_LOCAL, _OPEN, _COEXIST */
	enum nestnet_egress egress; /**< what the target's own flows leave as */
	const char *comment;        /**< NULL: none */
	const struct nestnet_prefix *from; /**< only these sources; NULL: everybody */
	size_t n_from;                     /**< how many */
	const struct nestnet_endpoint
		*except;     /**< protocol and ports that stay L1's own */
	size_t n_except;     /**< how many */
	uint64_t flows;      /**< flows let in since it was made: the element's counter */
	uint64_t timeout_ms; /**< 0: no end */
	uint64_t expires_ms; /**< what remains; 0: no end */
	const char
		*tap; /**< that it goes with, by its name now; "": that is gone; NULL: it
			          stays */
};

/** Receives an exposure, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_exposure_fn)(void *userdata,
				   const struct nestnet_exposure *exposure);

/**
 * Lists exposures, in the order of family, alias, protocol and port.
 * @param match  NULL: all. An alias shows that exposure (exactly, where it exists, at
 *               a cost that does not grow with their number); an address shows those
 *               with it as an alias or as a target
 * @return 0; what fn returned; or a failure to look. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_exposure_list(struct nestnet *ctx,
					 const struct nestnet_endpoint *match,
					 nestnet_exposure_fn fn, void *userdata);

/* ---- Taps ------------------------------------------------------------------------ */

#define NESTNET_TAP_VNET_HDR   (1u << 0) /**< frames carry a virtio-net header */
#define NESTNET_TAP_ISOLATED   (1u << 1) /**< does not reach other isolated ports */
#define NESTNET_TAP_NO_HAIRPIN (1u << 2) /**< the bridge never sends back where it got */
#define NESTNET_TAP_HAS_OWNER  (1u << 3) /**< owner is set */
#define NESTNET_TAP_HAS_GROUP  (1u << 4) /**< group is set */
#define NESTNET_TAP_MTU_AUTO   (1u << 5) /**< of the interfaces with a default route */
#define NESTNET_TAP_EPHEMERAL  (1u << 6) /**< gone when its last descriptor is closed */

/** Descriptors that read and write without waiting (O_NONBLOCK). */
#define NESTNET_OPEN_NONBLOCK (1u << 0)

/* What whoever reads a tap takes as it comes from the kernel, in the words of virtio-net:
 * frames without a checksum, and TCP and UDP in one large frame. Each but the first wants
 * the first. */
#define NESTNET_OFFLOAD_CSUM    (1u << 0) /**< no checksum yet */
#define NESTNET_OFFLOAD_TSO4    (1u << 1) /**< TCP over IPv4, unsegmented */
#define NESTNET_OFFLOAD_TSO6    (1u << 2) /**< TCP over IPv6, unsegmented */
#define NESTNET_OFFLOAD_TSO_ECN (1u << 3) /**< such TCP with ECN; wants one of the two */
#define NESTNET_OFFLOAD_USO4    (1u << 5) /**< UDP over IPv4; from Linux 6.2, with USO6 */
#define NESTNET_OFFLOAD_USO6    (1u << 6) /**< UDP over IPv6; from Linux 6.2, with USO4 */

/** The shortest virtio-net header, and what is meant where no length is said, in bytes. The
 *  header of virtio 1.0, and of mergeable buffers, has 12. */
#define NESTNET_VNET_HDR_MIN 10
/** The longest virtio-net header, in bytes. */
#define NESTNET_VNET_HDR_MAX 64

/**
 * How a tap is opened. A descriptor is that of one queue. It reads and writes one whole
 * Ethernet frame a call, without a packet information header; before the frame is a
 * virtio-net header where the tap has one. It is always close-on-exec: clear FD_CLOEXEC, or
 * pass it on over a socket, for another program. It belongs to the tap, and so goes with it
 * under another name and into another namespace.
 */
struct nestnet_open_options {
	size_t size;        /**< sizeof(struct nestnet_open_options) */
	unsigned int flags; /**< NESTNET_OPEN_* */
	unsigned int
		vnet_hdr_len;  /**< bytes of the virtio-net header; 0: see the function */
	unsigned int offloads; /**< NESTNET_OFFLOAD_*; only with such a header */
	uint32_t ifindex; /**< nestnet_tap_open(): which tap, where no name is said */
};

/**
 * A guest that may send through a guarded tap, and nothing but it: frames from its MAC,
 * with its addresses as the source of IPv4 and IPv6, as the sender of ARP, and as the
 * target of its neighbour advertisements and duplicate address detection.
 *
 * With addresses, the link-local one that is made of the MAC (EUI-64) is implied; another
 * link-local address, as guests with stable privacy addresses have, is to be named. A
 * guest without an address yet may ask for one: DHCP discovery, router solicitation.
 *
 * With no address, any is allowed from that MAC, the gateway's too: that keeps MACs
 * apart, and no more.
 *
 * In either case these are not heard: DHCP servers (IPv4 and IPv6), router advertisements
 * and redirects, also behind extension headers, fragmented ICMPv6, tagged frames (VLAN),
 * and every Ethernet type but ARP, IPv4 and IPv6.
 */
struct nestnet_guard {
	uint8_t mac[6];                          /**< the guest's, never the tap's own */
	const struct nestnet_address *addresses; /**< unicast; NULL: any */
	size_t n_addresses;                      /**< how many */
};

/** What a tap is to be like. */
struct nestnet_tap_options {
	size_t size;        /**< sizeof(struct nestnet_tap_options) */
	unsigned int flags; /**< NESTNET_TAP_* */
	const char *bridge; /**< NULL: none, a routed tap */
	const struct nestnet_prefix
		*addresses;  /**< L1's own on it; only without a bridge */
	size_t n_addresses;  /**< how many */
	uint32_t owner;      /**< uid that may open it; root where nobody is named */
	uint32_t group;      /**< gid that may open it; both must match if both are set */
	unsigned int queues; /**< 1 to NESTNET_QUEUES_MAX; 0: 1 */
	const uint8_t *mac;  /**< the tap's own, 6 bytes; NULL: the kernel chooses */
	uint32_t mtu;        /**< bytes; 0: its bridge's, or 1500 */
	const struct nestnet_guard *guards; /**< who may send through it; NULL: anybody */
	size_t n_guards;                    /**< how many */
	/** The IPv4 address that its guest, whose MAC address the only guard names, is to get
	 *  from the DHCP server of the bridge. Kept for that server's configuration, which is
	 *  the caller's. NULL: none */
	const struct nestnet_address *lease;
	/** Has the commit open every queue, for nestnet_transaction_take_fds(); a vnet_hdr_len
	 *  of 0 is NESTNET_VNET_HDR_MIN where the tap has such a header. NULL: not opened */
	const struct nestnet_open_options *open;
};

/**
 * Queues: a tap, up, and in its bridge. Its guards are in force before it is up.
 *
 * It is persistent, or (NESTNET_TAP_EPHEMERAL, only with open) lives as long as a
 * descriptor of it is open, so that it cannot outlive the process. What of its guards is
 * left then is of no effect; it goes with the next such tap that is added, or at once by
 * nestnet_tap_del() with NESTNET_IF_EXISTS. An ephemeral tap is of its program and no part
 * of a whole state: nestnet_save() does not tell it, and a transaction of a whole state,
 * which cannot have one, leaves it; nestnet_clear() deletes it. Exposures that are to go with
 * it name it (nestnet_expose_options.tap).
 *
 * One that is there just so is left as it is, and is opened where that is asked for.
 * @param name     may end in %d, which becomes the first free number
 * @param options  NULL: all zero
 * @return 0, -EINVAL, -ENOMEM. The commit gives -EEXIST (another interface, or a tap with
 *         other options), -ENODEV (no such bridge), and as nestnet_tap_open() where one
 *         that is there is opened. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_tap_add(struct nestnet_transaction *tx, const char *name,
				   const struct nestnet_tap_options *options);

/**
 * Hands over the descriptors of a tap that the last commit opened, one for each queue. They
 * are the caller's from then on; those that nobody takes are closed by
 * nestnet_transaction_free() and by the next commit.
 * @param index  of the tap, as of nestnet_transaction_ifname()
 * @param fds    room for n
 * @param n      how many queues the tap has
 * @return 0; -ENOENT (none are there: not asked for, not committed, or taken); -EINVAL (n
 *         is another number), and all are where they were. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_transaction_take_fds(struct nestnet_transaction *tx,
						size_t index, int *fds, size_t n);

/**
 * Opens a tap that is there, whoever made it, in the namespace of the context. Nothing of
 * it is changed but what is its opener's: the length of its header, and offloads; up or
 * down, it stays so. It takes CAP_NET_ADMIN, or being its owner (and in its group, where
 * it has one), and access to /dev/net/tun.
 * @param name     NULL: that of options->ifindex, which stays under a new name
 * @param options  vnet_hdr_len 0: frames have no virtio-net header. NULL: all zero
 * @param fds      room for n; they are the caller's
 * @param n        how many queues to open, from 1 to those that the tap has
 * @return 0; -EINVAL; -ENODEV; -EEXIST: it is of another kind than is asked for, and the
 *         sentence names what differs (no tap, vnet-hdr, queues); -EBUSY: a program has it
 *         open; -EPERM: it is another's, whom the sentence names; -EOPNOTSUPP (an offload
 *         that this kernel does not have), -EAGAIN (it kept being renamed). On failure fds
 *         is untouched, and nothing is open. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_tap_open(struct nestnet *ctx, const char *name,
				    const struct nestnet_open_options *options, int *fds,
				    size_t n);

/**
 * Queues: no tap of that name.
 * @param flags  0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT, or -EBUSY where it is no tap or
 *         nestnet did not make it. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_tap_del(struct nestnet_transaction *tx, const char *name,
				   unsigned int flags);

/** A tap as it is in the kernel. */
struct nestnet_tap {
	const char *name;   /**< and what nestnet_tap_del() takes */
	uint32_t ifindex;   /**< its number, which it keeps under another name */
	const char *bridge; /**< NULL: none */
	const struct nestnet_prefix *addresses; /**< L1's own on it */
	size_t n_addresses;                     /**< how many */
	unsigned int flags;                     /**< NESTNET_TAP_* */
	uint32_t owner;                         /**< where NESTNET_TAP_HAS_OWNER */
	uint32_t group;                         /**< where NESTNET_TAP_HAS_GROUP */
	unsigned int queues; /**< as asked for; 256 where a foreign tap has many */
	uint8_t mac[6];      /**< the tap's own, never its guest's */
	uint32_t mtu;        /**< bytes */
	const struct nestnet_guard
		*guards; /**< without the link-local addresses implied */
	size_t n_guards; /**< how many */
	const struct nestnet_address *lease; /**< NULL: none */
	int is_up;                           /**< it is set up */
	int has_carrier;                     /**< something has it open */
	int is_managed;                      /**< nestnet made it */
};

/** Receives a tap, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_tap_fn)(void *userdata, const struct nestnet_tap *tap);

/** Lists the taps of the namespace, foreign ones too, by ifindex. Who may not read the
 *  ruleset is shown no guards.
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_tap_list(struct nestnet *ctx, nestnet_tap_fn fn,
				    void *userdata);

/* ---- Bridges --------------------------------------------------------------------- */

#define NESTNET_BRIDGE_STP (1u << 0) /**< spanning tree: a port forwards after 30 s */

/** What a bridge is to be like. */
struct nestnet_bridge_options {
	size_t size;        /**< sizeof(struct nestnet_bridge_options) */
	unsigned int flags; /**< NESTNET_BRIDGE_* */
	const struct nestnet_prefix
		*addresses; /**< L1's own on it: its guests' gateways */
	size_t n_addresses; /**< how many */
	const uint8_t *mac; /**< 6 bytes; NULL: random, and kept for life all the same */
	uint32_t mtu; /**< bytes; 0: the least of the interfaces with a default route */
	/** IPv4 addresses that a DHCP server may give away, within the network of one of the
	 *  addresses. Kept for that server's configuration, which is the caller's: nestnet
	 *  has no DHCP server. NULL: none */
	const struct nestnet_range *dhcp;
};

/**
 * Queues: a bridge, up, with these addresses. One that is there just so is left as it is.
 * @param options  NULL: all zero
 * @return 0, -EINVAL, -ENOMEM. The commit gives -EEXIST (another interface, or a bridge with
 *         other options). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_bridge_add(struct nestnet_transaction *tx, const char *name,
				      const struct nestnet_bridge_options *options);

/**
 * Queues: no bridge of that name.
 * @param flags  0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT, or -EBUSY where it is no bridge,
 *         nestnet did not make it, or it has the addresses of a port. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_bridge_del(struct nestnet_transaction *tx, const char *name,
				      unsigned int flags);

#define NESTNET_ATTACH_NO_HAIRPIN     (1u << 0) /**< never sends back where it got */
#define NESTNET_ATTACH_MOVE_ADDRESSES (1u << 1) /**< its addresses and routes too */

/**
 * Queues: ifname is a port of bridge, either of which nestnet need not have made.
 * With NESTNET_ATTACH_MOVE_ADDRESSES its addresses and routes are the bridge's, moved so
 * that connections by them survive; IPv6 link-local ones stay. The bridge keeps its own
 * Ethernet address: make it with that of ifname where the network admits no other.
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENODEV, -EEXIST (it is a port of
 *         another bridge, the bridge has an address in the same network, or another
 *         port's addresses), -EBUSY (it cannot be a port, one of the two is down, a
 *         route uses a nexthop object, or the bridge's MTU is larger). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_bridge_attach(struct nestnet_transaction *tx,
					 const char *bridge, const char *ifname,
					 unsigned int flags);

/** Beside NESTNET_IF_EXISTS: takes back the addresses that were moved, if any were. */
#define NESTNET_DETACH_MOVE_ADDRESSES (1u << 1)

/**
 * Queues: ifname, attached by nestnet, is a port of no bridge.
 * @param flags  0 or NESTNET_IF_EXISTS, NESTNET_DETACH_MOVE_ADDRESSES
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT where it is a port of none, -EBUSY
 *         where another program made it one, or where its addresses were moved and are not
 *         to be taken back. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_bridge_detach(struct nestnet_transaction *tx,
					 const char *ifname, unsigned int flags);

/** A bridge as it is in the kernel. */
struct nestnet_bridge {
	const char *name; /**< and what nestnet_bridge_del() takes */
	uint32_t ifindex; /**< its number, which it keeps under another name */
	const struct nestnet_prefix *addresses; /**< L1's own on it */
	size_t n_addresses;                     /**< how many */
	uint32_t mtu;                           /**< bytes */
	uint8_t mac[6];                         /**< its own */
	int has_stp;                            /**< spanning tree is on */
	const char *const *ports;               /**< their names */
	size_t n_ports;                         /**< how many */
	const struct nestnet_range *dhcp;       /**< for a DHCP server; NULL: none */
	int is_managed;                         /**< nestnet made it */
};

/** Receives a bridge, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_bridge_fn)(void *userdata, const struct nestnet_bridge *bridge);

/** Lists the bridges of the namespace, foreign ones too, by ifindex.
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_bridge_list(struct nestnet *ctx, nestnet_bridge_fn fn,
				       void *userdata);

/** An interface that nestnet attached to a bridge, which it did not make itself. */
struct nestnet_attachment {
	const char *ifname; /**< and what nestnet_bridge_detach() takes */
	const char *bridge; /**< of which it is a port */
	unsigned int flags; /**< NESTNET_ATTACH_* */
	const struct nestnet_prefix
		*moved; /**< the addresses that the bridge has from it */
	size_t n_moved; /**< how many */
};

/** Receives an attached interface, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_attachment_fn)(void *userdata, const struct nestnet_attachment *a);

/** Lists what nestnet attached, by name.
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_attachment_list(struct nestnet *ctx, nestnet_attachment_fn fn,
					   void *userdata);

/* ---- Ways ------------------------------------------------------------------------ */

/** An interface that holds a default route. */
struct nestnet_uplink {
	const char *name;                       /**< of the interface */
	uint32_t ifindex;                       /**< its number */
	const struct nestnet_prefix *addresses; /**< L1's own on it */
	size_t n_addresses;                     /**< how many */
	uint32_t mtu;                           /**< bytes */
	uint8_t mac[6];                         /**< its own */
	int is_up;                              /**< it is set up */
	int has_carrier;                        /**< its cable is plugged in */
};

/** Receives an uplink, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_uplink_fn)(void *userdata, const struct nestnet_uplink *uplink);

/** Lists the interfaces that hold a default route.
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_uplink_list(struct nestnet *ctx, nestnet_uplink_fn fn,
				       void *userdata);

/** Where L1 would send to an address. */
struct nestnet_route {
	char ifname[NESTNET_IFNAMSIZ]; /**< "": none */
	int is_local;                  /**< the address is L1's own */
	int is_on_link; /**< it is in the interface's own network, behind no gateway */
};

/** Asks where L1 would send to an address.
 *  @return 1: *ret has it; 0: there is no route; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_route_get(struct nestnet *ctx,
				     const struct nestnet_address *address,
				     struct nestnet_route *ret);

/* ---- NAT of subnets -------------------------------------------------------------- */

#define NESTNET_NAT_OPEN       (1u << 0) /**< leave the subnet routable from outside */
#define NESTNET_NAT_NO_FORWARD (1u << 1) /**< do not touch ip_forward */

/** How a subnet is translated. */
struct nestnet_nat_options {
	size_t size;        /**< sizeof(struct nestnet_nat_options) */
	unsigned int flags; /**< NESTNET_NAT_* */
	const char *out;    /**< only what leaves by this interface; NULL: by any */
	const struct nestnet_address *to; /**< SNAT to it; NULL: masquerade */
};

/**
 * Queues: what leaves subnet for elsewhere is masqueraded, and from outside only replies
 * and exposed traffic get in.
 * @param options  NULL: all zero
 * @return 0, -EINVAL (host bits, mixed families), -ENOMEM. The commit gives -EEXIST (other
 *         options, or an overlapping subnet). Since: 0.1
 */
NESTNET_PUBLIC int nestnet_nat_add(struct nestnet_transaction *tx,
				   const struct nestnet_prefix *subnet,
				   const struct nestnet_nat_options *options);

/**
 * Queues: subnet, exactly as it was added, is neither translated nor closed.
 * @param flags  0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_nat_del(struct nestnet_transaction *tx,
				   const struct nestnet_prefix *subnet,
				   unsigned int flags);

/** A subnet that is translated. */
struct nestnet_nat {
	const char *id;                   /**< as nestnet_prefix_parse() reads it */
	struct nestnet_prefix subnet;     /**< of the guests */
	const char *out;                  /**< only what leaves by it; NULL: any */
	const struct nestnet_address *to; /**< SNAT to it; NULL: masquerade */
	int is_open;                      /**< it is routable from outside */
};

/** Receives a subnet, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_nat_fn)(void *userdata, const struct nestnet_nat *nat);

/** Lists the subnets, in the order of family and address.
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_nat_list(struct nestnet *ctx, nestnet_nat_fn fn,
				    void *userdata);

/* ---- Forwarding ------------------------------------------------------------------ */

/**
 * Queues: forwarding of family (AF_INET, AF_INET6 or AF_UNSPEC for both) is on or off, on
 * the whole host or for what arrives on ifname. What was found is kept for
 * nestnet_clear().
 * @param ifname  NULL: the whole host
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENODEV. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_forward_set(struct nestnet_transaction *tx, const char *ifname,
				       int family, int is_on);

/** Whether packets are forwarded. */
struct nestnet_forwarding {
	const char *ifname; /**< NULL: the whole host */
	int ipv4;           /**< 0 or 1; -1 where the kernel has no such protocol */
	int ipv6;           /**< the same */
};

/** Receives a setting, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_forwarding_fn)(void *userdata, const struct nestnet_forwarding *f);

/**
 * Reports forwarding of the whole host, or of the one interface named.
 * @param ifname  NULL: the whole host
 * @return what fn returned; -EINVAL (no name of an interface), -ENODEV, or a failure to look.
 *         Since: 0.1
 */
NESTNET_PUBLIC int nestnet_forward_status(struct nestnet *ctx, const char *ifname,
					  nestnet_forwarding_fn fn, void *userdata);

/* ---- Aliases --------------------------------------------------------------------- */

/**
 * Queues: prefix is local to L1, and answered for on an interface. In IPv4 that is a route
 * in the local table, as a cloud's guest agent makes it; in IPv6 one address is a deprecated
 * address of the interface, which L1's own flows do not leave as, and a wider prefix a local
 * route again, which wants the network to route it to L1. It lasts as long as the interface
 * is up. What is local on that interface already, by whoever's doing, is left as it is.
 * @param dev    where it is answered for; one whose addresses were moved to its bridge
 *               means that bridge
 * @param flags  0
 * @return 0, -EINVAL (host bits, not unicast), -ENOMEM. The commit gives -ENODEV; -EEXIST
 *         (it is local on another interface); -EADDRINUSE (it takes in a primary address of
 *         L1, a neighbour or a gateway); -EBUSY (an IPv6 prefix of the interface's own
 *         network, where no one asks for a route); -EOPNOTSUPP (IPv6 before Linux 5.18).
 *         Since: 0.1
 */
NESTNET_PUBLIC int nestnet_alias_add(struct nestnet_transaction *tx,
				     const struct nestnet_prefix *prefix, const char *dev,
				     unsigned int flags);

/**
 * Queues: prefix, exactly as it was added, is no longer local.
 * @param flags  0 or NESTNET_IF_EXISTS
 * @return 0, -EINVAL, -ENOMEM. The commit gives -ENOENT, or -EBUSY where nestnet did not
 *         make it. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_alias_del(struct nestnet_transaction *tx,
				     const struct nestnet_prefix *prefix,
				     unsigned int flags);

/** Who made an alias. */
enum nestnet_alias_origin {
	NESTNET_ALIAS_ADDRESS,     /**< a further address of an interface */
	NESTNET_ALIAS_GUEST_AGENT, /**< a local route of a cloud's guest agent (proto 66) */
	NESTNET_ALIAS_ROUTE,       /**< any other local route */
	NESTNET_ALIAS_NESTNET      /**< of nestnet_alias_add() */
};

/** What is local to L1 and is not primary. */
struct nestnet_alias {
	const char *id;                   /**< as nestnet_prefix_parse() reads it */
	struct nestnet_prefix prefix;     /**< what is local */
	const char *dev;                  /**< the interface that it is on */
	enum nestnet_alias_origin origin; /**< who made it */
	const char *const *exposed;       /**< ids of the exposures within prefix */
	size_t n_exposed;                 /**< how many */
};

/** Receives an alias, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_alias_fn)(void *userdata, const struct nestnet_alias *alias);

/** Lists what is local to L1 and is not primary (loopback aside).
 *  @return 0; what fn returned; or a failure to look. Since: 0.1 */
NESTNET_PUBLIC int nestnet_alias_list(struct nestnet *ctx, nestnet_alias_fn fn,
				      void *userdata);

/* ---- Guests ---------------------------------------------------------------------- */

/** What the kernel knows of a neighbour, in its own words; the better ones first. */
enum nestnet_neighbour_state {
	NESTNET_NEIGHBOUR_NONE,       /**< it has no entry */
	NESTNET_NEIGHBOUR_PERMANENT,  /**< set by hand */
	NESTNET_NEIGHBOUR_REACHABLE,  /**< heard of lately */
	NESTNET_NEIGHBOUR_DELAY,      /**< sent to, and about to be asked for */
	NESTNET_NEIGHBOUR_PROBE,      /**< being asked for */
	NESTNET_NEIGHBOUR_STALE,      /**< not heard of lately */
	NESTNET_NEIGHBOUR_INCOMPLETE, /**< asked for, and not heard of yet */
	NESTNET_NEIGHBOUR_FAILED      /**< it did not answer */
};

/** Where nestnet_guest_list() looks for the leases of a bridge's DHCP server, in the format
 *  of dnsmasq; for printf() with the bridge's name. */
#define NESTNET_LEASES "/var/lib/misc/nestnet-%s.leases"

/** Somebody behind a tap. */
struct nestnet_guest {
	uint8_t mac[6];                          /**< the guest's */
	const struct nestnet_address *addresses; /**< link-local ones aside */
	size_t n_addresses;                      /**< how many */
	const char *bridge;                      /**< NULL: behind a routed tap */
	const char *tap; /**< or the bridge's other port; NULL: not heard of lately */
	enum nestnet_neighbour_state state; /**< the best of its addresses' */
};

/** Receives a guest, which lives until it returns; a value other than 0 ends the listing and is
 *  returned by it. */
typedef int (*nestnet_guest_fn)(void *userdata, const struct nestnet_guest *guest);

/**
 * Lists who is behind the bridges and routed taps, by the bridges' forwarding tables, L1's
 * neighbours and NESTNET_LEASES: a guest that has sent nothing yet is not known, nor is the
 * address of one that has neither a lease nor has spoken to L1. Whoever is behind a bridge's
 * uplink is no guest. In the order of bridge and MAC.
 * @return 0; what fn returned; or a failure to look. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_guest_list(struct nestnet *ctx, nestnet_guest_fn fn,
				      void *userdata);

/**
 * Waits until a guest has an address at which L1 does not miss it, and hands it to fn, once.
 * The context can be used for nothing else meanwhile; a program that has other things to
 * wait for asks now and then with a timeout_ms of 0.
 * @param tap         who is behind it; or NULL, and mac says who
 * @param mac         6 bytes; NULL: whoever is behind tap. With both it has to be both
 * @param timeout_ms  how long, in the time that goes on in suspend; 0: looks once
 * @param fn          gets the guest, which has at least one address; NULL: nobody
 * @return 1: it is there; what fn returned, if that is not 0; 0: it was not seen in time;
 *         -EINVAL (neither tap nor mac), or a failure to look. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_guest_wait(struct nestnet *ctx, const char *tap,
				      const uint8_t *mac, uint64_t timeout_ms,
				      nestnet_guest_fn fn, void *userdata);

/* ---- The doctor ------------------------------------------------------------------ */

/** How bad a finding is. */
enum nestnet_finding_status {
	NESTNET_FINDING_OK,   /**< it is as it should be */
	NESTNET_FINDING_WARN, /**< it stops a part of what was asked about, or might */
	NESTNET_FINDING_FAIL, /**< it stops all of it */
	NESTNET_FINDING_SKIP  /**< could not be looked at */
};

/** What was found of one thing. */
struct nestnet_finding {
	const char *check; /**< a word: "arrives", "forwarded", "rp_filter" */
	enum nestnet_finding_status status; /**< how bad it is */
	const char *subject; /**< what was looked at: an interface, a chain */
	const char *detail; /**< a sentence on it */
	const char *remedy; /**< a command line that helps; NULL: none */
	const char *undo;   /**< one that takes the remedy back, of a rule of other software;
			         NULL: none */
};

/** Receives a finding, which lives until it returns; a value other than 0 ends the
 *  examination and is returned by it. */
typedef int (*nestnet_finding_fn)(void *userdata, const struct nestnet_finding *finding);

#define NESTNET_DOCTOR_RULES (1u << 0) /**< only rules that other software has in the way */

/**
 * Says whether it will work, and if not, why. Looks at the host and changes nothing.
 *
 * Of an exposure that is its whole way: whether the alias arrives, is translated, has a
 * route, is forwarded by every base chain of other software's tables that its packets meet,
 * is delivered, and answered. A whole address is judged by TCP, and by what the guest begins
 * itself ("outbound", a part of it). Without one it is what the host needs for guests. Rules of iptables-legacy cannot be seen, and are warned of.
 * @param match  NULL: the host. Else an alias, with a port or without: the exposures that
 *               have its packets; with NESTNET_DOCTOR_RULES exactly this one
 * @param flags  0 or NESTNET_DOCTOR_RULES, which asks for the chains of firewalls that are
 *               known by name (of iptables, firewalld, libvirt, Docker, Debian's
 *               nftables.conf), and where there is none says nothing; what only might
 *               stop it is not told
 * @return 0, whatever was found; what fn returned; -EINVAL (no such flags), or a failure to
 *         look. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_doctor(struct nestnet *ctx, const struct nestnet_endpoint *match,
				  unsigned int flags, nestnet_finding_fn fn, void *userdata);

/* ---- Tracing --------------------------------------------------------------------- */

/**
 * The next packets to an alias, and their answers, through every chain of every table.
 *
 * What watches has this shape: _new begins, _fd is for the caller's own poll(), _next tells
 * what has come, and _free ends. Nothing of it is left when the process ends, however it
 * does.
 */
struct nestnet_trace;

/** What is told of a packet. */
enum nestnet_hop_kind {
	NESTNET_HOP_PACKET, /**< a packet comes: text says from where to where, in and by what */
	NESTNET_HOP_RULE,   /**< a rule that had the packet; verdict is what it did */
	NESTNET_HOP_POLICY, /**< the end of a base chain; verdict is its policy */
	NESTNET_HOP_END,    /**< what became of the packet: verdict, and text is the sentence */
	NESTNET_HOP_LOST    /**< not of a packet: text says that events were lost, and how */
};

/** A step on the way of a packet. */
struct nestnet_hop {
	enum nestnet_hop_kind kind; /**< what it is */
	uint64_t packet;    /**< which of the trace's packets, from 1; NESTNET_HOP_LOST: 0 */
	int is_reply;       /**< 1: an answer, on its way back; 0: to the alias */
	const char *family; /**< as nft has it, "ip"; NULL where it is none of a chain, as the
			         next four */
	const char *table;  /**< as nft has it */
	const char *chain;  /**< as nft has it */
	const char *owner;  /**< whose the chain is: "libvirt", "nestnet"; NULL: not known */
	const char *rule;   /**< what the rule says, in nft's language, as far as it was read;
			         NULL: not of a rule, or the rule has changed meanwhile */
	uint64_t handle;    /**< of the rule; 0: none */
	const char *verdict; /**< "accept", "drop", "reject", "jump NAME", "continue"; at the
			         end "delivered", "dropped", "lost", or "unknown", where
			         events were lost; NULL: of none */
	const char *in;      /**< interface, as far as it is known there; else NULL */
	const char *out;     /**< the same */
	const char *text;    /**< NULL: of none */
};

/** Receives a step, which lives until it returns; a value other than 0 ends the call of
 *  nestnet_trace_next(), which returns it. */
typedef int (*nestnet_hop_fn)(void *userdata, const struct nestnet_hop *hop);

/** How a trace is to be. */
struct nestnet_trace_options {
	size_t size;        /**< sizeof(struct nestnet_trace_options) */
	unsigned int flags; /**< 0 */
	uint32_t packets_per_second; /**< at most so many are followed, each way; 0: 100 */
};

/**
 * Begins to trace what is sent to an alias, from outside, from guests and from L1 itself, and
 * what comes back. A table of the trace's own marks these packets, and is there for as long
 * as the handle is: the kernel takes it away with the process.
 * Chains of netdev come before it and are not seen, nor is what iptables-legacy does; the end
 * says between which hooks a packet was lost.
 * @param ctx      outlives the trace
 * @param alias    an address, a prefix, ports of one, or a port of every address of L1;
 *                 whether it is exposed or not
 * @param options  NULL: none
 * @return 0, -EINVAL, -EPERM, -EOPNOTSUPP (before Linux 5.12), -ENOMEM, -EAGAIN, -EIO.
 *         Since: 0.1
 */
NESTNET_PUBLIC int nestnet_trace_new(struct nestnet *ctx,
				     const struct nestnet_endpoint *alias,
				     const struct nestnet_trace_options *options,
				     struct nestnet_trace **ret);

/** Tells when there is something to do.
 *  @return a descriptor that poll() finds readable when nestnet_trace_next() has something to
 *          do. The trace's, and valid as long as it is. Since: 0.1 */
NESTNET_PUBLIC int nestnet_trace_fd(const struct nestnet_trace *trace);

/**
 * Tells what has come. Waits for it where nothing has, at most timeout_ms.
 * @param timeout_ms  0: does not wait; -1: waits for ever
 * @return 1: something was told, and there may be more; 0: nothing was; what fn returned; or
 *         an error: -EAGAIN where a signal came first, for the caller to look at. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_trace_next(struct nestnet_trace *trace, int timeout_ms,
				      nestnet_hop_fn fn, void *userdata);

/** Ends the trace, and marks no more packets. @return NULL. Since: 0.1 */
NESTNET_PUBLIC struct nestnet_trace *nestnet_trace_free(struct nestnet_trace *trace);

/* ---- The monitor ----------------------------------------------------------------- */

#define NESTNET_MONITOR_EXPOSURES   (1u << 0) /**< what is exposed */
#define NESTNET_MONITOR_TAPS        (1u << 1) /**< taps, of others too */
#define NESTNET_MONITOR_BRIDGES     (1u << 2) /**< bridges, of others too */
#define NESTNET_MONITOR_ATTACHMENTS (1u << 3) /**< ports of bridges that are no taps */
#define NESTNET_MONITOR_NAT         (1u << 4) /**< translated subnets */
#define NESTNET_MONITOR_FORWARDING  (1u << 5) /**< of the whole host */
#define NESTNET_MONITOR_ALIASES     (1u << 6) /**< what is local and not primary */
#define NESTNET_MONITOR_GUESTS      (1u << 7) /**< who is behind bridges and routed taps */

/** What is watched. */
struct nestnet_monitor_options {
	size_t size;        /**< sizeof(struct nestnet_monitor_options) */
	unsigned int kinds; /**< NESTNET_MONITOR_*; 0: all */
	unsigned int flags; /**< 0 */
};

/** Something came, went or changed. What it points to lives until the callback returns. */
struct nestnet_event {
	char op;             /**< '+': it is there; '-': it was, and is gone; '~': its note is
			          another; '!': notifications were lost and the state was read
			          anew, and what changed meanwhile follows */
	unsigned int kind;   /**< one of NESTNET_MONITOR_*; 0 with '!' */
	uint64_t time_ms;    /**< when it was noticed, since 1970 (UTC) */
	const char *command; /**< as nestnet(1) would take it; "guest MAC ADDRESS..." of a guest;
			          NULL with '!' */
	const char *note;    /**< what no command says, such as "no carrier"; NULL: nothing */
	const struct nestnet_exposure *exposure;     /**< of that kind, with '-' as it was last
						          seen; else NULL, as the next seven */
	const struct nestnet_tap *tap;               /**< the same */
	const struct nestnet_bridge *bridge;         /**< the same */
	const struct nestnet_attachment *attachment; /**< the same */
	const struct nestnet_nat *nat;               /**< the same */
	const struct nestnet_forwarding *forwarding; /**< the same */
	const struct nestnet_alias *alias;           /**< the same */
	const struct nestnet_guest *guest;           /**< the same */
};

/** Receives an event; a value other than 0 is returned by nestnet_monitor_next(), and what is
 *  left is told by the next call. */
typedef int (*nestnet_event_fn)(void *userdata, const struct nestnet_event *event);

/** Watches a namespace. Borrows its context, which must outlive it. */
struct nestnet_monitor;

/**
 * Begins to watch, whoever makes the changes. What is there by then is no event. An object
 * that changes in what its command says is told as '-' and '+'; one that comes and goes, or
 * goes and comes, faster than it is looked at is not told. Changes of counters and of
 * neighbours' states are none.
 * @param options  NULL: all zero
 * @return 0, -EINVAL, -EPERM, -ENOMEM, -EOPNOTSUPP, -EAGAIN, -EIO. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_monitor_new(struct nestnet *ctx,
				       const struct nestnet_monitor_options *options,
				       struct nestnet_monitor **ret);

/** Tells when there is something to do, also where that is the end of an exposure for a time.
 *  @return a descriptor that poll() finds readable when nestnet_monitor_next() has something
 *          to do. The monitor's, and valid as long as it is. Since: 0.1 */
NESTNET_PUBLIC int nestnet_monitor_fd(const struct nestnet_monitor *monitor);

/**
 * Tells what has changed, as it is some 100 ms after a change, so that what is done in several
 * steps is one event. Waits for it where nothing has, at most timeout_ms. Uses the context,
 * which is free for others between two calls, and not for fn.
 * @param timeout_ms  0: does not wait; -1: waits for ever
 * @return 1: something was told; 0: nothing was; what fn returned; or an error: -EAGAIN where
 *         a signal came first, for the caller to look at. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_monitor_next(struct nestnet_monitor *monitor, int timeout_ms,
					nestnet_event_fn fn, void *userdata);

/** Ends it; NULL is allowed. @return NULL. Since: 0.1 */
NESTNET_PUBLIC struct nestnet_monitor *nestnet_monitor_free(struct nestnet_monitor *monitor);

/* ---- Counters -------------------------------------------------------------------- */

/** What an interface has counted, as the host sees it: what is received from a tap is what
 *  its guest has sent. */
struct nestnet_interface {
	const char *name;    /**< its name */
	uint32_t ifindex;    /**< its number */
	const char *bridge;  /**< that it is a port of; NULL: none */
	int is_tap;          /**< 1: it is a tap */
	int is_bridge;       /**< 1: it is a bridge */
	int is_managed;      /**< 1: nestnet made it */
	int is_up;           /**< 1: it is up */
	int has_carrier;     /**< 1: it has a carrier; of a tap: something has it open */
	uint64_t rx_packets; /**< that came in */
	uint64_t tx_packets; /**< that went out */
	uint64_t rx_bytes;   /**< of those that came in */
	uint64_t tx_bytes;   /**< of those that went out */
	uint64_t rx_errors;  /**< packets that came in bad */
	uint64_t tx_errors;  /**< packets that could not go out */
	uint64_t rx_dropped; /**< packets that came in and were dropped */
	uint64_t tx_dropped; /**< packets that were dropped on the way out */
};

/** Receives an interface; a value other than 0 ends the listing and is returned by it. */
typedef int (*nestnet_interface_fn)(void *userdata, const struct nestnet_interface *i);

/**
 * Lists taps, bridges and their ports with what they have counted, by ifindex.
 * @return 0, what fn returned, or an error. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_interface_list(struct nestnet *ctx, nestnet_interface_fn fn,
					  void *userdata);

/** What nestnet's own rules have stopped. */
struct nestnet_drop {
	const char *reason; /**< "from": of a source that --from does not admit; "closed": to a
			         guest that is not exposed; "spoofed": from outside, with an
			         address of inside; "guard": not what the tap's guest may send */
	int family;         /**< AF_INET or AF_INET6; AF_UNSPEC: frames, of a guard */
	uint64_t packets;   /**< how many */
	uint64_t bytes;     /**< of them */
};

/** Receives a reason; a value other than 0 ends the listing and is returned by it. */
typedef int (*nestnet_drop_fn)(void *userdata, const struct nestnet_drop *drop);

/**
 * Lists every reason and family of the tables that are there. The counters begin again when
 * a table is made anew.
 * @return 0, what fn returned, or an error. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_drop_list(struct nestnet *ctx, nestnet_drop_fn fn, void *userdata);

/** Which rules there are. */
struct nestnet_ruleset {
	size_t size;         /**< sizeof(struct nestnet_ruleset), to be set before */
	uint32_t generation; /**< of all rules of the namespace, whosever they are */
	int is_there;        /**< 1: nestnet's table is there */
	char version[NESTNET_COMMENT_MAX + 1]; /**< its version; "": it is not there */
};

/**
 * Says which rules there are. Between two equal generations nobody has written.
 * @return 0, -EINVAL, or another error. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_ruleset_get(struct nestnet *ctx, struct nestnet_ruleset *ret);

/* ---- The whole ------------------------------------------------------------------- */

/**
 * Queues: nothing of nestnet's is left. Exposures, subnets, taps and bridges go, what was
 * attached is detached, and forwarding is what it was found to be. A transaction that
 * clears takes no other request, which is refused with -EINVAL as clearing is behind one.
 * @return 0, -EINVAL (other requests are queued), -ENOMEM. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_clear(struct nestnet_transaction *tx);

/**
 * Reports the present state as the commands of nestnet(1) that make it, sorted; op is '+'.
 * A transaction of a whole state (nestnet_transaction_set_exact()) that has just these
 * changes nothing. Of a timeout it says what remains.
 * @return 0; what fn returned; or a failure to look. Since: 0.1
 */
NESTNET_PUBLIC int nestnet_save(struct nestnet *ctx, nestnet_change_fn fn,
				void *userdata);

#ifdef __cplusplus
}
#endif

#endif
