package labscript

import (
	"slices"
	"strings"
	"testing"
)

// stubs are the functions that kernels.bash expects, and stand-ins for apt. The
// mirror has kernels in both layouts of Debian, and other flavours of them.
const stubs = `
set -euo pipefail
LAB=$PWD/lab
note() { echo "lab: $*" >&2; }
fail() { note "$*"; exit 125; }
discard_at_exit() { :; }
. lab/kernels.bash
APT_APART=()
packages() {
	case $MIRROR_HAS in
	nothing) return ;;
	esac
	printf '%s\n' linux-image-amd64 linux-image-6.12-amd64 linux-image-7.9-amd64 linux-image-6.1.0-9-amd64 linux-image-6.1.0-51-amd64 \
		linux-image-6.12.9+deb13-amd64 linux-image-6.12.118+deb13-amd64 linux-image-6.12.118+deb13-amd64-unsigned \
		linux-image-7.2.13+deb14-amd64 linux-image-7.3.4+deb13-amd64 linux-image-7.3.4+deb13-cloud-amd64 \
		linux-image-7.3.4+deb13-rt-amd64 linux-image-7.3.4+deb13-amd64-dbg
}
apt-cache() {
	local prefix=${*: -1}
	case $1 in
	pkgnames) packages | awk -v prefix="$prefix" 'index($0, prefix) == 1' ;;
	depends)
		printf '%s\n' "$prefix" '  Depends: dracut' ' |Depends: initramfs-tools'
		[[ $prefix != *-7.* ]] || printf '  Depends: linux-%s-7.3.4+deb13-amd64\n' base binary modules
		[[ $prefix != *-6.1.0-* ]] || echo '  Depends: linux-base'
		;;
	esac
}
MIRROR_HAS=${MIRROR_HAS-all}
`

func TestKernelPackageFindsNewest(t *testing.T) {
	for version, want := range map[string]string{
		"6.1":    "linux-image-6.1.0-51-amd64",
		"6.12":   "linux-image-6.12.118+deb13-amd64",
		"7.2":    "linux-image-7.2.13+deb14-amd64",
		"newest": "linux-image-7.3.4+deb13-amd64",
	} {
		if got := must(t, stubs+"kernel_package "+version); got != want {
			t.Errorf("%s: got %q, want %s", version, got, want)
		}
	}
	if got, status := bash(t, stubs+"kernel_package 5.10"); status == 0 {
		t.Errorf("5.10: got %q, want a failure", got)
	}
}

func TestKernelPartsOfBothLayouts(t *testing.T) {
	for name, want := range map[string][]string{
		"linux-image-6.1.0-51-amd64":       {"linux-image-6.1.0-51-amd64"},
		"linux-image-6.12.118+deb13-amd64": {"linux-image-6.12.118+deb13-amd64"},
		"linux-image-7.3.4+deb13-amd64": {"linux-image-7.3.4+deb13-amd64", "linux-base-7.3.4+deb13-amd64",
			"linux-binary-7.3.4+deb13-amd64", "linux-modules-7.3.4+deb13-amd64"},
	} {
		if got := strings.Fields(must(t, stubs+"kernel_parts "+name)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestKernelFetchReportsMissing(t *testing.T) {
	output, status := bash(t, "MIRROR_HAS=nothing"+stubs+`
		mirrors_find() { MIRROR=mirror MIRROR_SECURITY=; }
		apt_apart() { echo "apt_apart $2"; }
		CACHE=$(mktemp -d)
		trap 'rm -rf -- "$CACHE"' EXIT
		kernel_fetch newest "$CACHE/kernel"`)
	const want = "lab: found no Debian kernel newest in "
	if status != 123 || !strings.Contains(output, want) {
		t.Errorf("exit status %d, %q; want 123 and %q", status, output, want)
	}
}
