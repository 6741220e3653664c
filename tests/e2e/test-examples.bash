# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# examples/ are programs of others: they know the installed library by pkg-config, and
# nothing of this tree.

EXAMPLES=$(cd "$LAB/../.." && pwd)/examples

# Installs header, library and pkg-config's file, and has pkg-config find them. What was built
# is installed as it is (-o), since tests run side by side.
install_library() {
	local root=$LAB_SCRATCH/root

	make -s -C "$NN_BUILD" -o Makefile -o libnestnet.la -o libnestnet/libnestnet.pc \
		DESTDIR="$root" install-libLTLIBRARIES install-nestnetincludeHEADERS \
		install-pkgconfigDATA >"$LAB_SCRATCH/install" 2>&1 ||
		fail "make install" "$(<"$LAB_SCRATCH/install")"
	PKG_CONFIG_SYSROOT_DIR=$root
	PKG_CONFIG_PATH=$(dirname "$(find "$root" -name libnestnet.pc)")
	LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
	export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH LD_LIBRARY_PATH
}

# builds NAME COMPILER OPTION...: with the sanitizers of the library, if any.
builds() {
	local flags

	flags=$(sed -n 's/^NN_LDFLAGS = //p' "$NN_BUILD/Makefile")
	# shellcheck disable=SC2086
	"${@:2}" -Wall -Wextra -Wpedantic -Werror $flags -o "$LAB_SCRATCH/$1"
}

# pkg FLAG...
pkg() { pkg-config "$@" libnestnet; }

links() { on l1 ip -o link show group 1852142452 | sed -E 's/^[0-9]+: ([^:@]+).*/\1/'; }

# A bridge lets a new port forward some time after it has a carrier.
answers_soon() {
	for _ in {1..20}; do
		! on ext ping -c 1 -W 1 "$1" >/dev/null 2>&1 || return 0
	done
	fail "ext pings $1: no answer"
}

# runs_vmm PROGRAM: its guest is reached through the alias, and nothing of it stays.
runs_vmm() {
	local vmm before

	before=$(l1_state)
	mkfifo "$LAB_SCRATCH/keys" "$LAB_SCRATCH/screen"
	on l1 "$1" virbr0 192.168.122.77 10.128.0.13 \
		<"$LAB_SCRATCH/keys" >"$LAB_SCRATCH/screen" 2>&1 &
	vmm=$!
	exec 7>"$LAB_SCRATCH/keys" 8<"$LAB_SCRATCH/screen"
	same "it says" "the guest is behind vm0" "$(head -n 1 <&8)"
	answers_soon 10.128.0.13
	pings ext 10.128.0.13 63
	reaches ext udp 10.128.0.13 7 hello hello
	pings l1 192.168.122.77 64
	matches "the exposure" '^10\.128\.0\.13 +192\.168\.122\.77' "$(nestnet list | tail -n 1)"
	exec 7>&-
	wait "$vmm" || fail "it ends with $?" "$(cat <&8)"
	same "links" "" "$(links)"
	nestnet tap del vm0 --if-exists
	nestnet clear
	same "L1's state" "$before" "$(l1_state)"
}

test_the_small_monitor_is_reached_through_its_alias() {
	install_library
	# shellcheck disable=SC2046
	builds vmm gcc -std=c99 -D_POSIX_C_SOURCE=200809L "$EXAMPLES/vmm.c" $(pkg --cflags --libs)
	runs_vmm "$LAB_SCRATCH/vmm"
	same "of a wrong word" "$LAB_SCRATCH/vmm: the prefix has host bits set" \
		"$("$LAB_SCRATCH/vmm" virbr0 192.168.122.77 10.128.0.13/30 2>&1)"
}

test_the_small_monitor_is_cxx_as_well() {
	install_library
	# shellcheck disable=SC2046
	builds vmm g++ -std=c++11 -x c++ "$EXAMPLES/vmm.c" -x none $(pkg --cflags --libs)
	runs_vmm "$LAB_SCRATCH/vmm"
}

test_a_monitor_that_is_killed_leaves_no_tap_and_its_exposure_goes() {
	install_library
	# shellcheck disable=SC2046
	builds vmm gcc "$EXAMPLES/vmm.c" $(pkg --cflags --libs)
	mkfifo "$LAB_SCRATCH/keys" "$LAB_SCRATCH/screen"
	# shellcheck disable=SC2016
	on l1 sh -c 'echo $$ >"$0/pid"; exec "$0/vmm" virbr0 192.168.122.77 10.128.0.13' \
		"$LAB_SCRATCH" <"$LAB_SCRATCH/keys" >"$LAB_SCRATCH/screen" &
	exec 7>"$LAB_SCRATCH/keys" 8<"$LAB_SCRATCH/screen"
	same "it says" "the guest is behind vm0" "$(head -n 1 <&8)"
	same "links" vm0 "$(links)"
	same "the exposure's tap" vm0 "$(nestnet -j list 10.128.0.13 | jq -r '.[].tap')"
	kill -KILL "$(<"$LAB_SCRATCH/pid")"
	wait $! || true
	same "links" "" "$(links)"
	same "the exposure's tap" "(gone)" "$(nestnet -j list 10.128.0.13 | jq -r '.[].tap')"
	matches "status" 'exposure [^!]*! its tap is gone' "$(nestnet status)"
	nestnet tap del vm0 --if-exists
	same "exposures" "" "$(nestnet list)"
}

test_the_library_is_loaded_by_a_program_that_does_not_link_it() {
	install_library
	# shellcheck disable=SC2046
	builds load gcc "$EXAMPLES/load.c" $(pkg --cflags) -ldl
	matches "it says" '^libnestnet [0-9.]+.vm0 is open$' "$(on l1 "$LAB_SCRATCH/load" 2>&1)"
	same "links" "" "$(links)"
	same "what it links" "" "$(readelf -d "$LAB_SCRATCH/load" | grep nestnet || true)"
}

# As with a second compiler in house.bash: where there is one. -L and -l alone, since
# sanitizers want the C compiler to link.
test_a_tap_is_opened_from_rust() {
	command -v rustc >/dev/null || return 0
	[[ -z $(sed -n 's/^NN_LDFLAGS = //p' "$NN_BUILD/Makefile") ]] || return 0
	install_library
	rustc -D warnings "$EXAMPLES/tap.rs" -o "$LAB_SCRATCH/tap" \
		-C link-args="$(pkg --libs)" || fail "rustc"
	same "it says" "vm0 is open" "$(on l1 "$LAB_SCRATCH/tap" virbr0 2>&1)"
	same "links" "" "$(links)"
	same "without a bridge" "tap add vm%d: bridge br7: No such device" \
		"$(on l1 "$LAB_SCRATCH/tap" br7 2>&1 || true)"
}
