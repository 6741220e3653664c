# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The procedure by hand that nestnet replaces, in the lab: that it works shows the lab to
# be true, and its weaknesses are those that the other tests show closed.

hand_procedure() {
	on l1 sh -ec '
		echo 1 >/proc/sys/net/ipv4/ip_forward
		iptables -t nat -A PREROUTING -d 10.128.0.13 -j DNAT --to-destination 192.168.122.89
		iptables -t nat -A POSTROUTING -s 192.168.122.89 -j MASQUERADE'
}

test_a_bare_l1_forwards_nothing() {
	with_route_to_guests
	same "ip_forward" 0 "$(forwarding)"
	reaches l1 http 192.168.122.89 8000 "guest page of l2, for 192.168.122.1"
	reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
	reaches ext tcp 10.128.0.2 22 "l1 sees 10.128.0.50"
	reaches ext tcp 10.128.0.13 22 "l1 sees 10.128.0.50"
	gets_nothing ext http 10.128.0.13 8000
	gets_nothing ext tcp 192.168.122.89 22
	gets_nothing l2 tcp 10.128.0.50 7
}

test_by_hand_the_page_comes_through_the_alias() {
	hand_procedure
	matches "curl" "^guest page of l2, for 10.128.0.50" "$(on ext curl -s -m 5 10.128.0.13:8000)"
	reaches ext udp 10.128.0.13 7 "l2 sees 10.128.0.50"
	pings ext 10.128.0.13 63
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.2"
	reaches l2 udp 203.0.113.9 7 "ext sees 10.128.0.2"
	reaches ext tcp 10.128.0.2 22 "l1 sees 10.128.0.50"
}

test_by_hand_l1_and_the_guests_do_not_reach_the_alias() {
	hand_procedure
	gets_nothing l1 http 10.128.0.13 8000
	gets_nothing l2 http 10.128.0.13 8000
}

test_by_hand_every_port_of_every_guest_is_open_to_the_neighbourhood() {
	with_route_to_guests
	hand_procedure
	reaches ext tcp 192.168.122.89 2222 "l2 sees 10.128.0.50"
	reaches ext tcp 192.168.122.90 2222 "l2b sees 10.128.0.50"
}

test_a_second_machine_beside_ext_is_another_client() {
	with_neighbour
	hand_procedure
	reaches ext http 10.128.0.13 8000 "guest page of l2, for 10.128.0.50"
	reaches ext2 http 10.128.0.13 8000 "guest page of l2, for 10.128.0.51"
	reaches l2 tcp 10.128.0.51 7 "ext2 sees 10.128.0.2"
}

test_ipv6_is_there_beside_ipv4() {
	reaches ext tcp fd10:128::2 22 "l1 sees fd10:128::50"
	reaches l1 http fd12::89 8000 "guest page of l2, for fd12::1"
	reaches l2 udp fd12::90 7 "l2b sees fd12::89"
}

test_a_stream_tells_when_its_flow_ends() {
	hand_procedure
	stream_open a ext tcp 10.128.0.13 7
	matches "first" "^l2 sees 10.128.0.50 " "$(stream_says a one)"
	matches "second" " two$" "$(stream_says a two)"
	on l1 iptables -t nat -F PREROUTING
	matches "after the DNAT rule went" " three$" "$(stream_says a three)"
	on l1 conntrack -D -p tcp --orig-dst 10.128.0.13 2>/dev/null >&2
	stream_lost a four
}

test_a_lab_leaves_no_trace_of_the_commands_in_it() {
	local before

	before=$(l1_state; generation)
	same "the state, read twice" "$before" "$(l1_state; generation)"
	hand_procedure
	not same "the state" "$before" "$(l1_state; generation)" >/dev/null
}
