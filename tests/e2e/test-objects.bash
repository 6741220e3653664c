# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Taps, bridges, masqueraded subnets, forwarding and aliases.

link_of() { ip -netns l1 -d -j link show dev "$1"; }
state_of() { link_of "$1" | jq -c "[.[0] | $2]"; }

# Taps

test_a_tap_is_up_and_in_its_bridge_when_the_command_returns() {
	nestnet tap add tap0 --bridge virbr0
	same "master, up, persistent" '["virbr0",true,true]' \
		"$(state_of tap0 '.master, (.flags | index("UP") != null), .linkinfo.info_data.persist')"
	changes_nothing nestnet tap add tap0 --bridge virbr0
}

test_a_tap_has_the_mtu_of_its_bridge() {
	without_bridge
	nestnet bridge add virbr0 --address 192.168.122.1/24 --mtu 1400
	nestnet tap add tap0 --bridge virbr0
	same "MTU" '[1400]' "$(state_of tap0 .mtu)"
	same "the bridge's MTU" '[1400]' "$(state_of virbr0 .mtu)"
}

test_a_tap_always_has_an_owner() {
	nestnet tap add tap0
	nestnet tap add tap1 --owner nobody
	nestnet tap add tap2 --group nogroup
	same "of nobody named" '["root"]' "$(nestnet -j tap list | jq -c '[.[] | select(.name=="tap0").owner]')"
	# `ip` leaves owner 0 out: so the kernel's own word.
	same "tap0 user" 0 "$(on l1 cat /sys/class/net/tap0/owner)"
	same "tap1 user" "$(id -u nobody)" "$(on l1 cat /sys/class/net/tap1/owner)"
	same "tap2 group" "$(getent group nogroup | cut -d: -f3)" "$(on l1 cat /sys/class/net/tap2/group)"
}

test_another_tap_of_that_name_is_refused() {
	nestnet tap add tap0 --bridge virbr0
	refused 1 'tap0' nestnet tap add tap0
	refused 1 'tap0.*root' nestnet tap add tap0 --bridge virbr0 --owner nobody
	refused 1 'tap0' nestnet tap add tap0 --bridge virbr0 --mac 52:54:00:00:00:01
	refused 1 'virbr0' nestnet tap add virbr0
	refused 1 'nobr' nestnet tap add tap1 --bridge nobr
	refused 1 'eth0' nestnet tap add tap1 --bridge eth0
}

test_a_tap_takes_its_mac_and_mtu() {
	nestnet tap add tap0 --mac 52:54:00:00:00:01 --mtu 1300
	same "MAC, MTU" '["52:54:00:00:00:01",1300]' "$(state_of tap0 '.address, .mtu')"
	changes_nothing nestnet tap add tap0 --mac 52:54:00:00:00:01 --mtu 1300
}

test_a_tap_may_have_a_number_for_its_name() {
	same "first" tap0 "$(nestnet tap add tap%d --bridge virbr0)"
	same "second" tap1 "$(nestnet tap add tap%d --bridge virbr0)"
	same "both" "tap0 tap1" "$(nestnet -j tap list | jq -r '.[].name' | sort | xargs)"
}

test_taps_have_all_their_keys() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --mac 52:54:00:00:00:01
	same "keys" \
		'["addresses","bridge","carrier","group","guard","hairpin","id","isolated","mac","managed","mtu","name","owner","queues","state","vnet_hdr"]' \
		"$(nestnet -j tap list | jq -c '.[0] | keys')"
	same "values" '["tap0","tap0","virbr0",[],"nobody","52:54:00:00:00:01",1500,false,true,false,true]' \
		"$(nestnet -j tap list | jq -c '.[0] | [.id, .name, .bridge, .addresses, .owner, .mac, .mtu, .isolated, .hairpin, .carrier, .managed]')"
}

test_isolated_and_no_hairpin() {
	nestnet tap add tap0 --bridge virbr0 --isolated --no-hairpin
	nestnet tap add tap1 --bridge virbr0
	same "tap0" '[true,false]' "$(state_of tap0 '.linkinfo.info_slave_data | .isolated, .hairpin')"
	same "tap1" '[false,true]' "$(state_of tap1 '.linkinfo.info_slave_data | .isolated, .hairpin')"
}

# A guest has tap1 open, and another one sends by tap0: what the bridge lets through from port
# to port, its own forward hook counts.
test_isolated_ports_do_not_reach_each_other() {
	local holder hold

	nestnet tap add tap0 --bridge virbr0 --isolated
	nestnet tap add tap1 --bridge virbr0 --isolated
	nestnet tap add tap2 --bridge virbr0
	mkfifo "$LAB_SCRATCH/hold"
	for hold in tap1 tap2; do
		on l1 "$NN_BUILD/tests/lab/tapguest" "$hold" virbr0 "from 52:54:00:00:00:02 arp 1 52:54:00:00:00:02 0.0.0.0 0.0.0.0" <"$LAB_SCRATCH/hold" &
	done
	exec {holder}>"$LAB_SCRATCH/hold"
	poll is_forwarding tap1
	poll is_forwarding tap2
	on l1 nft -f - <<-'END'
		table bridge seen {
			chain forward {
				type filter hook forward priority 0;
				iifname "tap0" oifname "tap1" counter comment "isolated"
				iifname "tap0" oifname "tap2" counter comment "open"
				iifname "tap0" oifname "vnet0" counter comment "cable"
			}
		}
	END
	# L1 hears it, and so does everybody who is not isolated.
	on l1 "$NN_BUILD/tests/lab/tapguest" tap0 virbr0 \
		"from 52:54:00:00:00:01 ip 192.168.122.91 192.168.122.1 udp 9 9" <<-END
			heard from 52:54:00:00:00:01 ip 192.168.122.91 192.168.122.255 udp 1000 7
			heard from 52:54:00:00:00:01 ip6 fd12::91 ff02::1 udp 1000 7
	END
	matches "isolated" 'counter packets 0 .*"isolated"' "$(on l1 nft list table bridge seen)"
	matches "open" 'counter packets [1-9].*"open"' "$(on l1 nft list table bridge seen)"
	matches "cable" 'counter packets [1-9].*"cable"' "$(on l1 nft list table bridge seen)"
	exec {holder}>&-
	wait
}

is_forwarding() { [[ $(ip -netns l1 -d -j link show "$1" | jq -r '.[0].linkinfo.info_slave_data.state') == forwarding ]]; }

test_a_tap_with_offloads_and_queues() {
	nestnet tap add tap0 --vnet-hdr --queues 2
	same "vnet_hdr, multi_queue" '[true,true]' \
		"$(state_of tap0 '.linkinfo.info_data | .vnet_hdr, .multi_queue')"
	same "JSON" '[true,2]' "$(nestnet -j tap list | jq -c '.[0] | [.vnet_hdr, .queues]')"
	changes_nothing nestnet tap add tap0 --vnet-hdr --queues 2
	refused 1 'tap0' nestnet tap add tap0
}

test_a_routed_tap_has_addresses_of_its_own() {
	nestnet tap add tap0 --address 192.168.60.1/24 --address fd60::1/64
	same "JSON" '[null,["192.168.60.1/24","fd60::1/64"]]' \
		"$(nestnet -j tap list | jq -c '.[0] | [.bridge, (.addresses | map(select(startswith("fe80") | not)) | sort)]')"
	changes_nothing nestnet tap add tap0 --address 192.168.60.1/24 --address fd60::1/64
	refused 1 'tap0' nestnet tap add tap0 --address 192.168.61.1/24
}

test_deleted_taps_are_gone_and_foreign_ones_stay() {
	nestnet tap add tap0 --bridge virbr0
	nestnet tap add tap1
	on l1 ip tuntap add foreign mode tap
	nestnet tap del tap0 tap1
	refused 1 'tap0' nestnet tap del tap0
	refused 1 'foreign' nestnet tap del foreign
	refused 1 'eth0' nestnet tap del eth0
	refused 1 'virbr0' nestnet tap del virbr0
	changes_nothing nestnet tap del tap0 --if-exists
	same "managed" '[false]' "$(nestnet -j tap list | jq -c '[.[].managed]')"
}

# A list of all links takes as long as there are links.
test_deleting_a_tap_lists_no_links() {
	nestnet tap add tap0
	on l1 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$LAB_SCRATCH/trace" \
		-e trace=sendto "$NESTNET" tap del tap0
	same "questions about links" yes \
		"$(grep -q RTM_GETLINK "$LAB_SCRATCH/trace" && echo yes)"
	same "lists" 0 "$(grep -c NLM_F_DUMP "$LAB_SCRATCH/trace")"
}

# What a driver says, too: it is no tap that somebody else has deleted.
test_a_device_that_is_none_is_told_by_the_call_that_found_out() {
	refused 1 'tap add tap9: open /dev/net/tun: No such device$' on l1 strace -f -qq \
		-o /dev/null -P /dev/net/tun -e inject=openat:error=ENODEV "$NESTNET" tap add tap9
	refused 1 'tap add tap9: create the tap: No such device$' on l1 strace -f -qq -o /dev/null \
		-e inject=ioctl:error=ENODEV:when=1 "$NESTNET" tap add tap9
	refused 1 'tap add tap9: .*: No such device$' on l1 strace -f -qq -o /dev/null \
		-e inject=ioctl:error=ENODEV:when=2+ "$NESTNET" tap add tap9
}

test_several_taps_of_which_one_is_absent_stay_all() {
	nestnet tap add tap0
	refused 1 'tap9' nestnet tap del tap0 tap9
	nestnet tap del --if-exists tap0 tap9
	same "taps" '[]' "$(nestnet -j tap list | jq -c .)"
}

# Bridges

test_a_bridge_carries_guests() {
	without_bridge
	nestnet bridge add virbr0 --address 192.168.122.1/24
	nestnet bridge attach virbr0 vnet0 vnet1
	reaches l1 http 192.168.122.89 8000 "guest page of l2, for 192.168.122.1"
	reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
	changes_nothing nestnet bridge add virbr0 --address 192.168.122.1/24
	changes_nothing nestnet bridge attach virbr0 vnet0 vnet1
}

# 1460 is the uplink's: it holds the default route.
test_a_bridge_has_the_smallest_mtu_of_the_uplinks() {
	nestnet bridge add br0
	same "MTU" '[1460]' "$(state_of br0 .mtu)"
	nestnet bridge add br1 --mtu 1500
	same "MTU" '[1500]' "$(state_of br1 .mtu)"
	ip -netns l1 route del default
	ip -netns l1 -6 route del default
	nestnet bridge add br2
	same "MTU without a default route" '[1500]' "$(state_of br2 .mtu)"
}

test_a_bridge_keeps_its_mac_for_life() {
	local mac

	without_bridge
	nestnet bridge add virbr0 --address 192.168.122.1/24
	mac=$(state_of virbr0 .address)
	nestnet bridge attach virbr0 vnet0
	nestnet tap add tap0 --bridge virbr0
	same "MAC with ports" "$mac" "$(state_of virbr0 .address)"
	nestnet tap del tap0
	nestnet bridge detach vnet0
	same "MAC without" "$mac" "$(state_of virbr0 .address)"
	same "STP, ports" '[0,[]]' "$(jq -cs '[.[0][0].linkinfo.info_data.stp_state, .[1][0].ports]' \
		<(link_of virbr0) <(nestnet -j bridge list))"
}

test_a_bridge_takes_mac_stp_and_two_addresses() {
	nestnet bridge add br0 --mac 52:54:00:00:00:02 --stp \
		--address 192.168.50.1/24 --address fd50::1/64
	same "MAC, STP" '["52:54:00:00:00:02",1]' "$(state_of br0 '.address, .linkinfo.info_data.stp_state')"
	matches "addresses" '192\.168\.50\.1/24.*fd50::1/64' "$(ip -netns l1 -o addr show dev br0 | tr '\n' ' ')"
	changes_nothing nestnet bridge add br0 --mac 52:54:00:00:00:02 --stp \
		--address fd50::1/64 --address 192.168.50.1/24
}

test_another_bridge_of_that_name_is_refused() {
	nestnet bridge add br0 --address 192.168.50.1/24
	refused 1 'br0' nestnet bridge add br0 --address 192.168.51.1/24
	refused 1 'br0' nestnet bridge add br0 --address 192.168.50.1/24 --mtu 1300
	refused 1 'eth0' nestnet bridge add eth0
	refused 1 'virbr0' nestnet bridge add virbr0 --address 192.168.99.1/24
}

test_a_gateway_has_the_address_of_a_host() {
	refused 2 'br0: the address of a network, and of no host in it' nestnet bridge add br0 --address 192.168.50.0/24
	refused 2 'br0: the address of a network' nestnet bridge add br0 --address 10.9.0.1/24 --address 10.0.0.0/8
	refused 2 'br0: the broadcast address of its network' nestnet bridge add br0 --address 192.168.50.255/24
	refused 2 'tap0: the address of a network' nestnet tap add tap0 --address 192.168.50.4/30
	refused 2 'tap0: the broadcast address' nestnet tap add tap0 --address 192.168.50.7/30
	nestnet bridge add br0 --address 192.168.50.0/31 --address 192.168.51.0/23 --address 192.168.52.255/23
	nestnet tap add tap0 --address 192.168.60.0/32
}

test_a_foreign_bridge_is_attached_to_but_never_deleted() {
	nestnet tap add tap0 --bridge virbr0
	ip -netns l1 link add vnet9 type veth peer name vnet9b
	nestnet bridge attach virbr0 vnet9
	refused 1 'virbr0' nestnet bridge del virbr0
	refused 1 'virbr0' nestnet bridge del virbr0 --if-exists
	nestnet clear
	reaches l1 http 192.168.122.89 8000 "guest page of l2, for 192.168.122.1"
	same "ports" "vnet0 vnet1" "$(ip -netns l1 -j link show master virbr0 | jq -r '.[].ifname' | xargs)"
}

test_bridges_have_all_their_keys() {
	nestnet bridge add br0 --address 192.168.50.1/24 --mtu 1400
	nestnet tap add tap0 --bridge br0
	same "keys" '["addresses","id","mac","managed","mtu","name","ports","stp"]' \
		"$(nestnet -j bridge list | jq -c '.[0] | keys')"
	same "ours" '["br0",["192.168.50.1/24"],1400,["tap0"],false,true]' \
		"$(nestnet -j bridge list | jq -c '.[] | select(.name=="br0") | [.id, .addresses, .mtu, .ports, .stp, .managed]')"
	same "the other" '[["vnet0","vnet1"],false]' \
		"$(nestnet -j bridge list | jq -c '.[] | select(.name=="virbr0") | [(.ports | sort), .managed]')"
}

test_attach_is_taken_back_by_detach() {
	local before

	ip -netns l1 link add vnet9 type veth peer name vnet9b
	before=$(l1_state)
	nestnet bridge attach virbr0 vnet9
	same "hairpin" '[true]' "$(state_of vnet9 .linkinfo.info_slave_data.hairpin)"
	nestnet bridge detach vnet9
	same "master" '[null]' "$(state_of vnet9 .master)"
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
	refused 1 'vnet9' nestnet bridge detach vnet9
	# As brctl takes them: the bridge first.
	refused 1 '^nestnet: bridge detach virbr0: a port of no bridge, but one itself \(name its ports alone\)$' \
		nestnet bridge detach virbr0 vnet0
	changes_nothing nestnet bridge detach vnet9 --if-exists
}

test_attach_refuses_what_it_cannot_do() {
	ip -netns l1 link add br9 type bridge
	refused 1 'vnet0.*virbr0' nestnet bridge attach br9 vnet0
	refused 1 'nosuch' nestnet bridge attach virbr0 nosuch
	refused 1 'nobr' nestnet bridge attach nobr vnet0
	refused 1 'eth0' nestnet bridge attach eth0 vnet0
	refused 1 'br9' nestnet bridge attach virbr0 br9
}

# This one the kernel refuses half way.
# Detaching and clear would not know what was attached by another name.
test_an_alternative_name_is_refused() {
	local why="enp0s3 is another name of eth0"

	ip -netns l1 link property add dev eth0 altname enp0s3
	nestnet bridge add br0
	refused 1 "bridge attach enp0s3: $why" nestnet bridge attach br0 enp0s3
	refused 1 "bridge attach enp0s3: $why" nestnet bridge attach br0 enp0s3 --move-addresses
	refused 1 "bridge attach br0: $why" nestnet bridge attach enp0s3 br0
	refused 1 "bridge detach enp0s3: $why" nestnet bridge detach enp0s3
	refused 1 "bridge add enp0s3: $why" nestnet bridge add enp0s3
	refused 1 "tap add enp0s3: $why" nestnet tap add enp0s3
	refused 1 "tap add tap0: $why" nestnet tap add tap0 --bridge enp0s3
	refused 1 "alias add 10.128.0.20: $why" nestnet alias add 10.128.0.20 --dev enp0s3
}

test_attach_of_what_no_bridge_takes_is_undone() {
	local before status=0

	before=$(l1_state)
	nestnet bridge attach virbr0 lo 2>"$LAB_SCRATCH/stderr" || status=$?
	same "exit status" 1 "$status"
	matches "stderr" '^nestnet: .*lo' "$(<"$LAB_SCRATCH/stderr")"
	same "L1's state" "$before" "$(l1_state)"
}

test_attach_of_several_is_all_or_nothing() {
	ip -netns l1 link add vnet9 type veth peer name vnet9b
	refused 1 'nosuch' nestnet bridge attach virbr0 vnet9 nosuch
}

test_a_deleted_bridge_is_gone() {
	nestnet bridge add br0
	nestnet bridge del br0
	refused 1 'br0' nestnet bridge del br0
	changes_nothing nestnet bridge del br0 --if-exists
}

# Masqueraded subnets

test_nat_gives_every_guest_of_a_subnet_its_way_out() {
	nestnet nat add 192.168.122.0/24
	same "ip_forward" 1 "$(forwarding)"
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	reaches l2b udp 203.0.113.9 7 "ext sees 10.128.0.2 "
	pings l2b 203.0.113.9 63
	reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
	bridge_calls_iptables 0
	reaches l2 tcp 192.168.122.90 7 "l2b sees 192.168.122.89"
	changes_nothing nestnet nat add 192.168.122.0/24
	ruleset_loads
}

test_nat_closes_its_subnet() {
	with_route_to_guests
	nestnet nat add 192.168.122.0/24
	gets_nothing ext tcp 192.168.122.89 22
	gets_nothing ext udp 192.168.122.90 7
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2, for 10.128.0.50"
}

test_nat_open_leaves_its_subnet_routable() {
	with_route_to_guests
	nestnet nat add 192.168.122.0/24 --open
	reaches ext tcp 192.168.122.90 22 "l2b sees 10.128.0.50"
	reaches l2b tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
}

test_nat_to_an_address() {
	nestnet nat add 192.168.122.0/24 --to 10.128.0.14
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.14 "
	reaches l2b udp 203.0.113.9 7 "ext sees 10.128.0.14 "
	changes_nothing nestnet nat add 192.168.122.0/24 --to 10.128.0.14
	refused 1 '10\.128\.0\.14' nestnet nat add 192.168.122.0/24 --to 10.128.0.15
	ruleset_loads
}

test_nat_out_of_one_interface() {
	with_route_to_guests
	ip -netns l1 link add vnet9 type veth peer name vnet9b
	nestnet nat add 192.168.122.0/24 --out vnet9
	reaches l2 tcp 10.128.0.50 7 "ext sees 192.168.122.89 "
	nestnet nat del 192.168.122.0/24
	nestnet nat add 192.168.122.0/24 --out eth0
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	changes_nothing nestnet nat add 192.168.122.0/24 --out eth0
	ruleset_loads
}

test_egress_of_an_exposure_wins_over_nat() {
	nestnet nat add 192.168.122.0/24
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
	reaches l2b tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
	nestnet unexpose 10.128.0.13
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.2 "
}

test_nat_is_listed_and_deleted() {
	nestnet nat add 192.168.122.0/24 --to 10.128.0.14
	nestnet nat add 192.168.50.0/24 --out eth0 --open
	same "JSON" \
		'[{"id":"192.168.122.0/24","open":false,"out":null,"subnet":"192.168.122.0/24","to":"10.128.0.14"},{"id":"192.168.50.0/24","open":true,"out":"eth0","subnet":"192.168.50.0/24","to":null}]' \
		"$(nestnet -j nat list | jq -c -S 'sort_by(.id)')"
	nestnet nat del 192.168.122.0/24
	gets_nothing l2 tcp 203.0.113.9 7
	refused 1 '192\.168\.122\.0/24' nestnet nat del 192.168.122.0/24
	changes_nothing nestnet nat del 192.168.122.0/24 --if-exists
	same "left" "192.168.50.0/24" "$(nestnet -j nat list | jq -r '.[].id')"
}

test_nat_no_forward() {
	nestnet nat add 192.168.122.0/24 --no-forward
	same "ip_forward" 0 "$(forwarding)"
}

# Forwarding

test_forward_on_off_and_status() {
	local before

	before=$(l1_state)
	nestnet forward on -4
	same "ip_forward" 1 "$(forwarding)"
	changes_nothing nestnet forward on -4
	same "status" '[{"interface":null,"ipv4":true,"ipv6":false}]' \
		"$(nestnet -j forward status | jq -c -S 'map(select(.interface == null))')"
	nestnet forward off -4
	same "ip_forward" 0 "$(forwarding)"
	changes_nothing nestnet forward off -4
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

test_forward_on_keeps_a_host_that_takes_router_advertisements_on_its_network() {
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	ip -netns l1 -6 route del default
	ip -netns l1 -6 route add default via fd10:128::1 proto ra
	nestnet forward on
	same "IPv6 forwarding, accept_ra" "1 2" \
		"$(on l1 cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/eth0/accept_ra | xargs)"
	nestnet clear
	same "IPv6 forwarding, accept_ra" "0 1" \
		"$(on l1 cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/eth0/accept_ra | xargs)"
}

# Aliases

test_alias_list_finds_what_the_clouds_agent_added() {
	ip -netns l1 address add 10.128.0.20/24 dev eth0
	nestnet expose 10.128.0.13 192.168.122.89
	same "JSON" \
		'[{"dev":"eth0","exposed":["10.128.0.13"],"origin":"guest-agent","prefix":"10.128.0.12/30"},{"dev":"eth0","exposed":[],"origin":"address","prefix":"10.128.0.20"}]' \
		"$(nestnet -j alias list | jq -c -S 'map(select(.prefix | startswith("10.")) | del(.id)) | map(.prefix |= sub("/32$"; "")) | sort_by(.prefix)')"
	matches "list" '10\.128\.0\.12/30 .*eth0' "$(nestnet alias list)"
}
