# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# --from: only these sources reach an exposure. ext has 10.128.0.50 and 10.128.0.1; peer
# takes its source with -s.

# from SOURCE ANSWER KIND ADDRESS PORT
from() {
	local answer

	answer=$(on ext peer -s "$1" "${@:3}" 2>&1) || true
	[[ $answer == "$2"* ]] || fail "ext, as $1, asks ${*:3}: want \"$2...\", got \"$answer\""
}

# nobody SOURCE KIND ADDRESS PORT: it gets no answer.
nobody() {
	local answer

	if answer=$(on ext peer -t 300 -s "$1" "${@:2}" 2>&1); then
		fail "ext, as $1, asks ${*:2}: want nothing, got \"$answer\""
	fi
}

test_from_a_host_lets_in_that_host_alone() {
	nestnet expose 10.128.0.13 192.168.122.89 --from 10.128.0.1
	from 10.128.0.1 "l2 sees 10.128.0.1" tcp 10.128.0.13 7
	from 10.128.0.1 "l2 sees 10.128.0.1" udp 10.128.0.13 7
	nobody 10.128.0.50 tcp 10.128.0.13 7
	nobody 10.128.0.50 udp 10.128.0.13 7
	# L1 is exempt: --no-local is its option.
	reaches l1 tcp 10.128.0.13 7 "l2 sees"
}

test_from_prefixes_of_every_kind_of_length() {
	local from

	for from in 10.128.0.0/26 10.128.0.48/30 10.128.0.0/17 10.128.0.0/9 8.0.0.0/6; do
		nestnet expose 10.128.0.13 192.168.122.89 --from "$from" --replace
		from 10.128.0.50 "l2 sees" tcp 10.128.0.13 7
	done
	nobody 203.0.113.9 tcp 10.128.0.13 7
	for from in 10.128.0.0/28 10.128.0.64/26 10.128.128.0/17 11.0.0.0/8 128.0.0.0/1; do
		nestnet expose 10.128.0.13 192.168.122.89 --from "$from" --replace
		nobody 10.128.0.50 tcp 10.128.0.13 7
	done
}

test_from_cannot_be_passed_by_the_guests_own_address() {
	with_route_to_guests
	nestnet expose 10.128.0.13 192.168.122.89 --from 10.128.0.1
	nobody 10.128.0.50 tcp 192.168.122.89 7
	nobody 10.128.0.1 tcp 192.168.122.89 7
	nobody 10.128.0.50 udp 192.168.122.89 7
}

test_from_of_a_port_is_that_ports() {
	nestnet expose 10.128.0.13:2222 192.168.122.89 --from 10.128.0.0/30
	nestnet expose 10.128.0.13:7 192.168.122.89
	from 10.128.0.1 "l2 sees 10.128.0.1" tcp 10.128.0.13 2222
	nobody 10.128.0.50 tcp 10.128.0.13 2222
	from 10.128.0.50 "l2 sees 10.128.0.50" tcp 10.128.0.13 7
}

test_from_of_a_range_a_prefix_and_every_address() {
	nestnet expose 10.128.0.13:2220-2230 192.168.122.89 --from 10.128.0.1
	nestnet expose 10.128.0.14/31 192.168.122.88/31 --from 10.128.0.1
	nestnet expose '*:2222' 192.168.122.90:7 --from 10.128.0.1
	from 10.128.0.1 "l2 sees" tcp 10.128.0.13 2222
	nobody 10.128.0.50 tcp 10.128.0.13 2222
	from 10.128.0.1 "l2 sees" tcp 10.128.0.15 7
	nobody 10.128.0.50 tcp 10.128.0.15 7
	from 10.128.0.1 "l2b sees" tcp 10.128.0.2 2222
	nobody 10.128.0.50 tcp 10.128.0.2 2222
}

test_from_over_ipv6() {
	with_aliases6
	nestnet expose fd10:128::13 fd12::89 --from fd10:128::1
	from fd10:128::1 "l2 sees fd10:128::1" tcp fd10:128::13 7
	nobody fd10:128::50 tcp fd10:128::13 7
	nestnet expose fd10:128::13 fd12::89 --from fd10:128::/123 --replace
	from fd10:128::1 "l2 sees" tcp fd10:128::13 7
	nobody fd10:128::50 tcp fd10:128::13 7
	nestnet expose fd10:128::13 fd12::89 --from fd10::/13 --replace
	from fd10:128::50 "l2 sees" tcp fd10:128::13 7
	nobody fd10:128::50 tcp fd10:128::14 7
}

test_from_everybody_is_no_restriction() {
	nestnet expose 10.128.0.13 192.168.122.89 --from 0.0.0.0/0
	same "from" '[]' "$(nestnet -j list 10.128.0.13 | jq -c '.[0].from')"
	from 10.128.0.50 "l2 sees" tcp 10.128.0.13 7
}

test_from_is_kept_in_one_form() {
	nestnet expose 10.128.0.13 192.168.122.89 --from 10.2.0.0/17 --from 10.2.128.0/17 \
		--from 10.2.3.4 --from 192.0.2.7
	same "from" '["10.2.0.0/16","192.0.2.7/32"]' \
		"$(nestnet -j list 10.128.0.13 | jq -c '.[0].from')"
	changes_nothing nestnet expose 10.128.0.13 192.168.122.89 --from 192.0.2.7 \
		--from 10.2.0.0/16
	refused 1 'already exposed to 192\.168\.122\.89 with .*--from 10\.2\.0\.0/16' \
		nestnet expose 10.128.0.13 192.168.122.89 --from 10.2.0.0/16
	refused 1 'already exposed .*--from' nestnet expose 10.128.0.13 192.168.122.89
	ruleset_loads
}

test_from_goes_with_its_exposure() {
	local before

	nestnet expose 10.128.0.14:80 192.168.122.90
	before=$(on l1 nft -s list table inet nestnet)
	nestnet expose 10.128.0.13 192.168.122.89 --from 10.0.0.0/11 --from 10.128.0.1
	nestnet expose 10.128.0.13:80 192.168.122.89 --from 10.0.0.0/21
	nestnet expose 10.128.0.13:90-99 192.168.122.89 --from 10.0.0.0/21
	nestnet unexpose --target 192.168.122.89
	same "the table" "$before" "$(on l1 nft -s list table inet nestnet)"
}

test_wrong_froms() {
	refused 2 'host bits' nestnet expose 10.128.0.13 192.168.122.89 --from 10.2.0.1/16
	refused 2 'family' nestnet expose 10.128.0.13 192.168.122.89 --from fd00::/8
	refused 2 "'10.2.0.0/33'" nestnet expose 10.128.0.13 192.168.122.89 --from 10.2.0.0/33
	refused 2 "'nowhere'" nestnet expose 10.128.0.13 192.168.122.89 --from nowhere
	refused 2 "''" nestnet expose 10.128.0.13 192.168.122.89 --from ''
}
