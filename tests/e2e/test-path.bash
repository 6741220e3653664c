# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# MTU, MSS, and whole files through the alias.

# Beyond ext and a link of 1400 bytes: far, whose own link takes 1500. Nobody on the way
# says so: the routers' "too big" messages are filtered, as they often are.
#
#     l1 (1460) ext (1400) mid (1500) far
with_narrow_path() {
	local router

	printf 'netns add %s\n' mid far | ip -batch -
	on mid sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	ip -netns mid -batch - <<-END
		link set lo up
		link add eth0 mtu 1400 type veth peer name far0 mtu 1400 netns ext
		link add eth1 mtu 1500 type veth peer name eth0 netns far
		link set eth0 up
		link set eth1 up
		address add 10.130.0.2/24 dev eth0
		address add 10.140.0.1/24 dev eth1
		address add fd10:130::2/64 dev eth0 nodad
		address add fd10:140::1/64 dev eth1 nodad
	END
	ip -netns ext -batch - <<-END
		link set far0 up
		address add 10.130.0.1/24 dev far0
		address add fd10:130::1/64 dev far0 nodad
		route add 10.140.0.0/24 via 10.130.0.2
		route add fd10:140::/64 via fd10:130::2
	END
	ip -netns far -batch - <<-END
		link set lo up
		link set eth0 up
		address add 10.140.0.9/24 dev eth0
		address add fd10:140::9/64 dev eth0 nodad
		route add default via 10.140.0.1
		route add default via fd10:140::1
	END
	ip -netns mid route add default via 10.130.0.1
	ip -netns mid -6 route add default via fd10:130::1
	for router in ext mid; do
		on "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
			echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
		on "$router" nft -f - <<-END
			table inet silent {
				chain out {
					type filter hook output priority 0;
					icmp type destination-unreachable counter drop
					icmpv6 type packet-too-big counter drop
				}
			}
		END
	done
	on far peer serve far page:8000 echo:7
}

far() { [[ $FAMILY == 4 ]] && echo 10.140.0.9 || echo fd10:140::9; }

# A web server on HOST that has 1 MiB to give, and says how much it was given.
with_file() { # HOST
	local www=$LAB_SCRATCH/www-$1

	[[ ! -d $www ]] || return 0
	mkdir -p "$www/cgi-bin"
	head -c 1048576 /dev/urandom >"$www/file"
	cat >"$www/cgi-bin/take" <<-'END'
		#!/bin/sh
		printf 'Content-Type: text/plain\r\n\r\n'
		head -c "$CONTENT_LENGTH" | sha256sum
	END
	chmod 755 "$www/cgi-bin/take"
	on "$1" busybox httpd -p 8080 -h "$www"
	poll on "$1" curl -sf -m 1 -o /dev/null http://127.0.0.1:8080/file
}

# Both ways between HOST and the server of FROM: HOST ADDRESS FROM
passes_a_file() {
	local file=$LAB_SCRATCH/www-$3/file url

	url="http://$(at "$2" 8080)"
	on "$1" curl -sgf -m 8 "$url/file" | cmp - "$file" || fail "$1 got no file from $2"
	same "$1 sends a file to $2" "$(sha256sum <"$file")" \
		"$(on "$1" curl -sgf -m 8 --data-binary "@$file" "$url/cgi-bin/take")"
}

passes_no_file() { # HOST ADDRESS
	not on "$1" curl -sgf -m 2 -o /dev/null "http://$(at "$2" 8080)/file"
}

tell_l1_of_the_path() {
	case $FAMILY in
	4) ip -netns l1 route add 10.140.0.0/24 via 10.128.0.1 mtu 1400 ;;
	6) ip -netns l1 route add fd10:140::/64 via fd10:128::1 mtu 1400 ;;
	esac
}

# Segments

# Both ends would take more: 1460 is the uplink's. Less 40 of headers (60 with IPv6), less 12
# where time stamps are in use.
mss_of() { # MTU
	local headers=40

	[[ $FAMILY == 4 ]] || headers=60
	echo " mss ($(($1 - headers))|$(($1 - headers - 12))) "
}

test_segments_fit_the_uplink_both_ways() { in_each_family clamped_to_uplink; }

clamped_to_uplink() {
	ip -netns ext link set eth0 mtu 1500
	nestnet expose "$ALIAS" "$GUEST"
	# Each end says the segments that it may send: what the other end's SYN allowed it.
	matches "the guest's, to a client" "$(mss_of 1460)" "$(on ext peer tcp "$ALIAS" 7)"
	matches "ext's, to the guest as a client" "$(mss_of 1460)" "$(on l2 peer tcp "$EXT" 7)"
	# Between guests nothing is in the way of whole segments.
	matches "a neighbour's" "$(mss_of 1500)" "$(on l2 peer tcp "$GUEST2" 7)"
}

test_segments_fit_a_route_that_says_less() { in_each_family clamped_to_route; }

clamped_to_route() {
	with_narrow_path_once
	tell_l1_of_the_path
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 7)" "$GUEST2"
	matches "the guest's, to far" "$(mss_of 1400)" "$(on far peer tcp "$ALIAS" 7)"
	matches "by a port" "$(mss_of 1400)" "$(on far peer tcp "$ALIAS2" 7)"
	matches "far's, to the guest" "$(mss_of 1400)" "$(on l2 peer tcp "$(far)" 7)"
	# To ext there is no such limit.
	matches "the guest's, to ext" "$(mss_of 1460)" "$(on ext peer tcp "$ALIAS" 7)"
}

with_narrow_path_once() { [[ $FAMILY == 6 ]] || with_narrow_path; }

test_segments_of_a_masqueraded_subnet_fit() { in_each_family clamped_nat; }

clamped_nat() {
	ip -netns ext link set eth0 mtu 1500
	nestnet nat add "$SUBNET"
	matches "ext's, to a guest" "$(mss_of 1460)" "$(on l2b peer tcp "$EXT" 7)"
	matches "a neighbour's" "$(mss_of 1500)" "$(on l2 peer tcp "$GUEST2" 7)"
}

# What is not nestnet's to forward keeps what it says.
test_segments_of_others_are_left_alone() { in_each_family not_clamped; }

not_clamped() {
	ip -netns ext link set eth0 mtu 1500
	with_route_to_guests_once
	nestnet -q forward on
	nestnet expose "$ALIAS" "$GUEST"
	ip -netns ext route change "$SUBNET" via "$L1"
	matches "of a guest that is not exposed" "$(mss_of 1500)" "$(on ext peer tcp "$GUEST2" 7)"
}

with_route_to_guests_once() { [[ $FAMILY == 6 ]] || with_route_to_guests; }

# A mebibyte

test_a_file_passes_through_the_alias_both_ways() { in_each_family file_by_alias; }

file_by_alias() {
	with_file l2
	with_file ext
	nestnet expose "$ALIAS" "$GUEST"
	passes_a_file ext "$ALIAS" l2
	passes_a_file l1 "$ALIAS" l2
	passes_a_file l2b "$ALIAS" l2
	passes_a_file l2 "$EXT" ext
}

test_a_file_passes_by_a_shifted_range() { in_each_family file_by_range; }

file_by_range() {
	with_file l2
	nestnet expose "$(at "$ALIAS" 8079-8081)" "$GUEST"
	passes_a_file ext "$ALIAS" l2
	nestnet expose "$(at "$ALIAS2" 8080-8081)" "$(at "$GUEST" 8079-8080)"
	same "by another port" "$(sha256sum <"$LAB_SCRATCH/www-l2/file")" \
		"$(on ext curl -sgf -m 8 "http://$(at "$ALIAS2" 8081)/file" | sha256sum)"
}

# L1 has to know of the 1400: nobody can tell it, and it does not probe for its guests.
test_a_file_passes_a_silent_path_of_1400_that_l1_knows_of() { in_each_family file_by_narrow; }

file_by_narrow() {
	with_narrow_path_once
	with_file l2
	with_file far
	tell_l1_of_the_path
	nestnet expose "$ALIAS" "$GUEST" --egress alias
	passes_a_file far "$ALIAS" l2
	passes_a_file l2 "$(far)" far
}

test_no_file_passes_a_silent_path_that_l1_does_not_know_of() { in_each_family file_by_unknown; }

file_by_unknown() {
	with_narrow_path_once
	with_file l2
	nestnet expose "$ALIAS" "$GUEST"
	reaches far tcp "$ALIAS" 7 "l2 sees $(far) "
	passes_no_file far "$ALIAS"
	tell_l1_of_the_path
	passes_a_file far "$ALIAS" l2
}

# A path that does say so: the message finds its way back to the guest, by either way in.
test_too_big_messages_find_the_guest() { in_each_family file_by_telling; }

file_by_telling() {
	with_narrow_path_once
	on ext nft delete table inet silent 2>/dev/null || true
	on mid nft delete table inet silent 2>/dev/null || true
	with_file l2
	with_file far
	nestnet expose "$ALIAS" "$GUEST"
	nestnet expose "$(at "$ALIAS2" 8080)" "$GUEST"
	passes_a_file far "$ALIAS" l2
	passes_a_file far "$ALIAS2" l2
	passes_a_file l2 "$(far)" far
}

# MTU

test_auto_is_the_least_of_the_uplinks() {
	nestnet bridge add br0
	nestnet tap add tap0 --bridge br0
	nestnet tap add tap1 --mtu auto
	same "bridge, its tap, a tap by itself" "1460 1460 1460" "$(mtus br0 tap0 tap1)"
	# Another uplink, with less, by a default route of IPv6 alone.
	ip -netns l1 link add vnet9 mtu 1400 up type veth peer name vnet9b
	ip -netns l1 link set vnet9b up
	nestnet bridge add br1
	same "an interface is no uplink" 1460 "$(mtus br1)"
	ip -netns l1 address add fd99::2/64 dev vnet9 nodad
	ip -netns l1 -6 route add default via fd99::1 metric 4096
	nestnet bridge add br2
	nestnet tap add tap2 --bridge br2
	nestnet bridge add br3 --mtu 1450
	nestnet tap add tap3 --bridge br3
	same "less, and as told" "1400 1400 1450 1450" "$(mtus br2 tap2 br3 tap3)"
	# What is there keeps its own; `auto` is taken when it is added.
	same "before" "1460 1460" "$(mtus br0 tap0)"
	changes_nothing nestnet bridge add br0
	changes_nothing nestnet bridge add br2 --mtu auto
}

mtus() {
	local name

	for name in "$@"; do
		ip -netns l1 -j link show dev "$name" | jq '.[0].mtu'
	done | xargs
}
