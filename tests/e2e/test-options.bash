# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The options of `expose`.

test_egress_alias_gives_the_guests_flows_the_aliass_address() {
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
	reaches l2 udp 203.0.113.9 7 "ext sees 10.128.0.13 "
	reaches ext http 10.128.0.13 8000 "guest page of l2, for 10.128.0.50"
	# Inside the bridge, and between guest and L1, nothing is translated.
	reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
	reaches l2 tcp 192.168.122.1 22 "l1 sees 192.168.122.89"
	reaches l2b http 10.128.0.13 8000 "guest page of l2,"
}

test_egress_alias_wins_over_masquerade() {
	nestnet expose 10.128.0.14 192.168.122.89
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
	nestnet unexpose 10.128.0.13
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
}

test_egress_none_leaves_the_guests_flows_untouched() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89 --egress none
	reaches l2 tcp 10.128.0.50 7 "ext sees 192.168.122.89 "
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	gets_nothing ext tcp 192.168.122.89 22
}

test_a_target_has_at_most_one_egress() {
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	refused 1 '10\.128\.0\.13' nestnet expose 10.128.0.14 192.168.122.89 --egress alias
	refused 1 '10\.128\.0\.13' nestnet expose 10.128.0.14 192.168.122.89 --egress none
	nestnet expose 10.128.0.14 192.168.122.89
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
}

test_egress_of_a_port_is_a_wrong_command_line() {
	refused 2 'egress' nestnet expose 10.128.0.13:80 192.168.122.89 --egress alias
	refused 2 'egress' nestnet expose 10.128.0.13:80 192.168.122.89 --egress none
}

test_replace_switches_to_another_guest() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.13 192.168.122.90 --replace
	reaches ext http 10.128.0.13 8000 "guest page of l2b, for 10.128.0.50"
	reaches l1 http 10.128.0.13 8000 "guest page of l2b,"
	reaches l2b tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	same "exposures" 1 "$(nestnet -j list | jq length)"
}

test_replace_ends_the_flows_to_the_old_guest() {
	nestnet expose 10.128.0.13 192.168.122.89
	stream_open old ext tcp 10.128.0.13 7
	stream_says old before
	nestnet expose 10.128.0.13 192.168.122.90 --replace
	stream_lost old after
}

test_replace_takes_the_new_options_and_drops_the_old() {
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --comment old --no-local --open
	nestnet expose 10.128.0.13 192.168.122.89 --comment new --replace
	same "options" '["masquerade","new",true,false]' \
		"$(nestnet -j list | jq -c '.[0] | [.egress, .comment, .local, .open]')"
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	reaches l1 tcp 10.128.0.13 22 "l2 sees"
	with_route_to_guests
	gets_nothing ext tcp 192.168.122.89 22
}

test_replace_of_a_port_leaves_the_other_ports() {
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	nestnet expose 10.128.0.13:81 192.168.122.89:8000
	nestnet expose 10.128.0.13:81 192.168.122.90:8000 --replace
	reaches ext http 10.128.0.13 80 "guest page of l2,"
	reaches ext http 10.128.0.13 81 "guest page of l2b,"
}

test_replace_where_nothing_is_just_exposes() {
	nestnet expose 10.128.0.13 192.168.122.89 --replace
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --replace
}

test_no_local_leaves_l1s_own_connections_alone() {
	nestnet expose 10.128.0.13 192.168.122.89 --no-local
	reaches l1 tcp 10.128.0.13 22 "l1 sees"
	reaches ext tcp 10.128.0.13 22 "l2 sees 10.128.0.50"
	reaches l2b tcp 10.128.0.13 22 "l2 sees"
}

test_no_local_of_a_port() {
	nestnet expose 10.128.0.13:2222 192.168.122.89:22 --no-local
	gets_nothing l1 tcp 10.128.0.13 2222
	reaches ext tcp 10.128.0.13 2222 "l2 sees 10.128.0.50"
}

test_no_forward_does_not_touch_forwarding() {
	local before

	before=$(l1_state | sed -n '/^# sysctls/,/^# ruleset/p')
	nestnet expose 10.128.0.13 192.168.122.89 --no-forward
	same "sysctls" "$before" "$(l1_state | sed -n '/^# sysctls/,/^# ruleset/p')"
	gets_nothing ext http 10.128.0.13 8000
	nestnet forward on
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_the_primary_address_is_refused_without_force() {
	refused 1 '10\.128\.0\.2.*--force' nestnet expose 10.128.0.2 192.168.122.89
	nestnet expose 10.128.0.2 192.168.122.89 --force
	reaches ext tcp 10.128.0.2 22 "l2 sees 10.128.0.50"
}

test_the_bridges_address_is_a_primary_address_too() {
	refused 1 '192\.168\.122\.1.*--force' nestnet expose 192.168.122.1 192.168.122.89
}

test_a_port_that_l1_listens_on_is_refused_without_force() {
	refused 1 '10\.128\.0\.2:22.*--force' nestnet expose 10.128.0.2:22 192.168.122.89
	refused 1 '10\.128\.0\.2:22.*--force' nestnet expose 10.128.0.2:22/udp 192.168.122.89
	refused 1 '10\.128\.0\.2:8000.*--force' nestnet expose 10.128.0.2:8000 192.168.122.89
	nestnet expose 10.128.0.2:22 192.168.122.89 --force
	reaches ext tcp 10.128.0.2 22 "l2 sees 10.128.0.50"
	reaches ext udp 10.128.0.2 22 "l1 sees 10.128.0.50"
}

test_a_comment_is_shown_again() {
	local text="web: alice@example.org, a/b=c+d_e-f.g"

	nestnet expose 10.128.0.13 192.168.122.89 --comment "$text"
	same "comment" "$text" "$(nestnet -j list | jq -r '.[0].comment')"
	matches "list" "alice@example.org" "$(nestnet list)"
	ruleset_loads
	nestnet expose 10.128.0.14 192.168.122.89 --comment "$(printf 'x%.0s' {1..127})"
	same "its length" 127 "$(nestnet -j list 10.128.0.14 | jq '.[0].comment | length')"
	ruleset_loads
}

test_options_may_come_before_and_between_the_arguments() {
	nestnet expose --comment=a --egress=alias 10.128.0.13 --open 192.168.122.89
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --egress alias --open --comment a
}

# A tap that another program has made for itself, as QEMU does.
test_an_exposure_goes_with_the_tap_that_it_names() {
	local before

	before=$(l1_state)
	on l1 ip tuntap add dev qemu0 mode tap
	nestnet expose 10.128.0.13 192.168.122.89 --tap qemu0 --comment vm
	nestnet expose 10.128.0.14:80 192.168.122.90
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --tap qemu0 --comment vm
	same "list" "qemu0 null" "$(nestnet -j list | jq -r 'map(.tap // "null") | join(" ")')"
	same "save" "expose 10.128.0.14:80/tcp 192.168.122.90" "$(nestnet save)"
	nestnet save | nestnet apply -
	nestnet -j status | nestnet apply -
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	refused 1 "expose 10.128.0.15: tap qemu1: No such device" \
		nestnet expose 10.128.0.15 192.168.122.89 --tap qemu1
	on l1 ip link set qemu0 name qemu7
	same "list" "qemu7 null" "$(nestnet -j list | jq -r 'map(.tap // "null") | join(" ")')"
	on l1 ip link del qemu7
	nestnet tap del qemu0 --if-exists
	gets_nothing ext http 10.128.0.13 8000
	same "list" "10.128.0.14:80/tcp" "$(nestnet -j list | jq -r '.[].id')"
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}
