# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Addresses for guests: bridge add --dhcp, tap add --lease, and dnsmasq as it is told by
# `dhcp`, with a real guest that asks.

# shellcheck source=tests/lab/guest.bash
source "$LAB/guest.bash"
# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"

MAC=52:54:00:12:34:56

with_range() {
	without_bridge
	# dnsmasq's files are this lab's.
	mount -t tmpfs tmpfs /var/lib/misc
	nestnet bridge add virbr0 --address 192.168.122.1/24 --dhcp 192.168.122.100-192.168.122.199
}

with_lease() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --guard "$MAC,192.168.122.89" \
		--lease 192.168.122.89
}

# The command line that is printed, as a person would paste it.
by_hand() {
	local command

	command=$(nestnet dhcp command virbr0)
	# shellcheck disable=SC2086
	on l1 $command >"$LAB_SCRATCH/dnsmasq.log" 2>&1 &
	poll is_serving || fail "dnsmasq does not serve" "$(<"$LAB_SCRATCH/dnsmasq.log")"
}

# Its socket for DHCP is bound to the bridge.
is_serving() { on l1 ss -Hlun 'sport = :67' | grep -q '%virbr0:67'; }

test_a_real_guest_gets_its_lease_by_dhcp() {
	with_range
	with_lease
	by_hand
	guest_boot tap0 "$MAC" dhcp '' nobody
	matches "its address" "inet 192.168.122.89/24 " "$(guest_run busybox ip -4 address show eth0)"
	matches "its MTU, the uplink's" "mtu 1460" "$(guest_run busybox ip link show eth0)"
	matches "its route" "default via 192.168.122.1 " "$(guest_run busybox ip route)"
	same "its server of names" "nameserver 192.168.122.1" "$(guest_run busybox cat /resolv.conf)"
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of uml"
	same "guest wait" 192.168.122.89 "$(nestnet guest wait tap0)"
	guest_stop
}

# Not tap0's guest: one of the range, and without a guard.
test_another_guest_gets_one_of_the_range_and_is_listed_by_its_lease() {
	local address

	with_range
	nestnet tap add tap0 --bridge virbr0 --owner nobody
	by_hand
	guest_boot tap0 "$MAC" dhcp '' nobody
	address=$(nestnet guest wait "$MAC" --timeout 5s)
	matches "of the range" '^192\.168\.122\.1[0-9][0-9]$' "$address"
	guest_stop
	# L1 forgets its neighbour, and the bridge: the lease is left.
	ip -netns l1 neighbour flush dev virbr0
	same "by its lease" "$address" \
		"$(nestnet -j guest list | jq -r --arg mac "$MAC" '.[] | select(.mac == $mac).addresses[0]')"
	echo "1 $MAC $address * *" >/var/lib/misc/nestnet-virbr0.leases
	poll bridge_has_forgotten
	same "when it has ended" "" "$(nestnet -j guest list | jq -r '.[].addresses[]')"
}

bridge_has_forgotten() { ip netns exec l1 bridge fdb flush dev tap0 master 2>/dev/null || true; }

test_a_neighbour_outside_is_not_served() {
	with_range
	by_hand
	same "others than the bridge" "" "$(on l1 ss -Hlun 'sport = :67' | grep -v '%virbr0:67')"
	same "of names" "" "$(on l1 ss -Hltn 'sport = :53' | grep '10\.128\.0')"
	gets_nothing ext tcp 10.128.0.2 53
}

test_the_configuration_is_the_state() {
	with_range
	with_lease
	nestnet tap add tap1 --bridge virbr0
	matches "range" 'dhcp-range=192.168.122.100,192.168.122.199,255.255.255.0,1h' \
		"$(nestnet dhcp config virbr0)"
	matches "lease" "dhcp-host=$MAC,192.168.122.89,1h" "$(nestnet dhcp config virbr0)"
	same "hosts" "$MAC,192.168.122.89,1h" "$(nestnet dhcp hosts virbr0)"
	matches "with a file of hosts" 'dhcp-hostsfile=/run/hosts' \
		"$(nestnet dhcp config virbr0 --hosts /run/hosts)"
	matches_not "with a file of hosts" 'dhcp-host=' "$(nestnet dhcp config virbr0 --hosts /run/hosts)"
	nestnet dhcp config virbr0 >"$LAB_SCRATCH/config"
	on l1 dnsmasq --test -C "$LAB_SCRATCH/config" 2>/dev/null || fail "dnsmasq does not take it"
	matches "as a table" 'DHCP .* 192\.168\.122\.100-192\.168\.122\.199 ' "$(nestnet bridge list | xargs)"
	matches "as a table" 'LEASE .* 192\.168\.122\.89 .* tap1 .* - ' "$(nestnet tap list | xargs)"
	same "bridge list" 192.168.122.100-192.168.122.199 "$(nestnet -j bridge list | jq -r '.[0].dhcp')"
	same "tap list" '192.168.122.89 null' "$(nestnet -j tap list | jq -r '[.[].lease] | map(. // "null") | join(" ")')"
}

test_ranges_and_leases_are_repeated_saved_and_changed() {
	local saved

	with_range
	with_lease
	changes_nothing with_lease
	changes_nothing nestnet bridge add virbr0 --address 192.168.122.1/24 \
		--dhcp 192.168.122.100-192.168.122.199
	refused 1 'exists already, with DHCP range 192.168.122.100-192.168.122.199' \
		nestnet bridge add virbr0 --address 192.168.122.1/24
	refused 1 'exists already, with lease 192.168.122.89' nestnet tap add tap0 --bridge virbr0 \
		--owner nobody --guard "$MAC,192.168.122.89"
	saved=$(nestnet save)
	matches "save" '--dhcp 192.168.122.100-192.168.122.199' "$saved"
	matches "save" '--lease 192.168.122.89' "$saved"
	changes_nothing nestnet apply - <<<"$saved"
	nestnet apply - <<<"${saved//192.168.122.199/192.168.122.120}"
	same "another range" 192.168.122.100-192.168.122.120 "$(nestnet -j bridge list | jq -r '.[0].dhcp')"
	nestnet apply - <<<"${saved/ --lease 192.168.122.89/}"
	same "no lease" null "$(nestnet -j tap list | jq '.[0].lease')"
	nestnet -j status >"$LAB_SCRATCH/status"
	changes_nothing nestnet apply "$LAB_SCRATCH/status"
}

test_what_cannot_be_served_is_refused() {
	local add="nestnet bridge add br9 --address 10.9.0.1/24"

	refused 2 'the DHCP range ends before it begins' $add --dhcp 10.9.0.9-10.9.0.8
	refused 2 "the bridge's own address" $add --dhcp 10.9.0.1-10.9.0.8
	refused 2 'the broadcast address' $add --dhcp 10.9.0.8-10.9.0.255
	refused 2 'the broadcast address' nestnet bridge add br9 --address 10.9.0.9/24 --dhcp 10.9.0.0-10.9.0.4
	refused 2 'in no network' $add --dhcp 10.9.1.8-10.9.1.9
	refused 2 'in no network' $add --dhcp 10.9.0.8-10.9.1.9
	refused 2 'in no network' nestnet bridge add br9 --dhcp 10.9.0.8-10.9.0.9
	refused 2 'is of IPv4 addresses' $add --dhcp fd12::8-fd12::9
	refused 2 "'10.9.0.8': not FIRST-LAST" $add --dhcp 10.9.0.8
	refused 2 "not FIRST-LAST" $add --dhcp 10.9.0.8-
	refused 2 'the one guest whose MAC address' nestnet tap add tap9 --bridge virbr0 --lease 10.9.0.8
	refused 2 'the one guest whose MAC address' nestnet tap add tap9 --bridge virbr0 \
		--lease 10.9.0.8 --guard "$MAC" --guard 52:54:00:12:34:57
	refused 2 'does not let the guest use its lease' nestnet tap add tap9 --bridge virbr0 \
		--lease 10.9.0.8 --guard "$MAC,10.9.0.9"
	refused 2 'a guest of a bridge' nestnet tap add tap9 --address 10.9.0.1/24 --lease 10.9.0.8 --guard "$MAC"
	refused 2 'the IPv4 address of a host' nestnet tap add tap9 --bridge virbr0 --lease fd12::8 --guard "$MAC"
	refused 1 'virbr0: it has no DHCP range' nestnet dhcp config virbr0
	refused 1 'br9: there is no such bridge' nestnet dhcp hosts br9
	refused 2 'not a plain path' nestnet dhcp config virbr0 --hosts relative
	refused 2 'not a plain path' nestnet dhcp config virbr0 --hosts $'/a\nuser=root'
}

# Somebody else's hand in the alias texts.
test_texts_that_are_not_ours_are_no_ranges() {
	with_range
	ip -netns l1 link set virbr0 alias 'nestnet bridge dhcp=1.2.3.4-x'
	same "range" null "$(nestnet -j bridge list | jq '.[0].dhcp')"
	refused 1 'no DHCP range' nestnet dhcp config virbr0
	nestnet clear
	same "cleared" "[]" "$(nestnet -j bridge list | jq -c .)"
}

test_the_service_serves_what_the_file_says_and_reloads_leases() {
	without_bridge
	mount -t tmpfs tmpfs /var/lib/misc
	with_etc
	with_hooks
	conf 'bridge add virbr0 --address 192.168.122.1/24 --dhcp 192.168.122.100-192.168.122.199'
	machine_boots nestnet nestnet-dhcp@virbr0
	poll is_serving || fail "dnsmasq does not serve" "$(journal nestnet-dhcp@virbr0)"
	with_lease
	machine systemctl reload nestnet-dhcp@virbr0
	guest_boot tap0 "$MAC" dhcp '' nobody
	matches "its address" "inet 192.168.122.89/24 " "$(guest_run busybox ip -4 address show eth0)"
	guest_stop
}
