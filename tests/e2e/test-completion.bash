# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2016
#
# Completion: what may come next, in bash, zsh and fish; the commands and options are those
# that `nestnet --help` has, and the objects those that are there.

# shellcheck source=tests/lab/machine.bash
source "$LAB/machine.bash"

with_completion() {
	with_hooks
	rendered completion/complete "$MACHINE_ROOT/libexec/complete"
	rendered completion/nestnet "$MACHINE_ROOT/share/nestnet.bash"
	rendered completion/_nestnet "$MACHINE_ROOT/share/zsh/_nestnet"
	rendered completion/nestnet.fish "$MACHINE_ROOT/share/nestnet.fish"
}

# completes WORD...: in L1, the words that may stand in the last one's place, sorted.
completes() { on l1 "$MACHINE_ROOT/libexec/complete" "$@" | cut -f 1 | LC_ALL=C sort; }

# offers WANTED WORD...: exactly these, on one line.
offers() {
	same "candidates of \"${*:2}\"" "$(xargs -n 1 <<<"$1" | LC_ALL=C sort)" "$(completes "${@:2}")"
}

commands() { nestnet --help | sed -nE 's/^  ([a-z]+( [a-z]+)?) +[a-z].*/\1/p'; }

test_every_command_of_the_help_is_offered_and_no_other() {
	local noun

	with_completion
	[[ $(commands | wc -l) -ge 15 ]] || fail "where are the commands?"
	same "commands" "$(commands | cut -d ' ' -f 1 | LC_ALL=C sort -u)" "$(completes '')"
	for noun in $(commands | sed -n 's/ .*//p' | sort -u); do
		same "verbs of $noun" "$(commands | sed -n "s/^$noun //p" | LC_ALL=C sort)" \
			"$(completes "$noun" '')"
	done
	same "what help takes" "$(completes '')" "$(completes help '')"
	offers "add del list" help tap ''
}

# takes WORD...: whether nestnet knows the last one as an option; where it does, it asks for
# a value, or goes on to what else is wrong.
takes() { matches_not "$*" "unknown option|takes no value" "$(nestnet "$@" 2>&1 </dev/null)"; }

test_every_option_that_is_offered_is_taken_and_every_option_of_the_help_is_offered() {
	local words option shown

	with_completion
	while read -ra words; do
		shown=$(nestnet "${words[@]}" --help | sed -n '1p; s/^  \(-.*\)/\1/p' | sed 's/   *.*//' |
			grep -oE -e '--[a-z-]+' | LC_ALL=C sort -u || true)
		same "options of ${words[*]}" "$shown" "$(completes "${words[@]}" - | grep '^--' || true)"
		for option in $(completes "${words[@]}" -); do
			takes "${words[@]}" "$option"
		done
	done < <(commands)
	for option in $(completes -); do
		takes "$option" list
	done
}

test_the_objects_that_are_there_are_offered() {
	with_completion
	nestnet bridge add br7
	nestnet tap add tap0 --bridge br7
	nestnet tap add tap1 --bridge br7
	nestnet nat add 192.168.122.0/24
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose 10.128.0.14:80 192.168.122.90:8000
	offers "tap0 tap1" tap del ''
	offers "tap1" tap del tap0 ''
	offers "" tap add ''
	offers "br7 virbr0" tap add tap2 --bridge ''
	offers "br7 virbr0" bridge del ''
	offers "192.168.122.0/24" nat del ''
	offers "10.128.0.13 10.128.0.14:80/tcp" unexpose ''
	offers "192.168.122.89 192.168.122.90:8000" unexpose --target ''
	offers "10.128.0.12/30" expose ''
	offers "masquerade alias none" expose 10.128.0.13 192.168.122.89 --egress ''
	offers "br7 eth0 lo tap0 tap1 virbr0 vnet0 vnet1" nat add 192.168.122.0/24 --out ''
	offers "eth0 lo tap0 tap1 virbr0 vnet0 vnet1" bridge attach br7 ''
	offers "" tap add x --mac ''
	offers "exposures bridges attachments nat forwarding aliases guests" monitor taps ''
	[[ $(completes tap add x --owner '') == *nobody* ]] || fail "where is the user nobody?"
}

test_a_file_is_offered_where_one_is_wanted() {
	local directory=$LAB_SCRATCH/files

	with_completion
	mkdir -p "$directory/sub"
	touch "$directory/a.conf" "$directory/b c.conf"
	same "files" "$directory/a.conf"$'\n'"$directory/b c.conf"$'\n'"$directory/sub/" \
		"$(completes apply "$directory/" | grep "^$directory")"
}

test_another_namespace_has_other_objects() {
	with_completion
	ip netns exec l2 "$NESTNET" bridge add br2
	offers "ext l1 l2 l2b" -N ''
	offers "br2" -N l2 bridge del ''
	offers "virbr0" bridge del ''
}

test_nothing_is_offered_for_nonsense() {
	with_completion
	offers "" 'x;id' ''
	offers "" tap 'x;id' ''
	offers "" clear ''
	offers "" tap del tap0 --nonsense '$(id)' ''
}

# bash_completes LINE: what bash makes of it, with the cursor at its end.
bash_completes() {
	on l1 bash -c 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _nestnet; printf "%s\n" "${COMPREPLY[@]}"' \
		- "$MACHINE_ROOT/share/nestnet.bash" "$1"
}

test_bash() {
	with_completion
	nestnet expose 10.128.0.13 192.168.122.89
	nestnet expose '[fd10:128::13]:80' '[fd12::89]:8000'
	same "bash" "tap" "$(bash_completes 'nestnet ta')"
	same "bash" "10.128.0.13" "$(bash_completes 'nestnet unexpose 10')"
	# After the last colon, as bash puts in no more.
	same "bash" "13]:80/tcp" "$(bash_completes 'nestnet unexpose [fd10:128::1')"
	same "bash" "--bridge" "$(bash_completes 'nestnet tap add tap0 --br')"
	same "bash" "" "$(bash_completes 'nestnet tap add $(touch${IFS}/run/x) ')"
	not ls /run/x 2>/dev/null
	matches "bash" '_nestnet nestnet' \
		"$(bash -c "source $MACHINE_ROOT/share/nestnet.bash; complete -p nestnet")"
}

test_fish() {
	with_completion
	nestnet tap add tap0
	nestnet tap add tap1
	same "fish" $'tap0\ntap1' "$(fish_completes 'nestnet tap del ')"
	same "fish" $'expose\tmake a guest reachable through an alias' "$(fish_completes 'nestnet ex')"
}

fish_completes() {
	on l1 env HOME=/run fish --no-config -c \
		"source $MACHINE_ROOT/share/nestnet.fish; complete -C '$1'"
}

# A real zsh on a terminal, whose nestnet shows what the tabulators have become.
test_zsh() {
	with_completion
	nestnet tap add tap0
	cat >"$MACHINE_ROOT/share/zsh/.zshrc" <<-END
		fpath=($MACHINE_ROOT/share/zsh \$fpath)
		autoload -Uz compinit && compinit -u -D
		nestnet() { print -r -- "got: \$*"; }
	END
	printf 'nestnet ta\t de\t ta\t\nnestnet tap add x --br\t vi\t\nexit\n' |
		on l1 env "ZDOTDIR=$MACHINE_ROOT/share/zsh" HOME=/run TERM=dumb \
			script -qc 'zsh -i' /dev/null >"$LAB_SCRATCH/screen"
	same "zsh" $'got: tap del tap0\ngot: tap add x --bridge virbr0' \
		"$(grep -o 'got:.*' "$LAB_SCRATCH/screen" | tr -d '\r' | sed 's/ *$//')"
}
