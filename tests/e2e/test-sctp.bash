# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# SCTP: an INIT, and the INIT ACK to it with its checksum right, through every shape of an
# exposure that has a protocol, or all of them.

sctp_servers() {
	local host

	for host in l1 l2 l2b; do
		on "$host" sctp serve "$host" 9000
		on "$host" sctp serve "$host:9002" 9002
	done
}

sctp_reaches() { # HOST ADDRESS PORT ANSWER
	local answer

	answer=$(on "$1" sctp ask "${@:2:2}" 2>&1) || true
	[[ $answer == "$4"* ]] || fail "$1 asks sctp $2 $3: want \"$4...\", got \"$answer\""
}

sctp_gets_nothing() { # HOST ADDRESS PORT
	local answer

	if answer=$(on "$1" sctp -t 300 ask "${@:2}" 2>&1); then
		fail "$1 asks sctp $2 $3: want nothing, got \"$answer\""
	fi
	matches "$1 asks sctp $2 $3" '^sctp: no answer in time$' "$answer"
}

test_sctp_reaches_the_guest_that_it_was_exposed_to() { in_each_family exposed_sctp; }

exposed_sctp() {
	sctp_servers
	with_route_to_guests
	nestnet expose "$(at "$ALIAS" 80/sctp)" "$(at "$GUEST" 9000)"
	sctp_reaches ext "$ALIAS" 80 "l2 sees $EXT "
	sctp_reaches l1 "$ALIAS" 80 "l2 sees"
	sctp_reaches l2b "$ALIAS" 80 "l2 sees"
	# Neither another port, nor another protocol, nor the guest by its own address.
	sctp_reaches ext "$ALIAS" 9000 "l1 sees $EXT "
	gets_nothing ext tcp "$ALIAS" 80
	gets_nothing ext udp "$ALIAS" 80
	sctp_gets_nothing ext "$GUEST" 9000
	sctp_gets_nothing ext "$GUEST2" 9001
	nestnet unexpose "$(at "$ALIAS" 80/sctp)"
	sctp_gets_nothing ext "$ALIAS" 80
}

test_sctp_goes_with_a_whole_address_and_its_exceptions() { in_each_family whole_sctp; }

whole_sctp() {
	sctp_servers
	nestnet expose "$ALIAS" "$GUEST" --except 9002/sctp
	sctp_reaches ext "$ALIAS" 9000 "l2 sees $EXT "
	sctp_reaches ext "$ALIAS" 9002 "l1:9002 sees $EXT "
	# A port of its own wins.
	nestnet expose "$(at "$ALIAS" 9000/sctp)" "$GUEST2"
	sctp_reaches ext "$ALIAS" 9000 "l2b sees $EXT "
	nestnet expose "$ALIAS2" "$GUEST2" --from "$EXT2"
	sctp_gets_nothing ext "$ALIAS2" 9000
}

test_sctp_ranges_and_ports_of_every_address() { in_each_family many_sctp; }

many_sctp() {
	sctp_servers
	nestnet expose "$(at "$ALIAS" 9000-9002/sctp)" "$GUEST"
	sctp_reaches ext "$ALIAS" 9000 "l2 sees $EXT "
	sctp_reaches ext "$ALIAS" 9002 "l2:9002 sees $EXT "
	nestnet expose "$(at "$ALIAS2" 81-83/sctp)" "$(at "$GUEST" 9000-9002)"
	sctp_reaches ext "$ALIAS2" 83 "l2:9002 sees $EXT "
	sctp_gets_nothing ext "$ALIAS2" 84
	nestnet expose '*:90/sctp' "$(at "$GUEST2" 9000)"
	sctp_reaches ext "$L1" 90 "l2b sees $EXT "
	sctp_reaches ext "$ALIAS3" 90 "l2b sees $EXT "
	gets_nothing ext tcp "$L1" 90
}

test_sctp_leaves_as_the_egress_says() { in_each_family sctp_out; }

sctp_out() {
	on ext sctp serve ext 9000
	nestnet expose "$ALIAS" "$GUEST" --egress alias
	nestnet nat add "$SUBNET"
	sctp_reaches l2 "$EXT" 9000 "ext sees $ALIAS "
	sctp_reaches l2b "$EXT" 9000 "ext sees $L1 "
}
