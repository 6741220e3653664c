# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Closed by default, in both families: a host of the neighbourhood that adds a route to the
# guests by way of L1 reaches nothing but what is exposed, by whatever packets.

# Before nestnet L1 forwards already, and nothing stops it: so each test begins by seeing
# that the way is there. Reverse path filters, which could hide a hole, are off.
neighbourhood() {
	with_route_to_guests
	# shellcheck disable=SC2016
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
	reaches ext tcp "$GUEST" 22 "l2 sees $EXT "
}

# Nothing of a guest from outside: not by TCP, UDP or ICMP.
is_closed() { # ADDRESS
	local pid pids=()

	# All at once, as each waits for what does not come.
	gets_nothing ext tcp "$1" 22 &
	pids+=($!)
	gets_nothing ext http "$1" 8000 &
	pids+=($!)
	gets_nothing ext udp "$1" 7 &
	pids+=($!)
	pings_nobody ext "$1" &
	pids+=($!)
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

pings_nobody() { # HOST ADDRESS
	not on "$1" timeout 0.3 busybox ping -c 1 "$2" >/dev/null || fail "$1 pings $2"
}

# arrivals HOST SOURCE: from now on counts what comes in from there; arrived HOST prints it.
arrivals() { counts_packets "$1" arrivals input "$2"; }

arrived() { counted "$1" arrivals; }

# counts_packets HOST TABLE input|output SOURCE; counted HOST TABLE prints how many.
counts_packets() {
	local ip=ip

	[[ $4 != *:* ]] || ip=ip6
	on "$1" nft -f - <<-END
		table inet $2
		delete table inet $2
		table inet $2 {
			counter seen { }
			chain seen {
				type filter hook $3 priority 300;
				$ip saddr $4 counter name seen
			}
		}
	END
}

counted() { on "$1" nft -j list counter inet "$2" seen | jq '.nftables[1].counter.packets'; }

# Sends one of each from another's address; all have left when it returns.
forges() { # SOURCE DESTINATION
	local own=$1/32

	[[ $1 != *:* ]] || own=$1/128
	ip -netns ext address replace "$own" dev lo
	counts_packets ext departures output "$1"
	on ext ping -c 1 -W 1 -I "$1" "$2" >/dev/null 2>&1 &
	not on ext peer -t 100 -s "$1" tcp "$2" 22 2>/dev/null
	not on ext peer -t 100 -s "$1" udp "$2" 7 2>/dev/null
	poll three_left
	ip -netns ext address del "$own" dev lo
}

three_left() { [[ $(counted ext departures) -ge 3 ]]; }

test_a_closed_subnet_answers_nothing_from_outside() { in_each_family closed_subnet; }

closed_subnet() {
	neighbourhood
	pings ext "$GUEST2" 63
	nestnet nat add "$SUBNET"
	is_closed "$GUEST"
	is_closed "$GUEST2"
	# Its own way out, and answers to it.
	reaches l2 tcp "$EXT" 7 "ext sees $L1 "
	reaches l2b udp "$WORLD" 7 "ext sees $L1 "
	pings l2 "$WORLD" 63
	# Inside, and from L1, all is as ever.
	reaches l2b tcp "$GUEST" 22 "l2 sees $GUEST2 "
	reaches l2 tcp "$BRIDGE" 22 "l1 sees $GUEST "
	reaches l1 tcp "$GUEST" 22 "l2 sees $BRIDGE "
	pings l1 "$GUEST2" 64
}

test_l1s_bridge_address_answers_only_from_inside() { in_each_family closed_bridge_address; }

closed_bridge_address() {
	neighbourhood
	reaches ext tcp "$BRIDGE" 22 "l1 sees $EXT "
	reaches ext udp "$BRIDGE" 22 "l1 sees $EXT "
	nestnet nat add "$SUBNET"
	gets_nothing ext tcp "$BRIDGE" 22
	gets_nothing ext udp "$BRIDGE" 22
	pings_nobody ext "$BRIDGE"
	reaches l2 tcp "$BRIDGE" 22 "l1 sees $GUEST "
	reaches l2b udp "$BRIDGE" 22 "l1 sees $GUEST2 "
	reaches l1 tcp "$BRIDGE" 22 "l1 sees"
	# L1's other addresses are not the subnet's.
	reaches ext tcp "$L1" 22 "l1 sees $EXT "
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
}

# A source that is a guest's, a stranger's of the subnet, or L1's own in it.
test_a_forged_source_does_not_get_in() { in_each_family forged; }

forged() {
	neighbourhood
	arrivals l2 "$STRANGER"
	forges "$STRANGER" "$GUEST"
	poll three_arrive
	nestnet nat add "$SUBNET"
	arrivals l2 "$STRANGER"
	forges "$STRANGER" "$GUEST"
	same "of the subnet" 0 "$(arrived l2)"
	arrivals l2 "$GUEST2"
	forges "$GUEST2" "$GUEST"
	same "a guest's" 0 "$(arrived l2)"
	arrivals l2 "$BRIDGE"
	forges "$BRIDGE" "$GUEST"
	same "L1's" 0 "$(arrived l2)"
	arrivals l1 "$STRANGER"
	forges "$STRANGER" "$BRIDGE"
	same "at L1's bridge address" 0 "$(arrived l1)"
}

three_arrive() { [[ $(arrived l2) -ge 3 ]]; }

# By the alias such packets come to the guest no more than by its address.
test_a_forged_source_does_not_get_in_by_the_alias() { in_each_family forged_by_alias; }

forged_by_alias() {
	neighbourhood
	nestnet nat add "$SUBNET"
	nestnet expose "$ALIAS" "$GUEST"
	arrivals l2 "$STRANGER"
	forges "$STRANGER" "$ALIAS"
	same "of the subnet" 0 "$(arrived l2)"
	arrivals l2 "$GUEST2"
	forges "$GUEST2" "$ALIAS"
	same "a guest's" 0 "$(arrived l2)"
	reaches ext tcp "$ALIAS" 22 "l2 sees $EXT "
	reaches l2b tcp "$ALIAS" 22 "l2 sees"
}

# Without `nat` only the target is known: nobody outside is it.
test_a_source_forged_as_the_target_does_not_get_in() { in_each_family forged_target; }

forged_target() {
	neighbourhood
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)"
	arrivals l2b "$GUEST"
	forges "$GUEST" "$GUEST2"
	same "at its neighbour" 0 "$(arrived l2b)"
	is_closed "$GUEST"
	# The neighbour itself is not exposed, so that nobody has closed it.
	reaches ext tcp "$GUEST2" 22 "l2b sees $EXT "
}

test_one_exposed_port_opens_that_port_alone() { in_each_family one_port; }

one_port() {
	neighbourhood
	nestnet nat add "$SUBNET"
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)"
	reaches ext http "$ALIAS" 80 "guest page of l2, for $EXT "
	is_closed "$GUEST"
	is_closed "$GUEST2"
	gets_nothing ext http "$ALIAS" 8000
	gets_nothing ext tcp "$ALIAS" 7
	gets_nothing ext udp "$ALIAS" 80
	gets_nothing ext http "$ALIAS2" 80
	gets_nothing ext http "$L1" 80
	gets_nothing ext http "$BRIDGE" 80
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	nestnet unexpose "$(at "$ALIAS" 80)"
	gets_nothing ext http "$ALIAS" 80
	is_closed "$GUEST"
}

test_a_range_and_a_udp_port_open_no_more_than_they_say() { in_each_family some_ports; }

some_ports() {
	listens l2 8001 8002 8003
	neighbourhood
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 7/udp)" "$GUEST2"
	reaches ext tcp "$ALIAS" 8002 "l2:8002 sees $EXT "
	reaches ext udp "$ALIAS" 7 "l2b sees $EXT "
	gets_nothing ext tcp "$GUEST" 8002
	gets_nothing ext udp "$GUEST2" 7
	gets_nothing ext tcp "$ALIAS" 8003
	gets_nothing ext tcp "$ALIAS" 7
	is_closed "$GUEST"
	is_closed "$GUEST2"
}

test_a_prefix_of_guests_is_closed_but_by_its_aliases() { in_each_family closed_prefix; }

closed_prefix() {
	local i

	with_prefix_guests
	neighbourhood
	reaches ext tcp "${PREFIX_GUESTS[3]}" 9 "${PREFIX_GUESTS[3]} sees $EXT "
	nestnet expose "$PREFIX" "$GUESTS"
	for i in 0 3; do
		reaches ext tcp "${PREFIX_ALIASES[i]}" 9 "${PREFIX_GUESTS[i]} sees $EXT "
		gets_nothing ext tcp "${PREFIX_GUESTS[i]}" 9
		gets_nothing ext udp "${PREFIX_GUESTS[i]}" 9
		pings_nobody ext "${PREFIX_GUESTS[i]}"
	done
	arrivals l2b "${PREFIX_GUESTS[0]}"
	forges "${PREFIX_GUESTS[0]}" "$GUEST2"
	same "forged" 0 "$(arrived l2b)"
	reaches ext tcp "$GUEST2" 22 "l2b sees $EXT "
}

test_open_is_the_other_choice() { in_each_family opened; }

opened() {
	neighbourhood
	nestnet nat add "$SUBNET" --open
	reaches ext tcp "$GUEST" 22 "l2 sees $EXT "
	reaches ext udp "$GUEST2" 7 "l2b sees $EXT "
	pings ext "$GUEST" 63
	reaches ext tcp "$BRIDGE" 22 "l1 sees $EXT "
	reaches l2 tcp "$EXT" 7 "ext sees $L1 "
	# An exposure in an open subnet does not close it.
	nestnet expose "$ALIAS" "$GUEST"
	reaches ext tcp "$GUEST" 22 "l2 sees $EXT "
	# In a closed one --open of an exposure does not open it.
	nestnet nat del "$SUBNET"
	nestnet nat add "$SUBNET"
	nestnet expose "$ALIAS" "$GUEST" --open --replace
	is_closed "$GUEST"
	nestnet nat del "$SUBNET"
	reaches ext tcp "$GUEST" 22 "l2 sees $EXT "
	reaches ext http "$ALIAS" 8000 "guest page of l2,"
	# A target that one exposure closes and another does not is closed.
	nestnet expose "$(at "$ALIAS2" 80)" "$(at "$GUEST" 8000)"
	is_closed "$GUEST"
	nestnet unexpose "$(at "$ALIAS2" 80)"
	reaches ext tcp "$GUEST" 22 "l2 sees $EXT "
}

# Guests of another bridge are outside too.
test_guests_of_another_bridge_are_outside() { in_each_family other_bridge; }

other_bridge() {
	with_other_bridge
	neighbourhood
	reaches l2c tcp "$GUEST" 22 "l2 sees $OTHER "
	nestnet nat add "$SUBNET"
	gets_nothing l2c tcp "$GUEST" 22
	gets_nothing l2c udp "$GUEST2" 7
	gets_nothing l2c tcp "$BRIDGE" 22
	pings_nobody l2c "$GUEST"
	# The other way about: that bridge's subnet is nobody's business yet, and L1's address
	# is what it sees.
	reaches l2 tcp "$OTHER" 7 "l2c sees "
	nestnet nat add "$OTHER_SUBNET"
	gets_nothing l2 tcp "$OTHER" 7
	reaches l2c tcp "$EXT" 7 "ext sees $L1 "
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 80)" "$(at "$OTHER" 8000)"
	reaches l2c tcp "$ALIAS" 22 "l2 sees"
	reaches l2 http "$ALIAS2" 80 "guest page of l2c,"
	gets_nothing l2c tcp "$GUEST" 22
	gets_nothing l2 tcp "$OTHER" 8000
}

with_other_bridge() {
	case $FAMILY in
	4)
		OTHER=192.168.133.99 OTHER_SUBNET=192.168.133.0/24
		ip netns add l2c
		ip -netns l1 -batch - <<-END
			link add virbr1 type bridge
			link add vnet2 type veth peer name eth0 netns l2c
			link set vnet2 master virbr1 up
			address add 192.168.133.1/24 dev virbr1
			address add fd13::1/64 dev virbr1 nodad
			link set virbr1 up
		END
		ip -netns l2c -batch - <<-END
			link set lo up
			link set eth0 up
			address add 192.168.133.99/24 dev eth0
			address add fd13::99/64 dev eth0 nodad
			route add default via 192.168.133.1
			route add default via fd13::1
		END
		on l2c peer serve l2c page:8000 echo:7
		;;
	6)
		OTHER=fd13::99 OTHER_SUBNET=fd13::/64
		;;
	esac
}

# What got in while it was open does not stay in.
test_flows_from_outside_end_when_the_subnet_is_closed() { in_each_family open_then_nat; }

open_then_nat() {
	nestnet expose "$ALIAS2" "$GUEST2"
	neighbourhood
	stream_open direct ext tcp "$GUEST" 7
	stream_open alias ext tcp "$ALIAS2" 7
	stream_open inside l2b tcp "$GUEST" 7
	stream_says direct before
	stream_says alias before
	stream_says inside before
	nestnet nat add "$SUBNET"
	stream_says alias after
	stream_says inside after
	stream_lost direct after
}

# The same of a target that an exposure closes, whatever its shape; and nothing else ends.
test_flows_from_outside_end_when_a_target_is_closed() { in_each_family open_then_exposed; }

open_then_exposed() {
	local shape

	with_route_to_guests
	with_prefix_guests
	nestnet forward on
	nestnet expose "$ALIAS2" "$GUEST2"
	for shape in "$ALIAS $GUEST" "$(at "$ALIAS" 80) $GUEST" "$(at "$ALIAS" 80-81/udp) $GUEST" \
		"*:8080 $(at "$GUEST" 80)" "$ALIAS $GUEST --timeout 1h"; do
		on l1 conntrack -F 2>/dev/null
		open_all
		# shellcheck disable=SC2086
		nestnet expose $shape
		closed_all "$shape"
		nestnet unexpose "${shape%% *}"
	done
	stream_open direct ext tcp "${PREFIX_GUESTS[1]}" 9
	stream_says direct before
	nestnet expose "$PREFIX" "$GUESTS"
	stream_lost direct "after a prefix"
	nestnet unexpose "$PREFIX"
}

open_all() {
	stream_open direct ext tcp "$GUEST" 7
	stream_open datagrams ext udp "$GUEST" 7
	stream_open alias ext tcp "$ALIAS2" 7
	stream_open inside l2b tcp "$GUEST" 7
	stream_open own l1 tcp "$GUEST" 7
	stream_open out l2 tcp "$EXT" 7
	stream_says direct before
	stream_says datagrams before
	stream_says alias before
	stream_says inside before
	stream_says own before
	stream_says out before
}

closed_all() {
	stream_lost direct "after $1"
	stream_lost datagrams "after $1"
	stream_says alias "after $1"
	stream_says inside "after $1"
	stream_says own "after $1"
	stream_says out "after $1"
}

test_flows_from_outside_go_on_to_an_open_target() { in_each_family open_then_open; }

open_then_open() {
	with_route_to_guests
	nestnet expose "$ALIAS2" "$GUEST2"
	stream_open direct ext tcp "$GUEST" 7
	stream_says direct before
	nestnet expose "$ALIAS" "$GUEST" --open
	stream_says direct "after an open exposure"
	nestnet expose "$(at "$ALIAS3" 80)" "$GUEST"
	stream_lost direct "after one that closes it"
	gets_nothing ext tcp "$GUEST" 7
}

# Flows are looked for where a target becomes closed, and not again: a subnet is closed once.
test_a_target_that_is_closed_already_asks_for_no_flows() { in_each_family asked_for; }

asked_for() {
	local around

	case $FAMILY in
	4) around=(192.168.121.255 192.168.123.0 192.168.9.1 203.0.113.200) ;;
	6) around=(fd11:ffff::ffff fd12:0:0:1:: fd00::1 fd99::1) ;;
	esac
	nestnet nat add "$SUBNET"
	nestnet nat add "$(subnet_of 50)"
	asks 0 80 "$GUEST"
	asks 0 81 "$GUEST"
	asks 1 82 "${around[0]}"
	asks 0 83 "${around[0]}"
	asks 1 84 "${around[1]}"
	asks 1 85 "${around[2]}"
	asks 1 86 "${around[3]}"
	asks 0 87 "$(guest_of 50)"
	nestnet nat del "$SUBNET"
	asks 0 88 "$GUEST"
	asks 1 89 "$GUEST2"
}

subnet_of() { [[ $FAMILY == 4 ]] && echo "192.168.$1.0/24" || echo "fd$1::/64"; }
guest_of() { [[ $FAMILY == 4 ]] && echo "192.168.$1.7" || echo "fd$1::7"; }

# asks N PORT TARGET: the exposure of that port sends so many requests about flows.
asks() {
	on l1 strace -f -qq -e trace=sendmsg,sendto -o "$LAB_SCRATCH/trace" \
		"$NESTNET" expose "$(at "$ALIAS" "$2")" "$3"
	# Of IPv6, how many flows there are at all, and only if there are any, which.
	same "whether it asks for flows of $3" "$1" \
		"$(grep -m 1 -c NFNL_SUBSYS_CTNETLINK "$LAB_SCRATCH/trace" || true)"
}
