# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A target is closed but for what is exposed: turning forwarding on must not open guests to
# whoever adds a route to them by way of L1.

test_an_exposed_guest_is_closed_to_a_neighbour_with_a_route() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89
	gets_nothing ext http 192.168.122.89 8000
	gets_nothing ext tcp 192.168.122.89 22
	gets_nothing ext udp 192.168.122.89 7
	not on ext ping -c 1 -W 1 192.168.122.89 >/dev/null
	# The way in that was asked for, and the guest's own way out.
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
}

test_open_leaves_the_guest_routable() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89 --open
	reaches ext tcp 192.168.122.89 22 "l2 sees 10.128.0.50"
	reaches ext udp 192.168.122.89 7 "l2 sees 10.128.0.50"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_an_exposed_port_opens_that_port_alone() {
	with_route_to_guests
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	reaches ext http 10.128.0.13 80 "guest page of l2, for 10.128.0.50"
	gets_nothing ext http 192.168.122.89 8000
	gets_nothing ext tcp 192.168.122.89 22
	gets_nothing ext http 10.128.0.13 8000
	gets_nothing ext tcp 10.128.0.13 7
	reaches ext tcp 10.128.0.13 22 "l1 sees"
}

test_a_closed_guest_is_open_to_l1_and_to_its_bridge() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches l1 tcp 192.168.122.89 22 "l2 sees 192.168.122.1"
	reaches l2b tcp 192.168.122.89 22 "l2 sees 192.168.122.90"
	bridge_calls_iptables 0
	reaches l2b tcp 192.168.122.89 22 "l2 sees 192.168.122.90"
}

test_a_replaced_target_is_closed_too() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.13 192.168.122.90 --replace
	gets_nothing ext tcp 192.168.122.90 22
	reaches ext http 10.128.0.13 8000 "guest page of l2b,"
}
