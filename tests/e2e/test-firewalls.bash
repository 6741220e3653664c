# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Other people's firewalls, the real ones: an exposure is stopped, `expose` says by whom,
# `doctor` names the very rule, and what it prints, pasted into a shell as it stands there,
# lets the page through, outlives a reload where the software has a place for it, and is
# taken back by what is printed for that.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"
# shellcheck source=tests/lab/firewalls.bash
source "$LAB/firewalls.bash"

comes() { reaches ext http "$ALIAS" 8000 "guest page of l2,"; }
comes_not() { gets_nothing ext http "$ALIAS" 8000; }
# What the guest begins itself.
goes() { reaches l2 tcp "$EXT" 7 "ext sees"; }
goes_not() { gets_nothing l2 tcp "$EXT" 7; }

# exposes SAYS: it succeeds, and says what will stop it.
exposes() {
	local said

	said=$(nestnet expose "$ALIAS" "$GUEST" 2>&1) || fail "expose: exit $?" "$said"
	matches "expose says" "^nestnet: expose $ALIAS: done, but $1 \\(see nestnet doctor $ALIAS\\)\$" \
		"$said"
}

# names CHECK STATUS DETAIL: the doctor of the alias does. HANDLE in it is that of the rule
# which nft prints with the text of $4 in the chain.
names() {
	local found want=$3

	found=$(nestnet -j doctor "$ALIAS" |
		jq -r --arg check "$1" '.[] | select(.check == $check) | "\(.status) \(.subject): \(.detail)"') ||
		true
	grep -qxE "$2 $want" <<<"$found" || fail "doctor: $1: want /$2 $want/, got:" "$found"
}

# handle CHAIN TEXT: of the first rule in "FAMILY TABLE CHAIN" that has the text.
handle() {
	# shellcheck disable=SC2086 # three words
	on l1 nft -a list chain $1 | grep -F -- "$2" | sed -n 's/.* # handle //p' | head -n 1
}

# printed CHECK remedy|undo: as doctor prints it on a terminal, less the indent.
printed() {
	{ nestnet doctor "$ALIAS" || true; } | awk -v check="$1," -v is_undo="$([[ $2 != undo ]]; echo $?)" '
		/^[^ ].*:$/ { is_back = /^and to take that back:$/ }
		$1 == check && /:$/ { is_it = 1 }
		$1 != check && /^[^ ]/ && !/^and to/ { is_it = 0 }
		is_it && /^    / && is_back == is_undo { print substr($0, 5) }'
}

# pastes CHECK...: the remedy of each into a shell; what would undo it is kept.
pastes() {
	local check remedy

	for check in "$@"; do
		remedy=$(printed "$check" remedy)
		[[ -n $remedy ]] || fail "doctor prints no remedy of $check:" "$(nestnet doctor "$ALIAS")"
		undo+=("$(printed "$check" undo)")
		on l1 bash -ec "$remedy" >/dev/null || fail "pasted: $remedy"
	done
	# Who has asked for the alias in vain asks again a moment later.
	poll comes
	nestnet doctor "$ALIAS" >/dev/null || fail "doctor is not content:" "$(nestnet doctor "$ALIAS")"
}

undoes() {
	local line

	for line in "${undo[@]}"; do
		on l1 bash -ec "$line" >/dev/null || fail "pasted: $line"
	done
	undo=()
}

declare -a undo

forward_rules() { on l1 iptables -S FORWARD; }

test_libvirts_default_network_rejects_and_an_accept_outlives_its_restarts() {
	local before

	family 4
	with_software
	libvirt_starts
	exposes 'ip filter LIBVIRT_FWI will stop it: rule handle [0-9]+ of libvirt rejects: oifname "virbr0" counter reject'
	comes_not
	goes
	names forwarded fail "ip filter LIBVIRT_FWI: rule handle $(handle 'ip filter LIBVIRT_FWI' reject) of libvirt rejects: oifname \"virbr0\" counter reject"
	before=$(forward_rules)
	pastes forwarded
	libvirt_network_restarts
	poll comes
	libvirtd_restarts
	virsh net-list >/dev/null
	comes
	undoes
	same "FORWARD" "$before" "$(forward_rules)"
	comes_not
}

test_libvirts_nftables_backend_rejects_in_a_table_of_its_own() {
	local before

	family 4
	libvirt_nftables_rules
	exposes 'ip libvirt_network guest_input will stop it: rule handle [0-9]+ of libvirt rejects: oif "virbr0" counter reject'
	comes_not
	names forwarded fail "ip libvirt_network guest_input: rule handle $(handle 'ip libvirt_network guest_input' reject) of libvirt rejects: oif \"virbr0\" counter reject"
	before=$(on l1 nft -s list table ip libvirt_network)
	pastes forwarded
	undoes
	same "its table" "$before" "$(on l1 nft -s list table ip libvirt_network)"
	comes_not
}

# firewalld lets translated flows in by itself; its default zone lets none out.
firewalld_zone_rejects() {
	exposes 'inet firewalld filter_FWD_public will stop what the guest begins itself: rule handle [0-9]+ of firewalld rejects: reject'
	comes
	goes_not
	names outbound warn "inet firewalld filter_FWD_public: rule handle $(handle 'inet firewalld filter_FWD_public' reject) of firewalld rejects: reject"
	same "doctor's other doubts" "mtu outbound" \
		"$(nestnet -j doctor "$ALIAS" | jq -r '.[] | select(.status | . == "warn" or . == "fail").check' | xargs)"
	nestnet doctor "$ALIAS" >/dev/null || fail "doctor fails of what is a part"
}

test_firewallds_default_zone_rejects_what_the_guest_begins_until_its_bridge_is_trusted() {
	with_software
	firewalld_starts
	in_each_family firewalld_zone_rejects
	# It reloads, and is for both families.
	pastes outbound
	goes
	undoes
	goes_not
	same "what is left" "" "$(grep -rl --include="*.xml" virbr0 /etc/firewalld || true)"
}

ufw_drops() {
	local ip=ip

	[[ $FAMILY == 4 ]] || ip=ip6
	exposes "$ip filter FORWARD will stop it: policy drop of ufw"
	comes_not
	goes_not
	names forwarded fail "$ip filter FORWARD: policy drop of ufw"
	names outbound warn "$ip filter FORWARD: policy drop of ufw"
	pastes forwarded outbound
	goes
}

test_ufws_policy_drops_and_its_own_route_rules_outlive_a_reload() {
	local before

	with_software
	ufw_starts
	before=$(on l1 ufw status; cat /etc/ufw/user.rules)
	in_each_family ufw_drops
	on l1 ufw reload >/dev/null
	comes
	goes
	undoes
	same "its rules" "$before" "$(on l1 ufw status; cat /etc/ufw/user.rules)"
	comes_not
	family 4
	nestnet expose "$ALIAS" "$GUEST" 2>/dev/null
	comes_not
}

test_dockers_policy_drops_and_docker_user_has_the_accepts() {
	local before

	family 4
	docker_rules
	exposes 'ip filter FORWARD will stop it: policy drop of Docker'
	comes_not
	goes_not
	gets_nothing l2b http "$GUEST" 8000
	names forwarded fail 'ip filter FORWARD: policy drop of Docker'
	names bridge-nf-call warn 'ip filter FORWARD: policy drop of Docker'
	before=$(on l1 iptables -S)
	pastes forwarded replies
	goes
	undoes
	same "its rules" "$before" "$(on l1 iptables -S)"
	comes_not
}

nftables_conf_drops() {
	exposes 'inet filter forward will stop it: policy drop'
	comes_not
	names forwarded fail 'inet filter forward: policy drop'
	pastes forwarded replies
	goes
	undoes
	comes_not
}

test_a_policy_in_debians_nftables_conf_drops() {
	local before

	with_etc
	nftables_conf_loads
	before=$(on l1 nft -s list table inet filter)
	in_each_family nftables_conf_drops
	same "its table" "$before" "$(on l1 nft -s list table inet filter)"
}
