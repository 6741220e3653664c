# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Real monitors, run by an ordinary user, on taps of nestnet: whatever way a tap comes to them,
# the guest's page and echo come through the alias.

# shellcheck source=tests/lab/guest.bash
source "$LAB/guest.bash"
# shellcheck source=tests/lab/qemu.bash
source "$LAB/qemu.bash"
# shellcheck source=tests/lab/helper.bash
source "$LAB/helper.bash"

MAC=52:54:00:12:34:56
GUEST_ADDRESS=192.168.122.100

# boots QEMU-OPTION...
boots() { qemu_boot nobody "$GUEST_ADDRESS/24" 192.168.122.1 "$@"; }

# is_served NAME: from outside, and in return.
is_served() {
	nestnet expose 10.128.0.13 "$GUEST_ADDRESS"
	same "the page" "guest page of $1" "$(on ext curl -sS --max-time 10 10.128.0.13:8000)"
	reaches ext udp 10.128.0.13 7 "$1 sees 10.128.0.50 "
	matches "out" "^ext sees 10.128.0.2 " "$(guest_run peer tcp 203.0.113.9 7)"
}

# is_guarded: another address than its own gets nowhere.
is_guarded() {
	guest_run busybox ip address add 192.168.122.101/24 dev eth0
	not guest_run peer -t 300 -s 192.168.122.101 tcp 192.168.122.89 7
}

has_queues() {
	guest_run "busybox mkdir /sys && busybox mount -t sysfs sys /sys"
	same "queues" "$1" "$(guest_run busybox ls /sys/class/net/eth0/queues | grep -o rx- | wc -l)"
}

is_gone() {
	guest_stop
	same "taps" "" "$(nestnet -j tap list | jq -r '.[].name')"
}

with_helper() {
	helper_install
	acl "allow virbr0 user=nobody queues=2 guard=$MAC,$GUEST_ADDRESS"
}

test_qemu_takes_a_tap_by_its_name() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --vnet-hdr
	boots -netdev tap,id=n0,ifname=tap0,script=no,downscript=no "${QEMU_DEVICE[@]}"
	is_served qemu
	guest_stop
	same "it stays" tap0 "$(nestnet -j tap list | jq -r '.[].name')"
}

test_qemu_takes_two_queues_by_name() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --vnet-hdr --queues 2
	boots -netdev tap,id=n0,ifname=tap0,queues=2,vhost=off,script=no,downscript=no \
		"${QEMU_DEVICE_QUEUES[@]}"
	has_queues 2
	is_served qemu
	guest_stop
}

test_qemu_gets_its_bridge_from_the_helper() {
	with_helper
	boots -netdev "bridge,id=n0,br=virbr0,helper=$HELPER" "${QEMU_DEVICE[@]}"
	same "whose it is" nobody "$(nestnet -j tap list | jq -r '.[].owner')"
	is_served qemu
	is_guarded
	is_gone
}

# With a space in it QEMU takes the helper for a line of shell.
test_qemu_gets_its_tap_from_the_helper() {
	with_helper
	boots -netdev "tap,id=n0,br=virbr0,helper=$HELPER --br=virbr0" "${QEMU_DEVICE[@]}"
	is_served qemu
	is_guarded
	is_gone
}

test_qemu_is_refused_what_the_acl_does_not_allow() {
	local said

	helper_install
	acl 'allow virbr0 user=daemon'
	not boots -netdev "bridge,id=n0,br=virbr0,helper=$HELPER" "${QEMU_DEVICE[@]}" \
		2>"$LAB_SCRATCH/said"
	said=$(<"$LAB_SCRATCH/said")
	matches "the helper says" 'nestnet-bridge-helper: bridge virbr0: not allowed to user 65534' "$said"
	matches "QEMU says" 'bridge helper failed' "$said"
	same "taps" "" "$(taps)"
}

test_qemu_takes_a_descriptor() {
	with_helper
	QEMU_WRAPPER=("$TAKES" 1 "$HELPER" --use-vnet --br=virbr0 --fd=9 --)
	boots -netdev tap,id=n0,fd=20 "${QEMU_DEVICE[@]}"
	is_served qemu
	is_guarded
	is_gone
}

test_qemu_takes_the_descriptors_of_two_queues() {
	with_helper
	QEMU_WRAPPER=("$TAKES" 2 "$HELPER" --use-vnet --queues=2 --br=virbr0 --fd=9 --)
	boots -netdev tap,id=n0,fds=20:21,vhost=off "${QEMU_DEVICE_QUEUES[@]}"
	has_queues 2
	is_served qemu
	is_guarded
	is_gone
}

test_user_mode_linux_takes_a_tap_of_its_user() {
	nestnet tap add tap0 --bridge virbr0 --owner nobody --guard "$MAC,$GUEST_ADDRESS"
	guest_boot tap0 "$MAC" "$GUEST_ADDRESS/24" 192.168.122.1 nobody
	is_served uml
	is_guarded
	guest_stop
}

# It boots all the same, and has no card.
test_user_mode_linux_gets_no_tap_of_another_user() {
	nestnet tap add tap0 --bridge virbr0 --owner daemon
	guest_boot tap0 "$MAC" "$GUEST_ADDRESS/24" 192.168.122.1 nobody || true
	same "carrier" false "$(nestnet -j tap list | jq '.[].carrier')"
	not guest_run peer -t 300 tcp 192.168.122.1 22
	guest_stop
}
