# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A real guest: a Linux kernel of its own (User-mode Linux, which needs no KVM and boots in
# a second) behind a tap of L1. It serves a page on port 8000 from a web server, and echoes
# on 7 and 22 (TCP and UDP), and runs what it is told on its console.
#
# guest_boot TAP MAC ADDRESS/LEN GATEWAY USER (or dhcp for ADDRESS/LEN), then guest_run COMMAND..., then guest_stop;
# it ends with the lab in any case. After lab.bash; one guest a lab.

# The root file system: busybox, our peer with the libraries that it needs, and this init,
# which loads the modules of a directory, if any, as its file `order` has them.
guest_image() { # [MODULES]
	local root=$LAB_SCRATCH/guest-root library

	mkdir -p "$root"/{bin,dev,proc,www}
	cp /bin/busybox "$root/bin/busybox"
	cp "$PEER" "$root/bin/peer"
	# Their paths, for those that are files: `ldd` also lists the kernel's own.
	for library in $(ldd "$PEER" | grep -o '/[^ ]*'); do
		mkdir -p "$root/$(dirname "$library")"
		cp -L "$library" "$root/$library"
	done
	cat >"$root/init" <<-'END'
		#!/bin/busybox sh
		export PATH=/bin LD_LIBRARY_PATH=/lib64
		busybox mount -t proc proc /proc
		busybox mount -t devtmpfs dev /dev
		busybox stty -echo -onlcr
		for module in $(busybox cat /modules/order 2>/dev/null); do
			busybox insmod "/modules/$module.ko"
		done
		name=uml
		for word in $(busybox cat /proc/cmdline); do
			case $word in
			address=*) address=${word#*=} ;;
			gateway=*) gateway=${word#*=} ;;
			name=*) name=${word#*=} ;;
			esac
		done
		busybox ip link set lo up
		busybox ip link set eth0 up
		if [ "$address" = dhcp ]; then
			busybox udhcpc -q -n -O mtu -t 10 -T 1 -i eth0 -s /bin/leased >/dev/null
		else
			busybox ip address add "$address" dev eth0
			busybox ip route add default via "$gateway"
		fi
		echo "guest page of $name" >/www/index.html
		busybox httpd -p 8000 -h /www
		peer serve "$name" echo:7 echo:22
		echo "guest: ready"
		while read -r line; do
			eval "$line" 2>&1
			echo "guest: done $?"
		done
		busybox poweroff -f
	END
	# What udhcpc is told: as any distribution's script takes it.
	cat >"$root/bin/leased" <<-'END'
		#!/bin/busybox sh
		[ "$1" = bound ] || exit 0
		/bin/busybox ip address add "$ip/$mask" dev eth0
		/bin/busybox ip link set eth0 mtu "${mtu:-1500}"
		/bin/busybox ip route add default via "$router"
		echo "nameserver $dns" >/resolv.conf
	END
	chmod 755 "$root/init" "$root/bin/leased"
	[[ ! -d ${1-} ]] || cp -r "$1" "$root/modules"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$LAB_SCRATCH/guest.cpio"
}

# Prints what the guest's console says, until it is ready or has done what it was told; so
# many seconds at most from line to line.
guest_patience=20
guest_console() {
	local line

	while read -r -t "$guest_patience" -u "$guest_screen" line; do
		line=${line%$'\r'}
		case $line in
		"guest: done "*) return "${line##* }" ;;
		"guest: ready") return 0 ;;
		*) echo "$line" ;;
		esac
	done
	echo "the guest fell silent" >&2
	return 1
}

guest_boot() {
	local tap=$1 mac=$2 address=$3 gateway=$4 user=$5 dir=$LAB_SCRATCH/guest

	guest_image
	rm -rf "$dir"
	mkdir -m 777 "$dir"
	mkfifo "$dir/in" "$dir/out"
	# Its memory is a file: of this lab, not of a directory that others use. With less of it
	# the kernel allows so few processes that, on a busy host, those of its own start take
	# all, and init's first fork fails.
	# shellcheck disable=SC2094
	on l1 setpriv --reuid "$user" --clear-groups env -i HOME="$dir" TMPDIR="$dir" PATH="$PATH" \
		linux.uml mem=128M initrd="$LAB_SCRATCH/guest.cpio" \
		con=null con0=fd:0,fd:1 quiet \
		initcall_blacklist=raid6_select_algo,calibrate_xor_blocks \
		uml_dir="$dir" "eth0=tuntap,$tap,$mac" "address=$address" "gateway=$gateway" \
		<"$dir/in" >"$dir/out" 2>&1 &
	guest_pid=$!
	exec {guest_keyboard}>"$dir/in" {guest_screen}<"$dir/out"
	guest_console >"$LAB_SCRATCH/guest.log" || {
		cat "$LAB_SCRATCH/guest.log" >&2
		return 1
	}
}

# Runs a line of shell in the guest: its output, and its exit status.
guest_run() {
	echo "$*" >&"$guest_keyboard"
	guest_console
}

# A machine of several processors that is emulated may never come to its end by itself.
guest_stop() {
	local i

	echo "busybox poweroff -f" >&"$guest_keyboard"
	for ((i = 0; i < 300; i++)); do
		kill -0 "$guest_pid" 2>/dev/null || break
		sleep 0.1
	done
	# shellcheck disable=SC2046
	[[ $i -lt 300 ]] || kill -KILL $(<"/proc/$guest_pid/task/$guest_pid/children")
	wait "$guest_pid" || true
	exec {guest_keyboard}>&- {guest_screen}<&-
}
