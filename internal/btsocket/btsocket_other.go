//go:build !linux

package btsocket

import (
	"context"
	"errors"
	"os"
	"time"
)

// A Socket cannot exist on this platform. It has the methods that portable
// files call. Connect, Listen, Accept and Name have types of package unix and
// exist on Linux alone.
type Socket struct{ descriptor }

func (*Socket) Read([]byte) (int, error)                               { return 0, errors.ErrUnsupported }
func (*Socket) Write([]byte) (int, error)                              { return 0, errors.ErrUnsupported }
func (*Socket) CloseContext(context.Context) error                     { return errors.ErrUnsupported }
func (*Socket) SetChunker(Chunker)                                     {}
func (*Socket) End()                                                   {}
func (*Socket) Connected() bool                                        { return false }
func (*Socket) Shutdown(context.Context, func() (uint16, error)) error { return errors.ErrUnsupported }

// A Listener cannot exist on this platform.
type Listener struct{ descriptor }

type descriptor struct{}

func (*descriptor) Close() error                      { return errors.ErrUnsupported }
func (*descriptor) SetDeadline(time.Time) error       { return errors.ErrUnsupported }
func (*descriptor) SetReadDeadline(time.Time) error   { return errors.ErrUnsupported }
func (*descriptor) SetWriteDeadline(time.Time) error  { return errors.ErrUnsupported }
func (*descriptor) CheckOpen() error                  { return errors.ErrUnsupported }
func (*descriptor) RawControl(func(uintptr)) error    { return errors.ErrUnsupported }
func (*descriptor) RawRead(func(uintptr) bool) error  { return errors.ErrUnsupported }
func (*descriptor) RawWrite(func(uintptr) bool) error { return errors.ErrUnsupported }
func (*descriptor) File() (*os.File, error)           { return nil, errors.ErrUnsupported }
func (*descriptor) SetReadBuffer(int) error           { return errors.ErrUnsupported }
func (*descriptor) SetWriteBuffer(int) error          { return errors.ErrUnsupported }
