# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# apply and diff: the host becomes exactly what a file says, in one transaction, and what is
# equal is not touched.

# applies: the file is on stdin.
applies() {
	cat >"$LAB_SCRATCH/file"
	nestnet -q apply "$LAB_SCRATCH/file"
}

# differs COMMAND LINES...: what diff says of the file on stdin, with its exit status.
differs() {
	local status=0 out

	cat >"$LAB_SCRATCH/file"
	out=$(nestnet diff "$LAB_SCRATCH/file") || status=$?
	same "diff" "$(printf '%s\n' "$@")" "$out"
	same "exit status" 1 "$status"
}

link_exists() { ip -netns l1 link show dev "$1" >/dev/null 2>&1; }
index_of() { on l1 cat "/sys/class/net/$1/ifindex"; }

NETWORK='bridge add br0 --address 192.168.50.1/24
bridge attach br0 cable0
nat add 192.168.50.0/24
tap add tap0 --bridge br0
expose 10.128.0.13 192.168.122.89 --comment "a page"
expose 10.128.0.14:80 192.168.122.90:8000'

with_cable() { ip -netns l1 link add cable0 type veth peer name cable1; }

# What changes

test_a_file_makes_all_of_a_network() {
	with_cable
	applies <<<"$NETWORK"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext http 10.128.0.14 80 "guest page of l2b,"
	same "ports of br0" "cable0 tap0" \
		"$(nestnet -j bridge list | jq -r '.[] | select(.name == "br0").ports | sort | join(" ")')"
	same "subnets" 192.168.50.0/24 "$(nestnet -j nat list | jq -r '.[].id')"
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
}

test_order_does_not_matter_and_blanks_and_comments_do_not_either() {
	with_cable
	tac <<<"$NETWORK" | sed 's/^/ \t/; s/$/  # comment/; s/--bridge br0/"--bridge" b\\r0/' |
		applies
	changes_nothing nestnet apply - <<<"$NETWORK"
	# As an editor of another system leaves it.
	changes_nothing nestnet apply - < <(printf '\xef\xbb\xbf'; sed 's/$/\r/' <<<"$NETWORK")
	changes_nothing nestnet apply - < <(printf '\xef\xbb\xbf'; nestnet -j save)
	file_refused 2 ":1:1: unknown command " < <(printf '\xef\xbb tap add tap0')
}

test_the_file_may_come_by_a_pipe() {
	with_cable
	nestnet apply - <<<"$NETWORK"
	changes_nothing nestnet apply /dev/fd/0 <<<"$NETWORK"
}

test_an_empty_file_removes_all_and_leaves_forwarding_on() {
	with_cable
	applies <<<"$NETWORK"
	applies </dev/null
	same "what is left" "forward on -4" "$(nestnet save)"
	not link_exists br0
	not link_exists tap0
	same "ip_forward" 1 "$(forwarding)"
}

test_what_others_made_stays() {
	local before

	on l1 ip tuntap add foreign mode tap
	on l1 nft add table inet other
	with_cable
	before=$(l1_state)
	applies <<<"$NETWORK"
	applies </dev/null
	nestnet -q clear
	same "L1's state" "$before" "$(l1_state)"
}

test_aliases_of_the_files_own_links() {
	local file=$'bridge add br0 --address 192.168.50.1/24\nalias add 10.77.0.4/30 --dev br0\ntap add tap0 --address 192.168.60.1/24\nalias add fd77::5 --dev tap0'

	applies <<<"$file"
	changes_nothing nestnet apply - <<<"$file"
	same "diff" "" "$(nestnet diff - <<<"$file")"
	# Replaced by another link of the same name, to which the alias goes.
	file=${file/--address 192.168.60.1/--queues 2 --address 192.168.60.1}
	applies <<<"$file"
	same "aliases" "10.77.0.4/30 br0 fd77::5/128 tap0" "$(nestnet -j alias list |
		jq -r '[.[] | select(.origin == "nestnet") | .prefix, .dev] | join(" ")')"
	changes_nothing nestnet apply - <<<"$file"
	# One goes and another comes, on a tap that has to be up first.
	applies <<<$'tap add tap1\nalias add fd78::/64 --dev tap1'
	same "saved" "tap add tap1 alias add fd78::/64 --dev tap1" \
		"$(nestnet save | xargs)"
}

test_a_bridge_changes_its_address_as_it_takes_the_uplinks() {
	local before file=$'bridge add br0 --address 192.168.50.2/24\nbridge attach br0 eth0 --move-addresses'

	before=$(l1_state)
	applies <<<"bridge add br0 --address 192.168.50.1/24"
	applies <<<"$file"
	same "saved" "$file" "$(nestnet save)"
	changes_nothing nestnet apply - <<<"$file"
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

test_an_alias_of_a_link_that_goes_is_left_out() {
	local said="nestnet: alias add --dev br0: No such device, and so it is left out"

	applies <<<$'bridge add br0 --address 192.168.50.1/24\nalias add 10.77.0.4/30 --dev br0'
	same "it says" "$said" "$(nestnet apply - 2>&1 <<<"alias add 10.77.0.4/30 --dev br0")"
	same "what is left" "" "$(nestnet save)"
}

test_diff_prints_what_apply_would_do_and_does_nothing() {
	with_cable
	applies <<<"$NETWORK"
	same "diff of the same" "" "$(nestnet diff "$LAB_SCRATCH/file")"
	changes_nothing not nestnet diff - <<<"tap add tap9"
	differs "- expose 10.128.0.13 192.168.122.89 --comment 'a page'" \
		"- tap add tap0 --bridge br0" \
		"+ tap add tap1 --bridge br0" \
		"+ expose 10.128.0.13 192.168.122.90" <<-'END'
			bridge add br0 --address 192.168.50.1/24
			bridge attach br0 cable0
			nat add 192.168.50.0/24
			tap add tap1 --bridge br0
			expose 10.128.0.13 192.168.122.90
			expose 10.128.0.14:80 192.168.122.90:8000
		END
	nestnet -j diff "$LAB_SCRATCH/file" >"$LAB_SCRATCH/json" || true
	same "JSON" '["-","-","+","+"]' "$(jq -c '[.[].op]' "$LAB_SCRATCH/json")"
	same "the same by --dry-run" "$(nestnet diff "$LAB_SCRATCH/file" || true)" \
		"$(nestnet -n apply "$LAB_SCRATCH/file")"
}

test_an_exposure_is_switched_over_with_its_options() {
	applies <<<"expose 10.128.0.13 192.168.122.89 --comment web"
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before >/dev/null
	applies <<<"expose 10.128.0.13 192.168.122.90 --no-local"
	reaches ext http 10.128.0.13 8000 "guest page of l2b,"
	gets_nothing l1 http 10.128.0.13 8000
	stream_lost in after
}

# Few are looked for one by one, and many in one list.
ends_udp_that_bypasses() {
	local i alias

	for alias in 10.128.0.13 10.128.0.14; do
		on l1 conntrack -I -p udp -s 10.128.0.50 -d "$alias" --sport 5000 --dport 7 -t 100 \
			>/dev/null 2>&1
	done
	for ((i = 1; i <= $1; i++)); do
		echo "expose 10.20.0.$i 192.0.2.$i"
	done >"$LAB_SCRATCH/many"
	echo "expose 10.128.0.13 192.168.122.89" | cat "$LAB_SCRATCH/many" - | applies
	same "tracked" "dst=10.128.0.14" \
		"$(on l1 conntrack -L -p udp --orig-port-src 5000 2>/dev/null | grep -o 'dst=10\.128\.0\.1[34]')"
}

test_udp_flows_that_would_go_past_are_ended_by_one_exposure() { ends_udp_that_bypasses 0; }
test_udp_flows_that_would_go_past_are_ended_by_many_exposures() { ends_udp_that_bypasses 100; }

# Each is in the way of the others until what is there has gone.
test_what_moves_does_not_meet_itself() {
	applies <<-'END'
		expose 10.128.0.13:8000-8009 192.168.122.89
		expose 10.128.0.13 192.168.122.89 --egress alias
		expose 192.0.2.0/24 198.51.100.0/24
		nat add 192.168.50.0/24
	END
	applies <<-'END'
		expose 10.128.0.13:8005-8010 192.168.122.90
		expose 10.128.0.14 192.168.122.89 --egress alias
		expose 192.0.2.0/25 198.51.100.0/25
		expose 192.0.2.128/25 198.51.100.0/25
		nat add 192.168.50.0/25 --open
	END
	reaches ext http 10.128.0.13 8005 "guest page of l2b," || true
	reaches l2 tcp 10.128.0.50 7 "ext sees 10.128.0.14 "
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
}

test_forwarding_that_is_asked_for_alone_is_on() {
	applies <<<"forward on -4"
	same "ip_forward" 1 "$(forwarding)"
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
	applies </dev/null
	same "ip_forward" 1 "$(forwarding)"
}

# What does not

# The flows, the counters and the clocks of what is equal go on.
test_unchanged_exposures_go_on_while_ten_thousand_others_change() {
	local i before

	for ((i = 0; i < 10000; i++)); do
		echo "expose 10.20.$((i / 256)).$((i % 256)) 192.0.2.$((i % 250 + 1))"
	done >"$LAB_SCRATCH/many"
	{
		cat "$LAB_SCRATCH/many"
		echo "expose 10.128.0.13 192.168.122.89"
		echo "expose 10.128.0.14 192.168.122.90 --timeout 1h"
	} | applies
	stream_open in ext tcp 10.128.0.13 7
	stream_says in one >/dev/null
	before=$(generation)
	{
		sed 's/ 192\.0\.2\./ 198.51.100./' "$LAB_SCRATCH/many"
		echo "expose 10.128.0.13 192.168.122.89"
		echo "expose 10.128.0.14 192.168.122.90 --timeout 7200s"
	} | applies
	same "generations" 1 $(($(generation) - before))
	matches "the stream says" '^l2 sees' "$(stream_says in two)"
	same "exposures, flows and time" '[10002,1,3600]' "$(nestnet -j list | jq -c '[length,
		(.[] | select(.alias == "10.128.0.13").flows),
		(.[] | select(.alias == "10.128.0.14").timeout_s)]')"
	before=$(generation)
	nestnet apply "$LAB_SCRATCH/file"
	same "generations" 0 $(($(generation) - before))
}

test_a_guest_keeps_its_tap_while_all_about_it_changes() {
	local index

	applies <<<"tap add tap0 --address 192.168.60.1/24"
	index=$(index_of tap0)
	on l1 sh -c 'exec 9<>/dev/net/tun; exit 0'
	applies <<-'END'
		bridge add br0 --address 192.168.50.1/24 --mtu 1400
		tap add tap0 --bridge br0 --isolated --mac 02:00:00:00:00:77 --guard 52:54:00:12:34:91
	END
	same "ifindex" "$index" "$(index_of tap0)"
	same "tap0" '["br0",[],1400,"02:00:00:00:00:77",true,["52:54:00:12:34:91"]]' \
		"$(nestnet -j tap list | jq -c '.[0] | [.bridge, .addresses, .mtu, .mac, .isolated, .guard]')"
	applies <<-'END'
		bridge add br1
		tap add tap0 --bridge br1 --no-hairpin --mtu 1300
	END
	same "ifindex" "$index" "$(index_of tap0)"
	same "tap0" '["br1",1300,false,false,[]]' \
		"$(nestnet -j tap list | jq -c '.[0] | [.bridge, .mtu, .isolated, .hairpin, .guard]')"
	not link_exists br0
	matches_not "the ruleset" guard_tap0 "$(on l1 nft list ruleset)"
}

test_a_bridge_keeps_its_ports_while_it_changes() {
	local index

	without_bridge
	applies <<-'END'
		bridge add virbr0 --address 192.168.122.2/24
		bridge attach virbr0 vnet0 vnet1
	END
	index=$(index_of virbr0)
	applies <<-'END'
		bridge add virbr0 --address 192.168.122.1/24 --address fd12::1/64 --mac 02:00:00:00:00:78 --mtu 1400
		bridge attach virbr0 vnet0 vnet1
	END
	same "ifindex" "$index" "$(index_of virbr0)"
	reaches l1 http 192.168.122.89 8000 "guest page of l2, for 192.168.122.1"
	same "virbr0" '[["192.168.122.1/24","fd12::1/64"],"02:00:00:00:00:78",1400,["vnet0","vnet1"]]' \
		"$(nestnet -j bridge list | jq -c '.[0] | [.addresses, .mac, .mtu, (.ports | sort)]')"
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
}

# Who may open it and its queues are for life.
test_a_tap_that_nobody_has_open_is_made_anew() {
	applies <<<"tap add tap0 --bridge virbr0"
	applies <<<"tap add tap0 --bridge virbr0 --owner nobody --queues 2"
	same "tap0" '["nobody",2,"virbr0"]' \
		"$(nestnet -j tap list | jq -c '.[0] | [.owner, .queues, .bridge]')"
	same "taps" 1 "$(nestnet -j tap list | jq length)"
	applies <<<"bridge add tap0"
	same "taps, bridges" '0 tap0' \
		"$(nestnet -j tap list | jq length) $(nestnet -j bridge list | jq -r '.[] | select(.managed).name')"
	applies <<<"tap add tap0"
	same "taps" 1 "$(nestnet -j tap list | jq length)"
}

test_only_what_nestnet_attached_is_detached() {
	applies <<<"bridge attach virbr0 eth9"
	ip -netns l1 link set vnet1 nomaster
	applies <<<"bridge attach virbr0 vnet0 vnet1"
	same "recorded" "bridge attach virbr0 vnet1" "$(nestnet save)"
	applies </dev/null
	same "ports" '["vnet0"]' "$(nestnet -j bridge list | jq -c '.[0].ports')"
}

test_an_attached_port_goes_from_one_bridge_to_another() {
	without_bridge
	applies <<<$'bridge add br0\nbridge add br1\nbridge attach br0 vnet0'
	differs "- bridge attach br0 vnet0" "+ bridge attach br1 vnet0 --no-hairpin" \
		<<<$'bridge add br0\nbridge add br1\nbridge attach br1 vnet0 --no-hairpin'
	nestnet apply "$LAB_SCRATCH/file"
	same "ports" '[[],["vnet0"]]' "$(nestnet -j bridge list | jq -c '[.[].ports]')"
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
	applies </dev/null
	same "vnet0's master" null "$(ip -netns l1 -j link show vnet0 | jq '.[0].master')"
}

# The kernel has that route made in the background, which on a busy machine takes a while.
has_own_route() { ip -netns l1 -6 route show table local | grep -q '^local fd10:128::2 dev br0 '; }

test_the_uplink_in_a_bridge_stays_there_and_comes_back() {
	local before

	before=$(l1_state)
	applies <<<$'bridge add br0\nbridge attach br0 eth0 --move-addresses'
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	poll has_own_route
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
	changes_nothing nestnet apply - < <(nestnet save)
	applies <<<$'bridge add br0 --address 192.168.50.1/24\nbridge attach br0 eth0 --move-addresses'
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	same "br0's own" '["10.128.0.2/24","192.168.50.1/24","fd10:128::2/64"]' \
		"$(nestnet -j bridge list | jq -c '.[] | select(.name == "br0").addresses | sort')"
	matches "saved" '^bridge add br0 --address 192\.168\.50\.1/24
bridge attach br0 eth0 --move-addresses$' "$(nestnet save)"
	poll has_own_route
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
	applies <<<$'bridge add br0\nbridge attach br0 eth0 --move-addresses'
	same "br0's own" '["10.128.0.2/24","fd10:128::2/64"]' \
		"$(nestnet -j bridge list | jq -c '.[] | select(.name == "br0").addresses | sort')"
	applies </dev/null
	nestnet -q clear
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	same "L1's state" "$(sort <<<"${before//nodad /}")" "$(l1_state | sed 's/nodad //' | sort)"
}

# Warnings and refusals

test_an_absent_interface_is_a_warning() {
	local out

	out=$(nestnet apply - 2>&1 <<<$'bridge attach virbr0 vnet9\nforward on eth9 -4\nexpose 10.128.0.13 192.168.122.89')
	same "it says" "nestnet: bridge attach vnet9: No such device, and so it is left out
nestnet: forward on eth9: No such device, and so it is left out" "$out"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "with --quiet" "" "$(nestnet -q apply - 2>&1 <<<'bridge attach virbr0 vnet9')"
}

test_what_others_made_is_not_taken_over() {
	on l1 ip tuntap add foreign mode tap
	file_refused 1 ':2:1: tap add foreign: .*nestnet did not make' <<<$'\ntap add foreign'
	file_refused 1 ':5:3: tap add foreign: .*nestnet did not make' <<-END
		expose 10.128.0.13 192.168.122.89
		expose 10.128.0.14 192.168.122.90
		# a gap, and another column
		tap add own
		  tap add foreign
		nat add 192.168.122.0/24
	END
	file_refused 1 ':1:1: bridge add virbr0: .*nestnet did not make' <<<"bridge add virbr0"
	file_refused 1 ':1:3: bridge attach eth0: a port of br8' < <(
		ip -netns l1 link add br8 type bridge
		ip -netns l1 link set eth0 master br8
		echo "  bridge attach virbr0 eth0"
	)
}

test_a_refusal_of_the_host_names_the_line_and_applies_nothing() {
	file_refused 1 ':3:2: expose 10\.128\.0\.2: .*primary address of eth0.*--force' \
		<<<$'tap add tap0\n\n expose 10.128.0.2 192.168.122.89'
	file_refused 1 ':2:1: tap add tap1: bridge br7: No such device' \
		<<<$'tap add tap0\ntap add tap1 --bridge br7'
	file_refused 1 ':2:1: nat add 192\.168\.50\.0/25: overlaps with 192\.168\.50\.0/24' \
		<<<$'nat add 192.168.50.0/24\nnat add 192.168.50.0/25'
	nestnet tap add tap0 --bridge virbr0
	without_bridge
	file_refused 1 ':1:1: tap add tap0: bridge virbr0: No such device' \
		<<<"tap add tap0 --bridge virbr0"
}

test_a_files_bridge_is_not_a_bridges_port() {
	file_refused 1 ":3:1: bridge attach br1: a bridge cannot be a bridge's port" \
		<<<$'bridge add br0\nbridge add br1\nbridge attach br0 br1'
}

test_a_tap_that_is_open_is_not_taken_from_its_guest() {
	nestnet tap add tap0 --bridge virbr0
	mkfifo "$LAB_SCRATCH/frames"
	on l1 "$NN_BUILD/tests/lab/tapguest" tap0 virbr0 \
		"from 52:54:00:12:34:91 ip 192.168.122.91 192.168.122.1 udp 9 9" \
		<"$LAB_SCRATCH/frames" >/dev/null 2>&1 &
	exec 7>"$LAB_SCRATCH/frames"
	poll has_carrier tap0
	file_refused 1 ':1:1: tap add tap0: a program has it open' \
		<<<"tap add tap0 --bridge virbr0 --owner nobody"
	same "its carrier" 1 "$(on l1 cat /sys/class/net/tap0/carrier)"
}

has_carrier() { [[ $(on l1 cat "/sys/class/net/$1/carrier") == 1 ]]; }

# file_refused STATUS REGEX: the file on stdin, by apply and by diff; what is said begins with
# the file's name. Nothing is changed.
file_refused() {
	cat >"$LAB_SCRATCH/file"
	refused "$1" "^nestnet: $LAB_SCRATCH/file$2" nestnet apply "$LAB_SCRATCH/file"
	refused 2 "^nestnet: $LAB_SCRATCH/file$2" nestnet diff "$LAB_SCRATCH/file"
}

test_a_malformed_file_is_refused_where_it_is_wrong() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet tap add tap0
	file_refused 2 ":1:1: unknown command 'frobnicate'" <<<"frobnicate"
	file_refused 2 ":3:3: unknown command 'nestnet' \(a line of a file begins behind that word\)" <<<$'tap add tap0\n# comment\n  nestnet tap add tap1'
	file_refused 2 ":1:1: 'tap' wants a verb" <<<"tap"
	file_refused 2 ":1:1: unknown command 'tap make'" <<<"tap make tap0"
	file_refused 2 ":2:1: tap add: too few arguments" <<<$'tap add tap0\ntap add'
	file_refused 2 ":1:35: expose: too many arguments, from 'more' on: it takes ALIAS TARGET" \
		<<<"expose 10.128.0.13 192.168.122.89 more"
	file_refused 2 ":1:8: expose: alias '10\.128\.0': " <<<"expose 10.128.0 192.168.122.89"
	file_refused 2 ":1:21: expose: target '192\.168': " <<<"expose  10.128.0.13 192.168"
	file_refused 2 ":1:14: tap add: unknown option '--nope'" <<<"tap add tap0 --nope"
	file_refused 2 ":1:14: tap add: unknown option '-j'" <<<"tap add tap0 -j"
	file_refused 2 ":1:9: tap add: unknown option '--dry-run'" <<<"tap add --dry-run tap0"
	file_refused 2 ":1:14: tap add: unknown option '--help'" <<<"tap add tap0 --help"
	file_refused 2 ":1:9: tap add: unknown option '-N'" <<<"tap add -N l2 tap0"
	file_refused 2 ":1:14: tap add: option '--mtu' wants a value" <<<"tap add tap0 --mtu"
	file_refused 2 ":1:20: tap add: --mtu 'big'" <<<"tap add tap0 --mtu big"
	file_refused 2 ":1:20: tap add: --mtu 'big'" <<<"tap add tap0 --mtu=big"
	file_refused 2 ":2:22: tap add: --owner 'nobody9'" <<<$'\ntap add tap0 --owner nobody9'
	file_refused 2 ":1:35: expose: --egress 'x'" <<<"expose 10.0.0.1 10.0.0.2 --egress x"
	file_refused 2 ":1:24: bridge add: '10.0.0.1': not ADDRESS/LEN" <<<"bridge add b --address 10.0.0.1"
	file_refused 2 ":2:9: nat add: '10\.0\.0\.1/8': .*host bits" <<<$'\nnat add 10.0.0.1/8'
	file_refused 2 ":1:1: expose 10\.0\.0\.1:80/tcp: .*--egress" <<<"expose 10.0.0.1:80 10.0.0.2 --egress alias"
	file_refused 2 ":2:12: a quote that does not end" <<<$'\nbridge add \'br0'
	file_refused 2 ":1:36: a quote that does not end" <<<'expose 10.0.0.1 10.0.0.2 --comment "a\"'
	file_refused 2 ":1:13: a backslash at the end of a line" <<<$'bridge add b\\'
	file_refused 2 ":2:5: a NUL byte" < <(printf 'tap add tap0\ntap \0add tap1\n')
	file_refused 2 ":1:1: tap add tap%d: " <<<"tap add tap%d"
	file_refused 2 ":1:9: expose: alias '10.0.0.1.x0d" < <(printf 'expose "10.0.0.1\r" 10.0.0.2')
	file_refused 2 ":1:17: expose: target '10.0.0.2.x0d" < <(printf 'expose 10.0.0.1 10.0.0.2\r\r\n')
	file_refused 2 ":1:13: a backslash at the end of a line" <<<$'bridge add b\\\r'
}

test_what_says_no_object_is_not_in_a_file() {
	local line

	while read -r line; do
		file_refused 2 ":2:1: [a-z ]*: not in a file" <<<$'\n'"$line"
	done <<-'END'
		unexpose 10.128.0.13
		list
		tap del tap0
		tap list
		bridge del br0
		bridge detach vnet0
		bridge list
		nat del 192.168.50.0/24
		nat list
		forward off
		forward status
		alias list
		apply -
		diff -
		save
		clear
	END
}

test_one_object_said_in_two_ways_is_refused_with_both_lines() {
	file_refused 2 ":3:1: .*said in two ways \(and in line 1\)" \
		<<<$'expose 10.128.0.13 192.168.122.89\ntap add tap0\nexpose 10.128.0.13 192.168.122.90'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" \
		<<<$'expose 10.128.0.13 192.168.122.89\nexpose 10.128.0.13 192.168.122.89 --comment x'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" <<<$'tap add tap0\ntap add tap0 --mtu 1300'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" <<<$'tap add x0\nbridge add x0'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" \
		<<<$'bridge attach virbr0 vnet0\nbridge attach br1 vnet0'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" \
		<<<$'bridge attach virbr0 tap0\ntap add tap0'
	file_refused 2 ":2:1: .*said in two ways \(and in line 1\)" \
		<<<$'nat add 192.168.50.0/24\nnat add 192.168.50.0/24 --open'
	file_refused 2 ":2:2: .*said in two ways \(and in line 1\)" \
		<<<$'expose *:80 10.0.0.1\n expose *:80/tcp 10.0.0.2'
}

test_the_same_said_twice_is_said_once() {
	applies <<-'END'
		expose 10.128.0.13 192.168.122.89 --from 10.0.0.0/8 --from 10.1.0.0/16
		expose 10.128.0.13 192.168.122.89 --from 10.0.0.0/8
		expose *:80 192.168.122.89
		expose *:80/tcp fd12::89
		tap add tap0 --bridge virbr0
		bridge attach virbr0 tap0
		tap add tap0 --bridge "virbr0" --queues 1
		nat add 192.168.50.0/24
		nat add 192.168.50.0/24
	END
	same "exposures, taps, subnets" "3 1 1" "$(nestnet -j list | jq length) $(
		nestnet -j tap list | jq length) $(nestnet -j nat list | jq length)"
	changes_nothing nestnet apply "$LAB_SCRATCH/file"
}

# on_terminal COMMAND...: what a terminal shows of it on l1, where each message takes 30 ms.
on_terminal() {
	on l1 env ASAN_OPTIONS=detect_leaks=0 script -qec "strace -qq -o /dev/null -e trace=sendto \
		-e inject=sendto:delay_enter=30000 $*" /dev/null | tr '\r' '\n'
}

test_progress_is_shown_on_a_terminal_where_it_takes_over_a_second() {
	local i

	for i in {1..10}; do
		echo "tap add tap$i"
	done >"$LAB_SCRATCH/file"
	matches "it shows" 'nestnet: apply: (plan|act) [0-9]+ of [0-9]+' \
		"$(on_terminal "$NESTNET" apply "$LAB_SCRATCH/file")"
	same "taps" 10 "$(nestnet -j tap list | jq length)"
	nestnet clear
	same "with --quiet" "" "$(on_terminal "$NESTNET" -q apply "$LAB_SCRATCH/file")"
	nestnet clear
	same "with no terminal" "" "$(on l1 strace -qq -o /dev/null -e trace=sendto \
		-e inject=sendto:delay_enter=30000 "$NESTNET" apply "$LAB_SCRATCH/file" 2>&1)"
}

test_a_file_that_cannot_be_read_is_refused() {
	refused 1 'apply: read /nonexistent: No such file' nestnet apply /nonexistent
	refused 2 'diff: read /nonexistent: No such file' nestnet diff /nonexistent
	refused 1 'apply: read /: Is a directory' nestnet apply /
	refused 2 'apply: too few arguments' nestnet apply
	refused 2 "diff: too many arguments, from 'b' on: it takes FILE" nestnet diff a b
}

# No flows, and no link that goes: they are behind what can be undone.
before_the_file() {
	nestnet -q clear
	nestnet bridge add br0 --address 192.168.50.1/24
	nestnet tap add tap0 --bridge br0
	nestnet tap add tap1
	nestnet nat add 192.168.51.0/24
	nestnet forward on -4
}

test_a_file_is_applied_whole_or_not_at_all() {
	local call n end hit=0 status before

	cat >"$LAB_SCRATCH/file" <<-'END'
		bridge add br0 --address 192.168.50.2/24 --mtu 1400
		bridge add br1
		tap add tap0 --bridge br1 --isolated --guard 52:54:00:12:34:91
		tap add tap1 --address 192.168.60.1/24 --mac 02:00:00:00:00:01
		tap add tap2 --bridge br1
		nat add 192.168.51.0/24
	END
	for call in sendmsg sendto ioctl; do
		before_the_file
		before=$(l1_state)
		# What is sent to look fails as that of diff does, which is the same: the last of it.
		n=$(on l1 strace -f -qq -e trace="$call" "$NESTNET" diff "$LAB_SCRATCH/file" 2>&1 |
			grep -c "^$call" || true)
		for ((n = (n > 3 ? n - 3 : 1) + hit % every, end = n + 60; n < end; n += every)); do
			status=0
			on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e trace="$call" \
				-e "inject=$call:error=ENOMEM:when=$n" "$NESTNET" apply \
				"$LAB_SCRATCH/file" >"$LAB_SCRATCH/out" 2>&1 || status=$?
			grep -q INJECTED "$LAB_SCRATCH/trace" || break
			hit=$((hit + 1))
			# It may have been asked once more, and so have succeeded.
			[[ $status != 0 ]] || before_the_file
			[[ $status != 0 ]] || before=$(l1_state)
			same "$call $n, which said $(<"$LAB_SCRATCH/out"): L1's state" \
				"$(sort <<<"$before")" "$(l1_state | sort)"
		done
		same "exit status in the end, with $(<"$LAB_SCRATCH/out")" 0 "$status"
	done
	[[ $hit -gt $((10 / every)) ]] || fail "only $hit calls were hit"
}
