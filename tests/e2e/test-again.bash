# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The same again changes nothing; something else in the same place is refused.

test_the_same_exposure_again_changes_nothing() {
	nestnet expose 10.128.0.13 192.168.122.89
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --egress masquerade
}

test_the_same_exposure_with_its_options_again_changes_nothing() {
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --no-local --open --comment a
	changes_nothing \
		nestnet expose 10.128.0.13 192.168.122.89 --egress alias --no-local --open --comment a
	nestnet expose 10.128.0.14:80 192.168.122.90:8000 --comment b
	changes_nothing nestnet expose 10.128.0.14:80 192.168.122.90:8000 --comment b
}

test_the_same_exposure_again_turns_forwarding_on_again() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	nestnet expose 10.128.0.13 192.168.122.89
	same "ip_forward" 1 "$(forwarding)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_another_target_is_refused_and_the_present_one_named() {
	nestnet expose 10.128.0.13 192.168.122.89
	refused 1 '^nestnet: expose 10\.128\.0\.13: already exposed to 192\.168\.122\.89 \(--replace' \
		nestnet expose 10.128.0.13 192.168.122.90
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	refused 1 'already exposed to 192\.168\.122\.89:8000' \
		nestnet expose 10.128.0.13:80 192.168.122.89:7
	refused 1 'already exposed to 192\.168\.122\.89:8000' \
		nestnet expose 10.128.0.13:80/tcp 192.168.122.90:8000
}

test_other_options_are_refused() {
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	refused 1 '--replace' nestnet expose 10.128.0.13 192.168.122.89 --comment other
	refused 1 '--replace' nestnet expose 10.128.0.13 192.168.122.89
	refused 1 '--replace' nestnet expose 10.128.0.13 192.168.122.89 --comment web --open
	refused 1 '--replace' nestnet expose 10.128.0.13 192.168.122.89 --comment web --no-local
	refused 1 '--replace' nestnet expose 10.128.0.13 192.168.122.89 --comment web --egress alias
}

test_a_flushed_ruleset_is_made_again() {
	nestnet expose 10.128.0.14 192.168.122.90
	on l1 nft flush ruleset
	gets_nothing ext http 10.128.0.14 8000
	same "exposures" "[]" "$(nestnet -j list | jq -c .)"
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.2 "
	ruleset_loads
}

test_a_foreign_table_is_left_as_it_is() {
	local before

	on l1 nft -f - <<-END
		table inet filter {
			set seen { type ipv4_addr; elements = { 10.128.0.13 } }
			chain forward { type filter hook forward priority filter; policy accept; }
		}
		table ip nat {
			chain prerouting { type nat hook prerouting priority dstnat; }
		}
	END
	before=$(on l1 nft -s list table inet filter; on l1 nft -s list table ip nat)
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	nestnet clear
	same "foreign tables" "$before" \
		"$(on l1 nft -s list table inet filter; on l1 nft -s list table ip nat)"
}

# Chains of others at the usual priorities, there before ours or after: they lose.
test_dnat_and_egress_are_not_lost_to_a_tie_of_priorities() {
	local table="table ip other {
		chain pre { type nat hook prerouting priority dstnat; }
		chain post { type nat hook postrouting priority srcnat; ip saddr 192.168.122.0/24 masquerade; }
	}"

	on l1 nft -f - <<<"$table"
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
	on l1 nft delete table ip other
	on l1 nft -f - <<<"$table"
	reaches l2 tcp 203.0.113.9 7 "ext sees 10.128.0.13 "
}

test_many_writers_at_once_all_succeed() {
	local i pids=()

	for i in {1..20}; do
		nestnet expose "10.128.1.$i" 192.168.122.89 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	same "exposures" 20 "$(nestnet -j list | jq length)"
	pids=()
	for i in {1..20}; do
		nestnet unexpose "10.128.1.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	same "exposures" 0 "$(nestnet -j list | jq length)"
	# What all of them shared has gone with the last.
	not grep -q 192.168.122.89 <(on l1 nft list table inet nestnet)
}

# Slowed down, so that both look before either acts.
test_two_that_make_the_same_bridge_both_succeed() {
	local slow=(strace -f -qq -o /dev/null -e trace=sendto
		-e inject=sendto:delay_enter=30000) pid

	for _ in 1 2 3; do
		on l1 "${slow[@]}" "$NESTNET" bridge add br0 --mtu 1400 &
		pid=$!
		on l1 "${slow[@]}" "$NESTNET" bridge add br0 --mtu 1400
		wait "$pid"
		same "saved" "bridge add br0 --mtu 1400" "$(nestnet save)"
		nestnet bridge del br0
	done
}
