# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Debian's packages, by what they are for; to be sourced by quickstart and run-tests.

# shellcheck disable=SC2034 # used where this is sourced
packages_build=(
	autoconf automake gcc libc6-dev libtool make pkg-config
	libjansson-dev libmnl-dev libnftnl-dev libnl-3-dev libnl-route-3-dev libsmartcols-dev
)

# shellcheck disable=SC2034
packages_lab=(curl iproute2 mount nftables)

# shellcheck disable=SC2034
packages_tests=(
	busybox-static check clang conntrack cpio dnsmasq-base fish g++ ifupdown iptables jq mandoc strace
	systemd udev user-mode-linux xz-utils zsh
)

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
