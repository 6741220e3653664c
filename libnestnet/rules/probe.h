/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_PROBE_H
#define NESTNET_PROBE_H

/*
 * A packet that nobody has sent, of which some bits are known and others not, and what a
 * rule of other software does with it: matches, does not, or cannot be told.
 */

#include "kernel/foreign.h"

#include <nestnet/nestnet.h>

/* The headers as far as rules look into them: IPv6's, and the ports. */
#define PROBE_NETWORK   40
#define PROBE_TRANSPORT 4

struct probe_bits {
	uint8_t value[FOREIGN_REGISTERS];
	uint8_t known[FOREIGN_REGISTERS]; /* a bit each */
};

struct probe {
	int family;
	char iifname[NESTNET_IFNAMSIZ], oifname[NESTNET_IFNAMSIZ]; /* "": not known */
	uint32_t iif, oif;
	unsigned int protocol; /* 0: not known */
	uint32_t state;        /* FOREIGN_STATE_* */
	bool is_dnat, is_reply;
	bool has_way_back; /* its source is behind iif; false: not known */
	uint8_t network[PROBE_NETWORK], network_known[PROBE_NETWORK];
	uint8_t transport[PROBE_TRANSPORT], transport_known[PROBE_TRANSPORT];
};

/** A packet of the family whose first protocol and header are known, and no more. */
void probe_begin(struct probe *probe, int family, unsigned int protocol);
void probe_set_source(struct probe *probe, const struct nestnet_address *address);
/** All of the prefix: the bits behind it are not known. */
void probe_set_destination(struct probe *probe, const struct nestnet_prefix *prefix);
void probe_set_source_prefix(struct probe *probe, const struct nestnet_prefix *prefix);
/** Host order; 0: not known. */
void probe_set_ports(struct probe *probe, uint16_t source, uint16_t destination);

enum probe_answer {
	PROBE_NO,
	PROBE_MAYBE,
	PROBE_YES,
};

/** Loads the field of the operation into the registers. */
void probe_load(const struct probe *probe, const struct foreign_op *op,
		struct probe_bits *registers);

/** Runs an operation that is neither a lookup nor an end. @return whether the rule goes on */
enum probe_answer probe_run(const struct probe *probe, const struct foreign_op *op,
			    struct probe_bits *registers);

/** Whether the registers from a byte on are the element's key, or within its range. */
enum probe_answer probe_is_element(const struct probe_bits *registers, uint8_t from,
				   const struct foreign_element *element);

#endif
