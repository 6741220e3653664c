/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor FROM TO: the least that one exposure can cost. For each number the same messages as
 * nestnet_expose() of an address sends and the same file that it reads, packed by hand, over
 * two sockets that stay open, with nothing around them: no plan, no undo, no library.
 * Prints what each took, in microseconds. (floor generation: prints the generation of the
 * ruleset.) It wants nestnet's table, and changes it past nestnet: for a namespace that is
 * thrown away.
 */

#include "numbers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char out[8192], in[32768];
static size_t out_len;
static uint32_t sequence;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(int bus)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus), on = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("socket");
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return fd;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void put(const void *bytes, size_t len)
{
	memcpy(out + out_len, bytes, len);
	out_len += len;
	while (out_len % 4)
		out[out_len++] = 0;
}

static size_t begin(uint16_t type, uint16_t flags)
{
	struct nlmsghdr header = { .nlmsg_type = type,
				   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				   .nlmsg_seq = ++sequence };
	size_t at = out_len;

	put(&header, sizeof(header));
	return at;
}

static size_t begin_netfilter(unsigned int type, uint16_t flags, uint8_t family,
			      uint16_t id)
{
	struct nfgenmsg generic = { .nfgen_family = family, .res_id = htons(id) };
	size_t at = begin((uint16_t)type, flags);

	put(&generic, sizeof(generic));
	return at;
}

static void end(size_t at)
{
	((struct nlmsghdr *)(out + at))->nlmsg_len = (uint32_t)(out_len - at);
}

static void attr(uint16_t type, const void *bytes, size_t len)
{
	struct nlattr header = { .nla_len = (uint16_t)(sizeof(header) + len),
				 .nla_type = type };

	put(&header, sizeof(header));
	put(bytes, len);
}

static void attr_u32(uint16_t type, uint32_t value)
{
	attr(type, &value, sizeof(value));
}

static void attr_text(uint16_t type, const char *text)
{
	attr(type, text, strlen(text) + 1);
}

static size_t nest(uint16_t type)
{
	struct nlattr header = { .nla_type = type | NLA_F_NESTED };
	size_t at = out_len;

	put(&header, sizeof(header));
	return at;
}

static void nest_end(size_t at)
{
	((struct nlattr *)(out + at))->nla_len = (uint16_t)(out_len - at);
}

/* Sends what was put, and reads answers until count of them said that they are the last.
 * @return the last attribute of u32 type 1 that an answer had (a generation) */
static uint32_t ask(int fd, unsigned int count)
{
	uint32_t value = 0;

	if (send(fd, out, out_len, 0) < 0)
		die("send");
	out_len = 0;
	while (count) {
		ssize_t len = recv(fd, in, sizeof(in), 0);
		struct nlmsghdr *message = (struct nlmsghdr *)in;

		if (len < 0)
			die("recv");
		for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
			const struct nlmsgerr *error = NLMSG_DATA(message);

			if (message->nlmsg_type == NLMSG_ERROR) {
				count--;
				if (error->error && error->error != -ENOENT &&
				    error->error != -ENETUNREACH) {
					errno = -error->error;
					die("answer");
				}
			} else if (message->nlmsg_type ==
				   (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)) {
				memcpy(&value, in + NLMSG_LENGTH(8), sizeof(value));
			}
		}
	}
	return value;
}

/* ---- What an exposure sends ------------------------------------------------------------------- */

static void put_nft(unsigned int type, uint16_t flags, const char *set, const void *key,
		    const void *data)
{
	size_t at =
		begin_netfilter(NFNL_SUBSYS_NFTABLES << 8 | type, flags, 1 /* inet */, 0);

	attr_text(NFTA_SET_ELEM_LIST_TABLE, "nestnet");
	if (set) {
		size_t list, element, value;

		attr_text(NFTA_SET_ELEM_LIST_SET, set);
		list = nest(NFTA_SET_ELEM_LIST_ELEMENTS);
		element = nest(NFTA_LIST_ELEM);
		value = nest(NFTA_SET_ELEM_KEY);
		attr(NFTA_DATA_VALUE, key, 4);
		nest_end(value);
		if (data) {
			value = nest(NFTA_SET_ELEM_DATA);
			attr(NFTA_DATA_VALUE, data, 4);
			nest_end(value);
		}
		nest_end(element);
		nest_end(list);
	}
	end(at);
}

static uint32_t ask_generation(int fd)
{
	size_t at = begin_netfilter(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK,
				    0, 0);

	end(at);
	put_nft(NFT_MSG_GETTABLE, NLM_F_ACK, NULL, NULL, NULL);
	return ask(fd, 2);
}

static void ask_chain(int fd, const char *name)
{
	size_t at = begin_netfilter(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_ACK,
				    1 /* inet */, 0);

	attr_text(NFTA_CHAIN_TABLE, "nestnet");
	attr_text(NFTA_CHAIN_NAME, name);
	end(at);
	ask(fd, 1);
}

static void ask_route(int fd, uint32_t address)
{
	struct rtmsg route = { .rtm_family = AF_INET,
			       .rtm_dst_len = 32,
			       .rtm_flags = RTM_F_FIB_MATCH };
	size_t at = begin(RTM_GETROUTE, NLM_F_ACK);

	put(&route, sizeof(route));
	attr(RTA_DST, &address, sizeof(address));
	end(at);
	ask(fd, 1);
}

static void read_forwarding(void)
{
	char value[8];
	int fd = open("/proc/sys/net/ipv4/conf/all/forwarding", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, value, sizeof(value)) <= 0)
		die("forwarding");
	close(fd);
}

static void commit(int fd, uint32_t generation, const uint32_t *alias,
		   const uint32_t *target)
{
	size_t at = begin_netfilter(NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);

	attr_u32(NFNL_BATCH_GENID, generation);
	end(at);
	put_nft(NFT_MSG_NEWSETELEM, NLM_F_CREATE, "guest4", target, NULL);
	put_nft(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_ACK, "addr4", alias, target);
	end(begin_netfilter(NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES));
	ask(fd, 1);
}

static void put_tuple(uint16_t type, uint16_t which, uint32_t address, uint8_t protocol)
{
	size_t at = nest(type), part = nest(CTA_TUPLE_IP);

	attr(which, &address, sizeof(address));
	nest_end(part);
	if (protocol) {
		part = nest(CTA_TUPLE_PROTO);
		attr(CTA_PROTO_NUM, &protocol, sizeof(protocol));
		nest_end(part);
	}
	nest_end(at);
}

/* Flags as of the kernel's CTA_FILTER_F_*: source 1, destination 2, protocol 8. */
static void end_flows(int fd, uint32_t address, uint8_t protocol)
{
	size_t at = begin_netfilter(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
				    NLM_F_ACK, AF_INET, 0);
	size_t filter;

	put_tuple(CTA_TUPLE_ORIG, CTA_IP_V4_DST, address, protocol);
	put_tuple(CTA_TUPLE_REPLY, CTA_IP_V4_SRC, address, protocol);
	filter = nest(CTA_FILTER);
	attr_u32(CTA_FILTER_ORIG_FLAGS, protocol ? 8 | 2 : 2);
	attr_u32(CTA_FILTER_REPLY_FLAGS, protocol ? 8 | 1 : 1);
	nest_end(filter);
	end(at);
	ask(fd, 1);
}

static void expose(int netfilter, int route, unsigned int number)
{
	static const char *const of_target[] = { "guest4", "closed4" };
	uint32_t alias = htonl(number_alias(number)),
		 target = htonl(number_target(number));
	uint32_t generation = ask_generation(netfilter);

	put_nft(NFT_MSG_GETSETELEM, NLM_F_ACK, "addr4", &alias, NULL);
	ask(netfilter, 1);
	ask_chain(netfilter, "pre_port4");
	ask_route(route, alias);
	for (size_t i = 0; i < sizeof(of_target) / sizeof(of_target[0]); i++) {
		put_nft(NFT_MSG_GETSETELEM, NLM_F_ACK, of_target[i], &target, NULL);
		ask(netfilter, 1);
	}
	read_forwarding();
	commit(netfilter, generation, &alias, &target);
	end_flows(netfilter, target, 0);
	end_flows(netfilter, alias, IPPROTO_UDP);
}

int main(int argc, char **argv)
{
	unsigned int from = argc == 3 ? (unsigned int)strtoul(argv[1], NULL, 10) : 1;
	unsigned int to = argc == 3 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	int netfilter = open_socket(NETLINK_NETFILTER),
	    route = open_socket(NETLINK_ROUTE);

	if (argc == 2 && strcmp(argv[1], "generation") == 0) {
		printf("%u\n", ntohl(ask_generation(netfilter)));
		return 0;
	}
	if (from >= to || to > NUMBERS_MAX) {
		fprintf(stderr, "Usage: floor FROM TO | generation\n");
		return 2;
	}
	for (unsigned int number = from; number < to; number++) {
		double start = now_us();

		expose(netfilter, route, number);
		print_took(start);
	}
	return 0;
}
