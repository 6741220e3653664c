# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Holds a text against the exposition format of Prometheus and against its conventions, as
# strictly as `promtool check metrics` does, whose package is too large to install for it.
# Prints what is wrong, a line each; nothing: it is right.

function wrong(what) { printf "%d: %s: %s\n", NR, what, $0 }

# takes REGEX: cuts off from the rest of the line what matches at its head.
function takes(regex) {
	if (!match(rest, "^(" regex ")"))
		return 0
	took = substr(rest, 1, RLENGTH)
	rest = substr(rest, RLENGTH + 1)
	return 1
}

function check_help(name, help) {
	if (name in helped)
		wrong("a second HELP")
	if (help == "")
		wrong("an empty HELP")
	helped[name] = 1
	family = name
	type = ""
}

function check_type(name, kind) {
	if (name != family)
		wrong("TYPE of another family than HELP")
	if (kind != "counter" && kind != "gauge")
		wrong("no counter and no gauge")
	if (kind == "counter" && name !~ /_total$/)
		wrong("a counter without _total")
	if (kind != "counter" && name ~ /_total$/)
		wrong("_total, and no counter")
	if (name ~ /(counter|gauge|_count|_sum|_bucket|milli|kilo|_ms)(_|$)/)
		wrong("a name against the conventions")
	if (name in typed)
		wrong("a second TYPE")
	typed[name] = 1
	type = kind
}

function check_labels(    seen, n) {
	split("", seen)
	while (takes("[a-zA-Z_][a-zA-Z0-9_]*")) {
		if (took in seen)
			wrong("a label twice")
		seen[took] = 1
		if (took ~ /^__/)
			wrong("a reserved label")
		if (!takes("=\"([^\"\\\\]|\\\\[\\\\n\"])*\"")) {
			wrong("a value that is no label's")
			return
		}
		if (!takes(","))
			break
	}
	if (!takes("}"))
		wrong("no end of the labels")
}

/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* / { help = $0; sub(/^# HELP [^ ]* ?/, "", help); check_help($3, help); next }
/^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* [a-z]+$/ { check_type($3, $4); next }
/^#/ || /^$/ { wrong("a line of no use"); next }
{
	rest = $0
	if (!takes("[a-zA-Z_:][a-zA-Z0-9_:]*")) {
		wrong("no name")
		next
	}
	if (took != family || type == "")
		wrong("not behind its HELP and TYPE")
	if (takes("{"))
		check_labels()
	series = substr($0, 1, length($0) - length(rest))
	if (series in samples)
		wrong("a sample twice")
	samples[series] = 1
	if (rest !~ /^ [0-9]+(\.[0-9]+)?$/)
		wrong("no number")
}
