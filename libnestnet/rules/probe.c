/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Three-valued matching. What is known of a value is a mask of bits, so that a prefix can
 * be matched where the address behind it is not known; an order is told by the least and
 * the greatest value that the unknown bits allow.
 */

#include "rules/probe.h"

#include "base/address.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

/* Where the headers have what is set here. */
#define IPV4_PROTOCOL    9
#define IPV4_SOURCE      12
#define IPV4_DESTINATION 16
#define IPV6_NEXT        6
#define IPV6_SOURCE      8
#define IPV6_DESTINATION 24

/* ---- Making one ----------------------------------------------------------------------- */

void probe_begin(struct probe *probe, int family, unsigned int protocol)
{
	size_t at = family == AF_INET ? IPV4_PROTOCOL : IPV6_NEXT;

	*probe = (struct probe){ .family = family,
				 .protocol = protocol,
				 .state = FOREIGN_STATE_NEW };
	if (protocol != 0) {
		probe->network[at] = (uint8_t)protocol;
		probe->network_known[at] = 0xff;
	}
}

static void set_prefix(struct probe *probe, size_t at,
		       const struct nestnet_prefix *prefix)
{
	for (size_t i = 0; i < address_len(probe->family); i++) {
		unsigned int bits =
			prefix->len > i * 8 ? prefix->len - (unsigned int)i * 8 : 0;

		probe->network[at + i] = prefix->address.bytes[i];
		probe->network_known[at + i] =
			bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);
	}
}

void probe_set_source_prefix(struct probe *probe, const struct nestnet_prefix *prefix)
{
	set_prefix(probe, probe->family == AF_INET ? IPV4_SOURCE : IPV6_SOURCE, prefix);
}

void probe_set_source(struct probe *probe, const struct nestnet_address *address)
{
	struct nestnet_prefix prefix = prefix_of_address(address);

	probe_set_source_prefix(probe, &prefix);
}

void probe_set_destination(struct probe *probe, const struct nestnet_prefix *prefix)
{
	set_prefix(probe, probe->family == AF_INET ? IPV4_DESTINATION : IPV6_DESTINATION,
		   prefix);
}

void probe_set_ports(struct probe *probe, uint16_t source, uint16_t destination)
{
	uint16_t ports[2] = { htons(source), htons(destination) };

	memcpy(probe->transport, ports, sizeof(ports));
	memset(probe->transport_known, source ? 0xff : 0, 2);
	memset(probe->transport_known + 2, destination ? 0xff : 0, 2);
}

/* ---- Loading -------------------------------------------------------------------------- */

static void put(struct probe_bits *registers, const struct foreign_op *op,
		const void *value, size_t len)
{
	if (op->to + len > FOREIGN_REGISTERS)
		return;
	memcpy(registers->value + op->to, value, len);
	memset(registers->known + op->to, 0xff, len);
}

static void put_number(struct probe_bits *registers, const struct foreign_op *op,
		       uint32_t number)
{
	if (number != 0)
		put(registers, op, &number, sizeof(number));
}

static void put_header(struct probe_bits *registers, const struct foreign_op *op,
		       const uint8_t *value, const uint8_t *known, size_t size)
{
	for (size_t i = 0; i < op->len && op->offset < size && op->offset + i < size;
	     i++) {
		registers->value[op->to + i] = value[op->offset + i];
		registers->known[op->to + i] = known[op->offset + i];
	}
}

static void put_name(struct probe_bits *registers, const struct foreign_op *op,
		     const char *name)
{
	char padded[NESTNET_IFNAMSIZ] = "";

	if (!name[0])
		return;
	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	put(registers, op, padded, sizeof(padded));
}

/* Whether it is translated to another destination; of the other bits nothing is known. */
static void put_status(const struct probe *probe, const struct foreign_op *op,
		       struct probe_bits *registers)
{
	uint32_t value = probe->is_dnat ? FOREIGN_STATUS_DNAT : 0;
	uint32_t known = FOREIGN_STATUS_DNAT;

	memcpy(registers->value + op->to, &value, sizeof(value));
	memcpy(registers->known + op->to, &known, sizeof(known));
}

/* Makes room. The rest of the last word is zeroes, as the kernel has it. */
static void forget(const struct foreign_op *op, struct probe_bits *registers)
{
	for (size_t i = op->to + op->len; i % 4 != 0 && i < FOREIGN_REGISTERS; i++) {
		registers->value[i] = 0;
		registers->known[i] = 0xff;
	}
	memset(registers->known + op->to, 0, op->len);
	memset(registers->value + op->to, 0, op->len);
}

void probe_load(const struct probe *probe, const struct foreign_op *op,
		struct probe_bits *registers)
{
	bool is_ipv4 = probe->family == AF_INET;
	uint8_t byte = is_ipv4 ? 2 /* NFPROTO_IPV4 */ : 10 /* NFPROTO_IPV6 */;
	static const uint8_t exists[4] = { 1 };
	uint16_t ethertype = htons(is_ipv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);

	if (op->to + op->len > FOREIGN_REGISTERS)
		return;
	forget(op, registers);
	switch (op->field) {
	case FOREIGN_UNKNOWN:
		break;
	case FOREIGN_IIFNAME:
		put_name(registers, op, probe->iifname);
		break;
	case FOREIGN_OIFNAME:
		put_name(registers, op, probe->oifname);
		break;
	case FOREIGN_IIF:
		put_number(registers, op, probe->iif);
		break;
	case FOREIGN_OIF:
		put_number(registers, op, probe->oif);
		break;
	case FOREIGN_NFPROTO:
		put(registers, op, &byte, 1);
		break;
	case FOREIGN_PROTOCOL:
		put(registers, op, &ethertype, sizeof(ethertype));
		break;
	case FOREIGN_L4PROTO:
		byte = (uint8_t)probe->protocol;
		if (byte != 0)
			put(registers, op, &byte, 1);
		break;
	case FOREIGN_NETWORK:
		put_header(registers, op, probe->network, probe->network_known,
			   PROBE_NETWORK);
		break;
	case FOREIGN_TRANSPORT:
		put_header(registers, op, probe->transport, probe->transport_known,
			   PROBE_TRANSPORT);
		break;
	case FOREIGN_CT_STATE:
		put_number(registers, op, probe->state);
		break;
	case FOREIGN_CT_STATUS:
		put_status(probe, op, registers);
		break;
	case FOREIGN_CT_DIRECTION:
		byte = probe->is_reply;
		put(registers, op, &byte, 1);
		break;
	case FOREIGN_WAY_BACK:
		if (probe->has_way_back)
			put(registers, op, exists, sizeof(exists));
		break;
	}
}

/* ---- Matching ------------------------------------------------------------------------- */

static enum probe_answer negate(enum probe_answer answer)
{
	return (enum probe_answer)(PROBE_YES - answer);
}

static enum probe_answer is_equal(const struct probe_bits *registers, size_t from,
				  const uint8_t *data, size_t len)
{
	enum probe_answer answer = PROBE_YES;

	for (size_t i = 0; i < len; i++) {
		uint8_t known = registers->known[from + i];

		if ((registers->value[from + i] ^ data[i]) & known)
			return PROBE_NO;
		if (known != 0xff)
			answer = PROBE_MAYBE;
	}
	return answer;
}

/* The least and the greatest that a value can be, as its known bits have it. */
static void find_bounds(const struct probe_bits *registers, size_t from, uint8_t *least,
			uint8_t *greatest, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t known = registers->known[from + i];

		least[i] = registers->value[from + i] & known;
		greatest[i] = (uint8_t)(least[i] | ~known);
	}
}

/* The value is less than data, as numbers whose first byte counts most. */
static enum probe_answer is_less(const struct probe_bits *registers, size_t from,
				 const uint8_t *data, size_t len)
{
	uint8_t least[FOREIGN_REGISTERS], greatest[FOREIGN_REGISTERS];

	find_bounds(registers, from, least, greatest, len);
	if (memcmp(greatest, data, len) < 0)
		return PROBE_YES;
	return memcmp(least, data, len) < 0 ? PROBE_MAYBE : PROBE_NO;
}

static enum probe_answer is_greater(const struct probe_bits *registers, size_t from,
				    const uint8_t *data, size_t len)
{
	uint8_t least[FOREIGN_REGISTERS], greatest[FOREIGN_REGISTERS];

	find_bounds(registers, from, least, greatest, len);
	if (memcmp(least, data, len) > 0)
		return PROBE_YES;
	return memcmp(greatest, data, len) > 0 ? PROBE_MAYBE : PROBE_NO;
}

static enum probe_answer either(enum probe_answer a, enum probe_answer b)
{
	return a > b ? a : b;
}

static enum probe_answer is_outside(const struct probe_bits *registers, size_t from,
				    const uint8_t *first, const uint8_t *last, size_t len)
{
	return either(is_less(registers, from, first, len),
		      is_greater(registers, from, last, len));
}

static enum probe_answer compare(const struct foreign_op *op,
				 const struct probe_bits *registers)
{
	switch (op->relation) {
	case FOREIGN_EQ:
		return is_equal(registers, op->from, op->data, op->len);
	case FOREIGN_NE:
		return negate(is_equal(registers, op->from, op->data, op->len));
	case FOREIGN_LT:
		return is_less(registers, op->from, op->data, op->len);
	case FOREIGN_GE:
		return negate(is_less(registers, op->from, op->data, op->len));
	case FOREIGN_GT:
		return is_greater(registers, op->from, op->data, op->len);
	case FOREIGN_LE:
		return negate(is_greater(registers, op->from, op->data, op->len));
	}
	return PROBE_MAYBE;
}

static void bitwise(const struct foreign_op *op, struct probe_bits *registers)
{
	for (size_t i = 0; i < op->len; i++) {
		uint8_t value = registers->value[op->from + i];
		uint8_t known = registers->known[op->from + i];

		registers->value[op->to + i] =
			(uint8_t)((value & op->data[i]) ^ op->data2[i]);
		registers->known[op->to + i] = (uint8_t)(known | ~op->data[i]);
	}
}

enum probe_answer probe_run(const struct probe *probe, const struct foreign_op *op,
			    struct probe_bits *registers)
{
	enum probe_answer answer;

	switch (op->kind) {
	case FOREIGN_LOAD:
		probe_load(probe, op, registers);
		return PROBE_YES;
	case FOREIGN_FORGET:
		memset(registers->known, 0, sizeof(registers->known));
		return PROBE_YES;
	case FOREIGN_BITWISE:
		bitwise(op, registers);
		return PROBE_YES;
	case FOREIGN_COMPARE:
		return compare(op, registers);
	case FOREIGN_RANGE:
		answer = is_outside(registers, op->from, op->data, op->data2, op->len);
		return op->is_inverted ? answer : negate(answer);
	case FOREIGN_OPAQUE:
	case FOREIGN_LOOKUP:
		return PROBE_MAYBE;
	case FOREIGN_NEVER:
		return PROBE_NO;
	case FOREIGN_NOTHING:
	case FOREIGN_END:
		break;
	}
	return PROBE_YES;
}

enum probe_answer probe_is_element(const struct probe_bits *registers, uint8_t from,
				   const struct foreign_element *element)
{
	if (from + element->len > FOREIGN_REGISTERS)
		return PROBE_MAYBE;
	if (!element->is_range)
		return is_equal(registers, from, element->key, element->len);
	return negate(
		is_outside(registers, from, element->key, element->last, element->len));
}
