# Kernels for the lab: their sources, and the initramfs that boots them. Sourced
# by lab/run and lab/bench, which define note, fail, discard_at_exit, LAB and
# CACHE.
# shellcheck shell=bash disable=SC2034 # lab/run uses the variables

# The Debian suites to search for a kernel series. The first entry with the
# series wins; suites joined by + are one entry. A suffix after a dash
# distinguishes a second source of a series.
#
# Series 6.1 is without security updates on purpose: a single unanswered page
# crashes 6.1.192 of bookworm-security in its RFCOMM thread (list corruption
# in hci_chan_del), and never crashes 6.1.176 of bookworm. Series
# 6.1-security has the updates.
#
# Series newest is the newest kernel of its suites, whatever its version. It is
# fetched again in each calendar month. A mirror without sid may have backports.
declare -A KERNEL_SUITES=(
	[6.1]="bookworm"
	[6.1-security]="bookworm+bookworm-security"
	[6.12]="trixie+trixie-security bookworm-backports"
	[7.2]="sid+forky+trixie-backports trixie-backports"
	[newest]="sid+forky+trixie-backports trixie-backports"
)

# The exit status of lab/run if it cannot boot the kernel: the mirror does not have
# it, or has one that the lab does not know how to unpack or that does not boot.
STATUS_NO_KERNEL=123

# no_kernel MESSAGE… ends lab/run for such a reason.
no_kernel() {
	note "$*"
	exit "$STATUS_NO_KERNEL"
}

# all_series prints the names of all series.
all_series() { printf '%s\n' "${!KERNEL_SUITES[@]}" | sort -V | paste -s -d ' '; }

# known_series SERIES reports whether there is such a series.
known_series() { [[ -n $1 && -n ${KERNEL_SUITES[$1]-} ]]; }

# The modules that the guest loads, in this order, each after its dependencies:
# for access to the host's files, the port, RFCOMM, and /dev/vhci, with which
# package rfcommtest makes adapters.
KERNEL_MODULES=(
	virtio_pci virtio_console 9p 9pnet_virtio overlay
	rfcomm hci_vhci
)

# The programs that the init script calls. All are busybox.
INIT_PROGRAMS=(sh cat chroot insmod mkdir mount reboot sync)

# kernel_prepare SERIES puts the kernel and its initramfs into the cache, if
# they are missing, and sets KERNEL_IMAGE and KERNEL_INITRAMFS.
kernel_prepare() {
	local series=$1 directory inputs month=
	[[ $series != newest ]] || month=$(date -u +%Y-%m)
	inputs=$(hash_of < <(printf '%s\n' "${KERNEL_SUITES[$series]}" "$month" "${KERNEL_MODULES[@]}"; declare -f kernel_parts kernel_pick kernel_unpack))
	directory=$CACHE/kernel-$series-$inputs
	if [[ ! -d $directory ]]; then
		with_lock kernel_fetch "$series" "$directory"
	fi
	KERNEL_IMAGE=$directory/kernel
	initramfs_prepare "$series" "$directory"
}

# with_lock COMMAND… runs COMMAND while it holds the lock of the cache.
with_lock() {
	local lock
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock -n "$lock" || { note "waiting for another lab/run to fill the cache"; flock "$lock"; }
	"$@"
	exec {lock}>&-
}

# hash_of prints a short hash of standard input.
hash_of() { sha256sum | cut -c1-16; }

# kernel_fetch SERIES DIRECTORY puts the kernel, its modules and their order
# into DIRECTORY. It works in a temporary directory and renames it at the end,
# so that DIRECTORY is complete if it exists.
kernel_fetch() {
	local series=$1 directory=$2 work suites package='' packages deb
	[[ ! -d $directory ]] || return 0 # another lab/run has fetched it meanwhile
	note "fetching kernel $series into $CACHE"
	work=$(mktemp -d "$CACHE/fetch.XXXXXX")
	discard_at_exit "$work"
	mkdir -p "$work"/{lists,archives,deb,tree,new/modules}
	mirrors_find "$work"
	for suites in ${KERNEL_SUITES[$series]}; do
		sources_write "$suites" >"$work/sources.list"
		quietly "$work/log" apt_apart "$work" update || continue
		package=$(kernel_package "${series%%-*}") && break
	done
	[[ -n $package ]] ||
		no_kernel "found no Debian kernel $series in ${KERNEL_SUITES[$series]// /, }: $(tail -n 1 "$work/log")"
	note "kernel $series is ${package#linux-image-}"
	mapfile -t packages < <(kernel_parts "$package")
	(cd "$work/deb" && quietly "$work/log" apt_apart "$work" download "${packages[@]}") ||
		no_kernel "could not download ${packages[*]}: $(tail -n 1 "$work/log")"
	for deb in "$work"/deb/*.deb; do
		dpkg -x "$deb" "$work/tree"
	done
	rm -rf "$work/deb"
	kernel_pick "$work/tree" "$work/new"
	mv -T "$work/new" "$directory"
	rm -rf "$work"
	# A machine may be starting with last month's, so remove only older ones.
	find "$CACHE" -maxdepth 1 -name "kernel-newest-*" -mtime +40 -exec rm -rf {} +
}

# kernel_package VERSION prints the newest standard kernel of a version, or of
# all versions if VERSION is newest, and fails if there is none. The names of
# Debian's other flavours have one more word: cloud (which has no Bluetooth),
# rt, dbg and unsigned. Those of packages that only depend on the newest kernel of
# a series have no third number.
kernel_package() {
	local version=$1.
	[[ $1 != newest ]] || version=
	apt-cache "${APT_APART[@]}" pkgnames "linux-image-$version" |
		grep -E '^linux-image-[0-9]+\.[0-9]+\.[0-9]+[^-]*(-[0-9]+)?-amd64$' | sort -V | tail -n 1 | grep .
}

# kernel_parts PACKAGE prints the package of a kernel and those of its direct
# dependencies that are named after the same version. Since 6.19, the package
# linux-image-VERSION is empty; the image is in linux-binary-VERSION, and the
# modules are in linux-modules-VERSION.
kernel_parts() {
	local package=$1
	echo "$package"
	apt-cache "${APT_APART[@]}" depends --important "$package" |
		sed -n 's/^ *Depends: //p' | grep -F -e "-${package#linux-image-}" || true
}

# mirrors_find WORK sets MIRROR and MIRROR_SECURITY to the addresses in this
# machine's apt sources. apt itself parses the sources, so every format works.
# It prints only sources whose lists it has, so mirrors_find may have to fetch
# lists first, into a directory other than the machine's own. A machine without
# a Debian mirror, such as one with Ubuntu, gets Debian's own.
mirrors_find() {
	# shellcheck disable=SC2016 # variables of apt, not of the shell
	local work=$1 format='$(ORIGIN)|$(LABEL)|$(REPO_URI)' targets
	targets=$(apt-get indextargets --format "$format" 'Created-By: Packages')
	if ! grep -q '^Debian|Debian|' <<<"$targets"; then
		local machine=(-o "Dir::State::lists=$work/machine" -o "Dir::Cache=$work" -o APT::Sandbox::User=root)
		mkdir -p "$work/machine"
		quietly "$work/log" apt-get "${machine[@]}" update || true
		targets=$(apt-get "${machine[@]}" indextargets --format "$format" 'Created-By: Packages')
	fi
	MIRROR=$(awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }' <<<"$targets")
	MIRROR_SECURITY=$(awk -F'|' '$1 == "Debian" && $2 == "Debian-Security" { print $3; exit }' <<<"$targets")
	[[ -z $MIRROR ]] || return 0
	MIRROR=http://deb.debian.org/debian MIRROR_SECURITY=http://deb.debian.org/debian-security
	note "this machine's apt sources contain no Debian mirror; using deb.debian.org"
}

# sources_write SUITE[+SUITE…] prints an apt source list of the suites.
sources_write() {
	local suite mirror options="arch=amd64 target=Packages" keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ ! -e $keys ]] || options+=" signed-by=$keys"
	for suite in ${1//+/ }; do
		mirror=$MIRROR
		[[ $suite != *-security ]] || mirror=$MIRROR_SECURITY
		[[ -z $mirror ]] || echo "deb [$options] $mirror $suite main"
	done
}

# apt_apart WORK ARGUMENT… runs apt-get with WORK's source list. It neither
# reads nor changes the sources, the lists, the archive and the installed
# packages of this machine.
apt_apart() {
	local work=$1
	shift
	APT_APART=(
		-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$work/lists" -o Dir::State::status=/dev/null -o "Dir::Cache=$work"
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3
	)
	apt-get -q "${APT_APART[@]}" "$@"
}

# quietly LOG COMMAND… runs COMMAND and appends its output to LOG.
quietly() {
	local log=$1
	shift
	"$@" >>"$log" 2>&1 </dev/null
}

# kernel_pick TREE DIRECTORY copies the image and the modules from an
# unpacked package. Debian has moved the image from /boot to the directory
# of the modules, and the modules from /lib to /usr/lib, so kernel_pick
# searches for both.
kernel_pick() {
	local tree=$1 directory=$2 modules base version image name kind path plain
	modules=$(find "$tree" -path '*/lib/modules/*' -prune -type d -print -quit)
	version=${modules##*/}
	base=${modules%/lib/modules/*}
	image=$(find "$tree" -name 'vmlinuz*' -type f -print -quit)
	[[ -n $version && -n $image ]] || no_kernel "the kernel's package contains no vmlinuz or no modules"
	kernel_unpack "$image" >"$directory/kernel" || cp "$image" "$directory/kernel"
	depmod -b "$base" "$version"
	for name in "${KERNEL_MODULES[@]}"; do
		modprobe -d "$base" -S "$version" --show-depends "$name" || no_kernel "the kernel has no module $name"
	done | awk '!seen[$0]++' | while read -r kind path _; do
		[[ $kind == insmod ]] || continue # built into this kernel
		plain=$(basename "$path")
		plain=${plain%%.ko*}.ko
		case $path in
		*.xz) xz -dc "$path" ;;
		*.zst) zstd -dcq "$path" ;;
		*) cat "$path" ;;
		esac >"$directory/modules/$plain"
		echo "$plain" >>"$directory/modules/order"
	done
}

# kernel_unpack IMAGE prints the kernel that is compressed in IMAGE, or
# fails. In the emulation, decompressing the image would take half of the
# time of a boot.
kernel_unpack() {
	local image=$1 start length size unpack
	# The kernel's documentation of the x86 boot protocol defines the offsets.
	start=$(((1 + $(image_number "$image" 0x1f1 1)) * 512 + $(image_number "$image" 0x248 4)))
	length=$(image_number "$image" 0x24c 4)
	size=$(image_number "$image" $((start + length - 4)) 4) # of the kernel, after the compressed bytes
	case $(image_number "$image" "$start" 4) in
	$((0x587a37fd))) unpack=xz ;;
	$((0xfd2fb528))) unpack=zstd ;;
	*) return 1 ;;
	esac
	dd if="$image" iflag=skip_bytes,count_bytes skip="$start" count=$((length - 4)) bs=1M status=none |
		"$unpack" -dcq >"$image.plain" || return 1
	(($(stat -c %s "$image.plain") == size)) || return 1
	cat "$image.plain"
}

# image_number FILE OFFSET BYTES prints the little-endian number at an offset.
image_number() { od -A n -t "u$3" -j "$(($2))" -N "$3" --endian=little "$1" | tr -d ' '; }

# initramfs_prepare SERIES DIRECTORY builds the initramfs if one of its inputs
# has changed, and sets KERNEL_INITRAMFS.
initramfs_prepare() {
	local series=$1 directory=$2 busybox inputs
	busybox=$(command -v busybox)
	inputs=$(hash_of < <(cat "$LAB/init" "$busybox" "$directory"/modules/*; echo "$directory" "${INIT_PROGRAMS[@]}"))
	KERNEL_INITRAMFS=$CACHE/initramfs-$series-$inputs
	[[ -e $KERNEL_INITRAMFS ]] || with_lock initramfs_build "$series" "$directory" "$busybox"
	touch "$KERNEL_INITRAMFS" # marks it as used
}

initramfs_build() {
	local series=$1 directory=$2 busybox=$3 work program
	[[ ! -e $KERNEL_INITRAMFS ]] || return 0
	work=$(mktemp -d "$CACHE/initramfs.XXXXXX")
	discard_at_exit "$work"
	mkdir -p "$work"/tree/{bin,dev,proc,sys,lower,upper,root}
	cp "$busybox" "$work/tree/bin/busybox"
	for program in "${INIT_PROGRAMS[@]}"; do
		ln -s busybox "$work/tree/bin/$program"
	done
	install -m 755 "$LAB/init" "$work/tree/init"
	cp -r "$directory/modules" "$work/tree/modules"
	(cd "$work/tree" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$work/initramfs"
	# A machine may be booting with an older one, so remove only those unused
	# for long.
	find "$CACHE" -maxdepth 1 -name "initramfs-$series-????????????????" -mtime +1 -delete
	mv -T "$work/initramfs" "$KERNEL_INITRAMFS"
	rm -rf "$work"
}
