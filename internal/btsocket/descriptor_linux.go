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

// closeWait bounds how long a close waits for close(2), which blocks while a
// stalled link holds the kernel's rfcomm_mutex. Only tests change it.
var closeWait = 100 * time.Millisecond

// aLongTimeAgo is a deadline that wakes all pending calls.
var aLongTimeAgo = time.Unix(1, 0)

// A descriptor is what connected and listening sockets have in common: a
// place on the poller, deadlines, raw access, and an end.
//
// os.File keeps the descriptor number safe from reuse. Its own Close is not
// enough, since the last of the calls that it wakes runs close(2), and so
// could be stuck in it; here the waiters are woken by a deadline first.
type descriptor struct {
	file *os.File
	raw  syscall.RawConn // of file

	closed atomic.Bool // no call may start; set under mu
	mu     sync.Mutex  // orders deadlines and raw calls before or after the end
	rawUse sync.WaitGroup

	forgotten runtime.Cleanup // closes what its owner has lost; under mu
}

// open puts the non-blocking socket fd, which it takes over, on the poller.
func (d *descriptor) open(fd int) error {
	d.file = os.NewFile(uintptr(fd), "bluetooth")
	// os.NewFile falls back silently to blocking calls where the poller
	// refuses the descriptor, which epoll's limit on watches can cause.
	if err := d.file.SetDeadline(time.Time{}); err != nil {
		go d.file.Close() // which can be stuck
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

// beginClose closes the socket to its users and wakes those who wait. It
// reports false when that had been done before. d.mu must be held.
func (d *descriptor) beginClose() bool {
	if d.closed.Swap(true) {
		return false
	}
	d.forgotten.Stop()
	d.file.SetDeadline(aLongTimeAgo)
	return true
}

// release closes the descriptor as startRelease does, and waits for that no
// longer than closeWait.
func (d *descriptor) release(last func(), locks ...sync.Locker) error {
	done := make(chan error, 1)
	d.startRelease(done, last, locks...)
	return waitBriefly(context.Background(), done)
}

// startRelease waits for the end of all pending calls, which beginClose must have
// woken, and closes the descriptor, on a goroutine of its own. Calls hold the given
// locks from start to end; last runs before close(2). done must be buffered: it
// gets the error of close(2) and is closed.
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
		//lint:ignore SA2001 those who come later see that the socket is closed
		lock.Unlock()
	}
}

// waitBriefly waits for a close(2) that may be stuck: for closeWait at most, and
// no longer than until ctx is done.
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

// SetDeadline sets the read and the write deadline.
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

// CheckOpen returns net.ErrClosed after Close, and nil before.
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

// control runs f, which makes system calls that do not block, on the
// descriptor.
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

// File returns a duplicate of the descriptor, for the caller to close.
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

// closeWhenForgotten makes the garbage collector close the file, after last,
// when its owner was lost unclosed. os.File would do so itself, but on the
// goroutine that runs all finalizers of the process, which a stuck close(2)
// must not stop.
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
