# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# monitor: what changes is told, by whosever hand, once, and until it is told to stop.

# monitors ARGUMENT...: in the background, until it watches. Its lines are in $LAB_SCRATCH/told.
monitors() {
	: >"$LAB_SCRATCH/told"
	: >"$LAB_SCRATCH/told.err" # else it says of the last one that it watches
	ip netns exec l1 "$NESTNET" -v "${before_command[@]}" monitor "$@" \
		>>"$LAB_SCRATCH/told" 2>"$LAB_SCRATCH/told.err" &
	MONITOR=$!
	poll grep -q watching "$LAB_SCRATCH/told.err" || fail "$(<"$LAB_SCRATCH/told.err")"
}
before_command=() # options

# What was told, without the times.
told() { cut -d ' ' -f 2- "$LAB_SCRATCH/told"; }

is_told() { [[ $(told) == "$1" ]]; }

# tells LINES COMMAND...: the command leads to exactly these lines.
tells() {
	: >"$LAB_SCRATCH/told"
	"${@:2}" >/dev/null
	poll is_told "$1" 2>/dev/null || same "told of ${*:2}" "$1" "$(told)"
}

# ends_with STATUS: as it is told to.
ends_with() {
	local status=0

	wait "$MONITOR" || status=$?
	same "the monitor's status" "$1" "$status"
	same "what it says" "nestnet: monitor: watching" "$(<"$LAB_SCRATCH/told.err")"
}

stops() {
	kill -TERM "$MONITOR"
	ends_with 0
}

# Guests come when the bridge hears of them: at any time.
all_but_guests=(exposures taps bridges attachments nat forwarding aliases)

test_what_nestnet_does_is_told_as_it_would_be_typed() {
	monitors "${all_but_guests[@]}"
	tells "+ expose 10.128.0.13 192.168.122.89 --comment 'web'" \
		nestnet expose 10.128.0.13 192.168.122.89 --comment web --no-forward
	tells "+ forward on -4" nestnet forward on -4
	tells "+ tap add tap0 --bridge virbr0 --owner 65534 # no carrier" \
		nestnet tap add tap0 --bridge virbr0 --owner nobody
	tells "+ bridge add br1 --address 10.9.0.1/24 --mtu 1400" \
		nestnet bridge add br1 --address 10.9.0.1/24 --mtu 1400
	tells "+ nat add 10.9.0.0/24 --out eth0" nestnet nat add 10.9.0.0/24 --out eth0
	tells "+ alias add 10.7.0.0/24 --dev eth0" nestnet alias add 10.7.0.0/24 --dev eth0
	tells "- expose 10.128.0.13 192.168.122.89 --comment 'web'
+ expose 10.128.0.13 192.168.122.90" nestnet expose 10.128.0.13 192.168.122.90 --replace
	tells "- tap add tap0 --bridge virbr0 --owner 65534 # no carrier" nestnet tap del tap0
	tells "- alias add 10.7.0.0/24 --dev eth0" nestnet alias del 10.7.0.0/24
	tells "- bridge add br1 --address 10.9.0.1/24 --mtu 1400" nestnet bridge del br1
	tells "- nat add 10.9.0.0/24 --out eth0" nestnet nat del 10.9.0.0/24
	tells "- expose 10.128.0.13 192.168.122.90" nestnet unexpose 10.128.0.13
	tells "- forward on -4" nestnet forward off -4
	stops
}

test_what_is_done_by_hand_is_told_too() {
	nestnet expose 10.128.0.13 192.168.122.89 --no-forward
	monitors "${all_but_guests[@]}"
	tells "+ expose 10.128.0.14 192.168.122.90" \
		on l1 nft add element inet nestnet addr4 '{ 10.128.0.14 : 192.168.122.90 }'
	tells "- expose 10.128.0.14 192.168.122.90" \
		on l1 nft delete element inet nestnet addr4 '{ 10.128.0.14 }'
	tells "+ forward on -6" on l1 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	tells "+ tap add vnet9 # of others, down" on l1 ip tuntap add vnet9 mode tap user root
	tells "~ tap add vnet9 # of others, no carrier" ip -netns l1 link set vnet9 up
	tells "- tap add vnet9 # of others, no carrier
+ tap add vnet9 --bridge virbr0 --no-hairpin # of others, no carrier" \
		ip -netns l1 link set vnet9 master virbr0
	# Kernels before 6.2 rename no interface that is up.
	tells "~ tap add vnet9 --bridge virbr0 --no-hairpin # of others, down" \
		ip -netns l1 link set vnet9 down
	tells "+ tap add card --bridge virbr0 --no-hairpin # of others, down
- tap add vnet9 --bridge virbr0 --no-hairpin # of others, down" \
		ip -netns l1 link set vnet9 name card
	tells "- tap add card --bridge virbr0 --no-hairpin # of others, down" \
		ip -netns l1 link del card
	tells "- bridge attach virbr0 vnet1 --no-hairpin # of others" \
		ip -netns l1 link set vnet1 nomaster
	tells "+ alias add 10.128.0.77 --dev eth0 # address" \
		ip -netns l1 address add 10.128.0.77/24 dev eth0
	tells "- alias add 10.128.0.12/30 --dev eth0 # guest-agent" \
		ip -netns l1 route del local 10.128.0.12/30 dev eth0 table local
	tells "- expose 10.128.0.13 192.168.122.89" on l1 nft flush ruleset
	stops
}

has_carrier() { [[ $(on l1 cat "/sys/class/net/$1/carrier") == 1 ]]; }

test_a_guest_that_opens_its_tap_and_leaves_it_is_told() {
	local holder

	nestnet tap add tap0 --bridge virbr0
	monitors taps
	mkfifo "$LAB_SCRATCH/hold"
	on l1 "$NN_BUILD/tests/lab/tapguest" tap0 virbr0 \
		"from 52:54:00:00:00:02 arp 1 52:54:00:00:00:02 0.0.0.0 0.0.0.0" <"$LAB_SCRATCH/hold" &
	tells "~ tap add tap0 --bridge virbr0 # carrier" eval "exec {holder}>$LAB_SCRATCH/hold"
	tells "~ tap add tap0 --bridge virbr0 # no carrier" eval "exec {holder}>&-"
	stops
}

test_a_guest_that_speaks_is_told_with_its_address() {
	local mac

	mac=$(on l2 cat /sys/class/net/eth0/address)
	monitors guests
	on l1 peer tcp 192.168.122.89 7 >/dev/null
	poll grep -qE "\\+ guest $mac 192.168.122.89 # behind vnet0" "$LAB_SCRATCH/told" ||
		fail "$(told)"
	stops
}

# What is left where a half was told, and then the whole.
sum_of_told() {
	told | sed 's/ # .*//' | awk '{ op = $1; sub(/^. /, ""); n[op, $0]++; seen[$0] }
		END { for (c in seen) {
			sum = n["+", c] - n["-", c]
			if (sum) print (sum > 0 ? "+" : "-"), c
		} }' | LC_ALL=C sort
}

comes_to() { [[ $(sum_of_told) == "$1" ]]; }

test_apply_is_told_as_diff_has_it() {
	local wanted

	cat >"$LAB_SCRATCH/state" <<-'END'
		bridge add br1 --address 10.9.0.1/24
		nat add 10.9.0.0/24
		tap add tap0 --bridge br1
		alias add 10.7.0.0/24 --dev eth0
		expose 10.128.0.13 192.168.122.89 --except 22/tcp
		expose 10.128.0.14:80 192.168.122.90:8000 --from 10.128.0.0/24
		expose 10.128.0.15:100-110 192.168.122.90:200-210
	END
	nestnet expose 10.128.0.13 192.168.122.90
	wanted=$(nestnet diff "$LAB_SCRATCH/state" | LC_ALL=C sort) || true
	monitors "${all_but_guests[@]}"
	nestnet apply "$LAB_SCRATCH/state"
	poll comes_to "$wanted" || same "what is told" "$wanted" "$(sum_of_told)"
	stops
}

test_an_exposure_for_a_time_is_told_when_it_ends() {
	monitors exposures
	tells "+ expose 10.128.0.13 192.168.122.89 --timeout 2s
- expose 10.128.0.13 192.168.122.89 --timeout 2s" \
		nestnet expose 10.128.0.13 192.168.122.89 --timeout 2s
	same "between the two" yes "$(sed -E 's/^[^ ]*:([0-9.]+)[+-].*/\1/' "$LAB_SCRATCH/told" |
		awk '{ t[NR] = $1 } END { d = t[2] - t[1] + (t[2] < t[1] ? 60 : 0)
			print (d > 1.5 && d < 4 ? "yes" : d) }')"
	stops
}

# like_its_list KIND LIST: the last line's object is the row of that list.
like_its_list() {
	local line

	poll grep -q "\"kind\": \"$1\"" "$LAB_SCRATCH/told" || fail "no $1 in:" "$(<"$LAB_SCRATCH/told")"
	line=$(grep "\"kind\": \"$1\"" "$LAB_SCRATCH/told" | tail -n 1)
	same "keys of $1" '["command","kind","note","object","op","time"]' "$(jq -c keys <<<"$line")"
	same "op of $1" + "$(jq -r .op <<<"$line")"
	same "object of $1" "$(jq -S "$2" <<<"$(nestnet -j status)")" "$(jq -S .object <<<"$line")"
}

test_in_json_each_line_is_an_object_as_in_the_lists() {
	before_command=(-j)
	monitors
	nestnet expose 10.128.0.13:80 192.168.122.89:8000 --from 10.128.0.0/24 --comment web
	like_its_list exposure '.exposures[0]'
	like_its_list forwarding '.forwarding + { interface: null }'
	nestnet tap add tap0 --bridge virbr0 --guard 52:54:00:12:34:56,192.168.122.91
	like_its_list tap '.taps[] | select(.name == "tap0")'
	nestnet bridge add br1 --address 10.9.0.1/24
	like_its_list bridge '.bridges[] | select(.name == "br1")'
	nestnet nat add 10.9.0.0/24
	like_its_list nat '.nat[0]'
	nestnet alias add 10.128.0.13 --dev eth0
	like_its_list alias '.aliases[] | select(.origin == "nestnet")'
	ip -netns l1 link add veth0 type veth peer name veth1
	ip -netns l1 link set veth0 up
	nestnet bridge attach br1 veth0
	like_its_list attachment '.attached[0]'
	matches "time" '^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z$' \
		"$(jq -r .time "$LAB_SCRATCH/told" | head -n 1)"
	stops
}

test_changes_that_come_too_fast_are_told_all_the_same() {
	local i

	nestnet expose 10.128.0.13 192.168.122.89
	monitors exposures
	kill -STOP "$MONITOR"
	{
		echo 'add element inet nestnet addr4 {'
		for ((i = 0; i < 20000; i++)); do
			echo "100.64.$((i / 250)).$((i % 250 + 1)) : 192.168.122.89,"
		done
		echo '}'
	} >"$LAB_SCRATCH/many"
	on l1 nft -f "$LAB_SCRATCH/many"
	nestnet unexpose 10.128.0.13
	kill -CONT "$MONITOR"
	poll grep -q ' - expose 10.128.0.13' "$LAB_SCRATCH/told"
	poll lines_are 20002
	same "first" "! # notifications were lost; the state was read anew" "$(told | sed -n 1p)"
	same "told twice" "" "$(told | LC_ALL=C sort | uniq -d | head)"
	: >"$LAB_SCRATCH/told"
	on l1 nft flush ruleset
	poll lines_are 20000
	tells "+ expose 10.128.0.13 192.168.122.89" nestnet expose 10.128.0.13 192.168.122.89
	stops
}

lines_are() { [[ $(wc -l <"$LAB_SCRATCH/told") == "$1" ]]; }

test_it_ends_by_any_of_the_usual_signals() {
	local signal

	for signal in INT TERM HUP; do
		monitors
		kill -"$signal" "$MONITOR"
		ends_with 0
	done
}

test_it_ends_when_nobody_reads_any_more() {
	local reader status=0

	mkfifo "$LAB_SCRATCH/pipe"
	ip netns exec l1 "$NESTNET" monitor >"$LAB_SCRATCH/pipe" 2>"$LAB_SCRATCH/told.err" &
	MONITOR=$!
	exec {reader}<"$LAB_SCRATCH/pipe"
	exec {reader}<&-
	wait "$MONITOR" || status=$?
	same "status" 0 "$status"
	same "what it says" "" "$(<"$LAB_SCRATCH/told.err")"
	# And by a line that cannot be written.
	same "the first line" "+ forward on -4" "$({
		poll is_listening
		nestnet forward on -4
	} >/dev/null 2>&1 & on l1 nestnet monitor forwarding | head -n 1 | cut -d ' ' -f 2-)"
}

# Somebody has joined the group of nf_tables' notifications.
is_listening() { on l1 awk '$2 == 12 && $4 != "00000000" { found = 1 } END { exit !found }' /proc/net/netlink; }

test_it_ends_though_its_reader_stands_still() {
	local reader

	mkfifo "$LAB_SCRATCH/pipe"
	: >"$LAB_SCRATCH/told"
	ip netns exec l1 "$NESTNET" -v monitor >"$LAB_SCRATCH/pipe" 2>"$LAB_SCRATCH/told.err" &
	MONITOR=$!
	exec {reader}<"$LAB_SCRATCH/pipe"
	poll grep -q watching "$LAB_SCRATCH/told.err"
	# More than a pipe takes.
	on l1 nft -f - < <(nestnet expose 10.128.0.13 192.168.122.89 >&2
		echo 'add element inet nestnet addr4 {'
		for i in {1..250}; do
			for j in {1..8}; do echo "100.64.$j.$i : 192.168.122.89,"; done
		done
		echo '}')
	poll is_full
	stops
	exec {reader}<&-
}

# It waits for room in its pipe, which is for two descriptors; for what happens it is three.
is_full() {
	local call descriptors

	read -r call _ descriptors _ <"/proc/$MONITOR/syscall"
	[[ $call != running && $descriptors == 0x2 ]]
}

test_where_nothing_changes_it_does_nothing() {
	local before

	monitors "${all_but_guests[@]}"
	nestnet status >/dev/null
	before=$(grep ctxt_switches "/proc/$MONITOR/status")
	nestnet status >/dev/null
	same "its turns" "$before" "$(grep ctxt_switches "/proc/$MONITOR/status")"
	stops
}

test_other_tables_and_routes_are_none_of_its_business() {
	monitors exposures
	tells "+ expose 10.128.0.13 192.168.122.89" nestnet expose 10.128.0.13 192.168.122.89
	on l1 nft -f - <<-'END'
		add table inet other
		add map inet other addr4 { type ipv4_addr : ipv4_addr; }
		add element inet other addr4 { 10.128.0.14 : 192.168.122.89 }
	END
	ip -netns l1 route add 10.77.0.0/16 via 10.128.0.1
	tells "- expose 10.128.0.13 192.168.122.89" nestnet unexpose 10.128.0.13
	stops
}

test_what_is_wrong_is_said_in_one_line() {
	refused 2 "monitor: 'tap' is not one of exposures, taps, " nestnet monitor tap
	refused 2 "unknown option '--once'" nestnet monitor --once
	refused 1 "CAP_NET_ADMIN is needed" on l1 setpriv --bounding-set -all --inh-caps -all \
		--reuid 65534 --regid 65534 --clear-groups "$NESTNET" monitor
	refused 1 "nowhere" nestnet -N nowhere monitor
}

test_what_cannot_be_written_is_said() {
	local status=0

	# A full disk takes no line, and there is no use in going on.
	ip netns exec l1 "$NESTNET" -v monitor >/dev/full 2>"$LAB_SCRATCH/told.err" &
	MONITOR=$!
	poll grep -q watching "$LAB_SCRATCH/told.err"
	nestnet forward on -4
	wait "$MONITOR" || status=$?
	same "status" 1 "$status"
	matches "it says" "monitor: write the output: No space left" "$(<"$LAB_SCRATCH/told.err")"
}

test_the_namespace_can_be_another() {
	before_command=(-N /run/netns/l1)
	: >"$LAB_SCRATCH/told"
	"$NESTNET" -v -N l1 monitor exposures >>"$LAB_SCRATCH/told" 2>"$LAB_SCRATCH/told.err" &
	MONITOR=$!
	poll grep -q watching "$LAB_SCRATCH/told.err"
	tells "+ expose 10.128.0.13 192.168.122.89" nestnet expose 10.128.0.13 192.168.122.89
	stops
}
