# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# nestnet-bridge-helper: taps for users without privileges, as an ACL says. That real monitors
# take them is in test-monitors.bash; what it makes of hostile users in test-hostile.bash.

# shellcheck source=tests/lab/helper.bash
source "$LAB/helper.bash"

MAC=52:54:00:12:34:56

# gets N ARGUMENT...: nobody gets N descriptors.
gets() {
	same "nobody gets" "0 $1" "$(as_nobody "$TAKES" "$1" "$HELPER" --fd=9 "${@:2}" 2>&1)"
}

# gets_none REGEX ARGUMENT...
gets_none() {
	matches "nobody gets" "^nestnet-bridge-helper: [^"$'\n'"]*$1[^"$'\n'"]*"$'\n'"1 0\$" \
		"$(as_nobody "$TAKES" 1 "$HELPER" --fd=9 "${@:2}" 2>&1)"
}

# held N ARGUMENT...: while nobody has them, what `tap list` shows of the tap is in $tap.
held() {
	mkfifo "$LAB_SCRATCH/hold"
	as_nobody "$TAKES" "$1" "$HELPER" --fd=9 "${@:2}" -- \
		sh -c 'echo; read -r line' <"$LAB_SCRATCH/hold" >"$LAB_SCRATCH/held" &
	exec {hold}>"$LAB_SCRATCH/hold"
	poll test -s "$LAB_SCRATCH/held"
	tap=$(nestnet -j tap list | jq '.[] | select(.name | startswith("vmtap"))')
}

let_go() {
	exec {hold}>&-
	wait
	rm "$LAB_SCRATCH/hold" "$LAB_SCRATCH/held"
	poll no_taps
}

no_taps() { [[ -z $(taps) ]]; }

# is FIELD VALUE, of the tap that is held.
is() { same "$1" "$2" "$(jq -rc ".$1" <<<"$tap")"; }

test_an_ordinary_user_has_a_tap_for_as_long_as_it_is_open() {
	local before

	helper_install
	acl 'allow virbr0'
	before=$(l1_state)
	held 1 --use-vnet --br=virbr0
	is name vmtap0
	is bridge virbr0
	is owner nobody
	is vnet_hdr true
	is state up
	is mtu 1500
	matches "its MAC address" '^fe:' "$(jq -r .mac <<<"$tap")"
	same "it is in no file" "" "$(nestnet save)"
	let_go
	same "L1's state" "$before" "$(l1_state)"
	held 1 --br=virbr0
	is vnet_hdr false
	let_go
}

test_what_a_tap_is_like_is_in_the_acl() {
	helper_install
	acl "allow virbr0 mtu=1400 mac=02:00:00:00:00:07 owner=daemon isolated no-hairpin \
		queues=4 guard=$MAC,192.168.122.100,fd12::100 guard=52:54:00:12:34:57"
	held 3 --queues=3 --br=virbr0
	is mtu 1400
	is mac 02:00:00:00:00:07
	is owner daemon
	is isolated true
	is hairpin false
	is queues 3
	is guard "[\"$MAC,192.168.122.100,fd12::100\",\"52:54:00:12:34:57\"]"
	let_go
	gets 4 --queues=4 --br=virbr0
	gets_none '--queues=5: user 65534 may have 4' --queues=5 --br=virbr0
	acl 'allow virbr0 mtu=auto'
	held 1 --br=virbr0
	is mtu 1460
	let_go
	acl 'allow virbr0 queues=253'
	gets 253 --queues=253 --br=virbr0
}

# A bridge that others made without a MAC address of its own takes on the lowest of its ports'.
test_a_bridge_of_others_keeps_its_mac_address() {
	helper_install
	acl 'allow all'
	ip -netns l1 link add br9 type bridge
	ip -netns l1 link add port9 address f0:00:00:00:00:01 type dummy 2>/dev/null ||
		ip -netns l1 link add port9 address f0:00:00:00:00:01 type veth peer name port10
	ip -netns l1 link set port9 master br9
	held 1 --br=br9
	is bridge br9
	same "its MAC" f0:00:00:00:00:01 "$(ip -netns l1 -j link show br9 | jq -r '.[0].address')"
	let_go
}

# allows LINE...: such an ACL gives nobody virbr0. denies REGEX LINE...
allows() {
	acl "$@"
	gets 1 --br=virbr0
}

denies() {
	acl "${@:2}"
	gets_none "$1" --br=virbr0
}

test_rules_are_for_bridges_users_and_groups() {
	local no="not allowed to user 65534" other=$LAB_SCRATCH/etc/other.conf

	helper_install
	allows 'allow virbr0'
	allows 'allow all'
	denies "$no" 'allow virbr1' 'allow virbr' 'allow virbr00'
	denies "$no" ''
	allows 'allow virbr0 user=nobody'
	allows 'allow virbr0 user=65534'
	allows 'allow virbr0 user=root user=nobody'
	denies "$no" 'allow virbr0 user=root' 'allow virbr0 user=no.such.user'
	allows 'allow virbr0 group=nogroup'
	allows 'allow virbr0 user=root group=65534'
	denies "$no" 'allow virbr0 group=root' 'allow all group=daemon user=root'
	same "a supplementary group" "0 1" "$(on l1 setpriv --reuid nobody --regid nogroup \
		--groups daemon "$TAKES" 1 "$HELPER" --fd=9 --br=virbr0 2>&1 <<<"$(
			acl 'allow virbr0 group=daemon')")"

	# What denies wins, wherever it stands.
	denies "denied to user 65534" 'allow virbr0' 'deny virbr0'
	denies "denied to user 65534" 'deny virbr0' 'allow virbr0'
	denies "denied to user 65534" 'deny all' 'allow virbr0'
	denies "denied to user 65534" 'allow virbr0 user=nobody' 'deny all group=nogroup'
	allows 'deny virbr1' 'deny virbr0 user=daemon group=root' 'allow virbr0'
	# A user that nobody knows may be misspelt.
	denies 'line 2: a user or group that cannot' 'allow virbr0' 'deny virbr0 user=no.such.user'

	echo 'deny virbr0 user=nobody' >"$other"
	denies "denied to user 65534" 'allow virbr0' "include $other"
	printf 'allow virbr0' >"$other" # with no newline
	allows "include $other"
	allows '# a comment' '' "   	allow	virbr0   # another, für alle"
}

test_the_first_rule_that_allows_says_what_the_tap_is_like() {
	helper_install
	acl 'allow virbr0 user=daemon mtu=1300' 'allow virbr0 user=nobody mtu=1400' \
		'allow virbr0 mtu=1200'
	held 1 --br=virbr0
	is mtu 1400
	let_go
}

# Many monitors start when a host does.
test_twenty_at_once_have_a_guarded_tap_each() {
	local i

	helper_install
	acl "allow virbr0 guard=$MAC,192.168.122.100"
	mkfifo "$LAB_SCRATCH/hold"
	for i in {1..20}; do
		as_nobody "$TAKES" 1 "$HELPER" --fd=9 --br=virbr0 -- \
			sh -c 'echo; read -r line' <"$LAB_SCRATCH/hold" >"$LAB_SCRATCH/held$i" 2>&1 &
	done
	exec {hold}>"$LAB_SCRATCH/hold"
	for i in {1..20}; do
		poll test -s "$LAB_SCRATCH/held$i"
	done
	same "taps and guards" "20 $MAC,192.168.122.100" "$(nestnet -j tap list |
		jq -r '.[].guard[]' | sort | uniq -c | xargs)"
	exec {hold}>&-
	wait
	poll no_taps
	# And the next one of that name is guarded by nothing.
	acl 'allow virbr0'
	rm "$LAB_SCRATCH/hold"
	held 1 --br=virbr0
	is name vmtap0
	is guard '[]'
	let_go
}

# The kernel lets it, and the guards stay.
test_a_user_may_keep_a_tap_as_it_was_guarded() {
	helper_install
	acl "allow virbr0 guard=$MAC,192.168.122.100"
	same "kept" "0 1" "$(as_nobody "$TAKES" -p 1 "$HELPER" --fd=9 --br=virbr0)"
	acl 'allow virbr0'
	gets 1 --br=virbr0
	same "it is there" "vmtap0 bin $MAC,192.168.122.100" \
		"$(nestnet -j tap list | jq -r '.[] | [.name, .owner, .guard[]] | join(" ")')"
	nestnet tap del vmtap0
	no_taps || fail "taps: $(taps)"
}

test_it_runs_setuid_root_as_well() {
	helper_install
	acl 'allow virbr0 user=nobody'
	setcap -r "$HELPER"
	gets_none 'CAP_NET_ADMIN is missing' --br=virbr0
	chmod u+s "$HELPER"
	held 1 --use-vnet --br=virbr0
	is owner nobody
	let_go
	# And reads no more than the user may.
	chmod 600 "$ACL"
	gets_none "$ACL: Permission denied" --br=virbr0
	same "root asks" "nestnet-bridge-helper: bridge virbr0: not allowed to user 0 by $ACL 1 0" \
		"$(on l1 "$TAKES" 1 "$HELPER" --fd=9 --br=virbr0 2>&1 | xargs)"
}

# traced: calls of the helper, run by nobody.
traced() {
	on l1 strace -u nobody -f -qq -o "$LAB_SCRATCH/trace" "${@}" \
		"$TAKES" 1 "$HELPER" --fd=9 --use-vnet --br=virbr0
}

# line_of REGEX: where the trace has it first.
line_of() { grep -nE -m 1 "$1" "$LAB_SCRATCH/trace" | cut -d: -f1; }

test_privileges_go_before_anything_is_read_and_sent() {
	local kept no_new acl made dropped sent

	helper_install
	acl "allow virbr0 guard=$MAC,192.168.122.100"
	same "traced" "0 1" "$(traced)"
	kept=$(line_of 'capset\(.*effective=1<<CAP_NET_ADMIN, permitted=1<<CAP_NET_ADMIN, inheritable=0')
	no_new=$(line_of 'PR_SET_NO_NEW_PRIVS, 1')
	acl=$(line_of '"bridge.conf"')
	made=$(line_of 'TUNSETIFF')
	dropped=$(line_of 'capset\(.*effective=0, permitted=0, inheritable=0')
	sent=$(line_of 'sendmsg\(9,')
	[[ $kept -lt $no_new && $no_new -lt $acl && $acl -lt $made && $made -lt $dropped &&
		$dropped -lt $sent ]] || fail "$kept $no_new $acl $made $dropped $sent"
	# Where the parent's call came in between, strace ends the child's on a line of its own.
	same "no program is run" 2 \
		"$(grep -cE '(execve\(|execve resumed>).*= 0' "$LAB_SCRATCH/trace")"
}

# calls NAME REGEX: by their numbers among the helper's of that name, those that match.
calls() {
	grep -w "$(sed -nE 's/^([0-9]+) .*PR_SET_NO_NEW_PRIVS.*/\1/p' "$LAB_SCRATCH/trace")" \
		"$LAB_SCRATCH/trace" | grep " $1(" | grep -nE "$2" | cut -d: -f1
}

test_what_fails_or_is_killed_leaves_no_tap() {
	local row call n

	helper_install
	acl "allow virbr0 guard=$MAC,192.168.122.100"
	same "traced" "0 1" "$(traced)"
	cp "$LAB_SCRATCH/trace" "$LAB_SCRATCH/whole"
	for row in 'capset .' 'prctl PR_SET' 'ioctl .' 'sendto .' 'chdir .' 'sendmsg .' 'getgroups .' \
		'openat "/dev/null"|"run"|"bridge.conf"|"/dev/net/tun"'; do
		call=${row%% *}
		cp "$LAB_SCRATCH/whole" "$LAB_SCRATCH/trace"
		for n in $(calls "$call" "${row#* }"); do
			matches "$row $n" $'^nestnet-bridge-helper: [^\n]+\n1 0$' "$(traced \
				-e "trace=$call" -e "inject=$call:error=EPERM:when=$n" 2>&1)"
			no_taps || fail "$row $n: a tap is left"
		done
	done
	cp "$LAB_SCRATCH/whole" "$LAB_SCRATCH/trace"
	for n in $(calls sendto .); do
		same "killed at $n" "137 0" \
			"$(traced -e trace=sendto -e "inject=sendto:signal=KILL:when=$n")"
		no_taps || fail "killed at $n: a tap is left"
	done
}

# Where it is configured to be, which is not where that of these tests is.
test_help_says_which_acl_is_read_and_the_manual_has_every_argument() {
	local help man=$LAB/../../man prefix sysconfdir word

	prefix=$(sed -n 's/^prefix = //p' "$NN_BUILD/Makefile")
	sysconfdir=$(sed -n 's/^sysconfdir = //p' "$NN_BUILD/Makefile")
	help=$("$NN_BUILD/.libs/nestnet-bridge-helper" --help)
	matches "help" "that ${sysconfdir/'${prefix}'/$prefix}/nestnet/bridge.conf allows" "$help"
	matches "help" 'Example: ' "$help"
	for word in $(grep -oE -- '--[a-z-]+' <<<"$help" | sort -u); do
		grep -q -- "Fl .-${word#--}" "$man/nestnet-bridge-helper.8" || fail "the manual has no $word"
	done
	for word in user group queues owner mtu mac guard isolated no-hairpin; do
		grep -q "Cm $word" "$man/nestnet-bridge.conf.5" || fail "the manual has no $word"
	done
	same "a wrong one" 2 "$("$NN_BUILD/.libs/nestnet-bridge-helper" --help me 2>/dev/null || echo $?)"
}

# examples_of_acl: those of the manual, and of the file that is installed, for nobody.
examples_of_acl() {
	sed -n '/^.Sh EXAMPLES/,/^.Ed/{/^[a-z#]/p}' "$LAB/../../man/nestnet-bridge.conf.5"
	sed -nE 's/^#(allow|deny)/\1/p' "$LAB/../../bridge-helper/bridge.conf"
}

test_the_examples_are_understood() {
	helper_install
	examples_of_acl | sed 's/alice/nobody/; s/mallory/daemon/; s/vm-users/nogroup/' >"$ACL"
	[[ $(wc -l <"$ACL") -ge 8 ]] || fail "where are the examples?"
	held 1 --br=virbr0
	is guard "[\"$MAC,192.168.122.89\"]"
	let_go
	gets_none 'user 65534 may have 1' --queues=2 --br=virbr0
}
