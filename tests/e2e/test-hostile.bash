# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What nestnet-bridge-helper makes of users who want more than they are given. Each attempt,
# of which there are more than a hundred, is refused in one line, and leaves no tap.

# shellcheck source=tests/lab/helper.bash
source "$LAB/helper.bash"

# attempt STATUS REGEX COMMAND...: by nobody, of takes-taps, whose last line has the outcome.
attempt() {
	local said lines

	said=$(as_nobody "${@:3}" 2>"$LAB_SCRATCH/stderr" </dev/null) || fail "${*:3}: exit $?" "$said"
	same "${*:3}: outcome" "$1 0" "$said"
	mapfile -t lines <"$LAB_SCRATCH/stderr"
	[[ ${#lines[@]} == 1 ]] || fail "${*:3}: want one line, got:" "${lines[@]}"
	matches "${*:3}" "^nestnet-bridge-helper: [ -~]*$2" "${lines[0]}"
	same "${*:3}: taps left" "" "$(taps)"
	[[ $1 != 2 ]] || counts "wrong inputs by hand"
}

# line REGEX ARGUMENT...: such a command line is wrong.
line() { attempt 2 "$1" "$TAKES" 1 "$HELPER" "${@:2}"; }

# asks REGEX ARGUMENT...: it is right, and is refused.
asks() { attempt 1 "$1" "$TAKES" 1 "$HELPER" "${@:2}"; }

install_open() {
	helper_install
	acl 'allow all queues=8'
	same "an honest one" "0 1" "$(as_nobody "$TAKES" 1 "$HELPER" --br=virbr0 --fd=9)"
}

test_command_lines() {
	local long

	install_open
	long=$(printf 'x%.0s' {1..100000})
	line 'are needed'
	line 'are needed' --br=virbr0
	line 'are needed' --fd=9
	line 'are needed' --use-vnet --queues=1
	# Names.
	line '1 to 15 characters' --fd=9 --br=
	line '1 to 15 characters' --fd=9 --br=virbr0virbr0virb
	line '1 to 15 characters' --fd=9 --br=virbr0virbr0virbr
	line '1 to 15 characters' --fd=9 "--br=$long"
	line 'is of letters' --fd=9 --br=../virbr0
	line 'is of letters' --fd=9 --br=..
	line 'is of letters' --fd=9 --br=.
	line 'is of letters' --fd=9 --br=virbr0/
	line 'is of letters' --fd=9 --br=/virbr0
	line 'is of letters' --fd=9 --br=-virbr0
	line 'is of letters' --fd=9 '--br=virbr0 '
	line 'is of letters' --fd=9 '--br= virbr0'
	line 'is of letters' --fd=9 $'--br=virbr0\n'
	line 'is of letters' --fd=9 $'--br=\e[2J'
	line 'is of letters' --fd=9 '--br=vmtap%d'
	line 'is of letters' --fd=9 '--br=%s%n%n%n'
	line 'is of letters' --fd=9 '--br=$(id)'
	line 'is of letters' --fd=9 '--br=x;id'
	line 'is of letters' --fd=9 '--br=virbr0#'
	line 'is of letters' --fd=9 '--br=virbr0:1'
	line 'is of letters' --fd=9 '--br=vïrbr0'
	line 'is of letters' --fd=9 $'--br=\xff\xfe'
	line 'not the name of a bridge' --fd=9 --br=all
	line 'not the name of a bridge' --fd=9 --br=default
	# Numbers.
	line '--fd: want one number' --br=virbr0 --fd=
	line '--fd: want one number' --br=virbr0 --fd=0
	line '--fd: want one number' --br=virbr0 --fd=1
	line '--fd: want one number' --br=virbr0 --fd=2
	line '--fd: want one number' --br=virbr0 --fd=-1
	line '--fd: want one number' --br=virbr0 --fd=+9
	line '--fd: want one number' --br=virbr0 '--fd= 9'
	line '--fd: want one number' --br=virbr0 '--fd=9 '
	line '--fd: want one number' --br=virbr0 --fd=0x9
	line '--fd: want one number' --br=virbr0 --fd=9.
	line '--fd: want one number' --br=virbr0 --fd=nine
	line '--fd: want one number' --br=virbr0 --fd=99999999999
	line '--fd: want one number' --br=virbr0 --fd=4294967305
	line '--fd: want one number' --br=virbr0 --fd=18446744073709551625
	line '--fd: want one number' --br=virbr0 "--fd=$long"
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=0
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=-1
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=254
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=4294967297
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=
	# Said twice, or not known.
	line '--br: said twice' --br=virbr0 --br=virbr1 --fd=9
	line '--br: said twice' --br=virbr0 --br=virbr0 --fd=9
	line '--fd: want one number' --br=virbr0 --fd=9 --fd=9
	line '--queues: want one number' --br=virbr0 --fd=9 --queues=1 --queues=2
	line 'unknown or repeated' --br=virbr0 --fd=9 --use-vnet --use-vnet
	line 'unknown or repeated' --br virbr0 --fd=9
	line 'unknown or repeated' --br=virbr0 --fd 9
	line 'unknown or repeated' --br=virbr0 --fd=9 --use-vnet=1
	line 'unknown or repeated' --br=virbr0 --fd=9 --conf=/tmp/mine
	line 'unknown or repeated' --br=virbr0 --fd=9 --help
	line 'unknown or repeated' --br=virbr0 --fd=9 ---
	line 'unknown or repeated' --br=virbr0 --fd=9 ''
	line 'unknown or repeated' --br=virbr0 --fd=9 '-br=virbr0'
	line 'unknown or repeated' --br=virbr0 --fd=9 "$long"
	line 'unknown or repeated' --br=virbr0 --fd=9 $'\e]0;x\a'
	line '' --br=virbr0 --fd=9 --BR=virbr0
	attempt 2 'are needed' "$TAKES" -0 1 "$HELPER"
}

# kind REGEX KIND: in the place of the socket.
kind() { attempt 1 "$1" "$TAKES" -s "$2" 1 "$HELPER" --br=virbr0 --fd=9; }

test_descriptors() {
	install_open
	kind '--fd=9: Bad file descriptor' none
	kind 'not a Unix stream socket' dgram
	kind 'not a Unix stream socket' seqpacket
	kind 'not a Unix stream socket' inet
	kind 'not connected' alone
	kind 'not connected' listening
	kind 'send the tap by --fd=9: ' full
	kind 'send the tap by --fd=9: Broken pipe' left
	kind 'send the tap by --fd=9: Broken pipe' shut
	asks 'Bad file descriptor' --br=virbr0 --fd=7
	asks 'Bad file descriptor' --br=virbr0 --fd=999999999
	exec 7</etc/passwd
	asks 'not a socket' --br=virbr0 --fd=7
	exec 7</dev/null
	asks 'not a socket' --br=virbr0 --fd=7
	exec 7<>/dev/net/tun
	asks 'not a socket' --br=virbr0 --fd=7
	exec 7< <(:)
	asks 'not a socket' --br=virbr0 --fd=7
	exec 7</
	asks 'not a socket' --br=virbr0 --fd=7
	exec 7>&-
}

# An interface that is none, or no bridge.
test_interfaces() {
	install_open
	asks 'bridge br7: No such device' --br=br7 --fd=9
	asks 'eth0 is not a bridge' --br=eth0 --fd=9
	asks 'lo is not a bridge' --br=lo --fd=9
	asks 'user 65534 may have 8' --br=virbr0 --fd=9 --queues=9
}

# acl_is REGEX LINE...: with such an ACL nobody gets anything.
acl_is() {
	acl "${@:2}"
	asks "$1" --br=virbr0 --fd=9
}

test_what_an_acl_may_not_say() {
	local long
	helper_install
	long=$(printf 'x%.0s' {1..300})
	# What comes behind the mistake makes no difference, nor what came before it.
	acl_is 'line 2: neither allow, deny nor include' 'allow all' 'permit virbr0' 'allow all'
	acl_is 'line 1: neither' 'Allow virbr0'
	acl_is 'line 1: neither' 'allow=virbr0'
	acl_is 'line 2: the name of a bridge, or all, is missing' 'allow all' 'deny'
	acl_is '1 to 15 characters' 'allow virbr0virbr0virbr0' 'allow virbr0'
	acl_is '1 to 15 characters' "allow $long" 'allow virbr0'
	acl_is 'is of letters' 'allow ../virbr0' 'allow virbr0'
	acl_is 'is of letters' 'allow *'
	acl_is 'is of letters' 'allow virbr0#'
	acl_is 'not the name of a bridge' 'allow default'
	acl_is 'neither of user=' 'allow virbr0 virbr1'
	acl_is 'neither of user=' 'allow virbr0 users=nobody'
	acl_is 'neither of user=' 'allow virbr0 isolated=1'
	acl_is 'neither of user=' 'allow virbr0 queues'
	acl_is 'one user or group is named each time' 'allow virbr0 user=root,nobody'
	acl_is 'from 1 to 63 characters' 'allow virbr0 user='
	acl_is 'from 1 to 63 characters' "allow virbr0 user=$long"
	acl_is 'from 1 to 63 characters' "allow virbr0 owner=$long"
	acl_is 'said twice' 'allow virbr0 queues=1 queues=2'
	acl_is 'said twice' 'allow virbr0 isolated isolated'
	acl_is 'out of range' 'allow virbr0 queues=0'
	acl_is 'out of range' 'allow virbr0 queues=254'
	acl_is 'out of range' 'allow virbr0 mtu=67'
	acl_is 'out of range' 'allow virbr0 mtu=65522'
	acl_is 'a number is wanted' 'allow virbr0 mtu=99999999999'
	acl_is 'a number is wanted' 'allow virbr0 mtu=-1'
	acl_is 'a MAC address is wanted' 'allow virbr0 mac=52:54:00:12:34'
	acl_is 'a MAC address is wanted' 'allow virbr0 mac=52:54:00:12:34:567'
	acl_is 'multicast' 'allow virbr0 mac=53:54:00:12:34:56'
	acl_is 'a MAC address is wanted' 'allow virbr0 guard='
	acl_is 'a guard is MAC' 'allow virbr0 guard=52:54:00:12:34:56,'
	acl_is 'a guard is MAC' 'allow virbr0 guard=52:54:00:12:34:56,192.168.122.300'
	acl_is 'more than 32 guards' "allow virbr0$(printf ' guard=52:54:00:12:34:%02x' {1..33})"
	acl_is 'more than 128 addresses' \
		"allow virbr0 guard=52:54:00:12:34:56$(printf ',10.0.0.%d' {1..129})"
	acl_is 'more than 64 users' "allow virbr0$(printf ' user=%d' {1..65})"
	acl_is 'deny knows user= and group= alone' 'allow virbr0' 'deny virbr0 queues=2'
	acl_is 'owner=: no such user' 'allow virbr0 owner=no.such.user'
	acl_is 'not ASCII text' $'allow virbr0\r'
	acl_is 'not ASCII text' $'allow virbr0 \e[2J'
	acl_is 'include takes one path' 'allow virbr0' 'include'
	acl_is 'include takes one path' 'allow virbr0' "include $ACL $ACL"
	acl_is 'not an absolute path' 'allow virbr0' 'include other.conf'
	acl_is 'at most 255 bytes' 'allow virbr0' "include /$long"
	acl_is 'a path has no . or ..' 'allow virbr0' "include $LAB_SCRATCH/etc/../etc/bridge.conf"
	acl_is 'No such file' 'allow virbr0' "include $LAB_SCRATCH/etc/none"
	acl_is 'includes of more than' 'allow virbr0' "include $ACL"
	printf 'allow virbr0\0\n' >"$ACL"
	asks 'a NUL byte' --br=virbr0 --fd=9
	{ echo 'allow virbr0'; head -c 70000 /dev/zero | tr '\0' '#'; } >"$ACL"
	asks 'longer than 65536 bytes' --br=virbr0 --fd=9
	# So many files, though none includes itself.
	acl 'allow virbr0'
	for long in {1..9}; do
		printf "include $ACL.$((long + 1))\n%.0s" {1..9} >"$ACL.$long"
	done
	acl_is 'includes of more than' 'allow virbr0' "include $ACL.1"
}

test_what_an_acl_may_not_be() {
	local dir=$LAB_SCRATCH/etc own=$LAB_SCRATCH/own

	helper_install
	asks 'bridge.conf: No such file' --br=virbr0 --fd=9
	acl 'allow all'
	chmod 666 "$ACL"
	asks 'bridge.conf: others than root may write it' --br=virbr0 --fd=9
	chmod 664 "$ACL"
	asks 'bridge.conf: others than root may write it' --br=virbr0 --fd=9
	chmod 644 "$ACL"
	chown nobody "$ACL"
	asks 'bridge.conf: not owned by root' --br=virbr0 --fd=9
	chown root "$ACL"
	chmod 600 "$ACL"
	asks 'bridge.conf: Permission denied' --br=virbr0 --fd=9
	mkdir -m 777 "$own"
	setpriv --reuid nobody --clear-groups sh -c "echo allow all >$own/mine"
	rm "$ACL"
	ln -s "$own/mine" "$ACL"
	asks 'bridge.conf: a symbolic link' --br=virbr0 --fd=9
	ln -sf /etc/shadow "$ACL"
	asks 'bridge.conf: a symbolic link' --br=virbr0 --fd=9
	ln -sf bridge.conf "$ACL"
	asks 'bridge.conf: a symbolic link' --br=virbr0 --fd=9
	rm "$ACL"
	mkfifo "$ACL"
	asks 'bridge.conf: not a regular file' --br=virbr0 --fd=9
	rm "$ACL"
	mkdir "$ACL"
	asks 'bridge.conf: not a regular file' --br=virbr0 --fd=9
	rmdir "$ACL"
	mknod -m 644 "$ACL" c 1 5 # endless
	asks 'bridge.conf: not a regular file' --br=virbr0 --fd=9
	# What is included is held to the same.
	acl_is 'mine: not owned by root|own: others than root' 'allow all' "include $own/mine"
	acl_is 'own: others than root may write it' 'allow all' "include $own/none"
	acl_is '/etc/shadow: Permission denied' 'allow all' 'include /etc/shadow'
	acl_is '(0|tty|console): ' 'allow all' 'include /dev/console'
	acl_is '/proc/self: a symbolic link|/proc/self: Not a dir' 'allow all' 'include /proc/self/environ'
	acl 'allow all'
	chmod 777 "$dir"
	asks 'etc: others than root may write it' --br=virbr0 --fd=9
	chmod 1777 "$dir"
	asks 'etc: others than root may write it' --br=virbr0 --fd=9
	chmod 755 "$dir"
	chown nobody "$dir"
	asks 'etc: not owned by root' --br=virbr0 --fd=9
	chown root "$dir"
	mv "$dir" "$LAB_SCRATCH/etc2"
	ln -s etc2 "$dir"
	asks 'etc: (a symbolic link|Not a directory)' --br=virbr0 --fd=9
}

# Whatever it is told to read, it tells nothing of it, even where it may read it.
test_no_file_is_told() {
	local secret='allow virbr0 secret=7c1d'

	helper_install
	echo "$secret" >"$LAB_SCRATCH/etc/secret"
	acl 'allow all' "include $LAB_SCRATCH/etc/secret"
	asks "etc/secret line 1: neither of user=" --br=virbr0 --fd=9
	matches_not "the message" '7c1d' "$(<"$LAB_SCRATCH/stderr")"
	chmod 600 "$LAB_SCRATCH/etc/secret"
	setcap -r "$HELPER"
	chmod u+s "$HELPER"
	asks "etc/secret: Permission denied" --br=virbr0 --fd=9
}

# denied COMMAND...: started by that, an ACL that gives nothing gives nothing.
denied() {
	attempt 1 'not allowed to user 65534' "$TAKES" 1 "$@" "$HELPER" --br=virbr0 --fd=9
}

test_what_is_inherited() {
	local own=$LAB_SCRATCH/own limit

	helper_install
	acl 'allow virbr0 user=root'
	mkdir -m 777 "$own"
	printf 'nobody:x:0:0::/:/bin/sh\n' >"$own/passwd"
	echo 'allow all' >"$own/bridge.conf"
	denied env -i
	denied env HOME="$own" USER=root LOGNAME=root SUDO_UID=0 PKEXEC_UID=0
	denied env NESTNET_BRIDGE_CONF="$own/bridge.conf" sysconfdir="$own" NESTNET_CONF="$own"
	denied env LD_PRELOAD="$own/evil.so" LD_LIBRARY_PATH="$own" LD_DEBUG=all LD_AUDIT="$own/evil.so"
	denied env NLDBG=9 NLCB=debug MALLOC_TRACE="$own/trace" LIBNFTNL_DEBUG=1
	denied env GETCONF_DIR="$own" NSS_WRAPPER_PASSWD="$own/passwd" HOSTALIASES="$own/passwd"
	denied env LANG=de_DE.UTF-8 LC_ALL=xx LOCPATH="$own" NLSPATH="$own/%N" GCONV_PATH="$own"
	denied env "$(printf 'A%.0s' {1..100000})=1"
	denied env GLIBC_TUNABLES=glibc.malloc.check=3 PATH="$own" IFS=/ BASH_ENV="$own/x"
	denied sh -c "umask 0; cd $own; exec \"\$@\"" sh
	denied sh -c 'trap "" PIPE TERM HUP INT XFSZ CHLD; exec "$@"' sh
	denied prlimit --core=unlimited
	denied prlimit --stack=100000:100000
	denied nice -n 19
	# With an ACL that allows it: where there are no means there is no tap.
	acl 'allow virbr0'
	for limit in 4 5; do
		attempt 1 'Too many open files' "$TAKES" 1 \
			sh -c "ulimit -n $limit; exec $HELPER --br=virbr0 --fd=9"
	done
	# There is no room for the program's own libraries.
	same "a limit of 3" "127 0" "$(as_nobody "$TAKES" 1 \
		sh -c "ulimit -n 3; exec $HELPER --br=virbr0 --fd=9" 2>/dev/null)"
	attempt 1 'CAP_NET_ADMIN is missing' setpriv --no-new-privs "$TAKES" 1 "$HELPER" --br=virbr0 --fd=9
	attempt 1 'CAP_NET_ADMIN is missing' strace -o /dev/null -f "$TAKES" 1 "$HELPER" --br=virbr0 --fd=9
}

# Whenever memory ends, there is a tap or none, and an error with none.
test_memory_that_ends() {
	local size outcome seen=''

	install_open
	for size in {2048..12288..512}; do
		outcome=$(as_nobody "$TAKES" 1 prlimit --as=$((size * 1024)) "$HELPER" \
			--br=virbr0 --fd=9 2>/dev/null)
		matches "$size KiB" '^(0 1|[1-9][0-9]* 0)$' "$outcome"
		same "$size KiB: taps left" "" "$(taps)"
		[[ $seen == *"$outcome;"* ]] || seen+="$outcome;"
	done
	matches "with enough, and with too little" '[1-9][0-9]* 0;.*0 1;' "$seen"
}

# Nothing that is missing of the standard descriptors becomes a socket with our words in it,
# and a tap comes of it all the same.
test_closed_standard_descriptors() {
	local closed

	install_open
	for closed in '<&-' '>&-' '2>&-' '<&- 2>&-' '<&- >&- 2>&-'; do
		same "$closed" "0 1" "$(as_nobody "$TAKES" 1 \
			sh -c "exec $HELPER --br=virbr0 --fd=9 $closed")"
		same "$closed, refused" "1 0" "$(as_nobody "$TAKES" 1 \
			sh -c "exec $HELPER --br=virbr7 --fd=9 $closed" 2>/dev/null)"
		same "$closed: taps left" "" "$(taps)"
	done
}

# In namespaces of its own a user writes its own ACL, as its own root: for those alone.
test_a_user_namespace_of_ones_own_gives_nothing_here() {
	local dir=$LAB_SCRATCH/etc

	helper_install
	acl 'deny all'
	chmod 755 "$dir"
	same "outcome" "1 0" "$(as_nobody unshare --user --map-root-user --mount sh -c "
		mount -t tmpfs -o mode=755 tmpfs $dir && echo 'allow all' >$ACL &&
		exec $TAKES 1 $HELPER --br=virbr0 --fd=9" 2>"$LAB_SCRATCH/stderr")"
	matches "it says" 'Operation not permitted|CAP_NET_ADMIN|/: not owned by root' "$(<"$LAB_SCRATCH/stderr")"
	same "taps left" "" "$(taps)"
}
