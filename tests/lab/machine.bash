# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# L1 as a machine with software of its own: hooks as they are installed, a private /etc, and
# a real systemd as process 1. To be sourced by tests, after lab.bash.

TOP=$(cd "${LAB?}/../.." && pwd)
MACHINE_ROOT=$LAB_SCRATCH/usr # what `make install` has below a prefix

# An /etc that may be written to, and goes with the lab.
with_etc() {
	[[ ! -e $LAB_SCRATCH/etc ]] || return 0
	cp -a /etc "$LAB_SCRATCH/etc"
	mount --bind "$LAB_SCRATCH/etc" /etc
	rm -rf /etc/nestnet /etc/network/{if-*.d,interfaces*}
	mkdir -p /etc/nestnet/libvirt /etc/network/if-{pre-up,up,down,post-down}.d
}

# rendered FILE PLACE [MODE]: a file.in of the sources as it is installed.
rendered() {
	mkdir -p "$(dirname "$2")"
	sed -e "s|@bindir@|$MACHINE_ROOT/bin|g" -e "s|@pkgdatadir@|$MACHINE_ROOT/share|g" \
		-e "s|@pkglibexecdir@|$MACHINE_ROOT/libexec|g" "$TOP/$1.in" >"$2"
	chmod "${3:-755}" "$2"
}

# nestnet and its hooks, with the library under test. The leak sanitizer does not work where
# a service may not trace.
with_hooks() {
	local name

	mkdir -p "$MACHINE_ROOT"/{bin,lib,share,libexec}
	cp "$NN_BUILD"/.libs/libnestnet.so.* "$MACHINE_ROOT/lib"
	cp "$NESTNET" "$MACHINE_ROOT/lib/nestnet"
	cat >"$MACHINE_ROOT/bin/nestnet" <<-END
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		LD_LIBRARY_PATH=$MACHINE_ROOT/lib exec $MACHINE_ROOT/lib/nestnet "\$@"
	END
	chmod 755 "$MACHINE_ROOT/bin/nestnet"
	rendered hooks/hook.sh "$MACHINE_ROOT/share/hook.sh"
	for name in apply coexist dhcp/dhcp-files udev/udev-port qemu/qemu-ifup qemu/qemu-ifdown; do
		rendered hooks/$name "$MACHINE_ROOT/libexec/${name##*/}"
	done
	PATH=$MACHINE_ROOT/bin:$PATH
}

# conf LINE...: /etc/nestnet/nestnet.conf
conf() { printf '%s\n' "$@" >/etc/nestnet/nestnet.conf; }

# kept: what hooks keep for the next apply, a line each.
kept() { sort /run/nestnet/*.conf 2>/dev/null || true; }

with_libvirt_hooks() {
	rendered hooks/libvirt/qemu.d/nestnet /etc/libvirt/hooks/qemu.d/nestnet
	rendered hooks/libvirt/network.d/nestnet /etc/libvirt/hooks/network.d/nestnet
}

# of_domain NAME LINE...: /etc/nestnet/libvirt/NAME.conf
of_domain() { printf '%s\n' "${@:2}" >"/etc/nestnet/libvirt/$1.conf"; }

# master INTERFACE: its bridge.
master() { ip -netns l1 -j link show "$1" | jq -r '.[0].master // "none"'; }
has_master() { [[ $(master "$1") == "$2" ]]; }

# A real udevd for L1, with our rules alone; static nodes of others would change /dev.
with_udev() {
	local rules=$LAB_SCRATCH/rules

	with_etc
	with_hooks
	mkdir -p "$rules" /etc/udev/rules.d
	rm -f /etc/udev/rules.d/*
	rendered hooks/udev/80-nestnet.rules "$rules/80-nestnet.rules" 644
	cp "$TOP/hooks/udev/79-nestnet-taps.rules" /etc/udev/rules.d/
	mount --bind "$rules" /usr/lib/udev/rules.d
	on l1 /lib/systemd/systemd-udevd >"$LAB_SCRATCH/udevd" 2>&1 &
	poll on l1 udevadm control --ping --timeout=1
}

# machine_has UNIT...: besides its own, the machine has these of the system's.
machine_has() {
	mkdir -p "$LAB_SCRATCH/units"
	cp "${@/#//lib/systemd/system/}" "$LAB_SCRATCH/units/"
}

# machine_boots [UNIT...]: L1 boots, with nftables and journald, and nothing else but these
# units, which are enabled; until all that it starts has ended.
machine_boots() {
	local unit

	mkdir -p "$LAB_SCRATCH/units/sysinit.target.wants" /etc/systemd/journald.conf.d
	for unit in nestnet nestnet-dhcp@ nestnet-metrics; do
		rendered "hooks/systemd/$unit.service" "$LAB_SCRATCH/units/$unit.service" 644
	done
	cp "$TOP/hooks/systemd/nestnet-again.service" "$LAB_SCRATCH/units/"
	cp "$TOP/hooks/systemd/nestnet-metrics.timer" "$LAB_SCRATCH/units/"
	for unit in systemd-journald.service systemd-journald.socket nftables.service \
		{sysinit,basic,multi-user,sockets,network,network-pre,network-online,shutdown,timers,time-set,time-sync}.target; do
		cp "/lib/systemd/system/$unit" "$LAB_SCRATCH/units/"
	done
	# Its socket for syslog would be in /dev, which is everybody's.
	sed -i '/dev-log/d' "$LAB_SCRATCH/units/systemd-journald.service"
	ln -s ../systemd-journald.service "$LAB_SCRATCH/units/sysinit.target.wants/"
	echo 'flush ruleset' >/etc/nftables.conf
	printf '[Journal]\nStorage=volatile\nReadKMsg=no\n' >/etc/systemd/journald.conf.d/lab.conf
	rm -rf /etc/systemd/system/*
	SYSTEMD_UNIT_PATH=/etc/systemd/system:$LAB_SCRATCH/units systemctl -q enable nftables "$@"
	machine_cgroup
	(
		echo 0 >"$MACHINE_CGROUP/cgroup.procs"
		exec ip netns exec l1 unshare --mount --pid --fork --kill-child=KILL --mount-proc \
			--cgroup --ipc --uts env "LAB=$LAB" bash "$LAB/machine.bash" --first-process
	) >"$LAB_SCRATCH/console" 2>&1 </dev/null &
	MACHINE=$!
	poll machine_has_booted || fail "L1 does not boot:" "$(<"$LAB_SCRATCH/console")"
}

# A control group for the machine alone, or two that run at once would tidy up each other's.
# Nothing else of a lab outlives it: so it is removed at the end.
machine_cgroup() {
	local root=$LAB_SCRATCH/cgroup

	mkdir "$root"
	mount -t cgroup2 cgroup2 "$root"
	root+=$(sed -n 's/^0:://p' /proc/self/cgroup)
	MACHINE_CGROUP=$(mktemp -d "$root/nestnet-lab.XXXXXX")
	trap machine_ends EXIT
}

machine_ends() {
	kill -KILL "$MACHINE" || true
	poll machine_cgroup_is_removed
}

machine_cgroup_is_removed() { find "$MACHINE_CGROUP" -depth -type d -exec rmdir {} +; }

# Process 1, as seen from here: the one child of unshare.
machine() {
	local first

	first=$(<"/proc/$MACHINE/task/$MACHINE/children")
	nsenter -t "${first%% *}" --root --mount --pid --net --cgroup --ipc --uts -- "$@"
}

machine_has_booted() {
	[[ $(machine systemctl is-system-running) == @(running|degraded) ]]
}

# The unit's part of the journal.
journal() { machine journalctl --no-pager -o cat -u "$1"; }

if [[ ${1-} == --first-process ]]; then
	set -e
	mount -t tmpfs tmpfs /tmp
	mount -t tmpfs tmpfs /var/tmp
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	export container=lab SYSTEMD_LOG_TARGET=console
	export SYSTEMD_UNIT_PATH=/etc/systemd/system:$LAB_SCRATCH/units
	exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
fi
