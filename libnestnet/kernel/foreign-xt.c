/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Matches and targets of xtables, which iptables-nft puts into rules where nf_tables has
 * no expression of its own that it trusts. Connection state and ports are told in
 * nf_tables' operations; the others have a name, and may match or not.
 */

#include "kernel/foreign-message.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Destination ports of TCP and UDP, in their headers. */
#define PORT_OFFSET 2

static struct foreign_op *add_named(struct foreign_rule *rule, enum foreign_kind kind,
				    const char *name)
{
	struct foreign_op *op = foreign_add_op(rule, kind);

	if (!op)
		return NULL;
	op->is_xt = true;
	op->what = strdup(name);
	return op->what ? op : NULL;
}

/* ct state MASK, or its contrary; the bits of the two worlds are the same here. */
static int add_state(struct foreign_rule *rule, uint32_t mask, bool is_inverted)
{
	struct foreign_op *op = foreign_add_op(rule, FOREIGN_LOAD);

	if (!op)
		return -ENOMEM;
	op->field = FOREIGN_CT_STATE;
	op->len = sizeof(mask);
	op = foreign_add_op(rule, FOREIGN_BITWISE);
	if (!op)
		return -ENOMEM;
	op->len = sizeof(mask);
	memcpy(op->data, &mask, sizeof(mask));
	op = foreign_add_op(rule, FOREIGN_COMPARE);
	if (!op)
		return -ENOMEM;
	op->len = sizeof(mask);
	op->relation = is_inverted ? FOREIGN_EQ : FOREIGN_NE;
	return 0;
}

/* States that nf_tables has in the same bits: invalid, established, related, new. */
#define PLAIN_STATES 15u

static int add_conntrack(struct foreign_rule *rule, const void *info, size_t len,
			 uint32_t revision)
{
	const struct xt_conntrack_mtinfo3 *match = info;
	uint16_t state;

	if (revision != 3 || len < sizeof(*match) ||
	    match->match_flags & ~(XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS))
		return add_named(rule, FOREIGN_OPAQUE, "conntrack") ? 0 : -ENOMEM;
	state = match->state_mask;
	/* A translated flow is of the state DNAT as well: a packet of ours may be. */
	if (state & ~PLAIN_STATES)
		return add_named(rule, FOREIGN_OPAQUE, "conntrack") ? 0 : -ENOMEM;
	return add_state(rule, state, match->invert_flags & XT_CONNTRACK_STATE);
}

static int add_ports(struct foreign_rule *rule, uint16_t first, uint16_t last,
		     bool is_inverted)
{
	struct foreign_op *op = foreign_add_op(rule, FOREIGN_LOAD);

	if (!op)
		return -ENOMEM;
	op->field = FOREIGN_TRANSPORT;
	op->offset = PORT_OFFSET;
	op->len = sizeof(first);
	op = foreign_add_op(rule, FOREIGN_RANGE);
	if (!op)
		return -ENOMEM;
	op->len = sizeof(first);
	op->is_inverted = is_inverted;
	first = htons(first);
	last = htons(last);
	memcpy(op->data, &first, sizeof(first));
	memcpy(op->data2, &last, sizeof(last));
	return 0;
}

static bool is_any(const uint16_t ports[2])
{
	return ports[0] == 0 && ports[1] == 0xffff;
}

/* tcp and udp: more than destination ports is not known here. */
static int add_tcpudp(struct foreign_rule *rule, const char *name,
		      const uint16_t *sources, const uint16_t *destinations,
		      uint8_t inverted, bool has_more)
{
	int r = 0;

	if (!is_any(destinations))
		r = add_ports(rule, destinations[0], destinations[1],
			      inverted & XT_TCP_INV_DSTPT);
	if (r == 0 && (has_more || !is_any(sources)))
		r = add_named(rule, FOREIGN_OPAQUE, name) ? 0 : -ENOMEM;
	return r;
}

/* Extension headers of IPv6: ufw drops those that route. */
static bool is_extension(const char *name)
{
	static const char *const names[] = { "rt", "frag", "hbh", "dst", "mh" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

int foreign_add_match(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	const char *name = foreign_text(expr, NFTA_MATCH_NAME);
	uint32_t revision = foreign_number(expr, NFTA_MATCH_REV);
	const struct nlattr *attr = expr->attrs[NFTA_MATCH_INFO];
	const void *info = attr ? mnl_attr_get_payload(attr) : NULL;
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (!name || !info)
		return add_named(rule, FOREIGN_OPAQUE, "match") ? 0 : -ENOMEM;
	if (strcmp(name, "comment") == 0)
		rule->has_our_comment |= foreign_is_our_comment(info, len);
	if (strcmp(name, "comment") == 0)
		return add_named(rule, FOREIGN_NOTHING, name) ? 0 : -ENOMEM;
	if (strcmp(name, "conntrack") == 0)
		return add_conntrack(rule, info, len, revision);
	if (strcmp(name, "state") == 0 && len >= sizeof(struct xt_state_info))
		return add_state(rule, ((const struct xt_state_info *)info)->statemask,
				 false);
	if (strcmp(name, "tcp") == 0 && len >= sizeof(struct xt_tcp)) {
		const struct xt_tcp *tcp = info;

		return add_tcpudp(rule, name, tcp->spts, tcp->dpts, tcp->invflags,
				  tcp->option || tcp->flg_mask);
	}
	if (strcmp(name, "udp") == 0 && len >= sizeof(struct xt_udp)) {
		const struct xt_udp *udp = info;

		return add_tcpudp(rule, name, udp->spts, udp->dpts, udp->invflags, false);
	}
	return add_named(rule, is_extension(name) ? FOREIGN_NEVER : FOREIGN_OPAQUE, name)
		       ? 0
		       : -ENOMEM;
}

/* Targets that end the rule; all others go on, such as LOG and MARK. */
static const struct {
	const char *name;
	enum foreign_verdict verdict;
} targets[] = {
	{ "REJECT", FOREIGN_REJECT },   { "DNAT", FOREIGN_DNAT },
	{ "REDIRECT", FOREIGN_DNAT },   { "SNAT", FOREIGN_SNAT },
	{ "MASQUERADE", FOREIGN_SNAT }, { "NFQUEUE", FOREIGN_QUEUE },
	{ "NETMAP", FOREIGN_DNAT },     { "TPROXY", FOREIGN_QUEUE },
};

int foreign_add_target(struct foreign_rule *rule, const struct foreign_expr *expr)
{
	const char *name = foreign_text(expr, NFTA_TARGET_NAME);
	struct foreign_op *op;

	for (size_t i = 0; name && i < ARRAY_SIZE(targets); i++) {
		if (strcmp(targets[i].name, name) != 0)
			continue;
		op = add_named(rule, FOREIGN_END, name);
		if (!op)
			return -ENOMEM;
		op->verdict = targets[i].verdict;
		return 0;
	}
	return add_named(rule, FOREIGN_NOTHING, name ? name : "target") ? 0 : -ENOMEM;
}
