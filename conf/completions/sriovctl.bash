# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of sriovctl(1). What there is, sriovctl says: PFs, VFs and owners of this host.

# What sriovctl answers to a command, or nothing.
_sriovctl_json() {
	local socket=()
	[ -z "$_sriovctl_socket" ] || socket=(--socket "$_sriovctl_socket")
	timeout 2 sriovctl "${socket[@]}" --json "$@" 2>/dev/null
}

# Values of a member, KEY COMMAND..., of each thing of a list. Our own JSON is indented by two spaces a level, so that
# the things' own members stand at six, and those of their owners at eight.
_sriovctl_values() {
	_sriovctl_json "${@:2}" | sed -n "s/^      \"$1\": \"\(.*\)\",\{0,1\}\$/\1/p"
}

_sriovctl_owners() {
	_sriovctl_json nic list | sed -n 's/^        "name": "\(.*\)",\{0,1\}$/\1/p' | sort -u
}

_sriovctl_domains() {
	timeout 2 virsh -q -c qemu:///system list --all --name 2>/dev/null
}

# The words of the command line that are neither options nor values of options, without the program.
_sriovctl_words() {
	local i word skip=
	_sriovctl_plain=() _sriovctl_socket=
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $skip in
		--socket) _sriovctl_socket=$word ;;
		esac
		if [ -n "$skip" ]; then
			skip=
			continue
		fi
		case $word in
		--socket | --network | --id | --mode | --mac | --priority) skip=$word ;;
		-*) ;;
		*) _sriovctl_plain+=("$word") ;;
		esac
	done
}

# Offers those of the lines that begin with the second argument. Not by "compgen -W", which would run a $(command) in
# the name of a domain.
_sriovctl_offer() {
	local line
	while read -r line; do
		[[ -n $line && $line == "$2"* ]] || continue
		case $line in
		*[]\ \$\`\"\'\\\&\;\|\<\>\(\)\{\}\*\?\!\#~[]*) printf -v line %q "$line" ;;
		esac
		COMPREPLY+=("$line")
	done <<<"$1"
}

# The options of a command, besides those of every command.
_sriovctl_options() {
	case $1 in
	"nic add") echo --network --id --mode --mac --priority --add-port --now --no-wait ;;
	drain | resize) echo --force --no-wait ;;
	"nic remove") echo --now --no-wait ;;
	"vf claim") echo --network --id --mac ;;
	"vf release" | start | demote) echo --no-wait ;;
	"ledger rebuild") echo --yes ;;
	esac
	echo --json --no-color --socket --help --version
}

# The arguments of a command: the first, or the second after $3.
_sriovctl_arguments() {
	case $1/$2 in
	"pf show/0" | "vf list/0" | drain/0 | undrain/0 | resize/0) _sriovctl_values netdev pf list ;;
	"vf show/0" | "vf scrub/0") _sriovctl_values name vf list ;;
	"nic list/0" | "nic show/0" | explain/0 | demote/0 | "vf release/0") _sriovctl_owners ;;
	"nic show/1" | explain/1 | demote/1 | "vf release/1" | "nic remove/1") _sriovctl_values id nic list -- "$3" ;;
	"nic add/0" | "nic remove/0" | start/0) _sriovctl_domains ;;
	esac
}

_sriovctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local _sriovctl_plain _sriovctl_socket command n
	COMPREPLY=()
	_sriovctl_words
	case $prev in
	--socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--mode)
		_sriovctl_offer $'exclusive\nrequired\nfailover' "$cur"
		return
		;;
	--network)
		_sriovctl_offer "$(_sriovctl_values network nic list | sort -u)" "$cur"
		return
		;;
	--id | --mac | --priority) return ;;
	esac
	command=${_sriovctl_plain[0]-}
	n=1
	case $command in
	nic | pf | vf | config | ledger)
		command+=" ${_sriovctl_plain[1]-}"
		n=2
		;;
	esac
	if [[ $cur == -* ]]; then
		_sriovctl_offer "$(_sriovctl_options "$command" | tr ' ' '\n')" "$cur"
		return
	fi
	case $command in
	"") _sriovctl_offer "$(printf '%s\n' status explain nic pf vf start demote drain undrain resize events watch config reload ledger help)" "$cur" ;;
	"nic ") _sriovctl_offer $'list\nshow\nadd\nremove' "$cur" ;;
	"pf ") _sriovctl_offer $'list\nshow' "$cur" ;;
	"vf ") _sriovctl_offer $'list\nshow\nclaim\nrelease\nscrub' "$cur" ;;
	"config ") _sriovctl_offer "check" "$cur" ;;
	"ledger ") _sriovctl_offer $'check\nrebuild' "$cur" ;;
	"config check")
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	*)
		n=$((${#_sriovctl_plain[@]} - n))
		_sriovctl_offer "$(_sriovctl_arguments "$command" "$n" "${_sriovctl_plain[-1]}")" "$cur"
		;;
	esac
}

complete -F _sriovctl sriovctl
