/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replies that are not what the kernel said: real answers to our own questions, with bytes
 * changed and attributes cut on their way. What comes out of the kernel room must be a value
 * of its type, or nothing. The headers are left alone: test-netlink.c has those.
 */

#include "damage.h"
#include "harness.h"

#include "kernel/address.h"
#include "kernel/link.h"
#include "kernel/listener.h"
#include "kernel/netlink.h"
#include "kernel/nft.h"
#include "kernel/route.h"

#include "base/address.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROUNDS 3000

static struct error error;
static unsigned int n_given; /* values that came out */

/* ---- The real kernel, damaged ---------------------------------------------------------------- */

static struct netlink *open_damaged(enum netlink_bus bus)
{
	struct netlink *nl = NULL;

	ck_assert_msg(netlink_open(bus, &nl, &error) == 0, "%s", error.text);
	netlink_set_transport(nl, &damage_transport, NULL);
	damage_seed(11);
	return nl;
}

static void check_text(const char *text, size_t size)
{
	ck_assert_ptr_nonnull(memchr(text, '\0', size));
}

static void check_prefix(const struct nestnet_prefix *prefix)
{
	ck_assert(prefix->address.family == AF_INET ||
		  prefix->address.family == AF_INET6);
	ck_assert_uint_le(prefix->len, address_bits(prefix->address.family));
	n_given++;
}

static void check_result(int r)
{
	ck_assert_int_le(r, 1);
	ck_assert_int_gt(r, -4096);
	check_text(error.text, sizeof(error.text));
}

static int take_link(void *userdata, const struct link *link)
{
	(void)userdata;
	if (!link)
		return 0;
	check_text(link->name, sizeof(link->name));
	check_text(link->alias, sizeof(link->alias));
	n_given++;
	return 0;
}

START_TEST(damaged_links_are_links_or_nothing)
{
	struct netlink *nl = open_damaged(NETLINK_BUS_ROUTE);
	struct link link;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_result(link_list(nl, take_link, NULL, &error));
		check_result(link_get(nl, "lo", &link, &error));
		check_result(link_get_by_index(nl, 1, &link, &error));
	}
	ck_assert_uint_gt(n_given, 0);
	netlink_free(nl);
}
END_TEST

static int take_address(void *userdata, const struct interface_address *address)
{
	(void)userdata;
	if (address)
		check_prefix(&address->prefix);
	return 0;
}

START_TEST(damaged_addresses_are_addresses_or_nothing)
{
	struct netlink *nl = open_damaged(NETLINK_BUS_ROUTE);

	for (unsigned int i = 0; i < ROUNDS; i++)
		check_result(address_list(nl, take_address, NULL, &error));
	netlink_free(nl);
}
END_TEST

static int take_route(void *userdata, const struct route *route)
{
	(void)userdata;
	if (route)
		check_prefix(&route->destination);
	return 0;
}

START_TEST(damaged_routes_are_routes_or_nothing)
{
	struct netlink *nl = open_damaged(NETLINK_BUS_ROUTE);
	struct nestnet_address address, source;
	struct route route;

	ck_assert_int_eq(nestnet_address_parse("127.0.0.1", &address), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		int r;

		check_result(route_list_local(nl, take_route, NULL, &error));
		check_result(route_list_default(nl, take_route, NULL, &error));
		r = route_get(nl, &address, &route, &error);
		check_result(r);
		if (r == 1)
			check_prefix(&route.destination);
		r = route_get_source(nl, AF_INET, 1, &source, &error);
		check_result(r);
		if (r == 1)
			ck_assert_int_eq(source.family, AF_INET);
	}
	netlink_free(nl);
}
END_TEST

START_TEST(damaged_sockets_are_listeners_or_nothing)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct netlink *nl = open_damaged(NETLINK_BUS_SOCKETS);
	struct nestnet_address address;
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	ck_assert_int_eq(nestnet_address_parse("127.0.0.1", &address), 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		check_result(listener_get(nl, &address, IPPROTO_TCP, ntohs(any.sin_port),
					  &error));
	netlink_free(nl);
}
END_TEST

/* ---- nf_tables, which answers only the privileged: answers of our own making --------------------- */

static const struct nft_table table = { .family = NFT_FAMILY_INET, .name = "some" };

static const struct nft_set_spec specs[] = {
	{ .name = "hash",
	  .key_type = NFT_TYPE_IPV4,
	  .key_len = 4,
	  .data_type = NFT_TYPE_IPV4,
	  .data_len = 4,
	  .flags = NFT_SPEC_COUNTER | NFT_SPEC_TIMEOUT },
	{ .name = "rbtree",
	  .key_type = NFT_TYPE_IPV4,
	  .key_len = 4,
	  .flags = NFT_SPEC_INTERVAL },
	{ .name = "pipapo",
	  .key_type = NFT_TYPE2(NFT_TYPE_IPV4, NFT_TYPE_IPV4),
	  .key_len = 8,
	  .fields = { 4, 4 },
	  .flags = NFT_SPEC_INTERVAL },
	{ .name = "longest", .key_len = NFT_KEY_MAX, .data_len = NFT_DATA_MAX },
};

struct forge {
	const struct nft_set_spec *spec;
	uint32_t sequence;
	bool is_given;
};

static ssize_t send_nowhere(void *userdata, int fd, const void *bytes, size_t len)
{
	struct forge *forge = userdata;
	const struct nlmsghdr *request = bytes;

	(void)fd;
	forge->sequence = request->nlmsg_seq;
	forge->is_given = false;
	return (ssize_t)len;
}

static void put_element(struct nlmsghdr *message, const struct nft_set_spec *spec)
{
	static const unsigned char userdata[] = "\x00\x05hello", bytes[64];
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM), *nest,
		      *data;

	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	mnl_attr_put(message, NFTA_DATA_VALUE, spec->key_len, bytes);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY_END);
	mnl_attr_put(message, NFTA_DATA_VALUE, spec->key_len, bytes);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
	mnl_attr_put(message, NFTA_DATA_VALUE, spec->data_len, bytes);
	mnl_attr_nest_end(message, nest);
	mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(damage_random() % 2));
	mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, 1);
	mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION, 1);
	mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, sizeof(userdata) - 1, userdata);
	nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_EXPR);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, 1);
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, 1);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, element);
}

static ssize_t receive_forged(void *userdata, int fd, void *buffer, size_t size)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer), *done;
	struct forge *forge = userdata;
	struct nlattr *list;
	int32_t *code;

	(void)fd;
	ck_assert_uint_gt(size, 4096);
	if (forge->is_given) {
		errno = EAGAIN;
		return -1;
	}
	forge->is_given = true;
	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM;
	message->nlmsg_seq = forge->sequence;
	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	put_element(message, forge->spec);
	put_element(message, forge->spec);
	mnl_attr_nest_end(message, list);

	done = (void *)((char *)buffer + MNL_ALIGN(message->nlmsg_len));
	done = mnl_nlmsg_put_header(done);
	done->nlmsg_type = NLMSG_DONE;
	done->nlmsg_seq = forge->sequence;
	code = mnl_nlmsg_put_extra_header(done, sizeof(*code));
	*code = 0;
	size = MNL_ALIGN(message->nlmsg_len) + done->nlmsg_len;
	damage_bytes(mnl_nlmsg_get_payload(message), mnl_nlmsg_get_payload_len(message));
	return (ssize_t)size;
}

static int take_element(void *userdata, const struct nft_element *element)
{
	(void)userdata;
	if (!element)
		return 0;
	check_text(element->comment, sizeof(element->comment));
	n_given++;
	return 0;
}

START_TEST(damaged_elements_are_elements_or_nothing)
{
	static const struct netlink_transport forged = { .send = send_nowhere,
							 .receive = receive_forged };
	struct netlink *nl = open_damaged(NETLINK_BUS_NETFILTER);
	struct forge forge = { .spec = &specs[_i] };

	netlink_set_transport(nl, &forged, &forge);
	for (unsigned int i = 0; i < 10 * ROUNDS; i++)
		check_result(nft_element_list(nl, &table, &specs[_i], take_element, NULL,
					      &error));
	ck_assert_uint_gt(n_given, ROUNDS);
	netlink_free(nl);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damaged replies");
	TCase *tcase = harness_case(suite, "damaged", 60);

	tcase_add_test(tcase, damaged_links_are_links_or_nothing);
	tcase_add_test(tcase, damaged_addresses_are_addresses_or_nothing);
	tcase_add_test(tcase, damaged_routes_are_routes_or_nothing);
	tcase_add_test(tcase, damaged_sockets_are_listeners_or_nothing);
	add_table_test(tcase, damaged_elements_are_elements_or_nothing, specs);
	return harness_run(suite);
}
