# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2016
#
# Hooks of other software: udev and ifupdown as they are, QEMU and libvirt as they document
# that they call them; how they really do is in test-software.bash.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"

# udev

properties() { on l1 udevadm info --query=property "/sys/class/net/$1"; }
has_property() { properties "$1" | grep -qx "$2"; }

test_udev_puts_a_tap_that_is_named_so_into_its_bridge() {
	with_udev
	on l1 ip tuntap add vm7 mode tap
	poll has_master vm7 virbr0
	poll test -e /run/nestnet/port-vm7.conf
	same "kept" "bridge attach virbr0 vm7" "$(kept)"
	matches "vm7 is" '[<,]UP[,>]' "$(ip -netns l1 -o link show vm7)"
	on l1 ip tuntap add other mode tap
	on l1 udevadm settle
	same "other's bridge" none "$(master other)"
}

test_udev_forgets_a_tap_that_went() {
	with_udev
	on l1 ip tuntap add vm7 mode tap
	poll test -e /run/nestnet/port-vm7.conf
	on l1 ip link del vm7
	poll test ! -e /run/nestnet/port-vm7.conf
	same "changes of clear" "" "$(nestnet -n clear | grep vm7 || true)"
}

test_udev_tells_others_to_leave_alone_what_nestnet_made() {
	with_udev
	nestnet bridge add br7
	nestnet tap add tap7
	poll has_property br7 NM_UNMANAGED=1
	poll has_property tap7 NM_UNMANAGED=1
	# As slowly as a busy machine would: long after udev was told of it.
	on l1 ip tuntap add tap8 mode tap
	poll test -e /run/udev/data/n"$(on l1 cat /sys/class/net/tap8/ifindex)"
	on l1 ip link set tap8 group 1852142452
	poll has_property tap8 NM_UNMANAGED=1
	has_property br7 NESTNET=1 || fail "no NESTNET=1:" "$(properties br7)"
	on l1 ip link add foreign type bridge
	on l1 udevadm settle
	matches_not "a link of others" 'NM_UNMANAGED|NESTNET' "$(properties foreign)"
}

# An administrator's file that is meant for all cables, and takes in too much.
test_networkd_leaves_alone_what_nestnet_made() {
	with_udev
	nestnet bridge add br7
	on l1 ip link add br8 type bridge
	rm -rf /etc/systemd/network
	mkdir -p /etc/systemd/network
	cp "$TOP/hooks/networkd/05-nestnet.network" /etc/systemd/network/
	printf '%s\n' '[Match]' 'Name=br*' '[Network]' 'ConfigureWithoutCarrier=yes' \
		'IPv6AcceptRA=no' 'LinkLocalAddressing=no' 'Address=10.99.0.1/24' \
		>/etc/systemd/network/10-all.network
	on l1 udevadm trigger --action=add --settle /sys/class/net/br7 /sys/class/net/br8
	mkdir -p /run/systemd/netif/{links,leases,lldp}
	chown -R systemd-network: /run/systemd/netif
	on l1 /lib/systemd/systemd-networkd >"$LAB_SCRATCH/networkd" 2>&1 &
	poll has_address br8 10.99.0.1/24
	poll grep -x ADMIN_STATE=unmanaged \
		"/run/systemd/netif/links/$(on l1 cat /sys/class/net/br7/ifindex)"
	not has_address br7 10.99.0.1/24
}

has_address() { ip -netns l1 -o address show dev "$1" | grep -qF " $2 "; }

test_udev_with_a_hostile_name_runs_nothing_and_changes_nothing() {
	with_udev
	on l1 ip tuntap add name 'vm7;$(id>x)"' mode tap
	on l1 udevadm settle
	same "its bridge" none "$(master 'vm7;$(id>x)"')"
	same "kept" "" "$(kept)"
	not ls /run/x x 2>/dev/null
	matches "it says" "not the names of a bridge and an interface: 'virbr0', 'vm7;" \
		"$(hook_as ACTION=add NESTNET_BRIDGE=virbr0 "INTERFACE=vm7;\$(id>x)" udev-port)"
}

# hook_as VARIABLE=VALUE... SCRIPT [ARGUMENT...]: what it says.
hook_as() {
	local script variables=()

	while [[ $1 == *=* ]]; do
		variables+=("$1")
		shift
	done
	script=$MACHINE_ROOT/libexec/$1
	on l1 env "${variables[@]}" "$script" "${@:2}" 2>&1
}

# ifupdown

# ifupdown VERB INTERFACE: the real one.
ifupdown() { on l1 env PATH="$PATH" "$@" -i /etc/network/interfaces; }

# with_interfaces LINE...: of /etc/network/interfaces
with_interfaces() {
	with_etc
	with_hooks
	mkdir -p /run/network
	rendered hooks/ifupdown/nestnet /etc/network/if-up.d/nestnet
	cp /etc/network/if-up.d/nestnet /etc/network/if-down.d/nestnet
	printf '%s\n' "$@" >/etc/network/interfaces
	# On the way where ifup looks for the commands of a stanza.
	mount --bind "$MACHINE_ROOT/bin" /usr/local/sbin
}

test_ifupdown_puts_an_interface_into_the_bridge_of_its_stanza_and_takes_it_out() {
	local before

	before=$(l1_state)
	with_interfaces 'iface tap7 inet manual' \
		'	pre-up nestnet tap add tap7 --owner nobody' \
		'	nestnet-bridge virbr0' \
		'	post-down nestnet tap del tap7 --if-exists'
	ifupdown ifup tap7
	same "the tap's bridge" virbr0 "$(master tap7)"
	same "kept" "bridge attach virbr0 tap7" "$(kept)"
	ifupdown ifdown tap7
	same "kept" "" "$(kept)"
	nestnet -q clear
	same "L1's state" "$before" "$(l1_state)"
}

test_the_example_of_interfaces_goes_up_and_down() {
	local before

	before=$(l1_state)
	with_interfaces "$(<"$TOP/hooks/ifupdown/interfaces")"
	ifupdown ifup -a -X lo
	same "the tap's bridge" virbr1 "$(master tap7)"
	matches "exposed" '10\.128\.0\.14 +192\.168\.123\.89' "$(nestnet list)"
	ifupdown ifdown -a -X lo
	same "left" "" "$(nestnet list; nestnet tap list; nestnet nat list)"
	nestnet -q clear
	same "L1's state" "$before" "$(l1_state)"
}

test_ifupdown_applies_the_file_when_an_interface_comes_that_it_names() {
	with_interfaces 'iface eth7 inet manual' 'iface eth8 inet manual'
	on l1 ip link add eth7 type bridge
	on l1 ip link add eth8 type bridge
	conf 'nat add 192.168.122.0/24 --out eth7' 'expose 10.128.0.13 192.168.122.89'
	ifupdown ifup eth8
	same "exposed" "" "$(nestnet list)"
	ifupdown ifup eth7
	matches "exposed" '10\.128\.0\.13 ' "$(nestnet list)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_ifup_succeeds_where_the_file_is_wrong_or_the_bridge_is_not_there_and_says_so() {
	local said

	with_interfaces 'iface eth7 inet manual' 'iface eth8 inet manual' '	nestnet-bridge absent0' \
		'iface eth9 inet manual' "	nestnet-bridge ;id>x"
	for name in eth7 eth8 eth9; do
		on l1 ip link add "$name" type bridge
	done
	conf 'expose eth7'
	said=$(ifupdown ifup eth7 2>&1)
	matches "it says" '/etc/nestnet/nestnet.conf:1:' "$said"
	said=$(ifupdown ifup eth8 2>&1)
	matches "it says" 'ifupdown: .*absent0' "$said"
	said=$(ifupdown ifup eth9 2>&1)
	matches "it says" "not the names of a bridge and an interface: ';id>x', 'eth9'" "$said"
	same "kept" "" "$(kept)"
}

test_hooks_are_silent_where_there_is_no_file_of_ours() {
	local before

	before=$(l1_state)
	with_interfaces 'iface lo inet loopback' 'iface eth0 inet manual'
	with_libvirt_hooks
	same "ifup says" "" "$(ifupdown ifup eth0 lo 2>&1; on l1 env MODE=stop IFACE=eth0 /etc/network/if-down.d/nestnet 2>&1)"
	same "the domain's hook says" "" "$(domain web prepare; domain web started; domain web stopped)"
	same "the network's hook says" "" "$(network default started)"
	same "L1's state" "$before" "$(l1_state)"
}

# QEMU

# A program that holds a tap of its own, as QEMU does, and calls both scripts as QEMU does:
# with the tap's name alone.
test_qemu_ifup_makes_the_tap_a_port_that_is_up_and_qemu_ifdown_takes_it_back() {
	with_etc
	with_hooks
	on l1 ip tuntap add vnet9 mode tap
	matches "it says" 'vnet9 is a port of virbr0' \
		"$(hook_as NESTNET_BRIDGE=virbr0 qemu-ifup vnet9)"
	same "its bridge" virbr0 "$(master vnet9)"
	matches "it is" '[<,]UP[,>]' "$(ip -netns l1 -o link show vnet9)"
	same "kept" "bridge attach virbr0 vnet9" "$(kept)"
	hook_as NESTNET_BRIDGE=virbr0 qemu-ifdown vnet9
	same "its bridge" none "$(master vnet9)"
	same "kept" "" "$(kept)"
}

test_a_port_of_qemu_outlives_a_reload_and_a_qemu_that_was_killed_does_not_hinder_one() {
	with_etc
	with_hooks
	conf 'expose 10.128.0.13 192.168.122.89'
	on l1 ip tuntap add vnet9 mode tap
	hook_as NESTNET_BRIDGE=virbr0 qemu-ifup vnet9
	hook_as apply
	same "its bridge" virbr0 "$(master vnet9)"
	on l1 ip link del vnet9
	conf 'expose 10.128.0.14 192.168.122.89'
	hook_as apply
	reaches ext http 10.128.0.14 8000 "guest page of l2,"
	matches_not "apply says" 'without what hooks asked for' "$(hook_as apply)"
}

test_qemu_ifup_takes_the_one_bridge_that_nestnet_made_or_asks() {
	with_etc
	with_hooks
	on l1 ip tuntap add vnet9 mode tap
	matches "it says" 'set NESTNET_BRIDGE' "$(hook_as qemu-ifup vnet9 || true)"
	same "of no bridge" "nestnet: qemu-ifup: bridge attach vnet9: bridge br9: No such device" \
		"$(hook_as NESTNET_BRIDGE=br9 qemu-ifup vnet9 || true)"
	nestnet bridge add br7
	hook_as qemu-ifup vnet9
	same "its bridge" br7 "$(master vnet9)"
	hook_as qemu-ifdown vnet9
	nestnet bridge add br8
	not hook_as qemu-ifup vnet9
	same "its bridge" none "$(master vnet9)"
}

test_qemu_ifup_fails_for_names_that_are_none_and_bridges_that_are_not_there() {
	with_etc
	with_hooks
	not hook_as NESTNET_BRIDGE=absent0 qemu-ifup vnet0
	not hook_as NESTNET_BRIDGE=virbr0 qemu-ifup '--help'
	not hook_as NESTNET_BRIDGE=virbr0 qemu-ifup 'x;$(id)'
	not hook_as NESTNET_BRIDGE=virbr0 qemu-ifup
	same "kept" "" "$(kept)"
}

# libvirt

# domain NAME OPERATION, network NAME OPERATION: as libvirtd calls, with XML on standard
# input; what they say. libvirtd would take the domain down for another status than 0.
domain() {
	local phase=begin

	[[ $2 != stopped && $2 != release ]] || phase=end
	echo "<domain type='kvm'><name>x</name></domain>" |
		on l1 /etc/libvirt/hooks/qemu.d/nestnet "$1" "$2" "$phase" - 2>&1
}

network() {
	printf '%s\n' '<hookData>' '<network>' "  <bridge name='virbr0' stp='on' delay='0'/>" \
		'</network>' '</hookData>' |
		on l1 /etc/libvirt/hooks/network.d/nestnet "$1" "$2" begin - 2>&1
}

libvirt_with() {
	with_etc
	with_hooks
	with_libvirt_hooks
	of_domain "$@"
}

test_an_exposure_follows_its_domain() {
	libvirt_with 'Web server' '# its page' '' "expose 10.128.0.13 192.168.122.89 --comment 'a b' # x"
	domain 'Web server' prepare
	domain 'Web server' start
	same "exposed" "" "$(nestnet list)"
	matches "it says" 'Web server started: expose 10.128.0.13' "$(domain 'Web server' started)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "comment" "a b" "$(nestnet -j list | jq -r '.[0].comment')"
	matches "kept" '^expose 10.128.0.13 192.168.122.89 --comment' "$(kept)"
	stream_open in ext tcp 10.128.0.13 7
	stream_says in before
	domain 'Web server' reconnect
	stream_says in after
	matches "it says" 'stopped: unexpose 10.128.0.13' "$(domain 'Web server' stopped)"
	domain 'Web server' release
	stream_lost in "after that"
	same "exposed" "" "$(nestnet list)"
	same "kept" "" "$(kept)"
}

test_a_stopped_domain_leaves_alone_what_is_no_longer_its_own() {
	libvirt_with one 'expose 10.128.0.13 192.168.122.89' \
		"expose '10.128.0.14:80' 192.168.122.89:8000"
	of_domain two 'expose 10.128.0.13 192.168.122.90 --replace'
	domain one started
	domain two started
	domain one stopped
	reaches ext http 10.128.0.13 8000 "guest page of l2b,"
	same "exposed" 10.128.0.13 "$(nestnet -j list | jq -r '.[].alias')"
	# What was done counts, not what the file says by now.
	of_domain two 'expose 10.128.0.15 192.168.122.90'
	domain two stopped
	same "exposed" "" "$(nestnet list)"
	of_domain two 'expose 10.128.0.13 192.168.122.90 --replace'
	domain two started
	nestnet expose 10.128.0.13 192.168.122.89 --replace
	domain two stopped
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}

test_what_a_domain_cannot_have_is_told_and_the_rest_is_done() {
	local said

	nestnet expose 10.128.0.13 192.168.122.90
	libvirt_with web 'expose 10.128.0.13 192.168.122.89' 'clear' 'tap add x' \
		'expose --all 10.128.0.14' 'expose 10.128.0.14 $(touch /run/x)' \
		'expose 10.128.0.14 ;id>/run/x' "expose '10.128.0.14" 'expose 10.128.0.15 192.168.122.89'
	said=$(domain web started)
	matches "it says" '10.128.0.13: already exposed' "$said"
	matches "it says" 'not "expose ALIAS TARGET": clear' "$said"
	matches "it says" 'not "expose ALIAS TARGET": tap add x' "$said"
	not ls /run/x 2>/dev/null
	same "kept" 'expose 10.128.0.15 192.168.122.89' "$(kept)"
	domain web stopped
	same "exposed" 10.128.0.13 "$(nestnet -j list | jq -r '.[].alias')"
}

test_a_domain_with_a_hostile_name_reads_no_file_but_its_own() {
	local name

	libvirt_with x 'expose 10.128.0.13 192.168.122.89'
	mkdir -p /etc/nestnet/libvirt/.conf /etc/nestnet/other
	cp /etc/nestnet/libvirt/x.conf /etc/nestnet/other/x.conf
	cp /etc/nestnet/libvirt/x.conf /etc/nestnet/libvirt/.y.conf
	for name in ../other/x ./x .y '' $'x\ny' '$(echo x)' '*' ';id' '-x' "$(printf 'x%.0s' {1..300})"; do
		domain "$name" started
		domain "$name" stopped
	done >"$LAB_SCRATCH/said"
	matches "it says" "not a name that a file could have: '../other/x'" "$(<"$LAB_SCRATCH/said")"
	same "exposed" "" "$(nestnet list)"
	same "kept" "" "$(kept)"
}

test_a_domain_may_have_a_name_of_any_language() {
	libvirt_with 'Küche 1' 'expose 10.128.0.13 192.168.122.89'
	domain 'Küche 1' started
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	domain 'Küche 1' stopped
	same "exposed" "" "$(nestnet list)"
}

test_what_the_file_wants_of_a_network_of_libvirt_comes_with_its_bridge() {
	libvirt_with x
	conf 'tap add tap7 --bridge virbr0' 'expose 10.128.0.13 192.168.122.89'
	network default start
	same "exposed" "" "$(nestnet list)"
	matches "it says" 'virbr0 came' "$(network default started)"
	same "the tap's bridge" virbr0 "$(master tap7)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
}
