# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Guarded taps: what a guest sends that is not its own is not heard behind its tap. The
# frames are made by tapguest, which tells what came out on the bridge and what did not.

# shellcheck source=tests/lab/guest.bash
source "$LAB/guest.bash"

MAC=52:54:00:12:34:91
OTHER=52:54:00:12:34:66
LINK_LOCAL=fe80::5054:ff:fe12:3491
GATEWAY=192.168.122.1

add_guarded() {
	nestnet tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91,fd12::91" "$@"
}

# sends TAP LISTEN MARKER: the frames are lines on stdin. What is to be silent has to be
# heard by a tap without a guard: so it is the guard that silences it.
sends() {
	local answer lines

	lines=$(cat)
	answer=$(on l1 "$NN_BUILD/tests/lab/tapguest" "$@" <<<"$lines" 2>&1) || fail "$1: $answer"
	lines=$(sed -n 's/^silent/heard/p' <<<"$lines")
	[[ -n $lines && $2 == virbr0 ]] || return 0
	nestnet tap add open --bridge virbr0
	answer=$(on l1 "$NN_BUILD/tests/lab/tapguest" open "${@:2}" <<<"$lines" 2>&1) ||
		fail "with no guard: $answer"
	nestnet tap del open
}

# The same for tap0, whose guest has the address above.
guest_sends() { sends tap0 virbr0 "from $MAC ip 192.168.122.91 $GATEWAY udp 9 9"; }

# What is left of guards: no table, or one in which no tap is named.
no_guard_of() {
	matches_not "the ruleset" "$1" "$(on l1 nft list ruleset)"
}

# Frames

test_what_is_the_guests_own_is_heard() {
	add_guarded
	guest_sends <<-END
		heard from $MAC ip 192.168.122.91 $GATEWAY udp 1000 7
		heard from $MAC ip 192.168.122.91 255.255.255.255 udp 1000 7
		heard from $MAC ip 192.168.122.91 $GATEWAY frag 1480 rest 17
		heard from $MAC ip6 fd12::91 fd12::1 udp 1000 7
		heard from $MAC ip6 fd12::91 fd12::1 opts udp 1000 7
		heard from $MAC ip6 fd12::91 fd12::1 frag 0 udp 1000 7
		heard from $MAC ip6 fd12::91 fd12::1 frag 1448 rest 17
		heard from $MAC ip6 fd12::91 fd12::1 icmp 128
		heard from $MAC ip6 $LINK_LOCAL fe80::1 udp 1000 7
		# asks, answers and says who it is
		heard from $MAC arp 1 $MAC 192.168.122.91 $GATEWAY
		heard from $MAC arp 2 $MAC 192.168.122.91 $GATEWAY
		heard from $MAC arp 1 $MAC 192.168.122.91 192.168.122.91
		heard from $MAC ip6 fd12::91 ff02::1:ff00:1 icmp 135 fd12::1
		heard from $MAC ip6 $LINK_LOCAL ff02::1:ff00:1 icmp 135 fd12::1
		heard from $MAC ip6 fd12::91 fd12::1 icmp 136 fd12::91
		heard from $MAC ip6 $LINK_LOCAL fd12::1 icmp 136 fd12::91
		heard from $MAC ip6 $LINK_LOCAL ff02::1 icmp 136 $LINK_LOCAL
		# makes sure that nobody else has its addresses
		heard from $MAC arp 1 $MAC 0.0.0.0 192.168.122.91
		heard from $MAC ip6 :: ff02::1:ff00:91 icmp 135 fd12::91
		heard from $MAC ip6 :: ff02::1:ff12:3491 icmp 135 $LINK_LOCAL
		# comes up without an address
		heard from $MAC ip 0.0.0.0 255.255.255.255 udp 68 67
		heard from $MAC ip6 $LINK_LOCAL ff02::2 icmp 133
		heard from $MAC ip6 :: ff02::2 icmp 133
		heard from $MAC ip6 $LINK_LOCAL ff02::1:2 udp 546 547
	END
}

test_another_mac_is_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $OTHER ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $OTHER ip6 fd12::91 fd12::1 udp 1000 7
		silent from $OTHER arp 1 $MAC 192.168.122.91 $GATEWAY
		silent from $OTHER ip 0.0.0.0 255.255.255.255 udp 68 67
		silent from $OTHER ip6 :: ff02::1:ff00:91 icmp 135 fd12::91
		silent from $(on l1 cat /sys/class/net/virbr0/address) ip 192.168.122.91 $GATEWAY udp 1 7
	END
}

test_another_source_address_is_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC ip 192.168.122.89 $GATEWAY udp 1000 7
		silent from $MAC ip $GATEWAY 192.168.122.89 udp 1000 7
		silent from $MAC ip 10.128.0.2 $GATEWAY udp 1000 7
		silent from $MAC ip 192.168.122.89 $GATEWAY frag 1480 rest 17
		silent from $MAC ip 0.0.0.0 255.255.255.255 udp 1000 7
		silent from $MAC ip 0.0.0.0 192.168.122.89 udp 68 67
		silent from $MAC ip6 fd12::89 fd12::1 udp 1000 7
		silent from $MAC ip6 fd12::1 fd12::89 opts udp 1000 7
		silent from $MAC ip6 fd12::89 fd12::1 frag 1448 rest 17
		silent from $MAC ip6 fe80::1 ff02::1 udp 1000 7
		silent from $MAC ip6 :: ff02::1 udp 1000 7
		silent from $MAC ip6 :: ff02::1 icmp 128
	END
}

test_forged_arp_is_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC arp 1 $MAC $GATEWAY $GATEWAY
		silent from $MAC arp 2 $MAC $GATEWAY $GATEWAY
		silent from $MAC arp 2 $MAC 192.168.122.89 $GATEWAY
		silent from $MAC arp 1 $MAC 192.168.122.89 $GATEWAY
		silent from $MAC arp 2 $OTHER 192.168.122.91 $GATEWAY
		silent from $MAC arp 1 $OTHER 192.168.122.91 $GATEWAY
		silent from $MAC arp 1 $MAC 0.0.0.0 192.168.122.89
		silent from $MAC arp 1 $OTHER 0.0.0.0 192.168.122.91
		silent from $MAC arp 2 $MAC 0.0.0.0 192.168.122.91
		silent from $MAC arphead 6 0x0800 6 4
		silent from $MAC arphead 1 0x86dd 6 4
		silent from $MAC arphead 1 0x0800 8 4
		silent from $MAC arphead 1 0x0800 6 16
	END
}

test_forged_neighbour_discovery_is_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC ip6 fd12::91 fd12::89 icmp 136 fd12::1
		silent from $MAC ip6 $LINK_LOCAL ff02::1 icmp 136 fd12::1
		silent from $MAC ip6 fd12::1 fd12::89 icmp 136 fd12::1
		silent from $MAC ip6 fd12::1 fd12::89 icmp 136 fd12::91
		silent from $MAC ip6 :: ff02::1 icmp 136 fd12::91
		silent from $MAC ip6 fd12::91 fd12::89 opts icmp 136 fd12::1
		silent from $MAC ip6 fd12::91 fd12::89 frag 0 icmp 136 fd12::91
		silent from $MAC ip6 fd12::91 fd12::89 icmp 136
		# claims another's address while that one comes up, and asks in its name
		silent from $MAC ip6 :: ff02::1:ff00:89 icmp 135 fd12::89
		silent from $MAC ip6 fd12::89 ff02::1:ff00:1 icmp 135 fd12::1
		silent from $MAC ip6 $LINK_LOCAL fd12::89 icmp 137 fd12::1
		# not even for its own may it go about it by ways that others do not look into
		silent from $MAC tag 0x8100 ip6 :: ff02::1:ff00:91 icmp 135 fd12::91
		silent from $MAC ip6 :: ff02::1:ff00:91 frag 0 icmp 135 fd12::91
	END
}

test_router_advertisements_are_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC ip6 $LINK_LOCAL ff02::1 icmp 134
		silent from $MAC ip6 fe80::1 ff02::1 icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 hop icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 opts icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 route icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 hop opts route opts icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 frag 0 icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 frag 0 opts
		silent from $MAC ip6 $LINK_LOCAL ff02::1 frag 8 rest 60
		silent from $MAC ip6 $LINK_LOCAL ff02::1 frag 8 rest 58
		silent from $MAC ip6 $LINK_LOCAL ff02::1 frag 0 frag 0 icmp 134
		silent from $MAC ip6 $LINK_LOCAL ff02::1 opts frag 8 rest 44
		silent from $MAC tag 0x8100 ip6 $LINK_LOCAL ff02::1 icmp 134
	END
}

test_a_dhcp_server_is_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC ip 192.168.122.91 255.255.255.255 udp 67 68
		silent from $MAC ip 192.168.122.91 192.168.122.89 udp 67 68
		silent from $MAC ip $GATEWAY 255.255.255.255 udp 67 68
		silent from $MAC ip 0.0.0.0 255.255.255.255 udp 67 68
		silent from $MAC ip 192.168.122.91 255.255.255.255 udp 1067 68
		silent from $MAC ip 192.168.122.91 192.168.122.89 udp 67 1068
		silent from $MAC ip 192.168.122.91 192.168.122.89 frag 0 udp 67 68
		silent from $MAC ip6 $LINK_LOCAL fe80::1 udp 547 546
		silent from $MAC ip6 $LINK_LOCAL fe80::1 udp 1547 546
		silent from $MAC ip6 $LINK_LOCAL fe80::1 opts udp 547 1546
		silent from $MAC ip6 $LINK_LOCAL fe80::1 frag 0 udp 547 546
	END
}

test_tags_and_other_ethernet_types_are_not_heard() {
	add_guarded
	guest_sends <<-END
		silent from $MAC tag 0x8100 ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC tag 0x88a8 ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC tag 0x9100 ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC tag 0x88a8 tag 0x8100 ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC tag 0x8100 tag 0x8100 arp 1 $MAC 192.168.122.91 $GATEWAY
		silent from $MAC tag 0x8100 ip6 fd12::91 fd12::1 udp 1000 7
		silent from $MAC type 0x88cc
		silent from $MAC type 0x8864
		silent from $MAC type 0x002e
	END
}

# A MAC and no address: that MAC, and whatever address, but neither of a server or router.
test_a_guard_of_a_mac_alone() {
	nestnet tap add tap0 --bridge virbr0 --guard "$MAC"
	guest_sends <<-END
		heard from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
		heard from $MAC ip6 fd12::66 fd12::1 udp 1000 7
		heard from $MAC ip6 fe80::66 ff02::1:ff00:1 icmp 135 fd12::1
		heard from $MAC ip6 fe80::66 fd12::1 icmp 136 fd12::66
		heard from $MAC ip6 :: ff02::1:ff00:66 icmp 135 fd12::66
		heard from $MAC arp 1 $MAC 192.168.122.66 $GATEWAY
		heard from $MAC arp 1 $MAC 0.0.0.0 192.168.122.66
		heard from $MAC ip 0.0.0.0 255.255.255.255 udp 68 67
		silent from $OTHER ip 192.168.122.66 $GATEWAY udp 1000 7
		silent from $OTHER ip6 fd12::66 fd12::1 udp 1000 7
		silent from $MAC arp 1 $OTHER 192.168.122.66 $GATEWAY
		silent from $MAC arphead 6 0x0800 6 4
		silent from $MAC ip 192.168.122.66 255.255.255.255 udp 67 68
		silent from $MAC ip6 fe80::66 ff02::1 icmp 134
		silent from $MAC ip6 fe80::66 ff02::1 opts icmp 134
		silent from $MAC ip6 fe80::66 ff02::1 frag 8 rest 60
		silent from $MAC ip6 fe80::66 fe80::1 icmp 137 fd12::1
		silent from $MAC ip6 fe80::66 fe80::1 udp 547 546
		silent from $MAC tag 0x8100 ip 192.168.122.66 $GATEWAY udp 1000 7
		silent from $MAC type 0x88cc
	END
}

# Two guests behind one tap: each has its own addresses, and not the other's.
test_two_guests_of_a_tap_do_not_have_each_others_addresses() {
	add_guarded --guard "$OTHER,192.168.122.66,fd12::66"
	guest_sends <<-END
		heard from $OTHER ip 192.168.122.66 $GATEWAY udp 1000 7
		heard from $OTHER ip6 fd12::66 fd12::1 udp 1000 7
		heard from $OTHER arp 1 $OTHER 192.168.122.66 $GATEWAY
		heard from $OTHER ip6 fd12::66 fd12::1 icmp 136 fd12::66
		silent from $OTHER ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
		silent from $MAC ip6 fd12::66 fd12::1 udp 1000 7
		silent from $MAC arp 1 $MAC 192.168.122.66 $GATEWAY
		silent from $MAC ip6 fd12::91 fd12::1 icmp 136 fd12::66
		silent from $MAC ip6 :: ff02::1:ff00:66 icmp 135 fd12::66
		silent from $OTHER ip6 $LINK_LOCAL fd12::1 udp 1000 7
	END
}

# The same tables serve all taps: what is one's own behind one is foreign behind another.
test_a_guard_is_of_its_own_tap() {
	add_guarded
	nestnet tap add tap1 --bridge virbr0 --guard "$OTHER,192.168.122.66,fd12::66"
	sends tap1 virbr0 "from $OTHER ip 192.168.122.66 $GATEWAY udp 9 9" <<-END
		silent from $MAC ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $OTHER ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $OTHER ip6 fd12::91 fd12::1 udp 1000 7
		silent from $OTHER arp 2 $OTHER 192.168.122.91 $GATEWAY
		silent from $OTHER ip6 fd12::66 fd12::1 icmp 136 fd12::91
		silent from $OTHER ip6 :: ff02::1:ff00:91 icmp 135 fd12::91
	END
	nestnet tap del tap1
	guest_sends <<-END
		heard from $MAC ip 192.168.122.91 $GATEWAY udp 1000 7
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
	END
}

# An address of one family alone: of the other there is what every guest has.
test_a_guard_of_one_family() {
	nestnet tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91"
	guest_sends <<-END
		heard from $MAC ip6 $LINK_LOCAL ff02::fb udp 5353 5353
		heard from $MAC ip6 $LINK_LOCAL fe80::1 icmp 136 $LINK_LOCAL
		silent from $MAC ip6 fd12::91 fd12::1 udp 1000 7
		silent from $MAC ip6 fe80::91 fe80::1 udp 1000 7
	END
	nestnet tap add tap1 --bridge virbr0 --guard "$OTHER,fd12::66,fe80::66"
	sends tap1 virbr0 "from $OTHER ip6 fd12::66 fd12::1 udp 9 9" <<-END
		heard from $OTHER ip6 fe80::66 fe80::1 udp 1000 7
		heard from $OTHER ip6 fe80::66 fe80::1 icmp 136 fe80::66
		heard from $OTHER ip 0.0.0.0 255.255.255.255 udp 68 67
		silent from $OTHER ip 192.168.122.66 $GATEWAY udp 1000 7
		silent from $OTHER arp 1 $OTHER 192.168.122.66 $GATEWAY
		silent from $OTHER arp 1 $OTHER 0.0.0.0 192.168.122.66
	END
}

# What comes in by a routed tap is heard by L1 itself: its counters tell.
test_a_routed_tap_is_guarded_too() {
	nestnet tap add tap0 --address 192.168.50.1/24 --guard "$MAC,192.168.50.2"
	on l1 nft -f - <<-END
		table inet heard {
			chain in {
				type filter hook prerouting priority -400;
				iifname "tap0" ip saddr 192.168.50.2 counter comment "own"
				iifname "tap0" ip saddr 192.168.50.3 counter comment "forged"
			}
		}
	END
	# Sent by the tap's own kernel, the marker needs no bridge: it is looked for on tap0.
	sends tap0 tap0 "from $MAC ip 192.168.50.2 192.168.50.1 udp 9 9" <<-END
		heard from $MAC ip 192.168.50.3 192.168.50.1 udp 1000 7
		heard from $MAC ip 192.168.50.2 192.168.50.1 udp 1000 7
	END
	matches "own" 'packets [1-9][0-9]* .*"own"' "$(on l1 nft list table inet heard)"
	matches "forged" 'packets 0 .*"forged"' "$(on l1 nft list table inet heard)"
}

test_a_real_guest_is_reached_and_cannot_take_another_address() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --guard "$MAC,192.168.122.91"
	nestnet expose 10.128.0.13 192.168.122.91
	guest_boot tap0 "$MAC" 192.168.122.91/24 "$GATEWAY" nobody
	reaches l2 tcp 192.168.122.91 7 "uml sees 192.168.122.89"
	reaches ext http 10.128.0.13 8000 "guest page of uml"
	matches "out" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 203.0.113.9 7)"
	guest_run busybox ip address add 192.168.122.92/24 dev eth0
	not guest_run peer -t 300 -s 192.168.122.92 tcp 192.168.122.89 7
	gets_nothing l2 tcp 192.168.122.92 7
	reaches l2 tcp 192.168.122.91 7 "uml sees 192.168.122.89"
	guest_stop
}

# The tap and its guard

test_a_guard_is_listed_as_it_was_asked_for() {
	add_guarded --guard "$OTHER"
	nestnet tap add tap1
	nestnet tap add tap2 --guard "$MAC,$LINK_LOCAL"
	same "tap0" "[\"$OTHER\",\"$MAC,192.168.122.91,fd12::91\"]" \
		"$(nestnet -j tap list | jq -c '.[0].guard')"
	same "tap1" "[]" "$(nestnet -j tap list | jq -c '.[1].guard')"
	same "tap2" "[\"$MAC,$LINK_LOCAL\"]" "$(nestnet -j tap list | jq -c '.[2].guard')"
	matches "add -j" "$MAC" "$(nestnet -j tap add tap3 --guard "$MAC" | jq -c '.[0].guard')"
}

test_the_same_guard_again_changes_nothing() {
	add_guarded --guard "$OTHER"
	changes_nothing add_guarded --guard "$OTHER"
	changes_nothing nestnet tap add tap0 --bridge virbr0 --guard "$OTHER" \
		--guard "${MAC^^},fd12::91,192.168.122.91,$LINK_LOCAL,fd12::91"
	nestnet tap add tap1
	changes_nothing nestnet tap add tap1
}

test_another_guard_is_refused_and_the_present_one_named() {
	add_guarded
	nestnet tap add tap1 --bridge virbr0
	other() { refused 1 "tap0: .*--guard $MAC,192.168.122.91,fd12::91" nestnet tap add tap0 --bridge virbr0 "$@"; }
	other
	other --guard "$MAC"
	other --guard "$OTHER,192.168.122.91,fd12::91"
	other --guard "$MAC,192.168.122.91"
	other --guard "$MAC,192.168.122.91,fd12::91,fd12::92"
	other --guard "$MAC,192.168.122.91,fd12::91" --guard "$OTHER"
	refused 1 "tap1: .*no guard" nestnet tap add tap1 --bridge virbr0 --guard "$MAC"
}

test_wrong_guards() {
	local guard

	for guard in '' ',' "$MAC," ",$MAC" "$MAC,,fd12::91" "$MAC 192.168.122.91" 192.168.122.91 \
		52:54:00:12:34 52-54-00-12-34-91 525400123491 "$MAC:00" "$MAC," 5g:54:00:12:34:91 \
		01:54:00:12:34:91 ff:ff:ff:ff:ff:ff 00:00:00:00:00:00 "$MAC,192.168.122" \
		"$MAC,192.168.122.91/24" "$MAC,192.168.122.91:80" "$MAC,fd12::91/64" "$MAC,fd12::g" \
		"$MAC,0.0.0.0" "$MAC,224.0.0.1" "$MAC,255.255.255.255" "$MAC,127.0.0.1" "$MAC,::" \
		"$MAC,ff02::1" "$MAC,::1" "$MAC, fd12::91" "$MAC,fd12::91 " "$MAC,$MAC" \
		"$MAC,fe80::1%tap0"; do
		refused 2 . nestnet tap add tap0 --bridge virbr0 --guard "$guard"
	done
	refused 2 . nestnet tap add tap0 --guard
	refused 2 'twice' nestnet tap add tap0 --guard "$MAC,fd12::91" --guard "$MAC"
	refused 2 'differ' nestnet tap add tap0 --mac "$MAC" --guard "$MAC"
}

test_a_dry_run_says_the_guard_and_does_nothing() {
	changes_nothing nestnet -n tap add tap0 --guard "$MAC,fd12::91"
	same "dry run" "+ tap add tap0 --bridge virbr0 --guard $OTHER --guard $MAC,192.168.122.91,fd12::91" \
		"$(nestnet -n tap add tap0 --bridge virbr0 --guard "$MAC,fd12::91,192.168.122.91" --guard "$OTHER")"
	add_guarded
	nestnet tap add tap1
	changes_nothing nestnet -n tap del tap0
	same "deletion" "- tap add tap0 --bridge virbr0 --guard $MAC,192.168.122.91,fd12::91" \
		"$(nestnet -n tap del tap0)"
	matches "clear" "tap0 .*--guard $MAC,192.168.122.91,fd12::91" "$(nestnet -n clear)"
}

test_a_name_that_the_kernel_chooses_is_guarded() {
	nestnet tap add tap0
	same "name" tap1 "$(nestnet tap add tap%d --bridge virbr0 --guard "$MAC,192.168.122.91")"
	sends tap1 virbr0 "from $MAC ip 192.168.122.91 $GATEWAY udp 9 9" <<-END
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
	END
}

# Names that mean something to nft, and all that a name may have in it.
test_guards_of_taps_with_other_names() {
	local name

	for name in arp ip6 frame 0 a.b-c_d.e-f_g15 tap-0.1; do
		nestnet tap add "$name" --guard "$MAC,192.168.122.91,fd12::91"
		changes_nothing nestnet tap add "$name" --guard "$MAC,192.168.122.91,fd12::91"
	done
	on l1 nft list ruleset >"$LAB_SCRATCH/ruleset"
	on l1 nft -c -f "$LAB_SCRATCH/ruleset"
	nestnet tap del arp ip6 frame 0 a.b-c_d.e-f_g15 tap-0.1
	no_guard_of "$MAC"
}

test_the_ruleset_loads_with_guards_and_stays_theirs() {
	local before lists

	nestnet expose 10.128.0.13 192.168.122.89
	add_guarded --guard "$OTHER"
	before=$(on l1 nft -s list ruleset)
	lists=$(nestnet -j tap list)
	on l1 nft list ruleset >"$LAB_SCRATCH/ruleset"
	on l1 nft -c -f "$LAB_SCRATCH/ruleset"
	on l1 nft flush ruleset
	on l1 nft -f "$LAB_SCRATCH/ruleset"
	same "the ruleset" "$before" "$(on l1 nft -s list ruleset)"
	same "the list" "$lists" "$(nestnet -j tap list)"
	changes_nothing add_guarded --guard "$OTHER"
	guest_sends <<-END
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
	END
	nestnet tap del tap0
	no_guard_of "$MAC"
}

test_tap_del_leaves_no_guard() {
	add_guarded
	nestnet tap add tap1 --guard "$OTHER"
	nestnet tap del tap0
	no_guard_of "$MAC|tap0"
	matches "the other" "guard_tap1" "$(on l1 nft list ruleset)"
	nestnet tap del tap1
	no_guard_of "$OTHER|tap1"
	add_guarded
	guest_sends <<-END
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
	END
}

test_clear_leaves_no_guard() {
	local before

	before=$(l1_state)
	add_guarded
	nestnet tap add tap1 --guard "$OTHER"
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

# A tap that somebody else deleted: what is left of its guard is not the next one's.
test_the_next_tap_of_a_name_does_not_inherit_a_guard() {
	add_guarded
	ip -netns l1 link del tap0
	nestnet tap add tap0 --bridge virbr0 --guard "$OTHER,192.168.122.66,fd12::66"
	no_guard_of "$MAC|192.168.122.91|fd12::91"
	sends tap0 virbr0 "from $OTHER ip 192.168.122.66 $GATEWAY udp 9 9" <<-END
		heard from $OTHER ip6 fd12::66 fd12::1 icmp 136 fd12::66
		silent from $OTHER ip6 fd12::66 fd12::1 icmp 136 fd12::91
		silent from $MAC ip 192.168.122.91 $GATEWAY udp 1000 7
	END
	ip -netns l1 link del tap0
	nestnet tap add tap0 --bridge virbr0
	no_guard_of tap0
	guest_sends <<-END
		heard from $MAC ip 192.168.122.77 $GATEWAY udp 1000 7
	END
	nestnet tap del tap0
	add_guarded
	ip -netns l1 link del tap0
	nestnet tap del tap0 --if-exists
	no_guard_of tap0
}

# The tap's name is the kernel's choice, and it is one that was guarded.
test_a_chosen_name_does_not_inherit_a_guard() {
	add_guarded
	ip -netns l1 link del tap0
	same "name" tap0 "$(nestnet tap add tap%d --bridge virbr0)"
	no_guard_of tap0
}

# A chain that somebody deleted comes back with the same command.
test_adding_again_mends_a_guard() {
	add_guarded
	on l1 nft delete chain netdev nestnet guard_tap0
	add_guarded
	matches "the chain" "guard_tap0" "$(on l1 nft list ruleset)"
	guest_sends <<-END
		silent from $MAC ip 192.168.122.66 $GATEWAY udp 1000 7
	END
}

# Its rules come from addresses that the kernel keeps in a hash.
test_a_chain_that_comes_back_is_the_same() {
	local before guard=$MAC,192.168.122.91,fd12::95,fd12::91,fd12::94,fd12::92,fd12::93

	nestnet tap add tap0 --bridge virbr0 --guard "$guard"
	before=$(on l1 nft list chain netdev nestnet guard_tap0)
	on l1 nft delete chain netdev nestnet guard_tap0
	nestnet tap add tap0 --bridge virbr0 --guard "$guard"
	same "the chain" "$before" "$(on l1 nft list chain netdev nestnet guard_tap0)"
}

# One batch and one send for both tables.
test_a_guard_is_part_of_the_one_batch() {
	on l1 strace -f -qq -e trace=sendmsg,sendto,sendmmsg,write -o "$LAB_SCRATCH/trace" \
		"$NESTNET" tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91"
	same "batches" 1 "$(grep -o NFNL_MSG_BATCH_BEGIN "$LAB_SCRATCH/trace" | wc -l)"
	on l1 strace -f -qq -e trace=sendmsg,sendto,sendmmsg,write -o "$LAB_SCRATCH/trace" \
		"$NESTNET" tap add tap1 --bridge virbr0 --guard "$OTHER,192.168.122.66"
	same "batches" 1 "$(grep -o NFNL_MSG_BATCH_BEGIN "$LAB_SCRATCH/trace" | wc -l)"
	matches_not "requests" 'NLM_F_DUMP' "$(<"$LAB_SCRATCH/trace")"
}

# Faults

sends=sendto,sendmsg,sendmmsg

# at_each_call CALLS INJECTION PREPARE CHECK COMMAND...: nestnet COMMAND with the first, the
# second and so on of each of its calls hit, until there is no more of them; behind the
# twentieth, where sets are read one after another, every seventh. PREPARE is run before each,
# and CHECK behind, with what was done as its argument.
at_each_call() {
	local calls=$1 injection=$2 prepare=$3 check=$4 call n hit=0

	shift 4
	for call in ${calls//,/ }; do
		for ((n = 1 + hit % every; n <= 300; n += n < 20 ? every : 7)); do
			nestnet clear >/dev/null 2>&1
			"$prepare"
			before=$(l1_state)
			status=0
			on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e "trace=$call" \
				-e "inject=$call:$injection:when=$n" "$NESTNET" "$@" \
				>"$LAB_SCRATCH/out" 2>&1 || status=$?
			grep -qE 'INJECTED|killed by' "$LAB_SCRATCH/trace" || break
			hit=$((hit + 1))
			"$check" "$injection at $call $n of $*, which said $(<"$LAB_SCRATCH/out")"
		done
		same "exit status in the end" 0 "$status"
	done
	[[ $hit -gt 0 ]] || fail "no $calls was hit"
}

# What was deleted and put back is behind the others of its kind: the order does not count.
nothing_happened() {
	[[ $status == 0 ]] || same "$1: L1's state" "$(sort <<<"$before")" "$(l1_state | sort)"
}

with_another() { nestnet tap add tap9 --guard "$OTHER,fd12::66"; }

with_a_stale_one() {
	nestnet tap add tap0 --bridge virbr0 --guard "$OTHER,192.168.122.66,fd12::66"
	ip -netns l1 link del tap0
}

# Both tables are there. (No flows to end: that is behind what cannot be undone.)
with_guards() {
	add_guarded --guard "$OTHER"
	with_another
	nestnet forward on
}

test_adding_is_whole_or_not_at_all() {
	at_each_call "$sends,ioctl" error=ENOMEM true nothing_happened \
		tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91,fd12::91"
	at_each_call "$sends" error=ENOMEM with_another nothing_happened \
		tap add tap%d --bridge virbr0 --guard "$MAC,192.168.122.91,fd12::91"
	at_each_call "$sends,ioctl" error=ENOMEM with_a_stale_one nothing_happened \
		tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91,fd12::91"
}

test_deleting_is_whole_or_not_at_all() {
	at_each_call "$sends" error=ENOMEM with_guards nothing_happened tap del tap0
}

test_clearing_is_whole_or_not_at_all() {
	at_each_call "$sends" error=ENOMEM with_guards nothing_happened clear
}

# Nowhere is there a tap that is up and was to be guarded, or was, and is not.
no_open_tap() {
	if [[ $(ip -netns l1 link show tap0 2>&1) =~ [\<,]UP[,\>] ]]; then
		matches "$1: the ruleset" guard_tap0 "$(on l1 nft list ruleset)"
	fi
}

test_adding_that_is_killed_leaves_no_open_tap() {
	at_each_call "$sends,ioctl" signal=KILL true no_open_tap \
		tap add tap0 --bridge virbr0 --guard "$MAC,192.168.122.91"
}

test_a_deletion_that_is_killed_leaves_no_open_tap() {
	at_each_call "$sends" signal=KILL with_guards no_open_tap tap del tap0
}

test_a_clearing_that_is_killed_leaves_no_open_tap() {
	at_each_call "$sends" signal=KILL with_guards no_open_tap clear
}

# The next command finishes what was killed.
finishes() {
	add_guarded --guard "$OTHER"
	matches "$1: tap0" '[<,]UP[,>]' "$(ip -netns l1 link show tap0)"
	matches "$1: the ruleset" guard_tap0 "$(on l1 nft list ruleset)"
	nestnet tap del tap0
	no_guard_of tap0
}

test_a_killed_removal_is_finished_or_taken_back() {
	at_each_call "$sends" signal=KILL with_guards finishes tap del tap0
}
