# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What test-cli.bash does with a few verbs, with all of them: each message, each answer, each
# setting and each ioctl fails in turn (`make check-inject`).

# shellcheck source=tests/e2e/inject.bash
source "$LAB/../e2e/inject.bash"

WANTED='bridge add br0 --address 192.168.50.1/24
bridge attach br0 vnet0
nat add 192.168.50.0/24
tap add tap0 --bridge br0 --guard 52:54:00:12:34:91,192.168.50.91
alias add 10.128.0.21 --dev eth0
expose 10.128.0.13 192.168.122.89 --comment web
expose 10.128.0.14:80 192.168.122.90:8000'

without_port() { ip -netns l1 link set vnet0 nomaster; }

wanted() {
	without_port
	nestnet -q apply - <<<"$WANTED"
}

test_exposures_are_whole_or_not_at_all() {
	fails_whole_at_every "$sends,recvfrom,pwrite64" true \
		expose 10.128.0.13 192.168.122.89 --egress alias --from 203.0.113.0/24 --except 22
	fails_whole_at_every "$sends,recvfrom" wanted expose 10.128.0.13 192.168.122.90 --replace
	fails_whole_at_every "$sends,recvfrom" wanted unexpose --all
}

test_taps_are_whole_or_not_at_all() {
	fails_whole_at_every "$sends,ioctl,recvfrom" true \
		tap add tap1 --bridge virbr0 --guard 52:54:00:12:34:99
	fails_whole_at_every "$sends,ioctl" true tap add tap1 --address 192.168.60.1/24
	fails_whole_at_every "$sends" wanted tap del tap0
}

test_bridges_are_whole_or_not_at_all() {
	without_port
	fails_whole_at_every "$sends,recvfrom" true \
		bridge add br1 --address 192.168.51.1/24 --address fd51::1/64 --stp
	fails_whole_at_every "$sends" wanted bridge del br0
	fails_whole_at_every "$sends" true bridge attach virbr0 vnet0
	fails_whole_at_every "$sends" wanted bridge detach vnet0
}

test_subnets_forwarding_and_aliases_are_whole_or_not_at_all() {
	without_port
	fails_whole_at_every "$sends,recvfrom,pwrite64" true nat add 192.168.50.0/24
	fails_whole_at_every "$sends" wanted nat del 192.168.50.0/24
	fails_whole_at_every "$sends,pwrite64" true forward on
	fails_whole_at_every "$sends,pwrite64" wanted forward off
	fails_whole_at_every "$sends" true alias add 10.128.0.22 --dev eth0
	fails_whole_at_every "$sends" wanted alias del 10.128.0.21
}
