# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The lab: one machine's worth of the network that nestnet is for, in namespaces.
#
#     ext   eth0 10.128.0.50/24, .1 (the router), and 203.0.113.9, "the Internet"
#      |
#      |    10.128.0.0/24, MTU 1460 as in a cloud
#      |
#     l1    eth0 10.128.0.2/24, default route via .1; local 10.128.0.12/30 proto 66 (alias)
#      |    virbr0 192.168.122.1/24 with the ports vnet0 and vnet1; forwarding is off
#      |
#      +--- l2    eth0 192.168.122.89/24
#      +--- l2b   eth0 192.168.122.90/24
#
# IPv6 is beside each: fd10:128::/64 outside, fd12::/64 on the bridge, with the same last
# part, and 2001:db8::9 in the Internet; the aliases as addresses, for tests that ask for
# them (with_aliases6). Servers: a page on port 8000 and echoes (TCP and UDP) on 7, 22 and 2222 of ext, l2
# and l2b; of L1 an echo on 22 of every address, and a page on 8000 of 10.128.0.2 alone.
#
# To be sourced within `lab`, by tests and by its interactive shell.

LAB=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
LAB_SCRATCH=/run/lab # goes with the lab, as all of /run

# What is tested: built in $NN_BUILD (libtool leaves the real programs in .libs), which is
# the top of the tree, or build/ in it where nothing else is said; or installed where
# NESTNET says.
if [[ -z ${NN_BUILD-} ]]; then
	NN_BUILD=$(cd "$LAB/../.." && pwd)
	[[ -x $NN_BUILD/tests/lab/peer || ! -d $NN_BUILD/build ]] || NN_BUILD+=/build
fi
PEER=${PEER-$NN_BUILD/tests/lab/peer}
if [[ -z ${NESTNET-} && -x $NN_BUILD/.libs/nestnet ]]; then
	NESTNET=$NN_BUILD/.libs/nestnet
	export LD_LIBRARY_PATH=$NN_BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
NESTNET=${NESTNET-$NN_BUILD/nestnet}
export NN_BUILD PEER NESTNET LAB_SCRATCH

# Hosts: a command in each


# on HOST COMMAND...; the lab's own programs, and the pieces of busybox it uses, by name. What
# does not look at /sys gets there the short way.
on() {
	local host=$1

	case $2 in
	peer) "$PEER" -n "$host" "${@:3}" ;;
	sctp) "$PEER" -n "$host" run "$NN_BUILD/tests/lab/sctp" "${@:3}" ;;
	nestnet) "$PEER" -n "$host" run "$NESTNET" "${@:3}" ;;
	ping) "$PEER" -n "$host" run busybox "${@:2}" ;;
	nft) "$PEER" -n "$host" run "${@:2}" ;;
	# The leak sanitizer does not work under a tracer.
	strace) ASAN_OPTIONS=detect_leaks=0 "$PEER" -n "$host" run "${@:2}" ;;
	*) ip netns exec "$host" "${@:2}" ;;
	esac
}

nestnet() { on l1 nestnet "$@"; }

# Building it

# The hosts, their cables and servers; the guests' cables end in L1, in no bridge yet.
lab_start() {
	local host

	[[ -x $PEER ]] || { echo "lab: no $PEER: make check builds it" >&2; return 1; }
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir "$LAB_SCRATCH"
	lab_devices
	lab_privileges
	printf 'netns add %s\n' ext l1 l2 l2b | ip -batch -
	# No duplicate address detection: nothing of the state changes by itself a second later,
	# and a host's answers need not wait for its link-local address.
	ip -all netns exec sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad' >/dev/null
	ip -netns ext -batch - <<-END
		link set lo up
		link add eth0 mtu 1460 type veth peer name eth0 netns l1
		link set eth0 up
		address add 10.128.0.50/24 dev eth0
		address add 10.128.0.1/24 dev eth0
		address add 203.0.113.9/32 dev lo
		address add 2001:db8::9/128 dev lo
		address add fd10:128::1/64 dev eth0 nodad
		address add fd10:128::50/64 dev eth0 nodad
	END
	ip -netns l1 -batch - <<-END
		link set lo up
		link set eth0 mtu 1460 up
		address add 10.128.0.2/24 dev eth0
		address add fd10:128::2/64 dev eth0 nodad
		route add default via 10.128.0.1
		route add default via fd10:128::1
		route add local 10.128.0.12/30 dev eth0 proto 66 table local
		link add vnet0 type veth peer name eth0 netns l2
		link add vnet1 type veth peer name eth0 netns l2b
		link set vnet0 up
		link set vnet1 up
	END
	guest_address l2 89
	guest_address l2b 90
	for host in ext l2 l2b; do
		on "$host" peer serve "$host" page:8000 echo:7 echo:22 echo:2222
	done
	on l1 peer serve l1 echo:22
	on l1 peer -s 10.128.0.2 serve l1 page:8000
}

# The tun device open to all, as on a usual Debian, since the real guest runs as an ordinary
# user. Where there is none, or no terminals, as in a chroot, a /dev that has them.
lab_devices() {
	local dev=$LAB_SCRATCH/dev

	# In a user namespace nobody makes devices, and its root is the user of the one there is.
	if [[ ${NN_PRIVILEGES-} == userns ]]; then
		return
	fi
	if [[ -c /dev/net/tun && -e /dev/ptmx ]]; then
		mknod -m 666 "$LAB_SCRATCH/tun" c 10 200
		mount --bind "$LAB_SCRATCH/tun" /dev/net/tun
		return
	fi
	mkdir -p "$dev"/{net,pts,shm}
	cp -a /dev/{null,zero,full,random,urandom,tty} "$dev"
	mknod -m 666 "$dev/net/tun" c 10 200
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$dev/pts"
	ln -s pts/ptmx "$dev/ptmx"
	ln -s /proc/self/fd "$dev/fd"
	mount --rbind "$dev" /dev
}

# What else nestnet may do than root (NN_PRIVILEGES): net_admin, an ordinary user who has that
# one capability; userns, all of them in a user namespace, which the whole lab is in; none.
# The checkout may lie where an ordinary user has no access: so what is run is a copy.
lab_privileges() {
	local own=$LAB_SCRATCH/privileges capabilities=-all library

	[[ ${NN_PRIVILEGES-} == net_admin || ${NN_PRIVILEGES-} == none ]] || return 0
	[[ $NN_PRIVILEGES == none ]] || capabilities+=,+net_admin
	mkdir "$own"
	for library in "$NN_BUILD"/.libs/libnestnet.so*; do
		[[ ! -e $library ]] || cp -L "$library" "$own/"
	done
	cp "$NESTNET" "$own/real"
	cat >"$own/nestnet" <<-END
		#!/bin/sh
		LD_LIBRARY_PATH=$own exec setpriv --reuid nobody --regid nogroup --clear-groups \
			--inh-caps $capabilities --ambient-caps $capabilities -- $own/real "\$@"
	END
	chmod 755 "$own" "$own"/*
	export NESTNET=$own/nestnet
}

guest_address() {
	ip -netns "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		address add 192.168.122.$2/24 dev eth0
		address add fd12::$2/64 dev eth0 nodad
		route add default via 192.168.122.1
		route add default via fd12::1
	END
}

# A bridge as somebody else would make it, with both guests in it. Its IPv6 addresses, by
# which L1 asks for the guests that it forwards to, come once it is up: earlier ones wait for
# the kernel to notice the carrier, which can take a second.
with_bridge() {
	ip -netns l1 -batch - <<-END
		link add virbr0 address 52:54:00:aa:bb:01 type bridge
		link set vnet0 master virbr0
		link set vnet1 master virbr0
		address add 192.168.122.1/24 dev virbr0
		link set virbr0 up
		address add fd12::1/64 dev virbr0 nodad
		address add fe80::1/64 dev virbr0 nodad
	END
}

without_bridge() { ip -netns l1 link del virbr0; }

# A second machine beside ext. A switch takes the place of the cable, in ext, under the
# cable's name, so that ext stays as it was.
with_neighbour() {
	ip netns add ext2
	ip -netns ext -batch - <<-END
		link set eth0 down
		link set eth0 name port0
		link add eth0 mtu 1460 type bridge
		link set port0 master eth0 up
		link add port1 mtu 1460 type veth peer name eth0 netns ext2
		link set port1 master eth0 up
		link set eth0 up
		address flush dev port0
		address add 10.128.0.50/24 dev eth0
		address add 10.128.0.1/24 dev eth0
		address add fd10:128::1/64 dev eth0 nodad
		address add fd10:128::50/64 dev eth0 nodad
	END
	ip -netns ext2 -batch - <<-END
		link set lo up
		link set eth0 mtu 1460 up
		address add 10.128.0.51/24 dev eth0
		address add fd10:128::51/64 dev eth0 nodad
	END
	on ext2 peer serve ext2 page:8000 echo:7 echo:22 echo:2222
	# L1 still has the cable's Ethernet address for ext.
	ip -netns l1 neighbour flush dev eth0
}

# The neighbourhood's way past the alias: straight to the guests by way of L1.
with_route_to_guests() {
	ip -netns ext route replace 192.168.122.0/24 via 10.128.0.2
	ip -netns ext route replace fd12::/64 via fd10:128::2
}

# The aliases' twins: addresses, as no route answers neighbour discovery, which L1 itself
# does not pick for its own flows; and a prefix that is routed to L1.
with_aliases6() {
	local last

	for last in 13 14 15; do
		ip -netns l1 address replace fd10:128::$last/128 dev eth0 nodad preferred_lft 0
	done
	ip -netns ext route replace fd10:128:0:1::/64 via fd10:128::2
	listens_for l1 eth0 2 13 14 15
	listens_for ext eth0 1 50
	listens_for l2 eth0 89
	listens_for l2b eth0 90
}

# listens_for HOST INTERFACE LAST...: until it answers neighbour discovery for addresses
# that end so. The kernel has that done in the background, which can take a while on a busy
# host; a question before it is repeated a second later.
listens_for() {
	local last

	for last in "${@:3}"; do
		poll has_joined "$1" "$2" "ff02::1:ff00:$last"
	done
}

has_joined() { [[ "$(ip -netns "$1" -6 maddress show dev "$2") " == *" $3"[$' \n']* ]]; }

# The lab's addresses in one family, 4 or 6, for what is to be so in both. A prefix of
# aliases has as many guests; their addresses come with with_prefix_guests.
# shellcheck disable=SC2034
family() {
	FAMILY=$1
	case $1 in
	4)
		ALIAS=10.128.0.13 ALIAS2=10.128.0.14 ALIAS3=10.128.0.15
		L1=10.128.0.2 EXT=10.128.0.50 EXT2=10.128.0.51 WORLD=203.0.113.9
		GUEST=192.168.122.89 GUEST2=192.168.122.90
		BRIDGE=192.168.122.1 SUBNET=192.168.122.0/24 STRANGER=192.168.122.77
		LOOPBACK=127.0.0.1
		PREFIX=10.128.0.12/30 PREFIX_PART=10.128.0.12/31 GUESTS=192.168.122.96/30
		PREFIX_ALIASES=(10.128.0.{12..15}) PREFIX_GUESTS=(192.168.122.{96..99})
		;;
	6)
		ALIAS=fd10:128::13 ALIAS2=fd10:128::14 ALIAS3=fd10:128::15
		L1=fd10:128::2 EXT=fd10:128::50 EXT2=fd10:128::51 WORLD=2001:db8::9
		GUEST=fd12::89 GUEST2=fd12::90
		BRIDGE=fd12::1 SUBNET=fd12::/64 STRANGER=fd12::77
		LOOPBACK=::1
		PREFIX=fd10:128:0:1::c/126 PREFIX_PART=fd10:128:0:1::c/127 GUESTS=fd12::60/126
		PREFIX_ALIASES=(fd10:128:0:1::{c,d,e,f}) PREFIX_GUESTS=(fd12::{60,61,62,63})
		;;
	esac
}

# in_each_family COMMAND...: with IPv4, and after `nestnet clear` with IPv6.
in_each_family() {
	family 4
	"$@"
	nestnet -q clear
	family 6
	with_aliases6
	"$@"
}

# at ADDRESS PORTS: as ALIAS and TARGET spell it.
at() {
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

# Further guests, by turns on l2 and l2b, each with an echo on 9 that says its address.
with_prefix_guests() {
	local address host=l2 length=/24 options=()

	[[ $FAMILY == 4 ]] || length=/64 options=(nodad)
	for address in "${PREFIX_GUESTS[@]}"; do
		ip -netns "$host" address replace "$address$length" dev eth0 "${options[@]}"
		[[ $FAMILY == 4 ]] || listens_for "$host" eth0 "${address##*:}"
		on "$host" peer -s "$address" serve "$address" echo:9
		[[ $host == l2 ]] && host=l2b || host=l2
	done
}

# listens HOST PORT...: an echo on each port, in both families, whose answer begins
# HOST:PORT. One that is there already stays.
listens() {
	local port

	for port in "${@:2}"; do
		[[ -z ${listening["$1:$port"]-} ]] || continue
		on "$1" peer serve "$1:$port" "echo:$port"
		listening["$1:$port"]=yes
	done
}

declare -A listening

# br_netfilter shows bridged packets to the IP chains: 1 in a new namespace, as its default.
bridge_calls_iptables() { on l1 sh -c "echo $1 >/proc/sys/net/bridge/bridge-nf-call-iptables"; }

forwarding() { on l1 cat /proc/sys/net/ipv4/ip_forward; }

# Waiting

# Until COMMAND succeeds, 10 s at most; only for what gives no event to wait for.
poll() {
	local i

	for ((i = 0; i < 1000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.01
	done
	echo "still not after 10 s: $*" >&2
	return 1
}

# Streams: one flow that stays open. stream_open NAME HOST tcp|udp ADDRESS PORT, then
# stream_says NAME TEXT prints the answer, and fails where the flow broke; stream_lost NAME TEXT
# succeeds where it did, or where at least this line came to nothing.

declare -A stream_in stream_out

stream_open() {
	local to from

	rm -f "$LAB_SCRATCH/$1".{in,out} # of a stream before it
	mkfifo "$LAB_SCRATCH/$1.in" "$LAB_SCRATCH/$1.out"
	on "$2" peer stream "${@:3}" <"$LAB_SCRATCH/$1.in" >"$LAB_SCRATCH/$1.out" 2>&1 &
	exec {to}>"$LAB_SCRATCH/$1.in" {from}<"$LAB_SCRATCH/$1.out"
	stream_in[$1]=$to stream_out[$1]=$from
}

stream_says() { stream_asks 10000 "$@"; }
stream_lost() { ! stream_asks "${NN_NOTHING:-300}" "$@"; }

# stream_asks MS NAME TEXT, with as much more time as a connection may take.
stream_asks() {
	local answer

	# A stream that is over has no reader: the write must not end this shell.
	trap '' PIPE
	{ echo "$1 $3" >&"${stream_in[$2]}"; } 2>/dev/null || true
	read -r -t 20 -u "${stream_out[$2]}" answer || answer="peer: broken: gone"
	trap - PIPE
	echo "$answer"
	[[ $answer != "peer: "* ]]
}

# The state of L1

generation() { on l1 peer generation; }

# Everything that a command could change, as text to compare; less what the kernel changes
# by itself a moment later, which is counters, timers, and what follows from a carrier: the
# carrier itself, link-local addresses and their routes, and that an IPv6 address is local.
l1_state() {
	echo "# links, addresses, routes and rules"
	{
		printf '%s\n' link address 'route show table all' rule | ip -netns l1 -d -o -batch -
		ip -netns l1 -6 rule
	} | sed -E '/fe80:|ff00::|^local [0-9a-f]+:.* proto kernel /d; s/ linkdown//'"; $L1_MOMENT"
	echo "# sysctls"
	# Some are for writing only, or refuse while they are unset.
	{
		"$PEER" -n l1 run grep -rs . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf \
			/proc/sys/net/ipv6/conf /proc/sys/net/bridge || true
	} | LC_ALL=C sort
	echo "# ruleset"
	on l1 nft -s list ruleset
}

l1_links() { ip -netns l1 -d -o link | sed -E "$L1_MOMENT"; }

L1_MOMENT='s/ [a-z_]*_timer +[0-9.]+//g; s/NO-CARRIER,|,LOWER_UP//g; s/ state [A-Za-z]+//g'

# The interactive shell

lab_help() {
	cat <<-END
		A lab of namespaces: ext - l1 - virbr0 - l2, l2b. It goes when this shell ends.
		  on ext curl -s 10.128.0.2:8000      a command on a host (ext, l1, l2, l2b)
		  nestnet expose 10.128.0.13 192.168.122.89
		  on ext peer tcp 10.128.0.13 7       who answers, and whom does it see
		  l1_state                            all that a command could change in L1
	END
}

if [[ $- == *i* ]]; then
	PS1='lab# '
	set +e
fi
