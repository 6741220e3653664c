# SPDX-License-Identifier: LGPL-2.1-or-later
#
# awk -v seed=N -f states.awk: a state of a few objects of every kind, as a file for apply.
# Each has a shape and some options by chance. Names and addresses are few, so that the next
# state has some of them otherwise.

function chance(n) { return int(rand() * n) == 0 }
function below(n) { return int(rand() * n) }
function opt(n, text) { return chance(n) ? " " text : "" }

# One of the words between bars.
function pick(words,   list) { return list[1 + below(split(words, list, "|"))] }
function maybe(n, words) { return chance(n) ? " " pick(words) : "" }

function at(address, ports) {
	return (address ~ /:/ ? "[" address "]" : address) ":" ports
}

# The N-th block of 16 addresses of a family.
function block(family, base, n) {
	return family == 4 ? base "." n * 16 : base sprintf(":%x", n * 16)
}

function bridge(i) {
	print "bridge add br" i \
		maybe(2, "--address 192.168.5" i ".1/24|--address 192.168.5" i ".1/24 --dhcp 192.168.5" i ".9-192.168.5" i ".90") \
		opt(2, "--address fd5" i "::1/64") maybe(3, "--mtu 1300|--mtu 1500|--mtu auto") \
		opt(3, "--mac 02:00:00:00:00:0" i) opt(4, "--stp")
}

function tap(i, bridges,   place) {
	if (bridges && below(3))
		place = " --bridge br" below(bridges) opt(3, "--isolated") opt(3, "--no-hairpin")
	else
		place = opt(2, "--address 192.168.6" i ".1/24") opt(3, "--address fd6" i "::1/64")
	print "tap add tap" i place maybe(2, "--owner nobody|--group nogroup|--owner 7 --group 8") \
		opt(5, "--queues 2") opt(3, "--vnet-hdr") opt(3, "--mtu 1280") \
		opt(3, "--mac 02:00:00:00:01:0" i) \
		maybe(2, "--guard 52:54:00:12:34:9" i "|--guard 52:54:00:12:34:9" i \
			",192.168.50.9,fd50::9|--guard 52:54:00:12:34:9" i ",fd50::9 --guard 52:54:00:12:34:aa")
}

function nat(   subnet) {
	if (chance(2))
		print "nat add 192.168.5" below(2) ".0/24" opt(3, "--out eth0") \
			opt(3, "--to 10.128.0.14") opt(3, "--open") opt(4, "--no-forward")
	if (chance(3))
		print "nat add fd50::/64" opt(2, "--out eth0") opt(2, "--open")
}

# The options that every shape may have.
function common(family, alias) {
	return opt(3, "--no-local") maybe(2, "--open|--coexist") \
		maybe(2, "--from " sources[family] "|--from " sources[family] " --from " alias) \
		opt(5, "--timeout 1h") opt(2, "--comment 'no. 1: a, b'") opt(5, "--no-forward") \
		opt(9, "--force")
}

function exposure(family, i,   alias, target, len, shape, text) {
	alias = block(family, family == 4 ? "192.0.2" : "2001:db8:1:", i)
	target = block(family, family == 4 ? "198.51.100" : "fd77:1:", 1 + below(3))
	len = family == 4 ? 28 : 124
	shape = below(6)
	if (shape == 0)
		text = alias "/" len " " block(family, family == 4 ? "198.51.100" : "fd77:1:", \
			8 + i) "/" len maybe(2, "--egress alias|--egress none")
	else if (shape == 1)
		text = at(alias, 80 + i maybe_proto()) " " at(target, 8080)
	else if (shape == 2)
		text = at(alias, "8000-8003" maybe_proto()) " " target
	else if (shape == 3)
		text = at(alias, "9000-9002/udp") " " at(target, "7000-7002")
	else if (shape == 4)
		text = "*:" 3000 + i maybe_proto() " " at(target, 80)
	else
		text = alias " " block(family, family == 4 ? "198.51.100" : "fd77:1:", 4 + i) \
			maybe(2, "--egress alias|--egress none") \
			maybe(2, "--except 22|--except 5000-5010/udp --except 443")
	print "expose " text common(family, alias)
}

function maybe_proto() { return pick("|/udp|/sctp|/tcp") }

# On what is there in any case, and on what the state makes.
function aliases(bridges,   devs, list, i) {
	devs = "eth0|vnet1" (bridges ? "|br0|br" bridges - 1 : "") (n_taps ? "|tap1" : "")
	split("192.0.3.16/28|192.0.3.40|fd78::5|fd78::6|fd78:1::/64", list, "|")
	for (i = 1; i <= 5; i++) {
		if (chance(3))
			print "alias add " list[i] " --dev " pick(devs)
	}
}

BEGIN {
	srand(seed)
	sources[4] = "203.0.113.0/25"
	sources[6] = "2001:db8:8::/45"
	bridges = below(3)
	for (i = 0; i < bridges; i++)
		bridge(i)
	if (bridges && chance(2))
		print "bridge attach br" below(bridges) " vnet0" opt(3, "--no-hairpin")
	if (bridges && chance(3))
		print "bridge attach br0 vnet1"
	n_taps = below(4)
	for (i = n_taps; i > 0; i--)
		tap(i, bridges)
	nat()
	if (chance(4))
		print "forward on" opt(2, "eth0") opt(3, "vnet0") maybe(2, "-4|-6")
	for (i = below(6); i > 0; i--)
		exposure(4, i)
	for (i = below(6); i > 0; i--)
		exposure(6, i)
	aliases(bridges)
}
