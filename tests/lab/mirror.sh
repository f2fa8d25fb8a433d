# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Where this machine gets its Debian packages from: read from apt's own sources (deb822 and one-line), never written down.

# Prints "URI" of the first enabled source of the Debian archive itself: the one whose suite is this release's code name
# (so neither -security nor a third party's repository is taken).
lab_mirror() {
	local codename
	if [ -n "${LAB_MIRROR:-}" ]; then
		echo "$LAB_MIRROR"
		return
	fi
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	{
		find /etc/apt -maxdepth 2 -name '*.sources' -exec awk -v c="$codename" '
			function flush(  i, n, s) {
				if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false|0)$/) {
					n = split(suites, s, " ")
					for (i = 1; i <= n; i++)
						if (s[i] == c || s[i] == "stable" || s[i] == "trixie") { split(uris, u, " "); print u[1]; break }
				}
				types = uris = suites = enabled = ""
			}
			FNR == 1 { flush() }
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			tolower($1) == "types:" { $1 = ""; types = $0 }
			tolower($1) == "uris:" { $1 = ""; uris = $0 }
			tolower($1) == "suites:" { $1 = ""; suites = $0 }
			tolower($1) == "enabled:" { enabled = tolower($2) }
			END { flush() }' {} +
		find /etc/apt -maxdepth 2 -name '*.list' -exec awk -v c="$codename" '
			$1 == "deb" {
				i = 2
				if ($i ~ /^\[/) { while ($i !~ /\]$/ && i < NF) i++; i++ }
				s = $(i + 1)
				if (s == c || s == "stable" || s == "trixie") print $i
			}' {} +
	} | awk 'NF && !found { print $1; found = 1 }'
}
