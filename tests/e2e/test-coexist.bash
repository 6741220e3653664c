# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `expose --coexist`: where rules of other software stop the guest, accepts of ours in their
# chains let it by: what is exposed, and nothing else; and they go as they came.

# shellcheck source=tests/lab/firewalls.bash
source "${LAB?}/firewalls.bash"

coexist() { nestnet expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)" --coexist "$@"; }
comes() { reaches ext http "$ALIAS" 80 "guest page of l2,"; }
comes_not() { gets_nothing ext http "$ALIAS" 80; }

# Without nft's warnings of iptables-nft.
ruleset() { on l1 nft -s list ruleset 2>/dev/null; }

# Rules of ours in others' chains, as "TABLE CHAIN RULE".
passes() {
	ruleset |
		awk '/^table/ { table = $2 " " $3 } /^\tchain/ { chain = $2 } table != "inet nestnet" && /"nestnet"/ { sub(/^\t+/, ""); print table, chain, $0 }'
}

# Other software's rules, ours aside.
theirs() {
	ruleset | awk '/^table inet nestnet/ { ours = 1 } !ours { print } /^}/ { ours = 0 }' |
		grep -v '"nestnet"'
}

# blocked_without: the layout stops it, and what expose says.
blocked_without() {
	nestnet -q expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)"
	comes_not
	nestnet unexpose "$(at "$ALIAS" 80)"
	THEIRS=$(theirs)
}

gone() {
	same "passes" "" "$(passes)"
	same "theirs" "$THEIRS" "$(theirs)"
}

# helps: blocked without, comes with, not a word, nothing else of theirs changed, twice is
# once; and gone again, by unexpose and by clear.
helps() {
	blocked_without
	same "expose --coexist says" "" "$(coexist 2>&1)"
	comes
	same "theirs" "$THEIRS" "$(theirs)"
	changes_nothing coexist
	nestnet doctor "$(at "$ALIAS" 80)" >/dev/null || fail "$(nestnet doctor "$(at "$ALIAS" 80)")"
	nestnet unexpose "$(at "$ALIAS" 80)"
	gone
	coexist
	nestnet -q clear
	gone
	coexist
	comes
}

iptables_reads_it() {
	on l1 iptables -S >/dev/null
	on l1 iptables -nvL >/dev/null
	on l1 iptables-save >"$LAB_SCRATCH/iptables"
	on l1 iptables-restore --test "$LAB_SCRATCH/iptables"
}

# closed_but_for_it: only what is exposed is let by: not to ext, which has a route to the
# guest, not to a guest of another bridge, and not from the guest to that bridge.
closed_but_for_it() {
	with_route_to_guests
	comes
	gets_nothing ext http "$GUEST" 8000
	gets_nothing ext tcp "$GUEST" 7
	gets_nothing l3 http "$GUEST" 8000
	gets_nothing l3 tcp "$GUEST" 7
	gets_nothing l2 tcp 192.168.99.3 7
	reaches l2 tcp 10.128.0.50 7 "ext sees"
}

# l3: a guest of a bridge of somebody else's, which is not closed by us.
with_other_bridge() {
	ip netns add l3
	ip -netns l1 -batch - <<-END
		link add br9 type bridge
		address add 192.168.99.1/24 dev br9
		link set br9 up
		link add vnet9 type veth peer name eth0 netns l3
		link set vnet9 master br9 up
	END
	ip -netns l3 -batch - <<-END
		link set lo up
		link set eth0 up
		address add 192.168.99.3/24 dev eth0
		route add default via 192.168.99.1
	END
	on l3 peer serve l3 echo:7
}

# ---- Each layout -----------------------------------------------------------------------------

test_docker_is_coexisted_with_at_the_head_of_docker_user() {
	family 4
	docker_rules
	with_other_bridge
	helps
	same "passes" 'ip filter DOCKER-USER ip daddr 192.168.122.89 oifname "virbr0" counter accept comment "nestnet"
ip filter DOCKER-USER ip saddr 192.168.122.89 iifname "virbr0" oifname "virbr0" counter accept comment "nestnet"
ip filter DOCKER-USER ip saddr 192.168.122.89 iifname "virbr0" oifname "eth0" counter accept comment "nestnet"' "$(passes)"
	closed_but_for_it
	# A neighbour on the bridge reaches the alias by L1, where FORWARD drops what it bridges.
	reaches l2b http "$ALIAS" 80 "guest page of l2,"
	iptables_reads_it
	matches "iptables -S" "-A DOCKER-USER -d 192.168.122.89/32 -o virbr0 -m comment --comment nestnet -j ACCEPT" "$(on l1 iptables -S)"
}

test_libvirts_rules_are_coexisted_with() {
	family 4
	libvirt_rules
	with_other_bridge
	helps
	# What the guest sends is let by already.
	same "passes" 'ip filter FORWARD ip daddr 192.168.122.89 oifname "virbr0" counter accept comment "nestnet"' "$(passes)"
	closed_l2
	iptables_reads_it
}

# libvirt lets its guests begin what they like, to other bridges too.
closed_l2() {
	with_route_to_guests
	gets_nothing ext http "$GUEST" 8000
	gets_nothing ext tcp "$GUEST" 7
	gets_nothing l3 tcp "$GUEST" 7
}

libvirt_rules() {
	on l1 iptables-restore --noflush <<-END
		*filter
		:LIBVIRT_FWI -
		:LIBVIRT_FWO -
		:LIBVIRT_FWX -
		-A FORWARD -j LIBVIRT_FWX
		-A FORWARD -j LIBVIRT_FWI
		-A FORWARD -j LIBVIRT_FWO
		-A LIBVIRT_FWX -i virbr0 -o virbr0 -j ACCEPT
		-A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable
		-A LIBVIRT_FWO -s 192.168.122.0/24 -i virbr0 -j ACCEPT
		-A LIBVIRT_FWO -i virbr0 -j REJECT --reject-with icmp-port-unreachable
		COMMIT
	END
}

test_libvirts_own_table_is_coexisted_with() {
	family 4
	libvirt_nftables_rules
	helps
	same "passes" 'ip libvirt_network forward ip daddr 192.168.122.89 oifname "virbr0" counter accept comment "nestnet"' "$(passes)"
	on l1 nft list ruleset >"$LAB_SCRATCH/ruleset"
	on l1 nft -c -f "$LAB_SCRATCH/ruleset"
}

# Debian's nftables.conf with a policy, which is of both families.
test_an_inet_filter_is_coexisted_with_in_each_family() {
	on l1 nft 'table inet filter { chain forward { type filter hook forward priority filter; policy drop; ct state invalid drop; }; }'
	with_other_bridge
	in_each_family inet_filter
}

inet_filter() {
	helps
	if [[ $FAMILY == 4 ]]; then
		closed_but_for_it
		same "inbound" 'inet filter forward ip daddr 192.168.122.89 oifname "virbr0" counter accept comment "nestnet"' "$(passes | head -n 1)"
	else
		same "inbound" 'inet filter forward ip6 daddr fd12::89 oifname "virbr0" counter accept comment "nestnet"' "$(passes | head -n 1)"
	fi
	ruleset_loads
}

test_a_prefix_of_guests_is_one_rule_each_way() {
	on l1 nft 'table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }'
	family 4
	with_prefix_guests
	nestnet expose "$PREFIX" "$GUESTS" --coexist
	reaches ext tcp 10.128.0.13 9 "192.168.122.97 sees"
	matches "passes" 'ip daddr 192.168.122.96/30 oifname "virbr0" counter accept' "$(passes)"
	same "passes" 3 "$(passes | wc -l)"
	ruleset_loads
	on l1 iptables -S >/dev/null
	changes_nothing nestnet expose "$PREFIX" "$GUESTS" --coexist
	nestnet unexpose "$PREFIX"
	same "passes" "" "$(passes)"
}

# ---- What stays closed ------------------------------------------------------------------------

# A subnet that is open stays closed for a guest that others' rules let by for our sake.
test_a_guest_of_an_open_subnet_is_closed() {
	family 4
	docker_rules
	nestnet nat add "$SUBNET" --open
	coexist
	comes
	with_route_to_guests
	gets_nothing ext tcp "$GUEST" 7
	gets_nothing ext http "$GUEST" 8000
	# Another exposure that is open to all does not open it.
	nestnet -q expose "$ALIAS2:81" "$GUEST:8000" --open
	gets_nothing ext tcp "$GUEST" 7
}

test_open_and_coexist_contradict_each_other() {
	family 4
	refused 2 "expose 10\.128\.0\.13:80/tcp: --coexist lets in what is exposed alone, and --open all of the target" coexist --open
}

# Rules do not end by themselves: once the exposure has, the guest is as closed as before,
# and the next apply takes the rules away.
test_what_is_for_a_time_leaves_nothing_open() {
	family 4
	docker_rules
	blocked_without
	coexist --timeout 1s
	comes
	nestnet -q save >"$LAB_SCRATCH/empty"
	sed -i '/^expose/d' "$LAB_SCRATCH/empty"
	poll comes_not
	poll not nestnet_has_guest
	with_route_to_guests
	gets_nothing ext tcp "$GUEST" 7
	nestnet apply "$LAB_SCRATCH/empty"
	gone
	same "elements" "" "$(on l1 nft list set inet nestnet coexist_timed4 | grep elements || true)"
}

nestnet_has_guest() { on l1 nft list set inet nestnet guest_timed4 | grep -q elements; }

# ---- Many writers ----------------------------------------------------------------------------

test_exposures_of_one_target_share_the_rules() {
	local rules

	family 4
	docker_rules
	blocked_without
	coexist
	rules=$(passes)
	nestnet expose "$ALIAS2:80" "$GUEST:8000" --coexist
	nestnet expose "$ALIAS2:81" "$GUEST:8000" --coexist --timeout 1h
	nestnet -q expose "$ALIAS2:82" "$GUEST:8000"
	same "passes" "$rules" "$(passes)"
	nestnet unexpose "$(at "$ALIAS" 80)"
	same "passes" "$rules" "$(passes)"
	nestnet unexpose "$ALIAS2:80"
	same "passes" "$rules" "$(passes)"
	reaches ext http "$ALIAS2" 81 "guest page of l2,"
	nestnet unexpose "$ALIAS2:81"
	gone
	coexist
	nestnet unexpose --target "$GUEST"
	gone
}

test_replace_takes_the_rules_along() {
	family 4
	docker_rules
	blocked_without
	coexist
	nestnet expose "$ALIAS:80" "$GUEST2:8000" --replace --coexist
	reaches ext http "$ALIAS" 80 "guest page of l2b,"
	same "passes of the first" "" "$(passes | grep -F "$GUEST " || true)"
	refused 1 '--replace changes it' nestnet expose "$ALIAS:80" "$GUEST2:8000"
	nestnet -q expose "$ALIAS:80" "$GUEST2:8000" --replace
	gone
}

# What others did to our rules is put right by the same command, and by apply.
test_a_rule_that_is_gone_or_not_at_the_head_is_put_right() {
	local rules

	family 4
	docker_rules
	coexist
	rules=$(passes)
	nestnet save >"$LAB_SCRATCH/saved"
	on l1 iptables -D DOCKER-USER 1
	comes_not
	coexist
	same "passes" "$(sort <<<"$rules")" "$(passes | sort)"
	comes
	on l1 iptables -I DOCKER-USER -j RETURN
	comes_not
	same "diff" 1 "$(nestnet diff "$LAB_SCRATCH/saved" >"$LAB_SCRATCH/diff" || echo $?)"
	matches "diff" '\+ nft insert rule ip filter DOCKER-USER ip daddr 192\.168\.122\.89 oifname virbr0 counter accept comment nestnet' "$(<"$LAB_SCRATCH/diff")"
	nestnet apply "$LAB_SCRATCH/saved"
	comes
	changes_nothing nestnet apply "$LAB_SCRATCH/saved"
	# iptables writes them in its own way, and they are still known for ours.
	iptables_reads_it
	on l1 iptables-restore "$LAB_SCRATCH/iptables"
	same "diff" "" "$(nestnet diff "$LAB_SCRATCH/saved")"
	# One that is like ours and is not.
	on l1 iptables -A FORWARD -d "$GUEST" -o virbr0 -m comment --comment nestnet2 -j ACCEPT
	on l1 iptables -A FORWARD -d "$GUEST" -m comment --comment nestnet -j ACCEPT
	nestnet -q clear
	same "theirs" 2 "$(on l1 iptables -S FORWARD | grep -c nestnet)"
	same "ours" "" "$(on l1 iptables -S DOCKER-USER | grep nestnet || true)"
}

# Software that comes later, and goes.
test_a_firewall_that_comes_later_is_met_by_the_next_apply() {
	family 4
	coexist
	same "passes" "" "$(passes)"
	comes
	nestnet save >"$LAB_SCRATCH/saved"
	libvirt_rules
	comes_not
	nestnet apply "$LAB_SCRATCH/saved"
	comes
	same "passes" 1 "$(passes | wc -l)"
	docker_rules
	nestnet apply "$LAB_SCRATCH/saved"
	comes
	on l1 iptables -F
	on l1 iptables -P FORWARD ACCEPT
	nestnet apply "$LAB_SCRATCH/saved"
	same "passes" "" "$(passes)"
}

# ---- Files -----------------------------------------------------------------------------------

test_a_file_makes_bridge_and_coexistence_at_once() {
	family 4
	docker_rules
	without_bridge
	nestnet apply - <<-END
		bridge add virbr0 --address 192.168.122.1/24
		bridge attach virbr0 vnet0
		expose $ALIAS:80 $GUEST:8000 --coexist
	END
	poll comes
	matches "save" "^expose 10\.128\.0\.13:80/tcp 192\.168\.122\.89:8000 --coexist$" "$(nestnet save | grep ^expose)"
	same "json" true "$(nestnet -j list | jq '.[0].coexist')"
	same "status" true "$(nestnet -j status | jq '.exposures[0].coexist')"
	nestnet -j status >"$LAB_SCRATCH/status"
	changes_nothing nestnet apply "$LAB_SCRATCH/status"
	matches "list" 'COEXIST' "$(nestnet list)"
	nestnet expose "$ALIAS2" "$GUEST2"
	same "COEXIST" "yes no" "$(nestnet list | awk '
		NR == 1 { for (i = 1; $i != "COEXIST"; i++); } NR > 1 { print $i }' | sort -r | xargs)"
	nestnet unexpose "$ALIAS:80"
	matches_not "list" 'COEXIST' "$(nestnet list)"
}

test_a_bridge_that_is_not_there_is_waited_for() {
	family 4
	docker_rules
	without_bridge
	matches "it says" '^nestnet: --coexist: no bridge leads to 192\.168\.122\.89 yet;' "$(coexist 2>&1)"
	same "passes" "" "$(passes)"
	nestnet save >"$LAB_SCRATCH/saved"
	with_bridge
	nestnet apply "$LAB_SCRATCH/saved"
	poll comes
	# Nor is what is there taken away while the bridge is down.
	without_bridge
	nestnet -q apply "$LAB_SCRATCH/saved"
	same "passes" 3 "$(passes | wc -l)"
	nestnet -q clear
	same "passes" "" "$(passes)"
}

test_dry_run_tells_the_rules() {
	family 4
	docker_rules
	same "it says" '+ expose 10.128.0.13:80/tcp 192.168.122.89:8000 --coexist
+ forward on -4
+ nft insert rule ip filter DOCKER-USER ip saddr 192.168.122.89 iifname virbr0 oifname eth0 counter accept comment nestnet
+ nft insert rule ip filter DOCKER-USER ip saddr 192.168.122.89 iifname virbr0 oifname virbr0 counter accept comment nestnet
+ nft insert rule ip filter DOCKER-USER ip daddr 192.168.122.89 oifname virbr0 counter accept comment nestnet' \
		"$(nestnet -n expose "$(at "$ALIAS" 80)" "$(at "$GUEST" 8000)" --coexist)"
	same "passes" "" "$(passes)"
}
