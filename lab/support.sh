# Checks that this machine can run the lab. The lab's scripts source this file
# first: bash reads a script command by command, so a bash that is too old gets
# no further than these checks, which bash 3.2 of macOS understands.
# shellcheck shell=bash

# support_require WHAT… ends the script, with all reasons, unless this machine
# has what it needs: machine, bash, go.
support_require() {
	local what reasons
	reasons=$(for what; do "support_$what"; done)
	[[ -n $reasons ]] || return 0
	{
		echo "lab: this machine cannot run the lab:"
		printf '%s\n' "$reasons" | sed 's/^/lab: - /'
		echo 'lab: see "Requirements" in lab/README.md'
	} >&2
	exit 125
}

# support_bash prints a reason unless bash has "wait -p", which came with 5.1.
support_bash() {
	case $BASH_VERSION in
	[0-4].* | 5.0.*) echo "bash is $BASH_VERSION: the lab needs 5.1 or newer" ;;
	esac
}

support_go() {
	command -v go >/dev/null || echo "there is no program go: install Go, see https://go.dev/doc/install"
}

# support_machine prints the reasons why this machine cannot start the lab's
# virtual machine. The machine runs programs of this one, on a kernel of Debian
# for amd64.
support_machine() {
	local system processor program missing=
	system=$(uname -s) processor=$(uname -m)
	[[ $processor == x86_64 ]] || echo "the processor is $processor: the lab needs x86_64 (amd64)"
	if [[ $system != Linux ]]; then
		[[ $system != Darwin ]] || system=macOS
		echo "the system is $system: the lab needs Linux"
		return
	fi
	for program in dpkg apt-get apt-cache; do
		command -v "$program" >/dev/null || missing="$missing, $program"
	done
	[[ -z $missing ]] || echo "programs are missing: ${missing#, }: the lab needs Debian or Ubuntu"
}
