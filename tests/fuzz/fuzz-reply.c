/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel that answers with anything: every question of the kernel room, one bus a target
 * (FUZZ_BUS). What comes out is a value of its type, or an error; nothing is read behind a
 * datagram, and nothing waits for ever.
 *
 * The first byte of the input chooses the question. Then there are datagrams, each behind
 * two bytes with its length. So that more than headers is looked at, the sequence numbers of
 * their messages are those of the question, unless the length's highest bit says otherwise.
 */

#include "fuzz.h"

#include "kernel/address.h"
#include "kernel/conntrack.h"
#include "kernel/foreign.h"
#include "kernel/link.h"
#include "kernel/listener.h"
#include "kernel/neighbour.h"
#include "kernel/netlink.h"
#include "kernel/nft.h"
#include "kernel/route.h"

#include "rules/rule-text.h"
#include "table/ruleset.h"

#include "base/error.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- The kernel ---------------------------------------------------------------------------- */

static struct {
	const uint8_t *bytes;
	size_t len;
	uint32_t sequence; /* of the last question's first message */
	unsigned int receives;
} answers;

static ssize_t send_nowhere(void *userdata, int fd, const void *bytes, size_t len)
{
	const struct nlmsghdr *first = bytes;

	(void)userdata;
	(void)fd;
	answers.sequence = first->nlmsg_seq;
	return (ssize_t)len;
}

/* Numbers the messages of a datagram as the question's. */
static void number(char *bytes, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;

		memcpy(&header, bytes + at, sizeof(header));
		header.nlmsg_seq += answers.sequence;
		memcpy(bytes + at, &header, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > len - at)
			return;
		at += NLMSG_ALIGN(header.nlmsg_len);
		if (at > len)
			return;
	}
}

static ssize_t receive_answer(void *userdata, int fd, void *buffer, size_t size)
{
	bool is_numbered;
	size_t len;

	(void)userdata;
	(void)fd;
	if (answers.receives++ > 100000)
		abort(); /* it hangs */
	if (answers.len < 2) {
		errno = EAGAIN;
		return -1;
	}
	len = (size_t)(answers.bytes[0] & 0x7f) << 8 | answers.bytes[1];
	is_numbered = !(answers.bytes[0] & 0x80);
	answers.bytes += 2;
	answers.len -= 2;
	if (len > answers.len)
		len = answers.len;
	if (len > size)
		len = size;
	memcpy(buffer, answers.bytes, len);
	answers.bytes += len;
	answers.len -= len;
	if (is_numbered)
		number(buffer, len);
	return (ssize_t)len;
}

static const struct netlink_transport transport = {
	.send = send_nowhere,
	.receive = receive_answer,
};

/* ---- The real kernel, recorded as an input ------------------------------------------------- */

static FILE *record;

static ssize_t send_real(void *userdata, int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	(void)send_nowhere(userdata, fd, bytes, len);
	return sendto(fd, bytes, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

/* As the input has it: the length, and numbers from the question's. */
static ssize_t receive_real(void *userdata, int fd, void *buffer, size_t size)
{
	ssize_t len = recv(fd, buffer, size, MSG_DONTWAIT);
	char *copy;

	(void)userdata;
	/* What is longer than a datagram of ours can be is no good seed. */
	if (len <= 0 || len > 0x7fff)
		return len;
	copy = malloc((size_t)len);
	if (!copy)
		abort();
	memcpy(copy, buffer, (size_t)len);
	answers.sequence = -answers.sequence;
	number(copy, (size_t)len);
	answers.sequence = -answers.sequence;
	fputc((int)(len >> 8), record);
	fputc((int)(len & 0xff), record);
	fwrite(copy, 1, (size_t)len, record);
	free(copy);
	return len;
}

static const struct netlink_transport recorder = {
	.send = send_real,
	.receive = receive_real,
};

/* ---- Questions ------------------------------------------------------------------------------- */

static struct error error;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text, size_t size)
{
	must(memchr(text, '\0', size));
}

static void check_result(int r)
{
	must(r <= 1 && r > -4096);
	check_text(error.text, sizeof(error.text));
}

static int take_link(void *userdata, const struct link *link)
{
	(void)userdata;
	if (link) {
		check_text(link->name, sizeof(link->name));
		check_text(link->alias, sizeof(link->alias));
	}
	return 0;
}

static int take_address(void *userdata, const struct interface_address *address)
{
	(void)userdata;
	if (address)
		must(address->prefix.len <= 128);
	return 0;
}

static int take_route(void *userdata, const struct route *route)
{
	(void)userdata;
	if (route)
		must(route->destination.len <= 128);
	return 0;
}

static int take_neighbour(void *userdata, const struct neighbour *neighbour)
{
	(void)userdata;
	(void)neighbour;
	return 0;
}

static void ask_route(struct netlink *nl, unsigned int question)
{
	const struct nestnet_address address = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } };
	const uint8_t mac[6] = { 2 };
	struct nestnet_address source;
	struct route route;
	struct link link;

	switch (question % 12) {
	case 0:
		check_result(link_list(nl, take_link, NULL, &error));
		return;
	case 1:
		check_result(link_get(nl, "lo", &link, &error));
		return;
	case 2:
		check_result(address_list(nl, take_address, NULL, &error));
		return;
	case 3:
		check_result(route_get(nl, &address, &route, &error));
		return;
	case 4:
		check_result(route_list_default(nl, take_route, NULL, &error));
		return;
	case 5:
		check_result(route_list_local(nl, take_route, NULL, &error));
		return;
	case 6:
		check_result(route_list_gateways(nl, AF_INET6, take_route, NULL, &error));
		return;
	case 7:
		check_result(neighbour_list(nl, take_neighbour, NULL, &error));
		return;
	case 8:
		check_result(neighbour_list_learned(nl, take_neighbour, NULL, &error));
		return;
	case 9:
		check_result(route_get_source(nl, AF_INET, 1, &source, &error));
		return;
	case 10:
		check_result(link_add_bridge(nl, "br0", mac, 1500, false, &error));
		return;
	case 11:
		check_result(link_delete(nl,
					 (const struct link_id[]){ { 3, "a" }, { 4, "b" } },
					 2, &error));
		return;
	}
}

static int take_element(void *userdata, const struct nft_element *element)
{
	(void)userdata;
	if (element)
		check_text(element->comment, sizeof(element->comment));
	return 0;
}

static int take_flow(void *userdata, const struct conntrack_flow *flow)
{
	(void)userdata;
	(void)flow;
	return 0;
}

static void ask_elements(struct netlink *nl, enum ruleset_set set, int family)
{
	check_result(nft_element_list(nl, &ruleset_table, ruleset_set_spec(set, family),
				      take_element, NULL, &error));
}

static void ask_netfilter(struct netlink *nl, unsigned int question)
{
	const struct conntrack_filter filter = { .family = AF_INET6 };
	const uint8_t key[NFT_KEY_MAX] = { 10, 128, 0, 13 };
	char comment[NFT_COMMENT_MAX + 1];
	struct nft_element element;
	uint32_t generation;
	int r;

	switch (question % 8) {
	case 0:
		ask_elements(nl, RULESET_ADDR, AF_INET);
		return;
	case 1:
		ask_elements(nl, RULESET_PORT_TIMED, AF_INET6);
		return;
	case 2:
		ask_elements(nl, RULESET_RANGE, AF_INET);
		return;
	case 3:
		ask_elements(nl, RULESET_PREF, AF_INET6);
		return;
	case 4:
		r = nft_element_get(nl, &ruleset_table, ruleset_set_spec(RULESET_ADDR, AF_INET),
				    key, NULL, &element, &error);
		check_result(r);
		if (r == 1)
			check_text(element.comment, sizeof(element.comment));
		return;
	case 5:
		r = nft_table_get(nl, &ruleset_table, &generation, comment, sizeof(comment),
				  &error);
		check_result(r);
		if (r >= 0)
			check_text(comment, sizeof(comment));
		return;
	case 6:
		check_result(conntrack_list(nl, &filter, take_flow, NULL, &error));
		return;
	case 7:
		check_result(nft_chain_get(nl, &ruleset_table, "forward", &error));
		return;
	}
}

/* ---- Rules of others --------------------------------------------------------------------------- */

static int take_foreign_element(void *userdata, const struct foreign_element *element)
{
	(void)userdata;
	must(element->len <= FOREIGN_REGISTERS);
	return 0;
}

static void spell(const struct foreign_chain *chain)
{
	char text[RULE_TEXT_MAX];

	for (size_t i = 0; i < chain->n; i++)
		check_text(rule_text(chain, &chain->rules[i], text), sizeof(text));
}

/* The answers to both questions come from the same input, one behind the other. */
static void ask_rules(struct netlink *nl)
{
	struct foreign foreign = { .n = 0 };

	if (foreign_read_chains(nl, &foreign, &error) < 0)
		return;
	for (size_t i = 0; i < foreign.n && i < 8; i++) {
		struct foreign_chain *chain = &foreign.chains[i];

		if (foreign_read_rules(nl, &foreign, chain->family, chain->table, &error) < 0)
			break;
		spell(chain);
		check_result(foreign_list_elements(nl, chain, "hosts", take_foreign_element, NULL,
						   &error));
	}
	foreign_clear(&foreign);
}

static void ask_sockets(struct netlink *nl)
{
	const struct nestnet_address address = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } };

	check_result(listener_get(nl, &address, IPPROTO_TCP, 80, &error));
	check_result(listener_get(nl, &address, IPPROTO_UDP, 53, &error));
}

/* ---- The target ---------------------------------------------------------------------------------- */

#define FUZZ_ROUTE     0
#define FUZZ_NETFILTER 1
#define FUZZ_RULES     2
#define FUZZ_SOCKETS   3

static struct netlink *open_bus(const struct netlink_transport *chosen)
{
	static const enum netlink_bus buses[] = { NETLINK_BUS_ROUTE, NETLINK_BUS_NETFILTER,
						  NETLINK_BUS_NETFILTER, NETLINK_BUS_SOCKETS };
	struct netlink *nl = NULL;

	must(netlink_open(buses[FUZZ_BUS], &nl, &error) == 0);
	netlink_set_transport(nl, chosen, NULL);
	return nl;
}

static void ask(struct netlink *nl, unsigned int question)
{
	switch (FUZZ_BUS) {
	case FUZZ_ROUTE:
		ask_route(nl, question);
		break;
	case FUZZ_NETFILTER:
		ask_netfilter(nl, question);
		break;
	case FUZZ_RULES:
		ask_rules(nl);
		break;
	case FUZZ_SOCKETS:
		ask_sockets(nl);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink *nl;

	if (size < 1)
		return 0;
	memset(&error, 0, sizeof(error));
	answers.bytes = data + 1;
	answers.len = size - 1;
	answers.receives = 0;
	nl = open_bus(&transport);
	ask(nl, data[0]);
	netlink_free(nl);
	return 0;
}

/* With NN_FUZZ_RECORD=DIRECTORY, what the kernel of this namespace answers to each question
 * becomes a seed. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const unsigned int questions[] = { 12, 8, 1, 1 };
	const char *directory = getenv("NN_FUZZ_RECORD");

	(void)argc;
	(void)argv;
	if (!directory)
		return 0;
	for (unsigned int i = 0; i < questions[FUZZ_BUS]; i++) {
		struct netlink *nl;
		char path[256];

		snprintf(path, sizeof(path), "%s/%u", directory, i);
		record = fopen(path, "we");
		must(record);
		fputc((int)i, record);
		nl = open_bus(&recorder);
		ask(nl, i);
		netlink_free(nl);
		must(fclose(record) == 0);
	}
	exit(0);
}
