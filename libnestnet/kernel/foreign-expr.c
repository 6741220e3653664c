/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An expression of nf_tables as operations in plain values. One that is not known here
 * leaves nothing known of the registers, and may match or not: what is said of a rule with
 * it is then "might", never "will".
 */

#include "kernel/foreign-message.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

/* ---- Attributes ----------------------------------------------------------------------- */

uint32_t foreign_number(const struct foreign_expr *expr, uint16_t attr)
{
	const struct nlattr *found = expr->attrs[attr];

	return found && mnl_attr_validate(found, MNL_TYPE_U32) >= 0
		       ? ntohl(mnl_attr_get_u32(found))
		       : 0;
}

const char *foreign_text(const struct foreign_expr *expr, uint16_t attr)
{
	const struct nlattr *found = expr->attrs[attr];

	return found && mnl_attr_validate(found, MNL_TYPE_NUL_STRING) >= 0
		       ? mnl_attr_get_str(found)
		       : NULL;
}

/* A register as its first byte of the 64. Those of 16 bytes are four words each.
 * @return false where there is no such register, or it has not the room */
static bool find_register(uint32_t number, size_t len, uint8_t *ret)
{
	size_t at = FOREIGN_REGISTERS;

	if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		at = (number - NFT_REG32_00) * 4;
	else if (number >= NFT_REG_1 && number <= NFT_REG_4)
		at = (number - NFT_REG_1) * 16;
	if (at + len > FOREIGN_REGISTERS)
		return false;
	*ret = (uint8_t)at;
	return true;
}

static int add_named(struct foreign_rule *rule, enum foreign_kind kind, const char *name)
{
	struct foreign_op *op = foreign_add_op(rule, kind);

	if (op)
		op->what = strdup(name);
	return op && op->what ? 0 : -ENOMEM;
}

static bool take_data(const struct foreign_expr *expr, uint16_t attr, uint8_t *ret,
		      uint32_t *ret_len)
{
	*ret_len = expr->attrs[attr] ? (uint32_t)foreign_read_value(expr->attrs[attr],
								    ret, FOREIGN_DATA_MAX)
				     : 0;
	return *ret_len > 0;
}

/* ---- Loads ---------------------------------------------------------------------------- */

struct field {
	uint32_t key;
	enum foreign_field field;
	uint8_t len;
};

static const struct field metas[] = {
	{ NFT_META_IIFNAME, FOREIGN_IIFNAME, 16 },
	{ NFT_META_OIFNAME, FOREIGN_OIFNAME, 16 },
	{ NFT_META_IIF, FOREIGN_IIF, 4 },
	{ NFT_META_OIF, FOREIGN_OIF, 4 },
	{ NFT_META_NFPROTO, FOREIGN_NFPROTO, 1 },
	{ NFT_META_PROTOCOL, FOREIGN_PROTOCOL, 2 },
	{ NFT_META_L4PROTO, FOREIGN_L4PROTO, 1 },
};

static const struct field cts[] = {
	{ NFT_CT_STATE, FOREIGN_CT_STATE, 4 },
	{ NFT_CT_STATUS, FOREIGN_CT_STATUS, 4 },
	{ NFT_CT_DIRECTION, FOREIGN_CT_DIRECTION, 1 },
};

/* A field that is not known is loaded as one of which nothing is known. */
static int add_load(struct foreign_rule *rule, uint32_t reg, const struct field *field,
		    const char *name)
{
	struct foreign_op *op;
	uint8_t to;

	if (!field || !find_register(reg, field->len, &to))
		return add_named(rule, FOREIGN_FORGET, name);
	op = foreign_add_op(rule, FOREIGN_LOAD);
	if (!op)
		return -ENOMEM;
	op->field = field->field;
	op->to = to;
	op->len = field->len;
	return 0;
}

static const struct field *find_field(const struct field *fields, size_t n, uint32_t key)
{
	for (size_t i = 0; i < n; i++) {
		if (fields[i].key == key)
			return &fields[i];
	}
	return NULL;
}

/* One without a destination sets something of the packet: its mark, say. */
static int add_meta(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	uint32_t key = foreign_number(expr, NFTA_META_KEY);

	if (!expr->attrs[NFTA_META_DREG])
		return add_named(rule, FOREIGN_NOTHING, "meta");
	return add_load(rule, foreign_number(expr, NFTA_META_DREG),
			find_field(metas, ARRAY_SIZE(metas), key),
			key == NFT_META_MARK ? "meta mark" : "meta");
}

static int add_ct(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	uint32_t key = foreign_number(expr, NFTA_CT_KEY);

	if (!expr->attrs[NFTA_CT_DREG])
		return add_named(rule, FOREIGN_NOTHING, "ct");
	return add_load(rule, foreign_number(expr, NFTA_CT_DREG),
			find_field(cts, ARRAY_SIZE(cts), key), "ct");
}

static int add_payload(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	uint32_t base = foreign_number(expr, NFTA_PAYLOAD_BASE);
	uint32_t len = foreign_number(expr, NFTA_PAYLOAD_LEN);
	struct field field = { .field = base == NFT_PAYLOAD_NETWORK_HEADER
						? FOREIGN_NETWORK
						: FOREIGN_TRANSPORT,
			       .len = (uint8_t)len };
	bool is_known = (base == NFT_PAYLOAD_NETWORK_HEADER ||
			 base == NFT_PAYLOAD_TRANSPORT_HEADER) &&
			len > 0 && len <= FOREIGN_REGISTERS;
	int r;

	if (!expr->attrs[NFTA_PAYLOAD_DREG])
		return add_named(rule, FOREIGN_NOTHING, "payload");
	r = add_load(rule, foreign_number(expr, NFTA_PAYLOAD_DREG),
		     is_known ? &field : NULL,
		     base == NFT_PAYLOAD_LL_HEADER ? "ether" : "payload");
	if (r == 0)
		rule->ops[rule->n - 1].offset = foreign_number(expr, NFTA_PAYLOAD_OFFSET);
	return r;
}

/* Whether the route to the source leads to where the packet came in by; firewalld's reverse
 * path filter. */
static int add_fib(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	static const struct field field = { .field = FOREIGN_WAY_BACK, .len = 4 };
	uint32_t flags =
		foreign_number(expr, NFTA_FIB_FLAGS) & ~(uint32_t)NFTA_FIB_F_MARK;
	bool is_known = foreign_number(expr, NFTA_FIB_RESULT) == NFT_FIB_RESULT_OIF &&
			flags == (NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT);

	return add_load(rule, foreign_number(expr, NFTA_FIB_DREG),
			is_known ? &field : NULL, "fib");
}

/* An extension header that is not there ends the rule; options of TCP may be there. */
static int add_exthdr(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	bool is_sought = foreign_number(expr, NFTA_EXTHDR_OP) == NFT_EXTHDR_OP_IPV6 &&
			 foreign_number(expr, NFTA_EXTHDR_FLAGS) == 0;

	return add_named(rule, is_sought ? FOREIGN_NEVER : FOREIGN_FORGET, "exthdr");
}

/* ---- Operations ----------------------------------------------------------------------- */

static int add_bitwise(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	uint32_t len = foreign_number(expr, NFTA_BITWISE_LEN), mask_len, xor_len;
	struct foreign_op op = { .kind = FOREIGN_BITWISE, .len = (uint8_t)len }, *added;

	if (foreign_number(expr, NFTA_BITWISE_OP) != 0 /* mask and xor */ ||
	    !take_data(expr, NFTA_BITWISE_MASK, op.data, &mask_len) ||
	    !take_data(expr, NFTA_BITWISE_XOR, op.data2, &xor_len) || mask_len != len ||
	    xor_len != len ||
	    !find_register(foreign_number(expr, NFTA_BITWISE_SREG), len, &op.from) ||
	    !find_register(foreign_number(expr, NFTA_BITWISE_DREG), len, &op.to))
		return add_named(rule, FOREIGN_FORGET, "bitwise");
	added = foreign_add_op(rule, FOREIGN_BITWISE);
	if (added)
		*added = op;
	return added ? 0 : -ENOMEM;
}

static bool find_relation(uint32_t op, enum foreign_relation *ret)
{
	static const enum foreign_relation relations[] = {
		[NFT_CMP_EQ] = FOREIGN_EQ, [NFT_CMP_NEQ] = FOREIGN_NE,
		[NFT_CMP_LT] = FOREIGN_LT, [NFT_CMP_LTE] = FOREIGN_LE,
		[NFT_CMP_GT] = FOREIGN_GT, [NFT_CMP_GTE] = FOREIGN_GE,
	};

	if (op >= ARRAY_SIZE(relations))
		return false;
	*ret = relations[op];
	return true;
}

static int add_cmp(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	struct foreign_op op = { .kind = FOREIGN_COMPARE }, *added;
	uint32_t len;

	if (!take_data(expr, NFTA_CMP_DATA, op.data, &len) ||
	    !find_register(foreign_number(expr, NFTA_CMP_SREG), len, &op.from) ||
	    !find_relation(foreign_number(expr, NFTA_CMP_OP), &op.relation))
		return add_named(rule, FOREIGN_OPAQUE, "cmp");
	op.len = (uint8_t)len;
	added = foreign_add_op(rule, FOREIGN_COMPARE);
	if (added)
		*added = op;
	return added ? 0 : -ENOMEM;
}

static int add_range(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	struct foreign_op op = { .kind = FOREIGN_RANGE }, *added;
	uint32_t len, to_len;

	if (!take_data(expr, NFTA_RANGE_FROM_DATA, op.data, &len) ||
	    !take_data(expr, NFTA_RANGE_TO_DATA, op.data2, &to_len) || len != to_len ||
	    !find_register(foreign_number(expr, NFTA_RANGE_SREG), len, &op.from))
		return add_named(rule, FOREIGN_OPAQUE, "range");
	op.len = (uint8_t)len;
	op.is_inverted = foreign_number(expr, NFTA_RANGE_OP) == NFT_RANGE_NEQ;
	added = foreign_add_op(rule, FOREIGN_RANGE);
	if (added)
		*added = op;
	return added ? 0 : -ENOMEM;
}

static int add_lookup(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	const char *set = foreign_text(expr, NFTA_LOOKUP_SET);
	struct foreign_op *op;
	uint8_t from;

	if (!set || !find_register(foreign_number(expr, NFTA_LOOKUP_SREG), 0, &from))
		return add_named(rule, FOREIGN_OPAQUE, "lookup");
	op = foreign_add_op(rule, FOREIGN_LOOKUP);
	if (!op)
		return -ENOMEM;
	op->from = from;
	op->is_map = expr->attrs[NFTA_LOOKUP_DREG];
	op->is_inverted = expr->attrs[NFTA_LOOKUP_FLAGS] &&
			  foreign_number(expr, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	op->name = strdup(set);
	return op->name ? 0 : -ENOMEM;
}

/* ---- Verdicts ------------------------------------------------------------------------- */

static int add_end(struct foreign_rule *rule, enum foreign_verdict verdict)
{
	struct foreign_op *op = foreign_add_op(rule, FOREIGN_END);

	if (op)
		op->verdict = verdict;
	return op ? 0 : -ENOMEM;
}

static int add_immediate(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	struct foreign_op op = { .kind = FOREIGN_NOTHING }, *added;
	int r = 0;

	if (expr->attrs[NFTA_IMMEDIATE_DATA])
		r = foreign_read_verdict(expr->attrs[NFTA_IMMEDIATE_DATA], &op);
	if (r == 0 && op.kind != FOREIGN_END)
		r = add_named(rule, FOREIGN_FORGET, "immediate");
	added = r == 0 && op.kind == FOREIGN_END ? foreign_add_op(rule, FOREIGN_END)
						 : NULL;
	if (added)
		*added = op;
	else
		free(op.name);
	return r < 0 || added || op.kind != FOREIGN_END ? r : -ENOMEM;
}

static int add_nat(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	bool is_dnat = foreign_number(expr, NFTA_NAT_TYPE) == NFT_NAT_DNAT;

	return add_end(rule, is_dnat ? FOREIGN_DNAT : FOREIGN_SNAT);
}

static int add_reject(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	(void)expr;
	return add_end(rule, FOREIGN_REJECT);
}

static int add_redirect(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	(void)expr;
	return add_end(rule, FOREIGN_DNAT);
}

static int add_masquerade(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	(void)expr;
	return add_end(rule, FOREIGN_SNAT);
}

static int add_queue(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	(void)expr;
	return add_end(rule, FOREIGN_QUEUE);
}

/* ---- All of them ---------------------------------------------------------------------- */

typedef int (*add_fn)(struct foreign_rule *rule, const struct foreign_expr *expr);

static const struct {
	const char *name;
	add_fn add;
} adders[] = {
	{ "meta", add_meta },
	{ "payload", add_payload },
	{ "ct", add_ct },
	{ "fib", add_fib },
	{ "exthdr", add_exthdr },
	{ "cmp", add_cmp },
	{ "bitwise", add_bitwise },
	{ "range", add_range },
	{ "lookup", add_lookup },
	{ "immediate", add_immediate },
	{ "match", foreign_add_match },
	{ "target", foreign_add_target },
	{ "nat", add_nat },
	{ "redir", add_redirect },
	{ "masq", add_masquerade },
	{ "reject", add_reject },
	{ "queue", add_queue },
};

/* What goes on in any case; and what does, with another value in a register. */
static const char *const idle[] = { "counter", "log",          "notrack", "objref",
				    "last",    "flow_offload", "dup" };
static const char *const loads[] = { "rt",  "hash",   "numgen", "socket",
				     "osf", "tunnel", "xfrm",   "byteorder" };

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

int foreign_add_expr(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	const char *name = expr->name;

	for (size_t i = 0; i < ARRAY_SIZE(adders); i++) {
		if (strcmp(adders[i].name, name) == 0)
			return adders[i].add(rule, expr);
	}
	if (is_one_of(name, idle, ARRAY_SIZE(idle)))
		return add_named(rule, FOREIGN_NOTHING, name);
	if (is_one_of(name, loads, ARRAY_SIZE(loads)))
		return add_named(rule, FOREIGN_FORGET, name);
	return add_named(rule, FOREIGN_OPAQUE, name);
}
