# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `unexpose` takes back exactly what it names, and ends what that had let in.

aliases() { nestnet -j list | jq -r '.[].id' | sort | xargs; }

three_exposures() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.90
	nestnet expose 10.128.0.13:80 192.168.122.90:8000
}

test_an_unexposed_alias_is_l1s_again() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.13 22 "l2 sees"
	nestnet unexpose 10.128.0.13
	reaches ext tcp 10.128.0.13 22 "l1 sees 10.128.0.50"
	reaches l1 tcp 10.128.0.13 22 "l1 sees"
	reaches l2b tcp 10.128.0.13 22 "l1 sees"
	gets_nothing ext http 10.128.0.13 8000
	same "exposures" "[]" "$(nestnet -j list | jq -c .)"
}

test_revoked_means_revoked() {
	nestnet expose 10.128.0.13 192.168.122.89
	stream_open tcp ext tcp 10.128.0.13 7
	stream_open udp ext udp 10.128.0.13 7
	stream_open local l1 tcp 10.128.0.13 7
	stream_says tcp before
	stream_says udp before
	stream_says local before
	nestnet unexpose 10.128.0.13
	stream_lost tcp after
	stream_lost udp after
	stream_lost local after
}

test_revoking_one_port_leaves_the_flows_of_the_others() {
	nestnet expose 10.128.0.13:2222 192.168.122.89
	nestnet expose 10.128.0.13:7 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.89
	stream_open kept ext tcp 10.128.0.13 7
	stream_open other ext tcp 10.128.0.14 2222
	stream_open ended ext tcp 10.128.0.13 2222
	stream_open out l2 tcp 10.128.0.50 7
	stream_says kept before
	stream_says other before
	stream_says ended before
	stream_says out before
	nestnet unexpose 10.128.0.13:2222
	stream_lost ended after
	stream_says kept after
	stream_says other after
	stream_says out after
}

test_revoking_an_address_leaves_the_flows_of_its_exposed_ports() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.13:7 192.168.122.90
	stream_open port ext tcp 10.128.0.13 7
	stream_open address ext tcp 10.128.0.13 22
	matches "port" "^l2b sees" "$(stream_says port before)"
	matches "address" "^l2 sees" "$(stream_says address before)"
	nestnet unexpose 10.128.0.13
	stream_says port after
	stream_lost address after
}

test_flows_that_leave_as_the_alias_end_with_it() {
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias
	stream_open out l2 tcp 10.128.0.50 7
	matches "before" "^ext sees 10.128.0.13 " "$(stream_says out before)"
	nestnet unexpose 10.128.0.13
	stream_lost out after
}

test_only_the_exact_alias_is_taken_back() {
	three_exposures
	nestnet unexpose 10.128.0.13
	same "left" "10.128.0.13:80/tcp 10.128.0.14" "$(aliases)"
	reaches ext http 10.128.0.13 80 "guest page of l2b,"
	refused 1 '10\.128\.0\.13:81' nestnet unexpose 10.128.0.13:81
	refused 1 '10\.128\.0\.13:80/udp' nestnet unexpose 10.128.0.13:80/udp
	nestnet unexpose 10.128.0.13:80
	same "left" "10.128.0.14" "$(aliases)"
}

test_what_list_shows_is_what_unexpose_takes() {
	local id

	three_exposures
	for id in $(nestnet -j list | jq -r '.[].id'); do
		nestnet unexpose "$id"
	done
	same "left" "" "$(aliases)"
}

test_several_aliases_go_in_one_transaction() {
	local before

	three_exposures
	before=$(generation)
	nestnet unexpose 10.128.0.13 10.128.0.14
	same "commits" 1 "$(($(generation) - before))"
	same "left" "10.128.0.13:80/tcp" "$(aliases)"
}

test_several_aliases_of_which_one_is_absent_stay_all() {
	three_exposures
	refused 1 '10\.128\.0\.15' nestnet unexpose 10.128.0.13 10.128.0.15
	nestnet unexpose --if-exists 10.128.0.13 10.128.0.15
	same "left" "10.128.0.13:80/tcp 10.128.0.14" "$(aliases)"
}

test_target_takes_back_all_of_one_guest() {
	three_exposures
	nestnet unexpose --target 192.168.122.90
	same "left" "10.128.0.13" "$(aliases)"
	gets_nothing ext http 10.128.0.14 8000
	refused 1 '192\.168\.122\.90' nestnet unexpose --target 192.168.122.90
	changes_nothing nestnet unexpose --target 192.168.122.90 --if-exists
}

test_all_takes_back_everything() {
	three_exposures
	nestnet unexpose --all
	same "left" "" "$(aliases)"
	gets_nothing ext http 10.128.0.13 8000
	gets_nothing ext http 10.128.0.14 8000
}

test_unexpose_of_nothing_fails_unless_told_otherwise() {
	refused 1 '10\.128\.0\.13' nestnet unexpose 10.128.0.13
	changes_nothing nestnet unexpose 10.128.0.13 --if-exists
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet unexpose 10.128.0.13
	refused 1 '10\.128\.0\.13' nestnet unexpose 10.128.0.13
	changes_nothing nestnet unexpose --if-exists 10.128.0.13
	changes_nothing nestnet unexpose --all --if-exists
}

test_unexpose_leaves_no_element_behind() {
	local before

	nestnet expose 10.128.0.14:80 192.168.122.90
	before=$(on l1 nft -s list ruleset)
	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --no-local --comment x
	nestnet expose 10.128.0.13:80 192.168.122.89:8000 --open
	nestnet unexpose 10.128.0.13:80 10.128.0.13
	same "the ruleset" "$before" "$(on l1 nft -s list ruleset)"
}
