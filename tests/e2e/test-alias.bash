# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `alias`: addresses that lead to L1 besides its primary one. L1 of the lab has 10.128.0.12/30
# of a guest agent; 10.128.0.20 and on, and fd10:128::20 and on, nobody has.

ids() { nestnet -j alias list | jq -r '.[] | "\(.id) \(.dev) \(.origin)"'; }

# by LAST: an address that nobody has.
by() {
	case $FAMILY in
	4) echo "10.128.0.$1" ;;
	6) echo "fd10:128::$1" ;;
	esac
}

# Neighbour discovery by L1 is ready for what came just now.
ready_for() { [[ $FAMILY == 4 ]] || listens_for l1 eth0 "$@"; }

test_an_alias_is_answered_for_and_gone_again() { in_each_family added_and_deleted; }

added_and_deleted() {
	local before

	before=$(l1_state)
	gets_nothing ext tcp "$(by 20)" 22
	nestnet alias add "$(by 20)" --dev eth0
	ready_for 20
	ip -netns ext neighbour flush dev eth0
	reaches ext tcp "$(by 20)" 22 "l1 sees $EXT "
	reaches ext udp "$(by 20)" 22 "l1 sees $EXT "
	gets_nothing ext tcp "$(by 21)" 22
	matches "list" "$(by 20) eth0 nestnet" "$(ids)"
	changes_nothing nestnet alias add "$(by 20)" --dev eth0
	nestnet alias del "$(by 20)"
	same "L1's state" "$before" "$(l1_state)"
	ip -netns ext neighbour flush dev eth0
	gets_nothing ext tcp "$(by 20)" 22
	changes_nothing nestnet alias del "$(by 20)" --if-exists
	refused 1 'there is no such alias' nestnet alias del "$(by 20)"
}

test_an_alias_leads_to_a_guest() { in_each_family exposed_alias; }

exposed_alias() {
	nestnet expose "$(by 20)" "$GUEST"
	gets_nothing ext tcp "$(by 20)" 7
	nestnet alias add "$(by 20)" --dev eth0
	ready_for 20
	ip -netns ext neighbour flush dev eth0
	reaches ext tcp "$(by 20)" 7 "l2 sees $EXT "
	same "exposed" "$(by 20)" \
		"$(nestnet -j alias list | jq -r ".[] | select(.id == \"$(by 20)\") | .exposed[]")"
	# Neither L1's own flows nor another guest's leave as the alias.
	nestnet nat add "$SUBNET"
	reaches l1 tcp "$EXT" 7 "ext sees $L1 "
	reaches l2b tcp "$EXT" 7 "ext sees $L1 "
	nestnet alias del "$(by 20)"
	ip -netns ext neighbour flush dev eth0
	gets_nothing ext tcp "$(by 20)" 7
}

test_a_prefix_is_one_alias() {
	nestnet alias add 10.128.0.20/30 --dev eth0
	reaches ext tcp 10.128.0.20 22 "l1 sees"
	reaches ext tcp 10.128.0.23 22 "l1 sees"
	gets_nothing ext tcp 10.128.0.24 22
	same "routes" "local 10.128.0.20/30 dev eth0 scope host" \
		"$(ip -netns l1 route show table local proto 110 | xargs)"
	changes_nothing nestnet alias add 10.128.0.20/30 --dev eth0
	refused 1 'there is no such alias' nestnet alias del 10.128.0.20
	nestnet alias del 10.128.0.20/30
	gets_nothing ext tcp 10.128.0.21 22
}

test_a_wider_prefix_of_ipv6_is_routed_to_l1() {
	family 6
	with_aliases6
	gets_nothing ext tcp fd10:128:0:1::c 22
	nestnet alias add fd10:128:0:1::/64 --dev eth0
	reaches ext tcp fd10:128:0:1::c 22 "l1 sees"
	matches "list" 'fd10:128:0:1::/64 eth0 nestnet' "$(ids)"
	changes_nothing nestnet alias add fd10:128:0:1::/64 --dev eth0
	# On the network itself nobody would ask for it.
	refused 1 'fd10:128::/64, the network of eth0.*one by one' \
		nestnet alias add fd10:128::20/124 --dev eth0
	nestnet alias del fd10:128:0:1::/64
	gets_nothing ext tcp fd10:128:0:1::c 22
}

# What L1 sends to these would come back to itself.
test_what_would_cut_l1_off_is_refused() {
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	refused 1 '10\.128\.0\.2 is the primary address of eth0' nestnet alias add 10.128.0.2 --dev eth0
	refused 1 '10\.128\.0\.2 is the primary' nestnet alias add 10.128.0.0/29 --dev eth0
	refused 1 '192\.168\.122\.1 is the primary address of virbr0' \
		nestnet alias add 192.168.122.1 --dev eth0
	refused 1 'fd10:128::2 is the primary' nestnet alias add fd10:128::2 --dev eth0
	refused 1 'fd10:128::2 is the primary' nestnet alias add fd10:128::/64 --dev eth0
	refused 1 '10\.128\.0\.1 is a gateway of L1' nestnet alias add 10.128.0.1 --dev eth0
	refused 1 'fd10:128::1 is a gateway of L1' nestnet alias add fd10:128::1 --dev eth0
	refused 1 '10\.128\.0\.50 is a neighbour of L1' nestnet alias add 10.128.0.48/28 --dev eth0
	ip -netns l1 route add 10.9.0.0/16 nexthop via 10.128.0.60 nexthop via 10.128.0.61
	refused 1 '10\.128\.0\.61 is a gateway of L1' nestnet alias add 10.128.0.61 --dev eth0
	ip -netns l1 route add 10.8.0.0/16 via 10.128.0.62 table 77
	refused 1 '10\.128\.0\.62 is a gateway of L1' nestnet alias add 10.128.0.62 --dev eth0
	# Whom L1 asked for in vain is nobody.
	gets_nothing l1 tcp 10.128.0.70 7
	nestnet alias add 10.128.0.70 --dev eth0
	nestnet alias add 10.128.0.56/30 --dev eth0
	refused 1 'interface nosuch: No such device' nestnet alias add 10.128.0.20 --dev nosuch
	refused 1 'lo has no neighbours' nestnet alias add 10.128.0.20 --dev lo
}

test_what_others_made_is_left_as_it_is() {
	ip -netns l1 address add 10.128.0.40/24 dev eth0
	ip -netns l1 address add fd10:128::40/128 dev eth0 nodad preferred_lft 0
	changes_nothing nestnet alias add 10.128.0.12/30 --dev eth0
	changes_nothing nestnet alias add 10.128.0.40 --dev eth0
	changes_nothing nestnet alias add fd10:128::40 --dev eth0
	refused 1 'nestnet did not make it' nestnet alias del 10.128.0.12/30
	refused 1 'nestnet did not make it' nestnet alias del 10.128.0.40
	refused 1 'nestnet did not make it' nestnet alias del fd10:128::40 --if-exists
	refused 1 'exists already, on eth0, where nestnet did not put it' \
		nestnet alias add 10.128.0.12/30 --dev virbr0
	nestnet alias add 10.128.0.20 --dev eth0
	refused 1 'exists already, on eth0$' nestnet alias add 10.128.0.20 --dev virbr0
	# One within another is its own.
	nestnet alias add 10.128.0.13 --dev eth0
	nestnet alias del 10.128.0.13
	reaches ext tcp 10.128.0.13 22 "l1 sees"
}

test_clear_takes_aliases_back() {
	local before

	before=$(l1_state)
	nestnet bridge add br0 --address 192.168.50.1/24
	nestnet alias add 10.128.0.20/30 --dev eth0
	nestnet alias add fd10:128::20 --dev eth0
	nestnet alias add fd10:128:0:7::/64 --dev eth0
	nestnet alias add 192.168.50.7 --dev br0
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
	changes_nothing nestnet clear
}

test_a_dry_run_of_aliases() {
	changes_nothing nestnet -n alias add 10.128.0.20/30 --dev eth0
	same "add" "+ alias add 10.128.0.20/30 --dev eth0" \
		"$(nestnet -n alias add 10.128.0.20/30 --dev eth0)"
	nestnet alias add fd10:128::20 --dev eth0
	same "add again" "" "$(nestnet -n alias add fd10:128::20 --dev eth0)"
	same "del" "- alias add fd10:128::20 --dev eth0" "$(nestnet -n alias del fd10:128::20)"
	changes_nothing nestnet -n alias del fd10:128::20
	same "clear" "- alias add fd10:128::20 --dev eth0" "$(nestnet -n clear)"
}

test_aliases_of_another_namespace() {
	"$NESTNET" -N l1 alias add 10.128.0.20 --dev eth0
	matches "list" '10\.128\.0\.20 eth0 nestnet' "$(ids)"
	"$NESTNET" -N l1 alias del 10.128.0.20
	matches_not "list" '10\.128\.0\.20' "$(ids)"
}

test_aliases_take_the_capability_alone() {
	local only=(setpriv --inh-caps "-all,+net_admin" --bounding-set "-all,+net_admin" --)
	local none=(setpriv --inh-caps -all --bounding-set -all --)

	on l1 "${only[@]}" "$NESTNET" alias add 10.128.0.20 --dev eth0
	on l1 "${only[@]}" "$NESTNET" alias add fd10:128::20 --dev eth0
	refused 1 'CAP_NET_ADMIN' on l1 "${none[@]}" "$NESTNET" alias add 10.128.0.21 --dev eth0
	refused 1 'CAP_NET_ADMIN' on l1 "${none[@]}" "$NESTNET" alias del 10.128.0.20
	on l1 "${only[@]}" "$NESTNET" alias del fd10:128::20
}

# The uplink in a bridge takes its aliases along, and new ones go where the others are.
test_aliases_move_with_the_uplink() {
	local before

	before=$(l1_state)
	nestnet alias add 10.128.0.20/30 --dev eth0
	nestnet alias add fd10:128::20 --dev eth0
	nestnet bridge attach virbr0 eth0 --move-addresses
	changes_nothing nestnet alias add 10.128.0.20/30 --dev eth0
	nestnet alias add fd10:128::21 --dev eth0
	matches "list" 'fd10:128::20 virbr0 nestnet' "$(ids)"
	matches "list" 'fd10:128::21 virbr0 nestnet' "$(ids)"
	listens_for l1 virbr0 20 21
	ip -netns ext neighbour flush dev eth0
	reaches ext tcp 10.128.0.21 22 "l1 sees"
	reaches ext tcp fd10:128::20 22 "l1 sees"
	reaches ext tcp fd10:128::21 22 "l1 sees"
	nestnet bridge detach eth0 --move-addresses
	matches "list" 'fd10:128::21 eth0 nestnet' "$(ids)"
	nestnet bridge attach virbr0 eth0 --move-addresses
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

# Each message that an alias takes fails once: nothing of it is left, and one line is said.
test_an_alias_is_whole_or_not_at_all() {
	local what

	for what in 10.128.0.20/30 fd10:128::20; do
		alias_fails_at_every add "$what" --dev eth0
		nestnet alias add "$what" --dev eth0
		alias_fails_at_every del "$what"
		nestnet alias del "$what" --if-exists
	done
}

alias_fails_at_every() {
	local n before status=1 injected=0 out

	for ((n = 1; n <= 40; n += every)); do
		before=$(l1_state)
		status=0
		out=$(on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e trace=sendto \
			-e "inject=sendto:error=ENOMEM:when=$n" "$NESTNET" alias "$@" 2>&1) || status=$?
		grep -q INJECTED "$LAB_SCRATCH/trace" || break
		injected=$((injected + 1))
		same "exit status, at $n" 1 "$status"
		same "lines, at $n" 1 "$(wc -l <<<"$out")"
		same "L1's state, at $n" "$before" "$(l1_state)"
	done
	[[ $injected -gt $((2 / every)) ]] || fail "only $injected messages"
	same "exit status in the end" 0 "$status"
}
