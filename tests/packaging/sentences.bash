# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the checks of packages share; to be sourced by them, with $build and $work set.

# needs TOOL...
needs() {
	local tool

	for tool in "$@"; do
		command -v "$tool" >/dev/null || { echo "${0##*/}: $tool is missing" >&2; exit 1; }
	done
}

# The tarball of the project: the one that is named, or of this build.
tarball() {
	if [[ -z ${NN_TARBALL-} ]]; then
		make -s -C "${build?}" dist XZ_OPT=-0 >"${work?}/dist.log" 2>&1 || {
			cat "$work/dist.log" >&2
			return 1
		}
		echo "$build"/nestnet-*.tar.xz
	else
		echo "$NN_TARBALL"
	fi
}

# says COMMAND...: what it says, where it fails.
says() {
	local said

	said=$("$@" 2>&1 </dev/null) || printf '%s\n(status %d)\n' "$said" $?
}

# hold FILE: runs each function of its part "What holds", in order; a sentence holds where it
# prints nothing. Counts, and fails where one does not hold.
hold() {
	local sentence said start took passed=0 failed=0

	set +e
	while read -r sentence; do
		start=${EPOCHREALTIME/./}
		said=$("$sentence" 2>&1)
		took=$(((${EPOCHREALTIME/./} - start) / 1000))
		if [[ -z $said ]]; then
			printf 'ok    %s (%d ms)\n' "${sentence//_/ }" "$took"
			passed=$((passed + 1))
		else
			printf 'FAIL  %s (%d ms)\n      | %s\n' "${sentence//_/ }" "$took" \
				"${said//$'\n'/$'\n      | '}"
			failed=$((failed + 1))
		fi
	done < <(sed -nE '/^# ---- What holds/,$ s/^([a-z0-9_]+)\(\) \{$/\1/p' "$1")
	echo "$passed passed, $failed failed"
	[[ $failed == 0 && $passed -gt 0 ]]
}
