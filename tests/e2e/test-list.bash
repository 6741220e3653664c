# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `list`, for people and for programs.

test_an_empty_list_is_no_failure() {
	changes_nothing nestnet list
	same "JSON" "[]" "$(nestnet -j list | jq -c .)"
	same "JSON" "[]" "$(nestnet -j list 10.128.0.13 | jq -c .)"
}

test_an_exposure_has_all_its_keys() {
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	same "JSON" \
		'{"alias":"10.128.0.13","coexist":false,"comment":"web","egress":"masquerade","except":[],"expires_s":null,"flows":0,"from":[],"id":"10.128.0.13","local":true,"open":false,"port":null,"protocol":null,"target":"192.168.122.89","target_port":null,"timeout_s":null}' \
		"$(nestnet -j list | jq -c -S '.[0]')"
}

test_a_port_has_all_its_keys() {
	nestnet expose 10.128.0.13:53/udp 192.168.122.89:7 --no-local --open
	same "JSON" \
		'{"alias":"10.128.0.13","coexist":false,"comment":null,"egress":"masquerade","except":[],"expires_s":null,"flows":0,"from":[],"id":"10.128.0.13:53/udp","local":false,"open":true,"port":"53","protocol":"udp","target":"192.168.122.89","target_port":"7","timeout_s":null}' \
		"$(nestnet -j list | jq -c -S '.[0]')"
}

test_flows_are_counted() {
	nestnet expose 10.128.0.13 192.168.122.89
	reaches ext tcp 10.128.0.13 7 "l2 sees"
	reaches ext tcp 10.128.0.13 7 "l2 sees"
	reaches ext udp 10.128.0.13 7 "l2 sees"
	same "flows" 3 "$(nestnet -j list | jq '.[0].flows')"
}

test_the_table_names_alias_and_target() {
	local table

	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	nestnet expose 10.128.0.14:80 192.168.122.90:8000
	table=$(nestnet list)
	matches "list" '10\.128\.0\.13 .*192\.168\.122\.89.* web' "$table"
	matches "list" '10\.128\.0\.14:80(/tcp)? .*192\.168\.122\.90:8000' "$table"
	same "lines, with their heading" 3 "$(wc -l <<<"$table")"
}

# Columns that nobody has use for are not there.
test_the_table_shows_the_options_that_there_are() {
	local table

	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	matches_not "heading" 'FROM|EXCEPT|EXPIRES' "$(nestnet list)"
	nestnet expose 10.128.0.15 192.168.122.90 --except 22 --except 20-21/udp
	matches "row" '^10\.128\.0\.15 .* 22/tcp,20-21/udp +0 ' "$(nestnet list | tail -n 1)"
	nestnet expose 10.128.0.14:80 192.168.122.90:8000 --timeout 2h \
		--from 10.128.0.0/24 --from 203.0.113.9
	table=$(nestnet list)
	matches "heading" '^ALIAS +TARGET +EGRESS +LOCAL +OPEN +FROM +EXCEPT +EXPIRES +FLOWS +COMMENT' \
		"$table"
	matches "row" '10\.128\.0\.14:80/tcp .* no +10\.128\.0\.0/24,203\.0\.113\.9/32 +- +7(200|1[0-9][0-9])s +0' \
		"$table"
	matches "row" '10\.128\.0\.13 .* no +- +- +- +0 web' "$table"
}

test_the_table_of_taps_shows_guards() {
	nestnet tap add tap0 --bridge virbr0
	matches_not "heading" 'GUARD' "$(nestnet tap list)"
	nestnet tap add tap1 --bridge virbr0 --guard 52:54:00:12:34:56,192.168.122.89
	matches "row" '^tap0 .* - +up' "$(nestnet tap list | sed -n 2p)"
	matches "row" '^tap1 .* 52:54:00:12:34:56,192\.168\.122\.89 +up' "$(nestnet tap list | sed -n 3p)"
}

test_an_argument_selects_by_alias_or_by_target() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14 192.168.122.90
	nestnet expose 10.128.0.14:80 192.168.122.89:8000
	same "by alias" "10.128.0.13" "$(nestnet -j list 10.128.0.13 | jq -r '.[].id' | xargs)"
	same "by port" "10.128.0.14:80/tcp" "$(nestnet -j list 10.128.0.14:80 | jq -r '.[].id' | xargs)"
	same "by target" "10.128.0.13 10.128.0.14:80/tcp" \
		"$(nestnet -j list 192.168.122.89 | jq -r '.[].id' | sort | xargs)"
	same "none" "[]" "$(nestnet -j list 10.128.0.15 | jq -c .)"
}

test_a_list_reads_the_same_in_a_pipe_and_on_a_terminal() {
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	# `script` gives its command a terminal, with its line ends.
	same "list" "$(nestnet list)" \
		"$(on l1 script -qec "$NESTNET list" /dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g')"
}

test_what_is_printed_to_a_full_disk_fails() {
	local command status

	nestnet expose 10.128.0.13 192.168.122.89
	for command in list help --version; do
		status=0
		nestnet "$command" >/dev/full 2>"$LAB_SCRATCH/stderr" || status=$?
		same "exit status of $command" 1 "$status"
		same "$command on stderr" "nestnet: write the output: No space left on device" \
			"$(<"$LAB_SCRATCH/stderr")"
	done
}
