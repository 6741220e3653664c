# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `doctor`: each check both ways; rules of other software, laid as that software lays them,
# are found by table, chain, handle and text, and the remedy lets the page come through.

# shellcheck source=tests/lab/firewalls.bash
source "$LAB/firewalls.bash"

ALIAS_URL="http 10.128.0.13 8000"

# finding CHECK [ALIAS]: "STATUS SUBJECT: DETAIL" of each finding of a check.
finding() {
	nestnet -j doctor "${@:2}" |
		jq -r --arg check "$1" '.[] | select(.check == $check) | "\(.status) \(.subject): \(.detail)"'
}

# finds CHECK REGEX [ALIAS]
finds() {
	local found

	found=$(finding "$1" "${@:3}" || true)
	grep -qE -- "$2" <<<"$found" || fail "doctor ${*:3}: $1: want /$2/, got:" "$found"
}

remedies() { nestnet -j doctor "$@" | jq -r '.[] | select(.status == "fail") | .remedy // empty'; }

# Pastes the remedies of all that fails, one by one, as a person would.
pastes_remedies() {
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words, as pasted; ours by the name it has here
		if [[ $line == nestnet\ * ]]; then $line; else on l1 bash -c "$line"; fi
	done < <(remedies "$@")
}

fails() {
	local status=0

	nestnet doctor "$@" >/dev/null || status=$?
	same "exit status of doctor $*" 1 "$status"
}

comes() { reaches ext $ALIAS_URL "guest page of l2,"; }
comes_not() { gets_nothing ext $ALIAS_URL; }

# warned REGEX: what expose says of a guest that cannot be reached, and succeeds all the same.
warned() {
	local said

	said=$(nestnet expose 10.128.0.13 192.168.122.89 2>&1) || fail "expose: exit $?"
	matches "expose says" "$1" "$said"
	same "lines" 1 "$(wc -l <<<"$said")"
	same "with -q" "" "$(nestnet -q expose 10.128.0.14 192.168.122.90 2>&1)"
	comes_not
}

# heals [COMMAND...]: it fails, its remedy is pasted, and the page comes.
heals() {
	fails 10.128.0.13
	pastes_remedies 10.128.0.13
	# Who has asked for the alias in vain asks again a moment later.
	poll comes
	nestnet doctor 10.128.0.13 >/dev/null || fail "doctor is not content:" "$(nestnet doctor 10.128.0.13)"
}

handle_of() { on l1 nft -a list chain $1 | sed -nE "s/.*$2.* # handle ([0-9]+)$/\1/p" | head -n 1; }

# ---- The way ---------------------------------------------------------------------------------

test_a_way_without_obstacles_is_said_to_be_open() {
	nestnet expose 10.128.0.13 192.168.122.89
	comes
	ip -netns l1 link set virbr0 mtu 1460
	same "not ok" "[]" \
		"$(nestnet -j doctor 10.128.0.13 | jq -c '[.[] | select(.status != "ok") | .check]')"
	same "checks" "arrives uplink rp_filter translated routed forwarding mtu delivered neighbour port rules" \
		"$(nestnet -j doctor 10.128.0.13 | jq -r '.[].check' | xargs)"
	same "keys" '["check","detail","remedy","status","subject","undo"]' \
		"$(nestnet -j doctor 10.128.0.13 | jq -c '.[0] | keys')"
	changes_nothing nestnet doctor 10.128.0.13
	matches "table" '^CHECK +STATUS +SUBJECT +DETAIL' "$(nestnet doctor 10.128.0.13)"
}

test_an_alias_that_is_not_exposed_fails() {
	fails 10.128.0.13
	finds translated '^fail 10\.128\.0\.13: it is not exposed' 10.128.0.13
	nestnet expose 10.128.0.13:80 192.168.122.89:8000
	nestnet doctor 10.128.0.13:80 >/dev/null
	nestnet doctor 10.128.0.13 >/dev/null
	finds translated '^fail .*81/tcp: it is not exposed$' 10.128.0.13:81
	finds translated '^fail .*80/udp: it is not exposed, but 10\.128\.0\.13:80/tcp is$' 10.128.0.13:80/udp
	nestnet expose 10.128.0.12/30 192.168.122.88/30
	finds translated '^ok 10\.128\.0\.13:80/tcp: exposed to 192\.168\.122\.89:8000$' 10.128.0.13:80
	finds translated '^ok 10\.128\.0\.12/30: exposed to' 10.128.0.13:81
	nestnet expose '*:8001' 192.168.122.89:8000
	finds translated '^ok \*:8001/tcp: exposed to' 10.128.0.2:8001
}

test_a_lost_alias_route_fails_and_the_remedy_brings_it_back() {
	nestnet expose 10.128.0.13 192.168.122.89
	ip -netns l1 route del local 10.128.0.12/30 dev eth0 table local
	comes_not
	finds arrives '^fail 10\.128\.0\.13: it is not local .* on eth0, unless the cloud does$' 10.128.0.13
	heals
}

test_an_alias_that_the_network_routes_here_is_a_warning() {
	nestnet expose 198.51.100.7 192.168.122.89
	finds arrives '^warn 198\.51\.100\.7: it is not local' 198.51.100.7
	nestnet doctor 198.51.100.7 >/dev/null
}

test_forwarding_that_is_off_fails() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	comes_not
	finds forwarding '^fail IPv4: off' 10.128.0.13
	heals
	finds forwarding '^ok IPv4: on$' 10.128.0.13
}

test_an_uplink_that_is_down_or_without_carrier_fails() {
	nestnet expose 10.128.0.13 192.168.122.89
	ip -netns ext link set eth0 down
	finds uplink '^fail eth0: the interface has no carrier' 10.128.0.13
	ip -netns ext link set eth0 up
	finds uplink '^ok eth0: up, with a carrier' 10.128.0.13
}

test_a_bridge_that_is_down_has_a_remedy() {
	nestnet expose 10.128.0.13 192.168.122.89
	ip -netns l1 link set virbr0 down
	ip -netns l1 route add 192.168.122.0/24 via 10.128.0.1
	finds routed '^warn 192\.168\.122\.89: it is looked for by the uplink eth0' 10.128.0.13
	ip -netns l1 route del 192.168.122.0/24 via 10.128.0.1
	finds routed '^fail 192\.168\.122\.89: virbr0, in whose network it is, is down' 10.128.0.13
	finds delivered '^fail virbr0: the interface is down' 10.128.0.13
	same "remedies" "ip link set dev virbr0 up" "$(remedies 10.128.0.13)"
	ip -netns l1 route del default via 10.128.0.1
	finds routed '^fail 192\.168\.122\.89: virbr0, in whose network it is, is down' 10.128.0.13
	ip -netns l1 route add default via 10.128.0.1
	heals
}

test_a_target_that_no_route_leads_to_fails() {
	nestnet expose 10.128.0.13 192.168.99.9
	finds routed '^warn 192\.168\.99\.9: it is looked for by the uplink eth0' 10.128.0.13
	ip -netns l1 route del default via 10.128.0.1
	finds routed '^fail 192\.168\.99\.9: there is no route to it' 10.128.0.13
}

# Alias and target, the wrong way round.
test_a_target_that_is_the_hosts_own_is_a_warning() {
	same "expose says" "nestnet: expose 192.168.122.89: done, but 10.128.0.13 is this host's own \
address, no guest's: were alias and target swapped? (see nestnet doctor 192.168.122.89)" \
		"$(nestnet expose 192.168.122.89 10.128.0.13 2>&1)"
	same "with -q" "" "$(nestnet -q expose 192.168.122.89 10.128.0.13 2>&1)"
	same "of a port" "nestnet: expose 10.128.0.13:80/tcp: done, but 192.168.122.1 is this host's" \
		"$(nestnet expose 10.128.0.13:80 192.168.122.1:8000 2>&1 | sed 's/ own .*//')"
	same "of a guest" "" "$(nestnet expose 10.128.0.14 192.168.122.90 2>&1)"
	finds routed '^warn 10\.128\.0\.13: .* no guest.s: were alias and target swapped' 192.168.122.89
	same "the rest of its way" "" "$(finding neighbour 192.168.122.89; finding delivered 192.168.122.89)"
}

# As any address of the network is that was made up, or has to be added yet.
test_an_alias_that_nobody_answers_for_is_told_at_once() {
	same "expose says" "nestnet: expose 10.128.0.77: done, but it is not local to this host: \
nobody answers for it on eth0, unless the cloud does (see nestnet doctor 10.128.0.77)" \
		"$(nestnet expose 10.128.0.77 192.168.122.89 2>&1)"
	finds arrives '^fail 10\.128\.0\.77: it is not local to this host: nobody answers for it on eth0, unless the cloud does$' \
		10.128.0.77
	matches "a port of IPv6" '^nestnet: expose \[fd10:128::77\]:80/tcp: done, but it is not local .* on eth0, ' \
		"$(nestnet expose '[fd10:128::77]:80' fd12::89 2>&1)"
	same "with -q" "" "$(nestnet -q expose 10.128.0.78 192.168.122.89 2>&1)"
	same "what may be routed here" "" "$(nestnet expose 10.99.0.1 192.168.122.89 2>&1)"
	same "of the guests' network" "" "$(nestnet expose 192.168.122.99 192.168.122.89 2>&1)"
	same "a port of every address" "" "$(nestnet expose '*:80' 192.168.122.89 2>&1)"
	# As where the network knows whose it is, and asks nobody.
	ip -netns ext neighbour replace 10.128.0.77 dev eth0 \
		lladdr "$(ip -netns l1 -j link show eth0 | jq -r '.[].address')"
	reaches ext tcp 10.128.0.77 7 "l2 sees"
	finds arrives '^warn 10\.128\.0\.77: it is not local to this host: nobody answers' 10.128.0.77
	nestnet alias add 10.128.0.77 --dev eth0
	same "once it is an alias" "" "$(nestnet expose 10.128.0.77 192.168.122.89 2>&1)"
}

test_who_alone_is_admitted_is_told() {
	nestnet expose 10.128.0.13 192.168.122.89
	finds translated '^ok 10\.128\.0\.13: exposed to 192\.168\.122\.89$' 10.128.0.13
	nestnet expose 10.128.0.13 192.168.122.89 --from 203.0.113.0/24 --replace
	finds translated ' 192\.168\.122\.89, only from 203\.0\.113\.0/24$' 10.128.0.13
	nestnet expose 10.128.0.13 192.168.122.89 --from 203.0.113.0/24 --from 10.9.0.0/16 --replace
	finds translated ', only from [0-9./]+ and others$' 10.128.0.13
}

# Its address is known for a while yet, and nothing of it arrives.
test_a_guest_that_no_port_has_heard_is_told() {
	nestnet expose 10.128.0.13 192.168.122.89
	comes
	finds port '^ok vnet0: ' 10.128.0.13
	ip -netns l1 link set vnet0 nomaster
	finds port '^skip 192\.168\.122\.89: no port of virbr0 has heard it lately' 10.128.0.13
}

test_a_target_that_nobody_answers_for_fails() {
	nestnet expose 10.128.0.13 192.168.122.77
	finds neighbour '^skip 192\.168\.122\.77: ' 10.128.0.13
	on l1 ping -c 1 -W 4 192.168.122.77 >/dev/null || true
	finds neighbour '^fail 192\.168\.122\.77: nobody on virbr0 answers' 10.128.0.13
}

test_a_port_that_stp_holds_back_fails() {
	nestnet expose 10.128.0.13 192.168.122.89
	comes
	ip -netns l1 link set virbr0 type bridge stp_state 1 forward_delay 3000
	ip -netns l1 link set vnet0 down
	ip -netns l1 link set vnet0 up
	# What is forgotten with the port is heard of again, as if the guest had spoken.
	bridge -netns l1 fdb replace "$(on l2 cat /sys/class/net/eth0/address)" dev vnet0 master static
	finds port '^fail vnet0: virbr0 does not forward by this port yet' 10.128.0.13
	heals
}

test_a_strict_rp_filter_is_told_where_it_could_drop() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
	finds rp_filter '^ok eth0: 1, strict: it drops only what a route says is elsewhere' 10.128.0.13
	ip -netns l1 route add default via 192.168.122.90 metric 9000
	finds rp_filter '^warn eth0: 1, strict' 10.128.0.13
	on l1 sh -c 'echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
	finds rp_filter '^ok eth0: 2' 10.128.0.13
}

test_an_mtu_above_the_uplinks_is_a_warning() {
	nestnet expose 10.128.0.13 192.168.122.89
	finds mtu '^warn virbr0: 1500, more than the 1460 of eth0' 10.128.0.13
	ip -netns l1 link set virbr0 mtu 1460
	finds mtu '^ok virbr0: 1460' 10.128.0.13
}

test_ipv6_is_walked_too() {
	with_aliases6
	nestnet expose fd10:128::13 fd12::89
	nestnet doctor fd10:128::13 >/dev/null
	on l1 nft 'table ip6 foreign { chain f { type filter hook forward priority 0; policy accept; ip6 daddr fd12::/64 drop; }; }'
	finds forwarded "^fail ip6 foreign f: rule handle $(handle_of 'ip6 foreign f' drop) drops: ip6 daddr fd12::/64 drop\$" fd10:128::13
	pastes_remedies fd10:128::13
	reaches ext http fd10:128::13 8000 "guest page of l2,"
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
	finds forwarding '^fail IPv6: off' fd10:128::13
}

test_an_address_of_a_prefix_is_walked_by_itself() {
	nestnet expose 10.128.0.12/30 192.168.122.88/30
	on l1 nft 'table inet one { chain f { type filter hook forward priority 0; ip daddr 192.168.122.89 drop; }; }'
	finds forwarded '^fail inet one f: ' 10.128.0.13
	same "of its neighbour" "" "$(finding forwarded 10.128.0.14)"
	finds forwarded '^warn inet one f: ' 10.128.0.12/30
}

# Whoever pastes a remedy must not run what somebody named an interface or a table.
test_a_name_that_is_no_word_is_in_no_remedy() {
	ip -netns l1 link set virbr0 down
	ip -netns l1 link set virbr0 name 'br;id'
	ip -netns l1 link set 'br;id' up
	nestnet expose 10.128.0.13 192.168.122.89
	same "remedy" "warn br;id null" \
		"$(nestnet -j doctor 10.128.0.13 | jq -r '.[] | select(.check == "mtu") | "\(.status) \(.subject) \(.remedy)"')"
	on l1 iptables -A FORWARD -j DROP
	same "remedies" "" "$(remedies 10.128.0.13)"
	fails 10.128.0.13
}

test_a_forwarding_host_that_takes_no_advertisements_is_warned_of() {
	with_aliases6
	nestnet expose fd10:128::13 fd12::89
	ip -netns l1 -6 route add default via fd10:128::1 dev eth0 proto ra metric 5
	on l1 sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	finds accept_ra '^warn eth0: a forwarding host takes no router advertisements' fd10:128::13
	on l1 sh -c 'echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	same "accept_ra 2" "" "$(finding accept_ra fd10:128::13)"
}

# ---- The host --------------------------------------------------------------------------------

test_the_host_is_examined_without_an_alias() {
	local checks

	nestnet doctor >/dev/null || fail "doctor:" "$(nestnet doctor)"
	checks=$(nestnet -j doctor | jq -r '.[].check' | sort -u | xargs)
	same "checks" "bridge-nf-call forwarding kvm mtu rp_filter rules tun uplink virtualization" "$checks"
	finds forwarding '^warn IPv4: off' # as in a fresh lab
	nestnet forward on -4
	finds forwarding '^ok IPv4: on'
	finds tun '^ok /dev/net/tun: usable'
	finds bridge-nf-call '^ok br_netfilter: on'
	bridge_calls_iptables 0
	on l1 sh -c 'echo 0 >/proc/sys/net/bridge/bridge-nf-call-ip6tables'
	finds bridge-nf-call '^ok br_netfilter: off'
	on l1 nft 'table inet foreign { chain f { type filter hook forward priority 0; policy drop; }; }'
	fails
	finds forwarded '^fail inet foreign f: policy drop$'
	without_bridge
	finds bridges '^skip guests: '
	ip -netns l1 route del default
	ip -netns l1 -6 route del default
	finds uplink '^warn default route: there is none'
}

test_the_processors_flags_are_told() {
	echo 'flags : fpu vme svm sse' >"$LAB_SCRATCH/cpuinfo"
	mount --bind "$LAB_SCRATCH/cpuinfo" /proc/cpuinfo
	finds virtualization '^ok cpu: svm$'
	echo 'flags : fpu vmx sse' >"$LAB_SCRATCH/cpuinfo"
	finds virtualization '^ok cpu: vmx$'
	echo 'flags : fpu sse' >"$LAB_SCRATCH/cpuinfo"
	finds virtualization '^warn cpu: the processor has neither'
}

test_a_device_that_is_not_there_fails() {
	mount -t tmpfs tmpfs /dev/net
	fails
	finds tun '^fail /dev/net/tun: No such file'
}

test_who_may_not_look_gets_2() {
	local status=0

	on l1 setpriv --bounding-set -net_admin -- "$NESTNET" doctor >/dev/null \
		2>"$LAB_SCRATCH/stderr" || status=$?
	same "exit status" 2 "$status"
	same "what it says" "nestnet: doctor: list chains: Operation not permitted (CAP_NET_ADMIN is needed)" \
		"$(<"$LAB_SCRATCH/stderr")"
	refused 2 'doctor: ' nestnet doctor 10.128.0.300
	refused 2 'doctor: ' nestnet doctor 10.128.0.13 10.128.0.14
}

# ---- Rules of other software -----------------------------------------------------------------

libvirt_rules() {
	on l1 iptables -N LIBVIRT_FWI
	on l1 iptables -N LIBVIRT_FWO
	on l1 iptables -A FORWARD -j LIBVIRT_FWI
	on l1 iptables -A FORWARD -j LIBVIRT_FWO
	on l1 iptables -A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	on l1 iptables -A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable
	on l1 iptables -A LIBVIRT_FWO -s 192.168.122.0/24 -i virbr0 -j ACCEPT
	on l1 iptables -A LIBVIRT_FWO -i virbr0 -j REJECT --reject-with icmp-port-unreachable
}

test_libvirts_reject_is_named_and_healed() {
	libvirt_rules
	warned '^nestnet: expose 10\.128\.0\.13: done, but ip filter LIBVIRT_FWI will stop it: '
	finds forwarded "^fail ip filter LIBVIRT_FWI: rule handle $(handle_of 'ip filter LIBVIRT_FWI' reject) of libvirt rejects: oifname \"virbr0\" counter reject\$" 10.128.0.13
	heals
}

# The same of libvirt's nftables backend, which knows interfaces by their index.
test_libvirts_own_table_is_named_and_healed() {
	libvirt_nftables_rules
	warned 'ip libvirt_network guest_input will stop it: rule handle [0-9]+ of libvirt rejects: oif "virbr0" counter reject'
	same "bridged frames are let by" "" "$(finding bridge-nf-call 10.128.0.13)"
	heals
}

test_dockers_policy_is_named_and_healed_in_docker_user() {
	docker_rules
	warned 'ip filter FORWARD will stop it: policy drop of Docker'
	finds forwarded '^fail ip filter FORWARD: policy drop of Docker$' 10.128.0.13
	finds replies '^fail ip filter FORWARD: policy drop of Docker$' 10.128.0.13
	finds bridge-nf-call '^warn ip filter FORWARD: ' 10.128.0.13
	same "remedies" "iptables -I DOCKER-USER -d 192.168.122.89 -o virbr0 -j ACCEPT
iptables -I DOCKER-USER -s 192.168.122.89 -i virbr0 -j ACCEPT" "$(remedies 10.128.0.13)"
	heals
	bridge_calls_iptables 0
	same "bridged frames meet none of it" "" "$(finding bridge-nf-call 10.128.0.13)"
}

test_ufws_policy_is_named_with_ufws_own_command() {
	on l1 iptables -N ufw-before-forward
	on l1 iptables -N ufw-user-forward
	on l1 iptables -A FORWARD -j ufw-before-forward
	on l1 iptables -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	on l1 iptables -A ufw-before-forward -p icmp -m icmp --icmp-type 8 -j ACCEPT
	on l1 iptables -A ufw-before-forward -j ufw-user-forward
	on l1 iptables -P FORWARD DROP
	warned 'ip filter FORWARD will stop it: policy drop of ufw'
	same "remedies" "ufw route allow in on eth0 out on virbr0 to 192.168.122.89" "$(remedies 10.128.0.13)"
	# What that command puts into ufw's chain.
	on l1 iptables -A ufw-user-forward -i eth0 -o virbr0 -d 192.168.122.89 -j ACCEPT
	comes
	nestnet doctor 10.128.0.13 >/dev/null
}

# The shape of firewalld's table; its own accept of translated flows, and without it.
firewalld_rules() {
	on l1 nft -f - <<-END
		table inet firewalld {
			chain filter_FORWARD {
				type filter hook forward priority filter + 10; policy accept;
				ct state { established, related } accept
				$1
				iifname "lo" accept
				ip6 daddr { ::/96, ::ffff:0.0.0.0/96 } reject
				iifname vmap { "docker0" : goto filter_FWD_docker, "eth0" : goto filter_FWD_public }
				ct state invalid drop
				reject with icmpx admin-prohibited
			}
			chain filter_FWD_public { oifname "docker0" accept; reject with icmpx admin-prohibited; }
			chain filter_FWD_docker { accept; }
		}
	END
}

test_firewallds_own_accept_of_translated_flows_is_seen() {
	firewalld_rules 'ct status dnat accept'
	same "expose of a port says" "" "$(nestnet expose 10.128.0.14:80 192.168.122.89:8000 2>&1)"
	# What the guest begins itself is a part of a whole address.
	matches "expose says" \
		'inet firewalld filter_FORWARD will stop what the guest begins itself: rule handle [0-9]+ of firewalld rejects: reject' \
		"$(nestnet expose 10.128.0.13 192.168.122.89 2>&1)"
	comes
	nestnet doctor 10.128.0.13 >/dev/null
	finds outbound '^warn inet firewalld filter_FORWARD: ' 10.128.0.13
	gets_nothing l2 tcp 10.128.0.50 7
	fails
	finds outbound '^fail inet firewalld filter_FORWARD: rule handle [0-9]+ of firewalld rejects: reject'
	on l1 nft insert rule inet firewalld filter_FORWARD iifname virbr0 accept
	reaches l2 tcp 10.128.0.50 7 "ext sees"
	same "outbound" "" "$(finding outbound)"
}

test_firewallds_reject_is_found_through_sets_and_maps() {
	firewalld_rules ''
	warned 'inet firewalld filter_FWD_public will stop it: rule handle [0-9]+ of firewalld rejects: reject'
	same "remedies" "firewall-cmd --permanent --zone=trusted --add-interface=virbr0 && firewall-cmd --reload" \
		"$(remedies 10.128.0.13)"
}

test_a_rule_before_our_translation_is_met_with_the_alias() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 iptables -t raw -A PREROUTING -d 10.128.0.12/30 -p tcp -j DROP
	comes_not
	finds arrives "^fail ip raw PREROUTING: rule handle $(handle_of 'ip raw PREROUTING' drop) drops: meta l4proto tcp ip daddr 10\.128\.0\.12/30 counter drop\$" 10.128.0.13
	heals
}

test_a_foreign_dnat_that_comes_first_is_named() {
	nestnet expose 10.128.0.13 192.168.122.89
	on l1 nft 'table ip early { chain p { type nat hook prerouting priority -150; ip daddr 10.128.0.13 tcp dport 8000 dnat to 192.168.122.90:7; }; chain late { type nat hook prerouting priority -100; ip daddr 10.128.0.13 dnat to 192.168.122.90; }; }'
	comes_not
	finds translated '^warn ip early p: .*translates: ip daddr 10\.128\.0\.13 tcp dport 8000 dnat' 10.128.0.13
	finds translated '^fail ip early p: .* translates: ' 10.128.0.13:8000
	pastes_remedies 10.128.0.13:8000
	comes
}

test_the_bridge_family_and_replies_are_walked() {
	nestnet expose 10.128.0.13 192.168.122.89
	comes
	on l1 nft 'table bridge b { chain o { type filter hook output priority 0; oifname "vnet0" ip daddr 192.168.122.89 drop; }; }'
	comes_not
	finds delivered '^fail bridge b o: .* drops: oifname "vnet0" ' 10.128.0.13
	heals
	on l1 nft 'table inet r { chain f { type filter hook forward priority 5; iifname "virbr0" oifname "eth0" ct direction reply counter drop; }; }'
	comes_not
	finds replies '^fail inet r f: .* drops: iifname "virbr0" oifname "eth0" ct direction 1 counter drop' 10.128.0.13
	heals
}

# device_chain HOOK DEVICE RULE: in a table of its own.
device_chain() {
	on l1 nft "table netdev d { chain c { type filter hook $1 device \"$2\" priority 0; $3; }; }"
}

# finds_on_device CHECK RULE: as the only one, by the doctor, and its remedy helps.
finds_on_device() {
	comes_not
	finds "$1" "^fail netdev d c: rule handle $(handle_of 'netdev d c' drop) drops: $2\$" 10.128.0.13
	heals
	on l1 nft delete table netdev d
}

test_the_chains_of_devices_are_walked() {
	nestnet expose 10.128.0.13 192.168.122.89
	comes
	device_chain ingress eth0 'ip daddr 10.128.0.13 drop'
	finds_on_device arrives 'ip daddr 10\.128\.0\.13 drop'
	device_chain egress virbr0 'ip daddr 192.168.122.89 drop'
	finds_on_device delivered 'ip daddr 192\.168\.122\.89 drop'
	device_chain egress vnet0 'ip daddr 192.168.122.89 drop'
	finds_on_device delivered 'ip daddr 192\.168\.122\.89 drop'
	device_chain ingress vnet0 'ip saddr 192.168.122.89 drop'
	finds_on_device replies 'ip saddr 192\.168\.122\.89 drop'
	device_chain ingress virbr0 'ip saddr 192.168.122.89 drop'
	finds_on_device replies 'ip saddr 192\.168\.122\.89 drop'
	device_chain egress eth0 'ip saddr 10.128.0.13 drop'
	finds_on_device replies 'ip saddr 10\.128\.0\.13 drop'
	on l1 nft 'table inet d { chain c { type filter hook ingress device "eth0" priority 0; ip daddr 10.128.0.13 tcp dport 8000 drop; }; }'
	comes_not
	finds arrives '^fail inet d c: .* drops: ip daddr 10\.128\.0\.13 tcp dport 8000 drop$' 10.128.0.13:8000
	# Others' devices, and other protocols, are of no matter.
	on l1 nft 'flush ruleset; table netdev d { chain c { type filter hook ingress device "vnet1" priority 0; drop; }
		chain e { type filter hook ingress devices = { "lo", "vnet1" } priority 0; policy drop; }
		chain f { type filter hook ingress device "eth0" priority 0; arp operation request accept; ip protocol udp drop; }; }'
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet doctor 10.128.0.13 >/dev/null || fail "doctor:" "$(nestnet doctor 10.128.0.13)"
	same "rules" "ok" "$(nestnet -j doctor 10.128.0.13 | jq -r '.[] | select(.check == "rules").status')"
}

# A rule that some packets match, or nobody knows: a warning, of which expose says nothing.
test_what_may_stop_it_is_a_warning() {
	on l1 nft 'table inet filter { set bad { type ipv4_addr; }; chain forward { type filter hook forward priority 0; ip saddr 198.51.100.0/24 drop; ip saddr 203.0.113.7 drop; tcp dport 22 reject; meta mark 7 drop; }; }'
	same "expose says" "" "$(nestnet expose 10.128.0.13 192.168.122.89 2>&1)"
	nestnet doctor 10.128.0.13 >/dev/null
	finds forwarded '^warn inet filter forward: rule handle [0-9]+ may be one that drops: ip saddr 198\.51\.100\.0/24 drop \(and 3 more' 10.128.0.13
	matches "of port 22" 'inet filter forward will stop it: .* rejects: tcp dport 22 reject' \
		"$(nestnet expose 10.128.0.14:2222 192.168.122.89:22 2>&1)"
	# From where it is open to, none of these come.
	nestnet expose 10.128.0.15:80 192.168.122.89:8000 --from 10.128.0.0/24
	same "of port 80 and from 10.128.0.0/24" \
		"may be one that drops: meta mark" \
		"$(finding forwarded 10.128.0.15:80 | grep -o 'may be one that drops: meta mark')"
}

test_rules_for_others_are_of_no_matter() {
	on l1 nft 'table inet filter { set s { type inet_service; flags interval; elements = { 1-79, 81-65535 }; }
		chain i { type filter hook input priority 0; policy drop; ct state established accept; }
		chain forward { type filter hook forward priority 0; policy drop;
			iifname "docker0" drop; ip daddr 192.168.123.0/24 drop; ip daddr != 192.168.122.0/24 ct status != dnat drop
			ct state invalid drop; udp dport 53 drop; tcp dport @s drop; tcp dport 81-90 drop
			jump j; }
		chain j { oifname { "virbr0", "virbr1" } ct status dnat accept; ct direction reply accept; }; }'
	same "expose says" "" "$(nestnet expose 10.128.0.13:80 192.168.122.89:80 2>&1)"
	nestnet doctor 10.128.0.13:80 >/dev/null || fail "$(nestnet doctor 10.128.0.13:80)"
	matches "of port 7" 'inet filter forward will stop it: .* drops: tcp dport @s drop' \
		"$(nestnet expose 10.128.0.13:85 192.168.122.89:7 2>&1)"
}

# Whose name nobody knows is found by the doctor alone.
test_expose_does_not_look_for_everybody() {
	on l1 nft 'table inet m { chain f { type filter hook forward priority 0; ip daddr 192.168.122.89 drop; }; }'
	same "expose says" "" "$(nestnet expose 10.128.0.13 192.168.122.89 2>&1)"
	finds forwarded '^fail inet m f: .* drops: ip daddr 192\.168\.122\.89 drop' 10.128.0.13
}

test_legacy_tables_are_a_warning() {
	same "legacy" "" "$(finding legacy)"
	on l1 iptables-legacy -t filter -L >/dev/null 2>&1
	finds legacy '^warn iptables-legacy: it has tables \(filter\)'
}

# A thousand rules are one dump, however many exposures and bridges.
test_a_thousand_rules_cost_a_few_messages() {
	local sends

	nestnet expose 10.128.0.13 192.168.122.89
	{
		echo 'table inet big { chain f { type filter hook forward priority 0; policy accept;'
		for ((i = 0; i < 1000; i++)); do
			echo "ip daddr 10.9.$((i / 250)).$((i % 250)) tcp dport $i counter drop"
		done
		echo '}'
		echo '}'
	} | on l1 nft -f -
	sends=$(on l1 strace -qq -f -e trace=sendto,sendmsg "$NESTNET" doctor 10.128.0.13 2>&1 >/dev/null | grep -c NETLINK || true)
	[[ $sends -gt 5 && $sends -lt 30 ]] || fail "doctor sends $sends messages"
	nestnet doctor 10.128.0.13 >/dev/null
}

# Where no firewall that is known has chains, the look of expose asks for those alone.
test_the_look_of_expose_lists_nothing_where_there_is_nothing() {
	local trace

	nestnet expose 10.128.0.14 192.168.122.90
	trace=$(on l1 strace -qq -e trace=sendto,sendmsg "$NESTNET" expose 10.128.0.13 192.168.122.89 2>&1)
	same "dumps" 0 "$(grep -c NLM_F_DUMP <<<"$trace" || true)"
	trace=$(on l1 strace -qq -e trace=sendto,sendmsg "$NESTNET" -q expose 10.128.0.15 192.168.122.89 2>&1)
	same "dumps with -q" 0 "$(grep -c NLM_F_DUMP <<<"$trace" || true)"
}
