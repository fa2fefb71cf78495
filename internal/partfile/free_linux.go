package partfile

import (
	"errors"
	"math"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// Free returns the number of bytes that are free in the file system of root,
// for users other than the superuser. If the file system does not report its
// size, the error matches errors.ErrUnsupported.
func Free(root *os.Root) (int64, error) {
	directory, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	defer directory.Close()
	var st unix.Statfs_t
	for {
		err = unix.Fstatfs(int(directory.Fd()), &st)
		if err != unix.EINTR {
			break
		}
	}
	switch {
	case err != nil:
		return 0, os.NewSyscallError("fstatfs", err)
	case st.Blocks == 0: // such as a FUSE file system without a statfs method
		return 0, errors.ErrUnsupported
	}
	high, low := bits.Mul64(st.Bavail, uint64(st.Frsize))
	if high > 0 || low > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(low), nil
}
