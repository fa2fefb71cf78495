# The programs that the lab needs, and how it gets those that are missing.
# Sourced by lab/run and lab/bench, which provide note, fail, DISCARD and discard_at_exit;
# with_lock and quietly are in kernels.bash.
# shellcheck shell=bash

# Each program with the Debian package that has it.
declare -A TOOL_PACKAGES=(
	[qemu-system-x86_64]=qemu-system-x86
	[busybox]=busybox-static
	[cpio]=cpio
	[depmod]=kmod
	[xz]=xz-utils
	[zstd]=zstd
	[btmgmt]=bluez
)

# Files that stand for packages without a program of their own.
declare -A FILE_PACKAGES=(
	[/usr/lib/python3/dist-packages/bluetooth/__init__.py]=python3-bluez
)

# Programs that lab/bench measures beside this module. Nothing else needs them.
declare -A PEER_PACKAGES=(
	[rctest]=bluez-test-tools
	[obexftp]=obexftp
	[/usr/libexec/bluetooth/obexd]=bluez-obexd
	[dbus-run-session]=dbus-daemon
)

# tools_want_peers has the peers prepared with the rest.
tools_want_peers() {
	local name
	for name in "${!PEER_PACKAGES[@]}"; do
		TOOL_PACKAGES[$name]=${PEER_PACKAGES[$name]}
	done
}

# tools_missing prints the packages that have to be installed.
tools_missing() {
	local name
	for name in "${!TOOL_PACKAGES[@]}"; do
		command -v "$name" >/dev/null || echo "${TOOL_PACKAGES[$name]}"
	done
	for name in "${!FILE_PACKAGES[@]}"; do
		[[ -e $name ]] || echo "${FILE_PACKAGES[$name]}"
	done
}

# tools_prepare installs what is missing, where it may.
tools_prepare() {
	local packages
	mapfile -t packages < <(tools_missing | sort -u)
	((${#packages[@]})) || return 0
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
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
	# A machine whose lists are empty or old needs an update first.
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

# Debian starts a service when its package comes in. The lab wants only the
# programs, so services_hold forbids that in Debian's own way while apt works,
# unless the machine has a policy of its own.
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
	# What has this name later is somebody else's.
	for path in "${DISCARD[@]}"; do
		[[ $path == "$SERVICE_POLICY" ]] || kept+=("$path")
	done
	DISCARD=("${kept[@]}")
}
