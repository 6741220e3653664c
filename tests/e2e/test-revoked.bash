# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Revoked means revoked, in both families: what a command takes back ends, and each stream
# that it does not concern goes on. Streams are long-lived ones, of every kind at once.

# What is not nestnet's, or not what is taken back: another exposure of the same alias to
# the same guest and to another guest, another alias, DNAT of other software, L1's own by
# its primary address and by an alias, and guests' among themselves.
bystanders() {
	foreign_dnat
	nestnet expose "$(at "$ALIAS" 2222)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 2223)" "$(at "$GUEST2" 2222)"
	nestnet expose "$ALIAS2" "$GUEST"
	stream_open same_guest ext tcp "$ALIAS" 2222
	stream_open other_guest ext tcp "$ALIAS" 2223
	stream_open other_alias ext tcp "$ALIAS2" 7
	stream_open other_alias_udp ext udp "$ALIAS2" 7
	stream_open foreign ext tcp "$L1" 9999
	stream_open to_l1 ext tcp "$L1" 22
	stream_open to_l1_by_alias ext tcp "$ALIAS3" 22
	stream_open from_l1 l1 tcp "$EXT" 7
	stream_open inside l2b tcp "$GUEST" 7
	stream_open out l2 tcp "$EXT" 7
	bystanders_go_on before
}

bystanders_go_on() {
	local name

	for name in same_guest other_guest other_alias other_alias_udp foreign to_l1 to_l1_by_alias \
		from_l1 inside out; do
		goes_on "$name" "$1"
	done
}

# Port 9999 of L1's own address to the second guest, by somebody else's table.
foreign_dnat() {
	local ip=ip

	[[ $FAMILY == 4 ]] || ip=ip6
	on l1 nft -f - <<-END
		table $ip foreign {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				$ip daddr $L1 tcp dport 9999 dnat to $(at "$GUEST2" 7)
			}
		}
	END
}

goes_on() {
	local answer

	answer=$(stream_says "$1" "$2") || fail "IPv$FAMILY: $1 does not go on: $answer"
}

# The flow is over at once: the very next line does not come back.
is_over() {
	local answer

	answer=$(stream_lost "$1" after) || fail "$1 goes on: $answer"
}

test_unexpose_of_a_port_ends_its_streams_alone() { in_each_family revoke_port; }

revoke_port() {
	bystanders
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 7)"
	nestnet expose "$(at "$ALIAS" 80/udp)" "$(at "$GUEST" 7)"
	stream_open tcp ext tcp "$ALIAS" 80
	stream_open udp ext udp "$ALIAS" 80
	stream_open local l1 tcp "$ALIAS" 80
	stream_open neighbour l2b tcp "$ALIAS" 80
	goes_on tcp before
	goes_on udp before
	goes_on local before
	goes_on neighbour before
	nestnet unexpose "$(at "$ALIAS" 80)"
	is_over tcp
	is_over local
	is_over neighbour
	goes_on udp "as its own exposure is there"
	bystanders_go_on after
	nestnet unexpose "$(at "$ALIAS" 80/udp)"
	is_over udp
	bystanders_go_on "after that"
}

test_unexpose_of_an_address_ends_its_streams_alone() { in_each_family revoke_address; }

revoke_address() {
	bystanders
	nestnet expose "$ALIAS" "$GUEST"
	stream_open tcp ext tcp "$ALIAS" 7
	stream_open udp ext udp "$ALIAS" 7
	stream_open local l1 udp "$ALIAS" 7
	goes_on tcp before
	goes_on udp before
	goes_on local before
	nestnet unexpose "$ALIAS"
	is_over tcp
	is_over udp
	is_over local
	bystanders_go_on after
}

test_unexpose_of_a_range_ends_its_streams_alone() { in_each_family revoke_range; }

revoke_range() {
	bystanders
	listens l2 8001 8002
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$GUEST"
	nestnet expose "$(at "$ALIAS" 9001-9002)" "$(at "$GUEST" 8001-8002)"
	nestnet expose "$(at "$ALIAS" 8002)" "$(at "$GUEST2" 7)"
	stream_open range ext tcp "$ALIAS" 8001
	stream_open port_in_range ext tcp "$ALIAS" 8002
	stream_open shifted ext tcp "$ALIAS" 9002
	goes_on range before
	goes_on port_in_range before
	goes_on shifted before
	nestnet unexpose "$(at "$ALIAS" 8001-8002)"
	is_over range
	goes_on port_in_range after
	goes_on shifted after
	nestnet unexpose "$(at "$ALIAS" 9001-9002)"
	is_over shifted
	goes_on port_in_range "after that"
	bystanders_go_on after
}

test_unexpose_of_a_prefix_ends_its_streams_alone() { in_each_family revoke_prefix; }

revoke_prefix() {
	bystanders
	with_prefix_guests
	nestnet expose "$PREFIX" "$GUESTS" --egress alias
	nestnet expose "$(at "${PREFIX_ALIASES[0]}" 80)" "$(at "${PREFIX_GUESTS[0]}" 9)"
	stream_open one ext tcp "${PREFIX_ALIASES[0]}" 9
	stream_open other ext udp "${PREFIX_ALIASES[0]}" 9
	stream_open port ext tcp "${PREFIX_ALIASES[0]}" 80
	goes_on one before
	goes_on other before
	goes_on port before
	nestnet unexpose "$PREFIX"
	is_over one
	is_over other
	goes_on port after
	bystanders_go_on after
}

test_unexpose_of_a_port_of_every_address_ends_its_streams_alone() { in_each_family revoke_any; }

revoke_any() {
	bystanders
	nestnet expose '*:8080' "$(at "$GUEST" 7)"
	nestnet expose "$(at "$ALIAS2" 8080)" "$(at "$GUEST" 7)"
	stream_open any ext tcp "$L1" 8080
	stream_open any_by_alias ext tcp "$ALIAS" 8080
	stream_open port ext tcp "$ALIAS2" 8080
	goes_on any before
	goes_on any_by_alias before
	goes_on port before
	nestnet unexpose '*:8080'
	is_over any
	is_over any_by_alias
	goes_on port after
	bystanders_go_on after
}

test_replace_ends_the_streams_to_the_old_guest_alone() { in_each_family revoke_by_replace; }

revoke_by_replace() {
	bystanders
	nestnet expose "$ALIAS" "$GUEST" --egress alias
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$(at "$GUEST" 7-8)"
	stream_open old ext tcp "$ALIAS" 7
	stream_open old_udp ext udp "$ALIAS" 7
	stream_open old_out l2 tcp "$WORLD" 7
	stream_open range ext tcp "$ALIAS" 8001
	goes_on old before
	goes_on old_udp before
	matches "leaves as" "^ext sees $ALIAS " "$(stream_says old_out before)"
	goes_on range before
	nestnet expose "$ALIAS" "$GUEST2" --replace
	is_over old
	is_over old_out
	# A UDP flow goes over to the new guest.
	matches "the UDP flow" "^l2b sees $EXT " "$(stream_says old_udp after)"
	goes_on range after
	nestnet expose "$(at "$ALIAS" 8001-8002)" "$(at "$GUEST2" 7-8)" --replace
	is_over range
	bystanders_go_on after
}

# Another comment, or another way out, is not another guest.
test_replace_of_options_alone_leaves_the_streams() { in_each_family replace_options; }

replace_options() {
	nestnet expose "$ALIAS" "$GUEST"
	stream_open in ext tcp "$ALIAS" 7
	stream_open udp ext udp "$ALIAS" 7
	goes_on in before
	goes_on udp before
	nestnet expose "$ALIAS" "$GUEST" --replace --comment web
	goes_on in after
	nestnet expose "$ALIAS" "$GUEST" --replace --timeout 1h --no-local
	goes_on in "after that"
	goes_on udp after
	# A port that is taken out is.
	nestnet expose "$ALIAS" "$GUEST" --replace --except 7
	is_over in
	goes_on udp "as its port is another"
}

test_an_alias_that_moves_to_a_port_of_its_own_keeps_its_streams() {
	in_each_family moved_to_port
}

moved_to_port() {
	nestnet expose "$ALIAS" "$GUEST"
	stream_open kept ext tcp "$ALIAS" 7
	stream_open ended ext tcp "$ALIAS" 22
	goes_on kept before
	goes_on ended before
	nestnet expose "$(at "$ALIAS" 7)" "$GUEST"
	nestnet unexpose "$ALIAS"
	goes_on kept after
	is_over ended
}

test_unexpose_target_ends_all_of_a_guest() { in_each_family revoke_target; }

revoke_target() {
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST2" 7)"
	nestnet expose "$(at "$ALIAS2" 8001-8002)" "$(at "$GUEST" 7-8)"
	nestnet expose '*:8080' "$(at "$GUEST" 7)"
	stream_open address ext tcp "$ALIAS" 7
	stream_open other ext tcp "$ALIAS" 80
	stream_open range ext tcp "$ALIAS2" 8001
	stream_open any ext tcp "$L1" 8080
	stream_open inside l2b tcp "$GUEST" 7
	goes_on address before
	goes_on other before
	goes_on range before
	goes_on any before
	goes_on inside before
	nestnet unexpose --target "$GUEST"
	is_over address
	is_over range
	is_over any
	goes_on other after
	goes_on inside after
}

test_unexpose_all_ends_what_is_nestnets_alone() { in_each_family revoke_all; }

revoke_all() {
	nestnet nat add "$SUBNET"
	bystanders
	nestnet unexpose --all
	is_over same_guest
	is_over other_guest
	is_over other_alias
	is_over other_alias_udp
	goes_on foreign after
	goes_on to_l1 after
	goes_on to_l1_by_alias after
	goes_on from_l1 after
	goes_on inside after
	# Its subnet is still masqueraded.
	goes_on out after
}

test_clear_ends_what_is_nestnets_alone() { in_each_family revoke_by_clear; }

revoke_by_clear() {
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	nestnet nat add "$SUBNET"
	bystanders
	nestnet -q clear
	is_over same_guest
	is_over other_guest
	is_over other_alias
	is_over other_alias_udp
	is_over out
	goes_on foreign after
	goes_on to_l1 after
	goes_on to_l1_by_alias after
	goes_on from_l1 after
	goes_on inside after
}

# The last user of connection tracking goes: no entry may come back with the next one.
test_revoked_streams_do_not_come_back_with_another_table() { in_each_family no_revival; }

no_revival() {
	nestnet expose "$ALIAS" "$GUEST"
	stream_open in ext tcp "$ALIAS" 7
	goes_on in before
	nestnet -q clear
	is_over in
	nestnet expose "$ALIAS2" "$GUEST"
	is_over in
	gets_nothing ext http "$ALIAS" 8000
}

# Subnets

test_nat_del_ends_what_it_had_let_out() { in_each_family revoke_nat; }

revoke_nat() {
	nestnet expose "$ALIAS" "$GUEST"
	nestnet nat add "$SUBNET"
	foreign_dnat
	stream_open out l2b tcp "$EXT" 7
	stream_open udp l2b udp "$WORLD" 7
	stream_open exposed ext tcp "$ALIAS" 7
	stream_open exposed_out l2 tcp "$EXT" 7
	stream_open inside l2b tcp "$GUEST" 7
	stream_open from_l1 l1 tcp "$EXT" 7
	stream_open to_guest l1 tcp "$GUEST2" 7
	goes_on out before
	goes_on udp before
	goes_on exposed before
	goes_on exposed_out before
	goes_on inside before
	goes_on from_l1 before
	goes_on to_guest before
	nestnet nat del "$SUBNET"
	is_over out
	is_over udp
	goes_on exposed after
	goes_on inside after
	goes_on from_l1 after
	goes_on to_guest after
	# That guest's exposure masquerades it as well.
	goes_on exposed_out after
}

test_nat_del_of_another_address_ends_what_left_as_it() { in_each_family revoke_nat_to; }

revoke_nat_to() {
	nestnet expose "$ALIAS2" "$GUEST2"
	nestnet nat add "$SUBNET" --to "$ALIAS3"
	stream_open out l2 tcp "$EXT" 7
	matches "leaves as" "^ext sees $ALIAS3 " "$(stream_says out before)"
	nestnet nat del "$SUBNET"
	is_over out
}

# UDP that was there before

test_udp_flows_from_before_reach_every_shape_of_exposure() { in_each_family early_udp; }

early_udp() {
	with_prefix_guests
	nestnet expose "$ALIAS3" "$GUEST2" # connections are tracked
	stream_open address ext udp "$ALIAS" 7
	stream_open port ext udp "$ALIAS2" 7
	stream_open range ext udp "$ALIAS2" 8001
	stream_open shifted ext udp "$ALIAS2" 9001
	stream_open any ext udp "$L1" 7
	stream_open prefix ext udp "${PREFIX_ALIASES[0]}" 9
	stream_open local l1 udp "$ALIAS" 7
	listens l2 8001
	stream_lost address before
	stream_lost port before
	stream_lost range before
	stream_lost shifted before
	stream_lost any before
	stream_lost prefix before
	stream_lost local before
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 7/udp)" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 8001-8002/udp)" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 9001-9002/udp)" "$(at "$GUEST" 8001-8002)"
	nestnet expose '*:7/udp' "$GUEST"
	nestnet expose "$PREFIX" "$GUESTS"
	matches "address" "^l2 sees $EXT " "$(stream_says address after)"
	matches "port" "^l2 sees $EXT " "$(stream_says port after)"
	matches "range" "^l2:8001 sees $EXT " "$(stream_says range after)"
	matches "shifted" "^l2:8001 sees $EXT " "$(stream_says shifted after)"
	matches "any" "^l2 sees $EXT " "$(stream_says any after)"
	matches "prefix" "^${PREFIX_GUESTS[0]} sees $EXT " "$(stream_says prefix after)"
	matches "L1's own" "^l2 sees" "$(stream_says local after)"
}

# To a port that stays with L1, or to another exposure, they go on as they were.
test_udp_flows_from_before_that_are_none_of_its_go_on() { in_each_family early_udp_of_others; }

early_udp_of_others() {
	local to_l1 to_other

	nestnet expose "$(at "$ALIAS" 7/udp)" "$GUEST2"
	stream_open to_l1 ext udp "$ALIAS" 22
	stream_open to_other ext udp "$ALIAS" 7
	to_l1=$(stream_says to_l1 before)
	to_other=$(stream_says to_other before)
	nestnet expose "$ALIAS" "$GUEST" --except 22/udp
	same "L1's own" "${to_l1%before}after" "$(stream_says to_l1 after)"
	same "the port's" "${to_other%before}after" "$(stream_says to_other after)"
	nestnet unexpose "$ALIAS"
	same "L1's own" "${to_l1%before}at last" "$(stream_says to_l1 "at last")"
	same "the port's" "${to_other%before}at last" "$(stream_says to_other "at last")"
}

# Another program's flow to the same alias, which our unexpose must not take for its own.
test_flows_of_other_software_on_the_same_alias_go_on() { in_each_family foreign_on_alias; }

foreign_on_alias() {
	local ip=ip

	[[ $FAMILY == 4 ]] || ip=ip6
	# Of a higher priority than ours: it takes the port before us.
	on l1 nft -f - <<-END
		table $ip early {
			chain prerouting {
				type nat hook prerouting priority -150;
				$ip daddr $ALIAS tcp dport 9998 dnat to $(at "$GUEST2" 7)
			}
		}
	END
	nestnet expose "$ALIAS" "$GUEST"
	stream_open foreign ext tcp "$ALIAS" 9998
	matches "before" "^l2b sees $EXT " "$(stream_says foreign before)"
	nestnet unexpose "$ALIAS"
	goes_on foreign after
}

# Whoever is no longer among --from: of whatever shape, at once and in a whole state. L1 itself
# is exempt.
test_a_source_that_is_let_in_no_more_loses_its_streams_alone() { in_each_family revoke_source; }

revoke_source() {
	local alias target address port host

	listens l2 8001 8002
	with_prefix_guests
	while read -r alias target address port <&3; do
		nestnet expose "$alias" "$target"
		for host in ext l2b l1; do
			stream_open "$host" "$host" tcp "$address" "$port"
			goes_on "$host" before
		done
		nestnet expose "$alias" "$target" --from "$EXT" --from "$SUBNET" --replace
		goes_on ext "let in by name"
		nestnet expose "$alias" "$target" --from "$SUBNET" --replace
		is_over ext
		goes_on l2b after
		goes_on l1 after
		nestnet unexpose "$alias"
	done 3<<-END
		$ALIAS $GUEST $ALIAS 7
		$(at "$ALIAS2" 80) $(at "$GUEST" 7) $ALIAS2 80
		$(at "$ALIAS2" 8001-8002) $GUEST $ALIAS2 8001
		$(at "$ALIAS2" 9001-9002) $(at "$GUEST" 8001-8002) $ALIAS2 9002
		*:8080 $(at "$GUEST" 7) $L1 8080
		$PREFIX $GUESTS ${PREFIX_ALIASES[0]} 9
	END
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 80)" "$(at "$GUEST" 7)"
	stream_open one ext udp "$ALIAS" 7
	stream_open other ext tcp "$ALIAS2" 80
	stream_open inside l2b tcp "$ALIAS2" 80
	goes_on one before
	goes_on other before
	goes_on inside before
	nestnet save | sed "/^expose/s,\$, --from $SUBNET," | nestnet -q apply -
	is_over one
	is_over other
	goes_on inside after
}
