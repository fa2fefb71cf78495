package serial

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lineDrainPause is the time between two looks at the queue of the driver, which
// reports no event when it is empty. tcdrain(3) cannot be used: it has no
// deadline, and keeps the file open.
const lineDrainPause = 2 * time.Millisecond

// drain waits until everything is sent.
func (u *uart) drain() error {
	ticker := time.NewTicker(lineDrainPause)
	defer ticker.Stop()
	for {
		sent := false
		err := u.control(func(fd int) (err error) {
			sent, err = u.sent(fd)
			return os.NewSyscallError("ioctl", err)
		})
		if err != nil || sent {
			return err
		}
		if u.drainExpired() {
			return os.ErrDeadlineExceeded
		}
		select {
		case <-u.closed:
			return errLineClosed
		case <-ticker.C:
		}
	}
}

// sent reports whether the driver and, as far as it is known, the hardware have
// nothing left to send.
func (u *uart) sent(fd int) (bool, error) {
	queued, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	if err != nil || queued > 0 {
		return false, err
	}
	status, err := unix.IoctlGetInt(fd, unix.TIOCSERGETLSR)
	if err != nil { // not every driver knows
		return true, nil
	}
	return status&transmitterEmpty != 0, nil
}

// transmitterEmpty is TIOCSER_TEMT of TIOCSERGETLSR.
const transmitterEmpty = 1

// drainExpired reports whether the write deadline is over.
func (u *uart) drainExpired() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.drainBefore.IsZero() && !time.Now().Before(u.drainBefore)
}
