package serial

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A claim marks a path as used by this process until its end, however it ends.
type claim struct{ socket int }

// errClaimed is the error of a path that another Device uses.
var errClaimed = fmt.Errorf("%w: another device of this program or of another process uses it", syscall.EBUSY)

// claimName claims a name in a directory. The claim is the name of an abstract
// Unix socket (unix(7)): the kernel removes it with the process, and no
// file is left to clean up. Processes in different network namespaces do not see each
// other's claims.
func claimName(directory fs.FileInfo, name string) (*claim, error) {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	stat := directory.Sys().(*syscall.Stat_t)
	// A hash, because sun_path has 108 bytes only.
	key := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", stat.Dev, stat.Ino, name))
	err = unix.Bind(socket, &unix.SockaddrUnix{Name: fmt.Sprintf("@rfcomm-serial-%x", key)})
	if err == nil {
		return &claim{socket}, nil
	}
	unix.Close(socket)
	if err == unix.EADDRINUSE {
		return nil, errClaimed
	}
	return nil, os.NewSyscallError("bind", err)
}

func (c *claim) release() { unix.Close(c.socket) }

// changed returns the time at which a node was created or, later, its owner or
// permissions were changed.
func changed(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
}
