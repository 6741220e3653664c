# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The uplink in a bridge: `bridge attach --move-addresses` and its way back, under open
# connections by the addresses that move.

# A connection each way and of each family, by the addresses of eth0.
open_streams() {
	stream_open in4 ext tcp 10.128.0.2 22
	stream_open in6 ext tcp fd10:128::2 22
	stream_open out4 l1 tcp 10.128.0.50 7
	stream_open out6 l1 tcp fd10:128::50 7
}

# streams_live WHEN: each of them still answers. The kernel repeats what it lost after 200 ms.
streams_live() {
	local name answer

	for name in in4 in6 out4 out6; do
		answer=$(stream_says "$name" "$1") || fail "$name, $1: $answer"
	done
}

# What an interface has: addresses and routes, with its name as DEV, less the times that pass
# and what each interface has of its own.
has() {
	{
		ip -netns l1 -d -o address show dev "$1" | sed -E 's/^[0-9]+: //'
		ip -netns l1 -4 route show table all
		ip -netns l1 -6 route show table all
	} | sed -E "/\b$1\b/!d; /fe80:.*link|(fe80|ff00):.*kernel|192\.168\.122\.|fd12::/d
		s/ linkdown//g; s/\b$1\b/DEV/g
		s/([0-9]+)[0-9]{2}sec/\1xxsec/g; s/ +/ /g"
}

# Everything that a route or an address can say of itself.
with_all_kinds() {
	ip -netns l1 -batch - <<-END
		link add eth1 type veth peer name eth0 netns l2x
		link set eth1 up
		address add 172.31.0.1/24 dev eth1
		address add fd31::1/64 dev eth1 nodad
		address add 10.128.0.3/24 dev eth0
		address add 10.128.0.4/24 dev eth0 label eth0:1
		address add 10.77.0.1/16 brd + dev eth0 noprefixroute metric 77
		address add 10.78.0.1/16 dev eth0 metric 78 valid_lft 86050 preferred_lft 43050
		address add 10.79.0.1 peer 10.79.0.2 dev eth0 scope link
		address add 10.80.0.1/32 dev eth0
		address add fd77::1/64 dev eth0 nodad noprefixroute
		address add fd78::1/64 dev eth0 metric 78 valid_lft 86050 preferred_lft 43050
		address add fd79::1/128 dev eth0 nodad
		route add 10.90.0.0/16 via 10.128.0.1 dev eth0 metric 50 proto static src 10.128.0.3
		route add 10.91.0.0/16 via 10.128.0.1 dev eth0 mtu 1400 advmss 1300 initcwnd 20
		route add 10.92.0.0/16 via 10.200.0.1 dev eth0 onlink proto dhcp
		route add 10.93.0.0/16 dev eth0 scope link table 100
		route add default via 10.128.0.1 dev eth0 table 100
		route add default via 10.128.0.50 dev eth0 metric 200 proto dhcp
		route add 10.94.0.0/16 nexthop via 10.128.0.1 dev eth0 weight 3 nexthop via 172.31.0.9 dev eth1
		route add 10.95.0.0/16 nexthop via 10.128.0.1 dev eth0 nexthop via 10.128.0.50 dev eth0
		route add fd90::/64 via fd10:128::1 dev eth0 metric 50 proto static src fd10:128::2
		route add fd91::/64 via fd10:128::1 dev eth0 mtu 1400 pref high
		route add fd92::/64 via fe80::53 dev eth0 expires 86050 proto ra
		route add fd93::/64 dev eth0 table 100
		route add default via fe80::53 dev eth0 metric 2048 proto ra expires 86050
		route add fd94::/64 nexthop via fd10:128::1 dev eth0 weight 3 nexthop via fd31::9 dev eth1
		route add fd95::/64 nexthop via fd10:128::1 dev eth0 nexthop via fd10:128::50 dev eth0
	END
}

# Attached and back

test_connections_survive_attach_and_detach() {
	local before i

	before=$(l1_state)
	open_streams
	for i in 1 2 3; do
		nestnet bridge attach virbr0 eth0 --move-addresses
		streams_live "attached $i"
		nestnet bridge detach eth0 --move-addresses
		streams_live "detached $i"
	done
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
	streams_live cleared
}

# The guests' bridge, with a strict reverse path filter, and with duplicate address detection.
test_connections_survive_with_a_strict_reverse_path_filter() {
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter'
	open_streams
	nestnet bridge attach virbr0 eth0 --move-addresses
	streams_live attached
	nestnet bridge detach eth0 --move-addresses
	streams_live detached
}

test_connections_survive_with_duplicate_address_detection() {
	local before

	on l1 sh -c 'echo 1 | tee /proc/sys/net/ipv6/conf/*/accept_dad >/dev/null'
	ip -netns l1 -6 address change fd10:128::2/64 dev eth0
	before=$(has eth0)
	matches_not "the address" 'nodad' "$before"
	open_streams
	nestnet bridge attach virbr0 eth0 --move-addresses
	streams_live attached
	same "on the bridge" "$before" "$(has virbr0)"
	nestnet bridge detach eth0 --move-addresses
	streams_live detached
	same "back again" "$before" "$(has eth0)"
}

test_a_new_bridge_of_our_own_has_no_ports_at_first() {
	open_streams
	nestnet bridge add br0
	nestnet bridge attach br0 eth0 --move-addresses
	streams_live attached
	matches "the bridge has" '10\.128\.0\.2/24' "$(has br0)"
	nestnet bridge detach eth0 --move-addresses
	streams_live detached
}

test_a_bridge_with_the_uplinks_own_ethernet_address() {
	open_streams
	nestnet bridge add br0 --mac "$(on l1 cat /sys/class/net/eth0/address)"
	nestnet bridge attach br0 eth0 --move-addresses
	streams_live attached
	nestnet bridge detach eth0 --move-addresses
	streams_live detached
}

test_a_bridge_keeps_its_ethernet_address() {
	local mac

	nestnet bridge add br0
	mac=$(on l1 cat /sys/class/net/br0/address)
	nestnet bridge attach br0 eth0 --move-addresses
	same "attached" "$mac" "$(on l1 cat /sys/class/net/br0/address)"
	nestnet bridge detach eth0 --move-addresses
	same "detached" "$mac" "$(on l1 cat /sys/class/net/br0/address)"
}

# With its own Ethernet address the bridge is what ext learns of, and must not go on asking.
test_neighbours_learn_where_the_address_is() {
	local mac

	mac=$(on l1 cat /sys/class/net/eth0/address)
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	reaches ext tcp 10.128.0.13 22 "l1 sees"
	nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns ext neighbour flush dev eth0
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	reaches ext tcp 10.128.0.13 22 "l1 sees"
	reaches ext tcp fd10:128::2 22 "l1 sees"
	matches "ext knows" '10\.128\.0\.2 .*52:54:00:aa:bb:01' "$(ip -netns ext neighbour)"
	nestnet bridge detach eth0 --move-addresses
	matches "ext knows" "10\.128\.0\.2 .*$mac" "$(ip -netns ext neighbour)"
	matches "ext knows" "10\.128\.0\.13 .*$mac" "$(ip -netns ext neighbour)"
	matches "ext knows" "fd10:128::2 .*$mac" "$(ip -netns ext neighbour)"
}

# The kernel tells a route's next hops in the order in which they were added; the state is
# compared without.
timeless_state() { l1_state | tr '\\' '\n' | sed -E 's/([0-9]+)[0-9]{2}sec/\1xxsec/g' | sort; }

# The kernel makes an address ready in the background.
nothing_is_tentative() { [[ -z $(ip -netns l1 -6 address show tentative) ]]; }

test_everything_of_addresses_and_routes_moves() {
	local before state

	ip netns add l2x
	with_all_kinds
	poll nothing_is_tentative
	before=$(has eth0)
	state=$(timeless_state)
	nestnet bridge attach virbr0 eth0 --move-addresses
	same "on the bridge" "$before" "$(has virbr0)"
	same "on the uplink" "" "$(has eth0)"
	nestnet bridge detach eth0 --move-addresses
	same "back again" "$before" "$(has eth0)"
	nestnet clear
	same "L1's state" "$state" "$(timeless_state)"
}

# Nor is the default route lost, whose gateway then is nobody's neighbour.
test_a_route_that_somebody_deleted_does_not_come_back() {
	ip -netns l1 route del 10.128.0.0/24 dev eth0
	ip -netns l1 route add 10.128.0.50 dev eth0
	nestnet bridge attach virbr0 eth0 --move-addresses
	matches "routes" 'default via 10\.128\.0\.1 dev virbr0' "$(ip -netns l1 route show)"
	matches "routes" '10\.128\.0\.50 dev virbr0' "$(ip -netns l1 route show)"
	matches_not "routes" '10\.128\.0\.0/24' "$(ip -netns l1 route show)"
	nestnet bridge detach eth0 --move-addresses
	matches "routes" 'default via 10\.128\.0\.1 dev eth0' "$(ip -netns l1 route show)"
	matches_not "routes" '10\.128\.0\.0/24' "$(ip -netns l1 route show)"
	reaches ext tcp 10.128.0.2 22 "l1 sees"
}

test_the_addresses_of_the_bridge_itself_stay() {
	local before

	ip -netns l1 route add 10.9.0.0/16 via 192.168.122.89 dev virbr0
	before=$(ip -netns l1 address show dev virbr0 | grep inet; ip -netns l1 route show dev virbr0)
	nestnet bridge attach virbr0 eth0 --move-addresses
	nestnet bridge detach eth0 --move-addresses
	same "virbr0" "$before" \
		"$(ip -netns l1 address show dev virbr0 | grep inet; ip -netns l1 route show dev virbr0)"
	reaches l1 http 192.168.122.89 8000 "guest page of l2,"
}

test_permanent_neighbours_move() {
	ip -netns l1 neighbour add 10.128.0.77 lladdr 52:54:00:00:00:77 dev eth0 nud permanent
	nestnet bridge attach virbr0 eth0 --move-addresses
	same "neighbour" "10.128.0.77 dev virbr0 lladdr 52:54:00:00:00:77 PERMANENT" \
		"$(ip -netns l1 neighbour show nud permanent | grep 00:77 | xargs)"
	nestnet bridge detach eth0 --move-addresses
	same "neighbour" "10.128.0.77 dev eth0 lladdr 52:54:00:00:00:77 PERMANENT" \
		"$(ip -netns l1 neighbour show nud permanent | grep 00:77 | xargs)"
}

# The kernel made it of the address beside it; on the bridge it is one like any other.
test_a_connection_by_a_temporary_address_survives() {
	local address

	on l1 sh -c 'echo 2 >/proc/sys/net/ipv6/conf/eth0/use_tempaddr'
	ip -netns l1 address add fd10:128::1:2/64 dev eth0 nodad mngtmpaddr \
		valid_lft 86400 preferred_lft 43200
	poll has_temporary
	address=$(temporary)
	on l1 peer -s "$address" serve temporary echo:9
	stream_open temporary ext tcp "$address" 9
	stream_says temporary before
	nestnet bridge attach virbr0 eth0 --move-addresses
	stream_says temporary attached
	matches "on the bridge" "$address/64" "$(has virbr0)"
	matches_not "on the uplink" "$address" "$(has eth0)"
	nestnet bridge detach eth0 --move-addresses
	stream_says temporary detached
	matches "back again" "$address/64" "$(has eth0)"
}

temporary() {
	ip -netns l1 -j -6 address show dev eth0 |
		jq -r '[.[].addr_info[] | select(.temporary and (.tentative | not)).local][0] // empty'
}
has_temporary() { [[ -n $(temporary) ]]; }

# What a DHCP client on the bridge was given meanwhile.
test_an_address_that_was_renewed_comes_back_as_it_is() {
	nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l1 address del 10.128.0.2/24 dev virbr0
	ip -netns l1 address add 10.128.0.200/24 dev virbr0
	nestnet bridge detach eth0 --move-addresses
	matches "eth0" '10\.128\.0\.200/24' "$(has eth0)"
	matches_not "eth0" '10\.128\.0\.2/24' "$(has eth0)"
	matches_not "virbr0" '10\.128' "$(has virbr0)"
}

# Where the host forwards IPv6, who is to hear routers has accept_ra 2.
test_router_advertisements_are_heard_on_the_bridge() {
	local state

	on l1 sh -c 'echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	ip -netns l1 route add default via fe80::53 dev eth0 metric 2048 proto ra expires 86050
	state=$(timeless_state)
	nestnet bridge attach virbr0 eth0 --move-addresses
	same "attached" 2 "$(on l1 cat /proc/sys/net/ipv6/conf/virbr0/accept_ra)"
	nestnet bridge detach eth0 --move-addresses
	same "detached" 1 "$(on l1 cat /proc/sys/net/ipv6/conf/virbr0/accept_ra)"
	nestnet bridge attach virbr0 eth0 --move-addresses
	nestnet clear
	same "L1's state" "$state" "$(timeless_state)"
}

test_a_bridge_with_stp_says_that_it_takes_its_time() {
	ip -netns l1 link set virbr0 type bridge stp_state 1 forward_delay 200
	matches "says" 'virbr0 runs the spanning tree protocol' \
		"$(nestnet bridge attach virbr0 eth0 --move-addresses 2>&1)"
	poll on ext peer -t 300 tcp 10.128.0.2 22
}

# The guest on L1's own network

test_a_guest_of_the_bridge_is_on_the_uplinks_network_with_its_own_ethernet_address() {
	local mac

	nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l2 address add 10.128.0.60/24 dev eth0
	ip -netns l2 address add fd10:128::60/64 dev eth0 nodad
	mac=$(on l2 cat /sys/class/net/eth0/address)
	# The bridge must not show these packets to the host's own chains.
	bridge_calls_iptables 0
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.60 "
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::60 "
	reaches ext http 10.128.0.60 8000 "guest page of l2, for 10.128.0.50 "
	pings ext 10.128.0.60 64
	matches "ext knows" "10\.128\.0\.60 .*$mac" "$(ip -netns ext neighbour)"
	matches "ext knows" "fd10:128::60 .*$mac" "$(ip -netns ext neighbour)"
	reaches l1 http 10.128.0.60 8000 "guest page of l2,"
	nestnet bridge detach eth0 --move-addresses
	gets_nothing ext http 10.128.0.60 8000
}

test_an_exposure_goes_on_while_the_uplink_moves() {
	nestnet expose 10.128.0.13 192.168.122.89
	stream_open in ext tcp 10.128.0.13 7
	nestnet bridge attach virbr0 eth0 --move-addresses
	stream_says in attached
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	nestnet bridge detach eth0 --move-addresses
	stream_says in detached
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

# Again

test_attaching_again_changes_nothing() {
	nestnet bridge attach virbr0 eth0 --move-addresses
	changes_nothing nestnet bridge attach virbr0 eth0 --move-addresses
	changes_nothing nestnet bridge attach virbr0 eth0
	same "dry run" "" "$(nestnet -n bridge attach virbr0 eth0 --move-addresses)"
	nestnet bridge detach eth0 --move-addresses
	refused 1 'port of no bridge' nestnet bridge detach eth0 --move-addresses
	changes_nothing nestnet bridge detach eth0 --move-addresses --if-exists
}

test_adding_the_bridge_again_changes_nothing_though_it_has_more_addresses() {
	nestnet bridge add br0 --address 192.168.50.1/24
	nestnet bridge attach br0 eth0 --move-addresses
	changes_nothing nestnet bridge add br0 --address 192.168.50.1/24
	refused 1 'exists already' nestnet bridge add br0 --address 192.168.51.1/24
}

test_addresses_move_after_an_attach_without_them() {
	open_streams
	nestnet bridge attach virbr0 eth0
	nestnet bridge attach virbr0 eth0 --move-addresses
	streams_live moved
	same "on the uplink" "" "$(has eth0)"
	nestnet bridge detach eth0 --move-addresses
	streams_live back
}

test_what_came_back_to_the_uplink_moves_again() {
	nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l1 address add 10.128.0.99/24 dev eth0
	nestnet bridge attach virbr0 eth0 --move-addresses
	same "on the uplink" "" "$(has eth0)"
	matches "on the bridge" '10\.128\.0\.99/24' "$(has virbr0)"
}

test_an_interface_without_addresses_is_only_attached() {
	ip -netns l1 link set vnet1 nomaster
	nestnet bridge attach virbr0 vnet1 --move-addresses
	changes_nothing nestnet bridge attach virbr0 vnet1 --move-addresses
	nestnet bridge detach vnet1 --move-addresses
}

test_a_dry_run_of_a_move() {
	changes_nothing nestnet -n bridge attach virbr0 eth0 --move-addresses
	same "attach" "+ bridge attach virbr0 eth0 --move-addresses" \
		"$(nestnet -n bridge attach virbr0 eth0 --move-addresses)"
	nestnet bridge attach virbr0 eth0 --move-addresses
	changes_nothing nestnet -n bridge detach eth0 --move-addresses
	same "detach" "- bridge attach virbr0 eth0 --move-addresses" \
		"$(nestnet -n bridge detach eth0 --move-addresses)"
}

test_clear_brings_the_addresses_back() {
	local before

	before=$(l1_state)
	open_streams
	nestnet bridge add br0 --address 192.168.50.1/24
	nestnet bridge attach br0 eth0 --move-addresses
	nestnet tap add tap0 --bridge br0
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
	streams_live cleared
}

# `systemctl restart nftables` does it, where its file begins with a flush.
test_after_a_flush_the_bridge_does_not_take_the_addresses_along() {
	local before way

	before=$(has eth0)
	open_streams
	for way in "clear -q" "apply /dev/null"; do
		nestnet bridge add br0
		nestnet bridge attach br0 eth0 --move-addresses
		on l1 nft flush ruleset
		refused 1 'bridge del br0: the default route is by it, and its port eth0 has no address' \
			nestnet bridge del br0
		# shellcheck disable=SC2086
		nestnet $way
		same "of eth0, after $way" "$before" "$(has eth0)"
		streams_live "after $way"
		not ip -netns l1 link show dev br0 2>/dev/null
	done
}

# Refusals

test_what_cannot_be_moved_is_refused() {
	ip -netns l1 address add 10.128.0.9/25 dev virbr0
	refused 1 'virbr0 has 10\.128\.0\.9/25, in the same network as 10\.128\.0\.2/24' \
		nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l1 address del 10.128.0.9/25 dev virbr0
	ip -netns l1 route add default via 192.168.122.89 dev virbr0 metric 500
	refused 1 'virbr0 has a route to 0\.0\.0\.0/0' \
		nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l1 route del default via 192.168.122.89 dev virbr0 metric 500
	ip -netns l1 link set virbr0 down
	refused 1 'virbr0 is down' nestnet bridge attach virbr0 eth0 --move-addresses
	ip -netns l1 link set virbr0 up
	refused 1 'not an Ethernet interface' nestnet bridge attach virbr0 lo --move-addresses
	refused 1 'No such device' nestnet bridge attach virbr0 nosuch --move-addresses
	refused 1 'No such device' nestnet bridge attach nosuch eth0 --move-addresses
	refused 2 . nestnet bridge attach virbr0 eth0 --move-address=yes
	ip -netns l1 nexthop add id 7 via 10.128.0.1 dev eth0
	ip -netns l1 route add 10.66.0.0/16 nhid 7
	refused 1 'nexthop object 7' nestnet bridge attach virbr0 eth0 --move-addresses
}

test_a_bridge_has_the_addresses_of_one_uplink() {
	ip -netns l1 -batch - <<-END
		link add eth1 type veth peer name peer1
		link set eth1 up
		link set peer1 up
		address add 172.31.0.1/24 dev eth1
	END
	nestnet bridge attach virbr0 eth0 --move-addresses
	refused 1 'virbr0 has the addresses of eth0' nestnet bridge attach virbr0 eth1 --move-addresses
	nestnet bridge detach eth0 --move-addresses
	refused 1 'virbr0 has the addresses of eth0' \
		nestnet bridge attach virbr0 eth0 eth1 --move-addresses
}

# The kernel says whether the bridge's MTU follows its ports' only once it has the port.
test_a_bridge_with_a_larger_mtu_is_refused() {
	local before out

	open_streams
	nestnet bridge add br0 --mtu 9000
	before=$(has eth0; has br0)
	out=$(not nestnet bridge attach br0 eth0 --move-addresses 2>&1)
	matches "says" '^nestnet: bridge attach eth0: br0 has an MTU of 9000' "$out"
	same "as before" "$before" "$(has eth0; has br0)"
	streams_live refused
}

test_the_addresses_are_not_left_behind() {
	nestnet bridge add br0
	nestnet bridge attach br0 eth0 --move-addresses
	refused 1 '--move-addresses' nestnet bridge detach eth0
	refused 1 'has the addresses of eth0' nestnet bridge del br0
	nestnet bridge detach eth0 --move-addresses
	nestnet bridge del br0
	reaches ext tcp 10.128.0.2 22 "l1 sees"
}

test_the_capability_alone_moves_addresses() {
	local only=(setpriv --inh-caps "-all,+net_admin" --bounding-set "-all,+net_admin" --)

	open_streams
	on l1 "${only[@]}" "$NESTNET" bridge attach virbr0 eth0 --move-addresses
	streams_live attached
	# Without CAP_NET_RAW neighbours that learned within the last second learn no more.
	ip -netns ext neighbour replace 10.128.0.2 lladdr "$(on l1 cat /sys/class/net/eth0/address)" dev eth0
	ip -netns ext neighbour replace fd10:128::2 lladdr "$(on l1 cat /sys/class/net/eth0/address)" dev eth0
	on l1 "${only[@]}" "$NESTNET" bridge detach eth0 --move-addresses
	streams_live detached
}

# Failures on the way

# fails_at_every CALL,... PREPARE COMMAND...: each of these calls fails once; where the command then
# does, with one line, L1 is as before; and the connections live in any case.
fails_at_every() {
	local calls=$1 prepare=$2 call n before out status what injected=0

	shift 2
	open_streams
	for call in ${calls//,/ }; do
		for ((n = 1 + injected % every; n <= 200; n += every)); do
			"$prepare"
			before=$(l1_state)
			status=0
			out=$(on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e "trace=$call" \
				-e "inject=$call:error=ENOMEM:when=$n" "$NESTNET" "$@" 2>&1) || status=$?
			what="when $call $n failed ($out)"
			streams_live "$what"
			grep -q INJECTED "$LAB_SCRATCH/trace" || break
			injected=$((injected + 1))
			[[ $status != 0 ]] || continue
			same "exit status, $what" 1 "$status"
			same "lines, $what" 1 "$(wc -l <<<"$out")"
			same "L1's state, $what" "$before" "$(l1_state)"
		done
		same "exit status in the end ($out)" 0 "$status"
	done
	[[ $injected -gt 0 ]] || fail "no $calls was made to fail"
}

detached() { nestnet clear >/dev/null 2>&1; }

attached() {
	nestnet clear >/dev/null 2>&1
	nestnet bridge attach virbr0 eth0 --move-addresses
}

test_a_move_is_whole_or_not_at_all_when_a_message_fails() {
	fails_at_every sendto,sendmsg detached bridge attach virbr0 eth0 --move-addresses
}

test_a_move_is_whole_or_not_at_all_when_an_answer_fails() {
	fails_at_every recvfrom detached bridge attach virbr0 eth0 --move-addresses
}

test_a_move_back_is_whole_or_not_at_all_when_a_message_fails() {
	fails_at_every sendto,sendmsg attached bridge detach eth0 --move-addresses
}

test_a_move_back_is_whole_or_not_at_all_when_an_answer_fails() {
	fails_at_every recvfrom attached bridge detach eth0 --move-addresses
}

# killed_at_every PREPARE COMMAND...: ended before each message that it would send. What is left lives,
# and `clear` takes it back.
killed_at_every() {
	local prepare=$1 before n status=1

	shift
	detached
	before=$(l1_state)
	open_streams
	for ((n = 1; n <= 200 && status != 0; n += every)); do
		"$prepare"
		status=0
		on l1 strace -f -qq -o /dev/null -e trace=sendto -e "inject=sendto:signal=KILL:when=$n" \
			"$NESTNET" "$@" 2>/dev/null >&2 || status=$?
		streams_live "killed at $n"
		nestnet clear >/dev/null 2>&1
		same "L1's state, killed at $n" "$before" "$(l1_state)"
		streams_live "cleared, killed at $n"
	done
	[[ $n -gt 10 ]] || fail "it was killed at $n messages only"
}

test_a_killed_move_lives_and_is_taken_back_by_clear() {
	killed_at_every detached bridge attach virbr0 eth0 --move-addresses
}

test_a_killed_move_back_lives_and_is_finished_by_clear() {
	killed_at_every attached bridge detach eth0 --move-addresses
}

test_a_killed_move_is_finished_by_the_next_one() {
	local before n status=1

	before=$(has eth0)
	open_streams
	for ((n = 1; n <= 200 && status != 0; n += every)); do
		detached
		status=0
		on l1 strace -f -qq -o /dev/null -e trace=sendto -e "inject=sendto:signal=KILL:when=$n" \
			"$NESTNET" bridge attach virbr0 eth0 --move-addresses 2>/dev/null >&2 || status=$?
		nestnet bridge attach virbr0 eth0 --move-addresses
		same "on the bridge, killed at $n" "$before" "$(has virbr0)"
		same "on the uplink, killed at $n" "" "$(has eth0)"
		streams_live "killed at $n"
	done
}
