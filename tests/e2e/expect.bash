# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the end-to-end tests say of packets and of commands. Each prints what differed and
# fails, which ends the test (errexit).

# `!` takes a command out of errexit's sight: so, not `! COMMAND`.
not() { ! "$@"; }

# What a test counts of its own is told with it, and added up at the end: figures[WHAT]=N.
declare -A figures
counts() { figures[$1]=$((${figures[$1]-0} + ${2-1})); }

fail() {
	printf '%s\n' "$@"
	return 1
}

# where LINE: the lines of the test that led to a failure, innermost first; from the trap.
where() {
	local i line=$1

	# What fails in a command substitution fails once more outside of it.
	[[ $BASH_SUBSHELL == 0 ]] || return 0
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[[ ${BASH_SOURCE[i]} != */test-*.bash ]] ||
			echo "at $(basename "${BASH_SOURCE[i]}") line $line: ${FUNCNAME[i]}" >&2
		line=${BASH_LINENO[i]}
	done
}

# same WHAT WANTED GOT
same() {
	[[ $2 == "$3" ]] || fail "$1 differs:" "$(diff <(echo "$2") <(echo "$3") || true)"
}

# matches WHAT REGEX TEXT
matches() {
	[[ $3 =~ $2 ]] || fail "$1: want /$2/, got:" "$3"
}

# matches_not WHAT REGEX TEXT
matches_not() {
	[[ ! $3 =~ $2 ]] || fail "$1: want no /$2/, got:" "$3"
}

# Where calls of a command fail in turn, or kill it: all of them, or every NN_EVERY-th, and of
# the next kind of calls from another one on, so that a short run comes to each place of some
# command.
# shellcheck disable=SC2034
every=${NN_EVERY:-1}

# Packets

# reaches HOST tcp|udp|http ADDRESS PORT ANSWER: the answer begins so.
reaches() {
	local answer

	answer=$(on "$1" peer "${@:2:3}" 2>&1) || true
	[[ $answer == "$5"* ]] || fail "$1 asks $2 $3 $4: want \"$5...\", got \"$answer\""
}

# gets_nothing HOST tcp|udp|http ADDRESS PORT. The lab answers within a few milliseconds; on an
# emulated machine NN_NOTHING says what is long enough.
gets_nothing() {
	local answer

	if answer=$(on "$1" peer -t "${NN_NOTHING:-300}" "${@:2}" 2>&1); then
		fail "$1 asks $2 $3 $4: want nothing, got \"$answer\""
	fi
}

# pings HOST ADDRESS TTL: which of the hosts answered shows in the TTL: 64 less the hops.
pings() {
	local answer

	answer=$(on "$1" ping -c 1 -W 2 "$2" 2>&1) || true
	[[ $answer == *" ttl=$3 "* ]] || fail "$1 pings $2: want ttl=$3, got:" "$answer"
}

# Commands

# refused STATUS REGEX COMMAND...: that exit status, nothing on stdout, exactly one line on
# stderr that matches, and L1 as it was: for a wrong command line, of which there are
# hundreds, just its ruleset and links.
refused() {
	local want=$1 regex=$2 status=0 before after out err state=l1_state

	shift 2
	[[ $want != 2 ]] || state=l1_links
	before=$("$state"; generation)
	out=$("$@" 2>"$LAB_SCRATCH/stderr") || status=$?
	err=$(<"$LAB_SCRATCH/stderr")
	after=$("$state"; generation)
	[[ $status == "$want" ]] || fail "$*: want exit $want, got $status" "$out" "$err"
	[[ -z $out ]] || fail "$*: refused, but on stdout:" "$out"
	[[ $(wc -l <"$LAB_SCRATCH/stderr") == 1 ]] || fail "$*: want one line on stderr, got:" "$err"
	[[ $err == "nestnet: "* ]] || fail "$*: want \"nestnet: ...\", got:" "$err"
	matches "$* says" "$regex" "$err"
	same "$*: L1's state" "$before" "$after"
	[[ $want != 2 ]] || counts "wrong inputs by hand"
}

# changes_nothing COMMAND...: succeeds, and everything is as it was, the nftables
# generation too, so that nothing was written and taken back.
changes_nothing() {
	local before after

	before=$(l1_state; generation)
	"$@" >/dev/null || fail "$*: exit $?"
	after=$(l1_state; generation)
	same "$*: L1's state" "$before" "$after"
}

# The ruleset, as text, can be loaded: over itself, and into an empty namespace, where it
# prints the same again.
ruleset_loads() {
	local before after

	before=$(on l1 nft -s list ruleset)
	on l1 nft list ruleset >"$LAB_SCRATCH/ruleset"
	on l1 nft -c -f "$LAB_SCRATCH/ruleset" || fail "nft -c refuses the ruleset"
	ip netns add reload
	ip netns exec reload nft -f "$LAB_SCRATCH/ruleset" || fail "nft -f refuses the ruleset"
	after=$(ip netns exec reload nft -s list ruleset)
	ip netns del reload
	same "the ruleset, loaded again" "$before" "$after"
}
