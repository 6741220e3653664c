#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The rules of the house, held against the sources and against what was built: who includes
# whom, what the library shows and what it asks of libc, that the header stands alone, and
# the shape of files. Each function is a sentence that holds where it prints nothing.
#
# For `make check`: NN_BUILD is where the library was built (the working directory if it is
# not set). Nothing is written outside of a temporary directory.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${NN_BUILD:-$PWD}
header=$top/include/nestnet/nestnet.h
symbols=$top/libnestnet/libnestnet.sym
library=$build/.libs/libnestnet.so
export LC_ALL=C

# Whether the library was built with a sanitizer or for coverage, which add things of their own.
is_instrumented() {
	[[ $(nm "$library" | grep -cE '__(asan|ubsan|tsan|gcov|llvm)') != 0 ]]
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

nouns=(alias bridge counter forward guard guest nat port state tap uplink)
# Those of many files, which have a room each.
noun_rooms=(doctor expose monitor trace)
# Named after a noun, and yet for all: HACKING.md has them among the mechanisms.
mechanisms=(tap-make.h)

# includes FILE: what it includes, one a line, as "x.h" or <x.h>.
includes() { sed -nE 's/^[ \t]*#[ \t]*include[ \t]+(["<][^">]*[">]).*/\1/p' "$1"; }

say_includes() {
	local included

	while read -r included; do
		echo "${1#"$top"/} includes $included"
	done <<<"$2"
}

# may_include FILE PATTERN: says what FILE includes that is not of the pattern.
may_include() {
	local found

	found=$(includes "$1" | grep -vxE "$2") || return 0
	say_includes "$1" "$found"
}

files_of() { find "$top/$1" -maxdepth 1 -name '*.[ch]' | sort; }

# Between the public header and the kernel: the nouns, and what they stand on.
middle_files() {
	local room

	for room in libnestnet "${noun_rooms[@]/#/libnestnet/}" libnestnet/{plan,rules,table}; do
		files_of "$room"
	done
}

# What is of other projects, and belongs into kernel/ alone.
foreign='<(linux|netlink|libmnl|libnftnl)/[^>]*>'

# says_foreign FILE: what it includes of those.
says_foreign() {
	local found

	found=$(includes "$1" | grep -xE "$foreign") || return 0
	say_includes "$1" "$found"
}

# say_beyond_public ROOM: what its files include that is neither the public header nor their own.
say_beyond_public() {
	local file own

	own=$(cd "$top/$1" && printf '%s|' *.h)
	for file in $(files_of "$1"); do
		may_include "$file" "\"(${own%|})\"|<[^>]*>"
		includes "$file" | grep -E '^<nestnet/' | grep -vx '<nestnet/nestnet.h>' |
			sed "s|^|${file#"$top"/} includes |"
		says_foreign "$file"
	done
}

# ---- Who includes whom ------------------------------------------------------------------

base_includes_libc_base_and_the_public_header() {
	local file

	for file in $(files_of libnestnet/base); do
		may_include "$file" '"base/[a-z0-9-]+\.h"|<[^>]*>'
		says_foreign "$file"
	done
}

kernel_includes_nothing_from_above() {
	local file

	for file in $(files_of libnestnet/kernel); do
		may_include "$file" '"(kernel|base)/[a-z0-9-]+\.h"|<[^>]*>'
	done
}

only_kernel_includes_kernel_headers() {
	local file

	for file in $(middle_files) $(files_of nestnet-cli) "$header"; do
		says_foreign "$file"
	done
}

messages_stay_in_the_kernel_room() {
	local file

	for file in $(middle_files) $(files_of libnestnet/base) $(files_of nestnet-cli); do
		includes "$file" | grep -E '(-message|route-library|route-value)\.h"' |
			sed "s|^|${file#"$top"/} includes |"
	done
}

# Each room what is below it: tables and rules know no plan but its context, and no room knows
# a noun.
the_rooms_include_what_is_below_them() {
	local file

	for file in $(files_of libnestnet/table); do
		may_include "$file" '"(table|kernel|base)/[a-z0-9-]+\.h"|<[^>]*>'
	done
	for file in $(files_of libnestnet/rules); do
		may_include "$file" '"((rules|kernel|base)/[a-z0-9-]+|plan/context)\.h"|<[^>]*>'
	done
	for file in $(files_of libnestnet/plan); do
		may_include "$file" '"(plan|table|kernel|base)/[a-z0-9-]+\.h"|<[^>]*>'
	done
	for file in $(files_of libnestnet); do
		[[ $file != */planner.c ]] || continue
		may_include "$file" '"((plan|table|rules|kernel|base)/)?[a-z0-9-]+\.h"|<[^>]*>'
	done
}

# A noun's headers are its room's, or NOUN.h and NOUN-*.h; they are for its own files and
# planner.c.
no_noun_includes_another() {
	local file name noun included

	for noun in "${noun_rooms[@]}"; do
		for file in $(files_of "libnestnet/$noun"); do
			may_include "$file" "\"(($noun|plan|table|rules|kernel|base)/[a-z0-9-]+|transaction)\.h\"|<[^>]*>"
		done
	done
	for file in $(files_of libnestnet); do
		name=$(basename "$file")
		[[ $name != planner.c ]] || continue
		for included in $(includes "$file" | sed -n 's/^"\([^/"]*\)"$/\1/p'); do
			[[ " ${mechanisms[*]} " != *" $included "* ]] || continue
			for noun in "${nouns[@]}"; do
				[[ $included == "$noun.h" || $included == "$noun"-*.h ]] || continue
				[[ $name == "$noun".[ch] || $name == "$noun"-*.[ch] ]] ||
					echo "libnestnet/$name includes \"$included\""
			done
		done
	done
}

the_command_sees_the_public_header_alone() {
	say_beyond_public nestnet-cli
}

# And libcap-ng, in the one file that has to do with privileges.
the_helper_sees_the_public_header_alone() {
	local file

	say_beyond_public bridge-helper
	for file in $(files_of bridge-helper | grep -v /privileges.c); do
		includes "$file" | grep -x '<cap-ng.h>' | sed "s|^|${file#"$top"/} includes |"
	done
}

examples_see_the_public_header_alone_and_are_short() {
	local file

	for file in $(files_of examples); do
		may_include "$file" '<[^>]*>'
		includes "$file" | grep -E '^<nestnet/' | grep -vx '<nestnet/nestnet.h>' |
			sed "s|^|${file#"$top"/} includes |"
		says_foreign "$file"
		[[ $(wc -l <"$file") -le 200 ]] || echo "${file#"$top"/} has more than 200 lines"
	done
}

every_include_of_ours_is_there() {
	local file included

	for file in $(middle_files) $(files_of libnestnet/kernel) $(files_of libnestnet/base); do
		for included in $(includes "$file" | sed -n 's/^"\(.*\)"$/\1/p'); do
			[[ -e $top/libnestnet/$included ]] ||
				echo "${file#"$top"/} includes \"$included\", which is not there"
		done
	done
}

# ---- What the library shows ----------------------------------------------------------------

in_map() { sed -nE 's/^[ \t]+(nestnet_[a-z0-9_]+);.*/\1/p' "$symbols" | sort; }

# The functions that are declared: a name before "(" in a declaration marked as public.
declared() {
	tr '\n' ' ' <"$header" | grep -oE 'NESTNET_PUBLIC [^;(]*\(' |
		grep -oE 'nestnet_[a-z0-9_]+ *\($' | tr -d ' (' | sort
}


every_function_of_the_header_is_in_the_symbol_map() {
	comm -23 <(declared) <(in_map) | sed 's/$/ is declared and not in the map/'
}

every_name_in_the_symbol_map_is_in_the_header() {
	comm -13 <(declared) <(in_map) | sed 's/$/ is in the map and not declared/'
}

no_name_is_in_the_symbol_map_twice() {
	in_map | uniq -d
}

every_function_of_the_header_is_marked_as_public() {
	comm -13 <(declared) <(sed -nE 's/^[a-z].*[ *](nestnet_[a-z0-9_]+)\(.*/\1/p' "$header" |
		grep -v '_fn$' | sort -u)
}

the_library_exports_what_the_map_says() {
	local exported

	exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' |
		sort)
	comm -3 <(in_map) <(echo "$exported")
}

every_exported_symbol_has_a_version() {
	nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /@@NESTNET_[0-9.]+$/'
}

# ---- The header and its manual pages -------------------------------------------------------

families=("$top"/man/libnestnet-*.3)

# The header without its comments.
bare_header() { sed -Ez 's|/\*([^*]\|\*+[^*/])*\*+/||g' "$header"; }

# Prototypes, one a line, without any space.
declared_prototypes() {
	bare_header | tr -d ' \t' | tr '\n' ' ' | grep -oE '(^|[ ;])NESTNET_PUBLIC[^;]*;' |
		tr -d ' ' | sed -E 's/^;?NESTNET_PUBLIC//' | sort
}

# The same of the SYNOPSIS of all families.
prototypes_of_pages() {
	awk '/^\.Sh / { is_synopsis = $2 == "SYNOPSIS" }
		!is_synopsis { next }
		{ gsub(/"/, "") }
		/^\.Ft / { type = substr($0, 5) }
		/^\.Fo / { text = type $2 "("; comma = "" }
		/^\.Fa / { text = text comma substr($0, 5); comma = "," }
		/^\.Fc/ { print text ");" }' "${families[@]}" | tr -d ' \t' | sort
}

every_function_is_in_the_synopsis_of_a_page_as_the_header_has_it() {
	comm -23 <(declared_prototypes) <(prototypes_of_pages) | sed 's/^/in no SYNOPSIS: /'
	comm -13 <(declared_prototypes) <(prototypes_of_pages) | sed 's/^/in no header: /'
	prototypes_of_pages | uniq -d | sed 's/^/in two pages: /'
}

# So that man finds the page by the name of each function: the links are made of those names.
a_page_has_the_functions_of_its_synopsis_for_its_names() {
	local page

	for page in "${families[@]}"; do
		diff <(sed -nE 's/^\.Nm (nestnet_[a-z0-9_]+).*/\1/p' "$page") \
			<(sed -nE 's/^\.Fo //p' "$page") | sed -n "s|^[<>]|${page##*/}:|p"
		grep -qF "man/${page##*/}" "$top/Makefile.am" ||
			echo "${page##*/} is not in Makefile.am"
	done
}

# What is displayed literally in the pages, roff's escapes and all space taken out of it.
displays_of_pages() {
	sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.[BE]d/!p}' "${families[@]}" |
		sed -E 's/\\-/-/g; s/\\e/\\/g' | tr -d ' \t\n'
}

# Structures, enumerations and callbacks of the header, one a line, in the same way.
declared_types() {
	bare_header | tr -d ' \t' |
		awk '/^(struct|enum)nestnet_[a-z0-9_]+\{$/ { is_in = 1 }
			/^typedef/ { is_in = 1 }
			is_in { text = text $0 }
			is_in && (/^\};$/ || (text ~ /^typedef/ && /;$/)) {
				print text; text = ""; is_in = 0 }'
}

every_type_of_the_header_is_in_a_page_with_its_members() {
	local displays type member

	displays=$(displays_of_pages)
	declared_types | while read -r type; do
		[[ $displays == *"$type"* ]] || echo "in no page: ${type:0:60}..."
	done
	# Documented: each member, and each constant.
	bare_header | sed -nE '/^(struct|enum) nestnet_[a-z0-9_]+ \{$/,/^\};$/{
		s/^\t.*[ *]([a-z0-9_]+)(\[[^]]*\])?;[ \t]*$/Va \1/p
		s/^\t(NESTNET_[A-Z0-9_]+).*/Dv \1/p}' |
		cat - <(sed -nE 's/^#define (NESTNET_[A-Z0-9_]+)[ \t].*/Dv \1/p' "$header" |
			grep -v ' NESTNET_PUBLIC$') | sort -u |
		while read -r member; do
			grep -qx "\.It $member" "${families[@]}" || echo "in no page: .It $member"
		done
}

# A function without a comment of its own is doxygen's to find.
every_function_says_what_it_returns_and_since_when() {
	awk '/^\/\*\*/ { comment = "" }
		{ comment = comment "\n" $0 }
		/^NESTNET_PUBLIC / {
			if (comment !~ /Since: [0-9]/) print "no Since: " $0
			if (comment !~ /@return/ && $2 != "void") print "no @return: " $0
			comment = "" }' "$header"
}

doxygen_has_nothing_against_the_header() {
	(cat "$top/tests/Doxyfile"; echo "INPUT = $header"
		echo "OUTPUT_DIRECTORY = $scratch/doxygen") | doxygen - 2>&1
	[[ -n $(find "$scratch/doxygen" -name 'nestnet_8h.xml') ]] || echo "it read no header"
}

# ---- What the library asks for ----------------------------------------------------------------

# Quiet: no child, no end of the process, no signal, nothing written but by its callback.
# What takes a FILE is allowed, since without these three there is none but the caller's own.
the_library_starts_ends_and_prints_nothing() {
	local names='stdin stdout stderr printf vprintf puts putchar putchar_unlocked
		__printf_chk __vprintf_chk dprintf vdprintf __dprintf_chk perror psignal
		syslog __syslog_chk vsyslog openlog warn warnx err errx
		system popen fork vfork clone posix_spawn posix_spawnp execl execle execlp
		execv execve execvp execvpe fexecve exit _exit _Exit quick_exit abort raise kill
		__assert_fail signal sigaction sigprocmask atexit
		setenv unsetenv putenv setlocale chdir umask strerror strtok rand srand'

	! is_instrumented || return 0
	nm -D --undefined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' |
		grep -Fxf <(xargs -n 1 <<<"$names")
}

# Any user runs it, with privileges that the user does not have.
the_helper_starts_nothing_asks_no_environment_and_measures_what_it_copies() {
	local names='system popen fork vfork clone posix_spawn posix_spawnp execl execle execlp
		execv execve execvp execvpe fexecve dlopen setlocale getenv secure_getenv setenv
		gets strcpy strcat sprintf vsprintf scanf sscanf fscanf strncpy strncat
		__strcpy_chk __strcat_chk __sprintf_chk __isoc99_sscanf'

	! is_instrumented || return 0
	nm -D --undefined-only "$build/.libs/nestnet-bridge-helper" | awk '{ print $NF }' |
		sed 's/@.*//' | grep -Fxf <(xargs -n 1 <<<"$names")
}

# What the command runs is the user's to type: it has neither a shell nor a child.
the_command_starts_no_program() {
	local names='system popen fork vfork clone posix_spawn posix_spawnp execl execle execlp
		execv execve execvp execvpe fexecve wordexp'

	nm -D --undefined-only "$build/.libs/nestnet" | awk '{ print $NF }' | sed 's/@.*//' |
		grep -Fxf <(xargs -n 1 <<<"$names")
}

# No globals: threads need no lock, and two contexts share nothing.
the_library_has_no_writable_data() {
	! is_instrumented || return 0
	size -A "$build/.libs/libnestnet-internal.a" |
		awk '/:$/ || / :$/ { file = $1 } $1 ~ /^\.(data|bss)$/ && $2 > 0 { print file, $1, $2 }'
}

the_library_needs_the_libraries_that_were_chosen() {
	readelf -d "$library" | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' |
		grep -vE '^(libc|libnl-3|libmnl|libnftnl|libasan|libubsan|libm|libgcc_s|libdl|libpthread|librt|ld-linux.*)\.so'
}

the_command_needs_the_library_and_asks_nothing_of_the_kernel() {
	readelf -d "$build/.libs/nestnet" | sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' |
		grep -E '^(libnl|libmnl|libnftnl)'
}

# Packets for 127.0.0.0/8 from outside: CVE-2020-8558.
route_localnet_is_named_nowhere() {
	local file

	for file in "$library" "$build/.libs/nestnet" "$build/.libs/nestnet-bridge-helper"; do
		strings -a "$file" | grep route_localnet
	done
	grep -rlE "^[^#]*route_localnet" "$top/hooks"
}

# ---- What is promised --------------------------------------------------------------------------

# SECURITY.md names tests as they print their names: `test-closed: an exposed guest ...`, and
# `house: ...` for a rule of this file.
every_test_that_the_threat_model_names_is_there() {
	local name file count=0

	while IFS=: read -r file name; do
		name=${name# } count=$((count + 1))
		name=${name// /_}
		if [[ $file == house ]]; then
			grep -q "^$name() {" "${BASH_SOURCE[0]}"
		else
			grep -qE "^(test_$name\(\)|START_TEST\($name\))" "$top"/tests/*/"$file".* 2>/dev/null
		fi || echo "no $file: ${name//_/ }"
	done < <(tr '\n' ' ' <"$top/SECURITY.md" | tr -s ' ' |
		grep -oE '`(test-[a-z0-9-]+|house): [^`]*`' | tr -d '`')
	[[ $count -gt 40 ]] || echo "it names $count"
}

# ---- How it was built --------------------------------------------------------------------------

installed=("$library" "$build/.libs/nestnet" "$build/.libs/nestnet-bridge-helper")

# is_flagged FLAG: whether configure found that the compiler takes it.
is_flagged() { sed -n 's/^NN_CFLAGS = //p' "$build/Makefile" | grep -qF -- "$1"; }

# What the ELF headers say: addresses are random, all of the linker's tables read-only before
# main() begins, no memory both written and executed, no code that is relocated.
what_is_installed_is_linked_against_attacks() {
	local file headers

	for file in "${installed[@]}"; do
		headers=$(readelf -hldW "$file")
		grep -qE '^ *Type: +DYN' <<<"$headers" || echo "$file is not position independent"
		grep -q ' GNU_RELRO ' <<<"$headers" || echo "$file has no RELRO"
		grep -qE '\(FLAGS\) .*BIND_NOW|\(FLAGS_1\) .*NOW' <<<"$headers" ||
			echo "$file binds late"
		grep -qE ' GNU_STACK .* RW ' <<<"$headers" || echo "$file may execute its stack"
		! grep -qE ' LOAD .* (RWE|WE) ' <<<"$headers" || echo "$file has code that is written"
		! grep -qw TEXTREL <<<"$headers" || echo "$file has TEXTREL"
	done
	for file in "${installed[@]:1}"; do
		readelf -dW "$file" | grep -qE '\(FLAGS_1\) .*PIE' || echo "$file is no PIE"
	done
}

# With the compiler's help as far as it has it: stacks that are guarded, and copies that are
# measured where glibc can.
what_is_installed_is_compiled_against_attacks() {
	local file imports

	is_instrumented || {
		is_flagged -fstack-protector-strong || echo 'stacks are not guarded'
		for file in "${installed[@]}"; do
			imports=$(nm -D --undefined-only "$file")
			grep -qw __stack_chk_fail <<<"$imports" || echo "$file guards no stack"
			! grep -q 'GLIBC_' <<<"$imports" || ! is_optimized ||
				grep -qE ' __[a-z0-9_]+_chk@' <<<"$imports" ||
				echo "$file measures no copy"
		done
		[[ $(uname -m) != x86_64 ]] || every_object_takes_jumps_where_it_says
	}
}

is_optimized() { grep -qE '^CFLAGS = .*-O([1-3sz]|fast|$| )' "$build/Makefile"; }

# The linker says so of a whole file only where libc's own startup does.
every_object_takes_jumps_where_it_says() {
	is_flagged -fcf-protection || echo "jumps are not checked"
	[[ $(readelf -nW "$build/.libs/libnestnet-internal.a" | grep -c 'IBT, SHSTK') == \
	   $(ar t "$build/.libs/libnestnet-internal.a" | wc -l) ]] || echo "not in every object"
}

# But those of an installation, which distcheck has below the tree.
no_path_of_this_machine_is_in_what_is_installed() {
	local file prefix

	prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
	# A sanitizer has the sources' paths for its reports.
	! is_instrumented || return 0
	for file in "${installed[@]}"; do
		strings -a "$file" | grep -F -e "$top/" -e "$build/" | grep -vF "$prefix/" |
			sed "s|^|$file: |"
	done
	is_flagged -ffile-prefix-map || echo "the compiler was not told"
}

# NN_REFERENCE: another build of this source, with the same compiler and flags, in another
# place. The programs' directories are those of an installation; so their parts are compared.
a_build_elsewhere_has_the_same_bytes() {
	[[ -n ${NN_REFERENCE:-} ]] || return 0
	local compared=0 file

	for file in .libs/libnestnet.so $(cd "$build" && find nestnet-cli -name 'nestnet-*.o') \
		$(cd "$build" && find bridge-helper -name 'nestnet_bridge_helper-*.o'); do
		[[ $file != */nestnet_bridge_helper-main.o ]] || continue
		cmp "$build/$file" "$NN_REFERENCE/$file" && compared=$((compared + 1))
	done
	[[ $compared -gt 20 ]] || echo "only $compared files"
}

# ---- The header by itself ------------------------------------------------------------------------

# compiles COMPILER ARGUMENT...: a file that includes the public header alone.
compiles() {
	command -v "$1" >/dev/null || return 0
	"$@" -I"$top/include" -fsyntax-only "$scratch/alone.$suffix" 2>&1
}

the_header_is_c99() {
	local suffix=c

	echo '#include <nestnet/nestnet.h>' >"$scratch/alone.c"
	compiles "${CC:-cc}" -std=c99 -pedantic-errors -Wall -Wextra -Werror
	compiles clang -std=c99 -pedantic-errors -Wall -Wextra -Werror
}

the_header_is_cxx() {
	local suffix=cc standard

	echo '#include <nestnet/nestnet.h>' >"$scratch/alone.cc"
	for standard in c++98 c++11 c++14 c++17 c++20; do
		compiles "${CXX:-c++}" -std=$standard -pedantic-errors -Wall -Wextra -Werror
	done
}

a_cxx_program_links_with_the_library() {
	command -v "${CXX:-c++}" >/dev/null || return 0
	! is_instrumented || return 0
	cat >"$scratch/link.cc" <<-END
		#include <nestnet/nestnet.h>
		int main() { return nestnet_version()[0] == 0; }
	END
	"${CXX:-c++}" -I"$top/include" "$scratch/link.cc" -o "$scratch/link" "$library" \
		-Wl,-rpath,"$build/.libs" 2>&1 && { "$scratch/link" || echo "it does not run"; }
}

# ---- The shape of files ----------------------------------------------------------------------------

sources() {
	find "$top"/{bridge-helper,examples,include,libnestnet,nestnet-cli,tests,man} -type f \
		\( -name '*.[ch]' -o -name '*.bash' -o -name '*.[13578]' -o -name '*.conf' \
		-o -name init -o -name run -o -name lab \) | sort
	find "$top"/{hooks,completion,packaging,tests/packaging} -type f ! -name '*.md' | sort -u
	printf '%s\n' "$top"/{Makefile.am,configure.ac,autogen.sh,quickstart,run-tests}
}

every_source_file_names_its_licence() {
	local file

	sources | while read -r file; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
			echo "${file#"$top"/}"
	done
}

# What a merge has left, in documents above all, which no compiler reads.
no_file_has_the_marks_of_a_conflict() {
	(cd "$top" && { sources; ls "$top"/*.md "$top"/*/README.md "$top"/include/nestnet/*; } |
		xargs grep -nE '^(<{7} |={7}$|>{7} )') | sed "s|^$top/||"
}

no_c_file_has_more_than_600_lines() {
	local file lines

	sources | grep '\.c$' | while read -r file; do
		lines=$(wc -l <"$file")
		[[ $lines -le 600 ]] || echo "${file#"$top"/} has $lines"
	done
}

shellcheck_has_nothing_against_hooks_and_completion() {
	command -v shellcheck >/dev/null || return 0
	cd "$top" && grep -lE '^(#!/bin/sh|# shellcheck shell)' -r hooks completion --include='*.in' |
		xargs shellcheck -x
}

every_header_has_a_guard_of_its_own() {
	local file guard

	while read -r file; do
		guard=$(sed -nE 's/^#ifndef (NESTNET_[A-Z0-9_]+_H)$/\1/p' "$file" | head -n 1)
		[[ -n $guard ]] && grep -qx "#define $guard" "$file" || echo "${file#"$top"/}"
		echo "$guard" >>"$scratch/guards"
	done < <(sources | grep '\.h$')
	sort "$scratch/guards" | uniq -d
}

# Whether a file is in the list of what is built: one that is not would be dead, and missing
# in the tarball.
every_c_file_and_header_is_in_the_makefile() {
	local file

	sources | grep '\.[ch]$' | while read -r file; do
		grep -qF "${file#"$top"/}" "$top/Makefile.am" || echo "${file#"$top"/}"
	done
}

# ---- All of them -------------------------------------------------------------------------------------

[[ -e $library ]] || { echo "house: $library is not there: run make first" >&2; exit 1; }

passed=0 failed=0
while read -r rule; do
	said=$("$rule" 2>&1)
	if [[ -z $said ]]; then
		printf 'ok    %s\n' "${rule//_/ }"
		passed=$((passed + 1))
	else
		printf 'FAIL  %s\n      | %s\n' "${rule//_/ }" "${said//$'\n'/$'\n      | '}"
		failed=$((failed + 1))
	fi
done < <(sed -nE '/^# ---- Who includes/,$ s/^([a-z0-9_]+)\(\) \{$/\1/p' "${BASH_SOURCE[0]}" |
	grep -vxE 'declared|declared_(prototypes|types)|prototypes_of_pages|displays_of_pages|compiles|sources' |
	grep -vxE 'is_optimized|every_object_takes_jumps_where_it_says')
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed -gt 0 ]]
