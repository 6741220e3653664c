# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# metrics: what Prometheus is told is what happened on the wire, in a form that it takes.

# metrics: checked against the format.
metrics() {
	nestnet metrics >"$LAB_SCRATCH/metrics"
	same "against the format" "" "$(awk -f "$LAB/../e2e/prometheus.awk" "$LAB_SCRATCH/metrics")"
	cat "$LAB_SCRATCH/metrics"
}

# metric SAMPLE: its value.
metric() { metrics | sed -n "s|^$1 ||p"; }

test_the_checker_knows_what_is_wrong() {
	local wrong

	while IFS= read -r wrong; do
		[[ -n $(printf '%b' "$wrong" | awk -f "$LAB/../e2e/prometheus.awk") ]] ||
			fail "taken for right: $wrong"
	done <<-'END'
		a 1
		# HELP a x\n# TYPE a counter\na 1
		# HELP a_total x\n# TYPE a_total gauge\na_total 1
		# HELP a x\n# TYPE a gauge\na one
		# HELP a x\n# TYPE a gauge\na 1\na 2
		# HELP a x\n# TYPE a gauge\na{b="c"} 1\na{b="c"} 2
		# HELP a x\n# TYPE a gauge\na{b="c",b="d"} 1
		# HELP a x\n# TYPE a gauge\na{b="c"d"} 1
		# HELP a x\n# TYPE a gauge\na{b="c} 1
		# HELP a x\n# TYPE b gauge\nb 1
		# HELP a x\n# TYPE a gauge\nb 1
		# HELP a x\n# TYPE a gauge\n# HELP a x\n# TYPE a gauge\n
		# HELP a x\n# TYPE a gauge\n\na 1
	END
}

test_flows_and_drops_are_counted() {
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	nestnet expose 10.128.0.14 192.168.122.90 --from 10.9.0.0/16 --timeout 1h
	with_route_to_guests
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	reaches ext tcp 10.128.0.13 7 "l2 sees"
	gets_nothing ext tcp 10.128.0.14 7
	gets_nothing ext tcp 192.168.122.89 7
	metrics >"$LAB_SCRATCH/text"
	same "exposures" 2 "$(metric nestnet_exposures)"
	same "flows" 2 "$(metric 'nestnet_exposure_flows_total{alias="10.128.0.13",target="192.168.122.89"}')"
	same "info" 1 "$(metric 'nestnet_exposure_info{alias="10.128.0.13",target="192.168.122.89",egress="masquerade",comment="web"}')"
	matches "remaining" '^3[56][0-9][0-9]\.[0-9]+$' \
		"$(metric 'nestnet_exposure_remaining_seconds{alias="10.128.0.14",target="192.168.122.90"}')"
	matches "of sources that may not" '^[1-9]' "$(metric 'nestnet_dropped_packets_total{reason="from",family="ipv4"}')"
	matches "closed" '^[1-9]' "$(metric 'nestnet_dropped_packets_total{reason="closed",family="ipv4"}')"
	matches "closed, bytes" '^[1-9]' "$(metric 'nestnet_dropped_bytes_total{reason="closed",family="ipv4"}')"
	same "spoofed" 0 "$(metric 'nestnet_dropped_packets_total{reason="spoofed",family="ipv4"}')"
	same "in the other family" 0 "$(metric 'nestnet_dropped_packets_total{reason="closed",family="ipv6"}')"
	same "forwarding" 1 "$(metric 'nestnet_forwarding_enabled{family="ipv4"}')"
	same "generation" "$(generation)" "$(metric nestnet_ruleset_generation)"
	same "ports" 2 "$(metric 'nestnet_bridge_ports{bridge="virbr0"}')"
	same "guests" "$(nestnet -j guest list | jq length)" "$(metric 'nestnet_guests{behind="virbr0"}')"
	same "received" "$(on l1 cat /sys/class/net/vnet0/statistics/rx_errors)" \
		"$(metric 'nestnet_interface_receive_errors_total{interface="vnet0"}')"
	matches "bytes" '^[1-9][0-9]+$' "$(metric 'nestnet_interface_receive_bytes_total{interface="vnet0"}')"
}

test_what_a_guard_stops_is_counted() {
	local tap=("$NN_BUILD/tests/lab/tapguest" tap0 virbr0)

	nestnet tap add tap0 --bridge virbr0 --guard 52:54:00:12:34:56,192.168.122.91
	on l1 "${tap[@]}" "from 52:54:00:12:34:56 arp 1 52:54:00:12:34:56 192.168.122.91 192.168.122.1" \
		<<<"silent from 52:54:00:99:99:99 arp 1 52:54:00:99:99:99 192.168.122.91 192.168.122.1"
	same "frames" 1 "$(metric 'nestnet_dropped_packets_total{reason="guard",family="link"}')"
	same "info" 1 "$(metric 'nestnet_interface_info{interface="tap0",kind="tap",bridge="virbr0",managed="yes"}')"
	same "carrier" 0 "$(metric 'nestnet_interface_carrier{interface="tap0"}')"
}

test_without_a_table_there_are_metrics_all_the_same() {
	same "generation" "$(generation)" "$(metric nestnet_ruleset_generation)"
	same "ruleset" "" "$(on l1 nft list ruleset)"
	same "exposures" 0 "$(metric nestnet_exposures)"
	same "table" "" "$(metrics | grep '^nestnet_table_info' || true)"
	same "drops" "" "$(metrics | grep '^nestnet_dropped' || true)"
}

test_a_name_of_an_interface_may_have_any_character() {
	ip -netns l1 link add 'a"b\c}' type bridge
	same "up" 0 "$(metrics | grep -F 'nestnet_interface_up{interface="a\"b\\c}"} ' | sed 's/.* //')"
}

test_every_shape_has_a_series_of_its_own() {
	nestnet expose '*:80' 192.168.122.89
	nestnet expose '*:80' fd12::89
	nestnet expose 10.128.0.12/31 192.168.122.96/31
	nestnet expose 10.128.0.15:100-110 192.168.122.89:200-210
	nestnet expose '[fd10:128::13]:80' fd12::89
	same "exposures" 5 "$(metric nestnet_exposures)"
	same "series" 5 "$(metrics | grep -c '^nestnet_exposure_flows_total')"
}

test_a_file_is_written_whole_or_not_at_all() {
	local file=$LAB_SCRATCH/collector/nestnet.prom

	mkdir "$LAB_SCRATCH/collector"
	(umask 077 && nestnet metrics --output "$file")
	same "against the format" "" "$(awk -f "$LAB/../e2e/prometheus.awk" "$file")"
	same "mode" 644 "$(stat -c %a "$file")"
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet metrics --output "$file"
	matches "the new state" 'nestnet_exposures 1' "$(<"$file")"
	same "files" nestnet.prom "$(ls "$LAB_SCRATCH/collector")"
	mkdir "$LAB_SCRATCH/collector/directory"
	refused 1 "metrics: write .*/directory: Is a directory" nestnet metrics --output "$LAB_SCRATCH/collector/directory"
	refused 1 "metrics: write /nowhere/x: No such file or directory" nestnet metrics --output /nowhere/x
	same "files" "directory nestnet.prom" "$(ls "$LAB_SCRATCH/collector" | xargs)"
}

test_what_is_wrong_is_said_in_one_line() {
	refused 2 "not JSON" nestnet -j metrics
	refused 2 "too many arguments" nestnet metrics all
	refused 2 "name of a file is missing" nestnet metrics --output ''
	refused 1 "CAP_NET_ADMIN is needed" on l1 setpriv --bounding-set -all --inh-caps -all \
		--reuid 65534 --regid 65534 --clear-groups "$NESTNET" metrics
}
