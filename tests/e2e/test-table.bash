# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The table: plain to read, and text of it can be loaded again in every state.

test_the_table_shows_the_exposure_in_plain_sight() {
	local table

	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	table=$(on l1 nft list table inet nestnet)
	matches "the table" '10\.128\.0\.13.*comment "web".* : 192\.168\.122\.89' "$table"
	same "tables" "table inet nestnet" "$(on l1 nft list tables)"
}

test_the_table_loads_again_in_every_state() {
	nestnet expose 10.128.0.13 192.168.122.89
	ruleset_loads
	nestnet expose 10.128.0.13:80 192.168.122.90:8000 --comment "a b"
	ruleset_loads
	nestnet expose 10.128.0.14 192.168.122.90 --egress alias --no-local --open
	ruleset_loads
	nestnet expose 10.128.0.15 192.168.122.91 --egress none
	nestnet expose 10.128.0.15:53/udp 192.168.122.90:7 --no-local
	ruleset_loads
	nestnet nat add 192.168.122.0/24
	nestnet nat add 192.168.50.0/24 --out eth0
	nestnet nat add 192.168.51.0/24 --to 10.128.0.12 --open
	ruleset_loads
	nestnet tap add tap0 --bridge virbr0
	ip -netns l1 link add vnet9 type veth peer name vnet9b
	nestnet bridge attach virbr0 vnet9
	ruleset_loads
	nestnet expose 10.128.0.13 192.168.122.91 --replace
	ruleset_loads
	nestnet unexpose --all
	ruleset_loads
	nestnet nat del 192.168.50.0/24
	ruleset_loads
	nestnet clear
	ruleset_loads
	same "the ruleset" "" "$(on l1 nft list ruleset)"
}

# What is in the text is all that there is: a host that restores its ruleset from a file
# has its exposures back, with their options.
test_a_reloaded_table_is_the_same_to_nestnet() {
	local before

	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --no-local --comment web
	nestnet expose 10.128.0.14:80 192.168.122.90:8000 --open
	nestnet nat add 192.168.122.0/24 --to 10.128.0.12
	before=$(nestnet -j list; nestnet -j nat list)
	on l1 nft list ruleset >"$LAB_SCRATCH/saved"
	on l1 nft flush ruleset
	on l1 nft -f "$LAB_SCRATCH/saved"
	same "the lists" "$before" "$(nestnet -j list; nestnet -j nat list)"
	reaches ext http 10.128.0.14 80 "guest page of l2b,"
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --egress alias --no-local --comment web
	nestnet unexpose 10.128.0.14:80
}

test_iptables_still_works_beside_the_table() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 iptables -A FORWARD -m comment --comment other -j ACCEPT
	matches "iptables -S" '--comment other' "$(on l1 iptables -S)"
	on l1 iptables-save >/dev/null
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

# As a whole: one batch, and nothing is dumped, whatever else is there. On a bare L1 and
# when the table is there already.
test_one_expose_sends_one_batch_and_dumps_nothing() {
	local alias trace

	for alias in 10.128.0.13 10.128.0.14 10.128.0.15:80; do
		on l1 strace -f -qq -e trace=sendmsg,sendto,sendmmsg,write -o "$LAB_SCRATCH/trace" \
			"$NESTNET" expose "$alias" 192.168.122.89
		trace=$(<"$LAB_SCRATCH/trace")
		same "batches" 1 "$(grep -o NFNL_MSG_BATCH_BEGIN <<<"$trace" | wc -l)"
		matches_not "requests" 'NLM_F_DUMP' "$trace"
	done
}

# A sixth of the time of the whole command, when it was loaded.
test_one_expose_does_without_libnl_route() {
	nestnet_alone expose 10.128.0.13 192.168.122.89
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_what_needs_libnl_route_says_that_it_is_missing() {
	refused 1 'bridge add br9: add address 192.168.99.1/24: load libnl-route: .*libnl-route-3' \
		nestnet_alone bridge add br9 --address 192.168.99.1/24
}

# nestnet_alone ARGUMENT...: where there is no libnl-route.
nestnet_alone() {
	local library

	library=$(ldconfig -p | sed -n 's/.*libnl-route-3\.so\.200 .* => //p' | head -n 1)
	# shellcheck disable=SC2016 # $0 and $@ are the inner shell's
	on l1 unshare --mount sh -c 'mount --bind /dev/null "$0" && exec "$@"' \
		"$library" "$NESTNET" "$@"
}

# An older release's table: an upgrade of the package is followed by apply.
test_a_table_of_an_older_release_is_made_anew_under_an_open_stream() {
	nestnet expose 10.128.0.13 192.168.122.89 --timeout 2h
	nestnet expose 10.128.0.14:7 192.168.122.90 --from 10.128.0.0/24
	nestnet save >"$LAB_SCRATCH/saved"
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	on l1 nft list ruleset >"$LAB_SCRATCH/older"
	sed -Ei 's/"nestnet skeleton [0-9]+"/"nestnet skeleton 0"/; /set any_open4/,/}/d' \
		"$LAB_SCRATCH/older"
	on l1 nft -f - <<<"flush ruleset; include \"$LAB_SCRATCH/older\""
	same "saved" "$(sed 's/ --timeout.*//' "$LAB_SCRATCH/saved")" \
		"$(nestnet save | sed 's/ --timeout.*//')"
	nestnet apply "$LAB_SCRATCH/saved"
	on l1 nft list set inet nestnet any_open4 >/dev/null
	stream_says in after
	reaches ext tcp 10.128.0.14 7 "l2b sees 10.128.0.50"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	changes_nothing nestnet apply "$LAB_SCRATCH/saved"
}
