# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# `expose --coexist` with the real ones: what it lets by, what outlives their reloads and
# what an apply puts right, and that nothing of theirs is another when it is over.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"
# shellcheck source=tests/lab/firewalls.bash
source "$LAB/firewalls.bash"

coexist() { nestnet -q expose "$ALIAS" "$GUEST" --coexist; }
comes() { reaches ext http "$ALIAS" 8000 "guest page of l2,"; }
comes_not() { gets_nothing ext http "$ALIAS" 8000; }
goes() { reaches l2 tcp "$EXT" 7 "ext sees"; }
goes_not() { gets_nothing l2 tcp "$EXT" 7; }

# All rules but ours, in whatever table.
theirs() {
	on l1 nft -s list ruleset 2>/dev/null |
		awk '/^table inet nestnet/ { ours = 1 } !ours { print } /^}/ { ours = 0 }' |
		grep -v '"nestnet"'
}
passes() { on l1 nft list ruleset 2>/dev/null | grep -c 'comment "nestnet"' || true; }

# after COMMAND...: the page still comes, or does once apply has put things right.
after() {
	"$@"
	nestnet save >"$LAB_SCRATCH/saved"
	nestnet -q apply "$LAB_SCRATCH/saved"
	poll comes
	nestnet doctor "$ALIAS" >/dev/null || fail "doctor is not content:" "$(nestnet doctor "$ALIAS")"
}

# gone THEIRS: taken back by unexpose, and by clear.
gone() {
	nestnet unexpose "$ALIAS"
	same "passes" 0 "$(passes)"
	same "theirs" "$1" "$(theirs)"
	coexist
	comes
	nestnet -q clear
	same "passes" 0 "$(passes)"
	same "theirs" "$1" "$(theirs)"
}

test_libvirts_network_is_coexisted_with_from_before_it_starts() {
	local before

	family 4
	with_software
	# The exposure comes first, as at boot.
	coexist
	libvirt_starts
	before=$(theirs)
	comes_not
	after true
	goes
	with_route_to_guests
	gets_nothing ext tcp "$GUEST" 7
	on l1 iptables -S >/dev/null
	after libvirt_network_restarts
	after libvirtd_restarts
	virsh net-list >/dev/null
	gone "$before"
}

test_ufw_is_coexisted_with_over_its_reload() {
	local before

	family 4
	with_software
	ufw_starts
	before=$(theirs)
	nestnet -q expose "$ALIAS" "$GUEST"
	comes_not
	goes_not
	nestnet unexpose "$ALIAS"
	coexist
	comes
	goes
	with_route_to_guests
	gets_nothing ext tcp "$GUEST" 7
	same "theirs" "$before" "$(theirs)"
	on l1 ufw reload >/dev/null
	comes
	goes
	on l1 ufw status verbose >/dev/null
	gone "$(theirs)"
}

policies() { on l1 firewall-cmd --permanent --get-policies; }

# Its own table is made anew by a reload: an apply puts our rules back; what its own program
# was told holds by itself, and is taken back by the same script.
test_firewalld_is_coexisted_with_and_is_told_to_keep_it() {
	local before policies

	family 4
	with_software
	with_hooks
	firewalld_starts
	before=$(theirs) policies=$(policies)
	nestnet -q expose "$ALIAS" "$GUEST"
	comes
	goes_not
	nestnet unexpose "$ALIAS"
	matches "expose says" '^nestnet: --coexist: a reload of firewalld takes the rules in its table away; nestnet.s script coexist ' \
		"$(nestnet expose "$ALIAS" "$GUEST" --coexist --comment 'not --coexist 1.2.3.4' 2>&1)"
	comes
	goes
	on l1 firewall-cmd -q --reload
	goes_not
	nestnet save >"$LAB_SCRATCH/saved"
	nestnet -q apply "$LAB_SCRATCH/saved"
	goes
	on l1 "$MACHINE_ROOT/libexec/coexist"
	on l1 firewall-cmd -q --reload
	comes
	goes
	same "rich rules" 'rule family="ipv4" source address="192.168.122.89" accept' \
		"$(on l1 firewall-cmd --permanent --policy=nestnet --list-rich-rules)"
	nestnet unexpose "$ALIAS"
	on l1 "$MACHINE_ROOT/libexec/coexist"
	goes_not
	same "policies" "$policies" "$(policies)"
	on l1 firewall-cmd -q --reload
	same "theirs" "$before" "$(theirs)"
	same "nothing asked, nothing said" "" "$(on l1 "$MACHINE_ROOT/libexec/coexist" 2>&1)"
	coexist
	gone "$before"
}

# Which nft cannot see, and nestnet not write: the script does.
test_iptables_legacy_is_coexisted_with_by_the_script() {
	local before

	family 4
	with_hooks
	on l1 iptables-legacy -P FORWARD DROP
	before=$(on l1 iptables-legacy -S)
	matches "expose says" '^nestnet: --coexist: rules of iptables-legacy cannot be written from here; nestnet.s script coexist does it, or iptables-legacy -I FORWARD -d 192\.168\.122\.89 -o virbr0 -m comment --comment nestnet -j ACCEPT$' \
		"$(nestnet expose "$ALIAS" "$GUEST" --coexist 2>&1)"
	comes_not
	on l1 "$MACHINE_ROOT/libexec/coexist"
	comes
	goes
	on l1 "$MACHINE_ROOT/libexec/coexist"
	same "rules" 3 "$(on l1 iptables-legacy -S FORWARD | grep -c nestnet)"
	nestnet unexpose "$ALIAS"
	on l1 "$MACHINE_ROOT/libexec/coexist"
	same "its rules" "$before" "$(on l1 iptables-legacy -S)"
}
