# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A guest under QEMU, which emulates it all (no KVM): Debian's kernel for clouds, with the
# file system, the servers and the console of guest.bash, in some five seconds.
#
# qemu_boot USER ADDRESS/LEN GATEWAY QEMU-OPTION..., in L1, with USER's rights; then guest_run
# and guest_stop. After lab.bash and guest.bash; one guest a lab.

NN_KERNEL=${NN_KERNEL-$NN_BUILD/kernel}

# One device of microvm, which boots fastest, for the netdev n0; of q35 where queues are more.
# shellcheck disable=SC2034
QEMU_DEVICE=(-device "virtio-net-device,netdev=n0,mac=52:54:00:12:34:56")
# shellcheck disable=SC2034
QEMU_DEVICE_QUEUES=(-M q35 -smp 2
	-device "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,mq=on,vectors=6")

qemu_image() {
	local modules=$LAB_SCRATCH/modules

	[[ -e $NN_KERNEL/vmlinuz ]] || { echo "lab: no $NN_KERNEL/vmlinuz" >&2; return 1; }
	mkdir -p "$modules"
	cp "$NN_KERNEL"/*.ko "$modules"
	# What a module needs comes before it; on either machine the other's bus is idle.
	echo virtio_ring virtio virtio_mmio virtio_pci_legacy_dev virtio_pci_modern_dev \
		virtio_pci failover net_failover virtio_net >"$modules/order"
	guest_image "$modules"
}

# TMPDIR and the like are not for QEMU; what a wrapper needs of the environment it sets.
qemu_boot() {
	local user=$1 address=$2 gateway=$3 dir=$LAB_SCRATCH/guest machine=(-M microvm)

	shift 3
	[[ " $* " != *" -M "* ]] || machine=()
	qemu_image
	rm -rf "$dir"
	mkdir -m 777 "$dir"
	mkfifo "$dir/in" "$dir/out"
	# A machine that is busy emulates slowly: its clock is no reason to give up.
	# shellcheck disable=SC2094
	on l1 setpriv --reuid "$user" --clear-groups env -i PATH="$PATH" HOME="$dir" \
		"${QEMU_WRAPPER[@]}" qemu-system-x86_64 "${machine[@]}" -m 128 -nodefaults \
		-no-user-config -no-reboot -display none -serial stdio \
		-kernel "$NN_KERNEL/vmlinuz" -initrd "$LAB_SCRATCH/guest.cpio" \
		-append "console=ttyS0 quiet tsc_early_khz=2400000 no_timer_check name=qemu \
			address=$address gateway=$gateway" "$@" \
		<"$dir/in" >"$dir/out" 2>&1 &
	guest_pid=$!
	exec {guest_keyboard}>"$dir/in" {guest_screen}<"$dir/out"
	guest_patience=90
	guest_console >"$LAB_SCRATCH/guest.log" || {
		cat "$LAB_SCRATCH/guest.log" >&2
		return 1
	}
}

QEMU_WRAPPER=()
