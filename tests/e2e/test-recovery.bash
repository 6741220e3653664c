# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Whatever happened before, apply reaches the state that a file says, and clear reaches none,
# with nothing left: after a command that was killed anywhere, after somebody's flush of the
# ruleset, after a bridge that was deleted.

WANTED='bridge add virbr0 --address 192.168.122.1/24
bridge attach virbr0 vnet0
bridge attach virbr0 vnet1
nat add 192.168.122.0/24
tap add tap0 --bridge virbr0 --guard 52:54:00:12:34:91,192.168.122.91,fd12::91
expose 10.128.0.13 192.168.122.89 --comment '\''web'\''
expose 10.128.0.14:80/tcp 192.168.122.90:8000'

# It is reached, to the letter; and packets say so.
reaches_wanted() {
	nestnet -q apply - <<<"$WANTED" || fail "$1: apply: exit $?"
	same "$1: saved" "$WANTED" "$(nestnet save)"
	poll reaches ext http 10.128.0.13 8000 "guest page of l2," ||
		fail "$1: no page"
	changes_nothing nestnet apply - <<<"$WANTED"
}

# What the kernel does after an interface has gone may take it a moment.
leaves_nothing() {
	nestnet -q clear || fail "$1: clear: exit $?"
	[[ -n ${before-} ]] || return 0
	same "$1: L1's state" "$before" "$(l1_state | sort)"
}

begin() {
	without_bridge
	before=$(l1_state | sort)
}

# calls_of CALL COMMAND...: how often nestnet COMMAND calls it only to look.
calls_of() {
	on l1 strace -f -qq -e trace="$1" "$NESTNET" -n "${@:2}" 2>&1 >/dev/null | grep -c "^$1" || true
}

kill_at() { # CALL N COMMAND...
	on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e "trace=$1" \
		-e "inject=$1:signal=KILL:when=$2" "$NESTNET" "${@:3}" >/dev/null 2>&1 || true
	grep -q 'killed by' "$LAB_SCRATCH/trace"
}

# killed_at_calls PREPARE COMMAND...: kills nestnet COMMAND before its calls in turn, all or
# every NN_EVERY-th; each time the state is reached and then none, or none at once. It looks
# first, and to be killed then changes nothing: of that the last call.
killed_at_calls() {
	local prepare=$1 call n end hit=0

	shift
	for call in sendmsg sendto ioctl write; do
		"$prepare"
		n=$(calls_of "$call" "$@")
		for ((n = (n > 1 ? n - 1 : 1) + hit % every, end = n + 100; n < end; n += every)); do
			"$prepare"
			kill_at "$call" "$n" "$@" || break
			hit=$((hit + 1))
			[[ $((n % 2)) == 0 ]] || reaches_wanted "killed at $call $n of $*"
			leaves_nothing "killed at $call $n of $*"
		done
		nestnet -q clear
	done
	[[ $hit -gt 0 ]] || fail "no call of $* was hit"
}

nothing() { :; }
wanted() { nestnet -q apply - <<<"$WANTED"; }

# tests/netns/test-kill.c does so with every verb; here it is the program as it is installed,
# and packets.
test_after_an_apply_that_was_killed() {
	begin
	printf '%s\n' "$WANTED" >"$LAB_SCRATCH/wanted"
	killed_at_calls nothing apply "$LAB_SCRATCH/wanted"
}

# Somebody else's doing

# Nobody knows any more what forwarding was: so it stays on, and clear says so.
forgets_forwarding() {
	nestnet -q clear
	same "$1: ip_forward" 1 "$(forwarding)"
	same "$1: links" "" "$(ip -netns l1 -o link | grep -E 'virbr0|tap0|master' || true)"
	matches_not "$1: ruleset" nestnet "$(on l1 nft list ruleset)"
}

test_after_a_flush_of_the_ruleset() {
	begin
	wanted
	on l1 nft flush ruleset
	gets_nothing ext http 10.128.0.13 8000
	reaches_wanted "flushed"
	on l1 nft flush ruleset
	forgets_forwarding "flushed"
}

# As `systemctl restart nftables` does where its file begins with a flush of our tables alone,
# and a firewall's reload with all of its own.
test_after_our_tables_were_deleted() {
	begin
	wanted
	on l1 nft delete table inet nestnet
	reaches_wanted "inet deleted"
	on l1 nft delete table netdev nestnet
	reaches_wanted "netdev deleted"
	on l1 nft -f - <<<$'flush ruleset\ntable inet filter { chain input { type filter hook input priority 0; }; }'
	reaches_wanted "restarted"
	forgets_forwarding "restarted"
}

test_after_the_bridge_was_deleted() {
	begin
	wanted
	ip -netns l1 link del virbr0
	reaches_wanted "bridge deleted"
	ip -netns l1 link del virbr0
	leaves_nothing "bridge deleted"
}

test_after_links_were_changed_by_hand() {
	begin
	wanted
	ip -netns l1 link set tap0 down
	ip -netns l1 link set virbr0 down
	ip -netns l1 address del 192.168.122.1/24 dev virbr0
	ip -netns l1 address add 192.168.122.7/24 dev virbr0
	ip -netns l1 link set vnet0 nomaster
	ip -netns l1 link set tap0 nomaster
	reaches_wanted "changed"
	ip -netns l1 link del tap0
	reaches_wanted "tap deleted"
	leaves_nothing "changed"
}

# The record of which addresses are whose is gone; the file knows.
test_after_a_flush_the_uplink_still_comes_out_of_its_bridge() {
	local file=$'bridge add br0 --address 192.168.50.1/24\nbridge attach br0 eth0 --move-addresses'

	before=$(l1_state | sed 's/nodad //' | sort)
	nestnet apply - <<<"$file"
	on l1 nft flush ruleset
	nestnet apply - <<<"$file"
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	same "saved" "$file" "$(nestnet save)"
	nestnet -q clear
	reaches ext tcp 10.128.0.2 22 "l1 sees"
	same "L1's state" "$before" "$(l1_state | sed 's/nodad //' | sort)"
}
