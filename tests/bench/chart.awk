# SPDX-License-Identifier: LGPL-2.1-or-later
#
# chart.awk -v what=goals RESULTS GOALS, chart.awk -v what=growth RESULTS: pictures in SVG.
BEGIN {
	FS = "\t"
	style = "<style>text{font:12px sans-serif;fill:#24292f}.t{font-weight:bold}" \
		".g{stroke:#d0d7de}.y{fill:#2da44e}.n{fill:#cf222e}" \
		"path{fill:none;stroke:#0969da;stroke-width:2}</style>"
}

function begin(width, height) {
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\">\n", width, height
	printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>%s\n", width, height, style
}

function text(x, y, words, anchor, class) {
	gsub(/&/, "\\&amp;", words)
	gsub(/`/, "", words)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n",
		x, y, anchor, class, words
}

function line(x1, y1, x2, y2) {
	printf "<line class=\"g\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x1, y1, x2, y2
}

function log10(x) { return log(x) / log(10) }

FNR == 1 { file++ }
/^#/ { next }
file == 1 { series = $1 "/" $2; wall[series] = $4; rss[series] = $8 / 1024; next }

# How far of its goal: 1 is the goal itself.
file == 2 && $2 != "" && ($4 in wall) {
	if ($5 == 1) value = wall[$4]
	else if (!($5 in wall)) next
	else if ($6 == "rss") value = $1 ~ /in MB$/ ? rss[$4] - rss[$5] : rss[$4] / rss[$5]
	else value = wall[$4] / wall[$5]
	label[++n] = $1
	part[n] = value / $2
}

function goals(   i, y, width) {
	begin(900, 50 + 22 * n)
	text(450, 20, "measured / goal: green keeps within it", "middle", "t")
	for (i = 1; i <= n; i++) {
		y = 30 + 22 * i
		width = (part[i] > 2.2 ? 2.2 : part[i]) * 140
		text(550, y, label[i], "end", "")
		printf "<rect class=\"%s\" x=\"560\" y=\"%d\" width=\"%.1f\" height=\"14\"/>\n",
			part[i] <= 1 ? "y" : "n", y - 12, width
		text(565 + width, y, sprintf("%.2f", part[i]), "start", "")
	}
	line(700, 32, 700, 40 + 22 * n)
}

# One curve on logarithmic axes, in a box at x, y.
function curve(x, y, title, unit, name, memory,   i, key, v, low, high, path, px, py) {
	low = 1e30; high = 0
	for (i = 0; i <= 5; i++) {
		key = "grow-" 10 ^ i name
		if (!(key in wall)) continue
		v = (memory ? rss[key] : wall[key]) / (memory ? 1 : 1000)
		if (v <= 0) v = 0.001
		point[i] = v
		if (v < low) low = v
		if (v > high) high = v
	}
	if (high == 0) return
	low = 10 ^ int(log10(low) - (log10(low) < 0))
	high = 10 ^ (int(log10(high)) + (log10(high) > 0))
	if (high <= low * 10) high = low * 100
	text(x + 120, y + 14, title, "middle", "t")
	for (v = low; v <= high * 1.01; v *= 10) {
		py = y + 170 - log10(v / low) / log10(high / low) * 140
		line(x + 50, py, x + 250, py)
		text(x + 45, py + 4, sprintf("%g", v), "end", "")
	}
	text(x + 52, y + 26, unit, "start", "")
	for (i = 0; i <= 5; i++) {
		if (!(i in point)) continue
		px = x + 50 + 40 * i
		py = y + 170 - log10(point[i] / low) / log10(high / low) * 140
		path = path (path == "" ? "M" : "L") sprintf("%.1f %.1f", px, py)
		text(px, y + 188, i == 0 ? "1" : i < 3 ? 10 ^ i : 10 ^ (i - 3) "k", "middle", "")
		delete point[i]
	}
	printf "<path d=\"%s\"/>\n", path
}

function growth() {
	begin(1120, 430)
	curve(10, 10, "apply", "ms", "/apply", 0)
	curve(285, 10, "list -j", "ms", "/list", 0)
	curve(560, 10, "one more, in process", "ms", "/add", 0)
	curve(835, 10, "one less, in process", "ms", "/remove", 0)
	curve(10, 220, "a new flow", "ms", "/match", 0)
	curve(285, 220, "memory of apply", "MB", "/apply", 1)
	curve(560, 220, "memory of the kernel", "MB", "-kernel/-", 1)
}

END {
	if (what == "goals") goals()
	else growth()
	print "</svg>"
}
