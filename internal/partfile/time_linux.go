package partfile

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// setModTime sets the modification time of a file in dir. Unlike Chtimes of
// package os, it does not count in nanoseconds since 1970, which overflow in
// 1677 and 2262.
func setModTime(dir *os.Root, name string, t time.Time) error {
	modified, err := unix.TimeToTimespec(t)
	if err != nil {
		return fmt.Errorf("%w: this system has no time %v", errors.ErrUnsupported, t)
	}
	directory, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer directory.Close()
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, modified}
	for {
		err := unix.UtimesNanoAt(int(directory.Fd()), name, times, unix.AT_SYMLINK_NOFOLLOW)
		if err != unix.EINTR {
			return os.NewSyscallError("utimensat", err)
		}
	}
}
