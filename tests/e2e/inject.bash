# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# System calls of the program as it is installed that fail, one after another.

sends=sendto,sendmsg,sendmmsg

# Every message to the kernel, every answer or every write of a setting is made to fail
# once, the first, the second and so on, until the command makes no more of them. Where that
# makes the command fail, it does so with one line that says which, and L1 is as before. The
# errnos come by turns.
# fails_whole_at_every CALL,... PREPARE COMMAND...: PREPARE makes L1 ready for COMMAND.
fails_whole_at_every() {
	local calls=$1 prepare=$2 call n before out status what code injected=0
	local codes=(ENOMEM EPERM ENOBUFS EACCES EINTR EIO ENODEV EAGAIN ENOENT ENOSYS EEXIST EBUSY
		EINVAL ECONNREFUSED EOPNOTSUPP)

	shift 2
	for call in ${calls//,/ }; do
		for ((n = 1 + injected % every; n <= 200; n += every)); do
			nestnet clear >/dev/null 2>&1
			"$prepare"
			before=$(l1_state)
			status=0 code=${codes[injected % ${#codes[@]}]}
			out=$(on l1 strace -f -qq -o "$LAB_SCRATCH/trace" -e "trace=$call" \
				-e "inject=$call:error=$code:when=$n" "$NESTNET" "$@" 2>&1) || status=$?
			what="when $call $n failed with $code ($out)"
			grep -q INJECTED "$LAB_SCRATCH/trace" || break
			injected=$((injected + 1))
			[[ $status != 0 ]] || continue
			matches "$what" "^nestnet: $1 " "$out"
			same "exit status, $what" 1 "$status"
			same "lines, $what" 1 "$(wc -l <<<"$out")"
			same "L1's state, $what" "$before" "$(l1_state)"
		done
		same "exit status in the end ($out)" 0 "$status"
	done
	[[ $injected -gt 0 ]] || fail "no $calls was made to fail"
	counts "points of strace" "$injected"
}
