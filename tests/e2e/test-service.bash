# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# nestnet.service under a real systemd, which is the first process of L1 here: what
# /etc/nestnet/nestnet.conf says is there after boot, and comes back when it was flushed.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"

# boots_with LINE...: of nestnet.conf
boots_with() {
	with_etc
	with_hooks
	[[ $# == 0 ]] || conf "$@"
	machine_boots nestnet
}

is_active() {
	same "nestnet.service" active "$(machine systemctl is-active nestnet || journal nestnet)"
}

test_what_the_file_says_is_there_after_boot() {
	boots_with 'nat add 192.168.122.0/24' 'tap add tap0 --bridge virbr0 --owner nobody' \
		'expose 10.128.0.13 192.168.122.89 --comment web'
	is_active
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "the tap's bridge" virbr0 "$(nestnet -j tap list | jq -r '.[0].bridge')"
	same "the tap's owner" nobody "$(nestnet -j tap list | jq -r '.[0].owner')"
}

test_no_file_no_failure() {
	local before

	before=$(l1_state)
	boots_with
	same "nestnet.service" inactive "$(machine systemctl is-active nestnet)"
	same "failed units" "" "$(machine systemctl list-units --failed --no-legend --plain)"
	same "L1's state" "$before" "$(l1_state)"
}

test_a_wrong_file_is_named_with_its_line_in_the_journal_and_changes_nothing() {
	boots_with 'expose 10.128.0.13 192.168.122.89' 'expose 10.128.0.14'
	same "nestnet.service" failed "$(machine systemctl is-active nestnet)"
	matches "the journal" '/etc/nestnet/nestnet.conf:2:' "$(journal nestnet)"
	same "exposed" "" "$(nestnet list)"
}

# nftables.service is done before nestnet.service comes again: until that is, too.
is_served() {
	poll machine systemctl is-active nestnet
	poll reaches ext http 10.128.0.13 8000 "guest page of l2,"
	poll machine systemctl is-active nestnet
}

test_a_restart_of_nftables_loses_no_exposure_and_no_tap() {
	local index

	boots_with 'tap add tap0 --bridge virbr0' 'expose 10.128.0.13 192.168.122.89'
	index=$(on l1 cat /sys/class/net/tap0/ifindex)
	machine systemctl restart nftables
	is_served
	same "the tap" "$index" "$(on l1 cat /sys/class/net/tap0/ifindex)"
}

test_a_reload_of_nftables_loses_no_exposure() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	machine systemctl reload nftables
	is_served
}

test_nftables_that_was_stopped_brings_the_exposures_when_it_starts() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	machine systemctl stop nftables
	reaches ext tcp 10.128.0.13 22 "l1 sees"
	machine systemctl start nftables
	is_served
}

test_stopping_the_service_cuts_off_nobody() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	machine systemctl stop nestnet
	stream_says in after
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_a_reload_applies_what_has_changed_and_leaves_streams_alone() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	conf 'expose 10.128.0.13 192.168.122.89' 'expose 10.128.0.14 192.168.122.90'
	machine systemctl reload nestnet
	reaches ext http 10.128.0.14 8000 "guest page of l2b,"
	stream_says in after
	conf 'expose 10.128.0.13 192.168.122.89'
	machine systemctl reload nestnet
	reaches ext tcp 10.128.0.14 22 "l1 sees"
	stream_says in "after that too"
}

# kept_by_a_hook LINE
kept_by_a_hook() {
	mkdir -p /run/nestnet
	echo "$1" >/run/nestnet/test.conf
}

test_what_a_hook_keeps_outlives_a_reload_and_a_restart_of_nftables() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	nestnet expose 10.128.0.14 192.168.122.90
	kept_by_a_hook 'expose 10.128.0.14 192.168.122.90'
	stream_open in ext tcp 10.128.0.14 7
	stream_says in before
	machine systemctl reload nestnet
	stream_says in after
	machine systemctl restart nftables
	is_served
	reaches ext http 10.128.0.14 8000 "guest page of l2b,"
}

test_where_a_hook_contradicts_the_file_the_file_counts() {
	boots_with 'expose 10.128.0.13 192.168.122.89'
	kept_by_a_hook 'expose 10.128.0.13 192.168.122.90'
	machine systemctl reload nestnet
	matches "the journal" 'without what hooks asked for' "$(journal nestnet)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

# What the unit is confined to is asked of processes in its place.
confined() {
	mkdir -p /etc/systemd/system/nestnet.service.d
	printf '[Service]\nExecStart=\nExecStart=%s\n' "$1" \
		>/etc/systemd/system/nestnet.service.d/test.conf
	machine systemctl daemon-reload
	machine systemctl restart nestnet
}

test_the_service_may_do_its_work_and_nothing_else() {
	local capabilities not_allowed

	boots_with '# nothing'
	confined '/bin/sh -c "cat /proc/self/status; echo 1 >/proc/sys/net/ipv4/ip_forward"'
	capabilities=$(journal nestnet | sed -n 's/^CapEff:\t//p')
	same "capabilities (CAP_NET_ADMIN)" 0000000000001000 "$capabilities"
	same "forwarding" 1 "$(forwarding)"
	confined '/usr/bin/test -c /dev/net/tun'
	for not_allowed in '/bin/sh -c "echo 1 >/proc/sys/kernel/panic"' '/usr/bin/touch /etc/x' \
		'/usr/bin/touch /run/x' '/usr/bin/touch /var/x' '/usr/bin/unshare -n true' \
		'/bin/bash -c "echo >/dev/udp/127.0.0.1/9"'; do
		not confined "$not_allowed" 2>/dev/null || fail "the service may: $not_allowed"
	done
}

test_the_metrics_of_the_host_are_in_node_exporters_directory() {
	local directory=/var/lib/prometheus/node-exporter

	mount -t tmpfs tmpfs /var/lib
	mkdir -p "$directory"
	chown 65534 "$directory"
	boots_with 'expose 10.128.0.13 192.168.122.89'
	machine systemctl start nestnet-metrics || fail "$(journal nestnet-metrics)"
	matches "exposures" 'nestnet_exposures 1' "$(<"$directory/nestnet.prom")"
	same "mode" 644 "$(stat -c %a "$directory/nestnet.prom")"
	machine systemctl start nestnet-metrics.timer
	same "the timer" active "$(machine systemctl is-active nestnet-metrics.timer)"
}

test_no_directory_of_node_exporter_no_failure() {
	mount -t tmpfs tmpfs /var/lib
	boots_with
	machine systemctl start nestnet-metrics
	same "failed units" "" "$(machine systemctl list-units --failed --no-legend --plain)"
}

# analyzed UNIT TENTHS: 100 is a service that may do all.
analyzed() {
	local file=$LAB_SCRATCH/units/${1/@/@virbr0}

	mkdir -p "$LAB_SCRATCH/units"
	if [[ -e $TOP/hooks/systemd/$1 ]]; then
		cp "$TOP/hooks/systemd/$1" "$file"
	else
		rendered "hooks/systemd/$1" "$file" 644
	fi
	same "systemd-analyze verify" "" "$(systemd-analyze --man=no verify "$file" 2>&1)"
	systemd-analyze --no-pager security --offline=true --threshold="$2" "$file" \
		>"$LAB_SCRATCH/security" ||
		fail "exposed more than $2 tenths:" "$(grep -E '^✗|Overall' "$LAB_SCRATCH/security")"
}

test_systemd_analyze_has_nothing_against_the_units() {
	with_etc
	with_hooks
	analyzed nestnet.service 20
	analyzed nestnet-again.service 40
	# It serves a network, and becomes another user.
	analyzed nestnet-dhcp@.service 40
	analyzed nestnet-metrics.service 20
	cp "$TOP/hooks/systemd/nestnet-metrics.timer" "$LAB_SCRATCH/units"
	same "systemd-analyze verify" "" \
		"$(systemd-analyze --man=no verify "$LAB_SCRATCH/units/nestnet-metrics.timer" 2>&1)"
}

test_the_sysctl_drop_in_sets_nothing() {
	local before

	before=$(l1_state)
	on l1 /lib/systemd/systemd-sysctl "$TOP/hooks/systemd/50-nestnet.conf"
	same "L1's state" "$before" "$(l1_state)"
}

test_the_example_of_nestnet_conf_can_be_applied() {
	without_bridge
	nestnet apply "$TOP/hooks/systemd/nestnet.conf"
	on l1 ip link set vnet0 master virbr0
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "forwarding" 1 "$(forwarding)"
}
