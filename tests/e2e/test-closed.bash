# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A target is closed but for what is exposed: turning forwarding on must not open guests to
# whoever adds a route to them by way of L1.

# shellcheck source=tests/lab/guest.bash
source "$LAB/guest.bash"

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

# A tap without a bridge is an interface of its own, and closes as a bridge does.
test_the_guest_of_a_routed_tap_is_closed_too() {
	nestnet tap add tap0 --address 192.168.60.1/24 --owner nobody \
		--guard 52:54:00:12:34:56,192.168.60.2
	nestnet forward on
	ip -netns ext route add 192.168.60.0/24 via 10.128.0.2
	guest_boot tap0 52:54:00:12:34:56 192.168.60.2/24 192.168.60.1 nobody
	reaches ext tcp 192.168.60.2 7 "uml sees 10.128.0.50 "
	nestnet nat add 192.168.60.0/24
	gets_nothing ext tcp 192.168.60.2 7
	gets_nothing ext udp 192.168.60.2 7
	gets_nothing l2 tcp 192.168.60.2 7
	reaches l1 tcp 192.168.60.2 7 "uml sees 192.168.60.1 "
	matches "out" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 203.0.113.9 7)"
	nestnet expose 10.128.0.13:80 192.168.60.2:8000
	reaches ext http 10.128.0.13 80 "guest page of uml"
	reaches l2 http 10.128.0.13 80 "guest page of uml"
	gets_nothing ext http 192.168.60.2 8000
	gets_nothing ext tcp 10.128.0.13 7
	guest_run busybox ip address add 192.168.60.3/24 dev eth0
	not guest_run peer -t 300 -s 192.168.60.3 tcp 10.128.0.50 7
	nestnet nat del 192.168.60.0/24
	gets_nothing ext tcp 192.168.60.2 7
	nestnet unexpose 10.128.0.13:80
	reaches ext tcp 192.168.60.2 7 "uml sees 10.128.0.50 "
	guest_stop
}

# In IPv6, which the real guest's kernel has not, what is sent to it tells.
test_the_ipv6_guest_of_a_routed_tap_is_closed_too() {
	local holder

	family 6
	with_aliases6
	nestnet tap add tap0 --address fd60::1/64
	nestnet forward on
	ip -netns ext route add fd60::/64 via fd10:128::2
	mkfifo "$LAB_SCRATCH/hold"
	on l1 "$NN_BUILD/tests/lab/tapguest" tap0 tap0 "from 52:54:00:00:00:02 arp 1 52:54:00:00:00:02 0.0.0.0 0.0.0.0" <"$LAB_SCRATCH/hold" &
	exec {holder}>"$LAB_SCRATCH/hold"
	poll has_carrier tap0
	ip -netns l1 neighbour replace fd60::2 lladdr 52:54:00:12:34:56 dev tap0 nud permanent
	on l1 nft -f - <<-'END'
		table ip6 sent {
			counter arrived { }
			chain out {
				type filter hook postrouting priority 300;
				oifname "tap0" ip6 daddr fd60::2 tcp flags syn counter name arrived
			}
		}
	END
	sends_to_guest fd60::2 7
	nestnet nat add fd60::/64
	sends_no_one fd60::2 7
	nestnet expose '[fd10:128::13]:80' '[fd60::2]:8000'
	sends_to_guest fd10:128::13 80
	sends_no_one fd60::2 8000
	sends_no_one fd10:128::13 8000
	nestnet nat del fd60::/64
	sends_no_one fd60::2 7
	nestnet unexpose '[fd10:128::13]:80'
	sends_to_guest fd60::2 7
	exec {holder}>&-
	wait
}

has_carrier() { [[ $(on l1 cat "/sys/class/net/$1/carrier") == 1 ]]; }

arrived() { on l1 nft -j list counter ip6 sent arrived | jq '.nftables[1].counter.packets'; }

# Nobody answers, in either case: did it leave by the tap?
sends_to_guest() { # ADDRESS PORT
	local before

	before=$(arrived)
	gets_nothing ext tcp "$@"
	[[ $(arrived) -gt $before ]] || fail "nothing for $* left by the tap"
}

sends_no_one() { # ADDRESS PORT
	local before

	before=$(arrived)
	gets_nothing ext tcp "$@"
	same "packets for $*" "$before" "$(arrived)"
}

test_a_replaced_target_is_closed_too() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.13 192.168.122.90 --replace
	gets_nothing ext tcp 192.168.122.90 22
	reaches ext http 10.128.0.13 8000 "guest page of l2b,"
}
