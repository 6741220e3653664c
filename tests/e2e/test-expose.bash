# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The main job: `nestnet expose ALIAS TARGET` on a bare L1, seen from every side.

test_a_bare_l1_answers_with_the_guests_page_from_outside() {
	same "ip_forward before" 0 "$(forwarding)"
	nestnet expose 10.128.0.13 192.168.122.89
	same "ip_forward" 1 "$(forwarding)"
	matches "curl" "^guest page of l2" "$(on ext curl -s -m 5 10.128.0.13:8000)"
}

test_every_protocol_reaches_the_guest_which_sees_the_clients_own_address() {
	with_neighbour
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2, for 10.128.0.50"
	reaches ext tcp 10.128.0.13 7 "l2 sees 10.128.0.50"
	reaches ext udp 10.128.0.13 7 "l2 sees 10.128.0.50"
	reaches ext2 tcp 10.128.0.13 22 "l2 sees 10.128.0.51"
	pings ext 10.128.0.13 63
}

test_l1_reaches_the_guest_through_the_alias() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches l1 http 10.128.0.13 8000 "guest page of l2"
	reaches l1 tcp 10.128.0.13 22 "l2 sees"
	reaches l1 udp 10.128.0.13 7 "l2 sees"
}

test_a_neighbour_on_the_bridge_reaches_the_alias() {
	local calls

	nestnet expose 10.128.0.13 192.168.122.89
	for calls in 1 0; do
		bridge_calls_iptables "$calls"
		reaches l2b http 10.128.0.13 8000 "guest page of l2"
		reaches l2b tcp 10.128.0.13 22 "l2 sees"
		reaches l2b udp 10.128.0.13 7 "l2 sees"
	done
}

test_the_guest_itself_reaches_its_alias() {
	nestnet expose 10.128.0.13 192.168.122.89
	bridge_calls_iptables 0
	reaches l2 http 10.128.0.13 8000 "guest page of l2"
	reaches l2 udp 10.128.0.13 7 "l2 sees"
}

# The frame has to leave by the port that it came from: the port's hairpin mode, which
# `bridge attach` sets.
test_the_guest_itself_reaches_its_alias_under_br_netfilter() {
	without_bridge
	nestnet bridge add virbr0 --address 192.168.122.1/24
	nestnet bridge attach virbr0 vnet0 vnet1
	nestnet expose 10.128.0.13 192.168.122.89
	bridge_calls_iptables 1
	reaches l2 http 10.128.0.13 8000 "guest page of l2"
	reaches l2 udp 10.128.0.13 7 "l2 sees"
	reaches l2b http 10.128.0.13 8000 "guest page of l2"
	bridge_calls_iptables 0
	reaches l2 http 10.128.0.13 8000 "guest page of l2"
}

test_the_guests_own_flows_leave_as_l1s_primary_address() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	reaches l2 udp 10.128.0.50 7 "ext sees 10.128.0.2 "
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.2 "
	pings l2 203.0.113.9 63
}

test_guests_reach_each_other_untranslated() {
	local calls

	nestnet expose 10.128.0.13 192.168.122.89
	for calls in 1 0; do
		bridge_calls_iptables "$calls"
		reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
		reaches l2b udp 192.168.122.89 7 "l2 sees 192.168.122.90"
	done
}

test_l1s_primary_address_still_reaches_l1() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.2 22 "l1 sees 10.128.0.50"
	reaches ext udp 10.128.0.2 22 "l1 sees 10.128.0.50"
	reaches ext http 10.128.0.2 8000 "guest page of l1"
	reaches l1 tcp 10.128.0.2 22 "l1 sees"
	reaches l2 tcp 10.128.0.2 22 "l1 sees 192.168.122.89"
	pings ext 10.128.0.2 64
}

test_the_other_addresses_of_the_alias_range_stay_with_l1() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.14 22 "l1 sees 10.128.0.50"
	gets_nothing ext http 10.128.0.14 8000
}

test_l1_reaches_the_guest_by_its_own_address() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches l1 http 192.168.122.89 8000 "guest page of l2, for 192.168.122.1"
	reaches l1 udp 192.168.122.89 7 "l2 sees 192.168.122.1"
}

test_two_guests_have_an_alias_each() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.90
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http 10.128.0.14 8000 "guest page of l2b,"
	# Each guest by the other's alias.
	reaches l2 http 10.128.0.14 8000 "guest page of l2b,"
	reaches l2b http 10.128.0.13 8000 "guest page of l2,"
}

test_one_guest_has_two_aliases() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http 10.128.0.14 8000 "guest page of l2,"
	nestnet unexpose 10.128.0.13
	gets_nothing ext http 10.128.0.13 8000
	reaches ext http 10.128.0.14 8000 "guest page of l2,"
	# What the two share stays for the one that is left.
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.2 "
	with_route_to_guests
	gets_nothing ext tcp 192.168.122.89 22
}

test_an_address_on_the_interface_serves_as_alias_too() {
	ip -netns l1 address add 10.128.0.20/24 dev eth0
	nestnet expose 10.128.0.20 192.168.122.89
	reaches ext http 10.128.0.20 8000 "guest page of l2,"
	reaches l1 http 10.128.0.20 8000 "guest page of l2,"
	reaches l2b http 10.128.0.20 8000 "guest page of l2,"
}

test_an_alias_that_is_only_routed_to_l1_serves_too() {
	ip -netns ext route add 198.51.100.7 via 10.128.0.2
	nestnet expose 198.51.100.7 192.168.122.89
	reaches ext http 198.51.100.7 8000 "guest page of l2, for 10.128.0.50"
	reaches l2b http 198.51.100.7 8000 "guest page of l2,"
}

test_an_exposure_may_come_before_alias_bridge_and_guest() {
	without_bridge
	ip -netns l1 route del local 10.128.0.12/30 dev eth0 table local
	nestnet expose 10.128.0.13 192.168.122.89
	ip -netns l1 route add local 10.128.0.12/30 dev eth0 proto 66 table local
	with_bridge
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_tcp_is_clamped_to_the_path() {
	local mss

	# ext takes more than the uplink does, so that only the clamp keeps segments small:
	# 1460 of the uplink, less 40 for the headers, less 12 where time stamps are in use.
	ip -netns ext link set eth0 mtu 1500
	nestnet expose 10.128.0.13 192.168.122.89
	mss=$(on l2 peer tcp 10.128.0.50 7)
	matches "ext's segments to the guest" " mss (1420|1408) " "$mss"
}

test_a_udp_flow_begun_before_the_exposure_reaches_the_guest_after_it() {
	# Another exposure, so that connections are tracked already.
	nestnet expose 10.128.0.14 192.168.122.90
	stream_open early ext udp 10.128.0.13 7
	stream_lost early before
	nestnet expose 10.128.0.13 192.168.122.89
	matches "the same flow" "^l2 sees 10.128.0.50" "$(stream_says early after)"
}

test_open_flows_of_other_exposures_do_not_notice() {
	nestnet expose 10.128.0.13 192.168.122.89
	stream_open a ext tcp 10.128.0.13 7
	stream_says a before
	nestnet expose 10.128.0.14 192.168.122.90
	nestnet unexpose 10.128.0.14
	stream_says a after
}
