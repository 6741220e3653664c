# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A program that was built against an older header, on the library of today.

test_an_old_program_does_on_the_new_library_what_it_did() {
	same "it says" "10.128.0.13, of an old program: 0 from, 0 except, 0 flows, expires 0" \
		"$(on l1 "$NN_BUILD/tests/abi/old" 2>&1)"
	same "what it made" "$(
		cat <<-END
			bridge add old0 --address 192.168.77.1/24 --mtu 1400 --mac 02:00:00:00:00:77
			nat add 192.168.77.0/24
			tap add oldtap0 --bridge old0 --owner 65534
			expose 10.128.0.13 192.168.122.89 --comment 'of an old program'
		END
	)" "$(nestnet save)"
	reaches ext http 10.128.0.13 8000 "guest page of l2,"
	same "what it links" "libnestnet.so.0" \
		"$(readelf -d "$NN_BUILD/tests/abi/.libs/old" "$NN_BUILD/tests/abi/old" 2>/dev/null |
			sed -nE 's/.*NEEDED.*\[(libnestnet.*)\]/\1/p')"
}
