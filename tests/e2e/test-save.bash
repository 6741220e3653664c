# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What is saved makes the same state again: of itself no change at all, and of nothing, or of
# any other state, the same ruleset, links and text.

state_of() { awk -v seed="$1" -f "$LAB/../e2e/states.awk"; }

# All that a state is, less what each making of it chooses by itself.
whole_state() {
	on l1 nft -s list ruleset | sort
	addresses_and_forwarding
}

addresses_and_forwarding() {
	ip -netns l1 -4 route show table local proto 110 | sort
	ip -netns l1 -6 route show table local proto 110 | sort
	ip -netns l1 -br address | sed -E 's/ fe80:[^ ]*//g; s/@[^ ]*//; s/ (UP|DOWN|UNKNOWN) / /' | tr -s ' ' | sort
	on l1 cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding
}

# What of it is made of nothing just so: no table that is there and empty, no clocks, and what
# was found in any order.
elements() {
	on l1 nft -j -s list ruleset | jq -c '.nftables[] | (.set // .map // empty) |
		select(.elem and .name != "hiding") | [.table, .name, ([.elem[] |
		walk(if type == "object" then del(.timeout, .expires) else . end |
			if type == "object" and .comment then .comment |= (split(" ") | sort)
			else . end)] | sort)]' | sort
	on l1 nft list ruleset | grep "chain guard_" | sort
}

# A second may have gone by; the clocks are of an hour.
saved() { nestnet save | sed -E 's/--timeout (3600|359[0-9])s/--timeout 1h/'; }

# is_saved_and_restored SEED: over whatever is there.
is_saved_and_restored() {
	local text state again

	state_of "$1" >"$LAB_SCRATCH/state"
	nestnet -q apply "$LAB_SCRATCH/state" || fail "seed $1: apply:" "$(<"$LAB_SCRATCH/state")"
	text=$(saved)
	state=$(whole_state; generation)
	again=$(nestnet diff "$LAB_SCRATCH/state") || fail "seed $1: diff of what was applied:" "$again"
	nestnet apply - <<<"$text" || fail "seed $1: apply of what was saved:" "$text"
	same "seed $1: the state" "$state" "$(whole_state; generation)"
	same "seed $1: what is saved" "$text" "$(saved)"
	[[ $(($1 % 5)) == 0 ]] || return 0
	nestnet -j status >"$LAB_SCRATCH/json"
	nestnet apply "$LAB_SCRATCH/json" || fail "seed $1: apply of JSON:" "$(<"$LAB_SCRATCH/json")"
	same "seed $1: the state, by JSON" "$state" "$(whole_state; generation)"
}

# is_made_of_nothing SEED: what was saved of the last state makes it anew.
is_made_of_nothing() {
	local text state links

	text=$(saved)
	state=$(elements) links=$(addresses_and_forwarding)
	nestnet -q clear
	nestnet apply - <<<"$text" || fail "seed $1: apply of nothing:" "$text"
	same "seed $1: what is saved, made of nothing" "$text" "$(saved)"
	same "seed $1: the elements, made of nothing" "$state" "$(elements)"
	same "seed $1: links, made of nothing" "$links" "$(addresses_and_forwarding)"
}

# is_identity FIRST LAST: each state is applied over the one before it.
is_identity() {
	local seed

	without_bridge
	on l1 nft add table inet other
	for ((seed = $1; seed <= $2; seed++)); do
		is_saved_and_restored "$seed"
		[[ $((seed % 8)) != 0 ]] || is_made_of_nothing "$seed"
	done
}

test_a_state_is_saved_as_json_too() {
	nestnet tap add tap0 --bridge virbr0
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	nestnet save -j >"$LAB_SCRATCH/json"
	same "what it has" "10.128.0.13 tap0" \
		"$(jq -r '[.exposures[].id, .taps[].name] | join(" ")' "$LAB_SCRATCH/json")"
	changes_nothing nestnet diff "$LAB_SCRATCH/json"
}

# NN_STATES is how many there are to each of the four, 125 where nothing is said.
test_save_and_apply_are_the_identity_1() { is_identity 1000 $((999 + ${NN_STATES:-125})); }
test_save_and_apply_are_the_identity_2() { is_identity 2000 $((1999 + ${NN_STATES:-125})); }
test_save_and_apply_are_the_identity_3() { is_identity 3000 $((2999 + ${NN_STATES:-125})); }
test_save_and_apply_are_the_identity_4() { is_identity 4000 $((3999 + ${NN_STATES:-125})); }
