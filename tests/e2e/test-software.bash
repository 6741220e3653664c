# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Hooks, called by the software itself: libvirtd starts and stops a domain, QEMU opens a tap,
# NetworkManager looks at links, firewalld starts anew as a unit of a booted machine.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"
# shellcheck source=tests/lab/firewalls.bash
source "$LAB/firewalls.bash"

exposed() { nestnet -j list | jq -r '.[].alias' | xargs; }
is_exposed() { [[ $(exposed) == "$1" ]]; }

# ---- libvirt ---------------------------------------------------------------------------------

test_libvirt_brings_exposures_with_a_domain_and_what_waits_for_a_network_with_its_bridge() {
	with_software
	with_hooks
	with_libvirt_hooks
	of_domain 'Web server' "expose 10.128.0.13 192.168.122.89 --comment 'a b'"
	conf 'tap add tap7 --bridge virbr0' 'expose 10.128.0.14 192.168.122.90'
	libvirt_starts
	same "the tap's bridge" virbr0 "$(master tap7)"
	same "exposed" 10.128.0.14 "$(exposed)"
	# So that the page comes, and not only the hook.
	on l1 iptables -I FORWARD -o virbr0 -j ACCEPT

	domain_defined 'Web server'
	virsh start 'Web server' >/dev/null
	same "exposed" "10.128.0.13 10.128.0.14" "$(exposed)"
	same "its comment" "a b" "$(nestnet -j list 10.128.0.13 | jq -r '.[].comment')"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	matches "the tap of its guest" 'vnet2.* master virbr0 ' "$(ip -netns l1 -o link show vnet2)"
	# libvirtd asks once more of what runs.
	libvirtd_restarts
	same "it runs" running "$(virsh domstate 'Web server')"
	same "exposed" "10.128.0.13 10.128.0.14" "$(exposed)"

	virsh destroy 'Web server' >/dev/null
	same "exposed" 10.128.0.14 "$(exposed)"
	same "kept" "" "$(kept)"
	reaches ext tcp 10.128.0.13 22 "l1 sees"
}

test_libvirt_starts_a_domain_all_the_same_whose_file_is_wrong() {
	with_software
	with_hooks
	with_libvirt_hooks
	of_domain web 'expose 10.128.0.13' 'expose 10.128.0.13 192.168.122.89'
	libvirt_starts
	domain_defined web
	virsh start web >/dev/null
	same "exposed" 10.128.0.13 "$(exposed)"
	# Its firmware finds nothing to boot: killed, it is as stopped.
	kill -KILL "$(</run/libvirt/qemu/web.pid)"
	poll is_exposed ""
	same "kept" "" "$(kept)"
}

# ---- QEMU ------------------------------------------------------------------------------------

# qemu_starts TAP: a QEMU without a machine; its pid is QEMU. qemu_ends: by the signal, which
# it hears only some time after it has called the script.
qemu_starts() {
	NESTNET_BRIDGE=virbr0 ip netns exec l1 qemu-system-x86_64 -M none -nodefaults -display none \
		-netdev "tap,id=n,ifname=$1,script=$MACHINE_ROOT/libexec/qemu-ifup,downscript=$MACHINE_ROOT/libexec/qemu-ifdown" \
		>"$LAB_SCRATCH/qemu" 2>&1 &
	QEMU=$!
}

qemu_ends() {
	poll hears_term "$QEMU"
	kill "$QEMU"
	wait "$QEMU"
}

hears_term() { # PID
	local caught

	caught=$(sed -n 's/^SigCgt:\t*//p' "/proc/$1/status")
	[[ $((0x$caught & 1 << 14)) != 0 ]]
}

test_qemu_calls_qemu_ifup_and_qemu_ifdown() {
	with_etc
	with_hooks
	qemu_starts vm9
	poll has_master vm9 virbr0
	poll grep -q 'vm9 is a port of virbr0' "$LAB_SCRATCH/qemu"
	matches "vm9 is" '[<,]UP,LOWER_UP' "$(ip -netns l1 -o link show vm9)"
	same "kept" "bridge attach virbr0 vm9" "$(kept)"
	qemu_ends
	matches "it says" 'vm9 has left its bridge' "$(<"$LAB_SCRATCH/qemu")"
	same "kept" "" "$(kept)"
	not ip -netns l1 link show vm9 2>/dev/null
	# A tap that stays is out of the bridge.
	on l1 ip tuntap add vm8 mode tap
	qemu_starts vm8
	poll grep -q 'vm8 is a port of virbr0' "$LAB_SCRATCH/qemu"
	qemu_ends
	same "its bridge" none "$(master vm8)"
}

test_qemu_does_not_start_where_qemu_ifup_fails() {
	local status=0

	with_etc
	with_hooks
	without_bridge
	qemu_starts vm9
	wait "$QEMU" || status=$?
	same "exit status of QEMU" 1 "$status"
	matches "it says" 'virbr0.*network script .*qemu-ifup failed' "$(tr '\n' ' ' <"$LAB_SCRATCH/qemu")"
	same "kept" "" "$(kept)"
}

# ---- NetworkManager --------------------------------------------------------------------------

# networkmanager_starts COMMAND...: by that command; until it has looked at all links.
networkmanager_starts() {
	dbus_starts
	"$@" NetworkManager >"$LAB_SCRATCH/NetworkManager" 2>&1
	poll nm_state virbr8 'connected (externally)'
}

nm_state() { [[ $(on l1 nmcli -g DEVICE,STATE device | sed -n "s/^$1://p") == "$2" ]]; }

networkmanager_stops() {
	kill "$(</run/NetworkManager/NetworkManager.pid)"
	poll test ! -e /run/NetworkManager/NetworkManager.pid
}

# Bridges and taps of ours, and a bridge that somebody else made.
with_links() {
	nestnet bridge add virbr7 --address 10.9.7.1/24
	nestnet tap add tap7 --address 10.9.9.1/32
	ip -netns l1 -batch - <<-END
		link add virbr8 type bridge
		address add 10.9.8.1/24 dev virbr8
		link set virbr8 up
	END
}

test_networkmanager_leaves_alone_what_udev_told_it_is_ours() {
	local before

	with_software
	with_hooks
	with_udev
	with_links
	on l1 udevadm trigger --action=add --settle --subsystem-match=net
	before=$(l1_state)
	networkmanager_starts on l1
	nm_state virbr7 unmanaged
	nm_state tap7 unmanaged
	networkmanager_stops
	same "L1's state" "$before" "$(l1_state)"
}

# Where /sys is read-only, as in a container, it asks no udev. By the network namespace alone,
# since `ip netns exec` would mount another /sys.
test_networkmanager_without_udev_leaves_alone_what_the_example_names() {
	with_software
	with_links
	sed 's/virbr\*/virbr7/' "$TOP/hooks/NetworkManager/networkmanager.conf" \
		>/etc/NetworkManager/conf.d/nestnet.conf
	mount -o remount,bind,ro /sys
	networkmanager_starts nsenter --net=/run/netns/l1
	nm_state virbr7 unmanaged
	nm_state tap7 unmanaged
	networkmanager_stops
	rm /etc/NetworkManager/conf.d/nestnet.conf
	networkmanager_starts nsenter --net=/run/netns/l1
	poll nm_state virbr7 'connected (externally)'
}

# ---- firewalld as a unit ---------------------------------------------------------------------

# nestnet-again.service is done when the page comes, whoever brought it.
is_served() {
	poll reaches ext http 10.128.0.13 8000 "guest page of l2,"
	poll is_quiet
	same "nestnet.service" active "$(machine systemctl is-active nestnet)"
}

is_quiet() { [[ -z $(machine systemctl list-jobs --no-legend) ]]; }

test_a_restart_and_a_reload_of_firewalld_lose_no_exposure() {
	with_software
	with_hooks
	conf 'tap add tap0 --bridge virbr0' 'expose 10.128.0.13 192.168.122.89'
	machine_has firewalld.service dbus.service dbus.socket
	machine_boots nestnet
	is_served
	# It stops nftables.service, which flushes all there is.
	machine systemctl start firewalld
	same "nftables.service" inactive "$(machine systemctl is-active nftables)"
	is_served
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	machine systemctl restart firewalld
	is_served
	stream_says in "after a restart"
	# A hangup before it is ready would end it.
	poll machine firewall-cmd --state
	machine systemctl reload firewalld
	is_served
	machine firewall-cmd -q --reload
	is_served
	stream_says in "after reloads"
	# Whatever was flushed is there again when it starts.
	machine systemctl stop firewalld
	on l1 nft flush ruleset
	reaches ext tcp 10.128.0.13 22 "l1 sees"
	machine systemctl start firewalld
	is_served
	poll machine firewall-cmd --state
}
