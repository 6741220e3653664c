# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `clear` leaves the namespace as it was before the first command, to the line.

test_clear_of_nothing_changes_nothing() {
	changes_nothing nestnet clear
}

test_clear_takes_back_one_exposure_and_says_that_forwarding_goes_off() {
	local before

	before=$(l1_state)
	nestnet expose 10.128.0.13 192.168.122.89
	matches "clear says" 'forward' "$(nestnet clear 2>&1)"
	same "L1's state" "$before" "$(l1_state)"
	reaches ext tcp 10.128.0.13 22 "l1 sees"
	reaches l1 http 192.168.122.89 8000 "guest page of l2,"
}

test_clear_takes_back_everything() {
	local before

	without_bridge
	before=$(l1_state)
	nestnet bridge add virbr0 --address 192.168.122.1/24 --address fd12::1/64
	nestnet bridge attach virbr0 vnet0 vnet1
	nestnet tap add tap0 --bridge virbr0 --owner nobody
	nestnet tap add tap1 --mtu 1300
	nestnet nat add 192.168.122.0/24
	nestnet nat add 192.168.50.0/24 --to 10.128.0.14
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --comment web
	nestnet expose 10.128.0.14:80 192.168.122.90:8000 --no-local --open
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http 10.128.0.14 80 "guest page of l2b,"
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
	changes_nothing nestnet clear
}

test_clear_ends_open_flows() {
	nestnet expose 10.128.0.13 192.168.122.89
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	# Somebody else tracks connections too: the kernel then keeps its entries.
	on l1 iptables -A FORWARD -m conntrack --ctstate NEW
	nestnet clear
	stream_lost in after
}

test_forwarding_that_was_on_stays_on() {
	local before

	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects'
	before=$(l1_state)
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

# forwarding_of VALUE: all that an interface can have been told when the host's switch has
# changed as well, and clear brings it back.
forwarding_of() {
	local before way

	on l1 sysctl -qw "net.ipv4.conf.vnet0.forwarding=$1" "net.ipv6.conf.vnet0.forwarding=$1"
	before=$(l1_state)
	for way in "on all, off vnet0" "on all, off vnet0, on vnet0" "on vnet0, on all, off vnet0" \
		"off vnet0, on all" "on vnet0, on all, off all" "on all, off vnet0, off all, on vnet0"; do
		tr , '\n' <<<"${way// all/}" | while read -r line; do
			# shellcheck disable=SC2086
			nestnet forward $line
		done
		nestnet -q clear
		same "$way, where vnet0 had $1" "$before" "$(l1_state)"
	done
}

test_forwarding_of_an_interface_is_as_it_was_found() {
	forwarding_of 0
	forwarding_of 1
	on l1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	forwarding_of 0
	forwarding_of 1
}

test_redirects_that_were_refused_are_refused_again() {
	local before

	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects; echo 1 >/proc/sys/net/ipv4/conf/eth0/accept_redirects'
	before=$(l1_state)
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

test_after_a_flush_clear_leaves_forwarding_and_says_so() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 nft flush ruleset
	nestnet tap add tap0
	matches "clear says" 'forward' "$(nestnet clear 2>&1)"
	same "ip_forward" 1 "$(forwarding)"
	not link_exists tap0
}

link_exists() { ip -netns l1 link show dev "$1" 2>/dev/null >&2; }

test_everything_can_be_made_again_after_clear() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet clear
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}
