# SPDX-License-Identifier: LGPL-2.1-or-later
#
# table.awk ABOUT RESULTS GOALS: the page of the bench, in Markdown. What is known of each
# number beyond itself is in notes.md, which is put behind the table.
BEGIN { FS = "\t" }

function show(value) { return value >= 100 ? sprintf("%.0f", value) : sprintf("%.2f", value) }

# With a unit that suits the number.
function time_of(us) {
	if (us >= 1e6) return sprintf("%.2f s", us / 1e6)
	if (us >= 1e4) return sprintf("%.0f ms", us / 1e3)
	if (us >= 1e3) return sprintf("%.2f ms", us / 1e3)
	return us >= 10 ? sprintf("%.0f us", us) : sprintf("%.1f us", us)
}

function amount_of(series, what) {
	if (what == "rss") return sprintf("%.1f MB", rss[series] / 1024)
	return what == "value" ? wall[series] : time_of(wall[series])
}

FNR == 1 { file++ }
/^#/ { next }

file == 1 { about[$1] = $2; next }

file == 2 { series = $1 "/" $2; wall[series] = $4; cpu[series] = $7; rss[series] = $8; next }

FNR > 1 && file == 3 && !header {
	header = 1
	print "# What nestnet costs"
	print ""
	print "Written by `make bench`, whose results these are; `raw.tsv` has every number of it."
	print "Medians of commands that take turns. Below a goal is better: a figure is the first"
	print "of two things measured in one run, divided by the second. On a busy machine the same of"
	print "processor time says more, where a command does not wait for the kernel."
	print ""
	print about["date"] ", Linux " about["kernel"] ", " about["processors"] "."
	print "Load: " about["load"] ". Commit " about["commit"] "."
	if (about["missing"] != "") print "Not compared, as not there: " about["missing"] "."
	print ""
	print "![ratios and goals](goals.svg)"
	print ""
	print "| what | goal | limit | measured | by CPU time | reached | medians |"
	print "|---|---|---|---|---|---|---|"
}

file == 3 {
	what = $6
	if (!($4 in wall) || ($5 != 1 && !($5 in wall))) next
	if ($5 == 1) ratio = wall[$4]
	else if (what == "rss" && $1 ~ /in MB$/) ratio = (rss[$4] - rss[$5]) / 1024
	else if (what == "rss") ratio = rss[$4] / rss[$5]
	else ratio = wall[$4] / wall[$5]
	processor = what == "wall" && $5 != 1 && cpu[$4] > 0 && cpu[$5] > 0 ? show(cpu[$4] / cpu[$5]) : ""
	amounts = amount_of($4, what) ($5 == 1 ? "" : ", " amount_of($5, what))
	printf "| %s | %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, show(ratio), processor,
		$2 == "" ? "" : ratio <= $2 ? "yes" : "**no**", amounts
}

END {
	print ""
	print "## Growth"
	print ""
	print "![growth](growth.svg)"
	print ""
	print "| exposures | apply | list -j | one more | one less | new flow | memory of apply | in the kernel |"
	print "|---|---|---|---|---|---|---|---|"
	for (n = 1; n <= 100000; n *= 10) {
		name = "grow-" n
		if (!((name "/apply") in wall)) continue
		printf "| %d | %s | %s | %s | %s | %s | %.1f MB | %.1f MB |\n", n,
			time_of(wall[name "/apply"]), time_of(wall[name "/list"]),
			time_of(wall[name "/add"]), time_of(wall[name "/remove"]),
			time_of(wall[name "/match"]), rss[name "/apply"] / 1024,
			wall[name "-kernel/-"] / 1024
	}
}
