# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A real Linux kernel as L2, run by an ordinary user on that user's tap: the three
# procedures by which people put a guest on the network, each by nestnet.

# shellcheck source=tests/lab/guest.bash
source "$LAB/guest.bash"

boot() { guest_boot tap0 52:54:00:12:34:56 192.168.122.100/24 192.168.122.1 nobody; }

# On nothing but nestnet: bridge and tap are its own.
nestnet_guest() {
	without_bridge
	nestnet bridge add virbr0 --address 192.168.122.1/24
	nestnet tap add tap0 --bridge virbr0 --owner nobody
	boot
}

test_a_real_guest_on_a_tap_made_by_hand() {
	on l1 ip tuntap add tap0 mode tap user nobody
	ip -netns l1 link set tap0 master virbr0 up
	boot
	reaches l1 http 192.168.122.100 8000 "guest page of uml"
	reaches l2 tcp 192.168.122.100 7 "uml sees 192.168.122.89"
	not guest_run peer -t 300 tcp 10.128.0.50 7
	guest_stop
}

test_a_real_guest_and_l1_reach_each_other_over_the_bridge() {
	nestnet_guest
	matches "curl" "^guest page of uml" "$(on l1 curl -s -m 5 192.168.122.100:8000)"
	reaches l1 udp 192.168.122.100 7 "uml sees 192.168.122.1"
	matches "in the guest" "^l1 sees 192.168.122.100 " "$(guest_run peer tcp 192.168.122.1 22)"
	same "carrier" true "$(nestnet -j tap list | jq '.[0].carrier')"
	guest_stop
}

test_a_real_guest_has_its_way_out_by_nat() {
	nestnet_guest
	nestnet nat add 192.168.122.0/24
	matches "tcp" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 203.0.113.9 7)"
	matches "udp" "^ext sees 10.128.0.2 " "$(guest_run peer udp 203.0.113.9 7)"
	matches "page" "^guest page of ext, for 10.128.0.2 " "$(guest_run peer http 10.128.0.50 8000)"
	guest_run busybox ping -c 1 -W 2 203.0.113.9 >/dev/null
	guest_stop
}

test_a_real_guests_page_comes_through_the_alias() {
	nestnet_guest
	nestnet expose 10.128.0.13 192.168.122.100
	matches "curl" "^guest page of uml" "$(on ext curl -s -m 5 10.128.0.13:8000)"
	reaches ext tcp 10.128.0.13 7 "uml sees 10.128.0.50"
	reaches ext udp 10.128.0.13 7 "uml sees 10.128.0.50"
	pings ext 10.128.0.13 63
	reaches l1 http 10.128.0.13 8000 "guest page of uml"
	matches "out" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 10.128.0.50 7)"
	# Itself by its alias, with br_netfilter calling iptables: the tap's hairpin mode.
	matches "hairpin" "^uml sees 192.168.122.1 " "$(guest_run peer tcp 10.128.0.13 7)"
	with_route_to_guests
	gets_nothing ext tcp 192.168.122.100 22
	nestnet unexpose 10.128.0.13
	gets_nothing ext http 10.128.0.13 8000
	guest_stop
}

# The VMM comes and goes: the tap, its place in the bridge and the exposure stay.
test_a_real_guest_boots_again_on_the_same_tap() {
	nestnet_guest
	nestnet expose 10.128.0.13 192.168.122.100
	reaches ext http 10.128.0.13 8000 "guest page of uml"
	guest_stop
	gets_nothing ext http 10.128.0.13 8000
	boot
	reaches ext http 10.128.0.13 8000 "guest page of uml"
	guest_stop
}

test_a_real_guest_behind_a_routed_tap() {
	nestnet tap add tap0 --address 192.168.60.1/24 --owner nobody
	guest_boot tap0 52:54:00:12:34:56 192.168.60.2/24 192.168.60.1 nobody
	nestnet expose 10.128.0.13 192.168.60.2
	matches "curl" "^guest page of uml" "$(on ext curl -s -m 5 10.128.0.13:8000)"
	reaches l1 tcp 10.128.0.13 7 "uml sees"
	reaches l2 udp 10.128.0.13 7 "uml sees 192.168.122.89"
	matches "out" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 203.0.113.9 7)"
	guest_stop
}
