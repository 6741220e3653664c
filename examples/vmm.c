/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtual machine monitor does with libnestnet, without the machine: a tap in a
 * bridge, guarded and exposed through an alias in one transaction, and a guest behind its
 * descriptor that answers ARP, ping and, on port 7, UDP. It ends with its standard input;
 * the tap ends with its descriptor, however the program ends, and its exposure goes with it.
 *	cc -o vmm vmm.c $(pkg-config --cflags --libs libnestnet)
 *	./vmm virbr0 192.168.122.77 10.128.0.13
 */
#include <nestnet/nestnet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where things are in a frame. */
enum { TO = 0, FROM = 6, TYPE = 12, ARP = 14, IP = 14, IP_LEN = 20, L4 = IP + IP_LEN };

struct guest {
	uint8_t mac[6];
	uint8_t address[4];
	int tap;
};

static int connect_guest(struct nestnet *ctx, struct guest *guest, const char *bridge,
			 const struct nestnet_endpoint *target,
			 const struct nestnet_endpoint *alias)
{
	struct nestnet_open_options how;
	struct nestnet_guard guard;
	struct nestnet_tap_options tap;
	struct nestnet_expose_options expose;
	struct nestnet_transaction *tx = NULL;
	int r = nestnet_transaction_new(ctx, &tx);

	memset(&how, 0, sizeof(how));
	how.size = sizeof(how);
	how.flags = NESTNET_OPEN_NONBLOCK;
	memset(&guard, 0, sizeof(guard));
	memcpy(guard.mac, guest->mac, sizeof(guard.mac));
	guard.addresses = &target->prefix.address;
	guard.n_addresses = 1;
	memset(&tap, 0, sizeof(tap));
	tap.size = sizeof(tap);
	tap.flags = NESTNET_TAP_EPHEMERAL;
	tap.bridge = bridge;
	tap.guards = &guard;
	tap.n_guards = 1;
	tap.open = &how;
	memset(&expose, 0, sizeof(expose));
	expose.size = sizeof(expose);
	expose.tap = "vm%d";
	if (r == 0)
		r = nestnet_tap_add(tx, "vm%d", &tap);
	if (r == 0)
		r = nestnet_expose(tx, alias, target, &expose);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	if (r == 0)
		r = nestnet_transaction_take_fds(tx, 0, &guest->tap, 1);
	if (r == 0)
		printf("the guest is behind %s\n", nestnet_transaction_ifname(tx, 0));
	nestnet_transaction_free(tx);
	return r;
}

static int disconnect_guest(struct nestnet *ctx, struct guest *guest,
			    const struct nestnet_endpoint *alias)
{
	struct nestnet_transaction *tx = NULL;
	int r = nestnet_transaction_new(ctx, &tx);

	if (r == 0)
		r = nestnet_unexpose(tx, alias, NESTNET_IF_EXISTS);
	if (r == 0)
		r = nestnet_transaction_commit(tx);
	nestnet_transaction_free(tx);
	close(guest->tap);
	return r;
}

/* ---- The guest ---------------------------------------------------------------------- */

static void swap(uint8_t *frame, int a, int b, size_t len)
{
	uint8_t kept[6];

	memcpy(kept, frame + a, len);
	memcpy(frame + a, frame + b, len);
	memcpy(frame + b, kept, len);
}

static void put_checksum(uint8_t *at, const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	at[0] = at[1] = 0;
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

/* Makes a question for the guest's address the answer. @return whether it was one */
static int answer_arp(const struct guest *guest, uint8_t *frame, size_t len)
{
	if (len < ARP + 28 || memcmp(frame + TYPE, "\10\6\0\1\10\0\6\4\0\1", 10) != 0 ||
	    memcmp(frame + ARP + 24, guest->address, 4) != 0)
		return 0;
	frame[ARP + 7] = 2;                            /* an answer */
	memcpy(frame + ARP + 18, frame + ARP + 8, 10); /* whom it is for */
	memcpy(frame + ARP + 8, guest->mac, 6);
	memcpy(frame + ARP + 14, guest->address, 4);
	return 1;
}

/* The same for a ping and for a datagram to port 7; packets with options, and parts of
 * larger ones, have no answer. */
static int answer_ip(const struct guest *guest, uint8_t *frame, size_t len)
{
	size_t total = len < L4 + 8 ? 0 : (size_t)frame[IP + 2] << 8 | frame[IP + 3];

	if (total < IP_LEN + 8 || total > len - IP ||
	    memcmp(frame + TYPE, "\10\0\105", 3) != 0 || (frame[IP + 6] & 0x3f) ||
	    frame[IP + 7] || memcmp(frame + IP + 16, guest->address, 4) != 0)
		return 0;
	if (frame[IP + 9] == 1 && frame[L4] == 8) { /* ICMP, an echo request */
		frame[L4] = 0;
		put_checksum(frame + L4 + 2, frame + L4, total - IP_LEN);
	} else if (frame[IP + 9] == 17 && frame[L4 + 2] == 0 && frame[L4 + 3] == 7) {
		swap(frame, L4, L4 + 2,
		     2); /* no sum changes when its summands change places */
	} else {
		return 0;
	}
	swap(frame, IP + 12, IP + 16, 4);
	frame[IP + 8] = 64;
	put_checksum(frame + IP + 10, frame + IP, IP_LEN);
	return 1;
}

static void answer(const struct guest *guest)
{
	uint8_t frame[65536];
	ssize_t len;

	while ((len = read(guest->tap, frame, sizeof(frame))) > IP) {
		if (!answer_arp(guest, frame, (size_t)len) &&
		    !answer_ip(guest, frame, (size_t)len))
			continue;
		memcpy(frame + TO, frame + FROM, 6);
		memcpy(frame + FROM, guest->mac, 6);
		if (write(guest->tap, frame, (size_t)len) < 0)
			perror("write");
	}
}

static void run(const struct guest *guest)
{
	struct pollfd fds[2] = { { guest->tap, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
	char c;

	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents)
			answer(guest);
		if (fds[1].revents && read(STDIN_FILENO, &c, 1) <= 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct guest guest = { { 0x52, 0x54, 0, 0, 0, 0 }, { 0 }, -1 };
	struct nestnet_endpoint target, alias;
	const char *why = "BRIDGE ADDRESS ALIAS are wanted";
	struct nestnet *ctx;
	int r;

	if (argc != 4 || nestnet_target_parse(argv[2], &target, &why) < 0 ||
	    nestnet_alias_parse(argv[3], &alias, &why) < 0) {
		fprintf(stderr, "%s: %s\n", argv[0], why);
		return 2;
	}
	memcpy(guest.address, target.prefix.address.bytes, 4);
	memcpy(guest.mac + 2, guest.address, 4);
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = nestnet_new(&ctx, NULL);
	if (r == 0)
		r = connect_guest(ctx, &guest, argv[1], &target, &alias);
	if (r == 0) {
		run(&guest);
		r = disconnect_guest(ctx, &guest, &alias);
	}
	if (r < 0)
		fprintf(stderr, "%s\n", ctx ? nestnet_errmsg(ctx) : strerror(-r));
	nestnet_free(ctx);
	return r < 0;
}
