# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `guest`: who is behind bridges and taps.

mac_of() { ip -netns "$1" -j link show eth0 | jq -r '.[0].address'; }

# A guest as `guest list` shows it, without its state.
seen() {
	nestnet -j guest list |
		jq -r --arg mac "$(mac_of "$1")" '.[] | select(.mac == $mac) | [.tap, .bridge, (.addresses | join(","))] | join(" ")'
}

test_a_guest_that_spoke_is_listed_with_tap_and_address() {
	# Their kernels may have said something by themselves, but not to L1.
	same "nobody spoke" "" "$(nestnet -j guest list | jq -r '.[].addresses[]')"
	reaches l2 tcp 192.168.122.1 22 "l1 sees 192.168.122.89 "
	reaches l2b tcp fd12::1 22 "l1 sees fd12::90 "
	same "l2" "vnet0 virbr0 192.168.122.89" "$(seen l2)"
	same "l2b" "vnet1 virbr0 fd12::90" "$(seen l2b)"
	reaches l2 tcp fd12::1 22 "l1 sees fd12::89 "
	same "both families" "vnet0 virbr0 192.168.122.89,fd12::89" "$(seen l2)"
	matches "state" '^(reachable|delay|stale|probe)$' "$(nestnet -j guest list | jq -r '.[0].state')"
	matches "table" "$(mac_of l2) +192.168.122.89,? ?.*fd12::89 .*virbr0 vnet0 " "$(nestnet guest list)"
}

test_a_guest_that_l1_does_not_know_the_address_of_is_listed_without() {
	reaches l2 tcp 192.168.122.90 7 "l2b sees"
	same "l2" "vnet0 virbr0 " "$(seen l2)"
	same "no state" null "$(nestnet -j guest list | jq -c '[.[].state] | unique[]')"
}

# Behind an uplink is the neighbourhood. The lab's own is a veth, as a guest's cable; so a
# tunnel to ext.
test_whoever_is_behind_an_uplink_is_no_guest() {
	ip -netns ext link add vxlan0 type vxlan id 5 remote 10.128.0.2 dstport 4789
	ip -netns ext link set vxlan0 up
	ip -netns ext address add 192.168.122.200/24 dev vxlan0
	ip -netns l1 link add vxlan0 type vxlan id 5 remote 10.128.0.50 dstport 4789
	ip -netns l1 link set vxlan0 master virbr0 up
	reaches ext tcp 192.168.122.1 22 "l1 sees 192.168.122.200 "
	reaches l2 tcp 192.168.122.1 22 "l1 sees 192.168.122.89 "
	same "guests" "192.168.122.89" "$(nestnet -j guest list | jq -r '.[].addresses[]')"
}

test_waiting_ends_when_the_guest_speaks() {
	local answer=$LAB_SCRATCH/answer

	nestnet guest wait vnet0 --timeout 20s >"$answer" &
	sleep 0.5
	[[ ! -s $answer ]] || fail "before the guest spoke" "$(cat "$answer")"
	reaches l2 tcp 192.168.122.1 22 "l1 sees"
	wait $! || fail "exit $?"
	same "answer" "192.168.122.89" "$(cat "$answer")"
	same "at once, by MAC" "192.168.122.89" "$(nestnet guest wait "$(mac_of l2)")"
	same "JSON" "192.168.122.89" "$(nestnet -j guest wait vnet0 | jq -r '.[0].addresses[0]')"
}

test_waiting_has_an_end() {
	refused 1 'guest wait vnet0: no address of it was seen in time' nestnet guest wait vnet0 --timeout 1s
	refused 1 'guest wait 02:00:00:00:00:99: no address' \
		nestnet guest wait 02:00:00:00:00:99 --timeout 1s
}

test_what_names_no_guest_is_refused() {
	refused 2 "'52:54:00:12:34' is not a MAC address" nestnet guest wait 52:54:00:12:34
	refused 2 "^nestnet: guest wait: '192\.168\.122\.89' is an address, as it prints: it takes TAP\|MAC$" \
		nestnet guest wait 192.168.122.89
	refused 2 "--timeout '5': not a time" nestnet guest wait vnet0 --timeout 5
	refused 2 "guest wait: " nestnet guest wait
	refused 2 "guest list: " nestnet guest list vnet0
}
