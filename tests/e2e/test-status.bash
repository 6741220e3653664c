# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# status: one look, and what is wrong stands out.

# line_of OBJECT: the first line of the picture about it, less the tree and the columns.
line_of() { nestnet status | grep -F -m 1 -e "$1 " | sed -E 's/^[ |`-]*//; s/ +/ /g'; }

# stands LINE: the first line about its object is this.
stands() { [[ $(line_of "${1%% *}") == "$1" ]]; }

hears_guests() {
	reaches l2 tcp 192.168.122.1 22 "l1 sees"
	reaches l2b tcp 192.168.122.1 22 "l1 sees"
}

mac_of() { on "$1" cat /sys/class/net/eth0/address; }

test_of_nothing_it_shows_the_uplink_and_the_bridge() {
	same "uplink" "eth0 uplink 10.128.0.2/24 fd10:128::2/64 up" "$(line_of eth0)"
	same "alias" "10.128.0.12/30 alias guest-agent local" "$(line_of 10.128.0.12/30)"
	same "bridge" "virbr0 bridge 192.168.122.1/24 fd12::1/64 of others" "$(line_of virbr0)"
	changes_nothing nestnet status
}

test_an_exposure_is_shown_down_to_its_guest() {
	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	hears_guests
	same "the way" "eth0 uplink
10.128.0.12/30 alias
10.128.0.13 exposure
virbr0 bridge
vnet0 port
$(mac_of l2) guest" "$(nestnet status | sed -n '2,7s/^[ |`-]*//p' | awk '{print $1, $2}')"
	matches "the guest" "^$(mac_of l2) guest 192\.168\.122\.89 (reachable|stale|delay)$" \
		"$(line_of "$(mac_of l2)")"
	same "the exposure" "10.128.0.13 exposure 192.168.122.89, web ok" "$(line_of 10.128.0.13)"
}

test_what_is_wrong_is_marked() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.99.0.1 192.168.122.89
	nestnet expose 10.128.0.14 192.168.99.9
	nestnet nat add 192.168.122.0/24
	nestnet tap add tap0 --bridge virbr0
	same "tap" "tap0 tap ! no carrier" "$(line_of tap0)"
	same "not local" "10.99.0.1 exposure 192.168.122.89 ! the alias is not local" \
		"$(line_of 10.99.0.1)"
	matches "no bridge" '192\.168\.99\.9 ! the target is behind the uplink' "$(line_of 10.128.0.14)"
	ip -netns l1 route del default
	ip -netns l1 address add 10.128.0.13/32 dev eth0 2>/dev/null
	matches "no route" '192\.168\.99\.9 ! no route to the target' "$(line_of 10.128.0.14)"
	on l1 sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	same "forwarding" "10.128.0.13 exposure 192.168.122.89 ! forwarding is off" \
		"$(line_of 10.128.0.13)"
	same "nat" "192.168.122.0/24 nat ! forwarding is off" "$(line_of 192.168.122.0/24)"
	nestnet nat add 192.168.50.0/24 --out eth0
	nestnet nat add 192.168.51.0/24 --out eth0 --to 10.128.0.2
	same "the way out" "192.168.50.0/24 nat out eth0 closed" "$(line_of 192.168.50.0/24)"
	same "as what, too" "192.168.51.0/24 nat 10.128.0.2 out eth0 closed" "$(line_of 192.168.51.0/24)"
	ip -netns l1 link set tap0 down
	same "tap" "tap0 tap ! down" "$(line_of tap0)"
}

test_a_bridge_and_a_port_that_carry_nothing_are_marked() {
	nestnet bridge add br7
	same "a port" "vnet0 port attached" "$(line_of vnet0)"
	ip -netns l2 link set eth0 down
	poll stands "vnet0 port ! no carrier"
	ip -netns l1 link set vnet1 down
	same "a port that is down" "vnet1 port ! down" "$(line_of vnet1)"
	ip -netns l1 link set virbr0 down
	matches "a bridge" '^virbr0 bridge .* ! down$' "$(line_of virbr0)"
	same "a bridge without ports" "br7 bridge ours" "$(line_of br7)"
	matches "graph" 'virbr0.*! down".*color=red' "$(nestnet status --dot)"
}

test_an_uplink_without_a_carrier_is_marked() {
	ip -netns ext link set eth0 down
	poll stands "eth0 uplink 10.128.0.2/24 fd10:128::2/64 ! no carrier"
}

test_the_graph_has_the_same_and_is_one_that_dot_reads() {
	local dot

	nestnet expose 10.128.0.13 192.168.122.89 --comment web
	nestnet tap add tap0
	hears_guests
	dot=$(nestnet status --dot)
	same "first and last" "digraph nestnet { }" "$(sed -n '1p;$p' <<<"$dot" | xargs)"
	same "nodes" "$(nestnet status | tail -n +2 | wc -l)" "$(grep -c 'label=' <<<"$dot")"
	same "quotes" 0 "$(($(tr -cd '"' <<<"$dot" | wc -c) % 2))"
	matches "the wrong one" 'label="tap0\\ntap\\n! no carrier", color=red' "$dot"
	same "edges lead from what is there" "" "$(grep -oE 'n[0-9]+ ->' <<<"$dot" | cut -d' ' -f1 |
		while read -r node; do grep -q "$node \[label" <<<"$dot" || echo "$node"; done)"
	refused 2 '--dot and --json exclude each other' nestnet -j status --dot
}

test_json_has_all_of_it() {
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose '*:80' 192.168.122.90
	nestnet bridge add br0
	ip -netns l1 link set vnet1 nomaster
	nestnet bridge attach br0 vnet1 --no-hairpin
	nestnet nat add 192.168.122.0/24
	nestnet tap add tap0
	reaches l2 tcp 192.168.122.1 22 "l1 sees"
	nestnet -j status >"$LAB_SCRATCH/json"
	same "keys" '["aliases","attached","bridges","exposures","forwarding","guests","nat","taps","uplinks"]' \
		"$(jq -c keys "$LAB_SCRATCH/json")"
	same "forwarding" '{"ipv4":true,"ipv6":false}' "$(jq -c .forwarding "$LAB_SCRATCH/json")"
	same "attached" '[{"interface":"vnet1","bridge":"br0","hairpin":false,"move_addresses":false,"addresses":[]}]' \
		"$(jq -c .attached "$LAB_SCRATCH/json")"
	same "uplinks" '[["addresses","carrier","id","mac","mtu","name","state"]]' \
		"$(jq -c '[.uplinks[] | keys]' "$LAB_SCRATCH/json")"
	same "the guest" "{\"mac\":\"$(mac_of l2)\",\"addresses\":[\"192.168.122.89\"],\"bridge\":\"virbr0\",\"tap\":\"vnet0\"}" \
		"$(jq -c '.guests[] | select(.bridge == "virbr0") | del(.state)' "$LAB_SCRATCH/json")"
	same "as in the lists" "$(nestnet -j tap list; nestnet -j bridge list; nestnet -j nat list
		nestnet -j alias list; nestnet -j list | jq 'map(del(.flows))')" \
		"$(jq '.taps, .bridges, .nat, .aliases, (.exposures | map(del(.flows)))' "$LAB_SCRATCH/json")"
	changes_nothing nestnet apply "$LAB_SCRATCH/json"
}

test_json_makes_the_state_of_nothing() {
	local saved

	nestnet expose 10.128.0.13 192.168.122.89 --egress alias --from 10.0.0.0/8 --except 22 --comment 'a b'
	nestnet expose 10.128.0.2 192.168.122.90 --force
	nestnet expose '[fd10:128::13]:80' '[fd12::89]:8000' --no-local --no-forward
	nestnet nat add 192.168.122.0/24 --out eth0
	nestnet bridge add br0 --mac 02:00:00:00:00:09
	saved=$(nestnet save)
	nestnet -j status >"$LAB_SCRATCH/json"
	nestnet -q clear
	nestnet apply - <"$LAB_SCRATCH/json"
	same "saved" "$saved" "$(nestnet save)"
}

# json_refused PLACE REGEX: the JSON on stdin.
json_refused() {
	cat >"$LAB_SCRATCH/json"
	refused 2 "^nestnet: $LAB_SCRATCH/json$1$2" nestnet apply "$LAB_SCRATCH/json"
}

test_malformed_json_is_refused() {
	nestnet expose 10.128.0.13 192.168.122.89
	json_refused ':2:1: ' . <<<'{'
	json_refused ':2:[0-9]+: ' . <<<$'{ "taps":\n [ }'
	json_refused ':1:[0-9]+: ' . <<<'{} more'
	json_refused ':1:[0-9]+: ' 'duplicate' <<<'{"taps": [], "taps": []}'
	json_refused ':1:1: ' 'no state as .nestnet -j status. prints it' <<<'{}'
	json_refused ':1:1: ' 'no state as .nestnet -j status. prints it' <<<'{"bogus": 1}'
	json_refused ':1:1: ' 'no state as .nestnet -j status. prints it' < <(nestnet -j list)
	json_refused ': JSON: taps: ' 'not a list' <<<'{"taps": 7}'
	json_refused ': taps\[0\]: ' 'not an object' <<<'{"taps": ["tap0"]}'
	json_refused ': taps\[1\]: name: ' 'not of the type' <<<'{"taps": [{"name": "a"}, {"name": 7}]}'
	json_refused ': taps\[0\]: mtu: ' 'not of the type' <<<'{"taps": [{"name": "a", "mtu": "x"}]}'
	json_refused ': taps\[0\]: ' 'name: missing' <<<'{"taps": [{}]}'
	json_refused ': exposures\[0\]: expose: ' "alias 'x'" <<<'{"exposures": [{"id": "x", "target": "10.0.0.1"}]}'
	json_refused ': exposures\[0\]: ' 'target: missing' <<<'{"exposures": [{"id": "10.0.0.1"}]}'
	json_refused ': exposures\[0\]: ' 'id: missing' <<<'{"exposures": [{"target": "10.0.0.1"}]}'
	json_refused ': exposures\[0\]: ' 'id: not of the type' <<<'{"exposures": [{"id": 7, "target": "10.0.0.1"}]}'
	json_refused ': exposures\[0\]: ' 'target: not of the type' <<<'{"exposures": [{"id": "10.0.0.1", "target": 7}]}'
	json_refused ': bridges\[0\]: ' 'name: missing' <<<'{"bridges": [{"mtu": 1500}]}'
	json_refused ': attached\[0\]: ' 'interface: missing' <<<'{"attached": [{"bridge": "br0"}]}'
	json_refused ': attached\[0\]: ' 'bridge: missing' <<<'{"attached": [{"interface": "eth0"}]}'
	json_refused ': nat\[0\]: ' 'subnet: missing' <<<'{"nat": [{"open": true}]}'
	json_refused ': nat\[0\]: ' 'subnet: not of the type' <<<'{"nat": [{"subnet": 7}]}'
	json_refused ': aliases\[0\]: ' 'prefix: missing' <<<'{"aliases": [{"origin": "nestnet"}]}'
	json_refused ': exposures\[1\]: ' '.*said in two ways .and in exposures.0.' \
		<<<'{"exposures": [{"id": "10.9.0.1", "target": "10.0.0.1"}, {"id": "10.9.0.1", "target": "10.0.0.2"}]}'
	json_refused ': forwarding: ' 'not an object' <<<'{"forwarding": true}'
	# What was misspelt would be more than was meant: an exposure to all, or one that is taken away.
	json_refused ': JSON: ' 'exposurez: no key that status prints' <<<'{"taps": [], "exposurez": []}'
	json_refused ': exposures\[0\]: ' 'form: no key that status prints' \
		<<<'{"exposures": [{"id": "10.9.0.1", "target": "10.0.0.1", "form": ["203.0.113.0/24"]}]}'
	json_refused ': bridges\[0\]: ' 'add: no key' <<<'{"bridges": [{"name": "b", "add": []}]}'
	json_refused ': taps\[0\]: ' 'id name: no key' <<<'{"taps": [{"name": "t", "id name": 1}]}'
	json_refused ': nat\[0\]: ' ': no key' <<<'{"nat": [{"subnet": "192.168.50.0/24", "": 1}]}'
	json_refused ': forwarding: ' 'IPv4: no key' <<<'{"forwarding": {"IPv4": true}}'
	json_refused ': bridges\[0\]: ' 'addresses: not of the type' <<<'{"bridges": [{"name": "b", "addresses": [7]}]}'
}

# An edit of what status says twice is made in both places, or it would be passed over.
test_an_alias_that_is_not_its_ids_is_refused() {
	local edit

	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14:80-81/udp 192.168.122.90
	nestnet expose '[fd10:128::13]:80' 'fd12::89'
	nestnet expose '*:8080' 192.168.122.90
	nestnet -j status >"$LAB_SCRATCH/status"
	for edit in '[1].alias="10.128.0.15"' '[1].alias="10.128.0.400"' '[1].port="80"' '[1].alias="10.128.0.13/31"' \
		'[2].alias="*"' '[2].port="80"' '[2].protocol="tcp"' '[2].port=null' '[3].port="x"' \
		'[3].alias="10.128.0.14"' '[0].alias="fd10:128::14"'; do
		json_refused ": exposures\[[0-3]\]: " 'alias: not that of id' \
			< <(jq ".exposures$edit" "$LAB_SCRATCH/status")
	done
	for edit in 'del(.exposures[].alias)' 'del(.exposures[0, 1, 3] | .port, .protocol, .alias)' .; do
		jq "$edit" "$LAB_SCRATCH/status" >"$LAB_SCRATCH/json"
		changes_nothing nestnet apply "$LAB_SCRATCH/json"
	done
}

test_what_is_not_managed_and_what_only_observes_is_passed_over() {
	nestnet apply - <<<'{"taps": [{"name": "x", "managed": false}], "bridges": [{"name": "y",
		"managed": false}], "guests": 7, "exposures": [{"id": "10.128.0.13", "target":
		"192.168.122.89", "flows": "many"}]}'
	same "saved" "expose 10.128.0.13 192.168.122.89" "$(nestnet save)"
}
