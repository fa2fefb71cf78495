//go:build !linux

package serial

import (
	"errors"
	"io/fs"
	"time"
)

// A claim cannot be made, because only Linux has the devices to link to.
type claim struct{}

func claimName(fs.FileInfo, string) (*claim, error) { return nil, errors.ErrUnsupported }
func (*claim) release()                             {}
func changed(fs.FileInfo) time.Time                 { return time.Time{} }
