# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Other software in L1, the real one: libvirt, firewalld, ufw, NetworkManager, QEMU; and by
# their documented layout the rules of Docker and of libvirt's nftables backend, which
# Debian 12 does not have. To be sourced by tests, after lab.bash and machine.bash.
#
# They run in L1's network namespace, and in the lab's mount namespace with an /etc and a
# /var of their own, so that they meet Debian's configuration, and nothing of the machine.
# Each is up when its *_starts returns; all end with the lab. None starts slowly: what waits
# for 25 s waits for a D-Bus service that nobody runs here.

# with_software: before any of them. /run is the lab's already.
with_software() {
	local directory

	with_etc
	for directory in lib cache log; do
		mount -t tmpfs -o mode=755 tmpfs "/var/$directory"
	done
	mkdir -p /run/dbus /run/libvirt /var/{lib,cache,log}/libvirt /var/lib/NetworkManager
}

dbus_starts() {
	[[ -S /run/dbus/system_bus_socket ]] || on l1 dbus-daemon --system --fork
}

# libvirt: its default network takes the place of the lab's bridge, with the same name,
# addresses (of IPv4) and guests.

virsh() { on l1 virsh -q -c qemu:///system "$@"; }

libvirt_starts() {
	without_bridge
	on l1 virtlogd -d
	libvirtd_starts
	libvirt_network_starts
}

# Without a bus it asks neither firewalld nor machined for anything.
libvirtd_starts() { on l1 libvirtd -d; }

libvirtd_restarts() {
	kill "$(</run/libvirtd.pid)"
	poll test ! -e /run/libvirtd.pid
	libvirtd_starts
}

# Its bridge has spanning tree on, and the guests' ports would wait 4 s each time.
libvirt_network_starts() {
	virsh net-start default >/dev/null
	ip -netns l1 -batch - <<-END
		link set virbr0 type bridge stp_state 0
		link set vnet0 master virbr0
		link set vnet1 master virbr0
	END
}

libvirt_network_restarts() {
	virsh net-destroy default >/dev/null
	libvirt_network_starts
}

# domain_defined NAME: a virtual machine of libvirt's that needs neither KVM, nor a disk, nor
# a kernel: its firmware looks for them. Its interface is in the default network.
domain_defined() {
	virsh define /dev/stdin >/dev/null <<-END
		<domain type='qemu'>
			<name>$1</name>
			<memory unit='MiB'>32</memory>
			<os><type arch='x86_64' machine='pc'>hvm</type></os>
			<devices>
				<interface type='network'><source network='default'/></interface>
				<memballoon model='none'/>
			</devices>
		</domain>
	END
}

# libvirt's nftables backend, as it documents it: interfaces by their index.
libvirt_nftables_rules() {
	on l1 nft -f - <<-END
		table ip libvirt_network {
			chain guest_cross { iif "virbr0" oif "virbr0" counter accept; }
			chain guest_input {
				oif "virbr0" ip daddr 192.168.122.0/24 ct state established,related counter accept
				oif "virbr0" counter reject
			}
			chain guest_output {
				ip saddr 192.168.122.0/24 iif "virbr0" counter accept
				iif "virbr0" counter reject
			}
			chain forward {
				type filter hook forward priority filter; policy accept;
				counter jump guest_cross
				counter jump guest_input
				counter jump guest_output
			}
		}
	END
}

# firewalld, with its default zone

firewalld_starts() {
	dbus_starts
	on l1 firewalld --nopid
	poll on l1 firewall-cmd --state
}

# ufw, enabled

ufw_starts() { on l1 ufw --force enable >/dev/null; }

# Docker, as it documents it: the policy of FORWARD, its chains, and the place for the
# administrator's own rules.
docker_rules() {
	on l1 iptables-restore --noflush <<-END
		*filter
		:FORWARD DROP
		:DOCKER -
		:DOCKER-USER -
		-A DOCKER-USER -j RETURN
		-A FORWARD -j DOCKER-USER
		-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A FORWARD -o docker0 -j DOCKER
		-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
		COMMIT
		*nat
		:DOCKER -
		-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8000 -j DNAT --to-destination 172.17.0.2:80
		COMMIT
	END
}

# Debian's nftables.conf, as it is installed, and with a policy of the administrator's.
nftables_conf_loads() {
	sed -i '/hook forward/s/;$/; policy drop;/' /etc/nftables.conf
	on l1 nft -f /etc/nftables.conf
}
