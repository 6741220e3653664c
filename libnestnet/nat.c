/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAT of subnets. A subnet is an element of `inside` always (what stays in it is never
 * translated), of `closed` or `open`, and of one of four sets that say how it is
 * translated: with or without an interface, with or without an address. Subnets are few,
 * so their sets are read whole; overlaps are then found before the kernel would refuse
 * them, or worse, accept them.
 */

#include "nat.h"

#include "nat-flows.h"
#include "transaction.h"

#include "plan/closing.h"
#include "plan/command.h"
#include "plan/setting.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct nat {
	struct nestnet_prefix subnet;
	char out[NESTNET_IFNAMSIZ]; /* "": any */
	struct nestnet_address to;  /* AF_UNSPEC: masquerade */
	bool is_open;
};

static const int families[] = { AF_INET, AF_INET6 };

/* ---- As elements ------------------------------------------------------------------------- */

/* The interval from a subnet's first to its last address, and then what follows. */
static struct nft_element make_interval(const struct nestnet_prefix *subnet)
{
	struct nestnet_prefix network = prefix_network(subnet);
	struct nestnet_address last = prefix_last(subnet);
	struct nft_element element = { .comment = "" };
	size_t len = address_len(subnet->address.family);

	memcpy(element.key, network.address.bytes, len);
	memcpy(element.key_end, last.bytes, len);
	return element;
}

/* subnet . subnet: both ends in it */
static struct nft_element make_inside(const struct nestnet_prefix *subnet)
{
	struct nft_element element = make_interval(subnet);
	size_t len = address_len(subnet->address.family);

	memcpy(element.key + len, element.key, len);
	memcpy(element.key_end + len, element.key_end, len);
	return element;
}

/* Which set says how the subnet is translated, and its element there. */
static enum ruleset_set make_translation(const struct nat *nat, struct nft_element *ret)
{
	size_t len = address_len(nat->subnet.address.family);

	*ret = make_interval(&nat->subnet);
	if (nat->out[0]) {
		memcpy(ret->key + len, nat->out, strlen(nat->out));
		memcpy(ret->key_end + len, nat->out, strlen(nat->out));
	}
	if (!nat->to.family)
		return nat->out[0] ? RULESET_MASQ_OUT : RULESET_MASQ;
	memcpy(ret->data, nat->to.bytes, len);
	return nat->out[0] ? RULESET_SNAT_OUT : RULESET_SNAT;
}

typedef int (*element_change_fn)(struct elements *elements, enum ruleset_set set, int family,
				 const struct nft_element *element, struct error *error);

static int remove_element(struct elements *elements, enum ruleset_set set, int family,
			  const struct nft_element *element, struct error *error)
{
	return elements_remove(elements, set, family, element->key, error);
}

/* Puts or removes all elements of a subnet. */
static int change_nat(struct plan *plan, const struct nat *nat, element_change_fn change)
{
	struct nft_element inside = make_inside(&nat->subnet), translation;
	struct nft_element interval = make_interval(&nat->subnet);
	enum ruleset_set set = make_translation(nat, &translation);
	int family = nat->subnet.address.family, r;
	struct error *error = plan_error(plan);

	r = change(plan->elements, RULESET_INSIDE, family, &inside, error);
	if (r == 0)
		r = change(plan->elements, nat->is_open ? RULESET_OPEN : RULESET_CLOSED,
			   family, &interval, error);
	return r < 0 ? r : change(plan->elements, set, family, &translation, error);
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct nats {
	struct nat *list;
	size_t n;
	int family; /* of the elements that are being read */
};

static int load_sets(struct elements *elements, struct error *error)
{
	static const enum ruleset_set sets[] = { RULESET_INSIDE,   RULESET_CLOSED,
						 RULESET_OPEN,	   RULESET_MASQ,
						 RULESET_MASQ_OUT, RULESET_SNAT,
						 RULESET_SNAT_OUT };

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
			int r = elements_load(elements, sets[i], families[f], error);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int take_inside(void *userdata, const struct nft_element *element)
{
	struct nestnet_address first = { .family = 0 }, last;
	struct nats *nats = userdata;
	struct nat *grown;
	size_t len = address_len(nats->family);

	first.family = nats->family;
	memcpy(first.bytes, element->key, len);
	last = first;
	memcpy(last.bytes, element->key_end, len);

	grown = reallocarray(nats->list, nats->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	nats->list = grown;
	grown[nats->n] = (struct nat){ .to = { .family = AF_UNSPEC } };
	/* What no prefix says somebody else put there; nothing to name it by. */
	if (prefix_from_range(&first, &last, &grown[nats->n].subnet))
		nats->n++;
	return 0;
}

static struct nat *find_nat(const struct nats *nats, const uint8_t *first)
{
	for (size_t i = 0; i < nats->n; i++) {
		struct nat *nat = &nats->list[i];

		if (nat->subnet.address.family == nats->family &&
		    memcmp(nat->subnet.address.bytes, first, address_len(nats->family)) == 0)
			return nat;
	}
	return NULL;
}

static int take_open(void *userdata, const struct nft_element *element)
{
	struct nat *nat = find_nat(userdata, element->key);

	if (nat)
		nat->is_open = true;
	return 0;
}

static int take_out(void *userdata, const struct nft_element *element)
{
	const struct nats *nats = userdata;
	struct nat *nat = find_nat(nats, element->key);

	if (nat)
		memcpy(nat->out, element->key + address_len(nats->family),
		       sizeof(nat->out) - 1);
	return 0;
}

static int take_to(void *userdata, const struct nft_element *element)
{
	const struct nats *nats = userdata;
	struct nat *nat = find_nat(nats, element->key);

	if (nat) {
		nat->to.family = nats->family;
		memcpy(nat->to.bytes, element->data, address_len(nats->family));
	}
	return 0;
}

static int take_out_to(void *userdata, const struct nft_element *element)
{
	(void)take_out(userdata, element);
	return take_to(userdata, element);
}

static int compare_nats(const void *a, const void *b)
{
	const struct nat *x = a, *y = b;

	return address_compare(&x->subnet.address, &y->subnet.address);
}

static int read_nats(struct elements *elements, struct nats *nats, struct error *error)
{
	int r = load_sets(elements, error);

	for (size_t f = 0; r == 0 && f < ARRAY_SIZE(families); f++) {
		int family = nats->family = families[f];

		r = elements_each(elements, RULESET_INSIDE, family, take_inside, nats);
		if (r < 0)
			return error_set_errno(error, ENOMEM);
		(void)elements_each(elements, RULESET_OPEN, family, take_open, nats);
		(void)elements_each(elements, RULESET_MASQ_OUT, family, take_out, nats);
		(void)elements_each(elements, RULESET_SNAT, family, take_to, nats);
		(void)elements_each(elements, RULESET_SNAT_OUT, family, take_out_to, nats);
	}
	if (r == 0 && nats->n)
		qsort(nats->list, nats->n, sizeof(*nats->list), compare_nats);
	return r;
}

/* ---- Plans ------------------------------------------------------------------------------------- */

/* The subnet as the request that adds it. */
static struct request make_request(const struct nat *nat)
{
	struct request request = { .kind = REQUEST_NAT_ADD,
				   .nat = { .subnet = nat->subnet,
					    .to = nat->to,
					    .flags = nat->is_open ? NESTNET_NAT_OPEN : 0 } };

	memcpy(request.nat.out, nat->out, sizeof(request.nat.out));
	return request;
}

static struct nat make_nat(const struct nat_request *request)
{
	struct nat nat = { .subnet = request->subnet,
			   .to = request->to,
			   .is_open = request->flags & NESTNET_NAT_OPEN };

	memcpy(nat.out, request->out, sizeof(nat.out));
	return nat;
}

static int note_nat(struct plan *plan, char op, const struct nat *nat)
{
	struct request request = make_request(nat);

	return command_note(plan, op, &request);
}

static bool is_same(const struct nat *a, const struct nat *b)
{
	return strcmp(a->out, b->out) == 0 && address_equal(&a->to, &b->to) &&
	       a->is_open == b->is_open;
}

static int refuse_other(struct plan *plan, const struct nat *present)
{
	struct request request = make_request(present);
	_cleanup_free_ char *options = command_format_options(&request);

	if (!options)
		return error_set_errno(plan_error(plan), ENOMEM);
	return error_set(plan_error(plan), EEXIST, "exists already, with%s%s",
			 options[0] ? "" : "out options", options);
}

/* @return 1: the subnet is there just so; 0: nothing is in its way; or the refusal */
static int compare_nat(struct plan *plan, const struct nats *nats, const struct nat *wanted)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < nats->n; i++) {
		const struct nat *present = &nats->list[i];

		if (!prefix_overlaps(&present->subnet, &wanted->subnet))
			continue;
		if (!prefix_equal(&present->subnet, &wanted->subnet))
			return error_set(plan_error(plan), EEXIST,
					 "overlaps with %s, which is there already",
					 nestnet_prefix_format(&present->subnet, text));
		if (is_same(present, wanted))
			return 1;
		return refuse_other(plan, present);
	}
	return 0;
}

/* An interface may come later; but no rule matches the other name of one that is there. */
static int refuse_other_name(struct plan *plan, const char *out)
{
	struct netlink *nl;
	struct link link;
	int r = context_route(plan->ctx, &nl);

	if (r == 0 && out[0])
		r = link_get(nl, out, &link, plan_error(plan));
	return r < 0 ? r : 0;
}

int nat_plan(struct plan *plan, const struct nat_request *request)
{
	struct nat wanted = make_nat(request);
	struct nats nats = { .n = 0 };
	char text[NESTNET_TEXT_MAX];
	int r = refuse_other_name(plan, wanted.out);

	if (r == 0)
		r = read_nats(plan->elements, &nats, plan_error(plan));
	if (r == 0)
		r = compare_nat(plan, &nats, &wanted);
	if (r == 0) {
		r = change_nat(plan, &wanted, elements_put);
		if (r == 0)
			r = note_nat(plan, '+', &wanted);
		if (r == 0 && !wanted.is_open)
			r = closing_plan(plan, &wanted.subnet);
	}
	free(nats.list);
	if (r < 0)
		return error_prefix(plan_error(plan), "nat add %s",
				    nestnet_prefix_format(&request->subnet, text));
	return 0;
}

/* @param is_translated  it comes back, and its flows go out as before */
static int plan_removal(struct plan *plan, const struct nat *nat, bool is_translated)
{
	int r = change_nat(plan, nat, remove_element);

	if (r == 0)
		r = note_nat(plan, '-', nat);
	return r < 0 || is_translated ? r : nat_flows_removed(plan, &nat->subnet);
}

int nat_plan_remove(struct plan *plan, const struct nat_del_request *request)
{
	struct nats nats = { .n = 0 };
	char text[NESTNET_TEXT_MAX];
	bool is_there = false;
	int r = read_nats(plan->elements, &nats, plan_error(plan));

	for (size_t i = 0; r == 0 && i < nats.n; i++) {
		if (!prefix_equal(&nats.list[i].subnet, &request->subnet))
			continue;
		is_there = true;
		r = plan_removal(plan, &nats.list[i], false);
	}
	free(nats.list);
	if (r == 0 && !is_there && !(request->flags & NESTNET_IF_EXISTS))
		r = error_set(plan_error(plan), ENOENT, "there is no such subnet");
	if (r < 0)
		return error_prefix(plan_error(plan), "nat del %s",
				    nestnet_prefix_format(&request->subnet, text));
	return 0;
}

/* @return whether somebody wants the subnet, in some way */
static bool find_wanted(const struct plan *plan, const struct nat *nat, struct nat *ret)
{
	const struct request like = make_request(nat), *request;
	struct request buffer;

	request = plan->wanted ? objects_find(plan->wanted, &like, &buffer) : NULL;
	if (request)
		*ret = make_nat(&request->nat);
	return request;
}

static int plan_unless_wanted(struct plan *plan, const struct nat *nat)
{
	struct nat wanted;

	if (!find_wanted(plan, nat, &wanted))
		return plan_removal(plan, nat, false);
	if (is_same(nat, &wanted))
		return 0;
	return plan_removal(plan, nat,
			    strcmp(nat->out, wanted.out) == 0 &&
				    address_equal(&nat->to, &wanted.to));
}

int nat_plan_extra(struct plan *plan)
{
	struct nats nats = { .n = 0 };
	int r = read_nats(plan->elements, &nats, plan_error(plan));

	for (size_t i = 0; r == 0 && i < nats.n; i++)
		r = plan_unless_wanted(plan, &nats.list[i]);
	free(nats.list);
	return r;
}

/* That it left forwarding alone is not kept: what is off now was not turned on by it. */
static int save_nat(struct plan *plan, const struct nat *nat)
{
	struct request request = make_request(nat);
	int family = nat->subnet.address.family, is_on = 0;
	int r = setting_read(plan, family, "all", "forwarding", &is_on);

	if (r < 0)
		return r;
	if (is_on)
		plan->forwarding[family == AF_INET6] = 1;
	else
		request.nat.flags |= NESTNET_NAT_NO_FORWARD;
	return command_note(plan, '+', &request);
}

int nat_plan_save(struct plan *plan)
{
	struct nats nats = { .n = 0 };
	int r = read_nats(plan->elements, &nats, plan_error(plan));

	for (size_t i = 0; r == 0 && i < nats.n; i++)
		r = save_nat(plan, &nats.list[i]);
	free(nats.list);
	return r;
}

/* ---- Public -------------------------------------------------------------------------------------- */

static const char *why_not_subnet(const struct nestnet_prefix *subnet)
{
	if ((subnet->address.family != AF_INET && subnet->address.family != AF_INET6) ||
	    subnet->len > address_bits(subnet->address.family))
		return "not an IPv4 or IPv6 prefix";
	return prefix_has_host_bits(subnet) ? "the prefix has host bits set" : NULL;
}

static const char *why_not_nat(const struct nestnet_prefix *subnet,
			       const struct nestnet_nat_options *options)
{
	const char *why =
		flags_why_not(options->flags, NESTNET_NAT_OPEN | NESTNET_NAT_NO_FORWARD);

	if (why)
		return why;
	why = why_not_subnet(subnet);
	if (why)
		return why;
	why = prefix_why_not_unicast(subnet);
	if (why)
		return why;
	if (options->to && options->to->family != subnet->address.family)
		return "subnet and --to are not of one family";
	return options->to ? address_why_not_unicast(options->to) : NULL;
}

int nestnet_nat_add(struct nestnet_transaction *tx, const struct nestnet_prefix *subnet,
		    const struct nestnet_nat_options *options)
{
	struct nestnet_nat_options own;
	struct request request = { .kind = REQUEST_NAT_ADD, .nat = { .subnet = *subnet } };
	char text[NESTNET_TEXT_MAX];
	const char *why;
	int code;

	transaction_begin(tx);
	code = options_read(&own, sizeof(own), options, &why);
	options = &own;
	if (!code && (why = why_not_nat(subnet, options)))
		code = EINVAL;
	if (code)
		return transaction_refuse(tx, code, "nat add %s: %s",
					  nestnet_prefix_format(subnet, text), why);
	if (options->out && (why = name_why_not_interface(options->out)))
		return transaction_refuse(tx, EINVAL, "nat add %s: interface '%s': %s",
					  nestnet_prefix_format(subnet, text),
					  options->out, why);
	request.nat.flags = options->flags;
	if (options->out)
		snprintf(request.nat.out, NESTNET_IFNAMSIZ, "%s", options->out);
	if (options->to)
		request.nat.to = *options->to;
	return transaction_add(tx, &request);
}

int nestnet_nat_del(struct nestnet_transaction *tx, const struct nestnet_prefix *subnet,
		    unsigned int flags)
{
	struct request request = { .kind = REQUEST_NAT_DEL,
				   .nat_del = { .subnet = *subnet, .flags = flags } };

	char text[NESTNET_TEXT_MAX];
	const char *why = why_not_subnet(subnet);

	transaction_begin(tx);
	if (!why)
		why = flags_why_not(flags, NESTNET_IF_EXISTS);
	if (why)
		return transaction_refuse(tx, EINVAL, "nat del %s: %s",
					  nestnet_prefix_format(subnet, text), why);
	return transaction_add(tx, &request);
}

int nestnet_nat_list(struct nestnet *ctx, nestnet_nat_fn fn, void *userdata)
{
	struct nats nats = { .n = 0 };
	char id[NESTNET_TEXT_MAX];
	struct plan *plan;
	int r;

	context_begin(ctx);
	r = plan_new(ctx, &plan);
	if (r < 0)
		return context_end(ctx, r);
	r = read_nats(plan->elements, &nats, &ctx->error);
	if (r < 0)
		r = context_end(ctx, error_prefix(&ctx->error, "list subnets"));
	for (size_t i = 0; r == 0 && i < nats.n; i++) {
		const struct nat *from = &nats.list[i];
		struct nestnet_nat nat = { .id = nestnet_prefix_format(&from->subnet, id),
					   .subnet = from->subnet,
					   .out = from->out[0] ? from->out : NULL,
					   .to = from->to.family ? &from->to : NULL,
					   .is_open = from->is_open };

		r = fn(userdata, &nat);
	}
	free(nats.list);
	plan_free(plan);
	return r;
}
