# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The manual pages and the README are true: their examples run and print what is shown,
# they name all that there is, and mandoc has nothing to say against them.

TOP=$(cd "$LAB/../.." && pwd)
MAN=$TOP/man

# The literal displays of a page's EXAMPLES, as a reader sees them.
examples_of() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$1" |
		sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.[BE]d/!p}' | sed 's/\\-/-/g; s/\\e/\\/g'
}

# The first of them alone.
example_of() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/{/^\.Bd/,/^\.Ed/{/^\.[BE]d/d; s/\\-/-/g; s/\\e/\\/g; p}}' "$1"
}

# The commands of the README's tour, and what they print.
tour_of() { sed -nE '/^## A tour/,/^## From/s/^    (lab)?//p' "$1"; }

# The program in C of a Markdown text.
# shellcheck disable=SC2016
program_of() { sed -n '/^```c$/,/^```$/{/^```/!p}' "$1"; }

# prints_as_shown FILE: each line after a "# " is run in L1, and prints the lines below it.
prints_as_shown() {
	local line command='' shown='' lines

	mapfile -t lines <"$1"
	for line in "${lines[@]}" '# '; do
		if [[ $line != "# "* ]]; then
			shown+=$line$'\n'
			continue
		fi
		[[ -z $command ]] || prints "$command" "${shown%$'\n'}"
		command=${line#"# "} shown=''
	done
}

prints() { # COMMAND OUTPUT
	local out

	out=$(eval "$1" 2>&1) || fail "$1: exit $?" "$out"
	same "$1" "$(less_ports <<<"$2")" "$(less_ports <<<"$out")"
}

# The port that a client happened to have, at the end of the guest's page; MAC addresses, and
# when a guest was last heard; and the second of a timeout that may have gone by.
less_ports() {
	sed -E '/^guest page/s/ [0-9]+$//; s/([0-9a-f]{2}:){5}[0-9a-f]{2}/MAC/
		/ guest /s/(reachable|stale|delay|probe)$/heard/; s/--timeout 71[0-9]+s/--timeout 7200s/'
}

test_the_examples_of_nestnet_1_run_in_their_order_and_print_what_is_shown() {
	local before

	before=$(l1_state)
	examples_of "$MAN/nestnet.1" >"$LAB_SCRATCH/examples"
	[[ $(grep -c '^# nestnet' "$LAB_SCRATCH/examples") -ge 10 ]] || fail "where are the examples?"
	prints_as_shown "$LAB_SCRATCH/examples"
	same "L1's state" "$before" "$(l1_state)"
}

test_the_tour_of_the_readme_goes_as_it_says() {
	local before

	before=$(l1_state)
	tour_of "$TOP/README.md" >"$LAB_SCRATCH/tour"
	[[ $(grep -c '^# nestnet' "$LAB_SCRATCH/tour") -ge 5 ]] || fail "where is the tour?"
	prints_as_shown "$LAB_SCRATCH/tour"
	same "L1's state" "$before" "$(l1_state)"
}

# built_program NAME SOURCE: with the library under test, and its sanitizers, if any.
built_program() {
	local flags

	flags=$(sed -n 's/^NN_LDFLAGS = //p' "$NN_BUILD/Makefile")
	# shellcheck disable=SC2086
	gcc -std=c99 -Wall -Wextra -Wpedantic -Werror $flags -I"$TOP/include" -x c "$2" \
		-L"$NN_BUILD/.libs" -lnestnet -o "$LAB_SCRATCH/$1"
}

test_the_example_of_libnestnet_3_is_a_program_that_exposes_its_guest() {
	local monitor

	example_of "$MAN/libnestnet.3" >"$LAB_SCRATCH/vm.c"
	built_program vm "$LAB_SCRATCH/vm.c"
	mkfifo "$LAB_SCRATCH/keys" "$LAB_SCRATCH/screen"
	on l1 "$LAB_SCRATCH/vm" virbr0 10.128.0.13 192.168.122.89 \
		<"$LAB_SCRATCH/keys" >"$LAB_SCRATCH/screen" &
	monitor=$!
	exec 7>"$LAB_SCRATCH/keys" 8<"$LAB_SCRATCH/screen"
	same "it says" "vm0 is for the guest; Enter ends it" "$(head -n 1 <&8)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "the tap's bridge" virbr0 "$(nestnet -j tap list | jq -r '.[] | select(.name == "vm0").bridge')"
	echo >&7
	wait "$monitor"
	same "left" "" "$(nestnet list; nestnet tap list)"
}

test_the_example_of_libnestnet_tap_3_is_a_program_with_a_tap_of_its_own() {
	local out

	example_of "$MAN/libnestnet-tap.3" >"$LAB_SCRATCH/tapexec.c"
	built_program tapexec "$LAB_SCRATCH/tapexec.c"
	out=$(on l1 "$LAB_SCRATCH/tapexec" virbr0 \
		sh -c 'readlink /proc/self/fd/3; cat /proc/self/fdinfo/3; ip link show master virbr0')
	matches "descriptor 3" '/dev/net/tun' "$out"
	matches "its interface" 'iff:.vm0' "$out"
	matches "it is there" ' vm0: ' "$out"
	same "left" "" "$(nestnet tap list)"
	matches "without a bridge" 'bridge br7: No such device$' \
		"$(on l1 "$LAB_SCRATCH/tapexec" br7 true 2>&1 || true)"
}

# says WHAT EXIT OUTPUT ARGUMENT...: what the example of a family says on L1.
says() {
	local out status=0

	out=$(on l1 "$LAB_SCRATCH/$1" "${@:4}" 2>&1) || status=$?
	same "exit of $1 ${*:4}" "$2" "$status"
	same "$1 ${*:4}" "$3" "$out"
}

test_the_example_of_each_family_is_a_program_that_does_what_it_says() {
	local page name n=0 before

	before=$(l1_state)
	for page in "$MAN"/libnestnet-*.3; do
		name=${page##*libnestnet-} name=${name%.3}
		example_of "$page" >"$LAB_SCRATCH/$name.c"
		built_program "$name" "$LAB_SCRATCH/$name.c" || fail "the example of ${page##*/}"
		n=$((n + 1))
	done
	[[ $n -ge 12 ]] || fail "where are the pages?"

	says address 1 $'10.1:80: not an IPv4 or IPv6 address\n10.128.0.13\n[2001:db8::13]:80/tcp' \
		10.128.0.13 '[2001:DB8:0::13]:80' 10.1:80
	says context 0 "libnestnet $(nestnet --version | cut -d ' ' -f 2)"$'\nhere: IPv4 is not forwarded'
	says context 1 $'network namespace nowhere: No such file or directory\nlibnestnet '"$(nestnet --version | cut -d ' ' -f 2)" \
		nowhere
	says doctor 1 $'10.128.0.13: it is not exposed\n        nestnet expose 10.128.0.13 TARGET' \
		10.128.0.13
	says transaction 0 $'+ bridge add br5 --address 192.168.200.1/24\n+ nat add 192.168.200.0/24\n+ forward on -4' \
		br5 192.168.200.1/24 192.168.200.0/24
	says transaction 1 'bridge add br5: exists already, with address 192.168.200.1/24' \
		br5 192.168.201.1/24 192.168.201.0/24
	says nat 0 $'192.168.200.0/24 is closed\n192.168.201.0/24 is closed' 192.168.201.0/24
	on l1 ip link add port0 type veth peer name port1
	says bridge 0 'port0 is a port of br6' br6 192.168.202.1/24 port0
	says forward 0 $'by eth0\nforwarding is on' 10.128.0.50
	says forward 0 $'that is L1 itself\nforwarding is on' 10.128.0.2
	says alias 0 $'10.128.0.12/30 on eth0\n10.128.0.20 on eth0, by nestnet' 10.128.0.20 eth0
	says expose 0 '10.128.0.13 leads to 192.168.122.89 for 3600 s' \
		10.128.0.13 192.168.122.89 10.128.0.0/24
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	says counter 0 ''
	matches "guest" '^([0-9a-f]{2}:){5}[0-9a-f]{2} has 192\.168\.122\.89$' \
		"$(on l1 "$LAB_SCRATCH/guest" vnet0)"
	same "state" "$(nestnet save)" "$(on l1 "$LAB_SCRATCH/state")"
	says state 0 '' clear
	on l1 ip link del port0
	same "L1's state" "$before" "$(l1_state)"
}

test_man_finds_each_function() {
	local root=$LAB_SCRATCH/root man name text n=0

	make -s -C "$NN_BUILD" -o Makefile DESTDIR="$root" install-man install-man-links \
		>"$LAB_SCRATCH/install"
	man=$(dirname "$(find "$root" -name man3)")
	while read -r name; do
		text=$(cd "$man" && mandoc -Tascii "man3/$name.3" 2>/dev/null | sed 's/.\x08//g')
		[[ $text == *"SYNOPSIS"*" $name("*"DESCRIPTION"* ]] || fail "man $name"
		n=$((n + 1))
	done < <(sed -nE 's/^\t(nestnet_[a-z_]+);$/\1/p' "$TOP/libnestnet/libnestnet.sym")
	[[ $n -gt 50 ]] || fail "where are the functions?"
}

test_the_example_of_libnestnet_monitor_3_is_a_program_that_tells_of_exposures() {
	local watcher i

	example_of "$MAN/libnestnet-monitor.3" >"$LAB_SCRATCH/watch.c"
	built_program watch "$LAB_SCRATCH/watch.c"
	mkfifo "$LAB_SCRATCH/screen"
	ip netns exec l1 "$LAB_SCRATCH/watch" >"$LAB_SCRATCH/screen" &
	watcher=$!
	exec 8<"$LAB_SCRATCH/screen"
	# What is there as the program begins is nothing new, and what comes and goes at once
	# is told neither.
	for ((i = 0; i < 5; i++)); do
		nestnet expose 10.128.0.13 192.168.122.89
		is_told && break
		nestnet unexpose 10.128.0.13
		is_told && break
	done
	[[ $i -lt 5 ]] || fail "it tells of nothing"
	kill "$watcher"
}

is_told() {
	local line

	read -r -t 2 line <&8 && [[ $line == ?" expose 10.128.0.13 192.168.122.89" ]]
}

test_the_program_of_the_readme_lists_what_is_exposed() {
	program_of "$TOP/README.md" >"$LAB_SCRATCH/aliases.c"
	built_program aliases "$LAB_SCRATCH/aliases.c"
	nestnet expose 10.128.0.13 192.168.122.89
	matches "it prints" '10\.128\.0\.13' "$(on l1 "$LAB_SCRATCH/aliases")"
}

# Which other manuals are installed is no matter.
test_mandoc_finds_nothing_to_say() {
	local page

	for page in "$MAN"/*.[0-9]; do
		same "$page" "" "$(mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found' || true)"
	done
}

# page SECTION...: as text, without the formatter's own line breaks and hyphenation.
page_text() { mandoc -Tascii "$1" 2>/dev/null | sed -E 's/.\x08//g' | tr -s ' \n' ' '; }

test_nestnet_1_names_every_command_and_option() {
	local text noun verb option

	text=$(page_text "$MAN/nestnet.1")
	while read -r noun verb; do
		# Of "forward on | off | status" the first one stands beside its noun.
		[[ $noun != forward ]] || verb=
		[[ $text == *"$noun${verb:+ $verb} "* ]] || fail "nestnet.1 has no $noun $verb"
	done < <(commands)
	for option in $(options); do
		[[ $text == *" $option"[\ ,]* || $text == *"[$option"[\ \]]* ]] ||
			fail "nestnet.1 has no $option"
	done
}

commands() { nestnet --help | sed -nE 's/^  ([a-z]+( [a-z]+)?) +[a-z].*/\1/p'; }

options() {
	local words

	while read -ra words; do
		nestnet "${words[@]}" --help
	done < <(commands) | grep -oE -e '--[a-z][a-z-]+' | sort -u
}

test_nestnet_model_7_names_chains_sets_and_a_link_group_that_there_are() {
	local name ruleset links

	nestnet expose 10.128.0.13 192.168.122.89
	nestnet tap add tap7
	ruleset=$(on l1 nft list table inet nestnet)
	for name in found $(sed -nE '/^\.Ss Layout/,/^\.Ss Prec/s/^\.(It|Pq) Cm ([a-z0-9]+).*/\2/p' \
		"$MAN/nestnet-model.7"); do
		grep -qE "(chain|map|set) $name "'\{' <<<"$ruleset" || fail "the table has no $name"
	done
	matches "the table" 'priority dstnat - 10' "$ruleset"
	matches "the table" 'priority srcnat - 10' "$ruleset"
	matches "the table" 'hook output priority -110' "$ruleset"
	links=$(ip -netns l1 -o link show group 1852142452)
	matches "links of the group" ' tap7: ' "$links"
}

test_libnestnet_3_names_every_public_function() {
	local name

	while read -r name; do
		grep -q "^\.It Fn $name\$" "$MAN/libnestnet.3" || fail "libnestnet.3 has no $name"
	done < <(sed -nE 's/^\t(nestnet_[a-z_]+);$/\1/p' "$TOP/libnestnet/libnestnet.sym")
}
