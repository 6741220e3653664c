/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dhcp config, hosts, command: what a bridge and its taps say of addresses, as dnsmasq takes
 * it. nestnet serves nobody itself, and runs nothing.
 */

#include "parse.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A lease is for an hour, as long as a guest may keep an address that is another's by then. */
#define LEASE_TIME "1h"

/* What is printed, and how. */
struct printer {
	const char *bridge;
	const char *program;       /* before all; NULL: nothing */
	bool has_options;          /* those of the server */
	const char *hosts;         /* the file that leases are in; NULL: they are printed */
	const char *before, *after; /* each option */
	const char *host;          /* before a lease */
	bool is_found, has_range;
};

static void put(const struct printer *printer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(const struct printer *printer, const char *format, ...)
{
	va_list args;

	fputs(printer->before, stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fputs(printer->after, stdout);
}

static int print_host(void *userdata, const struct nestnet_tap *tap)
{
	const struct printer *printer = userdata;
	char mac[NESTNET_TEXT_MAX], text[NESTNET_TEXT_MAX];

	if (!tap->lease || tap->n_guards != 1 || !tap->bridge ||
	    strcmp(tap->bridge, printer->bridge) != 0)
		return 0;
	put(printer, "%s%s,%s," LEASE_TIME, printer->host,
	    nestnet_mac_format(tap->guards[0].mac, mac),
	    nestnet_address_format(tap->lease, text));
	return 0;
}

static uint32_t number_of(const struct nestnet_address *address)
{
	uint32_t number;

	memcpy(&number, address->bytes, sizeof(number));
	return ntohl(number);
}

static uint32_t mask_of(const struct nestnet_prefix *prefix)
{
	return prefix->len ? 0xffffffffu << (32 - prefix->len) : 0;
}

/* @return the address whose network the range is in */
static const struct nestnet_prefix *find_network(const struct nestnet_bridge *bridge)
{
	const struct nestnet_address *first = &bridge->dhcp->first;

	for (size_t i = 0; i < bridge->n_addresses; i++) {
		const struct nestnet_prefix *own = &bridge->addresses[i];

		if (own->address.family == first->family &&
		    ((number_of(&own->address) ^ number_of(first)) & mask_of(own)) == 0)
			return own;
	}
	return NULL;
}

static void print_range(const struct printer *printer, const struct nestnet_range *range,
			const struct nestnet_prefix *network)
{
	char first[NESTNET_TEXT_MAX], last[NESTNET_TEXT_MAX];
	uint32_t mask = mask_of(network);

	put(printer, "dhcp-range=%s,%s,%u.%u.%u.%u," LEASE_TIME,
	    nestnet_address_format(&range->first, first),
	    nestnet_address_format(&range->last, last), mask >> 24, mask >> 16 & 255,
	    mask >> 8 & 255, mask & 255);
}

/* On that bridge alone: names are asked of the servers that L1 asks. */
static void print_options(const struct printer *printer, const struct nestnet_bridge *bridge,
			  const struct nestnet_prefix *network)
{
	char own[NESTNET_TEXT_MAX];

	nestnet_address_format(&network->address, own);
	if (printer->program)
		fputs(printer->program, stdout);
	put(printer, "interface=%s", bridge->name);
	put(printer, "except-interface=lo");
	put(printer, "bind-dynamic");
	put(printer, "no-hosts");
	put(printer, "domain-needed");
	put(printer, "bogus-priv");
	put(printer, "pid-file");
	put(printer, "dhcp-authoritative");
	put(printer, "dhcp-leasefile=" NESTNET_LEASES, bridge->name);
	print_range(printer, bridge->dhcp, network);
	put(printer, "dhcp-option=option:router,%s", own);
	put(printer, "dhcp-option=option:dns-server,%s", own);
	put(printer, "dhcp-option=option:mtu,%u", bridge->mtu);
	if (printer->hosts)
		put(printer, "dhcp-hostsfile=%s", printer->hosts);
}

static int print_bridge(void *userdata, const struct nestnet_bridge *bridge)
{
	struct printer *printer = userdata;
	const struct nestnet_prefix *network;

	if (strcmp(bridge->name, printer->bridge) != 0)
		return 0;
	printer->is_found = true;
	network = bridge->dhcp ? find_network(bridge) : NULL;
	printer->has_range = network;
	if (network && printer->has_options)
		print_options(printer, bridge, network);
	return 1;
}

static int print(struct cli *cli, struct printer *printer)
{
	int r, status = cli_open(cli);

	if (status != STATUS_OK)
		return status;
	r = nestnet_bridge_list(cli->ctx, print_bridge, printer);
	if (r < 0)
		return cli_fail(cli, r);
	if (!printer->is_found)
		return cli_give_up_on(cli, printer->bridge, "there is no such bridge");
	if (!printer->has_range)
		return cli_give_up_on(cli, printer->bridge,
				      "it has no DHCP range (bridge add --dhcp)");
	r = printer->hosts ? 0 : nestnet_tap_list(cli->ctx, print_host, printer);
	return r < 0 ? cli_fail(cli, r) : STATUS_OK;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static const struct option config_options[] = {
	{ "hosts", required_argument, NULL, OPTION_FIRST },
	{ NULL, 0, NULL, 0 },
};

int cmd_dhcp_config(struct cli *cli, int argc, char **argv)
{
	struct printer printer = {
		.has_options = true, .before = "", .after = "\n", .host = "dhcp-host="
	};
	int option;

	while ((option = cli_getopt(cli, argc, argv, config_options, "")) != -1) {
		if (option != OPTION_FIRST)
			return STATUS_USAGE;
		if (optarg[0] != '/' || strpbrk(optarg, " \t\n\"'\\,#"))
			return cli_usage_at(cli, optarg, "--hosts '%s': not a plain path from /",
					    optarg);
		printer.hosts = optarg;
	}
	if (!cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_ifname(cli, argv[optind]))
		return STATUS_USAGE;
	printer.bridge = argv[optind];
	return print(cli, &printer);
}

static int print_argument(struct cli *cli, int argc, char **argv, struct printer *printer)
{
	if (cli_getopt(cli, argc, argv, NULL, "") != -1 ||
	    !cli_check_arguments(cli, argc, argv, 1, 1) ||
	    !parse_ifname(cli, argv[optind]))
		return STATUS_USAGE;
	printer->bridge = argv[optind];
	return print(cli, printer);
}

int cmd_dhcp_hosts(struct cli *cli, int argc, char **argv)
{
	struct printer printer = { .before = "", .after = "\n", .host = "" };

	return print_argument(cli, argc, argv, &printer);
}

/* One line: no argument of it has anything that a shell takes for its own. */
int cmd_dhcp_command(struct cli *cli, int argc, char **argv)
{
	struct printer printer = {
		.program = "dnsmasq --keep-in-foreground --conf-file=/dev/null",
		.has_options = true,
		.before = " --",
		.after = "",
		.host = "dhcp-host=",
	};
	int status = print_argument(cli, argc, argv, &printer);

	if (status == STATUS_OK)
		printf("\n");
	return status;
}
