package btsocket

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// closeWait is the maximum time that a close waits for close(2), which blocks
// while a stalled link holds the kernel's rfcomm_mutex. Only tests change it.
var closeWait = 100 * time.Millisecond

// aLongTimeAgo is a deadline that wakes all pending calls.
var aLongTimeAgo = time.Unix(1, 0)

// A descriptor is the common part of connected and listening sockets: a place
// on the poller, deadlines, raw access, and Close.
//
// os.File protects the descriptor number from reuse. Its own Close is not
// enough: the last of the calls that it wakes runs close(2), and so could be
// stuck in it. A descriptor therefore wakes the pending calls by a deadline
// first.
type descriptor struct {
	file *os.File
	raw  syscall.RawConn // of file

	closed atomic.Bool // no call may start; set under mu
	mu     sync.Mutex  // orders deadlines and raw calls before or after the close
	rawUse sync.WaitGroup

	forgotten runtime.Cleanup // closes the file if the owner is garbage; under mu
}

// open puts the non-blocking socket fd on the poller. It takes ownership of fd.
func (d *descriptor) open(fd int) error {
	d.file = os.NewFile(uintptr(fd), "bluetooth")
	// If the poller refuses the descriptor, for example because of epoll's
	// limit on watches, os.NewFile silently falls back to blocking calls.
	if err := d.file.SetDeadline(time.Time{}); err != nil {
		go d.file.Close() // it can be stuck
		return os.NewSyscallError("epoll_ctl", unix.ENOSPC)
	}
	raw, err := d.file.SyscallConn()
	if err != nil {
		go d.file.Close()
		return err
	}
	d.raw = raw
	return nil
}

// beginClose makes all later calls fail and wakes the pending ones. It reports
// whether this is the first beginClose. d.mu must be held.
func (d *descriptor) beginClose() bool {
	if d.closed.Swap(true) {
		return false
	}
	d.forgotten.Stop()
	d.file.SetDeadline(aLongTimeAgo)
	return true
}

// release closes the descriptor as startRelease does, and waits for the result
// at most closeWait.
func (d *descriptor) release(last func(), locks ...sync.Locker) error {
	done := make(chan error, 1)
	d.startRelease(done, last, locks...)
	return waitBriefly(context.Background(), done)
}

// startRelease closes the descriptor on a goroutine of its own, after the end
// of all pending calls, which beginClose must have woken. Calls hold the given
// locks from start to end. last runs before close(2). done must be buffered: it
// receives the error of close(2), and is then closed.
func (d *descriptor) startRelease(done chan<- error, last func(), locks ...sync.Locker) {
	go func() {
		defer close(done)
		drain(locks...)
		d.rawUse.Wait()
		if last != nil {
			last()
		}
		done <- d.file.Close()
	}()
}

// drain waits until each of the locks was free once.
func drain(locks ...sync.Locker) {
	for _, lock := range locks {
		lock.Lock()
		//lint:ignore SA2001 later calls see that the socket is closed
		lock.Unlock()
	}
}

// waitBriefly waits for a close(2) that may be stuck: at most closeWait, and at
// most until ctx is done.
func waitBriefly(ctx context.Context, done <-chan error) error {
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// pollError translates the error of a failed wait.
func (d *descriptor) pollError(err error) error {
	switch {
	case err == nil:
		return nil
	case d.closed.Load():
		return net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	default:
		return err
	}
}

// SetDeadline sets the read and write deadlines.
func (d *descriptor) SetDeadline(t time.Time) error {
	return d.setDeadline(d.file.SetDeadline, t)
}

// SetReadDeadline sets the deadline of Read, or of Accept.
func (d *descriptor) SetReadDeadline(t time.Time) error {
	return d.setDeadline(d.file.SetReadDeadline, t)
}

// SetWriteDeadline sets the deadline of Write.
func (d *descriptor) SetWriteDeadline(t time.Time) error {
	return d.setDeadline(d.file.SetWriteDeadline, t)
}

func (d *descriptor) setDeadline(set func(time.Time) error, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return net.ErrClosed
	}
	return set(t)
}

// RawControl, RawRead and RawWrite are the methods of a syscall.RawConn.
func (d *descriptor) RawControl(f func(fd uintptr)) error {
	return d.useRaw(func() error { return d.raw.Control(f) })
}

func (d *descriptor) RawRead(f func(fd uintptr) bool) error {
	return d.useRaw(func() error { return d.raw.Read(f) })
}

func (d *descriptor) RawWrite(f func(fd uintptr) bool) error {
	return d.useRaw(func() error { return d.raw.Write(f) })
}

// CheckOpen returns net.ErrClosed after Close, and nil otherwise.
func (d *descriptor) CheckOpen() error {
	if d.closed.Load() {
		return net.ErrClosed
	}
	return nil
}

func (d *descriptor) useRaw(call func() error) error {
	d.mu.Lock()
	if d.closed.Load() {
		d.mu.Unlock()
		return net.ErrClosed
	}
	d.rawUse.Add(1)
	d.mu.Unlock()
	defer d.rawUse.Done()
	return d.pollError(call())
}

// control calls f with the descriptor. f may make system calls that do not
// block.
func (d *descriptor) control(f func(fd int) error) error {
	var result error
	if err := d.useRaw(func() error {
		return d.raw.Control(func(fd uintptr) { result = f(int(fd)) })
	}); err != nil {
		return err
	}
	return result
}

// SetReadBuffer sets the size of the kernel's receive buffer in bytes.
func (d *descriptor) SetReadBuffer(bytes int) error { return d.setOption(unix.SO_RCVBUF, bytes) }

// SetWriteBuffer sets the size of the kernel's send buffer in bytes.
func (d *descriptor) SetWriteBuffer(bytes int) error { return d.setOption(unix.SO_SNDBUF, bytes) }

func (d *descriptor) setOption(option, value int) error {
	return d.control(func(fd int) error {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, value))
	})
}

// File returns a duplicate of the descriptor. The caller must close it.
func (d *descriptor) File() (*os.File, error) {
	var file *os.File
	err := d.control(func(fd int) error {
		duplicate, err := Duplicate(fd)
		if err == nil {
			file = os.NewFile(uintptr(duplicate), d.file.Name())
		}
		return err
	})
	return file, err
}

// closeWhenForgotten makes the garbage collector close the file of an owner
// that is unreachable and was not closed. last, if not nil, runs first. os.File
// would close itself too, but on the goroutine that runs all finalizers of the
// process, which a stuck close(2) must not stop.
func closeWhenForgotten[T any](owner *T, file *os.File, last func(*os.File)) runtime.Cleanup {
	return runtime.AddCleanup(owner, func(file *os.File) {
		go func() {
			if last != nil {
				last(file)
			}
			file.Close()
		}()
	}, file)
}

// Name returns the socket's own address.
func (d *descriptor) Name() (name unix.Sockaddr, err error) {
	err = d.control(func(fd int) error {
		name, err = unix.Getsockname(fd)
		return os.NewSyscallError("getsockname", err)
	})
	return name, err
}
