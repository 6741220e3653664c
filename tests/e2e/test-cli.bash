# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What holds for every command: dry runs, namespaces, privileges, help, failures on the way.

prints_changes() { # COMMAND...: at least one line, and each a "+ ..." or a "- ..."
	local out

	out=$("$@")
	matches "$* prints" '^[+-] ' "$out"
	matches_not "$* prints" $'(^|\n)[^+-]' "$out"
}

test_a_dry_run_changes_nothing_and_prints_what_would_be() {
	changes_nothing nestnet --dry-run expose 10.128.0.13 192.168.122.89
	prints_changes nestnet -n expose 10.128.0.13 192.168.122.89
	matches "expose" '\+ .*10\.128\.0\.13 192\.168\.122\.89' \
		"$(nestnet -n expose 10.128.0.13 192.168.122.89)"
	changes_nothing nestnet -n tap add tap0 --bridge virbr0
	prints_changes nestnet -n tap add tap0 --bridge virbr0
	changes_nothing nestnet -n bridge add br0 --address 192.168.50.1/24
	prints_changes nestnet -n bridge add br0 --address 192.168.50.1/24
	changes_nothing nestnet -n nat add 192.168.122.0/24
	prints_changes nestnet -n nat add 192.168.122.0/24
	changes_nothing nestnet -n forward on
	prints_changes nestnet -n forward on
}

test_a_dry_run_of_a_removal() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet tap add tap0
	changes_nothing nestnet -n unexpose 10.128.0.13
	matches "unexpose" '^- .*10\.128\.0\.13' "$(nestnet -n unexpose 10.128.0.13)"
	changes_nothing nestnet -n tap del tap0
	changes_nothing nestnet -n clear
	prints_changes nestnet -n clear
	changes_nothing nestnet -n expose 10.128.0.13 192.168.122.90 --replace
	prints_changes nestnet -n expose 10.128.0.13 192.168.122.90 --replace
}

test_a_dry_run_of_nothing_to_do_prints_nothing() {
	nestnet expose 10.128.0.13 192.168.122.89
	same "output" "" "$(nestnet -n expose 10.128.0.13 192.168.122.89)"
}

test_a_dry_run_fails_where_the_command_would() {
	nestnet expose 10.128.0.13 192.168.122.89
	refused 1 'already exposed' nestnet -n expose 10.128.0.13 192.168.122.90
	refused 1 '10\.128\.0\.14' nestnet -n unexpose 10.128.0.14
	refused 2 . nestnet -n expose 10.128.0.256 192.168.122.90
}

test_a_dry_run_for_programs() {
	same "JSON" '[["command","op"]]' \
		"$(nestnet -n -j expose 10.128.0.13 192.168.122.89 | jq -c '[.[] | keys] | unique')"
	same "op" '["+"]' "$(nestnet -n -j expose 10.128.0.13 192.168.122.89 | jq -c '[.[].op] | unique')"
}

test_json_of_a_tap_that_was_added() {
	same "JSON" '["tap0","virbr0",true]' \
		"$(nestnet -j tap add tap%d --bridge virbr0 | jq -c 'flatten[0] | [.name, .bridge, .managed]')"
}

test_a_namespace_by_name_path_and_process() {
	local pid

	"$NESTNET" --netns l1 expose 10.128.0.13 192.168.122.89
	"$NESTNET" -N /run/netns/l1 expose 10.128.0.14 192.168.122.90
	pid=$(ip netns pids l1 | head -n 1)
	"$NESTNET" --netns "$pid" expose 10.128.0.15:80 192.168.122.90:8000
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http 10.128.0.14 8000 "guest page of l2b,"
	reaches ext http 10.128.0.15 80 "guest page of l2b,"
	same "from inside and outside" "$(nestnet list)" "$("$NESTNET" --netns l1 list)"
	same "forwarding of the outside" 0 "$(</proc/sys/net/ipv4/ip_forward)"
	same "the outside's ruleset" "" "$(nft list tables | grep nestnet || true)"
}

test_objects_in_another_namespace() {
	"$NESTNET" --netns l1 bridge add br0 --address 192.168.50.1/24
	"$NESTNET" --netns l1 tap add tap0 --bridge br0
	changes_nothing "$NESTNET" --netns l1 tap add tap0 --bridge br0
	same "master" br0 "$(ip -netns l1 -j link show tap0 | jq -r '.[0].master')"
	same "taps" tap0 "$("$NESTNET" --netns l1 -j tap list | jq -r '.[].name')"
	not ip link show dev br0 2>/dev/null
	"$NESTNET" --netns l1 clear
}

test_a_namespace_that_is_not_there_is_named() {
	refused 1 'nosuch' nestnet --netns nosuch list
	refused 1 '/run/nosuch' nestnet --netns /run/nosuch expose 10.128.0.13 192.168.122.89
}

test_without_the_capability_it_is_named() {
	local without=(setpriv --bounding-set -net_admin --)

	nestnet expose 10.128.0.14 192.168.122.90
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" expose 10.128.0.13 192.168.122.89
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" unexpose 10.128.0.14
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" nat add 192.168.122.0/24
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" tap add tap0
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" bridge add br0
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" forward on
	refused 1 'CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" clear
	refused 1 ': save: .*CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" save
	refused 1 ': list attached .*CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" status
	refused 1 ': /dev/null: .*CAP_NET_ADMIN' on l1 "${without[@]}" "$NESTNET" apply /dev/null
}

# An ordinary user with that one capability and no other.
test_the_capability_alone_suffices() {
	local before user=(setpriv --reuid nobody --regid nogroup --clear-groups
		--inh-caps "-all,+net_admin" --ambient-caps "-all,+net_admin" --)

	# The checkout may lie where an ordinary user has no access.
	cp "$NESTNET" "$LAB_SCRATCH/nestnet"
	chmod 755 "$LAB_SCRATCH/nestnet"
	copy_libraries
	before=$(l1_state)
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" bridge add br0 --address 192.168.50.1/24
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" tap add tap0 --bridge br0
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" nat add 192.168.50.0/24
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" list >/dev/null
	on l1 "${user[@]}" "$LAB_SCRATCH/nestnet" clear
	same "L1's state" "$before" "$(l1_state)"
}

copy_libraries() {
	local library

	for library in "$NN_BUILD"/.libs/libnestnet.so*; do
		[[ ! -e $library ]] || cp -L "$library" "$LAB_SCRATCH/"
	done
	export LD_LIBRARY_PATH=$LAB_SCRATCH
}

test_every_command_has_help_with_an_example() {
	local words help

	for words in expose unexpose list 'tap add' 'tap del' 'tap list' 'bridge add' 'bridge del' \
		'bridge list' 'bridge attach' 'bridge detach' 'nat add' 'nat del' 'nat list' \
		'forward on' 'forward off' 'forward status' 'alias list' clear; do
		# shellcheck disable=SC2086
		help=$(nestnet $words --help) || fail "nestnet $words --help: exit $?"
		matches "nestnet $words --help" "nestnet .*${words%% *}" "$help"
	done
	matches "--help" 'expose' "$(nestnet --help)"
	matches "-h" 'expose' "$(nestnet -h)"
	same "help" "$(nestnet --help)" "$(nestnet help)"
	same "help help" "$(nestnet --help)" "$(nestnet help --help)"
	same "help expose" "$(nestnet expose --help)" "$(nestnet help expose)"
	same "help tap add" "$(nestnet tap add --help)" "$(nestnet help tap add)"
	same "help tap" "$(nestnet tap --help)" "$(nestnet help tap)"
	same "-h tap" "$(nestnet tap --help)" "$(nestnet -h tap)"
	matches "--version" '^nestnet [0-9]' "$(nestnet --version)"
	same "-V" "$(nestnet --version)" "$(nestnet -V)"
}

test_a_verb_that_is_missing_or_unknown_is_answered_with_those_there_are() {
	refused 2 "^nestnet: 'tap' wants a verb: add, del or list$" nestnet tap
	refused 2 "^nestnet: unknown command 'tap make': tap takes add, del or list$" nestnet tap make
	refused 2 "^nestnet: unknown command 'guest x': guest takes list or wait$" nestnet guest x
	refused 2 "^nestnet: unknown command 'show' \(see nestnet --help\)$" nestnet show
	refused 2 "^nestnet: unknown command 'show' \(see nestnet --help\)$" nestnet help show
}

test_host_bits_are_refused_with_the_network_that_has_none() {
	local network="the prefix has host bits set \(its network is 10\.128\.0\.12/30\)$"

	refused 2 "^nestnet: expose: alias '10\.128\.0\.13/30': $network" \
		nestnet expose 10.128.0.13/30 192.168.122.96/30
	refused 2 "^nestnet: expose: target '192\.168\.122\.97/30': .* is 192\.168\.122\.96/30\)$" \
		nestnet expose 10.128.0.12/30 192.168.122.97/30
	refused 2 "^nestnet: expose: --from '10\.128\.0\.13/30': $network" \
		nestnet expose 10.128.0.13 192.168.122.89 --from 10.128.0.13/30
	refused 2 "^nestnet: nat add: '192\.168\.122\.1/23': .* is 192\.168\.122\.0/23\)$" \
		nestnet nat add 192.168.122.1/23
	refused 2 "^nestnet: nat del: 'fd12::1/64': .* is fd12::/64\)$" nestnet nat del fd12::1/64
	refused 2 "^nestnet: alias add: '10\.128\.0\.13/30': $network" \
		nestnet alias add 10.128.0.13/30 --dev eth0
}

# As Docker and others write it.
test_a_port_that_is_written_otherwise_is_refused_with_how_it_is_written_here() {
	local every='\(a port of every address is \*:8080\)$' alias

	for alias in 8080 :8080 8080:80 0.0.0.0:8080 0.0.0.0:8080:80; do
		refused 2 "^nestnet: expose: alias '$alias': not .* $every" \
			nestnet expose "$alias" 192.168.122.89
	done
	refused 2 "alias '10\.128\.0\.13:80:8000': .* \(the guest's port is TARGET's: ADDRESS:PORT\)$" \
		nestnet expose 10.128.0.13:80:8000 192.168.122.89
	refused 2 "alias '10\.128\.0\.13/8080': .* \(a port comes behind a colon\)$" \
		nestnet expose 10.128.0.13/8080 192.168.122.89
	refused 2 "target '192\.168\.122\.89/8080': .* \(a port comes behind a colon\)$" \
		nestnet expose 10.128.0.13:80 192.168.122.89/8080
	refused 2 "alias '65536': not an IPv4 or IPv6 address$" nestnet expose 65536 192.168.122.89
	refused 2 "alias '123456': not an IPv4 or IPv6 address$" nestnet expose 123456 192.168.122.89
	refused 2 "alias 'web': not an IPv4 or IPv6 address$" nestnet expose web 192.168.122.89
	refused 2 "target '8080': not an IPv4 or IPv6 address$" nestnet expose 10.128.0.13:80 8080
	refused 2 "alias '10\.128\.0\.13/33': not an IPv4 or IPv6 prefix$" \
		nestnet expose 10.128.0.13/33 192.168.122.89
}

test_an_option_that_is_unknown_is_answered_with_the_help_to_read() {
	refused 2 "^nestnet: expose: unknown option '--egres' \(see nestnet expose --help\)$" \
		nestnet expose 10.128.0.13 192.168.122.89 --egres alias
	refused 2 "^nestnet: tap add: unknown option '-x' \(see nestnet tap add --help\)$" nestnet tap add tap0 -x
	refused 2 "^nestnet: unknown option '-x' \(see nestnet --help\)$" nestnet -x list
}

test_help_fits_a_terminal() {
	local line words

	while read -r line; do
		words=$(sed -E 's/^((tap|bridge|nat|forward|alias|guest|dhcp) )?([a-z]+) .*/\1\3/' <<<"$line")
		# shellcheck disable=SC2086
		same "nestnet $words --help: lines of more than 90" "" \
			"$(nestnet $words --help | grep -E '^.{91}' || true)"
	done < <(nestnet --help | grep '^  [a-z]')
	[[ -n ${words-} ]]
}

# shellcheck source=tests/e2e/inject.bash
source "$LAB/../e2e/inject.bash"

with_exposure() { nestnet expose 10.128.0.13 192.168.122.89; }

test_expose_is_whole_or_not_at_all_when_a_message_fails() {
	fails_whole_at_every "$sends" true expose 10.128.0.13 192.168.122.89 --egress alias
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.13 "
}

test_expose_is_whole_or_not_at_all_when_an_answer_fails() {
	fails_whole_at_every recvfrom,recvmsg,recvmmsg true expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_expose_is_whole_or_not_at_all_when_a_setting_cannot_be_written() {
	fails_whole_at_every write,pwrite64 true expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_a_replace_is_whole_or_not_at_all() {
	fails_whole_at_every "$sends" with_exposure expose 10.128.0.13 192.168.122.90 --replace
	reaches ext http 10.128.0.13 8000 "guest page of l2b,"
}

test_unexpose_is_whole_or_not_at_all() {
	fails_whole_at_every "$sends" with_exposure unexpose 10.128.0.13
	gets_nothing ext http 10.128.0.13 8000
}

test_tap_add_is_whole_or_not_at_all() {
	fails_whole_at_every "ioctl,$sends" true tap add tap0 --bridge virbr0
}

test_bridge_add_is_whole_or_not_at_all() {
	fails_whole_at_every "$sends" true \
		bridge add br0 --address 192.168.50.1/24 --address fd50::1/64
}

test_bridge_attach_is_whole_or_not_at_all() {
	ip -netns l1 link set vnet0 nomaster
	ip -netns l1 link set vnet1 nomaster
	fails_whole_at_every "$sends" true bridge attach virbr0 vnet0 vnet1
}

test_nat_add_is_whole_or_not_at_all() {
	fails_whole_at_every "$sends,pwrite64" true nat add 192.168.122.0/24
}

# Ended anywhere: nothing, all, or what the next command finishes or clear takes back.
test_a_killed_expose_is_finished_by_the_next_one_or_cleared() {
	local before n call

	before=$(l1_state)
	for call in sendto,sendmsg write,pwrite64; do
		for n in 1 2 3 4 5 6; do
			on l1 strace -f -qq -o /dev/null -e "trace=$call" \
				-e "inject=$call:signal=KILL:when=$n" \
				"$NESTNET" expose 10.128.0.13 192.168.122.89 2>/dev/null >&2 || true
			nestnet expose 10.128.0.13 192.168.122.89
			reaches ext http 10.128.0.13 8000 "guest page of l2,"
			nestnet clear
			same "L1's state, $call $n" "$before" "$(l1_state)"
		done
	done
}
