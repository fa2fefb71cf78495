package partfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// markName is the extended attribute of a part file.
const markName = "user.filetransfer.part"

// setMark marks a part file as one of this package. On file systems without
// extended attributes it does nothing.
func setMark(f *os.File) { unix.Fsetxattr(int(f.Fd()), markName, []byte("1"), 0) }

// removeMark removes the mark from a file that becomes complete.
func removeMark(f *os.File) { unix.Fremovexattr(int(f.Fd()), markName) }

// fileHasMark reports whether a file has the mark.
func fileHasMark(f *os.File) bool {
	_, err := unix.Fgetxattr(int(f.Fd()), markName, nil)
	return err == nil
}
