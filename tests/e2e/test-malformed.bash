# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A wrong command line: exit 2, one line on stderr that names what is wrong, nothing done.
# One exposure is there already, so that there is something to disturb.

wrong() { refused 2 . nestnet "$@"; }

with_an_exposure() { nestnet expose 10.128.0.14 192.168.122.90; }

test_wrong_addresses() {
	local address

	with_an_exposure
	for address in '' ' ' 10.128.0 10.128.0.256 10.128.0.13.1 10.128.0.013 0x0a.1.1.1 168820749 \
		10.128.0.13x ' 10.128.0.13' '10.128.0.13 ' 10.128.0.-1 example.org localhost \
		$'10.128.0.13\n' '10.128.0.13;reboot' fd12::89:: ::ffff:10.128.0.13%eth0; do
		wrong expose "$address" 192.168.122.89
		wrong expose 10.128.0.13 "$address"
	done
}

test_addresses_that_are_not_unicast() {
	local address

	with_an_exposure
	for address in 0.0.0.0 224.0.0.1 239.255.255.250 255.255.255.255 ff02::1 ::; do
		wrong expose "$address" 192.168.122.89
		wrong expose 10.128.0.13 "$address"
		wrong unexpose "$address"
		wrong unexpose --target "$address"
		wrong unexpose --if-exists --target "$address"
	done
}

# Be they all of it, or somewhere in its midst.
test_prefixes_that_take_in_addresses_that_are_not_unicast() {
	local pair

	with_an_exposure
	for pair in "fe00::/8 2000::/8" "fe80::/64 fd12::/64" "ff00::/8 2000::/8" "::/96 fd12::/96" \
		"fc00::/6 2000::/6" "126.0.0.0/7 10.0.0.0/7" "192.0.0.0/2 64.0.0.0/2" \
		"224.0.0.0/24 192.168.122.0/24" "252.0.0.0/6 8.0.0.0/6"; do
		# shellcheck disable=SC2086
		set -- $pair
		wrong expose "$1" "$2"
		wrong expose "$2" "$1"
		wrong unexpose "$1"
		wrong nat add "$1"
		wrong alias add "$1" --dev eth0
	done
}

test_wrong_ports() {
	local port

	with_an_exposure
	for port in '' 0 65536 99999999999999999999 -1 +80 080x 8o ' 80' 0x50 80- 80-70 -80 80,81 http; do
		wrong expose "10.128.0.13:$port" 192.168.122.89
		wrong expose 10.128.0.13:80 "192.168.122.89:$port"
	done
}

test_wrong_protocols() {
	local protocol

	with_an_exposure
	for protocol in '' icmp TCPX 6 tcp,udp tcp/udp 'tcp '; do
		wrong expose "10.128.0.13:80/$protocol" 192.168.122.89
	done
	wrong expose 10.128.0.13/tcp 192.168.122.89
	wrong expose 10.128.0.13:80 192.168.122.89:80/udp
}

test_wrong_pairs_of_alias_and_target() {
	with_an_exposure
	# A whole address has no port to lead to.
	wrong expose 10.128.0.13 192.168.122.89:80
	# As many ports on either side.
	wrong expose 10.128.0.13:80-81 192.168.122.89:8000
	wrong expose 10.128.0.13:80 192.168.122.89:8000-8001
	wrong expose 10.128.0.12/30 192.168.122.88/29
	wrong expose 10.128.0.12/33 192.168.122.88/33
	wrong expose 10.128.0.13/30 192.168.122.88/30
	# Of one family.
	wrong expose 10.128.0.13 fd12::89
	wrong expose fd10:128::13 192.168.122.89
}

test_wrong_numbers_of_arguments() {
	with_an_exposure
	wrong
	wrong expose
	wrong expose 10.128.0.13
	wrong expose 10.128.0.13 192.168.122.89 192.168.122.90
	wrong unexpose
	wrong unexpose --all 10.128.0.14
	wrong unexpose --all --target 192.168.122.90
	wrong unexpose --target
	wrong list 10.128.0.13 10.128.0.14
	wrong clear everything
	wrong tap
	wrong tap add
	wrong tap add tap0 tap1
	wrong tap del
	wrong bridge add
	wrong bridge attach virbr0
	wrong nat add
	wrong forward
	wrong forward on on,off
}

test_unknown_words() {
	with_an_exposure
	wrong exposed 10.128.0.13 192.168.122.89
	wrong ''
	wrong tap make tap0
	wrong nat list more
	wrong expose 10.128.0.13 192.168.122.89 --frobnicate
	wrong expose 10.128.0.13 192.168.122.89 --openly
	wrong expose 10.128.0.13 192.168.122.89 -x
	wrong --frobnicate list
	# Another option's name may begin so one day.
	wrong --jso list
	wrong --dry expose 10.128.0.13 192.168.122.89
	wrong --net=l1 list
	wrong --quie clear
	wrong --json=yes list
	wrong list --jso
	wrong expose 10.128.0.13 192.168.122.89 --egress sideways
	wrong expose 10.128.0.13 192.168.122.89 --egress
	wrong expose 10.128.0.13 192.168.122.89 --open=yes
	wrong forward sideways
}

test_wrong_comments() {
	local comment

	with_an_exposure
	# shellcheck disable=SC2016
	for comment in 'a"b' "a'b" $'a\nb' $'a\tb' 'a\b' 'a;b' 'a{b}' 'a$b' 'a#b' 'grün' \
		$'x"\n}\n}\ntable inet evil {' "$(printf 'x%.0s' {1..128})"; do
		wrong expose 10.128.0.13 192.168.122.89 --comment "$comment"
	done
}

test_wrong_interface_names() {
	local name

	with_an_exposure
	# shellcheck disable=SC2016
	for name in '' . .. -dash all default 'a b' 'a/b' 'x;y' '$(id)' sixteen-letters- $'a\nb' \
		a%s a%d%d ü; do
		wrong tap add -- "$name"
		wrong bridge add -- "$name"
	done
	for name in '' a/b 'a b' a:b sixteen-letters-; do
		wrong dhcp config "$name"
		wrong dhcp hosts "$name"
		wrong dhcp command "$name"
		wrong guest wait "$name"
	done
	wrong tap add tap0 --bridge 'a b'
	wrong tap del 'a b'
	wrong bridge del 'a/b'
	wrong bridge attach virbr0 'a b'
	wrong bridge detach 'a b'
	wrong nat add 192.168.122.0/24 --out 'a b'
	wrong alias add 10.128.0.20/32 --dev 'a b'
}

test_wrong_links() {
	local mac mtu

	with_an_exposure
	for mac in '' 52:54:00:12:34 52:54:00:12:34:56:78 52:54:00:12:34:5g 01:00:5e:00:00:01 \
		ff:ff:ff:ff:ff:ff 00:00:00:00:00:00; do
		wrong tap add tap0 --mac "$mac"
		wrong bridge add br0 --mac "$mac"
	done
	for mtu in '' 0 -1 67 65536 1500x 99999999999 automatic; do
		wrong tap add tap0 --mtu "$mtu"
		wrong bridge add br0 --mtu "$mtu"
	done
	wrong tap add tap0 --queues 0
	wrong tap add tap0 --queues 257
	wrong tap add tap0 --queues two
	wrong tap add tap0 --owner nosuchuser
	wrong tap add tap0 --group nosuchgroup
	wrong tap add tap0 --bridge virbr0 --address 192.168.50.1/24
	wrong bridge add br0 --address 192.168.50.1/33
	wrong bridge add br0 --address 192.168.50.x/24
	wrong bridge add br0 --address 224.0.0.1/24
}

test_wrong_subnets() {
	local subnet

	with_an_exposure
	for subnet in '' 192.168.122.1/24 192.168.122.0/33 192.168.122/24 224.0.0.0/4 x/24 \
		192.168.122.0/ 192.168.122.0/-1 192.168.122.0/24/24; do
		wrong nat add "$subnet"
		wrong alias add "$subnet" --dev eth0
	done
	wrong nat add 192.168.122.0/24 --to 10.128.0
	wrong nat add 192.168.122.0/24 --to fd10:128::2
	wrong nat add 192.168.122.0/24 --to 224.0.0.1
	wrong alias add 10.128.0.20/32
}

test_a_refusal_names_what_is_wrong() {
	refused 2 '10\.128\.0\.256' nestnet expose 10.128.0.256 192.168.122.89
	refused 2 '65536' nestnet expose 10.128.0.13:65536 192.168.122.89
	refused 2 'frobnicate' nestnet expose 10.128.0.13 192.168.122.89 --frobnicate
	refused 2 'sideways' nestnet expose 10.128.0.13 192.168.122.89 --egress sideways
	refused 2 'exposed' nestnet exposed
	refused 2 "unknown option '--jso'" nestnet --jso list
}

# "COMMAND OBJECT: reason"; a word that can be none is in quotes.
test_a_refusal_names_the_object_in_one_way() {
	local name="an interface name is of letters, digits and _ . -"

	refused 2 "^nestnet: tap add 'a/b': $name" nestnet tap add a/b
	refused 2 "^nestnet: tap add tap0: bridge 'a/b': $name" nestnet tap add tap0 --bridge a/b
	refused 1 "^nestnet: tap add tap0: bridge br0: No such device" nestnet tap add tap0 --bridge br0
	refused 1 "^nestnet: tap del tap0: No such device" nestnet tap del tap0
	refused 2 "^nestnet: tap add tap0: isolation is for" nestnet tap add tap0 --isolated
	refused 2 "^nestnet: bridge add br0: the MAC address is zero" \
		nestnet bridge add br0 --mac 00:00:00:00:00:00
	refused 2 "^nestnet: bridge attach 'a/b': $name" nestnet bridge attach virbr0 a/b
	refused 2 "^nestnet: bridge attach eth0: bridge 'a/b': $name" nestnet bridge attach a/b eth0
	refused 2 "^nestnet: bridge attach virbr0: a bridge cannot be" nestnet bridge attach virbr0 virbr0
	refused 2 "^nestnet: nat add 192.168.50.0/24: interface 'a/b': $name" \
		nestnet nat add 192.168.50.0/24 --out a/b
	refused 2 "^nestnet: alias add 10.128.0.20: interface 'a/b': $name" \
		nestnet alias add 10.128.0.20 --dev a/b
	refused 2 "^nestnet: expose 10.128.0.13: tap 'a/b': $name" \
		nestnet expose 10.128.0.13 192.168.122.89 --tap a/b
	refused 2 "^nestnet: forward on 'a/b': $name" nestnet forward on a/b
	refused 2 "^nestnet: forward status 'a/b': $name" nestnet forward status a/b
	refused 1 "^nestnet: dhcp config br9: there is no such bridge" nestnet dhcp config br9
	refused 1 "^nestnet: guest wait tap0: no address" nestnet guest wait tap0 --timeout 1s
}
