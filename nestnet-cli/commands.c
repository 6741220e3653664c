/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command table: what there is, how it is called, and an example of each. */

#include "command.h"

#define IF_EXISTS_HELP "  --if-exists         what is not there is no error\n"

const struct command commands[] = {
	{ "expose", NULL, cmd_expose, "ALIAS TARGET [OPTIONS]",
	  "make a guest reachable through an alias",
	  "  ALIAS               ADDRESS (every protocol), ADDRESS/LEN,\n"
	  "                      ADDRESS:PORT[-PORT][/PROTO] or *:PORT[/PROTO]\n"
	  "  TARGET              ADDRESS[:PORT[-PORT]] or ADDRESS/LEN of the guest\n"
	  "  --egress masquerade|alias|none\n"
	  "                      what the guest's own flows leave as\n"
	  "  --from PREFIX       (repeatable) only these sources reach it\n"
	  "  --except PORT[-PORT][/PROTO]\n"
	  "                      (repeatable) these ports of a whole address stay L1's own\n"
	  "  --timeout TIME      no new flows after 90s, 15m, 2h or 7d\n"
	  "  --tap NAME          it goes with this tap, however that ends\n"
	  "  --comment TEXT      kept with the exposure\n"
	  "  --replace           switch an existing exposure over\n"
	  "  --no-local          leave L1's own connections to ALIAS alone\n"
	  "  --no-forward        do not touch ip_forward\n"
	  "  --open              do not close TARGET\n"
	  "  --coexist           where rules of other software would stop it, have them let\n"
	  "                      it by, until unexpose\n"
	  "  --force             allow what is L1's own: its primary address, a port that it\n"
	  "                      listens on\n",
	  "nestnet expose 10.128.0.13 192.168.122.89\n"
	  "    nestnet expose 10.128.0.14:80 192.168.122.90:8000 --from 10.128.0.0/24" },
	{ "unexpose", NULL, cmd_unexpose, "ALIAS... | --target ADDRESS | --all [--if-exists]",
	  "take exposures back, and end the flows that they let in", IF_EXISTS_HELP,
	  "nestnet unexpose 10.128.0.13" },
	{ "list", NULL, cmd_list, "[ALIAS|TARGET]", "list exposures", NULL,
	  "nestnet list 10.128.0.13" },
	{ "tap", "add", cmd_tap_add, "NAME [OPTIONS]", "make a tap interface",
	  "  NAME                may end in %d; the name given is printed\n"
	  "  --bridge BR         a port of this bridge\n"
	  "  --address PREFIX    (repeatable) a routed tap with this address, no bridge\n"
	  "  --owner USER, --group GROUP\n"
	  "                      who may open it; root where neither is named\n"
	  "  --queues N          1 to 256\n"
	  "  --vnet-hdr          frames carry a virtio-net header\n"
	  "  --mac MAC           of the interface itself, never the guest's\n"
	  "  --mtu N|auto        its bridge's by default\n"
	  "  --isolated          does not reach other isolated ports\n"
	  "  --no-hairpin        the bridge never sends a frame back where it came from\n"
	  "  --guard MAC[,ADDRESS...]\n"
	  "                      (repeatable) only frames from that guest MAC with these\n"
	  "                      addresses leave the guest; with none, any from that MAC\n"
	  "  --lease ADDRESS     what the guarded guest gets when it asks (see nestnet dhcp)\n",
	  "nestnet tap add tap0 --bridge virbr0 --owner alice" },
	{ "tap", "del", cmd_tap_del, "NAME... [--if-exists]", "delete tap interfaces",
	  IF_EXISTS_HELP, "nestnet tap del tap0" },
	{ "tap", "list", cmd_tap_list, "", "list tap interfaces", NULL,
	  "nestnet tap list" },
	{ "bridge", "add", cmd_bridge_add, "NAME [OPTIONS]", "make a bridge",
	  "  --address PREFIX    (repeatable) the guests' gateway\n"
	  "  --mtu N|auto        auto: of the interfaces with a default route\n"
	  "  --mac MAC           kept for life; random where not given\n"
	  "  --stp               run the spanning tree protocol\n"
	  "  --dhcp FIRST-LAST   addresses for guests that ask (see nestnet dhcp)\n",
	  "nestnet bridge add virbr0 --address 192.168.122.1/24" },
	{ "bridge", "del", cmd_bridge_del, "NAME [--if-exists]", "delete a bridge",
	  IF_EXISTS_HELP, "nestnet bridge del virbr0" },
	{ "bridge", "list", cmd_bridge_list, "", "list bridges", NULL,
	  "nestnet bridge list" },
	{ "bridge", "attach", cmd_bridge_attach,
	  "BRIDGE IFACE... [--move-addresses] [--no-hairpin]", "attach interfaces to a bridge",
	  "  --move-addresses    its addresses and routes go to the bridge, and connections\n"
	  "                      by them survive; without it, those of L1 end. Where the\n"
	  "                      network admits no Ethernet address but that of IFACE, make\n"
	  "                      the bridge with it (--mac)\n"
	  "  --no-hairpin        the bridge never sends a frame back where it came from\n",
	  "nestnet bridge attach br0 eth0 --move-addresses" },
	{ "bridge", "detach", cmd_bridge_detach, "IFACE... [--move-addresses] [--if-exists]",
	  "detach what was attached",
	  "  --move-addresses    take back the addresses and routes that were moved\n"
	  IF_EXISTS_HELP,
	  "nestnet bridge detach eth0 --move-addresses" },
	{ "nat", "add", cmd_nat_add, "SUBNET [OPTIONS]",
	  "masquerade a subnet, and close it from outside",
	  "  --out IFACE         only what leaves by this interface\n"
	  "  --to ADDRESS        to this address instead of the interface's\n"
	  "  --open              leave it routable from outside\n"
	  "  --no-forward        do not touch ip_forward\n",
	  "nestnet nat add 192.168.122.0/24" },
	{ "nat", "del", cmd_nat_del, "SUBNET [--if-exists]", "take it back", IF_EXISTS_HELP,
	  "nestnet nat del 192.168.122.0/24" },
	{ "nat", "list", cmd_nat_list, "", "list translated subnets", NULL,
	  "nestnet nat list" },
	{ "forward", "on", cmd_forward_on, "[IFACE...] [-4|-6]",
	  "forward, on the whole host or what arrives on IFACE",
	  "  -4, -6              one family; both by default\n", "nestnet forward on -4" },
	{ "forward", "off", cmd_forward_off, "[IFACE...] [-4|-6]", "do not forward",
	  "  -4, -6              one family; both by default\n", "nestnet forward off" },
	{ "forward", "status", cmd_forward_status, "[IFACE...] [-4|-6]",
	  "say whether the host forwards",
	  "  -4, -6              one family; both by default\n", "nestnet forward status" },
	{ "alias", "add", cmd_alias_add, "PREFIX --dev IFACE",
	  "make an address, or a prefix of them, local to L1",
	  "  PREFIX              ADDRESS or ADDRESS/LEN; a wider prefix than one address of\n"
	  "                      IPv6 has to be routed to L1\n"
	  "  --dev IFACE         where it is answered for\n",
	  "nestnet alias add 10.128.0.12/30 --dev eth0" },
	{ "alias", "del", cmd_alias_del, "PREFIX [--if-exists]", "take it back", IF_EXISTS_HELP,
	  "nestnet alias del 10.128.0.12/30" },
	{ "alias", "list", cmd_alias_list, "", "list what is local to L1 and not primary",
	  NULL, "nestnet alias list" },
	{ "guest", "list", cmd_guest_list, "", "list who is behind bridges and routed taps",
	  NULL, "nestnet guest list" },
	{ "guest", "wait", cmd_guest_wait, "TAP|MAC [--timeout TIME]",
	  "wait for a guest, and print its address",
	  "  --timeout TIME      how long at most: 90s, 15m; 60s by default\n",
	  "nestnet guest wait tap0 --timeout 30s" },
	{ "dhcp", "config", cmd_dhcp_config, "BRIDGE [--hosts FILE]",
	  "print the configuration of dnsmasq for a bridge",
	  "  --hosts FILE        the leases of taps are in FILE, as dhcp hosts prints them, so\n"
	  "                      that a reload is enough where they change\n",
	  "nestnet dhcp config virbr0 | dnsmasq -k -C -" },
	{ "dhcp", "hosts", cmd_dhcp_hosts, "BRIDGE",
	  "print the leases of a bridge's taps for dnsmasq", NULL, "nestnet dhcp hosts virbr0" },
	{ "dhcp", "command", cmd_dhcp_command, "BRIDGE",
	  "print the command line that serves a bridge", NULL, "nestnet dhcp command virbr0" },
	{ "apply", NULL, cmd_apply, "FILE|-",
	  "make the host's state exactly what a file says",
	  "  FILE                one command a line, without the word nestnet, as save prints\n"
	  "                      them; or JSON as of status. -: standard input\n",
	  "nestnet apply /etc/nestnet/nestnet.conf" },
	{ "diff", NULL, cmd_diff, "FILE|-", "print what apply would do",
	  "  FILE                as for apply\n", "nestnet diff /etc/nestnet/nestnet.conf" },
	{ "save", NULL, cmd_save, "", "print the present state as a file for apply", NULL,
	  "nestnet save" },
	{ "status", NULL, cmd_status, "[--dot]", "show the whole picture, and what is wrong",
	  "  --dot               for Graphviz\n", "nestnet status" },
	{ "doctor", NULL, cmd_doctor, "[ALIAS[:PORT[/PROTO]]]",
	  "say whether it will work, and if not, why",
	  "  ALIAS               the whole way of what is exposed; without it, the host\n",
	  "nestnet doctor 10.128.0.13" },
	{ "trace", NULL, cmd_trace, "ALIAS[:PORT[/PROTO]] [--count N] [--timeout TIME]",
	  "follow the next packets through every chain, and say where they end",
	  "  ALIAS               what is exposed, or not yet; answers are followed as well\n"
	  "  --count N           so many packets, either way; by default until Ctrl-C\n"
	  "  --timeout TIME      no longer than 90s, 15m, 2h or 7d\n",
	  "nestnet trace 10.128.0.13:80 --count 2" },
	{ "monitor", NULL, cmd_monitor, "[KIND...]",
	  "print what changes as it does, whoever changes it",
	  "  KIND                exposures|taps|bridges|attachments|nat|forwarding|aliases|guests\n",
	  "nestnet monitor exposures taps" },
	{ "metrics", NULL, cmd_metrics, "[--output FILE]",
	  "print counters and states for Prometheus",
	  "  --output FILE       write FILE instead, whole or not at all\n",
	  "nestnet metrics --output /var/lib/prometheus/node-exporter/nestnet.prom" },
	{ "clear", NULL, cmd_clear, "", "remove everything nestnet made, and put back the rest",
	  NULL, "nestnet clear" },
};

const size_t n_commands = sizeof(commands) / sizeof(commands[0]);
