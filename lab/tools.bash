# The programs that the lab needs, and the installation of missing ones. Sourced
# by lab/run and lab/bench, which define note, fail, DISCARD and
# discard_at_exit. kernels.bash defines with_lock and quietly.
# shellcheck shell=bash disable=SC2034 # by name, or by kernels.bash

# The Debian package of each program and file that the lab needs. Ubuntu's
# packages have the same names.
declare -A LAB_PACKAGES=(
	[qemu-system-x86_64]=qemu-system-x86
	[busybox]=busybox-static
	[cpio]=cpio
	[depmod]=kmod
	[xz]=xz-utils
	[zstd]=zstd
	[/usr/share/keyrings/debian-archive-keyring.gpg]=debian-archive-keyring
)

# Those that only this repository's tests need: a C compiler and its library for
# the race detector, and programs without which the tests of them skip themselves.
declare -A TESTS_PACKAGES=(
	[gcc]=gcc
	[/usr/include/stdlib.h]=libc6-dev
	[shellcheck]=shellcheck
	[btmon]=bluez
	[tshark]=tshark
	[/usr/libexec/bluetooth/obexd]=bluez-obexd
	[dbus-daemon]=dbus-daemon
	[dbus-send]=dbus-bin
	[/usr/share/dbus-1/system.conf]=dbus-system-bus-common
	[gpsd]=gpsd
	[gpspipe]=gpsd-clients
	[picocom]=picocom
	[socat]=socat
	[/usr/lib/python3/dist-packages/serial/__init__.py]=python3-serial
	[/lib/systemd/systemd-udevd]=udev
	[/usr/lib/python3/dist-packages/bluetooth/__init__.py]=python3-bluez
	[/usr/lib/python3/dist-packages/dbus/__init__.py]=python3-dbus
)

# Those with which only lab/bench compares this module.
declare -A PEERS_PACKAGES=(
	[/usr/lib/python3/dist-packages/bluetooth/__init__.py]=python3-bluez
	[rctest]=bluez-test-tools
	[obexftp]=obexftp
	[socat]=socat
	[/usr/libexec/bluetooth/obexd]=bluez-obexd
	[dbus-run-session]=dbus-daemon
	[/usr/lib/python3/dist-packages/dbus/__init__.py]=python3-dbus
	[/usr/lib/python3/dist-packages/gi/__init__.py]=python3-gi
)

# depmod is in sbin on Debian.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# The directory of the kernels.
CACHE=${RFCOMM_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rfcomm-lab}
if [[ $CACHE != /* ]]; then # go test starts lab/run in the directories of the packages
	echo "lab: the directory of the cache, $CACHE, is not absolute; see RFCOMM_LAB_CACHE in lab/README.md" >&2
	exit 125
fi

# tools_want GROUP… makes tools_prepare install these packages, too: tests or
# peers.
tools_want() {
	local group name
	for group; do
		[[ $group == tests || $group == peers ]] || fail "no group of packages $group; the groups are tests and peers"
		local -n group_packages=${group^^}_PACKAGES
		for name in "${!group_packages[@]}"; do
			LAB_PACKAGES[$name]=${group_packages[$name]}
		done
	done
}

# tools_missing prints the missing packages.
tools_missing() {
	local name
	for name in "${!LAB_PACKAGES[@]}"; do
		[[ $name == /* && -e $name ]] || command -v "$name" >/dev/null || echo "${LAB_PACKAGES[$name]}"
	done
}

# tools_prepare installs the missing packages as root, and otherwise prints the
# command that does.
tools_prepare() {
	local packages
	mapfile -t packages < <(tools_missing | sort -u)
	((${#packages[@]})) || return 0
	if ((EUID != 0)); then
		fail "missing programs; as root, run: apt-get install --no-install-recommends ${packages[*]}"
	fi
	with_lock tools_install
}

tools_install() {
	local packages log
	# Another lab/run may have installed them while this one waited.
	mapfile -t packages < <(tools_missing | sort -u)
	((${#packages[@]})) || return 0
	note "installing ${packages[*]}"
	log=$(mktemp)
	discard_at_exit "$log"
	services_hold
	# If the package lists are empty or old, they must be updated first.
	apt_install "$log" "${packages[@]}" ||
		{ quietly "$log" apt-get -q update && apt_install "$log" "${packages[@]}"; } ||
		fail "could not install ${packages[*]}: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
	services_release
	rm -f "$log"
	hash -r
}

apt_install() {
	local log=$1
	shift
	DEBIAN_FRONTEND=noninteractive quietly "$log" \
		apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
}

# Debian starts the services of packages when it installs them. The lab needs
# only the programs, so services_hold prevents that with a policy-rc.d script
# while apt runs, unless this machine has such a script.
SERVICE_POLICY=/usr/sbin/policy-rc.d
SERVICES_HELD=
services_hold() {
	[[ ! -e $SERVICE_POLICY ]] || return 0
	discard_at_exit "$SERVICE_POLICY"
	SERVICES_HELD=yes
	printf '#!/bin/sh\nexit 101\n' >"$SERVICE_POLICY"
	chmod 755 "$SERVICE_POLICY"
}

services_release() {
	local path kept=()
	[[ -n $SERVICES_HELD ]] || return 0
	rm -f "$SERVICE_POLICY"
	SERVICES_HELD=
	# A later file of this name is not ours to remove.
	for path in "${DISCARD[@]}"; do
		[[ $path == "$SERVICE_POLICY" ]] || kept+=("$path")
	done
	DISCARD=("${kept[@]}")
}
