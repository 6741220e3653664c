# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# ADDRESS:PORT[/PROTO]: one port of an alias.

test_a_port_leads_to_another_port_of_the_guest() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	same "ip_forward" 1 "$(forwarding)"
	reaches ext http 10.128.0.13 80 "guest page of l2, for 10.128.0.50"
	reaches l1 http 10.128.0.13 80 "guest page of l2,"
	reaches l2b http 10.128.0.13 80 "guest page of l2,"
}

test_a_port_without_a_target_port_leads_to_the_same_port() {
	nestnet expose 10.128.0.13:2222 192.168.122.89
	reaches ext tcp 10.128.0.13 2222 "l2 sees 10.128.0.50"
	gets_nothing ext udp 10.128.0.13 2222
}

test_a_udp_port_is_not_the_tcp_port() {
	nestnet expose 10.128.0.13:53/udp 192.168.122.89:7
	reaches ext udp 10.128.0.13 53 "l2 sees 10.128.0.50"
	reaches l1 udp 10.128.0.13 53 "l2 sees"
	reaches l2b udp 10.128.0.13 53 "l2 sees"
	gets_nothing ext tcp 10.128.0.13 53
	nestnet expose 10.128.0.13:53/tcp 192.168.122.90:7
	reaches ext tcp 10.128.0.13 53 "l2b sees"
	reaches ext udp 10.128.0.13 53 "l2 sees"
}

test_tcp_is_the_protocol_where_none_is_named() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	changes_nothing nestnet expose 10.128.0.13:80/tcp 192.168.122.89:8000
}

test_a_port_wins_over_its_address_in_either_order() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.13:2222 192.168.122.90:7
	nestnet expose 10.128.0.14:2222 192.168.122.90:7
	nestnet expose 10.128.0.14 192.168.122.89
	for alias in 10.128.0.13 10.128.0.14; do
		reaches ext tcp "$alias" 2222 "l2b sees 10.128.0.50"
		reaches ext tcp "$alias" 7 "l2 sees 10.128.0.50"
		reaches ext udp "$alias" 2222 "l2 sees 10.128.0.50"
		reaches l1 tcp "$alias" 2222 "l2b sees"
	done
	nestnet unexpose 10.128.0.13:2222
	reaches ext tcp 10.128.0.13 2222 "l2 sees"
}

test_ping_of_an_address_with_only_ports_exposed_is_l1s() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	pings ext 10.128.0.13 64
}

test_a_guest_with_one_port_exposed_has_its_way_out() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.2 "
}

test_a_free_port_of_the_primary_address_needs_no_force() {
	nestnet expose 10.128.0.2:2222 192.168.122.89:22
	reaches ext tcp 10.128.0.2 2222 "l2 sees 10.128.0.50"
	reaches ext tcp 10.128.0.2 22 "l1 sees 10.128.0.50"
	reaches l1 tcp 10.128.0.2 2222 "l2 sees"
}

test_two_ports_lead_to_two_guests() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	nestnet expose 10.128.0.13:81 192.168.122.90:8000
	reaches ext http 10.128.0.13 80 "guest page of l2,"
	reaches ext http 10.128.0.13 81 "guest page of l2b,"
}
