//go:build !linux

package serial

import (
	"context"
	"errors"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

var hints neterr.Hints

// A tty cannot exist on this platform.
type tty struct{ name string }

func handOver(_ context.Context, c *rfcomm.Conn, _, _ rfcomm.Addr, _ portOptions) (*tty, error) {
	c.Close()
	return nil, errors.ErrUnsupported
}

func (*tty) read([]byte) (int, error)         { return 0, errors.ErrUnsupported }
func (*tty) write([]byte) (int, error)        { return 0, errors.ErrUnsupported }
func (*tty) drain() error                     { return errors.ErrUnsupported }
func (*tty) awaitEnd() error                  { return errors.ErrUnsupported }
func (*tty) control(func(int) error) error    { return errors.ErrUnsupported }
func (*tty) close() error                     { return errors.ErrUnsupported }
func (*tty) setDeadline(time.Time) error      { return errors.ErrUnsupported }
func (*tty) setReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (*tty) setWriteDeadline(time.Time) error { return errors.ErrUnsupported }

func bind(int, rfcomm.Addr, rfcomm.Addr) (DeviceInfo, error) {
	return DeviceInfo{}, errors.ErrUnsupported
}

func release(int) error              { return errors.ErrUnsupported }
func devices() ([]DeviceInfo, error) { return nil, errors.ErrUnsupported }
