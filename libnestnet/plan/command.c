/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests as commands. An option that is at its default is not said. */

#include "plan/command.h"

#include "base/cleanup.h"
#include "base/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Links ---------------------------------------------------------------------------------- */

static void put_addresses(FILE *file, const struct prefixes *addresses)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < addresses->n; i++) {
		const struct nestnet_prefix *prefix = &addresses->list[i];

		fprintf(file, " --address %s/%u",
			nestnet_address_format(&prefix->address, text), prefix->len);
	}
}

static void put_mac(FILE *file, const uint8_t *mac)
{
	char text[NESTNET_TEXT_MAX];

	fprintf(file, " --mac %s", nestnet_mac_format(mac, text));
}

/* An id, since names of users are not the library's to look up; root is the default. */
static void put_owners(FILE *file, const struct tap_request *tap)
{
	bool has_group = tap->flags & NESTNET_TAP_HAS_GROUP;

	if ((tap->flags & NESTNET_TAP_HAS_OWNER) && (tap->owner != 0 || has_group))
		fprintf(file, " --owner %u", tap->owner);
	if (has_group)
		fprintf(file, " --group %u", tap->group);
}

static bool put_tap(FILE *file, const struct tap_request *tap)
{
	_cleanup_free_ char *guard = guard_format(&tap->guard);
	char text[NESTNET_TEXT_MAX];

	fprintf(file, "tap add %s", tap->name);
	if (tap->bridge[0])
		fprintf(file, " --bridge %s", tap->bridge);
	put_addresses(file, &tap->addresses);
	put_owners(file, tap);
	if (tap->queues > 1)
		fprintf(file, " --queues %u", tap->queues);
	if (tap->flags & NESTNET_TAP_VNET_HDR)
		fputs(" --vnet-hdr", file);
	if (tap->has_mac)
		put_mac(file, tap->mac);
	if (tap->flags & NESTNET_TAP_MTU_AUTO)
		fputs(" --mtu auto", file);
	else if (tap->mtu)
		fprintf(file, " --mtu %u", tap->mtu);
	if (tap->flags & NESTNET_TAP_ISOLATED)
		fputs(" --isolated", file);
	if (tap->flags & NESTNET_TAP_NO_HAIRPIN)
		fputs(" --no-hairpin", file);
	if (guard)
		fputs(guard, file);
	if (tap->lease.family)
		fprintf(file, " --lease %s", nestnet_address_format(&tap->lease, text));
	return guard;
}

static void put_bridge(FILE *file, const struct bridge_request *bridge)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];

	fprintf(file, "bridge add %s", bridge->name);
	put_addresses(file, &bridge->addresses);
	if (bridge->mtu)
		fprintf(file, " --mtu %u", bridge->mtu);
	if (bridge->has_mac)
		put_mac(file, bridge->mac);
	if (bridge->flags & NESTNET_BRIDGE_STP)
		fputs(" --stp", file);
	if (bridge->dhcp.first.family)
		fprintf(file, " --dhcp %s-%s",
			nestnet_address_format(&bridge->dhcp.first, first),
			nestnet_address_format(&bridge->dhcp.last, last));
}

static void put_attach(FILE *file, const struct attach_request *attach)
{
	fprintf(file, "bridge attach %s %s", attach->bridge, attach->ifname);
	if (attach->flags & NESTNET_ATTACH_MOVE_ADDRESSES)
		fputs(" --move-addresses", file);
	if (attach->flags & NESTNET_ATTACH_NO_HAIRPIN)
		fputs(" --no-hairpin", file);
}

/* ---- Exposures -------------------------------------------------------------------------------- */

static const char *egress_name(enum nestnet_egress egress)
{
	switch (egress) {
	case NESTNET_EGRESS_MASQUERADE:
		return "masquerade";
	case NESTNET_EGRESS_ALIAS:
		return "alias";
	case NESTNET_EGRESS_NONE:
		return "none";
	}
	return "";
}

static void put_from(FILE *file, const struct prefixes *from)
{
	char text[NESTNET_TEXT_MAX];

	for (size_t i = 0; i < from->n; i++)
		fprintf(file, " --from %s/%u",
			nestnet_address_format(&from->list[i].address, text),
			from->list[i].len);
}

static void put_excepts(FILE *file, const struct endpoints *excepts)
{
	for (size_t i = 0; i < excepts->n; i++) {
		const struct nestnet_endpoint *except = &excepts->list[i];

		fprintf(file, " --except %u", except->first_port);
		if (except->last_port != except->first_port)
			fprintf(file, "-%u", except->last_port);
		fprintf(file, "/%s", protocol_name(except->protocol));
	}
}

static void put_expose_options(FILE *file, const struct expose_request *expose)
{
	if (expose->egress != NESTNET_EGRESS_MASQUERADE)
		fprintf(file, " --egress %s", egress_name(expose->egress));
	if (expose->flags & NESTNET_EXPOSE_NO_LOCAL)
		fputs(" --no-local", file);
	if (expose->flags & NESTNET_EXPOSE_OPEN)
		fputs(" --open", file);
	if (expose->flags & NESTNET_EXPOSE_COEXIST)
		fputs(" --coexist", file);
	if (expose->flags & NESTNET_EXPOSE_NO_FORWARD)
		fputs(" --no-forward", file);
	if (expose->flags & NESTNET_EXPOSE_FORCE)
		fputs(" --force", file);
	put_from(file, &expose->from);
	put_excepts(file, &expose->except);
	if (expose->timeout_ms)
		fprintf(file, " --timeout %llus",
			(unsigned long long)(expose->timeout_ms + 999) / 1000);
	if (expose->tap)
		fprintf(file, " --tap %s", expose->tap);
	if (expose->comment)
		fprintf(file, " --comment '%s'", expose->comment);
}

const char *command_format_target(const struct expose_request *expose, char *buf)
{
	struct nestnet_endpoint target = expose->target;

	if (target.first_port == expose->alias.first_port)
		target.first_port = target.last_port = 0;
	return nestnet_endpoint_format(&target, buf);
}

static void put_expose(FILE *file, const struct expose_request *expose)
{
	char alias[NESTNET_TEXT_MAX], target[NESTNET_TEXT_MAX];

	fprintf(file, "expose %s %s", nestnet_endpoint_format(&expose->alias, alias),
		command_format_target(expose, target));
	put_expose_options(file, expose);
}

/* ---- The rest ---------------------------------------------------------------------------------- */

static void put_nat_options(FILE *file, const struct nat_request *nat)
{
	char to[NESTNET_TEXT_MAX];

	if (nat->out[0])
		fprintf(file, " --out %s", nat->out);
	if (nat->to.family)
		fprintf(file, " --to %s", nestnet_address_format(&nat->to, to));
	if (nat->flags & NESTNET_NAT_OPEN)
		fputs(" --open", file);
	if (nat->flags & NESTNET_NAT_NO_FORWARD)
		fputs(" --no-forward", file);
}

static void put_nat(FILE *file, const struct nat_request *nat)
{
	char subnet[NESTNET_TEXT_MAX];

	fprintf(file, "nat add %s/%u", nestnet_address_format(&nat->subnet.address, subnet),
		nat->subnet.len);
	put_nat_options(file, nat);
}

static void put_alias(FILE *file, const struct alias_request *alias)
{
	char text[NESTNET_TEXT_MAX];

	fprintf(file, "alias add %s --dev %s", nestnet_prefix_format(&alias->prefix, text),
		alias->dev);
}

static void put_forward(FILE *file, const struct forward_request *forward)
{
	fprintf(file, "forward %s%s%s%s", forward->is_on ? "on" : "off",
		forward->ifname[0] ? " " : "", forward->ifname,
		forward->family == AF_INET    ? " -4"
		: forward->family == AF_INET6 ? " -6"
					      : "");
}

/* @return false: out of memory */
static bool put_command(FILE *file, const struct request *request)
{
	switch (request->kind) {
	case REQUEST_EXPOSE:
		put_expose(file, &request->expose);
		return true;
	case REQUEST_TAP_ADD:
		return put_tap(file, &request->tap);
	case REQUEST_BRIDGE_ADD:
		put_bridge(file, &request->bridge);
		return true;
	case REQUEST_ATTACH:
		put_attach(file, &request->attach);
		return true;
	case REQUEST_NAT_ADD:
		put_nat(file, &request->nat);
		return true;
	case REQUEST_FORWARD:
		put_forward(file, &request->forward);
		return true;
	case REQUEST_ALIAS_ADD:
		put_alias(file, &request->alias);
		return true;
	case REQUEST_UNEXPOSE:
	case REQUEST_UNEXPOSE_TARGET:
	case REQUEST_TAP_DEL:
	case REQUEST_BRIDGE_DEL:
	case REQUEST_DETACH:
	case REQUEST_NAT_DEL:
	case REQUEST_ALIAS_DEL:
	case REQUEST_CLEAR:
		break; /* a removal is told as what it takes back */
	}
	return true;
}

/* @return allocated, or NULL: out of memory */
static char *end_text(FILE *file, char **text, bool is_complete)
{
	if (fclose(file) == 0 && is_complete)
		return *text;
	free(*text);
	return NULL;
}

char *command_format(const struct request *request)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	return file ? end_text(file, &text, put_command(file, request)) : NULL;
}

char *command_format_options(const struct request *request)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	if (request->kind == REQUEST_EXPOSE)
		put_expose_options(file, &request->expose);
	else if (request->kind == REQUEST_NAT_ADD)
		put_nat_options(file, &request->nat);
	return end_text(file, &text, true);
}

static const char *command_verb(const struct request *request)
{
	switch (request->kind) {
	case REQUEST_EXPOSE:
		return "expose";
	case REQUEST_UNEXPOSE:
	case REQUEST_UNEXPOSE_TARGET:
		return "unexpose";
	case REQUEST_TAP_ADD:
		return "tap add";
	case REQUEST_TAP_DEL:
		return "tap del";
	case REQUEST_BRIDGE_ADD:
		return "bridge add";
	case REQUEST_BRIDGE_DEL:
		return "bridge del";
	case REQUEST_ATTACH:
		return "bridge attach";
	case REQUEST_DETACH:
		return "bridge detach";
	case REQUEST_NAT_ADD:
		return "nat add";
	case REQUEST_NAT_DEL:
		return "nat del";
	case REQUEST_FORWARD:
		return request->forward.is_on ? "forward on" : "forward off";
	case REQUEST_ALIAS_ADD:
		return "alias add";
	case REQUEST_ALIAS_DEL:
		return "alias del";
	case REQUEST_CLEAR:
		return "clear";
	}
	return "";
}

/* @return what it is about, in text or in the request; "": the host */
static const char *command_object(const struct request *request, char *text)
{
	switch (request->kind) {
	case REQUEST_EXPOSE:
		return nestnet_endpoint_format(&request->expose.alias, text);
	case REQUEST_UNEXPOSE:
		return nestnet_endpoint_format(&request->unexpose.alias, text);
	case REQUEST_UNEXPOSE_TARGET:
		return request->unexpose_target.target.family
			       ? nestnet_address_format(&request->unexpose_target.target,
							text)
			       : "--all";
	case REQUEST_TAP_ADD:
		return request->tap.name;
	case REQUEST_BRIDGE_ADD:
		return request->bridge.name;
	case REQUEST_TAP_DEL:
	case REQUEST_BRIDGE_DEL:
	case REQUEST_DETACH:
		return request->link.name;
	case REQUEST_ATTACH:
		return request->attach.ifname;
	case REQUEST_NAT_ADD:
		return nestnet_prefix_format(&request->nat.subnet, text);
	case REQUEST_NAT_DEL:
		return nestnet_prefix_format(&request->nat_del.subnet, text);
	case REQUEST_FORWARD:
		return request->forward.ifname;
	case REQUEST_ALIAS_ADD:
	case REQUEST_ALIAS_DEL:
		return nestnet_prefix_format(&request->alias.prefix, text);
	case REQUEST_CLEAR:
		break;
	}
	return "";
}

size_t command_name(const struct request *request, char *buf, size_t size)
{
	const char *verb = command_verb(request), *object;
	char text[NESTNET_TEXT_MAX];

	object = command_object(request, text);
	snprintf(buf, size, "%s%s%s%s", verb,
		 request->kind == REQUEST_UNEXPOSE_TARGET &&
				 request->unexpose_target.target.family
			 ? " --target"
			 : "",
		 object[0] ? " " : "", object);
	return strlen(verb);
}

/* A stream in memory has 8 KiB to clear: one does for all that a plan says. */
struct words {
	FILE *file;
	char *text;
	size_t len;
};

struct words *command_free_words(struct words *words)
{
	if (!words)
		return NULL;
	fclose(words->file);
	free(words->text);
	free(words);
	return NULL;
}

static struct words *words_of(struct plan *plan)
{
	struct words *words = plan->words;

	if (words)
		return words;
	words = calloc(1, sizeof(*words));
	if (!words)
		return NULL;
	words->file = open_memstream(&words->text, &words->len);
	if (!words->file) {
		free(words);
		return NULL;
	}
	plan->words = words;
	return words;
}

int command_note(struct plan *plan, char op, const struct request *request)
{
	struct words *words;

	if (!plan_wants_words(plan)) {
		plan_count(plan);
		return 0;
	}
	words = words_of(plan);
	if (!words)
		return error_set_errno(plan_error(plan), ENOMEM);
	rewind(words->file);
	if (!put_command(words->file, request) || fputc('\0', words->file) == EOF ||
	    fflush(words->file) != 0)
		return error_set_errno(plan_error(plan), ENOMEM);
	return plan_note(plan, op, "%s", words->text);
}
