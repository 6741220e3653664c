/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_OLD_H
#define NESTNET_TESTS_OLD_H

/*
 * What old.c has of the library: the header as it was before the guards, leases and
 * descriptors of taps, and before the DHCP ranges of bridges, as far as it uses it. Frozen:
 * it is not to follow the header, but to be held against what the library has become.
 */

#include <stddef.h>
#include <stdint.h>

struct nestnet;
struct nestnet_transaction;

struct nestnet_address {
	int family;
	uint8_t bytes[16];
};

struct nestnet_prefix {
	struct nestnet_address address;
	unsigned int len;
};

struct nestnet_endpoint {
	struct nestnet_prefix prefix;
	unsigned int protocol;
	uint16_t first_port;
	uint16_t last_port;
};

int nestnet_prefix_parse(const char *text, struct nestnet_prefix *ret);
int nestnet_alias_parse(const char *text, struct nestnet_endpoint *ret,
			const char **ret_why);
int nestnet_target_parse(const char *text, struct nestnet_endpoint *ret,
			 const char **ret_why);

int nestnet_new(struct nestnet **ret, const char *netns);
struct nestnet *nestnet_free(struct nestnet *ctx);
const char *nestnet_errmsg(const struct nestnet *ctx);

int nestnet_transaction_new(struct nestnet *ctx, struct nestnet_transaction **ret);
struct nestnet_transaction *nestnet_transaction_free(struct nestnet_transaction *tx);
int nestnet_transaction_commit(struct nestnet_transaction *tx);

enum nestnet_egress {
	NESTNET_EGRESS_MASQUERADE,
	NESTNET_EGRESS_ALIAS,
	NESTNET_EGRESS_NONE
};

struct nestnet_expose_options {
	size_t size;
	unsigned int flags;
	enum nestnet_egress egress;
	const char *comment;
	const struct nestnet_prefix *from;
	size_t n_from;
	const struct nestnet_endpoint *except;
	size_t n_except;
	uint64_t timeout_ms;
};

int nestnet_expose(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		   const struct nestnet_endpoint *target,
		   const struct nestnet_expose_options *options);

struct nestnet_exposure {
	const char *id;
	struct nestnet_endpoint alias;
	struct nestnet_endpoint target;
	unsigned int flags;
	enum nestnet_egress egress;
	const char *comment;
	const struct nestnet_prefix *from;
	size_t n_from;
	const struct nestnet_endpoint *except;
	size_t n_except;
	uint64_t flows;
	uint64_t timeout_ms;
	uint64_t expires_ms;
};

typedef int (*nestnet_exposure_fn)(void *userdata,
				   const struct nestnet_exposure *exposure);

int nestnet_exposure_list(struct nestnet *ctx, const struct nestnet_endpoint *match,
			  nestnet_exposure_fn fn, void *userdata);

#define NESTNET_TAP_HAS_OWNER (1u << 3)

struct nestnet_tap_options {
	size_t size;
	unsigned int flags;
	const char *bridge;
	const struct nestnet_prefix *addresses;
	size_t n_addresses;
	uint32_t owner;
	uint32_t group;
	unsigned int queues;
	const uint8_t *mac;
	uint32_t mtu;
};

int nestnet_tap_add(struct nestnet_transaction *tx, const char *name,
		    const struct nestnet_tap_options *options);

struct nestnet_bridge_options {
	size_t size;
	unsigned int flags;
	const struct nestnet_prefix *addresses;
	size_t n_addresses;
	const uint8_t *mac;
	uint32_t mtu;
};

int nestnet_bridge_add(struct nestnet_transaction *tx, const char *name,
		       const struct nestnet_bridge_options *options);

struct nestnet_nat_options {
	size_t size;
	unsigned int flags;
	const char *out;
	const struct nestnet_address *to;
};

int nestnet_nat_add(struct nestnet_transaction *tx, const struct nestnet_prefix *subnet,
		    const struct nestnet_nat_options *options);

#endif
