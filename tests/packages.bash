# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Debian's packages, by what they are for; to be sourced by quickstart and run-tests.

# shellcheck disable=SC2034 # used where this is sourced
packages_build=(
	autoconf automake gcc libc6-dev libtool make pkg-config
	libcap-ng-dev libjansson-dev libmnl-dev libnftnl-dev libnl-3-dev libnl-route-3-dev libsmartcols-dev
)

# shellcheck disable=SC2034
packages_lab=(curl iproute2 mount nftables)

# shellcheck disable=SC2034
packages_tests=(
	abigail-tools busybox-static check clang clang-tidy conntrack cpio cppcheck dnsmasq-base doxygen fish g++ ifupdown iptables
	jq kmod libcap2-bin libclang-rt-dev mandoc qemu-system-x86 strace systemd udev user-mode-linux valgrind xz-utils zsh
	debhelper dpkg-dev lintian mmdebstrap musl-tools
)

# Other software as it really is, for tests/lab/firewalls.bash. On the machine itself none of
# it is to run, now or after a boot: packages_install_idle.
# shellcheck disable=SC2034
packages_software=(
	dbus firewalld libvirt-clients libvirt-daemon-system network-manager ufw
)

# What `make bench` compares with; containernetworking-plugins too, which is large.
# shellcheck disable=SC2034
packages_bench=(bridge-utils net-tools uml-utilities)

# Those that are not installed, on one line.
packages_missing() {
	local name missing=()

	for name in "$@"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] ||
			missing+=("$name")
	done
	echo "${missing[*]}"
}

# Installs what is missing, and asks for the package lists only then.
packages_install() {
	local missing

	read -ra missing < <(packages_missing "$@")
	[[ ${#missing[@]} -gt 0 ]] || return 0
	apt-get -q update
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# kernel_fetch DIRECTORY: the kernel of Debian 12 itself, which nobody installs, for guests under
# QEMU: the one for clouds as DIRECTORY/vmlinuz, its modules for virtio, and in DIRECTORY/root,
# as modprobe wants them, those of networks. Done once.
kernel_fetch() {
	local package name partial=$1.new

	[[ ! -d $1/root ]] || return 0
	rm -rf "$partial"
	mkdir -p "$partial/all"
	kernel_download "$partial" || { apt-get -q update && kernel_download "$partial"; } || return 1
	package=$(echo "$partial"/*.deb)
	dpkg-deb --fsys-tarfile "$package" | tar -x -C "$partial/all" --wildcards \
		'./boot/vmlinuz-*' '*/modules.builtin*' '*/modules.order' \
		'*/virtio*.ko' '*/failover.ko' '*/net_failover.ko' \
		'*/kernel/crypto/*' '*/kernel/lib/*' '*/kernel/net/*' \
		'*/drivers/net/bonding/*' '*/drivers/net/dummy.ko' '*/drivers/net/macvlan.ko' \
		'*/drivers/net/tun.ko' '*/drivers/net/veth.ko'
	mv "$partial"/all/boot/vmlinuz-* "$partial/vmlinuz"
	for name in failover net_failover virtio virtio_mmio virtio_net virtio_pci \
		virtio_pci_legacy_dev virtio_pci_modern_dev virtio_ring; do
		find "$partial/all" -name "$name.ko" -exec cp {} "$partial" \;
	done
	name=$(cd "$partial/all/lib/modules" && echo *)
	depmod -b "$partial/all" "$name" || return 1
	rm -rf "$package" "$partial/all/boot" "$1"
	mv "$partial/all" "$partial/root"
	mv "$partial" "$1"
}

# The package that the one without a version depends on, into DIRECTORY.
kernel_download() {
	local package

	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: //p' | head -n 1)
	[[ -n $package ]] && (cd "$1" && apt-get -q download "$package")
}

packages_all() { dpkg-query -W -f '${Package}\n' | sort; }

# Installs what is missing; whatever of it is a service is neither started nor enabled. What
# was there before stays as it was.
packages_install_idle() (
	policy=/usr/sbin/policy-rc.d

	[[ -n $(packages_missing "$@") ]] || exit 0
	before=$(packages_all)
	if [[ ! -e $policy ]]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	packages_install "$@"
	comm -13 <(echo "$before") <(packages_all) | xargs -r dpkg -L |
		sed -nE 's,^(/usr)?/lib/systemd/system/([^/@]*\.(service|socket|timer))$,\2,p' |
		xargs -r systemctl -q disable
)
