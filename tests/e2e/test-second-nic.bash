# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A second NIC of L1 whose address takes the alias's place (procedure 4), in both families:
# nestnet translates, and rules of the administrator send what the guest answers out by the
# NIC that it came in by, as nestnet(1) has it.

# Behind eth1 of L1: a router and host, and beyond it a client of which L1's main table knows
# no better than its default route, by eth0.
#
#     ext -- eth0 l1 eth1 -- wan 10.129.0.50, .1 -- 198.51.100.9
with_second_nic() {
	[[ $FAMILY == 4 ]] || return 0
	ip netns add wan
	on wan sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	ip -netns wan -batch - <<-END
		link set lo up
		link add eth0 type veth peer name eth1 netns l1
		link set eth0 up
		address add 10.129.0.50/24 dev eth0
		address add 10.129.0.1/24 dev eth0
		address add 198.51.100.9/32 dev lo
		address add fd10:129::1/64 dev eth0 nodad
		address add fd10:129::50/64 dev eth0 nodad
		address add 2001:db8:9::9/128 dev lo
		route add 192.168.122.0/24 via 10.129.0.2
		route add fd12::/64 via fd10:129::2
	END
	ip -netns l1 -batch - <<-END
		link set eth1 up
		address add 10.129.0.2/24 dev eth1
		address add 10.129.0.13/24 dev eth1
		address add fd10:129::2/64 dev eth1 nodad
		address add fd10:129::13/128 dev eth1 nodad preferred_lft 0
	END
	on wan peer serve wan page:8000 echo:7
}

second_family() {
	case $FAMILY in
	4) NIC=10.129.0.2 NIC2=10.129.0.13 WAN=10.129.0.50 ROUTER=10.129.0.1 CLIENT=198.51.100.9 ;;
	6) NIC=fd10:129::2 NIC2=fd10:129::13 WAN=fd10:129::50 ROUTER=fd10:129::1 CLIENT=2001:db8:9::9 ;;
	esac
	with_second_nic
}

# From beyond the router.
client_reaches() { # tcp|udp ADDRESS PORT ANSWER
	local answer

	answer=$(on wan peer -s "$CLIENT" "${@:1:3}" 2>&1) || true
	[[ $answer == "$4"* ]] || fail "$CLIENT asks $1 $2 $3: want \"$4...\", got \"$answer\""
}

client_gets_nothing() { # tcp|udp ADDRESS PORT
	local answer

	if answer=$(on wan peer -t 300 -s "$CLIENT" "$@" 2>&1); then
		fail "$CLIENT asks $*: want nothing, got \"$answer\""
	fi
}

# What the man page says: a table with the NIC's own way out, and the way to the guests,
# among whom answers stay; and what takes it.
ip_l1() { ip -netns l1 "-$FAMILY" "$@"; }
by_second_nic() { # SELECTOR...
	ip_l1 route replace default via "$ROUTER" dev eth1 table 100
	ip_l1 route replace "$SUBNET" dev virbr0 table 100
	ip_l1 rule add "$@" table 100
}

rp_filter() { on l1 sh -c "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo $1 >\$f; done"; }

test_an_address_of_the_second_nic_serves_its_own_network() { in_each_family neighbours; }

neighbours() {
	second_family
	nestnet expose "$NIC2" "$GUEST"
	reaches wan tcp "$NIC2" 7 "l2 sees $WAN "
	reaches wan udp "$NIC2" 7 "l2 sees $WAN "
	pings wan "$NIC2" 63
	reaches l1 tcp "$NIC2" 7 "l2 sees"
	reaches l2b tcp "$NIC2" 7 "l2 sees"
	# L1's own, and the guest's other ways in.
	reaches wan tcp "$NIC" 22 "l1 sees $WAN "
	reaches ext tcp "$L1" 22 "l1 sees $EXT "
	gets_nothing wan http "$NIC" 8000
	gets_nothing wan tcp "$GUEST" 22
	gets_nothing wan udp "$GUEST" 7
	# Answers to others would leave by eth0, where nobody waits for them.
	client_gets_nothing tcp "$NIC2" 7
}

test_a_port_of_the_second_nics_address_answers_by_that_nic() { in_each_family port_by_rule; }

port_by_rule() {
	second_family
	nestnet expose "$(at "$NIC" 80)" "$(at "$GUEST" 7)"
	client_gets_nothing tcp "$NIC" 80
	by_second_nic from "$GUEST" ipproto tcp sport 7
	client_reaches tcp "$NIC" 80 "l2 sees $CLIENT "
	reaches wan tcp "$NIC" 80 "l2 sees $WAN "
	reaches l2b tcp "$NIC" 80 "l2 sees"
	gets_nothing wan udp "$NIC" 80
	# All else of the guest leaves as before.
	reaches l2 tcp "$EXT" 7 "ext sees $L1 "
	reaches l2 tcp "$WORLD" 7 "ext sees $L1 "
	reaches ext tcp "$L1" 22 "l1 sees $EXT "
}

test_the_second_nics_whole_address_is_the_guests() { in_each_family whole_nic; }

whole_nic() {
	second_family
	refused 1 "$NIC.*--force" nestnet expose "$NIC" "$GUEST"
	nestnet expose "$NIC" "$GUEST" --force --egress alias
	by_second_nic from "$GUEST"
	client_reaches tcp "$NIC" 7 "l2 sees $CLIENT "
	client_reaches udp "$NIC" 7 "l2 sees $CLIENT "
	reaches wan tcp "$NIC" 22 "l2 sees $WAN "
	pings wan "$NIC" 63
	reaches l1 tcp "$NIC" 7 "l2 sees"
	reaches l2b tcp "$NIC" 7 "l2 sees"
	# The guest's own flows leave by that NIC as its address, the others' do not.
	reaches l2 tcp "$CLIENT" 7 "wan sees $NIC "
	reaches l2 udp "$WAN" 7 "wan sees $NIC "
	nestnet expose "$ALIAS2" "$GUEST2"
	reaches l2b tcp "$EXT" 7 "ext sees $L1 "
	gets_nothing l2b tcp "$CLIENT" 7
	reaches l1 tcp "$EXT" 7 "ext sees $L1 "
	gets_nothing wan tcp "$GUEST" 22
	nestnet unexpose "$NIC"
	reaches wan tcp "$NIC" 22 "l1 sees $WAN "
	client_gets_nothing tcp "$NIC" 7
}

# Reverse path filters ask for the way back as the guest's answer would go: after the
# translation, and by the same rules.
test_strict_reverse_path_filters_let_it_pass() {
	family 4
	second_family
	nestnet expose 10.129.0.13 192.168.122.89
	rp_filter 1
	client_gets_nothing tcp 10.129.0.13 7
	by_second_nic from 192.168.122.89
	client_reaches tcp 10.129.0.13 7 "l2 sees 198.51.100.9 "
	client_reaches udp 10.129.0.13 7 "l2 sees 198.51.100.9 "
	reaches wan tcp 10.129.0.13 7 "l2 sees 10.129.0.50 "
}

# A guest with an alias on either NIC: where it came in is only in the mark of the flow.
test_a_guest_of_both_nics_answers_by_the_one_it_was_asked_by() { in_each_family both_nics; }

both_nics() {
	local world=$WORLD

	second_family
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$NIC2" "$GUEST"
	# Seen from here it makes no difference which way the client is: now it is behind both.
	ip -netns ext address replace "$CLIENT" dev lo
	client_gets_nothing tcp "$NIC2" 7
	mark_by_nic
	by_second_nic fwmark 100
	client_reaches tcp "$NIC2" 7 "l2 sees $CLIENT "
	client_reaches udp "$NIC2" 7 "l2 sees $CLIENT "
	reaches_as ext "$CLIENT" "$ALIAS" "l2 sees $CLIENT "
	reaches ext tcp "$ALIAS" 7 "l2 sees $EXT "
	# What the guest begins leaves by the default route.
	reaches l2 tcp "$world" 7 "ext sees $L1 "
	nestnet expose "$(at "$NIC" 80)" "$(at "$GUEST2" 7)"
	client_reaches tcp "$NIC" 80 "l2b sees $CLIENT "
	ip -netns ext address del "$CLIENT" dev lo
	on l1 nft delete table inet nics
}

reaches_as() { # HOST SOURCE ADDRESS ANSWER
	local answer

	answer=$(on "$1" peer -s "$2" tcp "$3" 7 2>&1) || true
	[[ $answer == "$4"* ]] || fail "$2 asks $3: want \"$4...\", got \"$answer\""
}

# As nestnet(1) has it.
mark_by_nic() {
	on l1 nft -f - <<-'END'
		table inet nics {
			chain prerouting {
				type filter hook prerouting priority mangle;
				iifname "eth1" ct state new ct mark set 100
				iifname != "eth1" ct mark 100 meta mark set 100
			}
		}
	END
}

# With marks the filter cannot know: strict ones drop the question, loose ones do not.
test_marks_want_loose_reverse_path_filters() {
	family 4
	second_family
	nestnet expose 10.129.0.13 192.168.122.89
	mark_by_nic
	by_second_nic fwmark 100
	rp_filter 2
	client_reaches tcp 10.129.0.13 7 "l2 sees 198.51.100.9 "
	rp_filter 1
	client_gets_nothing tcp 10.129.0.13 7
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 2 >/proc/sys/net/ipv4/conf/eth1/rp_filter'
	client_reaches tcp 10.129.0.13 7 "l2 sees 198.51.100.9 "
}

# The other way of procedure 4: the NIC itself is the guest's, through a bridge.
test_the_second_nic_is_given_to_the_guest_by_a_bridge() {
	family 4
	second_family
	ip -netns l1 address flush dev eth1
	nestnet bridge add br1
	nestnet bridge attach br1 eth1
	ip netns add l2c
	ip -netns l1 link add vnet2 up type veth peer name eth0 netns l2c
	nestnet bridge attach br1 vnet2
	ip -netns l2c -batch - <<-END
		link set lo up
		link set eth0 up
		address add 10.129.0.77/24 dev eth0
		route add default via 10.129.0.1
	END
	on l2c peer serve l2c echo:7
	bridge_calls_iptables 0
	reaches wan tcp 10.129.0.77 7 "l2c sees 10.129.0.50 "
	client_reaches tcp 10.129.0.77 7 "l2c sees 198.51.100.9 "
	reaches l2c tcp 198.51.100.9 7 "wan sees 10.129.0.77 "
	# L1 has no address there.
	gets_nothing wan tcp 10.129.0.2 22
}
