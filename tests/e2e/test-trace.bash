# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `trace`: packets are followed to where they end, through everybody's chains, both ways; the
# sentence at the end is true; and nothing is left of a trace, however it ends.

# shellcheck source=tests/lab/firewalls.bash
source "$LAB/firewalls.bash"

TRACED=$LAB_SCRATCH/traced

# begins_trace ARGUMENT...: in the background; TRACER is its pid. Each writes where TRACED says.
begins_trace() {
	local tables

	tables=$(trace_tables)
	ip netns exec l1 "$NESTNET" -j trace "$@" >"$TRACED" 2>"$TRACED.err" &
	TRACER=$!
	poll has_more_tables "$((tables + 2))"
}

trace_tables() { on l1 nft list tables | grep -c nestnet-trace || true; }
has_more_tables() { [[ $(trace_tables) -ge $1 ]]; }
has_no_tables() { [[ $(trace_tables) == 0 ]]; }

# What was told, a line each: of ends, and of chains.
ends() { jq -r 'select(.kind == "end") | "\(.direction): \(.text)"' "$TRACED"; }
packets() { jq -r 'select(.kind == "packet") | "\(.direction): \(.text), \(.in)"' "$TRACED"; }
hops() {
	jq -r 'select(.kind == "rule" or .kind == "policy") |
		"\(.direction) \(.family) \(.table) \(.chain) (\(.owner)) \(.kind) \(.verdict): \(.rule)"' "$TRACED"
}

# goes_by REGEX: some chain had a packet so.
goes_by() { grep -qE -- "$1" <<<"$(hops)" || fail "want /$1/, got:" "$(hops)"; }

# ends_so LINE...: the trace has ended, well, and its packets so.
ends_so() {
	wait "$TRACER" || fail "trace: exit $?" "$(<"$TRACED.err")"
	same "ends" "$(printf '%s\n' "$@")" "$(ends)"
}

# asks ADDRESS PORT: a connection from outside is tried once, whatever comes of it.
asks() { on ext peer -t 100 tcp "$1" "$2" >/dev/null 2>&1 || true; }

# handle_of FAMILY TABLE CHAIN TEXT: of the rule that has it.
handle_of() {
	on l1 nft -a list chain "$1" "$2" "$3" | grep -F -- "$4" | sed -nE 's/.*# handle ([0-9]+)$/\1/p'
}

# ---- Where packets end ----------------------------------------------------------------------

test_a_packet_is_followed_to_the_guests_port_and_its_answer_back() {
	nestnet expose 10.128.0.13 192.168.122.89
	begins_trace 10.128.0.13 --count 2
	asks 10.128.0.13 7
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to eth0"
	goes_by '^to inet nestnet pre4 \(nestnet\) rule accept: ip daddr map @addr4 dnat$'
	goes_by '^to inet nestnet forward \(nestnet\) rule accept: ct status dnat accept$'
	goes_by '^reply inet nestnet forward \(nestnet\) rule accept: ct state established,related accept$'
	matches "its beginning" '^to: 10.128.0.50:[0-9]+ > 10.128.0.13:7 tcp syn, eth0' "$(packets)"
	matches "the answer's" 'reply: 192.168.122.89:7 > 10.128.0.50:[0-9]+ tcp syn,ack, virbr0$' "$(packets)"
	same "chains of its own" "" "$(hops | grep nestnet-trace || true)"
}

test_a_rule_of_iptables_that_rejects_is_named() {
	local handle

	nestnet expose 10.128.0.13 192.168.122.89
	on l1 iptables -N LIBVIRT_FWI
	on l1 iptables -A FORWARD -j LIBVIRT_FWI
	on l1 iptables -A LIBVIRT_FWI -o virbr0 -j REJECT
	handle=$(handle_of ip filter LIBVIRT_FWI reject)
	begins_trace 10.128.0.13:7 --count 1
	asks 10.128.0.13 7
	ends_so "to: dropped by rule handle $handle of ip filter LIBVIRT_FWI (libvirt): reject"
	goes_by '^to ip filter FORWARD \(iptables\) rule jump LIBVIRT_FWI: counter jump LIBVIRT_FWI$'
	goes_by '^to ip filter LIBVIRT_FWI \(libvirt\) rule reject: oifname "virbr0" counter reject$'
}

test_a_rule_of_nft_that_drops_the_answer_is_named() {
	local handle

	nestnet expose 10.128.0.13 192.168.122.89
	on l1 nft 'table inet mine { chain early {
		type filter hook forward priority -5; ip saddr 192.168.122.89 tcp sport 7 drop; }; }'
	handle=$(handle_of inet mine early drop)
	begins_trace 10.128.0.13 --count 2
	asks 10.128.0.13 7
	ends_so "to: delivered to virbr0/vnet0" \
		"reply: dropped by rule handle $handle of inet mine early: drop"
}

test_policies_that_drop_are_told_with_whose_they_are() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.13 7 "l2 sees"
	docker_rules
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: dropped by the policy of ip filter FORWARD (Docker): drop"
	on l1 iptables -P FORWARD ACCEPT
	on l1 nft 'table bridge mine { chain out { type filter hook output priority 0; policy drop; }; }'
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: dropped by the policy of bridge mine out: drop"
}

test_our_own_rules_that_drop_are_named() {
	local handle

	nestnet expose 10.128.0.13 192.168.122.89 --from 10.9.0.0/16
	handle=$(handle_of inet nestnet from_addr4 drop)
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: dropped by rule handle $handle of inet nestnet from_addr4 (nestnet): drop, as its source is not in --from"
	# The guest itself, for who adds a route to it.
	with_route_to_guests
	handle=$(on l1 nft -a list chain inet nestnet closed4 | sed -n 's/.*@guest4.*# handle //p')
	begins_trace 192.168.122.89 --count 1
	asks 192.168.122.89 7
	ends_so "to: dropped by rule handle $handle of inet nestnet closed4 (nestnet): drop, as it comes from outside to what is not exposed"
}

test_what_is_not_exposed_ends_in_l1() {
	nestnet expose 10.128.0.13 192.168.122.89
	begins_trace 10.128.0.15 --count 2
	asks 10.128.0.15 22
	ends_so "to: delivered to this host itself: it was not translated" "reply: delivered to eth0"
}

test_without_anything_of_nestnet_it_traces_as_well() {
	local before

	before=$(l1_state)
	begins_trace 10.128.0.15 --count 1
	asks 10.128.0.15 22
	ends_so "to: delivered to this host itself: it was not translated"
	poll has_no_tables
	same "L1's state" "$before" "$(l1_state)"
}

test_what_routing_loses_is_told_with_the_reason() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: lost in routing: forwarding is off for IPv4 on eth0"
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'

	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
	ip -netns l1 route add 10.128.0.50 dev virbr0
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: lost in routing: rp_filter of eth0 is strict, and the way back to 10.128.0.50 is virbr0"
	ip -netns l1 route del 10.128.0.50 dev virbr0

	nestnet expose 10.128.0.14 192.168.99.9
	ip -netns l1 route del default
	begins_trace 10.128.0.14 --count 1
	asks 10.128.0.14 7
	ends_so "to: lost in routing: no route to 192.168.99.9"
}

test_a_guest_that_is_down_does_not_answer() {
	nestnet expose 10.128.0.13 192.168.122.99
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: lost at virbr0: nobody there answers for 192.168.122.99 (ARP)"
}

test_what_iptables_legacy_drops_is_not_seen_and_said_to_be_so() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 iptables-legacy -A FORWARD -o virbr0 -j DROP
	begins_trace 10.128.0.13 --count 1
	asks 10.128.0.13 7
	ends_so "to: lost on forward: iptables-legacy has tables (filter), whose rules cannot be seen"
}

# ---- Which packets --------------------------------------------------------------------------

test_guests_and_l1_themselves_are_followed_too() {
	nestnet expose 10.128.0.13 192.168.122.89
	begins_trace 10.128.0.13 --count 2
	on l2b peer tcp 10.128.0.13 7 >/dev/null
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to virbr0/vnet1"
	begins_trace 10.128.0.13 --count 2
	on l1 peer tcp 10.128.0.13 7 >/dev/null
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to this host itself"
	on l1 sh -c 'echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables'
	begins_trace 10.128.0.13 --count 2
	on l2b peer tcp 10.128.0.13 7 >/dev/null
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to virbr0/vnet1"
}

test_in_ipv6_it_is_the_same() {
	with_aliases6
	nestnet expose fd10:128::13 fd12::89
	begins_trace fd10:128::13 --count 2
	asks fd10:128::13 7
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to eth0"
	goes_by '^to inet nestnet pre6 \(nestnet\) rule accept: ip6 daddr map @addr6 dnat$'
	on l1 ip6tables -P FORWARD DROP
	begins_trace '[fd10:128::13]:7' --count 1
	asks fd10:128::13 7
	ends_so "to: dropped by the policy of ip6 filter FORWARD (iptables): drop"
}

test_a_port_a_range_and_a_prefix_have_their_own_packets_alone() {
	local alias

	nestnet expose 10.128.0.12/30 192.168.122.88/30
	for alias in 10.128.0.13:7 10.128.0.13:7-20 '*:7' 10.128.0.12/31 10.128.0.13:7-7/tcp; do
		begins_trace "$alias" --count 2
		asks 10.128.0.14 22
		on ext peer -t 100 udp 10.128.0.14 7 >/dev/null
		asks 10.128.0.13 7
		ends_so "to: delivered to virbr0/vnet0" "reply: delivered to eth0"
		matches "$alias" '10.128.0.13:7 tcp syn' "$(packets)"
	done
}

test_two_traces_at_once_each_see_their_own() {
	local first

	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.90
	begins_trace 10.128.0.13 --count 2
	first=$TRACER TRACED=$LAB_SCRATCH/same
	begins_trace 10.128.0.13 --count 2
	asks 10.128.0.13 7
	wait "$first" "$TRACER"
	for TRACED in "$LAB_SCRATCH"/{traced,same}; do
		same "$TRACED" $'to: delivered to virbr0/vnet0\nreply: delivered to eth0' \
			"$(ends)"
		same "$TRACED: others' chains" "" "$(hops | grep nestnet-trace || true)"
	done

	TRACED=$LAB_SCRATCH/traced
	begins_trace 10.128.0.13 --count 2
	first=$TRACER TRACED=$LAB_SCRATCH/other
	begins_trace 10.128.0.14 --count 2
	asks 10.128.0.14 7
	ends_so "to: delivered to virbr0/vnet1" "reply: delivered to eth0"
	asks 10.128.0.13 7
	TRACER=$first TRACED=$LAB_SCRATCH/traced
	ends_so "to: delivered to virbr0/vnet0" "reply: delivered to eth0"
}

# ---- How it ends ----------------------------------------------------------------------------

test_where_nothing_arrives_it_says_so_and_fails() {
	local status=0 said

	nestnet expose 10.128.0.13 192.168.122.89
	said=$(nestnet -j -v trace 10.128.0.13:80 --timeout 1s 2>&1) || status=$?
	same "exit status" 1 "$status"
	same "it says" $'nestnet: trace: following\nnestnet: trace: 10.128.0.13:80: nothing arrived' "$said"
}

test_nothing_is_left_however_it_ends() {
	local before signal status

	nestnet expose 10.128.0.13 192.168.122.89
	before=$(l1_state)
	for signal in INT TERM HUP KILL; do
		begins_trace 10.128.0.13
		asks 10.128.0.13 7
		poll grep -q '"kind":"end"' "$TRACED"
		kill "-$signal" "$TRACER"
		status=0
		wait "$TRACER" || status=$?
		[[ $signal == KILL || $status == 0 ]] || fail "after SIG$signal: exit $status"
		same "L1's state after SIG$signal" "$before" "$(l1_state)"
	done
}

test_whoever_does_not_read_is_no_reason_to_go_on() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet trace 10.128.0.13 | head -n 1 >/dev/null &
	poll has_more_tables 2
	# It sees that nobody reads when it writes again.
	poll asks_till_nothing_traces
}
asks_till_nothing_traces() { asks 10.128.0.13 7 && has_no_tables; }

test_other_commands_go_on_meanwhile() {
	begins_trace 10.128.0.13
	nestnet expose 10.128.0.13 192.168.122.89 2>"$LAB_SCRATCH/said"
	same "expose says" "" "$(<"$LAB_SCRATCH/said")"
	same "doctor has of it" "" "$(nestnet -j doctor 10.128.0.13 | grep nestnet-trace || true)"
	nestnet save | nestnet apply -
	nestnet clear 2>/dev/null
	kill -INT "$TRACER"
	wait "$TRACER" || true
	has_no_tables
}

# Each message to the kernel and each answer fails in turn, with a packet underway: it ends
# with one line, or goes on without what it wanted to know; and nothing is left.
test_a_message_that_fails_leaves_nothing() {
	local call n before out status what injected=0 pinger

	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.13 7 "l2 sees"
	while :; do asks 10.128.0.13 7; done &
	pinger=$!
	before=$(on l1 nft list tables)
	for call in sendto recvfrom; do
		for ((n = 1 + injected % every; n <= 400; n += every)); do
			status=0
			out=$(on l1 strace -f -qq -o "$LAB_SCRATCH/strace" -e "trace=$call" \
				-e "inject=$call:error=ENOMEM:when=$n" \
				"$NESTNET" -j trace 10.128.0.13 --count 1 --timeout 5s 2>&1 >"$TRACED") || status=$?
			what="when $call $n failed ($out)"
			same "tables, $what" "$before" "$(on l1 nft list tables)"
			grep -q INJECTED "$LAB_SCRATCH/strace" || break
			injected=$((injected + 1))
			if [[ $status == 0 ]]; then
				[[ -n $(ends) ]] || fail "no end, $what"
			else
				same "exit status, $what" 1 "$status"
				same "lines, $what" 1 "$(wc -l <<<"$out")"
			fi
		done
		same "exit status in the end ($out)" 0 "$status"
	done
	kill "$pinger"
	[[ $injected -ge $((20 / every)) ]] || fail "only $injected failed"
}

test_for_people_it_is_lines() {
	local out

	nestnet expose 10.128.0.13 192.168.122.89
	ip netns exec l1 "$NESTNET" trace 10.128.0.13:7 --count 1 >"$TRACED" &
	poll has_more_tables 2
	asks 10.128.0.13 7
	wait $!
	out=$(<"$TRACED")
	matches "its first line" '^1 to    10.128.0.50:[0-9]+ > 10.128.0.13:7 tcp syn, in by eth0' "$out"
	matches "a rule" '1 to      inet nestnet pre4 \(nestnet\) +accept +ip daddr map @addr4 dnat # handle [0-9]+' "$out"
	matches "its last line" '1 to    delivered to virbr0/vnet0$' "$out"
}

test_wrong_command_lines_are_refused() {
	refused 2 'trace: .*10.128.0.300' nestnet trace 10.128.0.300
	refused 2 'trace: ' nestnet trace
	refused 2 'trace: ' nestnet trace 10.128.0.13 10.128.0.14
	refused 2 "--count" nestnet trace 10.128.0.13 --count 0
	refused 2 "--count" nestnet trace 10.128.0.13 --count x
	refused 2 "5x" nestnet trace 10.128.0.13 --timeout 5x
	refused 2 "host bits|10.128.0.13/30" nestnet trace 10.128.0.13/30
	refused 2 "dry-run" nestnet --dry-run trace 10.128.0.13
}

test_without_the_capability_it_says_which() {
	refused 1 'CAP_NET_ADMIN' on l1 setpriv --bounding-set -net_admin -- "$NESTNET" trace 10.128.0.13
}
