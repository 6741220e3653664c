# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The bridge helper, as it is installed: with the one capability in its file, and an ACL that
# `acl` writes. After lab.bash.

HELPER=$LAB_SCRATCH/bridge-helper
ACL=$LAB_SCRATCH/etc/bridge.conf # as the helper for tests was built
TAKES=$LAB_SCRATCH/takes-taps

# Into a place that ordinary users reach.
helper_install() {
	cp "$NN_BUILD/tests/lab/bridge-helper" "$HELPER"
	cp "$NN_BUILD/tests/lab/takes-taps" "$TAKES"
	setcap cap_net_admin+ep "$HELPER"
	mkdir -p "$LAB_SCRATCH/etc"
	pid_in_l1=$(ip netns pids l1 | head -n 1)
}

# acl LINE...
acl() {
	rm -rf "$ACL"
	printf '%s\n' "$@" >"$ACL"
}

# as_nobody COMMAND..., in L1; hundreds of times, and so without all that `on` does.
as_nobody() {
	nsenter --net=/run/netns/l1 setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}

# The taps of L1, read without a program.
taps() {
	local line

	while read -r line; do
		[[ $line != *tap* ]] || echo "${line%%:*}"
	done <"/proc/$pid_in_l1/net/dev"
}
