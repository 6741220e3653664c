# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Every shape of ALIAS and TARGET, in both families: what arrives where, and what does not.

# Port ranges

test_a_range_leads_to_the_same_ports() { in_each_family range_to_same_ports; }

range_to_same_ports() {
	listens l2 8001 8002 8003 8004
	nestnet expose "$(at "$ALIAS" 8001-8003)" "$GUEST"
	reaches ext tcp "$ALIAS" 8001 "l2:8001 sees $EXT "
	reaches ext tcp "$ALIAS" 8002 "l2:8002 sees $EXT "
	reaches ext tcp "$ALIAS" 8003 "l2:8003 sees $EXT "
	reaches l1 tcp "$ALIAS" 8003 "l2:8003 sees"
	reaches l2b tcp "$ALIAS" 8001 "l2:8001 sees"
	# Above it, below it, of another protocol, of another address.
	gets_nothing ext tcp "$ALIAS" 8004
	gets_nothing ext tcp "$ALIAS" 8000
	gets_nothing ext udp "$ALIAS" 8002
	gets_nothing ext tcp "$ALIAS2" 8002
	gets_nothing l1 tcp "$ALIAS" 8004
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	# The same, spelled out.
	changes_nothing nestnet expose "$(at "$ALIAS" 8001-8003/tcp)" "$(at "$GUEST" 8001-8003)"
}

test_a_shifted_range_leads_each_port_to_its_own() { in_each_family shifted_range; }

shifted_range() {
	listens l2 8001 8002 8003 8004
	nestnet expose "$(at "$ALIAS" 9001-9003)" "$(at "$GUEST" 8001-8003)"
	reaches ext tcp "$ALIAS" 9001 "l2:8001 sees $EXT "
	reaches ext tcp "$ALIAS" 9002 "l2:8002 sees $EXT "
	reaches ext tcp "$ALIAS" 9003 "l2:8003 sees $EXT "
	reaches l1 tcp "$ALIAS" 9002 "l2:8002 sees"
	reaches l2b tcp "$ALIAS" 9003 "l2:8003 sees"
	gets_nothing ext tcp "$ALIAS" 9004
	gets_nothing ext tcp "$ALIAS" 9000
	gets_nothing ext udp "$ALIAS" 9002
	gets_nothing ext tcp "$ALIAS" 8001
	same "rows" 1 "$(nestnet -j list | jq length)"
}

# Where it comes from and where it goes to overlap.
test_a_range_is_shifted_by_less_than_its_length() { in_each_family slightly_shifted; }

slightly_shifted() {
	listens l2 8001 8002 8003
	nestnet expose "$(at "$ALIAS" 8002-8004)" "$(at "$GUEST" 8001-8003)"
	reaches ext tcp "$ALIAS" 8002 "l2:8001 sees $EXT "
	reaches ext tcp "$ALIAS" 8003 "l2:8002 sees $EXT "
	reaches ext tcp "$ALIAS" 8004 "l2:8003 sees $EXT "
	gets_nothing ext tcp "$ALIAS" 8001
	nestnet expose "$(at "$ALIAS2" 8001-8003)" "$(at "$GUEST" 8002-8004)"
	reaches ext tcp "$ALIAS2" 8002 "l2:8003 sees $EXT "
}

test_udp_and_tcp_ranges_are_apart() { in_each_family ranges_of_two_protocols; }

ranges_of_two_protocols() {
	listens l2 8001 8002
	listens l2b 8001 8002
	nestnet expose "$(at "$ALIAS" 8001-8002/udp)" "$GUEST"
	reaches ext udp "$ALIAS" 8002 "l2:8002 sees $EXT "
	gets_nothing ext tcp "$ALIAS" 8002
	nestnet expose "$(at "$ALIAS" 8001-8002/tcp)" "$GUEST2"
	reaches ext tcp "$ALIAS" 8002 "l2b:8002 sees $EXT "
	reaches ext udp "$ALIAS" 8002 "l2:8002 sees $EXT "
	nestnet expose "$(at "$ALIAS2" 9001-9002/udp)" "$(at "$GUEST2" 8001-8002)"
	reaches ext udp "$ALIAS2" 9001 "l2b:8001 sees $EXT "
	gets_nothing ext tcp "$ALIAS2" 9001
}

test_ranges_side_by_side_are_each_their_own() { in_each_family ranges_side_by_side; }

ranges_side_by_side() {
	listens l2 8001 8002
	listens l2b 8003 8004
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 8003-8004)" "$GUEST2"
	reaches ext tcp "$ALIAS" 8002 "l2:8002 sees"
	reaches ext tcp "$ALIAS" 8003 "l2b:8003 sees"
	nestnet unexpose "$(at "$ALIAS" 8001-8002)"
	gets_nothing ext tcp "$ALIAS" 8002
	reaches ext tcp "$ALIAS" 8003 "l2b:8003 sees"
}

test_a_long_shifted_range_is_one_exposure() { in_each_family long_shifted_range; }

long_shifted_range() {
	local fresh

	fresh=$(skeleton)
	listens l2 21000 21999
	nestnet expose "$(at "$ALIAS" 20000-20999)" "$(at "$GUEST" 21000-21999)" --comment media
	reaches ext tcp "$ALIAS" 20000 "l2:21000 sees"
	reaches ext tcp "$ALIAS" 20999 "l2:21999 sees"
	gets_nothing ext tcp "$ALIAS" 21000
	same "list" '["20000-20999","21000-21999","media"]' \
		"$(nestnet -j list | jq -c '.[] | [.port, .target_port, .comment]')"
	changes_nothing nestnet expose "$(at "$ALIAS" 20000-20999)" \
		"$(at "$GUEST" 21000-21999)" --comment media
	nestnet unexpose "$(at "$ALIAS" 20000-20999)"
	gets_nothing ext tcp "$ALIAS" 20999
	same "the table" "$fresh" "$(table)"
}

test_ports_to_the_ends_of_their_numbers() { in_each_family first_and_last_port; }

first_and_last_port() {
	listens l2 1 2 65534 65535
	nestnet expose "$(at "$ALIAS" 1-2)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 65534-65535)" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 65534-65535)" "$(at "$GUEST" 1-2)"
	reaches ext tcp "$ALIAS" 1 "l2:1 sees"
	reaches ext tcp "$ALIAS" 65535 "l2:65535 sees"
	reaches ext tcp "$ALIAS2" 65535 "l2:2 sees"
	gets_nothing ext tcp "$ALIAS" 65533
	gets_nothing ext tcp "$ALIAS" 3
	nestnet unexpose --all
	nestnet expose "$(at "$ALIAS" 1-65535)" "$GUEST" --force
	reaches ext tcp "$ALIAS" 2 "l2:2 sees"
	reaches ext tcp "$ALIAS" 65535 "l2:65535 sees"
	pings ext "$ALIAS" 64
}

# Prefixes

test_a_prefix_leads_one_to_one() { in_each_family prefix_to_prefix; }

prefix_to_prefix() {
	local i

	with_prefix_guests
	nestnet expose "$PREFIX" "$GUESTS"
	for i in 0 1 2 3; do
		reaches ext tcp "${PREFIX_ALIASES[i]}" 9 "${PREFIX_GUESTS[i]} sees $EXT "
		reaches ext udp "${PREFIX_ALIASES[i]}" 9 "${PREFIX_GUESTS[i]} sees $EXT "
		reaches l1 tcp "${PREFIX_ALIASES[i]}" 9 "${PREFIX_GUESTS[i]} sees"
		pings ext "${PREFIX_ALIASES[i]}" 63
	done
	# Between guests of the two hosts, as those of one hold both of their addresses.
	reaches l2b tcp "${PREFIX_ALIASES[0]}" 9 "${PREFIX_GUESTS[0]} sees"
	reaches l2 udp "${PREFIX_ALIASES[1]}" 9 "${PREFIX_GUESTS[1]} sees"
	reaches_from "${PREFIX_GUESTS[1]}" l2b "$WORLD" "ext sees $L1 "
	# Outside of the prefix, and past it.
	gets_nothing ext tcp "$L1" 9
	with_route_to_guests
	gets_nothing ext tcp "${PREFIX_GUESTS[1]}" 9
	gets_nothing ext udp "${PREFIX_GUESTS[2]}" 9
	nestnet unexpose "$PREFIX"
	gets_nothing ext tcp "${PREFIX_ALIASES[1]}" 9
	gets_nothing l1 tcp "${PREFIX_ALIASES[2]}" 9
}

test_a_prefix_takes_nothing_beside_it() {
	family 4
	with_prefix_guests
	nestnet expose 10.128.0.14/31 192.168.122.98/31
	reaches ext tcp 10.128.0.14 9 "192.168.122.98 sees"
	reaches ext tcp 10.128.0.15 9 "192.168.122.99 sees"
	reaches ext tcp 10.128.0.13 22 "l1 sees 10.128.0.50"
	gets_nothing ext tcp 10.128.0.13 9
	nestnet expose 10.128.0.12/31 192.168.122.98/31
	reaches ext tcp 10.128.0.13 9 "192.168.122.99 sees"
}

test_egress_alias_of_a_prefix_goes_one_to_one_too() { in_each_family prefix_egress_alias; }

prefix_egress_alias() {
	with_prefix_guests
	nestnet expose "$PREFIX" "$GUESTS" --egress alias
	reaches_from "${PREFIX_GUESTS[0]}" l2 "$EXT" "ext sees ${PREFIX_ALIASES[0]} "
	reaches_from "${PREFIX_GUESTS[1]}" l2b "$EXT" "ext sees ${PREFIX_ALIASES[1]} "
	reaches_from "${PREFIX_GUESTS[3]}" l2b "$EXT" "ext sees ${PREFIX_ALIASES[3]} "
	# Others do not leave as an alias, nor do those to their neighbours.
	with_other_guests_out
	reaches_from "$GUEST" l2 "$EXT" "ext sees $L1 "
	reaches_from "${PREFIX_GUESTS[0]}" l2 "$GUEST2" "l2b sees ${PREFIX_GUESTS[0]} "
	nestnet unexpose "$PREFIX"
	reaches_from "${PREFIX_GUESTS[0]}" l2 "$EXT" "ext sees $L1 "
}

with_other_guests_out() { nestnet nat add "$SUBNET"; }

# reaches_from SOURCE HOST ADDRESS ANSWER, on port 7.
reaches_from() {
	local answer

	answer=$(on "$2" peer -s "$1" tcp "$3" 7 2>&1) || true
	[[ $answer == "$4"* ]] || fail "$1 asks tcp $3 7: want \"$4...\", got \"$answer\""
}

test_egress_none_of_a_prefix() { in_each_family prefix_egress_none; }

prefix_egress_none() {
	with_prefix_guests
	with_route_to_guests
	nestnet expose "$PREFIX" "$GUESTS" --egress none
	reaches_from "${PREFIX_GUESTS[1]}" l2b "$EXT" "ext sees ${PREFIX_GUESTS[1]} "
	reaches ext tcp "${PREFIX_ALIASES[1]}" 9 "${PREFIX_GUESTS[1]} sees $EXT "
	gets_nothing ext tcp "${PREFIX_GUESTS[1]}" 9
}

# Precedence

# One port of one address, to a server of its own at each step: each more specific exposure
# wins over all that were there, and gives way when it goes.
test_port_wins_over_range_over_any_over_except_over_address_over_prefix() {
	in_each_family precedence
}

precedence() {
	local address=${PREFIX_ALIASES[1]} one=${PREFIX_GUESTS[1]}

	# Local to L1, so that it has a port of its own there.
	[[ $FAMILY == 4 ]] || ip -netns l1 address add "$address/128" dev eth0 nodad preferred_lft 0
	with_prefix_guests
	on l2b peer -s "$one" serve prefix echo:7000
	on l2 peer -s "$GUEST" serve address echo:7000
	on l1 peer -s "$address" serve except echo:7000
	on l2b peer -s "$GUEST2" serve any echo:7001
	on l2b peer -s "$GUEST2" serve range echo:7000
	on l2b peer -s "$GUEST2" serve port echo:7002

	leads_to except
	nestnet expose "$PREFIX" "$GUESTS"
	leads_to prefix
	nestnet expose "$address" "$GUEST"
	leads_to address
	nestnet expose "$address" "$GUEST" --replace --except 7000
	leads_to except
	nestnet expose '*:7000' "$(at "$GUEST2" 7001)"
	leads_to any
	nestnet expose "$(at "$address" 6999-7001)" "$GUEST2" --force
	leads_to range
	nestnet expose "$(at "$address" 7000)" "$(at "$GUEST2" 7002)" --force
	leads_to port
	ruleset_loads

	nestnet unexpose "$(at "$address" 7000)"
	leads_to range
	nestnet unexpose "$(at "$address" 6999-7001)"
	leads_to any
	nestnet unexpose '*:7000'
	leads_to except
	nestnet unexpose "$address"
	leads_to prefix
	nestnet unexpose "$PREFIX"
	leads_to except
}

# That one, and so none of the others; the same from outside and from L1 itself.
leads_to() {
	reaches ext tcp "$address" 7000 "$1 sees $EXT "
	reaches l1 tcp "$address" 7000 "$1 sees"
}

test_precedence_does_not_depend_on_the_order_of_making() { in_each_family reverse_precedence; }

reverse_precedence() {
	local address=${PREFIX_ALIASES[1]}

	with_prefix_guests
	listens l2b 7001 7002 7003
	nestnet expose "$(at "$address" 7001)" "$(at "$GUEST2" 7003)"
	nestnet expose "$(at "$address" 7001-7002)" "$GUEST2"
	nestnet expose "$address" "$GUEST"
	nestnet expose "$PREFIX" "$GUESTS"
	reaches ext tcp "$address" 7001 "l2b:7003 sees"
	reaches ext tcp "$address" 7002 "l2b:7002 sees"
	reaches ext tcp "$address" 7 "l2 sees"
	reaches ext udp "$address" 7 "l2 sees"
	reaches ext tcp "${PREFIX_ALIASES[2]}" 9 "${PREFIX_GUESTS[2]} sees"
	gets_nothing ext tcp "$address" 9
	gets_nothing ext tcp "${PREFIX_ALIASES[2]}" 7002
}

# --except

test_excepted_ports_stay_l1s_own() { in_each_family excepted_ports; }

excepted_ports() {
	nestnet expose "$ALIAS" "$GUEST" --except 22 --except 7/udp
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	reaches l2b tcp "$ALIAS" 22 "l1 sees"
	reaches l1 tcp "$ALIAS" 22 "l1 sees"
	# The rest is the guest's, the other protocol's port of that number too.
	reaches ext udp "$ALIAS" 22 "l2 sees $EXT "
	reaches ext tcp "$ALIAS" 7 "l2 sees $EXT "
	reaches ext http "$ALIAS" 8000 "guest page of l2, for $EXT "
	pings ext "$ALIAS" 63
	# L1 has no server there, and the guest's does not answer for it.
	gets_nothing ext udp "$ALIAS" 7
	gets_nothing l1 udp "$ALIAS" 7
	nestnet unexpose "$ALIAS"
	nestnet expose "$ALIAS" "$GUEST"
	reaches ext tcp "$ALIAS" 22 "l2 sees $EXT "
	reaches ext udp "$ALIAS" 7 "l2 sees $EXT "
}

test_an_excepted_range_stays_l1s_own() { in_each_family excepted_range; }

excepted_range() {
	listens l2 7999 8001
	nestnet expose "$ALIAS" "$GUEST" --except 20-22 --except 8000-8001/tcp
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	gets_nothing ext http "$ALIAS" 8000
	gets_nothing ext tcp "$ALIAS" 8001
	reaches ext tcp "$ALIAS" 7999 "l2:7999 sees $EXT "
	reaches ext udp "$ALIAS" 8001 "l2:8001 sees $EXT "
	same "except" '["20-22/tcp","8000-8001/tcp"]' "$(nestnet -j list | jq -c '.[0].except')"
	# In any order, and said twice.
	changes_nothing nestnet expose "$ALIAS" "$GUEST" --except 8000-8001 --except 20-22/tcp \
		--except 20-22
}

test_exceptions_are_of_their_own_alias_alone() { in_each_family exceptions_of_one; }

exceptions_of_one() {
	nestnet expose "$ALIAS" "$GUEST" --except 22
	nestnet expose "$ALIAS2" "$GUEST2" --except 7
	reaches ext tcp "$ALIAS2" 22 "l2b sees $EXT "
	reaches ext tcp "$ALIAS" 7 "l2 sees $EXT "
	gets_nothing ext tcp "$ALIAS2" 7
	same "except" '[["22/tcp"],["7/tcp"]]' "$(nestnet -j list | jq -c 'map(.except)')"
	nestnet unexpose "$ALIAS2"
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
}

test_except_is_for_a_whole_address() {
	refused 2 'except' nestnet expose 10.128.0.13:80 192.168.122.89 --except 22
	refused 2 'except' nestnet expose 10.128.0.13:80-90 192.168.122.89 --except 85
	refused 2 'except' nestnet expose 10.128.0.12/30 192.168.122.96/30 --except 22
	refused 2 'except' nestnet expose '*:80' 192.168.122.89 --except 80
	refused 2 'overlap' nestnet expose 10.128.0.13 192.168.122.89 --except 20-30 --except 22
	refused 2 'except' nestnet expose 10.128.0.13 192.168.122.89 --except ssh
	refused 2 'except' nestnet expose 10.128.0.13 192.168.122.89 --except 30-20
	refused 2 'except' nestnet expose 10.128.0.13 192.168.122.89 --except 22/icmp
}

# With it L1 keeps its own SSH on a primary address that is the guest's otherwise.
test_the_primary_address_less_a_port() { in_each_family primary_less_a_port; }

primary_less_a_port() {
	refused 1 "--force" nestnet expose "$L1" "$GUEST" --except 22
	nestnet expose "$L1" "$GUEST" --except 22 --force
	reaches ext tcp "$L1" 22 "l1 sees $EXT "
	reaches ext tcp "$L1" 7 "l2 sees $EXT "
	reaches ext http "$L1" 8000 "guest page of l2,"
	reaches l1 tcp "$EXT" 7 "ext sees $L1 "
}

# *:PORT

test_a_port_of_every_address_is_one_of_each_of_l1s() { in_each_family any_port; }

any_port() {
	nestnet expose '*:8080' "$(at "$GUEST" 8000)"
	reaches ext http "$ALIAS" 8080 "guest page of l2, for $EXT "
	reaches ext http "$L1" 8080 "guest page of l2, for $EXT "
	reaches l1 http "$ALIAS2" 8080 "guest page of l2,"
	reaches l1 http "$L1" 8080 "guest page of l2,"
	reaches l2b http "$BRIDGE" 8080 "guest page of l2,"
	reaches l2b http "$ALIAS" 8080 "guest page of l2,"
	# An address that comes later.
	ip -netns l1 link add vnet9 up type veth peer name vnet9b
	new_address vnet9
	reaches l1 http "$NEW" 8080 "guest page of l2,"
	ip -netns l1 link del vnet9

	# L1's own loopback stays its own, in both directions.
	gets_nothing l1 tcp "$LOOPBACK" 8080
	on l1 peer -s "$LOOPBACK" serve loopback echo:8080
	reaches l1 tcp "$LOOPBACK" 8080 "loopback sees"
	# Neither another port, nor another protocol, nor what is only routed through L1.
	gets_nothing ext http "$ALIAS" 8000
	gets_nothing ext udp "$ALIAS" 8080
	listens ext 8080
	reaches l2 tcp "$EXT" 8080 "ext:8080 sees"
	reaches l1 tcp "$EXT" 8080 "ext:8080 sees"
	listens l2b 8080
	reaches l1 tcp "$GUEST2" 8080 "l2b:8080 sees"
	with_route_to_guests
	nestnet -q forward on
	reaches ext tcp "$GUEST2" 8080 "l2b:8080 sees $EXT "
	gets_nothing ext tcp "$GUEST" 8000
}

new_address() {
	if [[ $FAMILY == 4 ]]; then
		NEW=10.99.0.1
		ip -netns l1 address add 10.99.0.1/24 dev "$1"
	else
		NEW=fd99::1
		ip -netns l1 address add fd99::1/64 dev "$1" nodad
		# The kernel makes it local in the background.
		poll is_local "$NEW"
	fi
}

is_local() { ip -netns l1 -6 route show table local | grep -q "^local $1 "; }

test_a_udp_port_of_every_address() { in_each_family any_udp_port; }

any_udp_port() {
	nestnet expose '*:53/udp' "$(at "$GUEST" 7)"
	reaches ext udp "$L1" 53 "l2 sees $EXT "
	reaches ext udp "$ALIAS" 53 "l2 sees $EXT "
	reaches l2b udp "$BRIDGE" 53 "l2 sees"
	gets_nothing ext tcp "$L1" 53
	nestnet unexpose '*:53/udp'
	gets_nothing ext udp "$ALIAS" 53
}

test_a_port_of_every_address_that_l1_listens_on_is_refused() { in_each_family any_refused; }

any_refused() {
	refused 1 '\*:22.*--force' nestnet expose '*:22' "$GUEST"
	# Not on every address: on the primary one.
	[[ $FAMILY == 6 ]] || refused 1 '\*:8000.*--force' nestnet expose '*:8000' "$GUEST"
	reaches ext tcp "$L1" 22 "l1 sees $EXT "
	nestnet expose '*:22' "$GUEST" --force
	reaches ext tcp "$L1" 22 "l2 sees $EXT "
	reaches ext tcp "$ALIAS" 22 "l2 sees $EXT "
	reaches ext udp "$L1" 22 "l1 sees $EXT "
	reaches l1 tcp "$LOOPBACK" 22 "l1 sees"
}

test_no_local_of_every_shape() { in_each_family no_local; }

no_local() {
	with_prefix_guests
	listens l2 8001 8002
	nestnet expose "$(at "$ALIAS2" 8001-8002)" "$GUEST" --no-local
	nestnet expose "$(at "$ALIAS3" 9001-9002)" "$(at "$GUEST" 8001-8002)" --no-local
	nestnet expose '*:8080' "$(at "$GUEST" 8000)" --no-local
	nestnet expose "$PREFIX" "$GUESTS" --no-local
	gets_nothing l1 tcp "$ALIAS2" 8001
	gets_nothing l1 tcp "$ALIAS3" 9001
	gets_nothing l1 tcp "$L1" 8080
	gets_nothing l1 tcp "${PREFIX_ALIASES[1]}" 9
	reaches ext tcp "$ALIAS2" 8001 "l2:8001 sees"
	reaches ext tcp "$ALIAS3" 9001 "l2:8001 sees"
	reaches ext http "$L1" 8080 "guest page of l2,"
	reaches ext tcp "${PREFIX_ALIASES[1]}" 9 "${PREFIX_GUESTS[1]} sees $EXT "
	same "local" "false false false false" "$(nestnet -j list | jq -r '.[].local' | xargs)"
}

# A port of every address in both families has one name.
test_a_port_of_every_address_of_both_families() {
	family 4
	nestnet expose '*:8080' 192.168.122.89:8000
	nestnet expose '*:8080' '[fd12::90]:8000'
	reaches ext http 10.128.0.2 8080 "guest page of l2,"
	reaches ext http fd10:128::2 8080 "guest page of l2b,"
	same "listed" "*:8080/tcp *:8080/tcp" "$(nestnet -j list | jq -r '.[].id' | xargs -d'\n')"
	nestnet unexpose '*:8080'
	gets_nothing ext http 10.128.0.2 8080
	gets_nothing ext http fd10:128::2 8080
}

# --timeout

# As soon as an exposure can end that has to be seen before.
SOON=${NN_SOON-2}

# ends_in WHAT SECONDS GOT: or somewhat less, where one looks later.
ends_in() {
	[[ $3 -le $2 && $3 -gt $(($2 - SOON)) ]] || fail "$1: want $2 s, got $3"
}

test_an_exposure_ends_by_itself() { in_each_family timed_address; }

timed_address() {
	local fresh

	fresh=$(skeleton)
	nestnet expose "$ALIAS2" "$GUEST2" --timeout 1h
	nestnet expose "$ALIAS" "$GUEST" --timeout "${SOON}s" --egress alias --no-local --except 22 \
		--comment soon
	reaches ext tcp "$ALIAS" 7 "l2 sees $EXT "
	reaches l2 tcp "$EXT" 7 "ext sees $ALIAS "
	same "timeout" "$SOON" "$(nestnet -j list "$ALIAS" | jq '.[0].timeout_s')"
	ends_in "JSON" "$SOON" "$(nestnet -j list "$ALIAS" | jq '.[0].expires_s')"
	poll gets_nothing ext tcp "$ALIAS" 7
	gets_nothing ext udp "$ALIAS" 7
	same "listed" "$ALIAS2" "$(nestnet -j list | jq -r '.[].id')"
	reaches ext tcp "$ALIAS2" 7 "l2b sees $EXT "
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	# The guest stays closed a moment longer than it is exposed, and its options go then.
	nestnet unexpose "$ALIAS2"
	poll is_table "$fresh"
}

is_table() { [[ $(table) == "$1" ]]; }

test_every_shape_ends_by_itself() { in_each_family timed_shapes; }

timed_shapes() {
	local fresh soon=$((SOON + 2)) # for all of them to be seen

	fresh=$(skeleton)
	with_prefix_guests
	listens l2 8001 8002
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)" --timeout "${soon}s" --open
	nestnet expose "$(at "$ALIAS2" 8001-8002)" "$GUEST" --timeout "${soon}s" --no-local
	nestnet expose "$(at "$ALIAS2" 9001-9002)" "$(at "$GUEST" 8001-8002)" --timeout "${soon}s"
	nestnet expose '*:8080' "$(at "$GUEST" 8000)" --timeout "${soon}s" --open
	nestnet expose "$PREFIX" "$GUESTS" --timeout "${soon}s" --egress none
	reaches ext http "$ALIAS" 80 "guest page of l2,"
	reaches ext tcp "$ALIAS2" 8001 "l2:8001 sees"
	reaches ext tcp "$ALIAS2" 9001 "l2:8001 sees"
	reaches ext http "$L1" 8080 "guest page of l2,"
	reaches ext tcp "${PREFIX_ALIASES[0]}" 9 "${PREFIX_GUESTS[0]} sees"
	same "timeouts" "$soon $soon $soon $soon $soon" "$(nestnet -j list | jq -r '.[].timeout_s' | xargs)"
	ruleset_loads_timed
	poll is_table "$fresh"
	same "left" "[]" "$(nestnet -j list | jq -c .)"
	gets_nothing ext tcp "$ALIAS" 80
	gets_nothing ext tcp "$ALIAS2" 8001
	gets_nothing ext tcp "$ALIAS2" 9001
	gets_nothing ext tcp "$L1" 8080
	gets_nothing ext tcp "${PREFIX_ALIASES[0]}" 9
	# Each can be made again.
	nestnet expose "$(at "$ALIAS2" 9001-9002)" "$(at "$GUEST" 8001-8002)"
	reaches ext tcp "$ALIAS2" 9002 "l2:8002 sees"
}

# Elements that go while they are looked at: that nft takes the text is what counts.
ruleset_loads_timed() {
	on l1 nft list ruleset >"$LAB_SCRATCH/timed"
	on l1 nft -c -f "$LAB_SCRATCH/timed" || fail "nft -c refuses the ruleset"
}

test_repeating_leaves_the_clock_and_replace_restarts_it() { in_each_family clocks; }

clocks() {
	nestnet expose "$ALIAS" "$GUEST" --timeout 1000s --except 22 --egress alias
	nestnet expose "$(at "$ALIAS2" 9001-9002)" "$(at "$GUEST2" 8001-8002)" --timeout 1000s
	poll has_run
	changes_nothing nestnet expose "$ALIAS" "$GUEST" --timeout 1000s --except 22 --egress alias
	changes_nothing nestnet expose "$ALIAS" "$GUEST" --timeout 7d --except 22 --egress alias
	changes_nothing nestnet expose "$(at "$ALIAS2" 9001-9002)" "$(at "$GUEST2" 8001-8002)" \
		--timeout 1000s
	same "timeouts" "1000 1000" "$(nestnet -j list | jq -r '.[].timeout_s' | xargs)"
	refused 1 'replace' nestnet expose "$ALIAS" "$GUEST" --except 22 --egress alias
	nestnet expose "$ALIAS" "$GUEST" --timeout 1000s --except 22 --egress alias --replace
	ends_in "restarted" 1000 "$(nestnet -j list "$ALIAS" | jq '.[0].expires_s')"
	nestnet expose "$(at "$ALIAS2" 9001-9002)" "$(at "$GUEST2" 8001-8002)" --timeout 2h --replace
	ends_in "longer" 7200 "$(nestnet -j list "$(at "$ALIAS2" 9001-9002)" | jq '.[0].expires_s')"
	reaches ext tcp "$ALIAS" 7 "l2 sees $EXT "
	reaches ext tcp "$ALIAS" 22 "l1 sees $EXT "
	# For good.
	nestnet expose "$ALIAS" "$GUEST" --replace
	same "no timeout" '[null,null]' \
		"$(nestnet -j list "$ALIAS" | jq -c '.[0] | [.timeout_s, .expires_s]')"
	refused 1 'replace' nestnet expose "$ALIAS" "$GUEST" --timeout 1h
}

# Rounded up, so that 1000 is still to be seen in the first second.
has_run() { [[ $(nestnet -j list | jq '[.[].expires_s] | max') -le $((1000 - SOON)) ]]; }

test_open_flows_outlive_their_timeout_until_unexpose() { in_each_family timed_flow; }

timed_flow() {
	nestnet expose "$ALIAS2" "$GUEST2"
	nestnet expose "$ALIAS" "$GUEST" --timeout "${SOON}s"
	stream_open long ext tcp "$ALIAS" 7
	stream_says long before
	poll gets_nothing ext tcp "$ALIAS" 7
	stream_says long "after the end"
	poll is_listed_no_more "$ALIAS"
	nestnet unexpose "$ALIAS" --if-exists
	stream_lost long "after unexpose"
}

# That fails, as there is nothing to take back, and ends them all the same; and nothing else.
test_unexpose_after_the_end_fails_and_ends_what_it_let_in() { in_each_family timed_flows; }

timed_flows() {
	local before

	nestnet expose "$ALIAS2" "$GUEST2"
	nestnet expose "$(at "$ALIAS" 2222)" "$GUEST2"
	nestnet expose "$ALIAS" "$GUEST" --timeout "${SOON}s"
	nestnet expose "$(at "$ALIAS3" 7)" "$GUEST" --timeout "${SOON}s"
	stream_open first ext tcp "$ALIAS" 7
	stream_open second ext tcp "$ALIAS3" 7
	stream_open third ext udp "$ALIAS" 7
	stream_open port ext tcp "$ALIAS" 2222
	stream_open other ext tcp "$ALIAS2" 7
	stream_open l1 ext tcp "$L1" 22
	stream_says first before
	stream_says second before
	stream_says third before
	stream_says port before
	stream_says other before
	stream_says l1 before
	poll none_is_timed
	stream_says first "after the end"
	before=$(nestnet -j list | jq 'map(del(.flows))')
	[[ -z $(nestnet -n unexpose "$ALIAS" 2>&1 >/dev/null) ]] && fail "a dry run does not fail"
	stream_says first "after a dry run"
	# Nor is the other one taken back.
	refused 1 "unexpose $ALIAS: not exposed" nestnet unexpose "$ALIAS2" "$ALIAS"
	same "list" "$before" "$(nestnet -j list | jq 'map(del(.flows))')"
	stream_lost first "after unexpose"
	stream_lost third "after unexpose"
	stream_says second "of another alias"
	stream_says port "of a port"
	stream_says other "of the exposure that stays"
	stream_says l1 "of L1"
	nestnet unexpose "$(at "$ALIAS3" 7)" "$ALIAS" --if-exists
	stream_lost second "after unexpose"
	stream_says port "of a port"
	stream_says other "of the exposure that stays"
}

# Nor is a target any more, which is closed for a moment longer.
none_is_timed() {
	[[ $(nestnet -j list | jq 'map(select(.timeout_s)) | length') == 0 ]] &&
		not grep -q expires < <(on l1 nft list table inet nestnet)
}

is_listed_no_more() { [[ $(nestnet -j list "$1" | jq length) == 0 ]]; }

# An exposure that ends does not take a target's other exposures along.
test_a_guest_of_two_exposures_stays_when_one_ends() { in_each_family timed_and_not; }

timed_and_not() {
	with_route_to_guests
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)"
	nestnet expose "$(at "$ALIAS" 81)" "$(at "$GUEST" 8000)" --timeout "${SOON}s"
	reaches ext http "$ALIAS" 81 "guest page of l2,"
	poll gets_nothing ext tcp "$ALIAS" 81
	reaches ext http "$ALIAS" 80 "guest page of l2,"
	reaches l2 tcp "$EXT" 7 "ext sees $L1 "
	gets_nothing ext tcp "$GUEST" 22
	nestnet expose "$(at "$ALIAS" 82)" "$(at "$GUEST" 8000)" --timeout 1h
	nestnet unexpose "$(at "$ALIAS" 82)"
	gets_nothing ext tcp "$GUEST" 22
	reaches ext http "$ALIAS" 80 "guest page of l2,"
}

test_a_time_that_is_none_is_a_wrong_command_line() {
	local time

	for time in 0s 1 s 5w 1.5h -1s 1h30m '' 366d 99999999999s; do
		refused 2 'timeout' nestnet expose 10.128.0.13 192.168.122.89 "--timeout=$time"
	done
}

# list

test_list_shows_every_shape() { in_each_family listed_shapes; }

listed_shapes() {
	local id target

	every_shape
	same "ids" "$(sort <<-END
		*:8080/tcp
		$ALIAS
		$(at "$ALIAS" 80)/tcp
		$(at "$ALIAS2" 8000-8010)/tcp
		$(at "$ALIAS2" 9000-9010)/udp
		$PREFIX
	END
	)" "$(nestnet -j list | jq -r '.[].id' | sort)"
	same "range" "[\"$ALIAS2\",\"tcp\",\"8000-8010\",\"$GUEST\",\"8000-8010\"]" \
		"$(row "$(at "$ALIAS2" 8000-8010)" '.alias, .protocol, .port, .target, .target_port')"
	same "shifted" "[\"udp\",\"9000-9010\",\"8000-8010\",\"shifted\"]" \
		"$(row "$(at "$ALIAS2" 9000-9010/udp)" '.protocol, .port, .target_port, .comment')"
	same "prefix" "[\"$PREFIX\",null,null,\"$GUESTS\",null]" \
		"$(row "$PREFIX" '.alias, .protocol, .port, .target, .target_port')"
	same "any" "[\"*\",\"tcp\",\"8080\",\"$GUEST\",\"8000\"]" \
		"$(row '*:8080' '.alias, .protocol, .port, .target, .target_port')"
	same "address" '[["22/tcp","30-40/udp"],"alias",null]' \
		"$(row "$ALIAS" '.except, .egress, .timeout_s')"
	same "by target" 5 "$(nestnet -j list "$GUEST" | jq length)"
	same "none" 0 "$(nestnet -j list "$(at "$ALIAS2" 8000-8009)" | jq length)"
	same "none of its ports" 0 "$(nestnet -j list "$(at "$ALIAS2" 8005)" | jq length)"
	same "none" 0 "$(nestnet -j list "$PREFIX_PART" | jq length)"
	for id in "$(at "$ALIAS2" 8000-8010)" "$PREFIX" "*:8080"; do
		target=$(nestnet list "$id" | tail -n +2)
		[[ $target == "$id"* ]] || fail "list $id: got" "$target"
	done
	same "lines, with their heading" 7 "$(nestnet list | wc -l)"
}

row() { nestnet -j list "$1" | jq -c ".[0] | [$2]"; }

every_shape() {
	nestnet expose "$ALIAS" "$GUEST" --egress alias --except 22 --except 30-40/udp
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)" --open --comment web
	nestnet expose "$(at "$ALIAS2" 8000-8010)" "$GUEST" --no-local --comment range
	nestnet expose "$(at "$ALIAS2" 9000-9010/udp)" "$(at "$GUEST" 8000-8010)" --comment shifted
	nestnet expose "$PREFIX" "$GUESTS" --egress none --comment prefix
	nestnet expose '*:8080' "$(at "$GUEST" 8000)" --timeout 1h --comment any
}

# Each of them once more, just so.
every_shape_again() {
	"$@" nestnet expose "$ALIAS" "$GUEST" --egress alias --except 22 --except 30-40/udp
	"$@" nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)" --open --comment web
	"$@" nestnet expose "$(at "$ALIAS2" 8000-8010)" "$GUEST" --no-local --comment range
	"$@" nestnet expose "$(at "$ALIAS2" 9000-9010/udp)" "$(at "$GUEST" 8000-8010)" \
		--comment shifted
	"$@" nestnet expose "$PREFIX" "$GUESTS" --egress none --comment prefix
	"$@" nestnet expose '*:8080' "$(at "$GUEST" 8000)" --timeout 1h --comment any
}

test_flows_are_counted_for_every_shape() { in_each_family counted_flows; }

counted_flows() {
	with_prefix_guests
	listens l2 8001 8002
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 9001-9002)" "$(at "$GUEST" 8001-8002)"
	nestnet expose "$PREFIX" "$GUESTS"
	nestnet expose '*:8080' "$(at "$GUEST" 8000)"
	reaches ext tcp "$ALIAS" 8001 "l2:8001"
	reaches ext tcp "$ALIAS" 8002 "l2:8002"
	reaches ext tcp "$ALIAS" 9001 "l2:8001"
	reaches ext tcp "$ALIAS" 9002 "l2:8002"
	reaches ext tcp "$ALIAS" 9002 "l2:8002"
	reaches ext tcp "${PREFIX_ALIASES[2]}" 9 "${PREFIX_GUESTS[2]}"
	reaches ext http "$L1" 8080 "guest page"
	same "range" 2 "$(row "$(at "$ALIAS" 8001-8002)" .flows | jq '.[0]')"
	same "shifted, of all its ports" 3 "$(row "$(at "$ALIAS" 9001-9002)" .flows | jq '.[0]')"
	same "prefix" 1 "$(row "$PREFIX" .flows | jq '.[0]')"
	same "any" 1 "$(row '*:8080' .flows | jq '.[0]')"
}

# Again, and otherwise

test_every_shape_again_changes_nothing() { in_each_family again; }

again() {
	every_shape
	every_shape_again changes_nothing
	same "exposures" 6 "$(nestnet -j list | jq length)"
}

test_what_differs_is_refused_for_every_shape() { in_each_family differing; }

differing() {
	every_shape
	refused 1 "already exposed to $GUEST \(--replace" \
		nestnet expose "$(at "$ALIAS2" 8000-8010)" "$GUEST2"
	refused 1 "already exposed to" \
		nestnet expose "$(at "$ALIAS2" 8000-8010)" "$(at "$GUEST" 8001-8011)" --no-local
	refused 1 "already exposed to .*--replace" nestnet expose "$(at "$ALIAS2" 9000-9010/udp)" \
		"$(at "$GUEST" 8001-8011)" --comment shifted
	refused 1 "already exposed to .*--replace" \
		nestnet expose "$(at "$ALIAS2" 9000-9010/udp)" "$GUEST" --comment shifted
	refused 1 "already exposed to .*--replace" nestnet expose "$PREFIX" "$GUESTS" --open
	refused 1 "already exposed to .*--replace" nestnet expose '*:8080' "$(at "$GUEST2" 8000)"
	refused 1 "--except 22.*--replace" nestnet expose "$ALIAS" "$GUEST" --egress alias
	refused 1 "already exposed to .*--replace" \
		nestnet expose "$ALIAS" "$GUEST" --egress alias --except 22
	refused 1 "not exposed" nestnet unexpose "$(at "$ALIAS2" 8000-8009)"
	refused 1 "not exposed" nestnet unexpose "$(at "$ALIAS2" 9001-9010/udp)"
	refused 1 "not exposed" nestnet unexpose "$(at "$ALIAS2" 9000-9010/tcp)"
	refused 1 "not exposed" nestnet unexpose "$PREFIX_PART"
	refused 1 "not exposed" nestnet unexpose "$(at "$ALIAS2" 8005)"
	refused 1 "not exposed" nestnet unexpose '*:8081'
	refused 1 "not exposed" nestnet unexpose '*:8080/udp'
}

test_what_overlaps_is_refused_and_named() { in_each_family overlapping; }

overlapping() {
	local range shifted

	range=$(at "$ALIAS" 8001-8010)
	shifted=$(at "$ALIAS" 9001-9010)
	nestnet expose "$range" "$GUEST"
	nestnet expose "$shifted" "$(at "$GUEST" 8001-8010)"
	nestnet expose "$PREFIX" "$GUESTS"
	range=${range//[][]/.}
	refused 1 "overlaps with $range" nestnet expose "$(at "$ALIAS" 8000-8001)" "$GUEST"
	refused 1 "overlaps with $range" nestnet expose "$(at "$ALIAS" 8010-8011)" "$GUEST"
	refused 1 "overlaps with $range" nestnet expose "$(at "$ALIAS" 8000-8011)" "$GUEST"
	refused 1 "overlaps with $range" nestnet expose "$(at "$ALIAS" 8002-8003)" "$GUEST"
	refused 1 "overlaps with $range" \
		nestnet expose "$(at "$ALIAS" 8010-8011)" "$(at "$GUEST" 80-81)"
	refused 1 "overlaps with ${shifted//[][]/.}" \
		nestnet expose "$(at "$ALIAS" 9010-9011)" "$GUEST"
	refused 1 "overlaps with ${shifted//[][]/.}" \
		nestnet expose "$(at "$ALIAS" 9000-9001)" "$(at "$GUEST" 80-81)"
	refused 1 "overlaps with $PREFIX" overlap_prefix shorter
	refused 1 "overlaps with $PREFIX" overlap_prefix longer
	# No overlaps: its neighbours, the other protocol, another address.
	nestnet expose "$(at "$ALIAS" 7999-8000)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 8011-8012)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 8001-8010/udp)" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 8001-8010)" "$GUEST"
	# A port in a range, and an address in a prefix, are allowed, and win.
	nestnet expose "$(at "$ALIAS" 8005)" "$(at "$GUEST2" 7)"
	nestnet expose "${PREFIX_ALIASES[1]}" "$GUEST2"
	reaches ext tcp "$ALIAS" 8005 "l2b sees"
	reaches ext tcp "${PREFIX_ALIASES[1]}" 7 "l2b sees"
}

overlap_prefix() {
	case $FAMILY$1 in
	4shorter) nestnet expose 10.128.0.8/29 192.168.122.104/29 ;;
	4longer) nestnet expose 10.128.0.14/31 192.168.122.104/31 ;;
	6shorter) nestnet expose fd10:128:0:1::8/125 fd12::68/125 ;;
	6longer) nestnet expose fd10:128:0:1::e/127 fd12::68/127 ;;
	esac
}

# A wrong pair is a wrong command line.
test_pairs_that_do_not_fit_are_refused() {
	refused 2 'as many ports' nestnet expose 10.128.0.13:80-90 192.168.122.89:80-91
	refused 2 'as many ports' nestnet expose 10.128.0.13:80-90 192.168.122.89:80
	refused 2 'as many ports' nestnet expose 10.128.0.13:80 192.168.122.89:80-81
	refused 2 'prefix length' nestnet expose 10.128.0.12/30 192.168.122.96/29
	refused 2 'prefix length' nestnet expose 10.128.0.12/30 192.168.122.89
	refused 2 'prefix length' nestnet expose 10.128.0.13 192.168.122.96/30
	refused 2 'host bits' nestnet expose 10.128.0.13/30 192.168.122.96/30
	refused 2 'host bits' nestnet expose 10.128.0.12/30 192.168.122.97/30
	refused 2 'host bits' nestnet expose fd10:128:0:1::d/126 fd12::60/126
	refused 2 'backwards' nestnet expose 10.128.0.13:90-80 192.168.122.89
	refused 2 'one family' nestnet expose 10.128.0.13 fd12::89
	refused 2 'one family' nestnet expose '[fd10:128::13]:80' 192.168.122.89:80
	refused 2 'one family' nestnet expose 10.128.0.12/30 fd12::60/126
	refused 2 'range' nestnet expose '*:80-90' 192.168.122.89
	refused 2 'port' nestnet expose '*' 192.168.122.89
	refused 2 '.' nestnet expose '10.128.0.12/30:80' 192.168.122.89
	refused 2 '.' nestnet expose 10.128.0.13 '*:80'
	refused 2 'egress' nestnet expose '*:80' 192.168.122.89 --egress alias
	refused 2 'egress' nestnet expose 10.128.0.13:80-90 192.168.122.89 --egress none
	refused 2 '.' nestnet expose fd10:128::13:80 fd12::89:80 --egress nonsense
}

test_a_prefix_that_takes_in_a_primary_address_is_refused() {
	refused 1 '10\.128\.0\.2.*--force' nestnet expose 10.128.0.0/30 192.168.122.96/30
	refused 1 'fd10:128::2.*--force' nestnet expose fd10:128::/126 fd12::60/126
	refused 1 '192\.168\.122\.1.*--force' nestnet expose 192.168.122.0/30 192.168.122.96/30
	family 4
	with_prefix_guests
	nestnet expose 10.128.0.0/30 192.168.122.96/30 --force
	reaches ext tcp 10.128.0.2 9 "192.168.122.98 sees"
}

test_a_range_in_which_l1_listens_is_refused() { in_each_family own_range; }

own_range() {
	refused 1 '22.*--force' nestnet expose "$(at "$L1" 20-30)" "$GUEST"
	refused 1 '22.*--force' nestnet expose "$(at "$ALIAS" 20-30/udp)" "$GUEST"
	nestnet expose "$(at "$L1" 23-30)" "$GUEST"
	nestnet expose "$(at "$L1" 20-22)" "$GUEST" --force
	reaches ext tcp "$L1" 22 "l2 sees $EXT "
	reaches ext udp "$L1" 22 "l1 sees $EXT "
}

test_replace_switches_every_shape() { in_each_family replaced_shapes; }

replaced_shapes() {
	listens l2 8001 8002
	listens l2b 8001 8002
	with_prefix_guests
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST2" --replace
	reaches ext tcp "$ALIAS" 8002 "l2b:8002 sees"
	# To shifted ports, and back.
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$(at "$GUEST2" 8000-8001)" --replace
	reaches ext tcp "$ALIAS" 8002 "l2b:8001 sees"
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$(at "$GUEST" 8000-8001)" --replace
	reaches ext tcp "$ALIAS" 8002 "l2:8001 sees"
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST" --replace
	reaches ext tcp "$ALIAS" 8002 "l2:8002 sees"
	nestnet expose '*:8080' "$(at "$GUEST" 8000)"
	nestnet expose '*:8080' "$(at "$GUEST2" 8000)" --replace
	reaches ext http "$L1" 8080 "guest page of l2b,"
	nestnet expose "$PREFIX" "$GUESTS"
	replace_prefix
	gets_nothing ext tcp "${PREFIX_ALIASES[1]}" 9
	nestnet expose "$PREFIX" "$GUESTS" --replace --egress alias
	reaches ext tcp "${PREFIX_ALIASES[1]}" 9 "${PREFIX_GUESTS[1]} sees $EXT "
	same "exposures" 3 "$(nestnet -j list | jq length)"
	nestnet unexpose --all
	not grep -qF -e "$GUEST" -e "$GUEST2" -e "$GUESTS" <(table)
}

replace_prefix() {
	case $FAMILY in
	4) nestnet expose 10.128.0.12/30 192.168.122.104/30 --replace ;;
	6) nestnet expose fd10:128:0:1::c/126 fd12::68/126 --replace ;;
	esac
}

# Taken back

# The table with no exposure in it: what `forward on` leaves has rules and no element, and
# an exposure of a port that was taken back all of its family.
skeleton() {
	nestnet -q forward on >/dev/null
	nestnet expose "$(at "$ALIAS" 80)" "$GUEST"
	nestnet unexpose "$(at "$ALIAS" 80)"
	table
}

table() { on l1 nft -s list table inet nestnet; }

test_every_shape_leaves_nothing_behind() { in_each_family nothing_left; }

nothing_left() {
	local fresh id

	fresh=$(skeleton)
	every_shape
	for id in "$(at "$ALIAS2" 8000-8010)" "$PREFIX" '*:8080' "$(at "$ALIAS" 80)" "$ALIAS" \
		"$(at "$ALIAS2" 9000-9010/udp)"; do
		nestnet unexpose "$id"
	done
	same "one by one" "$fresh" "$(table)"
	every_shape
	nestnet unexpose --all
	same "all" "$fresh" "$(table)"
	every_shape
	nestnet unexpose "$(at "$ALIAS2" 8000-8010)" "$PREFIX" '*:8080' "$(at "$ALIAS" 80)" \
		"$ALIAS" "$(at "$ALIAS2" 9000-9010/udp)"
	same "in one go" "$fresh" "$(table)"
}

test_target_takes_every_shape_of_a_guest() { in_each_family by_target; }

by_target() {
	every_shape
	nestnet unexpose --target "$GUEST"
	same "left" "$PREFIX" "$(nestnet -j list | jq -r '.[].id')"
	gets_nothing ext tcp "$ALIAS2" 8000
	gets_nothing ext tcp "$L1" 8080
}

test_dry_run_prints_every_shape_as_a_command() { in_each_family dry_run; }

dry_run() {
	local line

	every_shape_again prints_itself
	every_shape
	same "all of them back" 6 "$(nestnet -n unexpose --all | grep -c '^- expose')"
	changes_nothing nestnet -n unexpose --all
	changes_nothing nestnet -n expose "$PREFIX" "$GUESTS" --replace
	# What it prints can be run: take one back, and make it again.
	while read -r line; do
		[[ $line != "- expose"* ]] || echo "nestnet ${line#- }"
	done < <(nestnet -n unexpose --all) >"$LAB_SCRATCH/commands"
	line=$(nestnet -j list | jq -S -c 'map(del(.expires_s, .timeout_s))')
	nestnet unexpose --all
	# shellcheck source=/dev/null
	source "$LAB_SCRATCH/commands"
	same "made again" "$line" "$(nestnet -j list | jq -S -c 'map(del(.expires_s, .timeout_s))')"
}

# prints_itself nestnet COMMAND...
prints_itself() {
	local out words

	changes_nothing "$1" -n "${@:2}"
	out=$("$1" -n "${@:2}" | grep '^+ expose')
	words=${out#"+ "}
	[[ $(wc -l <<<"$out") == 1 && $words == "expose ${3%/tcp}"* ]] ||
		fail "dry run of ${*:2}: got" "$out"
}

test_clear_takes_back_every_shape() {
	local before

	with_aliases6
	before=$(l1_state)
	family 4
	every_shape
	family 6
	nestnet unexpose '*:8080'
	every_shape
	nestnet -q clear
	same "L1's state" "$before" "$(l1_state)"
}

# The table

test_the_table_loads_again_with_every_shape() {
	local before

	with_aliases6
	family 4
	every_shape
	nestnet expose "$ALIAS3" "$GUEST2" --timeout 1h --except 1-2 --egress none
	nestnet expose "$(at "$ALIAS3" 5-6/sctp)" "$GUEST2" --timeout 1h
	nestnet expose "$(at "$ALIAS3" 7-8/sctp)" "$(at "$GUEST2" 1-2)" --timeout 1h --open
	family 6
	nestnet expose "$ALIAS" "$GUEST" --egress alias --except 22 --except 30-40/udp
	nestnet expose "$(at "$ALIAS2" 8000-8010)" "$GUEST" --no-local --comment range
	nestnet expose "$(at "$ALIAS2" 9000-9010/udp)" "$(at "$GUEST" 8000-8010)" --timeout 1h
	nestnet expose "$PREFIX" "$GUESTS" --egress alias --comment prefix --timeout 1h
	nestnet nat add fd12::/64
	nestnet nat add 192.168.122.0/24 --to 10.128.0.15
	ruleset_loads
	# To nestnet it is the same, and packets find their way.
	before=$(nestnet -j list | jq -c 'map(del(.expires_s))'; nestnet -j nat list)
	on l1 nft list ruleset >"$LAB_SCRATCH/saved"
	on l1 nft flush ruleset
	on l1 nft -f "$LAB_SCRATCH/saved"
	same "the lists" "$before" \
		"$(nestnet -j list | jq -c 'map(del(.expires_s))'; nestnet -j nat list)"
	reaches ext http 10.128.0.13 80 "guest page of l2,"
	changes_nothing nestnet expose "$PREFIX" "$GUESTS" --egress alias --comment prefix --timeout 1h
	nestnet unexpose --all
	not grep -qF -e fd12::89 -e 192.168.122.89 <(table)
}

# As a whole: one batch, however many ports.
test_a_shifted_range_is_one_batch() {
	on l1 strace -f -qq -e trace=sendmsg,sendto,sendmmsg,write -o "$LAB_SCRATCH/trace" \
		"$NESTNET" expose 10.128.0.13:20000-20999 192.168.122.89:21000-21999
	same "batches" 1 "$(grep -o NFNL_MSG_BATCH_BEGIN "$LAB_SCRATCH/trace" | wc -l)"
}
