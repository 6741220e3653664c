# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The main job over IPv6, as test-expose.bash has it over IPv4.

# The aliases: addresses on a shared link, and what is routed to L1.
ipv6() {
	family 6
	with_aliases6
}

forwarding6() { on l1 cat /proc/sys/net/ipv6/conf/all/forwarding; }
bridge_calls_ip6tables() {
	on l1 sh -c "echo $1 >/proc/sys/net/bridge/bridge-nf-call-ip6tables"
}

test_a_bare_l1_answers_with_the_guests_page_from_outside() {
	ipv6
	same "forwarding before" 0 "$(forwarding6)"
	nestnet expose fd10:128::13 fd12::89
	same "forwarding" 1 "$(forwarding6)"
	same "IPv4 is not touched" 0 "$(forwarding)"
	matches "curl" "^guest page of l2, for fd10:128::50 " \
		"$(on ext curl -s -m 5 'http://[fd10:128::13]:8000')"
}

test_every_protocol_reaches_the_guest_which_sees_the_clients_own_address() {
	ipv6
	with_neighbour
	ip -netns ext -6 route replace fd10:128:0:1::/64 via fd10:128::2
	nestnet expose fd10:128::13 fd12::89
	reaches ext http fd10:128::13 8000 "guest page of l2, for fd10:128::50"
	reaches ext tcp fd10:128::13 7 "l2 sees fd10:128::50"
	reaches ext udp fd10:128::13 7 "l2 sees fd10:128::50"
	reaches ext2 tcp fd10:128::13 22 "l2 sees fd10:128::51"
	pings ext fd10:128::13 63
	# Another alias, and L1's own address, stay with L1.
	reaches ext tcp fd10:128::14 22 "l1 sees fd10:128::50"
	gets_nothing ext http fd10:128::14 8000
	reaches ext tcp fd10:128::2 22 "l1 sees fd10:128::50"
	gets_nothing ext http fd10:128::2 8000
	pings ext fd10:128::2 64
}

# What is meant for a port is an address without brackets, and said to be one.
test_an_address_that_ends_like_a_port_is_pointed_out() {
	ipv6
	same "stderr" "nestnet: expose: 'fd10:128::13:80' is an address; port 80 of fd10:128::13 is '[fd10:128::13]:80'" \
		"$(nestnet expose fd10:128::13:80 fd12::89 2>&1 >/dev/null | grep -v doctor)"
	matches "a target's" "'fd12::89:8000' is an address; port 8000 of fd12::89 " \
		"$(nestnet expose '[fd10:128::13]:80' fd12::89:8000 2>&1)"
	same "what is exposed" "fd10:128::13:80 [fd10:128::13]:80/tcp" \
		"$(nestnet -j list | jq -r '[.[].id] | sort | reverse | join(" ")')"
	matches_not "addresses" 'is an address' "$(nestnet expose fd10:128::14 fd12::90 2>&1)"
	matches_not "in brackets" 'is an address' "$(nestnet expose '[fd10:128::14]:80' fd12::90 2>&1)"
	matches_not "IPv4" 'is an address' "$(nestnet expose 10.128.0.13:80 192.168.122.89:80 2>&1)"
	matches_not "a file" 'is an address' "$(nestnet save | nestnet apply - 2>&1)"
	same "--quiet" "" "$(nestnet -q expose fd10:128::14:80 fd12::91 2>&1)"
}

test_l1_reaches_the_guest_through_the_alias() {
	ipv6
	nestnet expose fd10:128::13 fd12::89
	nestnet expose fd10:128:0:1::5 fd12::90
	reaches l1 http fd10:128::13 8000 "guest page of l2,"
	reaches l1 tcp fd10:128::13 22 "l2 sees"
	reaches l1 udp fd10:128::13 7 "l2 sees"
	# An alias that is not local.
	reaches l1 tcp fd10:128:0:1::5 22 "l2b sees"
	reaches l1 tcp fd12::89 22 "l2 sees fd12::1 "
}

test_a_neighbour_on_the_bridge_reaches_the_alias() {
	local calls

	ipv6
	nestnet expose fd10:128::13 fd12::89
	for calls in 1 0; do
		bridge_calls_ip6tables "$calls"
		reaches l2b http fd10:128::13 8000 "guest page of l2,"
		reaches l2b tcp fd10:128::13 22 "l2 sees fd12::1 "
		reaches l2b udp fd10:128::13 7 "l2 sees fd12::1 "
	done
}

test_the_guest_itself_reaches_its_alias() {
	ipv6
	nestnet expose fd10:128::13 fd12::89
	bridge_calls_ip6tables 0
	reaches l2 http fd10:128::13 8000 "guest page of l2,"
	reaches l2 udp fd10:128::13 7 "l2 sees fd12::1 "
}

test_the_guest_itself_reaches_its_alias_under_br_netfilter() {
	local calls

	ipv6
	without_bridge
	nestnet bridge add virbr0 --address fd12::1/64
	nestnet bridge attach virbr0 vnet0 vnet1
	nestnet expose fd10:128::13 fd12::89
	for calls in 1 0; do
		bridge_calls_ip6tables "$calls"
		reaches l2 http fd10:128::13 8000 "guest page of l2,"
		reaches l2 udp fd10:128::13 7 "l2 sees"
		reaches l2b http fd10:128::13 8000 "guest page of l2,"
	done
}

# A guest's port in hairpin mode gets its own multicast back: it must not take its own
# address for a duplicate. Enhanced detection, the kernel's default, tells them apart.
test_a_guest_behind_a_hairpin_port_keeps_a_new_address() {
	ipv6
	without_bridge
	nestnet bridge add virbr0 --address fd12::1/64
	nestnet bridge attach virbr0 vnet0
	# The lab does without.
	on l2 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
	ip -netns l2 address add fd12::189/64 dev eth0
	[[ -n $(ip -netns l2 -6 address show dev eth0 tentative) ]] || fail "nothing is detected"
	nestnet expose fd10:128::13 fd12::189
	poll has_no_tentative_address
	matches_not "the guest's addresses" dadfailed "$(ip -netns l2 -6 address show dev eth0)"
	reaches ext tcp fd10:128::13 7 "l2 sees fd10:128::50"
}

has_no_tentative_address() { [[ -z $(ip -netns l2 -6 address show dev eth0 tentative) ]]; }

test_the_guests_own_flows_leave_as_l1s_primary_address() {
	ipv6
	nestnet expose fd10:128::13 fd12::89
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::2 "
	reaches l2 udp fd10:128::50 7 "ext sees fd10:128::2 "
	reaches l2 tcp 2001:db8::9 7 "ext sees fd10:128::2 "
	pings l2 2001:db8::9 63
	# Another guest has no way out by that.
	gets_nothing l2b tcp 2001:db8::9 7
	gets_nothing l2b udp fd10:128::50 7
}

test_guests_reach_each_other_untranslated() {
	local calls

	ipv6
	nestnet expose fd10:128::13 fd12::89
	for calls in 1 0; do
		bridge_calls_ip6tables "$calls"
		reaches l2 tcp fd12::90 7 "l2b sees fd12::89 "
		reaches l2b udp fd12::89 7 "l2 sees fd12::90 "
	done
}

test_an_exposed_guest_is_closed_to_a_neighbour_with_a_route() {
	ipv6
	with_route_to_guests
	nestnet expose fd10:128::13 fd12::89
	gets_nothing ext http fd12::89 8000
	gets_nothing ext tcp fd12::89 22
	gets_nothing ext udp fd12::89 7
	not on ext ping -c 1 -W 1 fd12::89 >/dev/null
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	reaches l1 tcp fd12::89 22 "l2 sees fd12::1 "
	reaches l2b tcp fd12::89 22 "l2 sees fd12::90 "
}

test_open_leaves_the_guest_routable() {
	ipv6
	with_route_to_guests
	nestnet expose fd10:128::13 fd12::89 --open
	reaches ext tcp fd12::89 22 "l2 sees fd10:128::50"
	reaches ext udp fd12::89 7 "l2 sees fd10:128::50"
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::2 "
}

test_egress_alias_gives_the_guests_flows_the_aliass_address() {
	ipv6
	nestnet expose fd10:128::13 fd12::89 --egress alias
	nestnet expose fd10:128::14 fd12::90
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::13 "
	reaches l2 udp 2001:db8::9 7 "ext sees fd10:128::13 "
	reaches l2b tcp fd10:128::50 7 "ext sees fd10:128::2 "
	reaches ext http fd10:128::13 8000 "guest page of l2, for fd10:128::50"
	reaches l2 tcp fd12::90 7 "l2b sees fd12::89 "
	reaches l2 tcp fd12::1 22 "l1 sees fd12::89 "
	refused 1 'fd10:128::13' nestnet expose fd10:128::15 fd12::89 --egress none
	nestnet unexpose fd10:128::13
	gets_nothing l2 tcp fd10:128::50 7
}

test_egress_none_leaves_the_guests_flows_untouched() {
	ipv6
	with_route_to_guests
	nestnet expose fd10:128::13 fd12::89 --egress none
	reaches l2 tcp fd10:128::50 7 "ext sees fd12::89 "
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	gets_nothing ext tcp fd12::89 22
}

# An IPv6 host holds its aliases as addresses beside its own: masquerading must not pick one.
test_masquerading_does_not_leave_as_a_deprecated_alias() {
	ipv6
	nestnet nat add fd12::/64
	nestnet expose fd10:128::13 fd12::89
	nestnet expose fd10:128::14 fd12::90
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::2 "
	reaches l2b tcp 2001:db8::9 7 "ext sees fd10:128::2 "
	reaches l1 tcp fd10:128::50 7 "ext sees fd10:128::2 "
}

test_a_port_leads_to_another_port_of_the_guest() {
	ipv6
	nestnet expose '[fd10:128::13]:80' '[fd12::89]:8000'
	nestnet expose '[fd10:128::13]:53/udp' '[fd12::90]:7'
	reaches ext http fd10:128::13 80 "guest page of l2, for fd10:128::50"
	reaches l1 http fd10:128::13 80 "guest page of l2,"
	reaches l2b http fd10:128::13 80 "guest page of l2,"
	reaches ext udp fd10:128::13 53 "l2b sees fd10:128::50"
	gets_nothing ext tcp fd10:128::13 53
	gets_nothing ext udp fd10:128::13 80
	gets_nothing ext http fd10:128::13 8000
	pings ext fd10:128::13 64
	changes_nothing nestnet expose '[fd10:128:0::13]:80/tcp' '[fd12:0::89]:8000'
}

test_an_unexposed_alias_is_l1s_again() {
	ipv6
	nestnet expose fd10:128::13 fd12::89
	reaches ext tcp fd10:128::13 22 "l2 sees"
	nestnet unexpose FD10:128::13
	reaches ext tcp fd10:128::13 22 "l1 sees fd10:128::50"
	reaches l1 tcp fd10:128::13 22 "l1 sees"
	gets_nothing ext http fd10:128::13 8000
}

test_an_exposure_has_all_its_keys() {
	nestnet expose '[fd10:128::13]:53/udp' '[fd12::89]:7' --comment dns
	same "JSON" \
		'{"alias":"fd10:128::13","coexist":false,"comment":"dns","egress":"masquerade","except":[],"expires_s":null,"flows":0,"from":[],"id":"[fd10:128::13]:53/udp","local":true,"open":false,"port":"53","protocol":"udp","target":"fd12::89","target_port":"7","timeout_s":null}' \
		"$(nestnet -j list | jq -c -S '.[0]')"
	same "by target" 1 "$(nestnet -j list fd12::89 | jq length)"
	same "by port" 1 "$(nestnet -j list '[fd10:128::13]:53/udp' | jq length)"
	matches "list" '\[fd10:128::13\]:53/udp +\[fd12::89\]:7 ' "$(nestnet list)"
}

test_the_primary_address_is_refused_without_force() {
	refused 1 'fd10:128::2.*--force' nestnet expose fd10:128::2 fd12::89
	refused 1 '22.*--force' nestnet expose '[fd10:128::2]:22' fd12::89
	nestnet expose '[fd10:128::2]:2222' '[fd12::89]:22'
	reaches ext tcp fd10:128::2 2222 "l2 sees fd10:128::50"
	nestnet expose fd10:128::2 fd12::89 --force
	reaches ext tcp fd10:128::2 22 "l2 sees fd10:128::50"
	# Neighbour discovery stays L1's, or nobody would find the address any more.
	ip -netns ext neighbour flush dev eth0
	reaches ext tcp fd10:128::2 7 "l2 sees fd10:128::50"
}

test_both_families_at_once() {
	ipv6
	nestnet expose 10.128.0.13 192.168.122.89
	same "IPv6 is not touched" 0 "$(forwarding6)"
	nestnet expose fd10:128::13 fd12::90
	same "forwarding" "1 1" "$(forwarding) $(forwarding6)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http fd10:128::13 8000 "guest page of l2b,"
	nestnet unexpose fd10:128::13
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	gets_nothing ext http fd10:128::13 8000
	ruleset_loads
}

test_no_forward_does_not_touch_forwarding() {
	ipv6
	nestnet expose fd10:128::13 fd12::89 --no-forward
	same "forwarding" 0 "$(forwarding6)"
	gets_nothing ext http fd10:128::13 8000
	nestnet forward on -6
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	same "IPv4 is not touched" 0 "$(forwarding)"
}

# Router advertisements

test_an_uplink_that_lives_from_router_advertisements_keeps_its_default_route() {
	local before

	ipv6
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	ip -netns l1 -6 route del default
	ip -netns l1 -6 route add default via fd10:128::1 proto ra
	before=$(l1_state)
	nestnet expose fd10:128::13 fd12::89
	same "forwarding, accept_ra" "1 2" "$(forwarding6) $(accept_ra eth0)"
	# Only where it matters.
	same "accept_ra of the bridge" 1 "$(accept_ra virbr0)"
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	reaches l1 tcp 2001:db8::9 7 "ext sees"
	nestnet -q clear
	same "L1's state" "$before" "$(l1_state)"
}

accept_ra() { on l1 cat "/proc/sys/net/ipv6/conf/$1/accept_ra"; }

# Masqueraded subnets

test_nat_gives_every_guest_of_a_subnet_its_way_out() {
	local calls

	ipv6
	nestnet nat add fd12::/64
	same "forwarding" "1 0" "$(forwarding6) $(forwarding)"
	for calls in 1 0; do
		bridge_calls_ip6tables "$calls"
		reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::2 "
		reaches l2b udp 2001:db8::9 7 "ext sees fd10:128::2 "
		reaches l2 tcp fd12::90 7 "l2b sees fd12::89 "
		pings l2b 2001:db8::9 63
	done
	changes_nothing nestnet nat add fd12::/64
	ruleset_loads
}

test_nat_closes_its_subnet() {
	ipv6
	with_route_to_guests
	nestnet nat add fd12::/64
	gets_nothing ext tcp fd12::89 22
	gets_nothing ext udp fd12::90 7
	not on ext ping -c 1 -W 1 fd12::90 >/dev/null
	gets_nothing ext tcp fd12::1 22
	nestnet expose fd10:128::13 fd12::89
	reaches ext http fd10:128::13 8000 "guest page of l2, for fd10:128::50"
	gets_nothing ext http fd12::89 8000
	nestnet unexpose fd10:128::13
	gets_nothing ext tcp fd12::89 22
	gets_nothing ext http fd10:128::13 8000
}

test_nat_options() {
	ipv6
	with_route_to_guests
	nestnet nat add fd12::/64 --open
	reaches ext tcp fd12::90 22 "l2b sees fd10:128::50"
	reaches l2b tcp fd10:128::50 7 "ext sees fd10:128::2 "
	nestnet nat del fd12::/64
	nestnet nat add fd12::/64 --to fd10:128::15
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::15 "
	refused 1 'fd10:128::15' nestnet nat add fd12::/64 --to fd10:128::14
	ruleset_loads
	nestnet nat del fd12::/64
	nestnet nat add fd12::/64 --out vnet9
	reaches l2 tcp fd10:128::50 7 "ext sees fd12::89 "
	nestnet nat del fd12::/64
	nestnet nat add fd12::/64 --out eth0 --to fd10:128::14
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::14 "
	same "JSON" '[{"id":"fd12::/64","open":false,"out":"eth0","subnet":"fd12::/64","to":"fd10:128::14"}]' \
		"$(nestnet -j nat list | jq -c -S .)"
	changes_nothing nestnet nat add fd12::/64 --to fd10:128::14 --out eth0
	refused 1 'overlaps with fd12::/64' nestnet nat add fd12::/48
	refused 2 '.' nestnet nat add fd12::/64 --to 10.128.0.14
	refused 2 'host bits' nestnet nat add fd12::1/64
}

test_a_subnet_of_each_family_is_closed_by_itself() {
	ipv6
	with_route_to_guests
	nestnet forward on
	nestnet nat add 192.168.122.0/24
	gets_nothing ext tcp 192.168.122.89 22
	reaches ext tcp fd12::89 22 "l2 sees fd10:128::50"
	nestnet nat add fd12::/64
	gets_nothing ext tcp fd12::89 22
	nestnet nat del 192.168.122.0/24
	reaches ext tcp 192.168.122.89 22 "l2 sees 10.128.0.50"
	gets_nothing ext tcp fd12::89 22
}

test_egress_of_an_exposure_wins_over_nat() {
	ipv6
	nestnet nat add fd12::/64
	nestnet expose fd10:128::13 fd12::89 --egress alias
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::13 "
	reaches l2b tcp fd10:128::50 7 "ext sees fd10:128::2 "
	nestnet unexpose fd10:128::13
	reaches l2 tcp fd10:128::50 7 "ext sees fd10:128::2 "
}

test_clear_leaves_ipv6_as_it_was() {
	local before

	ipv6
	before=$(l1_state)
	nestnet expose fd10:128::13 fd12::89 --egress alias --comment web
	nestnet nat add fd12::/64
	matches "clear says" 'IPv6 forwarding' "$(nestnet clear 2>&1)"
	same "L1's state" "$before" "$(l1_state)"
}

test_wrong_ipv6_addresses_are_wrong_command_lines() {
	refused 2 '.' nestnet expose ff02::1 fd12::89
	refused 2 '.' nestnet expose ::1 fd12::89
	refused 2 '.' nestnet expose :: fd12::89
	refused 2 '.' nestnet expose fe80::1 fd12::89
	refused 2 '.' nestnet expose fd10:128::13 ff02::1
	refused 2 '.' nestnet expose fd10:128::13 fe80::1
	refused 2 '.' nestnet expose ::ffff:10.128.0.13 fd12::89
	refused 2 '.' nestnet expose '[fd10:128::13' fd12::89
	refused 2 '.' nestnet expose '[fd10:128::13]80' fd12::89
	refused 2 '.' nestnet expose 'fd10:128::13/80' fd12::89
	refused 2 '.' nestnet expose '[10.128.0.13]:80' 192.168.122.89
	refused 2 '.' nestnet expose fd10:128::13%eth0 fd12::89
}
