/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening sockets, looked up one at a time as the kernel would for a packet. */

#include "kernel/listener.h"
#include "kernel/netlink-message.h"

#include "base/address.h"
#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>

#define TCP_LISTEN_STATE 10
/* A UDP socket that is bound but not connected is in TCP's closed state. */
#define UDP_BOUND_STATE 7

static int take_socket(void *userdata, const struct nlmsghdr *reply)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(reply);
	bool *is_there = userdata;

	if (mnl_nlmsg_get_payload_len(reply) >= sizeof(*socket))
		*is_there = socket->idiag_state == TCP_LISTEN_STATE ||
			    socket->idiag_state == UDP_BOUND_STATE;
	return 0;
}

int listener_get(struct netlink *nl, const struct nestnet_address *address,
		 unsigned int protocol, uint16_t port, struct error *error)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;
	bool is_there = false;
	int r;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = (uint8_t)address->family;
	request->sdiag_protocol = (uint8_t)protocol;
	request->idiag_states = 1u << TCP_LISTEN_STATE | 1u << UDP_BOUND_STATE;
	/* UDP's lookup takes the two ends the other way round than TCP's. */
	if (protocol == IPPROTO_UDP) {
		request->id.idiag_dport = htons(port);
		memcpy(request->id.idiag_dst, address->bytes, address_len(address->family));
	} else {
		request->id.idiag_sport = htons(port);
		memcpy(request->id.idiag_src, address->bytes, address_len(address->family));
	}
	request->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

	r = netlink_request(nl, message, take_socket, &is_there, error);
	if (r == -ENOENT || r == -EOPNOTSUPP || r == -EPROTONOSUPPORT || r == -EINVAL)
		return 0;
	if (r < 0)
		return error_prefix(error, "look for a listening socket");
	return is_there;
}
