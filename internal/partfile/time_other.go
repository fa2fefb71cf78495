//go:build !linux

package partfile

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// setModTime sets the modification time of a file in dir.
func setModTime(dir *os.Root, name string, t time.Time) error {
	// Chtimes counts in nanoseconds since 1970.
	if !time.Unix(0, t.UnixNano()).Equal(t) {
		return fmt.Errorf("%w: this system has no time %v", errors.ErrUnsupported, t)
	}
	return dir.Chtimes(name, time.Time{}, t)
}
