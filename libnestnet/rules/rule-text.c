/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules in words. What nft leaves unsaid is left unsaid here: the family before an address
 * and the protocol before a port. What was not read has its name alone.
 */

#include "rules/rule-text.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NFPROTO_IPV6 10

/* The most fields of a concatenation that are told. */
#define LOADS_MAX 8

struct writer {
	char *text;
	size_t len;
	rule_name_fn name_of;
	void *userdata;
	int family;            /* AF_UNSPEC: not said yet */
	unsigned int protocol; /* 0: not said yet */
	const struct foreign_op *load;
	const uint8_t *mask; /* NULL: none */
	const struct foreign_op
		*loads[LOADS_MAX]; /* not told of yet: a concatenation's */
	size_t n_loads;
};

static void __attribute__((format(printf, 2, 3)))
write_word(struct writer *writer, const char *format, ...)
{
	size_t room = RULE_TEXT_MAX - writer->len;
	va_list args;
	int len;

	if (writer->len > 0 && room > 1) {
		writer->text[writer->len++] = ' ';
		room--;
	}
	va_start(args, format);
	len = vsnprintf(writer->text + writer->len, room, format, args);
	va_end(args);
	if (len > 0)
		writer->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* ---- Fields --------------------------------------------------------------------------- */

static bool is_address(const struct writer *writer, const struct foreign_op *load)
{
	if (load->field != FOREIGN_NETWORK)
		return false;
	return writer->family == AF_INET6 ? load->offset == 8 || load->offset == 24
					  : load->offset == 12 || load->offset == 16;
}

static void write_network(struct writer *writer, const struct foreign_op *load)
{
	const char *family = writer->family == AF_INET6 ? "ip6" : "ip";
	bool is_source = load->offset == 12 || load->offset == 8;

	if (is_address(writer, load))
		write_word(writer, "%s %s", family, is_source ? "saddr" : "daddr");
	else if (writer->family != AF_INET6 && load->offset == 9 && load->len == 1)
		write_word(writer, "ip protocol");
	else
		write_word(writer, "@nh,%" PRIu32 ",%u", load->offset * 8,
			   load->len * 8u);
}

static void write_transport(struct writer *writer, const struct foreign_op *load)
{
	const char *protocol = writer->protocol ? protocol_name(writer->protocol) : "";

	if (load->len == 2 && load->offset <= 2)
		write_word(writer, "%s %s", protocol[0] ? protocol : "th",
			   load->offset == 0 ? "sport" : "dport");
	else
		write_word(writer, "@th,%" PRIu32 ",%u", load->offset * 8,
			   load->len * 8u);
}

static void write_field(struct writer *writer, const struct foreign_op *load)
{
	static const char *const names[] = {
		[FOREIGN_UNKNOWN] = "?",
		[FOREIGN_IIFNAME] = "iifname",
		[FOREIGN_OIFNAME] = "oifname",
		[FOREIGN_IIF] = "iif",
		[FOREIGN_OIF] = "oif",
		[FOREIGN_NFPROTO] = "meta nfproto",
		[FOREIGN_PROTOCOL] = "meta protocol",
		[FOREIGN_L4PROTO] = "meta l4proto",
		[FOREIGN_CT_STATE] = "ct state",
		[FOREIGN_CT_STATUS] = "ct status",
		[FOREIGN_CT_DIRECTION] = "ct direction",
		[FOREIGN_WAY_BACK] = "fib saddr . iif oif",
	};

	if (!load)
		write_word(writer, "?");
	else if (load->kind == FOREIGN_FORGET)
		write_word(writer, "%s", load->what);
	else if (load->field == FOREIGN_NETWORK)
		write_network(writer, load);
	else if (load->field == FOREIGN_TRANSPORT)
		write_transport(writer, load);
	else
		write_word(writer, "%s", names[load->field]);
}

/* ---- Values --------------------------------------------------------------------------- */

static void format_states(uint32_t bits, bool is_status, char *ret, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *state, *status;
	} names[] = {
		{ 1, "invalid", "expected" }, { 2, "established", "seen-reply" },
		{ 4, "related", "assured" },  { 8, "new", "confirmed" },
		{ 16, NULL, "snat" },         { 32, NULL, "dnat" },
		{ 64, "untracked", NULL },
	};
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = is_status ? names[i].status : names[i].state;

		if (bits & names[i].bit && name && len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%s",
						len ? "," : "", name);
	}
}

static void format_address(const struct writer *writer, const uint8_t *data, size_t len,
			   char *ret, size_t size)
{
	struct nestnet_prefix prefix = { .address.family = writer->family == AF_INET6
								   ? AF_INET6
								   : AF_INET,
					 .len = (unsigned int)len * 8 };
	char text[NESTNET_TEXT_MAX];

	memcpy(prefix.address.bytes, data, len < 16 ? len : 16);
	if (writer->mask) {
		prefix.len = 0;
		for (size_t i = 0; i < len; i++)
			prefix.len += (unsigned int)__builtin_popcount(writer->mask[i]);
	}
	snprintf(ret, size, "%s",
		 prefix_is_address(&prefix)
			 ? nestnet_address_format(&prefix.address, text)
			 : nestnet_prefix_format(&prefix, text));
}

static void format_hex(const uint8_t *data, size_t len, char *ret, size_t size)
{
	size_t at = (size_t)snprintf(ret, size, "0x");

	for (size_t i = 0; i < len && at + 3 < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%02x", data[i]);
}

static const char *family_text(enum foreign_field field, int family)
{
	if (field == FOREIGN_PROTOCOL)
		return family == AF_INET6 ? "ip6" : "ip";
	return family == AF_INET6 ? "ipv6" : "ipv4";
}

static void format_index(const struct writer *writer, uint32_t index, char *ret,
			 size_t size)
{
	const char *name =
		writer->name_of ? writer->name_of(writer->userdata, index) : NULL;

	if (name)
		snprintf(ret, size, "\"%s\"", name);
	else
		snprintf(ret, size, "%" PRIu32, index);
}

static void format_value(const struct writer *writer, const uint8_t *data, size_t len,
			 char *ret, size_t size)
{
	const struct foreign_op *load = writer->load;
	uint32_t number = 0;

	if (load && load->kind == FOREIGN_LOAD) {
		if (load->field == FOREIGN_IIFNAME || load->field == FOREIGN_OIFNAME) {
			/* A name with its NUL, or the beginning of some. */
			snprintf(ret, size, "\"%.*s%s\"", (int)len, (const char *)data,
				 memchr(data, '\0', len) || len >= 16 ? "" : "*");
			return;
		}
		if (is_address(writer, load)) {
			format_address(writer, data, len, ret, size);
			return;
		}
		if (load->field == FOREIGN_CT_STATE && len == sizeof(number)) {
			memcpy(&number, data, sizeof(number));
			format_states(number, false, ret, size);
			return;
		}
		if (load->field == FOREIGN_TRANSPORT && len == 2) {
			snprintf(ret, size, "%u", (unsigned int)(data[0] << 8 | data[1]));
			return;
		}
		if ((load->field == FOREIGN_PROTOCOL || load->field == FOREIGN_NFPROTO) &&
		    writer->family != AF_UNSPEC) {
			snprintf(ret, size, "%s",
				 family_text(load->field, writer->family));
			return;
		}
		if (load->field == FOREIGN_L4PROTO && protocol_name(data[0])[0]) {
			snprintf(ret, size, "%s", protocol_name(data[0]));
			return;
		}
		if ((load->field == FOREIGN_IIF || load->field == FOREIGN_OIF) &&
		    len == 4) {
			memcpy(&number, data, sizeof(number));
			format_index(writer, number, ret, size);
			return;
		}
		if (load->field == FOREIGN_WAY_BACK) {
			snprintf(ret, size, "%s", data[0] ? "exists" : "missing");
			return;
		}
		if (len == 1) {
			snprintf(ret, size, "%u", data[0]);
			return;
		}
	}
	format_hex(data, len, ret, size);
}

/* ---- Operations ----------------------------------------------------------------------- */

static bool is_zero(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i])
			return false;
	}
	return true;
}

/* ct state established,related is: (state & 6) != 0. */
static bool write_bits(struct writer *writer, const struct foreign_op *op)
{
	const struct foreign_op *load = writer->load;
	uint32_t bits;
	char value[64];

	if (!load || load->kind != FOREIGN_LOAD || !writer->mask || op->len != 4 ||
	    (load->field != FOREIGN_CT_STATE && load->field != FOREIGN_CT_STATUS) ||
	    !is_zero(op->data, op->len))
		return false;
	memcpy(&bits, writer->mask, sizeof(bits));
	format_states(bits, load->field == FOREIGN_CT_STATUS, value, sizeof(value));
	write_field(writer, load);
	write_word(writer, "%s%s", op->relation == FOREIGN_EQ ? "! " : "", value);
	return true;
}

static bool loads_later(const struct foreign_op *ops, size_t n, enum foreign_field field)
{
	for (size_t i = 0; i < n; i++) {
		if (ops[i].kind == FOREIGN_LOAD && ops[i].field == field)
			return true;
	}
	return false;
}

/* What a later load makes plain is left unsaid. @return whether that is so */
static bool is_implied(struct writer *writer, const struct foreign_op *op,
		       size_t n_behind)
{
	const struct foreign_op *load = writer->load;

	if (!load || load->kind != FOREIGN_LOAD || op->relation != FOREIGN_EQ ||
	    op->len == 0)
		return false;
	if (load->field == FOREIGN_NFPROTO) {
		writer->family = op->data[0] == NFPROTO_IPV6 ? AF_INET6 : AF_INET;
		return loads_later(op + 1, n_behind, FOREIGN_NETWORK);
	}
	if (load->field == FOREIGN_PROTOCOL && op->len == 2) {
		writer->family = op->data[0] == 0x86 ? AF_INET6 : AF_INET;
		return loads_later(op + 1, n_behind, FOREIGN_NETWORK);
	}
	if (load->field == FOREIGN_L4PROTO) {
		writer->protocol = op->data[0];
		return loads_later(op + 1, n_behind, FOREIGN_TRANSPORT);
	}
	return false;
}

/* From 1 to 5 is: at least 1, and at most 5. */
static bool is_range(const struct foreign_op *op, size_t n_behind)
{
	return op->relation == FOREIGN_GE && n_behind > 0 &&
	       op[1].kind == FOREIGN_COMPARE && op[1].relation == FOREIGN_LE &&
	       op[1].from == op->from && op[1].len == op->len;
}

/* @return how many operations it told of */
static size_t write_compare(struct writer *writer, const struct foreign_op *op,
			    size_t n_behind)
{
	static const char *const relations[] = {
		[FOREIGN_EQ] = "",    [FOREIGN_NE] = "!= ", [FOREIGN_LT] = "< ",
		[FOREIGN_LE] = "<= ", [FOREIGN_GT] = "> ",  [FOREIGN_GE] = ">= ",
	};
	char value[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];

	if (is_implied(writer, op, n_behind) || write_bits(writer, op))
		return 1;
	format_value(writer, op->data, op->len, value, sizeof(value));
	write_field(writer, writer->load);
	if (is_range(op, n_behind)) {
		format_value(writer, op[1].data, op->len, last, sizeof(last));
		write_word(writer, "%s-%s", value, last);
		return 2;
	}
	write_word(writer, "%s%s", relations[op->relation], value);
	return 1;
}

static void write_range(struct writer *writer, const struct foreign_op *op)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];

	format_value(writer, op->data, op->len, first, sizeof(first));
	format_value(writer, op->data2, op->len, last, sizeof(last));
	write_field(writer, writer->load);
	if (strcmp(first, last) == 0)
		write_word(writer, "%s%s", op->is_inverted ? "!= " : "", first);
	else
		write_word(writer, "%s%s-%s", op->is_inverted ? "!= " : "", first, last);
}

/* A map has a verdict for the rule's end, or a value for what comes behind. */
static void write_lookup(struct writer *writer, const struct foreign_op *op,
			 size_t n_behind)
{
	const char *map = n_behind > 0 ? "map " : "vmap ";
	bool is_anonymous = strncmp(op->name, "__", 2) == 0;

	for (size_t i = 0; i < writer->n_loads; i++) {
		if (i > 0)
			write_word(writer, ".");
		write_field(writer, writer->loads[i]);
	}
	write_word(writer, "%s%s%s%s", op->is_map ? map : "",
		   op->is_inverted ? "!= " : "", is_anonymous ? "" : "@",
		   is_anonymous ? "{ ... }" : op->name);
}

static void write_end(struct writer *writer, const struct foreign_op *op)
{
	static const char *const names[] = {
		[FOREIGN_ACCEPT] = "accept", [FOREIGN_DROP] = "drop",
		[FOREIGN_REJECT] = "reject", [FOREIGN_QUEUE] = "queue",
		[FOREIGN_RETURN] = "return", [FOREIGN_JUMP] = "jump",
		[FOREIGN_GOTO] = "goto",     [FOREIGN_DNAT] = "dnat",
		[FOREIGN_SNAT] = "snat",     [FOREIGN_CONTINUE] = "continue",
	};

	write_word(writer, "%s", names[op->verdict]);
	if (op->name)
		write_word(writer, "%s", op->name);
}

static void take_load(struct writer *writer, const struct foreign_op *op)
{
	writer->load = op;
	writer->mask = NULL;
	if (writer->n_loads < LOADS_MAX)
		writer->loads[writer->n_loads++] = op;
}

/* iptables' comments are of no matter; what a target does is. */
static void write_name(struct writer *writer, const struct foreign_op *op)
{
	if (!op->is_xt)
		write_word(writer, "%s", op->what);
	else if (op->kind == FOREIGN_OPAQUE || op->kind == FOREIGN_NEVER)
		write_word(writer, "xt match \"%s\"", op->what);
	else if (strcmp(op->what, "comment") != 0)
		write_word(writer, "xt target \"%s\"", op->what);
}

/* @param n_behind  operations of the rule behind this one
 * @return how many operations it told of */
static size_t write_op(struct writer *writer, const struct foreign_op *op,
		       size_t n_behind)
{
	size_t n = 1;

	switch (op->kind) {
	case FOREIGN_LOAD:
	case FOREIGN_FORGET:
		take_load(writer, op);
		return 1;
	case FOREIGN_BITWISE:
		writer->mask = op->data;
		return 1;
	case FOREIGN_COMPARE:
		n = write_compare(writer, op, n_behind);
		break;
	case FOREIGN_RANGE:
		write_range(writer, op);
		break;
	case FOREIGN_LOOKUP:
		write_lookup(writer, op, n_behind);
		break;
	case FOREIGN_OPAQUE:
	case FOREIGN_NEVER:
	case FOREIGN_NOTHING:
		write_name(writer, op);
		break;
	case FOREIGN_END:
		write_end(writer, op);
		break;
	}
	writer->n_loads = 0;
	return n;
}

const char *rule_text(const struct foreign_chain *chain, const struct foreign_rule *rule,
		      char *ret)
{
	return rule_text_named(chain, rule, NULL, NULL, ret);
}

const char *rule_text_named(const struct foreign_chain *chain,
			    const struct foreign_rule *rule, rule_name_fn name_of,
			    void *userdata, char *ret)
{
	struct writer writer = { .text = ret, .name_of = name_of, .userdata = userdata };

	ret[0] = '\0';
	writer.family = chain->family == FOREIGN_IP6  ? AF_INET6
			: chain->family == FOREIGN_IP ? AF_INET
						      : AF_UNSPEC;
	for (size_t i = 0; i < rule->n;)
		i += write_op(&writer, &rule->ops[i], rule->n - i - 1);
	return ret;
}
